/* SPDX-License-Identifier: Apache-2.0 */
#include "server/index_private.h"

#include "base/log.h"
#include "model/key.h"

#include <stdio.h>

#define FLUSH_MS 4

static int compare_pods(const struct gy_index_pod *a, const struct gy_index_pod *b)
{
    if (a->slot != b->slot) return a->slot < b->slot ? -1 : 1;
    return strcmp(a->id, b->id);
}
static int compare_apps(const struct gy_index_app *a, const struct gy_index_app *b)
{
    return strcmp(a->key, b->key);
}
static int compare_nodes(const struct gy_index_node *a, const struct gy_index_node *b)
{
    return strcmp(a->name, b->name);
}
#define UNUSED __attribute__((unused)) static
RB_GENERATE_INTERNAL(gy_index_pods, gy_index_pod, by_slot, compare_pods, UNUSED)
RB_GENERATE_INTERNAL(gy_index_apps, gy_index_app, by_key, compare_apps, UNUSED)
RB_GENERATE_INTERNAL(gy_index_nodes, gy_index_node, by_name, compare_nodes, UNUSED)

/* ---- dirty objects ---- */

static void arm(struct gy_index *c)
{
    if (c->armed) return;
    c->armed = true;
    uv_timer_start(&c->timer, gy_index_on_timer, FLUSH_MS, 0);
}

static void *push_dirty(struct gy_index *c)
{
    GY_VEC_PUSH(c->dirty, c->dirty_count, c->dirty_cap);
    struct dirty *d = &c->dirty[c->dirty_count++];
    *d = (struct dirty){0};
    arm(c);
    return d;
}

static void touch_app(struct gy_index *c, struct gy_index_app *app)
{
    gy_blob_put(GY_GIVE(app->view));
    if (app->dirty) return;
    app->dirty = true;
    struct dirty *d = push_dirty(c);
    d->kind = GY_INDEX_APP;
    d->key = gy_strdup(app->key);
}

static void touch_pod(struct gy_index *c, struct gy_index_pod *pod)
{
    gy_blob_put(GY_GIVE(pod->view));
    if (pod->dirty) return;
    pod->dirty = true;
    struct dirty *d = push_dirty(c);
    d->kind = GY_INDEX_POD;
    d->key = gy_strdup(pod->id);
}

static void touch_node(struct gy_index *c, struct gy_index_node *node)
{
    gy_blob_put(GY_GIVE(node->view));
    if (node->dirty) return;
    node->dirty = true;
    struct dirty *d = push_dirty(c);
    d->kind = GY_INDEX_NODE;
    d->key = gy_strdup(node->name);
}

/* Tell of something that is gone; takes `last`. */
static void push_deleted(struct gy_index *c, enum gy_index_kind kind, const char *key,
                         const char *ns, const char *project, const char *node,
                         struct gy_blob *last)
{
    struct dirty *d = push_dirty(c);
    d->kind = kind;
    d->deleted = true;
    d->key = gy_strdup(key);
    d->ns = gy_strdup(ns);
    d->project = gy_strdup(project);
    d->node = gy_strdup(node);
    d->view = last;
}

/* ---- apps ---- */

