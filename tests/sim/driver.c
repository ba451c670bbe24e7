/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated driver: pods and containers of one machine.  They outlive the agent; a reboot ends
 * them. */
#include "world.h"

#include <stdio.h>

/* What a container does is told by its first argument. */
enum behaviour { RUNS, CRASHES, COMPLETES, CRASHES_TWICE, SICK_ONCE };

static int behaviour_of(const struct gy_container *c)
{
    static const char *const names[] = {"run", "crash", "complete", "crash-twice", "sick-once"};
    for (int i = 0; i < 5; i++)
        if (c->command.n && !strcmp(c->command.items[0], names[i])) return i;
    return RUNS;
}

struct sim_pod *driver_find(struct machine *m, const char *id)
{
    struct sim_pod *pod;
    DL_FOREACH (m->pods, pod) {
        if (!strcmp(pod->id, id)) return pod;
    }
    return NULL;
}

static struct sim_container *find_container(struct sim_pod *pod, const char *name, size_t *at)
{
    for (size_t i = 0; i < pod->n; i++)
        if (!strcmp(pod->containers[i].name, name)) {
            *at = i;
            return &pod->containers[i];
        }
    return NULL;
}

static void free_pod(struct machine *m, struct sim_pod *pod)
{
    DL_DELETE(m->pods, pod);
    for (size_t i = 0; i < pod->n; i++)
        free(pod->containers[i].name);
    free(pod->containers);
    free(pod->id);
    gy_shape_fini(&gy_pod_shape, &pod->spec);
    free(pod);
}

void driver_drop_waiters(struct machine *m)
{
    while (m->waiters) {
        struct waiter *waiter = m->waiters;
        DL_DELETE(m->waiters, waiter);
        free(waiter->pod);
        free(waiter->container);
        free(waiter);
    }
}

void driver_free(struct machine *m)
{
    driver_drop_waiters(m);
    for (size_t i = 0; i < m->known.n; i++)
        free(m->known.items[i]);
    free(m->known.items);
    m->known = (struct gy_strs){0};
    while (m->pods)
        free_pod(m, m->pods);
}

/* ---- answers
 * ------------------------------------------------------------------------------------- */

struct answer {
    struct machine *m;
    uint64_t life, action;
    int kind;
    gantry_status status;
    char *pod, *container;
};

static struct gy_observed_container observe(const struct sim_container *c)
{
    return (struct gy_observed_container){.name = c->name,
                                          .state = c->state,
                                          .attempt = c->attempt,
                                          .pid = c->state == GANTRY_CONTAINER_RUNNING ? 100 : 0,
                                          .exit_code = c->exit_code,
                                          .started_ms = c->started_ms,
                                          .ended_ms = c->ended_ms,
                                          .lost = c->lost};
}

static void answer_list(struct machine *m, struct gy_action_result *result, struct gy_now now)
{
    size_t n = 0, i = 0;
    struct sim_pod *pod;
    DL_FOREACH (m->pods, pod) {
        n++;
    }
    struct gy_observed_pod *pods = gy_alloc_array(n, sizeof *pods);
    DL_FOREACH (m->pods, pod) {
        struct gy_observed_container *containers = gy_alloc_array(pod->n, sizeof *containers);
        for (size_t k = 0; k < pod->n; k++)
            containers[k] = observe(&pod->containers[k]);
        pods[i++] = (struct gy_observed_pod){.id = pod->id, .containers = containers, .n = pod->n};
    }
    result->pods = pods;
    result->pod_count = n;
    gy_node_half_done(m->half, result, now);
    for (i = 0; i < n; i++)
        free((void *)(uintptr_t)pods[i].containers);
    free(pods);
}

static void give_answer(struct world *w, void *arg)
{
    struct answer *a = arg;
    struct machine *m = a->m;
    if (m->agent_up && m->agent_life == a->life) {
        struct gy_now now = world_now(w);
        struct gy_action_result result = {.id = a->action,
                                          .status = a->status,
                                          .text =
                                              a->status ? "the simulated driver says no" : NULL};
        struct sim_pod *pod = a->pod ? driver_find(m, a->pod) : NULL;
        size_t at;
        struct sim_container *c =
            pod && a->container ? find_container(pod, a->container, &at) : NULL;
        struct gy_observed_container seen;
        if (a->kind == GY_ACTION_LIST && a->status == GANTRY_OK) {
            answer_list(m, &result, now);
        } else {
            if ((a->kind == GY_ACTION_START || a->kind == GY_ACTION_WAIT) &&
                a->status == GANTRY_OK) {
                if (c) {
                    seen = observe(c);
                    result.container = &seen;
                } else {
                    result.status = GANTRY_ENOTFOUND;
                }
            }
            gy_node_half_done(m->half, &result, now);
        }
        agent_step_soon(m);
    }
    free(a->pod);
    free(a->container);
    free(a);
}

