#include "redis/watch.h"

#include "base/clock.h"
#include "fake_redis.h"
#include "real_redis.h"
#include "redis/kv.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONG_US = 20000000, SHORT_US = 50000 };

static struct real_redis *redis;

/* What has been told: all keys, each followed by a blank; "*" for everything. */
struct ear {
    char text[200];
    int count;
};

static void hear(void *context, struct slice key)
{
    struct ear *ear = context;
    size_t used = strlen(ear->text);
    ear->count++;
    if (key.size_bytes == 0) {
        key = slice_text("*");
    }
    snprintf(ear->text + used, sizeof ear->text - used, "%.*s ", SLICE_ARGS(key));
}

static enum result try_open(const char *url, struct ear *ear, struct kv_watch **watch,
                            struct error *error)
{
    const struct kv_watch_options options = {url, "a:", hear, ear};
    *ear = (struct ear){.count = 0};
    *error = (struct error){.text = ""};
    return kv_watch_open(&options, clock_mono_us() + LONG_US, watch, error);
}

static struct kv_watch *open_watch(const char *url, struct ear *ear)
{
    struct kv_watch *watch;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(try_open(url, ear, &watch, &error), RESULT_OK);
    return watch;
}

static void settle(struct kv_watch *watch)
{
    struct error error;
    CU_ASSERT_EQUAL(kv_watch_settle(watch, clock_mono_us() + LONG_US, &error), RESULT_OK);
}

static void every_change_is_told_before_it_settles(void)
{
    struct ear ear;
    real_redis_do(redis, "SET", "a:0", "old", NULL);
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    settle(watch);
    CU_ASSERT_EQUAL(ear.count, 0);
    real_redis_do(redis, "SET", "a:1", "v", NULL);
    real_redis_do(redis, "SET", "b:1", "v", NULL);
    real_redis_do(redis, "GET", "a:1", NULL);
    settle(watch);
    CU_ASSERT_STRING_EQUAL(ear.text, "a:1 ");
    real_redis_do(redis, "SET", "a:1", "v", NULL);
    real_redis_do(redis, "DEL", "a:0", NULL);
    settle(watch);
    CU_ASSERT_STRING_EQUAL(ear.text, "a:1 a:1 a:0 ");
    real_redis_do(redis, "FLUSHALL", NULL);
    settle(watch);
    CU_ASSERT_STRING_EQUAL(ear.text, "a:1 a:1 a:0 * ");
    settle(watch);
    CU_ASSERT_EQUAL(ear.count, 4);
    kv_watch_close(&watch);
    CU_ASSERT_PTR_NULL(watch);
    kv_watch_close(&watch);
}

static void what_is_told_meanwhile_is_heard(void)
{
    struct ear ear;
    struct error error;
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL(kv_watch_listen(watch, begun_us + 20000, &error), RESULT_OK);
    CU_ASSERT_TRUE(clock_mono_us() >= begun_us + 20000);
    real_redis_do(redis, "SET", "a:1", "v", "PX", "1", NULL);
    int64_t deadline_us = clock_mono_us() + LONG_US;
    while (ear.count < 2 && clock_mono_us() < deadline_us) {
        CU_ASSERT_EQUAL_FATAL(kv_watch_listen(watch, clock_mono_us() + 5000, &error), RESULT_OK);
    }
    CU_ASSERT_STRING_EQUAL(ear.text, "a:1 a:1 "); /* set, expired */
    kv_watch_close(&watch);
}

static void a_push_may_be_large(void)
{
    static const char script[] = "for i = 1, 50000 do redis.call('set', 'a:' .. i, i) end";
    struct ear ear;
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    for (int round = 1; round <= 3; round++) {
        real_redis_do(redis, "EVAL", script, "0", NULL);
        settle(watch);
        CU_ASSERT_EQUAL(ear.count, round * 50000);
    }
    kv_watch_close(&watch);
    real_redis_do(redis, "FLUSHALL", NULL);
}

