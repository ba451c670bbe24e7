/* SPDX-License-Identifier: Apache-2.0 */
#include "main/daemon.h"

#include "base/log.h"
#include "main/place.h"

#include <signal.h>
#include <stdlib.h>

static void apply_labels(struct daemon *d)
{
    struct gy_node_report report = {0};
    if (!d->report_text || !d->status) return;
    gy_autofree char *text = GY_GIVE(d->report_text);
    if (gy_shape_decode_text(&gy_node_report_shape, text, strlen(text), GY_FROM_PEER, &report,
                             NULL) == GANTRY_OK)
        gy_daemon_report(d, &report);
    gy_shape_fini(&gy_node_report_shape, &report);
}

/* All or nothing: log level, labels, tokens.  The rest is said to wait for the next start. */
static void reload(struct daemon *d)
{
    struct gy_config fresh;
    struct gy_error err = GY_ERROR_INIT;
    struct gy_tokens tokens = {0};
    gy_place_notify("RELOADING=1");
    if (gy_daemon_read_config(d, &fresh, &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "main", "nothing was reloaded why=\"%s\"", err.text);
    } else if (gy_config_check_plugins(&fresh, d->plugins, &err) != GANTRY_OK ||
               gy_daemon_load_tokens(&fresh, &tokens, &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "main", "nothing was reloaded why=\"%s\"", err.text);
        gy_config_fini(&fresh);
    } else {
        struct gy_map labels = d->config.node_labels;
        char *level = d->config.log_level, *file = d->config.tokens_file;
        d->config.node_labels = fresh.node_labels;
        d->config.log_level = fresh.log_level;
        d->config.tokens_file = fresh.tokens_file;
        fresh.node_labels = labels;
        fresh.log_level = level;
        fresh.tokens_file = file;
        gy_config_fini(&fresh);
        gy_log_set_level((enum gy_log_level)gy_config_log_level(d->config.log_level));
        if (d->auth) gy_auth_set_tokens(d->auth, &tokens);
        gy_tokens_fini(&tokens);
        apply_labels(d);
        gy_log(GY_LOG_INFO, "main",
               "reloaded log level, labels and tokens; other settings hold from "
               "the next start");
    }
    gy_place_notify("READY=1");
}

static void dump(struct daemon *d)
{
    struct gy_instance_status st;
    for (size_t i = 0; gy_plugins_instance_status(d->plugins, i, &st); i++)
        gy_log(GY_LOG_INFO, "dump",
               "instance kind=%s name=%s state=%s open_operations=%zu text=\"%s\"", st.kind,
               st.name, gy_instance_state_name(st.state), st.open_ops, st.text ? st.text : "");
    json_t *parts[] = {d->feed ? gy_feed_json(d->feed) : NULL,
                       d->http ? gy_http_server_stats(d->http) : NULL,
                       gy_loop_time_json(d->loop_time)};
    static const char *const names[] = {"engine", "http", "loop"};
    for (size_t i = 0; i < 3; i++) {
        gy_autofree char *text = parts[i] ? json_dumps(parts[i], JSON_COMPACT) : NULL;
        gy_log(GY_LOG_INFO, "dump", "%s state=%.4000s", names[i], text ? text : "none");
        json_decref(parts[i]);
    }
    struct gy_store_counts counts;
    if (!d->store) return;
    gy_store_counts(d->store, &counts);
    gy_log(GY_LOG_INFO, "dump", "store revision=%llu objects=%llu bytes=%llu in_flight=%llu",
           (unsigned long long)gy_store_rev(d->store), (unsigned long long)counts.objects,
           (unsigned long long)counts.object_bytes, (unsigned long long)counts.txns_in_flight);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    if (number == SIGHUP) {
        reload(d);
    } else if (number == SIGUSR1) {
        dump(d);
    } else if (!d->stopping) {
        gy_log(GY_LOG_INFO, "main", "ending; pods stay signal=%d", number);
        gy_daemon_stop(d, 0);
    }
}

void gy_daemon_watch_signals(struct daemon *d)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
}
