/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: everything that start needs, on disk and synced.  Checks run on the loop while the pod
 * is borrowed; looking up users and writing run in a job. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_OPEN_FILES 1024 /* gantryd raised its own limit; a program gets the usual one */

struct container {
    char *name, *user;
    bool own_folder, set_home;
    struct process_buf config;
};

struct prepare {
    struct process_job job;
    gantry_op op;
    struct container *containers;
    size_t n;
    struct process_buf record;
    struct process_failure failure;
};

static bool has_env(const gantry_container *c, const char *key)
{
    for (uint32_t i = 0; i < c->env_count; i++)
        if (process_is(c->env[i].key, key)) return true;
    return false;
}

static void add_env(struct process_buf *b, gantry_str key, gantry_str value)
{
    process_buf_add(b, "env=", 4);
    process_buf_add(b, key.ptr, key.len);
    process_buf_entry(b, "", value);
}

static gantry_status add_environment(const gantry_container *c, struct process_buf *b,
                                     struct process_failure *f)
{
    for (uint32_t i = 0; i < c->env_count; i++) {
        gantry_str key = c->env[i].key, value = c->env[i].value;
        if (!key.len || memchr(key.ptr, '=', key.len) || memchr(key.ptr, '\0', key.len) ||
            (value.len && memchr(value.ptr, '\0', value.len)))
            return process_fail(f, GANTRY_EINVAL,
                                "container %.*s: environment: \"%.*s\" is no name",
                                (int)c->name.len, c->name.ptr, (int)(key.len < 64 ? key.len : 64),
                                key.ptr ? key.ptr : "");
        add_env(b, key, value);
    }
    const char *zone = getenv("TZ");
    if (!has_env(c, "PATH"))
        add_env(b, process_str("PATH"),
                process_str("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    if (!has_env(c, "LANG")) add_env(b, process_str("LANG"), process_str("C.UTF-8"));
    if (zone && *zone && !has_env(c, "TZ")) add_env(b, process_str("TZ"), process_str(zone));
    return GANTRY_OK;
}

static gantry_status add_words(const gantry_container *c, const gantry_str *words, uint32_t n,
                               struct process_buf *b, struct process_failure *f)
{
    for (uint32_t i = 0; i < n; i++) {
        if (words[i].len && memchr(words[i].ptr, '\0', words[i].len))
            return process_fail(f, GANTRY_EINVAL, "container %.*s: command: a word holds NUL",
                                (int)c->name.len, c->name.ptr);
        process_buf_entry(b, "arg", words[i]);
    }
    return GANTRY_OK;
}

static gantry_status add_limits(const gantry_container *c, struct process_buf *b,
                                struct process_failure *f)
{
    static const struct {
        const char *name;
        int which;
    } known[] = {{"as", RLIMIT_AS},
                 {"core", RLIMIT_CORE},
                 {"cpu", RLIMIT_CPU},
                 {"data", RLIMIT_DATA},
                 {"fsize", RLIMIT_FSIZE},
                 {"locks", RLIMIT_LOCKS},
                 {"memlock", RLIMIT_MEMLOCK},
                 {"msgqueue", RLIMIT_MSGQUEUE},
                 {"nice", RLIMIT_NICE},
                 {"nofile", RLIMIT_NOFILE},
                 {"nproc", RLIMIT_NPROC},
                 {"rss", RLIMIT_RSS},
                 {"rtprio", RLIMIT_RTPRIO},
                 {"rttime", RLIMIT_RTTIME},
                 {"sigpending", RLIMIT_SIGPENDING},
                 {"stack", RLIMIT_STACK}};
    bool files = false;
    for (uint32_t i = 0; i < c->ulimit_count; i++) {
        const gantry_ulimit *u = c->ulimits[i];
        size_t k = 0;
        while (k < sizeof known / sizeof *known && !process_is(u->name, known[k].name))
            k++;
        if (k == sizeof known / sizeof *known)
            return process_fail(f, GANTRY_EINVAL, "container %.*s: ulimits: %.*s is not known",
                                (int)c->name.len, c->name.ptr, (int)u->name.len, u->name.ptr);
        char *text =
            process_printf("%d:%lld:%lld", known[k].which, (long long)u->soft, (long long)u->hard);
        process_buf_entry(b, "limit", process_str(text));
        free(text);
        files = files || known[k].which == RLIMIT_NOFILE;
    }
    struct rlimit now;
    if (!files && getrlimit(RLIMIT_NOFILE, &now) == 0) {
        rlim_t soft = now.rlim_max < USUAL_OPEN_FILES ? now.rlim_max : USUAL_OPEN_FILES;
        char *text = process_printf("%d:%lld:%lld", RLIMIT_NOFILE, (long long)soft,
                                    now.rlim_max == RLIM_INFINITY ? -1 : (long long)now.rlim_max);
        process_buf_entry(b, "limit", process_str(text));
        free(text);
    }
    return GANTRY_OK;
}

static gantry_status check_container(const gantry_container *c, struct process_failure *f)
{
    int len = (int)c->name.len;
    if (!process_is_name(c->name))
        return process_fail(f, GANTRY_EINVAL,
                            "container \"%.*s\": a name has letters, digits, '.', '_' and '-', and "
                            "does not begin with '.'",
                            len < 64 ? len : 64, c->name.ptr ? c->name.ptr : "");
    if (c->image.len)
        return process_fail(
            f, GANTRY_ENOTSUP,
            "container %.*s names image %.*s; the process driver runs programs of the "
            "node only, images need a driver such as docker",
            len, c->name.ptr, (int)c->image.len, c->image.ptr);
    if (!c->entrypoint_count && !c->arg_count)
        return process_fail(f, GANTRY_EINVAL,
                            "container %.*s has no program: without an image, `command` or "
                            "`entrypoint` must name one",
                            len, c->name.ptr);
    if (c->workdir.len && (c->workdir.ptr[0] != '/' || memchr(c->workdir.ptr, 0, c->workdir.len)))
        return process_fail(f, GANTRY_EINVAL, "container %.*s: working_dir must begin with /", len,
                            c->name.ptr);
    return GANTRY_OK;
}

static gantry_status plan_container(struct prepare *p, const gantry_container *c)
{
    struct process_driver *d = p->job.d;
    struct container *out = &p->containers[p->n];
    struct process_failure *f = &p->failure;
    if (check_container(c, f) != GANTRY_OK) return f->status;
    p->n++;
    out->name = process_dup(c->name);
    out->user = process_dup(c->user);
    out->own_folder = !c->workdir.len;
    out->set_home = !has_env(c, "HOME");
    struct process_buf *b = &out->config;
    if (add_words(c, c->entrypoint, c->entrypoint_count, b, f) != GANTRY_OK ||
        add_words(c, c->args, c->arg_count, b, f) != GANTRY_OK ||
        add_environment(c, b, f) != GANTRY_OK || add_limits(c, b, f) != GANTRY_OK)
        return f->status;
    if (c->workdir.len) process_buf_entry(b, "cwd", c->workdir);
    if (c->flags & GANTRY_CONTAINER_TTY) process_buf_number(b, "tty", 1);
    if (c->flags & GANTRY_CONTAINER_STDIN) process_buf_number(b, "stdin", 1);
    process_buf_number(b, "log_max_bytes", d->log_max_bytes);
    process_buf_number(b, "log_files", d->log_files);
    process_cgroups_entries(d, p->job.pod, out->name, c, b);
    process_buf_entry(&p->record, "container", c->name);
    return GANTRY_OK;
}

static gantry_status fail_at(struct prepare *p, const char *what, const char *path)
{
    int why = errno;
    return process_fail(&p->failure, GANTRY_EUNAVAIL, "cannot %s %s: %s", what, path,
                        strerror(why));
}

static gantry_status make_folder(struct prepare *p, const char *path, unsigned mode)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST) return fail_at(p, "make", path);
    return GANTRY_OK;
}

