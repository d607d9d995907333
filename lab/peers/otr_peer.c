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
#include "otr_peer.h"

void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

void hex_of(const unsigned char *fingerprint, char *out)
{
    for (int i = 0; i < 20; i++)
        snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}

void tell_message(struct peer *self, const char *from, int encrypted, const char *text)
{
    char *coded = xmpp_base64_encode(self->ctx, (const unsigned char *)text, strlen(text));
    if (coded) {
        tell("message %s %s %s", from, encrypted ? "encrypted" : "plain", coded);
        xmpp_free(self->ctx, coded);
    }
}

long long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
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
        end_otr(self, jid);
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
        poll_otr(self);
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
