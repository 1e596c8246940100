/*
 * Private to listen/: the checks of one listen, shared by submissions and imports.
 */
#ifndef REFRAIN_LISTEN_CHECK_H
#define REFRAIN_LISTEN_CHECK_H

#include "json/json.h"
#include "listen/submission.h"

/* What a check may use; one for a whole request. */
struct check {
    enum submission_kind kind;
    int64_t now_s;
    struct arena *arena;
    struct error *error;
    struct buffer scratch; /* the caller frees it in the end */
};

/* One listen. `value` is any checked JSON value. */
enum result check_listen(struct check *check, struct slice value, struct listen *listen) MUST_CHECK;

/* additional_info: its fields checked and put right, then flattened into listen->info; what the
 * listen holds of it otherwise (client, duration, MBIDs) is set. */
enum result check_info(struct check *check, struct slice object,
                       struct listen *listen) MUST_CHECK;

/* Tags, durations and MBIDs by the contract's rules, in its order; members that are dropped are
 * left without a value (no data). */
enum result check_fields(struct check *check, struct jmembers *members,
                         struct listen *listen) MUST_CHECK;

/* Nothing that PostgreSQL's jsonb or text can't hold: U+0000, numbers out of range. */
enum result check_storable(struct check *check, struct slice value) MUST_CHECK;

/* RESULT_INVALID with this text. */
enum result check_refuse(struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
