/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, and the rest of a request's life: suspended while a handler thinks, watched for a client
 * that leaves, resumed to be answered. */
#include "net/http_private.h"

#include "base/log.h"
#include "base/time.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* ---- suspended connections ---- */

static void watch_closed(uv_handle_t *handle)
{
    free(handle);
}

void gy_http_unwatch(struct gy_http_request *req)
{
    if (!req->watch) return;
    uv_poll_stop(req->watch);
    close(req->watch_fd);
    uv_close((uv_handle_t *)req->watch, watch_closed);
    req->watch = NULL;
    req->watch_fd = -1;
}

static void on_disconnect(uv_poll_t *poll, int status, int events)
{
    struct gy_http_request *req = poll->data;
    /* A reset is reported as a negative status. */
    if (status == 0 && !(events & UV_DISCONNECT)) return;
    uv_poll_stop(poll);
    gy_http_mark_gone(req);
}

/* MHD does not look at a suspended connection, so we do, on a duplicate: one descriptor cannot be
 * in two uv_polls, and MHD closes its own whenever it likes. */
static void watch(struct gy_http_request *req)
{
    if (req->watch || !req->conn) return;
    int fd = fcntl(req->conn->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        gy_log(GY_LOG_WARN, "net", "a waiting client is not watched error=%s", strerror(errno));
        return;
    }
    req->watch = gy_alloc(sizeof *req->watch);
    req->watch_fd = fd;
    if (uv_poll_init(req->server->loop, req->watch, fd) < 0) {
        free(GY_GIVE(req->watch));
        close(fd);
        return;
    }
    req->watch->data = req;
    uv_poll_start(req->watch, UV_DISCONNECT, on_disconnect);
}

void gy_http_suspend(struct gy_http_request *req)
{
    if (req->suspended) return;
    req->suspended = true;
    MHD_suspend_connection(req->mhd);
    watch(req);
}

void gy_http_resume(struct gy_http_request *req)
{
    if (!req->suspended) return;
    req->suspended = false;
    MHD_resume_connection(req->mhd);
    gy_http_listener_kick(req->conn->listener);
}

void gy_http_mark_gone(struct gy_http_request *req)
{
    if (req->gone) return;
    req->gone = true;
    if (!req->released) {
        void (*on_closed)(void *) = GY_GIVE(req->on_closed);
        if (on_closed) on_closed(req->closed_arg);
    }
    gy_http_resume(req);
}

void gy_http_on_closed(struct gy_http_request *req, void (*on_closed)(void *arg), void *arg)
{
    req->on_closed = on_closed;
    req->closed_arg = arg;
}

/* ---- plain answers ---- */

static void measure(struct gy_http_request *req)
{
    struct gy_http_route_entry *e = req->entry;
    if (!e || !req->server) return;
    int64_t us = (gy_time_mono_ns() - req->started_ns) / 1000;
    unsigned bucket = 0;
    while (bucket < GY_HTTP_BUCKETS - 1 && us >= (INT64_C(1) << bucket))
        bucket++;
    e->buckets[bucket]++;
    e->count++;
    e->sum_us += (uint64_t)us;
    if (req->status >= 500) e->errors++;
}

void gy_http_reply_header(struct gy_http_request *req, const char *name, const char *value)
{
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            gy_log(GY_LOG_ERROR, "net", "header left out: control character in it name=%s", name);
            return;
        }
    struct gy_http_header_extra *h = gy_alloc(sizeof *h);
    h->name = gy_strdup(name);
    h->value = gy_strdup(value);
    LL_PREPEND(req->extra, h);
}

/* Takes response; the request is answered now. */
void gy_http_set_response(struct gy_http_request *req, unsigned status, const char *content_type,
                          struct MHD_Response *response)
{
    GY_ASSERT(!req->answered && response);
    req->answered = true;
    req->status = status;
    measure(req);
    if (req->gone) {
        MHD_destroy_response(response);
        return;
    }
    if (content_type) MHD_add_response_header(response, "Content-Type", content_type);
    struct gy_http_header_extra *h;
    LL_FOREACH (req->extra, h)
        MHD_add_response_header(response, h->name, h->value);
    req->response = response;
}

