/*
 * Who the community is: a file with a line for each, "TOKEN NAME", those who hear most and are
 * looked at most first. All are public, since visitors bring no token.
 */
#ifndef REFRAIN_BENCH_PEOPLE_H
#define REFRAIN_BENCH_PEOPLE_H

#include "base/result.h"

#include <stddef.h>

struct person {
    char *token;
    char *path_name; /* as a segment of a path has it */
};

struct people {
    struct person *items;
    size_t count;
};

/* RESULT_INVALID names file, line and cause. people_free() takes care of what is there then as
 * well. */
enum result people_read(const char *path, struct people *people, struct error *error) MUST_CHECK;
void people_free(struct people *people);

#endif
