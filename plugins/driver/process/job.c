/* SPDX-License-Identifier: Apache-2.0 */
/* A queue in front of the host's workers: it keeps what they have no room for, and lets the jobs of
 * one pod run one after the other.  Its bound is the number of operations that the host has open.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MS 5
#define RUNNING_MAX 16

static void feed(struct process_driver *d);

static void run_job(void *arg)
{
    struct process_job *job = arg;
    job->run(job);
}

static void finish_job(void *arg, gantry_status status)
{
    struct process_job *job = arg;
    struct process_driver *d = job->d;
    for (struct process_job **p = &d->running; *p; p = &(*p)->next)
        if (*p == job) {
            *p = job->next;
            break;
        }
    job->failed = status != GANTRY_OK;
    job->done(job);
    feed(d);
}

static bool must_wait(const struct process_driver *d, const struct process_job *job)
{
    for (const struct process_job *r = d->running; r && job->pod; r = r->next)
        if (r->pod && !strcmp(r->pod, job->pod)) return true;
    for (const struct process_job *q = d->jobs; q != job && job->pod; q = q->next)
        if (q->pod && !strcmp(q->pod, job->pod)) return true;
    return false;
}

static void retry(void *arg)
{
    struct process_driver *d = arg;
    d->job_timer = 0;
    feed(d);
}

static void feed(struct process_driver *d)
{
    size_t running = 0;
    for (struct process_job *r = d->running; r; r = r->next)
        running++;
    for (struct process_job **p = &d->jobs; *p && running < RUNNING_MAX;) {
        struct process_job *job = *p;
        if (must_wait(d, job)) {
            p = &job->next;
            continue;
        }
        gantry_status status = d->host->work(d->h, run_job, finish_job, job);
        if (status == GANTRY_EBUSY && !d->job_timer)
            d->job_timer = d->host->timer_start(d->h, RETRY_MS, 0, retry, d);
        if (status == GANTRY_EBUSY && d->job_timer) return;
        *p = job->next;
        if (status != GANTRY_OK) { /* shutting down: nothing runs any more */
            job->failed = true;
            job->done(job);
            continue;
        }
        job->next = d->running;
        d->running = job;
        running++;
    }
}

void process_job_submit(struct process_job *job)
{
    struct process_job **p = &job->d->jobs;
    while (*p)
        p = &(*p)->next;
    *p = job;
    job->next = NULL;
    feed(job->d);
}

void process_jobs_drop(struct process_driver *d)
{
    for (struct process_job *job; (job = d->jobs);) {
        d->jobs = job->next;
        job->failed = true;
        job->done(job);
    }
    if (d->job_timer) d->host->watch_stop(d->h, d->job_timer);
    d->job_timer = 0;
}
