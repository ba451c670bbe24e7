/* SPDX-License-Identifier: Apache-2.0 */
/* Rules across services, and the model's own check in Compose's words. */
#include "compose/project.h"

#include <stdio.h>
#include <stdlib.h>

struct claim { /* of a published port */
    const struct gy_port *port;
    const struct gy_service *by;
    size_t order;
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->port->published != y->port->published)
        return x->port->published < y->port->published ? -1 : 1;
    if (x->port->protocol != y->port->protocol)
        return x->port->protocol < y->port->protocol ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool clash(const struct gy_port *a, const struct gy_port *b)
{
    if (a->published != b->published || a->protocol != b->protocol) return false;
    if (a->mode == GY_PORT_HOST && b->mode == GY_PORT_HOST) return false; /* other nodes, perhaps */
    return !a->host_ip || !b->host_ip || !strcmp(a->host_ip, b->host_ip);
}

static gantry_status check_ports(struct gy_loader *l, struct gy_project *p)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < p->apps; i++)
        n += p->leaders[i]->app.ports.n;
    if (!n) return GANTRY_OK;
    struct claim *claims = gy_arena_alloc(&l->arena, n * sizeof *claims);
    for (size_t i = 0; i < p->apps; i++) {
        const struct gy_app *app = &p->leaders[i]->app;
        for (size_t k = 0; k < app->ports.n; k++) {
            const struct gy_port *port = GY_AT(struct gy_port, app->ports, k);
            if (port->published) claims[at] = (struct claim){port, p->leaders[i], at};
            if (port->published) at++;
        }
    }
    qsort(claims, at, sizeof *claims, compare_claims);
    for (size_t i = 1; i < at; i++)
        for (size_t j = i; j-- > 0;) {
            const struct gy_port *a = claims[j].port, *b = claims[i].port;
            if (a->published != b->published || a->protocol != b->protocol) break;
            if (claims[j].by == claims[i].by && a->mode == b->mode && a->target == b->target)
                continue;
            if (!clash(a, b)) continue;
            const struct gy_yaml *y = gy_yaml_value(claims[i].by->y, "ports");
            return gy_compose_fail(l, y ? y : claims[i].by->y,
                                   "port %d is already published by services.%s (line %d)",
                                   (int)b->published, claims[j].by->name, claims[j].by->y->line);
        }
    return GANTRY_OK;
}

/* Places of the model and where they are written in Compose; the longest prefix that fits counts.
 */
static const struct {
    const char *model, *compose;
} places[] =
    {
        {"pod.hostname", "hostname"},
        {"replicas", "deploy.replicas"},
        {"mode", "deploy.mode"},
        {"restart.max_delay_ms", "x-gantry.max_restart_delay"},
        {"restart.delay_ms", "deploy.restart_policy.delay"},
        {"restart.window_ms", "deploy.restart_policy.window"},
        {"restart", "deploy.restart_policy"},
        {"update.progress_deadline_ms", "x-gantry.progress_deadline"},
        {"update.delay_ms", "deploy.update_config.delay"},
        {"update", "deploy.update_config"},
        {"placement.constraints", "deploy.placement.constraints"},
        {"placement.spread", "deploy.placement.preferences"},
        {"placement.max_per_node", "deploy.placement.max_replicas_per_node"},
        {"placement.driver", "x-gantry.driver"},
        {"placement.strategy", "x-gantry.strategy"},
        {"placement.affinities", "x-gantry"},
        {"at_most_one", "x-gantry.at_most_one"},
        {"grace_ms", "x-gantry.grace"},
        {"labels", "deploy.labels"},
},
  container_places[] = {
      {"env", "environment"},
      {"health.interval_ms", "healthcheck.interval"},
      {"health.timeout_ms", "healthcheck.timeout"},
      {"health.start_period_ms", "healthcheck.start_period"},
      {"health.start_interval_ms", "healthcheck.start_interval"},
      {"health", "healthcheck"},
      {"stop_grace_ms", "stop_grace_period"},
      {"limits.cpu_milli", "deploy.resources.limits.cpus"},
      {"limits.memory_bytes", "deploy.resources.limits.memory"},
      {"limits", "deploy.resources.limits"},
      {"reservations.cpu_milli", "deploy.resources.reservations.cpus"},
      {"reservations.memory_bytes", "deploy.resources.reservations.memory"},
      {"reservations", "deploy.resources.reservations"},
};

/* The node a path ends at, or as far as the file has it. */
static const struct gy_yaml *walk(const struct gy_yaml *y, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, ".[");
        const struct gy_yaml *next = NULL;
        if (n == 0 && *path == '[') {
            size_t index = (size_t)strtoul(path + 1, NULL, 10);
            if (y->kind == GY_YAML_LIST && index < y->n) next = y->items[index];
            n = strcspn(path, "]");
            n += path[n] == ']';
        } else if (n) {
            gy_autofree char *key = gy_strndup(path, n);
            next = gy_yaml_get(y, key);
            if (!next) {
                gy_autofree char *rest = gy_strdup(path); /* a key with dots in it */
                next = gy_yaml_get(y, rest);
                n = strlen(path);
            }
        }
        if (!next) return y;
        y = next;
        path += n;
        if (*path == '.') path++;
    }
    return y;
}

/* err->text begins with a place of the model: say it as the file does. */
static gantry_status translate(struct gy_loader *l, struct gy_project *p, struct gy_service *leader,
                               const struct gy_error *why)
{
    const char *text = why->text, *end = strstr(text, ": ");
    gy_autofree char *path = gy_strndup(text, end ? (size_t)(end - text) : 0);
    const char *says = end ? end + 2 : text, *rest = path;
    const struct gy_yaml *y = leader->y;
    bool in_container = gy_starts_with(path, "pod.containers[");
    if (in_container) {
        size_t index = (size_t)strtoul(path + strlen("pod.containers["), NULL, 10);
        const struct gy_list *list = &leader->app.pod.containers;
        const char *name = index < list->n ? GY_AT(struct gy_container, *list, index)->name : NULL;
        long service = name ? gy_names_find(p->by_service, name) : -1;
        if (service >= 0) y = p->services[service].y;
        rest = strchr(path, ']') + 1;
        if (*rest == '.') rest++;
    }
    struct gy_buf place = {0};
    size_t n = in_container ? sizeof container_places / sizeof *container_places
                            : sizeof places / sizeof *places;
    for (size_t i = 0; i < n && !place.len; i++) {
        const char *model = in_container ? container_places[i].model : places[i].model;
        size_t len = strlen(model);
        if (strncmp(rest, model, len) != 0 || (rest[len] && !strchr(".[", rest[len]))) continue;
        gy_buf_printf(&place, "%s%s",
                      in_container ? container_places[i].compose : places[i].compose, rest + len);
    }
    if (!place.len) gy_buf_str(&place, rest);
    const struct gy_yaml *at = walk(y, place.text);
    gantry_status status = at == y && *place.text
                               ? gy_compose_fail(l, at, "%s: %s", place.text, says)
                               : gy_compose_fail(l, at, "%s", says);
    gy_buf_fini(&place);
    return status;
}

gantry_status gy_project_check(struct gy_loader *l, struct gy_project *p)
{
    gantry_status status = check_ports(l, p);
    for (size_t i = 0; i < p->apps && !status; i++) {
        struct gy_error why = GY_ERROR_INIT;
        if (gy_shape_check(&gy_app_shape, &p->leaders[i]->app, &why))
            status = translate(l, p, p->leaders[i], &why);
    }
    return status;
}
