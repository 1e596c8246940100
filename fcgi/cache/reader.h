/*
 * What the files of a reader share, private to cache/: cache.c opens and closes, trust.c finds out
 * which versions count, near.c looks into L1, fetch.c looks values up, fill.c computes what is
 * missing.
 */
#ifndef REFRAIN_CACHE_READER_H
#define REFRAIN_CACHE_READER_H

#include "cache/cache.h"
#include "cache/flight.h"
#include "cache/gate.h"
#include "cache/l1.h"
#include "cache/record.h"
#include "cache/state.h"
#include "cache/steps.h"

struct cache {
    struct cache_options options;
    struct cache_steps steps;
    struct flights *states; /* of struct cache_state */
    struct flights *fills;  /* of struct cache_filled */
    struct gate *loads;
    struct gate *rationed; /* before `loads`, for what must not take all its places */
    struct l1 *l1; /* NULL: there is none */
    _Atomic int64_t l1_told_us; /* when its figures were last told */
};

/* Why the versions of a reader count. */
enum cache_trust {
    CACHE_TRUST_NONE,
    CACHE_TRUST_LEASED,    /* a relay vouches for them */
    CACHE_TRUST_VALIDATED, /* they were read from the database after the request came */
    CACHE_TRUST_UNVERIFIED /* the newest that Redis knows, while the database is away */
};

struct cache_reader {
    struct cache *cache;
    struct cache_request request;
    struct cache_subject subject; /* from the first question on */
    enum cache_trust trust;
    bool is_near; /* the trust comes from L1 */
    uint64_t sighting; /* noted before Redis was asked */
    int64_t wall_us;   /* of the last fetch */
    struct cache_profile profile;
    struct cache_versions versions;
    struct cache_mark mark; /* what v was when Redis was asked; points into the first batch */
    struct slice mark_text;
    struct kv_batch *batches[CACHE_FETCHES_MAX]; /* keep what hits point to */
    struct flight *flights[CACHE_FETCHES_MAX];   /* keep what was loaded */
    size_t fetches_count;
    /* Keep hits of L1: of each fetch the items, whose data it is and who asks. */
    const struct l1_value *held[CACHE_FETCHES_MAX * (2 + CACHE_ITEMS_MAX)];
    size_t held_count;
    struct cache_report report;
};

/* A value that was found, be it current or not. */
struct cache_found {
    bool is_there;
    bool is_near; /* in L1, and a hit */
    bool is_due;  /* for being computed anew; decided once for a value that a reader has found */
    struct cache_header header;
    struct slice payload;
    uint64_t hash;
};

/* One call of cache_fetch on its way. */
struct cache_fetching {
    const struct cache_part *parts;
    size_t parts_count;
    const struct cache_item *items[CACHE_ITEMS_MAX]; /* of all parts */
    size_t items_count;
    char key_texts[CACHE_ITEMS_MAX][CACHE_KEY_MAX];
    struct slice keys[CACHE_ITEMS_MAX];
    bool redis_answers;
    struct cache_found found[CACHE_ITEMS_MAX];
    struct slice *values;
    bool wanted[CACHE_ITEMS_MAX];
    size_t wanted_count;
};

/* What a fill brought, shared by all who wanted it: in the order in which it was wanted. */
struct cache_filled {
    size_t count;
    struct kv_batch *batch; /* what the values point to if another process has filled meanwhile */
    struct cache_fill fills[CACHE_ITEMS_MAX];
    struct cache_found found[CACHE_ITEMS_MAX];
    bool stored;
};
bool cache_filled_reaches(const void *filled, const void *seen);
void cache_filled_free(void *filled);

/* Finds out which versions count, and what there is of a fetch: in L1, else in Redis, in one round
 * trip. */
enum result cache_ask(struct cache_reader *reader, struct cache_fetching *fetching,
                      struct error *error) MUST_CHECK;

/* The first words of that question, and the token's if somebody asks. They point into it. */
enum { CACHE_TRUST_KEYS = 3 };
struct cache_trust_keys {
    size_t count; /* 0: the versions are known already */
    struct slice words[CACHE_TRUST_KEYS];
    struct slice token; /* empty: nobody in particular asks */
    char texts[CACHE_TRUST_KEYS + 1][CACHE_KEY_MAX];
};
void cache_trust_keys(const struct cache_reader *reader, struct cache_trust_keys *keys);

/* Makes sure that the reader has versions that count, and may see the data. `batch` is what Redis
 * answered; NULL: nothing. `known` is what it told, and points into the batch. */
struct cache_knowledge;
enum result cache_trust_establish(struct cache_reader *reader, const struct kv_batch *batch,
                                  const struct cache_trust_keys *keys,
                                  struct cache_knowledge *known, struct error *error) MUST_CHECK;

/* The one who asks is this one. */
void cache_reader_view_as(struct cache_reader *reader, const struct cache_account *account);

/* near.c. Finds out the subject; takes the versions from L1, if there they are known to be the
 * newest. */
void cache_near_trust(struct cache_reader *reader, int64_t now_us);
/* Looks for the items in L1. */
void cache_near_find(struct cache_reader *reader, struct cache_fetching *fetching);
/* Puts into L1 what Redis vouches for: the versions, if it was asked for them, and values. */
void cache_near_keep(const struct cache_reader *reader, const struct cache_fetching *fetching,
                     const struct kv_batch *batch, const struct cache_trust_keys *keys,
                     const struct cache_knowledge *known);
void cache_near_release(struct cache_reader *reader);

/* What Redis gave for a value. `found` holds what had been found before, if anything. */
void cache_decode_found(struct cache *cache, struct kv_reply reply, struct slice key,
                        struct cache_found *found);
/* Past its time, or chosen to be computed anew ahead of it. */
bool cache_is_due(const struct cache_header *header, int64_t now_us);
/* Whether a value that was found can be served under the reader's versions. */
enum cache_outcome cache_judge(const struct cache_reader *reader,
                               const struct cache_found *found);
/* Whether it shows the very state that these versions tell of: parts of one answer may reach them and
 * yet differ from each other. */
bool cache_is_of(const struct cache_header *header, const struct cache_versions *versions);
/* Makes what was found the fetch's value. */
void cache_take_found(struct cache_reader *reader, struct cache_fetching *fetching, size_t at);
void cache_note_outcome(struct cache_report *report, enum cache_outcome outcome);
void cache_note_value(struct cache_reader *reader, const struct cache_header *header);

/* Gets what is wanted of a fetch: shared, from another process, or loaded and stored. */
enum result cache_fill_wanted(struct cache_reader *reader, struct cache_fetching *fetching,
                              struct error *error) MUST_CHECK;

#endif
