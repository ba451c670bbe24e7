/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, and the life of the server. */
#include "server/private.h"

#include "base/log.h"
#include "base/time.h"

#include <stdio.h>

#define PROJECT "/v1/namespaces/{ns}/projects/{project}"

const struct route gy_routes[] = {
    {"GET", "/v1/version", GY_ROLE_VIEW, gy_route_version, SCHEMA_NONE, SCHEMA_VERSION, "",
     "what answers here"},
    {"GET", "/v1/openapi.json", GY_ROLE_VIEW, gy_route_openapi, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "this document"},
    {"GET", "/v1/namespaces", GY_ROLE_VIEW, gy_route_namespaces, SCHEMA_NONE, SCHEMA_NAMESPACES, "",
     "namespaces in use"},
    {"GET", "/v1/namespaces/{ns}/projects", GY_ROLE_VIEW, gy_route_projects, SCHEMA_NONE,
     SCHEMA_PROJECTS, "", "projects of a namespace"},
    {"PUT", PROJECT, GY_ROLE_EDIT, gy_route_project_put, SCHEMA_PROJECT, SCHEMA_PLAN, "dry_run",
     "make a project as the body says; apps not named are removed"},
    {"DELETE", PROJECT, GY_ROLE_EDIT, gy_route_project_delete, SCHEMA_NONE, SCHEMA_PLAN, "dry_run",
     "remove a project and stop its pods"},
    {"POST", PROJECT "/scale", GY_ROLE_EDIT, gy_route_project_scale, SCHEMA_SCALE, SCHEMA_PLAN,
     "dry_run", "set the number of pods of some apps"},
    {"GET", "/v1/apps", GY_ROLE_VIEW, gy_route_apps, SCHEMA_NONE, SCHEMA_APP_LIST,
     "namespace project name label limit continue", "apps"},
    {"GET", PROJECT "/apps/{app}", GY_ROLE_VIEW, gy_route_app, SCHEMA_NONE, SCHEMA_APP_VIEW, "",
     "one app"},
    {"PUT", PROJECT "/apps/{app}", GY_ROLE_EDIT, gy_route_app_put, SCHEMA_APP, SCHEMA_PLAN,
     "dry_run revision", "make one app as the body says"},
    {"DELETE", PROJECT "/apps/{app}", GY_ROLE_EDIT, gy_route_app_delete, SCHEMA_NONE, SCHEMA_PLAN,
     "dry_run revision", "remove one app and stop its pods"},
    {"GET", "/v1/pods", GY_ROLE_VIEW, gy_route_pods, SCHEMA_NONE, SCHEMA_POD_LIST,
     "namespace project app node label limit continue",
     "pods; those that wait for a node have no id"},
    {"GET", "/v1/pods/{id}", GY_ROLE_VIEW, gy_route_pod, SCHEMA_NONE, SCHEMA_POD_VIEW, "",
     "one pod, by id or a unique prefix of at least 4 characters"},
    {"GET", "/v1/pods/{id}/logs", GY_ROLE_VIEW, gy_route_logs, SCHEMA_NONE, SCHEMA_FRAMES,
     "container follow tail since_ms previous timestamps", "what its containers wrote"},
    {"POST", "/v1/pods/{id}/exec", GY_ROLE_EDIT, gy_route_exec, SCHEMA_NONE, SCHEMA_FRAMES,
     "container tty stdin width height arg user workdir",
     "run a command in it; the connection becomes gantry-stream"},
    {"GET", "/v1/nodes", GY_ROLE_VIEW, gy_route_nodes, SCHEMA_NONE, SCHEMA_NODE_LIST,
     "label limit continue", "nodes"},
    {"GET", "/v1/nodes/{name}", GY_ROLE_VIEW, gy_route_node, SCHEMA_NONE, SCHEMA_NODE, "",
     "one node"},
    {"PATCH", "/v1/nodes/{name}", GY_ROLE_ADMIN, gy_route_node_patch, SCHEMA_NODE_PATCH,
     SCHEMA_NODE, "", "labels and drain of a node"},
    {"GET", "/v1/events", GY_ROLE_VIEW, gy_route_events, SCHEMA_NONE, SCHEMA_EVENT_LIST,
     "namespace project app since_ms limit follow",
     "what happened; follow=true: JSON lines, first those there are"},
    {"GET", "/v1/watch", GY_ROLE_VIEW, gy_route_watch, SCHEMA_NONE, SCHEMA_LINES,
     "kinds namespace project node from", "changes as JSON lines"},
    {"GET", "/v1/explain", GY_ROLE_VIEW, gy_route_explain, SCHEMA_NONE, SCHEMA_OBJECT, "app pod",
     "why an app or a pod is as it is"},
    {"GET", "/v1/plugins", GY_ROLE_VIEW, gy_route_plugins, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "plugins that are loaded"},
    {"GET", "/v1/plugins/{name}", GY_ROLE_VIEW, gy_route_plugin, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "one plugin, with its settings"},
    {"GET", "/v1/config", GY_ROLE_ADMIN, gy_route_config, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "the effective configuration, secrets masked"},
    {"GET", "/v1/stats", GY_ROLE_VIEW, gy_route_stats, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "latencies, queues, turns of the loop"},
    {"POST", "/v1/backup", GY_ROLE_ADMIN, gy_route_backup, SCHEMA_NONE, SCHEMA_BYTES, "",
     "a consistent copy of the store"},
    {"POST", "/v1/store/check", GY_ROLE_ADMIN, gy_route_store_check, SCHEMA_NONE, SCHEMA_OBJECT, "",
     "look for damage in the store"},
};
const size_t gy_route_count = sizeof gy_routes / sizeof *gy_routes;

