/* What the files of L1 offer each other: processes.c, vigils.c, readers.c. */
#ifndef REFRAIN_TESTS_PROCESSES_H
#define REFRAIN_TESTS_PROCESSES_H

#include "model.h"

/* A step of one process. */
struct process_turn {
    const struct model *model;
    const struct state *s;
    struct explorer *explorer;
    int who;
};

static inline void process_go(const struct process_turn *turn, struct state *next, enum step step)
{
    explore_step(turn->explorer, next, step, turn->who + 1);
}

/* A counter of the process's sum is raised. */
void process_outdate(const struct model *model, struct process *process);

/* Whether answers are compared with the look by the age of their heartbeats. Without failover no
 * answer has an older one than a look before it had. */
static inline bool processes_compare_ages(const struct model *model)
{
    return model->bounds.failovers > 0 && model->rules.keep != KEEP_ANY_BEAT;
}

/* ── vigils.c ── */

/* The node at the end of the tracking connection, as long as that serves; else -1. */
int vigil_node(const struct process *process);
void vigil_steps(const struct process_turn *turn);

/* ── readers.c ── */

/* Whether the server that answered the reader is the one that the vigil watches. A server is known
 * by a name that it keeps for as long as it runs. */
bool reader_is_watched(const struct process *process);
void reader_steps(const struct process_turn *turn);
void request_steps(const struct model *model, const struct state *s, struct explorer *explorer);

#endif
