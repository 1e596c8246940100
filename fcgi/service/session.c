#include "service/session.h"

#include "json/json.h"
#include "service/access.h"

#include <strings.h>

/* The token of the header, if its scheme is "token" in any case, else of the query. */
static bool find_token(const struct http_request *request, struct slice *token)
{
    struct slice scheme;
    bool in_header = http_authorization(request, &scheme, token) && scheme.size_bytes == 5
                     && strncasecmp(scheme.data, "token", 5) == 0;
    return in_header || (http_query(request, "token", token) && token->size_bytes > 0);
}

void session_validate_token(void *context, const struct http_request *request,
                            struct http_response *response)
{
    struct slice token;
    if (!find_token(request, &token)) {
        http_error(response, 400, "You need to provide an Authorization token.");
        return;
    }
    struct cache_account account;
    struct error error;
    enum result result = account_of_token(context, request, token, &account, &error);
    if (result != RESULT_OK && result != RESULT_UNAUTHORIZED) {
        http_error_of(response, result, &error);
        return;
    }
    http_header(response, "Cache-Control", "no-store");
    if (result == RESULT_UNAUTHORIZED) {
        buffer_append_text(&response->body,
                           "{\"code\":200,\"message\":\"Token invalid.\",\"valid\":false}\n");
        return;
    }
    buffer_append_text(&response->body, "{\"code\":200,\"message\":\"Token valid.\","
                                        "\"valid\":true,\"user_name\":");
    jwrite_string(&response->body, account.user_name);
    buffer_append_text(&response->body, "}\n");
}
