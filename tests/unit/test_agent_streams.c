/* SPDX-License-Identifier: Apache-2.0 */
/* Logs, exec and published ports of an agent over the driver `sim`. */
#include "agent_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define OTHER_ID "abcdefghijklmnopqrstuvwxy2"
#define ONE "{\"name\":\"main\",\"command\":[\"serve\"]}"
#define TWO ONE ",{\"name\":\"side\",\"command\":[\"serve\"]}"

struct listener {
    struct gy_buf text;
    unsigned chunks, busy, ends;
    gantry_status answer; /* of chunk */
    gantry_status status;
    char why[512];
};

static gantry_status on_chunk(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                              size_t n)
{
    struct listener *l = ctx;
    CHECK_INT(channel, GANTRY_CHANNEL_STDOUT);
    CHECK(wall_ms > 0);
    CHECK_INT(l->ends, 0);
    if (l->answer != GANTRY_OK) {
        l->busy++;
        return l->answer;
    }
    l->chunks++;
    gy_buf_add(&l->text, bytes, n);
    return GANTRY_OK;
}

static void on_end(void *ctx, gantry_status status, const char *text, int exit_code,
                   int exit_signal)
{
    struct listener *l = ctx;
    (void)exit_code, (void)exit_signal;
    l->ends++;
    l->status = status;
    (void)snprintf(l->why, sizeof l->why, "%s", text ? text : "");
}

static struct gy_agent_sink sink_of(struct listener *l)
{
    return (struct gy_agent_sink){l, on_chunk, on_end};
}

static struct rig *running(const char *id, const char *containers)
{
    struct rig *r = rig_create("sim", "sim", NULL, 0);
    struct gy_pod pod;
    pod_from_json(&pod, id, "sim", containers, "");
    gy_agent_desired(r->agent, &pod);
    gy_shape_fini(&gy_pod_shape, &pod);
    gy_agent_synced(r->agent);
    RUN_UNTIL(r, rig_pod(r, id) && rig_pod(r, id)->state == GY_POD_READY);
    return r;
}

static void logs(void)
{
    struct rig *r = running(POD_ID, ONE);
    struct listener l = {0};
    struct gy_agent_sink sink = sink_of(&l);
    struct gy_agent_logs_query q = {.pod_id = POD_ID, .tail = -1};
    CHECK(gy_agent_logs(r->agent, &q, &sink) != NULL);
    RUN_UNTIL(r, l.ends == 1);
    CHECK_INT(l.status, GANTRY_OK);
    CHECK(l.text.text && strstr(l.text.text, "attempt 1 of main has started\n"));
    gy_buf_fini(&l.text);
    rig_destroy(r);
}

static void full_sink(void)
{
    struct rig *r = running(POD_ID, ONE);
    struct listener l = {.answer = GANTRY_EBUSY};
    struct gy_agent_sink sink = sink_of(&l);
    struct gy_agent_logs_query q = {.pod_id = POD_ID, .tail = -1};
    CHECK(gy_agent_logs(r->agent, &q, &sink) != NULL);
    RUN_UNTIL(r, l.busy >= 3); /* offered again and again, and not ended meanwhile */
    CHECK_INT(l.ends, 0);
    l.answer = GANTRY_OK;
    RUN_UNTIL(r, l.ends == 1);
    CHECK_INT(l.status, GANTRY_OK);
    CHECK_INT(l.chunks, 1);
    CHECK(l.text.text && strstr(l.text.text, "attempt 1 of main has started\n"));
    gy_buf_fini(&l.text);
    rig_destroy(r);
}

static void follow(void)
{
    struct rig *r = running(POD_ID, ONE);
    struct listener a = {0}, b = {0}, c = {0};
    struct gy_agent_sink sa = sink_of(&a), sb = sink_of(&b), sc = sink_of(&c);
    struct gy_agent_logs_query q = {.pod_id = POD_ID, .tail = 0, .follow = true};
    struct gy_agent_stream *s = gy_agent_logs(r->agent, &q, &sa);
    REQUIRE(s);
    CHECK(gy_agent_logs(r->agent, &q, &sb) != NULL);
    RUN_UNTIL(r, a.chunks >= 1 && b.chunks >= 1);
    gy_agent_stream_cancel(s); /* the listener left: nothing more is said */
    unsigned chunks = a.chunks;
    b.answer = GANTRY_ECANCELED;
    RUN_UNTIL(r, b.ends == 1);
    CHECK_INT(b.status, GANTRY_ECANCELED);
    CHECK_INT(a.ends, 0);
    CHECK_INT(a.chunks, chunks);
    CHECK(gy_agent_logs(r->agent, &q, &sc) != NULL);
    gy_buf_fini(&a.text);
    gy_buf_fini(&b.text);
    rig_destroy(r); /* a stream that is open when the agent ends is told so */
    CHECK_INT(c.ends, 1);
    CHECK_INT(c.status, GANTRY_ECANCELED);
    gy_buf_fini(&c.text);
}

