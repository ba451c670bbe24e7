/* SPDX-License-Identifier: Apache-2.0 */
/* Writes of apps: every one becomes "the project shall be like this", one plan and one transaction.
 */
#include "server/private.h"

#include "base/log.h"
#include "base/time.h"
#include "model/key.h"
#include "server/plan.h"
#include <utlist.h>

#include <stdio.h>

#define ATTEMPTS 5    /* when another writer was faster and the caller did not compare */
#define APPS_MAX 2000 /* of one project */

enum verb { PROJECT_PUT, PROJECT_DELETE, PROJECT_SCALE, APP_PUT, APP_DELETE };

/* One write under way; owned by the request that it answers. */
struct write {
    struct gy_server *server;
    struct gy_http_request *req;
    enum verb verb;
    const char *ns, *project, *app; /* of the request */
    uint64_t if_rev;
    bool compares, dry_run;
    unsigned attempt;
    struct gy_app *apps; /* the project as it shall be */
    size_t n;
    struct gy_app **wanted;
    struct gy_plan plan;
    char path[128];
    struct gy_error err;
    struct write *prev, *next; /* in `open`: others check their ports against these */
};

static struct write *open_writes; /* [loop]: of the one server of the process */

static void forget_apps(struct write *w)
{
    for (size_t i = 0; i < w->n; i++)
        gy_shape_fini(&gy_app_shape, &w->apps[i]);
    free(GY_GIVE(w->apps));
    free(GY_GIVE(w->wanted));
    w->n = 0;
    gy_plan_fini(&w->plan);
}

static void destroy(struct write *w)
{
    DL_DELETE(open_writes, w);
    forget_apps(w);
    free(w);
}

static void refuse(struct write *w)
{
    w->server->refused_writes++;
    gy_http_reply_failure(w->req, &w->err, w->path[0] ? w->path : NULL);
    destroy(w);
}

/* ---- what is, and what shall be ---- */

static size_t present_apps(struct write *w, const struct gy_app ***out)
{
    gy_autofree char *prefix = gy_printf("%s/%s/", w->ns, w->project);
    size_t n = 0, cap = 0;
    *out = NULL;
    struct gy_index_app *app = gy_index_app_from(w->server->o.cluster, prefix);
    for (; app && gy_starts_with(app->key, prefix); app = gy_index_app_after(app)) {
        if (!app->record) continue;
        GY_VEC_PUSH(*out, n, cap);
        (*out)[n++] = &app->app;
    }
    return n;
}

static struct gy_app *add_app(struct write *w, const struct gy_app *from)
{
    w->apps = gy_grow(w->apps, w->n + 1, sizeof *w->apps);
    struct gy_app *app = &w->apps[w->n++];
    *app = (struct gy_app){0};
    if (from) gy_shape_copy(&gy_app_shape, from, app);
    return app;
}

/* The names of the path hold; what the object says must not differ. */
static bool settle_name(struct write *w, char **member, const char *value, const char *name)
{
    if (*member && !gy_streq(*member, value)) {
        snprintf(w->path + strlen(w->path), sizeof w->path - strlen(w->path), "%s%s",
                 w->path[0] ? "." : "", name);
        gy_error_set(&w->err, GANTRY_EINVAL, "%s: is \"%s\", but the path says \"%s\"", w->path,
                     *member, value);
        return false;
    }
    if (!*member) *member = gy_strdup(value);
    return true;
}

static bool decode_app(struct write *w, const json_t *json, const char *path)
{
    struct gy_app *app = add_app(w, NULL);
    struct gy_error err = GY_ERROR_INIT;
    snprintf(w->path, sizeof w->path, "%s", path);
    if (gy_shape_decode(&gy_app_shape, json, GY_FROM_USER, app, &err) != GANTRY_OK) {
        const char *dot = path[0] && err.text[0] != '[' ? "." : "";
        size_t len = strcspn(err.text, ": ");
        gy_error_set(&w->err, GANTRY_EINVAL, "%s%s%s", path, dot, err.text);
        if (err.text[len] == ':')
            snprintf(w->path, sizeof w->path, "%s%s%.*s", path, dot, (int)(len < 90 ? len : 90),
                     err.text);
        return false;
    }
    return settle_name(w, &app->ns, w->ns, "namespace") &&
           settle_name(w, &app->project, w->project, "project") &&
           (w->verb != APP_PUT || settle_name(w, &app->name, w->app, "name"));
}

