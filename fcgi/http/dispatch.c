#include "http/dispatch.h"

const struct http_resource *http_dispatch_find(const struct http_router *router,
                                               struct http_request *request)
{
    const struct http_resource *resource =
        http_router_find(router, request->path, request->captures);
    if (resource == NULL
        || !http_resource_decode(resource, request->arena, request->captures)) {
        return NULL;
    }
    request->route = http_resource_route(resource, request->method);
    return resource;
}

void http_dispatch_answer(const struct http_resource *resource, void *context,
                          const struct http_request *request, struct http_response *response)
{
    if (resource == NULL) {
        enum { shown_bytes = 200 };
        struct slice path = request->path;
        http_error(response, 404, "There is nothing at the path %.*s%s.",
                   path.size_bytes > shown_bytes ? shown_bytes : (int)path.size_bytes, path.data,
                   path.size_bytes > shown_bytes ? "…" : "");
    } else if (request->method == HTTP_OPTIONS) {
        http_header_text(response, "Allow", http_resource_allow(resource));
    } else if (request->route == NULL) {
        http_error(response, 405, "This method is not allowed here, but these are: %s.",
                   http_resource_allow(resource));
        http_header_text(response, "Allow", http_resource_allow(resource));
    } else {
        request->route->handle(context, request, response);
    }
}

struct slice http_dispatch_cors(const struct http_resource *resource)
{
    return resource != NULL ? http_resource_cors(resource)
                            : slice_text("Access-Control-Allow-Origin: *\r\n");
}