static void answer_in(struct machine *m, int64_t in_ms, uint64_t action, int kind,
                      gantry_status status, const char *pod, const char *container)
{
    struct answer *a = gy_alloc(sizeof *a);
    *a = (struct answer){
        m, m->agent_life, action, kind, status, gy_strdup(pod), gy_strdup(container)};
    world_at(m->w, in_ms, give_answer, a);
}

/* ---- containers
 * ---------------------------------------------------------------------------------- */

static void wake_waiters(struct machine *m, const char *pod, const char *container)
{
    struct waiter *waiter, *next;
    DL_FOREACH_SAFE (m->waiters, waiter, next) {
        if (strcmp(waiter->pod, pod) != 0 ||
            (container && strcmp(waiter->container, container) != 0))
            continue;
        DL_DELETE(m->waiters, waiter);
        answer_in(m, 1 + chance(m->w, 5), waiter->action, GY_ACTION_WAIT, GANTRY_OK, waiter->pod,
                  waiter->container);
        free(waiter->pod);
        free(waiter->container);
        free(waiter);
    }
}

void driver_kill_container(struct machine *m, struct sim_pod *pod, size_t i, int64_t code,
                           bool lost)
{
    struct sim_container *c = &pod->containers[i];
    if (c->state != GANTRY_CONTAINER_RUNNING) return;
    c->state = GANTRY_CONTAINER_EXITED;
    c->exit_code = code;
    c->ended_ms = world_now(m->w).wall_ms;
    c->lost = lost;
    wake_waiters(m, pod->id, c->name);
}

struct life {
    struct machine *m;
    char *pod, *container;
    uint64_t number;
    int64_t code;
    int boots;
};

static void run_out(struct world *w, void *arg)
{
    (void)w;
    struct life *l = arg;
    struct sim_pod *pod = driver_find(l->m, l->pod);
    size_t at;
    struct sim_container *c = pod ? find_container(pod, l->container, &at) : NULL;
    if (c && c->life == l->number && l->boots == l->m->boots)
        driver_kill_container(l->m, pod, at, l->code, false);
    free(l->pod);
    free(l->container);
    free(l);
}

static void end_later(struct machine *m, struct sim_pod *pod, struct sim_container *c,
                      int64_t in_ms, int64_t code)
{
    struct life *l = gy_alloc(sizeof *l);
    *l = (struct life){m, gy_strdup(pod->id), gy_strdup(c->name), c->life, code, m->boots};
    world_at(m->w, in_ms, run_out, l);
}

static gantry_status start(struct machine *m, const char *id, const char *name, int64_t attempt)
{
    struct world *w = m->w;
    struct sim_pod *pod = driver_find(m, id);
    size_t at;
    struct sim_container *c = pod ? find_container(pod, name, &at) : NULL;
    if (!c) return GANTRY_ENOTFOUND;
    if (attempt <= c->attempt) return GANTRY_OK; /* that attempt's record */
    if (c->state == GANTRY_CONTAINER_RUNNING) {
        world_fail(w, "attempt %lld of pod %s starts while attempt %lld runs", (long long)attempt,
                   id, (long long)c->attempt);
        return GANTRY_EINTERNAL;
    }
    c->attempt = attempt;
    c->state = GANTRY_CONTAINER_RUNNING;
    c->life++;
    c->started_ms = world_now(w).wall_ms;
    c->lost = false;
    w->started++;
    w->changed = true;
    world_say(w, "%s starts %s/%s attempt %lld", m->name, id, name, (long long)attempt);
    switch (c->behaviour) {
    case CRASHES: end_later(m, pod, c, 50 + chance(w, 3000), 1); break;
    case COMPLETES: end_later(m, pod, c, 50 + chance(w, 3000), 0); break;
    case CRASHES_TWICE:
        if (attempt <= 2) end_later(m, pod, c, 50 + chance(w, 500), 3);
        break;
    default: break;
    }
    return GANTRY_OK;
}

static gantry_status prepare(struct machine *m, const struct gy_pod *spec)
{
    struct world *w = m->w;
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_POD, spec->id, key);
    struct bound *b;
    HASH_FIND_STR(w->bound, spec->id, b);
    if (!b) world_fail(w, "%s acts on pod %s, which was never stored", m->name, spec->id);
    if (b && strcmp(b->node, m->name) != 0)
        world_fail(w, "%s prepares pod %s, which is bound to %s", m->name, spec->id, b->node);
    if (driver_find(m, spec->id)) return GANTRY_OK;
    struct sim_pod *pod = gy_alloc(sizeof *pod);
    pod->id = gy_strdup(spec->id);
    gy_shape_copy(&gy_pod_shape, spec, &pod->spec);
    pod->n = spec->template.containers.n;
    pod->containers = gy_alloc_array(pod->n, sizeof *pod->containers);
    for (size_t i = 0; i < pod->n; i++) {
        const struct gy_container *c = GY_AT(struct gy_container, spec->template.containers, i);
        pod->containers[i] = (struct sim_container){.name = gy_strdup(c->name),
                                                    .state = GANTRY_CONTAINER_CREATED,
                                                    .behaviour = behaviour_of(c)};
    }
    DL_APPEND(m->pods, pod);
    return GANTRY_OK;
}

