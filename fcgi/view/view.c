#include "view/view.h"

#include <assert.h>

int view_page_of_chart(const struct chart *chart)
{
    assert(chart->window.range_at >= 0);
    int kind = (int)(chart->kind - chart_kinds);
    return VIEW_PAGE_CHARTS + kind * WINDOW_RANGES + chart->window.range_at;
}

static void append_name(struct buffer *to, int page)
{
    if (page == VIEW_PAGE_LISTENS || page == VIEW_PAGE_COUNT) {
        buffer_append_text(to, page == VIEW_PAGE_LISTENS ? "listens" : "count");
        return;
    }
    int chart = page - VIEW_PAGE_CHARTS;
    buffer_append_text(to, chart_kinds[chart / WINDOW_RANGES].name);
    buffer_append_char(to, '@');
    buffer_append_text(to, window_range(chart % WINDOW_RANGES));
}

void view_format(const uint64_t pages[VIEW_WORDS], struct buffer *to)
{
    size_t start = to->size_bytes;
    for (int page = 0; page < VIEW_PAGES; page++) {
        if ((pages[view_word(page)] & view_bit(page)) != 0) {
            if (to->size_bytes > start) {
                buffer_append_char(to, ' ');
            }
            append_name(to, page);
        }
    }
}

static bool stands_in(struct slice names, struct slice name)
{
    for (size_t at = 0; at < names.size_bytes;) {
        const char *start = names.data + at;
        const char *blank = memchr(start, ' ', names.size_bytes - at);
        size_t size = blank == NULL ? names.size_bytes - at : (size_t)(blank - start);
        if (slice_equal(slice_of(start, size), name)) {
            return true;
        }
        at += size + 1;
    }
    return false;
}

static bool make_chart_part(int page, int64_t now_s, struct arena *arena, struct cache_part *part)
{
    struct chart *chart = arena_alloc(arena, sizeof *chart);
    int at = page - VIEW_PAGE_CHARTS;
    if (chart == NULL
        || !window_of_range(slice_text(window_range(at % WINDOW_RANGES)), now_s, &chart->window)) {
        return false;
    }
    chart->kind = &chart_kinds[at / WINDOW_RANGES];
    chart_cover(chart, 0, LIST_CHUNK_ENTRIES);
    *part = chart_part(chart);
    return true;
}

size_t view_parts_of(struct slice names, int64_t now_s, struct arena *arena,
                     struct cache_part parts[VIEW_PAGES])
{
    size_t count = 0;
    struct buffer name = BUFFER_EMPTY;
    for (int page = 0; page < VIEW_PAGES; page++) {
        buffer_clear(&name);
        append_name(&name, page);
        if (buffer_result(&name) != RESULT_OK || !stands_in(names, buffer_slice(&name))) {
            continue;
        }
        if (page == VIEW_PAGE_LISTENS) {
            parts[count++] = history_recent_part();
        } else if (page == VIEW_PAGE_COUNT) {
            parts[count++] = history_count_part();
        } else if (make_chart_part(page, now_s, arena, &parts[count])) {
            count++;
        }
    }
    buffer_free(&name);
    return count;
}
