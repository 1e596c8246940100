/*
 * A script holds many buckets and up to APPLIES_MAX changes, so that Redis answers others between
 * two scripts. A bucket with more changes has a chain of scripts of its own: each but the last
 * applies a part and changes the heartbeat's nonce, and the next expects that nonce. A few scripts
 * travel in one batch, so that a batch takes much less than its time, however much has changed.
 *
 * Rooms for keys, words and commands are kept from round to round: an idle round allocates nothing
 * here.
 */
#include "cache/relay_beat.h"

#include "cache/protocol.h"
#include "cache/scripts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    APPLIES_MAX = 500,   /* of a script */
    BATCH_MAX = 4,       /* scripts */
    KEPT_CHANGES = 2048, /* for more, rooms are made anew each time */
    HEAD_MAX = 48,       /* "L <nonce> " */
    VERSION_KEY_MAX = 64,
    COUNT_MAX = 8,
    SCRIPT_WORDS = 6,
    BUCKET_WORDS = 4,
    CHANGE_WORDS = 4,
};

/* Changes [first, end) of a bucket, of whose chain of scripts this is one or the last. */
struct part {
    int bucket;
    size_t first, end;
    bool is_last;
    char count[COUNT_MAX];
};

struct place {
    size_t command, item;
};

struct relay_beater {
    struct kv *kv;
    char heartbeat_keys[CACHE_BUCKETS][CACHE_KEY_MAX];
    char position_keys[CACHE_BUCKETS][CACHE_KEY_MAX];
    struct slice heartbeats[CACHE_BUCKETS];
    struct slice positions[CACHE_BUCKETS];
    struct buffer text; /* what words point to; never moves while it is filled */
    size_t changes_room, parts_room;
    struct part *parts;
    size_t parts_count;
    struct slice *words;
    size_t words_count;
    struct kv_command *commands;
    size_t commands_count;
    struct place places[CACHE_BUCKETS];
};

struct relay_beater *relay_beater_create(struct kv *kv)
{
    struct relay_beater *beater = calloc(1, sizeof *beater);
    if (beater == NULL) {
        return NULL;
    }
    beater->kv = kv;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        size_t size = cache_key_heartbeat(b, beater->heartbeat_keys[b]);
        beater->heartbeats[b] = slice_of(beater->heartbeat_keys[b], size);
        size = cache_key_position(b, beater->position_keys[b]);
        beater->positions[b] = slice_of(beater->position_keys[b], size);
    }
    return beater;
}

static void drop_rooms(struct relay_beater *beater)
{
    buffer_free(&beater->text);
    free(beater->parts);
    free(beater->words);
    free(beater->commands);
    beater->parts = NULL;
    beater->words = NULL;
    beater->commands = NULL;
    beater->changes_room = beater->parts_room = 0;
}

void relay_beater_destroy(struct relay_beater **beater)
{
    if (*beater != NULL) {
        drop_rooms(*beater);
        free(*beater);
        *beater = NULL;
    }
}

/* Room for so many changes of all buckets, whatever the parts that they come in. */
static bool make_rooms(struct relay_beater *beater, size_t changes)
{
    size_t parts = CACHE_BUCKETS + changes / APPLIES_MAX;
    beater->parts_count = beater->words_count = beater->commands_count = 0;
    buffer_clear(&beater->text);
    if (beater->words != NULL && changes <= beater->changes_room && parts <= beater->parts_room) {
        return true;
    }
    drop_rooms(beater);
    size_t room = changes < KEPT_CHANGES ? KEPT_CHANGES : changes;
    parts = CACHE_BUCKETS + room / APPLIES_MAX;
    beater->parts = malloc(parts * sizeof *beater->parts);
    beater->commands = malloc(parts * sizeof *beater->commands);
    beater->words = malloc((parts * (SCRIPT_WORDS + BUCKET_WORDS) + room * CHANGE_WORDS)
                           * sizeof *beater->words);
    char *text = buffer_reserve(&beater->text,
                                parts * 2 * HEAD_MAX + room * VERSION_KEY_MAX + CACHE_KEY_MAX);
    if (beater->parts == NULL || beater->commands == NULL || beater->words == NULL
        || text == NULL) {
        drop_rooms(beater);
        return false;
    }
    beater->changes_room = room;
    beater->parts_room = parts;
    return true;
}

static void add_word(struct relay_beater *beater, struct slice word)
{
    beater->words[beater->words_count++] = word;
}

/* "L <nonce> " or, of a mark, "B <nonce>". */
static struct slice add_head(struct relay_beater *beater, bool is_mark, const char *nonce)
{
    char *at = buffer_reserve(&beater->text, HEAD_MAX);
    int size = snprintf(at, HEAD_MAX, is_mark ? "B %s" : "L %s ", nonce);
    assert(size > 0 && size < HEAD_MAX);
    buffer_grown(&beater->text, (size_t)size);
    return slice_of(at, (size_t)size);
}

