/* SPDX-License-Identifier: Apache-2.0 */
#include "net_server.h"

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

SUITE("net.http_streams",
      {"a stream's client that leaves is noticed", a_stream_client_that_leaves_is_noticed},
      {"a slow stream is bounded", a_slow_stream_is_bounded}, {"a stream ends", a_stream_ends},
      {"pieces are sent where they lie", pieces_are_sent_in_place},
      {"upgrade carries bytes both ways", upgrade_carries_bytes_both_ways})
