/*
 * A vigil: the tracking connection of a process, the looks at the heartbeat, and the trust that they
 * give.
 */
#include "processes.h"

/* ── the tracking connection ── */

int vigil_node(const struct process *process)
{
    switch ((enum tracked)process->tracked) {
    case TRACKED_FIRST:
    case TRACKED_SWAPPED:
        return 0;
    case TRACKED_SECOND:
        return 1;
    default:
        return -1;
    }
}

static bool v_differs(const struct node *a, const struct node *b)
{
    return a->v_kind != b->v_kind || a->v_nonce != b->v_nonce || a->v.epoch != b->v.epoch
           || a->v.commit != b->v.commit;
}

void processes_push(const struct model *model, const struct state *from, struct state *next)
{
    for (int i = 0; i < model->bounds.processes; i++) {
        struct process *process = &next->l1.process[i];
        int node = vigil_node(process);
        if (node >= 0 && v_differs(&from->node[node], &next->node[node])) {
            process->pushes = 1;
        }
    }
}

static void receive(const struct process_turn *turn)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    process->pushes = 0;
    if (turn->model->rules.sighting != SIGHTING_WITHOUT_PUSHES) {
        process_outdate(turn->model, process);
    }
    process_go(turn, &next, STEP_PUSH);
}

static void lose(const struct process_turn *turn)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    process->tracked = TRACKED_NONE;
    process->pushes = process->look_epoch = process->look_ticks = 0;
    if (turn->model->rules.loss == LOSS_ENDS_TRUST) {
        process->trust_ticks = 0;
    }
    if (turn->model->rules.era != ERA_AFTER_TRACKING) {
        process_outdate(turn->model, process);
    }
    process_go(turn, &next, STEP_LOSE);
}

static void prepare(const struct process_turn *turn)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    process->tracked = TRACKED_PREPARED;
    process_outdate(turn->model, process);
    process_go(turn, &next, STEP_PREPARE);
}

/* Nothing can be trusted between tracking and raising the era, so both are one step. */
static void track(const struct process_turn *turn, int node)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    enum rule_era rule = turn->model->rules.era;
    process->tracked = (uint8_t)(TRACKED_FIRST + node);
    if (rule == ERA_BOTH || rule == ERA_AFTER_TRACKING) {
        process_outdate(turn->model, process);
    }
    process_go(turn, &next, node == 0 ? STEP_TRACK : STEP_TRACK_SECOND);
}

static void connect(const struct process_turn *turn)
{
    bool is_prepared = turn->s->l1.process[turn->who].tracked == TRACKED_PREPARED;
    if (turn->model->rules.era == ERA_BEFORE_TRACKING && !is_prepared) {
        prepare(turn);
        return;
    }
    for (int node = 0; node < NODES; node++) {
        if (node_serves(turn->s, node)) {
            track(turn, node);
        }
    }
}

/* ── looks ── */

/* For how long it may be trusted. The age at the poll is the database's clock against this one. */
static uint8_t trust_ticks(const struct model *model, uint8_t poll_age)
{
    uint8_t bound = 2 * model->bounds.px_ticks, by_look = model->bounds.trust_ticks;
    uint8_t by_poll = bound > poll_age ? bound - poll_age : 0;
    switch (model->rules.limit) {
    case LIMIT_NONE:
    case LIMIT_BY_LOOK:
        return by_look;
    case LIMIT_BY_POLL:
        return by_poll;
    case LIMIT_BOTH:
        break;
    }
    return by_look < by_poll ? by_look : by_poll;
}

/* What the look is about is trusted, once all that was pushed before it has arrived. The epoch is
 * noticed no sooner: what came before the look is within the bound of the look before it. */
static void trust(const struct process_turn *turn, struct state *next)
{
    struct process *process = &next->l1.process[turn->who];
    if (process->look_epoch != process->last_epoch
        && turn->model->rules.bucket != BUCKET_IGNORED) {
        process_outdate(turn->model, process);
    }
    process->last_epoch = process->look_epoch;
    process->trust_ticks = process->look_ticks;
    process->look_epoch = process->look_ticks = 0;
}

static void look(const struct process_turn *turn, int at_node)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    const struct node *node = &next.node[at_node];
    bool is_live = node->hb == HB_LIVE;
    process->look_epoch = process->look_ticks = 0;
    if (is_live) {
        process->look_epoch = node->hb_epoch;
        /* At once: who gets an older answer before the PONG is not to keep it until after. */
        if (processes_compare_ages(turn->model)) {
            process->last_age = next.l1.hb_age[at_node];
        }
        process->look_ticks = trust_ticks(turn->model, next.l1.hb_age[at_node]);
    } else if (turn->model->rules.alive == ALIVE_IGNORED) {
        process->look_epoch = process->last_epoch > 0 ? process->last_epoch : 1;
        process->look_ticks = turn->model->bounds.trust_ticks;
    } else {
        process->trust_ticks = 0;
        if (turn->model->rules.bucket != BUCKET_EPOCH_ALONE) {
            process->last_epoch = 0;
        }
    }
    if (process->look_epoch > 0 && turn->model->rules.trust == TRUST_BEFORE_PONG) {
        trust(turn, &next);
    }
    process_go(turn, &next, STEP_LOOK);
}

static bool may_look(const struct process_turn *turn, int node)
{
    const struct process *process = &turn->s->l1.process[turn->who];
    bool is_of_history = process->tracked != TRACKED_SWAPPED;
    switch (turn->model->rules.look) {
    case LOOK_WATCHED:
        return node == vigil_node(process) && is_of_history;
    case LOOK_ANY_HISTORY:
        return node == vigil_node(process);
    case LOOK_ANY_NODE:
        break;
    }
    return is_of_history && node_serves(turn->s, node);
}

/* The PONG is sent and arrives in one step: what is pushed between these comes after the look. */
static void hear(const struct process_turn *turn)
{
    struct state next = *turn->s;
    trust(turn, &next);
    process_go(turn, &next, STEP_PONG);
}

void vigil_steps(const struct process_turn *turn)
{
    const struct process *process = &turn->s->l1.process[turn->who];
    if (process->tracked == TRACKED_NONE || process->tracked == TRACKED_PREPARED) {
        connect(turn);
        return;
    }
    bool is_well = process->tracked == TRACKED_FIRST || process->tracked == TRACKED_SECOND;
    if (turn->model->bounds.drops || !is_well) {
        lose(turn);
    }
    if (process->pushes) {
        receive(turn);
    } else if (process->look_epoch > 0 && vigil_node(process) >= 0) {
        hear(turn);
    }
    for (int node = 0; node < NODES; node++) {
        if (may_look(turn, node)) {
            look(turn, node);
        }
    }
}
