/* SPDX-License-Identifier: Apache-2.0 */
/* x-gantry: what Compose cannot say (its health is in health.c). */
#include "compose/service.h"

static gantry_status read_affinity(struct gy_loader *l, const struct gy_yaml *item, bool anti,
                                   struct gy_list *out)
{
    const char *app = NULL;
    bool soft = false;
    gantry_status status = GANTRY_OK;
    if (item->kind == GY_YAML_SCALAR) {
        app = item->text;
    } else {
        status = gy_compose_is_map(l, item);
        for (size_t i = 0; i < item->n && !status; i++)
            if (!strcmp(item->items[i]->key, "app"))
                status = gy_compose_text(l, item->items[i], &app);
            else if (!strcmp(item->items[i]->key, "soft"))
                status = gy_compose_bool(l, item->items[i], &soft);
            else
                status = gy_compose_fail(l, item->items[i], "unknown key; it has app and soft");
    }
    if (status) return status;
    if (!app || !*app) return gy_compose_fail(l, item, "app is missing: NAME or PROJECT/NAME");
    const char *slash = strchr(app, '/');
    gy_autofree char *project = gy_strndup(app, slash ? (size_t)(slash - app) : 0);
    if ((slash && !gy_is_label(project)) || !gy_is_label(slash ? slash + 1 : app))
        return gy_compose_fail(l, item,
                               "\"%.120s\" is not the name of an app: NAME or PROJECT/NAME", app);
    struct gy_affinity *a = gy_list_add(out, &gy_affinity_shape);
    a->app = gy_strdup(app);
    a->anti = anti;
    a->soft = soft;
    return GANTRY_OK;
}

static gantry_status read_affinities(struct gy_loader *l, const struct gy_yaml *y, bool anti,
                                     struct gy_service *s)
{
    if (!y) return GANTRY_OK;
    s->said |= GY_SAID_PLACEMENT;
    gantry_status status = gy_compose_is_list(l, y);
    if (!status && y->n > 64) return gy_compose_fail(l, y, "more than 64 apps");
    for (size_t i = 0; i < y->n && !status; i++)
        status = read_affinity(l, y->items[i], anti, &s->app.placement.affinities);
    return status;
}

static gantry_status read_job(struct gy_loader *l, const struct gy_yaml *y, struct gy_service *s)
{
    bool job = s->app.mode == GY_APP_JOB;
    gantry_status status = gy_compose_bool(l, y, &job);
    if (status || job == (s->app.mode == GY_APP_JOB)) return status;
    if (s->said & GY_SAID_MODE)
        return gy_compose_fail(l, y, "differs from deploy.mode: write one of the two");
    s->app.mode = GY_APP_JOB;
    s->said |= GY_SAID_MODE;
    return GANTRY_OK;
}

static gantry_status read_max_per_node(struct gy_loader *l, const struct gy_yaml *y,
                                       struct gy_service *s)
{
    int64_t n = 0;
    gantry_status status = gy_compose_int(l, y, 0, 10000, &n);
    if (status || !n) return status;
    if (s->app.placement.max_per_node && s->app.placement.max_per_node != n)
        return gy_compose_fail(l, y,
                               "differs from deploy.placement.max_replicas_per_node: write "
                               "one of the two");
    s->app.placement.max_per_node = n;
    s->said |= GY_SAID_PLACEMENT;
    return GANTRY_OK;
}

gantry_status gy_service_read_extension(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *y = gy_yaml_value(s->y, "x-gantry");
    if (!y) return GANTRY_OK;
    struct gy_placement *p = &s->app.placement;
    const struct gy_yaml *grace = gy_yaml_value(y, "grace");
    const struct gy_yaml *deadline = gy_yaml_value(y, "progress_deadline");
    gantry_status status = read_job(l, gy_yaml_get(y, "job"), s);
    if (!status) status = gy_compose_bool(l, gy_yaml_get(y, "at_most_one"), &s->app.at_most_one);
    if (!status) status = gy_compose_string(l, gy_yaml_get(y, "driver"), &p->driver);
    if (!status) status = gy_compose_string(l, gy_yaml_get(y, "strategy"), &p->strategy);
    if (!status) status = gy_compose_duration(l, grace, 0, 7 * GY_COMPOSE_DAY_MS, &s->app.grace_ms);
    if (!status)
        status = gy_compose_duration(l, deadline, 1000, GY_COMPOSE_DAY_MS,
                                     &s->app.update.progress_deadline_ms);
    if (!status) status = read_affinities(l, gy_yaml_value(y, "affinity"), false, s);
    if (!status) status = read_affinities(l, gy_yaml_value(y, "anti_affinity"), true, s);
    if (!status) status = read_max_per_node(l, gy_yaml_get(y, "max_per_node"), s);
    if (!status) status = gy_compose_text(l, gy_yaml_get(y, "pod"), &s->pod);
    if (status) return status;
    if (s->pod && !gy_is_label(s->pod))
        return gy_compose_fail(l, gy_yaml_get(y, "pod"),
                               "\"%.80s\" must be 1 to 63 lower-case letters, digits and inner "
                               "hyphens",
                               s->pod);
    if (p->driver || p->strategy) s->said |= GY_SAID_PLACEMENT;
    if (grace) s->said |= GY_SAID_GRACE;
    if (deadline) s->said |= GY_SAID_UPDATE;
    if (s->app.at_most_one) s->said |= GY_SAID_AT_MOST_ONE;
    if (s->app.at_most_one && s->app.update.order == GY_UPDATE_START_FIRST)
        return gy_compose_fail(l, gy_yaml_get(y, "at_most_one"),
                               "cannot be together with order: start-first, which runs two copies "
                               "for a while");
    return GANTRY_OK;
}