/* {"apps":[...]} */
static bool want_project(struct write *w, const json_t *body)
{
    const json_t *apps = json_object_get(body, "apps"), *json;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)body, key, value)
        if (!gy_streq(key, "apps")) {
            snprintf(w->path, sizeof w->path, "%.100s", key);
            gy_error_set(&w->err, GANTRY_EINVAL,
                         "%.100s: unknown field; a project has \"apps\" alone", key);
            return false;
        }
    if (!json_is_array(apps)) {
        snprintf(w->path, sizeof w->path, "apps");
        gy_error_set(&w->err, GANTRY_EINVAL,
                     apps ? "apps: must be an array of apps" : "apps: is missing");
        return false;
    }
    if (json_array_size(apps) > APPS_MAX) {
        snprintf(w->path, sizeof w->path, "apps");
        gy_error_set(&w->err, GANTRY_EINVAL, "apps: %zu apps, a project has at most %d",
                     json_array_size(apps), APPS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(apps); i++) {
        char path[32];
        json = json_array_get(apps, i);
        snprintf(path, sizeof path, "apps[%zu]", i);
        if (!decode_app(w, json, path)) return false;
    }
    return true;
}

static void say_missing(struct write *w, const struct gy_app *const *present, size_t n,
                        const char *name)
{
    struct gy_buf names = {0};
    for (size_t i = 0; i < n; i++)
        gy_buf_printf(&names, "%s%s", i ? ", " : "", present[i]->name);
    if (n)
        gy_error_set(&w->err, GANTRY_ENOTFOUND, "project %s has no app \"%.63s\"; it has %.600s",
                     w->project, name, names.text);
    else
        gy_error_set(&w->err, GANTRY_ENOTFOUND, "there is no project %s in namespace %s",
                     w->project, w->ns);
    gy_buf_fini(&names);
}

/* {"replicas":{"web":5}} */
static bool want_scale(struct write *w, const json_t *body, const struct gy_app *const *present,
                       size_t n)
{
    json_t *counts = json_object_get(body, "replicas"), *count;
    const char *name;
    snprintf(w->path, sizeof w->path, "replicas");
    if (!json_is_object(counts) || json_object_size(body) != 1 || !json_object_size(counts)) {
        gy_error_set(&w->err, GANTRY_EINVAL,
                     "replicas: the body must be {\"replicas\":{\"APP\":N,...}}");
        return false;
    }
    for (size_t i = 0; i < n; i++)
        add_app(w, present[i]);
    json_object_foreach (counts, name, count) {
        struct gy_app *app = NULL;
        for (size_t i = 0; i < n; i++)
            if (gy_streq(w->apps[i].name, name)) app = &w->apps[i];
        snprintf(w->path, sizeof w->path, "replicas.%.63s", name);
        if (!app) {
            say_missing(w, present, n, name);
            return false;
        }
        if (!json_is_integer(count) || json_integer_value(count) < 0 ||
            json_integer_value(count) > 100000) {
            gy_error_set(&w->err, GANTRY_EINVAL, "%s: must be a number from 0 to 100000", w->path);
            return false;
        }
        if (app->mode == GY_APP_GLOBAL) {
            gy_error_set(&w->err, GANTRY_EINVAL,
                         "%s: %s is global: it has one pod on each node and cannot be scaled",
                         w->path, name);
            return false;
        }
        app->replicas = json_integer_value(count);
    }
    w->path[0] = '\0';
    return true;
}

static bool want_one(struct write *w, const json_t *body, const struct gy_app *const *present,
                     size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (gy_streq(present[i]->name, w->app))
            found = true;
        else
            add_app(w, present[i]);
    }
    if (w->verb == APP_PUT) return decode_app(w, body, "");
    if (!found) say_missing(w, present, n, w->app);
    return found;
}

static bool want(struct write *w, const json_t *body, const struct gy_app *const *present, size_t n)
{
    switch (w->verb) {
    case PROJECT_PUT: return want_project(w, body);
    case PROJECT_SCALE: return want_scale(w, body, present, n);
    case PROJECT_DELETE:
        if (!n) say_missing(w, present, n, "");
        return n > 0;
    case APP_PUT:
    case APP_DELETE: break;
    }
    return want_one(w, body, present, n);
}

