#include "listen/batch.h"

#include "base/arena.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/text.h"
#include "listen/entities.h"

#include <assert.h>
#include <stdlib.h>

static const struct db_function catalogue_add = {"catalogue_add", 19};
static const struct db_function listen_add = {"listen_add", 12};
enum { catalogue_columns = 19, listen_columns = BATCH_COLUMNS };

struct row {
    struct listen listen;
    int64_t artist_id;
    int64_t release_id;
    int64_t recording_id;
};

struct batch {
    struct known *known;
    struct arena *arena; /* all texts */
    struct arena *scratch;
    struct entities artists, releases, recordings;
    struct row *rows;
    size_t count;
    size_t room;
    size_t bytes; /* of the listens' texts */
    bool broken;
    struct buffer catalogue[catalogue_columns];
    struct buffer listens[listen_columns];
};

struct batch *batch_create(struct known *known)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return NULL;
    }
    batch->known = known;
    batch->arena = arena_create();
    batch->scratch = arena_create();
    if (batch->arena == NULL || batch->scratch == NULL) {
        batch_destroy(&batch);
    }
    return batch;
}

void batch_destroy(struct batch **batch)
{
    if (*batch == NULL) {
        return;
    }
    arena_destroy(&(*batch)->arena);
    arena_destroy(&(*batch)->scratch);
    entities_free(&(*batch)->artists);
    entities_free(&(*batch)->releases);
    entities_free(&(*batch)->recordings);
    for (size_t i = 0; i < catalogue_columns; i++) {
        buffer_free(&(*batch)->catalogue[i]);
    }
    for (size_t i = 0; i < listen_columns; i++) {
        buffer_free(&(*batch)->listens[i]);
    }
    free((*batch)->rows);
    free(*batch);
    *batch = NULL;
}

void batch_clear(struct batch *batch)
{
    arena_reset(batch->arena);
    entities_clear(&batch->artists);
    entities_clear(&batch->releases);
    entities_clear(&batch->recordings);
    batch->count = 0;
    batch->bytes = 0;
    batch->broken = false;
}

size_t batch_count(const struct batch *batch)
{
    return batch->count;
}

size_t batch_bytes(const struct batch *batch)
{
    return batch->bytes;
}

/* ── adding ── */

