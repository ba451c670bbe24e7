/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/strategy.h: kind gantry.strategy/1, a pure function from rows to scores.
 *
 * Same input, same output: no I/O, no clock, no dice, no libm.  A row is a state of a node as the
 * engine imagines it, usually "this node after one more pod of the class".  Higher is better; ties
 * are the engine's (settings `tie`: name or seeded). */
#ifndef GANTRY_STRATEGY_H
#define GANTRY_STRATEGY_H

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_STRATEGY_KIND "gantry.strategy/1"
#define GANTRY_STRATEGY_DRAFT 1u

#define GANTRY_STRATEGY_NODE_LOCAL                                                                 \
    (1ull << 0)                              /* the score depends on the row and the class alone  */
#define GANTRY_STRATEGY_MONOTONE (1ull << 1) /* one more pod never raises (or never lowers) it */
#define GANTRY_STRATEGY_TIES_SEEDED                                                                \
    (1ull << 2) /* wants equal scores broken by the engine's dice   */

typedef struct gantry_rows { /* SIZED; columns, each of n values; NULL = not known to this host */
    uint32_t size, reserved;
    size_t n, reserved2;
    const int64_t *cpu_free, *cpu_cap; /* milli-CPU, after placing                      */
    const int64_t *mem_free, *mem_cap; /* bytes, after placing                          */
    const int64_t *pods, *own; /* pods on the node, pods of this app there, before placing */
    const int64_t *gpu_free, *gpu_cap; /* milli-GPU                                     */
    const int64_t *cpu_ask, *mem_ask;  /* of the class: one value each                  */
} gantry_rows;

typedef struct gantry_strategy_ops { /* SIZED; [engine]; may not block */
    uint32_t size, reserved;
    uint64_t caps;
    int64_t lower, upper; /* bounds of the score, inclusive */
    const gantry_base_ops *base;
    gantry_status (*score)(void *self, const gantry_rows *rows, int64_t *out, gantry_error *);
} gantry_strategy_ops;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_STRATEGY_H */
