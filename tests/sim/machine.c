/* SPDX-License-Identifier: Apache-2.0 */
/* A machine: power, the agent with the real node half, and the link to the server. */
#include "world.h"

#include <stdio.h>

#define HEARTBEAT_MS 2000

static void heartbeat(struct world *w, void *arg);
static void beat(struct machine *m);

bool machine_is_reachable(const struct machine *m)
{
    return m->powered && m->agent_up && !m->frozen && !m->link_cut && m->w->server.up;
}

void machine_init(struct world *w, int i)
{
    struct machine *m = &w->machines[i];
    m->w = w;
    snprintf(m->name, sizeof m->name, "n%d", i + 1);
    m->cpu_milli = 1000 * (1 + chance(w, 8));
    m->memory_bytes = (1 + chance(w, 8)) << 30;
    machine_boot(m);
}

void machine_boot(struct machine *m)
{
    m->powered = true;
    m->boots++;
    snprintf(m->boot_id, sizeof m->boot_id, "boot-%d", m->boots);
    agent_start(m);
}

void machine_power_off(struct machine *m)
{
    if (!m->powered) return;
    agent_crash(m);
    m->powered = false;
    world_say(m->w, "%s loses power", m->name);
    struct sim_pod *pod;
    DL_FOREACH (m->pods, pod) {
        for (size_t i = 0; i < pod->n; i++)
            driver_kill_container(m, pod, i, 0, true);
    }
}

/* ---- agent
 * --------------------------------------------------------------------------------------- */

struct beat {
    struct machine *m;
    uint64_t life;
};

void agent_start(struct machine *m)
{
    if (m->agent_up || !m->powered || m->w->ended) return;
    m->agent_up = true;
    m->agent_life++;
    m->step_queued = false;
    m->wake_at_ms = 0;
    m->half = gy_node_half_create(&(struct gy_node_half_options){
        .node = m->name, .boot_id = m->boot_id, .seed = m->agent_life});
    gy_node_half_driver(m->half, "sim", true, world_now(m->w));
    struct beat *b = gy_alloc(sizeof *b);
    *b = (struct beat){m, m->agent_life};
    world_at(m->w, chance(m->w, 100), heartbeat, b);
}

void agent_crash(struct machine *m)
{
    if (!m->agent_up) return;
    machine_unlink(m);
    m->agent_up = false;
    gy_node_half_destroy(m->half);
    m->half = NULL;
    driver_drop_waiters(m);
}

static void step(struct world *w, void *arg)
{
    struct beat *b = arg;
    struct machine *m = b->m;
    bool mine = m->agent_up && m->agent_life == b->life;
    free(b);
    if (!mine) return;
    m->step_queued = false;
    if (m->frozen) return;
    struct gy_actions actions = {0};
    gy_node_half_step(m->half, world_now(w), &actions);
    for (size_t i = 0; i < actions.n; i++) {
        struct gy_action *action = &actions.items[i];
        if (action->kind == GY_ACTION_EVENT) {
            world_say(w, "%s: %s: %s", m->name, action->event.kind, action->event.text);
        } else if (action->kind == GY_ACTION_REPORT) {
            if (m->session_up) server_status(w, &action->status);
        } else {
            driver_apply(m, action);
        }
        if (odds(w, 4000)) { /* kill -9 between any two actions */
            world_say(w, "%s: the agent dies", m->name);
            gy_actions_fini(&actions);
            agent_crash(m);
            return;
        }
    }
    int64_t at = actions.wake_mono_ms > w->now_ms ? actions.wake_mono_ms : w->now_ms + 1;
    if (actions.wake_mono_ms != INT64_MAX && (m->wake_at_ms <= w->now_ms || at < m->wake_at_ms)) {
        struct beat *again = gy_alloc(sizeof *again);
        *again = (struct beat){m, m->agent_life};
        m->wake_at_ms = at;
        world_at(w, at - w->now_ms, step, again);
    }
    gy_actions_fini(&actions);
}

void agent_step_soon(struct machine *m)
{
    if (m->step_queued || !m->agent_up) return;
    m->step_queued = true;
    struct beat *b = gy_alloc(sizeof *b);
    *b = (struct beat){m, m->agent_life};
    world_at(m->w, chance(m->w, 3), step, b);
}

static void heartbeat(struct world *w, void *arg)
{
    struct beat *b = arg;
    struct machine *m = b->m;
    if (!m->agent_up || m->agent_life != b->life) {
        free(b);
        return;
    }
    if (!m->frozen) beat(m);
    world_at(w, HEARTBEAT_MS, heartbeat, b);
}

