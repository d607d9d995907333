/* A peer on the real libotr, steered by lines on standard input.
 * Must never talk to anything but standard input and output.
 * Standard: OTR versions 2 and 3; needs the Debian packages gcc and libotr5-dev.
 *
 * Bytes travel as hexadecimal digits ("-" for none). Every command is answered by any number of
 * lines and then "done":
 *   start | end | max N | versions DIGITS | fingerprint | send HEX | receive HEX | symkey USE HEX
 *   smp SECRET | smpq QUESTION SECRET | answer SECRET | abort
 *   bench key N | bench ake N | bench smp N | bench pingpong N | bench burst SIZE N | bench memory N
 *                                                             (two libotr sides in this process)
 * Lines: out HEX | text HEX | plain HEX | secure FINGERPRINT SSID | insecure | refused
 *   event N | ask HEX | smp equal | smp different | smp aborted | tlv TYPE HEX
 *   symkey USE DATA KEY | fingerprint HEX | ns N | bytes N
 */
#include <gcrypt.h>
#include <libotr/proto.h>
#include <libotr/privkey.h>
#include <libotr/message.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL "xmpp"
#define QUEUE 4096

struct side {
    OtrlUserState state;
    OtrlPolicy policy;
    const char *name;
    const char *other;
    int max;
    int quiet;
    int secure;
    int verified;
    char *queue[QUEUE];
    int queued;
};

static void put_hex(const unsigned char *bytes, size_t length)
{
    if (length == 0) putchar('-');
    for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
}

static void say(const char *word, const void *bytes, size_t length)
{
    printf("%s ", word);
    put_hex(bytes, length);
    putchar('\n');
}

static int nibble(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static unsigned char *unhex(const char *digits, size_t *length)
{
    size_t count = strcmp(digits, "-") == 0 ? 0 : strlen(digits) / 2;
    unsigned char *bytes = calloc(count + 1, 1);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
    }
    *length = count;
    return bytes;
}

static OtrlPolicy on_policy(void *data, ConnContext *context)
{
    (void)context;
    return ((struct side *)data)->policy;
}

static int on_logged_in(void *data, const char *account, const char *protocol, const char *recipient)
{
    (void)data, (void)account, (void)protocol, (void)recipient;
    return 1;
}

static void on_inject(void *data, const char *account, const char *protocol, const char *recipient, const char *message)
{
    struct side *side = data;
    (void)account, (void)protocol, (void)recipient;
    if (side->quiet) {
        if (side->queued < QUEUE) side->queue[side->queued++] = strdup(message);
    } else {
        say("out", message, strlen(message));
    }
}

static void on_nothing(void *data) { (void)data; }

static void on_fingerprint(void *data, OtrlUserState us, const char *a, const char *p, const char *u, unsigned char f[20])
{
    (void)data, (void)us, (void)a, (void)p, (void)u, (void)f;
}

static void on_secure(void *data, ConnContext *context)
{
    struct side *side = data;
    side->secure++;
    if (side->quiet) return;
    printf("secure ");
    put_hex(context->active_fingerprint->fingerprint, 20);
    putchar(' ');
    put_hex(context->sessionid, context->sessionid_len);
    putchar('\n');
}

static void on_still_secure(void *data, ConnContext *context, int is_reply)
{
    (void)is_reply;
    on_secure(data, context);
}

static void on_insecure(void *data, ConnContext *context)
{
    (void)context;
    if (!((struct side *)data)->quiet) puts("insecure");
}

static int on_max(void *data, ConnContext *context)
{
    (void)context;
    return ((struct side *)data)->max;
}

static void on_symkey(void *data, ConnContext *context, unsigned int use, const unsigned char *bytes, size_t length, const unsigned char *key)
{
    (void)data, (void)context;
    printf("symkey %u ", use);
    put_hex(bytes, length);
    putchar(' ');
    put_hex(key, OTRL_EXTRAKEY_BYTES);
    putchar('\n');
}

static void on_event(void *data, OtrlMessageEvent event, ConnContext *context, const char *message, gcry_error_t error)
{
    (void)context, (void)error;
    if (((struct side *)data)->quiet) return;
    if (event == OTRL_MSGEVENT_RCVDMSG_UNENCRYPTED && message) say("plain", message, strlen(message));
    printf("event %d\n", event);
}

static void on_smp(void *data, OtrlSMPEvent event, ConnContext *context, unsigned short percent, char *question);

static void on_instag(void *data, const char *account, const char *protocol)
{
    struct side *side = data;
    FILE *file = tmpfile();
    if (file) {
        otrl_instag_generate_FILEp(side->state, file, account, protocol);
        fclose(file);
    }
}

static OtrlMessageAppOps ops = {
    .policy = on_policy,
    .is_logged_in = on_logged_in,
    .inject_message = on_inject,
    .update_context_list = on_nothing,
    .new_fingerprint = on_fingerprint,
    .write_fingerprints = on_nothing,
    .gone_secure = on_secure,
    .gone_insecure = on_insecure,
    .still_secure = on_still_secure,
    .max_message_size = on_max,
    .received_symkey = on_symkey,
    .handle_smp_event = on_smp,
    .handle_msg_event = on_event,
    .create_instag = on_instag,
};

