#include "cache/vigil.h"

#include "base/clock.h"
#include "cache/protocol.h"
#include "fake_redis.h"
#include "real_redis.h"
#include "unit.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t wait_max_us = 60000000;
enum { TIMEOUT_MS = 10000 };

static struct real_redis *redis;

/* Everything that a vigil needs, and three users: the first two share a bucket. */
struct scene {
    char folder[32];
    struct cache_slots *slots;
    struct cache_metrics *metrics;
    struct vigil *vigil;
    struct cache_subject ann, bob, eve;
    int saved_stderr;
    FILE *log;
    char text[16384];
};

static struct cache_subject subject_of(const char *hash)
{
    struct cache_subject subject;
    CU_ASSERT_TRUE_FATAL(cache_subject_parse(slice_text(hash), &subject));
    return subject;
}

/* What is logged from here on goes to a file. */
static void begin(struct scene *scene, const char *url)
{
    struct error error;
    *scene = (struct scene){.folder = "/tmp/refrain-unit-XXXXXX",
                            .ann = subject_of("07110000000000000000000000000000"),
                            .bob = subject_of("07120000000000000000000000000000"),
                            .eve = subject_of("08110000000000000000000000000000")};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(scene->folder));
    CU_ASSERT_EQUAL_FATAL(slots_open(scene->folder, &scene->slots, &error), RESULT_OK);
    CU_ASSERT_EQUAL_FATAL(cache_metrics_open(scene->folder, &scene->metrics, &error), RESULT_OK);
    scene->log = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene->log);
    fflush(stderr);
    scene->saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(scene->log), STDERR_FILENO);
    const struct vigil_options options = {url, TIMEOUT_MS, scene->slots, scene->metrics};
    CU_ASSERT_EQUAL_FATAL(vigil_start(&options, &scene->vigil, &error), RESULT_OK);
}

static void end(struct scene *scene)
{
    char path[64];
    vigil_stop(&scene->vigil);
    CU_ASSERT_PTR_NULL(scene->vigil);
    dup2(scene->saved_stderr, STDERR_FILENO);
    close(scene->saved_stderr);
    fclose(scene->log);
    slots_close(&scene->slots);
    cache_metrics_close(&scene->metrics);
    snprintf(path, sizeof path, "%s/slots", scene->folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
    snprintf(path, sizeof path, "%s/metrics", scene->folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(scene->folder), 0);
    if (redis != NULL) {
        real_redis_do(redis, "FLUSHALL", NULL);
    }
}

/* How often the log has these words. */
static int logged(struct scene *scene, const char *words)
{
    int count = 0;
    ssize_t size = pread(fileno(scene->log), scene->text, sizeof scene->text - 1, 0);
    scene->text[size > 0 ? size : 0] = '\0';
    for (const char *at = scene->text; (at = strstr(at, words)) != NULL; at += strlen(words)) {
        count++;
    }
    return count;
}

static struct cache_totals totals_of(const struct scene *scene)
{
    struct cache_totals totals;
    cache_metrics_read(scene->metrics, &totals);
    return totals;
}

static bool vouches(const struct scene *scene, const struct cache_subject *subject,
                    uint64_t sighting)
{
    return vigil_vouches(scene->vigil, subject, sighting, clock_boot_us());
}

static bool is_trusted(const struct scene *scene, const struct cache_subject *subject)
{
    return vouches(scene, subject, vigil_sighting(scene->vigil, subject));
}

/* Waits until a condition holds, up to a deadline. */
#define EXPECT_SOON(condition)                                                                     \
    do {                                                                                           \
        int64_t deadline_us = clock_mono_us() + wait_max_us;                                       \
        while (!(condition) && clock_mono_us() < deadline_us) {                                    \
            poll(NULL, 0, 2);                                                                      \
        }                                                                                          \
        CU_ASSERT_TRUE(condition);                                                                 \
    } while (0)

/* A live heartbeat; it stays until it is set anew. */
struct beat {
    int bucket;
    int64_t age_us;
    int epoch, people, catalogue, model;
};

static void set_beat(const struct beat *beat)
{
    char key[CACHE_KEY_MAX], value[200];
    cache_key_heartbeat(beat->bucket, key);
    snprintf(value, sizeof value, "L 00000000000000000000000000000000 %d %" PRId64 " %d %d %d",
             beat->epoch, clock_host_us() - beat->age_us, beat->people, beat->catalogue,
             beat->model);
    real_redis_do(redis, "SET", key, value, NULL);
}

/* Heartbeats that stay young for as long as any test takes, by the clock of a database that is
 * ahead: then only the age of the look counts. */
static const int64_t ahead_us = -3600000000;

static void set_beats(const struct scene *scene)
{
    const struct beat beat = {.bucket = scene->ann.bucket, .age_us = ahead_us};
    const struct beat other = {.bucket = scene->eve.bucket, .age_us = ahead_us};
    set_beat(&beat);
    set_beat(&other);
    EXPECT_SOON(is_trusted(scene, &scene->ann) && is_trusted(scene, &scene->eve));
}

static void begin_trusted(struct scene *scene)
{
    begin(scene, real_redis_url(redis));
    set_beats(scene);
    CU_ASSERT_NOT_EQUAL(vigil_node(scene->vigil), 0);
}

static void set_version(const struct cache_subject *subject)
{
    char key[CACHE_KEY_MAX];
    cache_key_version(subject, key);
    real_redis_do(redis, "SET", key, "1 2 3 4", NULL);
}

static void a_push_ends_what_is_known_of_its_user(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    uint64_t bob = vigil_sighting(scene.vigil, &scene.bob);
    set_version(&scene.ann);
    EXPECT_SOON(vigil_sighting(scene.vigil, &scene.ann) != ann);
    CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.ann), ann + 1);
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.bob), bob);
    EXPECT_SOON(vouches(&scene, &scene.bob, bob));
    EXPECT_SOON(is_trusted(&scene, &scene.ann));
    real_redis_do(redis, "SET", "rf1v:{7}of nobody", "v", NULL);
    EXPECT_SOON(totals_of(&scene).counters[CACHE_COUNT_L1_PUSHES] == 2);
    CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.bob), bob);
    CU_ASSERT_EQUAL(totals_of(&scene).levels[CACHE_LEVEL_L1_TRUSTED_BUCKETS], 2);
    CU_ASSERT_EQUAL(totals_of(&scene).counters[CACHE_COUNT_L1_TRUST_LOSSES], 0);
    end(&scene);
}

