/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded views, cached; and telling listeners what changed. */
#include "server/index_private.h"

#include <stdio.h>

struct gy_blob *gy_blob_create(const char *text, size_t len)
{
    struct gy_blob *blob = gy_alloc(sizeof *blob + len + 1);
    blob->refs = 1;
    blob->len = len;
    memcpy(blob->text, text, len);
    return blob;
}

struct gy_blob *gy_blob_get(struct gy_blob *blob)
{
    if (blob) blob->refs++;
    return blob;
}

void gy_blob_put(void *arg)
{
    struct gy_blob *blob = arg;
    if (blob && --blob->refs == 0) free(blob);
}

/* ---- views ---- */

void gy_index_app_count(struct gy_index *c, const struct gy_index_app *app,
                        struct gy_app_status *out)
{
    *out = (struct gy_app_status){.waiting = (int64_t)app->waiting_count,
                                  .reason = app->waiting_reason};
    if (app->record)
        out->desired = app->app.mode == GY_APP_GLOBAL ? (int64_t)c->node_count : app->app.replicas;
    struct gy_index_pod *pod;
    for (pod = gy_index_pod_first((struct gy_index_app *)(uintptr_t)app); pod;
         pod = gy_index_pod_after(pod)) {
        if (pod->state == GY_POD_ENDED) {
            out->completed += pod->outcome == GY_OUTCOME_COMPLETED;
            continue;
        }
        const struct gy_index_node *node = gy_index_node(c, pod->node);
        bool known = !node || node->state != GY_NODE_UNREACHABLE;
        bool ready = pod->state == GY_POD_READY && known;
        out->pods++;
        out->running += ready || (pod->state == GY_POD_RUNNING && known);
        if (pod->desired == GY_POD_STOP) continue;
        out->ready += ready;
        out->updated += app->record && pod->generation == app->app.generation;
    }
}

struct gy_blob *gy_index_app_view(struct gy_index *c, struct gy_index_app *app)
{
    if (app->view) return app->view;
    GY_ASSERT(app->record);
    struct gy_app_status status;
    gy_index_app_count(c, app, &status);
    size_t len;
    gy_autofree char *text =
        gy_app_view_text(app->record->bytes, app->record->len, app->record->mod_rev, &status, &len);
    return app->view = gy_blob_create(text, len);
}

static struct gy_blob *encode(const struct gy_shape *shape, const void *object)
{
    gy_autofree char *text = gy_shape_encode_text(shape, object);
    return gy_blob_create(text, strlen(text));
}

struct gy_blob *gy_index_pod_view(struct gy_index *c, struct gy_index_pod *pod)
{
    if (pod->view) return pod->view;
    struct gy_pod record = {0};
    struct gy_pod_status status = {0};
    struct gy_pod_view view;
    GY_ASSERT(gy_shape_decode_text(&gy_pod_shape, pod->record->bytes, pod->record->len,
                                   GY_FROM_PEER, &record, NULL) == GANTRY_OK);
    bool has_status =
        pod->status_record &&
        gy_shape_decode_text(&gy_pod_status_shape, pod->status_record->bytes,
                             pod->status_record->len, GY_FROM_PEER, &status, NULL) == GANTRY_OK;
    const struct gy_index_node *node = gy_index_node(c, pod->node);
    gy_pod_view_join(&record, has_status ? &status : NULL,
                     node && node->state == GY_NODE_UNREACHABLE, &view);
    pod->view = encode(&gy_pod_view_shape, &view);
    gy_shape_fini(&gy_pod_shape, &record);
    gy_shape_fini(&gy_pod_status_shape, &status);
    return pod->view;
}

struct gy_blob *gy_index_waiting_view(const struct gy_index_app *app, size_t i)
{
    char none[] = "";
    struct gy_pod_view view = {.id = none,
                               .ns = app->ns,
                               .project = app->project,
                               .app = app->name,
                               .slot = app->waiting[i],
                               .state = GY_POD_PENDING,
                               .generation = app->app.generation,
                               .reason = app->waiting_reason};
    return encode(&gy_pod_view_shape, &view);
}

