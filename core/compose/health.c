/* SPDX-License-Identifier: Apache-2.0 */
/* healthcheck, and x-gantry.health, which says what to ask in its place. */
#include "compose/service.h"

static gantry_status read_probe(struct gy_loader *l, const struct gy_yaml *y, struct gy_health *h)
{
    gantry_status status = gy_compose_is_map(l, y);
    if (status) return status;
    if (y->n != 1)
        return gy_compose_fail(l, y,
                               "write {http: {path: /health, port: 80}} or {tcp: {port: 80}}");
    const struct gy_yaml *probe = y->items[0];
    bool http = !strcmp(probe->key, "http");
    if (!http && strcmp(probe->key, "tcp") != 0)
        return gy_compose_fail(l, probe, "unknown key; it has http or tcp");
    h->kind = http ? GY_HEALTH_HTTP : GY_HEALTH_TCP;
    status = gy_compose_is_map(l, probe);
    for (size_t i = 0; i < probe->n && !status; i++) {
        const struct gy_yaml *v = probe->items[i];
        if (!strcmp(v->key, "port"))
            status = gy_compose_int(l, v, 1, 65535, &h->port);
        else if (!strcmp(v->key, "path") && http)
            status = gy_compose_string(l, v, &h->path);
        else
            status = gy_compose_fail(l, v, "unknown key; it has %s", http ? "path, port" : "port");
    }
    if (status) return status;
    if (!h->port) return gy_compose_fail(l, probe, "port is missing: one of the container's ports");
    if (http && !h->path) h->path = gy_strdup("/");
    if (http && h->path[0] != '/')
        return gy_compose_fail(l, gy_yaml_get(probe, "path"), "must begin with /");
    return GANTRY_OK;
}

/* *none: the file asks for no check. */
static gantry_status read_test(struct gy_loader *l, const struct gy_yaml *y, struct gy_health *h,
                               bool *none)
{
    h->kind = GY_HEALTH_COMMAND;
    struct gy_strs words = {0};
    if (y->kind == GY_YAML_SCALAR) {
        gy_strs_add(&words, "CMD-SHELL");
        gy_strs_add(&words, y->text);
    } else {
        gantry_status status = gy_compose_strings(l, y, false, &words);
        if (status) {
            gy_compose_strs_fini(&words);
            return status;
        }
    }
    gantry_status status = GANTRY_OK;
    const char *how = words.n ? words.items[0] : "";
    if (!strcmp(how, "NONE")) {
        *none = true;
    } else if (!strcmp(how, "CMD-SHELL") && words.n == 2 && *words.items[1]) {
        gy_strs_add(&h->test, "/bin/sh");
        gy_strs_add(&h->test, "-c");
        gy_strs_add(&h->test, words.items[1]);
    } else if (!strcmp(how, "CMD") && words.n > 1) {
        for (size_t i = 1; i < words.n; i++)
            gy_strs_add(&h->test, words.items[i]);
    } else {
        status = gy_compose_fail(l, y,
                                 "must be a string for the shell, [CMD, program, ...], [CMD-SHELL, "
                                 "\"one string\"] or [NONE]");
    }
    gy_compose_strs_fini(&words);
    return status;
}

static gantry_status read_times(struct gy_loader *l, const struct gy_yaml *y, struct gy_health *h)
{
    gantry_status status =
        gy_compose_duration(l, gy_yaml_get(y, "interval"), 100, GY_COMPOSE_DAY_MS, &h->interval_ms);
    if (!status)
        status = gy_compose_duration(l, gy_yaml_get(y, "timeout"), 100, GY_COMPOSE_DAY_MS,
                                     &h->timeout_ms);
    if (!status)
        status = gy_compose_duration(l, gy_yaml_get(y, "start_period"), 0, GY_COMPOSE_DAY_MS,
                                     &h->start_period_ms);
    if (!status)
        status = gy_compose_duration(l, gy_yaml_get(y, "start_interval"), 100, GY_COMPOSE_DAY_MS,
                                     &h->start_interval_ms);
    if (!status) status = gy_compose_int(l, gy_yaml_get(y, "retries"), 1, 1000, &h->retries);
    return status;
}

static gantry_status read_check(struct gy_loader *l, const struct gy_yaml *y,
                                const struct gy_yaml *probe, struct gy_health *h, bool *none)
{
    gantry_status status = GANTRY_OK;
    const struct gy_yaml *test = gy_yaml_value(y, "test");
    bool disable = false;
    if (y) status = gy_compose_bool(l, gy_yaml_get(y, "disable"), &disable);
    if (!status && disable && probe)
        return gy_compose_fail(l, probe, "cannot be together with healthcheck.disable");
    if (disable) *none = true;
    if (status || disable) return status;
    if (probe && test) return gy_compose_fail(l, probe, "cannot be together with healthcheck.test");
    if (probe)
        status = read_probe(l, probe, h);
    else if (test)
        status = read_test(l, test, h, none);
    else
        return gy_compose_fail(l, y, "test is missing: write test: [CMD, program, ...]");
    if (!status && y) status = read_times(l, y, h);
    return status;
}

gantry_status gy_service_read_health(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *y = gy_yaml_value(s->y, "healthcheck");
    const struct gy_yaml *probe = gy_yaml_value(gy_yaml_value(s->y, "x-gantry"), "health");
    if (!y && !probe) return GANTRY_OK;
    if (y && !y->n && !probe) return GANTRY_OK;
    struct gy_health *h = gy_alloc(sizeof *h);
    gy_shape_init(&gy_health_shape, h);
    bool none = false;
    gantry_status status = read_check(l, y, probe, h, &none);
    if (status || none) {
        gy_shape_fini(&gy_health_shape, h);
        free(h);
        return status;
    }
    gy_service_container(s)->health = h;
    return GANTRY_OK;
}
