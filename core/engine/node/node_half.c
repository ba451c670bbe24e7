/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the node half: they change the tables and mark pods to be looked at; step looks. */
#include "engine/node/node_private.h"

struct gy_node_half *gy_node_half_create(const struct gy_node_half_options *options)
{
    struct gy_node_half *half = gy_alloc(sizeof *half);
    half->node = gy_strdup(options->node);
    half->boot_id = gy_strdup(options->boot_id ? options->boot_id : "");
    half->next_action = 1;
    half->wake_mono_ms = INT64_MAX;
    gy_random_seed(&half->random, options->seed);
    return half;
}

static void free_pod(struct gy_node_half *half, struct node_pod *pod)
{
    if (pod->dirty) DL_DELETE2(half->dirty, pod, dirty_prev, dirty_next);
    DL_DELETE(half->pods, pod);
    HASH_DEL(half->by_id, pod);
    for (size_t i = 0; i < pod->n; i++) {
        free(pod->containers[i].text);
        if (pod->names) free(pod->names[i]);
    }
    for (size_t i = 0; i < pod->addresses.n; i++)
        gy_shape_fini(&gy_pod_address_shape, GY_AT(struct gy_pod_address, pod->addresses, i));
    free(pod->addresses.items);
    free(pod->names);
    free(pod->containers);
    free(pod->reason);
    if (pod->has_spec) gy_shape_fini(&gy_pod_shape, &pod->spec);
    if (pod->has_reported) gy_shape_fini(&gy_pod_status_shape, &pod->reported);
    free(pod->id);
    free(pod);
}

void gy_node_half_destroy(struct gy_node_half *half)
{
    while (half->pods)
        free_pod(half, half->pods);
    struct driver *driver, *next_driver;
    DL_FOREACH_SAFE (half->drivers, driver, next_driver) {
        free(driver->name);
        free(driver);
    }
    struct pending_action *p, *next;
    HASH_ITER (hh, half->pending, p, next) {
        HASH_DEL(half->pending, p);
        free(p->pod_id);
        free(p);
    }
    gy_actions_fini(&half->events);
    free(half->node);
    free(half->boot_id);
    free(half);
}

struct node_pod *gy_node_find_pod(const struct gy_node_half *half, const char *id)
{
    struct node_pod *pod;
    HASH_FIND_STR(half->by_id, id, pod);
    return pod;
}

static struct driver *find_driver(struct gy_node_half *half, const char *name)
{
    struct driver *driver;
    DL_FOREACH (half->drivers, driver) {
        if (!strcmp(driver->name, name)) return driver;
    }
    driver = gy_alloc(sizeof *driver);
    driver->name = gy_strdup(name);
    DL_APPEND(half->drivers, driver);
    return driver;
}

void gy_node_pod_touch(struct gy_node_half *half, struct node_pod *pod)
{
    if (pod->dirty) return;
    pod->dirty = true;
    DL_APPEND2(half->dirty, pod, dirty_prev, dirty_next);
}

void gy_node_pod_wake(struct node_pod *pod, int64_t mono_ms)
{
    if (mono_ms < pod->wake_mono_ms) pod->wake_mono_ms = mono_ms;
}

const struct gy_container *gy_node_container_spec(const struct node_pod *pod, size_t i)
{
    return pod->has_spec ? GY_AT(struct gy_container, pod->spec.template.containers, i) : NULL;
}

const char *gy_node_container_name(const struct node_pod *pod, size_t i)
{
    return pod->has_spec ? gy_node_container_spec(pod, i)->name : pod->names[i];
}

struct node_pod *gy_node_add_pod(struct gy_node_half *half, const char *id)
{
    struct node_pod *pod = gy_alloc(sizeof *pod);
    pod->id = gy_strdup(id);
    pod->wake_mono_ms = INT64_MAX;
    HASH_ADD_KEYPTR(hh, half->by_id, pod->id, strlen(pod->id), pod);
    DL_APPEND(half->pods, pod);
    return pod;
}

/* ---- what is desired
 * ----------------------------------------------------------------------------- */

void gy_node_half_desired(struct gy_node_half *half, const struct gy_pod *spec, struct gy_now now)
{
    (void)now;
    struct node_pod *pod = gy_node_find_pod(half, spec->id);
    if (pod && pod->has_spec) { /* only `desired` and its reason ever change */
        struct gy_pod old = pod->spec;
        gy_shape_copy(&gy_pod_shape, spec, &pod->spec);
        gy_shape_fini(&gy_pod_shape, &old);
    } else if (pod) {
        /* seen at the driver before its record came: it is adopted by the next listing */
        pod->forgotten = true;
        return;
    } else {
        pod = gy_node_add_pod(half, spec->id);
        gy_shape_copy(&gy_pod_shape, spec, &pod->spec);
        pod->has_spec = true;
        pod->driver = find_driver(half, spec->driver ? spec->driver : "");
        pod->n = spec->template.containers.n;
        pod->containers = gy_alloc_array(pod->n, sizeof *pod->containers);
        /* a listing taken before the record came may have missed it: ask again before anything
         * starts */
        if (pod->driver->listed && !half->synced) pod->driver->listed = false;
    }
    pod->forgotten = false;
    gy_node_pod_touch(half, pod);
}