/* The handler has nothing more to say. */
static void release(struct gy_http_request *req)
{
    req->released = true;
    gy_http_resume(req);
    gy_http_request_try_free(req);
}

enum MHD_Result gy_http_queue(struct gy_http_request *req)
{
    req->queued = true;
    enum MHD_Result rc = MHD_queue_response(req->mhd, req->status, req->response);
    MHD_destroy_response(GY_GIVE(req->response));
    return rc;
}

static const char *type_or_json(const char *content_type)
{
    return content_type ? content_type : "application/json";
}

void gy_http_reply(struct gy_http_request *req, unsigned status, const char *content_type,
                   const void *bytes, size_t len)
{
    /* MHD copies; its parameter only lacks a const. */
    struct MHD_Response *r =
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
    gy_http_set_response(req, status, type_or_json(content_type), r);
    release(req);
}

struct pieces {
    size_t n;
    struct gy_http_piece piece[];
};

static void free_pieces(void *cls)
{
    struct pieces *p = cls;
    for (size_t i = 0; i < p->n; i++)
        if (p->piece[i].free_fn) p->piece[i].free_fn(p->piece[i].owner);
    free(p);
}

void gy_http_reply_pieces(struct gy_http_request *req, unsigned status, const char *content_type,
                          const struct gy_http_piece *pieces, size_t n)
{
    struct pieces *keep = gy_alloc(sizeof *keep + n * sizeof *pieces);
    struct MHD_IoVec *iov = gy_alloc_array(n + 1, sizeof *iov);
    unsigned used = 0;
    keep->n = n;
    GY_ASSERT(n < UINT32_MAX);
    if (n) memcpy(keep->piece, pieces, n * sizeof *pieces);
    for (size_t i = 0; i < n; i++)
        if (pieces[i].len)
            iov[used++] = (struct MHD_IoVec){.iov_base = pieces[i].bytes, .iov_len = pieces[i].len};
    struct MHD_Response *r =
        used ? MHD_create_response_from_iovec(iov, used, free_pieces, keep)
             : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!used) free_pieces(keep);
    free(iov);
    gy_http_set_response(req, status, type_or_json(content_type), r);
    release(req);
}

void gy_http_reply_shared(struct gy_http_request *req, unsigned status, const char *content_type,
                          const void *bytes, size_t len, void (*free_fn)(void *owner), void *owner)
{
    struct gy_http_piece piece = {bytes, len, free_fn, owner};
    gy_http_reply_pieces(req, status, content_type, &piece, 1);
}

void gy_http_reply_json(struct gy_http_request *req, unsigned status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    GY_ASSERT(text);
    gy_http_reply_shared(req, status, NULL, text, strlen(text), free, text);
}

/* ---- errors ---- */

/* What a peer sent may be quoted in a sentence; JSON wants UTF-8. */
static json_t *safe_text(const char *text)
{
    if (gy_utf8_is_valid(text, strlen(text))) return json_string(text);
    gy_autofree char *copy = gy_strdup(text);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80) *p = '?';
    return json_string(copy);
}

static void reply_error(struct gy_http_request *req, unsigned status, const char *code_name,
                        const char *path, const char *message)
{
    json_t *e = json_pack("{s:s, s:o}", "status", code_name, "message", safe_text(message));
    if (path) json_object_set_new(e, "path", safe_text(path));
    gy_http_reply_json(req, status, json_pack("{s:o}", "error", e));
}

void gy_http_reply_error(struct gy_http_request *req, unsigned http_status, const char *code_name,
                         const char *path, const char *fmt, ...)
{
    struct gy_error err = GY_ERROR_INIT;
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&err, GANTRY_EINVAL, fmt, args);
    va_end(args);
    reply_error(req, http_status, code_name, path, err.text);
}

unsigned gy_http_status_of(gantry_status status)
{
    switch (status) {
    case GANTRY_OK: return 200;
    case GANTRY_EINVAL: return 400;
    case GANTRY_ENOTFOUND: return 404;
    case GANTRY_ECONFLICT: return 409;
    case GANTRY_EBUSY: return 429;
    case GANTRY_ENOTSUP: return 501;
    case GANTRY_EUNAVAIL: return 503;
    case GANTRY_ETIMEDOUT: return 504;
    default: return 500;
    }
}

