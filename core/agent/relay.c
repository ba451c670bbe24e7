/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports: a listener for each, relayed round robin to the healthy pods.  One that cannot
 * listen says so once, and tries again. */
#include "agent/agent_private.h"

#include "base/log.h"
#include "base/time.h"
#include "net/relay.h"

#include <inttypes.h>
#include <uthash.h>
#include <utlist.h>

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 30000

struct backend {
    struct gy_address address;
    int64_t target;
};

struct listener {
    struct listener *prev, *next;
    struct gy_agent_published *owner; /* NULL while it closes */
    struct gy_agent *agent;
    char *host_ip; /* NULL = all */
    uint16_t port;
    int64_t target;
    struct gy_relay *relays[2]; /* 0.0.0.0 and ::, or the one address */
    uv_timer_t retry;
    uint64_t retry_ms;
    unsigned open; /* relays and the timer, while it closes */
    size_t turn;
    bool has_failed;
};

struct gy_agent_published {
    UT_hash_handle hh;
    char *key;
    struct listener *listeners;
    struct backend *backends;
    size_t n;
};

/* ---- choosing ---- */

static bool pick(void *arg, unsigned attempt, struct gy_address *out)
{
    struct listener *l = arg;
    const struct gy_agent_published *p = l->owner;
    size_t fit = 0;
    for (size_t i = 0; p && i < p->n; i++)
        fit += p->backends[i].target == l->target;
    if (attempt >= fit) return false;
    size_t chosen = l->turn++ % fit;
    for (size_t i = 0;; i++)
        if (p->backends[i].target == l->target && chosen-- == 0) {
            *out = p->backends[i].address;
            return true;
        }
}

/* ---- listening ---- */

static void tell(const struct listener *l, int level, const char *kind, const char *text)
{
    struct gy_agent *a = l->agent;
    if (!a->up.event || a->is_stopping) return;
    gy_autofree char *key = gy_strdup(l->owner->key);
    char *rest = key;
    struct gy_event event = {.time_ms = gy_time_wall_ms(),
                             .level = level,
                             .kind = (char *)kind,
                             .node = a->node,
                             .text = (char *)text};
    event.ns = strsep(&rest, "/");
    event.project = strsep(&rest, "/");
    event.app = rest;
    a->up.event(a->up.ctx, &event);
}

/* Another app of this node that has the port. */
static const char *holder(const struct listener *l)
{
    for (struct gy_agent_published *p = l->agent->published; p; p = p->hh.next)
        for (struct listener *other = p->listeners; other; other = other->next)
            if (other != l && other->port == l->port && other->relays[0]) return p->key;
    return NULL;
}

static void close_relays(struct listener *l, void (*done)(void *arg))
{
    for (size_t i = 0; i < 2; i++) {
        if (l->relays[i]) gy_relay_close(l->relays[i], done, done ? l : NULL);
        l->relays[i] = NULL;
    }
}

static bool listen_all(struct listener *l, struct gy_error *err)
{
    const char *first = l->host_ip ? l->host_ip : "0.0.0.0";
    l->relays[0] = gy_relay_listen(l->agent->loop, first, l->port, NULL, pick, l, err);
    if (!l->relays[0]) return false;
    if (l->host_ip) return true;
    l->relays[1] = gy_relay_listen(l->agent->loop, "::", l->port, NULL, pick, l, err);
    if (l->relays[1] || err->status != GANTRY_EBUSY) return true; /* a kernel without IPv6 */
    close_relays(l, NULL);
    return false;
}

static void try_listen(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    struct gy_error err = GY_ERROR_INIT;
    const char *by = holder(l);
    if (listen_all(l, &err)) {
        if (l->has_failed) {
            gy_autofree char *text = gy_printf("port %u is published on this node now", l->port);
            tell(l, GY_EVENT_INFO, "port.published", text);
        }
        l->has_failed = false;
        return;
    }
    uv_timer_start(&l->retry, try_listen, l->retry_ms, 0);
    l->retry_ms = l->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : l->retry_ms * 2;
    if (l->has_failed) return;
    l->has_failed = true;
    gy_autofree char *text =
        by ? gy_printf("port %u is not published on this node: app %s publishes it already; it is "
                       "tried again",
                       l->port, by)
           : gy_printf("port %u is not published on this node: %s; it is tried again", l->port,
                       err.text);
    gy_log(GY_LOG_WARN, "agent", "cannot publish a port app=%s: %s", l->owner->key, err.text);
    tell(l, GY_EVENT_WARN, "port.unavailable", text);
}

