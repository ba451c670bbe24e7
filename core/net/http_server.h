/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 server on one uv loop.  Everything here is [loop]: no threads, no locks.
 *
 * A request is handed to a handler, which owns it until it answers: every request is released by
 * exactly one gy_http_reply*(), gy_http_stream_end() or gy_http_upgrade(), now or later, also when
 * the client has left (then the answer goes nowhere).  So a handle never dangles. */
#ifndef GY_NET_HTTP_SERVER_H
#define GY_NET_HTTP_SERVER_H

#include "base/error.h"
#include "net/address.h"
#include "net/wire.h"
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#define GY_HTTP_STREAM_QUEUE_MAX (1u << 20) /* bytes queued for one streaming client */

struct gy_http_server;
struct gy_http_request;

/* ---- server ---- */

struct gy_http_limits {    /* zero = the default in brackets */
    size_t body_bytes;     /* [4 MiB]  413 beyond */
    size_t header_bytes;   /* [32 KiB] 431 beyond */
    unsigned connections;  /* [10,000] per listener; more wait in the kernel's backlog */
    int64_t header_ms;     /* [10 s]   from connecting to the end of the first headers */
    int64_t body_ms;       /* [60 s]   from the end of the headers to the end of the body */
    int64_t idle_ms;       /* [60 s]   between requests, and without progress when writing */
    int64_t stop_grace_ms; /* [2 s]    for requests still unanswered at gy_http_server_stop() */
};

struct gy_http_server *gy_http_server_create(uv_loop_t *loop);
void gy_http_server_set_limits(struct gy_http_server *s, const struct gy_http_limits *limits);

/* Listen on a unix socket with that mode and group ((gid_t)-1 = leave).  The socket of a dead
 * process is replaced; EBUSY names the pid of a live one; EINVAL for a bad path or right. */
gantry_status gy_http_server_listen_unix(struct gy_http_server *s, const char *path, mode_t mode,
                                         gid_t gid, struct gy_error *err);
/* Listen on a numeric IPv4 or IPv6 address; port 0 = any free one.  *actual (may be NULL) gets what
 * it became.  EBUSY when the port is taken, EINVAL for a bad address. */
gantry_status gy_http_server_listen_tcp(struct gy_http_server *s, const char *host, uint16_t port,
                                        struct gy_address *actual, struct gy_error *err);

typedef void gy_http_handler(void *arg, struct gy_http_request *req);
/* Pattern: "/v1/namespaces/{ns}/apps/{name}"; "{rest...}" as the last segment takes what is left.
 * A literal segment wins over a parameter.  HEAD is answered by the GET route.  A bad or doubled
 * pattern is our own mistake and asserts. */
void gy_http_server_route(struct gy_http_server *s, const char *method, const char *pattern,
                          gy_http_handler *handler, void *arg);
/* Takes what no route matches (a front-end with paths of its own); NULL = 404 in JSON. */
void gy_http_server_fallback(struct gy_http_server *s, gy_http_handler *handler, void *arg);
/* Called with method, path, headers and peer known, before any of the body is read.  Returns true
 * to go on; to refuse it answers (gy_http_reply_error) and returns false.  Guards run in the order
 * they were added; the first refusal ends it. */
typedef bool gy_http_guard(void *arg, struct gy_http_request *req);
void gy_http_server_guard(struct gy_http_server *s, gy_http_guard *guard, void *arg);

/* New object: {"connections", "requests", "routes": [{"method", "route", "count", "errors",
 * "sum_us", "buckets": [...]}]}.  Bucket i counts answers that took < 2^i µs from the end of the
 * headers to the answer (the last one: all slower ones); streams count until they start. */
json_t *gy_http_server_stats(const struct gy_http_server *s);

/* Stop listening, tell streams that they are closed, wait stop_grace_ms for open answers, then cut
 * and free the server; done(arg) is the last thing it does.  Unanswered requests stay valid until
 * they are answered. */
void gy_http_server_stop(struct gy_http_server *s, void (*done)(void *arg), void *arg);

/* ---- what was asked; borrowed until the request is answered ---- */

const char *gy_http_method(const struct gy_http_request *req);
const char *gy_http_path(const struct gy_http_request *req);  /* as sent, without the query */
const char *gy_http_route(const struct gy_http_request *req); /* its pattern, or "" */
/* Path parameter, percent-decoded and valid UTF-8; NULL when the route has none of that name. */
const char *gy_http_param(const struct gy_http_request *req, const char *name);
/* First query value, decoded; "" for a bare key; NULL when absent. */
const char *gy_http_query(const struct gy_http_request *req, const char *name);
/* Key and value of query argument i in order; false beyond the last. */
bool gy_http_query_at(const struct gy_http_request *req, size_t i, const char **key,
                      const char **value);
