/* SPDX-License-Identifier: Apache-2.0 */
/* An agent over the real plugin host and one driver, with what it told written down. */
#ifndef TESTS_AGENT_FIXTURE_H
#define TESTS_AGENT_FIXTURE_H

#include "agent/agent.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "suite.h"
#include <gantry/driver.h>
#include <sys/stat.h>

#define POD_ID "abcdefghijklmnopqrstuvwxyz"

struct rig {
    uv_loop_t loop;
    struct gy_plugins *plugins;
    struct gy_instance *driver;
    struct gy_agent *agent;
    char *state_dir;
    struct gy_node_report node;
    unsigned node_reports, heartbeats, reports;
    struct gy_pod_status pods[64]; /* last status of each pod, in order of appearance */
    size_t pod_count;
    struct gy_event events[256];
    size_t event_count;
    unsigned stopped;
};

static void rig_node(void *ctx, const struct gy_node_report *report)
{
    struct rig *r = ctx;
    if (r->node_reports++) gy_shape_fini(&gy_node_report_shape, &r->node);
    gy_shape_copy(&gy_node_report_shape, report, &r->node);
}

static struct gy_pod_status *rig_pod(struct rig *r, const char *id)
{
    for (size_t i = 0; i < r->pod_count; i++)
        if (gy_streq(r->pods[i].id, id)) return &r->pods[i];
    return NULL;
}

static void rig_status(void *ctx, const struct gy_pod_status *status)
{
    struct rig *r = ctx;
    struct gy_pod_status *old = rig_pod(r, status->id);
    r->reports++;
    if (old)
        gy_shape_fini(&gy_pod_status_shape, old);
    else
        old = &r->pods[r->pod_count++];
    REQUIRE(r->pod_count <= 64);
    gy_shape_copy(&gy_pod_status_shape, status, old);
}

static void rig_event(void *ctx, const struct gy_event *event)
{
    struct rig *r = ctx;
    REQUIRE(r->event_count < 256);
    gy_shape_copy(&gy_event_shape, event, &r->events[r->event_count++]);
}

static void rig_heartbeat(void *ctx)
{
    ((struct rig *)ctx)->heartbeats++;
}

static inline unsigned rig_events(const struct rig *r, const char *kind)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->event_count; i++)
        n += gy_streq(r->events[i].kind, kind);
    return n;
}

static inline const char *rig_event_text(const struct rig *r, const char *kind)
{
    for (size_t i = 0; i < r->event_count; i++)
        if (gy_streq(r->events[i].kind, kind)) return r->events[i].text;
    return NULL;
}

static void rig_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* Run the loop until x, or fail after ms. */
#define RUN_UNTIL_MS(r, x, ms)                                                                     \
    do {                                                                                           \
        int64_t until_ = gy_time_mono_ms() + (ms);                                                 \
        uv_timer_t tick_;                                                                          \
        uv_timer_init(&(r)->loop, &tick_);                                                         \
        uv_timer_start(&tick_, rig_tick, 5, 5);                                                    \
        while (!(x) && gy_time_mono_ms() < until_)                                                 \
            uv_run(&(r)->loop, UV_RUN_ONCE);                                                       \
        CHECK(x);                                                                                  \
        uv_close((uv_handle_t *)&tick_, NULL);                                                     \
        uv_run(&(r)->loop, UV_RUN_NOWAIT);                                                         \
    } while (0)
#define RUN_UNTIL(r, x) RUN_UNTIL_MS(r, x, 10000)

static void rig_start_agent(struct rig *r, const char *name, const char *provider)
{
    struct gy_agent_driver driver = {name, provider, r->driver};
    struct gy_agent_options o = {.loop = &r->loop,
                                 .node = "n1",
                                 .boot_id = "boot-1",
                                 .cluster = "c1",
                                 .drivers = &driver,
                                 .driver_count = 1,
                                 .heartbeat_ms = 50,
                                 .state_dir = r->state_dir,
                                 .plugins = r->plugins};
    struct gy_agent_up up = {r, rig_node, rig_status, rig_event, rig_heartbeat};
    r->agent = gy_agent_create(&o, &up);
    REQUIRE(r->agent);
    gy_agent_start(r->agent);
}