static void add_version_key(struct relay_beater *beater, const struct cache_subject *subject)
{
    char *at = buffer_reserve(&beater->text, CACHE_KEY_MAX);
    size_t size = cache_key_version(subject, at);
    assert(size <= VERSION_KEY_MAX);
    buffer_grown(&beater->text, size);
    add_word(beater, slice_of(at, size));
}

static void add_part_keys(struct relay_beater *beater, const struct relay_poll *poll,
                          const struct part *part)
{
    struct relay_change change;
    add_word(beater, beater->heartbeats[part->bucket]);
    add_word(beater, beater->positions[part->bucket]);
    for (size_t at = part->first; at < part->end; at++) {
        relay_poll_change(poll, at, &change);
        add_version_key(beater, &change.subject);
    }
}

static void add_part_args(struct relay_beater *beater, const struct relay_poll *poll,
                          struct part *part)
{
    struct relay_change change;
    snprintf(part->count, sizeof part->count, "%zu", part->end - part->first);
    add_word(beater, poll->epochs[part->bucket]);
    add_word(beater, slice_text(part->count));
    for (size_t at = part->first; at < part->end; at++) {
        relay_poll_change(poll, at, &change);
        add_word(beater, change.live);
        add_word(beater, change.past);
        add_word(beater, change.auth);
    }
}

/* What the scripts of one beat have in common. */
struct script {
    const struct relay_beat *beat;
    struct slice expected;
    struct slice next; /* the head that the last script of a bucket leaves */
    char life[16];
    char version_life[16];
};

static void add_script_args(struct relay_beater *beater, const struct script *script,
                            struct slice expected, struct slice next, bool is_last)
{
    add_word(beater, expected);
    add_word(beater, next);
    add_word(beater, slice_text(script->beat->poll->generations));
    add_word(beater, is_last ? slice_text(script->life) : slice_of("", 0));
    add_word(beater, is_last ? script->beat->poll->position : slice_of("", 0));
    add_word(beater, slice_text(script->version_life));
}

/* One script for the parts from number `from` to the newest. */
static void add_script(struct relay_beater *beater, const struct script *script, size_t from,
                       struct slice expected, struct slice next)
{
    size_t first_word = beater->words_count;
    bool is_last = beater->parts[from].is_last;
    for (size_t i = from; i < beater->parts_count; i++) {
        struct part *part = &beater->parts[i];
        add_part_keys(beater, script->beat->poll, part);
        if (is_last) {
            beater->places[part->bucket] = (struct place){beater->commands_count, i - from};
        }
    }
    size_t keys_count = beater->words_count - first_word;
    add_script_args(beater, script, expected, next, is_last);
    for (size_t i = from; i < beater->parts_count; i++) {
        add_part_args(beater, script->beat->poll, &beater->parts[i]);
    }
    beater->commands[beater->commands_count++] = (struct kv_command){
        .script = &cache_script_beat,
        .keys_count = keys_count,
        .words = beater->words + first_word,
        .words_count = beater->words_count - first_word,
    };
}

static void add_part(struct relay_beater *beater, int bucket, size_t first, size_t end,
                     bool is_last)
{
    beater->parts[beater->parts_count++] =
        (struct part){.bucket = bucket, .first = first, .end = end, .is_last = is_last};
}

/* A bucket with too many changes for one script. */
static void add_chain(struct relay_beater *beater, const struct script *script, int bucket)
{
    size_t first = relay_poll_first(script->beat->poll, bucket);
    size_t end = relay_poll_first(script->beat->poll, bucket + 1);
    struct slice expected = script->expected;
    char nonce[CACHE_NONCE_SIZE];
    for (; end - first > APPLIES_MAX; first += APPLIES_MAX) {
        cache_make_nonce(nonce);
        struct slice next = add_head(beater, script->beat->are_marked, nonce);
        add_part(beater, bucket, first, first + APPLIES_MAX, false);
        add_script(beater, script, beater->parts_count - 1, expected, next);
        expected = next;
    }
    add_part(beater, bucket, first, end, true);
    add_script(beater, script, beater->parts_count - 1, expected, script->next);
}

/* All the other buckets, as many in one script as may be. */
static void add_packs(struct relay_beater *beater, const struct script *script)
{
    const struct relay_poll *poll = script->beat->poll;
    size_t from = beater->parts_count;
    size_t applies = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        size_t first = relay_poll_first(poll, b);
        size_t end = relay_poll_first(poll, b + 1);
        if (!script->beat->buckets[b] || end - first > APPLIES_MAX) {
            continue;
        }
        if (applies + end - first > APPLIES_MAX) {
            add_script(beater, script, from, script->expected, script->next);
            from = beater->parts_count;
            applies = 0;
        }
        add_part(beater, b, first, end, true);
        applies += end - first;
    }
    if (beater->parts_count > from) {
        add_script(beater, script, from, script->expected, script->next);
    }
}

