#include "cache/tell.h"

#include "base/log.h"
#include "cache/steps.h"

static const struct db_function fn_name_versions = {"name_versions", 1};

enum { EPOCH, LIVE, PAST, AUTH };

void cache_tell(struct kv *kv, struct cache_slots *slots, struct db *db, struct slice folded_name,
                int64_t deadline_us)
{
    const struct cache_steps steps = {kv, NULL};
    const char *const params[] = {folded_name.data};
    struct cache_subject subject;
    struct db_rows *rows;
    struct error error;
    enum result result = db_call(db, &fn_name_versions, params, deadline_us, &rows, &error);
    if (result != RESULT_OK) {
        log_event(LOG_DEBUG_LEVEL, "cache-not-told", "error", error.text, NULL);
        return;
    }
    if (db_rows_count(rows) > 0) {
        const struct cache_versions versions = {.epoch = db_rows_int(rows, 0, EPOCH),
                                                .live = db_rows_int(rows, 0, LIVE),
                                                .past = db_rows_int(rows, 0, PAST),
                                                .auth = db_rows_int(rows, 0, AUTH)};
        cache_subject_of(folded_name, &subject);
        cache_apply_versions(&steps, &subject, &versions);
        if (slots != NULL) {
            slots_raise(slots, &subject);
        }
    }
    db_rows_free(&rows);
}
