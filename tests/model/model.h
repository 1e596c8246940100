/*
 * An explicit-state model of the cache's protocol: every order in which its parties can take their
 * steps, and every fault between any two of them, within the bounds of a configuration.
 *
 * One user in one bucket. His commits are numbered 1, 2, …: the lock on his versions makes their
 * order the order of his counters, so one number stands for both. live is the number of the newest
 * commit, past that of the newest which reaches back (sql/functions/versions.sql).
 * Times are ticks; a pause is a party that takes no step, a lost message one that never arrives.
 *
 *     model.h       the state and the rules
 *     state.c       one form for all states that differ in names only; text for traces
 *     scripts.c     what the scripts of fcgi/cache/scripts do
 *     database.c    commits, their applies, faults, time
 *     fillers.c     processes that fill the cache, and requests that join them
 *     relays.c      relays
 *     promises.c    what must hold in every state
 *     table.c       the configurations that must hold, and the mutations that must not
 *     explore.c     breadth-first search
 *     main.c        options and output
 */
#ifndef REFRAIN_TESTS_MODEL_H
#define REFRAIN_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COMMITS_MAX = 3, FILLERS_MAX = 2, RELAYS_MAX = 2, NODES = 2, UNLIMITED = 15 };

/* ── the state ── every member is a byte below 16, so that two fit into one ── */

/* What a value shows: everything up to a commit (judged by live), or closed windows (by past). */
enum view { VIEW_OPEN, VIEW_CLOSED, VIEWS, VIEW_NONE = VIEWS };

struct version {
    uint8_t epoch; /* 0: none */
    uint8_t commit;
};

enum heartbeat { HB_NONE, HB_BOOTING, HB_LIVE };
enum mark { V_NONE, V_LEASE, V_NUMBER };
enum { POS_NONE = 0 };

struct node {
    uint8_t hb, hb_nonce, hb_epoch, hb_ticks;
    uint8_t pos; /* 1 + the newest commit that it covers */
    uint8_t v_kind, v_nonce, v_ticks;
    struct version v;
    struct version d[VIEWS];
};

struct database {
    uint8_t commits;
    uint8_t reaching_back; /* bit k - 1: commit k raises past as well */
    uint8_t untold;        /* bit k - 1: commit k raised the epoch and is not in the outbox */
    uint8_t epoch;
    uint8_t is_away;
    uint8_t open_epoch;    /* read by a transaction that has changed the user; 0: there is none */
    uint8_t purged;        /* outbox rows up to this commit are gone */
    uint8_t settled;       /* the last position that any relay has written: used by mutations */
    uint8_t acked;         /* the newest commit whose apply was acknowledged */
    uint8_t age[COMMITS_MAX];
    uint8_t applies_left[COMMITS_MAX];
    uint8_t apply_epoch[COMMITS_MAX];
};

enum relay_at {
    RELAY_OUT,
    RELAY_UNPLACED, /* has a mark, is to read pos: mutation */
    RELAY_PLACED,   /* has read pos, is to mark: mutation */
    RELAY_MARKED,
    RELAY_LOST,     /* marked, pos is no use: has a new position, the epoch is to be raised */
    RELAY_POLLED,
    RELAY_HALFWAY,  /* between the scripts of one round */
    RELAY_HOLDS,
};

struct relay {
    uint8_t at, node, nonce;
    uint8_t pos;
    uint8_t has_change; /* the poll has found something */
    struct version version;
};

enum filler_at {
    FILLER_IDLE,
    FILLER_READS,     /* is to look at the versions, or to load */
    FILLER_VERSIONED, /* has the versions, is to store them */
    FILLER_LOADED,    /* has a value, is to store it */
    FILLER_LEASES,    /* has a value, is to take the lease: mutation */
};

struct filler {
    uint8_t at, node;
    uint8_t lease; /* 0: none that is of any use */
    struct version version;
};

enum seen { SEEN_NOTHING, SEEN_LEASE, SEEN_VERSIONS };

/* A request that waits for another's flight. */
struct joiner {
    uint8_t seen, nonce;
    struct version version;
    uint8_t needs; /* the newest commit that, when it arrived, was acknowledged or over the bound */
};

enum replica { REPLICA_NONE, REPLICA_LAGS, REPLICA_SERVES };

struct state {
    struct database db;
    /* The second is a replica cut off at some moment, or, with REPLICA_SERVES, the new master while
     * the old one still serves those who don't know. */
    struct node node[NODES];
    struct relay relay[RELAYS_MAX];
    struct filler filler[FILLERS_MAX];
    struct joiner joiner;
    uint8_t replica;
    uint8_t has_failed_over;
    uint8_t evictions_left, failovers_left, raises_left;
};

/* ── the rules: 0 is the protocol, anything else a mutation ── */

