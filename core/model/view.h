/* SPDX-License-Identifier: Apache-2.0 */
/* Views: what the API answers, made of several records.  Written, never stored. */
#ifndef GY_MODEL_VIEW_H
#define GY_MODEL_VIEW_H

#include "model/pod.h"

/* How many pods of an app are where; `pods` counts those that have a node and have not ended. */
struct gy_app_status {
    int64_t desired, pods, running, ready, completed, updated, waiting;
    char *reason; /* why some wait for a node; NULL = none does */
};

struct gy_pod_view {
    char *id, *name, *ns, *project, *app, *node, *driver;
    int64_t slot;
    int state, health, outcome, desired;
    int64_t restarts, since_ms, created_ms, generation, pid;
    char *reason, *placement;
    struct gy_list addresses;  /* struct gy_pod_address */
    struct gy_list containers; /* struct gy_container_status */
};

extern const struct gy_shape gy_app_status_shape, gy_pod_view_shape;

/* The schema of an app as the API answers it: App plus "revision" and "status". */
json_t *gy_app_view_schema(void);
/* The JSON of an AppView.  `app` is the object's text as gy_shape_encode_text() writes it; what is
 * added is spliced in before its last brace.  For free(). */
char *gy_app_view_text(const char *app, size_t len, uint64_t revision,
                       const struct gy_app_status *status, size_t *out_len);
/* Join both records into a view that borrows everything; status NULL = the node has said nothing.
 * unreachable: what the node said last is in doubt. */
void gy_pod_view_join(const struct gy_pod *pod, const struct gy_pod_status *status,
                      bool unreachable, struct gy_pod_view *out);

#endif
