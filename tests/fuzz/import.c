/*
 * import_survey() and import_next(): the bytes are the file. Both must come to the same, for whoever
 * has named a listener and whoever has not, and whatever they do stays small.
 */
#include "base/text.h"
#include "fuzz.h"
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY_MAX_BYTES = 8 << 20 };

const char fuzz_target[] = "import";

/* Of the address sanitizer, where there is one. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : 0;
}

/* What came of reading a file. */
struct reading {
    enum result result;
    struct error error;
    int64_t rows, kept; /* of which are listens or feedback */
};

static bool goes_on(void *context)
{
    (void)context;
    return true;
}

static void check_listen(const struct listen *listen)
{
    assert(listen->listened_at_s >= LISTEN_TIME_MIN_S);
    assert(listen->artist_name.size_bytes > 0 && text_is_utf8(listen->artist_name));
    assert(listen->track_name.size_bytes > 0 && text_is_utf8(listen->track_name));
    assert(text_is_utf8(listen->release_name) && text_is_utf8(listen->info));
    assert(listen->recording_mbid.size_bytes == 0
           || listen->recording_mbid.size_bytes == UUID_TEXT_SIZE - 1);
}

static void check_feedback(const struct import_feedback *feedback)
{
    assert(feedback->msid[0] != '\0' || feedback->mbid[0] != '\0');
    assert(feedback->score == 1 || feedback->score == -1);
    assert(feedback->created_s >= LISTEN_TIME_MIN_S);
}

static void read_rows(struct import *import, struct reading *reading, size_t before_bytes)
{
    enum import_row row = IMPORT_LISTEN;
    while (row != IMPORT_END) {
        struct listen listen;
        reading->error.text[0] = '\0';
        reading->result = import_next(import, &row, &listen, &reading->error);
        assert(allocated_bytes() <= before_bytes + MEMORY_MAX_BYTES);
        if (reading->result != RESULT_OK) {
            return;
        }
        reading->rows += row != IMPORT_END;
        reading->kept += row == IMPORT_LISTEN || row == IMPORT_FEEDBACK;
        if (row == IMPORT_LISTEN) {
            check_listen(&listen);
        } else if (row == IMPORT_FEEDBACK) {
            check_feedback(import_feedback(import));
        }
        assert((row != IMPORT_SKIPPED && row != IMPORT_REFUSED)
               || reading->error.text[0] != '\0');
        assert(import_line(import) >= 0);
    }
}

static struct reading read_file(const char *path, const struct import_options *options)
{
    struct reading reading = {.result = RESULT_OK};
    struct import *import = NULL;
    size_t before_bytes = allocated_bytes();
    reading.result = import_open(path, options, &import, &reading.error);
    if (reading.result == RESULT_OK) {
        read_rows(import, &reading, before_bytes);
    }
    import_close(&import);
    return reading;
}

static void check_file(const char *path, const struct import_options *options)
{
    struct reading reading = read_file(path, options);
    struct import_survey survey;
    struct error error = {.text = ""};
    enum result result = import_survey(path, options, goes_on, NULL, &survey, &error);
    assert(result == reading.result && (result == RESULT_OK || result == RESULT_INVALID));
    assert(reading.kept <= reading.rows);
    if (result == RESULT_OK) {
        assert(survey.rows == reading.rows && survey.format[0] != '\0');
    } else {
        assert(error.text[0] != '\0' && strcmp(error.text, reading.error.text) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    static const struct import_options options[] = {
        {.source_user = "user_1", .play_min_ms = 30000},
        {.source_user = NULL, .play_min_ms = 0},
    };
    char path[64];
    int fd = memfd_create("history", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, bytes, size_bytes) == (ssize_t)size_bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        check_file(path, &options[i]);
    }
    close(fd);
    return 0;
}
