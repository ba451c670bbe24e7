/* SPDX-License-Identifier: Apache-2.0 */
#include "model/app.h"

#include "model/constraint.h"
#include "model/field.h"

#include <stdio.h>

#define DAY_MS 86400000

static const char *const health_kinds[] = {"command", "http", "tcp", NULL};
static const char *const pull_policies[] = {"missing", "always", "never", NULL};
static const char *const protocols[] = {"tcp", "udp", NULL};
static const char *const port_modes[] = {"ingress", "host", NULL};
static const char *const restart_conditions[] = {"any", "on-failure", "none", NULL};
static const char *const update_orders[] = {"stop-first", "start-first", NULL};
static const char *const depends_conditions[] = {"started", "healthy", "completed", NULL};
static const char *const app_modes[] = {"replicated", "global", "job", NULL};

static const struct gy_field resources_fields[] = {
    F(gy_resources, "cpu_milli", INT, cpu_milli, .max = 100000000, .doc = "thousandths of a CPU"),
    F(gy_resources, "memory_bytes", INT, memory_bytes, .max = INT64_C(1) << 50),
    F(gy_resources, "pids", INT, pids, .max = 4194304, .doc = "processes and threads"),
};
const struct gy_shape gy_resources_shape = {.name = "Resources",
                                            .size = sizeof(struct gy_resources),
                                            .fields = resources_fields,
                                            .n = N(resources_fields)};

static gantry_status check_health(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_health *h = object;
    if (h->kind == GY_HEALTH_COMMAND && h->test.n == 0)
        return gy_error_set(err, GANTRY_EINVAL, "%s.test: a command health check needs a command",
                            path);
    if (h->kind != GY_HEALTH_COMMAND && h->port == 0)
        return gy_error_set(err, GANTRY_EINVAL, "%s.port: a %s health check needs a port", path,
                            health_kinds[h->kind]);
    if (h->kind == GY_HEALTH_HTTP && (!h->path || h->path[0] != '/'))
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s.path: an http health check needs a path that begins with /", path);
    return GANTRY_OK;
}

static const struct gy_field health_fields[] = {
    F(gy_health, "kind", ENUM, kind, .names = health_kinds),
    F(gy_health, "test", STRS, test, .doc = "argv, run inside the container; exit 0 = healthy"),
    F(gy_health, "path", STR, path, .max = 2048, .doc = "http: a 2xx or 3xx answer = healthy"),
    F(gy_health, "port", INT, port, .max = 65535),
    F(gy_health, "interval_ms", INT, interval_ms, .min = 100, .max = DAY_MS, .fallback = 30000),
    F(gy_health, "timeout_ms", INT, timeout_ms, .min = 100, .max = DAY_MS, .fallback = 30000),
    F(gy_health, "retries", INT, retries, .min = 1, .max = 1000, .fallback = 3),
    F(gy_health, "start_period_ms", INT, start_period_ms, .max = DAY_MS),
    F(gy_health, "start_interval_ms", INT, start_interval_ms, .min = 100, .max = DAY_MS,
      .fallback = 5000),
};
const struct gy_shape gy_health_shape = {.name = "Health",
                                         .size = sizeof(struct gy_health),
                                         .fields = health_fields,
                                         .n = N(health_fields),
                                         .check = check_health};

static const struct gy_field ulimit_fields[] = {
    F(gy_ulimit, "name", STR, name, REQUIRED, .min = 1, .max = 32),
    F(gy_ulimit, "soft", INT, soft, REQUIRED, .min = -1, .max = INT64_MAX),
    F(gy_ulimit, "hard", INT, hard, REQUIRED, .min = -1, .max = INT64_MAX),
};
const struct gy_shape gy_ulimit_shape = {.name = "Ulimit",
                                         .size = sizeof(struct gy_ulimit),
                                         .fields = ulimit_fields,
                                         .n = N(ulimit_fields)};

