#include "real_postgresql.h"

#include "base/clock.h"
#include "db/conn.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t start_max_us = 120000000;
enum { POLL_MS = 20 };

struct real_postgresql {
    char folder[PATH_MAX]; /* of sockets, and of the cluster in it */
    char data[PATH_MAX + 8];
    char url[PATH_MAX + 64];
    char programs[PATH_MAX]; /* where the server's lie */
    pid_t pid;
};

static void name_program(const struct real_postgresql *postgresql, const char *name,
                         char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.*s/%s", PATH_MAX - 16, postgresql->programs, name);
}

/* False if there is no server. */
static bool find_programs(struct real_postgresql *postgresql)
{
    int ends[2];
    assert(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("pg_config", "pg_config", "--bindir", NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *answer = fdopen(ends[0], "r");
    assert(pid > 0 && answer != NULL);
    bool found = fgets(postgresql->programs, PATH_MAX, answer) != NULL;
    fclose(answer);
    waitpid(pid, NULL, 0);
    postgresql->programs[strcspn(postgresql->programs, "\n")] = '\0';
    char program[PATH_MAX];
    name_program(postgresql, "initdb", program);
    return found && access(program, X_OK) == 0;
}

/* PostgreSQL refuses to run as root: then whom Debian's package has made for it runs it. */
static const struct passwd *other_user(void)
{
    return geteuid() == 0 ? getpwnam("postgres") : NULL;
}

static void become_initdb(const struct real_postgresql *postgresql)
{
    char program[PATH_MAX];
    name_program(postgresql, "initdb", program);
    execl(program, "initdb", "-D", postgresql->data, "-U", "refrain", "-A", "trust", "-E", "UTF8",
          "--locale=C.UTF-8", "--no-sync", NULL);
}

static void become_postgres(const struct real_postgresql *postgresql)
{
    char program[PATH_MAX];
    name_program(postgresql, "postgres", program);
    execl(program, "postgres", "-D", postgresql->data, "-k", postgresql->folder, "-c",
          "listen_addresses=", "-c", "fsync=off", NULL);
}

/* Starts a program that says nothing, and ends when we do. */
static pid_t launch(const struct real_postgresql *postgresql,
                    void (*become)(const struct real_postgresql *postgresql))
{
    const struct passwd *user = other_user();
    pid_t pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        if (user != NULL
            && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0
                || setuid(user->pw_uid) != 0)) {
            _exit(126);
        }
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        become(postgresql);
        _exit(127);
    }
    return pid;
}

static void make_folder(struct real_postgresql *postgresql)
{
    const char *parent = getenv("TMPDIR");
    snprintf(postgresql->folder, sizeof postgresql->folder, "%s/refrain-pg-XXXXXX",
             parent != NULL ? parent : "/tmp");
    assert(mkdtemp(postgresql->folder) != NULL);
    const struct passwd *user = other_user();
    assert(user == NULL || chown(postgresql->folder, user->pw_uid, user->pw_gid) == 0);
    snprintf(postgresql->data, sizeof postgresql->data, "%s/data", postgresql->folder);
    snprintf(postgresql->url, sizeof postgresql->url,
             "postgresql://refrain@/postgres?host=%s", postgresql->folder);
}

static void await_answer(const struct real_postgresql *postgresql)
{
    int64_t deadline_us = clock_mono_us() + start_max_us;
    struct db_conn *conn = NULL;
    struct error error;
    while (conn_open(postgresql->url, 0, deadline_us, &conn, &error) != RESULT_OK) {
        assert(clock_mono_us() < deadline_us);
        assert(waitpid(postgresql->pid, NULL, WNOHANG) == 0);
        poll(NULL, 0, POLL_MS);
    }
    conn_close(&conn);
}

struct real_postgresql *real_postgresql_start(void)
{
    struct real_postgresql *postgresql = calloc(1, sizeof *postgresql);
    assert(postgresql != NULL);
    if (!find_programs(postgresql) || (geteuid() == 0 && other_user() == NULL)) {
        free(postgresql);
        return NULL;
    }
    int status;
    make_folder(postgresql);
    assert(waitpid(launch(postgresql, become_initdb), &status, 0) > 0 && status == 0);
    postgresql->pid = launch(postgresql, become_postgres);
    await_answer(postgresql);
    return postgresql;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void real_postgresql_stop(struct real_postgresql **postgresql)
{
    int status;
    assert(kill((*postgresql)->pid, SIGQUIT) == 0);
    assert(waitpid((*postgresql)->pid, &status, 0) > 0);
    nftw((*postgresql)->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*postgresql);
    *postgresql = NULL;
}

const char *real_postgresql_url(const struct real_postgresql *postgresql)
{
    return postgresql->url;
}