static void a_write_of_this_host_ends_it_at_once(void)
{
    struct scene scene;
    struct cache_slots *writer;
    struct error error;
    begin_trusted(&scene);
    CU_ASSERT_EQUAL_FATAL(slots_open(scene.folder, &writer, &error), RESULT_OK);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    uint64_t bob = vigil_sighting(scene.vigil, &scene.bob);
    slots_raise(writer, &scene.ann);
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    EXPECT_SOON(is_trusted(&scene, &scene.ann) && vouches(&scene, &scene.bob, bob));
    slots_close(&writer);
    end(&scene);
}

static void a_flush_ends_it_for_all(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    uint64_t eve = vigil_sighting(scene.vigil, &scene.eve);
    real_redis_do(redis, "FLUSHALL", NULL);
    set_beats(&scene);
    /* Redis tells of it when it has answered. */
    EXPECT_SOON(!vouches(&scene, &scene.ann, ann));
    EXPECT_SOON(!vouches(&scene, &scene.eve, eve));
    /* One that is not there for one look has been counted as lost, so the flush is counted too. */
    EXPECT_SOON(totals_of(&scene).counters[CACHE_COUNT_L1_PUSHES] == 1);
    end(&scene);
}

static void a_lost_connection_ends_it_for_all(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t node = vigil_node(scene.vigil);
    for (int i = 1; i <= 3; i++) {
        uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
        uint64_t eve = vigil_sighting(scene.vigil, &scene.eve);
        real_redis_do(redis, "CLIENT", "KILL", "TYPE", "pubsub", NULL);
        EXPECT_SOON(vigil_sighting(scene.vigil, &scene.ann) >= ann + 2);
        EXPECT_SOON(is_trusted(&scene, &scene.ann));
        CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.ann), ann + 2); /* end, beginning */
        CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
        CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann + 1));
        CU_ASSERT_FALSE(vouches(&scene, &scene.eve, eve));
        CU_ASSERT_EQUAL(vigil_node(scene.vigil), node);
        EXPECT_SOON(logged(&scene, "vigil-watches") == i + 1);
        CU_ASSERT_EQUAL(logged(&scene, "vigil-lost"), i);
        CU_ASSERT_EQUAL(totals_of(&scene).counters[CACHE_COUNT_L1_TRUST_LOSSES], (uint64_t)i);
    }
    end(&scene);
}