struct gy_blob *gy_index_node_view(struct gy_index *c, struct gy_index_node *node)
{
    (void)c;
    if (node->view) return node->view;
    struct gy_node_report report = {0};
    struct gy_node_spec spec = {0};
    struct gy_node view;
    if (node->report_record &&
        gy_shape_decode_text(&gy_node_report_shape, node->report_record->bytes,
                             node->report_record->len, GY_FROM_PEER, &report, NULL) != GANTRY_OK)
        report = (struct gy_node_report){0};
    if (!report.name) report.name = gy_strdup(node->name);
    bool has_spec =
        node->spec_record &&
        gy_shape_decode_text(&gy_node_spec_shape, node->spec_record->bytes, node->spec_record->len,
                             GY_FROM_PEER, &spec, NULL) == GANTRY_OK;
    gy_node_merge(&report, has_spec ? &spec : NULL, &view);
    view.state = node->state == GY_NODE_READY && view.drain ? GY_NODE_DRAINING : node->state;
    view.since_ms = node->since_ms;
    view.pods = node->pods;
    view.cpu_used_milli = node->cpu_used_milli;
    view.memory_used_bytes = node->memory_used_bytes;
    node->view = encode(&gy_node_shape, &view);
    gy_shape_fini(&gy_node_shape, &view);
    gy_shape_fini(&gy_node_report_shape, &report);
    gy_shape_fini(&gy_node_spec_shape, &spec);
    return node->view;
}

/* ---- telling ---- */

void gy_index_listen(struct gy_index *c, gy_index_listener *fn, void *arg)
{
    GY_ASSERT(c->listener_count < LISTENERS_MAX);
    c->listeners[c->listener_count].fn = fn;
    c->listeners[c->listener_count++].arg = arg;
}

void gy_index_unlisten(struct gy_index *c, gy_index_listener *fn, void *arg)
{
    for (size_t i = 0; i < c->listener_count; i++)
        if (c->listeners[i].fn == fn && c->listeners[i].arg == arg)
            c->listeners[i--] = c->listeners[--c->listener_count];
}

static void tell(struct gy_index *c, struct gy_index_change *change)
{
    change->rev = gy_store_rev(c->store);
    for (size_t i = 0; i < c->listener_count; i++)
        c->listeners[i].fn(c->listeners[i].arg, change);
}

static void tell_app(struct gy_index *c, const char *key)
{
    struct gy_index_app *app = gy_index_app(c, key);
    if (!app) return;
    app->dirty = false;
    struct gy_index_change change = {
        .kind = GY_INDEX_APP, .app = app, .ns = app->ns, .project = app->project, .node_name = ""};
    if (app->record) {
        change.view = c->listener_count ? gy_index_app_view(c, app) : NULL;
        tell(c, &change);
    }
    if (!app->waiting_dirty) return;
    app->waiting_dirty = false;
    change.kind = GY_INDEX_POD;
    for (size_t i = 0; c->listener_count && i < app->waiting_count; i++) {
        change.view = gy_index_waiting_view(app, i);
        tell(c, &change);
        gy_blob_put(change.view);
    }
}

static void tell_one(struct gy_index *c, const struct dirty *d)
{
    if (d->deleted) {
        struct gy_index_change change = {.kind = d->kind,
                                         .deleted = true,
                                         .ns = d->ns,
                                         .project = d->project,
                                         .node_name = d->node,
                                         .view = d->view};
        tell(c, &change);
    } else if (d->kind == GY_INDEX_APP) {
        tell_app(c, d->key);
    } else if (d->kind == GY_INDEX_POD) {
        struct gy_index_pod *pod = gy_index_pod(c, d->key);
        if (!pod) return;
        pod->dirty = false;
        if (!c->listener_count) return;
        struct gy_index_change change = {.kind = GY_INDEX_POD,
                                         .app = pod->app,
                                         .pod = pod,
                                         .ns = pod->app->ns,
                                         .project = pod->app->project,
                                         .node_name = pod->node,
                                         .view = gy_index_pod_view(c, pod)};
        tell(c, &change);
    } else {
        struct gy_index_node *node = gy_index_node(c, d->key);
        if (!node) return;
        node->dirty = false;
        if (!c->listener_count || !node->report_record) return;
        struct gy_index_change change = {.kind = GY_INDEX_NODE,
                                         .node = node,
                                         .ns = "",
                                         .project = "",
                                         .node_name = node->name,
                                         .view = gy_index_node_view(c, node)};
        tell(c, &change);
    }
}

void gy_index_flush(struct gy_index *c)
{
    /* Listeners may not change the index, so the list does not grow meanwhile. */
    size_t n = c->dirty_count;
    for (size_t i = 0; i < n; i++) {
        struct dirty *d = &c->dirty[i];
        tell_one(c, d);
        free(d->key);
        free(d->ns);
        free(d->project);
        free(d->node);
        gy_blob_put(d->view);
    }
    GY_ASSERT(c->dirty_count == n);
    c->dirty_count = 0;
    if (c->dirty_cap > 4096) {
        free(GY_GIVE(c->dirty));
        c->dirty_cap = 0;
    }
}

void gy_index_on_timer(uv_timer_t *timer)
{
    struct gy_index *c = timer->data;
    c->armed = false;
    gy_index_flush(c);
}
