#include "import/tags.h"

#include "base/text.h"
#include "import/columns.h"
#include "import/records.h"
#include "listen/listen.h"

#include <stdlib.h>
#include <strings.h>

enum { ARTIST, TAG, WEIGHT, COLUMNS };
enum { LINE_MAX_BYTES = LISTEN_AVERAGE_MAX_BYTES, WEIGHT_MAX_BYTES = 30 };

struct tags {
    struct input *input;
    struct arena *arena;
    bool in_file;
    int64_t line;
    bool is_too_long;    /* even for the input, which has passed it */
    size_t record_bytes; /* of that line, to be passed before the next is read */
};

/* ── lines ── */

static enum result refuse(enum tags_line *line, struct error *error, const char *why)
{
    *line = TAGS_REFUSED;
    (void)error_set(error, RESULT_OK, "import", "%s", why);
    return RESULT_OK;
}

static bool is_word(struct slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (text.size_bytes == strlen(*words)
            && strncasecmp(text.data, *words, text.size_bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_header(const struct slice *columns)
{
    static const char *const artists[] = {"artist", "artist_name", "artist_mbid", "mbid", NULL};
    static const char *const tags[] = {"tag", "genre", NULL};
    return is_word(columns[ARTIST], artists) && is_word(columns[TAG], tags);
}

/* A decimal number, whose sign and whether it is 0 are told. */
static bool parse_weight(struct slice text, bool *is_positive)
{
    bool is_negative = text.size_bytes > 0 && text.data[0] == '-';
    size_t digits = 0;
    size_t points = 0;
    bool is_zero = true;
    for (size_t i = is_negative; i < text.size_bytes; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';
        digits += is_digit;
        points += text.data[i] == '.';
        is_zero &= !is_digit || text.data[i] == '0';
    }
    *is_positive = !is_negative && !is_zero;
    return digits > 0 && points <= 1 && digits + points + is_negative == text.size_bytes
           && text.size_bytes <= WEIGHT_MAX_BYTES;
}

static enum result identify(struct tags *tags, struct slice artist, struct tags_row *row)
{
    enum { dashed_bytes = UUID_TEXT_SIZE - 1 };
    if (artist.size_bytes == dashed_bytes && text_parse_uuid(artist, row->artist)) {
        return RESULT_OK;
    }
    struct listen_id id;
    enum result result = listen_identify_artist(artist, tags->arena, &id);
    if (result == RESULT_OK) {
        memcpy(row->artist, id.msid, sizeof row->artist);
    }
    return result;
}

static enum result read_columns(struct tags *tags, const struct slice *columns, size_t count,
                                enum tags_line *line, struct tags_row *row, struct error *error)
{
    struct slice artist = text_trim(columns[ARTIST]);
    bool is_positive = true;
    row->tag = columns[TAG];
    row->weight = count > WEIGHT ? text_trim(columns[WEIGHT]) : slice_text("");
    if (row->weight.size_bytes == 0) {
        row->weight = slice_text("1");
    }
    if (artist.size_bytes == 0) {
        return refuse(line, error, "the artist is blank");
    }
    if (!parse_weight(row->weight, &is_positive)) {
        return refuse(line, error, "the weight is no decimal number of at most 30 characters");
    }
    *line = is_positive ? TAGS_ROW : TAGS_SKIPPED;
    return identify(tags, artist, row);
}

static enum result read_line(struct tags *tags, struct slice text, enum tags_line *line,
                             struct tags_row *row, struct error *error)
{
    struct slice columns[COLUMNS];
    if (tags->is_too_long || text.size_bytes > LINE_MAX_BYTES) {
        return refuse(line, error, "the line is longer than 10240 bytes");
    }
    if (!text_is_utf8(text) || memchr(text.data, '\0', text.size_bytes) != NULL) {
        return refuse(line, error, "the line is not UTF-8 text");
    }
    size_t count = columns_split(text, '\t', columns, COLUMNS);
    if (count != COLUMNS && count != COLUMNS - 1) {
        return refuse(line, error, "a line has an artist, a tag and maybe a weight, parted by tabs");
    }
    return read_columns(tags, columns, count, line, row, error);
}

/* ── files ── */

static bool is_blank_or_header(const struct tags *tags, struct slice text)
{
    struct slice columns[COLUMNS];
    if (tags->is_too_long || text.size_bytes > LINE_MAX_BYTES || !text_is_utf8(text)) {
        return false;
    }
    return text_trim(text).size_bytes == 0
           || (tags->line == 1 && columns_split(text, '\t', columns, COLUMNS) > TAG
               && is_header(columns));
}

/* *found is false at the end of the file. */
static enum result next_line(struct tags *tags, struct slice *text, bool *found,
                             struct error *error)
{
    enum result result;
    do {
        input_pass(tags->input, tags->record_bytes);
        tags->record_bytes = 0;
        tags->line++;
        result = lines_next(tags->input, text, &tags->record_bytes, found, error);
        tags->is_too_long = result == RESULT_TOO_LARGE;
        if (tags->is_too_long) {
            *found = true;
            result = lines_pass(tags->input, error);
        }
    } while (result == RESULT_OK && *found && is_blank_or_header(tags, *text));
    return result;
}

static enum result next_in_files(struct tags *tags, struct slice *text, bool *found,
                                 struct error *error)
{
    for (;;) {
        enum result result = RESULT_OK;
        if (!tags->in_file) {
            result = input_next(tags->input, &tags->in_file, error);
            tags->line = 0;
            *found = tags->in_file;
            if (result != RESULT_OK || !*found) {
                return result;
            }
        }
        result = next_line(tags, text, found, error);
        if (result != RESULT_OK || *found) {
            return result;
        }
        tags->in_file = false;
    }
}

static enum result tell(enum result result, struct error *error)
{
    return result == RESULT_NO_MEMORY ? error_set(error, result, "import", "out of memory")
                                      : result;
}

enum result tags_next(struct tags *tags, enum tags_line *line, struct tags_row *row,
                      struct error *error)
{
    struct slice text;
    bool found = false;
    arena_reset(tags->arena);
    *line = TAGS_END;
    enum result result = next_in_files(tags, &text, &found, error);
    if (result == RESULT_OK && found) {
        result = read_line(tags, text, line, row, error);
    }
    return tell(result, error);
}

enum result tags_open(const char *path, struct tags **tags, struct error *error)
{
    struct tags *made = calloc(1, sizeof *made);
    *tags = NULL;
    if (made == NULL) {
        return tell(RESULT_NO_MEMORY, error);
    }
    made->arena = arena_create();
    enum result result = made->arena == NULL ? RESULT_NO_MEMORY
                                             : input_open(path, &made->input, error);
    if (result != RESULT_OK) {
        tags_close(&made);
        return tell(result, error);
    }
    *tags = made;
    return RESULT_OK;
}

void tags_close(struct tags **tags)
{
    if (*tags == NULL) {
        return;
    }
    input_close(&(*tags)->input);
    arena_destroy(&(*tags)->arena);
    free(*tags);
    *tags = NULL;
}

const char *tags_file(const struct tags *tags)
{
    return input_name(tags->input);
}

int64_t tags_line_number(const struct tags *tags)
{
    return tags->line;
}
