/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- small things ---- */

uint64_t sim_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

gantry_str sim_copy(gantry_str text)
{
    char *copy = malloc(text.len + 1);
    if (!copy) abort(); /* a simulation has nothing to save */
    if (text.len) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (gantry_str){copy, text.len};
}

static bool is_equal(gantry_str a, gantry_str b)
{
    return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

struct pod *sim_find_pod(const struct sim *m, gantry_str id)
{
    struct pod *p;
    LIST_FOREACH (p, &m->pods, entry)
        if (is_equal(p->id, id)) return p;
    return NULL;
}

struct container *sim_find_container(const struct sim *m, gantry_str pod, gantry_str name)
{
    struct pod *p = sim_find_pod(m, pod);
    for (uint32_t i = 0; p && i < p->count; i++)
        if (is_equal(p->containers[i].name, name)) return &p->containers[i];
    return NULL;
}

struct call *sim_call_begin(struct sim *m, enum call_kind kind, gantry_op op, gantry_str pod,
                            gantry_str container)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c) abort();
    *c = (struct call){
        .sim = m, .kind = kind, .op = op, .pod = sim_copy(pod), .container = sim_copy(container)};
    LIST_INSERT_HEAD(&m->calls, c, entry);
    return c;
}

void sim_call_end(struct call *c)
{
    LIST_REMOVE(c, entry);
    if (c->timer) c->sim->api->watch_stop(c->sim->host, c->timer);
    free((void *)(uintptr_t)c->pod.ptr);
    free((void *)(uintptr_t)c->container.ptr);
    free(c);
}

/* splitmix64 by Steele, Lea and Flood (2014): same seed, same failures. */
static uint64_t dice(struct sim *m)
{
    uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool strikes(struct sim *m, uint64_t percent)
{
    return percent > 0 && dice(m) % 100 < percent;
}

gantry_container_status sim_status(const struct container *c)
{
    return (gantry_container_status){.size = (uint32_t)sizeof(gantry_container_status),
                                     .state = c->state,
                                     .exit_code = c->exit_code,
                                     .exit_signal = c->exit_signal,
                                     .attempt = c->attempt,
                                     .pid = c->state == GANTRY_CONTAINER_RUNNING ? c->pid : 0,
                                     .started_ms = c->started_ms,
                                     .ended_ms = c->ended_ms,
                                     .name = c->name};
}

static void delay(struct call *c, uint64_t ms, void (*fn)(void *arg))
{
    struct sim *m = c->sim;
    c->timer = m->api->timer_start(m->host, ms, 0, fn, c);
    if (c->timer) return;
    m->api->op_failf(m->host, c->op, GANTRY_EUNAVAIL, "the host gives no timer");
    sim_call_end(c);
}

/* ---- pods ---- */

void sim_pod_destroy(struct pod *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct container *c = &p->containers[i];
        if (c->exit_timer) p->sim->api->watch_stop(p->sim->host, c->exit_timer);
        free((void *)(uintptr_t)c->name.ptr);
    }
    LIST_REMOVE(p, entry);
    free(p->containers);
    free((void *)(uintptr_t)p->id.ptr);
    free((void *)(uintptr_t)p->record.ptr);
    free(p);
}

static gantry_status emit_pod(struct sim *m, gantry_op op, const struct pod *p)
{
    gantry_container_status *all = calloc(p->count ? p->count : 1, sizeof *all);
    const gantry_container_status **list = calloc(p->count ? p->count : 1, sizeof *list);
    if (!all || !list) abort();
    for (uint32_t i = 0; i < p->count; i++) {
        all[i] = sim_status(&p->containers[i]);
        list[i] = &all[i];
    }
    gantry_pod_status item = {.size = (uint32_t)sizeof item,
                              .container_count = p->count,
                              .pod = p->id,
                              .record = p->record,
                              .containers = list};
    gantry_status status = m->api->op_emit(m->host, op, &item);
    free(all);
    free(list);
    return status;
}

