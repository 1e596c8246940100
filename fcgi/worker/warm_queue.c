/*
 * A ring of entries in the order of their due times, and a table of chains that finds a user in it.
 * A chain's links are places in the ring, plus one.
 */
#include "worker/warm_queue.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

struct entry {
    char hash[CACHE_USER_HEX + 1];
    int64_t due_us;
    size_t next; /* in its chain; 0: the last */
};

struct warm_queue {
    size_t users_max;
    size_t first;
    size_t count;
    struct entry *entries; /* users_max of them */
    size_t *chains;        /* users_max of them; 0: empty */
};

struct warm_queue *warm_queue_create(size_t users_max)
{
    struct warm_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        return NULL;
    }
    queue->users_max = users_max;
    queue->entries = calloc(users_max, sizeof *queue->entries);
    queue->chains = calloc(users_max, sizeof *queue->chains);
    if (queue->entries == NULL || queue->chains == NULL) {
        warm_queue_destroy(&queue);
    }
    return queue;
}

void warm_queue_destroy(struct warm_queue **queue)
{
    if (*queue != NULL) {
        free((*queue)->entries);
        free((*queue)->chains);
        free(*queue);
        *queue = NULL;
    }
}

/* The link that leads to this user, or the end of the chain that he belongs to. */
static size_t *find_link(const struct warm_queue *queue, const char *hash)
{
    size_t *link = &queue->chains[hash_64(slice_text(hash)) % queue->users_max];
    while (*link != 0 && strcmp(queue->entries[*link - 1].hash, hash) != 0) {
        link = &queue->entries[*link - 1].next;
    }
    return link;
}

bool warm_queue_add(struct warm_queue *queue, const char *hash, int64_t due_us)
{
    size_t *link = find_link(queue, hash);
    if (*link != 0) {
        return true;
    }
    if (queue->count == queue->users_max) {
        return false;
    }
    size_t place = (queue->first + queue->count) % queue->users_max;
    struct entry *entry = &queue->entries[place];
    assert(strlen(hash) < sizeof entry->hash);
    memcpy(entry->hash, hash, strlen(hash) + 1);
    entry->due_us = due_us;
    entry->next = 0;
    *link = place + 1;
    queue->count++;
    return true;
}

size_t warm_queue_take(struct warm_queue *queue, int64_t now_us,
                       char hashes[][CACHE_USER_HEX + 1], size_t max)
{
    size_t taken = 0;
    while (taken < max && warm_queue_due_us(queue) <= now_us) {
        const struct entry *entry = &queue->entries[queue->first];
        memcpy(hashes[taken++], entry->hash, sizeof entry->hash);
        *find_link(queue, entry->hash) = entry->next;
        queue->first = (queue->first + 1) % queue->users_max;
        queue->count--;
    }
    return taken;
}

int64_t warm_queue_due_us(const struct warm_queue *queue)
{
    return queue->count == 0 ? INT64_MAX : queue->entries[queue->first].due_us;
}
