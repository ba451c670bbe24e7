/* SPDX-License-Identifier: Apache-2.0 */
/* Open with retries, health, shutdown, destroy. */
#include "base/log.h"
#include "plugin/internal.h"

#include <inttypes.h>

#define OPEN_DEADLINE_MS 60000
#define SHUTDOWN_DEADLINE_MS 15000
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS (5 * 60 * 1000)

static void set_state(struct gy_instance *inst, enum gy_instance_state state, const char *text)
{
    char *copy = gy_strdup(text ? text : ""); /* text may be the old one */
    inst->state = state;
    free(inst->text);
    inst->text = copy;
}

static void try_open(void *arg);

static void call_on_open(void *arg)
{
    struct gy_instance *inst = arg;
    void (*fn)(void *arg, gantry_status status, const char *text) = inst->on_open;
    gy_autofree char *text = gy_strdup(inst->text ? inst->text : "");
    inst->on_open = NULL;
    if (fn) fn(inst->on_open_arg, inst->open_status, text);
}

/* On a later turn, from a timer of our own: the callback may destroy everything. */
static void tell_open(struct gy_instance *inst, gantry_status status)
{
    inst->open_status = status;
    if (inst->on_open) gy_watch_later(inst, 0, call_on_open);
}

static void on_health(void *arg, const void *item)
{
    struct gy_instance *inst = arg;
    const gantry_health *health = item;
    if (inst->state != GY_INSTANCE_OPEN && inst->state != GY_INSTANCE_DEGRADED) return;
    bool is_well = health->status == GANTRY_OK;
    gy_autofree char *text = gy_str_dup(health->text);
    if (is_well != (inst->state == GY_INSTANCE_OPEN))
        gy_instance_log(inst, is_well ? GY_LOG_INFO : GY_LOG_WARN, "%s plugin=%s: %s",
                        is_well ? "healthy again" : "degraded", inst->plugin->name, text);
    set_state(inst, is_well ? GY_INSTANCE_OPEN : GY_INSTANCE_DEGRADED, is_well ? "" : text);
}

static void has_opened(struct gy_instance *inst)
{
    inst->has_opened = true;
    set_state(inst, GY_INSTANCE_OPEN, "");
    gy_instance_log(inst, GY_LOG_DEBUG, "open plugin=%s version=%s", inst->plugin->name,
                    inst->plugin->version);
    tell_open(inst, GANTRY_OK);
    if (!inst->base->health) return;
    gantry_op op =
        gy_instance_begin(inst, "health", GY_ABI_HEALTH, GY_ABI_NONE, 0, on_health, NULL, inst);
    GY_CALL_FOR(inst, "health", op, NULL, inst->base->health(inst->self, op));
}

static void finish_shutdown(struct gy_instance *inst);
static void call_shutdown(struct gy_instance *inst);

static void on_open_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct gy_instance *inst = arg;
    (void)result;
    inst->open_op = 0;
    if (inst->wants_shutdown) {
        if (status == GANTRY_OK)
            call_shutdown(inst);
        else
            finish_shutdown(inst);
        return;
    }
    if (status == GANTRY_OK) {
        has_opened(inst);
        return;
    }
    bool may_retry =
        status == GANTRY_EUNAVAIL || status == GANTRY_EBUSY || status == GANTRY_ETIMEDOUT;
    set_state(inst, may_retry ? GY_INSTANCE_OPENING : GY_INSTANCE_FAILED, text);
    if (!may_retry) {
        gy_instance_log(inst, GY_LOG_ERROR, "cannot open plugin=%s: %s", inst->plugin->name, text);
        tell_open(inst, status);
        return;
    }
    gy_instance_log(inst, GY_LOG_WARN, "cannot open yet plugin=%s again_ms=%" PRIu64 ": %s",
                    inst->plugin->name, inst->retry_ms, text);
    inst->retry_id = gy_watch_later(inst, inst->retry_ms, try_open);
    inst->retry_ms = inst->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : inst->retry_ms * 2;
}

static void try_open(void *arg)
{
    struct gy_instance *inst = arg;
    inst->retry_id = 0;
    inst->open_attempts++;
    inst->open_op = gy_instance_begin(inst, "open", GY_ABI_NONE, GY_ABI_NONE, OPEN_DEADLINE_MS,
                                      NULL, on_open_done, inst);
    if (inst->base->open)
        GY_CALL_FOR(inst, "open", inst->open_op, NULL, inst->base->open(inst->self, inst->open_op));
    else
        gy_op_end(inst->ps->ops, &inst->owner, inst->open_op, GANTRY_OK, NULL, NULL);
}