static void what_comes_while_nobody_watches_ends_it(void)
{
    struct scene scene;
    begin_trusted(&scene);
    real_redis_end(redis);
    EXPECT_SOON(logged(&scene, "vigil-lost") == 1);
    EXPECT_SOON(vigil_node(scene.vigil) == 0);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    CU_ASSERT_FALSE(is_trusted(&scene, &scene.ann));
    CU_ASSERT_EQUAL(totals_of(&scene).levels[CACHE_LEVEL_L1_TRUSTED_BUCKETS], 0);
    /* Several tries, and not a line more. */
    EXPECT_SOON(vigil_sighting(scene.vigil, &scene.ann) >= ann + 3);
    ann = vigil_sighting(scene.vigil, &scene.ann);
    real_redis_begin(redis);
    set_beats(&scene);
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    CU_ASSERT_EQUAL(logged(&scene, "vigil-lost"), 1);
    EXPECT_SOON(logged(&scene, "vigil-watches") == 2);
    CU_ASSERT_EQUAL(logged(&scene, "redis-"), 0);
    end(&scene);
}

static void trust_ends_with_the_heartbeat(void)
{
    struct scene scene;
    char key[CACHE_KEY_MAX];
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    uint64_t eve = vigil_sighting(scene.vigil, &scene.eve);
    cache_key_heartbeat(scene.ann.bucket, key);
    real_redis_do(redis, "SET", key, "B 00000000000000000000000000000000", NULL);
    EXPECT_SOON(!is_trusted(&scene, &scene.ann));
    CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.ann), ann);
    EXPECT_SOON(vouches(&scene, &scene.eve, eve));
    EXPECT_SOON(totals_of(&scene).levels[CACHE_LEVEL_L1_TRUSTED_BUCKETS] == 1);
    set_beats(&scene);
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann)); /* the very same heartbeat is back */
    EXPECT_SOON(vouches(&scene, &scene.eve, eve));
    end(&scene);
}

static void trust_ends_soon_without_looks(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    for (int i = 0; i < 50; i++) {
        int64_t now_us = clock_boot_us();
        CU_ASSERT_FALSE(
            vigil_vouches(scene.vigil, &scene.ann, ann, now_us + CACHE_LOOK_TRUST_MS * 1000));
        poll(NULL, 0, 5);
    }
    real_redis_signal(redis, SIGSTOP);
    int64_t stopped_us = clock_boot_us();
    EXPECT_SOON(!vouches(&scene, &scene.ann, ann));
    /* Later than the last look has ended, a further one has not begun before. */
    CU_ASSERT_FALSE(vigil_vouches(scene.vigil, &scene.ann, ann,
                                  stopped_us + CACHE_LOOK_TRUST_MS * 1000));
    real_redis_signal(redis, SIGCONT);
    EXPECT_SOON(is_trusted(&scene, &scene.ann));
    end(&scene);
}

static void what_is_known_outlives_looks_that_fail(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    real_redis_do(redis, "ACL", "SETUSER", "default", "-mget", NULL);
    EXPECT_SOON(logged(&scene, "vigil-lost") == 1);
    CU_ASSERT_EQUAL(logged(&scene, "NOPERM"), 1);
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    real_redis_do(redis, "ACL", "SETUSER", "default", "+mget", NULL);
    EXPECT_SOON(vouches(&scene, &scene.ann, ann)); /* for nothing was missed */
    EXPECT_SOON(logged(&scene, "vigil-watches") == 2);
    CU_ASSERT_EQUAL(totals_of(&scene).counters[CACHE_COUNT_L1_TRUST_LOSSES], 1);
    end(&scene);
}

static void an_old_heartbeat_is_not_trusted(void)
{
    struct scene scene;
    const int64_t bound_us = 2 * CACHE_HEARTBEAT_MS * INT64_C(1000);
    begin_trusted(&scene);
    const struct beat old = {.bucket = scene.ann.bucket, .age_us = bound_us};
    set_beat(&old);
    EXPECT_SOON(!is_trusted(&scene, &scene.ann));
    /* Two further looks, as the other bucket's trust tells, and the last of them saw it all. */
    for (int epoch = 2; epoch < 4; epoch++) {
        uint64_t eve = vigil_sighting(scene.vigil, &scene.eve);
        const struct beat other = {
            .bucket = scene.eve.bucket, .age_us = ahead_us, .epoch = epoch};
        set_beat(&other);
        EXPECT_SOON(vigil_sighting(scene.vigil, &scene.eve) != eve);
        CU_ASSERT_FALSE(is_trusted(&scene, &scene.ann));
    }
    int64_t ends_us = clock_mono_us() + bound_us - 1200000;
    const struct beat young = {.bucket = scene.ann.bucket, .age_us = 1200000};
    set_beat(&young);
    int64_t late_us = clock_mono_us() + bound_us - 1200000;
    EXPECT_SOON(is_trusted(&scene, &scene.ann) || clock_mono_us() > ends_us);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    EXPECT_SOON(clock_mono_us() > ends_us - 200000);
    CU_ASSERT_FALSE(vigil_vouches(scene.vigil, &scene.ann, ann, late_us));
    EXPECT_SOON(clock_mono_us() > late_us);
    CU_ASSERT_FALSE(is_trusted(&scene, &scene.ann));
    end(&scene);
}

