/* The same work as the vault's, done by SQLCipher. Commands on standard input, one a line:
 *   open FILE WORDS | fill COUNT | fingerprint | message | page | close | memory
 * Each is answered by one number: nanoseconds, or for `memory` KiB. Cipher settings are SQLCipher's own defaults;
 * write-ahead log with full syncs, and deleted content overwritten, as the vault does.
 */
#define SQLITE_HAS_CODEC 1
#include <sqlcipher/sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *db;
static long count;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void must(int status, const char *what)
{
    if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW) {
        fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
        exit(1);
    }
}

static void run(const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static void open_it(const char *file, const char *words)
{
    must(sqlite3_open(file, &db), file);
    must(sqlite3_key(db, words, (int)strlen(words)), "key");
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
        "CREATE TABLE IF NOT EXISTS message(id INTEGER PRIMARY KEY, conversation INT, at INT, body TEXT);"
        "CREATE INDEX IF NOT EXISTS by_conversation ON message(conversation, id);"
        "CREATE TABLE IF NOT EXISTS fingerprint(id INTEGER PRIMARY KEY, contact INT, print TEXT, verified INT);");
}

static void insert(const char *sql)
{
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), sql);
    sqlite3_bind_int64(statement, 1, count % 50);
    sqlite3_bind_int64(statement, 2, count++);
    must(sqlite3_step(statement), sql);
    sqlite3_finalize(statement);
}

static void message(void)
{
    insert("INSERT INTO message(conversation, at, body) VALUES(?, ?, "
           "'The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog.')");
}

static void page(void)
{
    sqlite3_stmt *statement;
    int rows = 0;
    must(sqlite3_prepare_v2(db, "SELECT id, at, body FROM message WHERE conversation = 7 ORDER BY id DESC LIMIT 50",
                            -1, &statement, NULL), "page");
    while (sqlite3_step(statement) == SQLITE_ROW)
        rows += sqlite3_column_bytes(statement, 2) > 0;
    sqlite3_finalize(statement);
    if (rows != 50)
        exit(1);
}

static long resident(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "VmRSS: %ld", &kib);
    if (status)
        fclose(status);
    return kib;
}

int main(void)
{
    char line[4096], name[32], file[2048], words[512];
    long number;
    while (fgets(line, sizeof line, stdin)) {
        long long start = now(), answer = 0;
        if (sscanf(line, "%31s", name) != 1)
            continue;
        if (!strcmp(name, "open") && sscanf(line, "open %2047s %511s", file, words) == 2)
            open_it(file, words);
        else if (!strcmp(name, "fill") && sscanf(line, "fill %ld", &number) == 1) {
            run("BEGIN");
            while (number--)
                message();
            run("COMMIT");
        } else if (!strcmp(name, "message"))
            message();
        else if (!strcmp(name, "fingerprint"))
            insert("INSERT INTO fingerprint(contact, print, verified) "
                   "VALUES(?, '0123456789abcdef0123456789abcdef01234567', ? % 2)");
        else if (!strcmp(name, "page"))
            page();
        else if (!strcmp(name, "close"))
            must(sqlite3_close(db), "close");
        else if (!strcmp(name, "memory"))
            answer = resident();
        else
            return 1;
        printf("%lld\n", answer ? answer : now() - start);
        fflush(stdout);
    }
    return 0;
}
