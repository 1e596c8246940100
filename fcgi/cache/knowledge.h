/*
 * What Redis knows of a user before the database is asked, and the asking itself: shared by readers
 * and by the look-up of accounts. Private to cache/.
 */
#ifndef REFRAIN_CACHE_KNOWLEDGE_H
#define REFRAIN_CACHE_KNOWLEDGE_H

#include "cache/reader.h"

/* Everything here points into the batches that it was read from. */
struct cache_knowledge {
    bool redis_answers;
    bool is_vouched_for; /* the heartbeat is live and young, and v a number of its epoch */
    struct cache_heartbeat heartbeat;
    struct cache_mark mark;
    struct slice mark_text;
    bool has_profile; /* of the same epoch as v, and not older than v's auth */
    struct cache_profile profile;
    bool has_account; /* the token's, likewise */
    struct cache_account account;
};

/* Reads hb and v. */
void cache_know_versions(struct cache *cache, struct cache_knowledge *known,
                         struct kv_reply heartbeat, struct kv_reply mark);
/* Reads a profile or an account, after the versions; the key is part of the checksum. */
void cache_know_profile(struct cache *cache, struct cache_knowledge *known, struct slice key,
                        struct kv_reply reply);
void cache_know_account(struct cache *cache, struct cache_knowledge *known, struct slice key,
                        struct kv_reply reply);

/* A readable value; what is there and is none is counted and logged. */
bool cache_decode_reply(struct cache *cache, struct kv_reply reply, struct slice key,
                        struct cache_header *header, struct slice *payload);

/* Whether it is because the database does not answer that something ended so. */
bool cache_is_outage(const struct cache *cache, enum result result);

/* The versions of v, and the generations of the heartbeat, are the reader's from now on. */
void cache_trust_redis(struct cache_reader *reader, const struct cache_knowledge *known,
                       enum cache_trust trust);

/* Whether Redis knew of versions, before the database was read, that the database does not: those of
 * a commit that was lost. */
bool cache_is_phantom(const struct cache_mark *mark, const struct cache_versions *versions);

struct cache_question {
    const struct cache_subject *subject; /* NULL: not known before the answer */
    struct slice folded_name;            /* empty: by token alone */
    const unsigned char *token_hash;     /* NULL: none */
    int64_t deadline_us;
};
/* Reads the state from the database, or shares somebody else's reading that is fresh enough: takes
 * the lease first where v is no number, and tells Redis afterwards what was read. `*flight` holds
 * the state, until flight_leave(). */
enum result cache_state_ask(struct cache *cache, const struct cache_question *question,
                            const struct cache_knowledge *known, struct flight **flight,
                            struct error *error) MUST_CHECK;

#endif
