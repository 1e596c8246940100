#include "real_redis.h"

#include "base/clock.h"
#include "redis/kv.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t start_max_us = 60000000;
enum { POLL_MS = 10, TIMEOUT_MS = 10000, WORDS_MAX = 1024, ANSWER_MAX = 4096 };

struct real_redis {
    char folder[PATH_MAX];
    char socket[PATH_MAX + 16];
    char url[PATH_MAX + 32];
    char answer[ANSWER_MAX];
    struct kv *kv;
    pid_t pid;
};

static void become_version(const struct real_redis *redis)
{
    (void)redis;
    execlp("redis-server", "redis-server", "--version", NULL);
}

static void become_server(const struct real_redis *redis)
{
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis->socket, "--dir",
           redis->folder, "--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu",
           NULL);
}

/* Starts a program that says nothing, and ends when we do. */
static pid_t launch(const struct real_redis *redis, void (*become)(const struct real_redis *))
{
    pid_t pid = fork();
    assert(pid >= 0);
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        become(redis);
        _exit(127);
    }
    return pid;
}

static bool is_installed(void)
{
    int status;
    return waitpid(launch(NULL, become_version), &status, 0) > 0 && status == 0;
}

static bool answers(const struct real_redis *redis)
{
    const struct slice ping = slice_text("PING");
    const struct kv_command command = {.words = &ping, .words_count = 1};
    struct kv_batch *batch;
    struct error error;
    bool ok = kv_run(redis->kv, &command, 1, &batch, &error) == RESULT_OK;
    kv_free(&batch);
    return ok;
}

/* The breaker of the last server's client would keep us waiting, so each server has one of its
 * own. */
static void open_kv(struct real_redis *redis)
{
    const struct kv_options options = {
        .url = redis->url, .pool_size = 1, .timeout_ms = TIMEOUT_MS, .is_quiet = true};
    struct error error;
    assert(kv_open(&options, &redis->kv, &error) == RESULT_OK);
}

void real_redis_begin(struct real_redis *redis)
{
    redis->pid = launch(redis, become_server);
    int64_t deadline_us = clock_mono_us() + start_max_us;
    open_kv(redis);
    while (!answers(redis)) {
        assert(clock_mono_us() < deadline_us);
        assert(waitpid(redis->pid, NULL, WNOHANG) == 0);
        poll(NULL, 0, POLL_MS);
        kv_close(&redis->kv);
        open_kv(redis);
    }
}

void real_redis_end(struct real_redis *redis)
{
    int status;
    kv_close(&redis->kv);
    assert(kill(redis->pid, SIGKILL) == 0);
    assert(waitpid(redis->pid, &status, 0) > 0);
    redis->pid = 0;
}

struct real_redis *real_redis_start(void)
{
    if (!is_installed()) {
        return NULL;
    }
    struct real_redis *redis = calloc(1, sizeof *redis);
    assert(redis != NULL);
    const char *parent = getenv("TMPDIR");
    snprintf(redis->folder, sizeof redis->folder, "%s/refrain-redis-XXXXXX",
             parent != NULL ? parent : "/tmp");
    assert(mkdtemp(redis->folder) != NULL);
    snprintf(redis->socket, sizeof redis->socket, "%s/socket", redis->folder);
    snprintf(redis->url, sizeof redis->url, "unix://%s", redis->socket);
    real_redis_begin(redis);
    return redis;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void real_redis_stop(struct real_redis **redis)
{
    if ((*redis)->pid != 0) {
        real_redis_end(*redis);
    }
    nftw((*redis)->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*redis);
    *redis = NULL;
}

const char *real_redis_url(const struct real_redis *redis)
{
    return redis->url;
}

const char *real_redis_do(struct real_redis *redis, ...)
{
    struct slice words[WORDS_MAX];
    size_t count = 0;
    va_list list;
    va_start(list, redis);
    for (const char *word; (word = va_arg(list, const char *)) != NULL;) {
        assert(count < WORDS_MAX);
        words[count++] = slice_text(word);
    }
    va_end(list);
    const struct kv_command command = {.words = words, .words_count = count};
    struct kv_batch *batch;
    struct error error;
    assert(kv_run(redis->kv, &command, 1, &batch, &error) == RESULT_OK);
    struct kv_reply reply = kv_reply(batch, 0);
    assert(reply.kind != KV_REFUSED);
    snprintf(redis->answer, sizeof redis->answer, "%.*s", SLICE_ARGS(reply.text));
    kv_free(&batch);
    return redis->answer;
}

void real_redis_signal(const struct real_redis *redis, int signal)
{
    assert(kill(redis->pid, signal) == 0);
}
