/* libstrophe's cost for one stanza: argv[1] is the file that holds it, argv[2] how often. Prints nanoseconds in all. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <strophe.h>

int main(int argc, char **argv)
{
    static char text[65536];
    struct timespec begin, end;
    FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0)
        return 1;
    long count = atol(argv[2]);
    xmpp_initialize();
    xmpp_ctx_t *context = xmpp_ctx_new(NULL, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (long i = 0; i < count; i++) {
        xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(context, text);
        char *body = xmpp_message_get_body(stanza);
        if (body == NULL)
            return 2;
        xmpp_free(context, body);
        xmpp_stanza_release(stanza);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.0f\n", (end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec));
    xmpp_ctx_free(context);
    xmpp_shutdown();
    return 0;
}
