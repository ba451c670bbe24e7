/* SPDX-License-Identifier: Apache-2.0 */
#include "store_host.h"
#include "base/text.h"
#include "base/time.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* ---- folders ---- */

char *store_folder_make(void)
{
    char *folder = gy_strdup("/tmp/gantry-store-XXXXXX");
    GY_ASSERT(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void store_folder_remove(char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

/* ---- life ---- */

static void wake(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void store_host_turn(struct store_host *h, int ms)
{
    bool over = false;
    uv_timer_t timer;
    uv_timer_init(&h->loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, wake, (uint64_t)ms, 0);
    uv_run(&h->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT);
}

static void wait_until(struct store_host *h, const bool *flag)
{
    int64_t end = gy_time_mono_ms() + 60000;
    while (!*flag && gy_time_mono_ms() < end)
        store_host_turn(h, 50);
    GY_ASSERT(*flag);
}

struct opened {
    struct store_host *host;
    bool done;
};

static void on_open(void *arg, gantry_status status, const char *text)
{
    struct opened *o = arg;
    o->host->status = status;
    snprintf(o->host->text, sizeof o->host->text, "%s", text);
    o->done = true;
}

gantry_status store_host_start(struct store_host *h, const char *provider, const char *path)
{
    static const char *const dirs[] = {TEST_BUILD_DIR "/lib/gantry/plugins", NULL};
    *h = (struct store_host){0};
    uv_loop_init(&h->loop);
    const struct gy_plugins_options options = {.loop = &h->loop,
                                               .dirs = dirs,
                                               .libexec_dir = TEST_BUILD_DIR "/bin",
                                               .state_dir = "/tmp",
                                               .run_dir = "/tmp",
                                               .node = "n1",
                                               .cluster = "test",
                                               .boot_id = "boot",
                                               .trust_owner = true};
    struct gy_error err = GY_ERROR_INIT;
    h->plugins = gy_plugins_create(&options);
    const struct gy_plugin *plugin;
    struct gy_setting_value setting = {.path = "path", .text = path, .source = "test:1"};
    h->status = gy_plugins_load(h->plugins, provider, &plugin, &err);
    if (h->status == GANTRY_OK)
        h->status = gy_instance_create(h->plugins, GANTRY_STORE_KIND, provider, "store", &setting,
                                       path ? 1 : 0, &h->instance, &err);
    if (h->status != GANTRY_OK) {
        snprintf(h->text, sizeof h->text, "%s", err.text);
        return h->status;
    }
    struct opened opened = {h, false};
    gy_instance_open(h->instance, on_open, &opened);
    wait_until(h, &opened.done);
    h->ops = gy_instance_ops(h->instance);
    h->self = gy_instance_self(h->instance);
    return h->status;
}

static void on_shut(void *arg)
{
    *(bool *)arg = true;
}

void store_host_stop(struct store_host *h)
{
    if (h->instance) {
        bool done = false;
        gy_instance_shutdown(h->instance, on_shut, &done);
        wait_until(h, &done);
        gy_instance_destroy(h->instance);
    }
    gy_plugins_destroy(h->plugins);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    GY_ASSERT(uv_loop_close(&h->loop) == 0);
}

/* ---- calls ---- */

static void on_answer(void *arg, gantry_status status, const char *text, const void *result)
{
    struct store_answer *a = arg;
    const gantry_store_result *r = result;
    a->done = true;
    a->status = status;
    snprintf(a->text, sizeof a->text, "%s", r && r->text.len ? r->text.ptr : text);
    if (!r) return;
    a->rev = r->rev;
    a->compacted = r->compacted;
    a->failed = r->failed;
}

static gantry_op begin(struct store_host *h, const char *function, struct store_answer *a)
{
    gantry_op op = gy_instance_op(h->instance, function, GY_ABI_NONE, GY_ABI_STORE_RESULT, 30000,
                                  NULL, on_answer, a);
    GY_ASSERT(op);
    return op;
}

struct store_answer store_txn(struct store_host *h, struct build_txn *txn)
{
    struct store_answer a = {0};
    gantry_op op = begin(h, "txn", &a);
    GY_CALL(h->instance, "txn", h->ops->txn(h->self, op, build_done(txn)));
    wait_until(h, &a.done);
    return a;
}

struct store_answer store_put(struct store_host *h, const char *key, const char *value)
{
    struct build_txn b = {0};
    build_put(&b, key, value);
    return store_txn(h, &b);
}

struct store_answer store_compact(struct store_host *h, uint64_t rev)
{
    struct store_answer a = {0};
    gantry_op op = begin(h, "compact", &a);
    GY_CALL(h->instance, "compact", h->ops->compact(h->self, op, rev));
    wait_until(h, &a.done);
    return a;
}

struct store_answer store_check(struct store_host *h, bool full)
{
    struct store_answer a = {0};
    gantry_op op = begin(h, "check", &a);
    GY_CALL(h->instance, "check", h->ops->check(h->self, op, full ? GANTRY_STORE_CHECK_FULL : 0));
    wait_until(h, &a.done);
    return a;
}

struct store_answer store_backup(struct store_host *h, const char *path)
{
    struct store_answer a = {0};
    gantry_op op = begin(h, "backup", &a);
    GY_CALL(h->instance, "backup", h->ops->backup(h->self, op, gy_str(path)));
    wait_until(h, &a.done);
    return a;
}

struct store_answer store_restore(struct store_host *h, const char *path)
{
    struct store_answer a = {0};
    gantry_op op = begin(h, "restore", &a);
    GY_CALL(h->instance, "restore", h->ops->restore(h->self, op, gy_str(path)));
    wait_until(h, &a.done);
    return a;
}

/* ---- streams ---- */

static void on_item(void *arg, const void *item)
{
    struct store_items *items = arg;
    const gantry_store_item *from = item;
    GY_VEC_PUSH(items->list, items->n, items->cap);
    items->list[items->n++] = (struct store_item){
        .type = from->type,
        .flags = from->flags,
        .mod_rev = from->mod_rev,
        .create_rev = from->create_rev,
        .key_len = from->key.len,
        .value_len = from->value.len,
        .key = gy_strndup(from->key.ptr, from->key.len),
        .value = gy_alloc(from->value.len + 1),
    };
    if (from->value.len) memcpy(items->list[items->n - 1].value, from->value.ptr, from->value.len);
}

void store_items_clear(struct store_items *items)
{
    for (size_t i = 0; i < items->n; i++) {
        free(items->list[i].key);
        free(items->list[i].value);
    }
    free(items->list);
    items->list = NULL;
    items->n = items->cap = 0;
}

static void on_end(void *arg, gantry_status status, const char *text, const void *result)
{
    on_answer(&((struct store_items *)arg)->end, status, text, result);
}

void store_list(struct store_host *h, const char *prefix, struct store_items *out)
{
    *out = (struct store_items){.host = h};
    out->op = gy_instance_op(h->instance, "list", GY_ABI_STORE_ITEM, GY_ABI_STORE_RESULT, 30000,
                             on_item, on_end, out);
    GY_CALL(h->instance, "list", h->ops->list(h->self, out->op, gy_str(prefix)));
    store_wait_end(out);
}

void store_watch(struct store_host *h, const char *prefix, uint64_t from_rev,
                 struct store_items *out)
{
    *out = (struct store_items){.host = h};
    out->op = gy_instance_op(h->instance, "watch", GY_ABI_STORE_ITEM, GY_ABI_NONE, 0, on_item,
                             on_end, out);
    GY_CALL(h->instance, "watch", h->ops->watch(h->self, out->op, gy_str(prefix), from_rev));
}

void store_wait_items(struct store_items *items, size_t n)
{
    int64_t end = gy_time_mono_ms() + 5000;
    while (items->n < n && !items->end.done && gy_time_mono_ms() < end)
        store_host_turn(items->host, 20);
}

void store_wait_end(struct store_items *items)
{
    wait_until(items->host, &items->end.done);
}

void store_cancel(struct store_items *items)
{
    gy_instance_cancel(items->host->instance, items->op);
    store_wait_end(items);
}

/* ---- as a backend ---- */

struct call {
    gy_store_item_fn item;
    gy_store_done_fn done;
    void *arg;
};

static void call_item(void *arg, const void *item)
{
    struct call *c = arg;
    c->item(c->arg, item);
}

static void call_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct call *c = arg;
    c->done(c->arg, status, result, text);
    free(c);
}

static gantry_op call_begin(struct store_host *h, const char *function, uint64_t deadline_ms,
                            gy_store_item_fn item, gy_store_done_fn done, void *arg)
{
    struct call *c = gy_alloc(sizeof *c);
    *c = (struct call){item, done, arg};
    gantry_op op =
        gy_instance_op(h->instance, function, item ? GY_ABI_STORE_ITEM : GY_ABI_NONE,
                       GY_ABI_STORE_RESULT, deadline_ms, item ? call_item : NULL, call_done, c);
    GY_ASSERT(op);
    return op;
}

static void backend_list(void *ctx, const char *prefix, gy_store_item_fn item,
                         gy_store_done_fn done, void *arg)
{
    struct store_host *h = ctx;
    gantry_op op = call_begin(h, "list", 30000, item, done, arg);
    GY_CALL(h->instance, "list", h->ops->list(h->self, op, gy_str(prefix)));
}

static void backend_txn(void *ctx, const gantry_store_txn *txn, gy_store_done_fn done, void *arg)
{
    struct store_host *h = ctx;
    gantry_op op = call_begin(h, "txn", 30000, NULL, done, arg);
    GY_CALL(h->instance, "txn", h->ops->txn(h->self, op, txn));
}

static uint64_t backend_watch(void *ctx, const char *prefix, uint64_t from_rev,
                              gy_store_item_fn item, gy_store_done_fn done, void *arg)
{
    struct store_host *h = ctx;
    gantry_op op = call_begin(h, "watch", 0, item, done, arg);
    GY_CALL(h->instance, "watch", h->ops->watch(h->self, op, gy_str(prefix), from_rev));
    return op;
}

static void backend_cancel(void *ctx, uint64_t watch)
{
    gy_instance_cancel(((struct store_host *)ctx)->instance, watch);
}

static void backend_compact(void *ctx, uint64_t rev, gy_store_done_fn done, void *arg)
{
    struct store_host *h = ctx;
    gantry_op op = call_begin(h, "compact", 30000, NULL, done, arg);
    GY_CALL(h->instance, "compact", h->ops->compact(h->self, op, rev));
}

static void backend_restore(void *ctx, const char *path, gy_store_done_fn done, void *arg)
{
    struct store_host *h = ctx;
    gantry_op op = call_begin(h, "restore", 30000, NULL, done, arg);
    GY_CALL(h->instance, "restore", h->ops->restore(h->self, op, gy_str(path)));
}

struct gy_store_backend store_host_backend(struct store_host *h)
{
    return (struct gy_store_backend){.ctx = h,
                                     .max_txn_ops = h->ops->max_txn_ops,
                                     .max_value_bytes = h->ops->max_value_bytes,
                                     .list = backend_list,
                                     .txn = backend_txn,
                                     .watch = backend_watch,
                                     .cancel = backend_cancel,
                                     .compact = backend_compact,
                                     .restore = h->ops->restore ? backend_restore : NULL};
}
