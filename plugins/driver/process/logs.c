/* SPDX-License-Identifier: Apache-2.0 */
/* logs: jobs read the CRI files (core/shim/logs.c) in portions; the loop hands lines over as they
 * are taken.  A follower looks again when inotify says that something in the folder has changed. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PORTION 65536 /* bytes of a file that one job reads */
#define RETRY_MS 10

struct logs {
    struct process_stream stream;
    struct process_job job;
    char *folder; /* of the container, under pods/ or ended/ */
    char *pod, *container;
    bool follow, previous, working, over;
    int64_t tail;
    uint64_t since_ms;
    /* place */
    uint64_t attempt, number, last_number; /* files log.ATTEMPT.NUMBER */
    off_t offset;
    /* a portion: whole entries, and how far they are handed over */
    char *bytes;
    size_t len, next;
    bool at_end, gone, placed;
    int inotify_fd;
    uint64_t watch, timer;
    bool changed;
    struct process_failure failure;
};

static struct logs *of_job(struct process_job *job)
{
    return (struct logs *)(void *)((char *)job - offsetof(struct logs, job));
}

/* The kernel waits some milliseconds for readers of its watch lists: no work for the loop. */
struct closing {
    struct process_job job;
    int fd;
};

static void run_closing(struct process_job *job)
{
    struct closing *c = (struct closing *)job;
    close(c->fd);
    c->fd = -1;
}

static void done_closing(struct process_job *job)
{
    struct closing *c = (struct closing *)job;
    if (c->fd >= 0) close(c->fd); /* shutting down */
    free(c);
}

static void close_later(struct process_driver *d, int fd)
{
    struct closing *c = process_alloc(1, sizeof *c);
    c->job = (struct process_job){.d = d, .run = run_closing, .done = done_closing};
    c->fd = fd;
    process_job_submit(&c->job);
}

static void destroy(struct logs *l)
{
    const struct process_driver *d = l->stream.d;
    if (l->watch) d->host->watch_stop(d->h, l->watch);
    if (l->timer) d->host->watch_stop(d->h, l->timer);
    if (l->inotify_fd >= 0) close_later(l->stream.d, l->inotify_fd);
    free(l->folder);
    free(l->pod);
    free(l->container);
    free(l->bytes);
    free(l);
}

static void finish(struct logs *l, gantry_status status, const char *text)
{
    struct process_driver *d = l->stream.d;
    process_stream_drop(&l->stream);
    if (status == GANTRY_OK)
        d->host->op_done(d->h, l->stream.op, NULL);
    else
        d->host->op_failf(d->h, l->stream.op, status, "%s", text);
    l->over = true;
    if (!l->working) destroy(l);
}

static void end(struct process_stream *stream, gantry_status status, const char *text)
{
    finish((struct logs *)stream, status, text);
}

/* ---- reading [worker] ---- */

/* The attempts and file numbers that there are; false when there is none at or after `least`. */
static bool first_file(const struct logs *l, uint64_t attempt, uint64_t least, uint64_t *number)
{
    DIR *dir = opendir(l->folder);
    bool found = false;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        unsigned long long a, n;
        if (sscanf(e->d_name, "log.%llu.%llu", &a, &n) != 2 || a != attempt || n < least) continue;
        if (!found || n < *number) *number = n;
        found = true;
    }
    if (dir) closedir(dir);
    return found;
}

/* The newest attempt below `limit` that has logs; 0 = none. */
static uint64_t newest_attempt(const struct logs *l, uint64_t limit)
{
    uint64_t newest = 0;
    DIR *dir = opendir(l->folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        unsigned long long a, n;
        if (sscanf(e->d_name, "log.%llu.%llu", &a, &n) == 2 && a < limit && a > newest) newest = a;
    }
    if (dir) closedir(dir);
    return newest;
}

static int open_log(const struct logs *l, uint64_t number)
{
    char *path = process_printf("%s/log.%llu.%llu", l->folder, (unsigned long long)l->attempt,
                                (unsigned long long)number);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    return fd;
}

/* "... stdout F text": is it the last part of a line?  The tag stands behind the second blank. */
static bool ends_line(const char *entry, size_t len)
{
    const char *p = memchr(entry, ' ', len);
    p = p ? memchr(p + 1, ' ', len - (size_t)(p + 1 - entry)) : NULL;
    return !p || p + 1 >= entry + len || p[1] != 'P';
}

