/* SPDX-License-Identifier: Apache-2.0 */
/* gantry.host.instance/1. */
#include "plugin/internal.h"

#include <gantry/host.h>

static gantry_str instance_name(gantry_host *host)
{
    return gy_str(host->instance->name);
}

static gantry_str instance_state_dir(gantry_host *host)
{
    return gy_str(host->instance->state_dir);
}

static gantry_str instance_run_dir(gantry_host *host)
{
    return gy_str(host->instance->run_dir);
}

static gantry_str instance_libexec_dir(gantry_host *host)
{
    return gy_str(host->instance->ps->libexec_dir);
}

static gantry_str instance_node(gantry_host *host)
{
    return gy_str(host->instance->ps->node);
}

static gantry_str instance_cluster(gantry_host *host)
{
    return gy_str(host->instance->ps->cluster);
}

static gantry_str instance_boot_id(gantry_host *host)
{
    return gy_str(host->instance->ps->boot_id);
}

const struct gantry_host_instance gy_host_instance = {
    .size = sizeof gy_host_instance,
    .name = instance_name,
    .state_dir = instance_state_dir,
    .run_dir = instance_run_dir,
    .libexec_dir = instance_libexec_dir,
    .node = instance_node,
    .cluster = instance_cluster,
    .boot_id = instance_boot_id,
};
