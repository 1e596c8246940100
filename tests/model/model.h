/*
 * An explicit-state model of the cache's protocol: every order in which its parties can take their
 * steps, and every fault between any two of them, within the bounds of a configuration.
 *
 * One user in one bucket. His commits are numbered 1, 2, …: the lock on his versions makes their
 * order the order of his counters, so one number stands for both. live is the number of the newest
 * commit, past that of the newest which reaches back (sql/functions/versions.sql).
 * Times are ticks; a pause is a party that takes no step, a lost message one that never arrives.
 *
 *     model.h       the rules, and what the files offer each other
 *     state.[ch]    the state; one form for all states that differ in names only
 *     scripts.c     what the scripts of fcgi/cache/scripts do
 *     database.c    commits, their applies, faults, time
 *     fillers.c     processes that fill the cache, and requests that join them
 *     relays.c      relays
 *     processes.c   L1: the processes of one host, and writers that answer (processes.h)
 *     vigils.c      what tells a process whether its L1 is current
 *     readers.c     what fills L1, and requests that are answered from it
 *     traces.c      text for traces
 *     promises.c    what must hold in every state
 *     table.c       the configurations that must hold, and the mutations that must not
 *     explore.c     breadth-first search
 *     main.c        options and output
 */
#ifndef REFRAIN_TESTS_MODEL_H
#define REFRAIN_TESTS_MODEL_H

#include "state.h"

#include <stdbool.h>

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

/* Of L1. */
enum rule_slots { SLOTS_BEFORE_ANSWER, SLOTS_NONE, SLOTS_BEFORE_APPLY, SLOTS_AFTER_ANSWER };
enum rule_sighting { SIGHTING_BEFORE_MGET, SIGHTING_AFTER_MGET, SIGHTING_WITHOUT_PUSHES };
enum rule_trust { TRUST_AFTER_PONG, TRUST_BEFORE_PONG };
enum rule_limit { LIMIT_BOTH, LIMIT_NONE, LIMIT_BY_LOOK, LIMIT_BY_POLL };
enum rule_loss { LOSS_ENDS_TRUST, LOSS_LEAVES_TRUST };
enum rule_era { ERA_BOTH, ERA_AT_LOSS, ERA_BEFORE_TRACKING, ERA_AFTER_TRACKING };
enum rule_keep { KEEP_WATCHED, KEEP_ANY_NODE, KEEP_ANY_BEAT };
enum rule_look { LOOK_WATCHED, LOOK_ANY_NODE, LOOK_ANY_HISTORY };
enum rule_bucket { BUCKET_LOOKED_AT, BUCKET_EPOCH_ALONE, BUCKET_IGNORED };
enum rule_alive { ALIVE_ASKED, ALIVE_IGNORED };
enum rule_order { ORDER_TRUST_FIRST, ORDER_SIGHTING_FIRST };

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
    enum rule_slots slots;
    enum rule_sighting sighting;
    enum rule_trust trust;
    enum rule_limit limit;
    enum rule_loss loss;
    enum rule_era era;
    enum rule_keep keep;
    enum rule_look look;
    enum rule_bucket bucket;
    enum rule_alive alive;
    enum rule_order order;
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
    bool warm;     /* Redis holds the user's data from the start */
    uint8_t processes, trust_ticks; /* with L1; and how long a look is good for at most */
    bool requests; /* L1 is asked in two steps */
    bool drops;    /* tracking connections end, and others begin */
    bool swaps;    /* a master that was replaced gets the other one's data, and keeps its clients */
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
    STEP(STEP_SWAP, "FAILOVER to the replica, whose data the old master takes over in place")      \
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
    STEP(STEP_REQUEST_ASKS, "a request arrives and reads the versions")                            \
    STEP(STEP_REQUEST_LEAVES, "the request leaves")                                                \
    STEP(STEP_RELAY_MARKS, "relay %d marks")                                                       \
    STEP(STEP_RELAY_PLACES, "relay %d reads pos")                                                  \
    STEP(STEP_RELAY_LOSES, "relay %d polls: pos is no use, so it only learns the present one")     \
    STEP(STEP_RELAY_RAISES, "relay %d raises the epoch")                                           \
    STEP(STEP_RELAY_POLLS, "relay %d polls")                                                       \
    STEP(STEP_RELAY_APPLIES, "relay %d applies, in a script before the last")                      \
    STEP(STEP_RELAY_BEATS, "relay %d applies and beats: hb is live")                               \
    STEP(STEP_RELAY_REFUSED, "relay %d is refused")                                                \
    STEP(STEP_RELAY_DIES, "relay %d dies and starts again")                                        \
    STEP(STEP_ANSWER, "the writer of commit %d raises the slot, and answers")                      \
    STEP(STEP_SLOT, "the writer of commit %d raises the slot after all")                           \
    STEP(STEP_LOSE, "process %d loses its tracking connection, and knows")                         \
    STEP(STEP_PREPARE, "process %d raises the era before it tracks")                               \
    STEP(STEP_TRACK, "process %d tracks the first node")                                           \
    STEP(STEP_TRACK_SECOND, "process %d tracks the second node")                                   \
    STEP(STEP_PUSH, "what was pushed arrives at process %d")                                       \
    STEP(STEP_LOOK, "process %d looks at hb")                                                      \
    STEP(STEP_PONG, "process %d gets the PONG")                                                    \
    STEP(STEP_NOTE, "process %d notes a sighting")                                                 \
    STEP(STEP_GET, "process %d gets an open window")                                               \
    STEP(STEP_GET_CLOSED, "process %d gets a closed window")                                       \
    STEP(STEP_KEEP, "process %d keeps it, if from the node that it tracks")                        \
    STEP(STEP_NEAR_COMES, "a request comes, and takes its first step in L1")                       \
    STEP(STEP_NEAR_LEAVES, "that request leaves")

