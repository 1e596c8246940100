/*
 * What a command has changed is seen when it ends.
 */
#ifndef REFRAIN_COMMAND_TELL_H
#define REFRAIN_COMMAND_TELL_H

#include "command/command.h"

/* Tells the cache that something of this user, by the name as it was given, has changed. Says nothing
 * if the cache cannot be told: the relay does so too, a little later. */
void command_tell_cache(const struct command_context *context, const char *name);

#endif
