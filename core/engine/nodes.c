/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: who is alive, and from when on the pods of one that is not are replaced. */
#include "engine/cluster.h"

#include <stdio.h>

#define MASS_LOSS_WINDOW_MS 60000

struct node *gy_cluster_node(struct gy_engine *e, const char *name)
{
    struct node *node;
    HASH_FIND(hh, e->nodes_by_name, name, strlen(name), node);
    if (node) return node;
    node = gy_alloc(sizeof *node);
    node->name = gy_strdup(name);
    node->state = GY_NODE_UNREACHABLE;
    HASH_ADD_KEYPTR(hh, e->nodes_by_name, node->name, strlen(node->name), node);
    GY_VEC_PUSH(e->nodes, e->node_count, e->node_cap);
    size_t i = e->node_count++;
    for (; i > 0 && strcmp(e->nodes[i - 1]->name, name) > 0; i--)
        e->nodes[i] = e->nodes[i - 1];
    e->nodes[i] = node;
    return node;
}

void gy_cluster_node_merge(struct gy_engine *e, struct node *node)
{
    if (!node->has_report) return;
    gy_shape_fini(&gy_node_shape, &node->merged);
    gy_node_merge(&node->report, node->has_spec ? &node->spec : NULL, &node->merged);
    node->publish = true;
    e->capacity_changed = true;
}

void gy_cluster_nodes_fini(struct gy_engine *e)
{
    HASH_CLEAR(hh, e->nodes_by_name);
    for (size_t i = 0; i < e->node_count; i++) {
        struct node *node = e->nodes[i];
        gy_shape_fini(&gy_node_report_shape, &node->report);
        gy_shape_fini(&gy_node_spec_shape, &node->spec);
        gy_shape_fini(&gy_node_shape, &node->merged);
        free(node->name);
        free(node);
    }
    free(e->nodes);
    e->nodes = NULL;
    e->node_count = e->node_cap = 0;
}

static int state_by_heartbeat(const struct gy_engine *e, const struct node *node, struct gy_now now,
                              int64_t *wake)
{
    int64_t silent = now.mono_ms - node->heartbeat_mono_ms;
    if (silent >= e->options.unreachable_ms) return GY_NODE_UNREACHABLE;
    if (silent >= e->options.suspect_ms) {
        *wake = node->heartbeat_mono_ms + e->options.unreachable_ms;
        return GY_NODE_SUSPECT;
    }
    *wake = node->heartbeat_mono_ms + e->options.suspect_ms;
    return node->has_report && node->merged.drain ? GY_NODE_DRAINING : GY_NODE_READY;
}

static void publish(struct gy_engine *e, struct node *node)
{
    struct gy_engine_decisions *out = e->out;
    GY_VEC_PUSH(out->nodes, out->node_count, out->node_cap);
    out->nodes[out->node_count++] = (struct gy_engine_node_state){
        gy_strdup(node->name), node->state,          node->since_wall_ms,
        node->pod_count,       node->cpu_used_milli, node->memory_used_bytes,
    };
    node->publish = false;
}

static void touch_pods(struct gy_engine *e, struct node *node)
{
    struct pod *pod;
    DL_FOREACH2(node->pods, pod, node_next)
    {
        if (pod->app) gy_cluster_app_touch(e, pod->app);
    }
}

static void change_state(struct gy_engine *e, struct node *node, int state, struct gy_now now)
{
    bool known = node->since_wall_ms != 0;
    int before = node->state;
    node->state = state;
    node->since_mono_ms = now.mono_ms;
    node->since_wall_ms = now.wall_ms;
    node->publish = true;
    e->capacity_changed = true;
    touch_pods(e, node);
    if (state == GY_NODE_UNREACHABLE && known)
        gy_engine_event(e, GY_EVENT_WARN, "node.unreachable", NULL, NULL, node->name, now,
                        "no heartbeat for %lld s; its %lld pods are waited for",
                        (long long)(e->options.unreachable_ms / 1000), (long long)node->pod_count);
    if (state == GY_NODE_READY && (before == GY_NODE_UNREACHABLE || !known))
        gy_engine_event(e, GY_EVENT_INFO, "node.ready", NULL, NULL, node->name, now,
                        known ? "is back" : "has joined");
    if (state == GY_NODE_DRAINING)
        gy_engine_event(e, GY_EVENT_INFO, "node.draining", NULL, NULL, node->name, now,
                        "its pods go elsewhere");
}

void gy_cluster_nodes_step(struct gy_engine *e, struct gy_now now)
{
    for (size_t i = 0; i < e->node_count; i++) {
        struct node *node = e->nodes[i];
        int64_t wake = INT64_MAX;
        int state = state_by_heartbeat(e, node, now, &wake);
        if (wake < e->wake_mono_ms) e->wake_mono_ms = wake;
        if (state != node->state || !node->since_wall_ms) {
            if (!node->has_report && state != GY_NODE_UNREACHABLE)
                continue; /* no use before it said what it has */
            change_state(e, node, state, now);
        }
        if (node->publish && node->has_report) publish(e, node);
    }
}

/* More than a third, and more than two, of the nodes vanished at once: rather the network than the
 * nodes. */
static bool is_mass_loss(const struct gy_engine *e, struct gy_now now)
{
    size_t gone = 0, known = 0;
    for (size_t i = 0; i < e->node_count; i++) {
        const struct node *node = e->nodes[i];
        if (!node->has_report) continue;
        known++;
        if (node->state == GY_NODE_UNREACHABLE &&
            now.mono_ms - node->since_mono_ms < MASS_LOSS_WINDOW_MS)
            gone++;
    }
    return gone > 2 && gone * 3 > known;
}

bool gy_cluster_node_is_given_up(const struct gy_engine *e, const struct node *node,
                                 int64_t grace_ms, struct gy_now now)
{
    if (node->state != GY_NODE_UNREACHABLE || !node->since_wall_ms) return false;
    return now.mono_ms - node->since_mono_ms >= grace_ms && !is_mass_loss(e, now);
}
