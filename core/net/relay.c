/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define BACKLOG 1024
#define ACCEPT_BATCH 64

struct pair;

struct side {
    struct gy_wire *wire; /* NULL until connected */
    struct pair *pair;
    uint64_t *bytes; /* counter for what this side sends */
    bool ended;      /* it has sent its last byte */
};

struct pair {
    struct gy_relay *relay;
    struct side client, backend;
    struct gy_wire_connect *connecting;
    unsigned attempt;
    struct pair *prev, *next;
};

struct gy_relay {
    uv_loop_t *loop;
    uv_poll_t poll;
    int fd, spare_fd; /* spare: given up for a moment to refuse a client when none is left */
    struct gy_address address;
    struct gy_relay_options options;
    gy_relay_pick *pick;
    void *arg;
    struct pair *pairs;
    struct gy_relay_stats stats;
    bool full, closing, handle_closed;
    unsigned wires; /* not freed yet */
    void (*done)(void *arg);
    void *done_arg;
};

static void listen_again(struct gy_relay *r);

static void free_when_done(struct gy_relay *r)
{
    if (!r->handle_closed || r->wires) return;
    void (*done)(void *) = r->done;
    void *arg = r->done_arg;
    free(r);
    if (done) done(arg);
}

static void wire_freed(void *arg)
{
    struct gy_relay *r = arg;
    r->wires--;
    free_when_done(r);
}

static void own_wire(struct gy_relay *r, struct gy_wire *w)
{
    r->wires++;
    gy_wire_on_freed(w, wire_freed, r);
}

/* finish: what is queued to either side is still delivered. */
static void close_pair(struct pair *p, bool finish)
{
    struct gy_relay *r = p->relay;
    struct gy_wire *wires[] = {p->client.wire, p->backend.wire};
    if (p->connecting) gy_wire_connect_cancel(p->connecting);
    for (int i = 0; i < 2; i++) {
        if (wires[i] && finish)
            gy_wire_finish(wires[i]);
        else
            gy_wire_close(wires[i]);
    }
    DL_DELETE(r->pairs, p);
    free(p);
    r->stats.open--;
    if (r->full && !r->closing) listen_again(r);
}

static struct side *other(struct side *s)
{
    return s == &s->pair->client ? &s->pair->backend : &s->pair->client;
}

static void on_bytes(void *arg, const void *bytes, size_t len)
{
    struct side *s = arg, *to = other(s);
    *s->bytes += len;
    if (gy_wire_write(to->wire, bytes, len) != GANTRY_OK) {
        close_pair(s->pair, true);
        return;
    }
    if (gy_wire_queued(to->wire) >= GY_WIRE_QUEUE_LOW) gy_wire_pause(s->wire);
}

static void on_writable(void *arg)
{
    gy_wire_resume(other(arg)->wire);
}

static void on_end(void *arg, const struct gy_error *err)
{
    struct side *s = arg;
    s->ended = true;
    if (err || other(s)->ended)
        close_pair(s->pair, true);
    else
        gy_wire_end(other(s)->wire);
}

static void try_backend(struct pair *p);

static void on_backend(void *arg, struct gy_wire *wire, const struct gy_error *err)
{
    static const struct gy_wire_events events = {on_bytes, on_end, on_writable};
    struct pair *p = arg;
    p->connecting = NULL;
    if (!wire) {
        gy_log(GY_LOG_DEBUG, "net", "backend does not answer attempt=%u error=%s", p->attempt,
               err->text);
        p->attempt++;
        try_backend(p);
        return;
    }
    own_wire(p->relay, wire);
    p->backend.wire = wire;
    gy_wire_start(p->backend.wire, &events, &p->backend);
    gy_wire_start(p->client.wire, &events, &p->client);
}

static void try_backend(struct pair *p)
{
    struct gy_relay *r = p->relay;
    struct gy_address backend;
    if (p->attempt >= r->options.attempts || !r->pick(r->arg, p->attempt, &backend)) {
        r->stats.refused++;
        close_pair(p, false);
        return;
    }
    p->connecting = gy_wire_connect(r->loop, &backend, r->options.connect_ms, on_backend, p);
}

