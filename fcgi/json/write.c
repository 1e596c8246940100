#include "json/json.h"

static void append_escaped(struct buffer *to, unsigned char c)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (c < sizeof letters && letters[c] != '\0') {
        const char escape[] = {'\\', letters[c]};
        buffer_append(to, escape, sizeof escape);
    } else {
        buffer_append_format(to, "\\u%04x", c);
    }
}

void jwrite_string(struct buffer *to, struct slice text)
{
    buffer_append_char(to, '"');
    size_t start = 0;
    for (size_t i = 0; i < text.size_bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            buffer_append(to, text.data + start, i - start);
            append_escaped(to, c);
            start = i + 1;
        }
    }
    buffer_append(to, text.data + start, text.size_bytes - start);
    buffer_append_char(to, '"');
}