enum rule_reads { READS_LEASED, READS_BY_VERSION, READS_VALUE_ALONE };
enum rule_apply { APPLY_RAISES, APPLY_CREATES, APPLY_DELETES };
enum rule_store {
    STORE_MY_LEASE,
    STORE_ANY_LEASE,
    STORE_CREATES,
    STORE_ALWAYS,
    STORE_LEASE_ON_VALUE
};
enum rule_epochs { EPOCHS_ARE_COUNTERS, EPOCHS_FIRST_IN_APPLY, EPOCHS_FIRST_IN_STORE };
enum rule_lease { LEASE_BEFORE_READ, LEASE_AFTER_READ };
enum rule_source { SOURCE_PRIMARY, SOURCE_REPLICA };
enum rule_validated { VALIDATED_BY_VIEW, VALIDATED_BY_PAST };
enum rule_unverified { UNVERIFIED_SAME_EPOCH, UNVERIFIED_ANY_EPOCH };
enum rule_join { JOIN_KNOWN, JOIN_ANY };
enum rule_beat { BEAT_CHECKED, BEAT_PLAIN, BEAT_APART, BEAT_PARTS_KEEP_NONCE };
enum rule_mark { MARK_FREE, MARK_ANY, MARK_NONE };
enum rule_position { POS_WITH_MARK, POS_BEFORE_MARK, POS_AFTER_MARK, POS_SETTLED };
enum rule_lost { LOST_PLACED_THEN_RAISED, LOST_RAISED_THEN_PLACED, LOST_NOT_RAISED };
enum rule_poll { POLL_BY_SNAPSHOT, POLL_BY_ID };

struct rules {
    enum rule_reads reads;
    enum rule_apply apply;
    enum rule_store store;
    enum rule_epochs epochs;
    enum rule_lease lease;
    enum rule_source source;
    enum rule_validated validated;
    enum rule_unverified unverified;
    enum rule_join join;
    enum rule_beat beat;
    enum rule_mark mark;
    enum rule_position position;
    enum rule_lost lost;
    enum rule_poll poll;
};

struct bounds {
    uint8_t commits, fillers, relays;
    uint8_t applies;               /* how often a writer's apply of one commit may arrive */
    uint8_t evictions, failovers;  /* UNLIMITED: as many as you like */
    uint8_t raises;                /* of the epoch, by hand */
    uint8_t px_ticks, lease_ticks;
    bool closed;   /* commits differ in what they raise; values of closed windows */
    bool slow;     /* a transaction reads the epoch, and goes to the outbox, before it commits */
    bool bulk;     /* a commit may raise the epoch instead of going to the outbox */
    bool parts;    /* a round may take two scripts */
    bool joins;
    bool outages;  /* of PostgreSQL */
    bool cold;     /* pos is absent at first, and may be evicted */
    bool purges;   /* of the outbox */
    bool splits;   /* a master that was replaced goes on for those who don't know */
};

struct model {
    const char *name, *about;
    struct bounds bounds;
    struct rules rules;
};

/* ── steps ── */

#define STEPS(STEP)                                                                                \
    STEP(STEP_START, "the start")                                                                  \
    STEP(STEP_TICK, "a tick passes")                                                               \
    STEP(STEP_OPEN, "a writer changes the user, not committed yet")                                \
    STEP(STEP_COMMIT, "commit %d")                                                                 \
    STEP(STEP_COMMIT_PAST, "commit %d, which reaches back")                                        \
    STEP(STEP_COMMIT_BULK, "commit %d, which raises the epoch instead of telling the outbox")      \
    STEP(STEP_APPLY, "the writer's apply of commit %d arrives, and is acknowledged")               \
    STEP(STEP_RAISE, "the epoch is raised by hand")                                                \
    STEP(STEP_PURGE, "the outbox is purged")                                                       \
    STEP(STEP_AWAY, "PostgreSQL goes away")                                                        \
    STEP(STEP_BACK, "PostgreSQL comes back")                                                       \
    STEP(STEP_EVICT_HB, "hb is evicted")                                                           \
    STEP(STEP_EVICT_POS, "pos is evicted")                                                         \
    STEP(STEP_EVICT_V, "v is evicted")                                                             \
    STEP(STEP_EVICT_OPEN, "the open window's value is evicted")                                    \
    STEP(STEP_EVICT_CLOSED, "the closed window's value is evicted")                                \
    STEP(STEP_LAG, "Redis' replica gets nothing from here on")                                     \
    STEP(STEP_FAILOVER, "FAILOVER to the replica")                                                 \
    STEP(STEP_SPLIT, "the replica becomes a second master; the old one goes on")                   \
    STEP(STEP_FILLER_STARTS, "filler %d misses, takes or joins the lease if there is no number")   \
    STEP(STEP_FILLER_ASKS, "filler %d reads the versions")                                         \
    STEP(STEP_FILLER_LOADS, "filler %d loads, in one snapshot")                                    \
    STEP(STEP_FILLER_LOADS_OLD, "filler %d loads from a replica of PostgreSQL")                    \
    STEP(STEP_FILLER_LEASES, "filler %d takes the lease")                                          \
    STEP(STEP_FILLER_STORES_V, "filler %d stores v, or is refused")                                \
    STEP(STEP_FILLER_STORES_OPEN, "filler %d stores an open window, or is refused")                \
    STEP(STEP_FILLER_STORES_CLOSED, "filler %d stores a closed window, or is refused")             \
    STEP(STEP_FILLER_DIES, "filler %d dies")                                                       \
    STEP(STEP_REQUEST_FINDS, "a request arrives and finds the lease")                              \
    STEP(STEP_REQUEST_TRUSTS, "a request arrives and finds a number that is vouched for")          \
    STEP(STEP_REQUEST_ASKS, "a request arrives and reads the versions")                                                 \
    STEP(STEP_REQUEST_LEAVES, "the request leaves")                                                \
    STEP(STEP_RELAY_MARKS, "relay %d marks")                                                       \
    STEP(STEP_RELAY_PLACES, "relay %d reads pos")                                                  \
    STEP(STEP_RELAY_LOSES, "relay %d polls: pos is no use, so it only learns the present one")     \
    STEP(STEP_RELAY_RAISES, "relay %d raises the epoch")                                           \
    STEP(STEP_RELAY_POLLS, "relay %d polls")                                                       \
    STEP(STEP_RELAY_APPLIES, "relay %d applies, in a script before the last")                      \
    STEP(STEP_RELAY_BEATS, "relay %d applies and beats: hb is live")                               \
    STEP(STEP_RELAY_REFUSED, "relay %d is refused")                                                \
    STEP(STEP_RELAY_DIES, "relay %d dies and starts again")

