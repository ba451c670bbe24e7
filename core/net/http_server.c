/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a server: limits, routes, statistics, slow clients, stopping. */
#include "net/http_private.h"

#include "base/log.h"
#include "base/time.h"
#include <inttypes.h>

#define SWEEP_MS 1000
#define STOP_POLL_MS 10

static void set_default(int64_t *value, int64_t fallback)
{
    if (*value == 0) *value = fallback;
}

void gy_http_server_set_limits(struct gy_http_server *s, const struct gy_http_limits *limits)
{
    s->limits = *limits;
    struct gy_http_limits *l = &s->limits;
    if (!l->body_bytes) l->body_bytes = 4u << 20;
    if (!l->header_bytes) l->header_bytes = 32u << 10;
    if (!l->connections) l->connections = 10000;
    set_default(&l->header_ms, 10000);
    set_default(&l->body_ms, 60000);
    set_default(&l->idle_ms, 60000);
    set_default(&l->stop_grace_ms, 2000);
}

struct gy_http_server *gy_http_server_create(uv_loop_t *loop)
{
    struct gy_http_server *s = gy_alloc(sizeof *s);
    struct gy_http_limits none = {0};
    s->loop = loop;
    gy_http_server_set_limits(s, &none);
    uv_timer_init(loop, &s->sweep);
    s->sweep.data = s;
    return s;
}

void gy_http_server_route(struct gy_http_server *s, const char *method, const char *pattern,
                          gy_http_handler *handler, void *arg)
{
    struct gy_http_route_entry *e = gy_alloc(sizeof *e);
    e->handler = handler;
    e->arg = arg;
    LL_PREPEND(s->entries, e);
    gy_route_add(&s->routes, method, pattern, e);
}

void gy_http_server_fallback(struct gy_http_server *s, gy_http_handler *handler, void *arg)
{
    s->fallback.handler = handler;
    s->fallback.arg = arg;
}

void gy_http_server_guard(struct gy_http_server *s, gy_http_guard *guard, void *arg)
{
    struct gy_http_guard_entry *g = gy_alloc(sizeof *g);
    g->guard = guard;
    g->arg = arg;
    LL_APPEND(s->guards, g);
}

static json_t *route_stats(const struct gy_route *r, const struct gy_http_route_entry *e)
{
    json_t *buckets = json_array();
    for (size_t i = 0; i < GY_HTTP_BUCKETS; i++)
        json_array_append_new(buckets, json_integer((json_int_t)e->buckets[i]));
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "method", r ? r->method : "*", "route",
                     r ? r->pattern : "*", "count", (json_int_t)e->count, "errors",
                     (json_int_t)e->errors, "sum_us", (json_int_t)e->sum_us, "buckets", buckets);
}

json_t *gy_http_server_stats(const struct gy_http_server *s)
{
    json_t *routes = json_array();
    for (size_t i = 0; i < s->routes.n; i++)
        json_array_append_new(routes, route_stats(&s->routes.routes[i], s->routes.routes[i].value));
    if (s->fallback.handler) json_array_append_new(routes, route_stats(NULL, &s->fallback));
    return json_pack("{s:I, s:I, s:o}", "connections", (json_int_t)s->conn_count, "requests",
                     (json_int_t)s->request_count, "routes", routes);
}

/* A client that dribbles keeps MHD's inactivity time-out from ever firing, so each phase has a
 * deadline of its own.  Shutting the socket down makes MHD see the end and clean up. */
static void cut_slow(struct gy_http_server *s, int64_t now_ms)
{
    struct gy_http_conn *c;
    DL_FOREACH (s->conns, c) {
        const struct gy_http_limits *l = &s->limits;
        int64_t allowed = c->phase == GY_HTTP_CONN_NEW    ? l->header_ms
                          : c->phase == GY_HTTP_CONN_IDLE ? l->idle_ms
                          : c->phase == GY_HTTP_CONN_BODY ? l->body_ms
                                                          : INT64_MAX;
        if (now_ms - c->since_ms < allowed) continue;
        char peer[GY_ADDRESS_FULL_MAX];
        gy_address_format(&c->peer, peer);
        gy_log(GY_LOG_DEBUG, "net", "slow client cut peer=%s after_ms=%" PRId64, peer,
               now_ms - c->since_ms);
        c->phase = GY_HTTP_CONN_BUSY;
        shutdown(c->fd, SHUT_RDWR);
    }
}

static void handle_gone(struct gy_http_server *s)
{
    struct gy_http_route_entry *e, *e2;
    struct gy_http_guard_entry *g, *g2;
    if (--s->open_handles) return;
    LL_FOREACH_SAFE (s->entries, e, e2)
        free(e);
    LL_FOREACH_SAFE (s->guards, g, g2)
        free(g);
    gy_route_table_fini(&s->routes);
    void (*done)(void *) = s->done;
    void *arg = s->done_arg;
    free(s);
    if (done) done(arg);
}

static void sweep_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

static void listener_handle_closed(uv_handle_t *handle)
{
    struct gy_http_listener *l = handle->data;
    struct gy_http_server *s = l->server;
    if (--l->open_handles == 0) free(l);
    handle_gone(s);
}

/* Everything still open is told, resumed and handed back, as MHD_stop_daemon() requires. */
static void stop_now(struct gy_http_server *s)
{
    struct gy_http_request *req, *next;
    struct gy_http_upgraded *u, *u2;
    struct gy_http_listener *l, *l2;
    DL_FOREACH_SAFE (s->requests, req, next)
        gy_http_mark_gone(req);
    DL_FOREACH_SAFE (s->upgraded, u, u2) {
        DL_DELETE(s->upgraded, u);
        u->server = NULL;
        MHD_upgrade_action(u->urh, MHD_UPGRADE_ACTION_CLOSE);
    }
    s->open_handles = 1;
    uv_close((uv_handle_t *)&s->sweep, sweep_closed);
    LL_FOREACH_SAFE (s->listeners, l, l2) {
        uv_poll_stop(&l->poll);
        uv_timer_stop(&l->timer);
        MHD_stop_daemon(l->daemon);
        l->open_handles = 2;
        s->open_handles += 2;
        uv_close((uv_handle_t *)&l->poll, listener_handle_closed);
        uv_close((uv_handle_t *)&l->timer, listener_handle_closed);
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct gy_http_server *s = timer->data;
    int64_t now_ms = gy_time_mono_ms();
    if (s->stopping) {
        if (!s->requests || now_ms >= s->stop_at_ms) stop_now(s);
        return;
    }
    cut_slow(s, now_ms);
    if (!s->conns) uv_timer_stop(timer);
}

void gy_http_sweep_start(struct gy_http_server *s)
{
    if (!s->stopping && !uv_is_active((uv_handle_t *)&s->sweep))
        uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

void gy_http_server_stop(struct gy_http_server *s, void (*done)(void *arg), void *arg)
{
    GY_ASSERT(!s->stopping);
    s->stopping = true;
    s->done = done;
    s->done_arg = arg;
    s->stop_at_ms = gy_time_mono_ms() + s->limits.stop_grace_ms;
    struct gy_http_listener *l;
    LL_FOREACH (s->listeners, l)
        gy_http_listener_close(l);
    struct gy_http_request *req, *next;
    DL_FOREACH_SAFE (s->requests, req, next)
        if (req->streaming) gy_http_mark_gone(req);
    uv_timer_start(&s->sweep, on_sweep, 0, STOP_POLL_MS);
}
