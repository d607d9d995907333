/* A conversation partner that is not ours: XMPP by libstrophe, OTR by libotr.
 *
 * It logs in straight to the lab's server on loopback and takes whatever certificate that has; it is
 * the lab's peer, never a client for people. It is driven by lines on standard input and tells what
 * happens by lines on standard output, so that a test in any language can hold its end.
 *
 *   otr_peer --jid JID --password WORD --dir DIR [--host 127.0.0.1] [--port 5222] [--plain]
 *            [--policy required|opportunistic|manual] [--fragment BYTES] [--resource NAME]
 *
 * Input, one command a line; JID is bare; TEXT is base64 of UTF-8:
 *   start JID           asks for a private conversation
 *   send JID TEXT       sends, as the policy has it
 *   raw JID TEXT        sends past OTR, to try what a bad peer would do
 *   end JID             ends the private conversation
 *   subscribe JID       asks to see the contact's presence
 *   approve JID         lets the contact see ours (requests are approved by themselves)
 *   quit                says goodbye and ends
 * Output:
 *   fingerprint HEX                     our own, 40 lower-case digits, before the first "ready"
 *   ready FULLJID                       logged in; again after each reconnection
 *   private JID HEX                     a private conversation stands; HEX is the peer's fingerprint
 *   refreshed JID HEX                   its keys were agreed on anew
 *   message JID encrypted|plain TEXT    the peer wrote
 *   sent JID                            a "send" has been handed to the server
 *   finished JID                        the peer ended the private conversation
 *   presence FULLJID available|unavailable
 *   subscribed JID                      the contact lets us see its presence
 *   disconnected                        the server went away; we try again each second
 *   event NAME JID                      what libotr has to say otherwise
 *   error WHAT...                       something failed
 * It ends with 0 after "quit" and at the end of its input, with 1 when it cannot begin. */

#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <libotr/instag.h>
#include <libotr/proto.h>
#include <libotr/tlv.h>
/* libotr's own headers depend on this order. */
#include <libotr/message.h>
#include <libotr/privkey.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL "xmpp"
#define PATH_BYTES 512
#define LINE_BYTES (4 * 1024 * 1024)
#define PEERS 32
#define ROUND_MS 5
#define RECONNECT_MS 1000

/* Where a contact's last message came from: answers go to that resource. */
struct place {
    char *bare;
    char *full;
};

struct peer {
    const char *jid, *password, *dir, *host, *resource;
    unsigned short port;
    int plain, fragment;
    OtrlPolicy policy;
    char *bare;
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;
    OtrlUserState otr;
    struct place places[PEERS];
    size_t place_count;
    int online, quitting, told_key;
    long long reconnect_at, poll_at;
    unsigned int poll_every;
    char *input;
    size_t input_used;
};

/* ---- telling ---- */

static void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void hex_of(const unsigned char *fingerprint, char *out)
{
    for (int i = 0; i < 20; i++)
        snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}

static void tell_message(struct peer *self, const char *from, int encrypted, const char *text)
{
    char *coded = xmpp_base64_encode(self->ctx, (const unsigned char *)text, strlen(text));
    if (coded) {
        tell("message %s %s %s", from, encrypted ? "encrypted" : "plain", coded);
        xmpp_free(self->ctx, coded);
    }
}

static long long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* ---- addresses ---- */

static struct place *place_of(struct peer *self, const char *bare)
{
    for (size_t i = 0; i < self->place_count; i++)
        if (strcmp(self->places[i].bare, bare) == 0)
            return &self->places[i];
    return NULL;
}

static void remember_place(struct peer *self, const char *bare, const char *full)
{
    struct place *place = place_of(self, bare);
    if (!place) {
        if (self->place_count == PEERS)
            return;
        place = &self->places[self->place_count++];
        place->bare = strdup(bare);
    } else {
        free(place->full);
    }
    place->full = full ? strdup(full) : NULL;
}

/* ---- XMPP, outwards ---- */

