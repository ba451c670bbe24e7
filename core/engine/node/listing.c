/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver has, against what is desired: adopted, left to be removed, or lost. */
#include "engine/node/node_private.h"

#include <gantry/driver.h>

#define LIST_RETRY_MS 1000
/* What a driver was asked may take effect after the asker died: look again now and then. */
#define RELIST_MS 60000

void gy_node_take_addresses(struct node_pod *pod, const struct gy_pod_address *addresses, size_t n)
{
    if (!n) return;
    for (size_t i = 0; i < pod->addresses.n; i++)
        gy_shape_fini(&gy_pod_address_shape, GY_AT(struct gy_pod_address, pod->addresses, i));
    pod->addresses.n = 0;
    for (size_t i = 0; i < n; i++)
        gy_shape_copy(&gy_pod_address_shape, &addresses[i],
                      gy_list_add(&pod->addresses, &gy_pod_address_shape));
}

static const struct gy_observed_container *seen_container(const struct gy_observed_pod *seen,
                                                          const char *name)
{
    for (size_t i = 0; i < seen->n; i++)
        if (!strcmp(seen->containers[i].name, name)) return &seen->containers[i];
    return NULL;
}

static void adopt_container(struct gy_node_half *half, struct node_pod *pod, size_t i,
                            const struct gy_observed_container *seen, struct gy_now now)
{
    struct container *c = &pod->containers[i];
    if (c->phase == CONTAINER_STARTING || c->waiting) return; /* its own answer is on the way */
    if (seen->attempt > c->attempt) c->attempt = seen->attempt;
    if (pod->restarts < c->attempt - 1) pod->restarts = c->attempt - 1;
    if (seen->state == GANTRY_CONTAINER_RUNNING) {
        c->phase = CONTAINER_RUNNING;
        c->pid = seen->pid;
        c->started_wall_ms = seen->started_ms;
        c->started_mono_ms = now.mono_ms;
        if (!pod->first_start_mono_ms) pod->first_start_mono_ms = now.mono_ms;
        gy_node_health_start(pod, i, now);
    } else if (seen->state == GANTRY_CONTAINER_EXITED && seen->attempt > 0 &&
               c->phase != CONTAINER_ENDED && seen->ended_ms != c->ended_wall_ms) {
        if (seen->lost &&
            !pod->outcome) { /* gone while nobody watched: a reboot, or its keeper was killed */
            pod->outcome = GY_OUTCOME_LOST;
            free(pod->reason);
            pod->reason =
                gy_strdup(seen->text && *seen->text ? seen->text : "gone without an exit record");
        }
        gy_node_container_ended(half, pod, i, seen, now);
    }
}

static struct node_pod *add_orphan(struct gy_node_half *half, struct driver *driver,
                                   const struct gy_observed_pod *seen)
{
    struct node_pod *pod = gy_node_add_pod(half, seen->id);
    pod->driver = driver;
    pod->forgotten = true;
    pod->phase = POD_ACTIVE;
    pod->n = seen->n;
    pod->containers = gy_alloc_array(pod->n, sizeof *pod->containers);
    pod->names = gy_alloc_array(pod->n, sizeof *pod->names);
    for (size_t i = 0; i < pod->n; i++) {
        pod->names[i] = gy_strdup(seen->containers[i].name);
        pod->containers[i].attempt = seen->containers[i].attempt;
        bool runs = seen->containers[i].state == GANTRY_CONTAINER_RUNNING;
        pod->containers[i].phase = runs ? CONTAINER_RUNNING : CONTAINER_ENDED;
    }
    return pod;
}

static bool is_seen(const struct gy_action_result *result, const char *id)
{
    for (size_t i = 0; i < result->pod_count; i++)
        if (!strcmp(result->pods[i].id, id)) return true;
    return false;
}

void gy_node_listed(struct gy_node_half *half, struct driver *driver,
                    const struct gy_action_result *result, struct gy_now now)
{
    driver->listing = false;
    if (result->status != GANTRY_OK) {
        int64_t delay = LIST_RETRY_MS << (driver->list_fails < 6 ? driver->list_fails : 6);
        driver->list_fails++;
        driver->retry_at_mono_ms =
            now.mono_ms + (delay < GY_NODE_RETRY_MAX_MS ? delay : GY_NODE_RETRY_MAX_MS);
        return;
    }
    driver->list_fails = 0;
    driver->listed = true;
    driver->retry_at_mono_ms = now.mono_ms + RELIST_MS;
    for (size_t i = 0; i < result->pod_count; i++) {
        const struct gy_observed_pod *seen = &result->pods[i];
        struct node_pod *pod = gy_node_find_pod(half, seen->id);
        if (!pod) pod = add_orphan(half, driver, seen);
        /* only what nothing is under way for: a listing may be older than what is known here */
        if (pod->has_spec && pod->phase == POD_NEW) {
            bool ran = false;
            pod->seen = true;
            gy_node_take_addresses(pod, seen->addresses, seen->address_count);
            for (size_t k = 0; k < pod->n; k++) {
                const struct gy_observed_container *c =
                    seen_container(seen, gy_node_container_name(pod, k));
                if (c && c->attempt > 0) ran = true;
            }
            if (ran) pod->phase = POD_ACTIVE;
            for (size_t k = 0; k < pod->n && pod->phase == POD_ACTIVE; k++) {
                const struct gy_observed_container *c =
                    seen_container(seen, gy_node_container_name(pod, k));
                if (c) adopt_container(half, pod, k, c, now);
            }
        }
        gy_node_pod_touch(half, pod);
    }
    struct node_pod *pod;
    DL_FOREACH (half->pods, pod) {
        if (pod->driver != driver) continue;
        gy_node_pod_touch(half, pod);
        /* the driver is sure that it has nothing of what was active before it was asked */
        bool active = pod->phase == POD_ACTIVE && pod->has_spec && pod->active_since < result->id;
        if (active && !is_seen(result, pod->id)) {
            for (size_t i = 0; i < pod->n; i++)
                if (!pod->containers[i].waiting && pod->containers[i].phase != CONTAINER_STARTING)
                    pod->containers[i].phase = CONTAINER_ENDED;
            if (!pod->outcome) pod->outcome = GY_OUTCOME_LOST;
        }
    }
}