static void evictions_are_told(void)
{
    static const char script[] = "for i = 1, 20000 do redis.call('set', 'a:' .. i, i) end";
    struct ear ear;
    real_redis_do(redis, "EVAL", script, "0", NULL);
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    real_redis_do(redis, "CONFIG", "SET", "maxmemory", "1mb", NULL);
    /* It does so in small portions. */
    int64_t deadline_us = clock_mono_us() + LONG_US;
    while (ear.count < 10000 && clock_mono_us() < deadline_us) {
        settle(watch);
    }
    CU_ASSERT_TRUE(ear.count >= 10000);
    kv_watch_close(&watch);
    real_redis_do(redis, "CONFIG", "SET", "maxmemory", "64mb", NULL);
    real_redis_do(redis, "FLUSHALL", NULL);
}

static void the_server_is_the_one_that_others_ask(void)
{
    const struct kv_options options = {
        .url = real_redis_url(redis), .pool_size = 1, .timeout_ms = 10000, .is_quiet = true};
    const struct slice words[] = {slice_text("CLIENT"), slice_text("LIST")};
    const struct kv_command command = {.words = words, .words_count = 2};
    struct ear ear;
    struct error error;
    struct kv *kv;
    struct kv_batch *batch;
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    CU_ASSERT_EQUAL_FATAL(kv_open(&options, &kv, &error), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(kv_run(kv, &command, 1, &batch, &error), RESULT_OK);
    CU_ASSERT_NOT_EQUAL(kv_node(batch), 0);
    CU_ASSERT_EQUAL(kv_node(batch), kv_watch_node(watch));
    struct slice list = kv_reply(batch, 0).text;
    const char name[] = " name=refrain-watch ";
    CU_ASSERT_PTR_NOT_NULL(memmem(list.data, list.size_bytes, name, sizeof name - 1));
    kv_free(&batch);
    kv_close(&kv);
    kv_watch_close(&watch);
}

static void an_end_is_noticed(void)
{
    struct ear ear;
    struct error error;
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    real_redis_do(redis, "CLIENT", "KILL", "TYPE", "pubsub", NULL);
    CU_ASSERT_EQUAL(kv_watch_listen(watch, clock_mono_us() + LONG_US, &error), RESULT_UNAVAILABLE);
    kv_watch_close(&watch);
    watch = open_watch(real_redis_url(redis), &ear);
    real_redis_do(redis, "CLIENT", "KILL", "TYPE", "pubsub", NULL);
    CU_ASSERT_EQUAL(kv_watch_settle(watch, clock_mono_us() + LONG_US, &error),
                    RESULT_UNAVAILABLE);
    kv_watch_close(&watch);
}

static void silence_is_noticed(void)
{
    struct ear ear;
    struct error error;
    struct kv_watch *watch = open_watch(real_redis_url(redis), &ear);
    real_redis_signal(redis, SIGSTOP);
    int64_t begun_us = clock_mono_us();
    CU_ASSERT_EQUAL(kv_watch_listen(watch, begun_us + SHORT_US, &error), RESULT_OK);
    CU_ASSERT_EQUAL(kv_watch_settle(watch, begun_us + 2 * SHORT_US, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "Redis: no answer in time");
    CU_ASSERT_TRUE(clock_mono_us() - begun_us < LONG_US);
    kv_watch_close(&watch);
    real_redis_signal(redis, SIGCONT);
}

/* Opens a watch as a user who may do what Refrain needs without one, and this. */
static enum result open_with(const char *const rights[4], struct error *error)
{
    struct ear ear;
    struct kv_watch *watch;
    real_redis_do(redis, "ACL", "SETUSER", "default", "reset", "on", "nopass", "~rf*", "+mget",
                  "+ping", "+info", "+client|setname", rights[0], rights[1], rights[2], rights[3],
                  NULL);
    enum result result = try_open(real_redis_url(redis), &ear, &watch, error);
    if (result == RESULT_OK) {
        settle(watch);
    }
    kv_watch_close(&watch);
    return result;
}

static void rights_that_lack_are_named(void)
{
    static const char cure[] = "(watching keys needs the commands +client|id +client|tracking "
                               "+subscribe and the channel &__redis__:invalidate)";
    static const char *const lacking[][4] = {
        {"+client|tracking", "+subscribe", "&__redis__:invalidate"},
        {"+client|id", "+subscribe", "&__redis__:invalidate"},
        {"+client|id", "+client|tracking", "&__redis__:invalidate"},
        {"+client|id", "+client|tracking", "+subscribe"},
    };
    static const char *const enough[4] = {"+client|id", "+client|tracking", "+subscribe",
                                          "&__redis__:invalidate"};
    struct error error;
    real_redis_do(redis, "ACL", "SETUSER", "admin", "on", ">pw", "~*", "&*", "+@all", NULL);
    real_redis_do(redis, "AUTH", "admin", "pw", NULL);
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
        CU_ASSERT_EQUAL(open_with(lacking[i], &error), RESULT_UNAVAILABLE);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Redis: NOPERM"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, cure));
        CU_ASSERT_PTR_NULL(strchr(error.text, '\n'));
    }
    CU_ASSERT_EQUAL(open_with(enough, &error), RESULT_OK);
    real_redis_do(redis, "ACL", "SETUSER", "default", "~*", "&*", "+@all", NULL);
    real_redis_do(redis, "AUTH", "default", "any", NULL);
}

static const char subscribed[] =
    "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n";
#define PUSH(keys) "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n" keys
#define PONG "*2\r\n$4\r\npong\r\n$0\r\n\r\n"

static void unfit_answers_end_the_beginning(void)
{
    static const char cure[] = "+client|id +client|tracking +subscribe and the channel "
                               "&__redis__:invalidate";
    static const struct {
        struct fake_rule rule;
        const char *text;
    } rows[] = {
        {{"CLIENT ID", "-NOPERM no permissions to run 'client|id'\r\n", 0}, cure},
        {{"CLIENT TRACKING", "-NOPERM no permissions to run 'client|tracking'\r\n", 0}, cure},
        {{"SUBSCRIBE", "-NOPERM no permissions to access the channel\r\n", 0}, cure},
        {{"CLIENT ID", "+OK\r\n", 0}, "no number for this connection"},
        {{"CLIENT TRACKING", ":1\r\n", 0}, "no OK for CLIENT TRACKING"},
        {{"SUBSCRIBE", "+OK\r\n", 0}, "no confirmation of SUBSCRIBE"},
        {{"SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n", 0},
         "no confirmation of SUBSCRIBE"},
        {{"SUBSCRIBE", FAKE_HANGS_UP, 0}, "Server closed the connection"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {rows[i].rule,
                                          {"CLIENT ID", ":7\r\n", 0},
                                          {"SUBSCRIBE", subscribed, 0},
                                          {NULL, NULL, 0}};
        struct fake_redis *fake = fake_redis_start(rules);
        struct kv_watch *watch;
        struct ear ear;
        struct error error;
        CU_ASSERT_EQUAL(try_open(fake_redis_url(fake), &ear, &watch, &error), RESULT_UNAVAILABLE);
        CU_ASSERT_PTR_NULL(watch);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, rows[i].text));
        CU_ASSERT_PTR_NULL(strchr(error.text, '\n'));
        fake_redis_stop(&fake);
    }
}

