/* SPDX-License-Identifier: Apache-2.0 */
/* Watch streams: first everything (or what happened since a revision), then what happens.  A line
 * is encoded once for all who get it. */
#include "server/private.h"

#include "model/key.h"
#include <utlist.h>

#include <stdio.h>

#define BEHIND_EVENTS 1000
#define BEHIND_BYTES (GY_HTTP_STREAM_QUEUE_MAX - 4096) /* room for the last line */
#define CHUNK_BYTES 65536
#define KEEPALIVE_MS 15000
#define WATCHERS_MAX 2000

enum stage { SNAPSHOT, REPLAY, LIVE };

struct watcher {
    struct gy_server *server;
    struct gy_http_request *req;
    unsigned kinds; /* enum gy_index_kind */
    bool lines;     /* false: events alone, without their envelope (GET /v1/events?follow) */
    char *ns, *project, *app, *node;
    enum stage stage;
    uint64_t from;         /* REPLAY: the first revision that was not told */
    char *cursor;          /* SNAPSHOT: the last app that was told */
    bool turned;           /* the snapshot took more than one turn */
    unsigned behind;       /* lines since its queue was empty */
    struct gy_buf pending; /* did not fit yet */
    bool closed;
    struct watcher *prev, *next;
};

static const char *const kind_names[] = {"app", "pod", "node", "event"};

static const char *kind_name(enum gy_index_kind kind)
{
    for (unsigned i = 0; i < 4; i++)
        if ((unsigned)kind == 1u << i) return kind_names[i];
    return "";
}

static void destroy(struct watcher *w)
{
    DL_DELETE(w->server->watchers, w);
    if (!w->server->watchers) uv_timer_stop(w->server->keepalive);
    gy_http_stream_end(w->req);
    free(w->ns);
    free(w->project);
    free(w->app);
    free(w->node);
    free(w->cursor);
    gy_buf_fini(&w->pending);
    free(w);
}

static void add_line(struct gy_buf *out, const char *type, const char *kind, uint64_t rev,
                     const char *object, size_t len)
{
    gy_buf_printf(out, "{\"type\":\"%s\"", type);
    if (kind) gy_buf_printf(out, ",\"kind\":\"%s\"", kind);
    gy_buf_printf(out, ",\"revision\":%llu", (unsigned long long)rev);
    if (object) {
        gy_buf_str(out, ",\"object\":");
        gy_buf_add(out, object, len);
    }
    gy_buf_str(out, "}\n");
}

static void cut(struct watcher *w)
{
    struct gy_buf line = {0};
    add_line(&line, "resync", NULL, gy_store_rev(w->server->o.store), NULL, 0);
    gy_http_stream_write(w->req, line.text, line.len);
    gy_buf_fini(&line);
    destroy(w);
}

/* ---- who gets what ---- */

static bool wants(const struct watcher *w, enum gy_index_kind kind, const char *ns,
                  const char *project, const char *node)
{
    if (!(w->kinds & (unsigned)kind)) return false;
    if (kind == GY_INDEX_NODE) return !w->node || gy_streq(w->node, node);
    if (w->ns && !gy_streq(w->ns, ns)) return false;
    if (w->project && !gy_streq(w->project, project)) return false;
    if (w->node && (kind == GY_INDEX_POD) && !gy_streq(w->node, node)) return false;
    return gy_req_sees(w->req, ns);
}

/* False: the watcher was cut and is gone. */
static bool send_shared(struct watcher *w, struct gy_blob *line)
{
    size_t queued = gy_http_stream_queued(w->req);
    if (!queued) w->behind = 0;
    if (++w->behind > BEHIND_EVENTS || (queued && queued + line->len > BEHIND_BYTES) ||
        gy_http_stream_write_shared(w->req, line->text, line->len, gy_blob_put,
                                    gy_blob_get(line)) == GANTRY_EBUSY) {
        cut(w);
        return false;
    }
    return true;
}

