/* SPDX-License-Identifier: Apache-2.0 */
/* Strategy binpack: the node that is fullest once the pod is there, so that others stay empty.
 *
 *     score = mean of the shares of CPU, memory and GPU in use, each 0..2^20 - 1
 *
 * A resource that the node does not have, or that this host does not tell, does not count.  The
 * score depends on the row alone, and one more pod never lowers it. */
#include <gantry/strategy.h>

#define SHARE_ALL ((INT64_C(1) << 20) - 1)

/* How much of cap is used, 0..SHARE_ALL, in integers; a node that does not say what it has counts
 * as full. */
static int64_t share(int64_t free_, int64_t cap)
{
    if (cap <= 0 || free_ <= 0) return SHARE_ALL;
    int64_t used = free_ >= cap ? 0 : cap - free_;
    while (cap >= INT64_C(1) << 40) { /* so that the product fits */
        cap >>= 1;
        used >>= 1;
    }
    return used * SHARE_ALL / cap;
}

struct mean {
    int64_t sum, n;
};

static void add(struct mean *mean, const int64_t *free_, const int64_t *cap, size_t i)
{
    if (!free_ || !cap || cap[i] <= 0) return;
    mean->sum += share(free_[i], cap[i]);
    mean->n++;
}

static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self, (void)err;
    const int64_t *cpu_free = GANTRY_HAS(rows, cpu_free) ? rows->cpu_free : NULL;
    const int64_t *cpu_cap = GANTRY_HAS(rows, cpu_cap) ? rows->cpu_cap : NULL;
    const int64_t *mem_free = GANTRY_HAS(rows, mem_free) ? rows->mem_free : NULL;
    const int64_t *mem_cap = GANTRY_HAS(rows, mem_cap) ? rows->mem_cap : NULL;
    const int64_t *gpu_free = GANTRY_HAS(rows, gpu_free) ? rows->gpu_free : NULL;
    const int64_t *gpu_cap = GANTRY_HAS(rows, gpu_cap) ? rows->gpu_cap : NULL;
    for (size_t i = 0; i < rows->n; i++) {
        struct mean mean = {0, 0};
        add(&mean, cpu_free, cpu_cap, i);
        add(&mean, mem_free, mem_cap, i);
        add(&mean, gpu_free, gpu_cap, i);
        out[i] = mean.n ? mean.sum / mean.n : 0;
    }
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

static const gantry_strategy_ops ops = {.size = (uint32_t)sizeof ops,
                                        .caps =
                                            GANTRY_STRATEGY_NODE_LOCAL | GANTRY_STRATEGY_MONOTONE,
                                        .lower = 0,
                                        .upper = SHARE_ALL,
                                        .base = &base,
                                        .score = score};

/* No settings: weights and ties are the engine's. */
static const gantry_setting *const settings[] = {NULL};

static const gantry_provider provider = {.size = (uint32_t)sizeof provider,
                                         .draft = GANTRY_STRATEGY_DRAFT,
                                         .kind = GANTRY_STRATEGY_KIND,
                                         .name = "binpack",
                                         .settings = settings,
                                         .ops = &ops};
static const gantry_provider *const providers[] = {&provider};

static const gantry_plugin plugin = {.size = (uint32_t)sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "binpack",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "The fullest node that has room",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "binpack", "0.1.0", 0, 1, "gantry.strategy/1")
