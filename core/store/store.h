/* SPDX-License-Identifier: Apache-2.0 */
/* Objects with revisions and watches, over a backend's table of functions.
 *
 * A store keeps a mirror of everything that the backend has: lists and reads come from memory,
 * writes go to the backend and are visible when they come back through its watch.  Everything here
 * runs on one thread (the loop) and is deterministic given the backend; time comes in through
 * gy_store_tick(). */
#ifndef GY_STORE_STORE_H
#define GY_STORE_STORE_H

#include "base/error.h"
#include <gantry/store.h>
#include <stdbool.h>

/* ---- the backend: what wires a plugin (or a simulated disk) to a store ---- */

typedef void (*gy_store_item_fn)(void *arg, const gantry_store_item *item);
/* result is NULL unless status is GANTRY_OK; text is "" then. */
typedef void (*gy_store_done_fn)(void *arg, gantry_status status, const gantry_store_result *result,
                                 const char *text);

/* The ops of gantry/store.h.  Arguments are borrowed until the call returns.  Each call, watch
 * included, ends by exactly one done, on the loop and never before the call returned.  All but
 * backup, check and restore are required. */
struct gy_store_backend {
    void *ctx;
    uint32_t max_txn_ops, max_value_bytes; /* 0 = no limit */
    void (*list)(void *ctx, const char *prefix, gy_store_item_fn, gy_store_done_fn, void *arg);
    void (*txn)(void *ctx, const gantry_store_txn *, gy_store_done_fn, void *arg);
    /* Returns a number for cancel, never 0. */
    uint64_t (*watch)(void *ctx, const char *prefix, uint64_t from_rev, gy_store_item_fn,
                      gy_store_done_fn, void *arg);
    void (*cancel)(void *ctx, uint64_t watch);
    void (*compact)(void *ctx, uint64_t rev, gy_store_done_fn, void *arg);
    void (*backup)(void *ctx, const char *path, gy_store_done_fn, void *arg);
    void (*check)(void *ctx, uint32_t flags, gy_store_done_fn, void *arg);
    void (*restore)(void *ctx, const char *path, gy_store_done_fn, void *arg);
};

/* ---- objects ---- */

/* One version of one object: immutable, shared by the mirror, the history and whoever holds a
 * reference. */
struct gy_store_object {
    const char *key;   /* NUL-terminated */
    const char *bytes; /* NUL-terminated; len does not count that */
    size_t len;
    uint64_t create_rev, mod_rev;
};
/* [any] One more reference; NULL gives NULL. */
struct gy_store_object *gy_store_object_get(struct gy_store_object *object);
/* [any] Give a reference back; the last frees.  NULL does nothing. */
void gy_store_object_put(struct gy_store_object *object);

/* ---- life ---- */

struct gy_store;

/* Called once: GANTRY_OK when the mirror is complete, GANTRY_ECANCELED when the store was closed
 * first, or why it can never be (EINVAL, ENOTSUP, ENOTFOUND); outages of the backend are retried at
 * ticks. */
typedef void (*gy_store_ready_fn)(void *arg, gantry_status status, const char *text);

/* backend is copied; its ctx must outlive the store. */
struct gy_store *gy_store_open(const struct gy_store_backend *backend, gy_store_ready_fn ready,
                               void *arg);
/* Ends everything that is under way with GANTRY_ECANCELED (transactions: outcome unknown), then
 * frees the store and calls closed (may be NULL), at once or when the backend has ended its calls.
 * Not from inside a callback of this store. */
void gy_store_close(struct gy_store *store, void (*closed)(void *arg), void *arg);
/* Some times a second, with a clock that never jumps: retries, forgetting of history, compaction.
 */
void gy_store_tick(struct gy_store *store, int64_t mono_ms);

bool gy_store_is_ready(const struct gy_store *store); /* mirror complete, watch standing */
/* Why the watch does not stand; "" when it does. */
const char *gy_store_trouble(const struct gy_store *store);

/* ---- reading ---- */

uint64_t gy_store_rev(const struct gy_store *store); /* that the mirror shows; 0 before ready */
/* Borrowed until the next turn of the loop (take a reference to keep it longer), or NULL. */
struct gy_store_object *gy_store_get(const struct gy_store *store, const char *key);
/* The first object under prefix whose key is above after_key (NULL or "" = the first of all), in
 * byte order; NULL at the end.  Borrowed as above.  The mirror may change between two calls. */
struct gy_store_object *gy_store_next(const struct gy_store *store, const char *prefix,
                                      const char *after_key);
