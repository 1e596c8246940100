#include "command/command.h"

#include <stdio.h>

int command_check_config(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "check-config takes no argument '%s'", argv[1]);
    }
    const char *path = config_path(context->config);
    printf("# %s\n", path == NULL ? "no configuration file: defaults and environment" : path);
    for (int option = 0; option < CONFIG_COUNT; option++) {
        /* URLs may hold passwords. */
        bool is_url = option == CONFIG_DATABASE_URL || option == CONFIG_REDIS_URL;
        const char *text = config_text(context->config, (enum config_option)option);
        bool has_secret = is_url && strchr(text, '@') != NULL;
        printf("%s = %s\n", config_name((enum config_option)option),
               has_secret ? "(set; holds a password)" : text);
    }
    return COMMAND_OK;
}