static gantry_status check_container(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_container *c = object;
    if (!c->image && c->entrypoint.n + c->command.n == 0)
        return gy_error_set(err, GANTRY_EINVAL, "%s: needs an image or a command", path);
    if (c->limits.memory_bytes && c->reservations.memory_bytes > c->limits.memory_bytes)
        return gy_error_set(err, GANTRY_EINVAL, "%s.reservations.memory_bytes: more than the limit",
                            path);
    if (c->limits.cpu_milli && c->reservations.cpu_milli > c->limits.cpu_milli)
        return gy_error_set(err, GANTRY_EINVAL, "%s.reservations.cpu_milli: more than the limit",
                            path);
    return GANTRY_OK;
}

static const struct gy_field container_fields[] = {
    F(gy_container, "name", STR, name, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_container, "image", STR, image, .min = 1, .max = 512,
      .doc = "absent: a process on the host"),
    F(gy_container, "pull_policy", ENUM, pull_policy, .names = pull_policies),
    F(gy_container, "entrypoint", STRS, entrypoint, OPTIONAL),
    F(gy_container, "command", STRS, command, .doc = "argv = entrypoint + command"),
    F(gy_container, "env", MAP, env, .flags = GY_FIELD_NAMES),
    F(gy_container, "user", STR, user, .min = 1, .max = 256,
      .doc = "name or uid, with :group if wanted"),
    F(gy_container, "working_dir", STR, working_dir, .min = 1, .max = 4096),
    F(gy_container, "stop_signal", STR, stop_signal, .min = 1, .max = 16),
    F(gy_container, "stop_grace_ms", INT, stop_grace_ms, .max = DAY_MS, .fallback = 10000),
    F(gy_container, "tty", BOOL, tty, OPTIONAL),
    F(gy_container, "stdin_open", BOOL, stdin_open, OPTIONAL),
    F(gy_container, "init", BOOL, init, OPTIONAL),
    F(gy_container, "health", OPT, health, .shape = &gy_health_shape),
    F(gy_container, "limits", OBJ, limits, .shape = &gy_resources_shape),
    F(gy_container, "reservations", OBJ, reservations, .shape = &gy_resources_shape),
    F(gy_container, "ulimits", LIST, ulimits, .shape = &gy_ulimit_shape, .max = 32),
    F(gy_container, "labels", MAP, labels, OPTIONAL),
};
const struct gy_shape gy_container_shape = {.name = "Container",
                                            .size = sizeof(struct gy_container),
                                            .fields = container_fields,
                                            .n = N(container_fields),
                                            .check = check_container};

static gantry_status check_port(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_port *p = object;
    if (p->mode == GY_PORT_HOST && p->published == 0)
        return gy_error_set(err, GANTRY_EINVAL, "%s.published: mode host needs a published port",
                            path);
    return GANTRY_OK;
}

static const struct gy_field port_fields[] = {
    F(gy_port, "name", STR, name, .max = 63),
    F(gy_port, "target", INT, target, REQUIRED, .min = 1, .max = 65535),
    F(gy_port, "published", INT, published, .max = 65535),
    F(gy_port, "protocol", ENUM, protocol, .names = protocols),
    F(gy_port, "mode", ENUM, mode, .names = port_modes,
      .doc = "ingress: one port for all pods; host: the pod itself has the port, one pod a node"),
    F(gy_port, "host_ip", STR, host_ip, .min = 1, .max = 64),
};
const struct gy_shape gy_port_shape = {.name = "Port",
                                       .size = sizeof(struct gy_port),
                                       .fields = port_fields,
                                       .n = N(port_fields),
                                       .check = check_port};

static const struct gy_field restart_fields[] = {
    F(gy_restart, "condition", ENUM, condition, .names = restart_conditions),
    F(gy_restart, "delay_ms", INT, delay_ms, .max = DAY_MS, .fallback = 1000,
      .doc = "doubles with each restart"),
    F(gy_restart, "max_delay_ms", INT, max_delay_ms, .max = DAY_MS, .fallback = 300000),
    F(gy_restart, "max_attempts", INT, max_attempts, .max = 1000000, .doc = "0 = no end"),
    F(gy_restart, "window_ms", INT, window_ms, .max = DAY_MS, .fallback = 600000,
      .doc = "running this long counts as a success"),
};
const struct gy_shape gy_restart_shape = {.name = "Restart",
                                          .size = sizeof(struct gy_restart),
                                          .fields = restart_fields,
                                          .n = N(restart_fields)};

