/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom. */
#include "compose/project.h"

static const struct gy_yaml *place_of(const struct gy_service *s, const char *name)
{
    const struct gy_yaml *list = gy_yaml_value(s->y, "depends_on");
    if (!list) return s->y;
    if (list->kind == GY_YAML_MAP) return gy_yaml_get(list, name);
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->kind == GY_YAML_SCALAR && !strcmp(list->items[i]->text, name))
            return list->items[i];
    return list;
}

static gantry_status not_there(struct gy_loader *l, struct gy_project *p, const struct gy_yaml *at,
                               const char *name, bool required)
{
    const struct gy_yaml *inactive = gy_yaml_get(p->all, name);
    const struct gy_yaml *profiles = gy_yaml_value(inactive, "profiles");
    if (inactive && !required) return GANTRY_OK;
    if (inactive) {
        const char *profile = profiles && profiles->n && profiles->items[0]->kind == GY_YAML_SCALAR
                                  ? profiles->items[0]->text
                                  : "NAME";
        return gy_compose_fail(l, at,
                               "services.%.80s is in a profile that is not active: add --profile "
                               "%.80s, or write required: false here",
                               name, profile);
    }
    if (!required) {
        gy_compose_warn(l, at, "there is no service \"%.80s\"", name);
        return GANTRY_OK;
    }
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < p->all->n && n < 256; i++)
        names[n++] = p->all->items[i]->key;
    const char *near = gy_nearest(name, names, n);
    return gy_compose_fail(l, at, "there is no service \"%.80s\"%s%s%s", name,
                           near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* *drop: the dependency means nothing for apps. */
static gantry_status resolve_one(struct gy_loader *l, struct gy_project *p, struct gy_service *s,
                                 struct gy_depends *d, bool *drop)
{
    const struct gy_yaml *at = place_of(s, d->app);
    long index = gy_names_find(p->by_service, d->app);
    if (index < 0) {
        *drop = true;
        return not_there(l, p, at, d->app, d->required);
    }
    const struct gy_service *on = &p->services[index];
    const char *app = gy_service_app(on);
    if (!strcmp(app, gy_service_app(s))) {
        *drop = true;
        if (d->condition == GY_DEPENDS_STARTED) return GANTRY_OK;
        return gy_compose_fail(l, at, "both are in the pod \"%s\", whose containers start together",
                               app);
    }
    free(d->app);
    d->app = gy_strdup(app);
    return GANTRY_OK;
}

static void remove_depends(struct gy_list *list, size_t i)
{
    struct gy_depends *items = list->items;
    gy_shape_fini(&gy_depends_shape, &items[i]);
    memmove(items + i, items + i + 1, (list->n - i - 1) * sizeof *items);
    list->n--;
}

/* Two services of one pod are one app: keep the stronger condition. */
static void join_same(struct gy_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = i + 1; j < list->n;) {
            struct gy_depends *a = GY_AT(struct gy_depends, *list, i);
            const struct gy_depends *b = GY_AT(struct gy_depends, *list, j);
            if (strcmp(a->app, b->app) != 0) {
                j++;
                continue;
            }
            if (b->condition > a->condition) a->condition = b->condition;
            a->required |= b->required;
            remove_depends(list, j);
        }
}

static gantry_status resolve_depends(struct gy_loader *l, struct gy_project *p,
                                     struct gy_service *s)
{
    struct gy_list *list = &s->app.depends_on;
    for (size_t i = 0; i < list->n;) {
        bool drop = false;
        gantry_status status = resolve_one(l, p, s, GY_AT(struct gy_depends, *list, i), &drop);
        if (status) return status;
        if (drop)
            remove_depends(list, i);
        else
            i++;
    }
    join_same(list);
    return GANTRY_OK;
}

static gantry_status resolve_affinities(struct gy_loader *l, struct gy_project *p,
                                        struct gy_service *s)
{
    struct gy_list *list = &s->app.placement.affinities;
    for (size_t i = 0; i < list->n; i++) {
        struct gy_affinity *a = GY_AT(struct gy_affinity, *list, i);
        if (strchr(a->app, '/')) continue;
        long index = gy_names_find(p->by_service, a->app);
        if (index < 0 && gy_names_find(p->by_app, a->app) >= 0) continue;
        if (index < 0) {
            gy_compose_warn(l, gy_yaml_value(s->y, "x-gantry"),
                            "there is no app \"%s\" in this file; one of another project is "
                            "written PROJECT/NAME",
                            a->app);
            continue;
        }
        free(a->app);
        a->app = gy_strdup(gy_service_app(&p->services[index]));
    }
    return GANTRY_OK;
}

