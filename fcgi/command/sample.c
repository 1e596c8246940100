#include "command/command.h"

#include "base/clock.h"
#include "base/secret.h"
#include "command/account.h"
#include "command/progress.h"
#include "command/sample_calendar.h"
#include "command/sample_catalogue.h"
#include "command/sample_listener.h"
#include "command/sample_names.h"
#include "listen/batch.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    default_listeners = 50,
    default_listens = 100000,
    listeners_max = 10000,
    private_every = 5, /* one listener in so many is private */
};

static const int64_t store_max_us = 600 * INT64_C(1000000);

struct sample_options {
    int64_t seed, listeners, listens;
};

/* What has come to be. */
struct sample_run {
    struct db *db;
    struct sample_options options;
    int64_t newest_s;
    struct sample_catalogue *catalogue;
    int *counts; /* listens of each listener */
    struct batch *batch;
    struct buffer info; /* of the listen that is being added */
    struct progress progress;
    int64_t listeners_added, listens_added, listens_done;
};

/* ── arguments ── */

static bool parse_number(const char *value, int64_t least, int64_t most, int64_t *number)
{
    return value != NULL && text_parse_int(slice_text(value), number) && *number >= least
           && *number <= most;
}

static int parse_options(const struct command_context *context, int argc, char **argv,
                         struct sample_options *options)
{
    const struct {
        const char *name;
        int64_t *number;
        int64_t least, most;
    } rows[] = {
        {"--seed", &options->seed, 0, INT64_MAX},
        {"--listeners", &options->listeners, 1, listeners_max},
        {"--listens", &options->listens, 0, INT32_MAX},
    };
    enum { rows_count = sizeof rows / sizeof rows[0] };
    for (int at = 1; at < argc; at++) {
        const char *value;
        int row = 0;
        while (row < rows_count && !command_option(rows[row].name, argc, argv, &at, &value)) {
            row++;
        }
        if (row == rows_count) {
            return command_misuse(context, "what is '%s'?", argv[at]);
        }
        if (!parse_number(value, rows[row].least, rows[row].most, rows[row].number)) {
            return command_misuse(context, "%s takes a number from %lld to %lld", rows[row].name,
                                  (long long)rows[row].least, (long long)rows[row].most);
        }
    }
    int64_t most = options->listeners * SAMPLE_LISTENS_PER_LISTENER_MAX;
    return options->listens <= most
               ? COMMAND_OK
               : command_misuse(context, "%lld listeners hear %lld listens at most",
                                (long long)options->listeners, (long long)most);
}

/* ── one listener ── */

static struct slice make_info(struct buffer *info, const struct sample_client *client,
                              const struct sample_artist *artist, int duration_ms, int number)
{
    buffer_clear(info);
    if (client->tells_duration) {
        buffer_append_format(info, ",\"duration_ms\":%d", duration_ms);
    }
    if (client->tells_number) {
        buffer_append_format(info, ",\"tracknumber\":%d", number);
    }
    if (client->tells_tags) {
        buffer_append_format(info, ",\"tags\":%s", artist->tags);
    }
    if (info->size_bytes > 0) {
        info->data[0] = '{';
        buffer_append_char(info, '}');
    }
    return buffer_slice(info);
}

static enum result add_listen(struct sample_run *run, const struct sample_listen *heard)
{
    const struct sample_track *track = &run->catalogue->tracks[heard->track];
    const struct sample_release *release = &run->catalogue->releases[track->release];
    const struct sample_artist *artist = &run->catalogue->artists[release->artist];
    int number = heard->track - release->first_track + 1;
    const struct listen listen = {
        .listened_at_s = heard->listened_at_s,
        .artist_name = slice_text(artist->name),
        .track_name = slice_text(track->title),
        .release_name = slice_text(release->title),
        .duration_ms = heard->client->tells_duration ? track->duration_ms : 0,
        .client = slice_text(heard->client->name),
        .info = make_info(&run->info, heard->client, artist, track->duration_ms, number),
    };
    enum result result = buffer_result(&run->info);
    return result == RESULT_OK ? batch_add(run->batch, &listen) : result;
}

/* All of a listener's listens are one transaction. */
static enum result store_history(struct sample_run *run, int listener, int64_t user_id,
                                 struct error *error)
{
    struct sample_history history;
    enum result result =
        sample_history_create(run->catalogue, (uint64_t)run->options.seed, listener,
                              run->counts[listener], run->newest_s, &history);
    batch_clear(run->batch);
    for (int i = 0; i < history.count && result == RESULT_OK; i++) {
        result = add_listen(run, &history.listens[i]);
    }
    sample_history_free(&history);
    if (result != RESULT_OK) {
        return error_set(error, result, "sample", "out of memory");
    }
    struct batch_outcome outcome = {0};
    result = batch_store(run->batch, run->db, user_id, clock_mono_us() + store_max_us, &outcome,
                         error);
    if (result == RESULT_OK) {
        run->listens_added += outcome.accepted;
    }
    return result;
}