static void send_body(struct peer *self, const char *bare, const char *text)
{
    const struct place *place = place_of(self, bare);
    const char *to = place && place->full ? place->full : bare;
    char *id = xmpp_uuid_gen(self->ctx);
    xmpp_stanza_t *message = xmpp_message_new(self->ctx, "chat", to, id);
    if (xmpp_message_set_body(message, text) == XMPP_EOK && self->online)
        xmpp_send(self->conn, message);
    else
        tell("error not sent to %s", bare);
    xmpp_stanza_release(message);
    xmpp_free(self->ctx, id);
}

static void send_presence(struct peer *self, const char *type, const char *to)
{
    xmpp_stanza_t *presence = xmpp_presence_new(self->ctx);
    if (type)
        xmpp_stanza_set_type(presence, type);
    if (to)
        xmpp_stanza_set_to(presence, to);
    if (self->online)
        xmpp_send(self->conn, presence);
    xmpp_stanza_release(presence);
}

/* ---- what libotr asks of us ---- */

static OtrlPolicy on_policy(void *data, ConnContext *context)
{
    (void)context;
    return ((struct peer *)data)->policy;
}

static int make_key(struct peer *self)
{
    char file[PATH_BYTES];
    snprintf(file, sizeof file, "%s/otr.private_key", self->dir);
    if (otrl_privkey_read(self->otr, file) || !otrl_privkey_find(self->otr, self->bare, PROTOCOL))
        return otrl_privkey_generate(self->otr, file, self->bare, PROTOCOL) == 0;
    return 1;
}

static void on_create_privkey(void *data, const char *account, const char *protocol)
{
    (void)account;
    (void)protocol;
    make_key(data);
}

static int on_is_logged_in(void *data, const char *account, const char *protocol, const char *recipient)
{
    (void)data;
    (void)account;
    (void)protocol;
    (void)recipient;
    return 1;
}

static void on_inject(void *data, const char *account, const char *protocol, const char *to, const char *text)
{
    (void)account;
    (void)protocol;
    send_body(data, to, text);
}

static void on_update(void *data)
{
    (void)data;
}

static void on_new_fingerprint(void *data, OtrlUserState state, const char *account, const char *protocol,
                               const char *username, unsigned char fingerprint[20])
{
    (void)data;
    (void)state;
    (void)account;
    (void)protocol;
    (void)username;
    (void)fingerprint;
}

static void tell_private(const char *what, const ConnContext *context)
{
    char hex[41] = "";
    if (context->active_fingerprint && context->active_fingerprint->fingerprint)
        hex_of(context->active_fingerprint->fingerprint, hex);
    tell("%s %s %s", what, context->username, hex);
}

static void on_secure(void *data, ConnContext *context)
{
    (void)data;
    tell_private("private", context);
}

static void on_insecure(void *data, ConnContext *context)
{
    (void)data;
    tell("event gone_insecure %s", context->username);
}

static void on_still_secure(void *data, ConnContext *context, int is_reply)
{
    (void)data;
    (void)is_reply;
    tell_private("refreshed", context);
}

static int on_max_size(void *data, ConnContext *context)
{
    (void)context;
    return ((struct peer *)data)->fragment;
}

static const char *on_account_name(void *data, const char *account, const char *protocol)
{
    (void)data;
    (void)protocol;
    return strdup(account);
}

static void on_free(void *data, const char *text)
{
    (void)data;
    free((char *)text);
}

static const char *on_error_message(void *data, ConnContext *context, OtrlErrorCode code)
{
    (void)data;
    (void)context;
    switch (code) {
    case OTRL_ERRCODE_MSG_NOT_IN_PRIVATE:
        return strdup("You sent encrypted words, but we have no private conversation.");
    case OTRL_ERRCODE_MSG_UNREADABLE:
        return strdup("Your encrypted message cannot be read.");
    case OTRL_ERRCODE_MSG_MALFORMED:
        return strdup("Your message is malformed.");
    default:
        return strdup("Encryption failed.");
    }
}

