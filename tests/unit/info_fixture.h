/*
 * Listens of which only additional_info matters, for the tests of what becomes of it.
 */
#ifndef REFRAIN_TESTS_INFO_FIXTURE_H
#define REFRAIN_TESTS_INFO_FIXTURE_H

#include "listen/listen.h"

#include <stdbool.h>

void info_begin(void);
void info_end(void);

/* What the last listen became, or why it was refused. */
extern struct listen info_listen;
extern struct error info_error;

/* A listen with this additional_info; or with these members of track_metadata beside its names. */
enum result info_parse(const char *info);
enum result info_parse_metadata(const char *members);

/* Whether it is refused with this text; whether what is stored of it is `kept`. */
bool info_refuses(const char *info, const char *text);
bool info_keeps(const char *info, const char *kept);

/* {"key":value}, valid until the next call. */
const char *info_object(const char *key, const char *value);

#endif
