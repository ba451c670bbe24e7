/* SPDX-License-Identifier: Apache-2.0 */
/* remove: end what runs, drop control groups, sockets and work folders, keep journal and logs for a
 * while under ended/. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KILL_TIMEOUT_MS 10000

struct removal {
    struct process_job job;
    gantry_op op;
    struct process_failure failure;
};

/* SIGKILL to all of it, and wait for the shim's last word. */
static void kill_container(struct process_driver *d, const char *pod, const char *container)
{
    int fd = process_connect(d, pod, container), passed;
    if (fd < 0) return;
    struct process_buf request;
    char text[1024];
    struct pollfd p = {fd, POLLIN, 0};
    process_request_begin(&request, "stop");
    if (process_request(fd, &request, NULL) == 0)
        while (poll(&p, 1, KILL_TIMEOUT_MS) > 0 &&
               process_answer(fd, text, sizeof text, &passed) > 0) {
        }
    free(request.bytes);
    close(fd);
}

static bool is_kept(const char *name)
{
    return !strcmp(name, "attempts") || !strncmp(name, "log.", 4);
}

static void strip(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || is_kept(e->d_name)) continue;
        char *path = process_printf("%s/%s", folder, e->d_name);
        process_remove_tree(path);
        free(path);
    }
    closedir(dir);
}

static gantry_status end_container(struct removal *r, const char *container)
{
    struct process_driver *d = r->job.d;
    struct process_status status = {0};
    struct process_failure unknown;
    kill_container(d, r->job.pod, container);
    /* Reading the status also ends what a dead shim left. */
    if (process_status_read(d, r->job.pod, container, 0, &status, &unknown) == GANTRY_OK &&
        status.state == GANTRY_CONTAINER_RUNNING)
        return process_fail(&r->failure, GANTRY_EUNAVAIL,
                            "container %s (pid %llu) does not end, not even by SIGKILL", container,
                            (unsigned long long)status.pid);
    char *folder = process_container_path(d, r->job.pod, container, "");
    char *config = process_container_path(d, r->job.pod, container, "/config");
    size_t len;
    char *bytes = process_read(config, &len);
    if (bytes) process_cgroups_clear(bytes, len);
    free(bytes);
    free(config);
    strip(folder);
    free(folder);
    return GANTRY_OK;
}

static void keep(struct removal *r, const char *folder)
{
    struct process_driver *d = r->job.d;
    char *ended = process_printf("%s/ended", d->state_dir);
    char *to = process_printf("%s/ended/%s", d->state_dir, r->job.pod);
    mkdir(ended, 0700);
    process_remove_tree(to);
    if (d->ended_keep <= 0 || rename(folder, to) < 0) process_remove_tree(folder);
    free(ended);
    free(to);
    if (access(folder, F_OK) == 0)
        process_fail(&r->failure, GANTRY_EUNAVAIL, "cannot remove %s: %s", folder, strerror(errno));
    process_ended_prune(d);
}

static void run(struct process_job *job)
{
    struct removal *r = (struct removal *)job;
    char *folder = process_pod_path(job->d, job->pod, "");
    char *containers = process_pod_path(job->d, job->pod, "/c");
    DIR *dir = opendir(containers);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (process_is_name(process_str(e->d_name)) && end_container(r, e->d_name) != GANTRY_OK)
            break;
    if (dir) closedir(dir);
    process_cgroups_remove_pod(job->d, job->pod);
    if (r->failure.status == GANTRY_OK && access(folder, F_OK) == 0) keep(r, folder);
    free(folder);
    free(containers);
}

static void done(struct process_job *job)
{
    struct removal *r = (struct removal *)job;
    const gantry_host_api *host = job->d->host;
    if (job->failed)
        host->op_failf(job->d->h, r->op, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (r->failure.status != GANTRY_OK)
        host->op_failf(job->d->h, r->op, r->failure.status, "%s", r->failure.text);
    else
        host->op_done(job->d->h, r->op, NULL);
    free(job->pod);
    free(r);
}

void process_remove(void *self, gantry_op op, gantry_str pod)
{
    struct process_driver *d = self;
    if (!process_is_name(pod)) { /* so it was never prepared */
        d->host->op_done(d->h, op, NULL);
        return;
    }
    struct removal *r = process_alloc(1, sizeof *r);
    r->job = (struct process_job){.d = d, .pod = process_dup(pod), .run = run, .done = done};
    r->op = op;
    process_job_submit(&r->job);
}
