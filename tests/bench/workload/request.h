/*
 * An event of the plan as the bytes that ask for it.
 */
#ifndef REFRAIN_BENCH_REQUEST_H
#define REFRAIN_BENCH_REQUEST_H

#include "base/buffer.h"
#include "people.h"
#include "plan.h"

/* Writes the path, with the parameters, of an event at this time. */
void request_write_path(const struct plan_event *event, const struct person *person, int64_t now_s,
                        struct buffer *to);

/* Writes the whole request, head and body, with the person's token where he asks himself; visitors
 * have none. */
void request_write(const struct plan_event *event, const struct person *person, const char *host,
                   int64_t now_s, struct buffer *to);

#endif
