#include "people.h"

#include "base/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static enum result out_of_memory(struct error *error)
{
    return error_set(error, RESULT_NO_MEMORY, "people", "out of memory");
}

static void append_path_name(struct buffer *to, const char *name)
{
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (isalnum(c) || strchr("-._~", c) != NULL) {
            buffer_append_char(to, (char)c);
        } else {
            buffer_append_format(to, "%%%02X", c);
        }
    }
}

/* The person owns what the buffer holds. */
static enum result add(struct people *people, const char *token, const char *name,
                       struct error *error)
{
    struct person *items = realloc(people->items, (people->count + 1) * sizeof *items);
    if (items == NULL) {
        return out_of_memory(error);
    }
    people->items = items;
    struct buffer path_name = BUFFER_EMPTY;
    append_path_name(&path_name, name);
    struct person *person = &people->items[people->count++];
    *person = (struct person){strdup(token), path_name.data};
    return person->token == NULL || path_name.failed ? out_of_memory(error) : RESULT_OK;
}

static enum result read_lines(FILE *file, const char *path, struct people *people,
                              struct error *error)
{
    char line[1024];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        char *blank = strchr(line, ' ');
        if (blank == NULL || blank == line || blank[1] == '\0') {
            return error_set(error, RESULT_INVALID, "people",
                             "%s, line %d: a line is a token, a blank and the name of its user",
                             path, number);
        }
        *blank = '\0';
        enum result result = add(people, line, blank + 1, error);
        if (result != RESULT_OK) {
            return result;
        }
    }
    return people->count > 0 ? RESULT_OK
                             : error_set(error, RESULT_INVALID, "people", "%s names nobody", path);
}

enum result people_read(const char *path, struct people *people, struct error *error)
{
    *people = (struct people){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return error_set(error, RESULT_INVALID, "people", "%s cannot be read: %s", path,
                         strerror(errno));
    }
    enum result result = read_lines(file, path, people, error);
    fclose(file);
    return result;
}

void people_free(struct people *people)
{
    for (size_t i = 0; i < people->count; i++) {
        free(people->items[i].token);
        free(people->items[i].path_name);
    }
    free(people->items);
    *people = (struct people){0};
}