void gy_http_reply_failure(struct gy_http_request *req, const struct gy_error *error,
                           const char *path)
{
    if (error->status == GANTRY_EBUSY) gy_http_reply_header(req, "Retry-After", "1");
    reply_error(req, gy_http_status_of(error->status), gy_status_name(error->status), path,
                error->text);
}

/* ---- streams ---- */

static void drop_first(struct gy_http_request *req)
{
    struct gy_http_chunk *c = req->chunks;
    req->chunks = c->next;
    if (!req->chunks) req->chunks_tail = NULL;
    req->chunk_bytes -= c->piece.len - c->sent;
    if (c->piece.free_fn) c->piece.free_fn(c->piece.owner);
    free(c);
}

void gy_http_chunks_free(struct gy_http_request *req)
{
    while (req->chunks)
        drop_first(req);
}

static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t max)
{
    struct gy_http_request *req = cls;
    size_t n = 0;
    (void)position;
    while (req->chunks && n < max) {
        struct gy_http_chunk *c = req->chunks;
        size_t left = c->piece.len - c->sent, part = left < max - n ? left : max - n;
        memcpy(out + n, (const char *)c->piece.bytes + c->sent, part);
        n += part;
        c->sent += part;
        req->chunk_bytes -= part;
        if (c->sent == c->piece.len) drop_first(req);
    }
    if (req->full && req->chunk_bytes < GY_HTTP_STREAM_QUEUE_MAX / 4) {
        req->full = false;
        if (req->on_writable && !req->ended) req->on_writable(req->writable_arg);
    }
    if (n) return (ssize_t)n;
    if (req->gone) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (req->ended && !req->chunks) return MHD_CONTENT_READER_END_OF_STREAM;
    if (!req->chunks) gy_http_suspend(req); /* returning 0 without it would spin */
    return 0;
}

void gy_http_stream_start(struct gy_http_request *req, unsigned status, const char *content_type,
                          void (*on_closed)(void *arg), void (*on_writable)(void *arg), void *arg)
{
    req->streaming = true;
    req->on_closed = on_closed;
    req->closed_arg = arg;
    req->on_writable = on_writable;
    req->writable_arg = arg;
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, read_stream, req, NULL);
    gy_http_set_response(req, status, type_or_json(content_type), r);
    gy_http_resume(req);
}

static gantry_status enqueue(struct gy_http_request *req, struct gy_http_chunk *c)
{
    if (req->chunks)
        req->chunks_tail->next = c;
    else
        req->chunks = c;
    req->chunks_tail = c;
    req->chunk_bytes += c->piece.len;
    gy_http_resume(req);
    return GANTRY_OK;
}

static gantry_status check_room(struct gy_http_request *req, size_t len)
{
    GY_ASSERT(req->streaming && !req->ended);
    if (req->gone) return GANTRY_ECANCELED;
    if (req->chunk_bytes > 0 && req->chunk_bytes + len > GY_HTTP_STREAM_QUEUE_MAX) {
        req->full = true;
        return GANTRY_EBUSY;
    }
    return GANTRY_OK;
}

gantry_status gy_http_stream_write(struct gy_http_request *req, const void *bytes, size_t len)
{
    gantry_status status = check_room(req, len);
    if (status != GANTRY_OK || len == 0) return status;
    struct gy_http_chunk *c = gy_alloc(sizeof *c + len);
    memcpy(c->copy, bytes, len);
    c->piece = (struct gy_http_piece){c->copy, len, NULL, NULL};
    return enqueue(req, c);
}

gantry_status gy_http_stream_write_shared(struct gy_http_request *req, const void *bytes,
                                          size_t len, void (*free_fn)(void *owner), void *owner)
{
    gantry_status status = check_room(req, len);
    if (status != GANTRY_OK || len == 0) {
        if (free_fn) free_fn(owner);
        return status;
    }
    struct gy_http_chunk *c = gy_alloc(sizeof *c);
    c->piece = (struct gy_http_piece){bytes, len, free_fn, owner};
    return enqueue(req, c);
}

size_t gy_http_stream_queued(const struct gy_http_request *req)
{
    return req->chunk_bytes;
}

void gy_http_stream_end(struct gy_http_request *req)
{
    GY_ASSERT(req->streaming && !req->ended);
    req->ended = true;
    release(req);
}