/* A copy, or `known` where that says the same: most names of a batch come many times. */
static enum result keep_text(struct batch *batch, struct slice known, struct slice *text)
{
    if (text->size_bytes == 0 || slice_equal(known, *text)) {
        *text = text->size_bytes == 0 ? slice_of(NULL, 0) : known;
        return RESULT_OK;
    }
    text->data = arena_copy(batch->arena, *text);
    return text->data == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static enum result add_catalogue(struct batch *batch, const struct listen *listen,
                                 const struct listen_ids *ids, const struct listen_keys *keys,
                                 struct row *row)
{
    bool released = listen->release_name.size_bytes > 0;
    row->artist_id = ids->artist.id;
    row->release_id = released ? ids->release.id : ENTITY_NONE;
    row->recording_id = ids->recording.id;
    struct entity artist = {.id = ids->artist, .name = listen->artist_name, .key = keys->artist,
                            .mbid = listen->artist_mbids};
    struct entity release = {.id = ids->release, .artist_id = row->artist_id,
                             .name = listen->release_name, .key = keys->release,
                             .mbid = listen->release_mbid,
                             .group_mbid = listen->release_group_mbid};
    struct entity recording = {.id = ids->recording, .artist_id = row->artist_id,
                               .release_id = row->release_id, .name = listen->track_name,
                               .key = keys->recording, .mbid = listen->recording_mbid};
    enum result result = entities_add(&batch->artists, batch->arena, &artist);
    if (result == RESULT_OK && released) {
        result = entities_add(&batch->releases, batch->arena, &release);
    }
    if (result == RESULT_OK) {
        result = entities_add(&batch->recordings, batch->arena, &recording);
    }
    row->listen.artist_name = listen->artist_name;
    row->listen.release_name = listen->release_name;
    row->listen.track_name = listen->track_name;
    if (result == RESULT_OK) {
        result = keep_text(batch, artist.name, &row->listen.artist_name);
    }
    if (result == RESULT_OK) {
        result = keep_text(batch, release.name, &row->listen.release_name);
    }
    return result == RESULT_OK ? keep_text(batch, recording.name, &row->listen.track_name)
                               : result;
}

static enum result grow_rows(struct batch *batch)
{
    if (batch->count < batch->room) {
        return RESULT_OK;
    }
    size_t room = batch->room == 0 ? 64 : 2 * batch->room;
    struct row *rows = realloc(batch->rows, room * sizeof *rows);
    if (rows == NULL) {
        return RESULT_NO_MEMORY;
    }
    batch->rows = rows;
    batch->room = room;
    return RESULT_OK;
}

static size_t text_bytes(const struct listen *listen)
{
    return listen->artist_name.size_bytes + listen->track_name.size_bytes
           + listen->release_name.size_bytes + listen->client.size_bytes
           + listen->info.size_bytes + listen->metadata.size_bytes
           + listen->artist_mbids.size_bytes;
}

static enum result add_row(struct batch *batch, const struct listen *listen)
{
    struct listen_ids ids;
    struct listen_keys keys;
    arena_reset(batch->scratch);
    enum result result = listen_identify(listen, batch->scratch, &ids, &keys);
    if (result == RESULT_OK) {
        result = grow_rows(batch);
    }
    if (result != RESULT_OK) {
        return result;
    }
    struct row *row = &batch->rows[batch->count];
    const struct slice none = slice_of(NULL, 0);
    *row = (struct row){.listen = {.listened_at_s = listen->listened_at_s,
                                   .duration_ms = listen->duration_ms,
                                   .client = listen->client,
                                   .info = listen->info,
                                   .metadata = listen->metadata}};
    result = add_catalogue(batch, listen, &ids, &keys, row);
    if (result == RESULT_OK) {
        result = keep_text(batch, none, &row->listen.client);
    }
    if (result == RESULT_OK) {
        result = keep_text(batch, none, &row->listen.info);
    }
    if (result == RESULT_OK) {
        result = keep_text(batch, none, &row->listen.metadata);
    }
    if (result == RESULT_OK) {
        batch->count++;
        batch->bytes += text_bytes(listen);
    }
    return result;
}

enum result batch_add(struct batch *batch, const struct listen *listen)
{
    assert(!batch->broken);
    enum result result = add_row(batch, listen);
    batch->broken = result == RESULT_NO_MEMORY;
    return result;
}

/* ── storing: one array a column, in the order of the functions' parameters ── */

static void add_text(struct buffer *column, struct slice text)
{
    if (text.size_bytes == 0) {
        db_array_add_null(column);
    } else {
        db_array_add_text(column, text);
    }
}

static void add_id(struct buffer *column, int64_t id)
{
    if (id == ENTITY_NONE) {
        db_array_add_null(column);
    } else {
        db_array_add_int(column, id);
    }
}

static void add_head(struct buffer columns[2], const struct entity *entity)
{
    char msid[UUID_TEXT_SIZE];
    text_format_uuid(entity->id.msid, msid);
    db_array_add_int(&columns[0], entity->id.id);
    db_array_add_text(&columns[1], slice_text(msid));
}

static void add_artist(struct buffer columns[5], const struct entity *artist)
{
    add_head(columns, artist);
    db_array_add_text(&columns[2], artist->name);
    db_array_add_text(&columns[3], artist->key);
    add_text(&columns[4], artist->mbid);
}

static void add_release(struct buffer columns[7], const struct entity *release)
{
    add_head(columns, release);
    db_array_add_int(&columns[2], release->artist_id);
    db_array_add_text(&columns[3], release->name);
    db_array_add_text(&columns[4], release->key);
    add_text(&columns[5], release->mbid);
    add_text(&columns[6], release->group_mbid);
}

static void add_recording(struct buffer columns[7], const struct entity *recording)
{
    add_head(columns, recording);
    db_array_add_int(&columns[2], recording->artist_id);
    add_id(&columns[3], recording->release_id);
    db_array_add_text(&columns[4], recording->name);
    db_array_add_text(&columns[5], recording->key);
    add_text(&columns[6], recording->mbid);
}

static void add_listen(struct buffer columns[listen_columns], const struct row *row)
{
    const struct listen *listen = &row->listen;
    db_array_add_int(&columns[0], listen->listened_at_s);
    db_array_add_int(&columns[1], row->recording_id);
    db_array_add_int(&columns[2], row->artist_id);
    add_id(&columns[3], row->release_id);
    db_array_add_text(&columns[4], listen->artist_name);
    db_array_add_text(&columns[5], listen->track_name);
    add_text(&columns[6], listen->release_name);
    add_id(&columns[7], listen->duration_ms > 0 ? listen->duration_ms : ENTITY_NONE);
    add_text(&columns[8], listen->client);
    add_text(&columns[9], listen->info);
    add_text(&columns[10], listen->metadata);
}

/* Ends the arrays, and points the parameters at them. */
static enum result close_columns(struct buffer *columns, size_t count, const char **params)
{
    enum result result = RESULT_OK;
    for (size_t i = 0; i < count && result == RESULT_OK; i++) {
        db_array_close(&columns[i]);
        result = buffer_result(&columns[i]);
        params[i] = columns[i].data;
    }
    return result;
}

static enum result make_params(struct batch *batch, const char **catalogue, const char **listens,
                               struct error *error)
{
    for (size_t i = 0; i < catalogue_columns; i++) {
        db_array_open(&batch->catalogue[i]);
    }
    for (size_t i = 0; i < listen_columns; i++) {
        db_array_open(&batch->listens[i]);
    }
    for (size_t i = 0; i < batch->artists.count; i++) {
        add_artist(&batch->catalogue[0], &batch->artists.items[i]);
    }
    for (size_t i = 0; i < batch->releases.count; i++) {
        add_release(&batch->catalogue[5], &batch->releases.items[i]);
    }
    for (size_t i = 0; i < batch->recordings.count; i++) {
        add_recording(&batch->catalogue[12], &batch->recordings.items[i]);
    }
    for (size_t i = 0; i < batch->count; i++) {
        add_listen(batch->listens, &batch->rows[i]);
    }
    if (close_columns(batch->catalogue, catalogue_columns, catalogue) != RESULT_OK
        || close_columns(batch->listens, listen_columns, listens) != RESULT_OK) {
        return error_set(error, RESULT_NO_MEMORY, "listen", "out of memory");
    }
    return RESULT_OK;
}

static enum result read_outcome(const struct db_rows *rows, struct batch_outcome *outcome,
                                struct error *error)
{
    if (db_rows_count(rows) != 1) {
        return error_set(error, RESULT_INTERNAL, "listen", "%zu rows came back",
                         db_rows_count(rows));
    }
    *outcome = (struct batch_outcome){
        .accepted = db_rows_int(rows, 0, 0),
        .epoch = db_rows_int(rows, 0, 1),
        .live = db_rows_int(rows, 0, 2),
        .past = db_rows_int(rows, 0, 3),
        .auth = db_rows_int(rows, 0, 4),
    };
    return RESULT_OK;
}

/* Of all that the catalogue would be asked to add. */
static uint64_t hash_catalogue(const struct batch *batch)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < catalogue_columns; i++) {
        const struct buffer *column = &batch->catalogue[i];
        hash = hash_pair(hash, hash_64(slice_of(column->data, column->size_bytes)));
    }
    return hash;
}

