/* SPDX-License-Identifier: Apache-2.0 */
/* GANTRY_PLUGIN_BLOCKING: a plugin that cannot be made non-blocking.  Callers get stand-ins for its
 * tables; a stand-in queues the call for a worker, with deep copies of its arguments.  Calls for
 * one pod run in order, others side by side.  Calls that answer by their return value (score,
 * input, resize) cannot be queued: they run where they are made. */
#include "plugin/internal.h"

#include <gantry/driver.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#define TEXTS 3

struct job {
    struct gy_instance *instance;
    const char *function;
    gantry_op op;
    void (*call)(struct job *j);
    gantry_str text[TEXTS];
    uint64_t number;
    void *args; /* deep copy of the struct that was passed */
};

static void run(void *arg)
{
    struct job *j = arg;
    GY_CALL_FOR(j->instance, j->function, j->op, j->text[0].ptr, j->call(j));
}

static void finish(void *arg, gantry_status status)
{
    struct job *j = arg;
    (void)status; /* not run: the operation was ended by whoever drained the queue */
    for (int i = 0; i < TEXTS; i++)
        free((void *)j->text[i].ptr);
    free(j->args);
    free(j);
}

/* FNV-1a, by Fowler, Noll and Vo: calls for one pod share a lane. */
static uint64_t lane_of(gantry_str pod)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < pod.len; i++)
        hash = (hash ^ (unsigned char)pod.ptr[i]) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

static struct job *job_for(void *self, const char *function, gantry_op op,
                           void (*call)(struct job *j))
{
    struct job *j = gy_alloc(sizeof *j);
    *j = (struct job){.instance = self, .function = function, .op = op, .call = call};
    return j;
}

static void set_text(struct job *j, int i, gantry_str s)
{
    j->text[i] = (gantry_str){gy_str_dup(s), s.len};
}

static void submit(struct job *j, uint64_t lane)
{
    struct gy_instance *inst = j->instance;
    gantry_status status = gy_work_submit(inst->work, lane, run, finish, j);
    if (status == GANTRY_OK) return;
    if (j->op)
        gy_op_end(inst->ps->ops, &inst->owner, j->op, status,
                  status == GANTRY_EBUSY ? "its queue of blocking calls is full"
                                         : "the instance was shut down",
                  NULL);
    finish(j, status);
}

/* With the struct that it was passed; the operation fails when that cannot be copied. */
static void submit_with(struct job *j, enum gy_abi_type type, const void *args, uint64_t lane)
{
    struct gy_error err = GY_ERROR_INIT;
    size_t bytes;
    j->args = gy_copy(gy_abi_copy_type(type), args, &bytes, &err);
    if (j->args) {
        submit(j, lane);
        return;
    }
    gy_op_end(j->instance->ps->ops, &j->instance->owner, j->op, err.status, err.text, NULL);
    finish(j, err.status);
}

/* ---- base ---- */

#define BASE(j) ((j)->instance->provider->base)
#define SELF(j) ((j)->instance->plugin_self)

static void call_open(struct job *j)
{
    BASE(j)->open(SELF(j), j->op);
}
static void call_health(struct job *j)
{
    BASE(j)->health(SELF(j), j->op);
}
static void call_shutdown(struct job *j)
{
    BASE(j)->shutdown(SELF(j), j->op);
}
static void call_cancel(struct job *j)
{
    gantry_op op = j->number;
    BASE(j)->cancel(SELF(j), op);
}
static void queue_open(void *self, gantry_op op)
{
    submit(job_for(self, "open", op, call_open), 0);
}
static void queue_health(void *self, gantry_op op)
{
    submit(job_for(self, "health", op, call_health), 0);
}
static void queue_shutdown(void *self, gantry_op op)
{
    submit(job_for(self, "shutdown", op, call_shutdown), 0);
}
static void queue_cancel(void *self, gantry_op op)
{
    struct job *j =
        job_for(self, "cancel", 0, call_cancel); /* op stays open when it cannot be queued */
    j->number = op;
    submit(j, 0);
}

/* ---- driver ---- */

#define DRIVER(j) ((const gantry_driver_ops *)(j)->instance->provider->ops)

