/* SPDX-License-Identifier: Apache-2.0 */
/* What is about the server itself: version, explain, config, statistics, store. */
#include "server/private.h"

#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <gantry/store.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void gy_route_version(struct gy_server *s, struct gy_http_request *req)
{
    char abi[16];
    snprintf(abi, sizeof abi, "%u.%u", GANTRY_ABI_CURRENT >> 16, GANTRY_ABI_CURRENT & 0xffffu);
    gy_http_reply_json(req, 200,
                       json_pack("{s:s,s:s,s:s,s:s}", "version", GANTRY_VERSION, "abi", abi, "node",
                                 s->o.node, "cluster", s->o.cluster_id));
}

void gy_route_openapi(struct gy_server *s, struct gy_http_request *req)
{
    if (!s->openapi) s->openapi = gy_openapi_make();
    gy_http_reply_json(req, 200, json_incref(s->openapi));
}

json_t *gy_server_openapi(const struct gy_server *s)
{
    (void)s;
    return gy_openapi_make();
}

void gy_route_config(struct gy_server *s, struct gy_http_request *req)
{
    gy_http_reply_json(req, 200, s->o.config ? s->o.config(s->o.config_arg) : json_object());
}

static json_t *store_stats(const struct gy_store *store)
{
    struct gy_store_counts c;
    gy_store_counts(store, &c);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:s}", "revision",
                     (json_int_t)gy_store_rev(store), "objects", (json_int_t)c.objects,
                     "object_bytes", (json_int_t)c.object_bytes, "history_revisions",
                     (json_int_t)c.history_revs, "history_bytes", (json_int_t)c.history_bytes,
                     "transactions_in_flight", (json_int_t)c.txns_in_flight, "subscriptions",
                     (json_int_t)c.subscriptions, "resyncs", (json_int_t)c.resyncs, "compactions",
                     (json_int_t)c.compactions, "compacted", (json_int_t)c.compacted, "ready",
                     gy_store_is_ready(store), "trouble", gy_store_trouble(store));
}

void gy_route_stats(struct gy_server *s, struct gy_http_request *req)
{
    size_t watchers = 0;
    json_t *out = json_object();
    json_object_set_new(out, "http", gy_http_server_stats(s->o.http));
    if (s->o.loop_time) json_object_set_new(out, "loop", gy_loop_time_json(s->o.loop_time));
    json_object_set_new(out, "store", store_stats(s->o.store));
    json_object_set_new(out, "events", gy_events_json(s->o.events));
    if (s->o.queues) json_object_set_new(out, "engine", s->o.queues(s->o.engine_arg));
    watchers = gy_watchers_count(s);
    json_object_set_new(out, "api",
                        json_pack("{s:I,s:I,s:I}", "watchers", (json_int_t)watchers, "writes",
                                  (json_int_t)s->writes, "refused_writes",
                                  (json_int_t)s->refused_writes));
    gy_http_reply_json(req, 200, out);
}

/* ---- explain: what the engine says, and what happened last ---- */

#define EXPLAIN_EVENTS 5
#define EXPLAIN_EVENTS_READ 500 /* of the app, among which those of a pod are looked for */

struct explaining { /* owned by the engine's answer */
    struct gy_server *server;
    struct gy_http_request *req;
    char *ns, *project, *app;
    char *pod;      /* its events alone; NULL = all of the app */
    json_t *events; /* array, oldest first */
};

static void explain_event(void *arg, struct gy_store_object *object)
{
    struct explaining *x = arg;
    json_t *event = gy_json_parse(object->bytes, object->len, object->len, NULL);
    if (event && (!x->pod || gy_streq(json_string_value(json_object_get(event, "pod")), x->pod))) {
        if (json_array_size(x->events) == EXPLAIN_EVENTS) json_array_remove(x->events, 0);
        json_array_append(x->events, event);
    }
    json_decref(event);
}

static void explained(void *arg, gantry_status status, const char *json, const char *text)
{
    struct explaining *x = arg;
    if (status == GANTRY_OK) {
        json_t *answer = gy_json_parse(json, strlen(json), 64u << 20, NULL);
        struct gy_events_filter filter = {.ns = x->ns, .project = x->project, .app = x->app};
        x->events = json_array();
        gy_events_read(x->server->o.events, &filter, EXPLAIN_EVENTS_READ, explain_event, x);
        json_object_set_new(answer, "events", x->events);
        gy_http_reply_json(x->req, 200, answer);
    } else {
        struct gy_error err = GY_ERROR_INIT;
        gy_error_set(&err, status, "%s", text);
        gy_http_reply_failure(x->req, &err, NULL);
    }
    free(x->ns);
    free(x->project);
    free(x->app);
    free(x->pod);
    free(x);
}

