#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum log_level lowest = LOG_INFO_LEVEL;
static _Thread_local const char *request_id;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    lowest = level;
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_request_id(const char *id)
{
    request_id = id;
}

static void append_quoted(struct buffer *line, const char *text)
{
    if (*text != '\0' && strpbrk(text, " =\"\\") == NULL) {
        bool plain = true;
        for (const char *p = text; *p != '\0'; p++) {
            plain = plain && (unsigned char)*p > ' ' && *p != 0x7f;
        }
        if (plain) {
            buffer_append_text(line, text);
            return;
        }
    }
    buffer_append_char(line, '"');
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            buffer_append_format(line, "\\%c", c);
        } else if (c < ' ' || c == 0x7f) {
            buffer_append_format(line, "\\x%02x", c);
        } else {
            buffer_append_char(line, *p);
        }
    }
    buffer_append_char(line, '"');
}

static void append_head(struct buffer *line, enum log_level level, const char *event)
{
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    buffer_append_format(line, "time=%s.%03dZ level=%s", stamp, (int)(now_us / 1000 % 1000),
                         level_names[level]);
    if (request_id != NULL) {
        buffer_append_text(line, " request_id=");
        append_quoted(line, request_id);
    }
    buffer_append_text(line, " event=");
    append_quoted(line, event);
}

void log_event(enum log_level level, const char *event, ...)
{
    if (level < lowest) {
        return;
    }
    struct buffer line = BUFFER_EMPTY;
    append_head(&line, level, event);
    va_list args;
    va_start(args, event);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
        buffer_append_char(&line, ' ');
        buffer_append_text(&line, key);
        buffer_append_char(&line, '=');
        append_quoted(&line, va_arg(args, const char *));
    }
    va_end(args);
    buffer_append_char(&line, '\n');
    /* One write a line, so that lines of several threads and processes never mix. A log that can't
     * be written is nothing that a request could mend. */
    ssize_t written = write(STDERR_FILENO, line.data, line.size_bytes);
    (void)written;
    buffer_free(&line);
}

void log_error(const char *event, enum result result, const struct error *error)
{
    log_event(LOG_ERROR_LEVEL, event, "result", result_name(result), "error", error->text,
              "origin", error->origin, NULL);
}
