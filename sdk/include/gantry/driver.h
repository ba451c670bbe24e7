/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/driver.h: kind gantry.driver/1, something that runs pods.
 *
 * The grain is the pod.  `list` is the truth after any restart.  Every call is idempotent on (pod
 * id, container, attempt): a second `start` of an attempt that ran, or of an older one, returns
 * that attempt's record.  No handle crosses the line: the driver finds its own by pod id and
 * labels. */
#ifndef GANTRY_DRIVER_H
#define GANTRY_DRIVER_H

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_DRIVER_KIND "gantry.driver/1"
#define GANTRY_DRIVER_DRAFT 1u

#define GANTRY_DRIVER_RUNS_IMAGES (1ull << 0)    /* runs containers that name an image           */
#define GANTRY_DRIVER_RUNS_PROCESSES (1ull << 1) /* runs containers without an image */
#define GANTRY_DRIVER_LIMITS_CPU (1ull << 2)     /* cpu_milli is enforced                        */
#define GANTRY_DRIVER_LIMITS_MEMORY (1ull << 3)  /* memory_bytes is enforced                     */

#define GANTRY_CONTAINER_TTY (1u << 0)
#define GANTRY_CONTAINER_STDIN (1u << 1)
#define GANTRY_CONTAINER_INIT (1u << 2)

#define GANTRY_PROTOCOL_TCP 1u
#define GANTRY_PROTOCOL_UDP 2u

typedef struct gantry_ulimit { /* SIZED */
    uint32_t size, reserved;
    int64_t soft, hard; /* -1 = unlimited */
    gantry_str name;    /* "nofile", as in Compose */
} gantry_ulimit;

typedef struct gantry_port { /* SIZED */
    uint32_t size, protocol;
    uint32_t target, host; /* port inside; port on the node, 0 = none */
    gantry_str host_ip, name;
} gantry_port;

typedef struct gantry_container { /* SIZED; valid until the call returns */
    uint32_t size, flags;
    uint32_t entrypoint_count, arg_count;
    uint32_t env_count, ulimit_count;
    uint64_t cpu_milli, memory_bytes, pids_max; /* limits; 0 = none                           */
    gantry_str name, image, pull_policy, user, workdir;
    gantry_str settings;                 /* the driver's block inside the app: checked JSON */
    const gantry_str *entrypoint, *args; /* argv = entrypoint + args; absent = the image's  */
    const gantry_kv *env;                /* complete: the host added GANTRY_... and PORT... */
    const gantry_ulimit *const *ulimits;
} gantry_container;

typedef struct gantry_pod { /* SIZED */
    uint32_t size, container_count;
    uint32_t port_count, label_count;
    uint32_t slot, flags; /* slot 0 = global: the node is the slot */
    gantry_str id, name, hostname, ns, project, app, node;
    gantry_str record; /* opaque text of the host's, kept by the driver and returned by list  */
    const gantry_container *const *containers;
    const gantry_port *const *ports;
    const gantry_kv *labels; /* to be set on what the driver creates: cluster, pod id, signature */
} gantry_pod;

/* States of a container as its driver sees it. */
#define GANTRY_CONTAINER_CREATED 1u /* prepared, never started        */
#define GANTRY_CONTAINER_RUNNING 2u
#define GANTRY_CONTAINER_EXITED 3u
#define GANTRY_CONTAINER_UNKNOWN 4u /* the driver cannot tell now     */

#define GANTRY_EXIT_OOM (1u << 0)  /* killed for its memory limit                           */
#define GANTRY_EXIT_LOST (1u << 1) /* gone without a record: reboot, or its keeper was killed */

typedef struct gantry_container_status { /* SIZED; result of start and wait, part of list */
    uint32_t size, state;
    int32_t exit_code, exit_signal; /* of the last attempt, once EXITED; signal 0 = none */
    uint32_t exit_flags, reserved;
    uint64_t attempt;              /* of the last start; 0 = never started                  */
    uint64_t pid;                  /* on the node, 0 = none or not known                    */
    uint64_t started_ms, ended_ms; /* wall clock, milliseconds since 1970; 0 = not yet */
    gantry_str name, text;
} gantry_container_status;

