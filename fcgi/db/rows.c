#include "db/wire.h"

#include <stdlib.h>

struct db_rows {
    PGresult *pg;
};

enum result rows_create(PGresult *pg, struct db_rows **rows, struct error *error)
{
    *rows = malloc(sizeof **rows);
    if (*rows == NULL) {
        PQclear(pg);
        return error_set(error, RESULT_NO_MEMORY, "db", "out of memory");
    }
    (*rows)->pg = pg;
    return RESULT_OK;
}

size_t db_rows_count(const struct db_rows *rows)
{
    return (size_t)PQntuples(rows->pg);
}

struct slice db_rows_text(const struct db_rows *rows, size_t row, size_t column)
{
    return slice_of(PQgetvalue(rows->pg, (int)row, (int)column),
                    (size_t)PQgetlength(rows->pg, (int)row, (int)column));
}

bool db_rows_is_null(const struct db_rows *rows, size_t row, size_t column)
{
    return PQgetisnull(rows->pg, (int)row, (int)column) == 1;
}

int64_t db_rows_int(const struct db_rows *rows, size_t row, size_t column)
{
    return strtoll(PQgetvalue(rows->pg, (int)row, (int)column), NULL, 10);
}

bool db_rows_bool(const struct db_rows *rows, size_t row, size_t column)
{
    return PQgetvalue(rows->pg, (int)row, (int)column)[0] == 't';
}

static int digit(char hex)
{
    return hex <= '9' ? hex - '0' : hex - 'a' + 10;
}

/* They come as \x and two digits a byte (bytea_output). */
void db_rows_bytes(const struct db_rows *rows, size_t row, size_t column, struct buffer *to)
{
    struct slice text = db_rows_text(rows, row, column);
    size_t size = text.size_bytes < 2 ? 0 : text.size_bytes / 2 - 1;
    char *bytes = buffer_reserve(to, size);
    if (bytes == NULL) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(digit(text.data[2 * i + 2]) << 4 | digit(text.data[2 * i + 3]));
    }
    buffer_grown(to, size);
}

void db_rows_free(struct db_rows **rows)
{
    if (*rows != NULL) {
        PQclear((*rows)->pg);
        free(*rows);
        *rows = NULL;
    }
}