static void on_change(void *arg, const struct gy_index_change *change)
{
    struct gy_server *s = arg;
    struct gy_blob *line = NULL;
    struct watcher *w, *next;
    DL_FOREACH_SAFE (s->watchers, w, next) {
        if (w->stage != LIVE || !w->lines || !change->view ||
            !wants(w, change->kind, change->ns, change->project, change->node_name))
            continue;
        if (!line) {
            struct gy_buf text = {0};
            add_line(&text, change->deleted ? "delete" : "put", kind_name(change->kind),
                     change->rev, change->view->text, change->view->len);
            line = gy_blob_create(text.text, text.len);
            gy_buf_fini(&text);
        }
        send_shared(w, line);
    }
    gy_blob_put(line);
}

static void on_event(void *arg, const struct gy_event *event, struct gy_store_object *object)
{
    struct gy_server *s = arg;
    struct gy_blob *lines[2] = {NULL, NULL};
    struct watcher *w, *next;
    DL_FOREACH_SAFE (s->watchers, w, next) {
        if (w->stage != LIVE || !(w->kinds & GY_INDEX_EVENT) ||
            (w->app && !gy_streq(w->app, event->app)) ||
            !wants(w, GY_INDEX_EVENT, event->ns, event->project, event->node))
            continue;
        if (!lines[w->lines]) {
            struct gy_buf text = {0};
            if (w->lines)
                add_line(&text, "put", "event", object->mod_rev, object->bytes, object->len);
            else
                gy_buf_printf(&text, "%s\n", object->bytes);
            lines[w->lines] = gy_blob_create(text.text, text.len);
            gy_buf_fini(&text);
        }
        send_shared(w, lines[w->lines]);
    }
    gy_blob_put(lines[0]);
    gy_blob_put(lines[1]);
}

/* ---- everything that is ---- */

static void put_blob(struct watcher *w, struct gy_buf *out, const char *kind, struct gy_blob *view)
{
    add_line(out, "put", kind, gy_store_rev(w->server->o.store), view->text, view->len);
}

static void put_nodes(struct watcher *w, struct gy_buf *out)
{
    struct gy_index *c = w->server->o.cluster;
    struct gy_index_node *node = gy_index_node_first(c);
    for (; node; node = gy_index_node_after(node))
        if (node->report_record && wants(w, GY_INDEX_NODE, "", "", node->name))
            put_blob(w, out, "node", gy_index_node_view(c, node));
}

static void put_waiting(struct watcher *w, struct gy_buf *out, struct gy_index_app *app)
{
    if (!wants(w, GY_INDEX_POD, app->ns, app->project, "")) return;
    for (size_t i = 0; i < app->waiting_count; i++) {
        struct gy_blob *view = gy_index_waiting_view(app, i);
        put_blob(w, out, "pod", view);
        gy_blob_put(view);
    }
}

static void put_app(struct watcher *w, struct gy_buf *out, struct gy_index_app *app)
{
    struct gy_index *c = w->server->o.cluster;
    if (app->record && wants(w, GY_INDEX_APP, app->ns, app->project, ""))
        put_blob(w, out, "app", gy_index_app_view(c, app));
    put_waiting(w, out, app);
    struct gy_index_pod *pod = gy_index_pod_first(app);
    for (; pod; pod = gy_index_pod_after(pod))
        if (wants(w, GY_INDEX_POD, app->ns, app->project, pod->node))
            put_blob(w, out, "pod", gy_index_pod_view(c, pod));
}

/* Adds some of the snapshot to pending; true when it is complete. */
static bool snapshot_part(struct watcher *w)
{
    struct gy_index *c = w->server->o.cluster;
    if (!w->cursor) {
        put_nodes(w, &w->pending);
        w->cursor = gy_strdup("");
    }
    struct gy_index_app *app = gy_index_app_from(c, w->cursor);
    if (app && gy_streq(app->key, w->cursor)) app = gy_index_app_after(app);
    for (; app && w->pending.len < CHUNK_BYTES; app = gy_index_app_after(app)) {
        put_app(w, &w->pending, app);
        free(w->cursor);
        w->cursor = gy_strdup(app->key);
    }
    if (app) return false;
    if (w->turned) { /* what the engine told meanwhile is in no revision */
        put_nodes(w, &w->pending);
        for (app = gy_index_app_from(c, NULL); app; app = gy_index_app_after(app))
            put_waiting(w, &w->pending, app);
    }
    return true;
}

