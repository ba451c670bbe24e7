/* SPDX-License-Identifier: Apache-2.0 */
/* App: a named, desired workload.  The JSON form is described by gy_app_shape (see app.c for every
 * field's limits and meaning); the Compose reader makes it, the API takes it, the store keeps it,
 * the engine reads it. */
#ifndef GY_MODEL_APP_H
#define GY_MODEL_APP_H

#include "model/shape.h"

enum gy_app_mode { GY_APP_REPLICATED, GY_APP_GLOBAL, GY_APP_JOB };
enum gy_restart_condition { GY_RESTART_ANY, GY_RESTART_ON_FAILURE, GY_RESTART_NONE };
enum gy_port_mode { GY_PORT_INGRESS, GY_PORT_HOST };
enum gy_protocol { GY_PROTOCOL_TCP, GY_PROTOCOL_UDP };
enum gy_update_order { GY_UPDATE_STOP_FIRST, GY_UPDATE_START_FIRST };
enum gy_depends_condition { GY_DEPENDS_STARTED, GY_DEPENDS_HEALTHY, GY_DEPENDS_COMPLETED };
enum gy_pull_policy { GY_PULL_MISSING, GY_PULL_ALWAYS, GY_PULL_NEVER };
enum gy_health_kind { GY_HEALTH_COMMAND, GY_HEALTH_HTTP, GY_HEALTH_TCP };

struct gy_health {       /* as Compose's healthcheck; null pointer = none */
    int kind;            /* enum gy_health_kind */
    struct gy_strs test; /* COMMAND: argv; Compose's CMD-SHELL becomes /bin/sh -c */
    char *path;          /* HTTP */
    int64_t port;        /* HTTP, TCP: target port */
    int64_t interval_ms, timeout_ms, retries, start_period_ms, start_interval_ms;
};

struct gy_resources {
    int64_t cpu_milli, memory_bytes, pids; /* 0 = not said */
};

struct gy_ulimit {
    char *name;         /* "nofile" */
    int64_t soft, hard; /* -1 = unlimited */
};

struct gy_container {
    char *name;  /* a label, unique in the pod */
    char *image; /* NULL = a host process */
    int pull_policy;
    struct gy_strs entrypoint, command; /* argv = entrypoint + command */
    struct gy_map env;
    char *user, *working_dir, *stop_signal; /* stop_signal "SIGTERM" style; NULL = SIGTERM */
    int64_t stop_grace_ms;
    bool tty, stdin_open, init;
    struct gy_health *health;
    struct gy_resources limits, reservations;
    struct gy_list ulimits; /* struct gy_ulimit */
    struct gy_map labels;
};

struct gy_port {
    char *name;
    int64_t target, published; /* published 0 = none asked */
    int protocol, mode;
    char *host_ip; /* address to listen on; NULL = all */
};

struct gy_restart {
    int condition;
    int64_t delay_ms, max_delay_ms, max_attempts, window_ms; /* max_attempts 0 = no end */
};

struct gy_update {
    int64_t parallelism, delay_ms, progress_deadline_ms;
    int order;
};

struct gy_affinity { /* to the pods of another app of the namespace */
    char *app;       /* "app" of the same project, or "project/app" */
    bool anti;       /* keep away instead */
    bool soft;       /* a wish, not a condition */
};

struct gy_placement {
    struct gy_strs constraints; /* "node.labels.disk == ssd" (model/constraint.h) */
    struct gy_strs spread;      /* "node.labels.zone": spread evenly over its values, softly */
    struct gy_list affinities;  /* struct gy_affinity */
    int64_t max_per_node;       /* 0 = no limit */
    char *strategy;             /* NULL = the cluster's */
    char *driver;               /* NULL = the first that can */
};

struct gy_depends {
    char *app; /* of the same project */
    int condition;
    bool required; /* false: a missing or failed one is ignored */
};

struct gy_pod_template {
    char *hostname;
    struct gy_list containers; /* struct gy_container, at least one */
};

struct gy_app {
    char *ns, *project, *name; /* labels; JSON: "namespace", "project", "name" */
    int mode;
    int64_t replicas;
    struct gy_pod_template pod;
    struct gy_list ports; /* struct gy_port */
    struct gy_restart restart;
    struct gy_update update;
    struct gy_placement placement;
    struct gy_list depends_on; /* struct gy_depends */
    struct gy_map labels;
    bool at_most_one;
    int64_t grace_ms;   /* how long a pod of an unreachable node is waited for */
    int64_t generation; /* set by the server: grows with each change that needs new pods */
    int64_t created_ms; /* set by the server, wall clock */
};

extern const struct gy_shape gy_app_shape, gy_container_shape, gy_port_shape, gy_health_shape,
    gy_pod_template_shape, gy_restart_shape, gy_depends_shape, gy_affinity_shape, gy_ulimit_shape,
    gy_update_shape, gy_placement_shape, gy_resources_shape;

/* Do two versions of an app need different pods?  (Replicas, labels of the app, update policy and
 * depends_on do not.) */
bool gy_app_needs_new_pods(const struct gy_app *a, const struct gy_app *b);

#endif