/* The shim opens it; made here so that its name is durable before the first attempt. */
static gantry_status make_empty(struct prepare *p, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fail_at(p, "make", path);
    close(fd);
    return GANTRY_OK;
}

static gantry_status make_work(struct prepare *p, struct container *c, const struct process_user *u)
{
    char *path = process_container_path(p->job.d, p->job.pod, c->name, "/work");
    gantry_status status = make_folder(p, path, 0700);
    if (status == GANTRY_OK && u->set && lchown(path, u->uid, u->gid) < 0)
        status = fail_at(p, "give away", path);
    if (c->own_folder) process_buf_entry(&c->config, "cwd", process_str(path));
    if (c->set_home) add_env(&c->config, process_str("HOME"), process_str(path));
    free(path);
    return status;
}

static gantry_status make_container(struct prepare *p, struct container *c)
{
    struct process_driver *d = p->job.d;
    struct process_user user = {0};
    if (process_user_find(d, c->user, &user, &p->failure) != GANTRY_OK) {
        char why[sizeof p->failure.text];
        memcpy(why, p->failure.text, sizeof why);
        return process_fail(&p->failure, p->failure.status, "container %s: %.400s", c->name, why);
    }
    char *folder = process_container_path(d, p->job.pod, c->name, "");
    char *config = process_container_path(d, p->job.pod, c->name, "/config");
    char *attempts = process_container_path(d, p->job.pod, c->name, "/attempts");
    char *lock = process_container_path(d, p->job.pod, c->name, "/lock");
    if (make_folder(p, folder, 0711) == GANTRY_OK && make_empty(p, attempts) == GANTRY_OK &&
        make_empty(p, lock) == GANTRY_OK && make_work(p, c, &user) == GANTRY_OK) {
        process_user_entries(&user, &c->config);
        if (process_write(config, c->config.bytes, c->config.len, true) < 0 ||
            process_sync_folder(folder) < 0)
            fail_at(p, "write", config);
    }
    free(folder);
    free(config);
    free(attempts);
    free(lock);
    process_user_fini(&user);
    return p->failure.status;
}

