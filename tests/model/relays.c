/*
 * A relay: mark (and pos, in one script), poll from there, beat; then poll and beat again. A script
 * that timed out and comes late is a relay that paused before it, and one that starts again after
 * the time-out is another relay.
 */
#include "model.h"

#include <string.h>

struct turn {
    const struct model *model;
    const struct state *s;
    struct explorer *explorer;
    int who;
};

static void go(const struct turn *turn, struct state *next, enum step step)
{
    explore_step(turn->explorer, next, step, turn->who + 1);
}

static void stand_down(const struct turn *turn, enum step step)
{
    struct state next = *turn->s;
    memset(&next.relay[turn->who], 0, sizeof next.relay[turn->who]);
    go(turn, &next, step);
}

/* ── the mark ── */

static void set_hb(const struct turn *turn, struct state *next, enum heartbeat kind, uint8_t epoch)
{
    struct relay *relay = &next->relay[turn->who];
    struct node *node = &next->node[relay->node];
    relay->nonce = state_fresh_nonce(turn->s);
    node->hb = kind;
    node->hb_nonce = relay->nonce;
    node->hb_epoch = epoch;
    node->hb_ticks = turn->model->bounds.px_ticks;
}

static uint8_t position_at(const struct turn *turn, int node)
{
    if (turn->model->rules.position == POS_SETTLED) {
        return turn->s->db.settled + 1;
    }
    return turn->s->node[node].pos;
}

static void mark(const struct turn *turn, int at_node)
{
    struct state next = *turn->s;
    struct relay *relay = &next.relay[turn->who];
    if (next.node[at_node].hb != HB_NONE && turn->model->rules.mark != MARK_ANY) {
        return;
    }
    relay->node = (uint8_t)at_node;
    bool has_position = relay->at == RELAY_PLACED;
    relay->at = RELAY_MARKED;
    if (turn->model->rules.position == POS_AFTER_MARK) {
        relay->at = RELAY_UNPLACED;
    } else if (!has_position) {
        relay->pos = position_at(turn, at_node);
    }
    set_hb(turn, &next, HB_BOOTING, 0);
    go(turn, &next, STEP_RELAY_MARKS);
}

static void place(const struct turn *turn, int node, enum relay_at then)
{
    struct state next = *turn->s;
    struct relay *relay = &next.relay[turn->who];
    relay->node = (uint8_t)node;
    relay->pos = position_at(turn, node);
    relay->at = then;
    go(turn, &next, STEP_RELAY_PLACES);
}

static void begin(const struct turn *turn, int node)
{
    if (turn->model->rules.mark == MARK_NONE) {
        place(turn, node, RELAY_MARKED);
    } else if (turn->model->rules.position == POS_BEFORE_MARK) {
        place(turn, node, RELAY_PLACED);
    } else {
        mark(turn, node);
    }
}

/* ── the poll: one snapshot ── */

static bool is_told(const struct database *db, uint8_t commit)
{
    return commit > db->purged && !(db->untold >> (commit - 1) & 1);
}

/* Whether the outbox has rows that pos does not cover. Without a position it gives none. */
static bool has_change(const struct database *db, uint8_t pos)
{
    for (uint8_t commit = pos; commit <= db->commits && pos != POS_NONE; commit++) {
        if (is_told(db, commit)) {
            return true;
        }
    }
    return false;
}

static void poll_from(const struct turn *turn, uint8_t ids_ahead)
{
    struct state next = *turn->s;
    struct relay *relay = &next.relay[turn->who];
    relay->has_change = has_change(&next.db, relay->pos);
    relay->version = (struct version){next.db.epoch, next.db.commits};
    relay->pos = 1 + next.db.commits + ids_ahead;
    next.l1.poll_age[turn->who] = 0;
    relay->at = RELAY_POLLED;
    go(turn, &next, STEP_RELAY_POLLS);
}

static void raise_epoch(const struct turn *turn, enum relay_at then)
{
    struct state next = *turn->s;
    next.db.epoch++;
    next.relay[turn->who].at = then;
    go(turn, &next, STEP_RELAY_RAISES);
}

/* Pos is gone, or older than what was purged. */
static void lose(const struct turn *turn)
{
    struct state next = *turn->s;
    if (turn->model->rules.lost == LOST_NOT_RAISED) {
        poll_from(turn, 0);
    } else if (turn->model->rules.lost == LOST_RAISED_THEN_PLACED) {
        raise_epoch(turn, RELAY_LOST);
    } else {
        next.relay[turn->who].pos = 1 + next.db.commits;
        next.relay[turn->who].at = RELAY_LOST;
        go(turn, &next, STEP_RELAY_LOSES);
    }
}

