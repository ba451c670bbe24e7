/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by cluster.c (the index) and cluster_view.c (what is told of it). */
#ifndef GY_SERVER_CLUSTER_PRIVATE_H
#define GY_SERVER_CLUSTER_PRIVATE_H

#include "server/cluster.h"

#define LISTENERS_MAX 4

/* Something to tell listeners of; objects are named, since they may be gone by then. */
struct dirty {
    enum gy_cluster_kind kind;
    bool deleted;
    char *key;
    char *ns, *project, *node; /* deleted alone */
    struct gy_blob *view;      /* deleted alone */
};

struct gy_cluster {
    struct gy_store *store;
    struct gy_store_subscription *subscription;
    uv_timer_t timer;
    bool armed;
    struct gy_cluster_apps apps;
    struct gy_cluster_pod *pods; /* by id */
    struct gy_cluster_nodes nodes;
    size_t node_count;
    struct dirty *dirty;
    size_t dirty_count, dirty_cap;
    struct {
        gy_cluster_listener *fn;
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t listener_count;
};

void gy_cluster_on_timer(uv_timer_t *timer);

#endif
