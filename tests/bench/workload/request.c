#include "request.h"

#include "base/hash.h"
#include "base/text.h"
#include "listen/listen.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

enum { WINDOW_S = 14 * 86400, RELEASE_TRACKS = 12 };

struct names {
    char artist[32], track[32], release[32];
};

static struct names names_of(int track)
{
    struct names names;
    snprintf(names.artist, sizeof names.artist, "Artist %d", track / PLAN_ARTIST_TRACKS);
    snprintf(names.track, sizeof names.track, "Track %d", track);
    snprintf(names.release, sizeof names.release, "Release %d", track / RELEASE_TRACKS);
    return names;
}

/* ── paths ── */

static void append_day(struct buffer *to, int64_t time_s)
{
    struct tm day;
    time_t time = time_s;
    char text[16];
    gmtime_r(&time, &day);
    strftime(text, sizeof text, "%Y-%m-%d", &day);
    buffer_append_text(to, text);
}

static void append_msid(struct buffer *to, int track, bool is_release)
{
    struct names names = names_of(track);
    const struct listen listen = {.artist_name = slice_text(names.artist),
                                  .track_name = slice_text(names.track),
                                  .release_name = slice_text(names.release)};
    struct arena *arena = arena_create();
    struct listen_ids ids;
    struct listen_keys keys;
    char text[UUID_TEXT_SIZE];
    if (arena != NULL && listen_identify(&listen, arena, &ids, &keys) == RESULT_OK) {
        text_format_uuid(is_release ? ids.release.msid : ids.artist.msid, text);
        buffer_append_text(to, text);
    } else {
        to->failed = true;
    }
    arena_destroy(&arena);
}

static void append_part(struct buffer *to, struct slice name, const struct plan_event *event,
                        const struct person *person, int64_t now_s)
{
    int64_t past_s = now_s - event->past_s;
    if (slice_is(name, "name")) {
        buffer_append_text(to, person->path_name);
    } else if (slice_is(name, "range")) {
        buffer_append_text(to, mix_ranges[event->range].name);
    } else if (slice_is(name, "compared")) {
        int range = event->range != MIX_RANGE_ALL ? event->range : MIX_RANGE_OWN;
        buffer_append_text(to, mix_ranges[range].name);
    } else if (slice_is(name, "artist") || slice_is(name, "release")) {
        append_msid(to, event->track, slice_is(name, "release"));
    } else if (slice_is(name, "past")) {
        buffer_append_int(to, past_s);
    } else if (slice_is(name, "from")) {
        append_day(to, past_s);
    } else {
        assert(slice_is(name, "to"));
        append_day(to, past_s + WINDOW_S);
    }
}

void request_write_path(const struct plan_event *event, const struct person *person, int64_t now_s,
                        struct buffer *to)
{
    const char *at = mix_endpoints[event->endpoint].path;
    if (at == NULL) {
        buffer_append_text(to, "/1/submit-listens");
        return;
    }
    for (size_t plain; *(at + (plain = strcspn(at, "{"))) != '\0';) {
        const char *name = at + plain + 1;
        const char *end = strchr(name, '}');
        buffer_append(to, at, plain);
        append_part(to, slice_of(name, (size_t)(end - name)), event, person, now_s);
        at = end + 1;
    }
    buffer_append_text(to, at);
}

/* ── bodies ── */

/* Any that is the same for the same name. */
static void append_mbid(struct buffer *to, const char *name)
{
    unsigned char mbid[16];
    char text[UUID_TEXT_SIZE];
    hash_uuid(slice_text(name), mbid);
    text_format_uuid(mbid, text);
    buffer_append_text(to, text);
}

static void append_mbids(struct buffer *to, const struct names *names)
{
    buffer_append_text(to, ",\"artist_mbids\":[\"");
    append_mbid(to, names->artist);
    buffer_append_text(to, "\"],\"release_mbid\":\"");
    append_mbid(to, names->release);
    buffer_append_text(to, "\",\"recording_mbid\":\"");
    append_mbid(to, names->track);
    buffer_append_char(to, '"');
}

/* Every other listener has a client that knows MBIDs; what has been heard offline comes from one that
 * does not. So most become known after others have listened to the same without. */
static bool has_mbids(const struct plan_event *event)
{
    return event->person % 2 == 1 && event->endpoint != MIX_IMPORT;
}

static void append_listen(struct buffer *to, int track, int64_t listened_at_s, bool with_mbids)
{
    struct names names = names_of(track);
    int artist = track / PLAN_ARTIST_TRACKS;
    buffer_append_char(to, '{');
    if (listened_at_s != 0) {
        buffer_append_format(to, "\"listened_at\":%lld,", (long long)listened_at_s);
    }
    buffer_append_format(to,
                         "\"track_metadata\":{\"artist_name\":\"%s\",\"track_name\":\"%s\","
                         "\"release_name\":\"%s\",\"additional_info\":{"
                         "\"submission_client\":\"refrain-bench\",\"duration_ms\":%d,"
                         "\"tags\":[\"genre %d\",\"genre %d\"]",
                         names.artist, names.track, names.release, MIX_LISTEN_EVERY_S * 1000,
                         artist % 40, artist % 7);
    if (with_mbids) {
        append_mbids(to, &names);
    }
    buffer_append_text(to, "}}}");
}

static void append_body(struct buffer *to, const struct plan_event *event, int64_t now_s)
{
    static const char *const types[] = {
        [MIX_PLAYING_NOW] = "playing_now", [MIX_LISTEN] = "single", [MIX_IMPORT] = "import"};
    bool is_over = event->endpoint != MIX_PLAYING_NOW;
    int64_t time_s = now_s - event->past_s;
    int track = event->track;
    buffer_append_format(to, "{\"listen_type\":\"%s\",\"payload\":[", types[event->endpoint]);
    for (int i = 0; i < event->tracks_count; i++) {
        buffer_append_text(to, i > 0 ? "," : "");
        append_listen(to, track, is_over ? time_s : 0, has_mbids(event));
        track = plan_next_track(track);
        time_s += MIX_LISTEN_EVERY_S;
    }
    buffer_append_text(to, "]}");
}

/* ── all of it ── */

static void append_head(struct buffer *to, const struct plan_event *event,
                        const struct person *person, const char *host)
{
    const struct mix_endpoint *endpoint = &mix_endpoints[event->endpoint];
    buffer_append_format(to, " HTTP/1.1\r\nHost: %s\r\n", host);
    if (event->is_own) {
        buffer_append_format(to, "Authorization: Token %s\r\n", person->token);
    }
    if (endpoint->kind == MIX_WRITE) {
        buffer_append_text(to, "Content-Type: application/json\r\n");
    }
}

void request_write(const struct plan_event *event, const struct person *person, const char *host,
                   int64_t now_s, struct buffer *to)
{
    bool is_write = mix_endpoints[event->endpoint].kind == MIX_WRITE;
    buffer_append_text(to, is_write ? "POST " : "GET ");
    request_write_path(event, person, now_s, to);
    append_head(to, event, person, host);
    struct buffer body = BUFFER_EMPTY;
    if (is_write) {
        append_body(&body, event, now_s);
        buffer_append_format(to, "Content-Length: %zu\r\n", body.size_bytes);
    }
    buffer_append_text(to, "\r\n");
    buffer_append_slice(to, buffer_slice(&body));
    to->failed = to->failed || body.failed;
    buffer_free(&body);
}
