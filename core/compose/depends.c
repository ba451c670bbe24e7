/* SPDX-License-Identifier: Apache-2.0 */
/* depends_on.  The names are those of services still; project.c turns them into apps. */
#include "compose/service.h"

static gantry_status read_long(struct gy_loader *l, const struct gy_yaml *y, struct gy_depends *d)
{
    static const char *const conditions[] = {"service_started", "service_healthy",
                                             "service_completed_successfully", NULL};
    gantry_status status = GANTRY_OK;
    if (y->kind == GY_YAML_NULL) return GANTRY_OK;
    status = gy_compose_is_map(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *v = y->items[i];
        bool restart = false;
        if (!strcmp(v->key, "condition")) {
            status = gy_compose_word(l, v, conditions, &d->condition);
        } else if (!strcmp(v->key, "required")) {
            status = gy_compose_bool(l, v, &d->required);
        } else if (!strcmp(v->key, "restart")) {
            status = gy_compose_bool(l, v, &restart);
            if (!status && restart)
                return gy_compose_fail(l, v,
                                       "not supported yet: an app is not restarted when one "
                                       "that it depends on is");
        } else {
            status = gy_compose_fail(l, v, "unknown key; it has condition, required and restart");
        }
    }
    return status;
}

gantry_status gy_service_read_depends(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *y = gy_yaml_value(s->y, "depends_on");
    if (!y) return GANTRY_OK;
    if (y->kind == GY_YAML_SCALAR)
        return gy_compose_fail(l, y, "must be a list of services, or a map: [%.60s]", y->text);
    if (y->n > 64) return gy_compose_fail(l, y, "more than 64 services");
    for (size_t i = 0; i < y->n; i++) {
        const struct gy_yaml *item = y->items[i];
        if (y->kind == GY_YAML_LIST && item->kind != GY_YAML_SCALAR)
            return gy_compose_fail(l, item, "must be the name of a service");
        const char *name = y->kind == GY_YAML_LIST ? item->text : item->key;
        if (!strcmp(name, s->name))
            return gy_compose_fail(l, item, "a service cannot wait for itself");
        for (size_t j = 0; j < s->app.depends_on.n; j++)
            if (!strcmp(GY_AT(struct gy_depends, s->app.depends_on, j)->app, name))
                return gy_compose_fail(l, item, "\"%.80s\" is there twice", name);
        struct gy_depends *d = gy_list_add(&s->app.depends_on, &gy_depends_shape);
        d->app = gy_strdup(name);
        gantry_status status = y->kind == GY_YAML_MAP ? read_long(l, item, d) : GANTRY_OK;
        if (status) return status;
    }
    return GANTRY_OK;
}