void gy_instance_open(struct gy_instance *inst,
                      void (*done)(void *arg, gantry_status status, const char *text), void *arg)
{
    GY_ASSERT(inst->state == GY_INSTANCE_CREATED);
    inst->on_open = done;
    inst->on_open_arg = arg;
    inst->retry_ms = RETRY_FIRST_MS;
    set_state(inst, GY_INSTANCE_OPENING, "");
    try_open(inst);
}

static void call_on_shutdown(void *arg)
{
    struct gy_instance *inst = arg;
    void (*fn)(void *arg) = inst->on_shutdown;
    inst->on_shutdown = NULL;
    if (fn) fn(inst->on_shutdown_arg);
}

static void on_all_told(void *arg, gantry_status status, const char *text, const void *result)
{
    (void)status, (void)text, (void)result;
    gy_watch_later(arg, 0, call_on_shutdown);
}

static void finish_shutdown(struct gy_instance *inst)
{
    size_t left = gy_op_count(inst->ps->ops, &inst->owner);
    if (left > 0 && inst->base->shutdown)
        gy_instance_log(inst, GY_LOG_WARN, "left operations open at shutdown plugin=%s count=%zu",
                        inst->plugin->name, left);
    gy_op_retire_owner(inst->ps->ops, &inst->owner, GANTRY_ECANCELED, "the instance was shut down");
    gy_children_kill(inst);
    gy_watch_stop_all(inst);
    set_state(inst, GY_INSTANCE_STOPPED, "");
    /* One more operation, which is told after those just ended. */
    gantry_op last =
        gy_instance_begin(inst, "shutdown", GY_ABI_NONE, GY_ABI_NONE, 0, NULL, on_all_told, inst);
    gy_op_end(inst->ps->ops, &inst->owner, last, GANTRY_OK, NULL, NULL);
}

static void on_shutdown_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct gy_instance *inst = arg;
    (void)result;
    if (status != GANTRY_OK)
        gy_instance_log(inst, GY_LOG_WARN, "shutdown failed plugin=%s: %s", inst->plugin->name,
                        text);
    finish_shutdown(inst);
}

static void call_shutdown(struct gy_instance *inst)
{
    if (!inst->base->shutdown) {
        finish_shutdown(inst);
        return;
    }
    gantry_op op = gy_instance_begin(inst, "shutdown", GY_ABI_NONE, GY_ABI_NONE,
                                     SHUTDOWN_DEADLINE_MS, NULL, on_shutdown_done, inst);
    GY_CALL_FOR(inst, "shutdown", op, NULL, inst->base->shutdown(inst->self, op));
}

void gy_instance_shutdown(struct gy_instance *inst, void (*done)(void *arg), void *arg)
{
    GY_ASSERT(inst->state != GY_INSTANCE_STOPPING && inst->state != GY_INSTANCE_STOPPED);
    enum gy_instance_state before = inst->state;
    inst->wants_shutdown = true;
    inst->on_shutdown = done;
    inst->on_shutdown_arg = arg;
    set_state(inst, GY_INSTANCE_STOPPING, "");
    if (before == GY_INSTANCE_OPENING && inst->on_open) {
        void (*fn)(void *arg, gantry_status status, const char *text) = inst->on_open;
        inst->on_open = NULL;
        fn(inst->on_open_arg, GANTRY_ECANCELED, "it was shut down while it opened");
    }
    if (inst->open_op) {
        gy_op_cancel(inst->ps->ops, inst->open_op); /* goes on in on_open_done */
        return;
    }
    if (inst->retry_id) gy_watch_stop(inst, inst->retry_id);
    inst->retry_id = 0;
    if (inst->has_opened)
        call_shutdown(inst);
    else
        finish_shutdown(inst);
}

void gy_instance_destroy(struct gy_instance *inst)
{
    if (!inst || inst->is_destroyed) return;
    inst->on_open = NULL;
    inst->on_shutdown = NULL;
    gy_op_retire_owner(inst->ps->ops, &inst->owner, GANTRY_ECANCELED, "the instance was destroyed");
    gy_children_kill(inst);
    gy_work_client_drain(inst->work);
    GY_CALL(inst, "destroy", inst->provider->base->destroy(inst->plugin_self));
    gy_watch_stop_all(inst);
    inst->self = inst->plugin_self = NULL;
    inst->is_destroyed = true;
    set_state(inst, GY_INSTANCE_STOPPED, "");
}
