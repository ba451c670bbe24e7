/* SPDX-License-Identifier: Apache-2.0 */
/* The node's report, told when it changes. */
#include "agent/agent_private.h"

#include "base/log.h"
#include "base/time.h"

#define FACTS_MS 60000

static void put_drivers(const struct gy_agent *a, struct gy_list *out)
{
    for (size_t i = 0; i < a->driver_count; i++) {
        const struct gy_agent_driver_state *from = &a->drivers[i];
        struct gy_node_driver *to = gy_list_add(out, &gy_node_driver_shape);
        uint64_t caps = gy_instance_caps(from->instance);
        to->name = gy_strdup(from->name);
        to->provider = gy_strdup(from->provider);
        to->runs_images = caps & GANTRY_DRIVER_RUNS_IMAGES;
        to->runs_processes = caps & GANTRY_DRIVER_RUNS_PROCESSES;
        to->ready = from->is_ready;
        to->text = gy_strdup(from->text);
    }
}

/* They change when somebody changes a limit of ours: once a minute is enough. */
static void read_facts(struct gy_agent *a)
{
    int64_t now = gy_time_mono_ms();
    if (a->facts_mono_ms && now - a->facts_mono_ms < FACTS_MS) return;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_node_facts_read("/proc", "/sys/fs/cgroup", &a->facts, &err) != GANTRY_OK)
        gy_log(GY_LOG_WARN, "agent", "what this node has is not known: %s", err.text);
    a->facts_mono_ms = now;
}

static void make_report(struct gy_agent *a, struct gy_node_report *out)
{
    read_facts(a);
    const struct gy_node_facts *facts = &a->facts;
    gy_shape_init(&gy_node_report_shape, out);
    out->name = gy_strdup(a->node);
    out->boot_id = gy_strdup(a->boot_id);
    out->os = gy_strdup(facts->os);
    out->arch = gy_strdup(facts->arch);
    out->version = gy_strdup(GANTRY_VERSION);
    out->address = gy_strdup(a->port_address);
    out->cpu_milli = facts->cpu_milli;
    out->memory_bytes = facts->memory_bytes;
    out->max_pods = a->max_pods;
    out->reserved_cpu_milli = facts->reserved_cpu_milli;
    out->reserved_memory_bytes = facts->reserved_memory_bytes;
    for (size_t i = 0; i < a->labels.n; i++)
        gy_map_set(&out->labels, a->labels.items[i].key, a->labels.items[i].value);
    put_drivers(a, &out->drivers);
}

void gy_agent_report_node(struct gy_agent *a)
{
    if (a->is_stopping) return;
    struct gy_node_report now;
    make_report(a, &now);
    if (a->has_reported && gy_shape_equal(&gy_node_report_shape, &now, &a->report)) {
        gy_shape_fini(&gy_node_report_shape, &now);
        return;
    }
    if (a->has_reported) gy_shape_fini(&gy_node_report_shape, &a->report);
    a->report = now;
    a->has_reported = true;
    if (a->up.node) a->up.node(a->up.ctx, &a->report);
}
