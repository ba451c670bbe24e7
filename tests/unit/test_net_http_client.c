/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "net/http_server.h"
#include "net_loop.h"

static struct net_loop loop;
static struct gy_http_server *server;
static struct gy_http_client *client;
static struct gy_address tcp4, tcp6, local;
static char folder[64], url[160];
static char seen_auth[200];

/* ---- a server ---- */

static void echo(void *arg, struct gy_http_request *req)
{
    (void)arg;
    gantry_bytes body = gy_http_body(req);
    const char *auth = gy_http_header(req, "Authorization");
    snprintf(seen_auth, sizeof seen_auth, "%s", auth ? auth : "");
    gy_http_reply_header(req, "X-Method", gy_http_method(req));
    gy_http_reply(req, 200, "text/plain", body.ptr, body.len);
}

static void refuse(void *arg, struct gy_http_request *req)
{
    (void)arg;
    gy_http_reply_error(req, 409, "ECONFLICT", "spec.replicas", "someone was faster");
}

static void never(void *arg, struct gy_http_request *req);
static struct gy_http_request *kept[8];
static _Atomic size_t kept_n;

static void answer_kept(void *arg)
{
    (void)arg;
    while (kept_n)
        gy_http_reply(kept[--kept_n], 200, NULL, "{}", 2);
}

static void never(void *arg, struct gy_http_request *req)
{
    (void)arg;
    REQUIRE(kept_n < 8);
    kept[kept_n++] = req;
}

static _Atomic int stream_closed;
static struct gy_http_request *stream;
static uv_timer_t *stream_timer; /* one a stream: the last one may still be closing */
static size_t stream_sent;
#define STREAM_BYTES (4u << 20)

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void end_stream(void)
{
    uv_close((uv_handle_t *)stream_timer, free_handle);
    gy_http_stream_end(stream);
}

static void on_stream_closed(void *arg)
{
    (void)arg;
    stream_closed++;
    end_stream();
}

static void feed_stream(uv_timer_t *timer)
{
    static char block[16384];
    while (stream_sent < STREAM_BYTES) {
        memset(block, 'a' + (int)(stream_sent / sizeof block % 26), sizeof block);
        if (gy_http_stream_write(stream, block, sizeof block) != GANTRY_OK) return;
        stream_sent += sizeof block;
    }
    if (timer->data) end_stream();
}

static void start_stream(void *arg, struct gy_http_request *req)
{
    stream = req;
    stream_sent = 0;
    stream_timer = calloc(1, sizeof *stream_timer);
    uv_timer_init(&loop.loop, stream_timer);
    stream_timer->data = arg;
    gy_http_stream_start(req, 200, "text/plain", on_stream_closed, NULL, NULL);
    uv_timer_start(stream_timer, feed_stream, 0, 1);
}

static void on_wire_bytes(void *arg, const void *bytes, size_t len)
{
    gy_wire_write(*(struct gy_wire **)arg, bytes, len);
}

static void on_wire_end(void *arg, const struct gy_error *err)
{
    (void)err;
    gy_wire_finish(*(struct gy_wire **)arg);
    free(arg);
}

static void on_open(void *arg, struct gy_wire *wire)
{
    static const struct gy_wire_events events = {on_wire_bytes, on_wire_end, NULL};
    (void)arg;
    REQUIRE(wire);
    struct gy_wire **w = calloc(1, sizeof *w);
    *w = wire;
    gy_wire_write(wire, "welcome ", 8);
    gy_wire_start(wire, &events, w);
}

static void upgrade(void *arg, struct gy_http_request *req)
{
    (void)arg;
    if (!gy_http_wants_upgrade(req, "echo"))
        gy_http_reply_error(req, 400, "EINVAL", NULL, "say Upgrade: echo");
    else if (gy_http_body(req).len != 2)
        gy_http_reply_error(req, 404, "ENOTFOUND", "pod", "there is no such pod");
    else
        gy_http_upgrade(req, "echo", on_open, NULL);
}