/* ---- the plan ---- */

/* All apps of other projects, then those that other writes are about to store. */
struct others {
    struct write *self, *write;
    struct gy_index_app *app;
    size_t i;
    bool in_writes;
};

static const struct gy_app *next_other(void *arg)
{
    struct others *o = arg;
    while (!o->in_writes && o->app) {
        struct gy_index_app *app = o->app;
        o->app = gy_index_app_after(app);
        if (app->record &&
            !(gy_streq(app->ns, o->self->ns) && gy_streq(app->project, o->self->project)))
            return &app->app;
    }
    if (!o->in_writes) {
        o->in_writes = true;
        o->write = open_writes;
        o->i = 0;
    }
    for (; o->write; o->write = o->write->next, o->i = 0) {
        struct write *w = o->write;
        if (w == o->self ||
            (gy_streq(w->ns, o->self->ns) && gy_streq(w->project, o->self->project)))
            continue;
        if (o->i < w->n) return &w->apps[o->i++];
    }
    return NULL;
}

static gantry_status make_plan(struct write *w, const struct gy_app *const *present, size_t n)
{
    w->wanted = gy_alloc_array(w->n + 1, sizeof *w->wanted);
    for (size_t i = 0; i < w->n; i++)
        w->wanted[i] = &w->apps[i];
    struct others others = {.self = w, .app = gy_index_app_from(w->server->o.cluster, NULL)};
    struct gy_plan_input in = {.wanted = w->wanted,
                               .wanted_count = w->n,
                               .present = present,
                               .present_count = n,
                               .next_other = next_other,
                               .arg = &others,
                               .now_ms = gy_time_wall_ms(),
                               .revision = gy_store_rev(w->server->o.store)};
    return gy_plan_make(&in, &w->plan, w->path, &w->err);
}

static void answer(struct write *w, uint64_t rev)
{
    json_t *out = gy_plan_json(&w->plan);
    json_object_set_new(out, "revision", json_integer((json_int_t)rev));
    if (w->verb == APP_PUT) {
        char etag[32];
        snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)rev);
        gy_http_reply_header(w->req, "ETag", etag);
    }
    gy_http_reply_json(w->req, 200, out);
    destroy(w);
}

static void record_steps(struct write *w)
{
    static const char *const kinds[] = {"app.unchanged", "app.created", "app.changed",
                                        "app.changed",   "app.scaled",  "app.removed"};
    for (size_t i = 0; i < w->plan.n; i++) {
        const struct gy_plan_step *step = &w->plan.steps[i];
        if (step->action == GY_PLAN_NONE) continue;
        gy_record_event(w->server, kinds[step->action], w->ns, w->project, step->app, "%s",
                        step->text);
        gy_audit(w->server, w->req, step->text);
    }
}

/* ---- the transaction ---- */

static void start(struct write *w);

static void stored(void *arg, const struct gy_store_outcome *outcome)
{
    struct write *w = arg;
    if (outcome->status == GANTRY_OK) {
        record_steps(w);
        answer(w, outcome->rev);
        return;
    }
    if (outcome->status == GANTRY_ECONFLICT && !w->compares && ++w->attempt < ATTEMPTS) {
        forget_apps(w);
        start(w);
        return;
    }
    w->path[0] = '\0';
    if (outcome->status == GANTRY_ECANCELED)
        gy_error_set(&w->err, GANTRY_EUNAVAIL,
                     "the server is being stopped; look whether it holds");
    else
        gy_error_set(&w->err, outcome->status, "%s", outcome->text);
    refuse(w);
}

static uint64_t rev_of(struct write *w, const char *key)
{
    struct gy_store_object *object = gy_store_get(w->server->o.store, key);
    return object ? object->mod_rev : 0;
}