/* A queue holds fewer items than there may be pods: what did not fit is given a little later. */
static void list_some(void *arg)
{
    struct call *c = arg;
    struct sim *m = c->sim;
    struct pod *p;
    gantry_status status = GANTRY_OK;
    c->timer = 0;
    LIST_FOREACH (p, &m->pods, entry) {
        if (p->listed == c->op) continue;
        status = emit_pod(m, c->op, p);
        if (status != GANTRY_OK) break;
        p->listed = c->op;
    }
    if (status == GANTRY_EBUSY) {
        delay(c, 1, list_some);
        return;
    }
    if (status == GANTRY_OK)
        m->api->op_done(m->host, c->op, NULL);
    else
        m->api->op_failf(m->host, c->op, GANTRY_ECANCELED, "canceled");
    sim_call_end(c);
}

void sim_list(void *self, gantry_op op)
{
    const gantry_str none = {NULL, 0};
    list_some(sim_call_begin(self, CALL_LIST, op, none, none));
}

static void prepared(void *arg)
{
    struct call *c = arg;
    struct sim *m = c->sim;
    c->timer = 0;
    m->api->op_done(m->host, c->op, NULL);
    sim_call_end(c);
}

static void add_pod(struct sim *m, const gantry_pod *from)
{
    struct pod *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->sim = m;
    p->id = sim_copy(from->id);
    p->record = sim_copy(from->record);
    p->count = from->container_count;
    p->containers = calloc(p->count ? p->count : 1, sizeof *p->containers);
    if (!p->containers) abort();
    for (uint32_t i = 0; i < p->count; i++) {
        p->containers[i].pod = p;
        p->containers[i].name = sim_copy(from->containers[i]->name);
        p->containers[i].state = GANTRY_CONTAINER_CREATED;
    }
    LIST_INSERT_HEAD(&m->pods, p, entry);
}

void sim_prepare(void *self, gantry_op op, const gantry_pod *pod)
{
    struct sim *m = self;
    if (strikes(m, m->fail_prepare_percent)) {
        m->api->op_failf(m->host, op, m->fail_with, "a simulated failure (fail_prepare_percent)");
        return;
    }
    if (!sim_find_pod(m, pod->id)) add_pod(m, pod);
    static const char text[] = "pretending to make everything ready";
    gantry_progress progress = {
        .size = (uint32_t)sizeof progress, .percent = 50, .text = {text, sizeof text - 1}};
    if (m->prepare_ms) (void)m->api->op_emit(m->host, op, &progress);
    delay(sim_call_begin(m, CALL_PREPARE, op, pod->id, (gantry_str){NULL, 0}), m->prepare_ms,
          prepared);
}

/* ---- containers ---- */

static void end_waits(struct container *k)
{
    struct sim *m = k->pod->sim;
    gantry_container_status status = sim_status(k);
    struct call *c, *next;
    for (c = LIST_FIRST(&m->calls); c; c = next) {
        next = LIST_NEXT(c, entry);
        if (c->kind != CALL_WAIT || !is_equal(c->pod, k->pod->id) ||
            !is_equal(c->container, k->name))
            continue;
        m->api->op_done(m->host, c->op, &status);
        sim_call_end(c);
    }
    sim_logs_wake(m, k->pod->id);
}

static void end_container(struct container *k, int32_t code, int32_t signal_number)
{
    struct sim *m = k->pod->sim;
    if (k->exit_timer) m->api->watch_stop(m->host, k->exit_timer);
    k->exit_timer = 0;
    if (k->state != GANTRY_CONTAINER_RUNNING) return;
    k->state = GANTRY_CONTAINER_EXITED;
    k->exit_code = code;
    k->exit_signal = signal_number;
    k->ended_ms = sim_wall_ms();
    end_waits(k);
}