static void beat(struct machine *m)
{
    if (!machine_is_reachable(m)) return;
    if (!m->session_up) machine_link(m);
    if (m->session_up) server_heard(m->w, m->name);
    agent_step_soon(m);
}

/* ---- the link: in order and reliable while it stands; everything is told again when it stands
 * anew -- */

enum message_kind { DESIRED, LAST, FORGET, SYNCED };

struct message {
    struct machine *m;
    uint64_t session;
    enum message_kind kind;
    char *text;
    size_t len;
};

static void send(struct machine *m, enum message_kind kind, const char *text, size_t len);

void machine_link(struct machine *m)
{
    struct world *w = m->w;
    if (!w->server.ready || !machine_is_reachable(m)) return;
    m->session++;
    m->session_up = true;
    for (size_t i = 0; i < m->known.n; i++)
        free(m->known.items[i]);
    m->known.n = 0;
    struct gy_node_report report;
    gy_shape_init(&gy_node_report_shape, &report);
    report.name = gy_strdup(m->name);
    report.boot_id = gy_strdup(m->boot_id);
    report.os = gy_strdup("linux");
    report.cpu_milli = m->cpu_milli;
    report.memory_bytes = m->memory_bytes;
    gy_map_set(&report.labels, "zone", m->name[1] % 2 ? "a" : "b");
    struct gy_node_driver *driver = gy_list_add(&report.drivers, &gy_node_driver_shape);
    driver->name = gy_strdup("sim");
    driver->ready = driver->runs_processes = true;
    server_put_report(w, m->name, &report);
    gy_shape_fini(&gy_node_report_shape, &report);
    struct gy_store_object *object;
    GY_STORE_FOREACH (w->server.store, GY_KEY_POD, object) {
        machine_desired(m, object->bytes, object->len);
        const char *id = object->key + strlen(GY_KEY_POD);
        const struct gy_pod_status *status = gy_node_half_status(m->half, id);
        if (status) server_status(w, status);
        char key[GY_KEY_MAX];
        gy_key_of(GY_KEY_STATUS, id, key);
        struct gy_store_object *last = status ? NULL : gy_store_get(w->server.store, key);
        if (last) send(m, LAST, last->bytes, last->len);
    }
    machine_synced(m);
}

void machine_unlink(struct machine *m)
{
    m->session_up = false;
    m->session++;
}

static void arrive(struct world *w, void *arg)
{
    struct message *message = arg;
    struct machine *m = message->m;
    struct gy_now now = world_now(w);
    if (m->agent_up && m->session_up && m->session == message->session) {
        if (message->kind == DESIRED) {
            struct gy_pod pod;
            GY_ASSERT(gy_shape_decode_text(&gy_pod_shape, message->text, message->len, GY_FROM_PEER,
                                           &pod, NULL) == GANTRY_OK);
            gy_node_half_desired(m->half, &pod, now);
            gy_strs_add(&m->known, pod.id);
            gy_shape_fini(&gy_pod_shape, &pod);
        } else if (message->kind == LAST) {
            struct gy_pod_status last;
            GY_ASSERT(gy_shape_decode_text(&gy_pod_status_shape, message->text, message->len,
                                           GY_FROM_PEER, &last, NULL) == GANTRY_OK);
            gy_node_half_last(m->half, &last);
            gy_shape_fini(&gy_pod_status_shape, &last);
        } else if (message->kind == FORGET) {
            gy_node_half_forget(m->half, message->text, now);
        } else {
            gy_node_half_only(m->half, &m->known, now);
            gy_node_half_synced(m->half, now);
        }
        agent_step_soon(m);
    }
    free(message->text);
    free(message);
}

static void send(struct machine *m, enum message_kind kind, const char *text, size_t len)
{
    if (!m->session_up) return;
    struct message *message = gy_alloc(sizeof *message);
    *message = (struct message){m, m->session, kind, text ? gy_strndup(text, len) : NULL, len};
    world_at(m->w, 2, arrive, message); /* equal delays keep the order */
}

void machine_desired(struct machine *m, const char *value, size_t len)
{
    struct gy_pod pod;
    GY_ASSERT(gy_shape_decode_text(&gy_pod_shape, value, len, GY_FROM_PEER, &pod, NULL) ==
              GANTRY_OK);
    if (!strcmp(pod.node, m->name)) send(m, DESIRED, value, len);
    gy_shape_fini(&gy_pod_shape, &pod);
}

void machine_forget(struct machine *m, const char *id)
{
    send(m, FORGET, id, strlen(id));
}
void machine_synced(struct machine *m)
{
    send(m, SYNCED, NULL, 0);
}
