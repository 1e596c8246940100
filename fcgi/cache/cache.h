/*
 * The one way to read a user's data: read-through, versioned, never stale (docs/consistency.md).
 *
 * A request opens a reader for a user, fetches what it needs, and finishes it. The first fetch asks
 * Redis, in one round trip, for the values, the newest versions that are known of the user, who
 * asks, and whether a relay vouches for all this. If one does, a value that reaches these versions
 * is served; if none does, the versions are read from PostgreSQL by key. What is missing is loaded,
 * by one of all who want it. With Redis away everything is loaded, and nothing stored; with
 * PostgreSQL away what Redis holds is served as unverified.
 */
#ifndef REFRAIN_CACHE_CACHE_H
#define REFRAIN_CACHE_CACHE_H

#include "base/arena.h"
#include "cache/codec.h"
#include "cache/identity.h"
#include "cache/key.h"
#include "cache/metrics.h"
#include "cache/slots.h"
#include "cache/vigil.h"
#include "db/db.h"
#include "redis/kv.h"

#include <stdbool.h>

struct cache;
struct cache_reader;

struct cache_options {
    struct kv *kv; /* with the scripts of cache/scripts.h */
    struct db *db;
    struct cache_metrics *metrics;
    size_t value_max_bytes;
    int64_t ttl_open_s;
    int64_t ttl_closed_s;
    size_t loads_max;         /* at a time; fewer than the database's connections */
    size_t loads_waiting_max; /* for their turn; more are turned away */
    size_t sharers_max; /* threads that wait long for what another one computes */
    size_t l1_bytes_max; /* what may be kept in the process; 0: nothing */
    const struct vigil *vigil;  /* tells whether that is current; needed where there is any */
    struct cache_slots *slots;  /* tells the host's processes of writes; NULL: nobody writes here */
};

/* NULL where memory is short. What the options point to must outlive it. */
struct cache *cache_create(const struct cache_options *options);
void cache_destroy(struct cache **cache);

/* Whether the one who asks may see the user's data. Where it says yes for nobody in particular, who
 * asks is not looked up. */
typedef bool cache_admit(const struct cache_profile *profile);

struct cache_request {
    struct slice folded_name;        /* of the user whose data it is; terminated */
    const unsigned char *token_hash; /* of SECRET_HASH_SIZE bytes; NULL: no token */
    cache_admit *admit;
    struct arena *arena; /* outlives the reader */
    int64_t deadline_us;
};

/* Touches no server. NULL where memory is short. */
struct cache_reader *cache_reader_open(struct cache *cache, const struct cache_request *request);
/* Frees every value that was fetched with it. */
void cache_reader_close(struct cache_reader **reader);

/* Who and whose; valid as long as the reader. RESULT_NOT_FOUND for an unknown user and for one that
 * may not be seen alike, RESULT_UNAVAILABLE where neither Redis nor PostgreSQL can tell. */
enum result cache_reader_profile(struct cache_reader *reader,
                                 const struct cache_profile **profile,
                                 struct error *error) MUST_CHECK;

struct cache_item {
    struct cache_name name;
    int64_t window_end_s; /* where its window closes; 0: it never does */
};

/* What comes of one item that has been computed: the payload, and the versions of the very snapshot
 * that it was read in. */
struct cache_fill {
    struct cache_versions versions;
    struct buffer payload;
    bool is_transient; /* not to be stored: its name may be anybody's invention */
};

/* The versions that every function which reads returns, in columns from `first` on, in this order:
 * epoch, live, past, auth, people, catalogue, model, and the time of the snapshot. Of the first row. */
enum { CACHE_VERSION_COLUMNS = 8 };
struct cache_versions cache_versions_of(const struct db_rows *rows, size_t first);

/* How a part is computed: by one call of a SQL function, whose rows make up all its items. */
struct cache_part;
struct cache_source {
    /* Names the function and its parameters, which live as long as the arena. */
    enum result (*ask)(const struct cache_part *part, const struct cache_profile *profile,
                       struct arena *arena, struct db_step *call, struct error *error);
    /* Makes a fill of each item; there is a row at least. */
    enum result (*take)(const struct cache_part *part, const struct db_rows *rows,
                        struct cache_fill *fills, struct error *error);
};

/* Items that belong to each other: if one of them has to be computed, all are. */
struct cache_part {
    const struct cache_item *items;
    size_t items_count;
    const struct cache_source *source;
    const void *query; /* the source's own */
    /* Dear, and of more windows than could be stored, which anybody may ask for: computed at a quarter
     * of the places for loads at most, so that it never keeps others from theirs. */
    bool is_rationed;
};

/* Fetches parts of up to CACHE_ITEMS_MAX items in all: `values` are their payloads, in the order of
 * parts and items, valid until the reader is closed. Redis is asked once for everything, and the
 * database, where it must be, once for all that is missing, in one snapshot. RESULT_NOT_FOUND as
 * above, and if the user is gone; RESULT_UNAVAILABLE also if too much is being loaded; else what a
 * source or the database said. A reader fetches CACHE_FETCHES_MAX times at most. */
enum { CACHE_FETCHES_MAX = 5 };
enum result cache_fetch(struct cache_reader *reader, const struct cache_part *parts,
                        size_t parts_count, struct slice *values, struct error *error) MUST_CHECK;

/* The same, and all values show one state of the database: where those that were found and those that
 * had to be loaded would not, all are loaded. Counts as two fetches. What is served while the database
 * is away may be of several states. */
enum result cache_fetch_together(struct cache_reader *reader, const struct cache_part *parts,
                                 size_t parts_count, struct slice *values,
                                 struct error *error) MUST_CHECK;

/* What all fetches of this reader came to: the worst of them. */
struct cache_report {
    enum cache_outcome outcome;
    int64_t age_s;     /* of the oldest value */
    int64_t ttl_s;     /* left, of the value that ends first */
    uint64_t content_hash; /* over the user's stored name and all payloads, in order */
    bool stored;       /* all that was loaded is in Redis now */
    bool has_moved;    /* the parts may belong to different versions of the data */
    int64_t asked_us;  /* spent on asking Redis and for the versions */
    int64_t loaded_us; /* spent on loading */
};
void cache_reader_report(const struct cache_reader *reader, struct cache_report *report);

/* The account that a token belongs to; its name lies in the arena. RESULT_NOT_FOUND for an unknown
 * token; RESULT_UNAVAILABLE as above. */
enum result cache_identify(struct cache *cache, const unsigned char *token_hash,
                           struct arena *arena, int64_t deadline_us,
                           struct cache_account *account, struct error *error) MUST_CHECK;

/* Tells Redis of a change whose commit has been confirmed, and of the versions that it led to;
 * to be called before the change is acknowledged. One try: it waits for a connection and for Redis as
 * every command does; that it fails is no error: the relay tells Redis too. */
void cache_apply(struct cache *cache, const struct cache_subject *subject,
                 const struct cache_versions *versions);

/* Counts the request, once, under its view. */
void cache_count(struct cache *cache, enum cache_view view, enum cache_outcome outcome);
/* What all processes of this host have counted. */
void cache_totals(const struct cache *cache, struct cache_totals *totals);

struct cache_memory {
    bool is_up; /* whether Redis answers; all else is 0 if not */
    bool policy_fits;
    int64_t used_bytes;
    int64_t max_bytes; /* 0: no limit */
    int64_t fragmentation_bytes;
    int64_t evicted;
    int live_buckets; /* for how many of CACHE_BUCKETS a relay vouches */
};
void cache_memory(struct cache *cache, struct cache_memory *memory);

#endif
