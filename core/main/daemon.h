/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's parts, shared by gantryd.c (start and end) and signals.c.  Everything is [loop]. */
#ifndef GY_MAIN_DAEMON_H
#define GY_MAIN_DAEMON_H

#include "agent/agent.h"
#include "main/gantryd.h"
#include "server/feed.h"
#include "server/node_feed.h"
#include "server/server.h"
#include "server/status.h"
#include "server/store_wire.h"

#define SIGNALS 4

struct daemon_instance {
    const struct gy_config_block *block;
    struct gy_instance *instance;
};

struct daemon {
    const struct gy_gantryd_options *options;
    struct gy_config config;
    char *bin_dir, *boot_id;
    char cluster_id[64], incarnation[GY_ID_MAX];
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t tick;
    struct gy_plugins *plugins;
    struct daemon_instance *instances;
    size_t instance_count, opening;
    struct gy_store_backend backend;
    struct gy_store_wire *wire;
    struct gy_store *store;
    struct gy_index *cluster;
    struct gy_events *events;
    struct gy_status_writer *status;
    struct gy_loop_time *loop_time;
    struct gy_auth *auth;
    struct gy_http_server *http;
    struct gy_server *server;
    struct gy_feed *feed;
    struct gy_agent *agent;
    struct gy_link link;
    struct gy_node_feed *node_feed;
    char *report_text;     /* of the node's last report, for a reload of labels */
    uint64_t restored_rev; /* --restore: what the mirror has to show before the end */
    bool stopping;
    size_t shutting;
    int exit_status;
};

/* Of gantryd.c. */
gantry_status gy_daemon_read_config(struct daemon *d, struct gy_config *out, struct gy_error *err);
gantry_status gy_daemon_load_tokens(const struct gy_config *c, struct gy_tokens *out,
                                    struct gy_error *err);
void gy_daemon_report(void *daemon, const struct gy_node_report *report);
void gy_daemon_stop(struct daemon *d, int exit_status);
/* Of signals.c: SIGTERM and SIGINT end, SIGHUP reloads, SIGUSR1 tells the log what is. */
void gy_daemon_watch_signals(struct daemon *d);

#endif