/* An app that others wait for to complete is a job. */
static gantry_status make_jobs(struct gy_loader *l, struct gy_project *p)
{
    for (size_t i = 0; i < p->apps; i++) {
        const struct gy_list *list = &p->leaders[i]->app.depends_on;
        for (size_t k = 0; k < list->n; k++) {
            const struct gy_depends *d = GY_AT(struct gy_depends, *list, k);
            if (d->condition != GY_DEPENDS_COMPLETED) continue;
            long index = gy_names_find(p->by_app, d->app);
            if (index < 0) continue;
            struct gy_service *on = p->leaders[index];
            bool any = (on->said & GY_SAID_RESTART) && on->app.restart.condition == GY_RESTART_ANY;
            if (on->app.mode == GY_APP_GLOBAL || any)
                return gy_compose_fail(l, on->y,
                                       "services.%s waits for it to complete, which it never does: "
                                       "%s",
                                       p->leaders[i]->name,
                                       any ? "write restart: on-failure or \"no\""
                                           : "its mode is global");
            on->app.mode = GY_APP_JOB;
        }
    }
    for (size_t i = 0; i < p->apps; i++) {
        struct gy_service *s = p->leaders[i];
        if (s->app.mode != GY_APP_JOB) continue;
        if (!(s->said & GY_SAID_RESTART)) s->app.restart.condition = GY_RESTART_ON_FAILURE;
        if (s->app.restart.condition == GY_RESTART_ANY)
            return gy_compose_fail(l, s->y,
                                   "a job ends when it succeeds: write restart: "
                                   "on-failure or \"no\"");
    }
    return GANTRY_OK;
}

struct step { /* of a walk along depends_on */
    size_t app;
    size_t next; /* element of its depends_on */
};

static gantry_status name_circle(struct gy_loader *l, struct gy_project *p, const struct step *walk,
                                 size_t n, size_t back_to)
{
    struct gy_buf text = {0};
    size_t i = 0;
    while (walk[i].app != back_to)
        i++;
    for (; i < n; i++)
        gy_buf_printf(&text, "%s waits for ", p->leaders[walk[i].app]->app.name);
    const struct gy_service *s = p->leaders[back_to];
    const struct gy_yaml *list = gy_yaml_value(s->y, "depends_on");
    gantry_status status =
        gy_compose_fail(l, list ? list : s->y, "a circle: %.400s%s", text.text, s->app.name);
    gy_buf_fini(&text);
    return status;
}

/* Depth first, without recursion: a chain may be as long as the file. */
static gantry_status refuse_circles(struct gy_loader *l, struct gy_project *p)
{
    enum { NEW, OPEN, DONE };
    struct step *walk = gy_arena_alloc(&l->arena, p->apps * sizeof *walk);
    char *state = gy_arena_alloc(&l->arena, p->apps);
    for (size_t root = 0; root < p->apps; root++) {
        size_t n = 0;
        if (state[root] == NEW) walk[n++] = (struct step){root, 0};
        state[root] = state[root] == NEW ? OPEN : state[root];
        while (n) {
            struct step *at = &walk[n - 1];
            const struct gy_list *list = &p->leaders[at->app]->app.depends_on;
            if (at->next == list->n) {
                state[at->app] = DONE;
                n--;
                continue;
            }
            const char *name = GY_AT(struct gy_depends, *list, at->next++)->app;
            long on = gy_names_find(p->by_app, name);
            if (on < 0 || state[on] == DONE) continue;
            if (state[on] == OPEN) return name_circle(l, p, walk, n, (size_t)on);
            state[on] = OPEN;
            walk[n++] = (struct step){(size_t)on, 0};
        }
    }
    return GANTRY_OK;
}

gantry_status gy_project_resolve(struct gy_loader *l, struct gy_project *p)
{
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < p->n && !status; i++) {
        status = resolve_depends(l, p, &p->services[i]);
        if (!status) status = resolve_affinities(l, p, &p->services[i]);
    }
    return status;
}

gantry_status gy_project_order(struct gy_loader *l, struct gy_project *p)
{
    gantry_status status = make_jobs(l, p);
    return status ? status : refuse_circles(l, p);
}
