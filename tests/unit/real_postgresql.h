/*
 * A PostgreSQL of the test's own, empty, in a temporary folder. What must not fail is asserted.
 */
#ifndef REFRAIN_TESTS_REAL_POSTGRESQL_H
#define REFRAIN_TESTS_REAL_POSTGRESQL_H

struct real_postgresql;

/* NULL where no server is installed. Returns once it answers. It ends with this process. */
struct real_postgresql *real_postgresql_start(void);
void real_postgresql_stop(struct real_postgresql **postgresql);

/* For db_open(). */
const char *real_postgresql_url(const struct real_postgresql *postgresql);

#endif
