#include "cache/slots.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE_BYTES = 524288, NOBODY = 65534 };

/* The folder of a test, with the path of the file in it. */
struct place {
    char folder[32];
    char file[48];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/refrain-unit-XXXXXX"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place.folder));
    snprintf(place.file, sizeof place.file, "%s/slots", place.folder);
    return place;
}

static void remove_place(const struct place *place)
{
    CU_ASSERT_EQUAL(unlink(place->file), 0);
    CU_ASSERT_EQUAL(rmdir(place->folder), 0); /* so there was nothing else */
}

static struct cache_slots *open_slots(const struct place *place)
{
    struct cache_slots *slots;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(slots_open(place->folder, &slots, &error), RESULT_OK);
    return slots;
}

static struct cache_subject subject_of(const char *hash)
{
    struct cache_subject subject;
    CU_ASSERT_TRUE_FATAL(cache_subject_parse(slice_text(hash), &subject));
    return subject;
}

static void a_raise_is_seen_by_all_and_outlives_them(void)
{
    struct place place = make_place();
    const struct cache_subject subject = subject_of("0123456789abcdef0123456789abcdef");
    const struct cache_subject same = subject_of("0123ffffffffffffffffffffffffffff");
    const struct cache_subject next = subject_of("0124456789abcdef0123456789abcdef");
    struct cache_slots *one = open_slots(&place);
    struct cache_slots *other = open_slots(&place);
    CU_ASSERT_EQUAL(slots_read(other, &subject), 0);
    slots_raise(one, &subject);
    CU_ASSERT_EQUAL(slots_read(other, &subject), 1);
    slots_raise(other, &same);
    CU_ASSERT_EQUAL(slots_read(one, &subject), 2);
    CU_ASSERT_EQUAL(slots_read(one, &next), 0);
    slots_close(&one);
    CU_ASSERT_PTR_NULL(one);
    slots_close(&one);
    slots_close(&other);
    one = open_slots(&place);
    CU_ASSERT_EQUAL(slots_read(one, &subject), 2);
    slots_close(&one);
    remove_place(&place);
}

static void processes_that_start_at_once_share_one_file(void)
{
    enum { PROCESSES = 8 };
    struct place place = make_place();
    const struct cache_subject subject = subject_of("ffff456789abcdef0123456789abcdef");
    int gate[2], status;
    CU_ASSERT_EQUAL_FATAL(pipe(gate), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            char c;
            struct cache_slots *slots;
            struct error error;
            close(gate[1]);
            bool fine = read(gate[0], &c, 1) == 0
                        && slots_open(place.folder, &slots, &error) == RESULT_OK;
            if (fine) {
                slots_raise(slots, &subject);
            }
            _exit(fine ? 0 : 1);
        }
    }
    close(gate[1]);
    close(gate[0]);
    for (int i = 0; i < PROCESSES; i++) {
        CU_ASSERT_TRUE(wait(&status) > 0 && status == 0);
    }
    struct cache_slots *slots = open_slots(&place);
    CU_ASSERT_EQUAL(slots_read(slots, &subject), PROCESSES);
    slots_close(&slots);
    remove_place(&place);
}

static void *raise_on(void *slots)
{
    const struct cache_subject subject = subject_of("0001456789abcdef0123456789abcdef");
    for (int i = 0; i < 20000; i++) {
        slots_raise(slots, &subject);
    }
    return NULL;
}

static void threads_lose_no_raise(void)
{
    struct place place = make_place();
    struct cache_slots *slots = open_slots(&place);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, raise_on, slots), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    const struct cache_subject subject = subject_of("0001456789abcdef0123456789abcdef");
    CU_ASSERT_EQUAL(slots_read(slots, &subject), 40000);
    slots_close(&slots);
    remove_place(&place);
}

