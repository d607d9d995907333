/* libotr's own key files, for the tests.
 *   keyfiles make DIR   writes otr.private_key, otr.fingerprints and otr.instance_tags with libotr
 *   keyfiles show DIR   reads the three with libotr, and prints what it found, one line each
 */
#include <gcrypt.h>
#include <libotr/context.h>
#include <libotr/instag.h>
#include <libotr/privkey.h>
#include <libotr/proto.h>
#include <libotr/userstate.h>
#include <stdio.h>
#include <string.h>

static const char *owners[][2] = {
    {"alice@example.org/home", "prpl-jabber"},
    {"alice@irc.example.org", "prpl-irc"},
    {"1 \"quoted\" \\ name", "libpurple-Jabber"},
    {"\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85@example.org", "xmpp"},
};
#define OWNERS (sizeof owners / sizeof *owners)

static char path[4096];

static const char *in(const char *folder, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make(OtrlUserState state, const char *folder)
{
    static const char *trust[] = {"verified", "smp", "", NULL, "manual"};
    unsigned char hash[20];
    size_t number;
    for (number = 0; number < OWNERS; number++) {
        const char *account = owners[number][0], *protocol = owners[number][1];
        if (otrl_privkey_generate(state, in(folder, "otr.private_key"), account, protocol))
            return 1;
        if (otrl_instag_generate(state, in(folder, "otr.instance_tags"), account, protocol))
            return 1;
    }
    for (number = 0; number < 5; number++) {
        ConnContext *context = otrl_context_find(state, "bob@example.net", owners[number % 2][0],
            owners[number % 2][1], OTRL_INSTAG_MASTER, 1, NULL, NULL, NULL);
        Fingerprint *known;
        memset(hash, (int)(0x11 * (number + 1)), sizeof hash);
        known = otrl_context_find_fingerprint(context, hash, 1, NULL);
        otrl_context_set_trust(known, trust[number]);
    }
    return otrl_privkey_write_fingerprints(state, in(folder, "otr.fingerprints")) != 0;
}

static int show(OtrlUserState state, const char *folder)
{
    char human[OTRL_PRIVKEY_FPRINT_HUMAN_LEN];
    OtrlPrivKey *key;
    OtrlInsTag *tag;
    ConnContext *context;
    if (otrl_privkey_read(state, in(folder, "otr.private_key")))
        return 2;
    if (otrl_privkey_read_fingerprints(state, in(folder, "otr.fingerprints"), NULL, NULL))
        return 3;
    if (otrl_instag_read(state, in(folder, "otr.instance_tags")))
        return 4;
    for (key = state->privkey_root; key; key = key->next)
        printf("key\t%s\t%s\t%s\n", key->accountname, key->protocol,
            otrl_privkey_fingerprint(state, human, key->accountname, key->protocol));
    for (tag = state->instag_root; tag; tag = tag->next)
        printf("tag\t%s\t%s\t%08x\n", tag->accountname, tag->protocol, tag->instag);
    for (context = state->context_root; context; context = context->next) {
        Fingerprint *known;
        for (known = context->fingerprint_root.next; known; known = known->next) {
            otrl_privkey_hash_to_human(human, known->fingerprint);
            printf("known\t%s\t%s\t%s\t%s\t%s\n", context->username, context->accountname, context->protocol,
                human, known->trust ? known->trust : "");
        }
    }
    return 0;
}

int main(int count, char **words)
{
    OtrlUserState state;
    if (count != 3)
        return 64;
    gcry_control(GCRYCTL_ENABLE_QUICK_RANDOM, 0);
    OTRL_INIT;
    state = otrl_userstate_create();
    return strcmp(words[1], "make") ? show(state, words[2]) : make(state, words[2]);
}
