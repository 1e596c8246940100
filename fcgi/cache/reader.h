/*
 * What the files of a reader share, private to cache/: cache.c opens and closes, trust.c finds out
 * which versions count, fetch.c looks values up, fill.c computes what is missing.
 */
#ifndef REFRAIN_CACHE_READER_H
#define REFRAIN_CACHE_READER_H

#include "cache/cache.h"
#include "cache/flight.h"
#include "cache/gate.h"
#include "cache/record.h"
#include "cache/state.h"
#include "cache/steps.h"

struct cache {
    struct cache_options options;
    struct cache_steps steps;
    struct flights *states; /* of struct cache_state */
    struct flights *fills;  /* of struct cache_filled */
    struct gate *loads;
};

/* Why the versions of a reader count. */
enum cache_trust {
    CACHE_TRUST_NONE,
    CACHE_TRUST_LEASED,    /* a relay vouches for them */
    CACHE_TRUST_VALIDATED, /* they were read from the database after the request came */
    CACHE_TRUST_UNVERIFIED /* the newest that Redis knows, while the database is away */
};

enum { CACHE_FETCHES_MAX = 5 };

struct cache_reader {
    struct cache *cache;
    struct cache_request request;
    struct cache_subject subject;
    enum cache_trust trust;
    struct cache_profile profile;
    struct cache_versions versions;
    struct cache_mark mark; /* what v was when Redis was asked; points into the first batch */
    struct slice mark_text;
    struct kv_batch *batches[CACHE_FETCHES_MAX]; /* keep what hits point to */
    struct flight *flights[CACHE_FETCHES_MAX];   /* keep what was loaded */
    size_t fetches_count;
    struct cache_report report;
};

/* One call of cache_fetch on its way. */
struct cache_fetching {
    const struct cache_item *items;
    size_t items_count;
    bool together;
    struct slice keys[CACHE_ITEMS_MAX];
    struct kv_batch *batch; /* NULL: Redis is away */
    size_t values_at;       /* where the values stand in the first reply of the batch */
    struct slice *values;
    bool wanted[CACHE_ITEMS_MAX];
    size_t wanted_count;
};

/* What a fill brought, shared by all who wanted it: in the order in which it was wanted. */
struct cache_filled {
    size_t count;
    struct kv_batch *batch; /* what the values point to if another process has filled meanwhile */
    struct cache_fill fills[CACHE_ITEMS_MAX];
    struct slice values[CACHE_ITEMS_MAX];
    struct cache_header headers[CACHE_ITEMS_MAX];
    bool stored;
};
bool cache_filled_reaches(const void *filled, const void *seen);
void cache_filled_free(void *filled);

/* Asks Redis, with the values of a fetch in the same round trip where there is one. */
enum result cache_ask(struct cache_reader *reader, struct cache_fetching *fetching,
                      struct error *error) MUST_CHECK;
/* Makes sure that the reader has versions that count, and may see the data. `batch` is what Redis
 * answered to the first question; NULL: nothing. */
enum result cache_trust_establish(struct cache_reader *reader, struct kv_batch *batch,
                                  struct error *error) MUST_CHECK;
/* The first words of that question. */
enum { CACHE_TRUST_KEYS = 3 };
void cache_trust_keys(const struct cache_reader *reader, char keys[][CACHE_KEY_MAX],
                      struct slice words[CACHE_TRUST_KEYS]);

/* Whether a value can be served under the reader's versions; notes what it came to. */
enum cache_outcome cache_look_up(struct cache_reader *reader, struct kv_reply reply,
                                 struct slice key, struct cache_header *header,
                                 struct slice *payload);
void cache_note_outcome(struct cache_report *report, enum cache_outcome outcome);
void cache_note_value(struct cache_reader *reader, const struct cache_header *header);

/* Gets what is wanted of a fetch: shared, from another process, or loaded and stored. */
enum result cache_fill_wanted(struct cache_reader *reader, struct cache_fetching *fetching,
                              cache_loader *load, void *context,
                              struct error *error) MUST_CHECK;

#endif
