/*
 * Cached lists: chunks of finished JSON entries with a table of where each begins, so that any part
 * of a list is a run of bytes. What every read function of the database returns becomes a chunk.
 */
#ifndef REFRAIN_VIEW_LIST_H
#define REFRAIN_VIEW_LIST_H

#include "cache/cache.h"

enum { LIST_CHUNK_ENTRIES = 100 };

/* The rows that read functions return: the columns' order. */
enum list_column {
    LIST_VERSIONS,
    LIST_TOTAL = LIST_VERSIONS + CACHE_VERSION_COLUMNS,
    LIST_META,
    LIST_KEY,
    LIST_ENTRY,
};

/* Makes a chunk of the rows [first, first + count), as far as there are so many, with versions,
 * total and meta of the first row of all. Gives the number of its entries. */
size_t list_fill(const struct db_rows *rows, size_t first, size_t count, struct cache_fill *fill);

/* A chunk opened; everything points into the payload. */
struct list {
    uint64_t total;    /* of the whole list */
    struct slice meta; /* members for the answer's payload, without braces */
    size_t count;      /* entries of this chunk */
    const char *table;
    struct slice entries;
};

/* RESULT_INTERNAL where the payload is no chunk. That each entry ends behind the one before is not
 * looked at, for payloads come out of the cache by their checksums; an entry of which it is not so is
 * empty. */
enum result list_open(struct slice payload, struct list *list, struct error *error) MUST_CHECK;

/* A number that the database gave to the entry, such as its time. */
int64_t list_key(const struct list *list, size_t at);
/* The entries [first, end) with their commas between; empty where there are none. */
struct slice list_entries(const struct list *list, size_t first, size_t end);

/* Names a read function whose parameters are whole numbers; LIST_NULL is null. */
#define LIST_NULL INT64_MIN
enum result list_ask(const struct db_function *function, const int64_t *params,
                     struct arena *arena, struct db_step *call, struct error *error) MUST_CHECK;

#endif
