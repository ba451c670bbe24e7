/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of namespaces, projects, apps and pods: from the index, spliced together of encoded
 * objects. */
#include "server/private.h"

#include <stdio.h>

/* ---- selectors ---- */

static bool matches(const char *wanted, const char *value)
{
    return !wanted || gy_streq(wanted, value);
}

/* All of label=k=v, label=k (is there), label=k!=v. */
static bool labels_match(const struct gy_http_request *req, const struct gy_map *labels)
{
    const char *key, *value;
    for (size_t i = 0; gy_http_query_at(req, i, &key, &value); i++) {
        if (!gy_streq(key, "label")) continue;
        const char *eq = strchr(value, '=');
        bool not_equal = eq && eq > value && eq[-1] == '!';
        gy_autofree char *name =
            eq ? gy_strndup(value, (size_t)(eq - value) - not_equal) : gy_strdup(value);
        const char *have = gy_map_get(labels, name);
        if (eq ? (not_equal ? gy_streq(have, eq + 1) : !gy_streq(have, eq + 1)) : !have)
            return false;
    }
    return true;
}

/* ---- namespaces and projects ---- */

void gy_route_namespaces(struct gy_server *s, struct gy_http_request *req)
{
    json_t *items = json_array(), *last = NULL;
    const char *ns = NULL, *project = NULL;
    json_int_t apps = 0, projects = 0;
    struct gy_index_app *app = gy_index_app_from(s->o.cluster, NULL);
    for (; app; app = gy_index_app_after(app)) {
        if (!app->record || !gy_req_sees(req, app->ns)) continue;
        if (!gy_streq(ns, app->ns)) {
            last = json_object();
            json_object_set_new(last, "name", json_string(app->ns));
            json_array_append_new(items, last);
            apps = projects = 0;
            project = NULL;
        }
        projects += !gy_streq(project, app->project);
        apps++;
        ns = app->ns;
        project = app->project;
        json_object_set_new(last, "projects", json_integer(projects));
        json_object_set_new(last, "apps", json_integer(apps));
    }
    gy_http_reply_json(
        req, 200,
        json_pack("{s:o,s:I}", "items", items, "revision", (json_int_t)gy_store_rev(s->o.store)));
}

void gy_route_projects(struct gy_server *s, struct gy_http_request *req)
{
    const char *ns = gy_req_label(req, "ns");
    if (!ns) return;
    gy_autofree char *prefix = gy_printf("%s/", ns);
    json_t *items = json_array(), *last = NULL;
    const char *project = NULL;
    json_int_t apps = 0, desired = 0, ready = 0;
    struct gy_index_app *app = gy_index_app_from(s->o.cluster, prefix);
    for (; app && gy_starts_with(app->key, prefix); app = gy_index_app_after(app)) {
        if (!app->record) continue;
        if (!gy_streq(project, app->project)) {
            last = json_object();
            json_object_set_new(last, "name", json_string(app->project));
            json_array_append_new(items, last);
            apps = desired = ready = 0;
        }
        struct gy_app_status status;
        gy_index_app_count(s->o.cluster, app, &status);
        project = app->project;
        json_object_set_new(last, "apps", json_integer(++apps));
        json_object_set_new(last, "desired", json_integer(desired += (json_int_t)status.desired));
        json_object_set_new(last, "ready", json_integer(ready += (json_int_t)status.ready));
    }
    gy_http_reply_json(
        req, 200,
        json_pack("{s:o,s:I}", "items", items, "revision", (json_int_t)gy_store_rev(s->o.store)));
}

/* ---- apps ---- */

void gy_route_apps(struct gy_server *s, struct gy_http_request *req)
{
    struct list list;
    if (!gy_list_start(req, &list)) return;
    const char *from = gy_http_query(req, "continue"), *ns = gy_http_query(req, "namespace"),
               *project = gy_http_query(req, "project"), *name = gy_http_query(req, "name");
    struct gy_index_app *app = gy_index_app_from(s->o.cluster, from);
    for (; app; app = gy_index_app_after(app)) {
        if (!app->record || gy_streq(app->key, from)) continue;
        if (!matches(ns, app->ns) || !matches(project, app->project) || !matches(name, app->name) ||
            !gy_req_sees(req, app->ns) || !labels_match(req, &app->app.labels))
            continue;
        if (!gy_list_blob(&list, gy_index_app_view(s->o.cluster, app), app->key)) break;
    }
    gy_list_reply(req, &list, gy_store_rev(s->o.store));
}

void gy_route_app(struct gy_server *s, struct gy_http_request *req)
{
    const char *ns = gy_req_label(req, "ns");
    const char *project = ns ? gy_req_label(req, "project") : NULL;
    const char *name = project ? gy_req_label(req, "app") : NULL;
    if (!name) return;
    gy_autofree char *key = gy_printf("%s/%s/%s", ns, project, name);
    struct gy_index_app *app = gy_index_app(s->o.cluster, key);
    if (!app || !app->record) {
        gy_reply_missing(req, "there is no app %s/%s in namespace %s", project, name, ns);
        return;
    }
    char etag[32];
    snprintf(etag, sizeof etag, "\"%llu\"", (unsigned long long)app->record->mod_rev);
    gy_http_reply_header(req, "ETag", etag);
    gy_reply_blob(req, gy_index_app_view(s->o.cluster, app));
}

/* ---- pods ---- */

static void pod_key(const struct gy_index_app *app, int64_t slot, const char *id, char *out,
                    size_t size)
{
    snprintf(out, size, "%s/%010lld/%s", app->key, (long long)slot, id);
}

