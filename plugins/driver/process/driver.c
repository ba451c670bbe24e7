/* SPDX-License-Identifier: Apache-2.0 */
/* The instance: settings, life cycle, the ops table, the entry. */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTING(path_, type_, fallback_, doc_)                                                     \
    &(const gantry_setting)                                                                        \
    {                                                                                              \
        .size = sizeof(gantry_setting), .type = (type_), .path = (path_), .fallback = (fallback_), \
        .doc = (doc_)                                                                              \
    }

static const gantry_setting *const settings[] = {
    SETTING("user", GANTRY_SETTING_STR, "",
            "User that apps without `user` run as; empty: nobody when gantryd is root, else "
            "gantryd's own"),
    SETTING("users", GANTRY_SETTING_STRV, "", "Other users that apps may name"),
    SETTING("allow_root", GANTRY_SETTING_BOOL, "false", "Let apps name any user, root too"),
    SETTING("cgroup_root", GANTRY_SETTING_STR, "gantry",
            "Control group, below each hierarchy, that containers get theirs in"),
    SETTING("log_max_bytes", GANTRY_SETTING_INT, "10485760", "A log file is closed at this size"),
    SETTING("log_files", GANTRY_SETTING_INT, "5", "Log files kept of an attempt"),
    SETTING("ended_pods", GANTRY_SETTING_INT, "5", "Removed pods of a slot whose logs are kept"),
    SETTING("ended_hours", GANTRY_SETTING_INT, "24", "Hours that logs of removed pods are kept"),
    SETTING("ended_max_bytes", GANTRY_SETTING_INT, "104857600",
            "Bytes that logs of removed pods may take in all"),
    NULL};

/* ---- open operations ---- */

void process_stream_add(struct process_stream *s)
{
    s->prev = NULL;
    s->next = s->d->streams;
    if (s->next) s->next->prev = s;
    s->d->streams = s;
}

void process_stream_drop(struct process_stream *s)
{
    if (s->prev) s->prev->next = s->next;
    if (s->next) s->next->prev = s->prev;
    if (s->d->streams == s) s->d->streams = s->next;
    s->prev = s->next = NULL;
}

struct process_stream *process_stream_find(struct process_driver *d, gantry_op op)
{
    struct process_stream *s = d->streams;
    while (s && s->op != op)
        s = s->next;
    return s;
}

/* ---- life cycle ---- */

static void destroy(void *self)
{
    struct process_driver *d = self;
    for (size_t i = 0; d->users && d->users[i]; i++)
        free(d->users[i]);
    free(d->users);
    free(d->state_dir);
    free(d->libexec_dir);
    free(d->boot_id);
    free(d->cgroup_root);
    free(d->default_user);
    process_cgroups_fini(&d->cgroups);
    free(d);
}

static char *conf_text(struct process_driver *d, const gantry_conf *conf, const char *path)
{
    gantry_str s = {0};
    d->host->conf_str(conf, path, &s);
    return process_dup(s);
}

static gantry_status conf_number(struct process_driver *d, const gantry_conf *conf,
                                 const char *path, int64_t min, int64_t *out, gantry_error *err)
{
    *out = 0;
    d->host->conf_int(conf, path, out);
    if (*out >= min) return GANTRY_OK;
    return d->host->error_setf(d->h, err, GANTRY_EINVAL, "%s is %lld, at least %lld is needed",
                               path, (long long)*out, (long long)min);
}

static void read_users(struct process_driver *d, const gantry_conf *conf)
{
    gantry_str user;
    size_t n = 0;
    while (d->host->conf_strv(conf, "users", n, &user) == GANTRY_OK)
        n++;
    d->users = process_alloc(n + 1, sizeof *d->users);
    for (size_t i = 0; i < n; i++)
        if (d->host->conf_strv(conf, "users", i, &user) == GANTRY_OK)
            d->users[i] = process_dup(user);
}

static gantry_status read_settings(struct process_driver *d, const gantry_conf *conf,
                                   gantry_error *err)
{
    int64_t allow_root = 0;
    d->default_user = conf_text(d, conf, "user");
    d->cgroup_root = conf_text(d, conf, "cgroup_root");
    read_users(d, conf);
    d->host->conf_int(conf, "allow_root", &allow_root);
    d->allow_root = allow_root != 0;
    if (!process_is_name(process_str(d->cgroup_root)))
        return d->host->error_setf(d->h, err, GANTRY_EINVAL,
                                   "cgroup_root is \"%s\", one name without \"/\" is needed",
                                   d->cgroup_root);
    gantry_status status = conf_number(d, conf, "log_max_bytes", 65536, &d->log_max_bytes, err);
    if (status == GANTRY_OK) status = conf_number(d, conf, "log_files", 1, &d->log_files, err);
    if (status == GANTRY_OK) status = conf_number(d, conf, "ended_pods", 0, &d->ended_keep, err);
    if (status == GANTRY_OK) status = conf_number(d, conf, "ended_hours", 0, &d->ended_hours, err);
    if (status == GANTRY_OK)
        status = conf_number(d, conf, "ended_max_bytes", 0, &d->ended_max_bytes, err);
    return status;
}

static gantry_status create(const gantry_host_api *host, gantry_host *h, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    const gantry_host_instance *facts = host->extension(h, GANTRY_HOST_INSTANCE);
    if (!facts || !GANTRY_HAS(facts, boot_id))
        return host->error_setf(h, err, GANTRY_ENOTSUP, "this host does not offer %s",
                                GANTRY_HOST_INSTANCE);
    struct process_driver *d = process_alloc(1, sizeof *d);
    d->host = host;
    d->h = h;
    d->state_dir = process_dup(facts->state_dir(h));
    d->libexec_dir = process_dup(facts->libexec_dir(h));
    d->boot_id = process_dup(facts->boot_id(h));
    gantry_status status = read_settings(d, conf, err);
    if (status == GANTRY_OK)
        *self = d;
    else
        destroy(d);
    return status;
}

