/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include "net_loop.h"

static struct net_loop loop;
static struct gy_relay *relay;
static struct gy_address backends[4], at;
static unsigned backend_n;
static _Atomic int picks;

static bool pick(void *arg, unsigned attempt, struct gy_address *backend)
{
    (void)arg;
    picks++;
    if (attempt >= backend_n) return false;
    *backend = backends[attempt];
    return true;
}

static struct gy_relay_options options;
static const char *host = "127.0.0.1";

static void listen_on_loop(void *arg)
{
    (void)arg;
    struct gy_error err = GY_ERROR_INIT;
    relay = gy_relay_listen(&loop.loop, host, 0, &options, pick, NULL, &err);
    REQUIRE(relay);
    at = *gy_relay_address(relay);
    CHECK(!gy_relay_listen(&loop.loop, host, at.port, NULL, pick, NULL, &err));
    CHECK_INT(err.status, GANTRY_EBUSY);
    CHECK(!gy_relay_listen(&loop.loop, "nowhere", 1, NULL, pick, NULL, &err));
    CHECK_INT(err.status, GANTRY_EINVAL);
}

static _Atomic bool closed;
static void on_closed(void *arg)
{
    (void)arg;
    closed = true;
}

static void close_on_loop(void *arg)
{
    (void)arg;
    gy_relay_close(relay, on_closed, NULL);
}

static struct gy_relay_stats stats;
static void read_stats(void *arg)
{
    (void)arg;
    gy_relay_get_stats(relay, &stats);
}

/* A backend socket that listens; *fd accepts. */
static int listen_backend(const char *where, struct gy_address *out)
{
    struct gy_address a;
    struct sockaddr_storage sa;
    socklen_t len;
    gy_address_make(where, 0, &a, NULL);
    gy_address_to_sockaddr(&a, &sa, &len);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 16) == 0);
    len = sizeof sa;
    getsockname(fd, (struct sockaddr *)&sa, &len);
    gy_address_from_sockaddr((struct sockaddr *)&sa, len, out);
    return fd;
}

static void set_up(void)
{
    picks = 0;
    closed = false;
    net_loop_start(&loop);
    net_loop_call(&loop, listen_on_loop, NULL);
}

static void tear_down(void)
{
    net_loop_call(&loop, close_on_loop, NULL);
    NET_WAIT(closed);
    net_loop_end(&loop);
    options = (struct gy_relay_options){0};
    host = "127.0.0.1";
}

static void half_close_passes_both_ways(void)
{
    const char *hosts[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        char text[64];
        host = hosts[i];
        int listener = listen_backend(hosts[1 - i], &backends[0]); /* 4 to 6 and 6 to 4 */
        backend_n = 1;
        set_up();
        int fd = net_dial(&at);
        REQUIRE(fd >= 0);
        int peer = accept(listener, NULL, NULL);
        net_send(fd, "question", 8);
        shutdown(fd, SHUT_WR);
        net_read(peer, text, sizeof text, NULL); /* to the end */
        CHECK_STR(text, "question");
        net_send(peer, "answer", 6); /* after their half-close */
        close(peer);
        net_read(fd, text, sizeof text, NULL);
        CHECK_STR(text, "answer");
        close(fd);
        for (int k = 0; k < 5000; k++) {
            net_loop_call(&loop, read_stats, NULL);
            if (!stats.open) break;
            usleep(1000);
        }
        CHECK_INT(stats.open, 0);
        CHECK_INT(stats.bytes_in, 8);
        CHECK_INT(stats.bytes_out, 6);
        tear_down();
        close(listener);
    }
}

static void a_dead_backend_is_passed_over(void)
{
    char text[64];
    close(listen_backend("127.0.0.1", &backends[0]));
    close(listen_backend("::1", &backends[1]));
    int listener = listen_backend("127.0.0.1", &backends[2]);
    backend_n = 3;
    set_up();
    int fd = net_dial(&at);
    int peer = accept(listener, NULL, NULL);
    net_send(peer, "third", 5);
    net_read(fd, text, sizeof text, "third");
    CHECK_STR(text, "third");
    CHECK_INT(picks, 3);
    close(peer);
    close(fd);
    close(listener);
    /* now none answers: the client is closed, not left hanging */
    fd = net_dial(&at);
    CHECK_INT(net_read(fd, text, sizeof text, NULL), 0);
    close(fd);
    net_loop_call(&loop, read_stats, NULL);
    CHECK_INT(stats.refused, 1);
    tear_down();
}

static size_t sent_bytes;
static void *send_much(void *arg)
{
    static char block[65536];
    for (size_t i = 0; i < 160; i++) {
        net_send(*(int *)arg, block, sizeof block);
        sent_bytes += sizeof block;
    }
    shutdown(*(int *)arg, SHUT_WR);
    return NULL;
}

static void a_slow_reader_holds_the_sender(void)
{
    static char block[65536];
    int listener = listen_backend("127.0.0.1", &backends[0]);
    int small = 65536;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    backend_n = 1;
    set_up();
    int fd = net_dial(&at);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    int peer = accept(listener, NULL, NULL);
    pthread_t thread;
    sent_bytes = 0;
    pthread_create(&thread, NULL, send_much, &fd);
    usleep(300000);
    net_loop_call(&loop, read_stats, NULL);
    CHECK(stats.bytes_in < 9u << 20); /* the rest waits in the sender */
    size_t total = 0;
    ssize_t n;
    while ((n = recv(peer, block, sizeof block, 0)) > 0)
        total += (size_t)n;
    pthread_join(thread, NULL);
    CHECK_INT(total, 160 * 65536);
    close(peer);
    close(fd);
    close(listener);
    tear_down();
}

static void connections_are_bounded(void)
{
    int listener = listen_backend("127.0.0.1", &backends[0]);
    options.connections = 2;
    backend_n = 1;
    set_up();
    int fds[3], peers[2];
    for (int i = 0; i < 3; i++)
        fds[i] = net_dial(&at);
    for (int i = 0; i < 2; i++)
        peers[i] = accept(listener, NULL, NULL);
    usleep(50000);
    net_loop_call(&loop, read_stats, NULL);
    CHECK_INT(stats.open, 2);
    close(fds[0]);
    close(peers[0]);
    int third = accept(listener, NULL, NULL); /* the one that waited */
    CHECK(third >= 0);
    close(third);
    close(peers[1]);
    close(fds[1]);
    close(fds[2]);
    close(listener);
    tear_down();
}

static void closing_cuts_what_is_open(void)
{
    char text[8];
    int listener = listen_backend("127.0.0.1", &backends[0]);
    backend_n = 1;
    set_up();
    int fd = net_dial(&at);
    int peer = accept(listener, NULL, NULL);
    tear_down();
    CHECK_INT(net_read(fd, text, sizeof text, NULL), 0);
    CHECK_INT(net_read(peer, text, sizeof text, NULL), 0);
    CHECK_INT(net_dial(&at), -1);
    close(fd);
    close(peer);
    close(listener);
}

SUITE("net.relay", {"half-close passes both ways, IPv4 and IPv6", half_close_passes_both_ways},
      {"a dead backend is passed over", a_dead_backend_is_passed_over},
      {"a slow reader holds the sender", a_slow_reader_holds_the_sender},
      {"connections are bounded", connections_are_bounded},
      {"closing cuts what is open", closing_cuts_what_is_open})