static ConnContext *context_of(struct side *side)
{
    return otrl_context_find(side->state, side->other, side->name, PROTOCOL, OTRL_INSTAG_BEST, 0, NULL, NULL, NULL);
}

static void on_smp(void *data, OtrlSMPEvent event, ConnContext *context, unsigned short percent, char *question)
{
    struct side *side = data;
    (void)percent;
    if (side->quiet) {
        if (event == OTRL_SMPEVENT_ASK_FOR_SECRET) otrl_message_respond_smp(side->state, &ops, side, context, (const unsigned char *)"otter", 5);
        if (event == OTRL_SMPEVENT_SUCCESS) side->verified++;
        return;
    }
    switch (event) {
    case OTRL_SMPEVENT_ASK_FOR_ANSWER:
        say("ask", question, strlen(question));
        break;
    case OTRL_SMPEVENT_ASK_FOR_SECRET:
        puts("ask -");
        break;
    case OTRL_SMPEVENT_SUCCESS:
        puts("smp equal");
        break;
    case OTRL_SMPEVENT_FAILURE:
        puts("smp different");
        break;
    case OTRL_SMPEVENT_ABORT:
        puts("smp aborted");
        break;
    case OTRL_SMPEVENT_CHEATED:
    case OTRL_SMPEVENT_ERROR:
        puts("smp aborted");
        otrl_message_abort_smp(side->state, &ops, side, context);
        break;
    default:
        break;
    }
}

static void side_open(struct side *side, const char *name, const char *other)
{
    memset(side, 0, sizeof *side);
    side->policy = OTRL_POLICY_ALLOW_V3 | OTRL_POLICY_REQUIRE_ENCRYPTION | OTRL_POLICY_WHITESPACE_START_AKE;
    side->name = name;
    side->other = other;
    side->state = otrl_userstate_create();
    FILE *file = tmpfile();
    if (!file || otrl_privkey_generate_FILEp(side->state, file, name, PROTOCOL)) {
        puts("error: no key could be made");
        exit(1);
    }
    fclose(file);
}

static void side_receive(struct side *side, const char *body)
{
    char *text = NULL;
    OtrlTLV *tlvs = NULL;
    int internal = otrl_message_receiving(side->state, &ops, side, side->name, PROTOCOL, side->other, body, &text, &tlvs, NULL, NULL, NULL);
    if (!side->quiet) {
        for (OtrlTLV *tlv = tlvs; tlv; tlv = tlv->next) {
            if (tlv->type > 8) {
                printf("tlv %d ", tlv->type);
                put_hex(tlv->data, tlv->len);
                putchar('\n');
            }
        }
        if (otrl_tlv_find(tlvs, OTRL_TLV_DISCONNECTED)) puts("insecure");
        if (!internal) say("text", text ? text : body, strlen(text ? text : body));
    }
    otrl_tlv_free(tlvs);
    otrl_message_free(text);
}

static void side_send(struct side *side, const char *text)
{
    char *message = NULL;
    gcry_error_t error = otrl_message_sending(side->state, &ops, side, side->name, PROTOCOL, side->other, OTRL_INSTAG_BEST, text, NULL, &message, OTRL_FRAGMENT_SEND_ALL, NULL, NULL, NULL);
    if (error || !message) puts("refused");
    otrl_message_free(message);
}

static void side_start(struct side *side)
{
    char *query = otrl_proto_default_query_msg(side->name, side->policy);
    on_inject(side, side->name, PROTOCOL, side->other, query);
    free(query);
}

/* ---- measuring ---- */

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int carry_one_way(struct side *from, struct side *to)
{
    int count = from->queued;
    char *bodies[QUEUE];
    memcpy(bodies, from->queue, sizeof(char *) * (size_t)count);
    from->queued = 0;
    for (int i = 0; i < count; i++) {
        side_receive(to, bodies[i]);
        free(bodies[i]);
    }
    return count;
}

static void carry(struct side *one, struct side *other)
{
    while (carry_one_way(one, other) + carry_one_way(other, one) > 0) {
    }
}

static struct side alice, bob;

static void pair_open(void)
{
    if (alice.state) return;
    side_open(&alice, "alice", "bob");
    side_open(&bob, "bob", "alice");
    alice.quiet = bob.quiet = 1;
    side_start(&alice);
    carry(&alice, &bob);
}