static gantry_status commit(struct write *w)
{
    size_t n = w->plan.n, changed = 0;
    struct gy_store_change *changes = gy_alloc_array(n + 1, sizeof *changes);
    struct gy_store_compare *compares = gy_alloc_array(n + 1, sizeof *compares);
    char(*keys)[GY_KEY_MAX] = gy_alloc_array(n + 1, GY_KEY_MAX);
    char **texts = gy_alloc_array(n + 1, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        const struct gy_plan_step *step = &w->plan.steps[i];
        gy_key_app(w->ns, w->project, step->app, keys[i]);
        compares[i] = (struct gy_store_compare){keys[i], rev_of(w, keys[i])};
        if (step->action == GY_PLAN_NONE) continue;
        struct gy_store_change *c = &changes[changed++];
        *c = (struct gy_store_change){.key = keys[i]};
        if (step->action == GY_PLAN_REMOVE) continue;
        for (size_t j = 0; j < w->n; j++)
            if (gy_streq(w->apps[j].name, step->app))
                texts[i] = gy_shape_encode_text(&gy_app_shape, &w->apps[j]);
        c->bytes = texts[i];
        c->len = strlen(texts[i]);
    }
    gantry_status status =
        gy_store_txn(w->server->o.store, changes, changed, compares, n, stored, w, &w->err);
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
    free(keys);
    free(compares);
    free(changes);
    return status;
}

static bool check_revision(struct write *w)
{
    if (!w->compares) return true;
    char key[GY_KEY_MAX];
    gy_key_app(w->ns, w->project, w->app, key);
    uint64_t rev = rev_of(w, key);
    if (rev == w->if_rev) return true;
    if (rev)
        gy_error_set(&w->err, GANTRY_ECONFLICT, "%s is at revision %llu, not %llu: read it again",
                     key, (unsigned long long)rev, (unsigned long long)w->if_rev);
    else
        gy_error_set(&w->err, GANTRY_ECONFLICT, "%s does not exist", key);
    return false;
}

static bool plans_nothing(const struct gy_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->steps[i].action != GY_PLAN_NONE) return false;
    return true;
}

static void start(struct write *w)
{
    const struct gy_app **present;
    json_t *body = NULL;
    w->err = (struct gy_error)GY_ERROR_INIT;
    w->path[0] = '\0';
    bool has_body = w->verb == PROJECT_PUT || w->verb == PROJECT_SCALE || w->verb == APP_PUT;
    if (has_body && !(body = gy_http_body_json(w->req, &w->err))) {
        refuse(w);
        return;
    }
    size_t n = present_apps(w, &present);
    bool fine = check_revision(w);
    if (fine && body && !json_is_object(body)) {
        gy_error_set(&w->err, GANTRY_EINVAL, "the body must be a JSON object");
        fine = false;
    }
    fine = fine && want(w, body, present, n) && make_plan(w, present, n) == GANTRY_OK;
    json_decref(body);
    free(present);
    if (!fine)
        refuse(w);
    else if (w->dry_run || plans_nothing(&w->plan))
        answer(w, gy_store_rev(w->server->o.store));
    else if (commit(w) != GANTRY_OK)
        refuse(w);
}

static void begin(struct gy_server *s, struct gy_http_request *req, enum verb verb)
{
    bool dry_run, compares = false;
    uint64_t if_rev = 0;
    const char *ns = gy_req_label(req, "ns");
    const char *project = ns ? gy_req_label(req, "project") : NULL;
    if (!project) return;
    bool one = verb == APP_PUT || verb == APP_DELETE;
    const char *app = one ? gy_req_label(req, "app") : NULL;
    if ((one && !app) || !gy_req_bool(req, "dry_run", &dry_run)) return;
    if (one && !gy_req_revision(req, &if_rev, &compares)) return;
    struct write *w = gy_alloc(sizeof *w);
    *w = (struct write){.server = s,
                        .req = req,
                        .verb = verb,
                        .ns = ns,
                        .project = project,
                        .app = app,
                        .if_rev = if_rev,
                        .compares = compares,
                        .dry_run = dry_run};
    DL_APPEND(open_writes, w);
    start(w);
}

void gy_route_project_put(struct gy_server *s, struct gy_http_request *req)
{
    begin(s, req, PROJECT_PUT);
}
void gy_route_project_delete(struct gy_server *s, struct gy_http_request *req)
{
    begin(s, req, PROJECT_DELETE);
}
void gy_route_project_scale(struct gy_server *s, struct gy_http_request *req)
{
    begin(s, req, PROJECT_SCALE);
}
void gy_route_app_put(struct gy_server *s, struct gy_http_request *req)
{
    begin(s, req, APP_PUT);
}
void gy_route_app_delete(struct gy_server *s, struct gy_http_request *req)
{
    begin(s, req, APP_DELETE);
}
