/* SPDX-License-Identifier: Apache-2.0 */
#include "server/node_feed.h"

#include "base/log.h"
#include "model/key.h"
#include <uthash.h>

#define SETTLE_MS 5 /* changes of one app within this are told as one */

struct published { /* an app whose ports were told, or whose backends changed */
    char *key;
    bool dirty, told;
    UT_hash_handle hh;
};

struct gy_node_feed {
    struct gy_index *cluster;
    const struct gy_link *link;
    struct gy_store_subscription *subscription;
    struct published *apps;
    uv_timer_t timer;
};

/* ---- pods ---- */

static void on_pod(struct gy_node_feed *f, const struct gy_store_object *object, bool deleted)
{
    struct gy_pod pod = {0};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_shape_decode_text(&gy_pod_shape, object->bytes, object->len, GY_FROM_PEER, &pod, &err) !=
        GANTRY_OK)
        return; /* the index has said so */
    if (!gy_streq(pod.node, f->link->node))
        ;
    else if (deleted)
        f->link->forget(f->link->ctx, pod.id);
    else
        f->link->desired(f->link->ctx, &pod);
    gy_shape_fini(&gy_pod_shape, &pod);
}

/* What is known of the pods from before: an agent that was restarted goes on from there. */
static void tell_last(struct gy_node_feed *f, struct gy_store *store)
{
    struct gy_store_object *o;
    GY_STORE_FOREACH (store, GY_KEY_STATUS, o) {
        struct gy_pod_status status;
        if (gy_shape_decode_text(&gy_pod_status_shape, o->bytes, o->len, GY_FROM_PEER, &status,
                                 NULL) != GANTRY_OK)
            continue; /* the index has said so */
        if (gy_streq(status.node, f->link->node)) f->link->last(f->link->ctx, &status);
        gy_shape_fini(&gy_pod_status_shape, &status);
    }
}

static void on_pods(void *arg, const struct gy_store_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        on_pod(arg, events[i].object, events[i].deleted);
}

/* ---- services ---- */

static bool is_published(const struct gy_port *port)
{
    return port->published && port->mode == GY_PORT_INGRESS;
}

static size_t collect_ports(const struct gy_app *app, const struct gy_port **out)
{
    size_t n = 0;
    for (size_t i = 0; i < app->ports.n; i++)
        if (is_published(GY_AT(struct gy_port, app->ports, i)))
            out[n++] = GY_AT(struct gy_port, app->ports, i);
    return n;
}

/* Addresses of pods that take traffic. */
static size_t collect_backends(struct gy_node_feed *f, struct gy_index_app *app,
                               const struct gy_pod_address ***out)
{
    size_t n = 0, cap = 0;
    *out = NULL;
    struct gy_index_pod *pod = gy_index_pod_first(app);
    for (; pod; pod = gy_index_pod_after(pod)) {
        const struct gy_index_node *node = gy_index_node(f->cluster, pod->node);
        if (pod->state != GY_POD_READY || pod->desired != GY_POD_RUN ||
            (node && node->state == GY_NODE_UNREACHABLE))
            continue;
        for (size_t i = 0; i < pod->addresses.n; i++) {
            GY_VEC_PUSH(*out, n, cap);
            (*out)[n++] = GY_AT(struct gy_pod_address, pod->addresses, i);
        }
    }
    return n;
}

static void tell(struct gy_node_feed *f, struct published *p)
{
    struct gy_index_app *app = gy_index_app(f->cluster, p->key);
    struct gy_link_service service = {.key = p->key};
    const struct gy_port **ports = NULL;
    const struct gy_pod_address **backends = NULL;
    p->dirty = false;
    if (app && app->record && app->app.ports.n) {
        ports = gy_alloc_array(app->app.ports.n, sizeof *ports);
        service.ports = ports;
        service.port_count = collect_ports(&app->app, ports);
    }
    if (service.port_count) {
        service.backend_count = collect_backends(f, app, &backends);
        service.backends = backends;
    }
    if (service.port_count || p->told) f->link->service(f->link->ctx, &service);
    p->told = service.port_count > 0;
    free(ports);
    free(backends);
}

static void on_timer(uv_timer_t *timer)
{
    struct gy_node_feed *f = timer->data;
    struct published *p, *next;
    HASH_ITER (hh, f->apps, p, next) {
        if (!p->dirty) continue;
        tell(f, p);
        if (p->told) continue;
        HASH_DEL(f->apps, p);
        free(p->key);
        free(p);
    }
}

static void mark(struct gy_node_feed *f, const char *key)
{
    struct published *p = NULL;
    HASH_FIND_STR(f->apps, key, p);
    if (!p) {
        p = gy_alloc(sizeof *p);
        p->key = gy_strdup(key);
        HASH_ADD_KEYPTR(hh, f->apps, p->key, strlen(p->key), p);
    }
    p->dirty = true;
    if (!uv_is_active((uv_handle_t *)&f->timer)) uv_timer_start(&f->timer, on_timer, SETTLE_MS, 0);
}

static bool has_published(const struct gy_index_app *app)
{
    for (size_t i = 0; app->record && i < app->app.ports.n; i++)
        if (is_published(GY_AT(struct gy_port, app->app.ports, i))) return true;
    return false;
}

static void on_change(void *arg, const struct gy_index_change *change)
{
    struct gy_node_feed *f = arg;
    struct published *p, *next;
    if (change->app && has_published(change->app)) {
        mark(f, change->app->key);
    } else if (change->kind == GY_INDEX_APP) {
        /* Removed, or without ports now: those that were told are few. */
        HASH_ITER (hh, f->apps, p, next) {
            struct gy_index_app *app = gy_index_app(f->cluster, p->key);
            if (p->told && (!app || !has_published(app))) mark(f, p->key);
        }
    }
}

/* ---- life ---- */

struct gy_node_feed *gy_node_feed_start(uv_loop_t *loop, struct gy_index *cluster,
                                        const struct gy_link *link)
{
    struct gy_node_feed *f = gy_alloc(sizeof *f);
    f->cluster = cluster;
    f->link = link;
    uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    struct gy_store *store = gy_index_store(cluster);
    GY_ASSERT(gy_store_subscribe(store, GY_KEY_POD, 0, on_pods, f, &f->subscription, NULL) ==
              GANTRY_OK);
    struct gy_store_object *o;
    GY_STORE_FOREACH (store, GY_KEY_POD, o)
        on_pod(f, o, false);
    tell_last(f, store);
    link->synced(link->ctx);
    gy_index_listen(cluster, on_change, f);
    struct gy_index_app *app = gy_index_app_from(cluster, NULL);
    for (; app; app = gy_index_app_after(app))
        if (has_published(app)) mark(f, app->key);
    return f;
}

static void closed(uv_handle_t *handle)
{
    free(handle->data);
}

void gy_node_feed_stop(struct gy_node_feed *f)
{
    if (!f) return;
    gy_index_unlisten(f->cluster, on_change, f);
    gy_store_unsubscribe(f->subscription);
    struct published *p, *next;
    HASH_ITER (hh, f->apps, p, next) {
        HASH_DEL(f->apps, p);
        free(p->key);
        free(p);
    }
    uv_timer_stop(&f->timer);
    uv_close((uv_handle_t *)&f->timer, closed);
}
