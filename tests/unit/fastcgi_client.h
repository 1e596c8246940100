/*
 * FastCGI as a web server speaks it, for tests. What must not fail is asserted.
 */
#ifndef REFRAIN_TESTS_FASTCGI_CLIENT_H
#define REFRAIN_TESTS_FASTCGI_CLIENT_H

#include "base/buffer.h"

int client_connect(const char *socket_path);

/* Types are the protocol's: 1 begins a request, 4 are parameters, 5 is the body. */
void client_add_record(struct buffer *to, int type, const void *content, size_t size);

/* A request whose connection is to be kept open, but for its body. */
void client_add_head(struct buffer *to, const char *method, const char *uri, const char *length);

void client_send(int client, const struct buffer *bytes);

/* A whole request; `length` is what it calls the length of its body. */
void client_request(int client, const char *method, const char *uri, const char *length,
                    struct slice body);

/* What one response holds; false where the connection ended before it did. */
bool client_response(int client, struct buffer *response);

/* Waits for the end of the connection; false where something else comes, or nothing. */
bool client_is_at_end(int client);

#endif