static void listener_closed(struct listener *l)
{
    if (--l->open > 0) return;
    struct gy_agent *a = l->agent;
    free(l->host_ip);
    free(l);
    gy_agent_closed(a);
}

static void on_relay_closed(void *arg)
{
    listener_closed(arg);
}

static void on_retry_closed(uv_handle_t *handle)
{
    listener_closed(handle->data);
}

static void listener_close(struct gy_agent_published *p, struct listener *l)
{
    DL_DELETE(p->listeners, l);
    l->owner = NULL;
    l->agent->closing++;
    l->open = 1u + (l->relays[0] != NULL) + (l->relays[1] != NULL);
    close_relays(l, on_relay_closed);
    uv_close((uv_handle_t *)&l->retry, on_retry_closed);
}

static void listener_open(struct gy_agent *a, struct gy_agent_published *p,
                          const struct gy_port *port)
{
    struct listener *l = gy_alloc(sizeof *l);
    l->agent = a;
    l->owner = p;
    l->host_ip = gy_strdup(port->host_ip);
    l->port = (uint16_t)port->published;
    l->target = port->target;
    l->retry_ms = RETRY_FIRST_MS;
    uv_timer_init(a->loop, &l->retry);
    l->retry.data = l;
    DL_APPEND(p->listeners, l);
    try_listen(&l->retry);
}

/* ---- what is published ---- */

static bool is_same(const struct listener *l, const struct gy_port *port)
{
    return l->port == port->published && gy_streq(l->host_ip, port->host_ip);
}

static void set_backends(struct gy_agent_published *p, const struct gy_agent_service *s)
{
    free(p->backends);
    p->backends = gy_alloc_array(s->backend_count ? s->backend_count : 1, sizeof *p->backends);
    p->n = 0;
    for (size_t i = 0; i < s->backend_count; i++) {
        const struct gy_pod_address *from = s->backends[i];
        struct backend *to = &p->backends[p->n];
        struct gy_error err = GY_ERROR_INIT;
        to->target = from->target;
        if (gy_address_make(from->text, (uint16_t)from->port, &to->address, &err) == GANTRY_OK)
            p->n++;
        else
            gy_log(GY_LOG_WARN, "agent", "a backend has no usable address app=%s: %s", p->key,
                   err.text);
    }
}

static void set_ports(struct gy_agent *a, struct gy_agent_published *p,
                      const struct gy_agent_service *s)
{
    struct listener *l, *next;
    DL_FOREACH_SAFE (p->listeners, l, next) {
        bool wanted = false;
        for (size_t i = 0; i < s->port_count; i++) {
            if (!is_same(l, s->ports[i])) continue;
            l->target = s->ports[i]->target;
            wanted = true;
        }
        if (!wanted) listener_close(p, l);
    }
    for (size_t i = 0; i < s->port_count; i++) {
        bool is_there = false;
        DL_FOREACH (p->listeners, l)
            is_there = is_there || is_same(l, s->ports[i]);
        if (!is_there && s->ports[i]->protocol == GY_PROTOCOL_TCP) listener_open(a, p, s->ports[i]);
    }
}

static void forget(struct gy_agent *a, struct gy_agent_published *p)
{
    struct listener *l, *next;
    DL_FOREACH_SAFE (p->listeners, l, next)
        listener_close(p, l);
    HASH_DEL(a->published, p);
    free(p->backends);
    free(p->key);
    free(p);
}

void gy_agent_service(struct gy_agent *a, const struct gy_agent_service *s)
{
    struct gy_agent_published *p;
    if (a->is_stopping) return;
    HASH_FIND_STR(a->published, s->key, p);
    if (!p && s->port_count == 0) return;
    if (!p) {
        p = gy_alloc(sizeof *p);
        p->key = gy_strdup(s->key);
        HASH_ADD_KEYPTR(hh, a->published, p->key, strlen(p->key), p);
    }
    set_backends(p, s);
    set_ports(a, p, s);
    if (s->port_count == 0) forget(a, p);
}

void gy_agent_published_close(struct gy_agent *a)
{
    while (a->published)
        forget(a, a->published);
}