static void print_demo_user(const char *name, const char *token, const char *password)
{
    printf("user=%s\n", name);
    if (token != NULL) {
        printf("token=%s\npassword=%s\n", token, password);
        return;
    }
    fprintf(stderr, "refrain: '%s' is there already; `refrain user token %s` makes a new token\n",
            name, name);
}

static void undo_account(struct db *db, const char *name)
{
    struct error error;
    if (account_delete(db, name, &error) != RESULT_OK) {
        fprintf(stderr, "refrain: the new user '%s' has no listens; delete it before the next try\n",
                name);
    }
}

/* Only the demo listener can log in. */
static enum result make_password(char password[UUID_TEXT_SIZE],
                                 char hash[PASSWORD_HASH_SIZE], struct error *error)
{
    secret_make_token(password);
    return secret_hash_password(slice_text(password), hash, error);
}

/* An account that is there already is left alone: it may be somebody's. One whose listens could not
 * be stored does not stay, so that the next run makes it. */
static enum result add_listener(struct sample_run *run, int listener, const char *name,
                                struct error *error)
{
    bool is_demo = listener == 0;
    int64_t user_id;
    char token[UUID_TEXT_SIZE];
    char password[UUID_TEXT_SIZE];
    char password_hash[PASSWORD_HASH_SIZE];
    const struct account_fields fields = {
        .name = name,
        .is_public = listener % private_every != private_every - 1,
        .password_hash = is_demo ? password_hash : NULL,
    };
    enum result result =
        is_demo ? make_password(password, password_hash, error) : RESULT_OK;
    if (result == RESULT_OK) {
        result = account_add(run->db, &fields, &user_id, token, error);
    }
    bool is_new = result == RESULT_OK;
    if (is_new) {
        result = store_history(run, listener, user_id, error);
    }
    if (is_new && result != RESULT_OK) {
        undo_account(run->db, name);
        return result;
    }
    run->listeners_added += is_new;
    if (is_demo && (is_new || result == RESULT_CONFLICT)) {
        print_demo_user(name, is_new ? token : NULL, password);
    }
    return result == RESULT_CONFLICT ? RESULT_OK : result;
}

static enum result add_next_listener(struct sample_run *run, int listener, struct error *error)
{
    struct buffer name = BUFFER_EMPTY;
    sample_name_listener(&name, listener);
    enum result result = buffer_result(&name) == RESULT_OK
                             ? add_listener(run, listener, name.data, error)
                             : error_set(error, RESULT_NO_MEMORY, "sample", "out of memory");
    buffer_free(&name);
    run->listens_done += run->counts[listener];
    progress_show(&run->progress, run->listens_done, run->listens_done, run->options.listens);
    return result;
}

/* ── all of them ── */

static void print_summary(const struct sample_run *run)
{
    double seconds = progress_seconds(&run->progress);
    int64_t there = run->options.listeners - run->listeners_added;
    printf("%lld listeners and %lld listens added in %.1f s (%.0f listens/s)\n",
           (long long)run->listeners_added, (long long)run->listens_added, seconds,
           (double)run->listens_added / seconds);
    if (there > 0) {
        printf("%lld listeners were there already and stay as they are\n", (long long)there);
    }
}

static enum result make_community(struct sample_run *run, struct error *error)
{
    run->counts = calloc((size_t)run->options.listeners, sizeof *run->counts);
    run->batch = batch_create(NULL);
    if (run->counts == NULL || run->batch == NULL
        || sample_catalogue_create((uint64_t)run->options.seed, &run->catalogue) != RESULT_OK) {
        return error_set(error, RESULT_NO_MEMORY, "sample", "out of memory");
    }
    sample_listens_share((uint64_t)run->options.seed, (int)run->options.listeners,
                         (int)run->options.listens, run->counts);
    enum result result = RESULT_OK;
    for (int i = 0; i < run->options.listeners && result == RESULT_OK; i++) {
        result = add_next_listener(run, i, error);
    }
    progress_end(&run->progress);
    return result;
}

int command_sample(struct command_context *context, int argc, char **argv)
{
    struct sample_run run = {
        .db = context->db,
        .options = {.seed = 1, .listeners = default_listeners, .listens = default_listens},
        /* The data end with yesterday, so that a day's runs make the same. */
        .newest_s = clock_wall_s() / SAMPLE_DAY_S * SAMPLE_DAY_S,
    };
    int status = parse_options(context, argc, argv, &run.options);
    if (status != COMMAND_OK) {
        return status;
    }
    struct error error = {0};
    progress_begin(&run.progress, "listens");
    enum result result = make_community(&run, &error);
    if (result == RESULT_OK) {
        print_summary(&run);
    } else {
        status = command_fail(&error);
    }
    sample_catalogue_destroy(&run.catalogue);
    batch_destroy(&run.batch);
    buffer_free(&run.info);
    free(run.counts);
    return status;
}
