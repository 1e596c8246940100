/* Files that are not what they seem, are damaged, or were made to do harm. */
#include "unit.h"

#include "base/buffer.h"
#include "import_fixture.h"
#include "import/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

static struct fixture_outcome outcome;

static const char line[] = "{\"listened_at\":1749780612,\"track_metadata\":{\"track_name\":\"t\","
                           "\"artist_name\":\"a\"}}\n";

static bool fails(const char *path, const char *text)
{
    outcome = fixture_read(path, NULL);
    bool right = outcome.result == RESULT_INVALID && strstr(outcome.error.text, text) != NULL;
    if (!right) {
        printf("# %s: (%s) %s\n", path, result_name(outcome.result), outcome.error.text);
    }
    return right;
}

static bool fails_with(const char *bytes, size_t size, const char *text)
{
    return fails(fixture_file("odd", slice_of(bytes, size)), text);
}

static void no_such_file(void)
{
    CU_ASSERT(fails("/nonexistent/file", "/nonexistent/file: No such file or directory"));
    CU_ASSERT(fails("", "No such file or directory"));
}

static void a_directory(void)
{
    CU_ASSERT(fails("/", "this is a directory, not a file"));
}

static void an_empty_file(void)
{
    CU_ASSERT(fails_with("", 0, "the file is empty"));
    CU_ASSERT(fails_with("\n", 1, "does not look like a listening history"));
    CU_ASSERT(fails_with("\xef\xbb\xbf", 3, "does not look like a listening history"));
}

static void other_encodings(void)
{
    static const char utf16_le[] = "\xff\xfe{\0\"\0a\0\"\0";
    static const char utf16_be[] = "\xfe\xff\0{\0\"\0a\0\"";
    static const char bare[] = "{\0\"\0l\0i\0";
    CU_ASSERT(fails_with(utf16_le, sizeof utf16_le - 1, "this is UTF-16 text, save it as UTF-8"));
    CU_ASSERT(fails_with(utf16_be, sizeof utf16_be - 1, "this is UTF-16 text, save it as UTF-8"));
    CU_ASSERT(fails_with(bare, sizeof bare - 1, "this is not UTF-8 text"));
    CU_ASSERT(fails_with("\x1f\x8b\x08\0\0", 5, "the gzip file is cut short"));
    CU_ASSERT(fails_with("\x7f" "ELF\x02\x01", 6, "does not look like a listening history"));
}

#define ROW(name) "artist,track,uts\n" name ",t,1749780612\n"
#define MORE(name) name ",t,1749780613\n"

static void latin_1_is_no_utf_8(void)
{
    static const char told[] = "this is not UTF-8, perhaps Latin-1 or Windows-1252: save it as";
    CU_ASSERT(fails(fixture_text("odd", ROW("Bj\xf6rk") MORE("x") MORE("Mot\xf6r")), told));
    CU_ASSERT(fails(fixture_text("odd", ROW("\xf6") MORE("\xe9") MORE("\xc3\xb6")), told));
    /* One bad row among good ones, of ASCII or not, is refused by itself. */
    static const char *const texts[] = {
        ROW("Bj\xf6rk") MORE("x") MORE("y"),
        ROW("Bj\xf6rk") MORE("\xc3\xb6") MORE("y"),
        ROW("Bj\xc3\xb6rk") MORE("x") "Bj\xc3",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        outcome = fixture_read(fixture_text("odd", texts[i]), NULL);
        CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
        CU_ASSERT_EQUAL(outcome.listens, 2);
        CU_ASSERT_EQUAL(outcome.refused, 1);
    }
}

static void utf_32_is_told_from_utf_16(void)
{
    CU_ASSERT(fails_with("\xff\xfe\0\0[\0\0\0", 8, "this is UTF-32 text, save it as UTF-8"));
    CU_ASSERT(fails_with("\0\0\xfe\xff\0\0\0[", 8, "this is UTF-32 text, save it as UTF-8"));
    CU_ASSERT(fails_with("[\0\n\0", 4, "save it as UTF-8 if it is UTF-16 or UTF-32"));
}