static void refusals(void)
{
    struct rig *r = running(POD_ID, TWO);
    struct listener l = {0};
    struct gy_agent_sink sink = sink_of(&l);
    struct gy_agent_logs_query q = {.pod_id = POD_ID, .tail = -1};
    CHECK(!gy_agent_logs(r->agent, &q, &sink));
    CHECK_INT(l.status, GANTRY_EINVAL);
    CHECK_STR(l.why, "the pod has several containers, say which: main, side");
    q.container = "sid";
    CHECK(!gy_agent_logs(r->agent, &q, &sink));
    CHECK_STR(l.why, "the pod has no container named sid; it has main, side");
    q.pod_id = OTHER_ID;
    CHECK(!gy_agent_logs(r->agent, &q, &sink));
    CHECK_INT(l.status, GANTRY_ENOTFOUND);
    CHECK_STR(l.why, "pod " OTHER_ID " is not on node n1");
    const char *const args[] = {"true"};
    struct gy_agent_exec_query e = {.pod_id = POD_ID, .container = "side", .args = args};
    CHECK(!gy_agent_exec(r->agent, &e, &sink));
    CHECK_STR(l.why, "there is no command to run");
    e.arg_count = 1;
    CHECK(!gy_agent_exec(r->agent, &e, &sink));
    CHECK_INT(l.status, GANTRY_ENOTSUP);
    CHECK_STR(l.why, "driver sim does not offer exec");
    CHECK_INT(l.ends, 5);
    rig_destroy(r);
}

/* ---- published ports ---- */

static int server(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 16) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    close(fd);
    return -1;
}

/* As dial, over IPv6; true where the kernel has none. */
static bool dials_ipv6(uint16_t port)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        if (fd >= 0) close(fd);
        return true;
    }
    a.sin6_port = htons(port);
    int rc = connect(fd, (struct sockaddr *)&a, sizeof a);
    close(fd);
    return rc == 0;
}

static int take(int fd)
{
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

static void publish(struct rig *r, const char *key, uint16_t published, int64_t target,
                    const uint16_t *ports, size_t n)
{
    struct gy_port port = {.target = target, .published = published};
    const struct gy_port *list = &port;
    struct gy_pod_address addresses[4], *pointers[4];
    for (size_t i = 0; i < n; i++) {
        addresses[i] = (struct gy_pod_address){"ipv4", "127.0.0.1", ports[i], 80};
        pointers[i] = &addresses[i];
    }
    struct gy_agent_service s = {.key = key,
                                 .ports = &list,
                                 .port_count = published ? 1 : 0,
                                 .backends = (const struct gy_pod_address *const *)pointers,
                                 .backend_count = n};
    gy_agent_service(r->agent, &s);
}

static void round_robin(void)
{
    struct rig *r = running(POD_ID, ONE);
    uint16_t ports[2], published;
    int a = server(&ports[0]), b = server(&ports[1]), probe = server(&published);
    close(probe);
    publish(r, "default/shop/web", published, 80, ports, 2);
    int clients[4], at_a = 0, at_b = 0, got;
    for (int i = 0; i < 4; i++) {
        clients[i] = dial(published);
        CHECK(clients[i] >= 0);
    }
    RUN_UNTIL(r, (at_a += (got = take(a)) >= 0, got >= 0 ? close(got) : 0,
                  at_b += (got = take(b)) >= 0, got >= 0 ? close(got) : 0, at_a + at_b == 4));
    CHECK_INT(at_a, 2);
    CHECK_INT(at_b, 2);
    for (int i = 0; i < 4; i++)
        close(clients[i]);

    publish(r, "default/shop/web", published, 443, ports, 2); /* nobody has that target */
    int client = dial(published);
    CHECK(client >= 0);
    char byte;
    fcntl(client, F_SETFL, O_NONBLOCK);
    RUN_UNTIL(r, (got = (int)read(client, &byte, 1)) == 0 || (got < 0 && errno == ECONNRESET));
    close(client);

    publish(r, "default/shop/web", 0, 0, NULL, 0);
    RUN_UNTIL(r, (client = dial(published)) < 0 || close(client));
    close(a);
    close(b);
    rig_destroy(r);
}

static void taken_port(void)
{
    struct rig *r = running(POD_ID, ONE);
    uint16_t published;
    int taken = server(&published);
    publish(r, "default/shop/web", published, 80, NULL, 0);
    CHECK_INT(rig_events(r, "port.unavailable"), 1);
    gy_autofree char *why = gy_printf("port %u is not published on this node: cannot listen on "
                                      "0.0.0.0:%u: Address already in use; it is tried again",
                                      published, published);
    CHECK_STR(rig_event_text(r, "port.unavailable"), why);
    CHECK_STR(r->events[r->event_count - 1].app, "web");
    unsigned heartbeats = r->heartbeats + 26; /* over the first retry, at 1 s */
    RUN_UNTIL(r, r->heartbeats >= heartbeats);
    CHECK_INT(rig_events(r, "port.unavailable"), 1);
    close(taken);
    RUN_UNTIL(r, rig_events(r, "port.published") == 1);
    int client = dial(published);
    CHECK(client >= 0);
    close(client);
    CHECK(dials_ipv6(published));

    publish(r, "default/shop/api", published, 80, NULL, 0);
    CHECK_INT(rig_events(r, "port.unavailable"), 2);
    CHECK(strstr(r->events[r->event_count - 1].text, "app default/shop/web publishes it already"));
    rig_destroy(r);
}

SUITE("agent.streams", {"logs come and end", logs},
      {"a full sink is offered the chunk again", full_sink},
      {"followed logs until the listener leaves", follow}, {"what is refused, and why", refusals},
      {"a published port goes round the backends", round_robin},
      {"a port that is taken is said once and tried again", taken_port})
