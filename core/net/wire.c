/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include "base/memory.h"
#include "base/text.h"
#include <unistd.h>

#define READ_MAX (64u << 10)
#define FINISH_MS 5000

struct gy_wire {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_timer_t timer; /* early bytes on a later turn; connect time-out; end of gy_wire_finish */
    unsigned open_handles;
    struct gy_wire_events events;
    void *arg;
    struct gy_buf early;
    size_t queued;
    bool started, paused, in_ended, out_ended, broken, full, closing, finishing;
    bool end_sent; /* our shutdown is done (finishing only) */
    uv_shutdown_t end_request;
    void (*freed)(void *arg);
    void *freed_arg;
};

struct write_request {
    uv_write_t request;
    size_t len;
    char bytes[];
};

/* uv calls alloc and read back to back, so one buffer serves every wire of a thread. */
static _Thread_local char read_bytes[READ_MAX];

static void handle_closed(uv_handle_t *handle)
{
    struct gy_wire *w = handle->data;
    if (--w->open_handles) return;
    void (*freed)(void *) = w->freed;
    void *arg = w->freed_arg;
    gy_buf_fini(&w->early);
    free(w);
    if (freed) freed(arg);
}

static struct gy_wire *create(uv_loop_t *loop, bool local)
{
    struct gy_wire *w = gy_alloc(sizeof *w);
    if (local)
        uv_pipe_init(loop, &w->io.pipe, 0);
    else
        uv_tcp_init(loop, &w->io.tcp);
    uv_timer_init(loop, &w->timer);
    w->io.handle.data = w;
    w->timer.data = w;
    w->open_handles = 2;
    return w;
}

struct gy_wire *gy_wire_open(uv_loop_t *loop, int fd, struct gy_error *err)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0) {
        gy_error_set(err, GANTRY_EINVAL, "descriptor %d is not a socket: %s", fd, strerror(errno));
        close(fd);
        return NULL;
    }
    struct gy_wire *w = create(loop, domain == AF_UNIX);
    int rc = domain == AF_UNIX ? uv_pipe_open(&w->io.pipe, fd) : uv_tcp_open(&w->io.tcp, fd);
    if (rc < 0) {
        gy_error_set(err, GANTRY_EINVAL, "cannot use descriptor %d: %s", fd, uv_strerror(rc));
        close(fd);
        gy_wire_close(w);
        return NULL;
    }
    if (domain != AF_UNIX) uv_tcp_nodelay(&w->io.tcp, 1);
    return w;
}

void gy_wire_close(struct gy_wire *w)
{
    if (!w || w->closing) return;
    w->closing = true;
    uv_close(&w->io.handle, handle_closed);
    uv_close((uv_handle_t *)&w->timer, handle_closed);
}

static void alloc_read(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(read_bytes, sizeof read_bytes);
}

static void close_when_finished(struct gy_wire *w)
{
    if (w->finishing && w->end_sent && w->in_ended) gy_wire_close(w);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gy_wire *w = stream->data;
    if (n == 0 || w->closing) return;
    if (n > 0) {
        if (!w->finishing) w->events.on_bytes(w->arg, buf->base, (size_t)n);
        return;
    }
    uv_read_stop(stream);
    w->in_ended = true;
    if (n != UV_EOF) w->broken = true;
    if (w->finishing) {
        if (w->broken) gy_wire_close(w);
        close_when_finished(w);
        return;
    }
    struct gy_error err = GY_ERROR_INIT;
    if (n != UV_EOF)
        gy_error_set(&err, GANTRY_EUNAVAIL, "the connection broke: %s", uv_strerror((int)n));
    w->events.on_end(w->arg, n == UV_EOF ? NULL : &err);
}