static bool knows(const struct route *route, const char *key)
{
    size_t n = strlen(key);
    for (const char *p = route->query; *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && !memcmp(p, key, n)) return true;
        p += len + strspn(p + len, " ");
    }
    return false;
}

static void dispatch(void *arg, struct gy_http_request *req)
{
    const struct bound_route *bound = arg;
    const struct route *route = bound->route;
    const char *key, *value;
    for (size_t i = 0; gy_http_query_at(req, i, &key, &value); i++)
        if (!knows(route, key)) {
            gy_http_reply_error(req, 400, "EINVAL", key, "unknown parameter \"%.60s\"%s%s", key,
                                route->query[0] ? "; known are: " : "; none is known here",
                                route->query);
            return;
        }
    const struct gy_caller *caller = gy_req_caller(req);
    if (!caller || caller->role < route->role) {
        gy_req_enters(req, route->role, NULL);
        return;
    }
    const char *ns = gy_http_param(req, "ns");
    if (ns && !gy_req_enters(req, route->role, ns)) return;
    /* What is about the whole cluster is not for a caller of some namespaces. */
    if (!ns && route->role == GY_ROLE_ADMIN && !gy_req_enters(req, route->role, NULL)) return;
    route->handle(bound->server, req);
}

void gy_record_event(struct gy_server *s, const char *kind, const char *ns, const char *project,
                     const char *app, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct gy_event event = {.time_ms = gy_time_wall_ms(),
                             .kind = (char *)(uintptr_t)kind,
                             .ns = (char *)(uintptr_t)ns,
                             .project = (char *)(uintptr_t)project,
                             .app = (char *)(uintptr_t)app,
                             .text = text};
    gy_events_record(s->o.events, &event);
}

void gy_audit(struct gy_server *s, const struct gy_http_request *req, const char *what)
{
    s->writes++;
    const struct gy_caller *caller = gy_req_caller(req);
    char peer[GY_ADDRESS_FULL_MAX];
    gy_address_format(gy_http_peer(req), peer);
    gy_log(GY_LOG_INFO, "audit", "write caller=%s peer=%s method=%s path=%.300s what=\"%.300s\"",
           caller ? caller->name : "", peer, gy_http_method(req), gy_http_path(req), what);
}

struct gy_server *gy_server_create(const struct gy_server_options *options)
{
    struct gy_server *s = gy_alloc(sizeof *s);
    s->o = *options;
    s->bound = gy_alloc_array(gy_route_count, sizeof *s->bound);
    gy_http_server_guard(s->o.http, gy_auth_guard, s->o.auth);
    for (size_t i = 0; i < gy_route_count; i++) {
        s->bound[i] = (struct bound_route){s, &gy_routes[i]};
        gy_http_server_route(s->o.http, gy_routes[i].method, gy_routes[i].pattern, dispatch,
                             &s->bound[i]);
    }
    gy_watchers_init(s);
    return s;
}

void gy_server_set_link(struct gy_server *s, const struct gy_link *link)
{
    s->link = link;
}

void gy_server_stop(struct gy_server *s)
{
    gy_watchers_stop_all(s);
    gy_streams_stop_all(s);
}

void gy_server_destroy(struct gy_server *s)
{
    if (!s) return;
    json_decref(s->openapi);
    free(s->bound);
    free(s);
}
