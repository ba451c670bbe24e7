/* SPDX-License-Identifier: Apache-2.0 */
/* The node half of the engine: (desired, observed, event, now) -> driver calls, probes, reports.
 *
 * A step function like the cluster half: no I/O, no clock, no threads.  The agent (or the
 * simulator) carries out the actions and tells how each ended, exactly once. */
#ifndef GY_ENGINE_NODE_HALF_H
#define GY_ENGINE_NODE_HALF_H

#include "engine/engine.h"
#include "model/pod.h"

struct gy_node_half_options {
    const char *node, *boot_id;
    uint64_t seed; /* jitter of retries */
};

struct gy_node_half;
struct gy_node_half *gy_node_half_create(const struct gy_node_half_options *options);
void gy_node_half_destroy(struct gy_node_half *half);

/* ---- events
 * -------------------------------------------------------------------------------------- */

/* A pod bound to this node was put, or changed (desired stop). */
void gy_node_half_desired(struct gy_node_half *half, const struct gy_pod *pod, struct gy_now now);
/* What the store last had of it, told right after `desired` when this half knows nothing of the pod
 * yet (after a restart of the agent): a pod that had ended stays ended, restarts are counted on. */
void gy_node_half_last(struct gy_node_half *half, const struct gy_pod_status *status);
/* Its record is gone from the store: whatever of it is left here is stopped and removed. */
void gy_node_half_forget(struct gy_node_half *half, const char *pod_id, struct gy_now now);
/* A full listing was given anew: the record of every pod that is not in `ids` is gone. */
void gy_node_half_only(struct gy_node_half *half, const struct gy_strs *ids, struct gy_now now);
/* All pods bound to this node were given (after start and after each resync): from now on a pod
 * that the driver has and the store has not is removed. */
void gy_node_half_synced(struct gy_node_half *half, struct gy_now now);

/* A driver instance is there (list will be asked for), or not for now. */
void gy_node_half_driver(struct gy_node_half *half, const char *driver, bool ready,
                         struct gy_now now);

struct gy_observed_container {
    const char *name, *text;
    uint32_t state; /* GANTRY_CONTAINER_... of gantry/driver.h */
    int64_t attempt, pid, exit_code, exit_signal, started_ms, ended_ms;
    bool oom, lost;
};
struct gy_observed_pod { /* borrowed during the call */
    const char *id;
    const struct gy_observed_container *containers;
    size_t n;
    const struct gy_pod_address *addresses;
    size_t address_count;
};

/* ---- actions
 * ------------------------------------------------------------------------------------- */

enum gy_action_kind {
    GY_ACTION_LIST,    /* ask the driver for all its pods                        */
    GY_ACTION_PREPARE, /* driver prepare; ports are chosen here                  */
    GY_ACTION_START,   /* driver start of `attempt`                              */
    GY_ACTION_WAIT,    /* driver wait; ends when the container ends              */
    GY_ACTION_STOP,    /* driver stop                                            */
    GY_ACTION_REMOVE,  /* driver remove                                          */
    GY_ACTION_PROBE,   /* run the health check once, within its timeout_ms       */
    GY_ACTION_REPORT,  /* put `status` into the store, behind; has no end        */
    GY_ACTION_EVENT,   /* record `event`; has no end                             */
};
struct gy_action {
    int kind;
    uint64_t id; /* to be given back with the result; 0 for REPORT and EVENT */
    char *driver, *pod_id;
    char *container; /* START, WAIT, STOP, PROBE */
    const struct gy_pod
        *pod; /* PREPARE, START, PROBE: borrowed until the next call into the half */
    const struct gy_health *health; /* PROBE: borrowed likewise */
    int64_t attempt;                /* START */
    char *signal;                   /* STOP */
    int64_t grace_ms;               /* STOP */
    struct gy_pod_status status;    /* REPORT */
    struct gy_event event;          /* EVENT */
};
struct gy_actions {
    struct gy_action *items;
    size_t n, cap;
    int64_t wake_mono_ms; /* step again then at the latest; INT64_MAX = only on events */
};

/* How an action ended. */
struct gy_action_result { /* borrowed during the call */
    uint64_t id;
    gantry_status status; /* OK; PROBE: OK = healthy, EINVAL = not */
    const char *text;     /* a sentence when not OK; PROBE: the check's output */
    const struct gy_observed_container *container; /* START and WAIT that ended OK */
    const struct gy_observed_pod *pods;            /* LIST that ended OK */
    size_t pod_count;
    const struct gy_pod_address *addresses; /* PREPARE that ended OK: where the pod's ports are */
    size_t address_count;
};
void gy_node_half_done(struct gy_node_half *half, const struct gy_action_result *result,
                       struct gy_now now);

void gy_node_half_step(struct gy_node_half *half, struct gy_now now, struct gy_actions *out);
void gy_actions_fini(struct gy_actions *actions);

/* What the half knows of a pod, for relays, logs and exec; NULL = not here.  Borrowed until the
 * next call. */
const struct gy_pod_status *gy_node_half_status(const struct gy_node_half *half,
                                                const char *pod_id);
const struct gy_pod *gy_node_half_pod(const struct gy_node_half *half, const char *pod_id);

#endif
