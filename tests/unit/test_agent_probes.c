/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks against real servers on loopback. */
#include "agent/probes.h"
#include "base/time.h"
#include "suite.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server of one connection: reads once, writes `answer` (NULL = nothing), waits, closes. */
struct server {
    int fd;
    uint16_t port;
    const char *answer;
    unsigned wait_ms;
    char got[2048];
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct server *s = arg;
    int c = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    if (c < 0) return NULL;
    ssize_t n = read(c, s->got, sizeof s->got - 1);
    s->got[n > 0 ? n : 0] = '\0';
    if (s->wait_ms) usleep(s->wait_ms * 1000);
    if (s->answer && send(c, s->answer, strlen(s->answer), MSG_NOSIGNAL) < 0) perror("send");
    close(c);
    return NULL;
}

static bool server_listen(struct server *s, int family)
{
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&b : (struct sockaddr *)&a;
    socklen_t len = family == AF_INET6 ? sizeof b : sizeof a;
    s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, at, len) != 0 || listen(s->fd, 4) != 0) return false;
    REQUIRE(getsockname(s->fd, at, &len) == 0);
    s->port = ntohs(family == AF_INET6 ? b.sin6_port : a.sin_port);
    return true;
}

struct outcome {
    unsigned times;
    gantry_status status;
    char text[8192];
};

static void on_done(void *arg, gantry_status status, const char *text)
{
    struct outcome *o = arg;
    o->times++;
    o->status = status;
    (void)snprintf(o->text, sizeof o->text, "%s", text);
}

static void probe(const char *host, uint16_t port, const char *path, int64_t timeout_ms,
                  struct outcome *out)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    *out = (struct outcome){0};
    struct gy_probe_query q = {host, port, path, timeout_ms};
    REQUIRE(gy_probe_start(&loop, &q, on_done, out));
    CHECK_INT(out->times, 0); /* on a later turn */
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(out->times, 1);
    CHECK_INT(uv_loop_close(&loop), 0);
}

static void http(const char *answer, unsigned wait_ms, int64_t timeout_ms, gantry_status status,
                 const char *part)
{
    struct server s = {.answer = answer, .wait_ms = wait_ms};
    REQUIRE(server_listen(&s, AF_INET));
    pthread_create(&s.thread, NULL, serve, &s);
    struct outcome o;
    probe("127.0.0.1", s.port, "/health?a=b", timeout_ms, &o);
    pthread_join(s.thread, NULL);
    close(s.fd);
    CHECK_INT(o.status, status);
    if (!strstr(o.text, part)) fprintf(stderr, "\"%s\" has no \"%s\"\n", o.text, part);
    CHECK(strstr(o.text, part) != NULL);
    CHECK(!strchr(o.text, 0x1b)); /* nothing that a terminal would obey */
    CHECK(!strncmp(s.got, "GET /health?a=b HTTP/1.1\r\nHost: 127.0.0.1:", 42));
    CHECK(strstr(s.got, "\r\nConnection: close\r\n\r\n") != NULL);
}