static void unfit_messages_end_the_watch(void)
{
    static const struct {
        const char *message;
        const char *text; /* NULL: it is fit */
    } rows[] = {
        {PONG, NULL},
        {PUSH("*2\r\n$3\r\na:1\r\n$3\r\na:2\r\n") PUSH("$-1\r\n") PONG, NULL},
        {PUSH("*-1\r\n") PONG, NULL},
        {"+PONG\r\n", "neither a push"},
        {"$-1\r\n", "neither a push"},
        {":1\r\n", "neither a push"},
        {"*0\r\n", "neither a push"},
        {"*2\r\n$4\r\npong\r\n$1\r\nx\r\n", "neither a push"},
        {"*2\r\n$4\r\npong\r\n$-1\r\n", "neither a push"},
        {"*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n*1\r\n$3\r\na:1\r\n", "neither a push"},
        {subscribed, "neither a push"},
        {PUSH("$3\r\na:1\r\n"), "neither a push"},
        {PUSH(":1\r\n"), "neither a push"},
        {PUSH("*1\r\n$3\r\nb:1\r\n"), "not watched"},
        {PUSH("*1\r\n$1\r\na\r\n"), "not watched"},
        {PUSH("*1\r\n:1\r\n"), "not watched"},
        {PUSH("*1\r\n$-1\r\n"), "not watched"},
        {"-ERR out of order\r\n", "Redis: ERR out of order"},
        {"hello\r\n", "Protocol error"},
        {FAKE_HANGS_UP, "Server closed the connection"},
        {FAKE_SILENT, "no answer in time"},
        {"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:inva", "no answer in time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fake_rule rules[] = {{"PING", "+PONG\r\n", 1},
                                          {"PING", rows[i].message, 0},
                                          {"CLIENT ID", ":7\r\n", 0},
                                          {"SUBSCRIBE", subscribed, 0},
                                          {NULL, NULL, 0}};
        struct fake_redis *fake = fake_redis_start(rules);
        struct ear ear;
        struct error error = {.text = ""};
        struct kv_watch *watch = open_watch(fake_redis_url(fake), &ear);
        bool takes_time = rows[i].text != NULL && strstr(rows[i].text, "time") != NULL;
        int64_t until_us = clock_mono_us() + (takes_time ? SHORT_US : LONG_US);
        enum result result = kv_watch_settle(watch, until_us, &error);
        CU_ASSERT_EQUAL(result, rows[i].text == NULL ? RESULT_OK : RESULT_UNAVAILABLE);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, rows[i].text == NULL ? "" : rows[i].text));
        CU_ASSERT_TRUE(ear.count == 0 || rows[i].text == NULL);
        kv_watch_close(&watch);
        fake_redis_stop(&fake);
    }
}

