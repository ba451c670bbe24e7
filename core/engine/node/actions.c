/* SPDX-License-Identifier: Apache-2.0 */
/* Actions and events as they are handed out. */
#include "engine/node/node_private.h"

#include <stdarg.h>
#include <stdio.h>

struct gy_action *gy_node_push(struct gy_node_half *half, int kind)
{
    struct gy_actions *out = half->out;
    GY_ASSERT(out); /* actions are made inside a step */
    GY_VEC_PUSH(out->items, out->n, out->cap);
    struct gy_action *action = &out->items[out->n++];
    *action = (struct gy_action){.kind = kind};
    return action;
}

struct pending_action *gy_node_expect(struct gy_node_half *half, struct gy_action *action)
{
    struct pending_action *p = gy_alloc(sizeof *p);
    p->id = action->id = half->next_action++;
    p->kind = action->kind;
    HASH_ADD(hh, half->pending, id, sizeof p->id, p);
    return p;
}

struct gy_action *gy_node_action(struct gy_node_half *half, int kind, struct node_pod *pod,
                                 size_t container)
{
    struct gy_action *action = gy_node_push(half, kind);
    action->driver = gy_strdup(pod->driver->name);
    action->pod_id = gy_strdup(pod->id);
    action->pod = pod->has_spec ? &pod->spec : NULL;
    struct pending_action *p = gy_node_expect(half, action);
    p->pod_id = gy_strdup(pod->id);
    p->container = container;
    if (container < pod->n) {
        action->container = gy_strdup(gy_node_container_name(pod, container));
        action->attempt = p->attempt = pod->containers[container].attempt;
    }
    return action;
}

void gy_node_event(struct gy_node_half *half, struct node_pod *pod, int level, const char *kind,
                   struct gy_now now, const char *fmt, ...)
{
    struct gy_buf text = {0};
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    gy_buf_str(&text, line);
    struct gy_action held = {.kind = GY_ACTION_EVENT};
    struct gy_event *e = &held.event;
    e->time_ms = now.wall_ms;
    e->level = level;
    e->kind = gy_strdup(kind);
    e->ns = gy_strdup(pod->spec.ns);
    e->project = gy_strdup(pod->spec.project);
    e->app = gy_strdup(pod->spec.app);
    e->slot = pod->spec.slot;
    e->pod = gy_strdup(pod->id);
    e->node = gy_strdup(half->node);
    e->text = gy_buf_take(&text);
    GY_VEC_PUSH(half->events.items, half->events.n, half->events.cap);
    half->events.items[half->events.n++] = held;
}

void gy_actions_fini(struct gy_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        struct gy_action *a = &actions->items[i];
        free(a->driver);
        free(a->pod_id);
        free(a->container);
        free(a->signal);
        gy_shape_fini(&gy_event_shape, &a->event);
        gy_shape_fini(&gy_pod_status_shape, &a->status);
    }
    free(actions->items);
    *actions = (struct gy_actions){0};
}
