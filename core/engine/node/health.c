/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks as in Compose: interval, time-out, retries, start period.
 * https://github.com/compose-spec/compose-spec/blob/main/05-services.md#healthcheck */
#include "engine/node/node_private.h"

static int64_t interval(const struct gy_health *h, const struct container *c, struct gy_now now)
{
    bool starting = c->health == GY_POD_HEALTH_STARTING &&
                    now.mono_ms - c->started_mono_ms < h->start_period_ms;
    return starting && h->start_interval_ms < h->interval_ms ? h->start_interval_ms
                                                             : h->interval_ms;
}

void gy_node_health_start(struct node_pod *pod, size_t i, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    const struct gy_container *spec = gy_node_container_spec(pod, i);
    c->failed_probes = 0;
    c->failed_health = false;
    c->health = spec && spec->health ? GY_POD_HEALTH_STARTING : GY_POD_HEALTH_NONE;
    if (spec && spec->health) c->next_probe_mono_ms = now.mono_ms + interval(spec->health, c, now);
}

void gy_node_health_step(struct gy_node_half *half, struct node_pod *pod, size_t i,
                         struct gy_now now)
{
    struct container *c = &pod->containers[i];
    const struct gy_container *spec = gy_node_container_spec(pod, i);
    if (!spec || !spec->health || c->probing || c->failed_health) return;
    if (now.mono_ms < c->next_probe_mono_ms) {
        gy_node_pod_wake(pod, c->next_probe_mono_ms);
        return;
    }
    c->probing = true;
    gy_node_action(half, GY_ACTION_PROBE, pod, i)->health = spec->health;
}

void gy_node_health_result(struct gy_node_half *half, struct node_pod *pod, size_t i, bool healthy,
                           const char *text, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    const struct gy_health *h = gy_node_container_spec(pod, i)->health;
    int before = c->health;
    free(c->text);
    c->text = text && *text ? gy_strndup(text, strnlen(text, 512)) : NULL;
    if (healthy) {
        c->failed_probes = 0;
        c->health = GY_POD_HEALTHY;
        if (before != GY_POD_HEALTHY)
            gy_node_event(half, pod, GY_EVENT_INFO, "pod.healthy", now, "container %s is healthy",
                          gy_node_container_name(pod, i));
    } else {
        bool forgiven = c->health == GY_POD_HEALTH_STARTING &&
                        now.mono_ms - c->started_mono_ms < h->start_period_ms;
        if (!forgiven && ++c->failed_probes >= h->retries) {
            c->health = GY_POD_UNHEALTHY;
            c->failed_health = pod->spec.restart.condition != GY_RESTART_NONE;
            if (before != GY_POD_UNHEALTHY)
                gy_node_event(half, pod, GY_EVENT_WARN, "pod.unhealthy", now,
                              "container %s failed %lld health checks in a row%s%s",
                              gy_node_container_name(pod, i), (long long)c->failed_probes,
                              c->text ? ": " : "", c->text ? c->text : "");
        }
    }
    c->next_probe_mono_ms = now.mono_ms + interval(h, c, now);
}