static struct gy_index_app *app_make(struct gy_index *c, const char *key)
{
    struct gy_index_app *app = gy_index_app(c, key);
    if (app) return app;
    const char *first = strchr(key, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    if (!second) return NULL;
    app = gy_alloc(sizeof *app);
    app->key = gy_strdup(key);
    app->ns = gy_strndup(key, (size_t)(first - key));
    app->project = gy_strndup(first + 1, (size_t)(second - first - 1));
    app->name = gy_strdup(second + 1);
    RB_INIT(&app->pods);
    RB_INSERT(gy_index_apps, &c->apps, app);
    return app;
}

static void app_free(struct gy_index *c, struct gy_index_app *app)
{
    RB_REMOVE(gy_index_apps, &c->apps, app);
    gy_store_object_put(app->record);
    gy_shape_fini(&gy_app_shape, &app->app);
    gy_blob_put(app->view);
    free(app->waiting);
    free(app->waiting_reason);
    free(app->key);
    free(app->ns);
    free(app->project);
    free(app->name);
    free(app);
}

static void app_drop_if_empty(struct gy_index *c, struct gy_index_app *app)
{
    if (!app->record && !app->pod_count) app_free(c, app);
}

static void on_app(struct gy_index *c, const char *key, struct gy_store_object *object)
{
    struct gy_index_app *app = object ? app_make(c, key) : gy_index_app(c, key);
    if (!app) return;
    if (!object) {
        if (!app->record) return;
        struct gy_blob *last = gy_blob_get(gy_index_app_view(c, app));
        push_deleted(c, GY_INDEX_APP, key, app->ns, app->project, "", last);
        gy_blob_put(GY_GIVE(app->view));
    }
    gy_store_object_put(app->record);
    gy_shape_fini(&gy_app_shape, &app->app);
    app->record = NULL;
    if (!object) {
        app_drop_if_empty(c, app);
        return;
    }
    struct gy_error err = GY_ERROR_INIT;
    if (gy_shape_decode_text(&gy_app_shape, object->bytes, object->len, GY_FROM_PEER, &app->app,
                             &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "server", "ignored a record that cannot be read key=app/%s why=\"%s\"",
               key, err.text);
        app_drop_if_empty(c, app);
        return;
    }
    app->record = gy_store_object_get(object);
    touch_app(c, app);
}

/* ---- pods ---- */

static void pod_free(struct gy_index *c, struct gy_index_pod *pod)
{
    RB_REMOVE(gy_index_pods, &pod->app->pods, pod);
    pod->app->pod_count--;
    HASH_DELETE(by_id, c->pods, pod);
    gy_store_object_put(pod->record);
    gy_store_object_put(pod->status_record);
    struct gy_pod_status holder = {.addresses = pod->addresses};
    gy_shape_fini(&gy_pod_status_shape, &holder);
    gy_blob_put(pod->view);
    free(pod->id);
    free(pod->node);
    free(pod->driver);
    free(pod);
}

static void status_put(struct gy_index *c, struct gy_index_pod *pod, struct gy_store_object *object)
{
    struct gy_pod_status status = {0}, old = {.addresses = pod->addresses};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_shape_decode_text(&gy_pod_status_shape, object->bytes, object->len, GY_FROM_PEER,
                             &status, &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "server", "ignored a record that cannot be read key=%s why=\"%s\"",
               object->key, err.text);
        return;
    }
    gy_shape_fini(&gy_pod_status_shape, &old);
    pod->addresses = status.addresses;
    status.addresses = (struct gy_list){0};
    pod->state = status.state;
    pod->health = status.health;
    pod->outcome = status.outcome;
    gy_shape_fini(&gy_pod_status_shape, &status);
    gy_store_object_put(pod->status_record);
    pod->status_record = gy_store_object_get(object);
    touch_pod(c, pod);
    touch_app(c, pod->app);
}

static void on_pod(struct gy_index *c, const char *id, struct gy_store_object *object)
{
    struct gy_index_pod *pod = gy_index_pod(c, id);
    if (!object) {
        if (!pod) return;
        struct gy_index_app *app = pod->app;
        push_deleted(c, GY_INDEX_POD, id, app->ns, app->project, pod->node,
                     gy_blob_get(gy_index_pod_view(c, pod)));
        pod_free(c, pod);
        touch_app(c, app);
        app_drop_if_empty(c, app);
        return;
    }
    struct gy_pod record = {0};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_shape_decode_text(&gy_pod_shape, object->bytes, object->len, GY_FROM_PEER, &record,
                             &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "server", "ignored a record that cannot be read key=%s why=\"%s\"",
               object->key, err.text);
        return;
    }
    if (!pod) {
        gy_autofree char *key = gy_printf("%s/%s/%s", record.ns, record.project, record.app);
        pod = gy_alloc(sizeof *pod);
        pod->id = gy_strdup(id);
        pod->app = app_make(c, key);
        pod->slot = record.slot;
        pod->state = GY_POD_ASSIGNED;
        RB_INSERT(gy_index_pods, &pod->app->pods, pod);
        pod->app->pod_count++;
        HASH_ADD_KEYPTR(by_id, c->pods, pod->id, strlen(pod->id), pod);
    }
    free(pod->node);
    free(pod->driver);
    pod->node = gy_strdup(record.node);
    pod->driver = gy_strdup(record.driver);
    pod->generation = record.generation;
    pod->desired = record.desired;
    gy_shape_fini(&gy_pod_shape, &record);
    gy_store_object_put(pod->record);
    pod->record = gy_store_object_get(object);
    touch_pod(c, pod);
    touch_app(c, pod->app);
    if (!pod->status_record) { /* it may have come first */
        char key[GY_KEY_MAX];
        gy_key_of(GY_KEY_STATUS, id, key);
        struct gy_store_object *status = gy_store_get(c->store, key);
        if (status) status_put(c, pod, status);
    }
}

