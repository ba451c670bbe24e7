/* SPDX-License-Identifier: Apache-2.0 */
/* The process driver: each container is a process tree below one gantry-shim.  What is true is on
 * disk and in the locks that shims hold; this code keeps no state of pods, so it loses none with
 * gantryd.
 *
 *   STATE/pods/POD/pod            the pod's record, written last: without it the folder is rubbish
 *   STATE/pods/POD/c/CONTAINER/   config, attempts, lock, sock, log.*: see core/shim/shim.h
 *   STATE/pods/POD/c/CONTAINER/work   the program's working folder, unless it names one
 *   STATE/ended/POD/              pod, attempts and logs of a removed pod, for a while
 *
 * [loop] functions talk to the host and to shims without blocking; what touches files runs in jobs.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <gantry/driver.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* ---- text.c: like gantryd itself, out of memory ends the process ---- */
struct process_buf {
    char *bytes;
    size_t len, cap;
};
void process_buf_add(struct process_buf *b, const void *bytes, size_t len);
void process_buf_entry(struct process_buf *b, const char *key,
                       gantry_str value); /* key=value NUL */
void process_buf_number(struct process_buf *b, const char *key, int64_t value);
void *process_alloc(size_t n, size_t bytes); /* zeroed */
char *process_dup(gantry_str s);
char *process_printf(const char *fmt, ...) GANTRY_PRINTF(1, 2);
gantry_str process_str(const char *text);
bool process_is(gantry_str s, const char *text);
bool process_is_name(gantry_str s);  /* fit for a folder's name */
int process_signal(gantry_str name); /* "SIGTERM", "TERM", "15"; 0 = no such signal */
/* The value of the i-th entry `key=`; NULL = none. */
const char *process_entry(const char *bytes, size_t len, const char *key, size_t i);
char *process_read(const char *path, size_t *len); /* for free(); NULL and errno */
/* Beside, synced, renamed; the folder is the caller's to sync.  -1 and errno. */
int process_write(const char *path, const void *bytes, size_t len, bool sync);
int process_sync_folder(const char *path);
int process_remove_tree(const char *path); /* -1 and errno; nothing there is no error */
int64_t process_wall_ms(void);

/* ---- the instance ---- */
struct process_job;
struct process_stream; /* an open operation: wait, stop, exec, logs */

struct process_user {
    bool set; /* else what gantryd is */
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    int group_count;
};

struct process_cgroups { /* mount points, NULL = cannot be used */
    char *cpu, *memory, *pids, *v2;
    bool v2_cpu, v2_memory, v2_pids; /* version 2 has the controller */
    char *base;                      /* below each mount point: "/gantry/1a2b3c4d" */
    char *missing;                   /* a sentence, NULL = all there */
};

struct process_driver {
    const gantry_host_api *host;
    gantry_host *h;
    char *state_dir, *libexec_dir, *boot_id, *cgroup_root;
    char *default_user; /* "" = nobody for root, else the user gantryd runs as */
    char **users;       /* NULL-terminated: others that apps may name */
    bool allow_root;
    int64_t log_max_bytes, log_files;
    int64_t ended_keep, ended_hours, ended_max_bytes;
    struct process_cgroups cgroups;
    struct process_job *jobs, *running;
    uint64_t job_timer;
    struct process_stream *streams;
    gantry_op health_op;
};

/* ---- job.c [loop]: file work on the host's workers; jobs of one pod run one after the other ----
 */
struct process_job { /* first member of what it carries */
    struct process_driver *d;
    char *pod;                          /* owned; NULL = waits for nobody */
    void (*run)(struct process_job *);  /* [worker] */
    void (*done)(struct process_job *); /* [loop]; frees the job, its pod included */
    bool failed;                        /* the host could not run it */
    struct process_job *next;
};
void process_job_submit(struct process_job *job);
void process_jobs_drop(struct process_driver *d); /* those that have not begun end as failed */

