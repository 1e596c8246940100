#include "http/listener.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64];
static char path[96];
static struct error error;

static void listens_for_user_and_group(void)
{
    struct listener listener;
    struct stat made;
    CU_ASSERT_EQUAL_FATAL(listener_open(&listener, path, &error), RESULT_OK);
    CU_ASSERT_EQUAL(lstat(path, &made), 0);
    CU_ASSERT_EQUAL(made.st_mode, S_IFSOCK | 0660);
    listener_close(&listener);
    CU_ASSERT_EQUAL(listener.socket, -1);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    listener_close(&listener);
}

static void replaces_a_stale_socket(void)
{
    struct listener listener;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
    close(stale);
    CU_ASSERT_EQUAL(listener_open(&listener, path, &error), RESULT_OK);
    listener_close(&listener);
}

static void refuses_what_somebody_needs(void)
{
    struct listener first;
    struct listener second;
    CU_ASSERT_EQUAL_FATAL(listener_open(&first, path, &error), RESULT_OK);
    CU_ASSERT_EQUAL(listener_open(&second, path, &error), RESULT_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is served by another process"));
    CU_ASSERT_EQUAL(access(path, F_OK), 0);

    /* A file that has taken the socket's name is left alone, by either of them. */
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CU_ASSERT_EQUAL(listener_open(&second, path, &error), RESULT_CONFLICT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is no socket"));
    listener_close(&first);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    unlink(path);
}

static void says_what_is_wrong_with_a_path(void)
{
    struct listener listener;
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CU_ASSERT_EQUAL(listener_open(&listener, longest, &error), RESULT_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "1 to 107 bytes, but has 199"));
    CU_ASSERT_EQUAL(listener_open(&listener, "", &error), RESULT_INVALID);
    CU_ASSERT_EQUAL(listener_open(&listener, "/nowhere/at/all.sock", &error), RESULT_UNAVAILABLE);
    CU_ASSERT_EQUAL(listener.socket, -1);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(listens_for_user_and_group),
        UNIT_TEST(replaces_a_stale_socket),
        UNIT_TEST(refuses_what_somebody_needs),
        UNIT_TEST(says_what_is_wrong_with_a_path),
    };
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/refrain-XXXXXX",
             temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL) {
        printf("Bail out! no temporary folder\n");
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof path, "%s/http.sock", folder);
    int status = unit_run("http listener", tests, sizeof tests / sizeof *tests);
    rmdir(folder);
    return status;
}
