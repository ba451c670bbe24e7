/* SPDX-License-Identifier: Apache-2.0 */
/* Start: configuration, place, plugins, store; then the cluster's parts; and all back in the other
 * order.  Everything is [loop]; the engine has a thread of its own (server/engine_thread.h). */
#include "main/daemon.h"

#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "engine/engine.h"
#include "main/agent_wire.h"
#include "main/place.h"
#include "model/key.h"

#include <gantry/driver.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TICK_MS 200

/* ---- configuration ---- */

static int config_failed(const struct gy_error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return GY_CONFIG_EXIT;
}

static struct gy_plugins *look_only(const struct gy_config *c)
{
    struct gy_plugins_options options = {.dirs = (const char *const *)c->plugin_dirs.items,
                                         .libexec_dir = c->libexec_dir,
                                         .trust_owner = c->trust_plugin_owner};
    return gy_plugins_create(&options);
}

/* --check-config and --print-config. */
static int show(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_plugins *ps = look_only(&d->config);
    int status = 0;
    if (gy_config_check_plugins(&d->config, ps, &err) != GANTRY_OK) {
        status = config_failed(&err);
    } else if (d->options->print) {
        gy_autofree char *text = gy_config_text(&d->config, ps);
        fputs(text, stdout);
    } else {
        printf("the configuration is right\n");
    }
    gy_plugins_destroy(ps);
    return status;
}

/* The array ends in NULL, as gy_plugins_options wants it. */
static void end_strs(struct gy_strs *s)
{
    s->items = gy_grow(s->items, s->n + 1, sizeof *s->items);
    s->items[s->n] = NULL;
}

gantry_status gy_daemon_read_config(struct daemon *d, struct gy_config *out, struct gy_error *err)
{
    gantry_status status =
        gy_config_read(d->options->config, d->options->dev_dir, d->bin_dir, out, err);
    if (status != GANTRY_OK) return status;
    end_strs(&out->plugin_dirs);
    end_strs(&out->allowed_hosts);
    return GANTRY_OK;
}

gantry_status gy_daemon_load_tokens(const struct gy_config *c, struct gy_tokens *out,
                                    struct gy_error *err)
{
    *out = (struct gy_tokens){0};
    return c->tokens_file ? gy_tokens_read(c->tokens_file, out, err) : GANTRY_OK;
}

/* ---- what the agent tells ---- */

void gy_daemon_report(void *ctx, const struct gy_node_report *report)
{
    struct daemon *d = ctx;
    if (!d->status) return;
    struct gy_node_report copy;
    gy_shape_copy(&gy_node_report_shape, report, &copy);
    for (size_t i = 0; i < d->config.node_labels.n; i++)
        gy_map_set(&copy.labels, d->config.node_labels.items[i].key,
                   d->config.node_labels.items[i].value);
    gy_status_writer_node(d->status, &copy);
    gy_shape_fini(&gy_node_report_shape, &copy);
    free(d->report_text);
    d->report_text = gy_shape_encode_text(&gy_node_report_shape, report);
}
static void up_pod(void *ctx, const struct gy_pod_status *status)
{
    struct daemon *d = ctx;
    if (d->status) gy_status_writer_pod(d->status, status);
}
static void up_event(void *ctx, const struct gy_event *event)
{
    struct daemon *d = ctx;
    if (d->events) gy_events_record(d->events, event);
}
static void up_heartbeat(void *ctx)
{
    struct daemon *d = ctx;
    if (d->feed) gy_feed_heartbeat(d->feed, d->config.node_name);
}

/* ---- the cluster's parts ---- */

static const struct gy_config_block *block_at(const struct daemon *d, size_t i)
{
    return d->instances[i].block;
}

static struct gy_engine *make_engine(struct daemon *d)
{
    struct gy_engine_options options = {.strategy = d->config.strategy};
    gy_random_bytes(&options.seed, sizeof options.seed);
    struct gy_engine *engine = gy_engine_create(&options);
    for (size_t i = 0; i < d->instance_count; i++)
        if (gy_streq(block_at(d, i)->kind, GANTRY_STRATEGY_KIND))
            gy_engine_add_strategy(engine, block_at(d, i)->name,
                                   gy_instance_ops(d->instances[i].instance),
                                   gy_instance_self(d->instances[i].instance));
    return engine;
}