static void call_list(struct job *j)
{
    DRIVER(j)->list(SELF(j), j->op);
}
static void call_prepare(struct job *j)
{
    DRIVER(j)->prepare(SELF(j), j->op, j->args);
}
static void call_start(struct job *j)
{
    DRIVER(j)->start(SELF(j), j->op, j->text[0], j->text[1], j->number);
}
static void call_wait(struct job *j)
{
    DRIVER(j)->wait(SELF(j), j->op, j->text[0], j->text[1]);
}
static void call_stop(struct job *j)
{
    DRIVER(j)->stop(SELF(j), j->op, j->text[0], j->text[1], j->text[2], j->number);
}
static void call_remove(struct job *j)
{
    DRIVER(j)->remove(SELF(j), j->op, j->text[0]);
}
static void queue_list(void *self, gantry_op op)
{
    submit(job_for(self, "list", op, call_list), 0);
}
static void queue_prepare(void *self, gantry_op op, const gantry_pod *pod)
{
    submit_with(job_for(self, "prepare", op, call_prepare), GY_ABI_POD, pod, lane_of(pod->id));
}
static void queue_start(void *self, gantry_op op, gantry_str pod, gantry_str container,
                        uint64_t attempt)
{
    struct job *j = job_for(self, "start", op, call_start);
    set_text(j, 0, pod);
    set_text(j, 1, container);
    j->number = attempt;
    submit(j, lane_of(pod));
}
static void queue_wait(void *self, gantry_op op, gantry_str pod, gantry_str container)
{
    struct job *j = job_for(self, "wait", op, call_wait);
    set_text(j, 0, pod);
    set_text(j, 1, container);
    submit(j, 0); /* a wait that blocks must not hold back the stop */
}
static void queue_stop(void *self, gantry_op op, gantry_str pod, gantry_str container,
                       gantry_str signal_, uint64_t grace_ms)
{
    struct job *j = job_for(self, "stop", op, call_stop);
    set_text(j, 0, pod);
    set_text(j, 1, container);
    set_text(j, 2, signal_);
    j->number = grace_ms;
    submit(j, lane_of(pod));
}
static void queue_remove(void *self, gantry_op op, gantry_str pod)
{
    struct job *j = job_for(self, "remove", op, call_remove);
    set_text(j, 0, pod);
    submit(j, lane_of(pod));
}

/* ---- store: one lane, since the order of transactions is the order of revisions ---- */

#define STORE(j) ((const gantry_store_ops *)(j)->instance->provider->ops)
#define STORE_LANE 1

static void call_store_list(struct job *j)
{
    STORE(j)->list(SELF(j), j->op, j->text[0]);
}
static void call_txn(struct job *j)
{
    STORE(j)->txn(SELF(j), j->op, j->args);
}
static void call_watch(struct job *j)
{
    STORE(j)->watch(SELF(j), j->op, j->text[0], j->number);
}
static void call_compact(struct job *j)
{
    STORE(j)->compact(SELF(j), j->op, j->number);
}
static void call_backup(struct job *j)
{
    STORE(j)->backup(SELF(j), j->op, j->text[0]);
}
static void call_check(struct job *j)
{
    STORE(j)->check(SELF(j), j->op, (uint32_t)j->number);
}
static void queue_store_list(void *self, gantry_op op, gantry_str prefix)
{
    struct job *j = job_for(self, "list", op, call_store_list);
    set_text(j, 0, prefix);
    submit(j, STORE_LANE);
}
static void queue_txn(void *self, gantry_op op, const gantry_store_txn *txn)
{
    submit_with(job_for(self, "txn", op, call_txn), GY_ABI_STORE_TXN, txn, STORE_LANE);
}
static void queue_watch(void *self, gantry_op op, gantry_str prefix, uint64_t from_rev)
{
    struct job *j = job_for(self, "watch", op, call_watch);
    set_text(j, 0, prefix);
    j->number = from_rev;
    submit(j, STORE_LANE);
}
static void queue_compact(void *self, gantry_op op, uint64_t rev)
{
    struct job *j = job_for(self, "compact", op, call_compact);
    j->number = rev;
    submit(j, STORE_LANE);
}
static void queue_backup(void *self, gantry_op op, gantry_str path)
{
    struct job *j = job_for(self, "backup", op, call_backup);
    set_text(j, 0, path);
    submit(j, STORE_LANE);
}
static void queue_check(void *self, gantry_op op, uint32_t flags)
{
    struct job *j = job_for(self, "check", op, call_check);
    j->number = flags;
    submit(j, STORE_LANE);
}

/* ---- strategy ---- */

static gantry_status direct_score(void *self, const gantry_rows *rows, int64_t *out,
                                  gantry_error *err)
{
    struct gy_instance *inst = self;
    const gantry_strategy_ops *ops = inst->provider->ops;
    return ops->score(inst->plugin_self, rows, out, err);
}

/* ---- extensions of drivers ---- */

static const void *original(const struct gy_instance *inst, const char *id)
{
    for (size_t i = 0; i < inst->extension_count; i++)
        if (!strcmp(inst->extensions[i].id, id)) return inst->extensions[i].original;
    return NULL;
}

