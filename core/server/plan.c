/* SPDX-License-Identifier: Apache-2.0 */
#include "server/plan.h"

#include <stdio.h>

const char *const gy_plan_action_names[] = {"none",  "create", "update", "replace",
                                            "scale", "remove", NULL};

/* ---- checks ---- */

static const struct gy_app *find_wanted(const struct gy_plan_input *in, const char *name)
{
    for (size_t i = 0; i < in->wanted_count; i++)
        if (gy_streq(in->wanted[i]->name, name)) return in->wanted[i];
    return NULL;
}

static size_t index_of(const struct gy_plan_input *in, const struct gy_app *app)
{
    size_t i = 0;
    while (in->wanted[i] != app)
        i++;
    return i;
}

static gantry_status check_names(const struct gy_plan_input *in, char path[128],
                                 struct gy_error *err)
{
    for (size_t i = 0; i < in->wanted_count; i++)
        for (size_t j = 0; j < i; j++)
            if (gy_streq(in->wanted[i]->name, in->wanted[j]->name)) {
                snprintf(path, 128, "apps[%zu].name", i);
                return gy_error_set(err, GANTRY_EINVAL, "apps[%zu].name: \"%s\" is used twice", i,
                                    in->wanted[i]->name);
            }
    return GANTRY_OK;
}

static gantry_status check_targets(const struct gy_plan_input *in, char path[128],
                                   struct gy_error *err)
{
    for (size_t i = 0; i < in->wanted_count; i++)
        for (size_t j = 0; j < in->wanted[i]->depends_on.n; j++) {
            const struct gy_depends *d = GY_AT(struct gy_depends, in->wanted[i]->depends_on, j);
            const struct gy_app *target = find_wanted(in, d->app);
            snprintf(path, 128, "apps[%zu].depends_on[%zu]", i, j);
            if (!target && d->required)
                return gy_error_set(err, GANTRY_EINVAL,
                                    "%s.app: %s waits for \"%s\", which the project does not have",
                                    path, in->wanted[i]->name, d->app);
            if (target && d->condition == GY_DEPENDS_COMPLETED && target->mode != GY_APP_JOB &&
                target->restart.condition == GY_RESTART_ANY)
                return gy_error_set(err, GANTRY_EINVAL,
                                    "%s.condition: %s waits for \"%s\" to complete, which never "
                                    "ends: give it restart \"on-failure\" or mode \"job\"",
                                    path, in->wanted[i]->name, d->app);
        }
    path[0] = '\0';
    return GANTRY_OK;
}

/* Depth first; state 1 = on the way, 2 = done.  trail holds the way, for the sentence. */
static bool find_cycle(const struct gy_plan_input *in, size_t at, char *state, size_t *trail,
                       size_t depth, struct gy_buf *text)
{
    state[at] = 1;
    trail[depth] = at;
    const struct gy_app *app = in->wanted[at];
    for (size_t j = 0; j < app->depends_on.n; j++) {
        const struct gy_app *target =
            find_wanted(in, GY_AT(struct gy_depends, app->depends_on, j)->app);
        if (!target) continue;
        size_t next = index_of(in, target);
        if (state[next] == 1) {
            size_t from = depth;
            while (trail[from] != next)
                from--;
            for (; from <= depth; from++)
                gy_buf_printf(text, "%s → ", in->wanted[trail[from]]->name);
            gy_buf_str(text, target->name);
            return true;
        }
        if (!state[next] && find_cycle(in, next, state, trail, depth + 1, text)) return true;
    }
    state[at] = 2;
    return false;
}

static gantry_status check_cycles(const struct gy_plan_input *in, char path[128],
                                  struct gy_error *err)
{
    gy_autofree char *state = gy_alloc(in->wanted_count + 1);
    size_t *trail = gy_alloc_array(in->wanted_count + 1, sizeof *trail);
    struct gy_buf text = {0};
    bool found = false;
    size_t at = 0;
    for (size_t i = 0; i < in->wanted_count && !found; i++) {
        if (!state[i]) found = find_cycle(in, i, state, trail, 0, &text);
        at = i;
    }
    free(trail);
    if (found) {
        snprintf(path, 128, "apps[%zu].depends_on", at);
        gy_error_set(err, GANTRY_EINVAL, "depends_on goes in a circle: %s", text.text);
    }
    gy_buf_fini(&text);
    return found ? GANTRY_EINVAL : GANTRY_OK;
}

static bool is_any(const char *ip)
{
    return !ip || gy_streq(ip, "0.0.0.0") || gy_streq(ip, "::");
}

