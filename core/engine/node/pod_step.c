/* SPDX-License-Identifier: Apache-2.0 */
/* One look at one pod: what is to be done next. */
#include "engine/node/node_private.h"

/* A pod that was restarted this often and never became ready within this time is given back. */
#define GIVE_BACK_RESTARTS 3
#define GIVE_BACK_AFTER_MS 600000

static bool shall_stop(const struct node_pod *pod)
{
    return pod->forgotten || (pod->has_spec && pod->spec.desired == GY_POD_STOP);
}

static bool all_containers(const struct node_pod *pod, enum container_phase phase)
{
    for (size_t i = 0; i < pod->n; i++)
        if (pod->containers[i].phase != phase) return false;
    return true;
}

static void send_stop(struct gy_node_half *half, struct node_pod *pod, size_t i)
{
    struct container *c = &pod->containers[i];
    const struct gy_container *spec = gy_node_container_spec(pod, i);
    if (c->stop_sent) return;
    struct gy_action *stop = gy_node_action(half, GY_ACTION_STOP, pod, i);
    const char *wanted = spec && spec->stop_signal ? spec->stop_signal : "SIGTERM";
    stop->signal = gy_strdup(c->signal_refused ? "SIGKILL" : wanted);
    stop->grace_ms = spec ? spec->stop_grace_ms : 10000;
    c->stop_sent = true;
    c->phase = CONTAINER_STOPPING;
}

static void send_wait(struct gy_node_half *half, struct node_pod *pod, size_t i, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    if (c->waiting || !pod->has_spec) return;
    if (now.mono_ms < pod->retry_at_mono_ms) {
        gy_node_pod_wake(pod, pod->retry_at_mono_ms);
        return;
    }
    c->waiting = true;
    gy_node_action(half, GY_ACTION_WAIT, pod, i);
}

static void start_due(struct gy_node_half *half, struct node_pod *pod, size_t i, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    if (now.mono_ms < c->restart_at_mono_ms) {
        gy_node_pod_wake(pod, c->restart_at_mono_ms);
        return;
    }
#ifdef GY_MUTANT_RESTART_SAME_ATTEMPT
    if (c->attempt == 0)
#endif
        c->attempt++;
    c->phase = CONTAINER_STARTING;
    c->stop_sent = c->failed_health = c->probing = false;
    c->health = GY_POD_HEALTH_NONE;
    gy_node_action(half, GY_ACTION_START, pod, i);
}

/* Has it been tried enough?  Then another node shall try. */
static bool is_hopeless(const struct node_pod *pod, struct gy_now now)
{
    return !pod->was_ready && pod->restarts >= GIVE_BACK_RESTARTS && pod->first_start_mono_ms &&
           now.mono_ms - pod->first_start_mono_ms > GIVE_BACK_AFTER_MS;
}

static int outcome_of_containers(const struct node_pod *pod)
{
    for (size_t i = 0; i < pod->n; i++)
        if (pod->containers[i].exit_code != 0 || pod->containers[i].exit_signal != 0)
            return GY_OUTCOME_FAILED;
    return GY_OUTCOME_COMPLETED;
}

static void step_active(struct gy_node_half *half, struct node_pod *pod, struct gy_now now)
{
    if (pod->outcome == GY_OUTCOME_NONE && is_hopeless(pod, now)) {
        pod->outcome = GY_OUTCOME_GIVEN_BACK;
        gy_node_event(
            half, pod, GY_EVENT_WARN, "pod.given-back", now,
            "restarted %lld times and never became ready in 10 min: it is tried elsewhere",
            (long long)pod->restarts);
    }
    for (size_t i = 0; i < pod->n; i++) {
        struct container *c = &pod->containers[i];
        bool over =
            pod->outcome != GY_OUTCOME_NONE; /* lost or given back: what still runs is stopped */
        if (over && c->phase == CONTAINER_IDLE) c->phase = CONTAINER_ENDED;
        if (c->phase == CONTAINER_IDLE) start_due(half, pod, i, now);
        if (c->phase == CONTAINER_RUNNING || c->phase == CONTAINER_STOPPING)
            send_wait(half, pod, i, now);
        if (c->phase == CONTAINER_RUNNING && over) send_stop(half, pod, i);
        if (c->phase == CONTAINER_RUNNING) gy_node_health_step(half, pod, i, now);
        if (c->phase == CONTAINER_RUNNING && c->failed_health) send_stop(half, pod, i);
        if (c->phase == CONTAINER_STOPPING && !c->stop_sent) {
            if (now.mono_ms >= pod->retry_at_mono_ms)
                send_stop(half, pod, i);
            else
                gy_node_pod_wake(pod, pod->retry_at_mono_ms);
        }
    }
    if (!all_containers(pod, CONTAINER_ENDED)) return;
    pod->phase = POD_ENDED;
    if (pod->outcome == GY_OUTCOME_NONE) pod->outcome = outcome_of_containers(pod);
}