static void on_status(struct gy_index *c, const char *id, struct gy_store_object *object)
{
    struct gy_index_pod *pod = gy_index_pod(c, id);
    if (pod && object) status_put(c, pod, object);
    if (pod && !object && pod->status_record) {
        gy_store_object_put(GY_GIVE(pod->status_record));
        pod->state = GY_POD_ASSIGNED;
        pod->health = GY_POD_HEALTH_NONE;
        pod->outcome = GY_OUTCOME_NONE;
        touch_pod(c, pod);
        touch_app(c, pod->app);
    }
}

/* ---- nodes ---- */

static void node_free(struct gy_index *c, struct gy_index_node *node)
{
    RB_REMOVE(gy_index_nodes, &c->nodes, node);
    c->node_count--;
    gy_store_object_put(node->spec_record);
    gy_store_object_put(node->report_record);
    gy_blob_put(node->view);
    free(node->name);
    free(node);
}

static void on_node(struct gy_index *c, const char *name, struct gy_store_object *object,
                    bool is_spec)
{
    struct gy_index_node *node = gy_index_node(c, name);
    if (!node && !object) return;
    if (!node) {
        node = gy_alloc(sizeof *node);
        node->name = gy_strdup(name);
        RB_INSERT(gy_index_nodes, &c->nodes, node);
        c->node_count++;
    }
    struct gy_blob *last = node->report_record ? gy_blob_get(gy_index_node_view(c, node)) : NULL;
    struct gy_store_object **slot = is_spec ? &node->spec_record : &node->report_record;
    gy_store_object_put(*slot);
    *slot = gy_store_object_get(object);
    if (last && !node->report_record)
        push_deleted(c, GY_INDEX_NODE, name, "", "", name, GY_GIVE(last));
    gy_blob_put(last);
    if (!node->spec_record && !node->report_record)
        node_free(c, node);
    else
        touch_node(c, node);
}

/* ---- the store ---- */

static void on_record(struct gy_index *c, const char *key, struct gy_store_object *object)
{
    if (gy_starts_with(key, GY_KEY_APP))
        on_app(c, key + strlen(GY_KEY_APP), object);
    else if (gy_starts_with(key, GY_KEY_POD))
        on_pod(c, key + strlen(GY_KEY_POD), object);
    else if (gy_starts_with(key, GY_KEY_STATUS))
        on_status(c, key + strlen(GY_KEY_STATUS), object);
    else if (gy_starts_with(key, GY_KEY_NODE))
        on_node(c, key + strlen(GY_KEY_NODE), object, true);
    else if (gy_starts_with(key, GY_KEY_REPORT))
        on_node(c, key + strlen(GY_KEY_REPORT), object, false);
}

static void on_events(void *arg, const struct gy_store_event *events, size_t n)
{
    struct gy_index *c = arg;
    for (size_t i = 0; i < n; i++)
        on_record(c, events[i].object->key, events[i].deleted ? NULL : events[i].object);
}

