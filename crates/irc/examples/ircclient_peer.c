/* libircclient's cost for lines from a socket: argv[1] is the file that holds one, argv[2] how often.
   Prints nanoseconds of processor time of the thread that reads them. */
#include <libircclient.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char line[1024];
static long count, seen;
static int listener;

static void on_privmsg(irc_session_t *session, const char *event, const char *origin, const char **params,
                       unsigned int n)
{
    (void)session; (void)event; (void)origin; (void)params; (void)n;
    seen++;
}

static void *serve(void *unused)
{
    int client = accept(listener, NULL, NULL);
    size_t length = strlen(line), batch = 0;
    char *buffer = malloc(length * 64);
    (void)unused;
    write(client, ":irc 001 alice :Welcome\r\n", 25);
    for (long i = 0; i < count; i++) {
        memcpy(buffer + batch, line, length);
        batch += length;
        if (batch >= length * 64 || i + 1 == count) {
            size_t sent = 0;
            while (sent < batch) {
                ssize_t n = write(client, buffer + sent, batch - sent);
                if (n <= 0)
                    return NULL;
                sent += (size_t)n;
            }
            batch = 0;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    irc_callbacks_t callbacks;
    struct timespec begin, end;
    pthread_t server;
    FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || fread(line, 1, sizeof line - 1, file) == 0)
        return 1;
    count = atol(argv[2]);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &size) || pthread_create(&server, NULL, serve, NULL))
        return 2;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.event_privmsg = on_privmsg;
    callbacks.event_channel = on_privmsg;
    irc_session_t *session = irc_create_session(&callbacks);
    if (irc_connect(session, "127.0.0.1", ntohs(address.sin_port), NULL, "alice", "user", "user"))
        return 3;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    while (seen < count && irc_is_connected(session)) {
        fd_set in, out;
        int most = 0;
        FD_ZERO(&in);
        FD_ZERO(&out);
        irc_add_select_descriptors(session, &in, &out, &most);
        if (select(most + 1, &in, &out, NULL, NULL) < 0 || irc_process_select_descriptors(session, &in, &out))
            return 4;
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    if (seen != count)
        return 5;
    printf("%.0f\n", (end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec));
    return 0;
}