#define GY_STORE_FOREACH(store, prefix, object)                                                    \
    for ((object) = gy_store_next((store), (prefix), NULL); (object);                              \
         (object) = gy_store_next((store), (prefix), (object)->key))

struct gy_store_counts {
    uint64_t objects, object_bytes;         /* of the mirror */
    uint64_t history_revs, history_bytes;   /* of the ring */
    uint64_t txns_in_flight, subscriptions; /* now */
    uint64_t resyncs, compactions;          /* since open */
    uint64_t compacted;                     /* last revision the backend was told to forget */
};
void gy_store_counts(const struct gy_store *store, struct gy_store_counts *out);

/* ---- writing ---- */

struct gy_store_compare {
    const char *key;
    uint64_t mod_rev; /* 0 = must not exist */
};
struct gy_store_change {
    const char *key;
    const void *bytes; /* NULL = delete the key */
    size_t len;
};
struct gy_store_outcome {
    /* GANTRY_OK: committed (and the mirror shows it).  GANTRY_ECONFLICT: not applied, a compare did
     * not hold.  GANTRY_EBUSY, EINVAL, ENOTSUP: not applied.  All others: UNKNOWN, it may yet show
     * up. */
    gantry_status status;
    uint64_t rev;     /* OK: of the transaction */
    size_t failed;    /* ECONFLICT: index of the compare */
    const char *text; /* a sentence unless OK, then "" */
};
typedef void (*gy_store_txn_fn)(void *arg, const struct gy_store_outcome *outcome);

#define GY_STORE_TXNS_MAX 1024 /* in flight; beyond that EBUSY */
#define GY_STORE_KEY_MAX 1024  /* bytes */

/* All compares hold, then all changes, as one revision; or nothing.  Everything is copied before
 * this returns.  done is called exactly once, on a later turn, and only after the mirror has seen
 * the revision, so that a writer reads its own writes. Unless GANTRY_OK is returned nothing was
 * sent and done is never called: EINVAL (empty, too many changes, value or key too long), EBUSY
 * (too many in flight), EUNAVAIL (the mirror is not complete yet). */
gantry_status gy_store_txn(struct gy_store *store, const struct gy_store_change *changes, size_t n,
                           const struct gy_store_compare *compares, size_t m, gy_store_txn_fn done,
                           void *arg, struct gy_error *err);

/* ---- watching ---- */

struct gy_store_event {
    uint64_t rev; /* the same for all events of one call */
    bool deleted;
    /* The new version; of a delete the last one there was.  Borrowed during the call. */
    struct gy_store_object *object;
    struct gy_store_object *before; /* the version replaced or deleted; NULL = created */
};
/* All events of one transaction under the prefix, n > 0.  After an outage that outlasted the
 * backend's history the difference comes as one such call.  It may unsubscribe itself and others,
 * subscribe, and start transactions. */
typedef void (*gy_store_event_fn)(void *arg, const struct gy_store_event *events, size_t n);

struct gy_store_subscription;
/* First what happened since from_rev (inclusive; before this returns, with *out already set), then
 * what happens.  from_rev 0 = only what happens from now on. GANTRY_ENOTFOUND "compacted ...":
 * from_rev is below the history, or above anything that happened (a restored backup): list again
 * and subscribe from gy_store_rev() + 1. */
gantry_status gy_store_subscribe(struct gy_store *store, const char *prefix, uint64_t from_rev,
                                 gy_store_event_fn fn, void *arg,
                                 struct gy_store_subscription **out, struct gy_error *err);
/* No call after this returns.  NULL does nothing. */
void gy_store_unsubscribe(struct gy_store_subscription *subscription);

/* ---- housekeeping ---- */

#define GY_STORE_HISTORY_MS (10 * 60 * 1000)
#define GY_STORE_HISTORY_REVS 100000
#define GY_STORE_HISTORY_BYTES (64u << 20)

/* The revision up to which the backend should forget, or 0 for "not now".  Pure.  floor: the last
 * revision that our own history no longer has; compacted: what the backend was last told; since_ms:
 * how long ago. */
uint64_t gy_store_compaction_due(uint64_t floor, uint64_t compacted, int64_t since_ms);

/* Passed to the backend; done as the backend ends it.  GANTRY_ENOTSUP, and done is never called,
 * where the backend has no such function. */
gantry_status gy_store_backup(struct gy_store *store, const char *path, gy_store_done_fn done,
                              void *arg, struct gy_error *err);
gantry_status gy_store_check(struct gy_store *store, uint32_t flags, gy_store_done_fn done,
                             void *arg, struct gy_error *err);
gantry_status gy_store_restore(struct gy_store *store, const char *path, gy_store_done_fn done,
                               void *arg, struct gy_error *err);

#endif
