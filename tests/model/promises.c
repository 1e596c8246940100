/* What the cache promises, looked at in every state as if a read came at that very moment. */
#include "model.h"

const char *const promise_texts[] = {
    [PROMISE_NONE] = "nothing",
    [PROMISE_BOUND] = "a hit is older than the bound",
    [PROMISE_ACK] = "a hit misses an acknowledged write",
    [PROMISE_VALIDATED] = "a validated read misses a write",
    [PROMISE_JOINED] = "a joined result misses a write acknowledged, or too old, on arrival",
    [PROMISE_UNVERIFIED] = "an unverified read is older than it may be",
    [PROMISE_NEAR_BOUND] = "a hit in L1 is older than the bound",
    [PROMISE_NEAR_ACK] = "a hit in L1 misses a write of its host that was answered",
    [PROMISE_NEAR_TORN] = "a hit in L1 misses a write answered, or too old, when its request came",
};

/* ── what is served ── */

static bool reaches(const struct database *db, struct version d, struct version v, int view)
{
    return counter(db, view, d.commit) >= counter(db, view, v.commit);
}

bool read_hits(const struct model *model, const struct state *s, int node, int view)
{
    const struct node *n = &s->node[node];
    struct version d = n->d[view];
    if (d.epoch == 0) {
        return false;
    }
    if (model->rules.reads == READS_VALUE_ALONE) {
        return true;
    }
    if (model->rules.reads == READS_LEASED && (n->hb != HB_LIVE || n->hb_epoch != d.epoch)) {
        return false;
    }
    return n->v_kind == V_NUMBER && n->v.epoch == d.epoch && reaches(&s->db, d, n->v, view);
}

bool near_is_current(const struct state *s, const struct process *process, int view)
{
    struct version d = process->d[view];
    return process->record.epoch > 0 && !process->record_is_outdated
           && d.epoch == process->record.epoch && reaches(&s->db, d, process->record, view);
}

bool near_hits(const struct state *s, const struct process *process, int view)
{
    return process->trust_ticks > 0 && near_is_current(s, process, view);
}

bool read_validates(const struct model *model, const struct database *db, struct version d,
                    int view)
{
    int by = model->rules.validated == VALIDATED_BY_PAST ? VIEW_CLOSED : view;
    return d.epoch == db->epoch && counter(db, by, d.commit) == counter(db, by, db->commits);
}

static bool read_unverified(const struct model *model, const struct state *s, int node, int view)
{
    const struct node *n = &s->node[node];
    struct version d = n->d[view];
    bool agrees = d.epoch == n->v.epoch || model->rules.unverified == UNVERIFIED_ANY_EPOCH;
    return d.epoch > 0 && n->v_kind == V_NUMBER && agrees && reaches(&s->db, d, n->v, view);
}

static bool read_joins(const struct model *model, const struct state *s,
                       const struct filler *filler, int view)
{
    const struct joiner *joiner = &s->joiner;
    if (model->rules.join == JOIN_ANY) {
        return true;
    }
    if (joiner->seen == SEEN_LEASE) {
        return filler->lease == joiner->nonce;
    }
    struct version result = filler->version, seen = joiner->version;
    return result.epoch == seen.epoch && reaches(&s->db, result, seen, view);
}

/* ── what it lacks ── */

/* Whether what shows everything up to a commit lacks something of the view up to another. */
static bool lacks(const struct database *db, int view, struct version d, uint8_t up_to)
{
    return counter(db, view, up_to) > d.commit;
}

/* Since the first commit that it lacks; -1: none. */
static int staleness_ticks(const struct database *db, int view, struct version d)
{
    for (uint8_t commit = d.commit + 1; commit <= db->commits; commit++) {
        if (counter(db, view, commit) == commit) {
            return db->age[commit - 1];
        }
    }
    return -1;
}

static enum promise check_cached(const struct model *model, const struct state *s, int node,
                                 int view, int *worst_ticks)
{
    struct version d = s->node[node].d[view];
    bool lacks_acked = !s->has_failed_over && lacks(&s->db, view, d, s->db.acked);
    if (read_hits(model, s, node, view)) {
        int ticks = staleness_ticks(&s->db, view, d);
        *worst_ticks = ticks > *worst_ticks ? ticks : *worst_ticks;
        if (lacks_acked) {
            return PROMISE_ACK;
        }
        if (ticks > 2 * model->bounds.px_ticks) {
            return PROMISE_BOUND;
        }
    }
    if (s->db.is_away) {
        bool is_other = d.epoch != s->node[node].v.epoch;
        bool is_served = read_unverified(model, s, node, view);
        return is_served && (is_other || lacks_acked) ? PROMISE_UNVERIFIED : PROMISE_NONE;
    }
    bool is_stale = lacks(&s->db, view, d, s->db.commits);
    return read_validates(model, &s->db, d, view) && is_stale ? PROMISE_VALIDATED : PROMISE_NONE;
}

static enum promise check_joined(const struct model *model, const struct state *s, int view)
{
    for (int i = 0; i < model->bounds.fillers; i++) {
        const struct filler *filler = &s->filler[i];
        if (filler->at >= FILLER_VERSIONED && s->joiner.seen != SEEN_NOTHING
            && read_joins(model, s, filler, view)
            && lacks(&s->db, view, filler->version, s->joiner.needs)) {
            return PROMISE_JOINED;
        }
    }
    return PROMISE_NONE;
}

static enum promise check_near(const struct model *model, const struct state *s,
                               const struct process *process, int view, int *worst_ticks)
{
    struct version d = process->d[view];
    if (!near_hits(s, process, view)) {
        return PROMISE_NONE;
    }
    int ticks = staleness_ticks(&s->db, view, d);
    *worst_ticks = ticks > *worst_ticks ? ticks : *worst_ticks;
    if (lacks(&s->db, view, d, s->l1.answered) && !s->has_failed_over) {
        return PROMISE_NEAR_ACK;
    }
    return ticks >= 2 * model->bounds.px_ticks ? PROMISE_NEAR_BOUND : PROMISE_NONE;
}

/* The second step of a request in L1. */
static enum promise check_torn(const struct model *model, const struct state *s)
{
    const struct request *request = &s->l1.request;
    const struct process *process = &s->l1.process[0];
    if (request->needs == 0) {
        return PROMISE_NONE;
    }
    bool is_late = model->rules.order == ORDER_SIGHTING_FIRST;
    bool hits = is_late ? process->trust_ticks > 0 : near_is_current(s, process, VIEW_OPEN);
    struct version d = is_late ? request->d : process->d[VIEW_OPEN];
    return hits && lacks(&s->db, VIEW_OPEN, d, request->needs) ? PROMISE_NEAR_TORN : PROMISE_NONE;
}

enum promise promises_check(const struct model *model, const struct state *s, int *worst_ticks)
{
    int views = model->bounds.closed ? VIEWS : 1;
    enum promise broken = PROMISE_NONE;
    for (int view = 0; view < views && broken == PROMISE_NONE; view++) {
        for (int node = 0; node < NODES && broken == PROMISE_NONE; node++) {
            if (node_serves(s, node)) {
                broken = check_cached(model, s, node, view, worst_ticks);
            }
        }
        if (broken == PROMISE_NONE) {
            broken = check_joined(model, s, view);
        }
        for (int i = 0; i < model->bounds.processes && broken == PROMISE_NONE; i++) {
            broken = check_near(model, s, &s->l1.process[i], view, worst_ticks);
        }
    }
    return broken == PROMISE_NONE ? check_torn(model, s) : broken;
}
