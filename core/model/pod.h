/* SPDX-License-Identifier: Apache-2.0 */
/* Pod: one scheduled copy of an app in a slot.  Two records, one writer each: gy_pod (the engine:
 * what shall run where) and gy_pod_status (the node's agent: what is). */
#ifndef GY_MODEL_POD_H
#define GY_MODEL_POD_H

#include "model/app.h"

enum gy_pod_state {
    GY_POD_PENDING,   /* wanted, no node yet (has no record)                            */
    GY_POD_ASSIGNED,  /* bound, the node has not said anything                          */
    GY_POD_PREPARING, /* pulling, waiting for a volume or secret                        */
    GY_POD_STARTING,  /* its containers are being started, or wait to be restarted      */
    GY_POD_RUNNING,   /* all containers run, not yet healthy                            */
    GY_POD_READY,     /* all containers run, and are healthy where they have a check    */
    GY_POD_STOPPING,
    GY_POD_ENDED,   /* nothing runs any more, nothing will be started                 */
    GY_POD_UNKNOWN, /* its node is unreachable                                        */
};
enum gy_pod_health { GY_POD_HEALTH_NONE, GY_POD_HEALTH_STARTING, GY_POD_HEALTHY, GY_POD_UNHEALTHY };
enum gy_pod_desired { GY_POD_RUN, GY_POD_STOP };
enum gy_pod_outcome {
    GY_OUTCOME_NONE,       /* has not ended                                                 */
    GY_OUTCOME_STOPPED,    /* was asked to                                                  */
    GY_OUTCOME_COMPLETED,  /* exit 0 and its restart policy says that this is the end       */
    GY_OUTCOME_FAILED,     /* its restart policy says that this is the end                  */
    GY_OUTCOME_GIVEN_BACK, /* the node cannot run it: replace it elsewhere                 */
    GY_OUTCOME_LOST,       /* positively gone: reboot                                       */
};

struct gy_pod { /* writer: engine */
    char *id, *ns, *project, *app, *node, *driver, *name;
    int64_t slot;       /* 0 = global */
    int64_t generation; /* of the app, when the pod was made */
    int desired;
    char *stop_reason;
    int64_t created_ms; /* wall clock */
    int64_t sequence;   /* of the placement, grows */
    char *placement;    /* one line: why this node */
    struct gy_pod_template template;
    struct gy_list ports; /* struct gy_port */
    struct gy_restart restart;
    bool job;
};

enum gy_container_state { GY_CONTAINER_WAITING, GY_CONTAINER_RUNNING, GY_CONTAINER_ENDED };

struct gy_container_status {
    char *name;
    int state, health;
    int64_t attempt, pid, exit_code, exit_signal;
    bool oom;
    int64_t started_ms, ended_ms; /* wall clock */
    char *text;                   /* last health output, or why it could not start */
};

struct gy_pod_address {
    char *family, *text; /* "ipv4", "127.0.0.1" */
    int64_t port;        /* on the node */
    int64_t target;      /* the pod's port that it leads to */
};

struct gy_pod_status { /* writer: the node's agent */
    char *id, *node, *boot_id;
    int state, health, outcome;
    int64_t since_ms; /* wall clock, of state */
    char *reason;     /* one sentence */
    int64_t restarts;
    struct gy_list containers; /* struct gy_container_status */
    struct gy_list addresses;  /* struct gy_pod_address */
};

extern const struct gy_shape gy_pod_shape, gy_pod_status_shape, gy_container_status_shape,
    gy_pod_address_shape;
extern const char *const gy_pod_state_names[], *const gy_pod_health_names[],
                                                   *const gy_pod_outcome_names[];

/* May a node's report move a pod from one state to another?  (Pods never come back from ENDED.) */
bool gy_pod_state_can_follow(int from, int to);
/* What the pod's containers ask for together: reservations; 0 where none are said. */
void gy_pod_template_ask(const struct gy_pod_template *t, int64_t *cpu_milli,
                         int64_t *memory_bytes);
bool gy_pod_template_has_image(const struct gy_pod_template *t);
/* "project-app-slot", at most 63 characters, longer ones cut with a hashed tail. */
void gy_pod_hostname(const char *project, const char *app, int64_t slot, const char *node,
                     char out[64]);

#endif
