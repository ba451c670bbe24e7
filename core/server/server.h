/* SPDX-License-Identifier: Apache-2.0 */
/* Server: the API over the store, the cluster's index and the nodes' links.  Everything is [loop].
 * It owns none of what it is given; all of it outlives the server. */
#ifndef GY_SERVER_SERVER_H
#define GY_SERVER_SERVER_H

#include "model/event.h"
#include "net/http_server.h"
#include "plugin/plugin.h"
#include "server/auth.h"
#include "server/events.h"
#include "server/index.h"
#include "server/link.h"
#include "server/loop_time.h"

/* The engine's answer to "why": json is borrowed, NULL unless OK. */
typedef void (*gy_explain_done)(void *arg, gantry_status status, const char *json,
                                const char *text);

struct gy_server_options {
    uv_loop_t *loop;
    struct gy_store *store; /* ready */
    struct gy_http_server *http;
    struct gy_auth *auth;
    struct gy_index *cluster;
    struct gy_events *events;
    struct gy_plugins *plugins;     /* NULL = none */
    struct gy_loop_time *loop_time; /* NULL = not measured */
    const char *node, *cluster_id, *data_dir;
    /* The effective config with secrets masked; a new reference. */
    json_t *(*config)(void *arg);
    void *config_arg;
    /* What the engine thread's queues hold; a new reference.  NULL = no engine. */
    json_t *(*queues)(void *arg);
    /* Ask the engine; exactly one of app_key and pod_id is set.  NULL = no engine. */
    void (*explain)(void *arg, const char *app_key, const char *pod_id, gy_explain_done done,
                    void *done_arg);
    void *engine_arg;
};

struct gy_server;
struct gy_server *gy_server_create(const struct gy_server_options *options);
/* The link to a node's agent; NULL = it is gone.  Streams over it must have ended. */
void gy_server_set_link(struct gy_server *s, const struct gy_link *link);
/* Cuts watchers, followers and streams; after the HTTP server has stopped, before the index and the
 * events are destroyed.  Writes under way may still end. */
void gy_server_stop(struct gy_server *s);
/* After the store was closed, which ends what is under way. */
void gy_server_destroy(struct gy_server *s);

/* The OpenAPI document: a new reference. */
json_t *gy_server_openapi(const struct gy_server *s);

#endif
