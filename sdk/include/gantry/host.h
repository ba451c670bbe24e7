/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/host.h: what the host offers to a plugin instance. */
#ifndef GANTRY_HOST_H
#define GANTRY_HOST_H

#include <gantry/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Severities of logf. */
#define GANTRY_LOG_ERROR 0 /* someone must act     */
#define GANTRY_LOG_WARN 1  /* will degrade         */
#define GANTRY_LOG_INFO 2  /* a state changed      */
#define GANTRY_LOG_DEBUG 3 /* per operation        */
#define GANTRY_LOG_TRACE 4

/* Events of fd_watch. */
#define GANTRY_FD_READABLE 1u
#define GANTRY_FD_WRITABLE 2u
#define GANTRY_FD_HANGUP 4u

typedef struct gantry_host_api { /* SIZED */
    uint32_t size, abi;
    /* [any] one line, no newline; the host adds the instance's name and masks secrets */
    void (*logf)(gantry_host *, int32_t severity, const char *fmt, ...) GANTRY_PRINTF(3, 4);
    int (*log_enabled)(gantry_host *, int32_t severity);
    /* [any] fill err (may be NULL), return code: `return host->error_setf(h, err, CODE, "...")` */
    gantry_status (*error_setf)(gantry_host *, gantry_error *, gantry_status code, const char *fmt,
                                ...) GANTRY_PRINTF(4, 5);
    /* [any] end op, exactly once.  result is the SIZED struct named at the call, or NULL; it is
     * copied before this returns and delivered on a later loop turn. */
    void (*op_done)(gantry_host *, gantry_op, const void *result);
    void (*op_failf)(gantry_host *, gantry_op, gantry_status code, const char *fmt, ...)
        GANTRY_PRINTF(4, 5);
    /* [any] one item of a streaming op, copied before this returns.  GANTRY_EBUSY: the queue is
     * full, nothing was taken, try again in some milliseconds; GANTRY_ECANCELED: nobody listens,
     * end the op. */
    gantry_status (*op_emit)(gantry_host *, gantry_op, const void *item);
    /* [any] run fn(arg) on the loop, on a later turn */
    gantry_status (*post)(gantry_host *, void (*fn)(void *arg), void *arg);
    /* [any] run fn(arg) on a worker, then done(arg, status) on the loop; done always runs.
     * GANTRY_EBUSY: this instance's queue of work is full, nothing was taken. */
    gantry_status (*work)(gantry_host *, void (*fn)(void *arg),
                          void (*done)(void *arg, gantry_status), void *arg);
    /* [loop] timers and descriptors on the host's loop; 0 means failure.  repeat_ms 0 = once. */
    uint64_t (*timer_start)(gantry_host *, uint64_t first_ms, uint64_t repeat_ms,
                            void (*fn)(void *arg), void *arg);
    uint64_t (*fd_watch)(gantry_host *, int fd, uint32_t events,
                         void (*fn)(void *arg, int fd, uint32_t events), void *arg);
    void (*watch_stop)(gantry_host *, uint64_t timer_or_watch);
    /* [any] typed settings, already checked against the plugin's table and defaulted; valid as long
     * as the gantry_conf is: during create() and reload().  GANTRY_ENOTFOUND: no such setting, or
     * no element i.  Booleans are read with conf_int (0 or 1). */
    gantry_status (*conf_str)(const gantry_conf *, const char *path, gantry_str *out);
    gantry_status (*conf_int)(const gantry_conf *, const char *path, int64_t *out);
    gantry_status (*conf_strv)(const gantry_conf *, const char *path, size_t i, gantry_str *out);
    int (*on_loop)(gantry_host *); /* [any] 1 on the loop thread */
    /* [any] "gantry.host.process/1"; NULL when this host does not offer it */
    const void *(*extension)(gantry_host *, const char *id);
} gantry_host_api;

/* gantry.host.instance/1: facts about where an instance runs.  [any] Strings live as long as the
 * host. */
#define GANTRY_HOST_INSTANCE "gantry.host.instance/1"
typedef struct gantry_host_instance { /* SIZED */
    uint32_t size, reserved;
    gantry_str (*name)(gantry_host *); /* the instance's name in the config                      */
    gantry_str (*state_dir)(
        gantry_host *); /* folder that only this instance writes; survives restarts */
    gantry_str (*run_dir)(gantry_host *);     /* folder for sockets; may be emptied at boot     */
    gantry_str (*libexec_dir)(gantry_host *); /* gantry's own programs, such as gantry-shim */
    gantry_str (*node)(gantry_host *);    /* name of the node this instance runs on               */
    gantry_str (*cluster)(gantry_host *); /* cluster id                                           */
    gantry_str (*boot_id)(gantry_host *); /* of the running kernel                                */
} gantry_host_instance;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_HOST_H */
