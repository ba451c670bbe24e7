/* SPDX-License-Identifier: Apache-2.0 */
/* Strategy spread: the node with the fewest pods of the app, then with the fewest pods, then with
 * the least reserved.  The three are packed into one score, so that the first decides before the
 * second:
 *
 *     score = -(own << 32 | pods << 20 | reserved)    own, pods: 12 bits    reserved: 20 bits
 *
 * The score depends on the row alone, and one more pod never raises it. */
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

#define COUNT_MAX INT64_C(4095)

static int64_t count(const int64_t *column, size_t i)
{
    if (!column || column[i] < 0) return 0;
    return column[i] > COUNT_MAX ? COUNT_MAX : column[i];
}

/* The mean of the shares of CPU and memory that are reserved once the pod is there. */
static int64_t reserved(const gantry_rows *rows, size_t i)
{
    int64_t sum = 0, n = 0;
    if (GANTRY_HAS(rows, cpu_free) && GANTRY_HAS(rows, cpu_cap)) {
        sum += share(rows->cpu_free[i], rows->cpu_cap[i]);
        n++;
    }
    if (GANTRY_HAS(rows, mem_free) && GANTRY_HAS(rows, mem_cap)) {
        sum += share(rows->mem_free[i], rows->mem_cap[i]);
        n++;
    }
    return n ? sum / n : 0;
}

static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self, (void)err;
    const int64_t *own = GANTRY_HAS(rows, own) ? rows->own : NULL;
    const int64_t *pods = GANTRY_HAS(rows, pods) ? rows->pods : NULL;
    for (size_t i = 0; i < rows->n; i++)
        out[i] = -((count(own, i) << 32) + (count(pods, i) << 20) + reserved(rows, i));
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
                                        .lower = -((INT64_C(1) << 44) - 1),
                                        .upper = 0,
                                        .base = &base,
                                        .score = score};

/* No settings: weights and ties are the engine's. */
static const gantry_setting *const settings[] = {NULL};

static const gantry_provider provider = {.size = (uint32_t)sizeof provider,
                                         .draft = GANTRY_STRATEGY_DRAFT,
                                         .kind = GANTRY_STRATEGY_KIND,
                                         .name = "spread",
                                         .settings = settings,
                                         .ops = &ops};
static const gantry_provider *const providers[] = {&provider};

static const gantry_plugin plugin = {
    .size = (uint32_t)sizeof plugin,
    .abi_built = GANTRY_ABI_CURRENT,
    .abi_min = GANTRY_ABI(0, 1),
    .provider_count = 1,
    .name = "spread",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .url = "",
    .description = "Fewest pods of the app, then fewest pods, then least reserved",
    .providers = providers};
GANTRY_PLUGIN(plugin, "spread", "0.1.0", 0, 1, "gantry.strategy/1")
