/*
 * What must hold, and what must not. Each configuration shows some features under the faults that
 * matter to them: all at once would be far too many states. A mutation leaves out one thing, or does
 * it the obvious way, in a small configuration that shows why not.
 */
#include "model.h"

/* Lives of a heartbeat and of a lease; the bound is twice the former. Ticks are coarse: to see what
 * trust may add to the bound, it has to last for longer than in life, compared with a heartbeat. */
#define PX2 .px_ticks = 2, .lease_ticks = 1
#define PX1 .px_ticks = 1, .lease_ticks = 2
#define ANY_FAULTS .evictions = UNLIMITED, .failovers = UNLIMITED
#define CONFIGURATION(name, about, ...) {KIND_HOLDS, {name, about, {__VA_ARGS__}, {0}}}
#define SOUND(name, about, bounds, ...) {KIND_HARMLESS, {name, about, bounds, {__VA_ARGS__}}}
#define MUTATION(name, about, bounds, ...) {KIND_CAUGHT, {name, about, bounds, {__VA_ARGS__}}}

/* Where mutations are looked for. */
#define ONE {PX2, .commits = 1, .fillers = 1, .relays = 1, .applies = 2}
#define EVICTED {PX2, .commits = 2, .fillers = 2, .relays = 1, .applies = 2, .evictions = 1}
#define FAILS_OVER {PX2, .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .failovers = 1}
#define TWO_RELAYS                                                                                 \
    {PX2, .commits = 1, .fillers = 1, .relays = 2, .evictions = 1, .failovers = 1}
#define TWO_MASTERS                                                                                \
    {PX2, .commits = 1, .fillers = 1, .relays = 2, .applies = 1, .evictions = 1, .failovers = 1,   \
     .splits = true}
#define NO_RELAY {PX2, .commits = 1, .fillers = 2, .applies = 2}
#define LOSES_POS {PX2, .commits = 1, .fillers = 1, .relays = 1, .cold = true, .purges = true}
#define SLOW {PX2, .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .raises = 1, .slow = true}
#define PARTS {PX2, .commits = 1, .fillers = 1, .relays = 1, .failovers = 1, .parts = true}
#define JOINS {PX2, .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .joins = true}
#define LONG_LEASE                                                                                 \
    {.px_ticks = 2, .lease_ticks = 6, .commits = 1, .fillers = 1, .joins = true}
#define COUNTERS {PX1, .commits = 1, .fillers = 1, .closed = true}
/* With L1, and nothing but what matters to it. */
#define NEAR(...) .relays = 1, .warm = true, .processes = 1, __VA_ARGS__
#define NEAR_WRITE {PX1, NEAR(.commits = 1, .applies = 1, .trust_ticks = 2)}
#define NEAR_SILENT {PX1, NEAR(.commits = 1, .trust_ticks = 2)}
#define NEAR_LONG {PX2, NEAR(.commits = 1, .applies = 1, .trust_ticks = 3)}
#define NEAR_BULK {PX1, NEAR(.commits = 1, .applies = 1, .trust_ticks = 2, .bulk = true)}
#define NEAR_DROPS {PX1, NEAR(.commits = 1, .trust_ticks = 2, .drops = true)}
#define NEAR_REQUESTS {PX1, NEAR(.commits = 1, .trust_ticks = 2, .requests = true)}
#define NEAR_SPLIT {PX1, NEAR(.commits = 1, .trust_ticks = 2, .failovers = 1, .splits = true)}
#define NEAR_FAILOVER {PX2, NEAR(.commits = 1, .trust_ticks = 3, .failovers = 1)}
#define NEAR_SWAP {PX2, NEAR(.commits = 1, .trust_ticks = 3, .failovers = 1, .swaps = true)}
#define AWAY                                                                                       \
    {PX1, .commits = 1, .fillers = 2, .applies = 1, .raises = 1, .outages = true}