static void set_up_on_loop(void *arg)
{
    static int then_end;
    (void)arg;
    server = gy_http_server_create(&loop.loop);
    gy_http_server_route(server, "POST", "/echo", echo, NULL);
    gy_http_server_route(server, "PUT", "/echo", echo, NULL);
    gy_http_server_route(server, "DELETE", "/echo", echo, NULL);
    gy_http_server_route(server, "GET", "/echo", echo, NULL);
    gy_http_server_route(server, "POST", "/refuse", refuse, NULL);
    gy_http_server_route(server, "GET", "/refuse", refuse, NULL);
    gy_http_server_route(server, "GET", "/never", never, NULL);
    gy_http_server_route(server, "GET", "/stream", start_stream, &then_end);
    gy_http_server_route(server, "GET", "/watch", start_stream, NULL);
    gy_http_server_route(server, "POST", "/upgrade", upgrade, NULL);
    REQUIRE(gy_http_server_listen_unix(server, local.text, 0600, (gid_t)-1, NULL) == GANTRY_OK);
    REQUIRE(gy_http_server_listen_tcp(server, "127.0.0.1", 0, &tcp4, NULL) == GANTRY_OK);
    REQUIRE(gy_http_server_listen_tcp(server, "::1", 0, &tcp6, NULL) == GANTRY_OK);
    client = gy_http_client_create(&loop.loop, &(struct gy_http_target){.url = url, .token = "t0k"},
                                   NULL);
    REQUIRE(client);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/gantry-test-XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(url, sizeof url, "%s/s.sock", folder);
    gy_address_make_unix(url, &local, NULL);
    snprintf(url, sizeof url, "unix://%s/s.sock", folder);
    stream_closed = 0;
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
    answer_kept(NULL);
    gy_http_client_destroy(client);
    gy_http_server_stop(server, on_stopped, NULL);
}

static void tear_down(void)
{
    stopped = false;
    net_loop_call(&loop, stop_on_loop, NULL);
    NET_WAIT(stopped);
    net_loop_end(&loop);
    CHECK_INT(rmdir(folder), 0);
}

/* ---- blocking ---- */

static void calls_work(void)
{
    set_up();
    struct gy_error err = GY_ERROR_INIT;
    char tcp4_url[160], tcp6_url[160], full[GY_ADDRESS_FULL_MAX];
    gy_address_format(&tcp4, full);
    snprintf(tcp4_url, sizeof tcp4_url, "http://%s/", full);
    gy_address_format(&tcp6, full);
    snprintf(tcp6_url, sizeof tcp6_url, "http://%s", full);
    const char *urls[] = {url, tcp4_url, tcp6_url}, *methods[] = {"POST", "PUT", "DELETE"};
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must be ignored here */
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    for (size_t i = 0; i < 3; i++) {
        struct gy_http_session *s =
            gy_http_session_open(&(struct gy_http_target){.url = urls[i], .token = "secret"}, &err);
        for (size_t j = 0; j < 3; j++) {
            struct gy_http_response r = {0};
            CHECK_INT(gy_http_call(s, methods[j], "/echo", "{\"a\":1}", 7, &r, &err), GANTRY_OK);
            CHECK_INT(r.status, 200);
            CHECK_STR(r.body, "{\"a\":1}");
            CHECK_STR(r.content_type, "text/plain");
            CHECK_INT(gy_http_response_check(&r, &err), GANTRY_OK);
            gy_http_response_fini(&r);
        }
        struct gy_http_response r = {0};
        CHECK_INT(gy_http_call(s, "GET", "/echo", NULL, 0, &r, &err), GANTRY_OK);
        CHECK_STR(r.body, "");
        gy_http_response_fini(&r);
        CHECK_INT(gy_http_call(s, "POST", "/echo", NULL, 0, &r, &err), GANTRY_OK);
        CHECK_INT(r.status, 200);
        gy_http_response_fini(&r);
        CHECK_INT(gy_http_call(s, "POST", "/refuse", NULL, 0, &r, &err), GANTRY_OK);
        CHECK_INT(r.status, 409);
        CHECK_INT(gy_http_response_check(&r, &err), GANTRY_ECONFLICT);
        CHECK_STR(err.text, "spec.replicas: someone was faster");
        gy_http_response_fini(&r);
        gy_http_session_close(s);
    }
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    CHECK_STR(seen_auth, "Bearer secret");
    tear_down();
}

