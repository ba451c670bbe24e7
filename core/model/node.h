/* SPDX-License-Identifier: Apache-2.0 */
/* Node: a host that can run pods.  Two records, one writer each: gy_node_spec (the API: labels,
 * drain) and gy_node_report (the node's agent: what it has).  gy_node is both together, as the
 * engine and the API see it. */
#ifndef GY_MODEL_NODE_H
#define GY_MODEL_NODE_H

#include "model/shape.h"

enum gy_node_state { GY_NODE_READY, GY_NODE_SUSPECT, GY_NODE_UNREACHABLE, GY_NODE_DRAINING };

struct gy_node_driver {
    char *name, *provider;
    bool runs_images, runs_processes;
    bool ready;
    char *text; /* why it is not ready, or what is missing */
};

struct gy_node_spec { /* writer: API */
    char *name;
    struct gy_map labels; /* win over the agent's */
    bool drain;
};

struct gy_node_report { /* writer: the node's agent */
    char *name, *boot_id, *os, *arch, *version, *address;
    int64_t cpu_milli, memory_bytes, max_pods;         /* capacity */
    int64_t reserved_cpu_milli, reserved_memory_bytes; /* kept for the system */
    struct gy_list drivers;                            /* struct gy_node_driver, in config order */
    struct gy_map labels;                              /* from the agent's config */
};

struct gy_node { /* both, merged; JSON as the API answers it */
    char *name, *boot_id, *os, *arch, *version, *address;
    int64_t cpu_milli, memory_bytes, max_pods; /* allocatable */
    struct gy_list drivers;
    struct gy_map labels;
    bool drain;
    int state;                                 /* enum gy_node_state */
    int64_t since_ms;                          /* wall clock */
    int64_t pods;                              /* bound now */
    int64_t cpu_used_milli, memory_used_bytes; /* reserved by pods */
};

extern const struct gy_shape gy_node_spec_shape, gy_node_report_shape, gy_node_shape,
    gy_node_driver_shape;

/* Merge: labels of the spec over those of the report; allocatable = capacity - reserved. Overwrites
 * *out. */
void gy_node_merge(const struct gy_node_report *report, const struct gy_node_spec *spec_or_null,
                   struct gy_node *out);

#endif
