/*
 * The one way to read a user's data: read-through, versioned, never stale.
 *
 * A request opens a reader for a user, fetches what it needs, and finishes it. The first fetch asks
 * Redis for the values and PostgreSQL, by primary key, for the user's versions, both at once; a
 * value is served if it was computed from exactly these versions, and loaded otherwise. With Redis
 * away everything is loaded, and nothing stored.
 */
#ifndef REFRAIN_CACHE_CACHE_H
#define REFRAIN_CACHE_CACHE_H

#include "base/arena.h"
#include "cache/codec.h"
#include "cache/key.h"
#include "cache/metrics.h"
#include "db/db.h"
#include "redis/kv.h"

#include <stdbool.h>

struct cache;
struct cache_reader;

struct cache_options {
    struct kv *kv;
    struct db *db;
    struct cache_metrics *metrics;
    size_t value_max_bytes;
    int64_t ttl_open_s;
    int64_t ttl_closed_s;
};

/* NULL where memory is short. What the options point to must outlive it. */
struct cache *cache_create(const struct cache_options *options);
void cache_destroy(struct cache **cache);

/* Whose data it is, and who asks. Lives as long as the reader. */
struct cache_profile {
    int64_t user_id;
    struct slice user_name; /* as stored */
    bool is_public;
    int64_t viewer_id; /* 0: nobody, or an unknown token */
    int64_t viewer_scopes;
    bool viewer_is_admin;
};

/* Whether the one who asks may see the user's data. */
typedef bool cache_admit(const struct cache_profile *profile);

struct cache_request {
    struct slice folded_name;        /* of the user whose data it is */
    const unsigned char *token_hash; /* of SECRET_HASH_SIZE bytes; NULL: no token */
    cache_admit *admit;
    struct arena *arena; /* outlives the reader */
    int64_t deadline_us;
};

/* Touches no server. NULL where memory is short. */
struct cache_reader *cache_reader_open(struct cache *cache, const struct cache_request *request);
/* Frees every value that was fetched with it. */
void cache_reader_close(struct cache_reader **reader);

/* Who and whose, when only that is needed; RESULT_NOT_FOUND for an unknown user and for one that
 * may not be seen alike, RESULT_UNAVAILABLE where PostgreSQL does not answer. */
enum result cache_reader_profile(struct cache_reader *reader,
                                 const struct cache_profile **profile,
                                 struct error *error) MUST_CHECK;

struct cache_item {
    struct cache_name name;
    int64_t window_end_s; /* where its window closes; 0: it never does */
};

/* What a loader hands back for one item: the payload, and the versions of the very snapshot that it
 * was read in. */
struct cache_fill {
    struct cache_versions versions;
    struct buffer payload;
    bool is_transient; /* not to be stored: its name may be anybody's invention */
};

/* Computes the items that are `wanted`, from the database; the others stay as they are. */
struct cache_load {
    struct db *db;
    const struct cache_profile *profile;
    const struct cache_item *items;
    const bool *wanted;
    size_t items_count;
    int64_t deadline_us;
};
typedef enum result cache_loader(void *context, const struct cache_load *load,
                                 struct cache_fill *fills, struct error *error);

enum { CACHE_ITEMS_MAX = 32 };

/* Fetches items: `values[i]` is the payload of items[i], valid until the reader is closed. With
 * `together` the items are parts of one answer: if one has to be loaded, all are, in one snapshot.
 * RESULT_NOT_FOUND as above; else what the loader said. */
enum result cache_fetch(struct cache_reader *reader, const struct cache_item *items,
                        size_t items_count, bool together, cache_loader *load, void *context,
                        struct slice *values, struct error *error) MUST_CHECK;

/* What all fetches of this reader came to: the worst of them. */
struct cache_report {
    enum cache_outcome outcome;
    int64_t age_s;     /* of the oldest value */
    int64_t ttl_s;     /* left, of the value that ends first */
    bool stored;       /* all that was loaded is in Redis now */
    bool has_moved;    /* something was loaded after a change that other values may not show yet */
    int64_t asked_us;  /* spent on asking Redis and for the versions */
    int64_t loaded_us; /* spent on loading */
};
void cache_reader_report(const struct cache_reader *reader, struct cache_report *report);

/* Counts the request, once, under its view. */
void cache_count(struct cache *cache, enum cache_view view, enum cache_outcome outcome);
/* What all processes of this host have counted. */
void cache_totals(const struct cache *cache, struct cache_totals *totals);

struct cache_memory {
    bool is_up; /* whether Redis answers; all else is 0 if not */
    int64_t used_bytes;
    int64_t max_bytes; /* 0: no limit */
    int64_t evicted;
};
void cache_memory(struct cache *cache, struct cache_memory *memory);

#endif