static const char *on_resent_prefix(void *data, ConnContext *context)
{
    (void)data;
    (void)context;
    return strdup("[resent]");
}

static void on_smp(void *data, OtrlSMPEvent event, ConnContext *context, unsigned short percent, char *question)
{
    (void)data;
    (void)question;
    tell("event smp_%d_%u %s", (int)event, percent, context->username);
}

static const char *event_name(OtrlMessageEvent event)
{
    static const char *names[] = {
        "none",           "encryption_required", "encryption_error", "connection_ended",   "setup_error",
        "reflected",      "resent",              "not_in_private",   "unreadable",         "malformed",
        "heartbeat_rcvd", "heartbeat_sent",      "general_error",    "unencrypted",        "unrecognized",
        "other_instance",
    };
    return (size_t)event < sizeof names / sizeof *names ? names[event] : "unknown";
}

static void on_event(void *data, OtrlMessageEvent event, ConnContext *context, const char *text, gcry_error_t error)
{
    struct peer *self = data;
    const char *who = context ? context->username : "-";
    if (event == OTRL_MSGEVENT_RCVDMSG_UNENCRYPTED && text)
        tell_message(self, who, 0, text);
    else if (event == OTRL_MSGEVENT_SETUP_ERROR)
        tell("error setup %s %s", who, gcry_strerror(error));
    else if (event == OTRL_MSGEVENT_RCVDMSG_GENERAL_ERR && text)
        tell("error from %s %s", who, text);
    else
        tell("event %s %s", event_name(event), who);
}

static void on_create_instag(void *data, const char *account, const char *protocol)
{
    struct peer *self = data;
    char file[PATH_BYTES];
    snprintf(file, sizeof file, "%s/otr.instance_tags", self->dir);
    otrl_instag_generate(self->otr, file, account, protocol);
}

static void on_timer(void *data, unsigned int interval)
{
    struct peer *self = data;
    self->poll_every = interval;
    self->poll_at = now_ms() + interval * 1000LL;
}

static const OtrlMessageAppOps OPS = {
    .policy = on_policy,
    .create_privkey = on_create_privkey,
    .is_logged_in = on_is_logged_in,
    .inject_message = on_inject,
    .update_context_list = on_update,
    .new_fingerprint = on_new_fingerprint,
    .write_fingerprints = on_update,
    .gone_secure = on_secure,
    .gone_insecure = on_insecure,
    .still_secure = on_still_secure,
    .max_message_size = on_max_size,
    .account_name = on_account_name,
    .account_name_free = on_free,
    .otr_error_message = on_error_message,
    .otr_error_message_free = on_free,
    .resent_msg_prefix = on_resent_prefix,
    .resent_msg_prefix_free = on_free,
    .handle_smp_event = on_smp,
    .handle_msg_event = on_event,
    .create_instag = on_create_instag,
    .timer_control = on_timer,
};

/* ---- XMPP, inwards ---- */

static void receive_text(struct peer *self, const char *bare, const char *text)
{
    char *readable = NULL;
    OtrlTLV *tlvs = NULL;
    int internal = otrl_message_receiving(self->otr, &OPS, self, self->bare, PROTOCOL, bare, text, &readable, &tlvs,
                                          NULL, NULL, NULL);
    if (otrl_tlv_find(tlvs, OTRL_TLV_DISCONNECTED))
        tell("finished %s", bare);
    if (!internal) {
        /* What libotr made readable from an OTR message was encrypted; what it only stripped of a
         * whitespace tag, or left alone, was not. */
        int encrypted = readable && strncmp(text, "?OTR", 4) == 0;
        tell_message(self, bare, encrypted, readable ? readable : text);
    }
    otrl_message_free(readable);
    otrl_tlv_free(tlvs);
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
    struct peer *self = data;
    (void)conn;
    const char *from = xmpp_stanza_get_from(stanza);
    const char *type = xmpp_stanza_get_type(stanza);
    if (!from)
        return 1;
    char *bare = xmpp_jid_bare(self->ctx, from);
    char *text = xmpp_message_get_body(stanza);
    if (type && strcmp(type, "error") == 0) {
        remember_place(self, bare, NULL);
        tell("error message bounced from %s", bare);
    } else if (text) {
        remember_place(self, bare, from);
        receive_text(self, bare, text);
    }
    xmpp_free(self->ctx, text);
    xmpp_free(self->ctx, bare);
    return 1;
}