static void answers(void)
{
    http("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, 5000, GANTRY_OK, ": 200 OK");
    http("HTTP/1.0 204 No Content\r\n\r\n", 0, 5000, GANTRY_OK, ": 204 No Content");
    http("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", 0, 5000, GANTRY_OK, ": 302 Found");
    http("HTTP/1.1 500 Internal Server Error\r\n\r\nno database", 0, 5000, GANTRY_EINVAL,
         ": 500 Internal Server Error: no database");
    http("HTTP/1.1 404 Not Found\r\n\r\n", 0, 5000, GANTRY_EINVAL, ": 404 Not Found");
    http("HTTP/1.1 503\r\n\r\n", 0, 5000, GANTRY_EINVAL, ": 503");
    http("HTTP/1.1 500 \x1b[31mred\r\n\r\n\x1b[2J", 0, 5000, GANTRY_EINVAL, ": 500  [31mred");
}

static void garbage(void)
{
    const char *no = "did not answer in HTTP/1";
    http("SSH-2.0-OpenSSH_9.2\r\n", 0, 5000, GANTRY_EINVAL, no);
    http("HTTP/2.0 200 OK\r\n\r\n", 0, 5000, GANTRY_EINVAL, no);
    http("HTTP/1.1 2000 OK\r\n\r\n", 0, 5000, GANTRY_EINVAL, no);
    http("HTTP/1.1 99 OK\r\n\r\n", 0, 5000, GANTRY_EINVAL, no);
    http("HTTP/1.1 OK\r\n\r\n", 0, 5000, GANTRY_EINVAL, no);
    http(NULL, 0, 5000, GANTRY_EINVAL, "closed the connection without an answer");
    char *endless = malloc(20000); /* a head that never ends is judged by its first line */
    REQUIRE(endless);
    memset(endless, 'a', 19999);
    endless[19999] = '\0';
    http(endless, 0, 5000, GANTRY_EINVAL, no);
    memcpy(endless, "HTTP/1.1 200 OK\r\nX: ", 20);
    http(endless, 0, 5000, GANTRY_OK, ": 200 OK");
    free(endless);
}

static void slow(void)
{
    int64_t begin = gy_time_mono_ms();
    http("HTTP/1.1 200 OK\r\n\r\n", 400, 100, GANTRY_EINVAL, "did not answer within 100 ms");
    CHECK(gy_time_mono_ms() - begin < 2000);
}

static void tcp(void)
{
    struct server s = {0};
    struct outcome o;
    REQUIRE(server_listen(&s, AF_INET));
    probe("127.0.0.1", s.port, NULL, 1000, &o);
    CHECK_INT(o.status, GANTRY_OK);
    CHECK(strstr(o.text, "accepts connections"));
    close(s.fd);
    probe("127.0.0.1", s.port, NULL, 1000, &o);
    CHECK_INT(o.status, GANTRY_EINVAL);
    CHECK(strstr(o.text, "cannot connect to 127.0.0.1:") && strstr(o.text, "refused"));
}

static void ipv6(void)
{
    struct server s = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct outcome o;
    if (!server_listen(&s, AF_INET6)) { /* no IPv6 here: the address form is still right */
        probe("::1", 1, NULL, 1000, &o);
        CHECK_INT(o.status, GANTRY_EINVAL);
        CHECK(strstr(o.text, "[::1]:1"));
        return;
    }
    pthread_create(&s.thread, NULL, serve, &s);
    probe("::1", s.port, "/", 5000, &o);
    pthread_join(s.thread, NULL);
    close(s.fd);
    CHECK_INT(o.status, GANTRY_OK);
    CHECK(strstr(o.text, "GET / from [::1]:"));
}

static void bad_questions(void)
{
    struct outcome o;
    probe("not an address", 80, "/", 1000, &o);
    CHECK_INT(o.status, GANTRY_EINVAL);
    probe("127.0.0.1", 80, "/a\r\nX: y", 1000, &o);
    CHECK_INT(o.status, GANTRY_EINVAL);
    CHECK(strstr(o.text, "no blanks or line breaks"));
}

static void canceled(void)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct outcome o = {0};
    struct server s = {0};
    REQUIRE(server_listen(&s, AF_INET));
    struct gy_probe_query q = {"127.0.0.1", s.port, "/", 60000};
    gy_probe_cancel(gy_probe_start(&loop, &q, on_done, &o));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(o.times, 0);
    CHECK_INT(uv_loop_close(&loop), 0);
    close(s.fd);
}

SUITE("agent.probes", {"2xx and 3xx are healthy, others are not", answers},
      {"what is not HTTP is unhealthy", garbage}, {"a slow server runs into the time-out", slow},
      {"tcp: connecting is enough", tcp}, {"IPv6", ipv6}, {"bad questions", bad_questions},
      {"a cancelled probe tells nothing", canceled})
