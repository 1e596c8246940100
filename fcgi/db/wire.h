/*
 * What the files of a connection share, private to db/: conn.c connects and judges the server,
 * pipeline.c calls functions, rows.c holds what they return.
 */
#ifndef REFRAIN_DB_WIRE_H
#define REFRAIN_DB_WIRE_H

#include "db/conn.h"

#include <libpq-fe.h>

enum { FUNCTIONS_MAX = 96 };

struct db_conn {
    PGconn *pg;
    struct db *owner;
    _Atomic int64_t *answered_us; /* the owner's; NULL: none */
    int64_t sent_us;              /* the oldest call that is owed an answer */
    enum conn_verdict verdict;
    struct error trouble; /* that the verdict stands on */
    const char *prepared[FUNCTIONS_MAX];
    size_t prepared_count;
    bool is_preparing; /* a prepare is on its way, which may come to nothing */
    int owed;          /* syncs whose answers have not been read */
    bool failed;
    bool swollen; /* libpq has grown its buffers for something large, and would keep them for ever */
};

/* The connection is not to be used again. Gives back the result. */
enum result conn_condemn(struct db_conn *conn, enum conn_verdict verdict, enum result result,
                         struct error *error);
/* The same for one that libpq says is broken. */
enum result conn_fail_lost(struct db_conn *conn, struct error *error);

/* Waits for the socket until the deadline; a connection that waited in vain is condemned. */
enum result conn_wait_socket(struct db_conn *conn, short events, int64_t deadline_us,
                             struct error *error) MUST_CHECK;
/* The server lives, and owes nothing older than this. */
void conn_note_answer(struct db_conn *conn);
/* What a statement failed of. */
enum result conn_describe_failure(const PGresult *pg, struct error *error);

/* Takes over `pg`, also where it fails. */
enum result rows_create(PGresult *pg, struct db_rows **rows, struct error *error) MUST_CHECK;

#endif
