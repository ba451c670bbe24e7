/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pod.h"

#include "model/field.h"
#include <stdio.h>

const char *const gy_pod_state_names[] = {"pending", "assigned", "preparing", "starting", "running",
                                          "ready",   "stopping", "ended",     "unknown",  NULL};
const char *const gy_pod_health_names[] = {"none", "starting", "healthy", "unhealthy", NULL};
const char *const gy_pod_outcome_names[] = {"none",       "stopped", "completed", "failed",
                                            "given-back", "lost",    NULL};
static const char *const desired_names[] = {"run", "stop", NULL};
static const char *const container_states[] = {"waiting", "running", "ended", NULL};

static const struct gy_field pod_fields[] = {
    F(gy_pod, "id", STR, id, REQUIRED, .min = 26, .max = 26),
    F(gy_pod, "namespace", STR, ns, REQUIRED),
    F(gy_pod, "project", STR, project, REQUIRED),
    F(gy_pod, "app", STR, app, REQUIRED),
    F(gy_pod, "slot", INT, slot, REQUIRED, AMOUNT),
    F(gy_pod, "node", STR, node, REQUIRED),
    F(gy_pod, "driver", STR, driver, .doc = "instance on the node"),
    F(gy_pod, "name", STR, name, .doc = "at the runtime"),
    F(gy_pod, "generation", INT, generation, AMOUNT),
    F(gy_pod, "desired", ENUM, desired, .names = desired_names),
    F(gy_pod, "stop_reason", STR, stop_reason, OPTIONAL),
    F(gy_pod, "created_ms", INT, created_ms, AMOUNT),
    F(gy_pod, "sequence", INT, sequence, AMOUNT),
    F(gy_pod, "placement", STR, placement, .doc = "why this node"),
    F(gy_pod, "template", OBJ, template, REQUIRED, .shape = &gy_pod_template_shape),
    F(gy_pod, "ports", LIST, ports, .shape = &gy_port_shape),
    F(gy_pod, "restart", OBJ, restart, .shape = &gy_restart_shape),
    F(gy_pod, "job", BOOL, job, OPTIONAL),
};
const struct gy_shape gy_pod_shape = {.name = "PodRecord",
                                      .size = sizeof(struct gy_pod),
                                      .fields = pod_fields,
                                      .n = N(pod_fields),
                                      .doc = "what shall run where, as the engine decided"};

static const struct gy_field container_status_fields[] = {
    F(gy_container_status, "name", STR, name, REQUIRED),
    F(gy_container_status, "state", ENUM, state, REQUIRED, .names = container_states),
    F(gy_container_status, "health", ENUM, health, .names = gy_pod_health_names),
    F(gy_container_status, "attempt", INT, attempt, AMOUNT),
    F(gy_container_status, "pid", INT, pid, AMOUNT),
    F(gy_container_status, "exit_code", INT, exit_code, .min = -1, .max = 255),
    F(gy_container_status, "exit_signal", INT, exit_signal, .max = 128),
    F(gy_container_status, "oom", BOOL, oom, OPTIONAL),
    F(gy_container_status, "started_ms", INT, started_ms, AMOUNT),
    F(gy_container_status, "ended_ms", INT, ended_ms, AMOUNT),
    F(gy_container_status, "text", STR, text, OPTIONAL),
};
const struct gy_shape gy_container_status_shape = {.name = "ContainerStatus",
                                                   .size = sizeof(struct gy_container_status),
                                                   .fields = container_status_fields,
                                                   .n = N(container_status_fields)};

static const struct gy_field address_fields[] = {
    F(gy_pod_address, "family", STR, family, REQUIRED),
    F(gy_pod_address, "text", STR, text, REQUIRED),
    F(gy_pod_address, "port", INT, port, REQUIRED, .max = 65535),
    F(gy_pod_address, "target", INT, target, .max = 65535),
};
const struct gy_shape gy_pod_address_shape = {.name = "Address",
                                              .size = sizeof(struct gy_pod_address),
                                              .fields = address_fields,
                                              .n = N(address_fields)};

static const struct gy_field status_fields[] = {
    F(gy_pod_status, "id", STR, id, REQUIRED, .min = 26, .max = 26),
    F(gy_pod_status, "node", STR, node, OPTIONAL),
    F(gy_pod_status, "boot_id", STR, boot_id, OPTIONAL),
    F(gy_pod_status, "state", ENUM, state, REQUIRED, .names = gy_pod_state_names),
    F(gy_pod_status, "health", ENUM, health, .names = gy_pod_health_names),
    F(gy_pod_status, "outcome", ENUM, outcome, .names = gy_pod_outcome_names),
    F(gy_pod_status, "since_ms", INT, since_ms, AMOUNT),
    F(gy_pod_status, "reason", STR, reason, OPTIONAL),
    F(gy_pod_status, "restarts", INT, restarts, AMOUNT),
    F(gy_pod_status, "containers", LIST, containers, .shape = &gy_container_status_shape),
    F(gy_pod_status, "addresses", LIST, addresses, .shape = &gy_pod_address_shape),
};
const struct gy_shape gy_pod_status_shape = {.name = "PodStatus",
                                             .size = sizeof(struct gy_pod_status),
                                             .fields = status_fields,
                                             .n = N(status_fields),
                                             .doc = "what is, as the node's agent sees it"};

bool gy_pod_state_can_follow(int from, int to)
{
    if (from == GY_POD_ENDED) return to == GY_POD_ENDED;
    if (from == GY_POD_STOPPING)
        return to == GY_POD_STOPPING || to == GY_POD_ENDED || to == GY_POD_UNKNOWN;
    return to != GY_POD_PENDING;
}

void gy_pod_template_ask(const struct gy_pod_template *t, int64_t *cpu_milli, int64_t *memory_bytes)
{
    *cpu_milli = *memory_bytes = 0;
    for (size_t i = 0; i < t->containers.n; i++) {
        const struct gy_container *c = GY_AT(struct gy_container, t->containers, i);
        *cpu_milli += c->reservations.cpu_milli;
        *memory_bytes += c->reservations.memory_bytes;
    }
}

bool gy_pod_template_has_image(const struct gy_pod_template *t)
{
    for (size_t i = 0; i < t->containers.n; i++)
        if (GY_AT(struct gy_container, t->containers, i)->image) return true;
    return false;
}

void gy_pod_hostname(const char *project, const char *app, int64_t slot, const char *node,
                     char out[64])
{
    char full[256], number[24];
    snprintf(number, sizeof number, "%lld", (long long)slot);
    snprintf(full, sizeof full, "%s-%s-%s", project, app, slot ? number : node);
    if (strlen(full) < 64) {
        memcpy(out, full, strlen(full) + 1);
        return;
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *p = full; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    snprintf(out, 64, "%.54s-%08x", full, hash);
}
