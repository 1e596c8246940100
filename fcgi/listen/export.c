#include "listen/export.h"

#include <stdlib.h>

/* Both take the user, the two keys of the last line (null: none yet) and when a page is large
 * enough, and answer with the columns below. */
static const struct db_function parts[] = {{"export_listens", 4}, {"export_feedback", 4}};
enum { PARTS_COUNT = sizeof parts / sizeof *parts };
enum column { COLUMN_KEY_US, COLUMN_KEY_ID, COLUMN_LINE };

/* Pages of 64 KiB took a third longer a line than these, larger ones no less. */
static const int64_t first_bytes = 16 * 1024;
static const int64_t further_bytes = 256 * 1024;

struct export {
    struct db *db;
    char user[DB_INT_TEXT_SIZE];
    size_t part;   /* that is being read; PARTS_COUNT after the last */
    bool is_begun; /* it has had a line, with these keys */
    char key_us[DB_INT_TEXT_SIZE];
    char key_id[DB_INT_TEXT_SIZE];
    int64_t lines;
};

struct export *export_create(struct db *db, int64_t user_id)
{
    struct export *export = calloc(1, sizeof *export);
    if (export != NULL) {
        export->db = db;
        db_format_int(user_id, export->user);
    }
    return export;
}

void export_destroy(struct export **export)
{
    free(*export);
    *export = NULL;
}

int64_t export_lines(const struct export *export)
{
    return export->lines;
}

static enum result read_page(const struct export *export, int64_t deadline_us,
                             struct db_rows **rows, struct error *error)
{
    char bytes_max[DB_INT_TEXT_SIZE];
    db_format_int(export->lines == 0 ? first_bytes : further_bytes, bytes_max);
    const char *const params[] = {export->user, export->is_begun ? export->key_us : NULL,
                                  export->is_begun ? export->key_id : NULL, bytes_max};
    return db_call(export->db, &parts[export->part], params, deadline_us, rows, error);
}

static void append_page(struct export *export, const struct db_rows *rows, size_t count,
                        struct buffer *to)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_slice(to, db_rows_text(rows, i, COLUMN_LINE));
        buffer_append_char(to, '\n');
    }
    db_format_int(db_rows_int(rows, count - 1, COLUMN_KEY_US), export->key_us);
    db_format_int(db_rows_int(rows, count - 1, COLUMN_KEY_ID), export->key_id);
    export->is_begun = true;
    export->lines += (int64_t)count;
}

enum result export_next(struct export *export, int64_t deadline_us, struct buffer *to,
                        struct error *error)
{
    size_t count = 0;
    while (count == 0 && export->part < PARTS_COUNT) {
        struct db_rows *rows = NULL;
        enum result result = read_page(export, deadline_us, &rows, error);
        if (result != RESULT_OK) {
            return result;
        }
        count = db_rows_count(rows);
        if (count > 0) {
            append_page(export, rows, count, to);
        } else {
            export->part++;
            export->is_begun = false;
        }
        db_rows_free(&rows);
    }
    return buffer_result(to) == RESULT_OK
               ? RESULT_OK
               : error_set(error, RESULT_NO_MEMORY, "export", "no memory for the next lines");
}