/* Offset in one file behind which `*lines` whole lines follow; *lines loses what the file has. */
static off_t tail_of(int fd, int64_t *lines)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size <= 0) return 0;
    /* Files are bounded by log_max_bytes; the page cache has the newest. */
    char *bytes = process_alloc((size_t)st.st_size, 1);
    ssize_t n = pread(fd, bytes, (size_t)st.st_size, 0);
    size_t len = n > 0 ? (size_t)n : 0, from = 0;
    while (len && bytes[len - 1] != '\n')
        len--; /* being written */
    for (size_t stop = len; stop > 0;) {
        char *newline = memrchr(bytes, '\n', stop - 1);
        size_t begin = newline ? (size_t)(newline - bytes) + 1 : 0;
        if (ends_line(bytes + begin, stop - begin) && (*lines)-- == 0) {
            from = stop;
            break;
        }
        stop = begin;
    }
    free(bytes);
    if (*lines < 0) *lines = 0;
    return (off_t)from;
}

static void place_at_tail(struct logs *l)
{
    int64_t lines = l->tail;
    uint64_t first = l->number, number = l->number;
    while (first_file(l, l->attempt, number + 1, &l->last_number))
        number = l->last_number;
    for (;; number--) {
        int fd = open_log(l, number);
        l->number = number;
        l->offset = fd < 0 ? 0 : tail_of(fd, &lines);
        if (fd >= 0) close(fd);
        if (l->offset > 0 || (lines == 0 && l->tail > 0) || number == first) return;
    }
}

static void find_folder(struct logs *l)
{
    struct process_driver *d = l->job.d;
    l->folder = process_container_path(d, l->pod, l->container, "");
    if (access(l->folder, F_OK) == 0) return;
    free(l->folder);
    l->folder = process_printf("%s/ended/%s/c/%s", d->state_dir, l->pod, l->container);
    l->follow = false;
    if (access(l->folder, F_OK) < 0)
        process_fail(&l->failure, GANTRY_ENOTFOUND, "no logs of pod %s, container %s are kept here",
                     l->pod, l->container);
}

static void place(struct logs *l)
{
    l->placed = true;
    l->attempt = newest_attempt(l, UINT64_MAX);
    if (l->previous && l->attempt) {
        l->attempt = newest_attempt(l, l->attempt);
        if (!l->attempt)
            process_fail(&l->failure, GANTRY_ENOTFOUND,
                         "container %s of pod %s has no earlier attempt whose logs are kept",
                         l->container, l->pod);
    }
    if (!l->attempt || !first_file(l, l->attempt, 0, &l->number)) return;
    if (l->tail >= 0) place_at_tail(l);
}

/* The next file of the attempt, or the first of the next attempt. */
static bool next_file(struct logs *l)
{
    if (first_file(l, l->attempt, l->number + 1, &l->number)) {
        l->offset = 0;
        return true;
    }
    uint64_t newest = l->follow ? newest_attempt(l, UINT64_MAX) : 0, number;
    if (newest <= l->attempt || !first_file(l, newest, 0, &number)) return false;
    l->attempt = newest, l->number = number, l->offset = 0;
    return true;
}

static void run(struct process_job *job)
{
    struct logs *l = of_job(job);
    if (l->folder && access(l->folder, F_OK) < 0) { /* removed: the rest is under ended/ now */
        free(l->folder);
        l->folder = NULL;
    }
    bool known = l->placed;
    if (!l->folder) find_folder(l);
    if (known && l->failure.status == GANTRY_ENOTFOUND) l->failure.status = GANTRY_OK;
    if (l->failure.status != GANTRY_OK) return;
    if (!l->placed || !l->attempt) place(l);
    l->len = l->next = 0;
    l->at_end = false;
    if (!l->bytes) l->bytes = process_alloc(PORTION, 1);
    while (l->failure.status == GANTRY_OK && !l->len && !l->at_end) {
        int fd = l->attempt ? open_log(l, l->number) : -1;
        ssize_t n = fd < 0 ? 0 : pread(fd, l->bytes, PORTION, l->offset);
        if (fd >= 0) close(fd);
        l->len = n > 0 ? (size_t)n : 0;
        while (l->len && l->bytes[l->len - 1] != '\n')
            l->len--; /* the rest is still being written */
        l->offset += (off_t)l->len;
        if (!l->len && !(l->attempt && next_file(l))) l->at_end = true;
    }
    l->gone = access(l->folder, F_OK) < 0;
}

/* ---- handing over [loop] ---- */

static void proceed(struct logs *l);

