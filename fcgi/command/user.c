#include "command/account.h"

#include "base/secret.h"
#include "command/command.h"
#include "command/tell.h"
#include "json/json.h"

#include <stdio.h>

/* The first line of a file ("-" is standard input), without its end, hashed. */
static enum result hash_password_file(const char *path, char hash[PASSWORD_HASH_SIZE],
                                      struct error *error)
{
    char line[1024];
    bool is_standard_input = strcmp(path, "-") == 0;
    FILE *file = is_standard_input ? stdin : fopen(path, "re");
    bool is_read = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL && !is_standard_input) {
        fclose(file);
    }
    size_t size = is_read ? strcspn(line, "\r\n") : 0;
    if (size == sizeof line - 1) {
        return error_set(error, RESULT_INVALID, "user",
                         "the first line of %s, the password, is longer than %zu bytes", path,
                         sizeof line - 2);
    }
    if (size == 0) {
        return error_set(error, RESULT_INVALID, "user",
                         "%s cannot be read, or its first line, the password, is empty", path);
    }
    return secret_hash_password(slice_of(line, size), hash, error);
}

static int add(struct command_context *context, int argc, char **argv)
{
    struct account_fields fields = {
        .is_public = strcmp(config_text(context->config, CONFIG_USERS_DEFAULT_VISIBILITY),
                            "public")
                     == 0,
    };
    const char *password_file = NULL;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--public") == 0) {
            fields.is_public = true;
        } else if (strcmp(argv[i], "--admin") == 0) {
            fields.is_admin = true;
        } else if (command_option("--password-file", argc, argv, &i, &password_file)) {
            if (password_file == NULL) {
                return command_misuse(context, "--password-file needs a file, or -");
            }
        } else if (fields.name == NULL && argv[i][0] != '-') {
            fields.name = argv[i];
        } else {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
    }
    if (fields.name == NULL) {
        return command_misuse(context, "the name is missing");
    }
    struct error error;
    char hash[PASSWORD_HASH_SIZE];
    char token[UUID_TEXT_SIZE];
    int64_t user_id;
    enum result result =
        password_file == NULL ? RESULT_OK : hash_password_file(password_file, hash, &error);
    fields.password_hash = password_file == NULL ? NULL : hash;
    if (result == RESULT_OK) {
        result = account_add(context->db, &fields, &user_id, token, &error);
    }
    if (result != RESULT_OK) {
        return command_fail(&error);
    }
    printf("user=%s\ntoken=%s\n", fields.name, token);
    return COMMAND_OK;
}

static void append_user(struct buffer *text, const struct db_rows *rows, size_t row, bool as_json)
{
    struct slice name = db_rows_text(rows, row, ACCOUNT_NAME);
    bool is_public = db_rows_bool(rows, row, ACCOUNT_PUBLIC);
    bool is_admin = db_rows_bool(rows, row, ACCOUNT_ADMIN);
    long long listens = db_rows_int(rows, row, ACCOUNT_LISTENS);
    if (!as_json) {
        buffer_append_format(text, "%-24.*s %-8s %-6s %10lld\n", SLICE_ARGS(name),
                             is_public ? "public" : "private", is_admin ? "admin" : "", listens);
        return;
    }
    buffer_append_text(text, row > 0 ? ",\n {\"user_name\":" : " {\"user_name\":");
    jwrite_string(text, name);
    buffer_append_format(text, ",\"public\":%s,\"admin\":%s,\"created\":%lld,\"listens\":%lld}",
                         is_public ? "true" : "false", is_admin ? "true" : "false",
                         (long long)db_rows_int(rows, row, ACCOUNT_CREATED_S), listens);
}

