/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/store share. */
#ifndef GY_STORE_INTERNAL_H
#define GY_STORE_INTERNAL_H

#include "base/memory.h"
#include "store/store.h"
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdatomic.h>

struct object {
    struct gy_store_object shown; /* first: the public face */
    RB_ENTRY(object) entry;       /* in at most one mirror */
    _Atomic uint32_t refs;
    char data[]; /* key, NUL, bytes, NUL */
};
/* One reference, the caller's. */
struct object *gy_store_object_create(const gantry_store_item *item);

/* ---- mirror.c: the objects of one revision, by key ---- */
RB_HEAD(object_tree, object);
struct mirror {
    struct object_tree tree;
    uint64_t count, bytes;
};
void gy_store_mirror_init(struct mirror *mirror);
void gy_store_mirror_fini(struct mirror *mirror);
struct object *gy_store_mirror_find(const struct mirror *mirror, const char *key);
struct object *gy_store_mirror_first_from(const struct mirror *mirror, const char *key,
                                          bool or_equal);
struct object *gy_store_mirror_after(struct object *object);
/* Takes the reference; returns the version replaced, its reference the caller's, or NULL. */
struct object *gy_store_mirror_put(struct mirror *mirror, struct object *object);
/* The mirror's reference becomes the caller's. */
void gy_store_mirror_remove(struct mirror *mirror, struct object *object);

/* ---- history.c: the ring of what happened lately ---- */
struct batch { /* one revision */
    uint64_t rev;
    int64_t at_ms;
    size_t bytes, n;
    struct gy_store_event events[]; /* each holds references on object and before */
};
struct history {
    struct batch **ring; /* circular: `count` of `cap` from `head` */
    size_t head, count, cap;
    uint64_t floor; /* the last revision that is no longer here */
    uint64_t bytes;
};
struct batch *gy_store_batch_create(uint64_t rev, size_t max_events);
/* Takes both references. */
void gy_store_batch_add(struct batch *batch, bool deleted, struct object *object,
                        struct object *before);
void gy_store_batch_destroy(struct batch *batch);
void gy_store_history_push(struct history *history, struct batch *batch,
                           int64_t now_ms); /* takes it */
void gy_store_history_trim(struct history *history, int64_t now_ms);
void gy_store_history_clear(struct history *history, uint64_t floor);
const struct batch *gy_store_history_at(const struct history *history, size_t i);
/* Index of the first batch with rev >= rev; count when there is none. */
size_t gy_store_history_find(const struct history *history, uint64_t rev);

/* ---- the store ---- */
struct txn {
    TAILQ_ENTRY(txn) entry;
    struct gy_store *store;
    gy_store_txn_fn done; /* NULL: told already (the store was closed) */
    void *arg;
    uint64_t rev; /* committed, waits for the mirror */
    size_t compare_count;
    char *compare_keys; /* one after the other, each with its NUL */
};
TAILQ_HEAD(txn_list, txn);

struct gy_store_subscription {
    TAILQ_ENTRY(gy_store_subscription) entry;
    struct gy_store *store;
    char *prefix;
    gy_store_event_fn fn;
    void *arg;
    uint64_t seen; /* last revision delivered */
    bool dead;     /* unsubscribed inside a callback: freed when the store is no longer in one */
};
TAILQ_HEAD(subscription_list, gy_store_subscription);

enum sync_state {
    SYNC_LISTING,  /* reads everything */
    SYNC_WATCHING, /* mirror follows */
    SYNC_RELIST,   /* waits for retry_at, then lists */
    SYNC_REWATCH,  /* waits for retry_at, then watches from rev + 1 */
    SYNC_FAILED,   /* for good */
    SYNC_CLOSED,
};

struct incoming { /* the transaction that the watch is in the middle of */
    struct object **objects;
    bool *deleted;
    size_t n, cap;
    uint64_t rev;
};

struct gy_store {
    struct gy_store_backend backend;
    gy_store_ready_fn ready; /* NULL once told */
    void *ready_arg;
    void (*closed)(void *arg);
    void *closed_arg;

    enum sync_state state;
    uint64_t watch; /* 0 = none */
    uint64_t rev;
    bool complete; /* the mirror has been filled once */
    char trouble[GY_ERROR_TEXT_MAX];
    int64_t now_ms, retry_at, backoff_ms, watching_since;

    struct mirror mirror, fresh; /* fresh: filled by the list under way */
    struct incoming incoming;
    struct history history;
    struct txn_list sent, waiting; /* waiting: committed, by revision */
    struct subscription_list subscriptions;
    size_t calls;  /* of the backend that have not ended */
    size_t in_fan; /* depth of callbacks under way */

    bool compacting;
    int64_t compacted_at;
    uint64_t compacted, compact_to;
    uint64_t resyncs, compactions, in_flight, subscribed;
};

/* Around every callback: what is unsubscribed inside one is freed when the outermost ends. */
void gy_store_enter(struct gy_store *store);
void gy_store_leave(struct gy_store *store);
void gy_store_fan_out(struct gy_store *store, const struct batch *batch);
void gy_store_wake_txns(struct gy_store *store);  /* those whose revision the mirror shows */
void gy_store_end_txns(struct gy_store *store);   /* at close */
void gy_store_call_ended(struct gy_store *store); /* may free the store: last thing to do */
void gy_store_compact_when_due(struct gy_store *store);
void gy_store_sync_list(struct gy_store *store);
void gy_store_sync_tick(struct gy_store *store);
void gy_store_incoming_clear(struct gy_store *store);

#endif
