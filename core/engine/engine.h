/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster half of the engine: it folds the store's log and answers each step with decisions.
 *
 * A step function: (state, events, now) -> (state, decisions).  It reads no clock, owns no thread,
 * does no I/O, draws random numbers from its seed alone; the same events give the same decisions on
 * every machine. All calls come from one thread at a time (the daemon's engine thread, or the
 * simulator). */
#ifndef GY_ENGINE_ENGINE_H
#define GY_ENGINE_ENGINE_H

#include "base/error.h"
#include "base/text.h"
#include "model/event.h"
#include "model/node.h"
#include <gantry/strategy.h>
#include <stdbool.h>
#include <stdint.h>

struct gy_now {
    int64_t mono_ms; /* time-outs; of this run alone */
    int64_t wall_ms; /* shown to people              */
};

struct gy_engine_options {
    uint64_t seed;
    const char *strategy;   /* default strategy's name */
    int64_t suspect_ms;     /* 0 = 6000  since the last heartbeat */
    int64_t unreachable_ms; /* 0 = 10000 */
    unsigned in_flight;     /* transactions sent and not yet come back; 0 = 4 */
};

struct gy_engine;
struct gy_engine *gy_engine_create(const struct gy_engine_options *options);
void gy_engine_destroy(struct gy_engine *engine);
/* Strategies are pure and called inside a step.  ops and self stay the caller's and outlive the
 * engine. */
void gy_engine_add_strategy(struct gy_engine *engine, const char *name,
                            const gantry_strategy_ops *ops, void *self);

/* ---- events
 * -------------------------------------------------------------------------------------- */

/* The store's log: a record was put (value, len) or deleted (value NULL) at revision rev.  Every
 * key of model/key.h may be given; those that the engine does not read are ignored. */
void gy_engine_object(struct gy_engine *engine, const char *key, uint64_t rev, const char *value,
                      size_t len);
/* Before a full listing is fed (start, or the store's watch broke): forget all records.  Heartbeats
 * stay. */
void gy_engine_reset(struct gy_engine *engine);
/* Everything up to here was given; from now on the engine decides.  epoch_rev = mod_rev of the
 * leader's epoch record, which every transaction compares.  Every node gets its whole grace from
 * here. */
void gy_engine_synced(struct gy_engine *engine, uint64_t epoch_rev, struct gy_now now);

enum gy_txn_outcome {
    GY_TXN_COMMITTED,
    GY_TXN_REFUSED, /* a compare did not hold: it and those after it are undone */
    GY_TXN_UNKNOWN, /* the store cannot say: nothing is decided until reset, listing, synced */
};
/* After the objects that a committed transaction wrote were given. */
void gy_engine_txn_done(struct gy_engine *engine, uint64_t txn, enum gy_txn_outcome outcome);
/* A node's agent is alive. */
void gy_engine_heartbeat(struct gy_engine *engine, const char *node, struct gy_now now);

/* ---- decisions
 * ----------------------------------------------------------------------------------- */

/* No compare: whatever revision the key has. */
#define GY_ENGINE_REV_ANY UINT64_MAX

struct gy_engine_write {
    char *key;
    char *value;      /* JSON; NULL = delete */
    uint64_t mod_rev; /* compare: the key's revision must be this; 0 = must not exist */
};
struct gy_engine_txn { /* to be stored as one transaction, with a compare of the epoch */
    uint64_t id;
    struct gy_engine_write *writes;
    size_t n;
};
struct gy_engine_node_state { /* for the API: a node's state changed, or its use did */
    char *name;
    int state;        /* enum gy_node_state */
    int64_t since_ms; /* wall clock */
    int64_t pods, cpu_used_milli, memory_used_bytes;
};
struct gy_engine_waiting { /* for the API: what an app waits for; replaces the former answer */
    char *app_key;
    int64_t *slots; /* pods that have no node; n 0 = nothing waits any more */
    size_t n;
    char *reason;
};
struct gy_engine_decisions { /* appended to by a step; gy_engine_decisions_fini frees all */
    struct gy_engine_txn *txns;
    struct gy_event *events;
    struct gy_engine_node_state *nodes;
    struct gy_engine_waiting *waiting;
    size_t txn_count, event_count, node_count, waiting_count;
    size_t txn_cap, event_cap, node_cap, waiting_cap;
    bool more;            /* the budget ended the step: call again */
    int64_t wake_mono_ms; /* call again then at the latest; INT64_MAX = only on events */
};

/* Do an amount of work counted in placements and changes (never in time). */
void gy_engine_step(struct gy_engine *engine, struct gy_now now, unsigned budget,
                    struct gy_engine_decisions *out);
void gy_engine_decisions_fini(struct gy_engine_decisions *out);

/* ---- answers on demand
 * --------------------------------------------------------------------------- */

/* Why is it so?  For an app: what each slot is doing and, where a pod waits, which filters removed
 * how many nodes and what the nearest miss lacks.  For a pod: why its node.  JSON text for free();
 * ENOTFOUND. */
gantry_status gy_engine_explain_app(struct gy_engine *engine, const char *ns, const char *project,
                                    const char *app, char **json, struct gy_error *err);
gantry_status gy_engine_explain_pod(struct gy_engine *engine, const char *id, char **json,
                                    struct gy_error *err);

#endif
