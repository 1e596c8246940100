#include "import/play.h"

#include "base/text.h"

#include <stdio.h>

/* Seconds reach it in the year 5138, milliseconds in 1973. */
static const int64_t milliseconds_from = INT64_C(100000000000);

/* What stands before the next blank, without a comma at its end. */
static struct slice take_word(struct slice *text)
{
    const char *blank = memchr(text->data, ' ', text->size_bytes);
    size_t size = blank == NULL ? text->size_bytes : (size_t)(blank - text->data);
    size_t taken = blank == NULL ? size : size + 1;
    struct slice word = slice_of(text->data, size);
    *text = slice_of(text->data + taken, text->size_bytes - taken);
    word.size_bytes -= size > 0 && word.data[size - 1] == ',';
    return word;
}

/* 1 to 12; 13 where it is none. */
static int month_of(struct slice name)
{
    static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int month = 1;
    while (month <= 12 && !slice_is(name, names[month - 1])) {
        month++;
    }
    return month;
}

bool play_parse_spelt_time(struct slice text, int64_t *time_s)
{
    if (text.size_bytes == 0) {
        return false;
    }
    struct slice day = take_word(&text);
    int month = month_of(take_word(&text));
    struct slice year = take_word(&text);
    bool has_seconds = text.size_bytes == 8;
    if (day.size_bytes < 1 || day.size_bytes > 2 || month > 12 || year.size_bytes != 4
        || (text.size_bytes != 5 && !has_seconds)) {
        return false;
    }
    char iso[32];
    snprintf(iso, sizeof iso, "%.*s-%02d-%s%.*sT%.*s%s", SLICE_ARGS(year), month,
             day.size_bytes == 1 ? "0" : "", SLICE_ARGS(day), SLICE_ARGS(text),
             has_seconds ? "" : ":00");
    return text_parse_time(slice_text(iso), time_s);
}

/* Without a word for UTC at its end that text_parse_time() doesn't know. */
static struct slice without_zone(struct slice text)
{
    static const char *const zones[] = {"+00:00", "+0000", " UTC"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        size_t size = strlen(zones[i]);
        if (text.size_bytes > size
            && memcmp(text.data + text.size_bytes - size, zones[i], size) == 0) {
            return slice_of(text.data, text.size_bytes - size);
        }
    }
    return text;
}

bool play_parse_time(struct slice text, int64_t *time_s)
{
    if (text_parse_int(text, time_s)) {
        *time_s /= *time_s >= milliseconds_from ? 1000 : 1;
        return true;
    }
    return text_parse_time(without_zone(text), time_s) || play_parse_spelt_time(text, time_s);
}
