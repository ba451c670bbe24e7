/* SPDX-License-Identifier: Apache-2.0 */
/* What the node says of a pod: reported when it differs from what was said last. */
#include "engine/node/node_private.h"

static int health_of(const struct node_pod *pod)
{
    int health = GY_POD_HEALTH_NONE;
    for (size_t i = 0; i < pod->n; i++) {
        int h = pod->containers[i].health;
        bool worse = h == GY_POD_UNHEALTHY ||
                     (h == GY_POD_HEALTH_STARTING && health != GY_POD_UNHEALTHY) ||
                     (h == GY_POD_HEALTHY && health == GY_POD_HEALTH_NONE);
        if (worse) health = h;
    }
    return health;
}

/* One that was restarted and has no health check is believed once it has run for a while: else a
 * program that ends at once would look ready each time for a moment. */
#define BELIEVED_AFTER_MS 5000

static bool is_doubtful(struct node_pod *pod, const struct container *c, struct gy_now now)
{
    int64_t believed = c->started_mono_ms + BELIEVED_AFTER_MS;
    if (c->quick_restarts == 0 || c->health != GY_POD_HEALTH_NONE || now.mono_ms >= believed)
        return false;
    gy_node_pod_wake(pod, believed);
    return true;
}

static int state_of(struct node_pod *pod, struct gy_now now)
{
    switch (pod->phase) {
    case POD_NEW: return pod->prepare_fails ? GY_POD_PREPARING : GY_POD_ASSIGNED;
    case POD_PREPARING: return GY_POD_PREPARING;
    case POD_STOPPING:
    case POD_REMOVING: return GY_POD_STOPPING;
    case POD_ENDED:
    case POD_GONE: return GY_POD_ENDED;
    case POD_ACTIVE: break;
    }
    bool running = true, started = false, idle = false, doubtful = false;
    for (size_t i = 0; i < pod->n; i++) {
        enum container_phase phase = pod->containers[i].phase;
        if (phase != CONTAINER_RUNNING) running = false;
        if (pod->containers[i].attempt > 0) started = true;
        if (phase == CONTAINER_IDLE || phase == CONTAINER_STARTING) idle = true;
        if (is_doubtful(pod, &pod->containers[i], now)) doubtful = true;
    }
    if (!running) return idle || !started ? GY_POD_STARTING : GY_POD_RUNNING;
    int health = health_of(pod);
    if (doubtful) return GY_POD_RUNNING;
    return health == GY_POD_HEALTH_NONE || health == GY_POD_HEALTHY ? GY_POD_READY : GY_POD_RUNNING;
}

static int container_state(const struct container *c)
{
    switch (c->phase) {
    case CONTAINER_RUNNING:
    case CONTAINER_STOPPING: return GY_CONTAINER_RUNNING;
    case CONTAINER_ENDED: return GY_CONTAINER_ENDED;
    case CONTAINER_IDLE:
    case CONTAINER_STARTING: break;
    }
    return GY_CONTAINER_WAITING;
}

static void fill(const struct gy_node_half *half, struct node_pod *pod, struct gy_now now,
                 struct gy_pod_status *out)
{
    gy_shape_init(&gy_pod_status_shape, out);
    out->id = gy_strdup(pod->id);
    out->node = gy_strdup(half->node);
    out->boot_id = gy_strdup(half->boot_id);
    out->state = state_of(pod, now);
    out->health = health_of(pod);
    bool over = out->state == GY_POD_ENDED;
    out->outcome = over ? pod->outcome : GY_OUTCOME_NONE;
    out->reason = out->state == GY_POD_READY ? NULL : gy_strdup(pod->reason);
    out->restarts = pod->restarts;
    for (size_t i = 0; i < pod->n; i++) {
        const struct container *c = &pod->containers[i];
        struct gy_container_status *s = gy_list_add(&out->containers, &gy_container_status_shape);
        s->name = gy_strdup(gy_node_container_name(pod, i));
        s->state = container_state(c);
        s->health = c->health;
        s->attempt = c->attempt;
        s->pid = c->pid;
        s->exit_code = c->exit_code < -1 || c->exit_code > 255 ? -1 : c->exit_code;
        s->exit_signal = c->exit_signal;
        s->oom = c->oom;
        s->started_ms = c->started_wall_ms;
        s->ended_ms = c->ended_wall_ms;
        s->text = gy_strdup(c->text);
    }
    for (size_t i = 0; i < pod->addresses.n; i++)
        gy_shape_copy(&gy_pod_address_shape, GY_AT(struct gy_pod_address, pod->addresses, i),
                      gy_list_add(&out->addresses, &gy_pod_address_shape));
}

void gy_node_report(struct gy_node_half *half, struct node_pod *pod, struct gy_now now)
{
    if (!pod->has_spec) return;
    struct gy_pod_status status;
    fill(half, pod, now, &status);
    status.since_ms = pod->has_reported && pod->reported.state == status.state
                          ? pod->reported.since_ms
                          : now.wall_ms;
    if (pod->has_reported && gy_shape_equal(&gy_pod_status_shape, &status, &pod->reported)) {
        gy_shape_fini(&gy_pod_status_shape, &status);
        return;
    }
    if (status.state == GY_POD_READY) {
        pod->was_ready = true;
        free(pod->reason);
        pod->reason = NULL;
    }
    if (pod->has_reported) gy_shape_fini(&gy_pod_status_shape, &pod->reported);
    pod->reported = status;
    pod->has_reported = true;
    GY_VEC_PUSH(half->out->items, half->out->n, half->out->cap);
    struct gy_action *action = &half->out->items[half->out->n++];
    *action = (struct gy_action){.kind = GY_ACTION_REPORT, .pod_id = gy_strdup(pod->id)};
    gy_shape_copy(&gy_pod_status_shape, &status, &action->status);
}
