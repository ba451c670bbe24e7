/* SPDX-License-Identifier: Apache-2.0 */
/* Agent: runs the node half of the engine on this node: driver calls, probes, ports, streams.
 * All on the loop thread.  It is told what is desired and tells what is; in one process with the
 * server by the two tables below, on a node of its own over the agent link. */
#ifndef GY_AGENT_AGENT_H
#define GY_AGENT_AGENT_H

#include "model/event.h"
#include "model/node.h"
#include "model/pod.h"
#include "plugin/plugin.h"
#include <uv.h>

struct gy_agent_driver {
    const char *name; /* of the instance */
    const char *provider;
    struct gy_instance
        *instance; /* of kind gantry.driver/1, created, not yet opened; stays the caller's */
};

struct gy_agent_options {
    uv_loop_t *loop;
    const char *node, *boot_id, *cluster;
    const struct gy_agent_driver *drivers; /* in config order */
    size_t driver_count;
    const struct gy_map *labels; /* of the node, from the config */
    int64_t max_pods;            /* 0 = 250 */
    const char *port_address;    /* where pods' own ports are reached; NULL = 127.0.0.1 */
    int64_t heartbeat_ms;        /* 0 = 2000 */
    const char *state_dir; /* of the agent: its key is kept there; NULL = a new key each time */
    struct gy_plugins *plugins; /* asked how the drivers are; NULL = only what open said is known */
};

/* What the agent tells.  Arguments are borrowed during the call. */
struct gy_agent_up {
    void *ctx;
    void (*node)(void *ctx, const struct gy_node_report *report);
    void (*pod)(void *ctx, const struct gy_pod_status *status);
    void (*event)(void *ctx, const struct gy_event *event);
    void (*heartbeat)(void *ctx);
};

struct gy_agent;
/* Strings are copied.  NULL: the key in state_dir cannot be used; the log says why. */
struct gy_agent *gy_agent_create(const struct gy_agent_options *options,
                                 const struct gy_agent_up *up);
/* Opens the drivers, lists what runs, begins to report. */
void gy_agent_start(struct gy_agent *agent);
/* Stops timers, relays, streams and waits; pods stay.  done(arg) when destroy may be called. */
void gy_agent_stop(struct gy_agent *agent, void (*done)(void *arg), void *arg);
void gy_agent_destroy(struct gy_agent *agent);

/* What is desired of this node (see engine/node/node_half.h). */
void gy_agent_desired(struct gy_agent *agent, const struct gy_pod *pod);
/* What the store last had of it, right after `desired`, before `synced` (gy_node_half_last). */
void gy_agent_last(struct gy_agent *agent, const struct gy_pod_status *status);
void gy_agent_forget(struct gy_agent *agent, const char *pod_id);
void gy_agent_synced(struct gy_agent *agent);

/* A published port: listen on `published` and relay to the backends, round robin.  Replaces what
 * was said of the key before; n_backends 0 = listen, and refuse connections; ports n 0 = no longer
 * published. */
struct gy_agent_service {
    const char *key;                    /* "ns/project/app" */
    const struct gy_port *const *ports; /* mode ingress, published != 0 */
    size_t port_count;
    const struct gy_pod_address *const *backends; /* of every healthy pod; chosen by target */
    size_t backend_count;
};
void gy_agent_service(struct gy_agent *agent, const struct gy_agent_service *service);

/* Where the bytes of logs and exec go. */
struct gy_agent_sink {
    void *ctx;
    /* GANTRY_EBUSY: full, nothing was taken: offered again shortly; GANTRY_ECANCELED: end. */
    gantry_status (*chunk)(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                           size_t n);
    /* Once, last.  exit_* only for exec that ended GANTRY_OK. */
    void (*end)(void *ctx, gantry_status status, const char *text, int exit_code, int exit_signal);
};
struct gy_agent_stream; /* valid until end was called */

struct gy_agent_logs_query {
    const char *pod_id, *container; /* container NULL = the only one, else EINVAL names them */
    bool follow, previous;
    int64_t tail, since_ms; /* tail -1 = all */
};
/* NULL: ended already, sink->end was called. */
struct gy_agent_stream *gy_agent_logs(struct gy_agent *agent,
                                      const struct gy_agent_logs_query *query,
                                      const struct gy_agent_sink *sink);

struct gy_agent_exec_query {
    const char *pod_id, *container, *user, *working_dir;
    const char *const *args;
    size_t arg_count;
    bool tty, stdin_open;
    uint32_t width, height;
};
struct gy_agent_stream *gy_agent_exec(struct gy_agent *agent,
                                      const struct gy_agent_exec_query *query,
                                      const struct gy_agent_sink *sink);
/* Bytes for stdin; n 0 = end of input.  GANTRY_EBUSY: nothing was taken. */
gantry_status gy_agent_stream_input(struct gy_agent_stream *stream, const void *bytes, size_t n);
void gy_agent_stream_resize(struct gy_agent_stream *stream, uint32_t width, uint32_t height);
/* The listener left: the sink is not called again after this returns. */
void gy_agent_stream_cancel(struct gy_agent_stream *stream);

#endif
