/*
 * Whose pages are to be computed ahead, and when: a set of users, each with the time that he is
 * due, in the order in which they came. Private to the warmer, whose lock guards it; it knows no
 * clock.
 */
#ifndef REFRAIN_WORKER_WARM_QUEUE_H
#define REFRAIN_WORKER_WARM_QUEUE_H

#include "cache/key.h"

#include <stdbool.h>
#include <stdint.h>

struct warm_queue;

/* Holds up to so many users. NULL where memory is short. */
struct warm_queue *warm_queue_create(size_t users_max);
void warm_queue_destroy(struct warm_queue **queue);

/* Adds a user, by the hash of his subject. Who is there already stays due when he was: a user who
 * changes all the time has his turn too. False if there is no room. `due_us` must not be before
 * what was given for anybody else. */
bool warm_queue_add(struct warm_queue *queue, const char *hash, int64_t due_us);

/* Takes out up to `max` of those who are due, the first ones first; how many. */
size_t warm_queue_take(struct warm_queue *queue, int64_t now_us,
                       char hashes[][CACHE_USER_HEX + 1], size_t max);

/* When the first one is due; INT64_MAX: there is nobody. */
int64_t warm_queue_due_us(const struct warm_queue *queue);

#endif