static int on_presence(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
    struct peer *self = data;
    (void)conn;
    const char *from = xmpp_stanza_get_from(stanza);
    const char *type = xmpp_stanza_get_type(stanza);
    if (!from)
        return 1;
    char *bare = xmpp_jid_bare(self->ctx, from);
    const struct place *place = place_of(self, bare);
    if (!type) {
        tell("presence %s available", from);
    } else if (strcmp(type, "unavailable") == 0) {
        tell("presence %s unavailable", from);
        if (place && place->full && strcmp(place->full, from) == 0)
            remember_place(self, bare, NULL);
    } else if (strcmp(type, "subscribe") == 0) {
        send_presence(self, "subscribed", bare);
    } else if (strcmp(type, "subscribed") == 0) {
        tell("subscribed %s", bare);
    } else if (strcmp(type, "error") == 0) {
        tell("error presence of %s", bare);
    }
    xmpp_free(self->ctx, bare);
    return 1;
}

/* Nothing that we know how to answer: RFC 6120 8.2.3 wants an error. */
static int on_request(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
    struct peer *self = data;
    const char *type = xmpp_stanza_get_type(stanza);
    if (!type || (strcmp(type, "get") != 0 && strcmp(type, "set") != 0))
        return 1;
    int roster = xmpp_stanza_get_child_by_ns(stanza, "jabber:iq:roster") != NULL;
    xmpp_stanza_t *reply = xmpp_stanza_reply(stanza);
    xmpp_stanza_set_type(reply, roster ? "result" : "error");
    if (!roster) {
        xmpp_stanza_t *error = xmpp_stanza_new(self->ctx), *cause = xmpp_stanza_new(self->ctx);
        xmpp_stanza_set_name(error, "error");
        xmpp_stanza_set_type(error, "cancel");
        xmpp_stanza_set_name(cause, "service-unavailable");
        xmpp_stanza_set_ns(cause, "urn:ietf:params:xml:ns:xmpp-stanzas");
        xmpp_stanza_add_child(error, cause);
        xmpp_stanza_add_child(reply, error);
        xmpp_stanza_release(cause);
        xmpp_stanza_release(error);
    }
    xmpp_send(conn, reply);
    xmpp_stanza_release(reply);
    return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
                          void *data)
{
    struct peer *self = data;
    (void)error;
    if (event == XMPP_CONN_CONNECT) {
        self->online = 1;
        xmpp_handler_add(conn, on_message, NULL, "message", NULL, self);
        xmpp_handler_add(conn, on_presence, NULL, "presence", NULL, self);
        xmpp_handler_add(conn, on_request, NULL, "iq", NULL, self);
        send_presence(self, NULL, NULL);
        tell("ready %s", xmpp_conn_get_bound_jid(conn));
        return;
    }
    if (stream_error && stream_error->text)
        tell("error stream %s", stream_error->text);
    if (self->online && !self->quitting)
        tell("disconnected");
    self->online = 0;
    self->reconnect_at = now_ms() + RECONNECT_MS;
    if (self->quitting)
        xmpp_stop(self->ctx);
}

