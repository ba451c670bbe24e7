/* SPDX-License-Identifier: Apache-2.0 */
/* How the server reaches a node's agent: in one process a table of direct calls, else a link.
 * [loop]. */
#ifndef GY_SERVER_LINK_H
#define GY_SERVER_LINK_H

#include "model/pod.h"

struct gy_link_service { /* see gy_agent_service: same members, same meaning */
    const char *key;
    const struct gy_port *const *ports;
    size_t port_count;
    const struct gy_pod_address *const *backends;
    size_t backend_count;
};

/* Where the bytes of logs and exec go. */
struct gy_link_sink {
    void *ctx;
    /* GANTRY_EBUSY: full, nothing was taken, offered again shortly; GANTRY_ECANCELED: end. */
    gantry_status (*chunk)(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                           size_t n);
    /* Once, last. */
    void (*end)(void *ctx, gantry_status status, const char *text, int exit_code, int exit_signal);
};

struct gy_link_logs {
    const char *pod_id, *container;
    bool follow, previous;
    int64_t tail, since_ms; /* tail -1 = all */
};
struct gy_link_exec {
    const char *pod_id, *container, *user, *working_dir;
    const char *const *args;
    size_t arg_count;
    bool tty, stdin_open;
    uint32_t width, height;
};

struct gy_link {
    void *ctx;
    const char *node;
    void (*desired)(void *ctx, const struct gy_pod *pod);
    void (*last)(void *ctx,
                 const struct gy_pod_status *status); /* right after desired, before synced */
    void (*forget)(void *ctx, const char *pod_id);
    void (*synced)(void *ctx);
    void (*service)(void *ctx, const struct gy_link_service *service);
    /* A stream, valid until end; NULL: end was called already. */
    void *(*logs)(void *ctx, const struct gy_link_logs *query, const struct gy_link_sink *sink);
    void *(*exec)(void *ctx, const struct gy_link_exec *query, const struct gy_link_sink *sink);
    gantry_status (*input)(void *stream, const void *bytes, size_t n); /* n 0 = end of input */
    void (*resize)(void *stream, uint32_t width, uint32_t height);
    void (*cancel)(void *stream); /* the sink is not called again */
};

#endif
