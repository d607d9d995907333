/* The peer's XMPP side: logging in, messages, presence. */

#define _POSIX_C_SOURCE 200809L
#include "otr_peer.h"

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


void send_body(struct peer *self, const char *bare, const char *text)
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

void send_presence(struct peer *self, const char *type, const char *to)
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

int connect_now(struct peer *self)
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
