#include "worker/worker.h"

#include "base/clock.h"
#include "command/command.h"
#include "db/migrate.h"

static const int64_t start_max_us = 10000000;

int command_worker(struct command_context *context, int argc, char **argv)
{
    if (argc > 1) {
        return command_misuse(context, "worker takes no argument '%s'", argv[1]);
    }
    struct error error;
    if (db_check_schema(context->db, clock_mono_us() + start_max_us, &error) != RESULT_OK) {
        return command_fail(&error);
    }
    worker_run(context->db);
    return COMMAND_OK;
}