static const struct gy_field update_fields[] = {
    F(gy_update, "parallelism", INT, parallelism, .min = 1, .max = 10000, .fallback = 1),
    F(gy_update, "delay_ms", INT, delay_ms, .max = DAY_MS),
    F(gy_update, "progress_deadline_ms", INT, progress_deadline_ms, .min = 1000, .max = DAY_MS,
      .fallback = 600000),
    F(gy_update, "order", ENUM, order, .names = update_orders),
};
const struct gy_shape gy_update_shape = {.name = "Update",
                                         .size = sizeof(struct gy_update),
                                         .fields = update_fields,
                                         .n = N(update_fields)};

static const struct gy_field affinity_fields[] = {
    F(gy_affinity, "app", STR, app, REQUIRED, .min = 1, .max = 127),
    F(gy_affinity, "anti", BOOL, anti, OPTIONAL),
    F(gy_affinity, "soft", BOOL, soft, OPTIONAL),
};
const struct gy_shape gy_affinity_shape = {.name = "Affinity",
                                           .size = sizeof(struct gy_affinity),
                                           .fields = affinity_fields,
                                           .n = N(affinity_fields)};

static gantry_status check_placement(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_placement *p = object;
    for (size_t i = 0; i < p->constraints.n; i++) {
        struct gy_constraint c;
        if (gy_constraint_parse(p->constraints.items[i], &c, err) != GANTRY_OK)
            return gy_error_wrap(err, "%s.constraints[%zu]", path, i);
        gy_constraint_fini(&c);
    }
    for (size_t i = 0; i < p->spread.n; i++)
        if (gy_constraint_attribute(p->spread.items[i], NULL) < 0)
            return gy_error_set(
                err, GANTRY_EINVAL,
                "%s.spread[%zu]: \"%.80s\" is not an attribute of a node, such as node.labels.zone",
                path, i, p->spread.items[i]);
    return GANTRY_OK;
}

static const struct gy_field placement_fields[] = {
    F(gy_placement, "constraints", STRS, constraints, .max = 64,
      .doc = "node.labels.disk == ssd; ==, != on node.id, node.hostname, node.platform.os, "
             "node.platform.arch, node.labels.KEY"),
    F(gy_placement, "spread", STRS, spread, .max = 16),
    F(gy_placement, "affinities", LIST, affinities, .shape = &gy_affinity_shape, .max = 64),
    F(gy_placement, "max_per_node", INT, max_per_node, .max = 10000),
    F(gy_placement, "strategy", STR, strategy, .min = 1, .max = 63),
    F(gy_placement, "driver", STR, driver, .min = 1, .max = 63),
};
const struct gy_shape gy_placement_shape = {.name = "Placement",
                                            .size = sizeof(struct gy_placement),
                                            .fields = placement_fields,
                                            .n = N(placement_fields),
                                            .check = check_placement};

static const struct gy_field depends_fields[] = {
    F(gy_depends, "app", STR, app, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_depends, "condition", ENUM, condition, .names = depends_conditions),
    F(gy_depends, "required", BOOL, required, .fallback = 1),
};
const struct gy_shape gy_depends_shape = {.name = "Depends",
                                          .size = sizeof(struct gy_depends),
                                          .fields = depends_fields,
                                          .n = N(depends_fields)};

static gantry_status check_template(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_pod_template *t = object;
    for (size_t i = 0; i < t->containers.n; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(GY_AT(struct gy_container, t->containers, i)->name,
                        GY_AT(struct gy_container, t->containers, j)->name))
                return gy_error_set(err, GANTRY_EINVAL,
                                    "%s.containers[%zu].name: \"%s\" is used twice", path, i,
                                    GY_AT(struct gy_container, t->containers, i)->name);
    return GANTRY_OK;
}

