#include "import/format.h"

/* The text between the quotes of the string that begins at `at`, which moves behind it. */
static struct slice take_string(struct slice head, size_t *at)
{
    size_t start = ++*at;
    while (*at < head.size_bytes && head.data[*at] != '"') {
        *at += head.data[*at] == '\\' ? 2 : 1;
    }
    size_t end = *at < head.size_bytes ? *at : head.size_bytes;
    ++*at;
    return slice_of(head.data + start, end - start);
}

bool import_has_key(struct slice head, size_t depth, const char *key)
{
    size_t deep = 0;
    size_t at = 0;
    while (at < head.size_bytes) {
        char c = head.data[at];
        if (c != '"') {
            deep += c == '{' || c == '[';
            deep -= (c == '}' || c == ']') && deep > 0;
            at++;
            continue;
        }
        struct slice text = take_string(head, &at);
        struct slice rest = at < head.size_bytes
                                ? slice_of(head.data + at, head.size_bytes - at)
                                : slice_of(head.data, 0);
        if (deep == depth && slice_is(text, key) && import_begins(rest, ':')) {
            return true;
        }
    }
    return false;
}