/* Would both want the same socket on one node? */
static bool ports_clash(const struct gy_port *a, const struct gy_port *b)
{
    if (!a->published || a->published != b->published || a->protocol != b->protocol) return false;
    return is_any(a->host_ip) || is_any(b->host_ip) || gy_streq(a->host_ip, b->host_ip);
}

static gantry_status check_ports_against(const struct gy_app *app, size_t index,
                                         const struct gy_app *other, char path[128],
                                         struct gy_error *err)
{
    for (size_t i = 0; i < app->ports.n; i++)
        for (size_t j = 0; j < other->ports.n; j++) {
            const struct gy_port *p = GY_AT(struct gy_port, app->ports, i);
            if (!ports_clash(p, GY_AT(struct gy_port, other->ports, j))) continue;
            snprintf(path, 128, "apps[%zu].ports[%zu].published", index, i);
            return gy_error_set(err, GANTRY_EINVAL,
                                "%s: port %lld is published by %s/%s/%s already; choose another",
                                path, (long long)p->published, other->ns, other->project,
                                other->name);
        }
    return GANTRY_OK;
}

static gantry_status check_ports(const struct gy_plan_input *in, char path[128],
                                 struct gy_error *err)
{
    for (size_t i = 0; i < in->wanted_count; i++)
        for (size_t j = 0; j < i; j++)
            if (check_ports_against(in->wanted[i], i, in->wanted[j], path, err) != GANTRY_OK)
                return GANTRY_EINVAL;
    const struct gy_app *other;
    while (in->next_other && (other = in->next_other(in->arg)))
        for (size_t i = 0; i < in->wanted_count; i++)
            if (check_ports_against(in->wanted[i], i, other, path, err) != GANTRY_OK)
                return GANTRY_EINVAL;
    return GANTRY_OK;
}

/* ---- differences ---- */

static void name_change(struct gy_buf *out, const char *prefix, const char *key)
{
    gy_buf_printf(out, "%s%s%s", out->len ? ", " : "", prefix,
                  gy_streq(key, "env") ? "environment" : key);
}

/* Names of the members in which two objects differ. */
static void name_differences(struct gy_buf *out, const char *prefix, json_t *a, json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach (a, key, value)
        if (!json_equal(value, json_object_get(b, key))) name_change(out, prefix, key);
    json_object_foreach (b, key, value)
        if (!json_object_get(a, key)) name_change(out, prefix, key);
}

static json_t *container_named(json_t *containers, const char *name)
{
    size_t i;
    json_t *c;
    json_array_foreach (containers, i, c)
        if (gy_streq(json_string_value(json_object_get(c, "name")), name)) return c;
    return NULL;
}

static void name_containers(struct gy_buf *out, json_t *a, json_t *b)
{
    json_t *from = json_object_get(a, "containers"), *to = json_object_get(b, "containers"), *c;
    bool one = json_array_size(from) == 1 && json_array_size(to) == 1;
    size_t i;
    json_array_foreach (to, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        json_t *old = one ? json_array_get(from, 0) : container_named(from, name);
        gy_autofree char *prefix = one ? gy_strdup("") : gy_printf("%s.", name);
        if (old)
            name_differences(out, prefix, old, c);
        else
            name_change(out, "new container ", name);
    }
    json_array_foreach (from, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        if (!one && !container_named(to, name)) name_change(out, "without container ", name);
    }
    if (!gy_streq(json_string_value(json_object_get(a, "hostname")),
                  json_string_value(json_object_get(b, "hostname"))))
        name_change(out, "", "hostname");
}

static char *changes_of(const struct gy_app *a, const struct gy_app *b)
{
    static const char *const apart[] = {"pod", "replicas", "generation", "created_ms"};
    json_t *from = gy_shape_encode(&gy_app_shape, a), *to = gy_shape_encode(&gy_app_shape, b);
    struct gy_buf out = {0};
    name_containers(&out, json_object_get(from, "pod"), json_object_get(to, "pod"));
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        json_object_del(from, apart[i]);
        json_object_del(to, apart[i]);
    }
    name_differences(&out, "", from, to);
    json_decref(from);
    json_decref(to);
    return gy_buf_take(&out);
}

static struct gy_plan_step *add_step(struct gy_plan *plan, const char *app,
                                     enum gy_plan_action action)
{
    GY_VEC_PUSH(plan->steps, plan->n, plan->cap);
    struct gy_plan_step *step = &plan->steps[plan->n++];
    *step = (struct gy_plan_step){.app = gy_strdup(app), .action = action};
    return step;
}

