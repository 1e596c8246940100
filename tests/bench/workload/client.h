/*
 * A client of HTTP/1.1: one connection, which is kept, and one request at a time.
 */
#ifndef REFRAIN_BENCH_CLIENT_H
#define REFRAIN_BENCH_CLIENT_H

#include "base/buffer.h"
#include "base/result.h"
#include "base/slice.h"

#include <sys/socket.h>

/* Where the instance listens. */
struct client_target {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[256]; /* for the head of a request */
};

/* What Cache-Status tells. */
enum outcome {
    OUTCOME_L1,
    OUTCOME_L2,
    OUTCOME_VALIDATED,
    OUTCOME_UNVERIFIED,
    OUTCOME_ABSENT,   /* computed, for it was not there */
    OUTCOME_OUTDATED, /* computed, for the data had changed */
    OUTCOME_BYPASS,   /* computed, for the cache was away */
    OUTCOME_NONE,     /* it has no part in this */
    OUTCOMES
};
extern const char *const outcome_names[OUTCOMES];

struct client_answer {
    int status;
    enum outcome outcome;
    struct slice body; /* valid until the next request */
};

/* A silent server is given up after so long. */
enum { CLIENT_TIMEOUT_S = 30 };

/* "http://HOST[:PORT]". RESULT_INVALID where it is something else, RESULT_NOT_FOUND where the host is
 * unknown. */
enum result client_find(const char *url, struct client_target *target,
                        struct error *error) MUST_CHECK;

struct client;

/* NULL where memory is short. Connects with the first request. */
struct client *client_create(const struct client_target *target);
void client_destroy(struct client **client);

/* Sends a request and reads the answer; if a kept connection turns out to have been closed, once
 * more on a new one. Else RESULT_TIMEOUT or RESULT_UNAVAILABLE, with the cause. */
enum result client_ask(struct client *client, struct slice request, struct client_answer *answer,
                       struct error *error) MUST_CHECK;

#endif
