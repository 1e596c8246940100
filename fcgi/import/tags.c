#include "import/tags.h"

#include "base/text.h"
#include "import/columns.h"
#include "import/records.h"
#include "listen/listen.h"

#include <stdlib.h>

enum { ARTIST, TAG, WEIGHT, COLUMNS };
enum { LINE_MAX_BYTES = LISTEN_AVERAGE_MAX_BYTES, WEIGHT_MAX_BYTES = 30 };

/* What headers call the columns, in small letters and without signs. */
static const struct {
    const char *name;
    int column;
} known[] = {
    {"artist", ARTIST}, {"artistname", ARTIST}, {"artistmbid", ARTIST}, {"mbid", ARTIST},
    {"tag", TAG},       {"tagname", TAG},       {"genre", TAG},         {"genrename", TAG},
    {"weight", WEIGHT}, {"tagweight", WEIGHT},  {"count", WEIGHT},      {"tagcount", WEIGHT},
    {"score", WEIGHT},  {"votes", WEIGHT},
};

struct tags {
    struct input *input;
    struct arena *arena;
    bool in_file;
    int64_t line;
    size_t places[COLUMNS]; /* where a line of this file has them */
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
    const size_t *places = tags->places;
    struct slice artist = text_trim(columns[places[ARTIST]]);
    bool is_positive = true;
    row->tag = columns[places[TAG]];
    row->weight = places[WEIGHT] < count ? text_trim(columns[places[WEIGHT]]) : slice_text("");
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
    if (!text_is_utf8(text)) {
        return refuse(line, error, "the line is not UTF-8 text");
    }
    if (memchr(text.data, '\0', text.size_bytes) != NULL) {
        return refuse(line, error, "the line holds a zero byte");
    }
    size_t count = columns_split(text, '\t', columns, COLUMNS);
    if (count > COLUMNS || count <= tags->places[ARTIST] || count <= tags->places[TAG]) {
        return refuse(line, error, "a line has an artist, a tag and maybe a weight, parted by tabs");
    }
    return read_columns(tags, columns, count, line, row, error);
}

/* ── headers ── */

static bool is_spelt(struct slice name, const char *word)
{
    size_t at = 0;
    for (size_t i = 0; i < name.size_bytes; i++) {
        char c = name.data[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        if ((c & 0x80) != 0 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            if (c != word[at]) {
                return false;
            }
            at++;
        }
    }
    return word[at] == '\0';
}

/* COLUMNS where no header calls anything so. */
static int find_column(struct slice name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (is_spelt(name, known[i].name)) {
            return known[i].column;
        }
    }
    return COLUMNS;
}

/* The first line of a file is its header if all columns are called as headers call them, or those of
 * artist and tag. Then nothing is guessed: it tells the columns, or the file is refused. */
static enum result read_header(struct tags *tags, struct slice text, bool *is_header,
                               struct error *error)
{
    enum { NAMES_MAX = 16, shown_max_bytes = 160 };
    struct slice names[NAMES_MAX];
    size_t found[COLUMNS + 1] = {0};
    size_t places[COLUMNS] = {ARTIST, TAG, WEIGHT};
    size_t count = columns_split(text, '\t', names, NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        int column = i < NAMES_MAX ? find_column(names[i]) : COLUMNS;
        found[column]++;
        if (column < COLUMNS) {
            places[column] = i;
        }
    }
    *is_header = found[COLUMNS] == 0 || (found[ARTIST] > 0 && found[TAG] > 0);
    struct slice shown = text_start(text, shown_max_bytes);
    if (*is_header
        && (found[ARTIST] != 1 || found[TAG] != 1 || found[WEIGHT] > 1 || found[COLUMNS] > 0)) {
        return error_set(error, RESULT_INVALID, "import",
                         "%s: its header should name the columns artist, tag and maybe weight, each "
                         "once and no others, not '%.*s'",
                         input_name(tags->input), SLICE_ARGS(shown));
    }
    if (*is_header) {
        memcpy(tags->places, places, sizeof places);
    }
    return RESULT_OK;
}

/* ── files ── */

static bool is_readable(const struct tags *tags, struct slice text)
{
    return !tags->is_too_long && text.size_bytes <= LINE_MAX_BYTES && text_is_utf8(text);
}

/* *found is false at the end of the file. */
static enum result next_line(struct tags *tags, struct slice *text, bool *found,
                             struct error *error)
{
    enum result result;
    bool passes;
    do {
        input_pass(tags->input, tags->record_bytes);
        tags->record_bytes = 0;
        tags->line++;
        passes = false;
        result = lines_next(tags->input, text, &tags->record_bytes, found, error);
        tags->is_too_long = result == RESULT_TOO_LARGE;
        if (tags->is_too_long) {
            *found = true;
            result = lines_pass(tags->input, error);
        }
        if (result == RESULT_OK && *found && is_readable(tags, *text)) {
            passes = text_trim(*text).size_bytes == 0;
            if (tags->line == 1 && !passes) {
                result = read_header(tags, *text, &passes, error);
            }
        }
    } while (result == RESULT_OK && *found && passes);
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
            for (size_t i = 0; i < COLUMNS; i++) {
                tags->places[i] = i;
            }
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