void gy_node_half_last(struct gy_node_half *half, const struct gy_pod_status *status)
{
    struct node_pod *pod = gy_node_find_pod(half, status->id);
    if (!pod || !pod->has_spec || pod->has_reported || pod->phase != POD_NEW) return;
    pod->restarts = status->restarts;
    if (status->state != GY_POD_ENDED) return;
    pod->phase = POD_ENDED;
    pod->outcome = status->outcome;
    pod->reason = gy_strdup(status->reason);
    for (size_t i = 0; i < pod->n; i++) {
        struct container *c = &pod->containers[i];
        c->phase = CONTAINER_ENDED;
        if (i >= status->containers.n) continue;
        const struct gy_container_status *s =
            GY_AT(struct gy_container_status, status->containers, i);
        c->attempt = s->attempt;
        c->exit_code = s->exit_code;
        c->exit_signal = s->exit_signal;
        c->oom = s->oom;
        c->started_wall_ms = s->started_ms;
        c->ended_wall_ms = s->ended_ms;
        c->text = gy_strdup(s->text);
    }
    gy_shape_copy(&gy_pod_status_shape, status, &pod->reported);
    pod->has_reported = true;
}

void gy_node_half_forget(struct gy_node_half *half, const char *pod_id, struct gy_now now)
{
    (void)now;
    struct node_pod *pod = gy_node_find_pod(half, pod_id);
    if (!pod) return;
    pod->forgotten = true;
    gy_node_pod_touch(half, pod);
}

void gy_node_half_only(struct gy_node_half *half, const struct gy_strs *ids, struct gy_now now)
{
    struct node_pod *pod;
    DL_FOREACH (half->pods, pod) {
        if (!gy_strs_has(ids, pod->id)) gy_node_half_forget(half, pod->id, now);
    }
}

void gy_node_half_synced(struct gy_node_half *half, struct gy_now now)
{
    (void)now;
    half->synced = true;
    struct node_pod *pod;
    DL_FOREACH (half->pods, pod) {
        gy_node_pod_touch(half, pod);
    }
}

void gy_node_half_driver(struct gy_node_half *half, const char *name, bool ready, struct gy_now now)
{
    struct driver *driver = find_driver(half, name);
    if (ready && !driver->ready) {
        driver->listed = false;
        driver->retry_at_mono_ms = now.mono_ms;
    }
    driver->ready = ready;
}

/* ---- step
 * ---------------------------------------------------------------------------------------- */

static void step_driver(struct gy_node_half *half, struct driver *driver, struct gy_now now)
{
    if (!driver->ready || driver->listing || !half->synced) return;
    if (now.mono_ms < driver->retry_at_mono_ms) return;
    driver->listing = true;
    struct gy_action *action = gy_node_push(half, GY_ACTION_LIST);
    action->driver = gy_strdup(driver->name);
    gy_node_expect(half, action)->driver = driver;
}

static void give_events(struct gy_node_half *half)
{
    for (size_t i = 0; i < half->events.n; i++)
        *gy_node_push(half, GY_ACTION_EVENT) = half->events.items[i];
    free(half->events.items);
    half->events = (struct gy_actions){0};
}

void gy_node_half_step(struct gy_node_half *half, struct gy_now now, struct gy_actions *out)
{
    half->out = out;
    struct driver *driver;
    DL_FOREACH (half->drivers, driver) {
        step_driver(half, driver, now);
    }
    struct node_pod *pod, *next;
    if (now.mono_ms >= half->wake_mono_ms) {
        DL_FOREACH (half->pods, pod) {
            if (pod->wake_mono_ms <= now.mono_ms) gy_node_pod_touch(half, pod);
        }
    }
    while ((pod = half->dirty)) {
        DL_DELETE2(half->dirty, pod, dirty_prev, dirty_next);
        pod->dirty = false;
        pod->wake_mono_ms = INT64_MAX;
        gy_node_pod_step(half, pod, now);
    }
    half->wake_mono_ms = INT64_MAX;
    DL_FOREACH_SAFE (half->pods, pod, next) {
        if (pod->phase == POD_GONE && pod->forgotten)
            free_pod(half, pod);
        else if (pod->wake_mono_ms < half->wake_mono_ms)
            half->wake_mono_ms = pod->wake_mono_ms;
    }
    give_events(half);
    out->wake_mono_ms = half->wake_mono_ms;
    DL_FOREACH (half->drivers, driver) {
        bool waits = driver->ready && !driver->listing && half->synced;
        if (waits && driver->retry_at_mono_ms < out->wake_mono_ms)
            out->wake_mono_ms = driver->retry_at_mono_ms;
    }
    half->out = NULL;
}

const struct gy_pod_status *gy_node_half_status(const struct gy_node_half *half, const char *pod_id)
{
    const struct node_pod *pod = gy_node_find_pod(half, pod_id);
    return pod && pod->has_reported ? &pod->reported : NULL;
}

const struct gy_pod *gy_node_half_pod(const struct gy_node_half *half, const char *pod_id)
{
    const struct node_pod *pod = gy_node_find_pod(half, pod_id);
    return pod && pod->has_spec ? &pod->spec : NULL;
}
