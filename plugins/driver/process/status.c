/* SPDX-License-Identifier: Apache-2.0 */
/* What became of an attempt: the journal (core/shim/journal.c writes it), the lock, the boot id. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FREE 0
#define LOCK_HELD 1

struct attempt {
    struct process_status status;
    unsigned long long start_ticks;
    char boot_id[40];
};

/* Fill a from the lines of one attempt (0: of the last). */
static void parse(char *journal, uint64_t wanted, struct attempt *a)
{
    char *line = journal;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        unsigned long long n, ticks;
        long long ms;
        int pid, shim, code, sig, text = 0;
        unsigned flags;
        char boot[40];
        *end = '\0';
        if (sscanf(line, "S %llu %d %llu %lld %39s %d", &n, &pid, &ticks, &ms, boot, &shim) == 6 &&
            (wanted ? n == wanted : n >= a->status.attempt)) {
            *a = (struct attempt){.status = {.state = GANTRY_CONTAINER_RUNNING,
                                             .attempt = n,
                                             .pid = (uint64_t)pid,
                                             .started_ms = (uint64_t)ms},
                                  .start_ticks = ticks};
            memcpy(a->boot_id, boot, sizeof boot);
        } else if (sscanf(line, "E %llu %d %d %u %lld %39s %n", &n, &code, &sig, &flags, &ms, boot,
                          &text) == 6 &&
                   n == a->status.attempt && a->status.state == GANTRY_CONTAINER_RUNNING) {
            a->status.state = GANTRY_CONTAINER_EXITED;
            a->status.code = code, a->status.signal = sig, a->status.flags = flags;
            a->status.ended_ms = (uint64_t)ms;
            a->status.pid = 0;
            snprintf(a->status.text, sizeof a->status.text, "%s", text ? line + text : "");
        }
    }
}

static bool read_attempt(const char *path, uint64_t wanted, struct attempt *a)
{
    size_t len;
    char *journal = process_read(path, &len);
    *a = (struct attempt){.status = {.state = GANTRY_CONTAINER_CREATED}};
    if (!journal) return false;
    parse(journal, wanted, a);
    free(journal);
    return true;
}

/* Take the shim's lock when it is free.  -1: it is held (or cannot be looked at). */
static int take_lock(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return -1;
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return fd;
    close(fd);
    return -1;
}

/* Only a look: a look must not make a shim that starts now find the lock taken. */
static int look_at_lock(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return LOCK_FREE;
    int rc = fcntl(fd, F_OFD_GETLK, &whole);
    close(fd);
    return rc == 0 && whole.l_type == F_UNLCK ? LOCK_FREE : LOCK_HELD;
}

static void record_lost(const char *path, const struct attempt *a, const char *boot_id)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return;
    /* The next look writes it when this one cannot. */
    if (dprintf(fd, "E %llu %d %d %u %llu %s %s\n", (unsigned long long)a->status.attempt,
                a->status.code, a->status.signal, a->status.flags,
                (unsigned long long)a->status.ended_ms, boot_id, a->status.text) > 0)
        (void)fdatasync(fd);
    close(fd);
}

static void end_lost(struct process_driver *d, const char *pod, const char *container,
                     struct attempt *a, const char *journal)
{
    bool rebooted = strcmp(a->boot_id, d->boot_id) != 0;
    size_t len;
    char *path = process_container_path(d, pod, container, "/config");
    char *config = process_read(path, &len);
    free(path);
    if (config) process_cgroups_clear(config, len);
    free(config);
    if (!rebooted) process_kill_session((pid_t)a->status.pid, a->start_ticks, pod);
    path = process_container_path(d, pod, container, "/sock");
    unlink(path);
    free(path);
    a->status.state = GANTRY_CONTAINER_EXITED;
    a->status.code = 137, a->status.signal = 9;
    a->status.flags = GANTRY_EXIT_LOST;
    a->status.ended_ms = (uint64_t)process_wall_ms();
    a->status.pid = 0;
    snprintf(a->status.text, sizeof a->status.text, "%s",
             rebooted ? "the machine was restarted" : "its keeper (gantry-shim) was killed");
    record_lost(journal, a, d->boot_id);
}

gantry_status process_status_read(struct process_driver *d, const char *pod, const char *container,
                                  uint64_t attempt, struct process_status *out,
                                  struct process_failure *f)
{
    struct attempt a;
    char *journal = process_container_path(d, pod, container, "/attempts");
    char *lock = process_container_path(d, pod, container, "/lock");
    bool known = read_attempt(journal, attempt, &a);
    if (known && a.status.state == GANTRY_CONTAINER_RUNNING && look_at_lock(lock) == LOCK_FREE) {
        int fd = take_lock(lock); /* it may have ended, or the next one begun, since we read */
        read_attempt(journal, attempt, &a);
        if (fd >= 0 && a.status.state == GANTRY_CONTAINER_RUNNING)
            end_lost(d, pod, container, &a, journal);
        if (fd >= 0) close(fd);
    }
    free(journal);
    free(lock);
    if (!known)
        return process_fail(f, GANTRY_ENOTFOUND, "pod %s has no container %s here", pod, container);
    *out = a.status;
    return GANTRY_OK;
}

void process_status_give(const struct process_status *s, const char *container,
                         gantry_container_status *out)
{
    *out = (gantry_container_status){.size = sizeof *out,
                                     .state = s->state,
                                     .exit_code = s->code,
                                     .exit_signal = s->signal,
                                     .exit_flags = s->flags,
                                     .attempt = s->attempt,
                                     .pid = s->pid,
                                     .started_ms = s->started_ms,
                                     .ended_ms = s->ended_ms,
                                     .name = process_str(container),
                                     .text = process_str(s->text)};
}
