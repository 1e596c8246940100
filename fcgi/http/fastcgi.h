/*
 * One FastCGI connection after the other, as one thread serves them. libfcgi reads the requests;
 * the answers are written here.
 */
#ifndef REFRAIN_HTTP_FASTCGI_H
#define REFRAIN_HTTP_FASTCGI_H

#include "base/result.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fastcgi;

/* Must have succeeded once, before threads start. Signals are disposed of as the process likes it:
 * libfcgi's handlers are taken out again, SIGPIPE is ignored. */
enum result fastcgi_init(struct error *error) MUST_CHECK;

/* Once `stop_event` has become readable, for good, connections that are between two requests end.
 * A peer that makes us wait longer than `pause_max_us` in the middle of a request or of an answer
 * loses the connection. NULL where memory is short. */
struct fastcgi *fastcgi_create(int stop_event, int64_t pause_max_us);
void fastcgi_destroy(struct fastcgi **fastcgi);

/* Takes over a connection that has been accepted. */
void fastcgi_open(struct fastcgi *fastcgi, int connection);

/* Waits for the next request on the connection, and reads its parameters. False once the connection
 * is over: it has been closed then. */
bool fastcgi_next(struct fastcgi *fastcgi);

/* Of the current request: "NAME=value" strings, ended by NULL, valid until it has been answered. */
char *const *fastcgi_parameters(const struct fastcgi *fastcgi);

/* Reads the body on; less than asked for only where it ends, or where the connection breaks. */
size_t fastcgi_read(struct fastcgi *fastcgi, char *data, size_t size_bytes);

/* Reads what there is of the body, waiting only where there is nothing: 0 where it ends, or where the
 * connection breaks. */
size_t fastcgi_read_some(struct fastcgi *fastcgi, char *data, size_t room_bytes);

/* From now on the peer may make us wait for so long for a body, until this is called again. */
void fastcgi_set_pause(struct fastcgi *fastcgi, int64_t pause_max_us);

/* True if reading the body found the connection broken: an answer would reach nobody. */
bool fastcgi_is_broken(const struct fastcgi *fastcgi);

/* Sends pieces of an answer whose rest fastcgi_send() and, at last, fastcgi_answer() send. The peer
 * may take nothing for `patience_us`, and once the server is to end for `pause_max_us`; false where
 * it takes longer, or has gone: then only fastcgi_drop() is left. */
bool fastcgi_send(struct fastcgi *fastcgi, const struct slice *pieces, size_t count,
                  int64_t patience_us) MUST_CHECK;

/* Sends the pieces of the answer one after the other, in one write, as far as the socket takes it
 * and they are not hundreds, and ends the request; the connection as well if this was the `last`
 * one, and where the peer has more of a body than was read. */
void fastcgi_answer(struct fastcgi *fastcgi, const struct slice *pieces, size_t count, bool last);

/* Ends the request without an answer by closing the connection: the web server may then try another
 * process. */
void fastcgi_drop(struct fastcgi *fastcgi);

#endif
