/* SPDX-License-Identifier: Apache-2.0 */
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

/* ---- handlers --------------------------------------------------------------------------- */

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

static void answer_held(void *arg)
{
    (void)arg;
    struct gy_http_request *req = held;
    held = NULL;
    gy_http_reply(req, 200, "text/plain", "later\n", 6);
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

/* ---- streams: a counter of lines, written as fast as the client takes them -------------- */

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

/* ---- upgrade: sends back what comes ----------------------------------------------------- */

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

/* ---- set up ----------------------------------------------------------------------------- */

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

static const char *ask(const struct gy_address *a, const char *method, const char *target)
{
    char text[1024];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method,
             target);
    return ask_raw(a, text, strlen(text));
}

static int status_of(const char *text)
{
    int status = 0;
    return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

/* ---- cases ------------------------------------------------------------------------------ */

static void answers_on_every_listener(void)
{
    set_up();
    struct gy_address *all[] = {&tcp4, &tcp6, &local};
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(status_of(ask(all[i], "GET", "/hello")), 200);
        CHECK(strstr(answer, "\r\n\r\nhello\n"));
    }
    struct stat st;
    CHECK_INT(stat(local.text, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0660);
    tear_down();
}

static void routes_and_parameters(void)
{
    set_up();
    char text[64];
    ask(&local, "GET", "/v1/namespaces/a%2Fb/apps/caf%C3%A9?q=1%202+3&bare");
    CHECK_INT(status_of(answer), 200);
    CHECK(strstr(answer, "\"ns\": \"a/b\"") || strstr(answer, "\"ns\":\"a/b\""));
    CHECK(strstr(answer, "caf\xc3\xa9"));
    CHECK(strstr(answer, "\"q\":\"1 2 3\""));
    CHECK(strstr(answer, "\"bare\":\"\""));
    CHECK(strstr(answer, "\"unix\":true"));
    snprintf(text, sizeof text, "\"pid\":%d", (int)getpid());
    CHECK(strstr(answer, text));
    ask(&tcp6, "PUT", "/v1/namespaces/x/apps/y");
    CHECK(strstr(answer, "\"unix\":false"));
    CHECK(strstr(answer, "\"peer\":\"::1\""));
    CHECK(strstr(ask(&tcp4, "GET", "/v1/namespaces/x/apps/special"), "hello"));
    CHECK(strstr(ask(&tcp4, "GET", "/files/a/b%20c/d"), "\"name\":\"a/b c/d\""));
    tear_down();
}

static void wrong_paths_and_methods(void)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *contains;
    } table[] = {
        {"DELETE", "/v1/namespaces/x/apps/y", 405, "Allow: GET, HEAD, PUT"},
        {"POST", "/hello", 405, "takes GET, HEAD, not POST"},
        {"GET", "/nowhere", 404, "\"message\":\"there is no /nowhere\""},
        {"GET", "/hello/", 404, "ENOTFOUND"},
        {"GET", "/v1/namespaces//apps/y", 404, "ENOTFOUND"},
        {"GET", "/v1/namespaces/x/apps/%zz", 400, "two hex digits"},
        {"GET", "/v1/namespaces/x/apps/%0", 400, "two hex digits"},
        {"GET", "/v1/namespaces/x/apps/%00", 400, "control character"},
        {"GET", "/v1/namespaces/x/apps/%ff", 400, "UTF-8"},
        {"GET", "/v1/namespaces/x/apps/%2e%2e", 400, "contains"},
        {"GET", "/hello?q=%c3", 400, "UTF-8"},
        {"GET", "/hello?forbidden", 403, "\"path\":\"token\""},
        {"HEAD", "/hello", 200, "Content-Length: 6"},
    };
    set_up();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ask(&tcp4, table[i].method, table[i].target);
        CHECK_INT(status_of(answer), table[i].status);
        CHECK(strstr(answer, table[i].contains));
        if (!strstr(answer, table[i].contains))
            fprintf(stderr, "%s: %s\n", table[i].target, answer);
    }
    tear_down();
}

