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

void db_rows_free(struct db_rows **rows)
{
    if (*rows != NULL) {
        PQclear((*rows)->pg);
        free(*rows);
        *rows = NULL;
    }
}
