/* SPDX-License-Identifier: Apache-2.0 */
/* Changes: each is made in the tables at once, written by the step's transaction, and undone if
 * that is refused. */
#include "engine/cluster.h"
#include "model/key.h"

#include <stdarg.h>
#include <stdio.h>

bool gy_change_is_possible(const struct gy_engine *e)
{
    return e->synced && (e->txn_open || e->in_flight_count < e->options.in_flight);
}

/* Append to the step's transaction; takes key and value. */
static uint64_t add_write(struct gy_engine *e, const char *key, char *value, uint64_t mod_rev)
{
    struct gy_engine_decisions *out = e->out;
    if (!e->txn_open) {
        GY_VEC_PUSH(out->txns, out->txn_count, out->txn_cap);
        out->txns[out->txn_count++] = (struct gy_engine_txn){.id = e->next_txn++};
        e->txn_open = true;
        e->txn_write_cap = 0;
    }
    struct gy_engine_txn *txn = &out->txns[out->txn_count - 1];
    GY_VEC_PUSH(txn->writes, txn->n, e->txn_write_cap);
    txn->writes[txn->n++] = (struct gy_engine_write){gy_strdup(key), value, mod_rev};
    return txn->id;
}

static void write_pod(struct gy_engine *e, struct pod *pod)
{
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_POD, pod->id, key);
    if (!pod->txn) DL_APPEND2(e->changing, pod, txn_prev, txn_next);
    pod->txn = add_write(
        e, key, pod->deleting ? NULL : gy_shape_encode_text(&gy_pod_shape, &pod->rec), pod->rev);
}

static void name_pod(struct gy_pod *rec, const struct app *app, const char *node)
{
    char hostname[64];
    gy_pod_hostname(rec->project, rec->app, rec->slot, node, hostname);
    if (!rec->template.hostname) rec->template.hostname = gy_strdup(hostname);
    rec->name = gy_printf("%s-%s-%.8s", app->spec.ns, hostname, rec->id);
}

void gy_change_create(struct gy_engine *e, struct app *app, int64_t slot, struct placement *where,
                      const char *driver, struct gy_now now)
{
    struct gy_pod rec;
    gy_shape_init(&gy_pod_shape, &rec);
    uint64_t bits[2] = {gy_random_next(&e->random), gy_random_next(&e->random)};
    uint8_t raw[16];
    for (int i = 0; i < 16; i++)
        raw[i] = (uint8_t)(bits[i / 8] >> (8 * (i % 8)));
    char id[GY_ID_MAX];
    gy_id_format(raw, id);
    rec.id = gy_strdup(id);
    rec.ns = gy_strdup(app->spec.ns);
    rec.project = gy_strdup(app->spec.project);
    rec.app = gy_strdup(app->spec.name);
    rec.slot = slot;
    rec.node = gy_strdup(where->node->name);
    rec.driver = gy_strdup(driver);
    rec.generation = app->spec.generation;
    rec.created_ms = now.wall_ms;
    rec.sequence = e->sequence + 1;
    rec.placement = GY_GIVE(where->text);
    rec.job = app->spec.mode == GY_APP_JOB;
    gy_shape_copy(&gy_pod_template_shape, &app->spec.pod, &rec.template);
    gy_shape_copy(&gy_restart_shape, &app->spec.restart, &rec.restart);
    for (size_t i = 0; i < app->spec.ports.n; i++)
        gy_shape_copy(&gy_port_shape, GY_AT(struct gy_port, app->spec.ports, i),
                      gy_list_add(&rec.ports, &gy_port_shape));
    name_pod(&rec, app, where->node->name);
    struct pod *pod = gy_cluster_pod_add(e, &rec, 0);
    write_pod(e, pod);
    gy_engine_event(e, GY_EVENT_INFO, "pod.placed", app, pod, rec.node, now, "%s", rec.placement);
    gy_shape_fini(&gy_pod_shape, &rec);
}

void gy_change_stop(struct gy_engine *e, struct pod *pod, const char *reason)
{
    if (pod->txn || pod->rec.desired == GY_POD_STOP) return;
    pod->rec.desired = GY_POD_STOP;
    free(pod->rec.stop_reason);
    pod->rec.stop_reason = gy_strdup(reason);
    pod->stopping = true;
    write_pod(e, pod);
}

void gy_change_delete(struct gy_engine *e, struct pod *pod)
{
    if (pod->txn) return;
    pod->deleting = true;
    write_pod(e, pod);
    if (!pod->has_status) return;
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_STATUS, pod->id, key); /* what its node said of it goes with it */
    add_write(e, key, NULL, GY_ENGINE_REV_ANY);
}

void gy_change_send(struct gy_engine *e)
{
    if (!e->txn_open) return;
    e->txn_open = false;
    e->in_flight[e->in_flight_count++] = e->out->txns[e->out->txn_count - 1].id;
}

static void forget_flight(struct gy_engine *e, uint64_t txn)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < e->in_flight_count; i++)
        if (e->in_flight[i] != txn) e->in_flight[kept++] = e->in_flight[i];
    e->in_flight_count = kept;
}

/* No transaction changes the pod any more. */
static void settle(struct gy_engine *e, struct pod *pod)
{
    DL_DELETE2(e->changing, pod, txn_prev, txn_next);
    pod->txn = 0;
}

void gy_change_committed(struct gy_engine *e, uint64_t txn)
{
    forget_flight(e, txn);
    struct pod *pod, *next;
    DL_FOREACH_SAFE2(e->changing, pod, next, txn_next)
    {
        if (pod->txn != txn) continue;
        settle(e, pod);
        pod->stopping = false;
        gy_cluster_app_touch(e, pod->app);
        if (pod->deleting || pod->rev == 0)
            gy_cluster_pod_remove(e, pod); /* its object came and went before */
    }
}

void gy_change_undo_from(struct gy_engine *e, uint64_t txn)
{
    struct pod *pod, *next;
    DL_FOREACH_SAFE2(e->changing, pod, next, txn_next)
    {
        if (pod->txn < txn) continue;
        settle(e, pod);
        gy_cluster_app_touch(e, pod->app);
        if (pod->stopping) pod->rec.desired = GY_POD_RUN;
        pod->stopping = pod->deleting = false;
        if (pod->rev == 0) gy_cluster_pod_remove(e, pod);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < e->in_flight_count; i++)
        if (e->in_flight[i] < txn) e->in_flight[kept++] = e->in_flight[i];
    e->in_flight_count = kept;
}

void gy_engine_event(struct gy_engine *e, int level, const char *kind, const struct app *app,
                     const struct pod *pod, const char *node, struct gy_now now, const char *fmt,
                     ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    GY_VEC_PUSH(e->events, e->event_count, e->event_cap);
    struct gy_event *event = &e->events[e->event_count++];
    gy_shape_init(&gy_event_shape, event);
    event->time_ms = now.wall_ms;
    event->level = level;
    event->kind = gy_strdup(kind);
    event->text = gy_strdup(text);
    event->node = gy_strdup(node);
    if (app && app->has_spec) {
        event->ns = gy_strdup(app->spec.ns);
        event->project = gy_strdup(app->spec.project);
        event->app = gy_strdup(app->spec.name);
    }
    if (pod) {
        event->pod = gy_strdup(pod->id);
        event->slot = pod->rec.slot;
    }
}
