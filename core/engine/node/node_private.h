/* SPDX-License-Identifier: Apache-2.0 */
/* The node half's tables.  A pod's life here:
 *
 *   NEW -> PREPARING -> ACTIVE -> STOPPING -> REMOVING -> GONE
 *                          \-> ENDED (by itself) -> REMOVING -> GONE
 */
#ifndef GY_ENGINE_NODE_PRIVATE_H
#define GY_ENGINE_NODE_PRIVATE_H

#include "base/random.h"
#include "base/time.h"
#include "engine/node/node_half.h"
#include <uthash.h>
#include <utlist.h>

enum container_phase {
    CONTAINER_IDLE,     /* not started, or waits for restart_at_ms   */
    CONTAINER_STARTING, /* START is out                              */
    CONTAINER_RUNNING,  /* WAIT is out                               */
    CONTAINER_STOPPING, /* STOP and WAIT are out                     */
    CONTAINER_ENDED,    /* for good                                  */
};

struct container {
    enum container_phase phase;
    int64_t attempt;            /* the last one asked for; only grows        */
    int64_t restart_at_mono_ms; /* IDLE: not before                          */
    int64_t started_mono_ms;
    int64_t quick_restarts; /* in a row, since it last ran for the window    */
    bool waiting;           /* WAIT is out                                   */
    bool stop_sent;         /* STOP of this attempt is out or done           */
    bool signal_refused;    /* the driver does not know the app's stop signal  */
    bool failed_health;     /* it is being stopped because it was unhealthy  */
    bool probing;
    int64_t next_probe_mono_ms, start_fails;
    int64_t failed_probes;
    int health; /* enum gy_pod_health */
    int64_t pid, exit_code, exit_signal, started_wall_ms, ended_wall_ms;
    bool oom;
    char *text;
};

enum pod_phase {
    POD_NEW,
    POD_PREPARING,
    POD_ACTIVE,
    POD_STOPPING,
    POD_ENDED,
    POD_REMOVING,
    POD_GONE
};

struct driver;
struct node_pod {
    char *id; /* key */
    struct gy_pod spec;
    bool has_spec;  /* false: an orphan that only the driver knows */
    bool forgotten; /* its record is gone */
    bool orphan_counted;
    struct driver *driver;
    enum pod_phase phase;
    int outcome; /* enum gy_pod_outcome */
    struct container *containers;
    size_t n;
    char **names; /* of an orphan's containers */
    int64_t retry_at_mono_ms, prepare_fails, remove_fails;
    int64_t first_start_mono_ms;
    bool was_ready;
    bool seen;             /* the driver had it when it was listed first */
    uint64_t active_since; /* number of the next action when it became ACTIVE by prepare */
    int64_t restarts;
    struct gy_list addresses;
    char *reason;
    struct gy_pod_status reported;
    bool has_reported;
    bool dirty;
    int64_t wake_mono_ms;
    struct node_pod *prev, *next;             /* all, in order of arrival */
    struct node_pod *dirty_prev, *dirty_next; /* to be looked at */
    UT_hash_handle hh;
};

struct driver {
    char *name;
    bool ready, listing, listed;
    int64_t retry_at_mono_ms, list_fails;
    struct driver *prev, *next;
};

struct pending_action {
    uint64_t id; /* key */
    int kind;
    char *pod_id;
    struct driver *driver;
    size_t container;
    int64_t attempt;
    UT_hash_handle hh;
};

struct gy_node_half {
    char *node, *boot_id;
    struct gy_random random;
    bool synced;
    uint64_t next_action;
    struct node_pod *pods, *by_id, *dirty;
    struct driver *drivers;
    struct pending_action *pending;
    int64_t wake_mono_ms;     /* least of the pods' and drivers' */
    struct gy_actions *out;   /* during a step */
    struct gy_actions events; /* to be given with the next step */
};

#define GY_NODE_RETRY_MAX_MS 60000

struct node_pod *gy_node_find_pod(const struct gy_node_half *half, const char *id);
struct node_pod *gy_node_add_pod(struct gy_node_half *half, const char *id);
void gy_node_take_addresses(struct node_pod *pod, const struct gy_pod_address *addresses, size_t n);
/* A listing of the driver ended (listing.c). */
void gy_node_listed(struct gy_node_half *half, struct driver *driver,
                    const struct gy_action_result *result, struct gy_now now);
/* Inside a step: one more action; with an answer to come. */
struct gy_action *gy_node_push(struct gy_node_half *half, int kind);
struct pending_action *gy_node_expect(struct gy_node_half *half, struct gy_action *action);

void gy_node_pod_touch(struct gy_node_half *half, struct node_pod *pod);
/* Look at the pod again at `mono_ms` at the latest. */
void gy_node_pod_wake(struct node_pod *pod, int64_t mono_ms);
/* A new action; its pending entry is made.  Strings are copied. */
struct gy_action *gy_node_action(struct gy_node_half *half, int kind, struct node_pod *pod,
                                 size_t container);
void gy_node_event(struct gy_node_half *half, struct node_pod *pod, int level, const char *kind,
                   struct gy_now now, const char *fmt, ...) GANTRY_PRINTF(6, 7);
const char *gy_node_container_name(const struct node_pod *pod, size_t i);
const struct gy_container *gy_node_container_spec(const struct node_pod *pod, size_t i);

/* One look at one pod: what is to be done next (pod_step.c). */
void gy_node_pod_step(struct gy_node_half *half, struct node_pod *pod, struct gy_now now);
/* An attempt ended, as seen by wait, start or list; decides about a restart (exits.c). */
void gy_node_container_ended(struct gy_node_half *half, struct node_pod *pod, size_t i,
                             const struct gy_observed_container *seen, struct gy_now now);
/* Delay before restart number n in a row (n >= 1): delay × 2^(n-1), at most max. */
int64_t gy_restart_delay(const struct gy_restart *restart, int64_t n);
/* Health checks: which probe is due, and what an answer means (health.c). */
void gy_node_health_start(struct node_pod *pod, size_t i, struct gy_now now);
void gy_node_health_step(struct gy_node_half *half, struct node_pod *pod, size_t i,
                         struct gy_now now);
void gy_node_health_result(struct gy_node_half *half, struct node_pod *pod, size_t i, bool healthy,
                           const char *text, struct gy_now now);
/* Report when what is differs from what was last reported (report.c). */
void gy_node_report(struct gy_node_half *half, struct node_pod *pod, struct gy_now now);

#endif