static void malformed_requests_are_refused(void)
{
#define REST "\r\nHost: x\r\n"
    static const struct {
        const char *bytes;
        size_t len;
        int status;
    } table[] = {
#define RAW(text, status) {text, sizeof text - 1, status}
        RAW("POST /echo HTTP/1.1" REST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
            "0\r\n\r\n",
            400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: +3\r\n\r\nabc", 400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: -1\r\n\r\nabc", 400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: 99999999999999999999\r\n\r\nabc", 413),
        RAW("POST /echo HTTP/1.1" REST "Transfer-Encoding: xchunked\r\n\r\nabc", 400),
        RAW("POST /echo HTTP/1.1" REST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400),
        RAW("POST /echo HTTP/1.1" REST "Content-Length: 5000000\r\n\r\nabc", 413),
        RAW("GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1" REST "Host: y\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1\r\nHost : x\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1" REST "X: a\x01z\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1" REST "X: a\0b\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /he\0llo HTTP/1.1" REST "Connection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1" REST "X: a\0", -1),
        RAW("GET /hello HTTP/1.1" REST "X: a\r\n b\r\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello HTTP/1.1" REST "X: a\nConnection: close\r\n\r\n", 400),
        RAW("GET /hello?a=b&c HTTP/1.1" REST "X:\r\nY:  b\t\r\nConnection: close\r\n\r\n", 200),
        RAW("GET /hello?a=\0b HTTP/1.1" REST "Connection: close\r\n\r\n", 400),
        RAW("GARBAGE\r\n\r\n", -1),
    };
    set_up();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ask_raw(&tcp4, table[i].bytes, table[i].len);
        if (status_of(answer) != table[i].status)
            fprintf(stderr, "case %zu answered: %.200s\n", i, answer);
        CHECK_INT(status_of(answer), table[i].status);
    }
    /* the server is as well as before */
    CHECK_INT(status_of(ask(&tcp4, "GET", "/hello")), 200);
    tear_down();
}