/* ---- what happened since a revision ---- */

struct replay {
    struct watcher *watcher;
    struct gy_buf *out;
    struct gy_map told; /* keys; the object is told as it is now, once */
};

static void replay_deleted_pod(struct watcher *w, struct gy_buf *out,
                               const struct gy_store_event *event)
{
    struct gy_pod pod = {0};
    if (gy_shape_decode_text(&gy_pod_shape, event->object->bytes, event->object->len, GY_FROM_PEER,
                             &pod, NULL) != GANTRY_OK)
        return;
    if (wants(w, GY_INDEX_POD, pod.ns, pod.project, pod.node)) {
        struct gy_pod_view view;
        gy_pod_view_join(&pod, NULL, false, &view);
        gy_autofree char *text = gy_shape_encode_text(&gy_pod_view_shape, &view);
        add_line(out, "delete", "pod", event->rev, text, strlen(text));
    }
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void replay_app(struct watcher *w, struct gy_buf *out, const struct gy_store_event *event)
{
    const char *key = event->object->key + strlen(GY_KEY_APP);
    struct gy_index_app *app = gy_index_app(w->server->o.cluster, key);
    const char *slash = strchr(key, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    if (!second) return;
    gy_autofree char *ns = gy_strndup(key, (size_t)(slash - key));
    gy_autofree char *project = gy_strndup(slash + 1, (size_t)(second - slash - 1));
    if (!wants(w, GY_INDEX_APP, ns, project, "")) return;
    if (app && app->record) {
        put_blob(w, out, "app", gy_index_app_view(w->server->o.cluster, app));
    } else {
        struct gy_app_status none = {0};
        size_t len;
        gy_autofree char *text = gy_app_view_text(event->object->bytes, event->object->len,
                                                  event->object->mod_rev, &none, &len);
        add_line(out, "delete", "app", event->rev, text, len);
    }
}

static void replay_one(struct replay *r, const struct gy_store_event *event)
{
    struct watcher *w = r->watcher;
    const char *key = event->object->key;
    struct gy_index *c = w->server->o.cluster;
    bool is_pod = gy_starts_with(key, GY_KEY_POD), is_report = gy_starts_with(key, GY_KEY_REPORT);
    if (gy_starts_with(key, GY_KEY_APP)) {
        replay_app(w, r->out, event);
    } else if (is_pod || gy_starts_with(key, GY_KEY_STATUS)) {
        struct gy_index_pod *pod = gy_index_pod(c, strchr(key, '/') + 1);
        if (pod && wants(w, GY_INDEX_POD, pod->app->ns, pod->app->project, pod->node)) {
            put_blob(w, r->out, "pod", gy_index_pod_view(c, pod));
            if (wants(w, GY_INDEX_APP, pod->app->ns, pod->app->project, "") && pod->app->record)
                put_blob(w, r->out, "app", gy_index_app_view(c, pod->app));
        } else if (!pod && is_pod) {
            replay_deleted_pod(w, r->out, event);
        }
    } else if (is_report || gy_starts_with(key, GY_KEY_NODE)) {
        struct gy_index_node *node = gy_index_node(c, strchr(key, '/') + 1);
        if (node && node->report_record && wants(w, GY_INDEX_NODE, "", "", node->name))
            put_blob(w, r->out, "node", gy_index_node_view(c, node));
    } else if (gy_starts_with(key, GY_KEY_EVENT) && !event->deleted &&
               (w->kinds & GY_INDEX_EVENT)) {
        struct gy_event e = {0};
        if (gy_shape_decode_text(&gy_event_shape, event->object->bytes, event->object->len,
                                 GY_FROM_PEER, &e, NULL) == GANTRY_OK &&
            wants(w, GY_INDEX_EVENT, e.ns, e.project, e.node))
            add_line(r->out, "put", "event", event->rev, event->object->bytes, event->object->len);
        gy_shape_fini(&gy_event_shape, &e);
    }
}

static void on_replay(void *arg, const struct gy_store_event *events, size_t n)
{
    struct replay *r = arg;
    for (size_t i = 0; i < n; i++) {
        if (gy_map_get(&r->told, events[i].object->key)) continue;
        gy_map_set(&r->told, events[i].object->key, "");
        replay_one(r, &events[i]);
    }
}

static gantry_status replay(struct watcher *w, struct gy_error *err)
{
    struct replay r = {w, &w->pending, {0}};
    struct gy_store_subscription *sub = NULL;
    gantry_status status =
        gy_store_subscribe(w->server->o.store, "", w->from, on_replay, &r, &sub, err);
    gy_store_unsubscribe(sub);
    for (size_t i = 0; i < r.told.n; i++) {
        free(r.told.items[i].key);
        free(r.told.items[i].value);
    }
    free(r.told.items);
    w->from = gy_store_rev(w->server->o.store) + 1;
    return status;
}

/* ---- the stream ---- */

/* False: it waits to be writable, or is gone. */
static bool send_pending(struct watcher *w)
{
    if (!w->pending.len) return true;
    gantry_status status = gy_http_stream_write(w->req, w->pending.text, w->pending.len);
    if (status == GANTRY_EBUSY) {
        w->turned = true;
        return false;
    }
    gy_buf_fini(&w->pending);
    w->pending = (struct gy_buf){0};
    return status == GANTRY_OK;
}

static void go_on(void *arg)
{
    struct watcher *w = arg;
    if (w->closed) return;
    while (w->stage == SNAPSHOT) {
        if (!send_pending(w)) return;
        if (snapshot_part(w)) w->stage = REPLAY;
    }
    while (w->stage == REPLAY) {
        if (!send_pending(w)) return;
        if (w->from > gy_store_rev(w->server->o.store)) {
            w->stage = LIVE;
            if (w->lines)
                add_line(&w->pending, "synced", NULL, gy_store_rev(w->server->o.store), NULL, 0);
        } else if (replay(w, NULL) != GANTRY_OK) {
            cut(w);
            return;
        }
    }
    send_pending(w); /* a LIVE one's pending line is "synced"; lines behind it wait in the queue */
}

static void on_closed(void *arg)
{
    struct watcher *w = arg;
    w->closed = true;
    destroy(w);
}

static void on_keepalive(uv_timer_t *timer)
{
    struct gy_server *s = timer->data;
    struct watcher *w, *next;
    DL_FOREACH_SAFE (s->watchers, w, next)
        if (w->stage == LIVE && !gy_http_stream_queued(w->req))
            gy_http_stream_write(w->req, "\n", 1);
}

static struct watcher *create(struct gy_server *s, struct gy_http_request *req)
{
    struct watcher *w = gy_alloc(sizeof *w);
    w->server = s;
    w->req = req;
    w->ns = gy_strdup(gy_http_query(req, "namespace"));
    w->project = gy_strdup(gy_http_query(req, "project"));
    return w;
}

static void add(struct watcher *w)
{
    struct gy_server *s = w->server;
    if (!s->watchers) uv_timer_start(s->keepalive, on_keepalive, KEEPALIVE_MS, KEEPALIVE_MS);
    DL_APPEND(s->watchers, w);
    gy_http_stream_start(w->req, 200, "application/x-ndjson", on_closed, go_on, w);
}

static bool room(struct gy_server *s, struct gy_http_request *req)
{
    if (gy_watchers_count(s) < WATCHERS_MAX) return true;
    gy_http_reply_header(req, "Retry-After", "5");
    gy_http_reply_error(req, 429, "EBUSY", NULL, "%d watch streams are open already", WATCHERS_MAX);
    return false;
}

static bool read_kinds(struct gy_http_request *req, unsigned *out)
{
    const char *text = gy_http_query(req, "kinds");
    *out = text ? 0 : GY_INDEX_APP | GY_INDEX_POD | GY_INDEX_NODE | GY_INDEX_EVENT;
    while (text && *text) {
        size_t len = strcspn(text, ",");
        unsigned kind = 0;
        for (unsigned i = 0; i < 4; i++)
            if (strlen(kind_names[i]) == len && !memcmp(text, kind_names[i], len)) kind = 1u << i;
        if (!kind) {
            gy_http_reply_error(req, 400, "EINVAL", "kinds",
                                "kinds: \"%.*s\" is not one of app, pod, node, event",
                                (int)(len < 40 ? len : 40), text);
            return false;
        }
        *out |= kind;
        text += len + (text[len] == ',');
    }
    if (*out) return true;
    gy_http_reply_error(req, 400, "EINVAL", "kinds", "kinds: is empty");
    return false;
}

void gy_route_watch(struct gy_server *s, struct gy_http_request *req)
{
    unsigned kinds;
    int64_t from;
    if (!room(s, req) || !read_kinds(req, &kinds) ||
        !gy_req_int(req, "from", 1, INT64_MAX, 0, &from))
        return;
    struct watcher *w = create(s, req);
    w->lines = true;
    w->kinds = kinds;
    w->node = gy_strdup(gy_http_query(req, "node"));
    w->from = from ? (uint64_t)from : gy_store_rev(s->o.store) + 1;
    w->stage = from ? REPLAY : SNAPSHOT;
    struct gy_error err = GY_ERROR_INIT;
    /* With from, the first replay is made before the answer, so that 410 can be said. */
    if (from && replay(w, &err) != GANTRY_OK) {
        free(w->ns);
        free(w->project);
        free(w->node);
        gy_buf_fini(&w->pending);
        free(w);
        gy_http_reply_error(req, err.status == GANTRY_ENOTFOUND ? 410 : 503,
                            gy_status_name(err.status), "from", "%s", err.text);
        return;
    }
    add(w);
    go_on(w);
}

/* ---- events ---- */

static void follow_item(void *arg, struct gy_store_object *object)
{
    gy_buf_printf(arg, "%s\n", object->bytes);
}

static void list_item(void *arg, struct gy_store_object *object)
{
    gy_list_object(arg, object, object->key);
}

void gy_route_events(struct gy_server *s, struct gy_http_request *req)
{
    bool follow;
    struct list list;
    struct gy_events_filter filter = {.ns = gy_http_query(req, "namespace"),
                                      .project = gy_http_query(req, "project"),
                                      .app = gy_http_query(req, "app"),
                                      .namespaces = &gy_req_caller(req)->namespaces};
    if (!gy_req_bool(req, "follow", &follow) ||
        !gy_req_int(req, "since_ms", 0, INT64_MAX, 0, &filter.since_ms) ||
        (follow && !room(s, req)) || !gy_list_start(req, &list))
        return;
    if (!follow) {
        gy_events_read(s->o.events, &filter, (size_t)list.limit, list_item, &list);
        gy_list_reply(req, &list, gy_store_rev(s->o.store));
        return;
    }
    struct watcher *w = create(s, req);
    w->kinds = GY_INDEX_EVENT;
    w->app = gy_strdup(filter.app);
    w->stage = LIVE;
    gy_events_read(s->o.events, &filter, (size_t)list.limit, follow_item, &w->pending);
    add(w);
    go_on(w);
}

/* ---- life ---- */

void gy_watchers_init(struct gy_server *s)
{
    s->keepalive = gy_alloc(sizeof *s->keepalive);
    uv_timer_init(s->o.loop, s->keepalive);
    s->keepalive->data = s;
    gy_index_listen(s->o.cluster, on_change, s);
    gy_events_listen(s->o.events, on_event, s);
}

size_t gy_watchers_count(const struct gy_server *s)
{
    size_t n = 0;
    struct watcher *w;
    DL_COUNT(s->watchers, w, n);
    return n;
}

static void keepalive_closed(uv_handle_t *handle)
{
    free(handle);
}

void gy_watchers_stop_all(struct gy_server *s)
{
    gy_index_unlisten(s->o.cluster, on_change, s);
    gy_events_unlisten(s->o.events, on_event, s);
    while (s->watchers)
        destroy(s->watchers);
    uv_close((uv_handle_t *)s->keepalive, keepalive_closed);
    s->keepalive = NULL;
}
