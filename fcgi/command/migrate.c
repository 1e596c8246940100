#include "db/migrate.h"

#include "command/command.h"

#include <stdio.h>

static void report(void *context, const char *name)
{
    (void)context;
    printf("applied %s\n", name);
}

int command_migrate(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "migrate takes no argument '%s'", argv[1]);
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/sql", config_text(context->config, CONFIG_PATHS_DATA));
    struct error error;
    enum result result = db_migrate(config_text(context->config, CONFIG_DATABASE_URL), folder,
                                    report, NULL, &error);
    return result == RESULT_OK ? COMMAND_OK : command_fail(&error);
}
