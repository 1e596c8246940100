/*
 * What fills the L1 of a process, and what is answered from it.
 *
 * Who keeps an answer whose sighting is outdated keeps nothing: values that he would keep may be
 * served with a better record, but that came with values of its own.
 */
#include "processes.h"

#include <string.h>

/* ── readers ── */

static void note(const struct process_turn *turn)
{
    struct state next = *turn->s;
    next.l1.process[turn->who].reader = (struct reader){.at = READER_NOTED};
    process_go(turn, &next, STEP_NOTE);
}

static void get(const struct process_turn *turn, int at_node, enum view view)
{
    struct state next = *turn->s;
    const struct node *node = &next.node[at_node];
    struct reader *reader = &next.l1.process[turn->who].reader;
    reader->at = (uint8_t)(READER_GOT + view);
    reader->node = (uint8_t)(TRACKED_FIRST + at_node);
    reader->v = node->v;
    reader->d_commit = node->d[view].commit;
    reader->hb_age = processes_compare_ages(turn->model) ? next.l1.hb_age[at_node] : 0;
    process_go(turn, &next, view == VIEW_OPEN ? STEP_GET : STEP_GET_CLOSED);
}

bool reader_is_watched(const struct process *process)
{
    bool is_swapped = process->tracked == TRACKED_SWAPPED;
    return process->reader.node == (is_swapped ? TRACKED_FIRST : process->tracked);
}

static void keep(const struct process_turn *turn)
{
    struct state next = *turn->s;
    struct process *process = &next.l1.process[turn->who];
    const struct reader *reader = &process->reader;
    bool is_new = !processes_compare_ages(turn->model) || reader->hb_age <= process->last_age;
    if (is_new && (reader_is_watched(process) || turn->model->rules.keep == KEEP_ANY_NODE)) {
        process->record = reader->v;
        process->record_is_outdated = reader->is_outdated;
        process->d[reader->at - READER_GOT] =
            (struct version){reader->v.epoch, reader->d_commit};
    }
    memset(&process->reader, 0, sizeof process->reader);
    process_go(turn, &next, STEP_KEEP);
}

void reader_steps(const struct process_turn *turn)
{
    const struct reader *reader = &turn->s->l1.process[turn->who].reader;
    int views = turn->model->bounds.closed ? VIEWS : 1;
    if (reader->at != READER_NOTED) {
        note(turn);
    }
    if (reader->at >= READER_GOT) {
        keep(turn);
    }
    for (int i = 0; i < NODES * views && reader->at == READER_NOTED; i++) {
        int node = i % NODES, view = i / NODES;
        if (node_serves(turn->s, node) && read_hits(turn->model, turn->s, node, view)) {
            get(turn, node, (enum view)view);
        }
    }
}

/* ── requests ── */

/* What one that comes now must be shown. */
static uint8_t needed(const struct model *model, const struct state *s)
{
    uint8_t commit = s->db.commits;
    while (commit > s->l1.answered && s->db.age[commit - 1] < 2 * model->bounds.px_ticks) {
        commit--;
    }
    return commit;
}

void request_steps(const struct model *model, const struct state *s, struct explorer *explorer)
{
    struct state next = *s;
    const struct process *process = &s->l1.process[0];
    if (s->l1.request.needs > 0) {
        next.l1.request = (struct request){0};
        explore_step(explorer, &next, STEP_NEAR_LEAVES, 0);
    } else if (model->rules.order == ORDER_TRUST_FIRST && process->trust_ticks > 0) {
        next.l1.request.needs = needed(model, s);
        explore_step(explorer, &next, STEP_NEAR_COMES, 0);
    } else if (model->rules.order == ORDER_SIGHTING_FIRST && near_is_current(s, process, 0)) {
        next.l1.request = (struct request){needed(model, s), process->d[VIEW_OPEN]};
        explore_step(explorer, &next, STEP_NEAR_COMES, 0);
    }
}