const struct entry small_table[] = {
    CONFIGURATION("evictions", "two fillers; anything is evicted, applies come late and twice",
                  PX2, .commits = 1, .fillers = 2, .relays = 1, .applies = 2,
                  .evictions = UNLIMITED),
    CONFIGURATION("failover", "Redis loses what came last, and anything is evicted", PX2,
                  .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .evictions = UNLIMITED,
                  .failovers = 1),
    CONFIGURATION("relays", "two relays, failover", PX2, .commits = 1, .fillers = 1, .relays = 2,
                  .applies = 1, .evictions = 1, .failovers = 1),
    CONFIGURATION("split", "two masters, each with its relay", PX1, .commits = 1, .fillers = 1,
                  .relays = 2, .failovers = 1, .splits = true),
    CONFIGURATION("writes", "two commits, applied in any order", PX2, .commits = 2, .fillers = 1,
                  .relays = 1, .applies = 2, .evictions = 1),
    CONFIGURATION("counters", "commits that reach back, and values of closed windows", PX1,
                  .commits = 2, .fillers = 1, .relays = 1, .applies = 1, .evictions = 1,
                  .closed = true),
    CONFIGURATION("epochs", "pos is lost or evicted, two relays", PX2, .commits = 1, .fillers = 1,
                  .relays = 2, .applies = 1, .evictions = 1, .cold = true),
    CONFIGURATION("purges", "pos is lost, evicted or older than the outbox", PX1, .commits = 2,
                  .fillers = 1, .relays = 1, .applies = 1, .evictions = 0, .cold = true,
                  .purges = true),
    CONFIGURATION("epochs-raised", "by hand and by commits, while others are about to commit", PX1,
                  .commits = 2, .fillers = 1, .relays = 1, .applies = 1, .raises = 1,
                  .slow = true, .bulk = true),
    CONFIGURATION("parts", "rounds of two scripts, failover", PX2, .commits = 1, .fillers = 1,
                  .relays = 2, .evictions = 1, .failovers = 1, .parts = true),
    CONFIGURATION("joins", "a request that shares what others get", PX1, .commits = 2,
                  .fillers = 2, .relays = 1, .applies = 1, .evictions = 0, .joins = true),
    CONFIGURATION("outage", "PostgreSQL goes away and comes back", PX1, .commits = 1, .fillers = 1,
                  .relays = 1, .applies = 2, .evictions = 1, .raises = 1, .slow = true,
                  .outages = true),
    CONFIGURATION("l1", "L1; anything is evicted, the tracking connection ends", PX1,
                  .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .evictions = UNLIMITED,
                  .processes = 1, .trust_ticks = 2, .drops = true),
    CONFIGURATION("l1-long-trust", "L1; a look is good for longer than a heartbeat lives", PX2,
                  .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .processes = 1,
                  .trust_ticks = 3, .drops = true),
    CONFIGURATION("l1-failover", "L1; Redis loses what came last", PX1, .commits = 1, .fillers = 1,
                  .relays = 1, .applies = 1, .failovers = 1, .warm = true, .processes = 1,
                  .trust_ticks = 2),
    CONFIGURATION("l1-split", "L1; two masters, each with its relay", PX1, .relays = 2,
                  .commits = 1, .applies = 1, .failovers = 1, .splits = true, .warm = true,
                  .processes = 1, .trust_ticks = 2, .drops = true),
    CONFIGURATION("l1-swap", "L1; a master gets another's data, and its clients stay", PX2,
                  .commits = 1, .relays = 1, .failovers = 1, .swaps = true, .warm = true,
                  .processes = 1, .trust_ticks = 3),
    CONFIGURATION("l1-counters", "L1; commits that reach back, and values of closed windows", PX1,
                  .commits = 1, .fillers = 1, .relays = 1, .closed = true, .warm = true,
                  .processes = 1, .trust_ticks = 2),
    CONFIGURATION("l1-epochs", "L1; commits that raise the epoch", PX1, .commits = 1,
                  .fillers = 1, .relays = 1, .applies = 1, .bulk = true, .warm = true,
                  .processes = 1, .trust_ticks = 2),
    CONFIGURATION("l1-pos", "L1; pos is lost or evicted", PX1, .commits = 1, .fillers = 1,
                  .relays = 1, .evictions = 1, .cold = true, .processes = 1, .trust_ticks = 2),
    CONFIGURATION("l1-processes", "L1 in two processes", PX1, .commits = 1, .relays = 1,
                  .applies = 1, .warm = true, .processes = 2, .trust_ticks = 2, .drops = true),
    CONFIGURATION("l1-requests", "L1; requests that take their time", PX2, .commits = 1,
                  .relays = 1, .applies = 1, .warm = true, .processes = 1, .trust_ticks = 3,
                  .requests = true),

    MUTATION("A1", "delete on write, no relay", NO_RELAY, .reads = READS_VALUE_ALONE,
             .apply = APPLY_DELETES, .store = STORE_ALWAYS),
    MUTATION("A2", "delete on write, and again by a relay", EVICTED, .reads = READS_VALUE_ALONE,
             .apply = APPLY_DELETES, .store = STORE_ALWAYS),
    MUTATION("B1", "a lease on the value, no relay", NO_RELAY, .reads = READS_VALUE_ALONE,
             .apply = APPLY_DELETES, .store = STORE_LEASE_ON_VALUE),
    MUTATION("B2", "a lease on the value, and a relay", ONE, .reads = READS_VALUE_ALONE,
             .apply = APPLY_DELETES, .store = STORE_LEASE_ON_VALUE),
    MUTATION("C1", "newest version in Redis, created by fills and applies", EVICTED,
             .reads = READS_BY_VERSION, .apply = APPLY_CREATES, .store = STORE_CREATES),
    MUTATION("C2", "newest version in Redis, created by fills", NO_RELAY,
             .reads = READS_BY_VERSION, .store = STORE_CREATES),
    MUTATION("C3", "newest version in Redis, created through leases, no heartbeat", ONE,
             .reads = READS_BY_VERSION),
    MUTATION("D1", "a heartbeat by plain SET", ONE, .beat = BEAT_PLAIN, .mark = MARK_NONE),
    MUTATION("D2", "a take-over without a mark", ONE, .mark = MARK_NONE),
    MUTATION("D3", "applies and heartbeat in two commands", FAILS_OVER, .beat = BEAT_APART),
    MUTATION("D4", "a take-over applies only what no relay has settled before", FAILS_OVER,
             .position = POS_SETTLED),
    MUTATION("D5", "applies create v", EVICTED, .apply = APPLY_CREATES),
    MUTATION("D6", "fills create v", EVICTED, .store = STORE_CREATES),
    MUTATION("D7", "fills from a replica of PostgreSQL", ONE, .source = SOURCE_REPLICA),
    MUTATION("F1", "two relays that share what is settled", TWO_RELAYS, .position = POS_SETTLED),
    MUTATION("pos-before-mark", "pos is read before the mark", FAILS_OVER,
             .position = POS_BEFORE_MARK),
    MUTATION("pos-after-mark", "pos is read after the mark", TWO_RELAYS,
             .position = POS_AFTER_MARK),
    SOUND("mark-any", "a mark over a heartbeat or another mark", TWO_RELAYS, .mark = MARK_ANY),
    MUTATION("poll-by-id", "a poll of ids that are greater than the last", SLOW,
             .poll = POLL_BY_ID),
    MUTATION("any-lease", "a store in place of any lease", EVICTED, .store = STORE_ANY_LEASE),
    MUTATION("late-lease", "a lease that is taken after the read", ONE, .lease = LEASE_AFTER_READ),
    MUTATION("join-any", "a request joins whatever flight there is", JOINS, .join = JOIN_ANY),
    MUTATION("long-lease", "a lease that lives longer than the bound, and is joined",
             LONG_LEASE, .join = JOIN_KNOWN),
    MUTATION("validated-by-past", "validated mode compares past alone", COUNTERS,
             .validated = VALIDATED_BY_PAST),
    MUTATION("unverified-any-epoch", "unverified values of any epoch", AWAY,
             .unverified = UNVERIFIED_ANY_EPOCH),
    MUTATION("lost-not-raised", "a lost pos, and the epoch stays", LOSES_POS,
             .lost = LOST_NOT_RAISED),
    MUTATION("lost-raised-first", "a lost pos: the new one is taken after the epoch was raised",
             LOSES_POS, .lost = LOST_RAISED_THEN_PLACED),
    MUTATION("parts-keep-nonce", "a script before the last leaves the nonce", PARTS,
             .beat = BEAT_PARTS_KEEP_NONCE),
    MUTATION("epoch-first-apply", "applies compare counters within an epoch only", SLOW,
             .epochs = EPOCHS_FIRST_IN_APPLY),
    MUTATION("epoch-first-store", "stores compare counters within an epoch only", SLOW,
             .epochs = EPOCHS_FIRST_IN_STORE),

    MUTATION("l1-no-slots", "writers raise no slot", NEAR_WRITE, .slots = SLOTS_NONE),
    MUTATION("l1-early-slot", "the slot is raised before the apply", NEAR_WRITE,
             .slots = SLOTS_BEFORE_APPLY),
    MUTATION("l1-late-slot", "the slot is raised after the answer", NEAR_WRITE,
             .slots = SLOTS_AFTER_ANSWER),
    MUTATION("l1-late-sighting", "the sighting is noted after the MGET", NEAR_WRITE,
             .sighting = SIGHTING_AFTER_MGET),
    MUTATION("l1-no-pushes", "pushes do not count", NEAR_SILENT,
             .sighting = SIGHTING_WITHOUT_PUSHES),
    MUTATION("l1-before-pong", "trust does not wait for the PONG", NEAR_SILENT,
             .trust = TRUST_BEFORE_PONG),
    MUTATION("l1-no-limit", "trust lasts until another look or the connection's end", NEAR_SILENT,
             .limit = LIMIT_NONE),
    MUTATION("l1-limit-by-look", "trust lasts as long after each look", NEAR_LONG,
             .limit = LIMIT_BY_LOOK),
    SOUND("l1-limit-by-poll", "trust is limited by the heartbeat's poll alone", NEAR_LONG,
          .limit = LIMIT_BY_POLL),
    MUTATION("l1-dead-heartbeat", "a look does not ask whether hb is live", NEAR_SILENT,
             .alive = ALIVE_IGNORED),
    MUTATION("l1-no-epoch", "another epoch is not noticed", NEAR_BULK, .bucket = BUCKET_IGNORED),
    SOUND("l1-epoch-alone", "another epoch is noticed, and not that hb was away", NEAR_BULK,
          .bucket = BUCKET_EPOCH_ALONE),
    MUTATION("l1-era-at-loss", "the era is raised when tracking ends, and not when it begins",
             NEAR_DROPS, .era = ERA_AT_LOSS),
    MUTATION("l1-early-era", "the era is raised before tracking begins", NEAR_DROPS,
             .era = ERA_BEFORE_TRACKING),
    SOUND("l1-era-at-tracking", "the era is raised when tracking begins, and not when it ends",
          NEAR_FAILOVER, .era = ERA_AFTER_TRACKING),
    MUTATION("l1-trust-outlives", "trust outlives the connection", NEAR_FAILOVER,
             .loss = LOSS_LEAVES_TRUST),
    MUTATION("l1-any-node", "what any node answers is kept", NEAR_SPLIT, .keep = KEEP_ANY_NODE),
    MUTATION("l1-look-elsewhere", "looks go to any node", NEAR_SPLIT, .look = LOOK_ANY_NODE),
    MUTATION("l1-other-data", "looks do not ask whether the node got other data", NEAR_SWAP,
             .look = LOOK_ANY_HISTORY),
    MUTATION("l1-older-heartbeat", "an answer is kept though a look saw a newer heartbeat",
             NEAR_SWAP, .keep = KEEP_ANY_BEAT),
    MUTATION("l1-sighting-first", "a read compares the sighting, then asks for trust",
             NEAR_REQUESTS, .order = ORDER_SIGHTING_FIRST),
};
const size_t small_count = sizeof small_table / sizeof *small_table;

