/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads of our own (never libuv's shared four), with a bounded queue for each client, so
 * that one client's slow work cannot starve the others.  Answers come back on the loop. */
#ifndef GY_BASE_WORK_H
#define GY_BASE_WORK_H

#include "base/error.h"
#include <uv.h>

struct gy_work_pool;
struct gy_work_client;

#define GY_WORK_QUEUE_MAX 256  /* jobs of one client that wait or run */
#define GY_WORK_POST_MAX 65536 /* posts of one client that wait       */

/* [loop] Threads start with the first job.  The pool keeps the loop alive until it is destroyed. */
struct gy_work_pool *gy_work_pool_create(uv_loop_t *loop, unsigned threads);
/* [loop] Waits for jobs that run; those that wait are ended with ECANCELED.  Every client must have
 * been destroyed before.  Storage is freed when the loop has run once more. */
void gy_work_pool_destroy(struct gy_work_pool *pool);

/* [loop] `parallel` jobs of this client run side by side, 1..64. */
struct gy_work_client *gy_work_client_create(struct gy_work_pool *pool, unsigned parallel);
/* [loop] Refuses new jobs, waits for those that run, cancels those that wait, and calls what is
 * left of `done` and `post` functions before it returns. */
void gy_work_client_drain(struct gy_work_client *client);
/* [loop] Drains, then frees. */
void gy_work_client_destroy(struct gy_work_client *client);

/* [any] Run fn(arg) on a worker, then done(arg, status) on the loop.  done (may be NULL) always
 * runs when this returned OK; its status is OK, or ECANCELED when fn did not run.  Jobs with the
 * same `lane` (not 0) run one after the other, in order.  EBUSY: the client's queue is full;
 * ECANCELED: it was drained. */
gantry_status gy_work_submit(struct gy_work_client *client, uint64_t lane, void (*fn)(void *arg),
                             void (*done)(void *arg, gantry_status status), void *arg);
/* [any] Run fn(arg) on the loop, on a later turn.  EBUSY, ECANCELED as above. */
gantry_status gy_work_post(struct gy_work_client *client, void (*fn)(void *arg), void *arg);
/* [any] Jobs that wait or run. */
unsigned gy_work_pending(struct gy_work_client *client);

#endif
