/* SPDX-License-Identifier: Apache-2.0 */
/* Measured calls: how often, how long, and who blocks the loop. */
#include "base/log.h"
#include "base/time.h"
#include "plugin/crash.h"
#include "plugin/internal.h"

#include <inttypes.h>

#define BUDGET_NS (GY_CALL_BUDGET_MS * INT64_C(1000000))
#define WARN_EVERY_MS 10000
#define OVERRUN_WINDOW_MS 60000
#define OVERRUNS_DEGRADED 10 /* in one window */

struct gy_call gy_call_enter(struct gy_instance *inst, const char *function, gantry_op op,
                             const char *pod)
{
    struct gy_call call = {inst, function, gy_time_mono_ns(), NULL};
    call.outer = gy_crumb_push(inst->owner.name, function, op, pod);
    return call;
}

/* Locked.  NULL when there are more functions than we keep. */
static struct gy_call_stats *find_stats(struct gy_instance *inst, const char *function)
{
    for (size_t i = 0; i < inst->call_count; i++)
        if (inst->calls[i].function == function || !strcmp(inst->calls[i].function, function))
            return &inst->calls[i];
    if (inst->call_count == GY_CALL_FUNCTIONS_MAX) return NULL;
    struct gy_call_stats *s = &inst->calls[inst->call_count++];
    *s = (struct gy_call_stats){.function = function};
    return s;
}

/* Loop thread. */
static void note_overrun(struct gy_instance *inst, const char *function, int64_t took_ns)
{
    int64_t now = gy_time_mono_ms();
    if (now - inst->overruns_since_ms > OVERRUN_WINDOW_MS) {
        inst->overruns_since_ms = now;
        inst->overruns = 0;
    }
    inst->overruns++;
    if (inst->warned_ms == 0 || now - inst->warned_ms >= WARN_EVERY_MS) {
        inst->warned_ms = now;
        gy_instance_log(inst, GY_LOG_WARN,
                        "a call blocked the loop plugin=%s function=%s took_ms=%" PRId64
                        " budget_ms=%d",
                        inst->plugin->name, function, took_ns / 1000000, GY_CALL_BUDGET_MS);
    }
    if (inst->overruns >= OVERRUNS_DEGRADED && inst->state == GY_INSTANCE_OPEN) {
        inst->state = GY_INSTANCE_DEGRADED;
        free(inst->text);
        inst->text = gy_printf("%u calls over %d ms within a minute, the last one %s",
                               inst->overruns, GY_CALL_BUDGET_MS, function);
        gy_instance_log(inst, GY_LOG_WARN, "degraded plugin=%s: %s", inst->plugin->name,
                        inst->text);
    }
}

void gy_call_leave(struct gy_call *call)
{
    struct gy_instance *inst = call->instance;
    int64_t took = gy_time_mono_ns() - call->begin_ns;
    bool on_loop = gy_plugins_on_loop(inst->ps);
    bool is_over = on_loop && took > BUDGET_NS;
    gy_crumb_pop(call->outer);
    pthread_mutex_lock(&inst->call_lock);
    struct gy_call_stats *s = find_stats(inst, call->function);
    if (s) {
        s->count++;
        s->total_ns += (uint64_t)took;
        if ((uint64_t)took > s->max_ns) s->max_ns = (uint64_t)took;
        s->over_budget += is_over;
    }
    pthread_mutex_unlock(&inst->call_lock);
    if (is_over && !inst->is_destroyed) note_overrun(inst, call->function, took);
}
