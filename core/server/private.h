/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the API. */
#ifndef GY_SERVER_PRIVATE_H
#define GY_SERVER_PRIVATE_H

#include "server/server.h"

#define LIST_LIMIT 500
#define LIST_LIMIT_MAX 10000

enum schema { /* of bodies, in the API document */
              SCHEMA_NONE,
              SCHEMA_ERROR,
              SCHEMA_VERSION,
              SCHEMA_OBJECT, /* a free object */
              SCHEMA_NAMESPACES,
              SCHEMA_PROJECTS,
              SCHEMA_PROJECT,
              SCHEMA_PLAN,
              SCHEMA_SCALE,
              SCHEMA_APP,
              SCHEMA_APP_VIEW,
              SCHEMA_APP_LIST,
              SCHEMA_POD_VIEW,
              SCHEMA_POD_LIST,
              SCHEMA_NODE,
              SCHEMA_NODE_LIST,
              SCHEMA_NODE_PATCH,
              SCHEMA_EVENT_LIST,
              SCHEMA_LINES, /* JSON lines */
              SCHEMA_FRAMES,
              SCHEMA_BYTES,
};

struct route {
    const char *method, *pattern;
    enum gy_role role;
    void (*handle)(struct gy_server *s, struct gy_http_request *req);
    enum schema request, response;
    const char *query; /* parameters it knows, separated by blanks; others are refused */
    const char *summary;
};
extern const struct route gy_routes[];
extern const size_t gy_route_count;

struct watcher; /* watch.c */
struct stream;  /* streams.c */

struct bound_route {
    struct gy_server *server;
    const struct route *route;
};

struct gy_server {
    struct gy_server_options o;
    const struct gy_link *link;
    struct bound_route *bound;
    struct watcher *watchers; /* doubly linked */
    uv_timer_t *keepalive;    /* of watchers */
    struct stream *streams;
    json_t *openapi; /* made at the first question */
    unsigned backups;
    uint64_t writes, refused_writes;
};

/* ---- reply.c ---- */

struct gy_caller *gy_req_caller(const struct gy_http_request *req);
/* Is the caller let into this namespace?  Answers 403 when not. */
bool gy_req_enters(struct gy_http_request *req, enum gy_role role, const char *ns);
/* May the caller see objects of ns?  For lists, which leave out what is not. */
bool gy_req_sees(const struct gy_http_request *req, const char *ns);
/* Path parameter that must be a label; answers 400 and gives NULL when it is not. */
const char *gy_req_label(struct gy_http_request *req, const char *name);
/* Query values; false: 400 was answered. */
bool gy_req_int(struct gy_http_request *req, const char *name, int64_t min, int64_t max,
                int64_t fallback, int64_t *out);
bool gy_req_bool(struct gy_http_request *req, const char *name, bool *out);
/* Revision of If-Match or ?revision=; *given false when neither is there. */
bool gy_req_revision(struct gy_http_request *req, uint64_t *out, bool *given);
void gy_reply_einval(struct gy_http_request *req, const char *path, const struct gy_error *err);
void gy_reply_missing(struct gy_http_request *req, const char *fmt, ...) GANTRY_PRINTF(2, 3);
void gy_reply_blob(struct gy_http_request *req, struct gy_blob *blob); /* shares it */

/* A list that is built of shared blobs: {"items":[...],"revision":N,"continue":"..."}. */
struct list {
    struct gy_http_piece *pieces;
    size_t n, cap, items;
    int64_t limit;
    bool full;          /* the limit is reached, and there is more */
    char *continue_key; /* of the last item */
};
bool gy_list_start(struct gy_http_request *req, struct list *list); /* reads ?limit= */
/* False: the list is full; ask no more.  Takes a reference of its own. */
bool gy_list_blob(struct list *list, struct gy_blob *blob, const char *key);
bool gy_list_object(struct list *list, struct gy_store_object *object, const char *key);
void gy_list_reply(struct gy_http_request *req, struct list *list, uint64_t revision);

/* ---- the rest ---- */

void gy_route_project_put(struct gy_server *s, struct gy_http_request *req);
void gy_route_project_delete(struct gy_server *s, struct gy_http_request *req);
void gy_route_project_scale(struct gy_server *s, struct gy_http_request *req);
void gy_route_app_put(struct gy_server *s, struct gy_http_request *req);
void gy_route_app_delete(struct gy_server *s, struct gy_http_request *req);
void gy_route_namespaces(struct gy_server *s, struct gy_http_request *req);
void gy_route_projects(struct gy_server *s, struct gy_http_request *req);
void gy_route_apps(struct gy_server *s, struct gy_http_request *req);
void gy_route_app(struct gy_server *s, struct gy_http_request *req);
void gy_route_pods(struct gy_server *s, struct gy_http_request *req);
void gy_route_pod(struct gy_server *s, struct gy_http_request *req);
void gy_route_nodes(struct gy_server *s, struct gy_http_request *req);
void gy_route_node(struct gy_server *s, struct gy_http_request *req);
void gy_route_node_patch(struct gy_server *s, struct gy_http_request *req);
void gy_route_events(struct gy_server *s, struct gy_http_request *req);
void gy_route_watch(struct gy_server *s, struct gy_http_request *req);
void gy_route_logs(struct gy_server *s, struct gy_http_request *req);
void gy_route_exec(struct gy_server *s, struct gy_http_request *req);
void gy_route_version(struct gy_server *s, struct gy_http_request *req);
void gy_route_openapi(struct gy_server *s, struct gy_http_request *req);
void gy_route_explain(struct gy_server *s, struct gy_http_request *req);
void gy_route_plugins(struct gy_server *s, struct gy_http_request *req);
void gy_route_plugin(struct gy_server *s, struct gy_http_request *req);
void gy_route_config(struct gy_server *s, struct gy_http_request *req);
void gy_route_stats(struct gy_server *s, struct gy_http_request *req);
void gy_route_backup(struct gy_server *s, struct gy_http_request *req);
void gy_route_store_check(struct gy_server *s, struct gy_http_request *req);

/* The pod of an id or a unique prefix of at least 4; answers 404, 409 or 403 and gives NULL. */
struct gy_index_pod *gy_find_pod(struct gy_server *s, struct gy_http_request *req, const char *id,
                                 enum gy_role role);
json_t *gy_openapi_make(void);
void gy_watchers_stop_all(struct gy_server *s);
void gy_watchers_init(struct gy_server *s);
size_t gy_watchers_count(const struct gy_server *s);
void gy_streams_stop_all(struct gy_server *s);
void gy_record_event(struct gy_server *s, const char *kind, const char *ns, const char *project,
                     const char *app, const char *fmt, ...) GANTRY_PRINTF(6, 7);
void gy_audit(struct gy_server *s, const struct gy_http_request *req, const char *what);

#endif