/* Over what a former rig left in this folder, which is taken. */
static struct rig *rig_create_in(char *folder, const char *plugin, const char *provider,
                                 const struct gy_setting_value *settings, size_t n)
{
    struct rig *r = gy_alloc(sizeof *r);
    r->state_dir = folder;
    uv_loop_init(&r->loop);
    gy_log_set_level(GY_LOG_ERROR);
    const char *dirs[] = {TEST_BUILD_DIR "/lib/gantry/plugins", NULL};
    gy_autofree char *run_dir = gy_printf("%s/run", folder);
    struct gy_plugins_options o = {.loop = &r->loop,
                                   .dirs = dirs,
                                   .state_dir = folder,
                                   .run_dir = run_dir,
                                   .libexec_dir = TEST_BUILD_DIR "/bin",
                                   .node = "n1",
                                   .cluster = "c1",
                                   .boot_id = "boot-1",
                                   .trust_owner = true};
    r->plugins = gy_plugins_create(&o);
    struct gy_error err = GY_ERROR_INIT;
    const struct gy_plugin *p;
    if (gy_plugins_load(r->plugins, plugin, &p, &err) != GANTRY_OK) {
        fprintf(stderr, "cannot load %s: %s\n", plugin, err.text);
        exit(2);
    }
    if (gy_instance_create(r->plugins, GANTRY_DRIVER_KIND, provider, provider, settings, n,
                           &r->driver, &err) != GANTRY_OK) {
        fprintf(stderr, "cannot create %s: %s\n", provider, err.text);
        exit(2);
    }
    rig_start_agent(r, provider, provider);
    return r;
}

static inline struct rig *rig_create(const char *plugin, const char *provider,
                                     const struct gy_setting_value *settings, size_t n)
{
    char folder[] = "/tmp/gantry-agent-XXXXXX";
    REQUIRE(mkdtemp(folder) && chmod(folder, 0711) == 0); /* apps run as other users */
    return rig_create_in(gy_strdup(folder), plugin, provider, settings, n);
}

static void rig_on_stopped(void *arg)
{
    ((struct rig *)arg)->stopped++;
}

static void rig_stop_agent(struct rig *r)
{
    r->stopped = 0;
    gy_agent_stop(r->agent, rig_on_stopped, r);
    RUN_UNTIL(r, r->stopped == 1);
    gy_agent_destroy(r->agent);
    r->agent = NULL;
}

/* The daemon's end: pods stay, and the folder. */
static void rig_leave(struct rig *r)
{
    rig_stop_agent(r);
    r->stopped = 0;
    gy_instance_shutdown(r->driver, rig_on_stopped, r);
    RUN_UNTIL(r, r->stopped == 1);
    gy_instance_destroy(r->driver);
    gy_plugins_destroy(r->plugins);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&r->loop), 0);
    for (size_t i = 0; i < r->pod_count; i++)
        gy_shape_fini(&gy_pod_status_shape, &r->pods[i]);
    for (size_t i = 0; i < r->event_count; i++)
        gy_shape_fini(&gy_event_shape, &r->events[i]);
    if (r->node_reports) gy_shape_fini(&gy_node_report_shape, &r->node);
    free(r->state_dir);
    free(r);
}

static void rig_destroy(struct rig *r)
{
    gy_autofree char *command = gy_printf("rm -rf -- '%s'", r->state_dir);
    rig_leave(r);
    CHECK_INT(system(command), 0);
}

/* A pod of one container, from JSON; more is a text to put behind its template. */
static void pod_from_json(struct gy_pod *pod, const char *id, const char *driver,
                          const char *container, const char *more)
{
    gy_autofree char *text =
        gy_printf("{\"id\":\"%s\",\"namespace\":\"default\",\"project\":\"shop\",\"app\":\"web\","
                  "\"slot\":1,\"node\":\"n1\",\"driver\":\"%s\",\"name\":\"default-shop-web-1-x\","
                  "\"template\":{\"containers\":[%s]}%s}",
                  id, driver, container, more);
    struct gy_error err = GY_ERROR_INIT;
    *pod = (struct gy_pod){0};
    if (gy_shape_decode_text(&gy_pod_shape, text, strlen(text), GY_FROM_PEER, pod, &err) !=
        GANTRY_OK) {
        fprintf(stderr, "%s: %s\n", text, err.text);
        exit(2);
    }
}

#endif
