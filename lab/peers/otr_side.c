/* The peer's OTR side: what libotr asks of a program, and what the program asks of libotr. */

#define _POSIX_C_SOURCE 200809L
#include "otr_peer.h"

static OtrlPolicy on_policy(void *data, ConnContext *context)
{
    (void)context;
    return ((struct peer *)data)->policy;
}

int make_key(struct peer *self)
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

void receive_text(struct peer *self, const char *bare, const char *text)
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

void send_text(struct peer *self, const char *bare, const char *text)
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

void start_otr(struct peer *self, const char *bare)
{
    char *query = otrl_proto_default_query_msg(self->bare, self->policy);
    if (query)
        send_body(self, bare, query);
    free(query);
}

void end_otr(struct peer *self, const char *bare)
{
    otrl_message_disconnect_all_instances(self->otr, &OPS, self, self->bare, PROTOCOL, bare);
}

/* Lets libotr forget old secrets at the times that it asked for. */
void poll_otr(struct peer *self)
{
    if (self->poll_every && now_ms() >= self->poll_at) {
        self->poll_at = now_ms() + self->poll_every * 1000LL;
        otrl_message_poll(self->otr, &OPS, self);
    }
}
