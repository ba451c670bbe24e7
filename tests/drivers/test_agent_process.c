/* SPDX-License-Identifier: Apache-2.0 */
/* An agent over the driver `process`: real processes, found again after the daemon is gone. */
#include "unit/agent_fixture.h"

#include <signal.h>
#include <unistd.h>

#define APP                                                                                        \
    "{\"name\":\"main\",\"command\":[\"/bin/sh\",\"-c\",\"echo told ${PORT_80} $PORT $PORT_80 "    \
    "$GANTRY_APP; exec sleep 1000\"],\"stop_grace_ms\":2000,\"health\":{\"kind\":\"command\","     \
    "\"test\":[\"/bin/sh\",\"-c\",\"echo checked; test $1 -gt "                                    \
    "19999\",\"x\",\"${PORT_80}\"],\"interval_ms\":"                                               \
    "100,\"timeout_ms\":5000,\"retries\":3}}"
#define MORE                                                                                       \
    ",\"ports\":[{\"target\":80,\"published\":8080}],\"restart\":{\"delay_ms\":10,"                \
    "\"max_delay_ms\":50}"

static void want(struct rig *r, bool stop)
{
    struct gy_pod pod;
    pod_from_json(&pod, POD_ID, "process", APP, MORE);
    if (stop) pod.desired = GY_POD_STOP;
    gy_agent_desired(r->agent, &pod);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static const struct gy_container_status *main_of(struct rig *r)
{
    const struct gy_pod_status *s = rig_pod(r, POD_ID);
    return s && s->containers.n ? GY_AT(struct gy_container_status, s->containers, 0) : NULL;
}

static bool is_ready(struct rig *r, int64_t attempt)
{
    return rig_pod(r, POD_ID) && rig_pod(r, POD_ID)->state == GY_POD_READY &&
           main_of(r)->attempt == attempt && main_of(r)->pid > 0;
}

struct said {
    struct gy_buf text;
    unsigned ends;
    gantry_status status;
    int code;
};

static gantry_status on_chunk(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                              size_t n)
{
    (void)channel, (void)wall_ms;
    gy_buf_add(&((struct said *)ctx)->text, bytes, n);
    return GANTRY_OK;
}

static void on_end(void *ctx, gantry_status status, const char *text, int code, int signal_number)
{
    struct said *s = ctx;
    if (status != GANTRY_OK) fprintf(stderr, "stream: %s (signal %d)\n", text, signal_number);
    s->ends++;
    s->status = status;
    s->code = code;
}

static void check_logs(struct rig *r)
{
    struct said said = {0};
    struct gy_agent_sink sink = {&said, on_chunk, on_end};
    struct gy_agent_logs_query q = {.pod_id = POD_ID, .tail = -1};
    gy_agent_logs(r->agent, &q, &sink);
    RUN_UNTIL(r, said.ends == 1);
    int64_t port = GY_AT(struct gy_pod_address, rig_pod(r, POD_ID)->addresses, 0)->port;
    gy_autofree char *line =
        gy_printf("told %lld %lld %lld web\n", (long long)port, (long long)port, (long long)port);
    CHECK_INT(said.status, GANTRY_OK);
    if (!said.text.text || !strstr(said.text.text, line))
        fprintf(stderr, "logs: %s\n", said.text.text ? said.text.text : "");
    CHECK(said.text.text && strstr(said.text.text, line));
    gy_buf_fini(&said.text);
}

static void check_exec(struct rig *r)
{
    struct said said = {0};
    struct gy_agent_sink sink = {&said, on_chunk, on_end};
    const char *const args[] = {"/bin/sh", "-c", "read x; echo got $x for $GANTRY_APP; exit 7"};
    struct gy_agent_exec_query q = {
        .pod_id = POD_ID, .args = args, .arg_count = 3, .stdin_open = true};
    struct gy_agent_stream *s = gy_agent_exec(r->agent, &q, &sink);
    REQUIRE(s);
    gantry_status status = GANTRY_EBUSY;
    RUN_UNTIL(r, said.ends || (status = gy_agent_stream_input(s, "hello\n", 6)) != GANTRY_EBUSY);
    CHECK_INT(status, GANTRY_OK);
    RUN_UNTIL(r, said.ends == 1);
    CHECK_INT(said.status, GANTRY_OK);
    CHECK_INT(said.code, 7);
    CHECK_STR(said.text.text, "got hello for web\n");
    gy_buf_fini(&said.text);
}

static void life(void)
{
    struct rig *r = rig_create("process", "process", NULL, 0);
    want(r, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, is_ready(r, 1));
    REQUIRE(main_of(r));
    CHECK_INT(main_of(r)->health, GY_POD_HEALTHY);
    CHECK(main_of(r)->text && strstr(main_of(r)->text, "checked"));
    int64_t pid = main_of(r)->pid;
    CHECK(kill((pid_t)pid, 0) == 0);
    check_logs(r);
    check_exec(r);

    CHECK(kill((pid_t)pid, SIGKILL) == 0);
    RUN_UNTIL(r, is_ready(r, 2));
    CHECK_INT(rig_pod(r, POD_ID)->restarts, 1);
    CHECK(main_of(r)->pid != pid);
    pid = main_of(r)->pid;

    want(r, true);
    RUN_UNTIL(r, rig_pod(r, POD_ID)->state == GY_POD_ENDED);
    CHECK(kill((pid_t)pid, 0) != 0);
    rig_destroy(r);
}

/* Everything of the daemon goes, the process stays; the next one finds it by the record and the
 * key. */
static void found_again(void)
{
    struct rig *r = rig_create("process", "process", NULL, 0);
    want(r, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, is_ready(r, 1));
    REQUIRE(main_of(r));
    int64_t pid = main_of(r)->pid;
    int64_t port = GY_AT(struct gy_pod_address, rig_pod(r, POD_ID)->addresses, 0)->port;
    char *kept = gy_strdup(r->state_dir);
    rig_leave(r);

    r = rig_create_in(GY_GIVE(kept), "process", "process", NULL, 0);
    want(r, false);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, is_ready(r, 1));
    REQUIRE(main_of(r));
    CHECK_INT(main_of(r)->pid, pid);
    CHECK_INT(GY_AT(struct gy_pod_address, rig_pod(r, POD_ID)->addresses, 0)->port, port);
    CHECK_INT(rig_pod(r, POD_ID)->restarts, 0);
    gy_agent_forget(r->agent, POD_ID); /* its record is gone: stopped and removed */
    RUN_UNTIL(r, rig_pod(r, POD_ID)->state == GY_POD_ENDED);
    CHECK(kill((pid_t)pid, 0) != 0);
    rig_destroy(r);
}

