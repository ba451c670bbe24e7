/* SPDX-License-Identifier: Apache-2.0 */
/* list: a job reads what is on disk, the loop hands it over as fast as it is taken. */
#include "process.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 10

struct pod {
    char *id, *record;
    size_t record_len, n;
    char **names;
    struct process_status *statuses;
};

struct list {
    struct process_stream stream;
    struct process_job job;
    struct pod *pods;
    size_t n, cap, next;
    uint64_t timer;
    bool working, over;
};

static struct list *of_job(struct process_job *job)
{
    return (struct list *)(void *)((char *)job - offsetof(struct list, job));
}

static void destroy(struct list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->pods[i].n; k++)
            free(l->pods[i].names[k]);
        free(l->pods[i].names);
        free(l->pods[i].statuses);
        free(l->pods[i].id);
        free(l->pods[i].record);
    }
    free(l->pods);
    free(l);
}

static void end(struct process_stream *stream, gantry_status status, const char *text)
{
    struct list *l = (struct list *)stream;
    process_stream_drop(stream);
    if (status == GANTRY_OK)
        stream->d->host->op_done(stream->d->h, stream->op, NULL);
    else
        stream->d->host->op_failf(stream->d->h, stream->op, status, "%s", text);
    if (l->timer) stream->d->host->watch_stop(stream->d->h, l->timer);
    l->over = true;
    if (!l->working) destroy(l);
}

static void read_pod(struct list *l, const char *id)
{
    struct process_driver *d = l->job.d;
    struct process_failure ignored;
    size_t len;
    char *path = process_pod_path(d, id, "/pod");
    char *bytes = process_read(path, &len);
    free(path);
    if (!bytes) return; /* never prepared to the end, or removed meanwhile */
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        if (!(l->pods = realloc(l->pods, l->cap * sizeof *l->pods))) abort();
    }
    struct pod *p = &l->pods[l->n++];
    const char *record = process_entry(bytes, len, "record", 0);
    *p = (struct pod){.id = process_dup(process_str(id)),
                      .record = process_dup(process_str(record ? record : ""))};
    p->record_len = strlen(p->record);
    while (process_entry(bytes, len, "container", p->n))
        p->n++;
    p->names = process_alloc(p->n, sizeof *p->names);
    p->statuses = process_alloc(p->n, sizeof *p->statuses);
    for (size_t i = 0; i < p->n; i++) {
        p->names[i] = process_dup(process_str(process_entry(bytes, len, "container", i)));
        p->statuses[i].state = GANTRY_CONTAINER_UNKNOWN;
        process_status_read(d, id, p->names[i], 0, &p->statuses[i], &ignored);
    }
    free(bytes);
}

static void run(struct process_job *job)
{
    struct list *l = of_job(job);
    char *path = process_printf("%s/pods", job->d->state_dir);
    DIR *dir = opendir(path);
    free(path);
    if (!dir) return; /* none was ever prepared */
    for (struct dirent *e; (e = readdir(dir));)
        if (process_is_name(process_str(e->d_name))) read_pod(l, e->d_name);
    closedir(dir);
}

static gantry_status emit_pod(struct list *l, const struct pod *p)
{
    const gantry_host_api *host = l->stream.d->host;
    gantry_container_status *all = process_alloc(p->n, sizeof *all);
    const gantry_container_status **each = process_alloc(p->n, sizeof *each);
    for (size_t i = 0; i < p->n; i++) {
        process_status_give(&p->statuses[i], p->names[i], &all[i]);
        each[i] = &all[i];
    }
    gantry_pod_status status = {.size = sizeof status,
                                .container_count = (uint32_t)p->n,
                                .pod = process_str(p->id),
                                .record = {p->record, p->record_len},
                                .containers = each};
    gantry_status rc = host->op_emit(l->stream.d->h, l->stream.op, &status);
    free(all);
    free(each);
    return rc;
}

static void emit(void *arg)
{
    struct list *l = arg;
    l->timer = 0;
    while (l->next < l->n) {
        gantry_status rc = emit_pod(l, &l->pods[l->next]);
        if (rc == GANTRY_EBUSY) {
            l->timer = l->stream.d->host->timer_start(l->stream.d->h, RETRY_MS, 0, emit, l);
            if (l->timer) return;
        }
        if (rc != GANTRY_OK) {
            end(&l->stream, rc, "nobody takes the list");
            return;
        }
        l->next++;
    }
    end(&l->stream, GANTRY_OK, "");
}

static void done(struct process_job *job)
{
    struct list *l = of_job(job);
    l->working = false;
    if (l->over)
        destroy(l);
    else if (job->failed)
        end(&l->stream, GANTRY_EUNAVAIL, "the driver is shutting down");
    else
        emit(l);
}

void process_list(void *self, gantry_op op)
{
    struct process_driver *d = self;
    struct list *l = process_alloc(1, sizeof *l);
    l->stream = (struct process_stream){.d = d, .op = op, .end = end};
    l->job = (struct process_job){.d = d, .run = run, .done = done};
    l->working = true;
    process_stream_add(&l->stream);
    process_job_submit(&l->job);
}
