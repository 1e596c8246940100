#include "cache/record.h"

#include "base/secret.h"
#include "base/text.h"

enum { NUMBERS_MAX = 5 };

void cache_make_nonce(char nonce[CACHE_NONCE_SIZE])
{
    unsigned char bytes[CACHE_NONCE_SIZE / 2];
    secret_random(bytes, sizeof bytes);
    text_format_hex(bytes, sizeof bytes, nonce);
}

/* A word up to the next blank or the end, and the blank. */
static struct slice next_word(struct slice *text)
{
    size_t size = 0;
    while (size < text->size_bytes && text->data[size] != ' ') {
        size++;
    }
    struct slice word = slice_of(text->data, size);
    size_t passed = size < text->size_bytes ? size + 1 : size;
    *text = slice_of(text->data + passed, text->size_bytes - passed);
    return word;
}

/* As scripts/common.lua has it: what is a number for one of them must be one for the other. */
static bool parse_number(struct slice word, int64_t *number)
{
    enum { DIGITS_MAX = 18 };
    return word.size_bytes > 0 && word.size_bytes <= DIGITS_MAX && word.data[0] >= '0'
           && word.data[0] <= '9' && (word.data[0] != '0' || word.size_bytes == 1)
           && text_parse_int(word, number);
}

/* Exactly so many numbers that are not negative, parted by one blank each. */
static bool parse_numbers(struct slice text, int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_last = text.size_bytes == 0 || memchr(text.data, ' ', text.size_bytes) == NULL;
        struct slice word = next_word(&text);
        if (is_last != (i + 1 == count) || !parse_number(word, &numbers[i])) {
            return false;
        }
    }
    return true;
}

bool cache_heartbeat_parse(struct slice text, struct cache_heartbeat *heartbeat)
{
    int64_t numbers[NUMBERS_MAX];
    if (!slice_is(next_word(&text), "L") || next_word(&text).size_bytes != CACHE_NONCE_SIZE - 1
        || !parse_numbers(text, numbers, 5)) {
        return false;
    }
    *heartbeat = (struct cache_heartbeat){numbers[0], numbers[1], numbers[2], numbers[3],
                                          numbers[4]};
    return true;
}

void cache_mark_parse(struct slice text, struct cache_mark *mark)
{
    int64_t numbers[NUMBERS_MAX];
    *mark = (struct cache_mark){.kind = CACHE_MARK_FOREIGN};
    if (text.size_bytes == 0) {
        mark->kind = CACHE_MARK_ABSENT;
    } else if (text.data[0] == 'L') {
        mark->kind = CACHE_MARK_LEASE;
        mark->nonce = slice_of(text.data + 1, text.size_bytes - 1);
    } else if (parse_numbers(text, numbers, 4)) {
        *mark = (struct cache_mark){CACHE_MARK_NUMBER, slice_of("", 0), numbers[0], numbers[1],
                                    numbers[2], numbers[3]};
    }
}
