/* SPDX-License-Identifier: Apache-2.0 */
/* Driver example: pods of one container that exist in memory only.  It shows the life cycle; where
 * it changes `state`, a real driver asks its backend and ends the operation when that has answered.
 */
#include <gantry/driver.h>

#include <stdlib.h>
#include <string.h>

struct pod {
    struct pod *next;
    char *id, *container, *record;
    uint32_t state; /* GANTRY_CONTAINER_... */
    uint64_t attempt;
    gantry_op waiting; /* the `wait` of this pod; 0 = none */
};

struct driver {
    const gantry_host_api *api;
    gantry_host *host;
    struct pod *pods;
};

static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    (void)conf;
    struct driver *d = calloc(1, sizeof *d);
    if (!d) return api->error_setf(host, err, GANTRY_ENOMEM, "out of memory");
    d->api = api;
    d->host = host;
    *self = d;
    return GANTRY_OK;
}

static char *text(gantry_str s)
{
    char *copy = malloc(s.len + 1);
    if (!copy) return NULL;
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

static gantry_str str(const char *s)
{
    gantry_str out = {s, strlen(s)};
    return out;
}

static struct pod *find(struct driver *d, gantry_str id)
{
    for (struct pod *p = d->pods; p; p = p->next)
        if (strlen(p->id) == id.len && !memcmp(p->id, id.ptr, id.len)) return p;
    return NULL;
}

static gantry_container_status status_of(const struct pod *p)
{
    gantry_container_status s = {.size = (uint32_t)sizeof s};
    s.state = p->state;
    s.attempt = p->attempt;
    s.name = str(p->container);
    return s;
}

/* The truth after any restart: every pod of this instance. */
static void list(void *self, gantry_op op)
{
    struct driver *d = self;
    for (struct pod *p = d->pods; p; p = p->next) {
        gantry_container_status status = status_of(p);
        const gantry_container_status *containers[] = {&status};
        gantry_pod_status item = {.size = (uint32_t)sizeof item, .container_count = 1};
        item.pod = str(p->id);
        item.record = str(p->record);
        item.containers = containers;
        if (d->api->op_emit(d->host, op, &item) != GANTRY_OK) {
            /* Full: a driver with many pods goes on from a timer. */
            d->api->op_failf(d->host, op, GANTRY_EBUSY, "more pods than fit at once");
            return;
        }
    }
    d->api->op_done(d->host, op, NULL);
}

static void free_pod(struct pod *p)
{
    free(p->id);
    free(p->container);
    free(p->record);
    free(p);
}

static void prepare(void *self, gantry_op op, const gantry_pod *pod)
{
    struct driver *d = self;
    if (find(d, pod->id)) { /* idempotent */
        d->api->op_done(d->host, op, NULL);
        return;
    }
    if (pod->container_count != 1) {
        d->api->op_failf(d->host, op, GANTRY_ENOTSUP, "this driver runs pods of one container");
        return;
    }
    struct pod *p = calloc(1, sizeof *p);
    if (p) {
        p->id = text(pod->id);
        p->container = text(pod->containers[0]->name);
        p->record = text(pod->record);
    }
    if (!p || !p->id || !p->container || !p->record) {
        if (p) free_pod(p);
        d->api->op_failf(d->host, op, GANTRY_ENOMEM, "out of memory");
        return;
    }
    p->state = GANTRY_CONTAINER_CREATED;
    p->next = d->pods;
    d->pods = p;
    d->api->op_done(d->host, op, NULL);
}

static void start(void *self, gantry_op op, gantry_str pod, gantry_str container, uint64_t attempt)
{
    struct driver *d = self;
    struct pod *p = find(d, pod);
    (void)container;
    if (!p) {
        d->api->op_failf(d->host, op, GANTRY_ENOTFOUND, "no pod %.*s", (int)pod.len, pod.ptr);
        return;
    }
    if (attempt > p->attempt) { /* an attempt runs at most once */
        p->attempt = attempt;
        p->state = GANTRY_CONTAINER_RUNNING;
    }
    gantry_container_status status = status_of(p);
    d->api->op_done(d->host, op, &status);
}

static void end_wait(struct driver *d, struct pod *p)
{
    gantry_container_status status = status_of(p);
    if (p->waiting) d->api->op_done(d->host, p->waiting, &status);
    p->waiting = 0;
}

static void wait_(void *self, gantry_op op, gantry_str pod, gantry_str container)
{
    struct driver *d = self;
    struct pod *p = find(d, pod);
    (void)container;
    if (!p) {
        d->api->op_failf(d->host, op, GANTRY_ENOTFOUND, "no pod %.*s", (int)pod.len, pod.ptr);
        return;
    }
    if (p->waiting) end_wait(d, p);
    p->waiting = op;
    if (p->state != GANTRY_CONTAINER_RUNNING) end_wait(d, p);
}

static void stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal_,
                 uint64_t grace_ms)
{
    struct driver *d = self;
    struct pod *p = find(d, pod);
    (void)container, (void)signal_, (void)grace_ms;
    if (p) {
        p->state = GANTRY_CONTAINER_EXITED;
        end_wait(d, p);
    }
    d->api->op_done(d->host, op, NULL);
}

static void remove_(void *self, gantry_op op, gantry_str pod)
{
    struct driver *d = self;
    struct pod *p = find(d, pod), **at = &d->pods;
    if (p) {
        p->state = GANTRY_CONTAINER_EXITED;
        end_wait(d, p);
        while (*at != p)
            at = &(*at)->next;
        *at = p->next;
        free_pod(p);
    }
    d->api->op_done(d->host, op, NULL);
}

static void cancel(void *self, gantry_op op)
{
    struct driver *d = self;
    for (struct pod *p = d->pods; p; p = p->next)
        if (p->waiting == op) {
            p->waiting = 0;
            d->api->op_failf(d->host, op, GANTRY_ECANCELED, "as asked");
            return;
        }
}

static void shut_down(void *self, gantry_op op)
{
    struct driver *d = self;
    for (struct pod *p = d->pods; p; p = p->next)
        if (p->waiting) cancel(d, p->waiting);
    d->api->op_done(d->host, op, NULL);
}

static void destroy(void *self)
{
    struct driver *d = self;
    while (d->pods) {
        struct pod *p = d->pods;
        d->pods = p->next;
        free_pod(p);
    }
    free(d);
}

static const gantry_base_ops base = {.size = (uint32_t)sizeof base,
                                     .create = create,
                                     .shutdown = shut_down,
                                     .destroy = destroy,
                                     .cancel = cancel};

static const gantry_driver_ops ops = {.size = (uint32_t)sizeof ops,
                                      .caps = GANTRY_DRIVER_RUNS_PROCESSES,
                                      .base = &base,
                                      .list = list,
                                      .prepare = prepare,
                                      .start = start,
                                      .wait = wait_,
                                      .stop = stop,
                                      .remove = remove_};

/* One entry for each key that an operator may write. */
static const gantry_setting *const settings[] = {NULL};

static const gantry_provider provider = {.size = (uint32_t)sizeof provider,
                                         .draft = GANTRY_DRIVER_DRAFT,
                                         .kind = GANTRY_DRIVER_KIND,
                                         .name = "example",
                                         .settings = settings,
                                         .ops = &ops};
static const gantry_provider *const providers[] = {&provider};

static const gantry_plugin plugin = {.size = (uint32_t)sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "example",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "Pods that exist in memory only",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "example", "0.1.0", 0, 1, "gantry.driver/1")
