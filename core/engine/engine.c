/* SPDX-License-Identifier: Apache-2.0 */
/* Events in, steps out. */
#include "engine/cluster.h"
#include "model/key.h"

struct gy_engine *gy_engine_create(const struct gy_engine_options *options)
{
    struct gy_engine *e = gy_alloc(sizeof *e);
    e->options = *options;
    e->default_strategy = gy_strdup(options->strategy ? options->strategy : "spread");
    if (!e->options.suspect_ms) e->options.suspect_ms = 6000;
    if (!e->options.unreachable_ms) e->options.unreachable_ms = 10000;
    if (!e->options.in_flight || e->options.in_flight > 16) e->options.in_flight = 4;
    e->next_txn = 1;
    e->wake_mono_ms = INT64_MAX;
    gy_random_seed(&e->random, options->seed);
    return e;
}

static void forget_all(struct gy_engine *e)
{
    struct pod *pod, *next_pod;
    HASH_ITER (hh, e->pods_by_id, pod, next_pod) {
        gy_cluster_pod_remove(e, pod);
    }
    while (e->apps)
        gy_cluster_app_free(e, e->apps);
}

void gy_engine_destroy(struct gy_engine *e)
{
    forget_all(e);
    gy_cluster_nodes_fini(e);
    for (size_t i = 0; i < e->strategy_count; i++)
        free(e->strategies[i].name);
    for (size_t i = 0; i < e->event_count; i++)
        gy_shape_fini(&gy_event_shape, &e->events[i]);
    free(e->events);
    free(e->strategies);
    free(e->default_strategy);
    free(e);
}

void gy_engine_add_strategy(struct gy_engine *e, const char *name, const gantry_strategy_ops *ops,
                            void *self)
{
    GY_VEC_PUSH(e->strategies, e->strategy_count, e->strategy_cap);
    e->strategies[e->strategy_count++] = (struct strategy){gy_strdup(name), ops, self};
}

/* ---- the log
 * ------------------------------------------------------------------------------------- */

static void put_app(struct gy_engine *e, const char *key, const struct gy_app *spec)
{
    struct app *app = gy_cluster_app(e, key);
    gy_shape_fini(&gy_app_shape, &app->spec); /* also what a deleted one left */
    gy_shape_copy(&gy_app_shape, spec, &app->spec);
    app->has_spec = true;
    app->given_back = app->hold_until_mono_ms = 0;
    gy_cluster_app_touch(e, app);
    gy_cluster_touch_project(e, app);
}

static void put_pod(struct gy_engine *e, uint64_t rev, const struct gy_pod *rec)
{
    struct pod *pod;
    HASH_FIND_STR(e->pods_by_id, rec->id, pod);
    if (!pod) {
        gy_cluster_pod_add(e, rec, rev);
        return;
    }
    pod->rev = rev;
    if (pod->txn) return; /* our own write coming back: the table has it already */
    pod->rec.desired = rec->desired;
    gy_cluster_app_touch(e, pod->app);
}

static void put_status(struct gy_engine *e, const struct gy_pod_status *status)
{
    struct pod *pod;
    HASH_FIND_STR(e->pods_by_id, status->id, pod);
    if (!pod) return;
    bool moved = !pod->has_status || pod->status.state != status->state ||
                 pod->status.outcome != status->outcome;
    if (pod->has_status && !gy_pod_state_can_follow(pod->status.state, status->state)) return;
    if (pod->has_status) gy_shape_fini(&gy_pod_status_shape, &pod->status);
    gy_shape_copy(&gy_pod_status_shape, status, &pod->status);
    pod->has_status = true;
    if (!moved) return;
    gy_cluster_pod_account(e, pod);
    gy_cluster_app_touch(e, pod->app);
    gy_cluster_touch_project(e, pod->app);
}

static void put_node(struct gy_engine *e, const char *name, const struct gy_node_spec *spec)
{
    struct node *node = gy_cluster_node(e, name);
    gy_shape_fini(&gy_node_spec_shape, &node->spec);
    node->has_spec = spec != NULL;
    if (spec) gy_shape_copy(&gy_node_spec_shape, spec, &node->spec);
    gy_cluster_node_merge(e, node);
    struct app *app;
    DL_FOREACH (e->apps, app) {
        gy_cluster_app_touch(e, app); /* draining, and global apps' nodes */
    }
}

