#include "fastcgi_client.h"

#include "unit.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { patience_ms = 20000 };

int client_connect(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

void client_add_record(struct buffer *to, int type, const void *content, size_t size)
{
    unsigned char header[8] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(size >> 8), (unsigned char)size, 0, 0};
    buffer_append(to, header, sizeof header);
    buffer_append(to, content, size);
}

static void add_parameter(struct buffer *to, const char *name, const char *value)
{
    buffer_append_char(to, (char)strlen(name));
    buffer_append_char(to, (char)strlen(value));
    buffer_append_text(to, name);
    buffer_append_text(to, value);
}

void client_add_head(struct buffer *to, const char *method, const char *uri, const char *length)
{
    static const unsigned char begin[8] = {0, 1, 1};
    struct buffer parameters = BUFFER_EMPTY;
    add_parameter(&parameters, "REQUEST_METHOD", method);
    add_parameter(&parameters, "REQUEST_URI", uri);
    add_parameter(&parameters, "CONTENT_LENGTH", length);
    client_add_record(to, 1, begin, sizeof begin);
    client_add_record(to, 4, parameters.data, parameters.size_bytes);
    client_add_record(to, 4, "", 0);
    buffer_free(&parameters);
}

void client_send(int client, const struct buffer *bytes)
{
    size_t done = 0;
    while (done < bytes->size_bytes) {
        ssize_t sent = send(client, bytes->data + done, bytes->size_bytes - done, MSG_NOSIGNAL);
        CU_ASSERT_TRUE_FATAL(sent > 0);
        done += (size_t)sent;
    }
}

void client_request(int client, const char *method, const char *uri, const char *length,
                         struct slice body)
{
    struct buffer bytes = BUFFER_EMPTY;
    client_add_head(&bytes, method, uri, length);
    while (body.size_bytes > 0) {
        size_t size = body.size_bytes < 60000 ? body.size_bytes : 60000;
        client_add_record(&bytes, 5, body.data, size);
        body = slice_of(body.data + size, body.size_bytes - size);
    }
    client_add_record(&bytes, 5, "", 0);
    client_send(client, &bytes);
    buffer_free(&bytes);
}

static bool read_exactly(int client, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        struct pollfd ready = {.fd = client, .events = POLLIN};
        if (poll(&ready, 1, patience_ms) <= 0) {
            return false;
        }
        ssize_t got = read(client, (char *)data + done, size - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

bool client_response(int client, struct buffer *response)
{
    buffer_clear(response);
    for (;;) {
        unsigned char header[8];
        if (!read_exactly(client, header, sizeof header)) {
            return false;
        }
        size_t size = (size_t)header[4] << 8 | header[5];
        char content[65536 + 256];
        if (!read_exactly(client, content, size + header[6])) {
            return false;
        }
        if (header[1] == 3) {
            return true;
        }
        CU_ASSERT_EQUAL(header[1], 6);
        buffer_append(response, content, size);
    }
}

bool client_is_at_end(int client)
{
    char byte;
    struct pollfd ready = {.fd = client, .events = POLLIN};
    return poll(&ready, 1, patience_ms) > 0 && read(client, &byte, 1) <= 0;
}
