/* SPDX-License-Identifier: Apache-2.0 */
/* An attempt ended: say so, and decide whether and when there is another. */
#include "engine/node/node_private.h"

#include <stdio.h>

int64_t gy_restart_delay(const struct gy_restart *restart, int64_t n)
{
    int64_t delay = restart->delay_ms;
    for (int64_t i = 1; i < n && delay < restart->max_delay_ms; i++)
        delay *= 2;
    return delay < restart->max_delay_ms ? delay : restart->max_delay_ms;
}

static void describe(const struct gy_observed_container *seen, bool unhealthy, char *out,
                     size_t max)
{
    if (unhealthy)
        snprintf(out, max, "was unhealthy and was stopped");
    else if (seen->lost)
        snprintf(out, max, "is gone without an exit record%s%s", seen->text ? ": " : "",
                 seen->text ? seen->text : "");
    else if (seen->oom)
        snprintf(out, max, "was killed: it used more memory than its limit");
    else if (seen->exit_signal)
        snprintf(out, max, "was killed by signal %lld", (long long)seen->exit_signal);
    else if (seen->text && *seen->text)
        snprintf(out, max, "ended: %s", seen->text);
    else
        snprintf(out, max, "ended with code %lld", (long long)seen->exit_code);
}

/* Does the pod's policy want another attempt? */
static bool wants_restart(const struct node_pod *pod, const struct container *c, bool failed)
{
    const struct gy_restart *r = &pod->spec.restart;
    if (pod->outcome != GY_OUTCOME_NONE || pod->phase != POD_ACTIVE) return false;
    if (pod->forgotten || pod->spec.desired == GY_POD_STOP) return false;
    if (r->condition == GY_RESTART_NONE) return false;
    if (r->condition == GY_RESTART_ON_FAILURE && !failed) return false;
    if (pod->spec.job && !failed) return false;
    return r->max_attempts == 0 || c->quick_restarts < r->max_attempts;
}

void gy_node_container_ended(struct gy_node_half *half, struct node_pod *pod, size_t i,
                             const struct gy_observed_container *seen, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    bool failed = c->failed_health || seen->lost || seen->exit_code != 0 || seen->exit_signal != 0;
    bool asked = c->phase == CONTAINER_STOPPING && !c->failed_health;
    char what[900], wait[GY_TIME_TEXT_MAX];
    describe(seen, c->failed_health, what, sizeof what);
    c->pid = 0;
    c->exit_code = seen->exit_code;
    c->exit_signal = seen->exit_signal;
    c->oom = seen->oom;
    c->ended_wall_ms = seen->ended_ms ? seen->ended_ms : now.wall_ms;
    if (seen->started_ms) c->started_wall_ms = seen->started_ms;
    c->health = GY_POD_HEALTH_NONE;
    c->phase = CONTAINER_ENDED;
    free(c->text);
    c->text = gy_strdup(seen->text);
    if (!pod->has_spec) return;
    const char *name = gy_node_container_name(pod, i);
    if (c->started_mono_ms && now.mono_ms - c->started_mono_ms >= pod->spec.restart.window_ms)
        c->quick_restarts = 0;
    if (wants_restart(pod, c, failed)) {
        int64_t delay = gy_restart_delay(&pod->spec.restart, ++c->quick_restarts);
        c->phase = CONTAINER_IDLE;
        c->restart_at_mono_ms = now.mono_ms + delay;
        pod->restarts++;
        gy_duration_format(delay, wait);
        free(pod->reason);
        pod->reason = gy_printf("%s %s, restart in %s", name, what, wait);
        gy_node_event(half, pod, GY_EVENT_WARN, "pod.restarting", now,
                      "container %s %s; restart %lld in %s", name, what, (long long)pod->restarts,
                      wait);
    } else if (!asked) {
        free(pod->reason);
        pod->reason = gy_printf("%s %s", name, what);
        gy_node_event(half, pod, failed ? GY_EVENT_WARN : GY_EVENT_INFO, "pod.ended", now,
                      "container %s %s", name, what);
    }
}
