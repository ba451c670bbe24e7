/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/store.h: kind gantry.store/1, an ordered map of keys to bytes with one revision counter.
 *
 * Every transaction that changes something takes the next revision.  A write is durable before
 * op_done. Keys are ordered by bytes. */
#ifndef GANTRY_STORE_H
#define GANTRY_STORE_H

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_STORE_KIND "gantry.store/1"
#define GANTRY_STORE_DRAFT 1u

#define GANTRY_STORE_DURABLE (1ull << 0) /* survives the process            */
#define GANTRY_STORE_SHARED (1ull << 1)  /* several servers may open it     */

typedef struct gantry_store_compare { /* SIZED */
    uint32_t size, reserved;
    uint64_t mod_rev; /* the key's last revision must equal this; 0 = the key must not exist */
    gantry_str key;
} gantry_store_compare;

#define GANTRY_STORE_PUT 1u
#define GANTRY_STORE_DELETE 2u /* of a key that does not exist: nothing */

typedef struct gantry_store_write { /* SIZED */
    uint32_t size, type;
    gantry_str key;
    gantry_bytes value;
} gantry_store_write;

typedef struct gantry_store_txn { /* SIZED; all compares hold, then all writes, or nothing */
    uint32_t size, reserved;
    uint32_t compare_count, write_count;
    const gantry_store_compare *const *compares;
    const gantry_store_write *const *writes;
} gantry_store_txn;

typedef struct gantry_store_result { /* SIZED; of txn, list, compact, check */
    uint32_t size, failed; /* txn: 0 = committed, else 1 + index of the compare that did not hold */
    uint64_t rev;          /* of the transaction, or the store's current one                     */
    uint64_t compacted;    /* watch replays from above this revision                             */
    gantry_str text;       /* check: what was found                                              */
} gantry_store_result;

typedef struct gantry_store_item { /* SIZED; an item of list and watch */
    uint32_t size, type;           /* PUT or DELETE; list: PUT */
    uint64_t mod_rev, create_rev;
    gantry_str key;
    gantry_bytes value;
    uint32_t flags, reserved; /* GANTRY_STORE_MORE */
} gantry_store_item;

/* Watch: another item of the same transaction follows.  A reader acts when an item comes without
 * it. */
#define GANTRY_STORE_MORE (1u << 0)

#define GANTRY_STORE_CHECK_FULL (1u << 0)

typedef struct gantry_store_ops { /* SIZED; all [loop] */
    uint32_t size, reserved;
    uint64_t caps;
    uint32_t max_txn_ops, max_value_bytes;
    const gantry_base_ops *base;
    /* Emits gantry_store_item for keys that begin with prefix, in order, all as of one revision.
     * -> gantry_store_result (rev = that revision) */
    void (*list)(void *self, gantry_op, gantry_str prefix);
    /* -> gantry_store_result; a compare that does not hold is a result (failed), not an error. */
    void (*txn)(void *self, gantry_op, const gantry_store_txn *);
    /* Every change with mod_rev >= from_rev under prefix, in order, first those that happened, then
     * live; the items of one transaction come together.  GANTRY_ENOTFOUND with text when from_rev
     * is not above the compacted revision.  Ends by cancel. */
    void (*watch)(void *self, gantry_op, gantry_str prefix, uint64_t from_rev);
    /* Forget history up to and including rev.  -> gantry_store_result */
    void (*compact)(void *self, gantry_op, uint64_t rev);
    /* Write a consistent copy to a file that must not exist.  -> gantry_store_result.  May be NULL.
     */
    void (*backup)(void *self, gantry_op, gantry_str path);
    /* Look for damage.  -> gantry_store_result.  May be NULL. */
    void (*check)(void *self, gantry_op, uint32_t flags);
    /* Replace everything by what a file from backup() holds, as one transaction with a new revision
     * that is also the compacted one, so that every watch starts anew.  -> gantry_store_result. May
     * be NULL. */
    void (*restore)(void *self, gantry_op, gantry_str path);
} gantry_store_ops;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_STORE_H */