typedef struct gantry_pod_status { /* SIZED; an item of list */
    uint32_t size, container_count;
    gantry_str pod, record;
    const gantry_container_status *const *containers;
} gantry_pod_status;

typedef struct gantry_progress { /* SIZED; an item of prepare */
    uint32_t size, percent;      /* 0..100 */
    gantry_str text;             /* "pulling busybox:1" */
} gantry_progress;

typedef struct gantry_driver_ops { /* SIZED; all [loop], all asynchronous, idempotent on pod id */
    uint32_t size, reserved;
    uint64_t caps;
    const gantry_base_ops *base;
    /* Emits a gantry_pod_status for every pod of this instance, then ends. */
    void (*list)(void *self, gantry_op);
    /* Make everything that start needs; emits gantry_progress. */
    void (*prepare)(void *self, gantry_op, const gantry_pod *);
    /* Start attempt number `attempt` (>= 1, only grows).  -> gantry_container_status */
    void (*start)(void *self, gantry_op, gantry_str pod, gantry_str container, uint64_t attempt);
    /* Ends when the container's last attempt has ended.  -> gantry_container_status.  No deadline.
     */
    void (*wait)(void *self, gantry_op, gantry_str pod, gantry_str container);
    /* Send `signal` ("SIGTERM"), after grace_ms SIGKILL to all that is left; ends when nothing
     * runs. */
    void (*stop)(void *self, gantry_op, gantry_str pod, gantry_str container, gantry_str signal,
                 uint64_t grace_ms);
    /* Remove all that prepare made; kills what still runs.  OK when the pod was never known. */
    void (*remove)(void *self, gantry_op, gantry_str pod);
    const void *reserved2; /* NULL: without it 32-bit machines would pad the struct */
} gantry_driver_ops;

/* ---- extension gantry.driver.exec/1: run a program inside a running container ---- */
#define GANTRY_DRIVER_EXEC "gantry.driver.exec/1"
#define GANTRY_EXEC_TTY (1u << 0)
#define GANTRY_EXEC_STDIN (1u << 1)

#define GANTRY_CHANNEL_STDIN 0u
#define GANTRY_CHANNEL_STDOUT 1u
#define GANTRY_CHANNEL_STDERR 2u

typedef struct gantry_exec { /* SIZED */
    uint32_t size, flags;
    uint32_t arg_count, env_count;
    uint32_t width, height; /* of the terminal, in characters; 0 = not known */
    gantry_str pod, container, user, workdir;
    const gantry_str *args;
    const gantry_kv *env;
} gantry_exec;

typedef struct gantry_chunk { /* SIZED; an item of exec and logs */
    uint32_t size, channel;
    uint64_t wall_ms; /* when it was written (logs); 0 = not known */
    gantry_bytes bytes;
} gantry_chunk;

typedef struct gantry_driver_exec { /* SIZED; [loop] */
    uint32_t size, reserved;
    /* Emits gantry_chunk.  -> gantry_container_status with exit_code and exit_signal.  cancel kills
     * it. */
    void (*exec)(void *self, gantry_op, const gantry_exec *);
    /* Bytes for the program's stdin; len 0 = end of input.  GANTRY_EBUSY: full, nothing was taken.
     */
    gantry_status (*input)(void *self, gantry_op, gantry_bytes);
    gantry_status (*resize)(void *self, gantry_op, uint32_t width, uint32_t height);
} gantry_driver_exec;

/* ---- extension gantry.driver.logs/1 ---- */
#define GANTRY_DRIVER_LOGS "gantry.driver.logs/1"
#define GANTRY_LOGS_FOLLOW (1u << 0)
#define GANTRY_LOGS_PREVIOUS (1u << 1) /* the attempt before the last one */

typedef struct gantry_log_query { /* SIZED */
    uint32_t size, flags;
    int64_t tail;      /* last lines; -1 = all */
    uint64_t since_ms; /* wall clock; 0 = from the beginning */
    gantry_str pod, container;
} gantry_log_query;

typedef struct gantry_driver_logs { /* SIZED; [loop] */
    uint32_t size, reserved;
    /* Emits gantry_chunk, whole lines; with FOLLOW until cancel or the pod is removed. */
    void (*logs)(void *self, gantry_op, const gantry_log_query *);
} gantry_driver_logs;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_DRIVER_H */