static void failures_say_what_to_do(void)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_http_response r = {0};
    struct gy_http_session *s =
        gy_http_session_open(&(struct gy_http_target){.url = "unix:///nowhere/g.sock"}, &err);
    CHECK_INT(gy_http_call(s, "GET", "/", NULL, 0, &r, &err), GANTRY_EUNAVAIL);
    CHECK_STR(err.text, "cannot reach gantryd at unix:///nowhere/g.sock: No such file or "
                        "directory; is gantryd running? Start it with: gantryd --dev");
    gy_http_session_close(s);
    s = gy_http_session_open(
        &(struct gy_http_target){.url = "http://127.0.0.1:1", .peer = "docker"}, &err);
    CHECK_INT(gy_http_call(s, "GET", "/", NULL, 0, &r, &err), GANTRY_EUNAVAIL);
    CHECK_STR(err.text,
              "cannot reach docker at http://127.0.0.1:1: Connection refused; is it running?");
    gy_http_session_close(s);
    const char *bad[] = {"", "gantry", "ftp://x", "unix://", "http://", "http://a:99999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!gy_http_session_open(&(struct gy_http_target){.url = bad[i]}, &err));
        CHECK_INT(err.status, GANTRY_EINVAL);
    }
    CHECK(!gy_http_session_open(&(struct gy_http_target){.url = "http://a", .token = "a\r\nX: y"},
                                &err));
    int fd;
    char *early = NULL;
    size_t early_len = 0;
    CHECK_INT(gy_http_upgrade_connect(&(struct gy_http_target){.url = "unix:///nowhere/g.sock"},
                                      "/x", "echo", NULL, 0, &fd, &early, &early_len, NULL, &err),
              GANTRY_EUNAVAIL);
    CHECK(strstr(err.text, "No such file or directory; is gantryd running?"));
    set_up();
    s = gy_http_session_open(
        &(struct gy_http_target){.url = url, .timeout_ms = 100, .body_bytes = 10}, &err);
    CHECK_INT(gy_http_call(s, "GET", "/never", NULL, 0, &r, &err), GANTRY_ETIMEDOUT);
    CHECK_INT(gy_http_call(s, "POST", "/echo", "12345678901", 11, &r, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "larger than 10 bytes"));
    gy_http_session_close(s);
    tear_down();
}

struct counted {
    size_t bytes, ticks, stop_at, stop_ticks;
};

static bool count_bytes(void *arg, const void *bytes, size_t len)
{
    struct counted *c = arg;
    (void)bytes;
    c->bytes += len;
    c->ticks += len == 0;
    return !(c->stop_at && c->bytes >= c->stop_at) && !(c->stop_ticks && c->ticks >= c->stop_ticks);
}

static void streams_block_and_tick(void)
{
    set_up();
    struct gy_error err = GY_ERROR_INIT;
    struct gy_http_session *s = gy_http_session_open(&(struct gy_http_target){.url = url}, &err);
    struct counted c = {0};
    CHECK_INT(gy_http_stream(s, "/stream", count_bytes, &c, NULL, &err), GANTRY_OK);
    CHECK_INT(c.bytes, STREAM_BYTES);
    c = (struct counted){.stop_at = 100000};
    CHECK_INT(gy_http_stream(s, "/watch", count_bytes, &c, NULL, &err), GANTRY_OK);
    NET_WAIT(stream_closed == 1);
    c = (struct counted){.stop_ticks = 2};
    CHECK_INT(gy_http_stream(s, "/watch", count_bytes, &c, NULL, &err), GANTRY_OK);
    CHECK_INT(c.ticks, 2);
    NET_WAIT(stream_closed == 2);
    struct gy_http_response r = {0};
    CHECK_INT(gy_http_stream(s, "/refuse", count_bytes, &c, &r, &err), GANTRY_ECONFLICT);
    CHECK_INT(r.status, 409);
    gy_http_response_fini(&r);
    gy_http_session_close(s);
    tear_down();
}