static gantry_status make_agent(struct daemon *d, struct gy_error *err)
{
    struct gy_agent_driver *drivers = gy_alloc_array(d->instance_count + 1, sizeof *drivers);
    gy_autofree char *state_dir = gy_printf("%s/agent", d->config.data_dir);
    size_t n = 0;
    for (size_t i = 0; i < d->instance_count; i++)
        if (gy_streq(block_at(d, i)->kind, GANTRY_DRIVER_KIND))
            drivers[n++] = (struct gy_agent_driver){block_at(d, i)->name, block_at(d, i)->provider,
                                                    d->instances[i].instance};
    struct gy_agent_options options = {.loop = &d->loop,
                                       .node = d->config.node_name,
                                       .boot_id = d->boot_id,
                                       .cluster = d->cluster_id,
                                       .drivers = drivers,
                                       .driver_count = n,
                                       .max_pods = d->config.max_pods,
                                       .state_dir = state_dir,
                                       .plugins = d->plugins};
    struct gy_agent_up up = {d, gy_daemon_report, up_pod, up_event, up_heartbeat};
    gantry_status status = gy_dir_make(state_dir, 0700, err);
    if (status == GANTRY_OK && !(d->agent = gy_agent_create(&options, &up)))
        status = gy_error_set(err, GANTRY_EINTERNAL, "the agent cannot be made; see above");
    free(drivers);
    return status;
}

static json_t *config_json(void *arg)
{
    struct daemon *d = arg;
    return gy_config_json(&d->config, d->plugins);
}

static gantry_status listen_all(struct daemon *d, struct gy_error *err)
{
    char path[108];
    gid_t gid = (gid_t)-1;
    struct group *group = d->config.socket_group[0] ? getgrnam(d->config.socket_group) : NULL;
    if (group) gid = group->gr_gid;
    gantry_status status = gy_place_socket(d->config.socket_path, path, err);
    if (status == GANTRY_OK)
        status = gy_http_server_listen_unix(d->http, path, group ? 0660 : 0600, gid, err);
    for (size_t i = 0; i < d->config.listen.n && status == GANTRY_OK; i++) {
        struct gy_address address;
        status = gy_address_parse(d->config.listen.items[i], &address, err);
        if (status == GANTRY_OK)
            status = gy_http_server_listen_tcp(d->http, address.text, address.port, NULL, err);
    }
    return status;
}

static gantry_status make_parts(struct daemon *d, struct gy_error *err)
{
    const struct gy_config *c = &d->config;
    struct gy_tokens tokens;
    gantry_status status = gy_daemon_load_tokens(c, &tokens, err);
    if (status != GANTRY_OK) return status;
    struct gy_auth_options auth = {.group = c->socket_group,
                                   .allowed_hosts = (const char *const *)c->allowed_hosts.items,
                                   .rate = {c->rate_per_second, c->rate_burst}};
    d->auth = gy_auth_create(&auth);
    gy_auth_set_tokens(d->auth, &tokens);
    d->cluster = gy_index_create(&d->loop, d->store);
    struct gy_events_options events = {.loop = &d->loop,
                                       .store = d->store,
                                       .keep_ms = c->events_hours * 3600000,
                                       .keep_count = c->events_count};
    d->events = gy_events_create(&events);
    d->status = gy_status_writer_create(&d->loop, d->store, d->backend.max_txn_ops);
    if ((status = make_agent(d, err)) != GANTRY_OK) return status;
    struct gy_feed_options feed = {.loop = &d->loop,
                                   .store = d->store,
                                   .engine = make_engine(d),
                                   .cluster = d->cluster,
                                   .events = d->events,
                                   .node = c->node_name,
                                   .incarnation = d->incarnation};
    d->feed = gy_feed_start(&feed);
    d->http = gy_http_server_create(&d->loop);
    struct gy_server_options server = {.loop = &d->loop,
                                       .store = d->store,
                                       .http = d->http,
                                       .auth = d->auth,
                                       .cluster = d->cluster,
                                       .events = d->events,
                                       .plugins = d->plugins,
                                       .loop_time = d->loop_time,
                                       .node = c->node_name,
                                       .cluster_id = d->cluster_id,
                                       .data_dir = c->data_dir,
                                       .config = config_json,
                                       .config_arg = d,
                                       .queues = gy_feed_json,
                                       .explain = gy_feed_explain,
                                       .engine_arg = d->feed};
    d->server = gy_server_create(&server);
    gy_agent_wire(d->agent, c->node_name, &d->link);
    gy_server_set_link(d->server, &d->link);
    if ((status = listen_all(d, err)) != GANTRY_OK) return status;
    d->node_feed = gy_node_feed_start(&d->loop, d->cluster, &d->link);
    gy_agent_start(d->agent);
    return GANTRY_OK;
}

