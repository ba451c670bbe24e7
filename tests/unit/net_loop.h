/* SPDX-License-Identifier: Apache-2.0 */
/* A loop on a thread of its own, so that a test can talk to it with blocking sockets. */
#ifndef TESTS_UNIT_NET_LOOP_H
#define TESTS_UNIT_NET_LOOP_H

#include "net/address.h"
#include "suite.h"
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct net_loop {
    uv_loop_t loop;
    uv_async_t async;
    pthread_t thread;
    sem_t done;
    void (*fn)(void *arg);
    void *arg;
    _Atomic bool ending;
};

static void net_loop_on_async(uv_async_t *async)
{
    struct net_loop *l = async->data;
    if (l->ending) {
        uv_close((uv_handle_t *)async, NULL);
        return;
    }
    l->fn(l->arg);
    sem_post(&l->done);
}

static void *net_loop_main(void *arg)
{
    struct net_loop *l = arg;
    uv_run(&l->loop, UV_RUN_DEFAULT);
    return NULL;
}

static inline void net_loop_start(struct net_loop *l)
{
    memset(l, 0, sizeof *l);
    uv_loop_init(&l->loop);
    uv_async_init(&l->loop, &l->async, net_loop_on_async);
    l->async.data = l;
    sem_init(&l->done, 0, 0);
    REQUIRE(pthread_create(&l->thread, NULL, net_loop_main, l) == 0);
}

/* Run fn(arg) on the loop and wait for it. */
static inline void net_loop_call(struct net_loop *l, void (*fn)(void *arg), void *arg)
{
    l->fn = fn;
    l->arg = arg;
    uv_async_send(&l->async);
    sem_wait(&l->done);
}

/* Everything else on the loop must be closed already, or this waits for ever. */
static inline void net_loop_end(struct net_loop *l)
{
    l->ending = true;
    uv_async_send(&l->async);
    pthread_join(l->thread, NULL);
    CHECK_INT(uv_loop_close(&l->loop), 0);
    sem_destroy(&l->done);
}

/* A blocking client socket with a 10 s time-out; -1 when refused. */
static inline int net_dial(const struct gy_address *a)
{
    struct sockaddr_storage to;
    socklen_t len;
    gy_address_to_sockaddr(a, &to, &len);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&to, len) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline void net_send(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) return; /* the server may have hung up: the answer tells */
        bytes += n;
        len -= (size_t)n;
    }
}

/* Read until the peer closes or `until` has come (NULL: only the end); at most max - 1 bytes. */
static inline size_t net_read(int fd, char *out, size_t max, const char *until)
{
    size_t have = 0;
    out[0] = '\0';
    while (have < max - 1) {
        ssize_t n = recv(fd, out + have, max - 1 - have, 0);
        if (n <= 0) break;
        have += (size_t)n;
        out[have] = '\0';
        if (until && strstr(out, until)) break;
    }
    return have;
}

/* Wait up to 10 s for a condition that the loop thread brings about. */
#define NET_WAIT(condition)                                                                        \
    do {                                                                                           \
        for (int net_i_ = 0; net_i_ < 10000 && !(condition); net_i_++)                             \
            usleep(1000);                                                                          \
        CHECK(condition);                                                                          \
    } while (0)

#endif