static void the_round_that_was_looked_at_is_told(void)
{
    struct scene scene;
    begin_trusted(&scene);
    int64_t first_us = vigil_round_us(scene.vigil, &scene.ann);
    const struct beat later = {.bucket = scene.ann.bucket, .age_us = ahead_us - 1000000};
    set_beat(&later);
    EXPECT_SOON(vigil_round_us(scene.vigil, &scene.ann) > first_us + 900000);
    const struct beat older = {.bucket = scene.ann.bucket, .age_us = ahead_us + 1000000};
    set_beat(&older);
    EXPECT_SOON(vigil_round_us(scene.vigil, &scene.ann) < first_us);
    end(&scene);
}

static void a_new_epoch_or_generation_ends_it_for_the_bucket(void)
{
    struct scene scene;
    begin_trusted(&scene);
    const int bucket = scene.ann.bucket;
    const struct beat beats[] = {
        {.bucket = bucket, .age_us = ahead_us, .epoch = 1},
        {.bucket = bucket, .age_us = ahead_us, .epoch = 1, .people = 1},
        {.bucket = bucket, .age_us = ahead_us, .epoch = 1, .people = 1, .catalogue = 1},
        {.bucket = bucket, .age_us = ahead_us, .epoch = 1, .people = 1, .catalogue = 1, .model = 1},
    };
    uint64_t eve = vigil_sighting(scene.vigil, &scene.eve);
    for (size_t i = 0; i < sizeof beats / sizeof *beats; i++) {
        uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
        set_beat(&beats[i]);
        EXPECT_SOON(vigil_sighting(scene.vigil, &scene.ann) != ann);
        set_beat(&beats[i]); /* another time alone is nothing new */
        EXPECT_SOON(vouches(&scene, &scene.ann, ann + 1));
    }
    CU_ASSERT_EQUAL(vigil_sighting(scene.vigil, &scene.eve), eve);
    end(&scene);
}

static void a_replica_is_not_trusted(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    real_redis_do(redis, "REPLICAOF", "127.0.0.1", "1", NULL);
    EXPECT_SOON(logged(&scene, "vigil-lost") == 1);
    EXPECT_SOON(vigil_node(scene.vigil) == 0);
    CU_ASSERT_FALSE(is_trusted(&scene, &scene.ann));
    real_redis_do(redis, "REPLICAOF", "NO", "ONE", NULL);
    EXPECT_SOON(is_trusted(&scene, &scene.ann));
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    end(&scene);
}

/* Between two looks it may have got other data. */
static void a_server_that_was_a_replica_is_another_one(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    real_redis_do(redis, "MULTI", NULL);
    real_redis_do(redis, "REPLICAOF", "127.0.0.1", "1", NULL);
    real_redis_do(redis, "REPLICAOF", "NO", "ONE", NULL);
    real_redis_do(redis, "EXEC", NULL);
    EXPECT_SOON(logged(&scene, "the data of another one") == 1);
    EXPECT_SOON(is_trusted(&scene, &scene.ann));
    CU_ASSERT_FALSE(vouches(&scene, &scene.ann, ann));
    end(&scene);
}

#define RUN_ID(c) "$19\r\nrun_id:" #c "234567890\r\n\r\n"
#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n"

