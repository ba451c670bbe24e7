/* SPDX-License-Identifier: Apache-2.0 */
/* wait and stop: a connection to the shim is held until it tells the end or is gone; then the
 * journal says what is true. */
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 50

struct wait {
    struct process_stream stream;
    char *pod, *container;
    int signal; /* stop; 0 = wait only */
    uint64_t grace_ms;
    int fd;
    uint64_t watch, timer;
    bool is_stop, looking; /* looking: a job of it is under way */
    bool over;             /* ended while looking */
};

struct look {
    struct process_job job;
    struct wait *w;
    struct process_status status;
    struct process_failure failure;
};

static void begin(struct wait *w);

static void release(struct wait *w)
{
    const struct process_driver *d = w->stream.d;
    if (w->watch) d->host->watch_stop(d->h, w->watch);
    if (w->timer) d->host->watch_stop(d->h, w->timer);
    if (w->fd >= 0) close(w->fd);
    w->watch = w->timer = 0;
    w->fd = -1;
}

static void destroy(struct wait *w)
{
    release(w);
    free(w->pod);
    free(w->container);
    free(w);
}

static void end(struct process_stream *stream, gantry_status status, const char *text)
{
    struct wait *w = (struct wait *)stream;
    process_stream_drop(stream);
    stream->d->host->op_failf(stream->d->h, stream->op, status, "%s", text);
    release(w);
    w->over = true;
    if (!w->looking) destroy(w);
}

static void run_look(struct process_job *job)
{
    struct look *l = (struct look *)job;
    process_status_read(job->d, l->w->pod, l->w->container, 0, &l->status, &l->failure);
}

static void again(void *arg)
{
    struct wait *w = arg;
    w->timer = 0;
    begin(w);
}

static void decide(struct wait *w, struct look *l)
{
    struct process_driver *d = w->stream.d;
    gantry_container_status result;
    if (l->job.failed) {
        end(&w->stream, GANTRY_EUNAVAIL, "the driver is shutting down");
    } else if (l->failure.status == GANTRY_ENOTFOUND && w->is_stop) {
        process_stream_drop(&w->stream);
        d->host->op_done(d->h, w->stream.op, NULL); /* nothing of it runs */
        destroy(w);
    } else if (l->failure.status != GANTRY_OK) {
        end(&w->stream, l->failure.status, l->failure.text);
    } else if (l->status.state == GANTRY_CONTAINER_RUNNING) {
        w->timer = d->host->timer_start(d->h, RETRY_MS, 0, again, w);
        if (!w->timer) end(&w->stream, GANTRY_EUNAVAIL, "the host has no timer left");
    } else if (l->status.state == GANTRY_CONTAINER_CREATED && !w->is_stop) {
        end(&w->stream, GANTRY_EINVAL, "the container was never started");
    } else {
        process_status_give(&l->status, w->container, &result);
        process_stream_drop(&w->stream);
        d->host->op_done(d->h, w->stream.op, w->is_stop ? NULL : &result);
        destroy(w);
    }
}

static void done_look(struct process_job *job)
{
    struct look *l = (struct look *)job;
    struct wait *w = l->w;
    w->looking = false;
    if (w->over)
        destroy(w);
    else
        decide(w, l);
    free(job->pod);
    free(l);
}

static void look(struct wait *w)
{
    struct look *l = process_alloc(1, sizeof *l);
    /* Without the pod's name: behind the remove of this pod it would wait for its own cause. */
    l->job = (struct process_job){.d = w->stream.d, .run = run_look, .done = done_look};
    l->w = w;
    w->looking = true;
    process_job_submit(&l->job);
}

static void readable(void *arg, int fd, uint32_t events)
{
    struct wait *w = arg;
    (void)fd;
    (void)events;
    release(w); /* the end, or the shim is gone */
    look(w);
}

static void begin(struct wait *w)
{
    struct process_driver *d = w->stream.d;
    struct process_buf request;
    w->fd = process_connect(d, w->pod, w->container);
    if (w->fd < 0) {
        look(w);
        return;
    }
    process_request_begin(&request, w->is_stop ? "stop" : "wait");
    if (w->is_stop) process_buf_number(&request, "signal", w->signal);
    if (w->is_stop) process_buf_number(&request, "grace_ms", (int64_t)w->grace_ms);
    int rc = process_request(w->fd, &request, NULL);
    free(request.bytes);
    if (rc == 0) w->watch = d->host->fd_watch(d->h, w->fd, GANTRY_FD_READABLE, readable, w);
    if (w->watch) return;
    release(w);
    look(w);
}

static struct wait *create(struct process_driver *d, gantry_op op, gantry_str pod,
                           gantry_str container)
{
    if (!process_is_name(pod) || !process_is_name(container)) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL, "not names of a pod and a container");
        return NULL;
    }
    struct wait *w = process_alloc(1, sizeof *w);
    w->stream = (struct process_stream){.d = d, .op = op, .end = end};
    w->pod = process_dup(pod);
    w->container = process_dup(container);
    w->fd = -1;
    process_stream_add(&w->stream);
    return w;
}

void process_wait(void *self, gantry_op op, gantry_str pod, gantry_str container)
{
    struct wait *w = create(self, op, pod, container);
    if (w) begin(w);
}

void process_stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal,
                  uint64_t grace_ms)
{
    struct process_driver *d = self;
    int number = signal.len ? process_signal(signal) : 15;
    if (!number) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL, "signal \"%.*s\" is not known",
                          (int)(signal.len < 32 ? signal.len : 32), signal.ptr);
        return;
    }
    struct wait *w = create(d, op, pod, container);
    if (!w) return;
    w->is_stop = true;
    w->signal = number;
    w->grace_ms = grace_ms < INT32_MAX ? grace_ms : INT32_MAX;
    begin(w);
}
