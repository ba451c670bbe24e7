/* SPDX-License-Identifier: Apache-2.0 */
#include "model/node.h"

#include "model/field.h"

static const char *const states[] = {"ready", "suspect", "unreachable", "draining", NULL};

static const struct gy_field driver_fields[] = {
    F(gy_node_driver, "name", STR, name, REQUIRED, .max = 63),
    F(gy_node_driver, "provider", STR, provider, .max = 63),
    F(gy_node_driver, "runs_images", BOOL, runs_images, OPTIONAL),
    F(gy_node_driver, "runs_processes", BOOL, runs_processes, OPTIONAL),
    F(gy_node_driver, "ready", BOOL, ready, OPTIONAL),
    F(gy_node_driver, "text", STR, text, .max = 1024),
};
const struct gy_shape gy_node_driver_shape = {.name = "NodeDriver",
                                              .size = sizeof(struct gy_node_driver),
                                              .fields = driver_fields,
                                              .n = N(driver_fields)};

static const struct gy_field spec_fields[] = {
    F(gy_node_spec, "name", STR, name, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_node_spec, "labels", MAP, labels, OPTIONAL),
    F(gy_node_spec, "drain", BOOL, drain, .doc = "no new pods; those here go elsewhere"),
};
const struct gy_shape gy_node_spec_shape = {.name = "NodeSpec",
                                            .size = sizeof(struct gy_node_spec),
                                            .fields = spec_fields,
                                            .n = N(spec_fields)};

static const struct gy_field report_fields[] = {
    F(gy_node_report, "name", STR, name, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_node_report, "boot_id", STR, boot_id, .max = 64),
    F(gy_node_report, "os", STR, os, .max = 32),
    F(gy_node_report, "arch", STR, arch, .max = 32),
    F(gy_node_report, "version", STR, version, .max = 32),
    F(gy_node_report, "address", STR, address, .max = 256),
    F(gy_node_report, "cpu_milli", INT, cpu_milli, AMOUNT),
    F(gy_node_report, "memory_bytes", INT, memory_bytes, AMOUNT),
    F(gy_node_report, "max_pods", INT, max_pods, AMOUNT, .fallback = 250),
    F(gy_node_report, "reserved_cpu_milli", INT, reserved_cpu_milli, AMOUNT),
    F(gy_node_report, "reserved_memory_bytes", INT, reserved_memory_bytes, AMOUNT),
    F(gy_node_report, "drivers", LIST, drivers, .shape = &gy_node_driver_shape, .max = 64),
    F(gy_node_report, "labels", MAP, labels, OPTIONAL),
};
const struct gy_shape gy_node_report_shape = {.name = "NodeReport",
                                              .size = sizeof(struct gy_node_report),
                                              .fields = report_fields,
                                              .n = N(report_fields)};

static const struct gy_field node_fields[] = {
    F(gy_node, "name", STR, name, .flags = GY_FIELD_REQUIRED | GY_FIELD_LABEL),
    F(gy_node, "state", ENUM, state, REQUIRED, .names = states),
    F(gy_node, "since_ms", INT, since_ms, AMOUNT, .doc = "wall clock, milliseconds since 1970"),
    F(gy_node, "boot_id", STR, boot_id, OPTIONAL),
    F(gy_node, "os", STR, os, OPTIONAL),
    F(gy_node, "arch", STR, arch, OPTIONAL),
    F(gy_node, "version", STR, version, OPTIONAL),
    F(gy_node, "address", STR, address, OPTIONAL),
    F(gy_node, "cpu_milli", INT, cpu_milli, AMOUNT, .doc = "allocatable"),
    F(gy_node, "memory_bytes", INT, memory_bytes, AMOUNT, .doc = "allocatable"),
    F(gy_node, "max_pods", INT, max_pods, AMOUNT),
    F(gy_node, "pods", INT, pods, AMOUNT, REQUIRED),
    F(gy_node, "cpu_used_milli", INT, cpu_used_milli, AMOUNT),
    F(gy_node, "memory_used_bytes", INT, memory_used_bytes, AMOUNT),
    F(gy_node, "drivers", LIST, drivers, .shape = &gy_node_driver_shape, .max = 64),
    F(gy_node, "labels", MAP, labels, OPTIONAL),
    F(gy_node, "drain", BOOL, drain, OPTIONAL),
};
const struct gy_shape gy_node_shape = {.name = "Node",
                                       .size = sizeof(struct gy_node),
                                       .fields = node_fields,
                                       .n = N(node_fields),
                                       .doc = "a host that can run pods"};

void gy_node_merge(const struct gy_node_report *report, const struct gy_node_spec *spec,
                   struct gy_node *out)
{
    struct gy_node_report copy;
    gy_shape_copy(&gy_node_report_shape, report, &copy);
    gy_shape_init(&gy_node_shape, out);
    out->name = copy.name;
    out->boot_id = copy.boot_id;
    out->os = copy.os;
    out->arch = copy.arch;
    out->version = copy.version;
    out->address = copy.address;
    out->drivers = copy.drivers;
    out->labels = copy.labels;
    out->max_pods = copy.max_pods;
    out->cpu_milli =
        copy.cpu_milli > copy.reserved_cpu_milli ? copy.cpu_milli - copy.reserved_cpu_milli : 0;
    out->memory_bytes = copy.memory_bytes > copy.reserved_memory_bytes
                            ? copy.memory_bytes - copy.reserved_memory_bytes
                            : 0;
    if (!spec) return;
    out->drain = spec->drain;
    for (size_t i = 0; i < spec->labels.n; i++)
        gy_map_set(&out->labels, spec->labels.items[i].key, spec->labels.items[i].value);
}