static uint64_t time_of(const char *entry)
{
    struct tm tm = {0};
    int ms;
    if (sscanf(entry, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (uint64_t)timegm(&tm) * 1000 + (uint64_t)ms;
}

/* "TIME stdout F text\n" as a chunk; a part of a line loses the newline that only the entry has. */
static gantry_status emit_entry(struct logs *l, char *entry, size_t len)
{
    const struct process_driver *d = l->stream.d;
    char *end_of = entry + len;
    char *stream = memchr(entry, ' ', len);
    char *tag = stream ? memchr(stream + 1, ' ', (size_t)(end_of - stream - 1)) : NULL;
    if (!tag || end_of - tag < 4) return GANTRY_OK; /* not ours: damaged by a crash */
    uint64_t ms = time_of(entry);
    if (ms < l->since_ms) return GANTRY_OK;
    char *text = tag + 3;
    gantry_chunk chunk = {.size = sizeof chunk,
                          .channel = !strncmp(stream + 1, "stderr", 6) ? GANTRY_CHANNEL_STDERR
                                                                       : GANTRY_CHANNEL_STDOUT,
                          .wall_ms = ms,
                          .bytes = {text, (size_t)(end_of - text) - (tag[1] == 'P')}};
    return d->host->op_emit(d->h, l->stream.op, &chunk);
}

static void submit(struct logs *l)
{
    l->working = true;
    l->changed = false;
    process_job_submit(&l->job);
}

static void again(void *arg)
{
    struct logs *l = arg;
    l->timer = 0;
    proceed(l);
}

static void changed(void *arg, int fd, uint32_t events)
{
    struct logs *l = arg;
    char what[4096];
    (void)events;
    while (read(fd, what, sizeof what) > 0) { /* what it was does not matter */
    }
    l->changed = true;
    if (!l->working && !l->timer && l->at_end) submit(l);
}

/* The files, and the pod's folder above: when it moves, those below hear nothing. */
static bool watch_folder(struct logs *l)
{
    const struct process_driver *d = l->stream.d;
    char *pod = process_pod_path(d, l->pod, "");
    l->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    bool ok = l->inotify_fd >= 0 &&
              inotify_add_watch(l->inotify_fd, l->folder, IN_CREATE | IN_MODIFY) >= 0 &&
              inotify_add_watch(l->inotify_fd, pod, IN_MOVE_SELF | IN_DELETE_SELF) >= 0;
    free(pod);
    if (ok) l->watch = d->host->fd_watch(d->h, l->inotify_fd, GANTRY_FD_READABLE, changed, l);
    return l->watch != 0;
}

static void at_end(struct logs *l)
{
    if (!l->follow || l->gone) {
        finish(l, GANTRY_OK, "");
    } else if (l->inotify_fd < 0) {
        if (watch_folder(l) || access(l->folder, F_OK) < 0)
            submit(l); /* something may have come between the look and the watch */
        else
            finish(l, GANTRY_EUNAVAIL, "cannot follow: no inotify watch is left on this node");
    } else if (l->changed) {
        submit(l);
    }
}

static void proceed(struct logs *l)
{
    const struct process_driver *d = l->stream.d;
    while (l->next < l->len) {
        char *entry = l->bytes + l->next;
        char *newline = memchr(entry, '\n', l->len - l->next);
        size_t len = newline ? (size_t)(newline - entry) + 1 : l->len - l->next;
        gantry_status status = emit_entry(l, entry, len);
        if (status == GANTRY_EBUSY &&
            (l->timer = d->host->timer_start(d->h, RETRY_MS, 0, again, l)) != 0)
            return;
        if (status != GANTRY_OK) {
            finish(l, GANTRY_ECANCELED, "nobody listens");
            return;
        }
        l->next += len;
    }
    if (l->at_end)
        at_end(l);
    else
        submit(l);
}

static void done(struct process_job *job)
{
    struct logs *l = of_job(job);
    l->working = false;
    if (l->over)
        destroy(l);
    else if (job->failed)
        finish(l, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (l->failure.status != GANTRY_OK)
        finish(l, l->failure.status, l->failure.text);
    else
        proceed(l);
}

static void logs(void *self, gantry_op op, const gantry_log_query *query)
{
    struct process_driver *d = self;
    if (!process_is_name(query->pod) || !process_is_name(query->container)) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL, "logs: not names of a pod and a container");
        return;
    }
    struct logs *l = process_alloc(1, sizeof *l);
    l->stream = (struct process_stream){.d = d, .op = op, .end = end};
    l->job = (struct process_job){.d = d, .run = run, .done = done};
    l->pod = process_dup(query->pod);
    l->container = process_dup(query->container);
    l->previous = query->flags & GANTRY_LOGS_PREVIOUS;
    l->follow = (query->flags & GANTRY_LOGS_FOLLOW) && !l->previous;
    l->tail = query->tail;
    l->since_ms = query->since_ms;
    l->inotify_fd = -1;
    process_stream_add(&l->stream);
    submit(l);
}

const gantry_driver_logs process_logs_extension = {.size = sizeof process_logs_extension,
                                                   .logs = logs};