/* Another release maps the same bytes: none of this may ever change. */
static void name_and_layout_are_for_good(void)
{
    struct place place = make_place();
    const struct cache_subject subject = subject_of("8001456789abcdef0123456789abcdef");
    struct cache_slots *slots = open_slots(&place);
    struct stat before, after;
    CU_ASSERT_EQUAL(stat(place.file, &before), 0);
    CU_ASSERT_EQUAL(before.st_size, SIZE_BYTES);
    CU_ASSERT_TRUE(before.st_blocks * 512 >= SIZE_BYTES); /* its room is there */
    CU_ASSERT_EQUAL(before.st_mode & 0777 & 0027, 0);
    slots_raise(slots, &subject);
    uint64_t counter = 0;
    int fd = open(place.file, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(pread(fd, &counter, sizeof counter, 0x8001 * 8), sizeof counter);
    CU_ASSERT_EQUAL(counter, 1);
    close(fd);
    struct cache_slots *other = open_slots(&place);
    CU_ASSERT_EQUAL(stat(place.file, &after), 0);
    CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
    slots_close(&slots);
    slots_close(&other);
    remove_place(&place);
}

static void a_file_of_another_size_is_refused_and_stays(void)
{
    static const off_t sizes[] = {0, 8, SIZE_BYTES - 1, SIZE_BYTES + 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct place place = make_place();
        struct cache_slots *slots;
        struct error error;
        struct stat before, after;
        close(open(place.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        CU_ASSERT_EQUAL(truncate(place.file, sizes[i]), 0);
        CU_ASSERT_EQUAL(stat(place.file, &before), 0);
        CU_ASSERT_EQUAL(slots_open(place.folder, &slots, &error), RESULT_UNAVAILABLE);
        CU_ASSERT_PTR_NULL(slots);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, place.file));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "524288 bytes"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "delete the file"));
        CU_ASSERT_EQUAL(stat(place.file, &after), 0);
        CU_ASSERT_EQUAL(after.st_size, sizes[i]);
        CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
        remove_place(&place);
    }
}

/* Root may write everywhere, so it becomes somebody else. */
static enum result open_as_other(const char *folder, struct error *error)
{
    struct cache_slots *slots;
    bool is_root = geteuid() == 0;
    CU_ASSERT_TRUE_FATAL(!is_root || seteuid(NOBODY) == 0);
    enum result result = slots_open(folder, &slots, error);
    CU_ASSERT_TRUE_FATAL(!is_root || seteuid(0) == 0);
    CU_ASSERT_PTR_NULL(slots);
    return result;
}

static void what_may_not_be_used_is_named(void)
{
    struct place place = make_place();
    struct error error;
    CU_ASSERT_EQUAL(chmod(place.folder, 0555), 0);
    CU_ASSERT_EQUAL(open_as_other(place.folder, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, place.file));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Permission denied"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "paths.runtime must be a folder that refrain may"));
    CU_ASSERT_EQUAL(open_as_other("/nonexistent/folder", &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/nonexistent/folder"));
    CU_ASSERT_EQUAL(chmod(place.folder, 0755), 0);
    struct cache_slots *slots = open_slots(&place);
    CU_ASSERT_EQUAL(chmod(place.file, 0444), 0);
    CU_ASSERT_EQUAL(open_as_other(place.folder, &error), RESULT_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "Permission denied"));
    slots_close(&slots);
    remove_place(&place);
}

static void keys_lead_back_to_their_user(void)
{
    static const char *const foreign[] = {
        "",
        "rf1v:",
        "rf1v:{1}",
        "rf1v:{1}0123456789abcdef0123456789abcde",
        "rf1v:{2}0123456789abcdef0123456789abcdef",
        "rf1v:{01}0123456789abcdef0123456789abcdef",
        "rf1v:{1}0123456789ABCDEF0123456789abcdef",
        "rf1v:{1}0123456789abcdef0123456789abcdef0",
        "rf2v:{1}0123456789abcdef0123456789abcdef",
        "rf1:{1}v0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef",
    };
    char key[CACHE_KEY_MAX];
    struct cache_subject subject = subject_of("fe23456789abcdef0123456789abcdef"), back;
    size_t size = cache_key_version(&subject, key);
    CU_ASSERT_STRING_EQUAL(key, "rf1v:{254}fe23456789abcdef0123456789abcdef");
    CU_ASSERT_EQUAL(strncmp(key, CACHE_VERSION_PREFIX, strlen(CACHE_VERSION_PREFIX)), 0);
    CU_ASSERT_TRUE_FATAL(cache_key_version_parse(slice_of(key, size), &back));
    CU_ASSERT_EQUAL(back.bucket, 254);
    CU_ASSERT_STRING_EQUAL(back.hash, subject.hash);
    CU_ASSERT_EQUAL(back.index, 0xfe23);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        CU_ASSERT_FALSE(cache_key_version_parse(slice_text(foreign[i]), &back));
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_raise_is_seen_by_all_and_outlives_them),
        UNIT_TEST(processes_that_start_at_once_share_one_file),
        UNIT_TEST(threads_lose_no_raise),
        UNIT_TEST(name_and_layout_are_for_good),
        UNIT_TEST(a_file_of_another_size_is_refused_and_stays),
        UNIT_TEST(what_may_not_be_used_is_named),
        UNIT_TEST(keys_lead_back_to_their_user),
    };
    return unit_run("cache slots", tests, sizeof tests / sizeof *tests);
}
