/* SPDX-License-Identifier: Apache-2.0 */
/* An agent carries a pod through its life over the driver `sim`. */
#include "agent_fixture.h"

#define ONE "{\"name\":\"main\",\"command\":[\"serve\"]}"

static void want(struct rig *r, const char *id, const char *driver, const char *container,
                 const char *more, bool stop)
{
    struct gy_pod pod;
    pod_from_json(&pod, id, driver, container, more);
    if (stop) {
        pod.desired = GY_POD_STOP;
        pod.stop_reason = gy_strdup("gantry down");
    }
    gy_agent_desired(r->agent, &pod);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static int state_of(struct rig *r, const char *id)
{
    const struct gy_pod_status *s = rig_pod(r, id);
    return s ? s->state : -1;
}

static int64_t attempt_of(struct rig *r, const char *id)
{
    const struct gy_pod_status *s = rig_pod(r, id);
    return s && s->containers.n ? GY_AT(struct gy_container_status, s->containers, 0)->attempt : -1;
}

static void life(void)
{
    struct rig *r = rig_create("sim", "sim", NULL, 0);
    want(r, POD_ID, "sim", ONE, ",\"ports\":[{\"target\":80,\"published\":8080}]", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_READY);
    const struct gy_pod_status *s = rig_pod(r, POD_ID);
    REQUIRE(s && s->containers.n == 1 && s->addresses.n == 1);
    CHECK_INT(GY_AT(struct gy_container_status, s->containers, 0)->attempt, 1);
    const struct gy_pod_address *at = GY_AT(struct gy_pod_address, s->addresses, 0);
    CHECK_STR(at->text, "127.0.0.1");
    CHECK_INT(at->target, 80);
    CHECK(at->port >= 20000 && at->port < 30000);
    CHECK(r->heartbeats > 0);
    CHECK_STR(r->node.name, "n1");
    CHECK_INT(r->node.drivers.n, 1);
    CHECK(GY_AT(struct gy_node_driver, r->node.drivers, 0)->ready);
    CHECK(GY_AT(struct gy_node_driver, r->node.drivers, 0)->runs_processes);
    CHECK(!GY_AT(struct gy_node_driver, r->node.drivers, 0)->runs_images);

    want(r, POD_ID, "sim", ONE, ",\"ports\":[{\"target\":80,\"published\":8080}]", true);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_ENDED);
    CHECK_INT(rig_pod(r, POD_ID)->outcome, GY_OUTCOME_STOPPED);
    gy_agent_forget(r->agent, POD_ID);
    unsigned reports = r->reports;
    RUN_UNTIL(r, r->heartbeats > 4);
    CHECK_INT(r->reports, reports);
    rig_destroy(r);
}

/* The agent ends and a new one begins: the pod that runs is found again, with its port, and not
 * started. */
static void found_again(void)
{
    struct rig *r = rig_create("sim", "sim", NULL, 0);
    const char *ports = ",\"ports\":[{\"target\":80}]";
    want(r, POD_ID, "sim", ONE, ports, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_READY);
    const struct gy_pod_status *s = rig_pod(r, POD_ID);
    int64_t port = GY_AT(struct gy_pod_address, s->addresses, 0)->port;
    int64_t pid = GY_AT(struct gy_container_status, s->containers, 0)->pid;
    rig_stop_agent(r);
    /* The driver's instance was opened by the first agent; the second one finds it open. */
    CHECK(pid > 0 && port > 0);
    rig_start_agent(r, "sim", "sim");
    gy_shape_fini(&gy_pod_status_shape, &r->pods[0]);
    r->pod_count = 0;
    want(r, POD_ID, "sim", ONE, ports, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_READY);
    s = rig_pod(r, POD_ID);
    REQUIRE(s);
    CHECK_INT(GY_AT(struct gy_container_status, s->containers, 0)->pid, pid);
    CHECK_INT(GY_AT(struct gy_container_status, s->containers, 0)->attempt, 1);
    REQUIRE(s->addresses.n == 1);
    CHECK_INT(GY_AT(struct gy_pod_address, s->addresses, 0)->port, port);
    rig_destroy(r);
}

static void restarts(void)
{
    struct gy_setting_value settings[] = {{.path = "run_ms", .text = "30"},
                                          {.path = "exit_code", .text = "3"}};
    struct rig *r = rig_create("sim", "sim", settings, 2);
    want(r, POD_ID, "sim", ONE, ",\"restart\":{\"delay_ms\":10,\"max_delay_ms\":20}", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, attempt_of(r, POD_ID) >= 3);
    CHECK(rig_pod(r, POD_ID)->restarts >= 2);
    CHECK_INT(rig_pod(r, POD_ID)->outcome, GY_OUTCOME_NONE);
    rig_destroy(r);
}

static void prepare_fails_for_good(void)
{
    struct gy_setting_value settings[] = {{.path = "fail_prepare_percent", .text = "100"},
                                          {.path = "fail_for_good", .text = "true"}};
    struct rig *r = rig_create("sim", "sim", settings, 2);
    want(r, POD_ID, "sim", ONE, "", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_ENDED);
    CHECK_INT(rig_pod(r, POD_ID)->outcome, GY_OUTCOME_GIVEN_BACK);
    CHECK_INT(rig_events(r, "pod.given-back"), 1);
    rig_destroy(r);
}

