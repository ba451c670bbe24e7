/* SPDX-License-Identifier: Apache-2.0 */
/* start: one shim for one attempt.  The journal decides what is true, before and after. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD 3
#define READY_TIMEOUT_MS 20000
#define EXIT_CONFIG 65 /* core/shim/shim.h */
#define EXIT_BUSY 75
#define EXIT_OLD 76
#define BUSY_TRIES 5
#define BUSY_PAUSE_US 20000

struct start {
    struct process_job job;
    gantry_op op;
    char *container;
    uint64_t attempt;
    struct process_status status;
    struct process_failure failure;
    char missing[64];
};

static pid_t spawn_shim(struct start *s, int ready, const char *folder)
{
    char *shim = process_printf("%s/gantry-shim", s->job.d->libexec_dir);
    char attempt[24], *argv[] = {shim, (char *)(uintptr_t)folder, attempt, NULL};
    char *env[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    snprintf(attempt, sizeof attempt, "%llu", (unsigned long long)s->attempt);
    posix_spawn_file_actions_init(&files);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_addopen(&files, i, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, ready, READY_FD); /* the shim closes all above */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    int rc = posix_spawn(&pid, shim, &files, &attributes, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0)
        process_fail(&s->failure, GANTRY_EUNAVAIL, "cannot run %s: %s", shim, strerror(rc));
    free(shim);
    return rc == 0 ? pid : -1;
}

/* One line, or what there is when the pipe is closed or the time is over. */
static void read_ready(int fd, char *line, size_t max)
{
    size_t n = 0;
    struct pollfd p = {fd, POLLIN, 0};
    while (n < max - 1 && poll(&p, 1, READY_TIMEOUT_MS) > 0) {
        ssize_t got = read(fd, line + n, max - 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
        if (memchr(line, '\n', n)) break;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Run the shim until it reports.  Its first process ends as soon as the keeper is on its own. */
static int try_start(struct start *s, char *line, size_t max)
{
    int ready[2], status = 0;
    char *folder = process_container_path(s->job.d, s->job.pod, s->container, "");
    line[0] = '\0';
    if (pipe2(ready, O_CLOEXEC) < 0) {
        process_fail(&s->failure, GANTRY_EUNAVAIL, "cannot start: pipe: %s", strerror(errno));
        free(folder);
        return -1;
    }
    /* dup2 onto itself would leave it to be closed by exec */
    int high = fcntl(ready[1], F_DUPFD_CLOEXEC, READY_FD + 1);
    close(ready[1]);
    pid_t pid = high < 0 ? -1 : spawn_shim(s, high, folder);
    if (high >= 0) close(high);
    free(folder);
    if (pid > 0) {
        read_ready(ready[0], line, max);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ready[0]);
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A look at the last attempt.  true: start it.  false: s->status or s->failure is the answer. */
static bool is_new(struct start *s)
{
    struct process_driver *d = s->job.d;
    if (process_status_read(d, s->job.pod, s->container, 0, &s->status, &s->failure) != GANTRY_OK)
        return false;
    uint64_t last = s->status.attempt;
    if (s->attempt > last && s->status.state == GANTRY_CONTAINER_RUNNING) {
        process_fail(&s->failure, GANTRY_EBUSY, "attempt %llu of container %s still runs",
                     (unsigned long long)last, s->container);
        return false;
    }
    if (s->attempt > last) return true;
    process_status_read(d, s->job.pod, s->container, s->attempt, &s->status, &s->failure);
    if (s->status.state == GANTRY_CONTAINER_CREATED) { /* the journal keeps the last ones only */
        s->status.state = GANTRY_CONTAINER_EXITED;
        s->status.attempt = s->attempt;
        s->status.flags = GANTRY_EXIT_LOST;
        snprintf(s->status.text, sizeof s->status.text, "the record of this attempt is not kept");
    }
    return false;
}

static void run(struct process_job *job)
{
    struct start *s = (struct start *)job;
    char line[600];
    int code = 0;
    for (int tries = 0; tries < BUSY_TRIES; tries++) {
        if (!is_new(s)) return;
        code = try_start(s, line, sizeof line);
        if (code != EXIT_BUSY) break;
        usleep(BUSY_PAUSE_US); /* its predecessor is writing its last words */
    }
    if (s->failure.status != GANTRY_OK) return;
    if (line[0] == 'R') snprintf(s->missing, sizeof s->missing, "%.60s", line + 1);
    if (code == EXIT_CONFIG)
        process_fail(&s->failure, GANTRY_EINTERNAL, "gantry-shim: %s", line + 2);
    else if (code == EXIT_BUSY)
        process_fail(&s->failure, GANTRY_EBUSY, "another gantry-shim holds container %s",
                     s->container);
    else if (process_status_read(job->d, job->pod, s->container, s->attempt, &s->status,
                                 &s->failure) == GANTRY_OK &&
             s->status.attempt != s->attempt)
        process_fail(&s->failure, GANTRY_EUNAVAIL, "gantry-shim did not start: %s",
                     line[0] ? line + 2 : "it ended without a word");
}

static void done(struct process_job *job)
{
    struct start *s = (struct start *)job;
    struct process_driver *d = job->d;
    gantry_container_status result;
    if (job->failed)
        d->host->op_failf(d->h, s->op, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (s->failure.status != GANTRY_OK)
        d->host->op_failf(d->h, s->op, s->failure.status, "%s", s->failure.text);
    else {
        process_status_give(&s->status, s->container, &result);
        d->host->op_done(d->h, s->op, &result);
    }
    if (s->missing[0] && strspn(s->missing, " ") < strlen(s->missing))
        d->host->logf(d->h, GANTRY_LOG_WARN, "limits not enforced pod=%s container=%s limits=%s",
                      job->pod, s->container, s->missing + strspn(s->missing, " "));
    free(s->container);
    free(job->pod);
    free(s);
}

void process_start(void *self, gantry_op op, gantry_str pod, gantry_str container, uint64_t attempt)
{
    struct process_driver *d = self;
    if (!process_is_name(pod) || !process_is_name(container) || attempt == 0) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL,
                          "start: not a pod, a container and an attempt >= 1");
        return;
    }
    struct start *s = process_alloc(1, sizeof *s);
    s->job = (struct process_job){.d = d, .pod = process_dup(pod), .run = run, .done = done};
    s->op = op;
    s->container = process_dup(container);
    s->attempt = attempt;
    process_job_submit(&s->job);
}