static void on_exit_time(void *arg)
{
    struct container *k = arg;
    k->exit_timer = 0;
    end_container(k, k->pod->sim->exit_code, 0);
}

static void run(struct container *k, uint64_t attempt)
{
    struct sim *m = k->pod->sim;
    k->state = GANTRY_CONTAINER_RUNNING;
    k->attempt = attempt;
    k->pid = ++m->next_pid;
    k->started_ms = sim_wall_ms();
    k->ended_ms = 0;
    k->exit_code = k->exit_signal = 0;
    if (m->run_ms) k->exit_timer = m->api->timer_start(m->host, m->run_ms, 0, on_exit_time, k);
}

static void unknown(struct sim *m, gantry_op op, gantry_str pod, gantry_str container)
{
    m->api->op_failf(m->host, op, GANTRY_ENOTFOUND, "there is no container %.*s of a pod %.*s",
                     (int)container.len, container.len ? container.ptr : "", (int)pod.len,
                     pod.len ? pod.ptr : "");
}

static void on_start_time(void *arg)
{
    struct call *c = arg;
    struct sim *m = c->sim;
    c->timer = 0;
    struct container *k = sim_find_container(m, c->pod, c->container);
    if (!k) {
        unknown(m, c->op, c->pod, c->container);
    } else {
        if (c->attempt > k->attempt && k->state != GANTRY_CONTAINER_RUNNING) run(k, c->attempt);
        gantry_container_status status = sim_status(k);
        m->api->op_done(m->host, c->op, &status);
    }
    sim_call_end(c);
}

void sim_start(void *self, gantry_op op, gantry_str pod, gantry_str container, uint64_t attempt)
{
    struct sim *m = self;
    const struct container *k = sim_find_container(m, pod, container);
    if (!k) {
        unknown(m, op, pod, container);
        return;
    }
    if (attempt > k->attempt && strikes(m, m->fail_start_percent)) {
        m->api->op_failf(m->host, op, m->fail_with, "a simulated failure (fail_start_percent)");
        return;
    }
    struct call *c = sim_call_begin(m, CALL_START, op, pod, container);
    c->attempt = attempt;
    delay(c, m->start_ms, on_start_time);
}

void sim_wait(void *self, gantry_op op, gantry_str pod, gantry_str container)
{
    struct sim *m = self;
    const struct container *k = sim_find_container(m, pod, container);
    if (!k) {
        unknown(m, op, pod, container);
        return;
    }
    if (k->state == GANTRY_CONTAINER_RUNNING) {
        (void)sim_call_begin(m, CALL_WAIT, op, pod, container);
        return;
    }
    gantry_container_status status = sim_status(k);
    m->api->op_done(m->host, op, &status);
}

static int32_t signal_number(gantry_str name)
{
    static const struct {
        const char *name;
        int32_t number;
    } known[] = {{"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT},
                 {"SIGKILL", SIGKILL}, {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_equal(name, (gantry_str){known[i].name, strlen(known[i].name)}))
            return known[i].number;
    return SIGTERM;
}

void sim_stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal,
              uint64_t grace_ms)
{
    struct sim *m = self;
    (void)grace_ms; /* a simulated container obeys at once */
    struct container *k = sim_find_container(m, pod, container);
    if (!k) {
        unknown(m, op, pod, container);
        return;
    }
    end_container(k, 0, signal_number(signal));
    m->api->op_done(m->host, op, NULL);
}

void sim_remove(void *self, gantry_op op, gantry_str pod)
{
    struct sim *m = self;
    struct pod *p = sim_find_pod(m, pod);
    for (uint32_t i = 0; p && i < p->count; i++)
        end_container(&p->containers[i], 0, SIGKILL);
    if (p) {
        gantry_str id = sim_copy(p->id);
        sim_pod_destroy(p);
        sim_logs_wake(m, id);
        free((void *)(uintptr_t)id.ptr);
    }
    m->api->op_done(m->host, op, NULL);
}