static void on_timer(uv_timer_t *timer)
{
    struct gy_wire *w = timer->data;
    if (w->finishing) {
        gy_wire_close(w);
        return;
    }
    if (w->paused || !w->started) return;
    if (w->early.len) {
        struct gy_buf early = w->early;
        w->early = (struct gy_buf){0};
        w->events.on_bytes(w->arg, early.text, early.len);
        gy_buf_fini(&early);
    }
    if (!w->closing && !w->paused && !w->finishing) gy_wire_resume(w);
}

void gy_wire_start(struct gy_wire *w, const struct gy_wire_events *events, void *arg)
{
    GY_ASSERT(!w->started && !w->closing);
    w->started = true;
    w->events = *events;
    w->arg = arg;
    gy_wire_resume(w);
}

void gy_wire_pause(struct gy_wire *w)
{
    w->paused = true;
    if (!w->closing) uv_read_stop(&w->io.stream);
}

void gy_wire_resume(struct gy_wire *w)
{
    w->paused = false;
    if (w->closing || !w->started || w->in_ended) return;
    if (w->early.len)
        uv_timer_start(&w->timer, on_timer, 0, 0);
    else
        uv_read_start(&w->io.stream, alloc_read, on_read);
}

void gy_wire_give_early(struct gy_wire *w, const void *bytes, size_t len)
{
    GY_ASSERT(!w->started);
    gy_buf_add(&w->early, bytes, len);
}

static void on_written(uv_write_t *request, int status)
{
    struct write_request *wr = (struct write_request *)request;
    struct gy_wire *w = request->handle->data;
    w->queued -= wr->len;
    free(wr);
    if (w->closing) return;
    if (status < 0) {
        w->broken = true;
        if (w->finishing) {
            gy_wire_close(w);
            return;
        }
    }
    if (w->full && (w->queued < GY_WIRE_QUEUE_LOW || w->broken)) {
        w->full = false;
        if (w->events.on_writable && !w->finishing) w->events.on_writable(w->arg);
    }
}