const char *gy_http_header(const struct gy_http_request *req, const char *name);
gantry_bytes gy_http_body(const struct gy_http_request *req); /* NUL follows the last byte */
/* The body as JSON object or array: strict (duplicates refused).  NULL with a sentence. */
json_t *gy_http_body_json(const struct gy_http_request *req, struct gy_error *err);
/* Unix socket: true and the peer's credentials (any may be NULL).  TCP: false. */
bool gy_http_peer_unix(const struct gy_http_request *req, uid_t *uid, gid_t *gid, pid_t *pid);
/* Address of a TCP peer; of family GY_ADDRESS_UNIX for a unix one. */
const struct gy_address *gy_http_peer(const struct gy_http_request *req);
/* Who is asking: set by a guard, read by handlers; freed with the request. */
void gy_http_set_caller(struct gy_http_request *req, void *caller, void (*free_fn)(void *));
void *gy_http_caller(const struct gy_http_request *req);

/* ---- answers ---- */

/* Before the answer: an extra header.  Control characters in value are refused by leaving it out
 * and a log line. */
void gy_http_reply_header(struct gy_http_request *req, const char *name, const char *value);
/* Copies bytes.  content_type NULL = application/json. */
void gy_http_reply(struct gy_http_request *req, unsigned status, const char *content_type,
                   const void *bytes, size_t len);
/* Borrows bytes until free_fn(owner). */
void gy_http_reply_shared(struct gy_http_request *req, unsigned status, const char *content_type,
                          const void *bytes, size_t len, void (*free_fn)(void *owner), void *owner);
/* Takes `value` (one reference). */
void gy_http_reply_json(struct gy_http_request *req, unsigned status, json_t *value);
/* A body made of slices that are sent where they lie (writev).  The array is copied; each slice is
 * borrowed until its free_fn (may be NULL) is called, once, also when nobody reads it. */
struct gy_http_piece {
    const void *bytes;
    size_t len;
    void (*free_fn)(void *owner);
    void *owner;
};
void gy_http_reply_pieces(struct gy_http_request *req, unsigned status, const char *content_type,
                          const struct gy_http_piece *pieces, size_t n);
/* {"error":{"status":"EINVAL","message":"...","path":"containers[0].image"}} */
void gy_http_reply_error(struct gy_http_request *req, unsigned http_status, const char *code_name,
                         const char *path, const char *fmt, ...) GANTRY_PRINTF(5, 6);
/* The same from a gy_error: EINVAL 400, ENOTFOUND 404, ECONFLICT 409, EBUSY 429 with Retry-After,
 * EUNAVAIL 503, ENOTSUP 501, ETIMEDOUT 504, others 500. */
void gy_http_reply_failure(struct gy_http_request *req, const struct gy_error *error,
                           const char *path);
unsigned gy_http_status_of(gantry_status status);

/* For an answer that comes later: called once when the client leaves first.  The request must
 * still be answered, here or later. */
void gy_http_on_closed(struct gy_http_request *req, void (*on_closed)(void *arg), void *arg);

/* A chunked answer of unknown length.  on_closed: once, when the client left (or the server stops)
 * before gy_http_stream_end(), which must still be called.  on_writable (may be NULL): the queue is
 * below a quarter of its bound again after an EBUSY. */
void gy_http_stream_start(struct gy_http_request *req, unsigned status, const char *content_type,
                          void (*on_closed)(void *arg), void (*on_writable)(void *arg), void *arg);
/* Copies bytes.  EBUSY: GY_HTTP_STREAM_QUEUE_MAX would be passed, nothing was queued (one larger
 * item is taken by an empty queue).  ECANCELED: the client is gone. */
gantry_status gy_http_stream_write(struct gy_http_request *req, const void *bytes, size_t len);
/* Shares bytes until free_fn(owner); on failure free_fn is called too. */
gantry_status gy_http_stream_write_shared(struct gy_http_request *req, const void *bytes,
                                          size_t len, void (*free_fn)(void *owner), void *owner);
size_t gy_http_stream_queued(const struct gy_http_request *req); /* bytes */
void gy_http_stream_end(struct gy_http_request *req);

/* Does the request carry `Connection: Upgrade` and `Upgrade: <protocol>`? */
bool gy_http_wants_upgrade(const struct gy_http_request *req, const char *protocol);
/* Answer 101 and hand over the connection.  on_open gets the wire (owned by the callee from then
 * on: gy_wire_close) or NULL when the client left first; bytes the client sent early are delivered
 * by the wire itself. */
void gy_http_upgrade(struct gy_http_request *req, const char *protocol,
                     void (*on_open)(void *arg, struct gy_wire *wire), void *arg);

#endif
