/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on a thread of its own: one bounded queue in, decisions back on the loop.
 *
 * Everything here is [loop]; the engine is touched by its thread alone. */
#ifndef GY_SERVER_ENGINE_THREAD_H
#define GY_SERVER_ENGINE_THREAD_H

#include "engine/engine.h"
#include "store/store.h"
#include <jansson.h>
#include <uv.h>

#define GY_ENGINE_QUEUE_MAX 16384 /* messages that wait; EBUSY beyond */

struct gy_engine_thread;

struct gy_engine_thread_options {
    uv_loop_t *loop;
    struct gy_engine *engine; /* taken; strategies are added already */
    /* Borrowed during the call.  resets: how many the engine had seen when it decided. */
    void (*decisions)(void *arg, const struct gy_engine_decisions *decisions, uint64_t resets);
    void (*room)(void *arg); /* the queue is below half again, after an EBUSY */
    void *arg;
};
struct gy_engine_thread *gy_engine_thread_start(const struct gy_engine_thread_options *options);
/* Waits for the step under way; explanations that wait are ended with EUNAVAIL.  Freed on a later
 * turn. */
void gy_engine_thread_stop(struct gy_engine_thread *t);

/* Each: GANTRY_OK, or GANTRY_EBUSY and nothing was taken.  What keeps the order of the store's log
 * (reset, synced, txn_done, heartbeat) is taken beyond the bound too: it is few. */
gantry_status gy_engine_thread_object(struct gy_engine_thread *t, const char *key,
                                      struct gy_store_object *object_or_null, uint64_t rev);
/* While held the engine takes nothing and does not step: the objects of one transaction go in
 * together. */
void gy_engine_thread_hold(struct gy_engine_thread *t, bool hold);
void gy_engine_thread_reset(struct gy_engine_thread *t);
void gy_engine_thread_synced(struct gy_engine_thread *t, uint64_t epoch_rev);
void gy_engine_thread_txn_done(struct gy_engine_thread *t, uint64_t txn,
                               enum gy_txn_outcome outcome);
void gy_engine_thread_heartbeat(struct gy_engine_thread *t, const char *node);
/* done runs once, on a later turn; json is borrowed. */
void gy_engine_thread_explain(struct gy_engine_thread *t, const char *app_key, const char *pod_id,
                              void (*done)(void *arg, gantry_status status, const char *json,
                                           const char *text),
                              void *arg);
json_t *gy_engine_thread_json(struct gy_engine_thread *t); /* queue, steps, times */

#endif
