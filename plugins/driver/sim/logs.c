/* SPDX-License-Identifier: Apache-2.0 */
/* Logs that nobody wrote: one line when an attempt starts, then one a second as long as it runs. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MS 1000
#define RETRY_MS 10
#define LINES_MOST 1000 /* of one attempt that are still "kept" */

/* How many lines the attempt has written by now. */
static uint64_t written(const struct container *k)
{
    if (k->attempt == 0) return 0;
    uint64_t until = k->ended_ms ? k->ended_ms : sim_wall_ms();
    return 1 + (until > k->started_ms ? (until - k->started_ms) / LINE_MS : 0);
}

static gantry_status emit_line(struct call *c, const struct container *k)
{
    char text[160];
    int n = c->line == 0 ? snprintf(text, sizeof text, "attempt %" PRIu64 " of %.*s has started\n",
                                    k->attempt, (int)k->name.len, k->name.ptr)
                         : snprintf(text, sizeof text, "%.*s has run for %" PRIu64 " s\n",
                                    (int)k->name.len, k->name.ptr, c->line * LINE_MS / 1000);
    gantry_chunk chunk = {.size = (uint32_t)sizeof chunk,
                          .channel = GANTRY_CHANNEL_STDOUT,
                          .wall_ms = k->started_ms + c->line * LINE_MS,
                          .bytes = {text, (size_t)n}};
    return c->sim->api->op_emit(c->sim->host, c->op, &chunk);
}

static void go_on(void *arg)
{
    struct call *c = arg;
    struct sim *m = c->sim;
    if (c->timer) m->api->watch_stop(m->host, c->timer);
    c->timer = 0;
    const struct container *k = sim_find_container(m, c->pod, c->container);
    if (k && k->attempt != c->attempt) { /* started again: its lines begin anew */
        c->attempt = k->attempt;
        c->line = 0;
    }
    uint64_t end = k ? (c->follow ? written(k) : c->last) : c->line;
    gantry_status status = GANTRY_OK;
    while (k && c->line < end && status == GANTRY_OK) {
        status = emit_line(c, k);
        if (status == GANTRY_OK) c->line++;
    }
    if (status == GANTRY_ECANCELED || (status == GANTRY_OK && !(c->follow && k))) {
        if (status == GANTRY_OK)
            m->api->op_done(m->host, c->op, NULL);
        else
            m->api->op_failf(m->host, c->op, GANTRY_ECANCELED, "canceled");
        sim_call_end(c);
        return;
    }
    c->timer = m->api->timer_start(m->host, status == GANTRY_OK ? LINE_MS : RETRY_MS, 0, go_on, c);
}

static void logs(void *self, gantry_op op, const gantry_log_query *q)
{
    struct sim *m = self;
    const struct container *k = sim_find_container(m, q->pod, q->container);
    if (!k || q->flags & GANTRY_LOGS_PREVIOUS) {
        m->api->op_failf(m->host, op, GANTRY_ENOTFOUND,
                         k ? "a simulated container keeps no lines of the attempt before"
                           : "there is no such container");
        return;
    }
    struct call *c = sim_call_begin(m, CALL_LOGS, op, q->pod, q->container);
    c->follow = q->flags & GANTRY_LOGS_FOLLOW;
    c->attempt = k->attempt;
    c->last = written(k);
    uint64_t most = q->tail >= 0 && q->tail < LINES_MOST ? (uint64_t)q->tail : LINES_MOST;
    c->line = c->last > most ? c->last - most : 0;
    while (c->line < c->last && k->started_ms + c->line * LINE_MS < q->since_ms)
        c->line++;
    go_on(c);
}

void sim_logs_wake(struct sim *m, gantry_str pod)
{
    struct call *c, *next;
    for (c = LIST_FIRST(&m->calls); c; c = next) {
        next = LIST_NEXT(c, entry);
        if (c->kind == CALL_LOGS && c->pod.len == pod.len && !memcmp(c->pod.ptr, pod.ptr, pod.len))
            go_on(c);
    }
}

const gantry_driver_logs sim_logs = {.size = (uint32_t)sizeof sim_logs, .logs = logs};