static void prepare_is_tried_again(void)
{
    struct gy_setting_value settings[] = {{.path = "fail_prepare_percent", .text = "60"},
                                          {.path = "seed", .text = "3"}};
    struct rig *r = rig_create("sim", "sim", settings, 2);
    want(r, POD_ID, "sim", ONE, "", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL_MS(r, state_of(r, POD_ID) == GY_POD_READY, 20000);
    CHECK_INT(rig_events(r, "pod.prepare-failed"), 1);
    rig_destroy(r);
}

/* A prepare that would take a day does not keep a pod that nobody wants. */
static void stop_hurries_prepare(void)
{
    struct gy_setting_value settings[] = {{.path = "prepare_ms", .text = "86400000"}};
    struct rig *r = rig_create("sim", "sim", settings, 1);
    want(r, POD_ID, "sim", ONE, "", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_PREPARING);
    want(r, POD_ID, "sim", ONE, "", true);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_ENDED);
    CHECK_INT(rig_pod(r, POD_ID)->outcome, GY_OUTCOME_STOPPED);
    rig_destroy(r);
}

static void command_check_without_exec(void)
{
    struct rig *r = rig_create("sim", "sim", NULL, 0);
    want(r, POD_ID, "sim",
         "{\"name\":\"main\",\"command\":[\"serve\"],\"health\":{\"kind\":\"command\",\"test\":"
         "[\"true\"],\"interval_ms\":100,\"retries\":1}}",
         "", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, rig_events(r, "pod.unhealthy") > 0);
    const char *text = rig_event_text(r, "pod.unhealthy");
    CHECK(text && strstr(text, "driver sim cannot run a command inside a container"));
    rig_destroy(r);
}

/* A port of mode host goes from a pod that was removed to the next one, not before. */
static void host_port_is_passed_on(void)
{
    struct rig *r = rig_create("sim", "sim", NULL, 0);
    const char *next = "abcdefghijklmnopqrstuvwxy2";
    const char *ports = ",\"ports\":[{\"target\":80,\"published\":31999,\"mode\":\"host\"}]";
    want(r, POD_ID, "sim", ONE, ports, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_READY);
    want(r, next, "sim", ONE, ports, false);
    RUN_UNTIL(r, rig_events(r, "pod.prepare-failed") == 1);
    const char *text = rig_event_text(r, "pod.prepare-failed");
    CHECK(text && strstr(text, "TCP port 31999 (mode: host) is held by another pod"));
    want(r, POD_ID, "sim", ONE, ports, true);
    RUN_UNTIL(r, state_of(r, next) == GY_POD_READY);
    CHECK_INT(GY_AT(struct gy_pod_address, rig_pod(r, next)->addresses, 0)->port, 31999);
    rig_destroy(r);
}

static const struct gy_node_driver *driver_of(const struct rig *r)
{
    return r->node_reports && r->node.drivers.n ? GY_AT(struct gy_node_driver, r->node.drivers, 0)
                                                : NULL;
}

static void driver_that_opens_late(void)
{
    struct gy_setting_value settings[] = {{.path = "fail_opens", .text = "1"}};
    struct rig *r = rig_create("sim", "sim", settings, 1);
    want(r, POD_ID, "sim", ONE, "", false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, driver_of(r) && driver_of(r)->text &&
                     strstr(driver_of(r)->text, "a simulated failure (fail_opens)"));
    CHECK(driver_of(r) && !driver_of(r)->ready);
    unsigned heartbeats = r->heartbeats;
    RUN_UNTIL(r, r->heartbeats > heartbeats); /* the node is up all the same */
    RUN_UNTIL(r, state_of(r, POD_ID) == GY_POD_READY);
    CHECK(driver_of(r)->ready && !driver_of(r)->text);
    rig_destroy(r);
}

static void driver_that_never_opens(void)
{
    struct gy_setting_value settings[] = {{.path = "fail_opens", .text = "1"},
                                          {.path = "fail_for_good", .text = "true"}};
    struct rig *r = rig_create("sim", "sim-images", settings, 2);
    RUN_UNTIL(r, driver_of(r) && driver_of(r)->text &&
                     strstr(driver_of(r)->text, "a simulated failure (fail_opens)"));
    CHECK(!driver_of(r)->ready && driver_of(r)->runs_images);
    RUN_UNTIL(r, r->heartbeats > 5);
    CHECK(!driver_of(r)->ready);
    rig_destroy(r);
}

SUITE("agent.life", {"a pod is prepared, started, reported, stopped, removed", life},
      {"after a restart pods are found again", found_again},
      {"a container that exits is started again with a higher attempt", restarts},
      {"a prepare that fails for good gives the pod back", prepare_fails_for_good},
      {"a prepare that fails for now is tried again", prepare_is_tried_again},
      {"a port of mode host is passed on", host_port_is_passed_on},
      {"a driver that opens late leaves the node up", driver_that_opens_late},
      {"a driver that never opens says why", driver_that_never_opens},
      {"a stop ends a long prepare", stop_hurries_prepare},
      {"a command check where the driver has no exec says so", command_check_without_exec})
