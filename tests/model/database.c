/* The writers, PostgreSQL, time, and what befalls Redis. */
#include "model.h"

#include <string.h>

/* ── time ── */

static void age_commits(const struct model *model, struct database *db)
{
    uint8_t oldest = 2 * model->bounds.px_ticks + 1; /* older than the bound is all the same */
    for (int i = 0; i < db->commits; i++) {
        db->age[i] += db->age[i] < oldest;
    }
}

static void age_node(struct node *node)
{
    if (node->hb != HB_NONE && --node->hb_ticks == 0) {
        node->hb = HB_NONE;
        node->hb_nonce = node->hb_epoch = 0;
    }
    if (node->v_kind == V_LEASE && --node->v_ticks == 0) {
        node->v_kind = V_NONE;
        node->v_nonce = 0;
    }
}

static void tick(const struct model *model, const struct state *s, struct explorer *explorer)
{
    struct state next = *s;
    age_commits(model, &next.db);
    age_node(&next.node[0]);
    age_node(&next.node[1]);
    processes_tick(model, &next);
    explore_step(explorer, &next, STEP_TICK, 0);
}

/* ── PostgreSQL ── */

static void commit(const struct model *model, const struct state *s, struct explorer *explorer,
                   enum step step)
{
    struct state next = *s;
    struct database *db = &next.db;
    int i = db->commits++;
    db->age[i] = 0;
    db->reaching_back |= (uint8_t)((step == STEP_COMMIT_PAST) << i);
    if (step == STEP_COMMIT_BULK) {
        db->epoch++;
        db->open_epoch = 0;
        db->untold |= (uint8_t)(1 << i);
    }
    if (model->bounds.applies > 0) {
        db->applies_left[i] = model->bounds.applies;
        db->apply_epoch[i] = db->open_epoch > 0 ? db->open_epoch : db->epoch;
    }
    db->open_epoch = 0;
    processes_commit(model, &next, i);
    explore_step(explorer, &next, step, i + 1);
}

static void commits(const struct model *model, const struct state *s, struct explorer *explorer)
{
    if (s->db.commits == model->bounds.commits) {
        return;
    }
    if (model->bounds.slow && s->db.open_epoch == 0) {
        struct state next = *s;
        next.db.open_epoch = s->db.epoch;
        explore_step(explorer, &next, STEP_OPEN, 0);
        return;
    }
    commit(model, s, explorer, STEP_COMMIT);
    if (model->bounds.closed) {
        commit(model, s, explorer, STEP_COMMIT_PAST);
    }
    if (model->bounds.bulk) {
        commit(model, s, explorer, STEP_COMMIT_BULK);
    }
}

/* An epoch is raised, and rows of the outbox are purged, while the rest goes on. */
static void upkeep(const struct model *model, const struct state *s, struct explorer *explorer)
{
    if (s->raises_left > 0) {
        struct state next = *s;
        next.raises_left--;
        next.db.epoch++;
        explore_step(explorer, &next, STEP_RAISE, 0);
    }
    if (model->bounds.purges && s->db.purged < s->db.commits) {
        struct state next = *s;
        next.db.purged++;
        explore_step(explorer, &next, STEP_PURGE, 0);
    }
}

static void outage(const struct state *s, struct explorer *explorer)
{
    struct state next = *s;
    next.db.is_away = !s->db.is_away;
    explore_step(explorer, &next, s->db.is_away ? STEP_BACK : STEP_AWAY, 0);
}

/* ── what writers tell Redis: late, several times, or never ── */

static void apply(const struct model *model, const struct state *s, struct explorer *explorer,
                  int node, int i)
{
    struct state next = *s;
    struct database *db = &next.db;
    struct version version = {db->apply_epoch[i], (uint8_t)(i + 1)};
    script_apply(model, &next.node[node], version);
    if (--db->applies_left[i] == 0) {
        db->apply_epoch[i] = 0;
    }
    if (db->acked <= i && !s->has_failed_over) {
        db->acked = (uint8_t)(i + 1);
    }
    explore_step(explorer, &next, STEP_APPLY, i + 1);
}

