/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: replay from the history, then live. */
#include "base/text.h"
#include "store/internal.h"

static void destroy(struct gy_store_subscription *s)
{
    TAILQ_REMOVE(&s->store->subscriptions, s, entry);
    free(s->prefix);
    free(s);
}

void gy_store_enter(struct gy_store *store)
{
    store->in_fan++;
}

void gy_store_leave(struct gy_store *store)
{
    if (--store->in_fan) return;
    struct gy_store_subscription *s, *next;
    for (s = TAILQ_FIRST(&store->subscriptions); s; s = next) {
        next = TAILQ_NEXT(s, entry);
        if (s->dead) destroy(s);
    }
}

static void deliver(struct gy_store_subscription *s, const struct batch *batch)
{
    size_t match = 0;
    for (size_t i = 0; i < batch->n; i++)
        match += gy_starts_with(batch->events[i].object->key, s->prefix);
    s->seen = batch->rev;
    if (!match) return;
    if (match == batch->n) {
        s->fn(s->arg, batch->events, batch->n);
        return;
    }
    struct gy_store_event *part = gy_alloc_array(match, sizeof *part);
    for (size_t i = 0, n = 0; i < batch->n; i++)
        if (gy_starts_with(batch->events[i].object->key, s->prefix)) part[n++] = batch->events[i];
    s->fn(s->arg, part, match);
    free(part);
}

void gy_store_fan_out(struct gy_store *store, const struct batch *batch)
{
    gy_store_enter(store);
    struct gy_store_subscription *s;
    /* One that a callback adds is at the tail and has seen this batch in its replay. */
    TAILQ_FOREACH (s, &store->subscriptions, entry) {
        if (!s->dead && s->seen < batch->rev) deliver(s, batch);
    }
    gy_store_leave(store);
}

gantry_status gy_store_subscribe(struct gy_store *store, const char *prefix, uint64_t from_rev,
                                 gy_store_event_fn fn, void *arg,
                                 struct gy_store_subscription **out, struct gy_error *err)
{
    if (!store->complete) return gy_error_set(err, GANTRY_EUNAVAIL, "the store is not open yet");
    if (from_rev == 0) from_rev = store->rev + 1;
    if (from_rev <= store->history.floor)
        return gy_error_set(
            err, GANTRY_ENOTFOUND,
            "compacted: history begins at revision %llu, asked was %llu; list again",
            (unsigned long long)store->history.floor + 1, (unsigned long long)from_rev);
    if (from_rev > store->rev + 1)
        return gy_error_set(
            err, GANTRY_ENOTFOUND,
            "compacted: the store is at revision %llu, asked was %llu, which has not "
            "happened; list again",
            (unsigned long long)store->rev, (unsigned long long)from_rev);
    struct gy_store_subscription *s = gy_alloc(sizeof *s);
    *s = (struct gy_store_subscription){.store = store,
                                        .prefix = gy_strdup(prefix ? prefix : ""),
                                        .fn = fn,
                                        .arg = arg,
                                        .seen = from_rev - 1};
    TAILQ_INSERT_TAIL(&store->subscriptions, s, entry);
    store->subscribed++;
    *out = s;
    gy_store_enter(store);
    for (size_t i = gy_store_history_find(&store->history, from_rev);
         i < store->history.count && !s->dead; i++)
        deliver(s, gy_store_history_at(&store->history, i));
    if (!s->dead) s->seen = store->rev;
    gy_store_leave(store);
    return GANTRY_OK;
}

void gy_store_unsubscribe(struct gy_store_subscription *subscription)
{
    if (!subscription || subscription->dead) return;
    subscription->store->subscribed--;
    subscription->dead = true;
    if (!subscription->store->in_fan) destroy(subscription);
}
