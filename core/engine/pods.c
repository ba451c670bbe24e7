/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and apps in their tables, and what pods take of their nodes. */
#include "engine/cluster.h"
#include "model/key.h"

bool gy_cluster_pod_is_over(const struct pod *pod)
{
    return pod->has_status && pod->status.state == GY_POD_ENDED;
}

bool gy_cluster_pod_is_ready(const struct pod *pod)
{
    return pod->has_status && pod->status.state == GY_POD_READY && pod->rec.desired == GY_POD_RUN &&
           pod->node->state != GY_NODE_UNREACHABLE;
}

void gy_cluster_pod_account(struct gy_engine *e, struct pod *pod)
{
    bool counts = !gy_cluster_pod_is_over(pod);
    if (counts == pod->counted) return;
    int64_t sign = counts ? 1 : -1;
    pod->counted = counts;
    pod->node->pod_count += sign;
    pod->node->cpu_used_milli += sign * pod->cpu_milli;
    pod->node->memory_used_bytes += sign * pod->memory_bytes;
    pod->node->publish = true;
    if (!counts) e->capacity_changed = true;
}

struct pod *gy_cluster_pod_add(struct gy_engine *e, const struct gy_pod *rec, uint64_t rev)
{
    struct pod *pod = gy_alloc(sizeof *pod);
    gy_shape_copy(&gy_pod_shape, rec, &pod->rec);
    pod->id = pod->rec.id;
    pod->rev = rev;
    gy_pod_template_ask(&pod->rec.template, &pod->cpu_milli, &pod->memory_bytes);
    char key[GY_KEY_MAX];
    gy_key_app(rec->ns, rec->project, rec->app, key);
    pod->app = gy_cluster_app(e, key);
    pod->node = gy_cluster_node(e, rec->node);
    HASH_ADD_KEYPTR(hh, e->pods_by_id, pod->id, strlen(pod->id), pod);
    DL_APPEND(pod->app->pods, pod);
    DL_APPEND2(pod->node->pods, pod, node_prev, node_next);
    if (rec->sequence > e->sequence) e->sequence = rec->sequence;
    gy_cluster_pod_account(e, pod);
    gy_cluster_app_touch(e, pod->app);
    return pod;
}

void gy_cluster_pod_remove(struct gy_engine *e, struct pod *pod)
{
    if (pod->counted) {
        pod->node->pod_count--;
        pod->node->cpu_used_milli -= pod->cpu_milli;
        pod->node->memory_used_bytes -= pod->memory_bytes;
        pod->node->publish = true;
    }
    e->capacity_changed = true;
    if (pod->txn) DL_DELETE2(e->changing, pod, txn_prev, txn_next);
    HASH_DEL(e->pods_by_id, pod);
    DL_DELETE(pod->app->pods, pod);
    DL_DELETE2(pod->node->pods, pod, node_prev, node_next);
    gy_cluster_app_touch(e, pod->app);
    if (pod->has_status) gy_shape_fini(&gy_pod_status_shape, &pod->status);
    gy_shape_fini(&gy_pod_shape, &pod->rec);
    free(pod);
}

struct app *gy_cluster_app(struct gy_engine *e, const char *key)
{
    struct app *app;
    HASH_FIND(hh, e->apps_by_key, key, strlen(key), app);
    if (app) return app;
    app = gy_alloc(sizeof *app);
    app->key = gy_strdup(key);
    app->wake_mono_ms = INT64_MAX;
    HASH_ADD_KEYPTR(hh, e->apps_by_key, app->key, strlen(app->key), app);
    DL_APPEND(e->apps, app);
    return app;
}

void gy_cluster_app_touch(struct gy_engine *e, struct app *app)
{
    if (app->dirty) return;
    app->dirty = true;
    DL_APPEND2(e->dirty, app, dirty_prev, dirty_next);
}

void gy_cluster_app_free(struct gy_engine *e, struct app *app)
{
    if (app->dirty) DL_DELETE2(e->dirty, app, dirty_prev, dirty_next);
    DL_DELETE(e->apps, app);
    HASH_DEL(e->apps_by_key, app);
    gy_shape_fini(&gy_app_shape, &app->spec);
    free(app->waiting.slots);
    free(app->waiting.reason);
    free(app->key);
    free(app);
}

void gy_cluster_touch_project(struct gy_engine *e, const struct app *app)
{
    if (!app->has_spec) return;
    struct app *other;
    DL_FOREACH (e->apps, other) {
        if (other != app && other->has_spec && other->spec.depends_on.n &&
            !strcmp(other->spec.ns, app->spec.ns) &&
            !strcmp(other->spec.project, app->spec.project))
            gy_cluster_app_touch(e, other);
    }
}