struct gy_index *gy_index_create(uv_loop_t *loop, struct gy_store *store)
{
    struct gy_index *c = gy_alloc(sizeof *c);
    c->store = store;
    RB_INIT(&c->apps);
    RB_INIT(&c->nodes);
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    GY_ASSERT(gy_store_subscribe(store, "", 0, on_events, c, &c->subscription, NULL) == GANTRY_OK);
    struct gy_store_object *o;
    GY_STORE_FOREACH (store, "", o)
        on_record(c, o->key, o);
    gy_index_flush(c); /* nobody listens yet */
    return c;
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void gy_index_destroy(struct gy_index *c)
{
    if (!c) return;
    gy_store_unsubscribe(c->subscription);
    c->listener_count = 0;
    gy_index_flush(c);
    free(c->dirty);
    struct gy_index_pod *pod, *next;
    HASH_ITER (by_id, c->pods, pod, next)
        pod_free(c, pod);
    while (!RB_EMPTY(&c->apps))
        app_free(c, RB_MIN(gy_index_apps, &c->apps));
    while (!RB_EMPTY(&c->nodes))
        node_free(c, RB_MIN(gy_index_nodes, &c->nodes));
    uv_timer_stop(&c->timer);
    uv_close((uv_handle_t *)&c->timer, timer_closed);
}

/* ---- what the engine tells ---- */

void gy_index_node_state(struct gy_index *c, const struct gy_engine_node_state *state)
{
    struct gy_index_node *node = gy_index_node(c, state->name);
    if (!node) return;
    bool moved = node->state != state->state;
    node->state = state->state;
    node->since_ms = state->since_ms;
    node->pods = state->pods;
    node->cpu_used_milli = state->cpu_used_milli;
    node->memory_used_bytes = state->memory_used_bytes;
    touch_node(c, node);
    if (!moved) return;
    struct gy_index_pod *pod, *next;
    HASH_ITER (by_id, c->pods, pod, next) {
        if (!gy_streq(pod->node, node->name)) continue;
        touch_pod(c, pod); /* their state may be in doubt now, or no longer */
        touch_app(c, pod->app);
    }
}

static int compare_slots(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool has_slot(const int64_t *slots, size_t n, int64_t slot)
{
    for (size_t i = 0; i < n; i++)
        if (slots[i] == slot) return true;
    return false;
}

void gy_index_waiting(struct gy_index *c, const struct gy_engine_waiting *waiting)
{
    const char *key = waiting->app_key;
    if (gy_starts_with(key, GY_KEY_APP)) key += strlen(GY_KEY_APP);
    struct gy_index_app *app = gy_index_app(c, key);
    if (!app) return;
    for (size_t i = 0; i < app->waiting_count; i++)
        if (!has_slot(waiting->slots, waiting->n, app->waiting[i]))
            push_deleted(c, GY_INDEX_POD, "", app->ns, app->project, "",
                         gy_index_waiting_view(app, i));
    free(app->waiting);
    free(app->waiting_reason);
    app->waiting = waiting->n ? gy_alloc_array(waiting->n, sizeof *app->waiting) : NULL;
    if (waiting->n) memcpy(app->waiting, waiting->slots, waiting->n * sizeof *app->waiting);
    if (waiting->n) qsort(app->waiting, waiting->n, sizeof *app->waiting, compare_slots);
    app->waiting_count = waiting->n;
    app->waiting_reason = waiting->n ? gy_strdup(waiting->reason) : NULL;
    app->waiting_dirty = true;
    touch_app(c, app);
}

/* ---- lookups ---- */

struct gy_index_app *gy_index_app(struct gy_index *c, const char *key)
{
    struct gy_index_app probe = {.key = (char *)(uintptr_t)key};
    return RB_FIND(gy_index_apps, &c->apps, &probe);
}
struct gy_index_app *gy_index_app_from(struct gy_index *c, const char *key)
{
    struct gy_index_app probe = {.key = (char *)(uintptr_t)key};
    return key ? RB_NFIND(gy_index_apps, &c->apps, &probe) : RB_MIN(gy_index_apps, &c->apps);
}
struct gy_index_app *gy_index_app_after(struct gy_index_app *app)
{
    return RB_NEXT(gy_index_apps, NULL, app);
}
struct gy_index_pod *gy_index_pod(struct gy_index *c, const char *id)
{
    struct gy_index_pod *pod = NULL;
    HASH_FIND(by_id, c->pods, id, strlen(id), pod);
    return pod;
}
struct gy_index_pod *gy_index_pod_first(struct gy_index_app *app)
{
    return RB_MIN(gy_index_pods, &app->pods);
}
struct gy_index_pod *gy_index_pod_after(struct gy_index_pod *pod)
{
    return RB_NEXT(gy_index_pods, NULL, pod);
}
struct gy_index_node *gy_index_node(struct gy_index *c, const char *name)
{
    struct gy_index_node probe = {.name = (char *)(uintptr_t)name};
    return RB_FIND(gy_index_nodes, &c->nodes, &probe);
}
struct gy_index_node *gy_index_node_first(struct gy_index *c)
{
    return RB_MIN(gy_index_nodes, &c->nodes);
}
struct gy_index_node *gy_index_node_after(struct gy_index_node *node)
{
    return RB_NEXT(gy_index_nodes, NULL, node);
}
size_t gy_index_node_count(const struct gy_index *c)
{
    return c->node_count;
}
struct gy_store *gy_index_store(const struct gy_index *c)
{
    return c->store;
}