static void step_stopping(struct gy_node_half *half, struct node_pod *pod, struct gy_now now)
{
    bool later = now.mono_ms < pod->retry_at_mono_ms;
    if (later) gy_node_pod_wake(pod, pod->retry_at_mono_ms);
    for (size_t i = 0; i < pod->n; i++) {
        struct container *c = &pod->containers[i];
        if (c->phase == CONTAINER_IDLE) c->phase = CONTAINER_ENDED;
        if (c->phase == CONTAINER_RUNNING || c->phase == CONTAINER_STOPPING) {
            send_wait(half, pod, i, now);
            if (!later) send_stop(half, pod, i);
        }
    }
    if (later || !all_containers(pod, CONTAINER_ENDED)) return;
    pod->phase = POD_REMOVING;
    gy_node_action(half, GY_ACTION_REMOVE, pod, SIZE_MAX);
}

/* Was anything of the pod ever made at the driver? */
static bool was_prepared(const struct node_pod *pod)
{
    return pod->phase == POD_ACTIVE || pod->seen || pod->prepare_fails > 0 || pod->n == 0 ||
           !pod->has_spec;
}

static void begin_stop(struct gy_node_half *half, struct node_pod *pod, struct gy_now now)
{
    if (pod->phase == POD_PREPARING) return; /* its answer is on the way */
    if (pod->phase == POD_NEW && !was_prepared(pod)) {
        pod->phase = POD_GONE;
    } else if (pod->phase <= POD_ACTIVE) {
        if (pod->has_spec)
            gy_node_event(half, pod, GY_EVENT_INFO, "pod.stopping", now, "%s",
                          pod->spec.stop_reason ? pod->spec.stop_reason : "its record was removed");
        pod->phase = POD_STOPPING;
        pod->retry_at_mono_ms = 0;
    } else if (pod->phase == POD_ENDED) {
        pod->phase = POD_STOPPING; /* nothing runs; what is left is removed */
        pod->retry_at_mono_ms = 0;
    }
    if (pod->outcome == GY_OUTCOME_NONE) pod->outcome = GY_OUTCOME_STOPPED;
}

void gy_node_pod_step(struct gy_node_half *half, struct node_pod *pod, struct gy_now now)
{
    if (!half->synced) return;
    bool driver_known = pod->driver->ready && pod->driver->listed;
    if (!driver_known) { /* what runs is not known: neither start nor stop, and nothing new is said
                          */
        if (pod->has_reported) gy_node_report(half, pod, now);
        return;
    }
    if (shall_stop(pod) && pod->phase < POD_STOPPING) begin_stop(half, pod, now);
    if (shall_stop(pod) && pod->phase == POD_ENDED) begin_stop(half, pod, now);
    switch (pod->phase) {
    case POD_NEW:
        if (now.mono_ms < pod->retry_at_mono_ms) {
            gy_node_pod_wake(pod, pod->retry_at_mono_ms);
            break;
        }
        pod->phase = POD_PREPARING;
        gy_node_action(half, GY_ACTION_PREPARE, pod, SIZE_MAX);
        break;
    case POD_ACTIVE: step_active(half, pod, now); break;
    case POD_STOPPING: step_stopping(half, pod, now); break;
    case POD_PREPARING:
    case POD_ENDED:
    case POD_REMOVING:
    case POD_GONE: break;
    }
    gy_node_report(half, pod, now);
}
