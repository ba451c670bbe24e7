/* SPDX-License-Identifier: Apache-2.0 */
/* Life of an agent, and its loop: step the node half, carry out its actions, wake again when it
 * asks to. */
#include "agent/agent_private.h"

#include "base/log.h"
#include "base/random.h"
#include "base/time.h"

struct gy_now gy_agent_now(void)
{
    return (struct gy_now){.mono_ms = gy_time_mono_ms(), .wall_ms = gy_time_wall_ms()};
}

static void map_copy(const struct gy_map *from, struct gy_map *to)
{
    for (size_t i = 0; from && i < from->n; i++)
        gy_map_set(to, from->items[i].key, from->items[i].value);
}

static void map_fini(struct gy_map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].key);
        free(m->items[i].value);
    }
    free(m->items);
    *m = (struct gy_map){0};
}

struct gy_agent *gy_agent_create(const struct gy_agent_options *o, const struct gy_agent_up *up)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_owner_key key;
    if (gy_owner_key_load(o->state_dir, &key, &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "agent", "cannot start: %s", err.text);
        return NULL;
    }
    struct gy_agent *a = gy_alloc(sizeof *a);
    a->key = key;
    a->loop = o->loop;
    a->up = *up;
    a->plugins = o->plugins;
    a->node = gy_strdup(o->node);
    a->boot_id = gy_strdup(o->boot_id ? o->boot_id : "");
    a->cluster = gy_strdup(o->cluster ? o->cluster : "");
    a->port_address = gy_strdup(o->port_address ? o->port_address : "127.0.0.1");
    a->max_pods = o->max_pods ? o->max_pods : 250;
    a->heartbeat_ms = o->heartbeat_ms ? o->heartbeat_ms : 2000;
    map_copy(o->labels, &a->labels);
    a->driver_count = o->driver_count;
    a->drivers = gy_alloc_array(o->driver_count ? o->driver_count : 1, sizeof *a->drivers);
    for (size_t i = 0; i < o->driver_count; i++) {
        a->drivers[i].name = gy_strdup(o->drivers[i].name);
        a->drivers[i].provider = gy_strdup(o->drivers[i].provider);
        a->drivers[i].instance = o->drivers[i].instance;
        a->drivers[i].text = gy_strdup("it is being opened");
    }
    a->ports = gy_port_book_create(GY_AGENT_PORT_LOW, GY_AGENT_PORT_HIGH);
    TAILQ_INIT(&a->calls);
    TAILQ_INIT(&a->streams);
    struct gy_node_half_options half = {.node = a->node, .boot_id = a->boot_id};
    gy_random_bytes(&half.seed, sizeof half.seed);
    a->half = gy_node_half_create(&half);
    uv_timer_init(a->loop, &a->step);
    uv_timer_init(a->loop, &a->heartbeat);
    a->step.data = a->heartbeat.data = a;
    return a;
}

struct gy_agent_driver_state *gy_agent_find_driver(struct gy_agent *a, const char *name)
{
    for (size_t i = 0; i < a->driver_count; i++)
        if (gy_streq(a->drivers[i].name, name)) return &a->drivers[i];
    return NULL;
}

/* ---- the loop ---- */

static void wake_at(struct gy_agent *a, int64_t mono_ms);

/* Reports and events go up after everything that borrows from the half was carried out: who gets
 * them may call us back. */
static void tell(struct gy_agent *a, const struct gy_actions *actions)
{
    for (size_t i = 0; i < actions->n && !a->is_stopping; i++) {
        const struct gy_action *action = &actions->items[i];
        if (action->kind == GY_ACTION_REPORT && a->up.pod) a->up.pod(a->up.ctx, &action->status);
        if (action->kind == GY_ACTION_EVENT && a->up.event) a->up.event(a->up.ctx, &action->event);
    }
}

