/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: numbers for calls whose answer comes later, from any thread, exactly once.  A number
 * is never used again; ending one late or twice is counted and ignored.  Callbacks run on the loop,
 * on a later turn, never from inside a call. */
#ifndef GY_BASE_OP_H
#define GY_BASE_OP_H

#include "base/error.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#define GY_OP_ITEMS_MAX 256           /* items of one operation that wait */
#define GY_OP_BYTES_MAX (1024 * 1024) /* and their bytes                  */
#define GY_OP_GRACE_MS 5000           /* between cancel and giving up     */

struct gy_op_table;

/* How an item or a result is copied when it is handed over. */
struct gy_op_type {
    const char *name; /* "gantry_pod_status" */
    /* [any] A copy for free() that borrows nothing from `from`, and its bytes; NULL with a
     * sentence. */
    void *(*copy)(const struct gy_op_type *type, const void *from, size_t *bytes,
                  struct gy_error *err);
};

/* Who answers operations, embedded by its owner.  Must outlive the table: late ends name it. */
struct gy_op_owner {
    const char *name;
    /* [loop] Ask for an early end; NULL = cannot be asked. */
    void (*cancel)(struct gy_op_owner *owner, gantry_op op);
    _Atomic uint64_t late, twice,
        unknown; /* misbehaviour seen; unknown: a number that is not its own */
};

typedef void (*gy_op_item_fn)(void *arg, const void *item);
/* text is "" on success; result is NULL on failure, and where none was given.  Both are borrowed.
 */
typedef void (*gy_op_done_fn)(void *arg, gantry_status status, const char *text,
                              const void *result);

struct gy_op_spec {
    struct gy_op_owner *owner;
    const char *function;                   /* for sentences; a literal                  */
    const struct gy_op_type *item, *result; /* NULL = none: what is given is dropped    */
    uint64_t deadline_ms;                   /* 0 = a stream: no deadline                 */
    uint64_t grace_ms;                      /* 0 = GY_OP_GRACE_MS                        */
    gy_op_item_fn on_item;                  /* may be NULL                               */
    gy_op_done_fn on_done;                  /* may be NULL; runs exactly once            */
    void *arg;
};

/* [loop] */
struct gy_op_table *gy_op_table_create(uv_loop_t *loop);
/* [loop] Ends what is open with ECANCELED (callbacks run before this returns).  Storage is freed
 * when the loop has run once more; no thread may use the table any longer. */
void gy_op_table_destroy(struct gy_op_table *table);

/* [loop] Never 0. */
gantry_op gy_op_begin(struct gy_op_table *table, const struct gy_op_spec *spec);
/* [any] End op.  text may be NULL.  OK, or EINVAL when the number is not open (counted with owner).
 */
gantry_status gy_op_end(struct gy_op_table *table, struct gy_op_owner *owner, gantry_op op,
                        gantry_status status, const char *text, const void *result);
/* [any] EBUSY: the queue is full, nothing was taken; ECANCELED: nobody listens; EINVAL: not an
 * item. */
gantry_status gy_op_emit(struct gy_op_table *table, struct gy_op_owner *owner, gantry_op op,
                         const void *item);
/* [loop] Items are dropped from now on, the owner is asked to end; when it does not within the
 * grace the operation ends with ECANCELED.  Nothing when op is not open. */
void gy_op_cancel(struct gy_op_table *table, gantry_op op);
/* [loop] Cancel, and never call back: for a caller that goes away. */
void gy_op_forget(struct gy_op_table *table, gantry_op op);
/* [loop] End everything of this owner now; done callbacks run on a later turn. */
void gy_op_retire_owner(struct gy_op_table *table, struct gy_op_owner *owner, gantry_status status,
                        const char *text);
/* [loop] Paused: neither items nor the end are delivered, so that the queue fills and the owner is
 * told EBUSY; a cancel, and an owner that is retired, end it all the same. */
void gy_op_pause(struct gy_op_table *table, gantry_op op, bool paused);
/* [any] How many of this owner are open. */
size_t gy_op_count(struct gy_op_table *table, const struct gy_op_owner *owner);

#endif
