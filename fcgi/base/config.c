#include "base/config.h"

#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef REFRAIN_SYSCONFDIR
#define REFRAIN_SYSCONFDIR "/etc"
#endif

static const char default_path[] = REFRAIN_SYSCONFDIR "/refrain/refrain.conf";

enum kind { KIND_TEXT, KIND_NUMBER, KIND_WORD };

struct option {
    const char *section, *key, *name;
    enum kind kind;
    const char *fallback;
    int64_t smallest, largest;
    const char *words;
};

static const struct option options[CONFIG_COUNT] = {
#define ROW(id, section, key, kind, fallback, smallest, largest, words, help)                      \
    [CONFIG_##id] = {section,  key,      section "." key, KIND_##kind,                             \
                     fallback, smallest, largest,         words},
    CONFIG_OPTIONS(ROW)
#undef ROW
};

struct config {
    char *path;
    char *texts[CONFIG_COUNT];
    int64_t numbers[CONFIG_COUNT];
};

/* Reading a file: both callbacks of the INI reader get at it, one counts lines, one sets values. */
struct reading {
    struct config *config;
    FILE *file;
    int line;
    enum result result; /* of the first entry that was refused */
    struct error *error;
};

static bool is_one_of(const char *words, const char *word)
{
    size_t size = strlen(word);
    for (const char *p = words; *p != '\0'; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");
        if (length == size && memcmp(p, word, size) == 0) {
            return true;
        }
        p += length;
    }
    return false;
}

/* `where` tells the place of a wrong value: file and line, or the environment. */
static enum result set(struct config *config, size_t at, const char *value, const char *where,
                       struct error *error)
{
    const struct option *option = &options[at];
    int64_t number = 0;
    if (option->kind == KIND_NUMBER
        && (!text_parse_int(slice_text(value), &number) || number < option->smallest
            || number > option->largest)) {
        return error_set(error, RESULT_INVALID, "config",
                         "%s: %s is '%s', allowed is a whole number from %lld to %lld", where,
                         option->name, value, (long long)option->smallest,
                         (long long)option->largest);
    }
    if (option->kind == KIND_WORD && !is_one_of(option->words, value)) {
        return error_set(error, RESULT_INVALID, "config", "%s: %s is '%s', allowed is one of: %s",
                         where, option->name, value, option->words);
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "config", "out of memory");
    }
    free(config->texts[at]);
    config->texts[at] = copy;
    config->numbers[at] = number;
    return RESULT_OK;
}

static enum result read_entry(const struct reading *reading, const char *section,
                              const char *key, const char *value)
{
    char place[320];
    snprintf(place, sizeof place, "%s, line %d", reading->config->path, reading->line);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].key, key) == 0) {
            return set(reading->config, i, value, place, reading->error);
        }
    }
    return error_set(reading->error, RESULT_INVALID, "config",
                     "%s: there is no option '%s' in section [%s]", place, key, section);
}

static int handle_entry(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    if (reading->result == RESULT_OK) {
        reading->result = read_entry(reading, section, key, value);
    }
    return 1;
}

static char *read_line(char *text, int size, void *stream)
{
    struct reading *reading = stream;
    reading->line++;
    char *line = fgets(text, size, reading->file);
    bool is_cut = line != NULL && strchr(line, '\n') == NULL && !feof(reading->file);
    if (is_cut && reading->result == RESULT_OK) {
        reading->result = error_set(reading->error, RESULT_INVALID, "config",
                                    "%s, line %d is longer than %d bytes; the environment takes "
                                    "longer values, as REFRAIN_SECTION_KEY",
                                    reading->config->path, reading->line, size - 2);
    }
    return line;
}

static enum result read_file(struct config *config, struct error *error)
{
    struct reading reading = {.config = config, .error = error, .file = fopen(config->path, "re")};
    int wrong_line = -1;
    if (reading.file != NULL) {
        wrong_line = ini_parse_stream(read_line, &reading, handle_entry, &reading);
        if (ferror(reading.file)) {
            wrong_line = -1;
        }
    }
    if (wrong_line < 0) {
        error_set(error, RESULT_INVALID, "config", "%s cannot be read: %s", config->path,
                  strerror(errno));
        reading.result = RESULT_INVALID;
    } else if (reading.result == RESULT_OK && wrong_line > 0) {
        reading.result =
            error_set(error, RESULT_INVALID, "config",
                      "%s, line %d: neither [section] nor key = value", config->path, wrong_line);
    }
    if (reading.file != NULL) {
        fclose(reading.file);
    }
    return reading.result;
}

static enum result read_environment(struct config *config, struct error *error)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char name[80];
        snprintf(name, sizeof name, "REFRAIN_%s_%s", options[i].section, options[i].key);
        for (char *p = name; *p != '\0'; p++) {
            *p = (char)toupper((unsigned char)*p);
        }
        const char *value = getenv(name);
        if (value != NULL) {
            enum result result = set(config, i, value, name, error);
            if (result != RESULT_OK) {
                return result;
            }
        }
    }
    return RESULT_OK;
}

/* What is right by itself, but not together with the rest. */
static enum result check_together(const struct config *config, struct error *error)
{
    int64_t threads = config->numbers[CONFIG_HTTP_THREADS];
    int64_t transfers = config->numbers[CONFIG_HTTP_TRANSFERS];
    if (transfers > (threads + 1) / 2) {
        return error_set(error, RESULT_INVALID, "config",
                         "%s is %lld, but may be half of %s at most, which is %lld, so that "
                         "uploads and exports leave threads for everything else",
                         options[CONFIG_HTTP_TRANSFERS].name, (long long)transfers,
                         options[CONFIG_HTTP_THREADS].name, (long long)threads);
    }
    return RESULT_OK;
}

static enum result load(struct config *config, const char *path, struct error *error)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        enum result result = set(config, i, options[i].fallback, "default", error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    bool named = path != NULL;
    if (named || access(default_path, F_OK) == 0) {
        config->path = strdup(named ? path : default_path);
        if (config->path == NULL) {
            return error_set(error, RESULT_NO_MEMORY, "config", "out of memory");
        }
        enum result result = read_file(config, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    enum result result = read_environment(config, error);
    return result == RESULT_OK ? check_together(config, error) : result;
}

enum result config_load(const char *path, struct config **config, struct error *error)
{
    *config = calloc(1, sizeof **config);
    if (*config == NULL) {
        return error_set(error, RESULT_NO_MEMORY, "config", "out of memory");
    }
    enum result result = load(*config, path, error);
    if (result != RESULT_OK) {
        config_destroy(config);
    }
    return result;
}

void config_destroy(struct config **config)
{
    if (*config == NULL) {
        return;
    }
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        free((*config)->texts[i]);
    }
    free((*config)->path);
    free(*config);
    *config = NULL;
}

const char *config_text(const struct config *config, enum config_option option)
{
    return config->texts[option];
}

int64_t config_number(const struct config *config, enum config_option option)
{
    assert(options[option].kind == KIND_NUMBER);
    return config->numbers[option];
}

bool config_yes(const struct config *config, enum config_option option)
{
    assert(strcmp(options[option].words, "no yes") == 0);
    return strcmp(config->texts[option], "yes") == 0;
}

const char *config_path(const struct config *config)
{
    return config->path;
}

const char *config_name(enum config_option option)
{
    return options[option].name;
}
