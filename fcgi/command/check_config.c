#include "command/command.h"

#include <stdio.h>
#include <string.h>

/* "…://user:password@…", or libpq's "password=…". */
static bool has_password(const char *text)
{
    const char *authority = strstr(text, "://");
    const char *at = strrchr(text, '@');
    bool in_authority = authority != NULL && at != NULL && at > authority + 3
                        && memchr(authority + 3, ':', (size_t)(at - authority - 3)) != NULL;
    return in_authority || strstr(text, "password=") != NULL;
}

int command_check_config(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "check-config takes no argument '%s'", argv[1]);
    }
    const char *path = config_path(context->config);
    printf("# %s\n", path == NULL ? "no configuration file: defaults and environment" : path);
    for (int option = 0; option < CONFIG_COUNT; option++) {
        const char *text = config_text(context->config, (enum config_option)option);
        printf("%s = %s\n", config_name((enum config_option)option),
               has_password(text) ? "(set; holds a password)" : text);
    }
    return COMMAND_OK;
}