static void a_byte_order_mark_is_no_matter(void)
{
    struct buffer text = BUFFER_EMPTY;
    buffer_append_format(&text, "\xef\xbb\xbf%s%s", line, line);
    outcome = fixture_read(fixture_file("bom", buffer_slice(&text)), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
    CU_ASSERT_EQUAL(outcome.listens, 2);
    buffer_free(&text);
}

static void other_histories_are_named_as_unknown(void)
{
    static const char *const texts[] = {
        "[1]", "{}", "[{\"artist\":\"x\"}]", "{\"scrobbles\":[]}", "artist,track\na,b\n",
        "a\tb\tc\td\te\tf\n", "{\"listened_at\":1}\n", "track_metadata",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT(fails(fixture_text("odd", texts[i]),
                        "does not look like a listening history; these can be read: exports of ListenB"));
    }
}

static void an_empty_list_holds_no_listens(void)
{
    const struct fixture_member members[] = {{"history.json", slice_text("[]\n")}};
    CU_ASSERT(fails(fixture_text("odd", " [\n]\n"), "/odd holds no listens"));
    CU_ASSERT(fails(fixture_zip("empty.zip", members, 1), "/empty.zip holds no listens"));
    CU_ASSERT(fails(fixture_text("odd", "[][]"), "within zip or gzip"));
}

static void an_array_that_is_cut_short(void)
{
    char text[300];
    snprintf(text, sizeof text, "[%.*s,%.*s", (int)sizeof line - 2, line, 40, line);
    CU_ASSERT(fails(fixture_text("odd", text),
                    "the JSON ends too early, the file seems cut short"));
    CU_ASSERT_EQUAL(outcome.listens, 1);
}

/* A line that is cut is a bad row, since nobody can tell. */
static void lines_that_are_cut_short(void)
{
    char text[300];
    snprintf(text, sizeof text, "%s%.*s", line, 40, line);
    outcome = fixture_read(fixture_text("odd", text), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
    CU_ASSERT_EQUAL(outcome.listens, 1);
    CU_ASSERT_EQUAL(outcome.refused, 1);
    CU_ASSERT_EQUAL(outcome.line, 2);
}

/* A line of blanks inside its object, so long that a bound is met, or not quite. */
static void a_giant_line(void)
{
    struct buffer text = BUFFER_EMPTY;
    for (int over = 0; over < 2; over++) {
        buffer_clear(&text);
        buffer_append_text(&text, line);
        buffer_append(&text, line, sizeof line - 3);
        size_t length = (size_t)INPUT_RECORD_MAX_BYTES - (over ? 0 : 100);
        char *blanks = buffer_reserve(&text, length);
        CU_ASSERT_PTR_NOT_NULL_FATAL(blanks);
        memset(blanks, ' ', length);
        buffer_grown(&text, length);
        buffer_append_text(&text, "}\n");
        const char *path = fixture_file("giant", buffer_slice(&text));
        if (over) {
            outcome = fixture_read(path, NULL);
            CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
            CU_ASSERT_EQUAL(outcome.listens, 1);
            CU_ASSERT_EQUAL(outcome.refused, 1);
            CU_ASSERT_EQUAL(outcome.line, 2);
            CU_ASSERT_STRING_EQUAL(outcome.error.text,
                                   "it is longer than 16 MiB, as no listen is");
        } else {
            outcome = fixture_read(path, NULL);
            CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
            CU_ASSERT_EQUAL(outcome.listens, 2);
        }
    }
    buffer_free(&text);
}

/* ── other forms ── */

static void files_of_other_kinds(void)
{
    static const struct {
        const char *begins;
        const char *reason;
    } kinds[] = {
        {"\n<!DOCTYPE html><html>", "this is a web page or XML, not an export"},
        {"7z\xbc\xaf\x27\x1c....", "this is packed by 7-Zip, unpack it first"},
        {"Rar!\x1a\x07", "this is packed by RAR, unpack it first"},
        {"BZh91AY", "this is packed by bzip2, unpack it first"},
        {"%PDF-1.4", "this is a PDF document"},
        {"SQLite format 3", "this is a database of SQLite"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        CU_ASSERT(fails(fixture_text("odd", kinds[i].begins), kinds[i].reason));
    }
}

/* Packed text, again and again in the same file. */
static struct slice pack(struct slice text, int times, struct buffer *packed)
{
    buffer_clear(packed);
    for (int i = 0; i < times; i++) {
        z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.data,
                           .avail_in = (unsigned)text.size_bytes};
        CU_ASSERT_EQUAL_FATAL(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9,
                                           Z_DEFAULT_STRATEGY),
                              Z_OK);
        size_t room = deflateBound(&stream, stream.avail_in);
        stream.next_out = (unsigned char *)buffer_reserve(packed, room);
        stream.avail_out = (unsigned)room;
        CU_ASSERT_EQUAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
        buffer_grown(packed, room - stream.avail_out);
        deflateEnd(&stream);
    }
    return buffer_slice(packed);
}

static void a_gzip_file(void)
{
    struct buffer packed = BUFFER_EMPTY;
    struct slice gzip = pack(slice_text(line), 3, &packed);
    outcome = fixture_read(fixture_file("odd", gzip), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
    CU_ASSERT_EQUAL(outcome.listens, 3);
    const struct fixture_member members[] = {{"1.jsonl.gz", gzip}, {"2.jsonl", slice_text(line)}};
    outcome = fixture_read(fixture_zip("packed.zip", members, 2), NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
    CU_ASSERT_EQUAL(outcome.listens, 4);
    CU_ASSERT(fails_with(gzip.data, gzip.size_bytes - 4, "the gzip file is cut short"));
    packed.data[gzip.size_bytes / 2] ^= 0x55;
    CU_ASSERT(fails_with(gzip.data, gzip.size_bytes, "the gzip file is damaged"));
    CU_ASSERT(fails(fixture_file("odd", pack(slice_of("PK\3\4", 4), 1, &packed)),
                    "this is a zip within gzip"));
    buffer_free(&packed);
}

static void a_gzip_bomb(void)
{
    struct buffer blanks = BUFFER_EMPTY;
    struct buffer packed = BUFFER_EMPTY;
    size_t length = (size_t)80 << 20;
    char *room = buffer_reserve(&blanks, length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    memset(room, '\n', length);
    memcpy(room, line, strlen(line));
    buffer_grown(&blanks, length);
    CU_ASSERT(fails(fixture_file("odd", pack(buffer_slice(&blanks), 1, &packed)),
                    "unpacks to over 200 times its size, as no history does"));
    buffer_free(&blanks);
    buffer_free(&packed);
}

/* ── zips ── */

static struct slice read_all(const char *path, struct buffer *bytes)
{
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char *room = buffer_reserve(bytes, 1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    buffer_grown(bytes, fread(room, 1, 1 << 20, file));
    fclose(file);
    return buffer_slice(bytes);
}

static void a_zip_without_a_history(void)
{
    const struct fixture_member members[] = {{"photos/1.jpg", slice_text("x")}};
    CU_ASSERT(fails(fixture_zip("odd.zip", members, 1),
                    "is a zip that holds no listening history; these can be"));
    CU_ASSERT(fails_with("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22,
                         "is a zip that holds no listening history"));
}

/* Cut anywhere or with any byte wrong: told, or at least survived. */
static void a_damaged_zip(void)
{
    struct buffer text = BUFFER_EMPTY;
    struct buffer bytes = BUFFER_EMPTY;
    for (int i = 0; i < 50; i++) {
        buffer_append_format(&text, "{\"listened_at\":%d,"
                                    "\"track_metadata\":{\"track_name\":\"t%d\","
                                    "\"artist_name\":\"a\"}}\n", 1749780612 + i, i * i);
    }
    const struct fixture_member members[] = {{"listens/2025/6.jsonl", buffer_slice(&text)}};
    struct slice zip = read_all(fixture_zip("good.zip", members, 1), &bytes);
    for (size_t size = 4; size < zip.size_bytes; size += 1 + size / 40) {
        CU_ASSERT(fails_with(zip.data, size, "is cut short or damaged"));
    }
    char *content = (char *)bytes.data;
    size_t told = 0;
    for (size_t at = 0; at < zip.size_bytes; at += 3) {
        content[at] = (char)(content[at] ^ 0x55);
        outcome = fixture_read(fixture_file("odd", zip), NULL);
        content[at] = (char)(content[at] ^ 0x55);
        told += outcome.result != RESULT_OK;
        CU_ASSERT(outcome.result == RESULT_OK || outcome.result == RESULT_INVALID);
        CU_ASSERT(outcome.result == RESULT_OK || outcome.error.text[0] != '\0');
    }
    CU_ASSERT(told > zip.size_bytes / 6);
    content[60] = (char)(content[60] ^ 0x55); /* in the packed data */
    CU_ASSERT(fails(fixture_file("odd", zip), "listens/2025/6.jsonl: the zip "));
    CU_ASSERT(fails(fixture_path("odd"), "/odd is damaged (Zlib error: data error), download it"));
    buffer_free(&text);
    buffer_free(&bytes);
}

/* What only claims to be so large is refused by what the claim is, before it is looked at. */
static void a_zip_of_a_giant_directory(void)
{
    static const char many[] = "more than 100000 files";
    char end64[4 + 56 + 20 + 22] = "PK\3\4";
    memcpy(end64 + 4, "PK\6\6", 4);
    memcpy(end64 + 4 + 32, "\x80\x84\x1e", 3); /* 2,000,000 files */
    memcpy(end64 + 60, "PK\6\7\0\0\0\0\4", 9);
    memcpy(end64 + 80, "PK\5\6", 4);
    CU_ASSERT(fails_with(end64, sizeof end64, many));
    memset(end64 + 4 + 32, 0, 3);
    memcpy(end64 + 4 + 40, "\1\0\0\2", 4);
    CU_ASSERT(fails_with(end64, sizeof end64, "the zip's directory is over 32 MiB"));
    char end[4 + 22] = "PK\3\4PK\5\6";
    memcpy(end + 4 + 12, "\1\0\0\2", 4);
    CU_ASSERT(fails_with(end, sizeof end, "the zip's directory is over 32 MiB"));
}

static void an_encrypted_zip(void)
{
    const char *path = fixture_path("secret.zip");
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zip);
    zip_int64_t index =
        zip_file_add(zip, "1.jsonl", zip_source_buffer(zip, line, strlen(line), 0), 0);
    CU_ASSERT(index >= 0);
    CU_ASSERT_EQUAL(
        zip_file_set_encryption(zip, (zip_uint64_t)index, ZIP_EM_AES_256, "secret"), 0);
    CU_ASSERT_EQUAL(zip_close(zip), 0);
    CU_ASSERT(fails(path, "1.jsonl: the zip is encrypted, unpack it first"));
}

static void a_zip_bomb(void)
{
    struct buffer blanks = BUFFER_EMPTY;
    size_t length = (size_t)80 << 20;
    char *room = buffer_reserve(&blanks, length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    memset(room, '\n', length);
    memcpy(room, line, strlen(line));
    buffer_grown(&blanks, length);
    const struct fixture_member members[] = {{"listens/2025/6.jsonl", buffer_slice(&blanks)}};
    CU_ASSERT(fails(fixture_zip("bomb.zip", members, 1),
                    "listens/2025/6.jsonl: unpacks to over 200 times the size of the zip"));
    buffer_free(&blanks);
}

static void a_pipe_can_be_read(void)
{
    int ends[2];
    char path[40];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(write(ends[1], line, sizeof line - 1), (ssize_t)sizeof line - 1);
    CU_ASSERT_EQUAL(write(ends[1], line, sizeof line - 1), (ssize_t)sizeof line - 1);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    outcome = fixture_read(path, NULL);
    CU_ASSERT_EQUAL(outcome.result, RESULT_OK);
    CU_ASSERT_EQUAL(outcome.listens, 2);
    close(ends[0]);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(no_such_file),
        UNIT_TEST(a_directory),
        UNIT_TEST(an_empty_file),
        UNIT_TEST(other_encodings),
        UNIT_TEST(latin_1_is_no_utf_8),
        UNIT_TEST(utf_32_is_told_from_utf_16),
        UNIT_TEST(a_byte_order_mark_is_no_matter),
        UNIT_TEST(other_histories_are_named_as_unknown),
        UNIT_TEST(an_empty_list_holds_no_listens),
        UNIT_TEST(an_array_that_is_cut_short),
        UNIT_TEST(lines_that_are_cut_short),
        UNIT_TEST(a_giant_line),
        UNIT_TEST(files_of_other_kinds),
        UNIT_TEST(a_gzip_file),
        UNIT_TEST(a_gzip_bomb),
        UNIT_TEST(a_zip_without_a_history),
        UNIT_TEST(a_damaged_zip),
        UNIT_TEST(a_zip_of_a_giant_directory),
        UNIT_TEST(an_encrypted_zip),
        UNIT_TEST(a_zip_bomb),
        UNIT_TEST(a_pipe_can_be_read),
    };
    fixture_begin();
    int status = unit_run("files", tests, sizeof tests / sizeof *tests);
    fixture_end();
    return status;
}
