/* SPDX-License-Identifier: Apache-2.0 */
/* A server over a store in memory, on a loop of its own thread; requests come over a unix socket.
 */
#ifndef TESTS_UNIT_SERVER_FIXTURE_H
#define TESTS_UNIT_SERVER_FIXTURE_H

#include "model/key.h"
#include "server/server.h"
#include "server_disk.h"
#include "suite.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the server ---- */

static struct {
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t async;
    sem_t ready, ran;
    struct gy_store *store;
    struct gy_index *index;
    struct gy_events *events;
    struct gy_auth *auth;
    struct gy_http_server *http;
    struct gy_server *server;
    char folder[64], socket[96];
    uint16_t port;
    void (*call)(void);
} host;

static void host_store_ready(void *arg, gantry_status status, const char *text)
{
    (void)arg;
    (void)text;
    struct gy_error err = GY_ERROR_INIT;
    struct gy_address actual;
    REQUIRE(status == GANTRY_OK);
    struct gy_events_options events = {.loop = &host.loop, .store = host.store};
    struct gy_auth_options auth = {.rate = {100000, 100000}};
    host.index = gy_index_create(&host.loop, host.store);
    host.events = gy_events_create(&events);
    host.auth = gy_auth_create(&auth);
    host.http = gy_http_server_create(&host.loop);
    struct gy_server_options options = {.loop = &host.loop,
                                        .store = host.store,
                                        .http = host.http,
                                        .auth = host.auth,
                                        .cluster = host.index,
                                        .events = host.events,
                                        .node = "n1",
                                        .cluster_id = "c1",
                                        .data_dir = host.folder};
    host.server = gy_server_create(&options);
    REQUIRE(gy_http_server_listen_unix(host.http, host.socket, 0600, (gid_t)-1, &err) == GANTRY_OK);
    REQUIRE(gy_http_server_listen_tcp(host.http, "127.0.0.1", 0, &actual, &err) == GANTRY_OK);
    host.port = actual.port;
    sem_post(&host.ready);
}
static void host_closed(void *arg)
{
    (void)arg;
    gy_server_destroy(host.server);
    gy_auth_destroy(host.auth);
    disk_close();
    uv_close((uv_handle_t *)&host.async, NULL);
}
static void host_http_down(void *arg)
{
    (void)arg;
    gy_server_stop(host.server);
    gy_events_destroy(host.events);
    gy_index_destroy(host.index);
    gy_store_close(host.store, host_closed, NULL);
}
static void host_async(uv_async_t *async)
{
    (void)async;
    if (host.call) {
        host.call();
        sem_post(&host.ran);
    } else {
        gy_http_server_stop(host.http, host_http_down, NULL);
    }
}
static void *host_run(void *arg)
{
    (void)arg;
    host.store = gy_store_open(&disk_backend, host_store_ready, NULL);
    uv_run(&host.loop, UV_RUN_DEFAULT);
    return NULL;
}
static void host_start(void)
{
    strcpy(host.folder, "/tmp/gantry-server-XXXXXX");
    REQUIRE(mkdtemp(host.folder));
    snprintf(host.socket, sizeof host.socket, "%s/s", host.folder);
    sem_init(&host.ready, 0, 0);
    sem_init(&host.ran, 0, 0);
    uv_loop_init(&host.loop);
    disk_open(&host.loop);
    uv_async_init(&host.loop, &host.async, host_async);
    REQUIRE(pthread_create(&host.thread, NULL, host_run, NULL) == 0);
    sem_wait(&host.ready);
}
/* Run fn on the loop, and wait for it. */
static inline void host_call(void (*fn)(void))
{
    host.call = fn;
    uv_async_send(&host.async);
    sem_wait(&host.ran);
    host.call = NULL;
}
static void host_stop(void)
{
    host.call = NULL;
    uv_async_send(&host.async);
    pthread_join(host.thread, NULL);
    uv_loop_close(&host.loop);
    disk_fini();
    unlink(host.socket);
    rmdir(host.folder);
}

/* ---- a client ---- */

static int dial(bool tcp)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_storage in;
    socklen_t len;
    struct gy_address address;
    strcpy(un.sun_path, host.socket);
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    gy_address_make("127.0.0.1", host.port, &address, NULL);
    gy_address_to_sockaddr(&address, &in, &len);
    REQUIRE(!(tcp ? connect(fd, (struct sockaddr *)&in, len)
                  : connect(fd, (struct sockaddr *)&un, sizeof un)));
    return fd;
}
struct reply {
    int status;
    char head[4096], *body;
    json_t *json;
};
static void reply_free(struct reply *r)
{
    free(r->body);
    json_decref(r->json);
    *r = (struct reply){0};
}
/* Chunked bodies are joined. */
static void unchunk(char *body)
{
    char *in = body, *out = body;
    while (true) {
        size_t n = strtoul(in, &in, 16);
        if (!n) break;
        in += 2;
        memmove(out, in, n);
        out += n;
        in += n + 2;
    }
    *out = '\0';
}
static struct reply ask_with(bool tcp, const char *method, const char *path, const char *headers,
                             const char *body)
{
    struct reply r = {0};
    struct gy_buf b = {0};
    int fd = dial(tcp);
    char chunk[65536];
    gy_buf_printf(
        &b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, path, headers && strstr(headers, "Host:") ? "" : "127.0.0.1",
        headers ? headers : "", body ? strlen(body) : 0, body ? body : "");
    if (headers && strstr(headers, "Host:")) { /* its own Host alone */
        char *empty = strstr(b.text, "Host: \r\n");
        memmove(empty, empty + 8, strlen(empty + 8) + 1);
        b.len -= 8;
    }
    REQUIRE(write(fd, b.text, b.len) == (ssize_t)b.len);
    gy_buf_fini(&b);
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        gy_buf_add(&b, chunk, (size_t)n);
    close(fd);
    char *text = gy_buf_take(&b), *end = strstr(text, "\r\n\r\n");
    REQUIRE(end);
    r.status = atoi(text + 9);
    snprintf(r.head, sizeof r.head, "%.*s", (int)(end - text), text);
    r.body = gy_strdup(end + 4);
    free(text);
    if (strcasestr(r.head, "transfer-encoding: chunked")) unchunk(r.body);
    r.json = json_loads(r.body, 0, NULL);
    return r;
}
static struct reply ask(const char *method, const char *path, const char *body)
{
    return ask_with(false, method, path, NULL, body);
}
static inline const char *message_of(const struct reply *r)
{
    const char *m =
        json_string_value(json_object_get(json_object_get(r->json, "error"), "message"));
    return m ? m : "";
}

#endif