static const struct gy_field template_fields[] = {
    F(gy_pod_template, "hostname", STR, hostname, .min = 1, .max = 63),
    F(gy_pod_template, "containers", LIST, containers, REQUIRED, .shape = &gy_container_shape,
      .min = 1, .max = 32),
};
const struct gy_shape gy_pod_template_shape = {.name = "PodTemplate",
                                               .size = sizeof(struct gy_pod_template),
                                               .fields = template_fields,
                                               .n = N(template_fields),
                                               .check = check_template};

static gantry_status check_app(const void *object, const char *path, struct gy_error *err)
{
    const struct gy_app *a = object;
    (void)path;
    for (size_t i = 0; i < a->depends_on.n; i++)
        if (a->name && !strcmp(GY_AT(struct gy_depends, a->depends_on, i)->app, a->name))
            return gy_error_set(err, GANTRY_EINVAL,
                                "depends_on[%zu].app: an app cannot wait for itself", i);
    for (size_t i = 0; i < a->ports.n; i++)
        for (size_t j = 0; j < i; j++) {
            const struct gy_port *p = GY_AT(struct gy_port, a->ports, i),
                                 *q = GY_AT(struct gy_port, a->ports, j);
            if (p->published && p->published == q->published && p->protocol == q->protocol &&
                gy_streq(p->host_ip, q->host_ip))
                return gy_error_set(err, GANTRY_EINVAL, "ports[%zu].published: %d is used twice", i,
                                    (int)p->published);
        }
    if (a->at_most_one && a->mode == GY_APP_REPLICATED && a->update.order == GY_UPDATE_START_FIRST)
        return gy_error_set(err, GANTRY_EINVAL,
                            "update.order: start-first cannot be together with at_most_one");
    return GANTRY_OK;
}

static const struct gy_field app_fields[] = {
    F(gy_app, "namespace", STR, ns, .flags = GY_FIELD_LABEL,
      .doc = "default: that of the request's path"),
    F(gy_app, "project", STR, project, .flags = GY_FIELD_LABEL),
    F(gy_app, "name", STR, name, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_app, "mode", ENUM, mode, .names = app_modes),
    F(gy_app, "replicas", INT, replicas, .max = 100000, .fallback = 1,
      .doc = "replicated: pods wanted; job: how many to complete"),
    F(gy_app, "pod", OBJ, pod, REQUIRED, .shape = &gy_pod_template_shape),
    F(gy_app, "ports", LIST, ports, .shape = &gy_port_shape, .max = 64),
    F(gy_app, "restart", OBJ, restart, .shape = &gy_restart_shape),
    F(gy_app, "update", OBJ, update, .shape = &gy_update_shape),
    F(gy_app, "placement", OBJ, placement, .shape = &gy_placement_shape),
    F(gy_app, "depends_on", LIST, depends_on, .shape = &gy_depends_shape, .max = 64),
    F(gy_app, "labels", MAP, labels, OPTIONAL),
    F(gy_app, "at_most_one", BOOL, at_most_one,
      .doc = "never two copies of a slot, even when a node is unreachable"),
    F(gy_app, "grace_ms", INT, grace_ms, .max = 7 * DAY_MS, .fallback = 30000,
      .doc = "how long a pod of an unreachable node is waited for"),
    F(gy_app, "generation", INT, generation, .flags = GY_FIELD_SERVER, .max = INT64_MAX),
    F(gy_app, "created_ms", INT, created_ms, .flags = GY_FIELD_SERVER, .max = INT64_MAX),
};
const struct gy_shape gy_app_shape = {.name = "App",
                                      .size = sizeof(struct gy_app),
                                      .fields = app_fields,
                                      .n = N(app_fields),
                                      .check = check_app,
                                      .doc = "a named, desired workload"};

bool gy_app_needs_new_pods(const struct gy_app *a, const struct gy_app *b)
{
    struct gy_list none = {0};
    if (a->mode != b->mode || a->at_most_one != b->at_most_one) return true;
    struct gy_app x = {.pod = a->pod,
                       .ports = a->ports,
                       .restart = a->restart,
                       .placement = a->placement,
                       .depends_on = none};
    struct gy_app y = {.pod = b->pod,
                       .ports = b->ports,
                       .restart = b->restart,
                       .placement = b->placement,
                       .depends_on = none};
    return !gy_shape_equal(&gy_app_shape, &x, &y);
}
