/*
 * The body of POST /1/submit-listens, checked as the ListenBrainz contract has it: every check, in
 * its order, with its text.
 */
#ifndef REFRAIN_LISTEN_SUBMISSION_H
#define REFRAIN_LISTEN_SUBMISSION_H

#include "listen/listen.h"

enum submission_kind { SUBMISSION_SINGLE, SUBMISSION_IMPORT, SUBMISSION_PLAYING_NOW };

struct submission {
    enum submission_kind kind;
    struct listen *listens; /* in the arena; their texts there or in the body */
    size_t listens_count;
};

/* RESULT_INVALID with the contract's text at the first check that fails; nothing is half-read.
 * `now_s` is the wall clock's second. */
enum result submission_parse(struct slice body, int64_t now_s, struct arena *arena,
                             struct submission *submission, struct error *error) MUST_CHECK;

/* The checks of one listen object (null, `listened_at`, `track_metadata`, …), for readers of files
 * that hold the same objects; `body` has passed jtext_check(). Keys that only exports have
 * (inserted_at, recording_msid, user_name, mbid_mapping) must have been left out by the caller.
 * The listen's texts are in the arena or in the body. */
enum result submission_parse_listen(struct slice body, enum submission_kind kind, int64_t now_s,
                                    struct arena *arena, struct listen *listen,
                                    struct error *error) MUST_CHECK;

#endif