static void put_report(struct gy_engine *e, const char *name, const struct gy_node_report *report)
{
    struct node *node = gy_cluster_node(e, name);
    gy_shape_fini(&gy_node_report_shape, &node->report);
    gy_shape_fini(&gy_node_shape, &node->merged);
    node->has_report = report != NULL;
    if (report) gy_shape_copy(&gy_node_report_shape, report, &node->report);
    gy_cluster_node_merge(e, node);
    struct app *app;
    DL_FOREACH (e->apps, app) {
        if (app->has_spec && app->spec.mode == GY_APP_GLOBAL) gy_cluster_app_touch(e, app);
    }
}

static void delete_record(struct gy_engine *e, const char *key)
{
    if (gy_starts_with(key, GY_KEY_APP)) {
        struct app *app;
        HASH_FIND(hh, e->apps_by_key, key, strlen(key), app);
        if (!app || !app->has_spec) return;
        app->has_spec = false;
        gy_cluster_app_touch(e, app);
    } else if (gy_starts_with(key, GY_KEY_POD)) {
        struct pod *pod;
        HASH_FIND_STR(e->pods_by_id, key + strlen(GY_KEY_POD), pod);
        if (pod) gy_cluster_pod_remove(e, pod);
    } else if (gy_starts_with(key, GY_KEY_NODE)) {
        put_node(e, key + strlen(GY_KEY_NODE), NULL);
    } else if (gy_starts_with(key, GY_KEY_REPORT)) {
        put_report(e, key + strlen(GY_KEY_REPORT), NULL);
    }
}

void gy_engine_object(struct gy_engine *e, const char *key, uint64_t rev, const char *value,
                      size_t len)
{
    if (!value) {
        delete_record(e, key);
        return;
    }
    union {
        struct gy_app app;
        struct gy_pod pod;
        struct gy_pod_status status;
        struct gy_node_spec node;
        struct gy_node_report report;
    } object;
    const struct gy_shape *shape = gy_starts_with(key, GY_KEY_APP)      ? &gy_app_shape
                                   : gy_starts_with(key, GY_KEY_POD)    ? &gy_pod_shape
                                   : gy_starts_with(key, GY_KEY_STATUS) ? &gy_pod_status_shape
                                   : gy_starts_with(key, GY_KEY_NODE)   ? &gy_node_spec_shape
                                   : gy_starts_with(key, GY_KEY_REPORT) ? &gy_node_report_shape
                                                                        : NULL;
    struct gy_error err = GY_ERROR_INIT;
    if (!shape) return;
    if (gy_shape_decode_text(shape, value, len, GY_FROM_PEER, &object, &err) != GANTRY_OK) {
        gy_engine_event(e, GY_EVENT_WARN, "store.unreadable", NULL, NULL, NULL, (struct gy_now){0},
                        "%s: %s", key, err.text);
        return;
    }
    if (shape == &gy_app_shape) put_app(e, key, &object.app);
    if (shape == &gy_pod_shape) put_pod(e, rev, &object.pod);
    if (shape == &gy_pod_status_shape) put_status(e, &object.status);
    if (shape == &gy_node_spec_shape) put_node(e, key + strlen(GY_KEY_NODE), &object.node);
    if (shape == &gy_node_report_shape) put_report(e, key + strlen(GY_KEY_REPORT), &object.report);
    gy_shape_fini(shape, &object);
}

void gy_engine_reset(struct gy_engine *e)
{
    e->synced = false;
    e->in_flight_count = 0;
    forget_all(e);
    for (size_t i = 0; i < e->node_count; i++) { /* heartbeats and states stay */
        struct node *node = e->nodes[i];
        gy_shape_fini(&gy_node_report_shape, &node->report);
        gy_shape_fini(&gy_node_spec_shape, &node->spec);
        gy_shape_fini(&gy_node_shape, &node->merged);
        node->has_report = node->has_spec = false;
    }
}

void gy_engine_synced(struct gy_engine *e, uint64_t epoch_rev, struct gy_now now)
{
    bool first = e->epoch_rev == 0;
    e->synced = true;
    e->epoch_rev = epoch_rev;
    for (size_t i = 0; i < e->node_count && first; i++)
        e->nodes[i]->heartbeat_mono_ms =
            now.mono_ms; /* after a restart every node gets its whole time again */
    struct app *app;
    DL_FOREACH (e->apps, app) {
        gy_cluster_app_touch(e, app);
    }
}

