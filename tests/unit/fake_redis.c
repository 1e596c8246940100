/*
 * A thread accepts, and each connection has one. The lock guards rules, the log of commands and the
 * list of connections; stopping shuts all sockets down, which ends every thread.
 */
#include "fake_redis.h"

#include "base/buffer.h"
#include "unit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, WORDS_TEXT_SIZE = 64 };

struct connection {
    struct fake_redis *fake;
    int fd;
    pthread_t thread;
};

struct fake_redis {
    char url[64];
    int listener;
    pthread_t acceptor;
    pthread_mutex_t lock;
    struct fake_rule rules[FAKE_RULES_MAX];
    struct buffer log; /* a line a command: its first words */
    struct connection connections[CONNECTIONS_MAX];
    int connections_count;
};

/* One command being read. */
struct command {
    char words[WORDS_TEXT_SIZE]; /* the first two */
    struct buffer last;
};

static const char hash[] = "$40\r\n0123456789012345678901234567890123456789\r\n";

static const struct fake_rule manners[] = {
    {"AUTH", "+OK\r\n", 0},
    {"CLIENT", "+OK\r\n", 0},
    {"INFO server", "$22\r\nredis_version:7.0.15\r\n\r\n", 0},
    {"INFO replication", "$13\r\nrole:master\r\n\r\n", 0},
    {"INFO memory", "$49\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-lfu\r\n\r\n", 0},
    {"SCRIPT LOAD", hash, 0},
    {"PING", "+PONG\r\n", 0},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* NULL: none fits. */
static const char *find_reply(struct fake_redis *fake, const char *words)
{
    const char *reply = NULL;
    pthread_mutex_lock(&fake->lock);
    buffer_append_format(&fake->log, "%s\n", words);
    for (size_t i = 0; i < FAKE_RULES_MAX && fake->rules[i].words != NULL && reply == NULL; i++) {
        struct fake_rule *rule = &fake->rules[i];
        if (begins(words, rule->words) && rule->times >= 0) {
            reply = rule->reply;
            rule->times = rule->times == 1 ? -1 : rule->times - (rule->times > 0);
        }
    }
    pthread_mutex_unlock(&fake->lock);
    for (size_t i = 0; i < sizeof manners / sizeof *manners && reply == NULL; i++) {
        reply = begins(words, manners[i].words) ? manners[i].reply : NULL;
    }
    return reply;
}

static bool send_bytes(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* False where the connection is to end. */
static bool answer(struct connection *connection, const struct command *command)
{
    const char *reply = find_reply(connection->fake, command->words);
    if (reply == NULL && begins(command->words, "ECHO")) {
        char head[32];
        int size = snprintf(head, sizeof head, "$%zu\r\n", command->last.size_bytes);
        return send_bytes(connection->fd, head, (size_t)size)
               && send_bytes(connection->fd, command->last.data, command->last.size_bytes)
               && send_bytes(connection->fd, "\r\n", 2);
    }
    if (reply == NULL) {
        reply = "-ERR no such words\r\n";
    }
    return strcmp(reply, FAKE_HANGS_UP) != 0
           && send_bytes(connection->fd, reply, strlen(reply));
}

/* The number after a mark ('*' or '$'); -1 at the end of the connection. */
static long read_number(FILE *from, char mark)
{
    char line[32];
    return fgets(line, sizeof line, from) != NULL && line[0] == mark ? strtol(line + 1, NULL, 10)
                                                                     : -1;
}

static bool read_word(FILE *from, struct buffer *word)
{
    long size = read_number(from, '$');
    buffer_clear(word);
    char *bytes = size >= 0 ? buffer_reserve(word, (size_t)size + 2) : NULL;
    if (bytes == NULL || fread(bytes, 1, (size_t)size + 2, from) != (size_t)size + 2) {
        return false;
    }
    buffer_grown(word, (size_t)size);
    return true;
}

static bool read_command(FILE *from, struct command *command)
{
    long words = read_number(from, '*');
    command->words[0] = '\0';
    for (long i = 0; i < words; i++) {
        if (!read_word(from, &command->last)) {
            return false;
        }
        size_t used = strlen(command->words);
        if (i < 2) {
            snprintf(command->words + used, WORDS_TEXT_SIZE - used, i == 0 ? "%s" : " %.20s",
                     command->last.data);
        }
    }
    return words > 0;
}

static void *serve(void *context)
{
    struct connection *connection = context;
    FILE *from = fdopen(dup(connection->fd), "r");
    struct command command = {.last = BUFFER_EMPTY};
    while (read_command(from, &command) && answer(connection, &command)) {
    }
    shutdown(connection->fd, SHUT_RDWR);
    fclose(from);
    buffer_free(&command.last);
    return NULL;
}

static void *accept_all(void *context)
{
    struct fake_redis *fake = context;
    for (int fd; (fd = accept(fake->listener, NULL, NULL)) >= 0;) {
        const int at_once = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        pthread_mutex_lock(&fake->lock);
        if (fake->connections_count < CONNECTIONS_MAX) {
            struct connection *connection = &fake->connections[fake->connections_count++];
            *connection = (struct connection){.fake = fake, .fd = fd};
            pthread_create(&connection->thread, NULL, serve, connection);
        } else {
            close(fd);
        }
        pthread_mutex_unlock(&fake->lock);
    }
    return NULL;
}

static void listen_somewhere(struct fake_redis *fake)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    fake->listener = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(bind(fake->listener, (struct sockaddr *)&address, size) == 0);
    CU_ASSERT_FATAL(listen(fake->listener, 64) == 0);
    CU_ASSERT_FATAL(getsockname(fake->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(fake->url, sizeof fake->url, "redis://me:secret@127.0.0.1:%d",
             ntohs(address.sin_port));
}

struct fake_redis *fake_redis_start(const struct fake_rule *rules)
{
    struct fake_redis *fake = calloc(1, sizeof *fake);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fake);
    pthread_mutex_init(&fake->lock, NULL);
    fake_redis_change(fake, rules);
    listen_somewhere(fake);
    CU_ASSERT_FATAL(pthread_create(&fake->acceptor, NULL, accept_all, fake) == 0);
    return fake;
}

void fake_redis_stop(struct fake_redis **fake)
{
    struct fake_redis *it = *fake;
    shutdown(it->listener, SHUT_RDWR);
    pthread_join(it->acceptor, NULL);
    close(it->listener);
    for (int i = 0; i < it->connections_count; i++) {
        shutdown(it->connections[i].fd, SHUT_RDWR);
        pthread_join(it->connections[i].thread, NULL);
        close(it->connections[i].fd);
    }
    pthread_mutex_destroy(&it->lock);
    buffer_free(&it->log);
    free(it);
    *fake = NULL;
}

const char *fake_redis_url(const struct fake_redis *fake)
{
    return fake->url;
}

void fake_redis_change(struct fake_redis *fake, const struct fake_rule *rules)
{
    pthread_mutex_lock(&fake->lock);
    memset(fake->rules, 0, sizeof fake->rules);
    for (size_t i = 0; rules != NULL && i < FAKE_RULES_MAX && rules[i].words != NULL; i++) {
        fake->rules[i] = rules[i];
    }
    pthread_mutex_unlock(&fake->lock);
}

int fake_redis_count(struct fake_redis *fake, const char *words)
{
    int count = 0;
    pthread_mutex_lock(&fake->lock);
    struct slice log = buffer_slice(&fake->log);
    for (const char *line = log.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        count += begins(line, words);
    }
    pthread_mutex_unlock(&fake->lock);
    return count;
}
