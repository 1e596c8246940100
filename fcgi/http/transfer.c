#include "http/transfer.h"

static void leave(void *thing)
{
    atomic_int *places = thing;
    atomic_fetch_add(places, 1);
}

bool http_begin_transfer(const struct http_request *request, struct http_response *response)
{
    atomic_int *places = request->transfer->places;
    if (atomic_fetch_sub(places, 1) <= 0) {
        atomic_fetch_add(places, 1);
        http_error(response, 503,
                   "As many uploads and downloads as this server takes at a time are under way. "
                   "Please try again in a moment.");
        return false;
    }
    http_keep(response, places, leave);
    return true;
}
