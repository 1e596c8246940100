/*
 * echo SOCKET THREADS HEADERS_FILE BODY_FILE
 *
 * What libfcgi can do at best, to hold Refrain against: every request gets the same headers (the
 * lines of a file, "Status: 200 OK" first) and the same body, and nothing is looked at.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text {
    char *data;
    size_t size_bytes;
};

static struct text answer;
static int listener;

static void fail(const char *what)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void append(struct text *to, const char *data, size_t size_bytes)
{
    to->data = realloc(to->data, to->size_bytes + size_bytes);
    if (to->data == NULL) {
        fail("memory");
    }
    memcpy(to->data + to->size_bytes, data, size_bytes);
    to->size_bytes += size_bytes;
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    return file;
}

static void append_headers(struct text *to, const char *path)
{
    FILE *file = open_file(path);
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        size_t size = strcspn(line, "\r\n");
        if (size > 0) {
            append(to, line, size);
            append(to, "\r\n", 2);
        }
    }
    append(to, "\r\n", 2);
    fclose(file);
}

static void append_body(struct text *to, const char *path)
{
    FILE *file = open_file(path);
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;) {
        append(to, part, size);
    }
    fclose(file);
}

static void *serve(void *unused)
{
    FCGX_Request request;
    FCGX_InitRequest(&request, listener, 0);
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_PutStr(answer.data, (int)answer.size_bytes, request.out);
    }
    return unused;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long threads = argc == 5 ? strtol(argv[2], &end, 10) : 0;
    if (threads < 1 || *end != '\0') {
        fprintf(stderr, "usage: echo SOCKET THREADS HEADERS_FILE BODY_FILE\n");
        return 2;
    }
    append_headers(&answer, argv[3]);
    append_body(&answer, argv[4]);
    FCGX_Init();
    /* libfcgi has its own ideas about both. */
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    listener = FCGX_OpenSocket(argv[1], 1024);
    for (long i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL) != 0) {
            fail("thread");
        }
    }
    serve(NULL);
    return EXIT_FAILURE;
}