static void on_step(uv_timer_t *timer)
{
    struct gy_agent *a = timer->data;
    struct gy_actions actions = {0};
    gy_node_half_step(a->half, gy_agent_now(), &actions);
    int64_t wake = actions.wake_mono_ms;
    for (size_t i = 0; i < actions.n; i++)
        if (actions.items[i].kind != GY_ACTION_REPORT && actions.items[i].kind != GY_ACTION_EVENT)
            gy_agent_call_run(a, &actions.items[i]);
    if (gy_agent_calls_tell_failed(a)) wake = 0;
    if (!uv_is_active((uv_handle_t *)&a->step)) wake_at(a, wake);
    tell(a, &actions);
    gy_actions_fini(&actions);
}

static void wake_at(struct gy_agent *a, int64_t mono_ms)
{
    if (a->is_stopping || !a->is_started || mono_ms == INT64_MAX) return;
    int64_t left = mono_ms - gy_time_mono_ms();
    uv_update_time(a->loop);
    uv_timer_start(&a->step, on_step, left > 0 ? (uint64_t)left : 0, 0);
}

void gy_agent_kick(struct gy_agent *a)
{
    wake_at(a, 0);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct gy_agent *a = timer->data;
    gy_agent_poll_drivers(a);
    if (a->up.heartbeat && !a->is_stopping) a->up.heartbeat(a->up.ctx);
}

void gy_agent_start(struct gy_agent *a)
{
    GY_ASSERT(!a->is_started);
    a->is_started = true;
    gy_agent_report_node(a);
    gy_agent_open_drivers(a);
    uv_timer_start(&a->heartbeat, on_heartbeat, 0, (uint64_t)a->heartbeat_ms);
    gy_agent_kick(a);
}

/* ---- the end ---- */

void gy_agent_closed(struct gy_agent *a)
{
    if (--a->closing > 0 || !a->is_stopping) return;
    if (a->stop_done) a->stop_done(a->stop_arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    gy_agent_closed(handle->data);
}

void gy_agent_stop(struct gy_agent *a, void (*done)(void *arg), void *arg)
{
    GY_ASSERT(!a->is_stopping);
    a->is_stopping = true;
    a->stop_done = done;
    a->stop_arg = arg;
    a->closing += 2;
    gy_agent_streams_end(a);
    gy_agent_leave_drivers(a);
    gy_agent_calls_forget(a);
    gy_agent_published_close(a);
    uv_close((uv_handle_t *)&a->step, on_timer_closed);
    uv_close((uv_handle_t *)&a->heartbeat, on_timer_closed);
}

void gy_agent_destroy(struct gy_agent *a)
{
    if (!a) return;
    GY_ASSERT(a->is_stopping && a->closing == 0);
    for (size_t i = 0; i < a->driver_count; i++) {
        free(a->drivers[i].name);
        free(a->drivers[i].provider);
        free(a->drivers[i].text);
    }
    free(a->drivers);
    gy_node_half_destroy(a->half);
    gy_port_book_destroy(a->ports);
    if (a->has_reported) gy_shape_fini(&gy_node_report_shape, &a->report);
    map_fini(&a->labels);
    free(a->node);
    free(a->boot_id);
    free(a->cluster);
    free(a->port_address);
    free(a);
}

/* ---- what is desired ---- */

void gy_agent_desired(struct gy_agent *a, const struct gy_pod *pod)
{
    if (pod->desired == GY_POD_STOP) gy_agent_calls_hurry(a, pod->id);
    gy_node_half_desired(a->half, pod, gy_agent_now());
    gy_agent_kick(a);
}

void gy_agent_last(struct gy_agent *a, const struct gy_pod_status *status)
{
    gy_node_half_last(a->half, status);
}

void gy_agent_forget(struct gy_agent *a, const char *pod_id)
{
    gy_agent_calls_hurry(a, pod_id);
    gy_node_half_forget(a->half, pod_id, gy_agent_now());
    gy_agent_kick(a);
}

void gy_agent_synced(struct gy_agent *a)
{
    gy_node_half_synced(a->half, gy_agent_now());
    gy_agent_kick(a);
}
