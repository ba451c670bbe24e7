/* SPDX-License-Identifier: Apache-2.0 */
/* A real plugin host with one process driver, and its calls made to look synchronous. */
#ifndef TESTS_DRIVER_HOST_H
#define TESTS_DRIVER_HOST_H

#include "plugin/plugin.h"
#include <gantry/driver.h>

struct call { /* one operation; results are copied */
    gantry_op op;
    bool done;
    gantry_status status;
    char text[512];
    uint32_t state, exit_flags;
    int exit_code, exit_signal;
    uint64_t attempt, pid, started_ms, ended_ms;
    char status_text[512];
    size_t items;
    char bytes[1 << 16]; /* chunks, joined; channel 2 goes to error_bytes */
    size_t len;
    char error_bytes[4096];
    size_t error_len;
};

struct listed {
    char pod[64], record[64], container[64];
    uint32_t state, exit_flags;
    int exit_code;
    uint64_t attempt, pid;
};

struct driver_host {
    uv_loop_t loop;
    struct gy_plugins *plugins;
    struct gy_instance *instance;
    const gantry_driver_ops *ops;
    void *self;
    char dir[64]; /* of all files; made by driver_host_begin */
    struct listed listed[64];
    size_t listed_count;
};

extern struct driver_host host;

void driver_host_begin(void); /* a new folder */
void driver_host_end(void);   /* removes the folder; checks that nothing of it runs any more */
void driver_host_open(const struct gy_setting_value *settings,
                      size_t n); /* also: after a restart */
void driver_host_close(void);    /* as when the daemon ends: pods stay */

/* Run the loop until the call is done, at most some seconds. */
void call_wait(struct call *c);
void run_for_ms(unsigned ms);

/* A pod "p<n>" with one container "main" running `sh -c script`. */
struct pod_spec {
    const char *id, *script, *user, *image, *workdir;
    const gantry_kv *env;
    uint32_t env_count, flags;
    uint64_t memory_bytes, cpu_milli, pids_max;
};
void begin_prepare(struct call *c, const struct pod_spec *spec);
void begin_start(struct call *c, const char *pod, uint64_t attempt);
void begin_wait(struct call *c, const char *pod);
void begin_stop(struct call *c, const char *pod, const char *signal, uint64_t grace_ms);
void begin_remove(struct call *c, const char *pod);
struct call prepare(const struct pod_spec *spec);
struct call start(const char *pod, uint64_t attempt);
struct call wait_for(const char *pod);
struct call stop(const char *pod, const char *signal, uint64_t grace_ms);
struct call remove_pod(const char *pod);
gantry_status list(void);
const struct listed *find_listed(const char *pod);

/* Exec and logs. */
void begin_exec(struct call *c, const char *pod, uint32_t flags, const char *script);
void begin_logs(struct call *c, const char *pod, uint32_t flags, int64_t tail);

bool process_exists(uint64_t pid); /* and is no zombie */
bool wait_gone(uint64_t pid);
unsigned long long shim_of(const char *pod); /* pid of the keeper, from the journal */

#endif
