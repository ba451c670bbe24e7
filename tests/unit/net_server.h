/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a loop of its own, on a TCP4, a TCP6 and a unix socket, with a handler for each thing
 * that a handler can do: set_up(), ask(), tear_down(). */
#ifndef TESTS_NET_SERVER_H
#define TESTS_NET_SERVER_H

#include "net/http_server.h"
#include "net_loop.h"
#include <sys/stat.h>

static struct net_loop loop;
static struct gy_http_server *server;
static struct gy_address tcp4, tcp6, local;
static char folder[64];
static _Atomic int closed_count, opened_count, open_failed;
static struct gy_http_request *_Atomic held;
static _Atomic bool refuse_all;

/* ---- handlers ---- */

static void hello(void *arg, struct gy_http_request *req)
{
    (void)arg;
    gy_http_reply(req, 200, "text/plain", "hello\n", 6);
}

static void show(void *arg, struct gy_http_request *req)
{
    (void)arg;
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    bool by_unix = gy_http_peer_unix(req, &uid, &gid, &pid);
    const char *ns = gy_http_param(req, "ns"), *name = gy_http_param(req, "name");
    const char *q = gy_http_query(req, "q"), *bare = gy_http_query(req, "bare");
    gy_http_reply_json(req, 200,
                       json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:b, s:I, s:s, s:s}", "method",
                                 gy_http_method(req), "ns", ns, "name", name, "q", q, "bare", bare,
                                 "unix", by_unix, "pid", (json_int_t)pid, "route",
                                 gy_http_route(req), "peer", gy_http_peer(req)->text));
}

static void echo(void *arg, struct gy_http_request *req)
{
    (void)arg;
    gantry_bytes body = gy_http_body(req);
    gy_http_reply(req, 200, "application/octet-stream", body.ptr, body.len);
}

static void count_closed(void *arg)
{
    struct gy_http_request *req = arg;
    closed_count++;
    if (req == held) {
        held = NULL;
        gy_http_reply(req, 200, NULL, "{}", 2); /* goes nowhere, releases the request */
    }
}

static void hold(void *arg, struct gy_http_request *req)
{
    (void)arg;
    held = req;
    gy_http_on_closed(req, count_closed, req);
}

static void piece_freed(void *owner)
{
    ++*(_Atomic int *)owner;
}

static _Atomic int pieces_freed;
static char big_piece[3000000];

static void pieces(void *arg, struct gy_http_request *req)
{
    (void)arg;
    struct gy_http_piece list[] = {{"[", 1, NULL, NULL},
                                   {big_piece, sizeof big_piece, piece_freed, &pieces_freed},
                                   {"", 0, piece_freed, &pieces_freed},
                                   {"]", 1, piece_freed, &pieces_freed}};
    gy_http_reply_pieces(req, 200, "text/plain", list, 4);
}

static bool guard(void *arg, struct gy_http_request *req)
{
    (void)arg;
    if (!refuse_all && !gy_http_query(req, "forbidden")) return true;
    gy_http_reply_error(req, 403, "EINVAL", "token", "not you");
    return false;
}

/* ---- streams: a counter of lines, written as fast as the client takes them ---- */

static _Atomic int stream_busy, stream_writable, stream_closed;
static _Atomic size_t stream_most;
struct flood {
    struct gy_http_request *req;
    size_t written, total;
};

static void flood_more(void *arg)
{
    struct flood *f = arg;
    static char block[32768];
    memset(block, 'x', sizeof block);
    while (f->written < f->total) {
        gantry_status status = gy_http_stream_write(f->req, block, sizeof block);
        if (gy_http_stream_queued(f->req) > stream_most)
            stream_most = gy_http_stream_queued(f->req);
        if (status == GANTRY_EBUSY) {
            stream_busy++;
            return;
        }
        if (status != GANTRY_OK) return;
        f->written += sizeof block;
    }
    gy_http_stream_end(f->req);
    free(f);
}

static void flood_writable(void *arg)
{
    stream_writable++;
    flood_more(arg);
}

static void flood_closed(void *arg)
{
    struct flood *f = arg;
    stream_closed++;
    gy_http_stream_end(f->req);
    free(f);
}

static void flood(void *arg, struct gy_http_request *req)
{
    struct flood *f = calloc(1, sizeof *f);
    f->req = req;
    f->total = *(size_t *)arg;
    gy_http_stream_start(req, 200, "text/plain", flood_closed, flood_writable, f);
    flood_more(f);
}

static void watch(void *arg, struct gy_http_request *req)
{
    struct flood *f = calloc(1, sizeof *f);
    (void)arg;
    f->req = req;
    gy_http_stream_start(req, 200, NULL, flood_closed, NULL, f);
    gy_http_stream_write(req, "{\"n\":1}\n", 8);
}

/* ---- upgrade: sends back what comes ---- */