static void start_parts(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    if (make_parts(d, &err) != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "main", "cannot start why=\"%s\"", err.text);
        gy_daemon_stop(d, 1);
        return;
    }
    gy_log(GY_LOG_INFO, "main", "ready version=%s node=%s socket=%s pid=%d", GANTRY_VERSION,
           d->config.node_name, d->config.socket_path, (int)getpid());
    gy_place_notify("READY=1");
}

/* ---- restore ---- */

/* The folder belongs to the cluster that the backup is of. */
static void end_restore(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_store_object *record = gy_store_get(d->store, GY_KEY_CLUSTER);
    if (gy_store_rev(d->store) < d->restored_rev) return;
    json_t *json = record ? gy_json_parse(record->bytes, record->len, 4096, NULL) : NULL;
    const char *id = json_string_value(json_object_get(json, "id"));
    gy_autofree char *path = gy_printf("%s/cluster-id", d->config.data_dir);
    gy_autofree char *line = gy_printf("%s\n", id ? id : d->cluster_id);
    gantry_status status = gy_file_write(path, line, strlen(line), 0600, &err);
    json_decref(json);
    if (status == GANTRY_OK)
        printf("restored; start gantryd again\n");
    else
        fprintf(stderr, "gantryd: %s\n", err.text);
    gy_daemon_stop(d, status == GANTRY_OK ? 0 : 1);
}

static void on_restored(void *arg, gantry_status status, const gantry_store_result *result,
                        const char *text)
{
    struct daemon *d = arg;
    if (status == GANTRY_OK) {
        d->restored_rev = result->rev ? result->rev : 1;
        return; /* the mirror follows; the next ticks see it */
    }
    fprintf(stderr, "gantryd: --restore: %s\n", text);
    gy_daemon_stop(d, 1);
}

static void restore(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    if (gy_store_restore(d->store, d->options->restore, on_restored, d, &err) == GANTRY_OK) return;
    fprintf(stderr, "gantryd: --restore: %s\n", err.text);
    gy_daemon_stop(d, 1);
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    if (d->store) gy_store_tick(d->store, gy_time_mono_ms());
    if (d->restored_rev && !d->stopping) end_restore(d);
}

/* ---- the store ---- */

static void cluster_written(void *arg, const struct gy_store_outcome *outcome)
{
    struct daemon *d = arg;
    if (d->stopping) return;
    if (outcome->status == GANTRY_OK) {
        start_parts(d);
        return;
    }
    gy_log(GY_LOG_ERROR, "main", "the store does not take the cluster's record why=\"%s\"",
           outcome->text);
    gy_daemon_stop(d, 1);
}

/* The cluster's id is in the store and beside it; a store of another cluster is refused. */
static void settle_cluster(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_store_object *present = gy_store_get(d->store, GY_KEY_CLUSTER);
    if (present) {
        json_t *json = gy_json_parse(present->bytes, present->len, 4096, NULL);
        const char *id = json_string_value(json_object_get(json, "id"));
        bool same = gy_streq(id, d->cluster_id);
        if (!same)
            gy_log(GY_LOG_ERROR, "main",
                   "the store belongs to another cluster than this folder; remove cluster-id in "
                   "%s when that is meant store=%s folder=%s",
                   d->config.data_dir, id ? id : "", d->cluster_id);
        json_decref(json);
        if (same)
            start_parts(d);
        else
            gy_daemon_stop(d, 1);
        return;
    }
    gy_autofree char *text = gy_printf("{\"id\":\"%s\"}", d->cluster_id);
    struct gy_store_change change = {GY_KEY_CLUSTER, text, strlen(text)};
    struct gy_store_compare compare = {GY_KEY_CLUSTER, 0};
    if (gy_store_txn(d->store, &change, 1, &compare, 1, cluster_written, d, &err) == GANTRY_OK)
        return;
    gy_log(GY_LOG_ERROR, "main", "cannot write the cluster's record why=\"%s\"", err.text);
    gy_daemon_stop(d, 1);
}

