/* What the three files of the peer share. */

#ifndef OTR_PEER_H
#define OTR_PEER_H

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
    int online, quitting;
    long long reconnect_at, poll_at;
    unsigned int poll_every;
    char *input;
    size_t input_used;
};

/* otr_peer.c */
void tell(const char *format, ...);
void hex_of(const unsigned char *fingerprint, char *out);
void tell_message(struct peer *self, const char *from, int encrypted, const char *text);
long long now_ms(void);

/* otr_side.c */
int make_key(struct peer *self);
void receive_text(struct peer *self, const char *bare, const char *text);
void send_text(struct peer *self, const char *bare, const char *text);
void start_otr(struct peer *self, const char *bare);
void end_otr(struct peer *self, const char *bare);
void poll_otr(struct peer *self);

/* xmpp_side.c */
void send_body(struct peer *self, const char *bare, const char *text);
void send_presence(struct peer *self, const char *type, const char *to);
int connect_now(struct peer *self);

#endif