struct opening {
    struct process_job job;
    gantry_op op;
    struct process_failure failure;
};

/* Folders without a record are of a prepare that did not come to its end. */
static void remove_rubbish(struct process_driver *d)
{
    char *pods = process_printf("%s/pods", d->state_dir);
    DIR *dir = opendir(pods);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        char *record = process_pod_path(d, e->d_name, "/pod");
        char *folder = process_pod_path(d, e->d_name, "");
        if (access(record, F_OK) < 0 && errno == ENOENT) process_remove_tree(folder);
        free(record);
        free(folder);
    }
    if (dir) closedir(dir);
    free(pods);
}

static void run_open(struct process_job *job)
{
    struct opening *o = (struct opening *)job;
    struct process_driver *d = job->d;
    struct process_user user = {0};
    char *shim = process_printf("%s/gantry-shim", d->libexec_dir);
    if (access(shim, X_OK) < 0)
        process_fail(&o->failure, GANTRY_EINVAL, "%s cannot be run: %s", shim, strerror(errno));
    else if (mkdir(d->state_dir, 0711) < 0 && errno != EEXIST)
        process_fail(&o->failure, GANTRY_EUNAVAIL, "cannot make %s: %s", d->state_dir,
                     strerror(errno));
    else if (process_user_find(d, "", &user, &o->failure) == GANTRY_OK) {
        process_cgroups_find(d);
        remove_rubbish(d);
        process_ended_prune(d);
    }
    process_user_fini(&user);
    free(shim);
}

static void done_open(struct process_job *job)
{
    struct opening *o = (struct opening *)job;
    struct process_driver *d = job->d;
    if (job->failed)
        d->host->op_failf(d->h, o->op, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (o->failure.status != GANTRY_OK)
        d->host->op_failf(d->h, o->op, o->failure.status, "%s", o->failure.text);
    else {
        if (d->cgroups.missing) d->host->logf(d->h, GANTRY_LOG_WARN, "%s", d->cgroups.missing);
        d->host->op_done(d->h, o->op, NULL);
    }
    free(o);
}

static void open_instance(void *self, gantry_op op)
{
    struct opening *o = process_alloc(1, sizeof *o);
    o->job = (struct process_job){.d = self, .run = run_open, .done = done_open};
    o->op = op;
    process_job_submit(&o->job);
}

static void end_health(struct process_stream *s, gantry_status status, const char *text)
{
    process_stream_drop(s);
    s->d->host->op_failf(s->d->h, s->op, status, "%s", text);
    free(s);
}

/* Nothing of it changes while the instance is open: one item, then silence. */
static void health(void *self, gantry_op op)
{
    struct process_driver *d = self;
    struct process_stream *s = process_alloc(1, sizeof *s);
    gantry_health item = {.size = sizeof item,
                          .status = GANTRY_OK,
                          .text = process_str(d->cgroups.missing ? d->cgroups.missing : "")};
    *s = (struct process_stream){.d = d, .op = op, .end = end_health};
    process_stream_add(s);
    d->host->op_emit(d->h, op, &item);
}

static void cancel(void *self, gantry_op op)
{
    struct process_stream *s = process_stream_find(self, op);
    if (s) s->end(s, GANTRY_ECANCELED, "canceled"); /* the others end soon by themselves */
}

/* Pods stay: their shims know nothing of this. */
static void shutdown_instance(void *self, gantry_op op)
{
    struct process_driver *d = self;
    for (struct process_stream *s; (s = d->streams);)
        s->end(s, GANTRY_ECANCELED, "the driver is shutting down");
    process_jobs_drop(d);
    d->host->op_done(d->h, op, NULL);
}

static const void *extension(void *self, const char *id)
{
    (void)self;
    if (!strcmp(id, GANTRY_DRIVER_EXEC)) return &process_exec_extension;
    if (!strcmp(id, GANTRY_DRIVER_LOGS)) return &process_logs_extension;
    return NULL;
}

static const gantry_base_ops base = {.size = sizeof base,
                                     .create = create,
                                     .open = open_instance,
                                     .health = health,
                                     .shutdown = shutdown_instance,
                                     .destroy = destroy,
                                     .cancel = cancel,
                                     .extension = extension};

static const gantry_driver_ops ops = {
    .size = sizeof ops,
    .caps = GANTRY_DRIVER_RUNS_PROCESSES | GANTRY_DRIVER_LIMITS_CPU | GANTRY_DRIVER_LIMITS_MEMORY,
    .base = &base,
    .list = process_list,
    .prepare = process_prepare,
    .start = process_start,
    .wait = process_wait,
    .stop = process_stop,
    .remove = process_remove};

static const gantry_setting *const app_settings[] = {NULL};
static const gantry_provider provider = {.size = sizeof provider,
                                         .draft = GANTRY_DRIVER_DRAFT,
                                         .kind = GANTRY_DRIVER_KIND,
                                         .name = "process",
                                         .settings = settings,
                                         .app_settings = app_settings,
                                         .ops = &ops};
static const gantry_provider *const providers[] = {&provider};
static const gantry_plugin plugin = {.size = sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "process",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "Runs containers as processes of this node",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "process", "0.1.0", 0, 1, "gantry.driver/1")