/* ---- actions: first the effect, then the answer; the agent may die between them
 * ------------------- */

struct doing {
    struct machine *m;
    uint64_t life, action;
    int kind, boots;
    char *pod, *container;
    struct gy_pod spec;
    int64_t attempt, grace_ms;
};

static void stop_container(struct machine *m, const char *id, const char *name, int64_t grace_ms)
{
    struct sim_pod *pod = driver_find(m, id);
    size_t at;
    struct sim_container *c = pod ? find_container(pod, name, &at) : NULL;
    if (c && c->state == GANTRY_CONTAINER_RUNNING)
        end_later(m, pod, c, chance(m->w, grace_ms + 1), 143);
}

static void take_effect(struct world *w, void *arg)
{
    struct doing *d = arg;
    struct machine *m = d->m;
    if (m->powered && d->boots == m->boots) {
        gantry_status status = GANTRY_OK;
        int64_t answer_ms = 1 + chance(w, 20);
        if (odds(w, 40)) status = GANTRY_EUNAVAIL; /* before or after it took effect */
        bool happens = status == GANTRY_OK || chance(w, 2);
        struct sim_pod *pod = driver_find(m, d->pod);
        size_t at;
        switch (d->kind) {
        case GY_ACTION_PREPARE:
            if (happens) prepare(m, &d->spec);
            break;
        case GY_ACTION_START:
            if (happens && status == GANTRY_OK)
                status = start(m, d->pod, d->container, d->attempt);
            else if (happens)
                start(m, d->pod, d->container, d->attempt);
            break;
        case GY_ACTION_STOP:
            stop_container(m, d->pod, d->container, d->grace_ms);
            answer_ms += d->grace_ms;
            break;
        case GY_ACTION_REMOVE:
            if (happens && pod) {
                for (size_t i = 0; i < pod->n; i++)
                    driver_kill_container(m, pod, i, 137, false);
                free_pod(m, pod);
            }
            break;
        case GY_ACTION_PROBE: {
            struct sim_container *c = pod ? find_container(pod, d->container, &at) : NULL;
            bool sick = !c || c->state != GANTRY_CONTAINER_RUNNING ||
                        (c->behaviour == SICK_ONCE && c->attempt < 2);
            status = sick ? GANTRY_EINVAL : GANTRY_OK;
            break;
        }
        default: break;
        }
        if (d->life == m->agent_life && m->agent_up)
            answer_in(m, answer_ms, d->action, d->kind, status, d->pod, d->container);
    }
    free(d->pod);
    free(d->container);
    gy_shape_fini(&gy_pod_shape, &d->spec);
    free(d);
}

void driver_apply(struct machine *m, const struct gy_action *action)
{
    struct world *w = m->w;
    if (action->kind == GY_ACTION_LIST) {
        answer_in(m, 1 + chance(w, 20), action->id, GY_ACTION_LIST,
                  odds(w, 5) ? GANTRY_EUNAVAIL : GANTRY_OK, NULL, NULL);
        return;
    }
    if (action->kind == GY_ACTION_WAIT) {
        struct sim_pod *pod = driver_find(m, action->pod_id);
        size_t at;
        struct sim_container *c = pod ? find_container(pod, action->container, &at) : NULL;
        if (!c || c->state != GANTRY_CONTAINER_RUNNING) {
            answer_in(m, 1, action->id, GY_ACTION_WAIT, c ? GANTRY_OK : GANTRY_ENOTFOUND,
                      action->pod_id, action->container);
            return;
        }
        struct waiter *waiter = gy_alloc(sizeof *waiter);
        *waiter = (struct waiter){.action = action->id,
                                  .pod = gy_strdup(action->pod_id),
                                  .container = gy_strdup(action->container)};
        DL_APPEND(m->waiters, waiter);
        return;
    }
    struct doing *d = gy_alloc(sizeof *d);
    *d = (struct doing){.m = m,
                        .life = m->agent_life,
                        .action = action->id,
                        .kind = action->kind,
                        .boots = m->boots,
                        .pod = gy_strdup(action->pod_id),
                        .container = gy_strdup(action->container),
                        .attempt = action->attempt,
                        .grace_ms = action->grace_ms};
    if (action->kind == GY_ACTION_PREPARE) gy_shape_copy(&gy_pod_shape, action->pod, &d->spec);
    world_at(w, 1 + chance(w, odds(w, 30) ? 5000 : 30), take_effect, d);
}
