/*
 * A document is walked along `path`: a container on the way is entered, any other value is passed
 * by counting brackets. Only the values at the end of the way have to fit into memory.
 */
#include "import/records.h"

/* Where a value ends, found byte by byte, so that it may come in pieces. */
struct extent {
    size_t depth;
    bool in_string;
    bool escaped;
    bool scalar;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Inside a string; true where it ends. */
static bool pass_in_string(struct extent *extent, char c)
{
    if (extent->escaped) {
        extent->escaped = false;
    } else if (c == '\\') {
        extent->escaped = true;
    } else if (c == '"') {
        extent->in_string = false;
        return true;
    }
    return false;
}

/* Moves *at behind what belongs to the value; true once that is all of it. */
static bool pass_value(struct extent *extent, struct slice data, size_t *at)
{
    for (; *at < data.size_bytes; ++*at) {
        char c = data.data[*at];
        if (extent->in_string) {
            if (pass_in_string(extent, c) && extent->depth == 0) {
                ++*at;
                return true;
            }
            continue;
        }
        bool closes = c == '}' || c == ']';
        if (extent->depth == 0 && (closes || c == ',' || (extent->scalar && is_blank(c)))) {
            return true;
        }
        if (closes && --extent->depth == 0) {
            ++*at;
            return true;
        }
        if (c == '{' || c == '[') {
            extent->depth++;
        } else if (c == '"') {
            extent->in_string = true;
        } else if (extent->depth == 0) {
            extent->scalar = true;
        }
    }
    return false;
}

static enum result fail(const struct input *input, const char *what, struct error *error)
{
    return error_set(error, RESULT_INVALID, "import", "%s: %s", input_name(input), what);
}

static enum result read_on(struct input *input, struct error *error)
{
    bool more;
    enum result result = input_read(input, &more, error);
    return result == RESULT_OK && !more
               ? fail(input, "the JSON ends too early, the file seems cut short", error)
               : result;
}

/* Finds the end of the value that the window begins with. If it is not kept, all but its last
 * piece has been passed, and that is what `size` tells. One that is too large to be kept has been
 * passed whole. */
static enum result find_end(struct input *input, bool keep, size_t *size, struct error *error)
{
    struct extent extent = {0};
    struct error too_large;
    bool kept = keep;
    size_t at = 0;
    while (!pass_value(&extent, input_window(input), &at)) {
        if (!kept) {
            input_pass(input, at);
            at = 0;
        }
        enum result result = read_on(input, error);
        if (result == RESULT_TOO_LARGE) {
            too_large = *error;
            kept = false;
        } else if (result != RESULT_OK) {
            return result;
        }
    }
    *size = at;
    if (keep && !kept) {
        input_pass(input, at);
        *size = 0;
        *error = too_large;
        return RESULT_TOO_LARGE;
    }
    return RESULT_OK;
}

static enum result skip_value(struct input *input, struct error *error)
{
    size_t size;
    enum result result = find_end(input, false, &size, error);
    if (result == RESULT_OK) {
        input_pass(input, size);
    }
    return result;
}

/* The next byte that is no blank, which the window then begins with. */
static enum result peek(struct input *input, char *c, struct error *error)
{
    for (;;) {
        struct slice window = input_window(input);
        size_t blanks = 0;
        while (blanks < window.size_bytes && is_blank(window.data[blanks])) {
            blanks++;
        }
        if (blanks < window.size_bytes) {
            *c = window.data[blanks];
            input_pass(input, blanks);
            return RESULT_OK;
        }
        input_pass(input, blanks);
        enum result result = read_on(input, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
}

static enum result expect(struct input *input, char wanted, const char *otherwise,
                          struct error *error)
{
    char c;
    enum result result = peek(input, &c, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (c != wanted) {
        return fail(input, otherwise, error);
    }
    input_pass(input, 1);
    return RESULT_OK;
}

static bool is_array(const char *step)
{
    return step[0] == '[';
}

/* Whether the value that begins with `c` is at the end of the way. */
static bool is_wanted(const char *step, char c)
{
    return step == NULL || (strcmp(step, "[]?") == 0 && c != '[');
}

/* Enters the container on the way that begins here; another kind of value is passed. */
static enum result enter(struct items *items, struct input *input, struct error *error)
{
    char c;
    enum result result = peek(input, &c, error);
    if (result != RESULT_OK) {
        return result;
    }
    items->at_value = false;
    if (c == (is_array(items->path[items->level]) ? '[' : '{')) {
        input_pass(input, 1);
        items->level++;
        items->first = true;
        return RESULT_OK;
    }
    return skip_value(input, error);
}

/* A key, its colon, and its value unless that is on the way. */
static enum result pass_key(struct items *items, struct input *input, struct error *error)
{
    size_t size;
    enum result result = find_end(input, true, &size, error);
    if (result != RESULT_OK) {
        return result;
    }
    struct slice key = slice_of(input_window(input).data, size);
    const char *wanted = items->path[items->level - 1];
    items->at_value = key.size_bytes == strlen(wanted) + 2
                      && memcmp(key.data + 1, wanted, key.size_bytes - 2) == 0;
    input_pass(input, size);
    result = expect(input, ':', "damaged JSON: a key without its value", error);
    if (result != RESULT_OK || items->at_value) {
        return result;
    }
    char c;
    result = peek(input, &c, error);
    return result == RESULT_OK ? skip_value(input, error) : result;
}

/* To the next value in the container that has been entered last, or out of it. */
static enum result step(struct items *items, struct input *input, struct error *error)
{
    bool array = is_array(items->path[items->level - 1]);
    char c;
    enum result result = peek(input, &c, error);
    if (result != RESULT_OK) {
        return result;
    }
    if (c == (array ? ']' : '}')) {
        input_pass(input, 1);
        items->level--;
        items->first = false;
        return RESULT_OK;
    }
    if (!items->first) {
        result = expect(input, ',', "damaged JSON: a comma is missing", error);
        if (result == RESULT_OK) {
            result = peek(input, &c, error);
        }
    }
    items->first = false;
    if (result != RESULT_OK) {
        return result;
    }
    if (array) {
        items->at_value = true;
        return RESULT_OK;
    }
    return c == '"' ? pass_key(items, input, error)
                    : fail(input, "damaged JSON: a key is missing", error);
}

/* Behind the document only blanks may stand. */
static enum result finish(struct input *input, struct error *error)
{
    bool more = true;
    while (more) {
        struct slice window = input_window(input);
        for (size_t i = 0; i < window.size_bytes; i++) {
            if (!is_blank(window.data[i])) {
                return fail(input, "damaged JSON: something follows the document", error);
            }
        }
        input_pass(input, window.size_bytes);
        enum result result = input_read(input, &more, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return RESULT_OK;
}

/* The value that the window begins with. */
static enum result take(struct input *input, struct slice *item, size_t *size,
                        struct error *error)
{
    enum result result = find_end(input, true, size, error);
    if (result == RESULT_OK && *size == 0) {
        result = fail(input, "damaged JSON: a value is missing", error);
    }
    if (result == RESULT_OK) {
        *item = slice_of(input_window(input).data, *size);
    }
    return result;
}

enum result items_next(struct items *items, struct input *input, struct slice *item, size_t *size,
                       bool *found, struct error *error)
{
    if (!items->begun) {
        items->begun = true;
        items->at_value = true;
    }
    enum result result = RESULT_OK;
    while (result == RESULT_OK) {
        char c = '\0';
        if (items->at_value) {
            result = peek(input, &c, error);
        }
        *found = items->at_value && is_wanted(items->path[items->level], c);
        if (result != RESULT_OK) {
            return result;
        }
        if (*found) {
            items->at_value = false;
            return take(input, item, size, error);
        }
        if (items->at_value) {
            result = enter(items, input, error);
        } else if (items->level > 0) {
            result = step(items, input, error);
        } else {
            return finish(input, error);
        }
    }
    return result;
}
