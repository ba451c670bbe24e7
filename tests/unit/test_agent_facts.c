/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has, read from made-up /proc and cgroup folders. */
#include "agent/node_facts.h"
#include "base/text.h"
#include "suite.h"

#include <unistd.h>

#define MIB (INT64_C(1) << 20)

static char root[] = "/tmp/gantry-facts-XXXXXX";

static void put(const char *name, const char *text)
{
    gy_autofree char *path = gy_printf("%s/%s", root, name);
    gy_autofree char *dir = gy_strndup(path, (size_t)(strrchr(path, '/') - path));
    REQUIRE(gy_dir_make(dir, 0700, NULL) == GANTRY_OK);
    REQUIRE(gy_file_write(path, text, strlen(text), 0600, NULL) == GANTRY_OK);
}

static gantry_status read_facts(struct gy_node_facts *out, struct gy_error *err)
{
    gy_autofree char *proc = gy_printf("%s/proc", root);
    gy_autofree char *cgroup = gy_printf("%s/cgroup", root);
    return gy_node_facts_read(proc, cgroup, out, err);
}

static void begin(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    REQUIRE(mkdtemp(root));
}

static void end(void)
{
    gy_autofree char *command = gy_printf("rm -rf -- '%s'", root);
    CHECK_INT(system(command), 0);
}

static void plain(void)
{
    begin();
    struct gy_node_facts f;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(read_facts(&f, &err), GANTRY_EUNAVAIL);
    CHECK(strstr(err.text, "does not say how much memory there is"));
    put("proc/meminfo", "MemFree: 12 kB\n");
    CHECK_INT(read_facts(&f, &err), GANTRY_EUNAVAIL);
    put("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 12 kB\n");
    REQUIRE(read_facts(&f, &err) == GANTRY_OK);
    CHECK_INT(f.memory_bytes, INT64_C(16384000) * 1024);
    CHECK(f.cpu_milli >= 1000 && f.cpu_milli % 1000 == 0);
    CHECK_STR(f.os, "linux");
    CHECK(f.arch[0]);
    end();
}

/* Our own cgroup and each one above it bind. */
static void version2(void)
{
    begin();
    struct gy_node_facts f;
    put("proc/meminfo", "MemTotal: 16384000 kB\n");
    put("proc/self/cgroup", "0::/a/b\n");
    put("cgroup/a/b/memory.max", "max\n");
    put("cgroup/a/b/cpu.max", "max 100000\n");
    put("cgroup/a/memory.max", "4294967296\n");
    put("cgroup/a/cpu.max", "50000 100000\n");
    REQUIRE(read_facts(&f, NULL) == GANTRY_OK);
    CHECK_INT(f.memory_bytes, INT64_C(4) << 30);
    CHECK_INT(f.cpu_milli, 500);
    put("cgroup/a/b/cpu.max", "20000 100000\n");
    put("cgroup/memory.max", "2147483648\n");
    REQUIRE(read_facts(&f, NULL) == GANTRY_OK);
    CHECK_INT(f.cpu_milli, 200);
    CHECK_INT(f.memory_bytes, INT64_C(2) << 30);
    put("proc/self/cgroup", "0::/\n");
    REQUIRE(read_facts(&f, NULL) == GANTRY_OK);
    CHECK_INT(f.memory_bytes, INT64_C(2) << 30);
    CHECK(f.cpu_milli >= 1000);
    end();
}

static void version1(void)
{
    begin();
    struct gy_node_facts f;
    put("proc/meminfo", "MemTotal: 16384000 kB\n");
    put("proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n1:name=systemd:/x\n");
    put("cgroup/memory/x/memory.limit_in_bytes", "1073741824\n");
    put("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("cgroup/cpu/x/cpu.cfs_quota_us", "25000\n");
    put("cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    put("cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("cgroup/cpu/cpu.cfs_period_us", "100000\n");
    REQUIRE(read_facts(&f, NULL) == GANTRY_OK);
    CHECK_INT(f.memory_bytes, INT64_C(1) << 30);
    CHECK_INT(f.cpu_milli, 250);
    end();
}

static void reserve(void)
{
    static const struct {
        int64_t cpu, memory, reserved_cpu, reserved_memory;
    } table[] = {{1000, 512 * MIB, 100, 512 * MIB / 10},
                 {2000, 1024 * MIB, 100, 256 * MIB},
                 {4000, 4096 * MIB, 200, 256 * MIB},
                 {64000, 65536 * MIB, 3200, 65536 * MIB / 20},
                 {50, 100 * MIB, 50, 10 * MIB}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gy_node_facts f = {.cpu_milli = table[i].cpu, .memory_bytes = table[i].memory};
        gy_node_facts_reserve(&f);
        CHECK_INT(f.reserved_cpu_milli, table[i].reserved_cpu);
        CHECK_INT(f.reserved_memory_bytes, table[i].reserved_memory);
    }
}

static void arch(void)
{
    CHECK_STR(gy_node_facts_arch("x86_64"), "amd64");
    CHECK_STR(gy_node_facts_arch("aarch64"), "arm64");
    CHECK_STR(gy_node_facts_arch("something"), "something");
}

SUITE("agent.facts", {"memory comes from meminfo", plain}, {"limits of cgroup 2", version2},
      {"limits of cgroup 1", version1}, {"what is reserved for the system", reserve},
      {"machines are named as images name them", arch})
