/* SPDX-License-Identifier: Apache-2.0 */
/* deploy, scale, and the older keys for resources. */
#include "compose/service.h"

static gantry_status read_mode(struct gy_loader *l, struct gy_service *s, const struct gy_yaml *y)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    s->said |= GY_SAID_MODE;
    if (!strcmp(text, "replicated"))
        s->app.mode = GY_APP_REPLICATED;
    else if (!strcmp(text, "global"))
        s->app.mode = GY_APP_GLOBAL;
    else if (!strcmp(text, "replicated-job"))
        s->app.mode = GY_APP_JOB;
    else if (!strcmp(text, "global-job"))
        return gy_compose_fail(l, y,
                               "global-job is not supported yet; write global or "
                               "replicated-job");
    else
        return gy_compose_fail(l, y, "\"%.60s\" must be replicated, global or replicated-job",
                               text);
    return GANTRY_OK;
}

static gantry_status read_replicas(struct gy_loader *l, struct gy_service *s,
                                   const struct gy_yaml *replicas)
{
    const struct gy_yaml *scale = gy_yaml_value(s->y, "scale");
    int64_t a = -1, b = -1;
    gantry_status status = gy_compose_int(l, replicas, 0, 100000, &a);
    if (!status) status = gy_compose_int(l, scale, 0, 100000, &b);
    if (status) return status;
    if (a >= 0 && b >= 0 && a != b)
        return gy_compose_fail(l, scale,
                               "%d, but deploy.replicas (line %d) says %d: write one of the two",
                               (int)b, replicas->line, (int)a);
    int64_t n = a >= 0 ? a : b;
    if (n < 0) return GANTRY_OK;
    if (s->app.mode == GY_APP_GLOBAL)
        return gy_compose_fail(l, a >= 0 ? replicas : scale,
                               "cannot be together with mode: global, which runs one on each node");
    s->app.replicas = n;
    s->said |= GY_SAID_REPLICAS;
    return GANTRY_OK;
}

static gantry_status read_preferences(struct gy_loader *l, struct gy_service *s,
                                      const struct gy_yaml *y)
{
    if (!y) return GANTRY_OK;
    gantry_status status = gy_compose_is_list(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *item = y->items[i];
        const char *spread = NULL;
        if (item->kind == GY_YAML_MAP && item->n == 1)
            status = gy_compose_text(l, gy_yaml_get(item, "spread"), &spread);
        if (!status && !spread)
            return gy_compose_fail(l, item, "must be {spread: node.labels.NAME}");
        if (!status) gy_strs_add(&s->app.placement.spread, spread);
    }
    return status;
}

static gantry_status read_placement(struct gy_loader *l, struct gy_service *s,
                                    const struct gy_yaml *y)
{
    if (!y) return GANTRY_OK;
    s->said |= GY_SAID_PLACEMENT;
    struct gy_placement *p = &s->app.placement;
    gantry_status status =
        gy_compose_strings(l, gy_yaml_get(y, "constraints"), false, &p->constraints);
    if (!status) status = read_preferences(l, s, gy_yaml_value(y, "preferences"));
    if (!status)
        status =
            gy_compose_int(l, gy_yaml_get(y, "max_replicas_per_node"), 0, 10000, &p->max_per_node);
    return status;
}

static gantry_status read_update(struct gy_loader *l, struct gy_service *s, const struct gy_yaml *y)
{
    static const char *const orders[] = {"stop-first", "start-first", NULL};
    if (!y) return GANTRY_OK;
    s->said |= GY_SAID_UPDATE;
    struct gy_update *u = &s->app.update;
    const struct gy_yaml *parallelism = gy_yaml_get(y, "parallelism");
    gantry_status status = gy_compose_int(l, parallelism, 0, 10000, &u->parallelism);
    if (!status && u->parallelism == 0) u->parallelism = 10000; /* Compose: 0 = all at once */
    if (!status)
        status =
            gy_compose_duration(l, gy_yaml_get(y, "delay"), 0, GY_COMPOSE_DAY_MS, &u->delay_ms);
    if (!status) status = gy_compose_word(l, gy_yaml_get(y, "order"), orders, &u->order);
    return status;
}

gantry_status gy_service_read_deploy(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *deploy = gy_yaml_value(s->y, "deploy");
    gantry_status status = read_mode(l, s, gy_yaml_get(deploy, "mode"));
    if (!status) status = read_replicas(l, s, gy_yaml_value(deploy, "replicas"));
    if (!status) status = read_placement(l, s, gy_yaml_value(deploy, "placement"));
    if (!status) status = read_update(l, s, gy_yaml_value(deploy, "update_config"));
    if (!status) status = gy_compose_pairs(l, gy_yaml_get(deploy, "labels"), NULL, &s->app.labels);
    return status;
}

typedef gantry_status amount_reader(struct gy_loader *, const struct gy_yaml *, int64_t *);

static gantry_status read_pids(struct gy_loader *l, const struct gy_yaml *y, int64_t *out)
{
    gantry_status status = gy_compose_int(l, y, -1, 4194304, out);
    if (!status && *out < 0) *out = 0; /* Compose: -1 = no limit */
    return status;
}

/* One amount that has an older key beside the one in deploy. */
static gantry_status read_amount(struct gy_loader *l, const struct gy_yaml *y,
                                 const struct gy_yaml *older, amount_reader *read, int64_t *out)
{
    int64_t a = 0, b = 0;
    gantry_status status = read(l, y, &a);
    if (!status) status = read(l, older, &b);
    if (status) return status;
    if (a && b && a != b)
        return gy_compose_fail(l, older,
                               "differs from deploy.resources (line %d): write one of "
                               "the two",
                               y->line);
    *out = a ? a : b;
    return GANTRY_OK;
}

gantry_status gy_service_read_resources(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *all = gy_yaml_value(gy_yaml_value(s->y, "deploy"), "resources");
    const struct gy_yaml *max = gy_yaml_value(all, "limits");
    const struct gy_yaml *min = gy_yaml_value(all, "reservations");
    struct gy_container *c = gy_service_container(s);
    const struct {
        const struct gy_yaml *y, *older;
        amount_reader *read;
        int64_t *out;
    } amounts[] = {
        {gy_yaml_get(max, "cpus"), gy_yaml_get(s->y, "cpus"), gy_compose_cpus,
         &c->limits.cpu_milli},
        {gy_yaml_get(max, "memory"), gy_yaml_get(s->y, "mem_limit"), gy_compose_bytes,
         &c->limits.memory_bytes},
        {gy_yaml_get(max, "pids"), gy_yaml_get(s->y, "pids_limit"), read_pids, &c->limits.pids},
        {gy_yaml_get(min, "cpus"), NULL, gy_compose_cpus, &c->reservations.cpu_milli},
        {gy_yaml_get(min, "memory"), gy_yaml_get(s->y, "mem_reservation"), gy_compose_bytes,
         &c->reservations.memory_bytes},
    };
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts && !status; i++)
        status = read_amount(l, amounts[i].y, amounts[i].older, amounts[i].read, amounts[i].out);
    const struct gy_yaml *what = min ? min : all ? all : s->y;
    if (status) return status;
    if (c->limits.cpu_milli && c->reservations.cpu_milli > c->limits.cpu_milli)
        return gy_compose_fail(l, what, "more CPUs are reserved than the limit allows");
    if (c->limits.memory_bytes && c->reservations.memory_bytes > c->limits.memory_bytes)
        return gy_compose_fail(l, what, "more memory is reserved than the limit allows");
    return GANTRY_OK;
}
