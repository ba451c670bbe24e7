/* SPDX-License-Identifier: Apache-2.0 */
/* Driver `sim`: pods that exist in memory alone.  All of it runs on the loop. */
#ifndef GANTRY_SIM_H
#define GANTRY_SIM_H

#include <bsd/sys/queue.h>
#include <gantry/driver.h>
#include <stdbool.h>
#include <stdint.h>

struct sim;
struct pod;

struct container {
    struct pod *pod;
    gantry_str name; /* owned */
    uint32_t state;  /* GANTRY_CONTAINER_... */
    uint64_t attempt, pid, started_ms, ended_ms;
    int32_t exit_code, exit_signal;
    uint64_t exit_timer; /* 0 = none */
};

struct pod {
    LIST_ENTRY(pod) entry;
    struct sim *sim;
    gantry_str id, record; /* owned */
    uint32_t count;
    struct container *containers;
    gantry_op listed; /* by the last list that gave it */
};

/* An operation that has not ended: a delay, a wait, or followed logs. */
enum call_kind { CALL_LIST, CALL_PREPARE, CALL_START, CALL_WAIT, CALL_LOGS };
struct call {
    LIST_ENTRY(call) entry;
    struct sim *sim;
    enum call_kind kind;
    gantry_op op;
    uint64_t timer;            /* 0 = none */
    gantry_str pod, container; /* owned */
    uint64_t attempt;
    uint64_t line, last; /* logs: next line, and the one after the last */
    bool follow;
};

struct sim {
    const gantry_host_api *api;
    gantry_host *host;
    LIST_HEAD(, pod) pods;
    LIST_HEAD(, call) calls;
    uint64_t random, next_pid;
    uint64_t prepare_ms, start_ms, run_ms;
    int32_t exit_code, fail_with;
    uint64_t fail_opens, fail_prepare_percent, fail_start_percent;
};

uint64_t sim_wall_ms(void);
gantry_str sim_copy(gantry_str text);
struct pod *sim_find_pod(const struct sim *m, gantry_str id);
struct container *sim_find_container(const struct sim *m, gantry_str pod, gantry_str name);
struct call *sim_call_begin(struct sim *m, enum call_kind kind, gantry_op op, gantry_str pod,
                            gantry_str container);
void sim_call_end(struct call *c); /* frees it; the operation was ended by the caller */
gantry_container_status sim_status(const struct container *c);

/* pods.c: the vtable's calls */
void sim_list(void *self, gantry_op op);
void sim_prepare(void *self, gantry_op op, const gantry_pod *pod);
void sim_start(void *self, gantry_op op, gantry_str pod, gantry_str container, uint64_t attempt);
void sim_wait(void *self, gantry_op op, gantry_str pod, gantry_str container);
void sim_stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal,
              uint64_t grace_ms);
void sim_remove(void *self, gantry_op op, gantry_str pod);
void sim_pod_destroy(struct pod *p);

/* logs.c */
extern const gantry_driver_logs sim_logs;
/* The container ended, or its pod is gone: followed logs end. */
void sim_logs_wake(struct sim *m, gantry_str pod);

#endif