static void plan_new(struct gy_plan *plan, struct gy_app *app, const struct gy_plan_input *in)
{
    app->generation = (int64_t)in->revision + 1;
    app->created_ms = in->now_ms;
    struct gy_plan_step *step = add_step(plan, app->name, GY_PLAN_CREATE);
    long long n = (long long)app->replicas;
    if (app->mode == GY_APP_GLOBAL)
        step->text = gy_printf("%s: new (a pod on each node)", app->name);
    else if (app->mode == GY_APP_JOB)
        step->text = gy_printf("%s: new (job, %lld to complete)", app->name, n);
    else
        step->text = gy_printf("%s: new (%lld pod%s)", app->name, n, n == 1 ? "" : "s");
}

static void plan_change(struct gy_plan *plan, struct gy_app *app, const struct gy_app *old)
{
    bool replace = gy_app_needs_new_pods(old, app);
    bool scale = app->replicas != old->replicas && app->mode != GY_APP_GLOBAL;
    app->created_ms = old->created_ms;
    app->generation = old->generation + replace;
    gy_autofree char *changed = changes_of(old, app);
    struct gy_plan_step *step = add_step(plan, app->name,
                                         replace      ? GY_PLAN_REPLACE
                                         : changed[0] ? GY_PLAN_UPDATE
                                         : scale      ? GY_PLAN_SCALE
                                                      : GY_PLAN_NONE);
    gy_autofree char *count =
        gy_printf("%s %lld → %lld", app->name, (long long)old->replicas, (long long)app->replicas);
    if (step->action == GY_PLAN_NONE)
        step->text = gy_printf("%s: no change", app->name);
    else if (step->action == GY_PLAN_SCALE)
        step->text = GY_GIVE(count);
    else if (scale)
        step->text = gy_printf("%s, changed: %s", count, changed);
    else
        step->text = gy_printf("%s: changed: %s", app->name, changed);
}

static void warn(struct gy_plan *plan, const struct gy_app *app)
{
    for (size_t i = 0; i < app->ports.n; i++) {
        const struct gy_port *p = GY_AT(struct gy_port, app->ports, i);
        if (p->mode != GY_PORT_HOST || app->mode == GY_APP_GLOBAL || app->replicas < 2) continue;
        gy_autofree char *text = gy_printf(
            "%s: port %lld has mode host: at most one pod a node, so %lld pods need %lld nodes",
            app->name, (long long)p->published, (long long)app->replicas, (long long)app->replicas);
        gy_strs_add(&plan->warnings, text);
        break;
    }
    if (!app->at_most_one) return;
    gy_autofree char *text = gy_printf("%s: at_most_one: a pod of it is replaced only when it is "
                                       "surely gone: while its node cannot "
                                       "be reached it is waited for, however long that takes",
                                       app->name);
    gy_strs_add(&plan->warnings, text);
}

gantry_status gy_plan_make(const struct gy_plan_input *in, struct gy_plan *out, char path[128],
                           struct gy_error *err)
{
    path[0] = '\0';
    *out = (struct gy_plan){0};
    if (check_names(in, path, err) != GANTRY_OK || check_targets(in, path, err) != GANTRY_OK ||
        check_cycles(in, path, err) != GANTRY_OK || check_ports(in, path, err) != GANTRY_OK)
        return GANTRY_EINVAL;
    for (size_t i = 0; i < in->wanted_count; i++) {
        struct gy_app *app = in->wanted[i];
        const struct gy_app *old = NULL;
        for (size_t j = 0; j < in->present_count && !old; j++)
            if (gy_streq(in->present[j]->name, app->name)) old = in->present[j];
        if (old)
            plan_change(out, app, old);
        else
            plan_new(out, app, in);
        warn(out, app);
    }
    for (size_t j = 0; j < in->present_count; j++)
        if (!find_wanted(in, in->present[j]->name))
            add_step(out, in->present[j]->name, GY_PLAN_REMOVE)->text =
                gy_printf("%s: removed", in->present[j]->name);
    return GANTRY_OK;
}

void gy_plan_fini(struct gy_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->steps[i].app);
        free(plan->steps[i].text);
    }
    free(plan->steps);
    for (size_t i = 0; i < plan->warnings.n; i++)
        free(plan->warnings.items[i]);
    free(plan->warnings.items);
    *plan = (struct gy_plan){0};
}

json_t *gy_plan_json(const struct gy_plan *plan)
{
    json_t *out = json_object(), *warnings = json_array(), *steps = json_array();
    for (size_t i = 0; i < plan->warnings.n; i++)
        json_array_append_new(warnings, json_string(plan->warnings.items[i]));
    for (size_t i = 0; i < plan->n; i++)
        json_array_append_new(steps, json_pack("{s:s,s:s,s:s}", "app", plan->steps[i].app, "action",
                                               gy_plan_action_names[plan->steps[i].action], "text",
                                               plan->steps[i].text));
    json_object_set_new(out, "warnings", warnings);
    json_object_set_new(out, "plan", steps);
    return out;
}
