/* SPDX-License-Identifier: Apache-2.0 */
/* Strategy example: the node with the most free memory once the pod is there. */
#include <gantry/strategy.h>

#define KIB INT64_C(1024)

/* Pure: the same rows give the same scores; no I/O, no clock, no dice.  Higher is better. */
static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self, (void)err;
    const int64_t *mem_free = GANTRY_HAS(rows, mem_free) ? rows->mem_free : NULL;
    for (size_t i = 0; i < rows->n; i++)
        out[i] = mem_free && mem_free[i] > 0 ? mem_free[i] / KIB : 0;
    return GANTRY_OK;
}

/* No I/O here: what needs any goes into `open`. */
static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    (void)api, (void)host, (void)conf, (void)err;
    *self = NULL;
    return GANTRY_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const gantry_base_ops base = {
    .size = (uint32_t)sizeof base, .create = create, .destroy = destroy};

static const gantry_strategy_ops ops = {.size = (uint32_t)sizeof ops,
                                        .caps =
                                            GANTRY_STRATEGY_NODE_LOCAL | GANTRY_STRATEGY_MONOTONE,
                                        .lower = 0,
                                        .upper = INT64_C(1) << 53,
                                        .base = &base,
                                        .score = score};

/* One entry for each key that an operator may write. */
static const gantry_setting *const settings[] = {NULL};

static const gantry_provider provider = {.size = (uint32_t)sizeof provider,
                                         .draft = GANTRY_STRATEGY_DRAFT,
                                         .kind = GANTRY_STRATEGY_KIND,
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
                                     .description = "The node with the most free memory",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "example", "0.1.0", 0, 1, "gantry.strategy/1")
