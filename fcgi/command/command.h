/*
 * The subcommands of `refrain`. Each is a row of the table in command.c and a file of its own.
 */
#ifndef REFRAIN_COMMAND_COMMAND_H
#define REFRAIN_COMMAND_COMMAND_H

#include "base/config.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses. */
enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_WRONG_USAGE = 2 };

struct command_context {
    const struct config *config;
    const char *usage; /* of the command that runs */
    struct db *db;     /* open where the command's row says so, else NULL */
};

/* Runs with the arguments after the command's name (argv[0] is the name). Returns an exit status. */
typedef int command_function(struct command_context *context, int argc, char **argv);

command_function command_check_config;
command_function command_export;
command_function command_import;
command_function command_migrate;
command_function command_sample;
command_function command_serve;
command_function command_user;
command_function command_verify;
command_function command_worker;

/* Finds and runs what the arguments of main() ask for. */
int command_run(int argc, char **argv);

/* Prints "refrain: <text>" on standard error and gives COMMAND_FAILED. */
int command_fail(const struct error *error);

/* The same for wrong arguments: the text, then the usage; gives COMMAND_WRONG_USAGE. */
int command_misuse(const struct command_context *context, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* An option with a value, as "--name VALUE" or "--name=VALUE", at argv[*at]. If it is there: true,
 * *value is the value (NULL where it is missing) and *at stands on its last argument. */
bool command_option(const char *name, int argc, char **argv, int *at, const char **value);

#endif
