/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store_wire.h"

#include "base/memory.h"
#include "base/text.h"

#define TXN_MS 60000
#define LONG_MS 3600000 /* backup, check and restore of a large store */
#define NOT_SENT (UINT64_C(1) << 63)

struct gy_store_wire {
    uv_loop_t *loop;
    struct gy_instance *instance;
    const gantry_store_ops *ops;
    void *self;
    uint64_t not_sent; /* numbers of watches that could not be begun */
};

/* One call; freed by its end. */
struct call {
    gy_store_item_fn item;
    gy_store_done_fn done;
    void *arg;
    uv_timer_t timer; /* of one that could not be begun */
};

static void on_item(void *arg, const void *item)
{
    struct call *call = arg;
    if (call->item) call->item(call->arg, item);
}

static void on_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct call *call = arg;
    if (status == GANTRY_OK && !result) {
        static const gantry_store_result none = {.size = sizeof none};
        result = &none;
    }
    call->done(call->arg, status, status == GANTRY_OK ? result : NULL, text);
    free(call);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_refused(uv_timer_t *timer)
{
    struct call *call = timer->data;
    call->done(call->arg, GANTRY_EUNAVAIL, NULL, "the store's plugin is not open");
    uv_close((uv_handle_t *)timer, timer_closed);
}

/* 0: not begun, and its end comes on a later turn. */
static gantry_op begin(struct gy_store_wire *w, const char *function, bool items,
                       uint64_t deadline_ms, gy_store_item_fn item, gy_store_done_fn done,
                       void *arg)
{
    struct call *call = gy_alloc(sizeof *call);
    call->item = item;
    call->done = done;
    call->arg = arg;
    gantry_op op =
        gy_instance_op(w->instance, function, items ? GY_ABI_STORE_ITEM : GY_ABI_NONE,
                       GY_ABI_STORE_RESULT, deadline_ms, items ? on_item : NULL, on_done, call);
    if (op) return op;
    uv_timer_init(w->loop, &call->timer);
    call->timer.data = call;
    uv_timer_start(&call->timer, on_refused, 0, 0);
    return 0;
}

static void wire_list(void *ctx, const char *prefix, gy_store_item_fn item, gy_store_done_fn done,
                      void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "list", true, 0, item, done, arg);
    if (op) GY_CALL_FOR(w->instance, "list", op, NULL, w->ops->list(w->self, op, gy_str(prefix)));
}

static void wire_txn(void *ctx, const gantry_store_txn *txn, gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "txn", false, TXN_MS, NULL, done, arg);
    if (op) GY_CALL_FOR(w->instance, "txn", op, NULL, w->ops->txn(w->self, op, txn));
}

static uint64_t wire_watch(void *ctx, const char *prefix, uint64_t from_rev, gy_store_item_fn item,
                           gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "watch", true, 0, item, done, arg);
    if (!op) return NOT_SENT | ++w->not_sent;
    GY_CALL_FOR(w->instance, "watch", op, NULL,
                w->ops->watch(w->self, op, gy_str(prefix), from_rev));
    return op;
}

static void wire_cancel(void *ctx, uint64_t watch)
{
    struct gy_store_wire *w = ctx;
    if (!(watch & NOT_SENT)) gy_instance_cancel(w->instance, watch);
}

static void wire_compact(void *ctx, uint64_t rev, gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "compact", false, TXN_MS, NULL, done, arg);
    if (op) GY_CALL_FOR(w->instance, "compact", op, NULL, w->ops->compact(w->self, op, rev));
}

static void wire_backup(void *ctx, const char *path, gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "backup", false, LONG_MS, NULL, done, arg);
    if (op) GY_CALL_FOR(w->instance, "backup", op, NULL, w->ops->backup(w->self, op, gy_str(path)));
}

static void wire_check(void *ctx, uint32_t flags, gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "check", false, LONG_MS, NULL, done, arg);
    if (op) GY_CALL_FOR(w->instance, "check", op, NULL, w->ops->check(w->self, op, flags));
}

static void wire_restore(void *ctx, const char *path, gy_store_done_fn done, void *arg)
{
    struct gy_store_wire *w = ctx;
    gantry_op op = begin(w, "restore", false, LONG_MS, NULL, done, arg);
    if (op)
        GY_CALL_FOR(w->instance, "restore", op, NULL, w->ops->restore(w->self, op, gy_str(path)));
}

struct gy_store_wire *gy_store_wire_create(uv_loop_t *loop, struct gy_instance *instance,
                                           struct gy_store_backend *out)
{
    struct gy_store_wire *w = gy_alloc(sizeof *w);
    w->loop = loop;
    w->instance = instance;
    w->ops = gy_instance_ops(instance);
    w->self = gy_instance_self(instance);
    *out = (struct gy_store_backend){.ctx = w,
                                     .max_txn_ops = w->ops->max_txn_ops,
                                     .max_value_bytes = w->ops->max_value_bytes,
                                     .list = wire_list,
                                     .txn = wire_txn,
                                     .watch = wire_watch,
                                     .cancel = wire_cancel,
                                     .compact = wire_compact,
                                     .backup = w->ops->backup ? wire_backup : NULL,
                                     .check = w->ops->check ? wire_check : NULL,
                                     .restore = w->ops->restore ? wire_restore : NULL};
    return w;
}

void gy_store_wire_destroy(struct gy_store_wire *wire)
{
    free(wire);
}
