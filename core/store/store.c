/* SPDX-License-Identifier: Apache-2.0 */
/* Life, reading and housekeeping of a store. */
#include "base/log.h"
#include "base/text.h"
#include "store/internal.h"

struct gy_store *gy_store_open(const struct gy_store_backend *backend, gy_store_ready_fn ready,
                               void *arg)
{
    GY_ASSERT(backend->list && backend->txn && backend->watch && backend->cancel &&
              backend->compact);
    struct gy_store *store = gy_alloc(sizeof *store);
    store->backend = *backend;
    store->ready = ready;
    store->ready_arg = arg;
    gy_store_mirror_init(&store->mirror);
    gy_store_mirror_init(&store->fresh);
    TAILQ_INIT(&store->sent);
    TAILQ_INIT(&store->waiting);
    TAILQ_INIT(&store->subscriptions);
    gy_store_sync_list(store);
    return store;
}

static void destroy(struct gy_store *store)
{
    gy_store_incoming_clear(store);
    free(store->incoming.objects);
    free(store->incoming.deleted);
    gy_store_mirror_fini(&store->mirror);
    gy_store_mirror_fini(&store->fresh);
    gy_store_history_clear(&store->history, 0);
    void (*closed)(void *) = store->closed;
    void *arg = store->closed_arg;
    free(store);
    if (closed) closed(arg);
}

void gy_store_call_ended(struct gy_store *store)
{
    GY_ASSERT(store->calls > 0);
    if (--store->calls == 0 && store->state == SYNC_CLOSED) destroy(store);
}

void gy_store_close(struct gy_store *store, void (*closed)(void *arg), void *arg)
{
    GY_ASSERT(!store->in_fan && store->state != SYNC_CLOSED);
    store->state = SYNC_CLOSED;
    store->closed = closed;
    store->closed_arg = arg;
    store->calls++; /* ours: the callbacks below may not free the store under us */
    gy_store_ready_fn ready = GY_GIVE(store->ready);
    if (ready) ready(store->ready_arg, GANTRY_ECANCELED, "the store was closed");
    gy_store_end_txns(store);
    struct gy_store_subscription *s;
    while ((s = TAILQ_FIRST(&store->subscriptions)))
        gy_store_unsubscribe(s);
    if (store->watch) store->backend.cancel(store->backend.ctx, store->watch);
    gy_store_call_ended(store);
}

void gy_store_tick(struct gy_store *store, int64_t mono_ms)
{
    if (mono_ms > store->now_ms) store->now_ms = mono_ms;
    gy_store_sync_tick(store);
    gy_store_history_trim(&store->history, store->now_ms);
    gy_store_compact_when_due(store);
}

bool gy_store_is_ready(const struct gy_store *store)
{
    return store->state == SYNC_WATCHING;
}

const char *gy_store_trouble(const struct gy_store *store)
{
    return store->trouble;
}

uint64_t gy_store_rev(const struct gy_store *store)
{
    return store->rev;
}

struct gy_store_object *gy_store_get(const struct gy_store *store, const char *key)
{
    struct object *o = gy_store_mirror_find(&store->mirror, key);
    return o ? &o->shown : NULL;
}

struct gy_store_object *gy_store_next(const struct gy_store *store, const char *prefix,
                                      const char *after_key)
{
    if (!prefix) prefix = "";
    bool from_start = !after_key || strcmp(after_key, prefix) < 0;
    struct object *o =
        gy_store_mirror_first_from(&store->mirror, from_start ? prefix : after_key, from_start);
    return o && gy_starts_with(o->shown.key, prefix) ? &o->shown : NULL;
}

void gy_store_counts(const struct gy_store *store, struct gy_store_counts *out)
{
    *out = (struct gy_store_counts){
        .objects = store->mirror.count,
        .object_bytes = store->mirror.bytes,
        .history_revs = store->history.count,
        .history_bytes = store->history.bytes,
        .txns_in_flight = store->in_flight,
        .subscriptions = store->subscribed,
        .resyncs = store->resyncs,
        .compactions = store->compactions,
        .compacted = store->compacted,
    };
}

/* ---- housekeeping ---- */

static void compact_done(void *arg, gantry_status status, const gantry_store_result *result,
                         const char *text)
{
    (void)result;
    struct gy_store *store = arg;
    store->compacting = false;
    if (status == GANTRY_OK) {
        store->compacted = store->compact_to;
        store->compactions++;
    } else if (store->state != SYNC_CLOSED) {
        gy_log(GY_LOG_WARN, "store", "the backend could not forget history status=%s why=\"%s\"",
               gy_status_name(status), text);
    }
    gy_store_call_ended(store);
}

void gy_store_compact_when_due(struct gy_store *store)
{
    if (store->state != SYNC_WATCHING || store->compacting) return;
    int64_t since_ms = store->now_ms - store->compacted_at;
    uint64_t rev = gy_store_compaction_due(store->history.floor, store->compacted, since_ms);
    if (!rev) return;
    store->compacting = true;
    store->compacted_at = store->now_ms;
    store->compact_to = rev;
    store->calls++;
    store->backend.compact(store->backend.ctx, rev, compact_done, store);
}

struct passed { /* a call that goes to the backend as it is */
    struct gy_store *store;
    gy_store_done_fn done;
    void *arg;
};

static void passed_done(void *arg, gantry_status status, const gantry_store_result *result,
                        const char *text)
{
    struct passed *p = arg;
    struct gy_store *store = p->store;
    gy_store_enter(store);
    p->done(p->arg, status, result, text);
    gy_store_leave(store);
    free(p);
    gy_store_call_ended(store);
}

static struct passed *pass(struct gy_store *store, gy_store_done_fn done, void *arg)
{
    struct passed *p = gy_alloc(sizeof *p);
    *p = (struct passed){store, done, arg};
    store->calls++;
    return p;
}

gantry_status gy_store_backup(struct gy_store *store, const char *path, gy_store_done_fn done,
                              void *arg, struct gy_error *err)
{
    if (!store->backend.backup)
        return gy_error_set(err, GANTRY_ENOTSUP, "this store cannot write backups");
    store->backend.backup(store->backend.ctx, path, passed_done, pass(store, done, arg));
    return GANTRY_OK;
}

gantry_status gy_store_check(struct gy_store *store, uint32_t flags, gy_store_done_fn done,
                             void *arg, struct gy_error *err)
{
    if (!store->backend.check)
        return gy_error_set(err, GANTRY_ENOTSUP, "this store has nothing to check");
    store->backend.check(store->backend.ctx, flags, passed_done, pass(store, done, arg));
    return GANTRY_OK;
}

gantry_status gy_store_restore(struct gy_store *store, const char *path, gy_store_done_fn done,
                               void *arg, struct gy_error *err)
{
    if (!store->backend.restore)
        return gy_error_set(err, GANTRY_ENOTSUP, "this store cannot take backups back");
    store->backend.restore(store->backend.ctx, path, passed_done, pass(store, done, arg));
    return GANTRY_OK;
}