static void call_exec(struct job *j)
{
    const gantry_driver_exec *exec = original(j->instance, GANTRY_DRIVER_EXEC);
    exec->exec(SELF(j), j->op, j->args);
}
static void call_logs(struct job *j)
{
    const gantry_driver_logs *logs = original(j->instance, GANTRY_DRIVER_LOGS);
    logs->logs(SELF(j), j->op, j->args);
}
static void queue_exec(void *self, gantry_op op, const gantry_exec *exec)
{
    submit_with(job_for(self, "exec", op, call_exec), GY_ABI_EXEC, exec, 0);
}
static gantry_status direct_input(void *self, gantry_op op, gantry_bytes bytes)
{
    const struct gy_instance *inst = self;
    const gantry_driver_exec *exec = original(inst, GANTRY_DRIVER_EXEC);
    return exec->input(inst->plugin_self, op, bytes);
}
static gantry_status direct_resize(void *self, gantry_op op, uint32_t width, uint32_t height)
{
    const struct gy_instance *inst = self;
    const gantry_driver_exec *exec = original(inst, GANTRY_DRIVER_EXEC);
    return exec->resize(inst->plugin_self, op, width, height);
}
static void queue_logs(void *self, gantry_op op, const gantry_log_query *query)
{
    submit_with(job_for(self, "logs", op, call_logs), GY_ABI_LOG_QUERY, query, 0);
}

/* ---- tables ---- */

#define STAND_IN(table, member, function)                                                          \
    do {                                                                                           \
        if ((table)->member) (table)->member = (function);                                         \
    } while (0)

static gantry_base_ops *wrap_base(const gantry_base_ops *from)
{
    gantry_base_ops *base = gy_alloc(sizeof *base);
    *base = *from;
    STAND_IN(base, open, queue_open);
    STAND_IN(base, health, queue_health);
    STAND_IN(base, shutdown, queue_shutdown);
    STAND_IN(base, cancel, queue_cancel);
    return base;
}

static void *wrap_driver(const gantry_driver_ops *from)
{
    gantry_driver_ops *ops = gy_alloc(sizeof *ops);
    *ops = *from;
    STAND_IN(ops, list, queue_list);
    STAND_IN(ops, prepare, queue_prepare);
    STAND_IN(ops, start, queue_start);
    STAND_IN(ops, wait, queue_wait);
    STAND_IN(ops, stop, queue_stop);
    STAND_IN(ops, remove, queue_remove);
    return ops;
}

static void *wrap_store(const gantry_store_ops *from)
{
    gantry_store_ops *ops = gy_alloc(sizeof *ops);
    *ops = *from;
    STAND_IN(ops, list, queue_store_list);
    STAND_IN(ops, txn, queue_txn);
    STAND_IN(ops, watch, queue_watch);
    STAND_IN(ops, compact, queue_compact);
    STAND_IN(ops, backup, queue_backup);
    STAND_IN(ops, check, queue_check);
    return ops;
}

static void *wrap_strategy(const gantry_strategy_ops *from)
{
    gantry_strategy_ops *ops = gy_alloc(sizeof *ops);
    *ops = *from;
    STAND_IN(ops, score, direct_score);
    return ops;
}

void gy_blocking_wrap(struct gy_instance *inst)
{
    const struct gy_provider *p = inst->provider;
    inst->self = inst->plugin_self;
    inst->ops = p->ops;
    inst->base = p->base;
    if (!(inst->plugin->flags & GANTRY_PLUGIN_BLOCKING)) return;
    inst->self = inst;
    inst->base = inst->own_base = wrap_base(p->base);
    if (gy_streq(p->kind, GANTRY_DRIVER_KIND))
        inst->own_ops = wrap_driver(p->ops);
    else if (gy_streq(p->kind, GANTRY_STORE_KIND))
        inst->own_ops = wrap_store(p->ops);
    else
        inst->own_ops = wrap_strategy(p->ops);
    inst->ops = inst->own_ops;
}

void gy_blocking_wrap_extension(struct gy_extension *e)
{
    if (gy_streq(e->id, GANTRY_DRIVER_EXEC)) {
        gantry_driver_exec *exec = gy_alloc(sizeof *exec);
        *exec = *(const gantry_driver_exec *)e->copy;
        STAND_IN(exec, exec, queue_exec);
        STAND_IN(exec, input, direct_input);
        STAND_IN(exec, resize, direct_resize);
        e->original = e->copy;
        e->copy = exec;
    } else if (gy_streq(e->id, GANTRY_DRIVER_LOGS)) {
        gantry_driver_logs *logs = gy_alloc(sizeof *logs);
        *logs = *(const gantry_driver_logs *)e->copy;
        STAND_IN(logs, logs, queue_logs);
        e->original = e->copy;
        e->copy = logs;
    } else { /* of a third party: its functions are not known, and its self is not ours */
        free(e->copy);
        e->copy = NULL;
    }
}
