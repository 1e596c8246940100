#include "import_fixture.h"

#include "unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

static char folder[PATH_MAX / 2];
static struct arena *kept;

void fixture_begin(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/refrain-import-XXXXXX", parent != NULL ? parent : "/tmp");
    kept = arena_create();
    if (mkdtemp(folder) == NULL || kept == NULL) {
        printf("Bail out! no folder for files: %s\n", folder);
        exit(EXIT_FAILURE);
    }
}

void fixture_end(void)
{
    arena_destroy(&kept);
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder != NULL && (entry = readdir(open_folder)) != NULL;) {
        unlink(fixture_path(entry->d_name));
    }
    closedir(open_folder);
    rmdir(folder);
}

const char *fixture_path(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

const char *fixture_file(const char *name, struct slice content)
{
    const char *path = fixture_path(name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(content.data, 1, content.size_bytes, file), content.size_bytes);
    CU_ASSERT_EQUAL(fclose(file), 0);
    return path;
}

const char *fixture_text(const char *name, const char *content)
{
    return fixture_file(name, slice_text(content));
}

const char *fixture_zip(const char *name, const struct fixture_member *members, size_t count)
{
    const char *path = fixture_path(name);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zip);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *source =
            zip_source_buffer(zip, members[i].content.data, members[i].content.size_bytes, 0);
        CU_ASSERT(zip_file_add(zip, members[i].name, source, 0) >= 0);
    }
    CU_ASSERT_EQUAL(zip_close(zip), 0);
    return path;
}

static struct slice keep(struct slice text)
{
    return slice_of(arena_copy(kept, text), text.size_bytes);
}

static struct listen keep_listen(const struct listen *listen)
{
    struct listen copy = *listen;
    copy.artist_name = keep(listen->artist_name);
    copy.track_name = keep(listen->track_name);
    copy.release_name = keep(listen->release_name);
    copy.client = keep(listen->client);
    copy.info = keep(listen->info);
    copy.metadata = keep(listen->metadata);
    copy.artist_mbids = keep(listen->artist_mbids);
    copy.recording_mbid = keep(listen->recording_mbid);
    copy.release_mbid = keep(listen->release_mbid);
    copy.release_group_mbid = keep(listen->release_group_mbid);
    return copy;
}

static void read_rows(struct import *import, struct fixture_outcome *outcome)
{
    for (;;) {
        enum import_row row;
        struct listen listen;
        struct error error = {.text = ""};
        outcome->result = import_next(import, &row, &listen, &error);
        if (outcome->result != RESULT_OK) {
            outcome->error = error;
            return;
        }
        switch (row) {
        case IMPORT_LISTEN:
            outcome->listens++;
            outcome->last = keep_listen(&listen);
            break;
        case IMPORT_FEEDBACK:
            outcome->feedback++;
            outcome->last_feedback = *import_feedback(import);
            break;
        case IMPORT_SKIPPED:
            outcome->skipped++;
            outcome->reason = error;
            break;
        case IMPORT_REFUSED:
            outcome->refused++;
            outcome->error = error;
            outcome->line = import_line(import);
            snprintf(outcome->file, sizeof outcome->file, "%s", import_file(import));
            break;
        case IMPORT_END:
            return;
        }
    }
}

struct fixture_outcome fixture_read(const char *path, const struct import_options *options)
{
    static const struct import_options usual = {.play_min_ms = 30000};
    struct fixture_outcome outcome = {.result = RESULT_OK};
    struct import *import = NULL;
    arena_reset(kept);
    outcome.result =
        import_open(path, options == NULL ? &usual : options, &import, &outcome.error);
    if (outcome.result == RESULT_OK) {
        read_rows(import, &outcome);
        snprintf(outcome.format, sizeof outcome.format, "%s", import_format_name(import));
        import_close(&import);
    }
    CU_ASSERT_PTR_NULL(import);
    return outcome;
}
