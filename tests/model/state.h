/*
 * The model's state: every member is a byte below 16, so that two fit into one.
 */
#ifndef REFRAIN_TESTS_STATE_H
#define REFRAIN_TESTS_STATE_H

#include <stddef.h>
#include <stdint.h>

enum { COMMITS_MAX = 3, FILLERS_MAX = 2, RELAYS_MAX = 2, NODES = 2, PROCESSES_MAX = 2, UNLIMITED = 15 };

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

/* ── L1 ── */

/* A read in a process that asks Redis, and keeps what it gets. Its sighting is not a number here:
 * what counts is whether any of the counters has been raised since it was noted. */
enum reader_at {
    READER_IDLE,
    READER_NOTED, /* has a sighting, is to send the MGET */
    READER_GOT,   /* and these: has the answer, with one view's value, is to keep both */
    READER_GOT_CLOSED,
};

struct reader {
    uint8_t at;
    uint8_t node;        /* that answered: 1 + its number, or TRACKED_GONE */
    uint8_t is_outdated; /* the sighting is */
    struct version v;
    uint8_t d_commit; /* a hit has the epoch of v */
    uint8_t hb_age;   /* ticks since the poll of the heartbeat that it came with */
};

/* What the tracking connection of a process leads to. */
enum tracked {
    TRACKED_NONE,
    TRACKED_FIRST, /* 1 + a node's number */
    TRACKED_SECOND,
    TRACKED_GONE,     /* a master that is no more, which the process has not noticed */
    TRACKED_SWAPPED,  /* the first, which has got another one's data since the connection began */
    TRACKED_PREPARED, /* nothing yet, but the era is raised already: mutation */
};

/* A `serve`: its vigil, its L1, and one reader. More of them would meet in L1 alone, where of two
 * records the older one is the worse. */
struct process {
    uint8_t tracked;
    uint8_t pushes;      /* some are on the way; that they arrive one by one would change nothing */
    uint8_t look_epoch;  /* of a live heartbeat that was read, before the PONG; 0: none */
    uint8_t look_ticks;  /* left of the trust that this look is good for */
    uint8_t trust_ticks; /* left of the present trust; 0: none */
    uint8_t last_epoch;  /* of the heartbeat at the last look; 0: it was not live */
    uint8_t last_age;    /* ticks since the poll of the last live heartbeat that was looked at */
    struct version record;      /* v as the reader found it; epoch 0: there is none */
    uint8_t record_is_outdated; /* its sighting is not the sum any more */
    struct version d[VIEWS];
    struct reader reader;
};

/* A request in the first process that is being answered from its L1, in two steps. */
struct request {
    uint8_t needs;    /* the newest commit that it must be shown, since it came; 0: none */
    struct version d; /* what it has found by the sighting: mutation */
};

/* All zero where there are no processes. */
struct l1 {
    uint8_t hb_age[NODES];        /* ticks since the poll of a live heartbeat */
    uint8_t poll_age[RELAYS_MAX]; /* ticks since the poll of a round that has not ended */
    uint8_t answering;            /* bit k - 1: the writer of commit k has not answered */
    uint8_t raising;              /* bit k - 1: he has, and is to raise the slot: mutation */
    uint8_t answered; /* the newest commit whose apply was acknowledged before the answer */
    struct request request;
    struct process process[PROCESSES_MAX]; /* at the end, for those that are not there */
};

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
    struct l1 l1;
};

#endif