static void add_scripts(struct relay_beater *beater, struct script *script)
{
    const struct relay_beat *beat = script->beat;
    script->expected = add_head(beater, beat->are_marked, beat->old_nonce);
    script->next = add_head(beater, false, beat->new_nonce);
    snprintf(script->life, sizeof script->life, "%d", beat->life_ms);
    snprintf(script->version_life, sizeof script->version_life, "%d", CACHE_VERSION_LIFE_MS);
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        if (beat->buckets[b]
            && relay_poll_first(beat->poll, b + 1) - relay_poll_first(beat->poll, b)
                   > APPLIES_MAX) {
            add_chain(beater, script, b);
        }
    }
    add_packs(beater, script);
}

/* Of the scripts [from, end), the answers to which the batch holds. */
static enum result read_answers(const struct relay_beater *beater, const struct kv_batch *batch,
                                size_t from, size_t end, const struct relay_beat *beat,
                                bool *extended, struct error *error)
{
    enum result result = RESULT_OK;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        const struct place *place = &beater->places[b];
        if (beat->buckets[b] && place->command >= from && place->command < end) {
            struct kv_reply reply = kv_reply(batch, place->command - from);
            struct kv_reply item = kv_reply_item(&reply, place->item);
            extended[b] = item.kind == KV_NUMBER && item.number == 1;
            if (reply.kind == KV_REFUSED) {
                result = error_set(error, RESULT_CONFLICT, "relay", "Redis: %.*s",
                                   SLICE_ARGS(reply.text));
            }
        }
    }
    return result;
}

static enum result run_scripts(struct relay_beater *beater, const struct relay_beat *beat,
                               bool *extended, struct error *error)
{
    enum result result = RESULT_OK;
    for (size_t from = 0; from < beater->commands_count && result == RESULT_OK;
         from += BATCH_MAX) {
        size_t left = beater->commands_count - from;
        size_t count = left < BATCH_MAX ? left : BATCH_MAX;
        struct kv_batch *batch = NULL;
        result = kv_run(beater->kv, beater->commands + from, count, &batch, error);
        if (result == RESULT_OK) {
            result = read_answers(beater, batch, from, from + count, beat, extended, error);
        }
        kv_free(&batch);
    }
    return result;
}

enum result relay_beat(struct relay_beater *beater, const struct relay_beat *beat,
                       bool extended[CACHE_BUCKETS], struct error *error)
{
    size_t changes = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        extended[b] = false;
        if (beat->buckets[b]) {
            changes += relay_poll_first(beat->poll, b + 1) - relay_poll_first(beat->poll, b);
        }
    }
    if (!make_rooms(beater, changes)) {
        return error_set(error, RESULT_NO_MEMORY, "relay", "out of memory");
    }
    struct script script = {.beat = beat};
    add_scripts(beater, &script);
    enum result result = run_scripts(beater, beat, extended, error);
    if (beater->changes_room > KEPT_CHANGES) {
        drop_rooms(beater);
    }
    return result;
}

enum result relay_mark(struct relay_beater *beater, const char nonce[CACHE_NONCE_SIZE],
                       const bool wanted[CACHE_BUCKETS], bool marked[CACHE_BUCKETS],
                       struct slice positions[CACHE_BUCKETS], struct kv_batch **batch,
                       struct error *error)
{
    struct slice words[2 * CACHE_BUCKETS + 2];
    char life[16];
    size_t count = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        if (wanted[b]) {
            words[count++] = beater->heartbeats[b];
            words[count++] = beater->positions[b];
        }
    }
    snprintf(life, sizeof life, "%d", CACHE_HEARTBEAT_MS);
    words[count] = slice_text(nonce);
    words[count + 1] = slice_text(life);
    const struct kv_command command = {
        .script = &cache_script_mark, .keys_count = count, .words = words,
        .words_count = count + 2};
    enum result result = kv_run(beater->kv, &command, 1, batch, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct kv_reply reply = kv_reply(*batch, 0);
    if (reply.kind == KV_REFUSED) {
        return error_set(error, RESULT_CONFLICT, "relay", "Redis: %.*s", SLICE_ARGS(reply.text));
    }
    size_t at = 0;
    for (int b = 0; b < CACHE_BUCKETS; b++) {
        struct kv_reply item = kv_reply_item(&reply, wanted[b] ? at++ : CACHE_BUCKETS);
        marked[b] = item.kind == KV_TEXT;
        positions[b] = marked[b] ? item.text : slice_of("", 0);
    }
    return RESULT_OK;
}
