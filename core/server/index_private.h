/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by index.c (the index) and index_view.c (what is told of it). */
#ifndef GY_SERVER_INDEX_PRIVATE_H
#define GY_SERVER_INDEX_PRIVATE_H

#include "server/index.h"

#define LISTENERS_MAX 4

/* Something to tell listeners of; objects are named, since they may be gone by then. */
struct dirty {
    enum gy_index_kind kind;
    bool deleted;
    char *key;
    char *ns, *project, *node; /* deleted alone */
    struct gy_blob *view;      /* deleted alone */
};

struct gy_index {
    struct gy_store *store;
    struct gy_store_subscription *subscription;
    uv_timer_t timer;
    bool armed;
    struct gy_index_apps apps;
    struct gy_index_pod *pods; /* by id */
    struct gy_index_nodes nodes;
    size_t node_count;
    struct dirty *dirty;
    size_t dirty_count, dirty_cap;
    struct {
        gy_index_listener *fn;
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t listener_count;
};

void gy_index_on_timer(uv_timer_t *timer);

#endif