const struct entry large_table[] = {
    CONFIGURATION("evictions", "two commits, two fillers; anything is evicted", PX2, .commits = 2,
                  .fillers = 2, .relays = 1, .applies = 2, .evictions = UNLIMITED),
    CONFIGURATION("failovers", "and any number of failovers", PX2, .commits = 1, .fillers = 2,
                  .relays = 1, .applies = 2, ANY_FAULTS),
    CONFIGURATION("relays", "two relays, any faults", PX2, .commits = 1, .fillers = 1, .relays = 2,
                  .applies = 1, ANY_FAULTS),
    CONFIGURATION("split", "two masters, each with its relay", PX2, .commits = 1, .fillers = 1,
                  .relays = 2, .applies = 1, .evictions = 1, .failovers = 2, .splits = true),
    CONFIGURATION("writes", "three commits, applied in any order", PX2, .commits = 3, .fillers = 1,
                  .relays = 1, .applies = 2, .evictions = UNLIMITED),
    CONFIGURATION("counters", "commits that reach back, and values of closed windows", PX2,
                  .commits = 2, .fillers = 2, .relays = 1, .applies = 1, .evictions = 1,
                  .closed = true),
    CONFIGURATION("epochs", "pos is lost, evicted or older than the outbox; failover", PX1,
                  .commits = 1, .fillers = 1, .relays = 2, .applies = 1, .evictions = 1,
                  .failovers = 1, .cold = true, .purges = true),
    CONFIGURATION("purges", "the same with two commits and one relay", PX2, .commits = 2,
                  .fillers = 1, .relays = 1, .applies = 1, .evictions = 1, .cold = true,
                  .purges = true),
    CONFIGURATION("epochs-raised", "by hand and by commits, while others are about to commit", PX2,
                  .commits = 2, .fillers = 2, .relays = 1, .applies = 1, .raises = 1,
                  .slow = true, .bulk = true),
    CONFIGURATION("parts", "rounds of two scripts, any faults", PX2, .commits = 1, .fillers = 1,
                  .relays = 2, .applies = 1, .evictions = 2, .failovers = UNLIMITED, .parts = true),
    CONFIGURATION("joins", "a request that shares what others get", .px_ticks = 2, .lease_ticks = 4,
                  .commits = 2, .fillers = 2, .relays = 1, .applies = 1, .evictions = 1,
                  .joins = true),
    CONFIGURATION("outage", "PostgreSQL goes away and comes back", PX2, .commits = 2, .fillers = 1,
                  .relays = 2, .applies = 2, .evictions = 1, .raises = 1, .slow = true,
                  .outages = true),
    CONFIGURATION("long-lives", "a heartbeat of three ticks", .px_ticks = 3, .lease_ticks = 2,
                  .commits = 1, .fillers = 2, .relays = 2, .applies = 1, .evictions = 1,
                  .failovers = 1),
    CONFIGURATION("together", "a fault of each kind, with one filler and one relay", PX1,
                  .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .evictions = 1,
                  .failovers = 1, .raises = 1, .slow = true, .bulk = true, .parts = true,
                  .outages = true, .cold = true),
    CONFIGURATION("l1", "L1; two fillers, anything is evicted, the tracking connection ends", PX2,
                  .commits = 1, .fillers = 2, .relays = 1, .applies = 1, .evictions = UNLIMITED,
                  .processes = 1, .trust_ticks = 3, .drops = true),
    CONFIGURATION("l1-writes", "L1; two commits, applied in any order", PX2, .commits = 2,
                  .fillers = 1, .relays = 1, .applies = 1, .processes = 1, .trust_ticks = 3),
    CONFIGURATION("l1-failover", "L1; Redis loses what came last", PX2, .commits = 1, .fillers = 1,
                  .relays = 1, .applies = 1, .failovers = 1, .processes = 1, .trust_ticks = 3),
    CONFIGURATION("l1-split", "L1; two masters, each with its relay", PX1, .commits = 1,
                  .fillers = 1, .relays = 2, .applies = 1, .failovers = 1, .splits = true,
                  .processes = 1, .trust_ticks = 2),
    CONFIGURATION("l1-swap", "L1; a master gets another's data, and its clients stay", PX2,
                  .commits = 1, .fillers = 1, .relays = 1, .applies = 1, .failovers = 1,
                  .swaps = true, .processes = 1, .trust_ticks = 3),
    CONFIGURATION("l1-counters", "L1; two commits that may reach back, closed windows", PX1,
                  .commits = 2, .fillers = 1, .relays = 1, .closed = true, .processes = 1,
                  .trust_ticks = 2),
    CONFIGURATION("l1-epochs", "L1; epochs are raised in every way", PX1, .commits = 1,
                  .fillers = 1, .relays = 1, .applies = 1, .raises = 1, .slow = true, .bulk = true,
                  .cold = true, .processes = 1, .trust_ticks = 2),
    CONFIGURATION("l1-processes", "L1 in two processes", PX1, .commits = 1, .fillers = 1,
                  .relays = 1, .applies = 1, .processes = 2, .trust_ticks = 2, .drops = true),
    CONFIGURATION("l1-requests", "L1; requests that take their time", PX2, .commits = 1,
                  .fillers = 1, .relays = 1, .applies = 1, .evictions = 1, .processes = 1,
                  .trust_ticks = 3, .requests = true),
    SOUND("mark-any", "a mark over a heartbeat or another mark", TWO_MASTERS, .mark = MARK_ANY),
};
const size_t large_count = sizeof large_table / sizeof *large_table;