static int list(struct command_context *context, int argc, char **argv)
{
    bool as_json = argc == 1 && strcmp(argv[0], "--json") == 0;
    if (argc > 0 && !as_json) {
        return command_misuse(context, "what is '%s'?", argv[0]);
    }
    struct error error;
    struct db_rows *rows;
    if (account_list(context->db, &rows, &error) != RESULT_OK) {
        return command_fail(&error);
    }
    struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, as_json ? "[\n" : "");
    for (size_t row = 0; row < db_rows_count(rows); row++) {
        append_user(&text, rows, row, as_json);
    }
    buffer_append_text(&text, as_json ? "\n]\n" : "");
    fwrite(buffer_slice(&text).data, 1, text.size_bytes, stdout);
    buffer_free(&text);
    db_rows_free(&rows);
    return COMMAND_OK;
}

static int replace_token(struct command_context *context, int argc, char **argv)
{
    if (argc != 1) {
        return command_misuse(context, "user token takes one name");
    }
    struct error error;
    char token[UUID_TEXT_SIZE];
    if (account_replace_token(context->db, argv[0], token, &error) != RESULT_OK) {
        return command_fail(&error);
    }
    command_tell_cache(context, argv[0]);
    printf("token=%s\n", token);
    return COMMAND_OK;
}

static int read_settings(const struct command_context *context, int argc, char **argv,
                         const char **name, struct account_settings *settings)
{
    for (int i = 0; i < argc; i++) {
        bool is_public = strcmp(argv[i], "--public") == 0;
        if ((is_public || strcmp(argv[i], "--private") == 0) && settings->is_public == NULL) {
            settings->is_public = is_public ? "true" : "false";
        } else if (command_option("--time-zone", argc, argv, &i, &settings->time_zone)) {
            if (settings->time_zone == NULL) {
                return command_misuse(context,
                                      "--time-zone needs a name such as Europe/Athens, or UTC");
            }
        } else if (*name == NULL && argv[i][0] != '-') {
            *name = argv[i];
        } else {
            return command_misuse(context, "what is '%s'?", argv[i]);
        }
    }
    if (*name == NULL) {
        return command_misuse(context, "the name is missing");
    }
    return settings->time_zone != NULL || settings->is_public != NULL
               ? COMMAND_OK
               : command_misuse(context, "--time-zone, --public or --private is missing");
}

static int set(struct command_context *context, int argc, char **argv)
{
    struct account_settings settings = {NULL, NULL};
    const char *name = NULL;
    int status = read_settings(context, argc, argv, &name, &settings);
    if (status != COMMAND_OK) {
        return status;
    }
    struct error error;
    struct db_rows *rows;
    if (account_set(context->db, name, &settings, &rows, &error) != RESULT_OK) {
        return command_fail(&error);
    }
    command_tell_cache(context, name);
    printf("user=%.*s\ntime_zone=%.*s\nvisibility=%s\n",
           SLICE_ARGS(db_rows_text(rows, 0, ACCOUNT_SET_NAME)),
           SLICE_ARGS(db_rows_text(rows, 0, ACCOUNT_SET_TIME_ZONE)),
           db_rows_bool(rows, 0, ACCOUNT_SET_PUBLIC) ? "public" : "private");
    db_rows_free(&rows);
    return COMMAND_OK;
}

static int delete(struct command_context *context, int argc, char **argv)
{
    if (argc != 1) {
        return command_misuse(context, "user delete takes one name");
    }
    struct error error;
    if (account_delete(context->db, argv[0], &error) != RESULT_OK) {
        return command_fail(&error);
    }
    command_tell_cache(context, argv[0]);
    printf("deleted=%s\n", argv[0]);
    return COMMAND_OK;
}

int command_user(struct command_context *context, int argc, char **argv)
{
    static const struct {
        const char *name;
        command_function *run;
    } actions[] = {{"add", add},
                   {"list", list},
                   {"set", set},
                   {"token", replace_token},
                   {"delete", delete}};
    for (size_t i = 0; argc > 1 && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(argv[1], actions[i].name) == 0) {
            return actions[i].run(context, argc - 2, argv + 2);
        }
    }
    return command_misuse(context, "add, list, set, token or delete?");
}
