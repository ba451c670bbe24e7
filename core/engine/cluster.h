/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster half's tables: apps, pods, nodes, and what is in flight. */
#ifndef GY_ENGINE_CLUSTER_H
#define GY_ENGINE_CLUSTER_H

#include "base/random.h"
#include "engine/engine.h"
#include "model/app.h"
#include "model/pod.h"
#include <uthash.h>
#include <utlist.h>

struct app;
struct node;

struct pod {
    char *id; /* key */
    struct gy_pod rec;
    uint64_t rev; /* of the record; 0 = not yet in the store */
    struct gy_pod_status status;
    bool has_status;
    uint64_t txn; /* the transaction that changes it, 0 = none: nothing else changes it meanwhile */
    bool deleting; /* by that transaction */
    bool stopping; /* that transaction made it stop */
    bool counted;  /* in its node's sums */
    int64_t cpu_milli, memory_bytes;
    struct app *app;         /* NULL: its app is gone and unknown */
    struct node *node;       /* never NULL: a node that has not reported yet has an empty entry */
    struct pod *prev, *next; /* of the app, in order of arrival */
    struct pod *node_prev, *node_next; /* of the node */
    struct pod *txn_prev, *txn_next;   /* with a transaction under way */
    UT_hash_handle hh;
};

struct app {
    char *key;
    struct gy_app spec;
    bool has_spec; /* false: deleted, its pods are being stopped */
    struct pod *pods;
    bool dirty;
    int64_t wake_mono_ms;
    int64_t given_back, hold_until_mono_ms; /* a pod was given back: not again before */
    int64_t update_after_mono_ms;           /* the next step of an update, not before */
    struct gy_engine_waiting waiting;       /* as last published */
    struct app *prev, *next;                /* all */
    struct app *dirty_prev, *dirty_next;
    UT_hash_handle hh;
};

struct node {
    char *name;
    struct gy_node_report report;
    struct gy_node_spec spec;
    bool has_report, has_spec;
    struct gy_node merged; /* of both; valid when has_report */
    int64_t heartbeat_mono_ms, since_mono_ms, since_wall_ms;
    bool heard; /* at least one heartbeat since synced */
    int state;  /* enum gy_node_state */
    int64_t cpu_used_milli, memory_used_bytes, pod_count;
    int64_t own; /* pods of the app that is being looked at (gy_filter_ask_init) */
    struct pod *pods;
    bool publish;
    UT_hash_handle hh;
};

struct strategy {
    char *name;
    const gantry_strategy_ops *ops;
    void *self;
};

struct gy_engine {
    struct gy_engine_options options;
    char *default_strategy;
    struct gy_random random;
    struct strategy *strategies;
    size_t strategy_count, strategy_cap;
    bool synced;
    uint64_t epoch_rev;
    int64_t sequence; /* of placements */
    uint64_t next_txn;
    uint64_t in_flight[16]; /* ids, oldest first */
    unsigned in_flight_count;
    struct app *apps, *apps_by_key, *dirty;
    struct pod *pods_by_id, *changing; /* changing: txn != 0 */
    struct node *nodes_by_name;
    struct node **nodes; /* by name */
    size_t node_count, node_cap;
    int64_t wake_mono_ms;
    bool capacity_changed;           /* apps that wait are looked at again */
    struct gy_engine_decisions *out; /* during a step */
    struct gy_event *events;         /* to be given with the next step */
    size_t event_count, event_cap;
    bool txn_open; /* the last of out->txns is being filled */
    size_t txn_write_cap;
};

/* ---- nodes.c ---- */
struct node *gy_cluster_node(struct gy_engine *e, const char *name); /* made when not there */
void gy_cluster_node_merge(struct gy_engine *e, struct node *node);
void gy_cluster_nodes_step(struct gy_engine *e, struct gy_now now);
void gy_cluster_nodes_fini(struct gy_engine *e);
/* Its pods' grace has run out: they are replaced elsewhere. */
bool gy_cluster_node_is_given_up(const struct gy_engine *e, const struct node *node,
                                 int64_t grace_ms, struct gy_now now);

