/*
 * L1: the processes of one host. Each has a vigil (vigils.c) and reads by which its L1 is filled
 * (readers.c); all share the slots that writers raise.
 *
 * A writer of another host is, for these processes, one that never gets to raise the slot. Sightings
 * are not numbers here: a counter that is raised marks all that was noted before.
 */
#include "processes.h"

#include <string.h>

/* ── sightings ── */

void process_outdate(const struct model *model, struct process *process)
{
    process->record_is_outdated = process->record.epoch > 0;
    bool has_noted = model->rules.sighting != SIGHTING_AFTER_MGET;
    if (process->reader.at != READER_IDLE && has_noted) {
        process->reader.is_outdated = 1;
    }
}

static void raise_slot(const struct model *model, struct state *next)
{
    for (int i = 0; i < model->bounds.processes; i++) {
        process_outdate(model, &next->l1.process[i]);
    }
}

/* ── writers ── */

void processes_commit(const struct model *model, struct state *next, int commit)
{
    if (model->bounds.processes > 0 && model->bounds.applies > 0) {
        next->l1.answering |= (uint8_t)(1 << commit);
        if (model->rules.slots == SLOTS_BEFORE_APPLY) {
            raise_slot(model, next);
        }
    }
}

/* Whether the apply was acknowledged or not: nobody waits for it longer than it takes. */
static void answer(const struct model *model, const struct state *s, struct explorer *explorer,
                   int commit)
{
    struct state next = *s;
    struct l1 *l1 = &next.l1;
    l1->answering &= (uint8_t)~(1 << commit);
    if (s->db.acked > commit && l1->answered <= commit && !s->has_failed_over) {
        l1->answered = (uint8_t)(commit + 1);
    }
    if (model->rules.slots == SLOTS_BEFORE_ANSWER) {
        raise_slot(model, &next);
    } else if (model->rules.slots == SLOTS_AFTER_ANSWER) {
        l1->raising |= (uint8_t)(1 << commit);
    }
    explore_step(explorer, &next, STEP_ANSWER, commit + 1);
}

static void raise_late(const struct model *model, const struct state *s,
                       struct explorer *explorer, int commit)
{
    struct state next = *s;
    next.l1.raising &= (uint8_t)~(1 << commit);
    raise_slot(model, &next);
    explore_step(explorer, &next, STEP_SLOT, commit + 1);
}

static void answers(const struct model *model, const struct state *s, struct explorer *explorer)
{
    for (int i = 0; i < s->db.commits; i++) {
        if (s->l1.answering >> i & 1) {
            answer(model, s, explorer, i);
        }
        if (s->l1.raising >> i & 1) {
            raise_late(model, s, explorer, i);
        }
    }
}

/* ── time and failover ── */

static void age(uint8_t *ticks, uint8_t most)
{
    *ticks += *ticks < most;
}

uint8_t processes_oldest(const struct model *model)
{
    return 2 * model->bounds.px_ticks;
}

void processes_tick(const struct model *model, struct state *next)
{
    if (model->bounds.processes == 0) {
        return;
    }
    uint8_t oldest = processes_oldest(model);
    for (int i = 0; i < NODES; i++) {
        age(&next->l1.hb_age[i], oldest);
    }
    for (int i = 0; i < RELAYS_MAX; i++) {
        age(&next->l1.poll_age[i], oldest);
    }
    for (int i = 0; i < model->bounds.processes; i++) {
        struct process *process = &next->l1.process[i];
        age(&process->last_age, oldest);
        age(&process->reader.hb_age, process->reader.at >= READER_GOT ? oldest : 0);
        if (model->rules.limit != LIMIT_NONE) {
            process->look_ticks -= process->look_ticks > 0;
            process->trust_ticks -= process->trust_ticks > 0;
        }
    }
}

/* Connections to a master that is no more end, which may take time to be noticed; its data may also
 * be replaced in place, and that is pushed as a flush. */
void processes_fail_over(struct state *next, enum step step)
{
    struct l1 *l1 = &next->l1;
    if (l1->answered > 0) {
        l1->request = (struct request){0};
    }
    if (step == STEP_SPLIT) {
        return;
    }
    l1->hb_age[0] = l1->hb_age[1];
    for (int i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &l1->process[i];
        bool was_watched = process->reader.at >= READER_GOT && reader_is_watched(process);
        bool is_tracked = process->tracked == TRACKED_FIRST || process->tracked == TRACKED_SWAPPED;
        if (step == STEP_SWAP) {
            process->tracked = is_tracked ? TRACKED_SWAPPED : process->tracked;
            process->pushes = process->pushes || is_tracked;
        } else {
            process->tracked = is_tracked ? TRACKED_GONE : process->tracked;
            if (was_watched) {
                process->reader.node = process->tracked;
            } else if (process->reader.at >= READER_GOT) {
                process->reader = (struct reader){0};
            }
        }
    }
}

/* ── what can have no effect ── */

/* With one view, a record and the value that came with it are as good as one version. */
static void merge_view(struct process *process)
{
    struct version *d = &process->d[VIEW_OPEN];
    if (process->record.epoch == 0) {
        *d = (struct version){0};
    }
    process->record = *d;
    if (process->reader.at >= READER_GOT) {
        process->reader.v.commit = process->reader.d_commit;
    }
}

static void bury_process(const struct model *model, struct process *process)
{
    if (process->record_is_outdated) {
        process->record = (struct version){0};
        process->record_is_outdated = 0;
    }
    if (process->reader.is_outdated || process->reader.at == READER_IDLE) {
        process->reader = (struct reader){.at = READER_NOTED};
    }
    if (vigil_node(process) < 0) {
        process->pushes = process->look_epoch = process->look_ticks = 0;
    }
    if (process->look_ticks == 0) {
        process->look_epoch = 0;
    }
    if (!model->bounds.closed) {
        merge_view(process);
    }
}

void processes_bury(const struct model *model, struct state *s)
{
    struct l1 *l1 = &s->l1;
    for (int i = 0; i < NODES; i++) {
        l1->hb_age[i] = s->node[i].hb == HB_LIVE ? l1->hb_age[i] : 0;
    }
    for (int i = 0; i < RELAYS_MAX; i++) {
        bool has_polled = s->relay[i].at == RELAY_POLLED || s->relay[i].at == RELAY_HALFWAY;
        l1->poll_age[i] = has_polled ? l1->poll_age[i] : 0;
    }
    for (int i = 0; i < model->bounds.processes; i++) {
        bury_process(model, &l1->process[i]);
    }
    if (s->has_failed_over) {
        l1->answering = l1->raising = l1->answered = 0;
    }
    if (l1->request.needs == 0) {
        l1->request = (struct request){0};
    }
}

/* ── all of it ── */

void process_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    for (int who = 0; who < model->bounds.processes; who++) {
        const struct process_turn turn = {model, s, explorer, who};
        vigil_steps(&turn);
        reader_steps(&turn);
    }
    if (model->bounds.processes > 0) {
        answers(model, s, explorer);
    }
    if (model->bounds.requests) {
        request_steps(model, s, explorer);
    }
}
