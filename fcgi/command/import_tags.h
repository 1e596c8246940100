/*
 * `refrain import --tags`: what genres artists are of, from tables of tags.
 */
#ifndef REFRAIN_COMMAND_IMPORT_TAGS_H
#define REFRAIN_COMMAND_IMPORT_TAGS_H

#include "command/command.h"

/* The arguments are those of `import`, of which the first is "--tags". */
command_function command_import_tags;

#endif