/* ---- pods.c ---- */
struct pod *gy_cluster_pod_add(struct gy_engine *e, const struct gy_pod *rec, uint64_t rev);
void gy_cluster_pod_remove(struct gy_engine *e, struct pod *pod);
/* Count it in its node's sums, or no longer: called whenever its record or status changed. */
void gy_cluster_pod_account(struct gy_engine *e, struct pod *pod);
bool gy_cluster_pod_is_over(const struct pod *pod); /* nothing of it runs */
bool gy_cluster_pod_is_ready(const struct pod *pod);
struct app *gy_cluster_app(struct gy_engine *e, const char *key);
void gy_cluster_app_touch(struct gy_engine *e, struct app *app);
void gy_cluster_app_free(struct gy_engine *e, struct app *app);
void gy_cluster_touch_project(struct gy_engine *e, const struct app *app);

/* ---- filter.c ---- */
enum filter_kind {
    FILTER_STATE,
    FILTER_DRAIN,
    FILTER_DRIVER,
    FILTER_CONSTRAINT,
    FILTER_AFFINITY,
    FILTER_PORT,
    FILTER_PER_NODE,
    FILTER_PODS,
    FILTER_CPU,
    FILTER_MEMORY,
    FILTER_COUNT,
};
struct ask { /* what a pod of the app needs, computed once for all nodes */
    const struct app *app;
    int64_t cpu_milli, memory_bytes;
    bool images;
    struct gy_constraint *constraints;
    size_t constraint_count;
};
/* One ask at a time: it counts the app's pods on each node into node->own. */
void gy_filter_ask_init(struct gy_engine *e, const struct app *app, struct ask *ask);
void gy_filter_ask_fini(struct ask *ask);
/* FILTER_COUNT = the node can take the pod; else the first filter that says no. */
enum filter_kind gy_filter_node(struct gy_engine *e, const struct ask *ask,
                                const struct node *node);
/* The driver instance that would run it there; NULL = none. */
const char *gy_filter_driver(const struct ask *ask, const struct node *node);
/* "0 of 3 nodes fit: 2 lack 512 MiB of memory; ..." for free(). */
char *gy_filter_explain(struct gy_engine *e, const struct ask *ask);
bool gy_filter_soft_affinity(const struct app *app, const struct node *node, size_t i);

/* ---- place.c ---- */
struct placement {
    struct node *node;
    char *text; /* why, for free() */
};
/* The best node for one more pod of the app; ENOTFOUND when none fits. */
gantry_status gy_place(struct gy_engine *e, const struct ask *ask, struct placement *out);
const struct strategy *gy_place_strategy(const struct gy_engine *e, const struct app *app);

/* ---- reconcile.c ---- */
/* Bring one app nearer to what is desired; returns the number of changes made. */
unsigned gy_reconcile(struct gy_engine *e, struct app *app, struct gy_now now, unsigned budget);

/* ---- changes.c ---- */
bool gy_change_is_possible(const struct gy_engine *e);
void gy_change_create(struct gy_engine *e, struct app *app, int64_t slot, struct placement *where,
                      const char *driver, struct gy_now now);
void gy_change_stop(struct gy_engine *e, struct pod *pod, const char *reason);
void gy_change_delete(struct gy_engine *e, struct pod *pod);
void gy_change_send(struct gy_engine *e); /* hand the filled transaction out */
void gy_change_committed(struct gy_engine *e, uint64_t txn);
void gy_change_undo_from(struct gy_engine *e, uint64_t txn);
void gy_engine_event(struct gy_engine *e, int level, const char *kind, const struct app *app,
                     const struct pod *pod, const char *node, struct gy_now now, const char *fmt,
                     ...) GANTRY_PRINTF(8, 9);

#endif