static int connect_now(struct peer *self)
{
    char jid[PATH_BYTES];
    if (self->conn)
        xmpp_conn_release(self->conn);
    self->conn = xmpp_conn_new(self->ctx);
    long tls = self->plain ? XMPP_CONN_FLAG_DISABLE_TLS : XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_TRUST_TLS;
    xmpp_conn_set_flags(self->conn, tls | XMPP_CONN_FLAG_DISABLE_SM);
    snprintf(jid, sizeof jid, "%s%s%s", self->bare, self->resource ? "/" : "", self->resource ? self->resource : "");
    xmpp_conn_set_jid(self->conn, jid);
    xmpp_conn_set_pass(self->conn, self->password);
    self->reconnect_at = 0;
    if (xmpp_connect_client(self->conn, self->host, self->port, on_connection, self) == XMPP_EOK)
        return 1;
    self->reconnect_at = now_ms() + RECONNECT_MS;
    return 0;
}

/* ---- commands ---- */

static void send_text(struct peer *self, const char *bare, const char *text)
{
    char *sealed = NULL;
    gcry_error_t error =
        otrl_message_sending(self->otr, &OPS, self, self->bare, PROTOCOL, bare, OTRL_INSTAG_BEST, text, NULL, &sealed,
                             OTRL_FRAGMENT_SEND_ALL_BUT_LAST, NULL, NULL, NULL);
    if (error) {
        tell("error encryption %s %s", bare, gcry_strerror(error));
    } else {
        /* What libotr gives back is the last fragment, the whole, or a query in its place. */
        send_body(self, bare, sealed ? sealed : text);
        tell("sent %s", bare);
    }
    otrl_message_free(sealed);
}

static void start_otr(struct peer *self, const char *bare)
{
    char *query = otrl_proto_default_query_msg(self->bare, self->policy);
    if (query)
        send_body(self, bare, query);
    free(query);
}

static void obey(struct peer *self, char *line)
{
    char *rest = NULL, *text = NULL;
    char *command = strtok_r(line, " ", &rest);
    char *jid = strtok_r(NULL, " ", &rest);
    char *coded = strtok_r(NULL, " ", &rest);
    if (!command)
        return;
    if (coded)
        text = xmpp_base64_decode_str(self->ctx, coded, strlen(coded));
    if (strcmp(command, "quit") == 0) {
        self->quitting = 1;
        if (self->online)
            xmpp_disconnect(self->conn);
        else
            xmpp_stop(self->ctx);
    } else if (!jid) {
        tell("error %s needs a JID", command);
    } else if (strcmp(command, "start") == 0) {
        start_otr(self, jid);
    } else if (strcmp(command, "end") == 0) {
        otrl_message_disconnect_all_instances(self->otr, &OPS, self, self->bare, PROTOCOL, jid);
    } else if (strcmp(command, "subscribe") == 0) {
        send_presence(self, "subscribe", jid);
    } else if (strcmp(command, "approve") == 0) {
        send_presence(self, "subscribed", jid);
    } else if (!text) {
        tell("error unknown command, or no text in base64: %s", command);
    } else if (strcmp(command, "send") == 0) {
        send_text(self, jid, text);
    } else if (strcmp(command, "raw") == 0) {
        send_body(self, jid, text);
    } else {
        tell("error unknown command: %s", command);
    }
    if (text)
        xmpp_free(self->ctx, text);
}

/* Reads what there is and obeys every whole line; 0 at the end of input. */
static int read_commands(struct peer *self)
{
    ssize_t got = read(STDIN_FILENO, self->input + self->input_used, LINE_BYTES - 1 - self->input_used);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0 || self->input_used + (size_t)got == LINE_BYTES - 1)
        return 0;
    self->input_used += (size_t)got;
    self->input[self->input_used] = '\0';
    char *line = self->input, *end;
    while (!self->quitting && (end = strchr(line, '\n'))) {
        *end = '\0';
        obey(self, line);
        line = end + 1;
    }
    self->input_used -= (size_t)(line - self->input);
    memmove(self->input, line, self->input_used);
    return 1;
}

/* ---- beginning and end ---- */

