#include "config.h"

#include "command/command.h"

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;
    const char *usage; /* what follows "refrain NAME " */
    command_function *run;
    int pool_size; /* connections to PostgreSQL that it needs; 0: none */
    bool is_long;  /* its statements may take longer than a request's */
};

/* A closed window counts as closed ten minutes after its end, because no transaction that writes
 * lives longer than that: this bounds the longest. */
enum { LONG_STATEMENT_MAX_MS = 300000 };

static const struct command commands[] = {
    {"serve", "answer nginx over FastCGI", "", command_serve, 0, false},
    {"worker", "what must be done beside the requests: imports, housekeeping", "", command_worker, 3,
     true},
    {"migrate", "bring the database to this release's schema", "", command_migrate, 0, true},
    {"user", "add, list, change and delete users, replace tokens",
     "add NAME [--public] [--admin] [--password-file FILE|-]\n"
     "       refrain user list [--json]\n"
     "       refrain user set NAME [--time-zone ZONE] [--public|--private]\n"
     "       refrain user token NAME\n"
     "       refrain user delete NAME",
     command_user, 1, true},
    {"import", "read listening histories, or tags of artists, from files",
     "--user NAME [--source-user NAME] [--min-play SECONDS] [--json]\n"
     "       [--report FILE] [--] FILE...\n"
     "       refrain import --tags [--replace] [--] FILE...",
     command_import, 2, true},
    {"verify", "compare what is counted with the listens, and repair it",
     "[--user NAME] [--repair]", command_verify, 1, true},
    {"export", "write all that a user has told as JSON lines", "--user NAME [--output FILE]",
     command_export, 1, true},
    {"sample", "make a small community of invented listeners",
     "[--seed N] [--listeners N] [--listens N]", command_sample, 2, true},
    {"check-config", "say what the configuration comes to", "", command_check_config, 0, false},
};

int command_fail(const struct error *error)
{
    struct error clean = *error;
    text_clean(clean.text);
    fprintf(stderr, "refrain: %s\n", clean.text);
    return COMMAND_FAILED;
}

int command_misuse(const struct command_context *context, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("refrain: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n%s", context->usage);
    return COMMAND_WRONG_USAGE;
}

bool command_option(const char *name, int argc, char **argv, int *at, const char **value)
{
    size_t size = strlen(name);
    if (strncmp(argv[*at], name, size) != 0) {
        return false;
    }
    if (argv[*at][size] == '=') {
        *value = argv[*at] + size + 1;
        return true;
    }
    if (argv[*at][size] != '\0') {
        return false;
    }
    *value = *at + 1 < argc ? argv[++*at] : NULL;
    return true;
}

static void print_help(FILE *to)
{
    fputs("usage: refrain [--config FILE] COMMAND [options]\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n`refrain COMMAND --help` tells the options of a command, `refrain --version` the "
          "release.\n",
          to);
}

static enum result open_db(const struct command *command, struct command_context *context,
                           struct error *error)
{
    const struct db_options options = {
        .url = config_text(context->config, CONFIG_DATABASE_URL),
        .pool_size = command->pool_size,
        .statement_timeout_ms =
            command->is_long
                ? LONG_STATEMENT_MAX_MS
                : (int)config_number(context->config, CONFIG_DATABASE_STATEMENT_TIMEOUT_MS),
    };
    return command->pool_size > 0 ? db_open(&options, &context->db, error) : RESULT_OK;
}

static void settle_memory(void)
{
    /* What one thread puts into L1, another evicts. With an arena for every few threads, as glibc
     * has it, what is free in one is of no use to another, and L1 takes up to three times its
     * bytes. */
    mallopt(M_ARENA_MAX, 1);
    /* What is large goes back to the system as soon as it is free. Left to itself glibc stops doing
     * so at the first large block, and large submissions and the batches of an import would leave
     * holes behind. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
}

static int run(const struct command *command, const char *config_path, int argc, char **argv)
{
    char usage[512];
    snprintf(usage, sizeof usage, "usage: refrain %s %s\n", command->name, command->usage);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("%s\n%s.\n", usage, command->summary);
        return COMMAND_OK;
    }
    struct error error;
    struct config *config = NULL;
    struct command_context context = {.usage = usage};
    int status = COMMAND_FAILED;
    enum log_level level = LOG_INFO_LEVEL;
    settle_memory();
    if (secret_init(&error) != RESULT_OK
        || config_load(config_path, &config, &error) != RESULT_OK) {
        return command_fail(&error);
    }
    context.config = config;
    if (log_level_parse(config_text(config, CONFIG_LOG_LEVEL), &level)) {
        log_set_level(level);
    }
    if (open_db(command, &context, &error) == RESULT_OK) {
        status = command->run(&context, argc, argv);
    } else {
        command_fail(&error);
    }
    db_close(&context.db);
    config_destroy(&config);
    return status;
}

int command_run(int argc, char **argv)
{
    const char *config_path = NULL;
    int at = 1;
    if (at < argc && command_option("--config", argc, argv, &at, &config_path)) {
        at++;
    } else {
        config_path = getenv("REFRAIN_CONFIG");
    }
    if (at >= argc) {
        print_help(stderr);
        return COMMAND_WRONG_USAGE;
    }
    if (strcmp(argv[at], "--help") == 0) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (strcmp(argv[at], "--version") == 0) {
        puts("refrain " PACKAGE_VERSION);
        return COMMAND_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[at], commands[i].name) == 0) {
            return run(&commands[i], config_path, argc - at, argv + at);
        }
    }
    fprintf(stderr, "refrain: there is no command '%s'; `refrain --help` lists them\n", argv[at]);
    return COMMAND_WRONG_USAGE;
}
