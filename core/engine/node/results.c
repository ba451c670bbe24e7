/* SPDX-License-Identifier: Apache-2.0 */
/* How actions ended, and what follows. */
#include "engine/node/node_private.h"

static void set_reason(struct node_pod *pod, const char *text)
{
    free(pod->reason);
    pod->reason = text && *text ? gy_strdup(text) : NULL;
}

static int64_t retry_delay(int64_t fails)
{
    return fails > 6 ? GY_NODE_RETRY_MAX_MS : (int64_t)1000 << (fails - 1);
}

static bool is_final(gantry_status status)
{
    return status == GANTRY_EINVAL || status == GANTRY_ENOTSUP;
}

static void prepared(struct gy_node_half *half, struct node_pod *pod,
                     const struct gy_action_result *result, struct gy_now now)
{
    if (pod->phase != POD_PREPARING) return;
    if (result->status == GANTRY_OK) {
        pod->phase = POD_ACTIVE;
        pod->active_since = half->next_action;
        pod->prepare_fails = 0;
        set_reason(pod, NULL);
        gy_node_take_addresses(pod, result->addresses, result->address_count);
        return;
    }
    set_reason(pod, result->text);
    if (is_final(result->status)) {
        pod->phase = POD_ENDED;
        pod->outcome = GY_OUTCOME_GIVEN_BACK;
        gy_node_event(half, pod, GY_EVENT_WARN, "pod.given-back", now, "%s",
                      result->text ? result->text : "it cannot be prepared here");
        return;
    }
    pod->phase = POD_NEW;
    pod->retry_at_mono_ms = now.mono_ms + retry_delay(++pod->prepare_fails);
    if (pod->prepare_fails == 1 && result->status != GANTRY_ECANCELED)
        gy_node_event(half, pod, GY_EVENT_WARN, "pod.prepare-failed", now, "%s; trying again",
                      result->text ? result->text : "the driver cannot say why");
}

static void started(struct gy_node_half *half, struct node_pod *pod, size_t i,
                    const struct gy_action_result *result, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    if (c->phase != CONTAINER_STARTING) return;
    if (result->status == GANTRY_OK) {
        const struct gy_observed_container *seen = result->container;
        c->start_fails = 0;
        c->phase = CONTAINER_RUNNING;
        c->pid = seen ? seen->pid : 0;
        c->started_wall_ms = seen && seen->started_ms ? seen->started_ms : now.wall_ms;
        c->started_mono_ms = now.mono_ms;
        if (!pod->first_start_mono_ms) pod->first_start_mono_ms = now.mono_ms;
        gy_node_health_start(pod, i, now);
        return; /* one that ended already is told by wait */
    }
    if (is_final(result->status)) { /* this attempt is over: it counts as an exit */
        struct gy_observed_container seen = {
            .exit_code = 127, .ended_ms = now.wall_ms, .text = result->text};
        gy_node_container_ended(half, pod, i, &seen, now);
        return;
    }
    c->phase =
        CONTAINER_IDLE; /* outcome unknown: the same attempt again, which the driver runs once */
    c->restart_at_mono_ms = now.mono_ms + retry_delay(++c->start_fails);
    c->attempt--;
    set_reason(pod, result->text);
}

static void waited(struct gy_node_half *half, struct node_pod *pod, size_t i,
                   const struct gy_action_result *result, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    c->waiting = false;
    if (c->phase != CONTAINER_RUNNING && c->phase != CONTAINER_STOPPING) return;
    if (result->status == GANTRY_OK && result->container) {
        gy_node_container_ended(half, pod, i, result->container, now);
    } else if (result->status == GANTRY_ENOTFOUND) {
        struct gy_observed_container seen = {
            .exit_code = -1, .ended_ms = now.wall_ms, .lost = true, .text = result->text};
        gy_node_container_ended(half, pod, i, &seen, now);
    } else {
        pod->retry_at_mono_ms = now.mono_ms + 1000; /* unknown is not dead: ask again */
    }
}

static void removed(struct node_pod *pod, const struct gy_action_result *result, struct gy_now now)
{
    if (pod->phase != POD_REMOVING) return;
    if (result->status == GANTRY_OK || result->status == GANTRY_ENOTFOUND) {
        pod->phase = POD_GONE;
        return;
    }
    set_reason(pod, result->text);
    pod->phase = POD_STOPPING;
    pod->retry_at_mono_ms = now.mono_ms + retry_delay(++pod->remove_fails);
}

void gy_node_half_done(struct gy_node_half *half, const struct gy_action_result *result,
                       struct gy_now now)
{
    struct pending_action *p;
    HASH_FIND(hh, half->pending, &result->id, sizeof result->id, p);
    if (!p) return; /* ended twice, or of a former life */
    HASH_DEL(half->pending, p);
    struct node_pod *pod = p->pod_id ? gy_node_find_pod(half, p->pod_id) : NULL;
    if (p->kind == GY_ACTION_LIST) gy_node_listed(half, p->driver, result, now);
    if (pod) {
        struct container *c = p->container < pod->n ? &pod->containers[p->container] : NULL;
        bool current = c && c->attempt == p->attempt;
        switch (p->kind) {
        case GY_ACTION_PREPARE: prepared(half, pod, result, now); break;
        case GY_ACTION_START:
            if (current) started(half, pod, p->container, result, now);
            break;
        case GY_ACTION_WAIT:
            if (current) waited(half, pod, p->container, result, now);
            break;
        case GY_ACTION_STOP:
            if (current && result->status != GANTRY_OK) {
                c->stop_sent = false;
                c->signal_refused = is_final(result->status);
                pod->retry_at_mono_ms = now.mono_ms + 1000;
            } else if (current && !pod->has_spec) {
                c->phase = CONTAINER_ENDED; /* nobody waits for an orphan */
            }
            break;
        case GY_ACTION_PROBE:
            if (!c) break;
            c->probing = false;
            if (current && c->phase == CONTAINER_RUNNING)
                gy_node_health_result(half, pod, p->container, result->status == GANTRY_OK,
                                      result->text, now);
            break;
        case GY_ACTION_REMOVE: removed(pod, result, now); break;
        default: break;
        }
        gy_node_pod_touch(half, pod);
    }
    free(p->pod_id);
    free(p);
}