static void an_answer_to_no_question_ends_the_watch(void)
{
    static const struct fake_rule rules[] = {{"PING", "+PONG\r\n", 1},
                                             {"PING", PONG PONG, 0},
                                             {"CLIENT ID", ":7\r\n", 0},
                                             {"SUBSCRIBE", subscribed, 0},
                                             {NULL, NULL, 0}};
    struct fake_redis *fake = fake_redis_start(rules);
    struct ear ear;
    struct error error;
    struct kv_watch *watch = open_watch(fake_redis_url(fake), &ear);
    settle(watch);
    CU_ASSERT_EQUAL(kv_watch_listen(watch, clock_mono_us() + LONG_US, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_STRING_EQUAL(error.text, "Redis: an answer to no PING");
    kv_watch_close(&watch);
    fake_redis_stop(&fake);
}

static void a_wrong_url_is_named(void)
{
    struct ear ear;
    struct error error;
    struct kv_watch *watch;
    CU_ASSERT_EQUAL(try_open("http://x", &ear, &watch, &error), RESULT_INVALID);
    CU_ASSERT_PTR_NULL(watch);
    CU_ASSERT_EQUAL(try_open("unix:///nonexistent", &ear, &watch, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(watch);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_change_is_told_before_it_settles),
        UNIT_TEST(what_is_told_meanwhile_is_heard),
        UNIT_TEST(a_push_may_be_large),
        UNIT_TEST(evictions_are_told),
        UNIT_TEST(the_server_is_the_one_that_others_ask),
        UNIT_TEST(an_end_is_noticed),
        UNIT_TEST(silence_is_noticed),
        UNIT_TEST(rights_that_lack_are_named),
        UNIT_TEST(unfit_answers_end_the_beginning),
        UNIT_TEST(unfit_messages_end_the_watch),
        UNIT_TEST(an_answer_to_no_question_ends_the_watch),
        UNIT_TEST(a_wrong_url_is_named),
    };
    redis = real_redis_start();
    if (redis == NULL) {
        printf("1..0 # SKIP no Redis server is installed\n");
        return EXIT_SUCCESS;
    }
    int status = unit_run("redis watch", tests, sizeof tests / sizeof *tests);
    real_redis_stop(&redis);
    return status;
}