#define STEP_NAME(name, text) name,
enum step { STEPS(STEP_NAME) STEPS_COUNT };

/* Where steps are given to: states that follow. `next` is brought into its one form there. */
struct explorer;
void explore_step(struct explorer *explorer, struct state *next, enum step step, int who);

/* Each gives all steps of its parties. */
void database_steps(const struct model *model, const struct state *s, struct explorer *explorer);
void filler_steps(const struct model *model, const struct state *s, struct explorer *explorer);
void relay_steps(const struct model *model, const struct state *s, struct explorer *explorer);

/* ── state.c ── */

enum { PACKED_WORDS = 5 };
struct packed {
    uint64_t words[PACKED_WORDS];
};
void state_start(const struct model *model, struct state *s);
/* One form for all states that differ only in the names of nonces and epochs. With `merges` also
 * for those that differ in who is who, or in what can have no effect any more. */
void state_normalize(const struct model *model, struct state *s, bool merges);
void state_pack(const struct state *s, struct packed *packed);
void state_unpack(const struct packed *packed, struct state *s);
uint8_t state_fresh_nonce(const struct state *s);
void state_print(const struct model *model, const struct state *s);

/* Whether a node takes commands. */
static inline bool node_serves(const struct state *s, int node)
{
    return node == 0 || s->replica == REPLICA_SERVES;
}

/* The counter by which a view judges that commit: the newest up to it that raises the counter. */
static inline uint8_t counter(const struct database *db, int view, uint8_t commit)
{
    while (view == VIEW_CLOSED && commit > 0 && !(db->reaching_back >> (commit - 1) & 1)) {
        commit--;
    }
    return commit;
}

/* ── scripts.c: see the scripts of the same name ── */

/* Gives the lease, or 0 if there is a number. */
uint8_t script_acquire(const struct model *model, struct node *node, uint8_t nonce);
bool script_store(const struct model *model, struct node *node, uint8_t lease,
                  struct version version, enum view view);
void script_apply(const struct model *model, struct node *node, struct version version);

/* ── promises.c ── */

/* A hit in the cache that nobody asks the database about. */
bool read_hits(const struct model *model, const struct state *s, int node, int view);
/* Whether a value that was found may be served after a look at the versions. */
bool read_validates(const struct model *model, const struct database *db, struct version d,
                    int view);

enum promise {
    PROMISE_NONE,
    PROMISE_BOUND,      /* a hit is older than two lives of the heartbeat */
    PROMISE_ACK,        /* a hit misses an acknowledged write, without failover */
    PROMISE_VALIDATED,  /* a validated read misses anything */
    PROMISE_JOINED,     /* a joined result misses what a hit could not have missed on arrival */
    PROMISE_UNVERIFIED, /* an unverified read is of another epoch than v, or as PROMISE_ACK */
};
extern const char *const promise_texts[];
/* The first promise that the state breaks. Raises *worst_ticks, of hits; -1: never stale. */
enum promise promises_check(const struct model *model, const struct state *s, int *worst_ticks);

/* ── table.c ── */

enum kind { KIND_HOLDS, KIND_CAUGHT, KIND_HARMLESS };
struct entry {
    enum kind kind;
    struct model model;
};
extern const struct entry small_table[], large_table[];
extern const size_t small_count, large_count;

/* ── explore.c ── */

struct exploration {
    bool stops_at_first; /* broken promise */
    bool merges;
    bool prints_trace;
    size_t memory_max_bytes;
    int progress_s; /* of processor time, as all times here; 0: none */
};
struct findings {
    size_t states;
    bool is_complete;
    enum promise broken;
    int steps_to_broken;
    int worst_ticks;
    double seconds;
    size_t memory_bytes;
};
void explore(const struct model *model, const struct exploration *how, struct findings *findings);

#endif
