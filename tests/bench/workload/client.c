#include "client.h"

#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

const char *const outcome_names[OUTCOMES] = {
    [OUTCOME_L1] = "l1",
    [OUTCOME_L2] = "l2",
    [OUTCOME_VALIDATED] = "validated",
    [OUTCOME_UNVERIFIED] = "unverified",
    [OUTCOME_ABSENT] = "absent",
    [OUTCOME_OUTDATED] = "outdated",
    [OUTCOME_BYPASS] = "bypass",
    [OUTCOME_NONE] = "none",
};

struct client {
    const struct client_target *target;
    int socket; /* −1: none */
    bool closes; /* the server said so */
    struct buffer input;
    struct buffer body; /* of an answer in chunks */
};

/* ── where ── */

static enum result resolve(const char *host, const char *port, struct client_target *target,
                           struct error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        return error_set(error, RESULT_NOT_FOUND, "client", "%s, port %s: %s", host, port,
                         gai_strerror(failure));
    }
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return RESULT_OK;
}

enum result client_find(const char *url, struct client_target *target, struct error *error)
{
    static const char scheme[] = "http://";
    size_t scheme_size = sizeof scheme - 1;
    const char *authority = url + scheme_size;
    size_t size = strncmp(url, scheme, scheme_size) == 0 ? strcspn(authority, "/") : 0;
    if (size == 0 || size >= sizeof target->host || strlen(authority + size) > 1) {
        return error_set(error, RESULT_INVALID, "client", "'%s' is not http://HOST[:PORT]", url);
    }
    char host[sizeof target->host];
    memcpy(host, authority, size);
    host[size] = '\0';
    memcpy(target->host, host, size + 1);
    char *colon = strrchr(host, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    return resolve(host, colon != NULL ? colon + 1 : "80", target, error);
}

/* ── the connection ── */

struct client *client_create(const struct client_target *target)
{
    struct client *client = calloc(1, sizeof *client);
    if (client != NULL) {
        client->target = target;
        client->socket = -1;
    }
    return client;
}

static void hang_up(struct client *client)
{
    if (client->socket >= 0) {
        close(client->socket);
        client->socket = -1;
    }
    client->closes = false;
}

void client_destroy(struct client **client)
{
    if (*client == NULL) {
        return;
    }
    hang_up(*client);
    buffer_free(&(*client)->input);
    buffer_free(&(*client)->body);
    free(*client);
    *client = NULL;
}

static enum result failed(const char *what, struct error *error)
{
    return errno == EAGAIN ? error_set(error, RESULT_TIMEOUT, "client", "%s: not within %d s", what,
                                       CLIENT_TIMEOUT_S)
                           : error_set(error, RESULT_UNAVAILABLE, "client", "%s: %s", what,
                                       strerror(errno));
}

static enum result reach(struct client *client, struct error *error)
{
    const struct client_target *target = client->target;
    const struct timeval patience = {.tv_sec = CLIENT_TIMEOUT_S};
    const int yes = 1;
    client->socket = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->socket < 0
        || setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0
        || setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0
        || setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0
        || connect(client->socket, (const struct sockaddr *)&target->address, target->address_size)
               != 0) {
        return failed("connecting", error);
    }
    return RESULT_OK;
}

static enum result send_all(struct client *client, struct slice bytes, struct error *error)
{
    while (bytes.size_bytes > 0) {
        ssize_t sent = send(client->socket, bytes.data, bytes.size_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return failed("sending", error);
        }
        if (sent > 0) {
            bytes = slice_of(bytes.data + sent, bytes.size_bytes - (size_t)sent);
        }
    }
    return RESULT_OK;
}

static enum result receive(struct client *client, struct error *error)
{
    char *room = buffer_reserve(&client->input, READ_BYTES);
    if (room == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "client", "out of memory");
    }
    ssize_t got;
    do {
        got = recv(client->socket, room, READ_BYTES, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return failed("receiving", error);
    }
    if (got == 0) {
        return error_set(error, RESULT_UNAVAILABLE, "client", "the server closed the connection");
    }
    buffer_grown(&client->input, (size_t)got);
    return RESULT_OK;
}

/* ── the answer ── */

/* The part of the head behind "NAME:"; false where there is none. */
static bool find_header(struct slice head, const char *name, struct slice *value)
{
    size_t name_size = strlen(name);
    const char *end = head.data + head.size_bytes;
    for (const char *line = head.data; line < end;) {
        const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        line_end = line_end != NULL ? line_end : end;
        if ((size_t)(line_end - line) > name_size && line[name_size] == ':'
            && strncasecmp(line, name, name_size) == 0) {
            line += name_size + 1;
            *value = text_trim(slice_of(line, (size_t)(line_end - line)));
            return true;
        }
        line = line_end + 2;
    }
    return false;
}

static bool tells(struct slice text, const char *words)
{
    return memmem(text.data, text.size_bytes, words, strlen(words)) != NULL;
}

