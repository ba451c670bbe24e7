/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/process.h: gantry.host.process/1, how a plugin runs a program.  Plugins may not fork: the
 * host starts it with posix_spawn and waits on the loop. */
#ifndef GANTRY_PROCESS_H
#define GANTRY_PROCESS_H

#include <gantry/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_HOST_PROCESS "gantry.host.process/1"

#define GANTRY_PROCESS_TIMED_OUT (1u << 0)  /* killed at time_limit_ms                       */
#define GANTRY_PROCESS_STDOUT_CUT (1u << 1) /* more than output_max bytes: the rest was dropped */
#define GANTRY_PROCESS_STDERR_CUT (1u << 2)

typedef struct gantry_process { /* SIZED; borrowed until run returns */
    uint32_t size, flags;       /* flags: none yet, 0 */
    uint32_t arg_count, env_count;
    uint64_t time_limit_ms; /* then SIGKILL to its process group; 0 = 60 s            */
    uint64_t output_max; /* bytes kept of each of stdout and stderr; 0 = 64 KiB, at most 16 MiB */
    gantry_str workdir;  /* empty = "/"                                          */
    const gantry_str *args; /* args[0]: an absolute path                            */
    const gantry_kv *env;   /* all of it: nothing is inherited                      */
    gantry_bytes input;     /* for its stdin, then end of input                     */
} gantry_process;

typedef struct gantry_process_result { /* SIZED; borrowed until done returns */
    uint32_t size, flags;              /* GANTRY_PROCESS_...                      */
    int32_t exit_code, exit_signal;    /* signal 0 = it exited                    */
    gantry_bytes output, errors;       /* stdout, stderr                          */
} gantry_process_result;

typedef struct gantry_host_process { /* SIZED */
    uint32_t size, reserved;
    /* [loop] Start it.  done runs once, on a later turn, when the program has ended; also for one
     * that is killed because the instance goes away.  Returns a number for kill, 0 when it could
     * not be started: err says why, done does not run. */
    uint64_t (*run)(gantry_host *, const gantry_process *,
                    void (*done)(void *arg, const gantry_process_result *), void *arg,
                    gantry_error *err);
    /* [loop] Send a signal to its process group.  GANTRY_ENOTFOUND: it has ended. */
    gantry_status (*kill)(gantry_host *, uint64_t process, int32_t signal_number);
} gantry_host_process;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_PROCESS_H */
