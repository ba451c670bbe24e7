/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the node half: they change the tables and mark pods to be looked at; step looks. */
#include "base/random.h"

#include "engine/node/node_private.h"
#include <gantry/driver.h>

#include <stdarg.h>
#include <stdio.h>

#define LIST_RETRY_MS 1000
#define RETRY_MAX_MS 60000
/* What a driver was asked may take effect after the asker died: look again now and then. */
#define RELIST_MS 60000

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

static struct node_pod *find_pod(const struct gy_node_half *half, const char *id)
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

static struct node_pod *add_pod(struct gy_node_half *half, const char *id)
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
    struct node_pod *pod = find_pod(half, spec->id);
    if (pod && pod->has_spec) { /* only `desired` and its reason ever change */
        struct gy_pod old = pod->spec;
        gy_shape_copy(&gy_pod_shape, spec, &pod->spec);
        gy_shape_fini(&gy_pod_shape, &old);
    } else if (pod) {
        /* seen at the driver before its record came: it is adopted by the next listing */
        pod->forgotten = true;
        return;
    } else {
        pod = add_pod(half, spec->id);
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
    struct node_pod *pod = find_pod(half, status->id);
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
    struct node_pod *pod = find_pod(half, pod_id);
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

/* ---- what the driver has
 * ------------------------------------------------------------------------- */

static void take_addresses(struct node_pod *pod, const struct gy_pod_address *addresses, size_t n)
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
    struct node_pod *pod = add_pod(half, seen->id);
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

static void listed(struct gy_node_half *half, struct driver *driver,
                   const struct gy_action_result *result, struct gy_now now)
{
    driver->listing = false;
    if (result->status != GANTRY_OK) {
        int64_t delay = LIST_RETRY_MS << (driver->list_fails < 6 ? driver->list_fails : 6);
        driver->list_fails++;
        driver->retry_at_mono_ms = now.mono_ms + (delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS);
        return;
    }
    driver->list_fails = 0;
    driver->listed = true;
    driver->retry_at_mono_ms = now.mono_ms + RELIST_MS;
    for (size_t i = 0; i < result->pod_count; i++) {
        const struct gy_observed_pod *seen = &result->pods[i];
        struct node_pod *pod = find_pod(half, seen->id);
        if (!pod) pod = add_orphan(half, driver, seen);
        /* only what nothing is under way for: a listing may be older than what is known here */
        if (pod->has_spec && pod->phase == POD_NEW) {
            bool ran = false;
            pod->seen = true;
            take_addresses(pod, seen->addresses, seen->address_count);
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

/* ---- how actions ended
 * --------------------------------------------------------------------------- */

static void set_reason(struct node_pod *pod, const char *text)
{
    free(pod->reason);
    pod->reason = text && *text ? gy_strdup(text) : NULL;
}

static int64_t retry_delay(int64_t fails)
{
    return fails > 6 ? RETRY_MAX_MS : (int64_t)1000 << (fails - 1);
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
        take_addresses(pod, result->addresses, result->address_count);
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
    struct node_pod *pod = p->pod_id ? find_pod(half, p->pod_id) : NULL;
    if (p->kind == GY_ACTION_LIST) listed(half, p->driver, result, now);
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

/* ---- actions
 * ------------------------------------------------------------------------------------- */

static struct gy_action *push(struct gy_node_half *half, int kind)
{
    struct gy_actions *out = half->out;
    GY_ASSERT(out); /* actions are made inside a step */
    GY_VEC_PUSH(out->items, out->n, out->cap);
    struct gy_action *action = &out->items[out->n++];
    *action = (struct gy_action){.kind = kind};
    return action;
}

static struct pending_action *expect(struct gy_node_half *half, struct gy_action *action)
{
    struct pending_action *p = gy_alloc(sizeof *p);
    p->id = action->id = half->next_action++;
    p->kind = action->kind;
    HASH_ADD(hh, half->pending, id, sizeof p->id, p);
    return p;
}

struct gy_action *gy_node_action(struct gy_node_half *half, int kind, struct node_pod *pod,
                                 size_t container)
{
    struct gy_action *action = push(half, kind);
    action->driver = gy_strdup(pod->driver->name);
    action->pod_id = gy_strdup(pod->id);
    action->pod = pod->has_spec ? &pod->spec : NULL;
    struct pending_action *p = expect(half, action);
    p->pod_id = gy_strdup(pod->id);
    p->container = container;
    if (container < pod->n) {
        action->container = gy_strdup(gy_node_container_name(pod, container));
        action->attempt = p->attempt = pod->containers[container].attempt;
    }
    return action;
}

void gy_node_event(struct gy_node_half *half, struct node_pod *pod, int level, const char *kind,
                   struct gy_now now, const char *fmt, ...)
{
    struct gy_buf text = {0};
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    gy_buf_str(&text, line);
    struct gy_action held = {.kind = GY_ACTION_EVENT};
    struct gy_event *e = &held.event;
    e->time_ms = now.wall_ms;
    e->level = level;
    e->kind = gy_strdup(kind);
    e->ns = gy_strdup(pod->spec.ns);
    e->project = gy_strdup(pod->spec.project);
    e->app = gy_strdup(pod->spec.app);
    e->slot = pod->spec.slot;
    e->pod = gy_strdup(pod->id);
    e->node = gy_strdup(half->node);
    e->text = gy_buf_take(&text);
    GY_VEC_PUSH(half->events.items, half->events.n, half->events.cap);
    half->events.items[half->events.n++] = held;
}

void gy_actions_fini(struct gy_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        struct gy_action *a = &actions->items[i];
        free(a->driver);
        free(a->pod_id);
        free(a->container);
        free(a->signal);
        gy_shape_fini(&gy_event_shape, &a->event);
        gy_shape_fini(&gy_pod_status_shape, &a->status);
    }
    free(actions->items);
    *actions = (struct gy_actions){0};
}

/* ---- step
 * ---------------------------------------------------------------------------------------- */

static void step_driver(struct gy_node_half *half, struct driver *driver, struct gy_now now)
{
    if (!driver->ready || driver->listing || !half->synced) return;
    if (now.mono_ms < driver->retry_at_mono_ms) return;
    driver->listing = true;
    struct gy_action *action = push(half, GY_ACTION_LIST);
    action->driver = gy_strdup(driver->name);
    expect(half, action)->driver = driver;
}

static void give_events(struct gy_node_half *half)
{
    for (size_t i = 0; i < half->events.n; i++)
        *push(half, GY_ACTION_EVENT) = half->events.items[i];
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
    const struct node_pod *pod = find_pod(half, pod_id);
    return pod && pod->has_reported ? &pod->reported : NULL;
}

const struct gy_pod *gy_node_half_pod(const struct gy_node_half *half, const char *pod_id)
{
    const struct node_pod *pod = find_pod(half, pod_id);
    return pod && pod->has_spec ? &pod->spec : NULL;
}