/* ── Redis ── */

static void forget(const struct state *s, struct explorer *explorer, int node, enum step what)
{
    struct state next = *s;
    struct node *n = &next.node[node];
    switch ((int)what) {
    case STEP_EVICT_HB:
        n->hb = HB_NONE;
        n->hb_nonce = n->hb_epoch = n->hb_ticks = 0;
        break;
    case STEP_EVICT_POS:
        n->pos = POS_NONE;
        break;
    case STEP_EVICT_V:
        n->v_kind = V_NONE;
        n->v_nonce = n->v_ticks = 0;
        n->v = (struct version){0};
        break;
    case STEP_EVICT_OPEN:
        n->d[VIEW_OPEN] = (struct version){0};
        break;
    default:
        n->d[VIEW_CLOSED] = (struct version){0};
    }
    if (next.evictions_left != UNLIMITED) {
        next.evictions_left--;
    }
    explore_step(explorer, &next, what, 0);
}

static void evict(const struct model *model, const struct state *s, struct explorer *explorer,
                  int node)
{
    const struct node *n = &s->node[node];
    const struct {
        bool is_there;
        enum step what;
    } keys[] = {
        {n->hb != HB_NONE, STEP_EVICT_HB},
        {n->pos != POS_NONE && model->bounds.cold, STEP_EVICT_POS},
        {n->v_kind != V_NONE, STEP_EVICT_V},
        {n->d[VIEW_OPEN].epoch > 0, STEP_EVICT_OPEN},
        {n->d[VIEW_CLOSED].epoch > 0, STEP_EVICT_CLOSED},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].is_there) {
            forget(s, explorer, node, keys[i].what);
        }
    }
}

/* What was cut off becomes the master. Whoever sends something afterwards sends it there; where it
 * splits, some still send to the old one. Nothing was promised to who waits meanwhile. */
static void promote(const struct state *s, struct explorer *explorer, enum step step)
{
    struct state next = *s;
    next.has_failed_over = true;
    memset(&next.joiner, 0, sizeof next.joiner);
    if (next.failovers_left != UNLIMITED) {
        next.failovers_left--;
    }
    processes_fail_over(&next, step);
    if (step == STEP_SPLIT) {
        next.replica = REPLICA_SERVES;
        explore_step(explorer, &next, step, 0);
        return;
    }
    next.node[0] = next.node[1];
    memset(&next.node[1], 0, sizeof next.node[1]);
    next.replica = REPLICA_NONE;
    explore_step(explorer, &next, step, 0);
}

static void fail_over(const struct model *model, const struct state *s, struct explorer *explorer)
{
    if (s->replica == REPLICA_NONE && s->failovers_left > 0) {
        struct state next = *s;
        next.replica = REPLICA_LAGS;
        next.node[1] = next.node[0];
        next.l1.hb_age[1] = next.l1.hb_age[0];
        explore_step(explorer, &next, STEP_LAG, 0);
    } else if (s->replica == REPLICA_LAGS) {
        promote(s, explorer, STEP_FAILOVER);
        if (model->bounds.splits) {
            promote(s, explorer, STEP_SPLIT);
        }
        if (model->bounds.swaps) {
            promote(s, explorer, STEP_SWAP);
        }
    }
}

void database_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    tick(model, s, explorer);
    if (!s->db.is_away) {
        commits(model, s, explorer);
        upkeep(model, s, explorer);
    }
    if (model->bounds.outages) {
        outage(s, explorer);
    }
    for (int node = 0; node < NODES; node++) {
        if (!node_serves(s, node)) {
            continue;
        }
        for (int i = 0; i < s->db.commits; i++) {
            if (s->db.applies_left[i] > 0) {
                apply(model, s, explorer, node, i);
            }
        }
        if (s->evictions_left > 0) {
            evict(model, s, explorer, node);
        }
    }
    fail_over(model, s, explorer);
}