/* The app part of a continue key. */
static char *app_of_key(const char *from)
{
    const char *end = from;
    for (int slashes = 0; *end; end++)
        if (*end == '/' && ++slashes == 3) break;
    return gy_strndup(from, (size_t)(end - from));
}

/* Pods that have a node and those that wait for one, by slot. */
static bool add_pods(struct gy_server *s, struct list *list, struct gy_index_app *app,
                     const char *node, const char *from)
{
    char key[GY_STORE_KEY_MAX];
    struct gy_index_pod *pod = gy_index_pod_first(app);
    size_t i = node ? app->waiting_count : 0;
    while (pod || i < app->waiting_count) {
        bool more = true;
        if (i < app->waiting_count && (!pod || app->waiting[i] <= pod->slot)) {
            pod_key(app, app->waiting[i], "", key, sizeof key);
            if (!from || strcmp(key, from) > 0) {
                struct gy_blob *view = gy_index_waiting_view(app, i);
                more = gy_list_blob(list, view, key);
                gy_blob_put(view);
            }
            i++;
        } else {
            pod_key(app, pod->slot, pod->id, key, sizeof key);
            if (matches(node, pod->node) && (!from || strcmp(key, from) > 0))
                more = gy_list_blob(list, gy_index_pod_view(s->o.cluster, pod), key);
            pod = gy_index_pod_after(pod);
        }
        if (!more) return false;
    }
    return true;
}

void gy_route_pods(struct gy_server *s, struct gy_http_request *req)
{
    struct list list;
    if (!gy_list_start(req, &list)) return;
    const char *from = gy_http_query(req, "continue"), *ns = gy_http_query(req, "namespace"),
               *project = gy_http_query(req, "project"), *name = gy_http_query(req, "app"),
               *node = gy_http_query(req, "node");
    gy_autofree char *from_app = from ? app_of_key(from) : NULL;
    struct gy_index_app *app = gy_index_app_from(s->o.cluster, from_app);
    for (; app; app = gy_index_app_after(app)) {
        if (!matches(ns, app->ns) || !matches(project, app->project) || !matches(name, app->name) ||
            !gy_req_sees(req, app->ns) || !labels_match(req, &app->app.labels))
            continue;
        if (!add_pods(s, &list, app, node, gy_streq(app->key, from_app) ? from : NULL)) break;
    }
    gy_list_reply(req, &list, gy_store_rev(s->o.store));
}

struct gy_index_pod *gy_find_pod(struct gy_server *s, struct gy_http_request *req, const char *id,
                                 enum gy_role role)
{
    struct gy_index_pod *found = gy_index_pod(s->o.cluster, id);
    if (!found && strlen(id) < 4) {
        gy_http_reply_error(
            req, 400, "EINVAL", "id",
            "\"%.40s\" is too short: a pod is named by its id or at least the first "
            "4 characters of it",
            id);
        return NULL;
    }
    gy_autofree char *prefix = gy_printf("pod/%.64s", id);
    struct gy_store_object *first = found ? NULL : gy_store_next(s->o.store, prefix, NULL);
    if (first) {
        if (gy_store_next(s->o.store, prefix, first->key)) {
            gy_http_reply_error(req, 409, "ECONFLICT", "id",
                                "several pods begin with \"%.40s\"; give more of the id", id);
            return NULL;
        }
        found = gy_index_pod(s->o.cluster, first->key + 4);
    }
    if (!found || !gy_req_sees(req, found->app->ns)) {
        gy_reply_missing(req, "there is no pod \"%.40s\"", id);
        return NULL;
    }
    return gy_req_enters(req, role, found->app->ns) ? found : NULL;
}

void gy_route_pod(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_index_pod *pod = gy_find_pod(s, req, gy_http_param(req, "id"), GY_ROLE_VIEW);
    if (pod) gy_reply_blob(req, gy_index_pod_view(s->o.cluster, pod));
}

/* ---- nodes ---- */

static bool node_labels_match(struct gy_server *s, const struct gy_http_request *req,
                              struct gy_index_node *node)
{
    if (!gy_http_query(req, "label")) return true;
    struct gy_node view = {0};
    struct gy_blob *blob = gy_index_node_view(s->o.cluster, node);
    bool match = gy_shape_decode_text(&gy_node_shape, blob->text, blob->len, GY_FROM_PEER, &view,
                                      NULL) == GANTRY_OK &&
                 labels_match(req, &view.labels);
    gy_shape_fini(&gy_node_shape, &view);
    return match;
}

void gy_route_nodes(struct gy_server *s, struct gy_http_request *req)
{
    struct list list;
    if (!gy_list_start(req, &list)) return;
    const char *from = gy_http_query(req, "continue");
    struct gy_index_node *node = gy_index_node_first(s->o.cluster);
    for (; node; node = gy_index_node_after(node)) {
        if (!node->report_record || (from && strcmp(node->name, from) <= 0) ||
            !node_labels_match(s, req, node))
            continue;
        if (!gy_list_blob(&list, gy_index_node_view(s->o.cluster, node), node->name)) break;
    }
    gy_list_reply(req, &list, gy_store_rev(s->o.store));
}

void gy_route_node(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_index_node *node = gy_index_node(s->o.cluster, gy_http_param(req, "name"));
    if (!node || !node->report_record) {
        gy_reply_missing(req, "there is no node \"%.63s\"", gy_http_param(req, "name"));
        return;
    }
    gy_reply_blob(req, gy_index_node_view(s->o.cluster, node));
}