void gy_engine_txn_done(struct gy_engine *e, uint64_t txn, enum gy_txn_outcome outcome)
{
    bool known = false;
    for (unsigned i = 0; i < e->in_flight_count; i++)
        known = known || e->in_flight[i] == txn;
    if (!known) return;
    if (outcome == GY_TXN_COMMITTED) {
        gy_change_committed(e, txn);
    } else if (outcome == GY_TXN_REFUSED) {
        gy_change_undo_from(e, txn);
    } else {
        /* what is in the store is not known: reset, a listing and synced follow */
        e->synced = false;
    }
}

void gy_engine_heartbeat(struct gy_engine *e, const char *name, struct gy_now now)
{
    gy_cluster_node(e, name)->heartbeat_mono_ms = now.mono_ms;
}

/* ---- step
 * ---------------------------------------------------------------------------------------- */

static void touch_waiting(struct gy_engine *e)
{
    struct app *app;
    DL_FOREACH (e->apps, app) {
        if (app->waiting.n) gy_cluster_app_touch(e, app);
    }
    e->capacity_changed = false;
}

static void touch_due(struct gy_engine *e, struct gy_now now)
{
    struct app *app;
    DL_FOREACH (e->apps, app) {
        if (app->wake_mono_ms > now.mono_ms) continue;
        app->wake_mono_ms = INT64_MAX; /* it is remembered as dirty */
        gy_cluster_app_touch(e, app);
    }
}

static void drop_app(struct gy_engine *e, struct app *app)
{
    if (app->waiting.n) {
        struct gy_engine_decisions *out = e->out;
        GY_VEC_PUSH(out->waiting, out->waiting_count, out->waiting_cap);
        out->waiting[out->waiting_count++] =
            (struct gy_engine_waiting){.app_key = gy_strdup(app->key)};
    }
    gy_cluster_app_free(e, app);
}

void gy_engine_step(struct gy_engine *e, struct gy_now now, unsigned budget,
                    struct gy_engine_decisions *out)
{
    e->out = out;
    out->more = false;
    e->wake_mono_ms = INT64_MAX;
    if (e->synced) gy_cluster_nodes_step(e, now);
    if (e->capacity_changed) touch_waiting(e);
    touch_due(e, now);
    unsigned done = 0;
    while (e->dirty && done < budget && gy_change_is_possible(e)) {
        struct app *app = e->dirty;
        DL_DELETE2(e->dirty, app, dirty_prev, dirty_next);
        app->dirty = false;
        done += gy_reconcile(e, app, now, budget - done);
        if (done >= budget) gy_cluster_app_touch(e, app); /* it may not be finished */
        if (!app->has_spec && !app->pods) drop_app(e, app);
    }
    gy_change_send(e);
    out->more = e->dirty && gy_change_is_possible(e);
    struct app *app;
    DL_FOREACH (e->apps, app) {
        if (app->wake_mono_ms < e->wake_mono_ms) e->wake_mono_ms = app->wake_mono_ms;
    }
    for (size_t i = 0; i < e->event_count; i++) {
        GY_VEC_PUSH(out->events, out->event_count, out->event_cap);
        if (!e->events[i].time_ms) e->events[i].time_ms = now.wall_ms;
        out->events[out->event_count++] = e->events[i];
    }
    e->event_count = 0;
    out->wake_mono_ms = e->synced ? e->wake_mono_ms : INT64_MAX;
    e->out = NULL;
}

void gy_engine_decisions_fini(struct gy_engine_decisions *out)
{
    for (size_t i = 0; i < out->txn_count; i++) {
        for (size_t k = 0; k < out->txns[i].n; k++) {
            free(out->txns[i].writes[k].key);
            free(out->txns[i].writes[k].value);
        }
        free(out->txns[i].writes);
    }
    for (size_t i = 0; i < out->event_count; i++)
        gy_shape_fini(&gy_event_shape, &out->events[i]);
    for (size_t i = 0; i < out->node_count; i++)
        free(out->nodes[i].name);
    for (size_t i = 0; i < out->waiting_count; i++) {
        free(out->waiting[i].app_key);
        free(out->waiting[i].slots);
        free(out->waiting[i].reason);
    }
    free(out->txns);
    free(out->events);
    free(out->nodes);
    free(out->waiting);
    *out = (struct gy_engine_decisions){0};
}