static void echo_bytes(void *arg, const void *bytes, size_t len)
{
    struct gy_wire *w = *(struct gy_wire **)arg;
    gy_wire_write(w, bytes, len);
    if (gy_wire_queued(w) > GY_WIRE_QUEUE_LOW) gy_wire_pause(w);
    if (gy_wire_queued(w) > stream_most) stream_most = gy_wire_queued(w);
}

static void echo_end(void *arg, const struct gy_error *err)
{
    struct gy_wire **w = arg;
    (void)err;
    closed_count++;
    gy_wire_finish(*w);
    free(w);
}

static void echo_writable(void *arg)
{
    gy_wire_resume(*(struct gy_wire **)arg);
}

static void echo_open(void *arg, struct gy_wire *wire)
{
    static const struct gy_wire_events events = {echo_bytes, echo_end, echo_writable};
    (void)arg;
    if (!wire) {
        open_failed++;
        return;
    }
    opened_count++;
    struct gy_wire **w = calloc(1, sizeof *w);
    *w = wire;
    gy_wire_start(wire, &events, w);
}

static void upgrade(void *arg, struct gy_http_request *req)
{
    (void)arg;
    if (gy_http_wants_upgrade(req, "echo"))
        gy_http_upgrade(req, "echo", echo_open, NULL);
    else
        gy_http_reply_error(req, 400, "EINVAL", "Upgrade", "say Upgrade: echo");
}

/* ---- set up ---- */

static size_t endless = SIZE_MAX / 2, ten_mb = 10u << 20;

static void set_up_on_loop(void *arg)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_http_limits limits = {.header_ms = 1500, .body_ms = 1500, .stop_grace_ms = 200};
    (void)arg;
    server = gy_http_server_create(&loop.loop);
    gy_http_server_set_limits(server, &limits);
    gy_http_server_guard(server, guard, NULL);
    gy_http_server_route(server, "GET", "/hello", hello, NULL);
    gy_http_server_route(server, "GET", "/v1/namespaces/{ns}/apps/{name}", show, NULL);
    gy_http_server_route(server, "PUT", "/v1/namespaces/{ns}/apps/{name}", show, NULL);
    gy_http_server_route(server, "GET", "/v1/namespaces/{ns}/apps/special", hello, NULL);
    gy_http_server_route(server, "GET", "/files/{name...}", show, NULL);
    gy_http_server_route(server, "POST", "/echo", echo, NULL);
    gy_http_server_route(server, "GET", "/hold", hold, NULL);
    gy_http_server_route(server, "GET", "/pieces", pieces, NULL);
    gy_http_server_route(server, "GET", "/flood", flood, &endless);
    gy_http_server_route(server, "GET", "/ten", flood, &ten_mb);
    gy_http_server_route(server, "GET", "/watch", watch, NULL);
    gy_http_server_route(server, "POST", "/upgrade", upgrade, NULL);
    REQUIRE(gy_http_server_listen_tcp(server, "127.0.0.1", 0, &tcp4, &err) == GANTRY_OK);
    REQUIRE(gy_http_server_listen_tcp(server, "::1", 0, &tcp6, &err) == GANTRY_OK);
    REQUIRE(gy_http_server_listen_unix(server, local.text, 0660, (gid_t)-1, &err) == GANTRY_OK);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/gantry-test-XXXXXX");
    REQUIRE(mkdtemp(folder));
    char path[100];
    snprintf(path, sizeof path, "%s/s.sock", folder);
    gy_address_make_unix(path, &local, NULL);
    closed_count = opened_count = open_failed = stream_closed = stream_busy = stream_writable = 0;
    stream_most = 0;
    held = NULL;
    net_loop_start(&loop);
    net_loop_call(&loop, set_up_on_loop, NULL);
}

static _Atomic bool stopped;
static void on_stopped(void *arg)
{
    (void)arg;
    stopped = true;
}

static void stop_on_loop(void *arg)
{
    (void)arg;
    stopped = false;
    gy_http_server_stop(server, on_stopped, NULL);
}

static void tear_down(void)
{
    net_loop_call(&loop, stop_on_loop, NULL);
    NET_WAIT(stopped);
    net_loop_end(&loop);
    CHECK(access(local.text, F_OK) < 0);
    CHECK_INT(rmdir(folder), 0);
}

/* One request on a new connection; whole answer until the server closes. */
static char answer[65536];
static const char *ask_raw(const struct gy_address *a, const char *bytes, size_t len)
{
    int fd = net_dial(a);
    REQUIRE(fd >= 0);
    net_send(fd, bytes, len);
    net_read(fd, answer, sizeof answer, NULL);
    close(fd);
    return answer;
}

__attribute__((unused)) static const char *ask(const struct gy_address *a, const char *method,
                                               const char *target)
{
    char text[1024];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method,
             target);
    return ask_raw(a, text, strlen(text));
}

__attribute__((unused)) static int status_of(const char *text)
{
    int status = 0;
    return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

#endif