/* [worker] The record comes last: a folder without one was never prepared. */
static void run(struct process_job *job)
{
    struct prepare *p = (struct prepare *)job;
    struct process_driver *d = job->d;
    char *pods = process_printf("%s/pods", d->state_dir);
    char *folder = process_pod_path(d, job->pod, ""), *c = process_pod_path(d, job->pod, "/c");
    char *record = process_pod_path(d, job->pod, "/pod");
    if (access(record, F_OK) < 0 && make_folder(p, pods, 0711) == GANTRY_OK &&
        make_folder(p, folder, 0711) == GANTRY_OK && make_folder(p, c, 0711) == GANTRY_OK) {
        for (size_t i = 0; i < p->n && p->failure.status == GANTRY_OK; i++)
            make_container(p, &p->containers[i]);
        if (p->failure.status == GANTRY_OK &&
            (process_sync_folder(c) < 0 ||
             process_write(record, p->record.bytes, p->record.len, true) < 0 ||
             process_sync_folder(folder) < 0 || process_sync_folder(pods) < 0))
            fail_at(p, "write", record);
        if (p->failure.status != GANTRY_OK) process_remove_tree(folder);
    }
    free(pods);
    free(folder);
    free(c);
    free(record);
}

static void destroy(struct prepare *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->containers[i].name);
        free(p->containers[i].user);
        free(p->containers[i].config.bytes);
    }
    free(p->containers);
    free(p->record.bytes);
    free(p->job.pod);
    free(p);
}

static void done(struct process_job *job)
{
    struct prepare *p = (struct prepare *)job;
    const gantry_host_api *host = job->d->host;
    if (job->failed)
        host->op_failf(job->d->h, p->op, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (p->failure.status != GANTRY_OK)
        host->op_failf(job->d->h, p->op, p->failure.status, "%s", p->failure.text);
    else
        host->op_done(job->d->h, p->op, NULL);
    destroy(p);
}

void process_prepare(void *self, gantry_op op, const gantry_pod *pod)
{
    struct process_driver *d = self;
    if (!process_is_name(pod->id)) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL, "the pod's id is not fit for a folder's name");
        return;
    }
    struct prepare *p = process_alloc(1, sizeof *p);
    p->job = (struct process_job){.d = d, .pod = process_dup(pod->id), .run = run, .done = done};
    p->op = op;
    p->containers = process_alloc(pod->container_count, sizeof *p->containers);
    char *slot =
        process_printf("%.*s/%.*s/%.*s/%u", (int)pod->ns.len, pod->ns.ptr, (int)pod->project.len,
                       pod->project.ptr, (int)pod->app.len, pod->app.ptr, pod->slot);
    process_buf_entry(&p->record, "slot", process_str(slot));
    process_buf_entry(&p->record, "name", pod->name);
    free(slot);
    for (uint32_t i = 0; i < pod->container_count; i++)
        if (plan_container(p, pod->containers[i]) != GANTRY_OK) {
            d->host->op_failf(d->h, op, p->failure.status, "%s", p->failure.text);
            destroy(p);
            return;
        }
    process_buf_entry(&p->record, "record", pod->record);
    process_job_submit(&p->job);
}
