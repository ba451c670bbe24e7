/* SPDX-License-Identifier: Apache-2.0 */
/* What this node has: processors, memory, system. */
#ifndef GY_AGENT_NODE_FACTS_H
#define GY_AGENT_NODE_FACTS_H

#include "base/error.h"
#include <stdint.h>

struct gy_node_facts {
    int64_t cpu_milli, memory_bytes;                   /* capacity; a cgroup's limit counts */
    int64_t reserved_cpu_milli, reserved_memory_bytes; /* kept for the system */
    char os[32], arch[32];                             /* "linux", "amd64" */
};
/* proc and cgroup: "/proc" and "/sys/fs/cgroup", or a test's folders.  What cannot be read counts
 * as no limit; EUNAVAIL: the memory of the node is not known. */
gantry_status gy_node_facts_read(const char *proc, const char *cgroup, struct gy_node_facts *out,
                                 struct gy_error *err);
/* 5 %, at least 100 mCPU and 256 MiB; below 1 GiB of memory 10 % of it. */
void gy_node_facts_reserve(struct gy_node_facts *facts);
/* uname's machine as container images call it: x86_64 is amd64, aarch64 is arm64. */
const char *gy_node_facts_arch(const char *machine);

#endif
