/* SPDX-License-Identifier: Apache-2.0 */
#include "net_server.h"

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

static void answer_held(void *arg)
{
    (void)arg;
    struct gy_http_request *req = held;
    held = NULL;
    gy_http_reply(req, 200, "text/plain", "later\n", 6);
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
      {"sockets in the way", sockets_in_the_way}, {"latencies are counted", latencies_are_counted},
      {"an unanswered request outlives the server", an_unanswered_request_outlives_the_server})
