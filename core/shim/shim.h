/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-shim keeps one attempt of one container: it starts the program, reaps it and its
 * descendants, writes their output to log files, serves a socket, and records the end.  It outlives
 * gantryd.
 *
 * `gantry-shim FOLDER ATTEMPT`, with descriptor 3 the pipe for one ready report.  In FOLDER:
 *   config           strings `key=value`, each ended by NUL; see config.c
 *   lock             write-locked (open file description lock) for as long as the attempt lives
 *   attempts         the journal of attempts; see journal.c
 *   log.ATTEMPT.N    output in CRI format
 *   sock             SOCK_SEQPACKET socket; see serve.c
 * The ready report is one line: `R words` runs (words: limits that could not be set), `F sentence`
 * the program could not be started and that is recorded.  A refused start ends at once with one of
 * the codes below and `X sentence`.
 *
 * One thread, and no library but libc. */
#ifndef GY_SHIM_SHIM_H
#define GY_SHIM_SHIM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define GY_SHIM_READY_FD 3
#define GY_SHIM_EXIT_USAGE 64
#define GY_SHIM_EXIT_CONFIG 65 /* the config cannot be read or is wrong                  */
#define GY_SHIM_EXIT_FOLDER 66 /* the folder, its lock, journal or socket cannot be used */
#define GY_SHIM_EXIT_BUSY 75   /* another shim holds the folder                          */
#define GY_SHIM_EXIT_OLD 76    /* this attempt, or a later one, has been started before  */

#define GY_SHIM_TEXT_MAX 512

/* Write a sentence; returns -1, so that callers write `return gy_shim_fail(text, ...)`. */
int gy_shim_fail(char text[GY_SHIM_TEXT_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct gy_shim_limit {
    int which;
    struct rlimit value;
};

/* A container, or a program to run beside it.  All strings point into the bytes it was parsed from.
 */
struct gy_shim_config {
    char **args, **env; /* NULL-terminated */
    size_t arg_count, env_count;
    const char *cwd;
    bool has_user; /* else uid, gid and groups stay as they are */
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
    bool tty, open_stdin, no_new_privs;
    int oom_score;
    struct gy_shim_limit *limits;
    size_t limit_count;
    const char *cgroup_path; /* below each mount point: "/gantry/1a2b3c4d/POD/CONTAINER" */
    const char *cgroup_cpu, *cgroup_memory, *cgroup_pids, *cgroup_v2; /* mount points or NULL */
    uint64_t cpu_milli, memory_bytes, pids_max;                       /* 0 = no limit */
    uint64_t log_max_bytes, log_files;
    uint64_t width, height;    /* of the terminal; requests only */
    uint64_t signal, grace_ms; /* requests only */
};

/* config.c: bytes must end in NUL and outlive the config.  0, or -1 with a sentence. */
int gy_shim_config_parse(char *bytes, size_t len, struct gy_shim_config *out,
                         char text[GY_SHIM_TEXT_MAX]);
int gy_shim_config_load(struct gy_shim_config *out, char text[GY_SHIM_TEXT_MAX]);
void gy_shim_config_fini(struct gy_shim_config *c); /* frees the arrays, not the bytes */

/* journal.c */
#define GY_SHIM_BOOT_ID_MAX 40
#define GY_SHIM_EXIT_OOM 1u
struct gy_shim_end {
    int code, signal;
    unsigned flags;
    int64_t ended_ms;
    char text[GY_SHIM_TEXT_MAX];
};
/* Open the journal, mend a torn last line, keep the tail only.  0 and the last started attempt. */
int gy_shim_journal_open(uint64_t *last_attempt, char text[GY_SHIM_TEXT_MAX]);
/* Append and sync.  0, or -1 with a sentence: then nothing was recorded. */
int gy_shim_journal_started(uint64_t attempt, pid_t pid, char text[GY_SHIM_TEXT_MAX]);
int gy_shim_journal_ended(uint64_t attempt, const struct gy_shim_end *end,
                          char text[GY_SHIM_TEXT_MAX]);
/* The line that journal_ended writes; the answer to those who wait. */
size_t gy_shim_journal_end_line(uint64_t attempt, const struct gy_shim_end *end, char *out,
                                size_t max);
int64_t gy_shim_wall_ms(void);

/* cgroup.c: whatever cannot be had is left out; `missing` gets the words (cpu, memory, pids). */
void gy_shim_cgroup_create(const struct gy_shim_config *c, char *missing, size_t max);
void gy_shim_cgroup_enter(const struct gy_shim_config *c); /* the calling process */
bool gy_shim_cgroup_had_oom(const struct gy_shim_config *c);
void gy_shim_cgroup_kill(const struct gy_shim_config *c);
void gy_shim_cgroup_remove(const struct gy_shim_config *c);

/* child.c: a forked child that waits for `go` and then becomes the program. */
struct gy_shim_child {
    pid_t pid;
    int go_fd, error_fd;
};
/* stdio: descriptors for 0, 1, 2; with `tty` all three are the slave and become the terminal. */
int gy_shim_child_fork(const struct gy_shim_config *cgroups, const struct gy_shim_config *program,
                       const int stdio[3], struct gy_shim_child *out, char text[GY_SHIM_TEXT_MAX]);
/* Let it run.  0: the program runs.  Else an exit code (125 set-up, 126 cannot be run, 127 not
 * found) with a sentence; the child has ended and waits to be reaped. */
int gy_shim_child_release(struct gy_shim_child *child, char text[GY_SHIM_TEXT_MAX]);
int gy_shim_pty_open(int *master, int *slave, uint64_t width, uint64_t height,
                     char text[GY_SHIM_TEXT_MAX]);

/* logs.c: stream 0 is stdout, 1 is stderr. */
void gy_shim_logs_open(uint64_t attempt, uint64_t max_bytes, uint64_t files);
/* Take what the descriptor has now.  false at its end (or on error): close it. */
bool gy_shim_logs_read(int stream, int fd);
void gy_shim_logs_flush(void); /* the rest of unfinished lines */

/* serve.c: the loop; returns when the container has ended and everything is written. */
struct gy_shim {
    struct gy_shim_config config;
    uint64_t attempt;
    pid_t main_pid;
    int listen_fd, signal_fd;
    int out_fd[2]; /* read ends of stdout and stderr, or the terminal's master in [0]; -1 = closed
                    */
    int tty_fd;    /* the terminal's master, or -1 */
};
int gy_shim_listen(char text[GY_SHIM_TEXT_MAX]); /* the descriptor or -1 */
void gy_shim_serve(struct gy_shim *s);

/* kill.c: /proc/PID/stat from the end of the name on (")"), NULL when the process is gone. */
#define GY_SHIM_STAT_MAX 1024
const char *gy_shim_proc_stat(pid_t pid, char stat[GY_SHIM_STAT_MAX]);
/* SIGKILL to every descendant that a look at /proc finds. */
void gy_shim_kill_descendants(const struct gy_shim_config *c);

#endif