static void serve(struct gy_relay *r, int fd)
{
    struct gy_wire *wire = gy_wire_open(r->loop, fd, NULL);
    if (!wire) return;
    struct pair *p = gy_alloc(sizeof *p);
    own_wire(r, wire);
    p->relay = r;
    p->client = (struct side){.wire = wire, .pair = p, .bytes = &r->stats.bytes_in};
    p->backend = (struct side){.pair = p, .bytes = &r->stats.bytes_out};
    DL_APPEND(r->pairs, p);
    r->stats.accepted++;
    r->stats.open++;
    try_backend(p);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct gy_relay *r = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (r->stats.open >= r->options.connections) {
            r->full = true; /* the rest wait in the backlog */
            uv_poll_stop(&r->poll);
            return;
        }
        int fd = accept4(r->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            serve(r, fd);
        } else if ((errno == EMFILE || errno == ENFILE) && r->spare_fd >= 0) {
            /* Without this the client would stay in the backlog and the loop would spin. */
            close(r->spare_fd);
            fd = accept(r->fd, NULL, NULL);
            if (fd >= 0) close(fd);
            r->stats.refused++;
            r->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void listen_again(struct gy_relay *r)
{
    r->full = false;
    uv_poll_start(&r->poll, UV_READABLE, on_poll);
}

/* A listening descriptor, or -1 with a sentence. */
static int listen_on(struct gy_address *address, struct gy_error *err)
{
    struct sockaddr_storage at;
    socklen_t len;
    int on = 1;
    gy_address_to_sockaddr(address, &at, &len);
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && address->family == GY_ADDRESS_IPV6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0) {
        char full[GY_ADDRESS_FULL_MAX];
        int why = errno;
        gy_address_format(address, full);
        gy_error_set(err, why == EADDRINUSE ? GANTRY_EBUSY : GANTRY_EINVAL,
                     "cannot listen on %s: %s", full, strerror(why));
        if (fd >= 0) close(fd);
        return -1;
    }
    len = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &len);
    gy_address_from_sockaddr((struct sockaddr *)&at, len, address);
    return fd;
}

struct gy_relay *gy_relay_listen(uv_loop_t *loop, const char *host, uint16_t port,
                                 const struct gy_relay_options *options, gy_relay_pick *pick,
                                 void *arg, struct gy_error *err)
{
    struct gy_address address;
    if (gy_address_make(host, port, &address, err) != GANTRY_OK) return NULL;
    int fd = listen_on(&address, err);
    if (fd < 0) return NULL;
    struct gy_relay *r = gy_alloc(sizeof *r);
    if (options) r->options = *options;
    if (!r->options.connections) r->options.connections = 1024;
    if (!r->options.attempts) r->options.attempts = 3;
    if (!r->options.connect_ms) r->options.connect_ms = 5000;
    r->loop = loop;
    r->fd = fd;
    r->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    r->address = address;
    r->pick = pick;
    r->arg = arg;
    GY_ASSERT(uv_poll_init(loop, &r->poll, fd) == 0);
    r->poll.data = r;
    listen_again(r);
    return r;
}

const struct gy_address *gy_relay_address(const struct gy_relay *r)
{
    return &r->address;
}

void gy_relay_get_stats(const struct gy_relay *r, struct gy_relay_stats *out)
{
    *out = r->stats;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct gy_relay *r = handle->data;
    r->handle_closed = true;
    free_when_done(r);
}

void gy_relay_close(struct gy_relay *r, void (*done)(void *arg), void *arg)
{
    GY_ASSERT(!r->closing);
    r->closing = true;
    r->done = done;
    r->done_arg = arg;
    uv_poll_stop(&r->poll);
    close(r->fd);
    if (r->spare_fd >= 0) close(r->spare_fd);
    struct pair *p, *next;
    DL_FOREACH_SAFE (r->pairs, p, next)
        close_pair(p, false);
    uv_close((uv_handle_t *)&r->poll, on_handle_closed);
}