static enum outcome outcome_of(struct slice head)
{
    static const struct {
        const char *words;
        enum outcome outcome;
    } rows[] = {
        {"detail=not-cached", OUTCOME_NONE}, {"fwd=bypass", OUTCOME_BYPASS},
        {"detail=absent", OUTCOME_ABSENT},   {"fwd=miss", OUTCOME_OUTDATED},
        {"detail=l1", OUTCOME_L1},           {"detail=l2", OUTCOME_L2},
        {"detail=validated", OUTCOME_VALIDATED}, {"detail=unverified", OUTCOME_UNVERIFIED},
    };
    struct slice status;
    if (find_header(head, "Cache-Status", &status)) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (tells(status, rows[i].words)) {
                return rows[i].outcome;
            }
        }
    }
    return OUTCOME_NONE;
}

/* "HTTP/1.1 200 …"; 0: it is no such line. */
static int status_of(struct slice head)
{
    int64_t status;
    return head.size_bytes > 12 && memcmp(head.data, "HTTP/1.", 7) == 0
                   && text_parse_int(slice_of(head.data + 9, 3), &status)
               ? (int)status
               : 0;
}

/* Until so much of the answer is there. */
static enum result receive_up_to(struct client *client, size_t size_bytes, struct error *error)
{
    enum result result = RESULT_OK;
    while (result == RESULT_OK && client->input.size_bytes < size_bytes) {
        result = receive(client, error);
    }
    return result;
}

/* Until the words stand at or behind a place; *at is the place behind them. */
static enum result receive_words(struct client *client, const char *words, size_t *at,
                                 struct error *error)
{
    for (;;) {
        const struct buffer *input = &client->input;
        size_t size = input->size_bytes - *at;
        const char *found = size > 0 ? memmem(input->data + *at, size, words, strlen(words)) : NULL;
        if (found != NULL) {
            *at = (size_t)(found - input->data) + strlen(words);
            return RESULT_OK;
        }
        enum result result = receive(client, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
}

/* RFC 9112, section 7.1, from a place of the input on; no trailers are expected. */
static enum result read_chunks(struct client *client, size_t at, struct error *error)
{
    for (;;) {
        size_t begin = at;
        enum result result = receive_words(client, "\r\n", &at, error);
        if (result != RESULT_OK) {
            return result;
        }
        size_t size = strtoul(client->input.data + begin, NULL, 16);
        result = receive_up_to(client, at + size + 2, error);
        if (result != RESULT_OK || size == 0) {
            return result;
        }
        buffer_append(&client->body, client->input.data + at, size);
        at += size + 2;
    }
}

static enum result read_body(struct client *client, size_t head_size, struct client_answer *answer,
                             struct error *error)
{
    struct slice head = slice_of(client->input.data, head_size);
    struct slice value;
    int64_t size = 0;
    if (find_header(head, "Transfer-Encoding", &value)) {
        enum result result = read_chunks(client, head_size, error);
        answer->body = buffer_slice(&client->body);
        return result;
    }
    if (find_header(head, "Content-Length", &value)
        && (!text_parse_int(value, &size) || size < 0)) {
        return error_set(error, RESULT_UNAVAILABLE, "client", "a Content-Length that is no number");
    }
    enum result result = receive_up_to(client, head_size + (size_t)size, error);
    answer->body = slice_of(client->input.data + head_size, (size_t)size);
    return result;
}

static enum result read_answer(struct client *client, struct client_answer *answer,
                               struct error *error)
{
    size_t head_size = 0;
    enum result result = receive_words(client, "\r\n\r\n", &head_size, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct slice head = slice_of(client->input.data, head_size);
    struct slice value;
    answer->status = status_of(head);
    answer->outcome = outcome_of(head);
    client->closes = find_header(head, "Connection", &value) && tells(value, "close");
    if (answer->status == 0) {
        return error_set(error, RESULT_UNAVAILABLE, "client", "the answer is not HTTP");
    }
    bool has_body = answer->status != 204 && answer->status != 304;
    answer->body = slice_of("", 0);
    return has_body ? read_body(client, head_size, answer, error) : RESULT_OK;
}

static enum result try(struct client *client, struct slice request, struct client_answer *answer,
                       struct error *error)
{
    buffer_clear(&client->input);
    buffer_clear(&client->body);
    enum result result = client->socket < 0 ? reach(client, error) : RESULT_OK;
    if (result == RESULT_OK) {
        result = send_all(client, request, error);
    }
    if (result == RESULT_OK) {
        result = read_answer(client, answer, error);
    }
    if (result != RESULT_OK || client->closes) {
        hang_up(client);
    }
    return result;
}

enum result client_ask(struct client *client, struct slice request, struct client_answer *answer,
                       struct error *error)
{
    bool was_kept = client->socket >= 0;
    enum result result = try(client, request, answer, error);
    if (result == RESULT_UNAVAILABLE && was_kept && client->input.size_bytes == 0) {
        result = try(client, request, answer, error);
    }
    return result;
}