static void on_store_ready(void *arg, gantry_status status, const char *text)
{
    struct daemon *d = arg;
    if (d->stopping) return;
    if (status == GANTRY_OK) {
        if (d->options->restore)
            restore(d);
        else
            settle_cluster(d);
        return;
    }
    gy_log(GY_LOG_ERROR, "main", "the store cannot be read why=\"%s\"", text);
    gy_daemon_stop(d, 1);
}

static struct daemon_instance *store_instance(struct daemon *d)
{
    for (size_t i = 0; i < d->instance_count; i++)
        if (gy_streq(block_at(d, i)->kind, GANTRY_STORE_KIND)) return &d->instances[i];
    return NULL;
}

/* ---- plugins ---- */

struct opening {
    struct daemon *daemon;
    struct daemon_instance *instance;
};

static void on_opened(void *arg, gantry_status status, const char *text)
{
    struct opening *o = arg;
    struct daemon *d = o->daemon;
    const char *name = o->instance->block->name;
    free(o);
    d->opening--;
    if (d->stopping) return;
    if (status != GANTRY_OK) {
        gy_log(GY_LOG_ERROR, "main", "a plugin cannot be opened name=%s why=\"%s\"", name, text);
        gy_daemon_stop(d, 1);
        return;
    }
    if (d->opening) return;
    d->wire = gy_store_wire_create(&d->loop, store_instance(d)->instance, &d->backend);
    d->store = gy_store_open(&d->backend, on_store_ready, d);
}

static gantry_status make_instances(struct daemon *d, struct gy_error *err)
{
    const struct gy_config *c = &d->config;
    gy_autofree char *state_dir = gy_printf("%s/plugins", c->data_dir);
    struct gy_plugins_options options = {.loop = &d->loop,
                                         .dirs = (const char *const *)c->plugin_dirs.items,
                                         .state_dir = state_dir,
                                         .run_dir = c->run_dir,
                                         .libexec_dir = c->libexec_dir,
                                         .node = c->node_name,
                                         .cluster = d->cluster_id,
                                         .boot_id = d->boot_id,
                                         .trust_owner = c->trust_plugin_owner};
    d->plugins = gy_plugins_create(&options);
    gantry_status status = gy_config_check_plugins(c, d->plugins, err);
    if (status != GANTRY_OK) return status;
    gy_crash_install(d->plugins);
    d->instances = gy_alloc_array(c->block_count + 1, sizeof *d->instances);
    for (size_t i = 0; i < c->block_count; i++) {
        const struct gy_config_block *b = &c->blocks[i];
        struct daemon_instance *inst = &d->instances[d->instance_count];
        status = gy_instance_create(d->plugins, b->kind, b->provider, b->name, b->values, b->n,
                                    &inst->instance, err);
        if (status != GANTRY_OK) {
            gy_error_wrap(err, "%s", b->source);
            return status;
        }
        inst->block = b;
        d->instance_count++;
    }
    return GANTRY_OK;
}

/* The store and the strategies; the agent opens the drivers, which may take their time. */
static void open_instances(struct daemon *d)
{
    for (size_t i = 0; i < d->instance_count; i++) {
        if (gy_streq(block_at(d, i)->kind, GANTRY_DRIVER_KIND)) continue;
        struct opening *o = gy_alloc(sizeof *o);
        *o = (struct opening){d, &d->instances[i]};
        d->opening++;
        gy_instance_open(d->instances[i].instance, on_opened, o);
    }
}

/* ---- the end ---- */

static void close_loop(struct daemon *d)
{
    for (size_t i = 0; i < d->instance_count; i++)
        gy_instance_destroy(d->instances[i].instance);
    gy_plugins_destroy(d->plugins);
    gy_store_wire_destroy(d->wire);
    gy_server_destroy(d->server);
    gy_auth_destroy(d->auth);
    gy_loop_time_destroy(d->loop_time);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
}

