#include "redis/kv.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "fake_redis.h"
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct kv_script script = {"test", "#!lua\nreturn 1"};
static const struct kv_script *const scripts[] = {&script};

/* A call may take long where the machine is busy; where it is to fail, it shall do so soon. */
enum { LONG_MS = 10000, SHORT_MS = 50 };
static struct server_stats stats;

/* A Redis with these rules, and its client. */
static struct kv *open_fake(const struct fake_rule *rules, int timeout_ms,
                            struct fake_redis **fake)
{
    *fake = fake_redis_start(rules);
    const struct kv_options options = {
        .url = fake_redis_url(*fake),
        .pool_size = 2,
        .timeout_ms = timeout_ms,
        .scripts = scripts,
        .scripts_count = 1,
        .stats = &stats,
    };
    struct kv *kv;
    struct error error;
    stats = (struct server_stats){0};
    CU_ASSERT_EQUAL_FATAL(kv_open(&options, &kv, &error), RESULT_OK);
    return kv;
}

static void close_both(struct kv **kv, struct fake_redis **fake)
{
    kv_close(kv);
    fake_redis_stop(fake);
}

/* Runs one command of up to three words. */
static enum result run(struct kv *kv, const char *text, struct kv_batch **batch,
                       struct error *error)
{
    struct slice words[3];
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        words[count++] = slice_of(at, size);
        at += size;
    }
    const struct kv_command command = {.words = words, .words_count = count};
    return kv_run(kv, &command, 1, batch, error);
}

