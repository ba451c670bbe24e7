/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/kinds.h"
#include "base/text.h"

#include <gantry/driver.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#define REQUIRED(type, member)                                                                     \
    {                                                                                              \
#member, offsetof(type, member)                                                            \
    }

static const struct gy_kind_member driver_required[] = {
    REQUIRED(gantry_driver_ops, list),
    REQUIRED(gantry_driver_ops, prepare),
    REQUIRED(gantry_driver_ops, start),
    REQUIRED(gantry_driver_ops, wait),
    REQUIRED(gantry_driver_ops, stop),
    REQUIRED(gantry_driver_ops, remove),
    {NULL, 0},
};
static const struct gy_kind_member strategy_required[] = {
    REQUIRED(gantry_strategy_ops, score),
    {NULL, 0},
};
static const struct gy_kind_member store_required[] = {
    REQUIRED(gantry_store_ops, list),
    REQUIRED(gantry_store_ops, txn),
    REQUIRED(gantry_store_ops, watch),
    REQUIRED(gantry_store_ops, compact),
    {NULL, 0},
};

static const struct gy_kind kinds[] = {
    {GANTRY_DRIVER_KIND, "driver", GANTRY_DRIVER_DRAFT, sizeof(gantry_driver_ops),
     offsetof(gantry_driver_ops, base), offsetof(gantry_driver_ops, caps), driver_required},
    {GANTRY_STRATEGY_KIND, "strategy", GANTRY_STRATEGY_DRAFT, sizeof(gantry_strategy_ops),
     offsetof(gantry_strategy_ops, base), offsetof(gantry_strategy_ops, caps), strategy_required},
    {GANTRY_STORE_KIND, "store", GANTRY_STORE_DRAFT, sizeof(gantry_store_ops),
     offsetof(gantry_store_ops, base), offsetof(gantry_store_ops, caps), store_required},
};

static const struct {
    const char *id;
    size_t size;
} extensions[] = {
    {GANTRY_DRIVER_EXEC, sizeof(gantry_driver_exec)},
    {GANTRY_DRIVER_LOGS, sizeof(gantry_driver_logs)},
};

const struct gy_kind *gy_kind_get(size_t i)
{
    return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

const struct gy_kind *gy_kind_find(const char *id)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (gy_streq(kinds[i].id, id)) return &kinds[i];
    return NULL;
}

size_t gy_extension_size(const char *id)
{
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (gy_streq(extensions[i].id, id)) return extensions[i].size;
    return 0;
}