static void on_instance_down(void *arg)
{
    struct daemon *d = arg;
    if (--d->shutting == 0) close_loop(d);
}

static void on_store_closed(void *arg)
{
    struct daemon *d = arg;
    d->shutting = d->instance_count + 1;
    for (size_t i = 0; i < d->instance_count; i++)
        gy_instance_shutdown(d->instances[i].instance, on_instance_down, d);
    on_instance_down(d);
}

static void on_agent_down(void *arg)
{
    struct daemon *d = arg;
    if (d->agent) gy_agent_destroy(GY_GIVE(d->agent));
    gy_status_writer_destroy(GY_GIVE(d->status));
    if (d->events) gy_events_flush(d->events);
    gy_feed_stop(GY_GIVE(d->feed));
    gy_events_destroy(GY_GIVE(d->events));
    gy_index_destroy(GY_GIVE(d->cluster));
    if (d->store)
        gy_store_close(GY_GIVE(d->store), on_store_closed, d);
    else
        on_store_closed(d);
}

static void on_http_down(void *arg)
{
    struct daemon *d = arg;
    d->http = NULL;
    if (d->server) gy_server_stop(d->server);
    gy_node_feed_stop(GY_GIVE(d->node_feed));
    if (d->agent)
        gy_agent_stop(d->agent, on_agent_down, d);
    else
        on_agent_down(d);
}

/* Not from inside a callback of the store, which may not be closed there. */
static void on_stop_timer(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    if (d->http)
        gy_http_server_stop(d->http, on_http_down, d);
    else
        on_http_down(d);
}

void gy_daemon_stop(struct daemon *d, int exit_status)
{
    if (d->stopping) return;
    d->stopping = true;
    d->exit_status = exit_status;
    gy_place_notify("STOPPING=1");
    uv_timer_start(&d->tick, on_stop_timer, 0, 0);
}

/* ---- the whole ---- */

static int fail_start(const struct gy_error *err)
{
    fprintf(stderr, "gantryd: %s\n", err->text);
    return 1;
}

static int run_daemon(struct daemon *d)
{
    struct gy_error err = GY_ERROR_INIT;
    uint8_t bits[16];
    gy_random_bytes(bits, sizeof bits);
    gy_id_format(bits, d->incarnation);
    gy_log_set_level((enum gy_log_level)gy_config_log_level(d->config.log_level));
    gy_place_limits(d->config.debug_core);
    if (gy_place_take(&d->config, &err) != GANTRY_OK ||
        gy_place_cluster_id(d->config.data_dir, d->cluster_id, &err) != GANTRY_OK)
        return fail_start(&err);
    uv_loop_init(&d->loop);
    gy_daemon_watch_signals(d);
    uv_timer_init(&d->loop, &d->tick);
    d->tick.data = d;
    uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
    d->loop_time = gy_loop_time_create(&d->loop);
    if (make_instances(d, &err) == GANTRY_OK) {
        if (store_instance(d)) {
            open_instances(d);
        } else {
            gy_error_set(&err, GANTRY_EINVAL,
                         "%s:1: no store is enabled: store = { plugin = "
                         "\"sqlite\"; };",
                         d->config.file ? d->config.file : "built-in");
        }
    }
    if (err.status != GANTRY_OK) {
        config_failed(&err);
        gy_daemon_stop(d, GY_CONFIG_EXIT);
    }
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    gy_log(GY_LOG_INFO, "main", "ended");
    return d->exit_status;
}

int gy_gantryd_run(const struct gy_gantryd_options *options)
{
    struct gy_error err = GY_ERROR_INIT;
    struct daemon *d = gy_alloc(sizeof *d);
    d->options = options;
    d->bin_dir = gy_place_bin_dir();
    d->boot_id = gy_place_boot_id();
    int status;
    if (gy_daemon_read_config(d, &d->config, &err) != GANTRY_OK)
        status = config_failed(&err);
    else if (options->check || options->print)
        status = show(d);
    else
        status = run_daemon(d);
    gy_config_fini(&d->config);
    free(d->instances);
    free(d->report_text);
    free(d->bin_dir);
    free(d->boot_id);
    free(d);
    return status;
}
