#include "http_fixture.h"

#include "base/clock.h"
#include "base/log.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fixture_start(const struct http_server_options *options)
{
    struct http_server *server;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(http_server_create(options, &server, &error), RESULT_OK);
    fflush(stdout);
    pid_t child = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(child, -1);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_set_level(LOG_ERROR_LEVEL);
        enum result result = http_server_run(server, &error);
        http_server_destroy(&server);
        exit(result == RESULT_OK ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    /* The socket's file is the child's from now on. */
    char moved[128];
    snprintf(moved, sizeof moved, "%s.kept", options->socket_path);
    rename(options->socket_path, moved);
    http_server_destroy(&server);
    rename(moved, options->socket_path);
    return child;
}

int64_t fixture_join(pid_t child)
{
    int64_t start_us = clock_mono_us();
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    return (clock_mono_us() - start_us) / 1000;
}

void fixture_stop(pid_t child)
{
    kill(child, SIGTERM);
    fixture_join(child);
}