/* What the check wrote, and how it ended, is in the event. */
static void unhealthy(void)
{
    struct rig *r = rig_create("process", "process", NULL, 0);
    struct gy_pod pod;
    pod_from_json(&pod, POD_ID, "process",
                  "{\"name\":\"main\",\"command\":[\"/bin/sleep\",\"1000\"],\"stop_grace_ms\":2000,"
                  "\"health\":{\"kind\":\"command\",\"test\":[\"/bin/sh\",\"-c\",\"echo no "
                  "database; exit 3\"],\"interval_ms\":100,\"timeout_ms\":5000,\"retries\":2}}",
                  "");
    gy_agent_desired(r->agent, &pod);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, rig_events(r, "pod.unhealthy") == 1);
    const char *text = rig_event_text(r, "pod.unhealthy");
    CHECK(text && strstr(text, "failed 2 health checks in a row: exit code 3: no database"));
    pod.desired = GY_POD_STOP;
    gy_agent_desired(r->agent, &pod);
    RUN_UNTIL(r, rig_pod(r, POD_ID)->state == GY_POD_ENDED);
    gy_shape_fini(&gy_pod_shape, &pod);
    rig_destroy(r);
}

SUITE("agent.process", {"a process is started, checked, restarted, stopped", life},
      {"an unhealthy one says what its check said", unhealthy},
      {"after the daemon is gone the same process is found", found_again})