/* A failure on its way from a job to its operation. */
struct process_failure {
    gantry_status status; /* GANTRY_OK = none */
    char text[512];
};
gantry_status process_fail(struct process_failure *f, gantry_status status, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);

/* ---- paths (text.c); rest and file begin with "/" or are "" ---- */
char *process_pod_path(const struct process_driver *d, const char *pod, const char *rest);
char *process_container_path(const struct process_driver *d, const char *pod, const char *container,
                             const char *file);

/* ---- status.c [worker] ---- */
struct process_status {
    uint32_t state;
    int code, signal;
    uint32_t flags;
    uint64_t attempt, pid, started_ms, ended_ms;
    char text[512];
};
/* What is known of an attempt (0 = the last).  An attempt whose shim is gone without a record is
 * ended here: what it left is killed, and the record written.  ENOTFOUND: no such container. */
gantry_status process_status_read(struct process_driver *d, const char *pod, const char *container,
                                  uint64_t attempt, struct process_status *out,
                                  struct process_failure *f);
void process_status_give(const struct process_status *s, const char *container,
                         gantry_container_status *out);

/* ---- cgroup.c [worker] ---- */
void process_cgroups_find(struct process_driver *d);
void process_cgroups_entries(const struct process_driver *d, const char *pod, const char *container,
                             const gantry_container *limits, struct process_buf *out);
/* Kill what is in the groups that a container's config names, and remove them. */
void process_cgroups_clear(const char *config, size_t len);
void process_cgroups_remove_pod(const struct process_driver *d, const char *pod);
void process_cgroups_fini(struct process_cgroups *c);
/* SIGKILL to what is left of a session whose leader was started at or after start_ticks, as far as
 * its environment names the pod: the only trace where there are no control groups. */
void process_kill_session(pid_t session, uint64_t start_ticks, const char *pod);

/* ---- user.c [worker] ---- */
/* Who a container runs as; EINVAL with a sentence when it may not. */
gantry_status process_user_find(const struct process_driver *d, const char *asked,
                                struct process_user *out, struct process_failure *f);
void process_user_entries(const struct process_user *u, struct process_buf *out);
void process_user_fini(struct process_user *u);

/* ---- client.c ---- */
/* A connection to a container's shim, not blocking; -1 and errno. */
int process_connect(const struct process_driver *d, const char *pod, const char *container);
/* One request; fds: three or NULL.  -1 and errno. */
int process_request(int fd, const struct process_buf *request, const int *fds);
void process_request_begin(struct process_buf *b, const char *verb);
/* One message into text; *pass_fd gets a descriptor that came with it, else -1.  Bytes, 0 = closed,
 * -1. */
ssize_t process_answer(int fd, char *text, size_t max, int *pass_fd);

/* ---- open operations [loop] ---- */
struct process_stream { /* first member of what it carries */
    struct process_driver *d;
    gantry_op op;
    /* The operation is to end now, with this status.  May end later, when a job of it is under way.
     */
    void (*end)(struct process_stream *, gantry_status, const char *text);
    struct process_stream *prev, *next;
};
void process_stream_add(struct process_stream *s);
void process_stream_drop(struct process_stream *s);
struct process_stream *process_stream_find(struct process_driver *d, gantry_op op);

/* ---- operations [loop] ---- */
void process_list(void *self, gantry_op op);
void process_prepare(void *self, gantry_op op, const gantry_pod *pod);
void process_start(void *self, gantry_op op, gantry_str pod, gantry_str container,
                   uint64_t attempt);
void process_wait(void *self, gantry_op op, gantry_str pod, gantry_str container);
void process_stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal,
                  uint64_t grace_ms);
void process_remove(void *self, gantry_op op, gantry_str pod);
extern const gantry_driver_exec process_exec_extension;
extern const gantry_driver_logs process_logs_extension;

/* ---- ended.c [worker] ---- */
void process_ended_prune(const struct process_driver *d);

#endif
