/* SPDX-License-Identifier: Apache-2.0 */
#include "model/view.h"

#include "model/field.h"

static const char *const desired_names[] = {"run", "stop", NULL};

static const struct gy_field status_fields[] = {
    F(gy_app_status, "desired", INT, desired, REQUIRED, AMOUNT, .doc = "pods that shall run"),
    F(gy_app_status, "pods", INT, pods, REQUIRED, AMOUNT, .doc = "bound to a node, not ended"),
    F(gy_app_status, "running", INT, running, REQUIRED, AMOUNT, .doc = "running or ready"),
    F(gy_app_status, "ready", INT, ready, REQUIRED, AMOUNT),
    F(gy_app_status, "completed", INT, completed, REQUIRED, AMOUNT),
    F(gy_app_status, "updated", INT, updated, REQUIRED, AMOUNT,
      .doc = "made from the app as it is now"),
    F(gy_app_status, "waiting", INT, waiting, REQUIRED, AMOUNT, .doc = "without a node"),
    F(gy_app_status, "reason", STR, reason, .doc = "why some wait"),
};
const struct gy_shape gy_app_status_shape = {.name = "AppStatus",
                                             .size = sizeof(struct gy_app_status),
                                             .fields = status_fields,
                                             .n = N(status_fields)};

static const struct gy_field pod_fields[] = {
    F(gy_pod_view, "id", STR, id, REQUIRED, .doc = "\"\" while it waits for a node"),
    F(gy_pod_view, "name", STR, name, .doc = "at the runtime"),
    F(gy_pod_view, "namespace", STR, ns, REQUIRED),
    F(gy_pod_view, "project", STR, project, REQUIRED),
    F(gy_pod_view, "app", STR, app, REQUIRED),
    F(gy_pod_view, "slot", INT, slot, REQUIRED, AMOUNT),
    F(gy_pod_view, "node", STR, node, OPTIONAL),
    F(gy_pod_view, "driver", STR, driver, OPTIONAL),
    F(gy_pod_view, "state", ENUM, state, REQUIRED, .names = gy_pod_state_names),
    F(gy_pod_view, "health", ENUM, health, REQUIRED, .names = gy_pod_health_names),
    F(gy_pod_view, "outcome", ENUM, outcome, .names = gy_pod_outcome_names),
    F(gy_pod_view, "restarts", INT, restarts, REQUIRED, AMOUNT),
    F(gy_pod_view, "reason", STR, reason, OPTIONAL),
    F(gy_pod_view, "since_ms", INT, since_ms, AMOUNT, .doc = "of state; wall clock"),
    F(gy_pod_view, "created_ms", INT, created_ms, AMOUNT),
    F(gy_pod_view, "generation", INT, generation, AMOUNT, .doc = "of the app, when it was made"),
    F(gy_pod_view, "desired", ENUM, desired, REQUIRED, .names = desired_names),
    F(gy_pod_view, "placement", STR, placement, .doc = "why this node"),
    F(gy_pod_view, "pid", INT, pid, AMOUNT, .doc = "of its first running container, where known"),
    F(gy_pod_view, "addresses", LIST, addresses, .shape = &gy_pod_address_shape),
    F(gy_pod_view, "containers", LIST, containers, .shape = &gy_container_status_shape),
};
const struct gy_shape gy_pod_view_shape = {.name = "PodView",
                                           .size = sizeof(struct gy_pod_view),
                                           .fields = pod_fields,
                                           .n = N(pod_fields),
                                           .doc = "a pod: what was decided and what is"};

json_t *gy_app_view_schema(void)
{
    json_t *out = gy_shape_schema(&gy_app_shape), *properties = json_object_get(out, "properties");
    json_object_set_new(properties, "revision",
                        json_pack("{s:s,s:s}", "type", "integer", "format", "int64"));
    json_object_set_new(properties, "status",
                        json_pack("{s:s}", "$ref", "#/components/schemas/AppStatus"));
    json_t *required = json_object_get(out, "required");
    json_array_append_new(required, json_string("revision"));
    json_array_append_new(required, json_string("status"));
    return out;
}

char *gy_app_view_text(const char *app, size_t len, uint64_t revision,
                       const struct gy_app_status *status, size_t *out_len)
{
    GY_ASSERT(len > 2 && app[len - 1] == '}');
    gy_autofree char *tail = gy_shape_encode_text(&gy_app_status_shape, status);
    struct gy_buf b = {0};
    gy_buf_add(&b, app, len - 1);
    gy_buf_printf(&b, ",\"revision\":%llu,\"status\":", (unsigned long long)revision);
    gy_buf_str(&b, tail);
    gy_buf_add(&b, "}", 1);
    *out_len = b.len;
    return gy_buf_take(&b);
}

void gy_pod_view_join(const struct gy_pod *pod, const struct gy_pod_status *status,
                      bool unreachable, struct gy_pod_view *out)
{
    *out = (struct gy_pod_view){.id = pod->id,
                                .name = pod->name,
                                .ns = pod->ns,
                                .project = pod->project,
                                .app = pod->app,
                                .node = pod->node,
                                .driver = pod->driver,
                                .slot = pod->slot,
                                .desired = pod->desired,
                                .state = GY_POD_ASSIGNED,
                                .since_ms = pod->created_ms,
                                .created_ms = pod->created_ms,
                                .generation = pod->generation,
                                .reason = pod->desired == GY_POD_STOP ? pod->stop_reason : NULL,
                                .placement = pod->placement};
    if (status) {
        out->state = status->state;
        out->health = status->health;
        out->outcome = status->outcome;
        out->restarts = status->restarts;
        out->since_ms = status->since_ms;
        if (status->reason) out->reason = status->reason;
        out->addresses = status->addresses;
        out->containers = status->containers;
        for (size_t i = 0; i < status->containers.n && !out->pid; i++) {
            const struct gy_container_status *c =
                GY_AT(struct gy_container_status, status->containers, i);
            if (c->state == GY_CONTAINER_RUNNING) out->pid = c->pid;
        }
    }
    if (unreachable && out->state != GY_POD_ENDED) out->state = GY_POD_UNKNOWN;
}
