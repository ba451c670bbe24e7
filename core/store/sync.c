/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the mirror true: list everything at a revision, then follow the watch; list again and
 * take the difference when the backend has forgotten what we missed. */
#include "base/log.h"
#include "store/internal.h"

#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_MS 10000 /* a watch that stood so long was a good one */

static void start_watch(struct gy_store *store);

static bool is_final(gantry_status status)
{
    return status == GANTRY_EINVAL || status == GANTRY_ENOTSUP || status == GANTRY_ENOTFOUND;
}

static void retry(struct gy_store *store, enum sync_state next, gantry_status why, const char *text)
{
    snprintf(store->trouble, sizeof store->trouble, "%s", text);
    store->state = next;
    store->backoff_ms = store->backoff_ms ? store->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (store->backoff_ms > BACKOFF_MAX_MS) store->backoff_ms = BACKOFF_MAX_MS;
    store->retry_at = store->now_ms + store->backoff_ms;
    gy_log(GY_LOG_WARN, "store", "lost the backend, trying again status=%s in_ms=%lld why=\"%s\"",
           gy_status_name(why), (long long)store->backoff_ms, text);
}

static void tell_ready(struct gy_store *store, gantry_status status, const char *text)
{
    gy_store_ready_fn ready = GY_GIVE(store->ready);
    if (!ready) return;
    gy_store_enter(store);
    ready(store->ready_arg, status, text);
    gy_store_leave(store);
}

/* An item that no gantry can have written: said and left out, never trusted. */
static bool is_sane(const gantry_store_item *item)
{
    if (item->key.len > 0 && item->key.len <= GY_STORE_KEY_MAX &&
        !memchr(item->key.ptr, '\0', item->key.len))
        return true;
    gy_log(GY_LOG_ERROR, "store", "ignored an object with an impossible key bytes=%zu",
           item->key.len);
    return false;
}

/* ---- list ---- */

static void list_item(void *arg, const gantry_store_item *item)
{
    struct gy_store *store = arg;
    if (store->state == SYNC_CLOSED || !is_sane(item)) return;
    struct object *old = gy_store_mirror_put(&store->fresh, gy_store_object_create(item));
    if (old) gy_store_object_put(&old->shown);
}

/* What turns the mirror into `fresh`, as one batch at revision rev; the mirror is `fresh`
 * afterwards. */
static struct batch *difference(struct gy_store *store, uint64_t rev)
{
    struct batch *batch = gy_store_batch_create(rev, store->mirror.count + store->fresh.count);
    struct object *old = gy_store_mirror_first_from(&store->mirror, "", true), *next;
    struct object *new = gy_store_mirror_first_from(&store->fresh, "", true);
    while (old || new) {
        int order = !old ? 1 : !new ? -1 : strcmp(old->shown.key, new->shown.key);
        next = old && order <= 0 ? gy_store_mirror_after(old) : old;
        if (order < 0) {
            gy_store_mirror_remove(&store->mirror, old);
            gy_store_object_get(&old->shown);
            gy_store_batch_add(batch, true, old, old);
        } else if (order > 0) {
            gy_store_object_get(&new->shown);
            gy_store_batch_add(batch, false, new, NULL);
        } else if (old->shown.mod_rev != new->shown.mod_rev) {
            gy_store_mirror_remove(&store->mirror, old);
            gy_store_object_get(&new->shown);
            gy_store_batch_add(batch, false, new, old);
        }
        if (order >= 0) new = gy_store_mirror_after(new);
        old = next;
    }
    gy_store_mirror_fini(&store->mirror);
    store->mirror = store->fresh; /* no node points at the head */
    gy_store_mirror_init(&store->fresh);
    return batch;
}

static void first_fill(struct gy_store *store, const gantry_store_result *result)
{
    store->mirror = store->fresh;
    gy_store_mirror_init(&store->fresh);
    store->rev = result->rev;
    store->compacted = result->compacted;
    store->compacted_at = store->now_ms;
    gy_store_history_clear(&store->history, result->rev);
    store->complete = true;
}

static void resync(struct gy_store *store, const gantry_store_result *result)
{
    struct batch *batch = difference(store, result->rev);
    store->resyncs++;
    gy_log(GY_LOG_INFO, "store", "read everything again rev=%llu was=%llu changes=%zu",
           (unsigned long long)result->rev, (unsigned long long)store->rev, batch->n);
    if (result->rev <= store->rev && batch->n) { /* the backend went back in time */
        gy_log(GY_LOG_ERROR, "store", "the backend's revision went back from=%llu to=%llu",
               (unsigned long long)store->rev, (unsigned long long)result->rev);
        gy_store_history_clear(&store->history, result->rev - 1);
        struct gy_store_subscription *s;
        TAILQ_FOREACH (s, &store->subscriptions, entry)
            s->seen = result->rev - 1;
    }
    store->rev = result->rev;
    if (batch->n == 0) {
        gy_store_batch_destroy(batch);
    } else {
        gy_store_history_push(&store->history, batch, store->now_ms);
        gy_store_fan_out(store, batch);
    }
    gy_store_wake_txns(store);
}