#define STEP_NAME(name, text) name,
enum step { STEPS(STEP_NAME) STEPS_COUNT };

/* Where steps are given to: states that follow. `next` is brought into its one form there. */
struct explorer;
void explore_step(struct explorer *explorer, struct state *next, enum step step, int who);

/* Each gives all steps of its parties. */
void database_steps(const struct model *model, const struct state *s, struct explorer *explorer);
void filler_steps(const struct model *model, const struct state *s, struct explorer *explorer);
void relay_steps(const struct model *model, const struct state *s, struct explorer *explorer);
void process_steps(const struct model *model, const struct state *s, struct explorer *explorer);

/* ── state.c ── */

/* A state in packed form takes WORDS_MAX words, and without L1 fewer. */
enum { WORDS_MAX = 9 };
size_t state_words(const struct model *model);
void state_start(const struct model *model, struct state *s);
/* One form for all states that differ only in the names of nonces and epochs. With `merges` also
 * for those that differ in who is who, or in what can have no effect any more. */
void state_normalize(const struct model *model, struct state *s, bool merges);
void state_pack(const struct state *s, uint64_t *words, size_t count);
void state_unpack(const uint64_t *words, size_t count, struct state *s);
uint8_t state_fresh_nonce(const struct state *s);

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

/* ── processes.c ── */

/* What follows for the processes of the host from a step that was taken elsewhere: a commit, a tick,
 * a failover, and whatever changes v on a node. */
void processes_commit(const struct model *model, struct state *next, int commit);
void processes_tick(const struct model *model, struct state *next);
void processes_fail_over(struct state *next, enum step step);
void processes_push(const struct model *model, const struct state *from, struct state *next);
/* What the age of a poll is at most: all that are older are alike. */
uint8_t processes_oldest(const struct model *model);
/* For state_normalize(): takes out what can have no effect. */
void processes_bury(const struct model *model, struct state *s);

/* ── traces.c ── */

void state_print(const struct model *model, const struct state *s);

/* ── scripts.c: see the scripts of the same name ── */

/* Gives the lease, or 0 if there is a number. */
uint8_t script_acquire(const struct model *model, struct node *node, uint8_t nonce);
bool script_store(const struct model *model, struct node *node, uint8_t lease,
                  struct version version, enum view view);
void script_apply(const struct model *model, struct node *node, struct version version);

/* ── promises.c ── */

/* A hit in the cache that nobody asks the database about. */
bool read_hits(const struct model *model, const struct state *s, int node, int view);
/* The same in L1, but for the trust; and with it. */
bool near_is_current(const struct state *s, const struct process *process, int view);
bool near_hits(const struct state *s, const struct process *process, int view);
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
    PROMISE_NEAR_BOUND, /* a hit in L1 is as old as the bound: trust ends there */
    PROMISE_NEAR_ACK,   /* it misses a write that the host has answered, without failover */
    PROMISE_NEAR_TORN,  /* it does, or did, when its request came */
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
