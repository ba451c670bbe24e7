/* SPDX-License-Identifier: Apache-2.0 */
/* GANTRY_PLUGIN_BLOCKING: a plugin that cannot be made non-blocking.  Its calls run on workers with
 * deep copies of their arguments; those for one pod in order, others side by side. */
#include "plugin/internal.h"

void gy_blocking_wrap(struct gy_instance *inst)
{
    inst->self = inst->plugin_self;
    inst->ops = inst->provider->ops;
    inst->base = inst->provider->base;
}

void gy_blocking_wrap_extension(const char *id, void **copy)
{
    (void)id;
    (void)copy;
}