/* Runs a command that goes wrong, and tells its error. */
static const char *failure(struct kv *kv, const char *text)
{
    static struct error error;
    struct kv_batch *batch;
    error.text[0] = '\0';
    CU_ASSERT_EQUAL(run(kv, text, &batch, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(batch);
    return error.text;
}

static enum kv_kind kind_of(struct kv *kv, const char *text)
{
    struct kv_batch *batch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(run(kv, text, &batch, &error), RESULT_OK);
    enum kv_kind kind = kv_reply(batch, 0).kind;
    kv_free(&batch);
    return kind;
}

static void every_kind_of_reply_is_told(void)
{
    static const struct fake_rule rules[] = {
        {"MGET", "*5\r\n$2\r\nab\r\n$-1\r\n:-7\r\n+fine\r\n*2\r\n$0\r\n\r\n*0\r\n", 0},
        {"NIL", "*-1\r\n", 0},
        {NULL, NULL, 0},
    };
    struct fake_redis *fake;
    struct kv *kv = open_fake(rules, LONG_MS, &fake);
    struct kv_batch *batch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(run(kv, "MGET a b", &batch, &error), RESULT_OK);
    struct kv_reply list = kv_reply(batch, 0);
    CU_ASSERT_EQUAL(list.kind, KV_LIST);
    CU_ASSERT_EQUAL(list.items_count, 5);
    CU_ASSERT_TRUE(slice_is(kv_reply_item(&list, 0).text, "ab"));
    CU_ASSERT_EQUAL(kv_reply_item(&list, 1).kind, KV_ABSENT);
    CU_ASSERT_EQUAL(kv_reply_item(&list, 2).kind, KV_NUMBER);
    CU_ASSERT_EQUAL(kv_reply_item(&list, 2).number, -7);
    CU_ASSERT_EQUAL(kv_reply_item(&list, 3).kind, KV_TEXT);
    struct kv_reply inner = kv_reply_item(&list, 4);
    CU_ASSERT_EQUAL(inner.items_count, 2);
    CU_ASSERT_EQUAL(kv_reply_item(&inner, 0).kind, KV_TEXT);
    CU_ASSERT_EQUAL(kv_reply_item(&inner, 0).text.size_bytes, 0);
    CU_ASSERT_EQUAL(kv_reply_item(&inner, 1).kind, KV_LIST);
    CU_ASSERT_EQUAL(kv_reply_item(&list, 5).kind, KV_ABSENT);
    struct kv_reply number = kv_reply_item(&list, 2);
    CU_ASSERT_EQUAL(kv_reply_item(&number, 0).kind, KV_ABSENT);
    CU_ASSERT_EQUAL(kv_reply(batch, 1).kind, KV_ABSENT);
    kv_free(&batch);
    CU_ASSERT_EQUAL(kind_of(kv, "NIL"), KV_ABSENT);
    close_both(&kv, &fake);
}

static void unfit_servers_are_refused_with_their_words(void)
{
    static const struct {
        struct fake_rule rule;
        const char *text;
    } rows[] = {
        {{"INFO server", "$21\r\nredis_version:6.2.1\r\n\r\n", 0},
         "Redis 6.2.1 is too old, 7.0 or newer is needed"},
        {{"INFO replication", "$12\r\nrole:slave\r\n\r\n", 0},
         "this Redis is a replica, redis.url must name its master"},
        {{"AUTH", "-WRONGPASS invalid username-password pair\r\n", 0},
         "Redis: WRONGPASS invalid username-password pair"},
        {{"CLIENT", "-NOAUTH Authentication required.\r\n", 0},
         "Redis: NOAUTH Authentication required."},
        {{"INFO server", "-NOAUTH Authentication required.\r\n", 0},
         "Redis: NOAUTH Authentication required."},
        {{"SCRIPT", "-NOPERM this user has no permissions\r\n", 0},
         "Redis: NOPERM this user has no permissions"},
        {{"SCRIPT", "+OK\r\n", 0}, "Redis gave no hash for the script test"},
        {{"PING", "-LOADING Redis is loading\r\n", 0}, "Redis: LOADING Redis is loading"},
        {{"PING", "-MISCONF no disk\r\n", 0}, "Redis: MISCONF no disk"},
        {{"PING", ":1\r\n", 0}, "Redis: not an answer of Redis"},
        {{"PING", FAKE_SILENT, 0}, "Redis: no answer in time"},
        {{"PING", FAKE_HANGS_UP, 0}, "Redis: Server closed the connection"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {rows[i].rule, {NULL, NULL, 0}};
        struct fake_redis *fake;
        struct kv *kv = open_fake(rules, LONG_MS, &fake);
        CU_ASSERT_STRING_EQUAL(failure(kv, "GET a"), rows[i].text);
        CU_ASSERT_EQUAL(stats.connects_failed, 1);
        CU_ASSERT_EQUAL(stats.breaker, BREAKER_OPEN);
        CU_ASSERT_EQUAL(fake_redis_count(fake, "GET"), 0);
        close_both(&kv, &fake);
    }
}

/* What is logged goes to a file from here to logged(). */
static int saved_stderr = -1;
static FILE *captured;

static void capture(void)
{
    captured = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(captured);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

static const char *logged(void)
{
    static char text[8192];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured);
    text[fread(text, 1, sizeof text - 1, captured)] = '\0';
    fclose(captured);
    return text;
}

static int count(const char *text, const char *what)
{
    int found = 0;
    while ((text = strstr(text, what)) != NULL) {
        found++;
        text += strlen(what);
    }
    return found;
}

static void memory_that_is_set_up_badly_is_told_once(void)
{
    static const struct {
        struct fake_rule rule;
        const char *words; /* of the log */
    } rows[] = {
        {{"INFO memory", "$42\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n\r\n", 0},
         "maxmemory is 0"},
        {{"INFO memory", "$44\r\nmaxmemory:1\r\nmaxmemory_policy:volatile-lfu\r\n\r\n", 0},
         "maxmemory-policy is volatile-lfu"},
        {{"INFO", "-NOPERM this user may not\r\n", 0}, "NOPERM this user may not"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {rows[i].rule, {"GET", "$-1\r\n", 0}, {NULL, NULL, 0}};
        struct fake_redis *fake;
        struct kv *kv = open_fake(rules, LONG_MS, &fake);
        struct kv_batch *first, *second;
        const struct slice get[] = {slice_text("GET"), slice_text("a")};
        const struct kv_command command = {.words = get, .words_count = 2};
        struct error error;
        capture();
        CU_ASSERT_EQUAL_FATAL(kv_begin(kv, &command, 1, &first, &error), RESULT_OK);
        CU_ASSERT_EQUAL_FATAL(kv_begin(kv, &command, 1, &second, &error), RESULT_OK);
        CU_ASSERT_EQUAL(kv_finish(first, &error), RESULT_OK);
        CU_ASSERT_EQUAL(kv_finish(second, &error), RESULT_OK);
        kv_free(&first);
        kv_free(&second);
        const char *log = logged();
        CU_ASSERT_EQUAL(stats.connected, 2);
        CU_ASSERT_EQUAL(count(log, "level=warn"), 1);
        CU_ASSERT_EQUAL(count(log, rows[i].words), 1);
        CU_ASSERT_EQUAL(count(log, "cure="), 1);
        close_both(&kv, &fake);
    }
}

static void memory_is_read(void)
{
    static const struct fake_rule rules[] = {
        {"INFO memory",
         "$121\r\n# Memory\r\nused_memory:1000\r\nused_memory_rss:3\r\nmaxmemory:2000\r\n"
         "mem_fragmentation_bytes:-5\r\nmaxmemory_policy:allkeys-lru\r\n\r\n",
         1},
        {"INFO memory",
         "$85\r\nused_memory:1000\r\nmaxmemory:2000\r\nevicted_keys:9\r\n"
         "maxmemory_policy:allkeys-lru\r\n"
         "x:1\r\n\r\n",
         1},
        {"INFO memory", "-NOPERM no\r\n", 1},
        {NULL, NULL, 0},
    };
    struct fake_redis *fake;
    struct kv *kv = open_fake(rules, LONG_MS, &fake);
    struct kv_memory memory;
    struct error error;
    CU_ASSERT_EQUAL(kv_memory(kv, &memory, &error), RESULT_OK);
    CU_ASSERT_EQUAL(memory.used_bytes, 1000);
    CU_ASSERT_EQUAL(memory.max_bytes, 2000);
    CU_ASSERT_EQUAL(memory.evicted, 9);
    CU_ASSERT_TRUE(memory.policy_fits);
    CU_ASSERT_EQUAL(kv_memory(kv, &memory, &error), RESULT_UNAUTHORIZED);
    CU_ASSERT_STRING_EQUAL(error.text, "Redis: NOPERM no");
    close_both(&kv, &fake);
}

/* Runs the script; its words are gone when the answer is waited for. */
static struct kv_reply run_script(struct kv *kv, struct kv_batch **batch)
{
    char key[] = "key", value[] = "value";
    struct slice words[] = {slice_text(key), slice_text(value)};
    const struct kv_command commands[] = {
        {.words = (const struct slice[]){slice_text("ECHO"), slice_text("before")},
         .words_count = 2},
        {.script = &script, .keys_count = 1, .words = words, .words_count = 2},
        {.words = (const struct slice[]){slice_text("ECHO"), slice_text("after")},
         .words_count = 2},
    };
    struct error error;
    CU_ASSERT_EQUAL_FATAL(kv_begin(kv, commands, 3, batch, &error), RESULT_OK);
    memset(key, 'x', sizeof key - 1);
    memset(words, 0, sizeof words);
    CU_ASSERT_EQUAL_FATAL(kv_finish(*batch, &error), RESULT_OK);
    CU_ASSERT_TRUE(slice_is(kv_reply(*batch, 0).text, "before"));
    CU_ASSERT_TRUE(slice_is(kv_reply(*batch, 2).text, "after"));
    return kv_reply(*batch, 1);
}

static const char evalsha[] = "EVALSHA 01234567890123456789"; /* as much as the fake remembers */

static void a_forgotten_script_is_loaded_and_run_again_once(void)
{
    static const struct fake_rule rules[] = {
        {"EVALSHA", "-NOSCRIPT No matching script.\r\n", 1},
        {"EVALSHA", ":7\r\n", 2},
        {"EVALSHA", "-NOSCRIPT No matching script.\r\n", 0},
        {NULL, NULL, 0},
    };
    struct fake_redis *fake;
    struct kv *kv = open_fake(rules, LONG_MS, &fake);
    struct kv_batch *batch;
    CU_ASSERT_EQUAL(run_script(kv, &batch).number, 7);
    kv_free(&batch);
    CU_ASSERT_EQUAL(fake_redis_count(fake, evalsha), 2);
    CU_ASSERT_EQUAL(fake_redis_count(fake, "SCRIPT LOAD"), 2);
    CU_ASSERT_EQUAL(run_script(kv, &batch).number, 7);
    kv_free(&batch);
    CU_ASSERT_EQUAL(fake_redis_count(fake, evalsha), 3);
    CU_ASSERT_EQUAL(run_script(kv, &batch).kind, KV_REFUSED);
    CU_ASSERT_TRUE(slice_is(kv_reply(batch, 1).text, "NOSCRIPT No matching script."));
    kv_free(&batch);
    CU_ASSERT_EQUAL(fake_redis_count(fake, evalsha), 5);
    CU_ASSERT_EQUAL(fake_redis_count(fake, "ECHO before"), 3);
    CU_ASSERT_EQUAL(stats.connected, 1);
    CU_ASSERT_EQUAL(stats.calls_failed, 0);
    close_both(&kv, &fake);
}

static void what_is_no_reply_breaks_the_connection(void)
{
    static const struct {
        const char *reply;
        const char *text;
        bool takes_time;
    } rows[] = {
        {"hello\r\n", "Protocol error, got \"h\" as reply type byte", false},
        {"$10\r\nabc", "no answer in time", true},
        {"*2\r\n$1\r\na\r\n", "no answer in time", true},
        {"$999999999999\r\nabc", "no answer in time", true},
        {"*16777216\r\n:1\r\n", "Out of memory", false},
        {"*2147483647\r\n:1\r\n", "Out of memory", false},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
         "No support for nested", false},
        {"$-5\r\n", "Bulk string length out of range", false},
        {FAKE_SILENT, "no answer in time", true},
        {FAKE_HANGS_UP, "Server closed the connection", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {{"GET bad", rows[i].reply, 1},
                                          {"GET", "$1\r\nv\r\n", 0},
                                          {NULL, NULL, 0}};
        struct fake_redis *fake;
        struct kv *kv = open_fake(rules, SHORT_MS, &fake);
        int64_t begun_us = clock_mono_us();
        CU_ASSERT_PTR_NOT_NULL(strstr(failure(kv, "GET bad"), rows[i].text));
        int64_t took_us = clock_mono_us() - begun_us;
        CU_ASSERT_TRUE(took_us < 2000000);
        CU_ASSERT_TRUE(!rows[i].takes_time || took_us >= SHORT_MS * 1000);
        CU_ASSERT_EQUAL(stats.connections, 0);
        CU_ASSERT_EQUAL(stats.calls_failed, 1);
        CU_ASSERT_EQUAL(kind_of(kv, "GET good"), KV_TEXT);
        CU_ASSERT_EQUAL(stats.connected, 2);
        CU_ASSERT_EQUAL(stats.breaker, BREAKER_CLOSED);
        close_both(&kv, &fake);
    }
}

static void errors_of_a_command_are_replies(void)
{
    static const struct {
        const char *reply;
        bool is_failure; /* of the server */
    } rows[] = {
        {"-OOM command not allowed\r\n", false},
        {"-MOVED 3999 127.0.0.1:6381\r\n", false},
        {"-BUSY Redis is busy\r\n", false},
        {"-WRONGTYPE Operation\r\n", false},
        {"-NOPERM no\r\n", false},
        {"-NOSCRIPT but this is none\r\n", false},
        {"-READONLY You can't write\r\n", true},
        {"-LOADING Redis is loading\r\n", true},
        {"-MASTERDOWN Link with MASTER is down\r\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {{"SET", rows[i].reply, 0}, {NULL, NULL, 0}};
        struct fake_redis *fake;
        struct kv *kv = open_fake(rules, LONG_MS, &fake);
        CU_ASSERT_EQUAL(kind_of(kv, "SET a b"), KV_REFUSED);
        CU_ASSERT_EQUAL(stats.connections, rows[i].is_failure ? 0 : 1);
        CU_ASSERT_EQUAL(stats.calls_failed, rows[i].is_failure);
        for (int j = 0; j < 4; j++) {
            CU_ASSERT_EQUAL(kind_of(kv, "SET a b"), KV_REFUSED);
        }
        CU_ASSERT_EQUAL(stats.breaker, rows[i].is_failure ? BREAKER_OPEN : BREAKER_CLOSED);
        CU_ASSERT_EQUAL(stats.connected, rows[i].is_failure ? 5 : 1);
        close_both(&kv, &fake);
    }
}

static void a_batch_may_be_large_both_ways(void)
{
    enum { COMMANDS = 300, WORD_BYTES = 10000, WORDS = 3000 };
    struct fake_redis *fake;
    struct kv *kv = open_fake(NULL, LONG_MS, &fake);
    static char bytes[COMMANDS][WORD_BYTES];
    static struct slice words[COMMANDS][2], many[WORDS];
    static struct kv_command commands[COMMANDS + 1];
    for (int i = 0; i < COMMANDS; i++) {
        memset(bytes[i], 'a' + i % 26, WORD_BYTES);
        words[i][0] = slice_text("ECHO");
        words[i][1] = slice_of(bytes[i], WORD_BYTES);
        commands[i] = (struct kv_command){.words = words[i], .words_count = 2};
    }
    for (int i = 0; i < WORDS; i++) {
        many[i] = i == 0 ? slice_text("ECHO") : slice_of(bytes[i % 26], 50);
    }
    commands[COMMANDS] = (struct kv_command){.words = many, .words_count = WORDS};
    struct kv_batch *batch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(kv_run(kv, commands, COMMANDS + 1, &batch, &error), RESULT_OK);
    int right = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        right += slice_equal(kv_reply(batch, i).text, words[i][1]);
    }
    CU_ASSERT_EQUAL(right, COMMANDS);
    CU_ASSERT_TRUE(slice_equal(kv_reply(batch, COMMANDS).text, many[WORDS - 1]));
    kv_free(&batch);
    close_both(&kv, &fake);
}

/* Of a batch of its own. */
static uint64_t node_of(struct kv *kv)
{
    struct kv_batch *batch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(run(kv, "ECHO a", &batch, &error), RESULT_OK);
    uint64_t node = kv_node(batch);
    kv_free(&batch);
    return node;
}

static uint64_t node_with(struct fake_rule rule)
{
    const struct fake_rule rules[] = {rule, {NULL, NULL, 0}};
    struct fake_redis *fake;
    struct kv *kv = open_fake(rules, LONG_MS, &fake);
    uint64_t node = node_of(kv);
    CU_ASSERT_EQUAL(node_of(kv), node);
    close_both(&kv, &fake);
    return node;
}

static void servers_are_told_apart(void)
{
    uint64_t one = node_with((struct fake_rule){"INFO server", "$10\r\nrun_id:1\r\n\r\n", 0});
    uint64_t two = node_with((struct fake_rule){"INFO server", "$10\r\nrun_id:2\r\n\r\n", 0});
    CU_ASSERT_NOT_EQUAL(one, 0);
    CU_ASSERT_NOT_EQUAL(two, 0);
    CU_ASSERT_NOT_EQUAL(one, two);
    CU_ASSERT_EQUAL(
        node_with((struct fake_rule){"INFO server", "$10\r\nrun_id:1\r\n\r\n", 0}), one);
    CU_ASSERT_EQUAL(node_with((struct fake_rule){"INFO", "-NOPERM no\r\n", 0}), 0);
    CU_ASSERT_EQUAL(node_with((struct fake_rule){"INFO server", "$9\r\nrun_id:\r\n\r\n", 0}), 0);
}

static uint64_t history_of(const char *info)
{
    const struct kv_reply reply = {.kind = KV_TEXT, .text = slice_text(info)};
    return kv_history(&reply);
}

static void histories_are_told_apart(void)
{
    uint64_t one = history_of("role:master\r\nmaster_replid:1\r\n");
    CU_ASSERT_NOT_EQUAL(one, 0);
    CU_ASSERT_EQUAL(history_of("# R\r\nrole:master\r\nx:1\r\nmaster_replid:1\r\n"), one);
    CU_ASSERT_NOT_EQUAL(history_of("role:master\r\nmaster_replid:2\r\n"), one);
    CU_ASSERT_EQUAL(history_of("role:slave\r\nmaster_replid:1\r\n"), 0);
    CU_ASSERT_EQUAL(history_of("role:master\r\n"), 0);
    CU_ASSERT_EQUAL(history_of("master_replid:1\r\n"), 0);
    const struct kv_reply refused = {.kind = KV_REFUSED, .text = slice_text("NOPERM no")};
    CU_ASSERT_EQUAL(kv_history(&refused), 0);
}

static void one_that_is_quiet_logs_nothing(void)
{
    static const struct fake_rule rules[] = {
        {"INFO memory", "$42\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n\r\n", 0},
        {"PING", "+PONG\r\n", 1},
        {"PING", "-LOADING Redis is loading\r\n", 0},
        {"GET", FAKE_HANGS_UP, 0},
        {NULL, NULL, 0}};
    struct fake_redis *fake = fake_redis_start(rules);
    const struct kv_options options = {
        .url = fake_redis_url(fake), .pool_size = 1, .timeout_ms = LONG_MS, .is_quiet = true};
    struct kv *kv;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(kv_open(&options, &kv, &error), RESULT_OK);
    capture();
    CU_ASSERT_STRING_EQUAL(failure(kv, "GET a"), "Redis: Server closed the connection");
    CU_ASSERT_STRING_EQUAL(failure(kv, "GET a"), "Redis: LOADING Redis is loading");
    CU_ASSERT_STRING_EQUAL(logged(), "");
    close_both(&kv, &fake);
}

static void a_batch_may_be_left_unfinished(void)
{
    struct fake_redis *fake;
    struct kv *kv = open_fake(NULL, LONG_MS, &fake);
    const struct slice words[] = {slice_text("ECHO"), slice_text("old")};
    const struct kv_command command = {.words = words, .words_count = 2};
    struct kv_batch *batch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(kv_begin(kv, &command, 1, &batch, &error), RESULT_OK);
    kv_free(&batch);
    CU_ASSERT_PTR_NULL(batch);
    kv_free(&batch);
    CU_ASSERT_EQUAL(stats.connections, 0);
    CU_ASSERT_EQUAL_FATAL(run(kv, "ECHO new", &batch, &error), RESULT_OK);
    CU_ASSERT_TRUE(slice_is(kv_reply(batch, 0).text, "new"));
    CU_ASSERT_EQUAL(stats.calls_failed, 0);
    kv_free(&batch);
    close_both(&kv, &fake);
}

static void a_hung_redis_costs_a_few_calls_their_time(void)
{
    static const struct fake_rule hung[] = {{"", FAKE_SILENT, 0}, {NULL, NULL, 0}};
    struct fake_redis *fake;
    struct kv *kv = open_fake(NULL, SHORT_MS, &fake);
    CU_ASSERT_EQUAL(kind_of(kv, "ECHO a"), KV_TEXT);
    fake_redis_change(fake, hung);
    capture();
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_STRING_EQUAL(failure(kv, "ECHO a"), "Redis: no answer in time");
    CU_ASSERT_STRING_EQUAL(failure(kv, "ECHO a"), "Redis: no answer in time");
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_OPEN); /* by the connect of the second */
    int64_t opened_us = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_STRING_EQUAL(failure(kv, "ECHO a"), "Redis: no answer in time");
    }
    CU_ASSERT_TRUE(clock_mono_us() - opened_us < 600000);
    CU_ASSERT_TRUE(opened_us - begun_us < 2000000);
    fake_redis_change(fake, NULL);
    struct kv_batch *batch = NULL;
    struct error error;
    while (run(kv, "ECHO a", &batch, &error) != RESULT_OK
           && clock_mono_us() < opened_us + 10000000) {
        sched_yield();
    }
    CU_ASSERT_PTR_NOT_NULL(batch);
    kv_free(&batch);
    const char *log = logged();
    CU_ASSERT_EQUAL(count(log, "event=redis-away cause=\"Redis: no answer in time\""), 1);
    CU_ASSERT_EQUAL(count(log, "event=redis-back"), 1);
    CU_ASSERT_EQUAL(stats.breaker, BREAKER_CLOSED);
    CU_ASSERT_EQUAL(stats.breaker_opened, 1);
    close_both(&kv, &fake);
}

enum { THREADS = 8, TURNS = 300 };

static void *take_turns(void *context)
{
    struct kv *kv = context;
    for (int i = 0; i < TURNS; i++) {
        char text[32];
        struct kv_batch *batch;
        struct error error;
        int size = snprintf(text, sizeof text, "%d-%lx", i, (unsigned long)pthread_self());
        const struct slice words[] = {slice_text("ECHO"), slice_of(text, (size_t)size)};
        const struct kv_command command = {.words = words, .words_count = 2};
        if (kv_begin(kv, &command, 1, &batch, &error) != RESULT_OK) {
            return kv;
        }
        bool is_mine = i % 50 == 7
                       || (kv_finish(batch, &error) == RESULT_OK
                           && slice_equal(kv_reply(batch, 0).text, words[1]));
        kv_free(&batch);
        if (!is_mine) {
            return kv;
        }
    }
    return NULL;
}

static void answers_go_to_who_asked(void)
{
    struct fake_redis *fake;
    struct kv *kv = open_fake(NULL, LONG_MS, &fake);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_turns, kv), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = kv;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &failed), 0);
        CU_ASSERT_PTR_NULL(failed);
    }
    close_both(&kv, &fake);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_kind_of_reply_is_told),
        UNIT_TEST(unfit_servers_are_refused_with_their_words),
        UNIT_TEST(memory_that_is_set_up_badly_is_told_once),
        UNIT_TEST(memory_is_read),
        UNIT_TEST(a_forgotten_script_is_loaded_and_run_again_once),
        UNIT_TEST(what_is_no_reply_breaks_the_connection),
        UNIT_TEST(errors_of_a_command_are_replies),
        UNIT_TEST(a_batch_may_be_large_both_ways),
        UNIT_TEST(a_batch_may_be_left_unfinished),
        UNIT_TEST(servers_are_told_apart),
        UNIT_TEST(histories_are_told_apart),
        UNIT_TEST(one_that_is_quiet_logs_nothing),
        UNIT_TEST(a_hung_redis_costs_a_few_calls_their_time),
        UNIT_TEST(answers_go_to_who_asked),
    };
    return unit_run("redis_kv", tests, sizeof tests / sizeof *tests);
}