static int usage(void)
{
    fprintf(stderr, "usage: otr_peer --jid JID --password WORD --dir DIR [--host H] [--port P] [--plain]\n"
                    "       [--policy required|opportunistic|manual] [--fragment BYTES] [--resource NAME]\n");
    return 1;
}

static int parse_policy(struct peer *self, const char *name)
{
    OtrlPolicy v3 = OTRL_POLICY_ALLOW_V3;
    if (strcmp(name, "required") == 0)
        self->policy = v3 | OTRL_POLICY_REQUIRE_ENCRYPTION | OTRL_POLICY_WHITESPACE_START_AKE |
                       OTRL_POLICY_ERROR_START_AKE;
    else if (strcmp(name, "opportunistic") == 0)
        self->policy = v3 | OTRL_POLICY_SEND_WHITESPACE_TAG | OTRL_POLICY_WHITESPACE_START_AKE |
                       OTRL_POLICY_ERROR_START_AKE;
    else if (strcmp(name, "manual") == 0)
        self->policy = v3;
    else
        return 0;
    return 1;
}

static int parse_arguments(struct peer *self, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        if (strcmp(name, "--plain") == 0) {
            self->plain = 1;
            continue;
        }
        const char *value = i + 1 < count ? arguments[++i] : NULL;
        if (!value)
            return 0;
        if (strcmp(name, "--jid") == 0)
            self->jid = value;
        else if (strcmp(name, "--password") == 0)
            self->password = value;
        else if (strcmp(name, "--dir") == 0)
            self->dir = value;
        else if (strcmp(name, "--host") == 0)
            self->host = value;
        else if (strcmp(name, "--resource") == 0)
            self->resource = value;
        else if (strcmp(name, "--port") == 0)
            self->port = (unsigned short)atoi(value);
        else if (strcmp(name, "--fragment") == 0)
            self->fragment = atoi(value);
        else if (strcmp(name, "--policy") != 0 || !parse_policy(self, value))
            return 0;
    }
    return self->jid && self->password && self->dir && self->port;
}

static int begin(struct peer *self)
{
    unsigned char fingerprint[20];
    char hex[41];
    if (mkdir(self->dir, 0700) != 0 && errno != EEXIST) {
        tell("error folder %s: %s", self->dir, strerror(errno));
        return 0;
    }
    OTRL_INIT;
    self->otr = otrl_userstate_create();
    self->bare = xmpp_jid_bare(self->ctx, self->jid);
    self->input = malloc(LINE_BYTES);
    if (!self->otr || !self->bare || !self->input || !make_key(self) ||
        !otrl_privkey_fingerprint_raw(self->otr, fingerprint, self->bare, PROTOCOL)) {
        tell("error no OTR key");
        return 0;
    }
    hex_of(fingerprint, hex);
    tell("fingerprint %s", hex);
    return fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK) == 0;
}

static void live(struct peer *self)
{
    connect_now(self);
    for (;;) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        xmpp_run_once(self->ctx, ROUND_MS);
        if (self->quitting && !self->online)
            return;
        /* Commands wait until there is somebody to send them to; the end of input does not. */
        int waiting = poll(&input, 1, 0) > 0;
        if (waiting && !self->online && !(input.revents & POLLIN))
            return;
        if (waiting && self->online && !self->quitting && !read_commands(self))
            return;
        if (self->reconnect_at && now_ms() >= self->reconnect_at && !self->quitting)
            connect_now(self);
        if (self->poll_every && now_ms() >= self->poll_at) {
            self->poll_at = now_ms() + self->poll_every * 1000LL;
            otrl_message_poll(self->otr, &OPS, self);
        }
    }
}

int main(int count, char **arguments)
{
    static struct peer self = {.host = "127.0.0.1", .port = 5222};
    parse_policy(&self, "required");
    if (!parse_arguments(&self, count, arguments))
        return usage();
    xmpp_initialize();
    self.ctx = xmpp_ctx_new(NULL, NULL);
    if (!self.ctx || !begin(&self))
        return 1;
    live(&self);
    return 0;
}