void gy_route_explain(struct gy_server *s, struct gy_http_request *req)
{
    const char *key = gy_http_query(req, "app"), *id = gy_http_query(req, "pod");
    if (!key == !id) {
        gy_http_reply_error(req, 400, "EINVAL", "app",
                            "give either ?app=namespace/project/app or ?pod=ID");
        return;
    }
    struct gy_index_app *app = NULL;
    struct gy_index_pod *pod = NULL;
    if (key) {
        app = gy_index_app(s->o.cluster, key);
        if (!app || !app->record || !gy_req_sees(req, app->ns)) {
            gy_reply_missing(req, "there is no app \"%.200s\"; it is named namespace/project/app",
                             key);
            return;
        }
    } else if (!(pod = gy_find_pod(s, req, id, GY_ROLE_VIEW))) {
        return;
    }
    if (!s->o.explain) {
        gy_http_reply_error(req, 503, "EUNAVAIL", NULL, "the engine does not run here");
        return;
    }
    struct explaining *x = gy_alloc(sizeof *x);
    *x = (struct explaining){.server = s,
                             .req = req,
                             .ns = gy_strdup(app ? app->ns : pod->app->ns),
                             .project = gy_strdup(app ? app->project : pod->app->project),
                             .app = gy_strdup(app ? app->name : pod->app->name),
                             .pod = pod ? gy_strdup(pod->id) : NULL};
    s->o.explain(s->o.engine_arg, app ? app->key : NULL, pod ? pod->id : NULL, explained, x);
}

/* ---- store ---- */

struct backup {
    struct gy_server *server;
    struct gy_http_request *req;
    char path[512];
    int fd;
    bool closed, ended;
};

static void backup_free(struct backup *b)
{
    if (b->fd >= 0) close(b->fd);
    b->server->backups--;
    free(b);
}

/* As much as the connection takes now; goes on when it is writable again. */
static void backup_send(void *arg)
{
    struct backup *b = arg;
    char chunk[65536];
    while (!b->ended && !b->closed) {
        ssize_t n = read(b->fd, chunk, sizeof chunk);
        gantry_status status =
            n > 0 ? gy_http_stream_write(b->req, chunk, (size_t)n) : GANTRY_ECANCELED;
        if (status == GANTRY_EBUSY && lseek(b->fd, -n, SEEK_CUR) >= 0) return;
        if (status != GANTRY_OK) b->ended = true;
    }
    gy_http_stream_end(b->req);
    backup_free(b);
}

static void backup_closed(void *arg)
{
    struct backup *b = arg;
    b->closed = true;
    backup_send(b);
}

static void backed_up(void *arg, gantry_status status, const gantry_store_result *result,
                      const char *text)
{
    (void)result;
    struct backup *b = arg;
    struct gy_error err = GY_ERROR_INIT;
    if (status == GANTRY_OK && (b->fd = open(b->path, O_RDONLY | O_CLOEXEC)) < 0)
        status = gy_error_set(&err, GANTRY_EINTERNAL, "cannot read the backup back: %s",
                              strerror(errno));
    else if (status != GANTRY_OK)
        gy_error_set(&err, status, "%s", text);
    unlink(b->path); /* the descriptor keeps it */
    if (status != GANTRY_OK) {
        gy_http_reply_failure(b->req, &err, NULL);
        backup_free(b);
        return;
    }
    gy_audit(b->server, b->req, "backup");
    gy_http_stream_start(b->req, 200, "application/octet-stream", backup_closed, backup_send, b);
    backup_send(b);
}

void gy_route_backup(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_error err = GY_ERROR_INIT;
    if (s->backups >= 2) {
        gy_http_reply_header(req, "Retry-After", "5");
        gy_http_reply_error(req, 429, "EBUSY", NULL, "two backups are being made already");
        return;
    }
    struct backup *b = gy_alloc(sizeof *b);
    uint64_t number;
    gy_random_bytes(&number, sizeof number);
    *b = (struct backup){.server = s, .req = req, .fd = -1};
    snprintf(b->path, sizeof b->path, "%s/backup-%016llx", s->o.data_dir,
             (unsigned long long)number);
    s->backups++;
    gantry_status status = gy_store_backup(s->o.store, b->path, backed_up, b, &err);
    if (status == GANTRY_OK) return;
    gy_http_reply_failure(req, &err, NULL);
    backup_free(b);
}

static void checked(void *arg, gantry_status status, const gantry_store_result *result,
                    const char *text)
{
    struct gy_http_request *req = arg;
    struct gy_error err = GY_ERROR_INIT;
    if (status != GANTRY_OK) {
        gy_error_set(&err, status, "%s", text);
        gy_http_reply_failure(req, &err, NULL);
        return;
    }
    gy_autofree char *found = gy_str_dup(result->text);
    gy_http_reply_json(req, 200,
                       json_pack("{s:b,s:s,s:I}", "ok", 1, "text", found ? found : "", "revision",
                                 (json_int_t)result->rev));
}

void gy_route_store_check(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_error err = GY_ERROR_INIT;
    if (gy_store_check(s->o.store, GANTRY_STORE_CHECK_FULL, checked, req, &err) != GANTRY_OK)
        gy_http_reply_failure(req, &err, NULL);
}