gantry_status gy_wire_write(struct gy_wire *w, const void *bytes, size_t len)
{
    if (w->broken || w->out_ended || w->closing) return GANTRY_EUNAVAIL;
    if (w->queued > 0 && w->queued + len > GY_WIRE_QUEUE_MAX) {
        w->full = true;
        return GANTRY_EBUSY;
    }
    const char *p = bytes;
    if (w->queued == 0 && len > 0) {
        uv_buf_t buf =
            uv_buf_init((char *)(uintptr_t)p, (unsigned)(len > READ_MAX ? READ_MAX : len));
        int n = uv_try_write(&w->io.stream, &buf, 1);
        if (n < 0 && n != UV_EAGAIN) {
            w->broken = true;
            return GANTRY_EUNAVAIL;
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    if (len == 0) return GANTRY_OK;
    GY_ASSERT(len <= UINT32_MAX);
    struct write_request *wr = gy_alloc(sizeof *wr + len);
    wr->len = len;
    memcpy(wr->bytes, p, len);
    uv_buf_t buf = uv_buf_init(wr->bytes, (unsigned)len);
    if (uv_write(&wr->request, &w->io.stream, &buf, 1, on_written) < 0) {
        free(wr);
        w->broken = true;
        return GANTRY_EUNAVAIL;
    }
    w->queued += len;
    if (w->queued >= GY_WIRE_QUEUE_LOW) w->full = true;
    return GANTRY_OK;
}

size_t gy_wire_queued(const struct gy_wire *w)
{
    return w->queued;
}

static void on_end_sent(uv_shutdown_t *request, int status)
{
    struct gy_wire *w = request->handle->data;
    if (w->closing) return;
    w->end_sent = true;
    if (status < 0 && w->finishing)
        gy_wire_close(w);
    else
        close_when_finished(w);
}

void gy_wire_end(struct gy_wire *w)
{
    if (w->out_ended || w->closing) return;
    w->out_ended = true;
    if (uv_shutdown(&w->end_request, &w->io.stream, on_end_sent) < 0) w->end_sent = true;
}

void gy_wire_finish(struct gy_wire *w)
{
    if (w->closing || w->finishing) return;
    w->finishing = true;
    if (w->broken) {
        gy_wire_close(w);
        return;
    }
    gy_wire_end(w);
    uv_timer_start(&w->timer, on_timer, FINISH_MS, 0);
    /* Closing with unread bytes would reset the connection and lose what the peer has not read. */
    if (!w->in_ended) uv_read_start(&w->io.stream, alloc_read, on_read);
    close_when_finished(w);
}

void gy_wire_on_freed(struct gy_wire *w, void (*freed)(void *arg), void *arg)
{
    w->freed = freed;
    w->freed_arg = arg;
}

/* ---- connecting ---- */

struct gy_wire_connect {
    uv_connect_t request;
    struct gy_wire *wire;
    struct gy_address address;
    int64_t timeout_ms;
    int rc;       /* of the start: no callback comes when it is negative */
    bool settled; /* reported or canceled; the record waits for uv's callback */
    void (*on_open)(void *arg, struct gy_wire *wire, const struct gy_error *err);
    void *arg;
};

static void report_failure(struct gy_wire_connect *c, const char *why)
{
    char full[GY_ADDRESS_FULL_MAX];
    struct gy_error err = GY_ERROR_INIT;
    gy_address_format(&c->address, full);
    gy_error_set(&err, GANTRY_EUNAVAIL, "cannot connect to %s: %s", full, why);
    c->settled = true;
    gy_wire_close(c->wire);
    c->on_open(c->arg, NULL, &err);
}

static void on_connect(uv_connect_t *request, int status)
{
    struct gy_wire_connect *c = request->data;
    if (!c->settled && status < 0) {
        report_failure(c, uv_strerror(status));
    } else if (!c->settled) {
        uv_timer_stop(&c->wire->timer);
        if (c->address.family != GY_ADDRESS_UNIX) uv_tcp_nodelay(&c->wire->io.tcp, 1);
        c->on_open(c->arg, c->wire, NULL);
    }
    free(c);
}

static void on_connect_timer(uv_timer_t *timer)
{
    struct gy_wire_connect *c = (struct gy_wire_connect *)((struct gy_wire *)timer->data)->arg;
    char why[64];
    if (c->rc < 0) {
        report_failure(c, uv_strerror(c->rc));
        free(c);
        return;
    }
    snprintf(why, sizeof why, "no answer within %lld ms", (long long)c->timeout_ms);
    report_failure(c, why);
}

struct gy_wire_connect *
gy_wire_connect(uv_loop_t *loop, const struct gy_address *address, int64_t timeout_ms,
                void (*on_open)(void *arg, struct gy_wire *wire, const struct gy_error *err),
                void *arg)
{
    struct gy_wire_connect *c = gy_alloc(sizeof *c);
    c->address = *address;
    c->timeout_ms = timeout_ms;
    c->on_open = on_open;
    c->arg = arg;
    c->request.data = c;
    c->wire = create(loop, address->family == GY_ADDRESS_UNIX);
    c->wire->arg = c; /* until gy_wire_start() */
    struct sockaddr_storage to;
    socklen_t len;
    gy_address_to_sockaddr(address, &to, &len);
    if (address->family == GY_ADDRESS_UNIX)
        uv_pipe_connect(&c->request, &c->wire->io.pipe, address->text, on_connect);
    else
        c->rc =
            uv_tcp_connect(&c->request, &c->wire->io.tcp, (const struct sockaddr *)&to, on_connect);
    uv_timer_start(&c->wire->timer, on_connect_timer, c->rc < 0 ? 0 : (uint64_t)timeout_ms, 0);
    return c;
}

void gy_wire_connect_cancel(struct gy_wire_connect *c)
{
    c->settled = true;
    gy_wire_close(c->wire);
    if (c->rc < 0) free(c); /* otherwise uv calls on_connect with UV_ECANCELED */
}