static void two_servers_behind_one_url_are_not_trusted(void)
{
    static const struct fake_rule two[] = {{"INFO server", RUN_ID(1), 1},
                                           {"INFO server", RUN_ID(2), 0},
                                           {"CLIENT ID", ":7\r\n", 0},
                                           {"SUBSCRIBE", SUBSCRIBED, 0},
                                           {"MGET", "*0\r\n", 0},
                                           {NULL, NULL, 0}};
    static const struct fake_rule silent[] = {{"INFO server", "-NOPERM no\r\n", 0},
                                              {"CLIENT ID", ":7\r\n", 0},
                                              {"SUBSCRIBE", SUBSCRIBED, 0},
                                              {"MGET", "*0\r\n", 0},
                                              {NULL, NULL, 0}};
    static const struct {
        const struct fake_rule *rules;
        const char *text;
    } rows[] = {
        {two, "more than one Redis"},
        {silent, "let its user run INFO (+info)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene;
        struct fake_redis *fake = fake_redis_start(rows[i].rules);
        begin(&scene, fake_redis_url(fake));
        EXPECT_SOON(fake_redis_count(fake, "MGET") > 0);
        EXPECT_SOON(logged(&scene, rows[i].text) == 1);
        CU_ASSERT_EQUAL(vigil_node(scene.vigil), 0);
        CU_ASSERT_FALSE(is_trusted(&scene, &scene.ann));
        end(&scene);
        fake_redis_stop(&fake);
    }
}

#ifdef REFRAIN_FAILPOINTS
static char failpoints[] = "/tmp/refrain-unit-XXXXXX"; /* known before there are threads */

static const char *failpoint_path(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", failpoints, name);
    return path;
}

static void order(const char *name, const char *what)
{
    FILE *file = fopen(failpoint_path(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(what, file);
    fclose(file);
}

/* The PING after the heartbeats: what was pushed before they were read is counted before they are
 * trusted, however long counting takes. */
static void trust_comes_after_the_pushes(void)
{
    struct scene scene;
    begin_trusted(&scene);
    uint64_t ann = vigil_sighting(scene.vigil, &scene.ann);
    order("after_heartbeats", "block");
    EXPECT_SOON(!vouches(&scene, &scene.ann, ann));
    CU_ASSERT_EQUAL(unlink(failpoint_path("after_heartbeats.hit")), 0);
    order("on_push", "delay 200");
    set_version(&scene.ann);
    CU_ASSERT_EQUAL(unlink(failpoint_path("after_heartbeats")), 0);
    bool was_wrong = false;
    EXPECT_SOON((was_wrong = was_wrong || vouches(&scene, &scene.ann, ann))
                || vigil_sighting(scene.vigil, &scene.ann) != ann);
    CU_ASSERT_FALSE(was_wrong);
    EXPECT_SOON(is_trusted(&scene, &scene.ann));
    end(&scene);
    CU_ASSERT_EQUAL(unlink(failpoint_path("on_push")), 0);
    CU_ASSERT_EQUAL(unlink(failpoint_path("on_push.hit")), 0);
}
#endif

static void a_wrong_url_is_named(void)
{
    const struct vigil_options options = {.redis_url = "http://x", .timeout_ms = TIMEOUT_MS};
    struct vigil *vigil;
    struct error error;
    CU_ASSERT_EQUAL(vigil_start(&options, &vigil, &error), RESULT_INVALID);
    CU_ASSERT_PTR_NULL(vigil);
    vigil_stop(&vigil);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_push_ends_what_is_known_of_its_user),
        UNIT_TEST(a_write_of_this_host_ends_it_at_once),
        UNIT_TEST(a_flush_ends_it_for_all),
        UNIT_TEST(a_lost_connection_ends_it_for_all),
        UNIT_TEST(what_comes_while_nobody_watches_ends_it),
        UNIT_TEST(trust_ends_with_the_heartbeat),
        UNIT_TEST(trust_ends_soon_without_looks),
        UNIT_TEST(what_is_known_outlives_looks_that_fail),
        UNIT_TEST(an_old_heartbeat_is_not_trusted),
        UNIT_TEST(the_round_that_was_looked_at_is_told),
        UNIT_TEST(a_new_epoch_or_generation_ends_it_for_the_bucket),
        UNIT_TEST(a_replica_is_not_trusted),
        UNIT_TEST(a_server_that_was_a_replica_is_another_one),
        UNIT_TEST(two_servers_behind_one_url_are_not_trusted),
#ifdef REFRAIN_FAILPOINTS
        UNIT_TEST(trust_comes_after_the_pushes),
#endif
        UNIT_TEST(a_wrong_url_is_named),
    };
#ifdef REFRAIN_FAILPOINTS
    if (mkdtemp(failpoints) == NULL || setenv("REFRAIN_FAILPOINTS", failpoints, 1) != 0) {
        return EXIT_FAILURE;
    }
#endif
    redis = real_redis_start();
    if (redis == NULL) {
        printf("1..0 # SKIP no Redis server is installed\n");
        return EXIT_SUCCESS;
    }
    int status = unit_run("cache vigil", tests, sizeof tests / sizeof *tests);
    real_redis_stop(&redis);
#ifdef REFRAIN_FAILPOINTS
    rmdir(failpoints);
#endif
    return status;
}
