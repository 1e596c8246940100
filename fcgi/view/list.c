/*
 * Layout, little-endian: total 8 bytes, count 4, size of meta 4, then for each entry its key (8) and
 * where it ends in the entries (4), then meta, then the entries, parted by commas.
 */
#include "view/list.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>

enum { HEAD_BYTES = 16, ROW_BYTES = 12 };

/* How many of the rows from `first` on hold an entry: a list without any has one row of nulls. */
static size_t count_entries(const struct db_rows *rows, size_t first, size_t count)
{
    size_t end = db_rows_count(rows);
    if (first >= end || db_rows_is_null(rows, 0, LIST_ENTRY)) {
        return 0;
    }
    return end - first < count ? end - first : count;
}

size_t list_fill(const struct db_rows *rows, size_t first, size_t count, struct cache_fill *fill)
{
    struct buffer *to = &fill->payload;
    size_t entries = count_entries(rows, first, count);
    struct slice meta = db_rows_text(rows, 0, LIST_META);
    bytes_append_u64(to, (uint64_t)db_rows_int(rows, 0, LIST_TOTAL));
    bytes_append_u32(to, (uint32_t)entries);
    bytes_append_u32(to, (uint32_t)meta.size_bytes);
    uint32_t end = 0;
    for (size_t i = 0; i < entries; i++) {
        end += (uint32_t)db_rows_text(rows, first + i, LIST_ENTRY).size_bytes;
        bytes_append_u64(to, (uint64_t)db_rows_int(rows, first + i, LIST_KEY));
        bytes_append_u32(to, end);
        end++; /* the comma */
    }
    buffer_append_slice(to, meta);
    for (size_t i = 0; i < entries; i++) {
        if (i > 0) {
            buffer_append_char(to, ',');
        }
        buffer_append_slice(to, db_rows_text(rows, first + i, LIST_ENTRY));
    }
    fill->versions = cache_versions_of(rows, LIST_VERSIONS);
    return entries;
}

/* Where the entry ends. */
static size_t entry_end(const struct list *list, size_t at)
{
    return bytes_get_u32(list->table + at * ROW_BYTES + 8);
}

static bool read_chunk(struct slice payload, struct list *list)
{
    if (payload.size_bytes < HEAD_BYTES) {
        return false;
    }
    size_t left = payload.size_bytes - HEAD_BYTES;
    list->total = bytes_get_u64(payload.data);
    list->count = bytes_get_u32(payload.data + 8);
    list->meta.size_bytes = bytes_get_u32(payload.data + 12);
    if (list->count > left / ROW_BYTES
        || list->meta.size_bytes > left - list->count * ROW_BYTES) {
        return false;
    }
    list->table = payload.data + HEAD_BYTES;
    list->meta.data = list->table + list->count * ROW_BYTES;
    list->entries = slice_of(list->meta.data + list->meta.size_bytes,
                             left - list->count * ROW_BYTES - list->meta.size_bytes);
    return list->entries.size_bytes == (list->count == 0 ? 0 : entry_end(list, list->count - 1));
}

enum result list_open(struct slice payload, struct list *list, struct error *error)
{
    return read_chunk(payload, list)
               ? RESULT_OK
               : error_set(error, RESULT_INTERNAL, "list", "a cached list is not readable");
}

int64_t list_key(const struct list *list, size_t at)
{
    return (int64_t)bytes_get_u64(list->table + at * ROW_BYTES);
}

struct slice list_entries(const struct list *list, size_t first, size_t end)
{
    if (first >= end) {
        return slice_of("", 0);
    }
    size_t from = first == 0 ? 0 : entry_end(list, first - 1) + 1; /* behind the comma */
    size_t to = entry_end(list, end - 1);
    bool is_sound = from <= to && to <= list->entries.size_bytes;
    return slice_of(list->entries.data + (is_sound ? from : 0), is_sound ? to - from : 0);
}

enum result list_ask(const struct db_function *function, const int64_t *params,
                     struct arena *arena, struct db_step *call, struct error *error)
{
    enum { NUMBER_SIZE = 24 };
    size_t count = (size_t)function->params_count;
    const char **texts = arena_alloc(arena, count * sizeof *texts);
    char *room = arena_alloc(arena, count * NUMBER_SIZE);
    if (texts == NULL || room == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "list", "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        char *text = room + i * NUMBER_SIZE;
        snprintf(text, NUMBER_SIZE, "%" PRId64, params[i]);
        texts[i] = params[i] == LIST_NULL ? NULL : text;
    }
    *call = (struct db_step){function, texts};
    return RESULT_OK;
}