/* In the wrong order the position is taken after the epoch was raised, so the poll gives nothing. */
static void recover(const struct turn *turn)
{
    if (turn->model->rules.lost == LOST_RAISED_THEN_PLACED) {
        poll_from(turn, 0);
    } else {
        raise_epoch(turn, RELAY_MARKED);
    }
}

static void poll(const struct turn *turn)
{
    const struct relay *relay = &turn->s->relay[turn->who];
    if (relay->pos == POS_NONE || relay->pos - 1 < turn->s->db.purged) {
        lose(turn);
        return;
    }
    poll_from(turn, 0);
    /* By numbers out of a sequence: another user's row is there with a higher number than one that
     * is not committed yet. */
    if (turn->model->rules.poll == POLL_BY_ID && turn->s->db.open_epoch > 0) {
        poll_from(turn, 1);
    }
}

/* ── the beat ── */

static bool is_held(const struct turn *turn)
{
    const struct relay *relay = &turn->s->relay[turn->who];
    const struct node *node = &turn->s->node[relay->node];
    if (turn->model->rules.beat == BEAT_PLAIN) {
        return true;
    }
    return node->hb_nonce == relay->nonce && (node->hb != HB_NONE || relay->nonce == 0);
}

/* Extends hb and writes pos. */
static void vouch(const struct turn *turn, struct state *next)
{
    struct relay *relay = &next->relay[turn->who];
    set_hb(turn, next, HB_LIVE, relay->version.epoch);
    next->node[relay->node].pos = relay->pos;
    next->l1.hb_age[relay->node] = next->l1.poll_age[turn->who];
    next->l1.poll_age[turn->who] = 0;
    if (turn->model->rules.position == POS_SETTLED && next->db.settled < relay->pos - 1) {
        next->db.settled = relay->pos - 1;
    }
    relay->at = RELAY_HOLDS;
    relay->has_change = 0;
    relay->version = (struct version){0};
    go(turn, next, STEP_RELAY_BEATS);
}

static void beat(const struct turn *turn)
{
    struct state next = *turn->s;
    const struct relay *relay = &next.relay[turn->who];
    if (relay->has_change) {
        script_apply(turn->model, &next.node[relay->node], relay->version);
    }
    vouch(turn, &next);
}

/* A script before the last: hb keeps its life but not its nonce. */
static void apply_first(const struct turn *turn)
{
    struct state next = *turn->s;
    struct relay *relay = &next.relay[turn->who];
    struct node *node = &next.node[relay->node];
    script_apply(turn->model, node, relay->version);
    if (turn->model->rules.beat == BEAT_CHECKED) {
        relay->nonce = node->hb_nonce = state_fresh_nonce(turn->s);
    }
    relay->has_change = 0;
    relay->at = RELAY_HALFWAY;
    go(turn, &next, STEP_RELAY_APPLIES);
}

static void end_round(const struct turn *turn)
{
    const struct relay *relay = &turn->s->relay[turn->who];
    bool is_apart = turn->model->rules.beat == BEAT_APART;
    if (is_apart && relay->has_change) {
        apply_first(turn);
    } else if (!is_held(turn)) {
        stand_down(turn, STEP_RELAY_REFUSED);
    } else {
        if (turn->model->bounds.parts && relay->has_change) {
            apply_first(turn);
        }
        beat(turn);
    }
}

/* ── all of it ── */

static void relay_step(const struct turn *turn)
{
    const struct relay *relay = &turn->s->relay[turn->who];
    bool can_ask = !turn->s->db.is_away;
    switch ((enum relay_at)relay->at) {
    case RELAY_OUT:
        for (int node = 0; node < NODES; node++) {
            if (node_serves(turn->s, node)) {
                begin(turn, node);
            }
        }
        return;
    case RELAY_PLACED:
        mark(turn, relay->node);
        break;
    case RELAY_UNPLACED:
        place(turn, relay->node, RELAY_MARKED);
        break;
    case RELAY_LOST:
        if (can_ask) {
            recover(turn);
        }
        break;
    case RELAY_MARKED:
    case RELAY_HOLDS:
        if (can_ask) {
            poll(turn);
        }
        break;
    case RELAY_POLLED:
    case RELAY_HALFWAY:
        end_round(turn);
        break;
    }
    stand_down(turn, STEP_RELAY_DIES);
}

void relay_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    for (int who = 0; who < model->bounds.relays; who++) {
        relay_step(&(struct turn){model, s, explorer, who});
    }
}