static enum result call_steps(struct db *db, const struct db_step *steps, size_t steps_count,
                              int64_t deadline_us, struct db_rows **rows, struct error *error)
{
    struct db_conn *conn = NULL;
    enum result result = db_take(db, deadline_us, &conn, error);
    if (result == RESULT_OK) {
        result = db_call_steps(conn, steps, steps_count, deadline_us, rows, error);
    }
    db_give(&conn);
    return result;
}

/* Both steps, or the second alone where the first has nothing to add. */
static enum result call(const struct batch *batch, struct db *db, const struct db_step steps[2],
                        int64_t deadline_us, struct db_rows **rows, struct error *error)
{
    uint64_t hash = hash_catalogue(batch);
    if (batch->known != NULL && known_has(batch->known, hash)) {
        enum result result = call_steps(db, steps + 1, 1, deadline_us, rows, error);
        if (result != RESULT_CONFLICT) {
            return result;
        }
        /* Somebody has removed it from the catalogue. */
    }
    enum result result = call_steps(db, steps, 2, deadline_us, rows, error);
    if (result == RESULT_OK && batch->known != NULL) {
        known_note(batch->known, hash);
    }
    /* Removed again, this very moment: the next try will do. */
    return result == RESULT_CONFLICT ? RESULT_UNAVAILABLE : result;
}

enum result batch_store_by(struct batch *batch, struct db *db, const struct batch_call *to,
                           int64_t deadline_us, struct batch_outcome *outcome,
                           struct error *error)
{
    assert(!batch->broken);
    assert(to->params_count + listen_columns == to->function->params_count);
    *outcome = (struct batch_outcome){0};
    const char *catalogue[catalogue_columns];
    const char *params[DB_PARAMS_MAX];
    memcpy(params, to->params, (size_t)to->params_count * sizeof *params);
    enum result result = make_params(batch, catalogue, params + to->params_count, error);
    const struct db_step steps[] = {{&catalogue_add, catalogue}, {to->function, params}};
    struct db_rows *rows = NULL;
    if (result == RESULT_OK) {
        result = batch->count == 0 ? call_steps(db, steps + 1, 1, deadline_us, &rows, error)
                                   : call(batch, db, steps, deadline_us, &rows, error);
    }
    if (result == RESULT_OK) {
        failpoint("after_commit");
        result = read_outcome(rows, outcome, error);
        db_rows_free(&rows);
    }
    if (result == RESULT_OK) {
        batch_clear(batch);
    }
    return result;
}

enum result batch_store(struct batch *batch, struct db *db, int64_t user_id, int64_t deadline_us,
                        struct batch_outcome *outcome, struct error *error)
{
    if (batch->count == 0) {
        *outcome = (struct batch_outcome){0};
        return RESULT_OK;
    }
    char user[DB_INT_TEXT_SIZE];
    db_format_int(user_id, user);
    const char *const params[] = {user};
    const struct batch_call to = {&listen_add, params, 1};
    return batch_store_by(batch, db, &to, deadline_us, outcome, error);
}