static void list_done(void *arg, gantry_status status, const gantry_store_result *result,
                      const char *text)
{
    struct gy_store *store = arg;
    if (store->state == SYNC_CLOSED) {
        gy_store_call_ended(store);
        return;
    }
    if (status == GANTRY_OK && result) {
        if (store->complete)
            resync(store, result);
        else
            first_fill(store, result);
        start_watch(store);
        tell_ready(store, GANTRY_OK, "");
    } else {
        gy_store_mirror_fini(&store->fresh);
        if (!store->complete && is_final(status)) {
            store->state = SYNC_FAILED;
            snprintf(store->trouble, sizeof store->trouble, "%s", text);
            tell_ready(store, status, text);
        } else {
            retry(store, SYNC_RELIST, status, text);
        }
    }
    gy_store_call_ended(store);
}

void gy_store_sync_list(struct gy_store *store)
{
    store->state = SYNC_LISTING;
    store->calls++;
    gy_store_mirror_fini(&store->fresh);
    store->backend.list(store->backend.ctx, "", list_item, list_done, store);
}

/* ---- watch ---- */

void gy_store_incoming_clear(struct gy_store *store)
{
    struct incoming *in = &store->incoming;
    for (size_t i = 0; i < in->n; i++)
        gy_store_object_put(&in->objects[i]->shown);
    in->n = 0;
}

static void apply_incoming(struct gy_store *store)
{
    struct incoming *in = &store->incoming;
    if (!in->n) return;
    struct batch *batch = gy_store_batch_create(in->rev, in->n);
    for (size_t i = 0; i < in->n; i++) {
        struct object *o = in->objects[i], *old;
        if (in->deleted[i]) {
            old = gy_store_mirror_find(&store->mirror, o->shown.key);
            gy_store_object_put(&o->shown);
            if (!old) continue;
            gy_store_mirror_remove(&store->mirror, old);
            gy_store_object_get(&old->shown);
            gy_store_batch_add(batch, true, old, old);
        } else {
            gy_store_object_get(&o->shown); /* the mirror's, and the history's */
            old = gy_store_mirror_put(&store->mirror, o);
            gy_store_batch_add(batch, false, o, old);
        }
    }
    in->n = 0;
    store->rev = in->rev;
    if (batch->n) {
        gy_store_history_push(&store->history, batch, store->now_ms);
        gy_store_fan_out(store, batch);
    } else {
        gy_store_batch_destroy(batch);
    }
    gy_store_wake_txns(store);
}

static void watch_item(void *arg, const gantry_store_item *item)
{
    struct gy_store *store = arg;
    struct incoming *in = &store->incoming;
    if (store->state != SYNC_WATCHING) return;
    if (in->n && in->rev != item->mod_rev) apply_incoming(store); /* a backend that knows no MORE */
    if (item->mod_rev <= store->rev || !is_sane(item)) return;
    if (in->n == in->cap) {
        in->cap = in->cap ? in->cap * 2 : 16;
        in->objects = gy_grow(in->objects, in->cap, sizeof *in->objects);
        in->deleted = gy_grow(in->deleted, in->cap, sizeof *in->deleted);
    }
    in->rev = item->mod_rev;
    in->deleted[in->n] = item->type == GANTRY_STORE_DELETE;
    in->objects[in->n++] = gy_store_object_create(item);
    if (!(item->flags & GANTRY_STORE_MORE)) apply_incoming(store);
}

static void watch_done(void *arg, gantry_status status, const gantry_store_result *result,
                       const char *text)
{
    (void)result;
    struct gy_store *store = arg;
    store->watch = 0;
    gy_store_incoming_clear(store); /* half a transaction comes again, whole */
    if (store->state == SYNC_WATCHING) {
        bool steady = store->now_ms - store->watching_since >= STEADY_MS;
        if (steady) store->backoff_ms = 0;
        if (status == GANTRY_OK) text = "the watch ended";
        if (status == GANTRY_ENOTFOUND && !store->backoff_ms)
            store->backoff_ms = BACKOFF_FIRST_MS, gy_store_sync_list(store);
        else
            retry(store, status == GANTRY_ENOTFOUND ? SYNC_RELIST : SYNC_REWATCH, status, text);
    }
    gy_store_call_ended(store);
}

static void start_watch(struct gy_store *store)
{
    store->state = SYNC_WATCHING;
    store->trouble[0] = '\0';
    store->watching_since = store->now_ms;
    store->calls++;
    store->watch =
        store->backend.watch(store->backend.ctx, "", store->rev + 1, watch_item, watch_done, store);
}

void gy_store_sync_tick(struct gy_store *store)
{
    if (store->state == SYNC_WATCHING && store->now_ms - store->watching_since >= STEADY_MS)
        store->backoff_ms = 0;
    if (store->now_ms < store->retry_at) return;
    if (store->state == SYNC_RELIST)
        gy_store_sync_list(store);
    else if (store->state == SYNC_REWATCH)
        start_watch(store);
}
