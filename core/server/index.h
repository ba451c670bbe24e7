/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster as the API sees it: an index over the store's mirror, joined with what the engine
 * tells of nodes and of pods that wait.  Can be thrown away and built again.  [loop]. */
#ifndef GY_SERVER_INDEX_H
#define GY_SERVER_INDEX_H

#include "engine/engine.h"
#include "model/view.h"
#include "store/store.h"
#include <bsd/sys/tree.h>
#include <uthash.h>
#include <uv.h>

/* Encoded bytes that several answers share. */
struct gy_blob {
    unsigned refs;
    size_t len;
    char text[]; /* NUL-terminated */
};
struct gy_blob *gy_blob_create(const char *text, size_t len);
struct gy_blob *gy_blob_get(struct gy_blob *blob); /* one more reference; NULL gives NULL */
void gy_blob_put(void *blob);                      /* NULL does nothing */

enum gy_index_kind { GY_INDEX_APP = 1, GY_INDEX_POD = 2, GY_INDEX_NODE = 4, GY_INDEX_EVENT = 8 };

struct gy_index_pod {
    char *id;
    struct gy_index_app *app;
    char *node, *driver;
    int64_t slot, generation;
    int desired;
    struct gy_store_object *record, *status_record; /* status_record NULL = nothing was said */
    int state, health, outcome;                     /* of the status; ASSIGNED without one */
    struct gy_list addresses;                       /* struct gy_pod_address */
    struct gy_blob *view;                           /* cached, NULL = to be made */
    bool dirty;
    RB_ENTRY(gy_index_pod) by_slot;
    UT_hash_handle by_id;
};
RB_HEAD(gy_index_pods, gy_index_pod);

struct gy_index_app { /* exists while it has a record or pods */
    char *key;        /* "ns/project/name" */
    char *ns, *project, *name;
    struct gy_store_object *record; /* NULL = removed, its pods are going */
    struct gy_app app;              /* of record; all zero without one */
    struct gy_index_pods pods;
    size_t pod_count;
    int64_t *waiting; /* slots that have no node */
    size_t waiting_count;
    char *waiting_reason;
    struct gy_blob *view;
    bool dirty, waiting_dirty;
    RB_ENTRY(gy_index_app) by_key;
};
RB_HEAD(gy_index_apps, gy_index_app);

struct gy_index_node { /* exists while it has a record of either kind */
    char *name;
    struct gy_store_object *spec_record, *report_record;
    int state; /* enum gy_node_state, from the engine */
    int64_t since_ms, pods, cpu_used_milli, memory_used_bytes;
    struct gy_blob *view;
    bool dirty;
    RB_ENTRY(gy_index_node) by_name;
};
RB_HEAD(gy_index_nodes, gy_index_node);

/* What changed since the last turn; one of the pointers is set.  deleted: `view` is the last one.
 */
struct gy_index_change {
    enum gy_index_kind kind;
    bool deleted;
    const struct gy_index_app *app;   /* APP; and of a POD */
    const struct gy_index_pod *pod;   /* POD, not deleted; NULL for a pod that waits */
    const struct gy_index_node *node; /* NODE, not deleted */
    const char *ns, *project;         /* "" for a node */
    const char *node_name;            /* of a POD or NODE */
    struct gy_blob *view;             /* borrowed */
    uint64_t rev;
};
typedef void gy_index_listener(void *arg, const struct gy_index_change *change);

struct gy_index;
/* The store must be ready.  Nodes count as reachable until the engine says otherwise. */
struct gy_index *gy_index_create(uv_loop_t *loop, struct gy_store *store);
void gy_index_destroy(struct gy_index *c);
/* Called in one go for all changes, a few milliseconds after the first of them. */
void gy_index_listen(struct gy_index *c, gy_index_listener *fn, void *arg);
void gy_index_unlisten(struct gy_index *c, gy_index_listener *fn, void *arg);
void gy_index_flush(struct gy_index *c);

/* What the engine tells. */
void gy_index_node_state(struct gy_index *c, const struct gy_engine_node_state *state);
void gy_index_waiting(struct gy_index *c, const struct gy_engine_waiting *waiting);

/* Lookups; NULL = there is none.  Borrowed until the next turn. */
struct gy_index_app *gy_index_app(struct gy_index *c, const char *key);
/* The first at or above key (NULL = of all); then gy_index_app_after(). */
struct gy_index_app *gy_index_app_from(struct gy_index *c, const char *key);
struct gy_index_app *gy_index_app_after(struct gy_index_app *app);
struct gy_index_pod *gy_index_pod(struct gy_index *c, const char *id);
struct gy_index_pod *gy_index_pod_first(struct gy_index_app *app);
struct gy_index_pod *gy_index_pod_after(struct gy_index_pod *pod);
struct gy_index_node *gy_index_node(struct gy_index *c, const char *name);
struct gy_index_node *gy_index_node_first(struct gy_index *c);
struct gy_index_node *gy_index_node_after(struct gy_index_node *node);
size_t gy_index_node_count(const struct gy_index *c);
struct gy_store *gy_index_store(const struct gy_index *c);

/* Encoded objects, made when first asked for; borrowed. */
struct gy_blob *gy_index_app_view(struct gy_index *c, struct gy_index_app *app);
struct gy_blob *gy_index_pod_view(struct gy_index *c, struct gy_index_pod *pod);
struct gy_blob *gy_index_node_view(struct gy_index *c, struct gy_index_node *node);
/* A pod that waits for a node: a new blob. */
struct gy_blob *gy_index_waiting_view(const struct gy_index_app *app, size_t i);
void gy_index_app_count(struct gy_index *c, const struct gy_index_app *app,
                        struct gy_app_status *out);

#endif
