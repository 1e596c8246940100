/* States as text: values and versions as epoch/commit, nonces and leases as #. */
#include "model.h"

#include <stdio.h>

static void print_value(const char *name, struct version d)
{
    if (d.epoch == 0) {
        printf(" %s -", name);
    } else {
        printf(" %s %d/%d", name, d.epoch, d.commit);
    }
}

static void print_node(const struct model *model, const struct node *node)
{
    static const char *const kinds[] = {"-", "B", "L"};
    printf("hb %s", kinds[node->hb]);
    if (node->hb != HB_NONE) {
        printf("#%d", node->hb_nonce);
    }
    if (node->hb == HB_LIVE) {
        printf(" epoch %d", node->hb_epoch);
    }
    if (node->hb != HB_NONE) {
        printf(" (%d left)", node->hb_ticks);
    }
    if (node->pos == POS_NONE) {
        printf(" pos -");
    } else {
        printf(" pos %d", node->pos - 1);
    }
    if (node->v_kind == V_LEASE) {
        printf(" v lease#%d", node->v_nonce);
    } else {
        print_value("v", node->v);
    }
    print_value("d", node->d[VIEW_OPEN]);
    if (model->bounds.closed) {
        print_value("closed", node->d[VIEW_CLOSED]);
    }
}

static void print_process(const struct model *model, const struct process *process)
{
    static const char *const connections[] = {
        [TRACKED_NONE] = "tracks nothing", [TRACKED_FIRST] = "tracks",
        [TRACKED_SECOND] = "tracks second", [TRACKED_GONE] = "tracks what is gone",
        [TRACKED_SWAPPED] = "tracks other data", [TRACKED_PREPARED] = "is to track",
    };
    printf("  L1 %s%s", connections[process->tracked], process->pushes ? ", push!" : "");
    if (process->look_epoch > 0) {
        printf(", looked (%d left)", process->look_ticks);
    }
    if (process->trust_ticks > 0) {
        printf(", trusts (%d left)", process->trust_ticks);
    }
    print_value(process->record_is_outdated ? ", outdated" : ",", process->record);
    print_value("d", process->d[VIEW_OPEN]);
    if (model->bounds.closed) {
        print_value("closed", process->d[VIEW_CLOSED]);
    }
    const struct reader *reader = &process->reader;
    if (reader->at >= READER_GOT) {
        printf(", reader has %d/%d d %d%s", reader->v.epoch, reader->v.commit, reader->d_commit,
               reader->is_outdated ? " outdated" : "");
    }
}

void state_print(const struct model *model, const struct state *s)
{
    printf("db %d/%d  ", s->db.epoch, s->db.commits);
    print_node(model, &s->node[0]);
    if (s->replica != REPLICA_NONE) {
        printf("  %s: ", s->replica == REPLICA_LAGS ? "replica" : "second");
        print_node(model, &s->node[1]);
    }
    for (int i = 0; i < model->bounds.relays; i++) {
        if (s->relay[i].nonce != 0) {
            printf("  relay %d has #%d", i + 1, s->relay[i].nonce);
        }
    }
    for (int i = 0; i < model->bounds.fillers; i++) {
        if (s->filler[i].lease != 0) {
            printf("  filler %d has lease#%d", i + 1, s->filler[i].lease);
        }
    }
    for (int i = 0; i < model->bounds.processes; i++) {
        print_process(model, &s->l1.process[i]);
    }
    printf("\n");
}