static void upgrade_gives_a_socket(void)
{
    set_up();
    char tcp6_url[160], full[GY_ADDRESS_FULL_MAX];
    gy_address_format(&tcp6, full);
    snprintf(tcp6_url, sizeof tcp6_url, "http://%s", full);
    const char *urls[] = {url, tcp6_url};
    struct gy_error err = GY_ERROR_INIT;
    for (size_t i = 0; i < 2; i++) {
        int fd = -1;
        char *early = NULL, got[64] = "";
        size_t early_len = 0;
        struct gy_http_target target = {.url = urls[i]};
        CHECK_INT(gy_http_upgrade_connect(&target, "/upgrade", "echo", "{}", 2, &fd, &early,
                                          &early_len, NULL, &err),
                  GANTRY_OK);
        REQUIRE(fd >= 0);
        net_send(fd, "hello", 5);
        if (early) memcpy(got, early, early_len);
        net_read(fd, got + early_len, sizeof got - early_len, "hello");
        CHECK_STR(got, "welcome hello");
        free(early);
        close(fd);
        struct gy_http_response r = {0};
        CHECK_INT(gy_http_upgrade_connect(&target, "/upgrade", "echo", NULL, 0, &fd, &early,
                                          &early_len, &r, &err),
                  GANTRY_ENOTFOUND);
        CHECK_STR(err.text, "pod: there is no such pod");
        CHECK_INT(r.status, 404);
        gy_http_response_fini(&r);
    }
    tear_down();
}

/* ---- on the loop ---- */

static _Atomic int done_count;
static _Atomic int last_status, last_http;
static _Atomic size_t got_bytes;
static _Atomic bool paused, was_paused;
static struct gy_http_call *call;
static char last_body[100];

static void on_done(void *arg, const struct gy_http_result *result)
{
    (void)arg;
    last_status = result->status;
    last_http = (int)result->http_status;
    snprintf(last_body, sizeof last_body, "%s", result->body ? (const char *)result->body : "");
    done_count++;
}

static void send_echo(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++)
        gy_http_client_send(client, "POST", "/echo", "abc", 3, NULL, on_done, NULL);
}

static void send_then_cancel(void *arg)
{
    (void)arg;
    call = gy_http_client_send(client, "GET", "/never", NULL, 0, NULL, on_done, NULL);
    gy_http_call_cancel(gy_http_client_send(client, "GET", "/echo", NULL, 0, NULL, on_done, NULL));
}

static void cancel_call(void *arg)
{
    (void)arg;
    gy_http_call_cancel(call);
}

static bool take_bytes(void *arg, const void *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    if (paused) return false;
    got_bytes += len;
    if (!was_paused && got_bytes > 100000) paused = was_paused = true;
    return true;
}

static void send_stream(void *arg)
{
    struct gy_http_request_options options = {.on_bytes = take_bytes};
    got_bytes = 0;
    was_paused = false;
    call = gy_http_client_send(client, "GET", arg, NULL, 0, &options, on_done, NULL);
}

static void resume_call(void *arg)
{
    (void)arg;
    paused = false;
    gy_http_call_resume(call);
}

static void calls_on_the_loop(void)
{
    set_up();
    done_count = 0;
    net_loop_call(&loop, send_echo, NULL);
    NET_WAIT(done_count == 20);
    CHECK_INT(last_status, GANTRY_OK);
    CHECK_STR(last_body, "abc");
    CHECK_STR(seen_auth, "Bearer t0k");
    net_loop_call(&loop, send_then_cancel, NULL);
    NET_WAIT(kept_n == 1);
    net_loop_call(&loop, cancel_call, NULL);
    usleep(20000);
    CHECK_INT(done_count, 20); /* neither was told */
    tear_down();
}

static void streams_pause_on_the_loop(void)
{
    set_up();
    done_count = 0;
    paused = false;
    net_loop_call(&loop, send_stream, "/stream");
    NET_WAIT(paused);
    usleep(50000);
    size_t held = got_bytes;
    CHECK(held < 200000);
    CHECK_INT(done_count, 0);
    net_loop_call(&loop, resume_call, NULL);
    NET_WAIT(done_count == 1);
    CHECK_INT(got_bytes, STREAM_BYTES);
    CHECK_INT(last_http, 200);
    /* destroying the client in tear_down cancels an open stream, and the server notices */
    net_loop_call(&loop, send_stream, "/watch");
    NET_WAIT(paused);
    tear_down();
    CHECK_INT(done_count, 1);
    CHECK_INT(stream_closed, 1);
}

SUITE("net.http_client", {"calls work over unix, IPv4 and IPv6", calls_work},
      {"failures say what to do", failures_say_what_to_do},
      {"streams block and tick", streams_block_and_tick},
      {"upgrade gives a socket", upgrade_gives_a_socket}, {"calls on the loop", calls_on_the_loop},
      {"streams pause on the loop", streams_pause_on_the_loop})
