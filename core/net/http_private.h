/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the HTTP server share; nobody else includes it. */
#ifndef GY_NET_HTTP_PRIVATE_H
#define GY_NET_HTTP_PRIVATE_H

#include "base/text.h"
#include "net/http_server.h"
#include "net/route.h"
#include <microhttpd.h>
#include <utlist.h>

#define GY_HTTP_BUCKETS 28

struct gy_http_route_entry {
    gy_http_handler *handler;
    void *arg;
    uint64_t count, errors, sum_us, buckets[GY_HTTP_BUCKETS];
    struct gy_http_route_entry *next;
};

/* One MHD daemon a listening socket: libmicrohttpd knows only one. */
struct gy_http_listener {
    struct gy_http_server *server;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;   /* on the daemon's epoll descriptor */
    uv_timer_t timer; /* its next time-out, or 0 when it has more to do at once */
    struct gy_address address;
    bool kicked; /* a connection was resumed since the last MHD_run() */
    unsigned open_handles;
    ino_t inode; /* of a unix socket's path, so that only our own is unlinked */
    dev_t device;
    struct gy_http_listener *next;
};

/* One accepted connection. */
struct gy_http_conn {
    struct gy_http_listener *listener;
    int fd;
    int64_t since_ms; /* connected, or last answer done, or headers done */
    enum { GY_HTTP_CONN_NEW, GY_HTTP_CONN_IDLE, GY_HTTP_CONN_BODY, GY_HTTP_CONN_BUSY } phase;
    const char *target_end; /* of the request line under way, in MHD's buffer */
    struct gy_address peer;
    struct gy_http_conn *prev, *next;
};

struct gy_http_guard_entry {
    gy_http_guard *guard;
    void *arg;
    struct gy_http_guard_entry *next;
};

struct gy_http_query_arg {
    char *key, *value;
};

/* An item of a stream's queue. */
struct gy_http_chunk {
    struct gy_http_piece piece;
    size_t sent;
    struct gy_http_chunk *next;
    char copy[];
};

/* A connection that was handed over; MHD keeps its record until it is told. */
struct gy_http_upgraded {
    struct gy_http_server *server;
    struct MHD_UpgradeResponseHandle *urh;
    struct gy_wire *wire;
    struct gy_http_upgraded *prev, *next;
};

struct gy_http_server {
    uv_loop_t *loop;
    struct gy_http_limits limits;
    struct gy_route_table routes;
    struct gy_http_route_entry *entries;
    struct gy_http_route_entry fallback;
    struct gy_http_guard_entry *guards;
    struct gy_http_listener *listeners;
    struct gy_http_conn *conns;
    struct gy_http_request *requests; /* not completed in MHD yet */
    struct gy_http_upgraded *upgraded;
    uint64_t conn_count, request_count;
    uv_timer_t sweep; /* cuts slow clients; ends a stop */
    unsigned open_handles;
    bool stopping;
    int64_t stop_at_ms;
    void (*done)(void *arg);
    void *done_arg;
};

struct gy_http_request {
    struct gy_http_server *server; /* NULL once completed */
    struct MHD_Connection *mhd;    /* NULL once completed */
    struct gy_http_conn *conn;     /* NULL once completed */
    struct gy_http_request *prev, *next;
    char *method, *path;
    struct gy_route_match match;
    struct gy_http_route_entry *entry;
    struct gy_http_query_arg *query;
    size_t query_n, query_cap;
    struct gy_buf body;
    size_t dropped;    /* bytes of a too large body that were read and forgotten */
    uint64_t expected; /* Content-Length, or 0 */
    struct gy_address peer;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    void *caller;
    void (*caller_free)(void *);
    int64_t started_ns;

    bool handed;    /* a handler has it */
    bool released;  /* answered, ended or never handed: ours to free */
    bool completed; /* MHD is done with it */
    bool answered;  /* response is set */
    bool queued;    /* response was given to MHD */
    bool suspended;
    bool gone; /* the client left */
    bool streaming, ended, full, in_reader;

    unsigned status;
    struct MHD_Response *response;
    struct gy_http_header_extra {
        char *name, *value;
        struct gy_http_header_extra *next;
    } * extra;
    struct gy_http_chunk *chunks, *chunks_tail;
    size_t chunk_bytes;
    void (*on_closed)(void *arg);
    void *closed_arg;
    void (*on_writable)(void *arg);
    void *writable_arg;
    void (*on_open)(void *arg, struct gy_wire *wire);
    void *open_arg;
    uv_poll_t *watch; /* notices a client that leaves while suspended */
    int watch_fd;
};

/* http_request.c */
void *gy_http_note_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result gy_http_access(void *cls, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **req_cls);
void gy_http_completed(void *cls, struct MHD_Connection *mhd, void **req_cls,
                       enum MHD_RequestTerminationCode code);
void gy_http_request_try_free(struct gy_http_request *req);
/* http_reply.c */
enum MHD_Result gy_http_queue(struct gy_http_request *req); /* give the answer to MHD */
void gy_http_suspend(struct gy_http_request *req);
void gy_http_resume(struct gy_http_request *req);
void gy_http_mark_gone(struct gy_http_request *req);
void gy_http_unwatch(struct gy_http_request *req);
void gy_http_chunks_free(struct gy_http_request *req);
void gy_http_set_response(struct gy_http_request *req, unsigned status, const char *content_type,
                          struct MHD_Response *response);
/* http_server.c */
void gy_http_sweep_start(struct gy_http_server *s);
/* http_listen.c */
void gy_http_listener_close(struct gy_http_listener *l);
void gy_http_listener_kick(struct gy_http_listener *l);

#endif
