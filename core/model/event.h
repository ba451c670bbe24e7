/* SPDX-License-Identifier: Apache-2.0 */
/* Event: one line of what happened, for people; written behind, never a base of decisions. */
#ifndef GY_MODEL_EVENT_H
#define GY_MODEL_EVENT_H

#include "model/shape.h"

enum gy_event_level { GY_EVENT_INFO, GY_EVENT_WARN };

struct gy_event {
    int64_t time_ms; /* wall clock */
    int level;
    char *kind; /* "pod.restarted", "app.scaled", "node.unreachable" */
    char *ns, *project, *app, *pod, *node;
    int64_t slot;
    char *text; /* one sentence */
};
extern const struct gy_shape gy_event_shape;

#endif
