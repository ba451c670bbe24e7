/* SPDX-License-Identifier: Apache-2.0 */
/* Declaration, settings and life cycle. */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static gantry_status get(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                         const char *path, int64_t most, int64_t *out, gantry_error *err)
{
    gantry_status status = api->conf_int(conf, path, out);
    if (status != GANTRY_OK || *out < 0 || *out > most)
        return api->error_setf(host, err, GANTRY_EINVAL,
                               "%s is %" PRId64 "; it must be between 0 and %" PRId64, path, *out,
                               most);
    return GANTRY_OK;
}

static gantry_status read_settings(struct sim *m, const gantry_conf *conf, gantry_error *err)
{
    const int64_t day_ms = 24 * 3600 * 1000;
    struct {
        const char *path;
        int64_t most, value;
    } all[] = {{"prepare_ms", day_ms, 0},        {"start_ms", day_ms, 0},
               {"run_ms", day_ms * 365, 0},      {"exit_code", 255, 0},
               {"fail_prepare_percent", 100, 0}, {"fail_start_percent", 100, 0},
               {"seed", INT64_MAX, 0},           {"fail_opens", 1000, 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gantry_status status =
            get(m->api, m->host, conf, all[i].path, all[i].most, &all[i].value, err);
        if (status != GANTRY_OK) return status;
    }
    m->prepare_ms = (uint64_t)all[0].value;
    m->start_ms = (uint64_t)all[1].value;
    m->run_ms = (uint64_t)all[2].value;
    m->exit_code = (int32_t)all[3].value;
    m->fail_prepare_percent = (uint64_t)all[4].value;
    m->fail_start_percent = (uint64_t)all[5].value;
    m->random = (uint64_t)all[6].value;
    m->fail_opens = (uint64_t)all[7].value;
    int64_t for_good = 0;
    (void)m->api->conf_int(conf, "fail_for_good", &for_good);
    m->fail_with = for_good ? GANTRY_EINVAL : GANTRY_EUNAVAIL;
    return GANTRY_OK;
}

static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    struct sim *m = calloc(1, sizeof *m);
    if (!m) return api->error_setf(host, err, GANTRY_ENOMEM, "out of memory");
    m->api = api;
    m->host = host;
    LIST_INIT(&m->pods);
    LIST_INIT(&m->calls);
    gantry_status status = read_settings(m, conf, err);
    if (status != GANTRY_OK) {
        free(m);
        return status;
    }
    *self = m;
    return GANTRY_OK;
}

static void open_it(void *self, gantry_op op)
{
    struct sim *m = self;
    if (m->fail_opens == 0) {
        m->api->op_done(m->host, op, NULL);
        return;
    }
    m->fail_opens--;
    m->api->op_failf(m->host, op, m->fail_with, "a simulated failure (fail_opens)");
}

static void cancel(void *self, gantry_op op)
{
    struct sim *m = self;
    struct call *c;
    LIST_FOREACH (c, &m->calls, entry) {
        if (c->op != op) continue;
        m->api->op_failf(m->host, op, GANTRY_ECANCELED, "canceled");
        sim_call_end(c);
        return;
    }
}

static void shut_down(void *self, gantry_op op)
{
    struct sim *m = self;
    struct call *c;
    while ((c = LIST_FIRST(&m->calls))) {
        m->api->op_failf(m->host, c->op, GANTRY_ECANCELED, "the driver is closing");
        sim_call_end(c);
    }
    m->api->op_done(m->host, op, NULL);
}

static void destroy(void *self)
{
    struct sim *m = self;
    while (LIST_FIRST(&m->calls))
        sim_call_end(LIST_FIRST(&m->calls));
    while (LIST_FIRST(&m->pods))
        sim_pod_destroy(LIST_FIRST(&m->pods));
    free(m);
}

static const void *extension(void *self, const char *id)
{
    (void)self;
    return strcmp(id, GANTRY_DRIVER_LOGS) == 0 ? &sim_logs : NULL;
}

static const gantry_base_ops base = {.size = (uint32_t)sizeof base,
                                     .create = create,
                                     .open = open_it,
                                     .shutdown = shut_down,
                                     .destroy = destroy,
                                     .cancel = cancel,
                                     .extension = extension};

#define OPS(caps_)                                                                                 \
    {                                                                                              \
        .size = (uint32_t)sizeof(gantry_driver_ops), .caps = (caps_), .base = &base,               \
        .list = sim_list, .prepare = sim_prepare, .start = sim_start, .wait = sim_wait,            \
        .stop = sim_stop, .remove = sim_remove                                                     \
    }
static const gantry_driver_ops ops = OPS(GANTRY_DRIVER_RUNS_PROCESSES);
static const gantry_driver_ops image_ops =
    OPS(GANTRY_DRIVER_RUNS_PROCESSES | GANTRY_DRIVER_RUNS_IMAGES);

#define SETTING(name_, type_, fallback_, doc_)                                                     \
    static const gantry_setting name_ = {.size = (uint32_t)sizeof name_,                           \
                                         .type = GANTRY_SETTING_##type_,                           \
                                         .path = #name_,                                           \
                                         .fallback = fallback_,                                    \
                                         .doc = doc_}
SETTING(prepare_ms, INT, "0", "How long preparing a pod takes, in milliseconds.");
SETTING(start_ms, INT, "0", "How long starting a container takes, in milliseconds.");
SETTING(run_ms, INT, "0", "How long a container runs before it exits by itself; 0 = for ever.");
SETTING(exit_code, INT, "0", "The exit code of a container that exits by itself, 0 to 255.");
SETTING(fail_opens, INT, "0", "How many times opening the driver fails, 0 to 1000.");
SETTING(fail_prepare_percent, INT, "0", "How many of a hundred prepares fail.");
SETTING(fail_start_percent, INT, "0", "How many of a hundred starts fail.");
SETTING(fail_for_good, BOOL, "false",
        "A failure is final, so that the pod is given back; otherwise it is tried again.");
SETTING(seed, INT, "1", "Begin of the random numbers that choose what fails.");
static const gantry_setting *const settings[] = {
    &prepare_ms,           &start_ms,           &run_ms,        &exit_code, &fail_opens,
    &fail_prepare_percent, &fail_start_percent, &fail_for_good, &seed,      NULL};

static const gantry_provider sim = {.size = (uint32_t)sizeof sim,
                                    .draft = GANTRY_DRIVER_DRAFT,
                                    .kind = GANTRY_DRIVER_KIND,
                                    .name = "sim",
                                    .settings = settings,
                                    .ops = &ops};
/* What a driver can do is said by its vtable, so that one that pretends to run images is a provider
 * of its own. */
static const gantry_provider sim_images = {.size = (uint32_t)sizeof sim_images,
                                           .draft = GANTRY_DRIVER_DRAFT,
                                           .kind = GANTRY_DRIVER_KIND,
                                           .name = "sim-images",
                                           .settings = settings,
                                           .ops = &image_ops};
static const gantry_provider *const providers[] = {&sim, &sim_images};

static const gantry_plugin plugin = {
    .size = (uint32_t)sizeof plugin,
    .abi_built = GANTRY_ABI_CURRENT,
    .abi_min = GANTRY_ABI(0, 1),
    .provider_count = 2,
    .name = "sim",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .url = "",
    .description = "Pods that exist in memory alone: to try placement, and for tests",
    .providers = providers};
GANTRY_PLUGIN(plugin, "sim", "0.1.0", 0, 1, "gantry.driver/1 gantry.driver/1")