/* Bytes that this process has in memory. */
static long long resident(void)
{
    long long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lld %lld", &total, &pages) != 2) puts("error: no statm");
    if (file) fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* What one side of a private session holds, after four messages in turns. */
static void memory(int sessions)
{
    pair_open();
    long long before = resident();
    for (int i = 0; i < sessions; i++) {
        char one[32], other[32];
        snprintf(one, sizeof one, "alice %d", i);
        snprintf(other, sizeof other, "bob %d", i);
        alice.other = other;
        bob.other = one;
        side_start(&alice);
        carry(&alice, &bob);
        for (int turn = 0; turn < 4; turn++) {
            side_send(turn % 2 ? &bob : &alice, "about twenty letters");
            carry(&alice, &bob);
        }
    }
    printf("bytes %lld\n", (resident() - before) / (2 * sessions));
    if (alice.secure != sessions + 1 || bob.secure != sessions + 1) puts("error: not all sessions are private");
    alice.other = "bob";
    bob.other = "alice";
}

static void bench(const char *name, int size, int rounds)
{
    if (strcmp(name, "memory") == 0) {
        memory(rounds);
        return;
    }
    pair_open();
    char *text = malloc((size_t)size + 1);
    memset(text, 'x', (size_t)size);
    text[size] = 0;
    long long begin = now();
    for (int i = 0; i < rounds; i++) {
        if (strcmp(name, "key") == 0) {
            struct side fresh;
            side_open(&fresh, "fresh", "nobody");
            otrl_userstate_free(fresh.state);
        } else if (strcmp(name, "smp") == 0) {
            otrl_message_initiate_smp(alice.state, &ops, &alice, context_of(&alice), (const unsigned char *)"otter", 5);
            carry(&alice, &bob);
        } else if (strcmp(name, "ake") == 0) {
            side_start(&alice);
            carry(&alice, &bob);
        } else if (strcmp(name, "pingpong") == 0) {
            side_send(i % 2 ? &alice : &bob, text);
            carry(&alice, &bob);
        } else {
            side_send(&alice, text);
            carry_one_way(&alice, &bob);
        }
    }
    printf("ns %lld\n", (now() - begin) / rounds);
    if (strcmp(name, "smp") == 0 && !alice.verified) puts("error: nothing was verified");
    if (!alice.secure || !bob.secure) puts("error: the pair is not private");
    free(text);
}

/* ---- commands ---- */

static void with_context(struct side *side, const char *word, char *first, char *second)
{
    ConnContext *context = context_of(side);
    size_t one, two;
    unsigned char *a = unhex(first, &one), *b = unhex(second, &two);
    if (!context) {
        puts("refused");
    } else if (strcmp(word, "smp") == 0) {
        otrl_message_initiate_smp(side->state, &ops, side, context, a, one);
    } else if (strcmp(word, "smpq") == 0) {
        otrl_message_initiate_smp_q(side->state, &ops, side, context, (char *)a, b, two);
    } else if (strcmp(word, "answer") == 0) {
        otrl_message_respond_smp(side->state, &ops, side, context, a, one);
    } else if (strcmp(word, "abort") == 0) {
        otrl_message_abort_smp(side->state, &ops, side, context);
    } else {
        unsigned char key[OTRL_EXTRAKEY_BYTES];
        unsigned int use = (unsigned int)atoi(first);
        if (otrl_message_symkey(side->state, &ops, side, context, use, b, two, key)) puts("refused");
        else on_symkey(side, context, use, b, two, key);
    }
    free(a);
    free(b);
}

static void command(struct side *side, char *line)
{
    char *word = strtok(line, " "), *first = strtok(NULL, " "), *second = strtok(NULL, " "), *third = strtok(NULL, " ");
    size_t length;
    if (!word) return;
    if (!first) first = "-";
    if (!second) second = "-";
    if (strcmp(word, "bench") == 0) {
        if (third) bench(first, atoi(second), atoi(third));
        else bench(first, 20, atoi(second));
        return;
    }
    if (!side->state) side_open(side, "peer", "other");
    if (strcmp(word, "start") == 0) {
        side_start(side);
    } else if (strcmp(word, "end") == 0) {
        otrl_message_disconnect_all_instances(side->state, &ops, side, side->name, PROTOCOL, side->other);
    } else if (strcmp(word, "max") == 0) {
        side->max = atoi(first);
    } else if (strcmp(word, "versions") == 0) {
        side->policy &= ~(OTRL_POLICY_ALLOW_V2 | OTRL_POLICY_ALLOW_V3);
        if (strchr(first, '2')) side->policy |= OTRL_POLICY_ALLOW_V2;
        if (strchr(first, '3')) side->policy |= OTRL_POLICY_ALLOW_V3;
    } else if (strcmp(word, "fingerprint") == 0) {
        unsigned char raw[20];
        otrl_privkey_fingerprint_raw(side->state, raw, side->name, PROTOCOL);
        say("fingerprint", raw, sizeof raw);
    } else if (strcmp(word, "send") == 0 || strcmp(word, "receive") == 0) {
        char *text = (char *)unhex(first, &length);
        if (word[0] == 's') side_send(side, text);
        else side_receive(side, text);
        free(text);
    } else {
        with_context(side, word, first, second);
    }
}

int main(void)
{
    static struct side side;
    char *line = NULL;
    size_t room = 0;
    gcry_control(GCRYCTL_ENABLE_QUICK_RANDOM, 0);
    OTRL_INIT;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\r\n")] = 0;
        command(&side, line);
        puts("done");
        fflush(stdout);
    }
    free(line);
    return 0;
}
