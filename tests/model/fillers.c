/* A filler is one flight in one process: lease, then versions or load in a snapshot, then store.
 * The request that joins is in the same process as both. */
#include "model.h"

#include <string.h>

static void end(struct state *next, int who)
{
    memset(&next->filler[who], 0, sizeof next->filler[who]);
}

/* ── the start ── */

static bool misses(const struct model *model, const struct state *s, int node)
{
    return !read_hits(model, s, node, VIEW_OPEN)
           || (model->bounds.closed && !read_hits(model, s, node, VIEW_CLOSED));
}

static void start(const struct model *model, const struct state *s, struct explorer *explorer,
                  int who, int node)
{
    struct state next = *s;
    struct filler *filler = &next.filler[who];
    filler->at = FILLER_READS;
    filler->node = (uint8_t)node;
    bool needs_lease = model->rules.store != STORE_ALWAYS && model->rules.store != STORE_CREATES
                       && model->rules.lease == LEASE_BEFORE_READ;
    if (needs_lease) {
        filler->lease = script_acquire(model, &next.node[node], state_fresh_nonce(s));
    }
    explore_step(explorer, &next, STEP_FILLER_STARTS, who + 1);
}

/* ── the database ── */

static void take_snapshot(const struct model *model, const struct state *s,
                          struct explorer *explorer, int who, enum step step, uint8_t commit)
{
    struct state next = *s;
    struct filler *filler = &next.filler[who];
    filler->version = (struct version){s->db.epoch, commit};
    filler->at = step == STEP_FILLER_ASKS                 ? FILLER_VERSIONED
                 : model->rules.lease == LEASE_AFTER_READ ? FILLER_LEASES
                                                          : FILLER_LOADED;
    explore_step(explorer, &next, step, who + 1);
}

/* Who has read the versions stores them. Whether he serves a value then, or starts again to load
 * one, changes nothing in Redis. */
static void read(const struct model *model, const struct state *s, struct explorer *explorer,
                 int who)
{
    if (model->rules.reads != READS_VALUE_ALONE) {
        take_snapshot(model, s, explorer, who, STEP_FILLER_ASKS, s->db.commits);
    }
    take_snapshot(model, s, explorer, who, STEP_FILLER_LOADS, s->db.commits);
    if (model->rules.source == SOURCE_REPLICA) {
        for (uint8_t commit = 0; commit < s->db.commits; commit++) {
            take_snapshot(model, s, explorer, who, STEP_FILLER_LOADS_OLD, commit);
        }
    }
}

static void lease(const struct model *model, const struct state *s, struct explorer *explorer,
                  int who)
{
    struct state next = *s;
    struct filler *filler = &next.filler[who];
    filler->lease = script_acquire(model, &next.node[filler->node], state_fresh_nonce(s));
    filler->at = FILLER_LOADED;
    explore_step(explorer, &next, STEP_FILLER_LEASES, who + 1);
}

/* ── the end ── */

static void store(const struct model *model, const struct state *s, struct explorer *explorer,
                  int who, enum step step, enum view view)
{
    const struct filler *filler = &s->filler[who];
    struct state next = *s;
    script_store(model, &next.node[filler->node], filler->lease, filler->version, view);
    end(&next, who);
    explore_step(explorer, &next, step, who + 1);
}

static void die(const struct state *s, struct explorer *explorer, int who)
{
    struct state next = *s;
    end(&next, who);
    explore_step(explorer, &next, STEP_FILLER_DIES, who + 1);
}

static void filler_step(const struct model *model, const struct state *s, struct explorer *explorer,
                        int who)
{
    switch ((enum filler_at)s->filler[who].at) {
    case FILLER_IDLE:
        for (int node = 0; node < NODES; node++) {
            if (node_serves(s, node) && misses(model, s, node)) {
                start(model, s, explorer, who, node);
            }
        }
        return;
    case FILLER_READS:
        if (!s->db.is_away) {
            read(model, s, explorer, who);
        }
        break;
    case FILLER_VERSIONED:
        store(model, s, explorer, who, STEP_FILLER_STORES_V, VIEW_NONE);
        break;
    case FILLER_LOADED:
        store(model, s, explorer, who, STEP_FILLER_STORES_OPEN, VIEW_OPEN);
        if (model->bounds.closed) {
            store(model, s, explorer, who, STEP_FILLER_STORES_CLOSED, VIEW_CLOSED);
        }
        break;
    case FILLER_LEASES:
        lease(model, s, explorer, who);
        break;
    }
    die(s, explorer, who);
}

/* ── a request that may join ── */

/* What it must be shown: what was acknowledged, and what is older than the bound. */
static uint8_t needed(const struct model *model, const struct database *db)
{
    uint8_t commit = db->commits;
    while (commit > db->acked && db->age[commit - 1] <= 2 * model->bounds.px_ticks) {
        commit--;
    }
    return commit;
}

static void arrive(const struct model *model, const struct state *s, struct explorer *explorer,
                   enum step step, struct version seen)
{
    struct state next = *s;
    next.joiner.seen = step == STEP_REQUEST_FINDS ? SEEN_LEASE : SEEN_VERSIONS;
    next.joiner.nonce = step == STEP_REQUEST_FINDS ? s->node[0].v_nonce : 0;
    next.joiner.version = seen;
    next.joiner.needs = needed(model, &s->db);
    explore_step(explorer, &next, step, 0);
}

/* It looks the moment it arrives. Later would be easier: what it sees would be newer, and what it
 * must be shown the same. With v absent it takes a lease that no flight holds. */
static void arrivals(const struct model *model, const struct state *s, struct explorer *explorer)
{
    const struct node *node = &s->node[0];
    if (node->v_kind == V_LEASE) {
        arrive(model, s, explorer, STEP_REQUEST_FINDS, (struct version){0});
    }
    if (node->v_kind == V_NUMBER && node->hb == HB_LIVE && node->hb_epoch == node->v.epoch) {
        arrive(model, s, explorer, STEP_REQUEST_TRUSTS, node->v);
    } else if (!s->db.is_away) {
        struct version now = {s->db.epoch, s->db.commits};
        arrive(model, s, explorer, STEP_REQUEST_ASKS, now);
    }
}

static void join_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    if (s->joiner.seen == SEEN_NOTHING) {
        arrivals(model, s, explorer);
        return;
    }
    struct state next = *s;
    memset(&next.joiner, 0, sizeof next.joiner);
    explore_step(explorer, &next, STEP_REQUEST_LEAVES, 0);
}

void filler_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    for (int who = 0; who < model->bounds.fillers; who++) {
        filler_step(model, s, explorer, who);
    }
    if (model->bounds.joins) {
        join_steps(model, s, explorer);
    }
}
