/* SPDX-License-Identifier: Apache-2.0 */
/* Strategy random: every node that fits is as good as any other.  A strategy draws no numbers: all
 * scores are equal, and the engine's seeded dice break the tie, evenly over the nodes that fit. */
#include <gantry/strategy.h>

static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self, (void)err;
    for (size_t i = 0; i < rows->n; i++)
        out[i] = 0;
    return GANTRY_OK;
}

/* A strategy keeps nothing: there is no self. */
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

static const gantry_strategy_ops ops = {
    .size = (uint32_t)sizeof ops,
    .caps = GANTRY_STRATEGY_NODE_LOCAL | GANTRY_STRATEGY_MONOTONE | GANTRY_STRATEGY_TIES_SEEDED,
    .lower = 0,
    .upper = 0,
    .base = &base,
    .score = score};

/* No settings: weights and ties are the engine's. */
static const gantry_setting *const settings[] = {NULL};

static const gantry_provider provider = {.size = (uint32_t)sizeof provider,
                                         .draft = GANTRY_STRATEGY_DRAFT,
                                         .kind = GANTRY_STRATEGY_KIND,
                                         .name = "random",
                                         .settings = settings,
                                         .ops = &ops};
static const gantry_provider *const providers[] = {&provider};

static const gantry_plugin plugin = {.size = (uint32_t)sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "random",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "Any node that fits, evenly",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "random", "0.1.0", 0, 1, "gantry.strategy/1")