static void large_headers_are_refused(void)
{
    set_up();
    size_t sizes[] = {1000, 34000, 90000};
    int want[] = {200, 431, 431};
    for (size_t i = 0; i < 3; i++) {
        char *text = calloc(1, 100000);
        int n = sprintf(text, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ");
        memset(text + n, 'a', sizes[i]);
        strcpy(text + n + sizes[i], "\r\n\r\n");
        ask_raw(&tcp4, text, strlen(text));
        CHECK_INT(status_of(answer), want[i]);
        free(text);
    }
    tear_down();
}

static void bodies(void)
{
    set_up();
    const char *chunked =
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
    ask_raw(&tcp4, chunked, strlen(chunked));
    CHECK_INT(status_of(answer), 200);
    CHECK(strstr(answer, "\r\n\r\nabcdefg"));
    /* a chunked body that only later turns out to be too large */
    int fd = net_dial(&tcp4);
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n";
    net_send(fd, head, strlen(head));
    char *chunk = calloc(1, 66000);
    int n = sprintf(chunk, "10000\r\n");
    memset(chunk + n, 'y', 65536);
    strcpy(chunk + n + 65536, "\r\n");
    for (int i = 0; i < 66; i++)
        net_send(fd, chunk, (size_t)n + 65538);
    net_send(fd, "0\r\n\r\n", 5);
    net_read(fd, answer, sizeof answer, NULL);
    CHECK_INT(status_of(answer), 413);
    close(fd);
    free(chunk);
    tear_down();
}

static void slow_clients_are_cut(void)
{
    set_up();
    int fd = net_dial(&tcp4), got = 1;
    char c;
    for (int i = 0; i < 60; i++) {
        net_send(fd, i ? "x" : "GET /hello HTTP/1.1\r\nX: ", i ? 1 : 24);
        usleep(100000);
        got = (int)recv(fd, &c, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) break;
    }
    CHECK(got == 0 || errno != EAGAIN);
    close(fd);
    tear_down();
}

static void an_answer_may_come_later(void)
{
    set_up();
    int fd = net_dial(&local);
    const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    net_send(fd, text, strlen(text));
    NET_WAIT(held);
    net_loop_call(&loop, answer_held, NULL);
    net_read(fd, answer, sizeof answer, NULL);
    CHECK(strstr(answer, "later\n"));
    CHECK_INT(closed_count, 0);
    close(fd);
    tear_down();
}

static void a_client_that_leaves_is_noticed(void)
{
    set_up();
    const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    struct gy_address *all[] = {&tcp4, &tcp6, &local};
    for (int i = 0; i < 6; i++) {
        int fd = net_dial(all[i % 3]);
        net_send(fd, text, strlen(text));
        NET_WAIT(held);
        if (i >= 3) { /* by a reset */
            struct linger now = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(fd);
        NET_WAIT(closed_count == i + 1);
    }
    usleep(20000);
    CHECK_INT(closed_count, 6);
    tear_down();
}

static void a_stream_client_that_leaves_is_noticed(void)
{
    set_up();
    int fds[50];
    for (int i = 0; i < 50; i++) {
        fds[i] = net_dial(i % 2 ? &tcp4 : &local);
        const char *text = "GET /watch HTTP/1.1\r\nHost: x\r\n\r\n";
        net_send(fds[i], text, strlen(text));
        net_read(fds[i], answer, sizeof answer, "{\"n\":1}");
        CHECK(strstr(answer, "{\"n\":1}"));
    }
    for (int i = 0; i < 25; i++)
        close(fds[i]);
    NET_WAIT(stream_closed == 25);
    /* the others are told when the server stops */
    tear_down();
    CHECK_INT(stream_closed, 50);
    for (int i = 25; i < 50; i++)
        close(fds[i]);
}

static void a_slow_stream_is_bounded(void)
{
    set_up();
    int fd = net_dial(&tcp4);
    const char *text = "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n";
    net_send(fd, text, strlen(text));
    NET_WAIT(stream_busy > 0);
    CHECK(stream_most <= GY_HTTP_STREAM_QUEUE_MAX);
    int writable = stream_writable;
    for (int i = 0; i < 400; i++)
        recv(fd, answer, sizeof answer, 0);
    NET_WAIT(stream_writable > writable);
    CHECK(stream_most <= GY_HTTP_STREAM_QUEUE_MAX);
    close(fd);
    NET_WAIT(stream_closed == 1);
    tear_down();
}

static void a_stream_ends(void)
{
    set_up();
    int fd = net_dial(&tcp6);
    const char *text = "GET /ten HTTP/1.0\r\nHost: x\r\n\r\n";
    net_send(fd, text, strlen(text));
    size_t total = 0, count = 0;
    ssize_t n;
    while ((n = recv(fd, answer, sizeof answer, 0)) > 0) {
        total += (size_t)n;
        for (ssize_t i = 0; i < n; i++)
            count += answer[i] == 'x';
    }
    CHECK(total > count); /* the head too */
    CHECK(count >= ten_mb && count < ten_mb + 40);
    CHECK_INT(stream_closed, 0);
    close(fd);
    tear_down();
}

static void pieces_are_sent_in_place(void)
{
    set_up();
    memset(big_piece, 'p', sizeof big_piece);
    pieces_freed = 0;
    int fd = net_dial(&tcp4);
    const char *text = "GET /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    net_send(fd, text, strlen(text));
    size_t count = 0;
    ssize_t n;
    while ((n = recv(fd, answer, sizeof answer, 0)) > 0)
        for (ssize_t i = 0; i < n; i++)
            count += answer[i] == 'p';
    CHECK(count >= sizeof big_piece && count < sizeof big_piece + 10);
    NET_WAIT(pieces_freed == 3);
    close(fd);
    tear_down();
}

static void *send_ten_mb(void *arg)
{
    int fd = *(int *)arg;
    static char block[65536];
    for (size_t i = 0; i < ten_mb / sizeof block; i++)
        net_send(fd, block, sizeof block);
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void upgrade_carries_bytes_both_ways(void)
{
    struct gy_address *all[] = {&tcp4, &local};
    for (size_t k = 0; k < 2; k++) {
        set_up();
        int fd = net_dial(all[k]);
        const char *text =
            "POST /upgrade HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: echo\r\n\r\nearly";
        net_send(fd, text, strlen(text));
        net_read(fd, answer, sizeof answer, "early");
        CHECK_INT(status_of(answer), 101);
        CHECK(strstr(answer, "\r\n\r\nearly"));
        pthread_t thread;
        pthread_create(&thread, NULL, send_ten_mb, &fd);
        size_t total = 0;
        ssize_t n;
        while ((n = recv(fd, answer, sizeof answer, 0)) > 0)
            total += (size_t)n;
        pthread_join(thread, NULL);
        CHECK_INT(total, ten_mb);
        CHECK_INT(n, 0); /* our half-close came back as theirs, after the last byte */
        CHECK(stream_most <= GY_WIRE_QUEUE_MAX);
        close(fd);
        NET_WAIT(closed_count == 1);
        tear_down();
    }
    set_up();
    CHECK_INT(status_of(ask(&tcp4, "POST", "/upgrade")), 400);
    tear_down();
}

static void sockets_in_the_way(void)
{
    set_up();
    struct gy_error err = GY_ERROR_INIT;
    char pid[32], path[80];
    uv_loop_t other_loop;
    uv_loop_init(&other_loop);
    struct gy_http_server *other = gy_http_server_create(&other_loop);
    CHECK_INT(gy_http_server_listen_unix(other, local.text, 0600, (gid_t)-1, &err), GANTRY_EBUSY);
    snprintf(pid, sizeof pid, "process %d already", (int)getpid());
    CHECK(strstr(err.text, pid));
    CHECK_INT(gy_http_server_listen_tcp(other, "127.0.0.1", tcp4.port, NULL, &err), GANTRY_EBUSY);
    CHECK_INT(gy_http_server_listen_tcp(other, "example", 1, NULL, &err), GANTRY_EINVAL);
    snprintf(path, sizeof path, "%s/file", folder);
    fclose(fopen(path, "w"));
    CHECK_INT(gy_http_server_listen_unix(other, path, 0600, (gid_t)-1, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "not a socket"));
    unlink(path);
    /* one that a dead process left */
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/file", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&un, sizeof un) == 0);
    close(fd);
    CHECK_INT(gy_http_server_listen_unix(other, path, 0600, (gid_t)-1, &err), GANTRY_OK);
    memset(path, 'x', sizeof path - 1);
    path[79] = '\0';
    gy_http_server_stop(other, NULL, NULL);
    uv_run(&other_loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&other_loop), 0);
    tear_down();
}

static void take_stats(void *arg)
{
    *(json_t **)arg = gy_http_server_stats(server);
}

static void latencies_are_counted(void)
{
    set_up();
    for (int i = 0; i < 5; i++)
        ask(&tcp4, "GET", "/hello");
    json_t *stats = NULL, *r;
    size_t i;
    net_loop_call(&loop, take_stats, &stats);
    CHECK_INT(json_integer_value(json_object_get(stats, "requests")), 5);
    json_array_foreach (json_object_get(stats, "routes"), i, r) {
        if (strcmp(json_string_value(json_object_get(r, "route")), "/hello")) continue;
        CHECK_INT(json_integer_value(json_object_get(r, "count")), 5);
        json_int_t sum = 0;
        json_t *b;
        size_t j;
        json_array_foreach (json_object_get(r, "buckets"), j, b)
            sum += json_integer_value(b);
        CHECK_INT(sum, 5);
    }
    json_decref(stats);
    tear_down();
}

static void an_unanswered_request_outlives_the_server(void)
{
    set_up();
    int fd = net_dial(&local);
    const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    net_send(fd, text, strlen(text));
    NET_WAIT(held);
    tear_down(); /* waits its grace, then calls on_closed, which answers */
    CHECK_INT(closed_count, 1);
    close(fd);
}

SUITE("net.http_server", {"every listener answers", answers_on_every_listener},
      {"routes and parameters", routes_and_parameters},
      {"wrong paths and methods", wrong_paths_and_methods},
      {"malformed requests are refused", malformed_requests_are_refused},
      {"large headers are refused", large_headers_are_refused}, {"bodies", bodies},
      {"slow clients are cut", slow_clients_are_cut},
      {"an answer may come later", an_answer_may_come_later},
      {"a waiting client that leaves is noticed", a_client_that_leaves_is_noticed},
      {"a stream's client that leaves is noticed", a_stream_client_that_leaves_is_noticed},
      {"a slow stream is bounded", a_slow_stream_is_bounded}, {"a stream ends", a_stream_ends},
      {"pieces are sent where they lie", pieces_are_sent_in_place},
      {"upgrade carries bytes both ways", upgrade_carries_bytes_both_ways},
      {"sockets in the way", sockets_in_the_way}, {"latencies are counted", latencies_are_counted},
      {"an unanswered request outlives the server", an_unanswered_request_outlives_the_server})
