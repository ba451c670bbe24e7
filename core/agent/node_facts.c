/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/node_facts.h"

#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/utsname.h>

#define MIB (INT64_C(1) << 20)
#define CPUS_MAX 8192

const char *gy_node_facts_arch(const char *machine)
{
    static const char *const names[][2] = {
        {"x86_64", "amd64"},
        {"aarch64", "arm64"},
        {"armv7l", "arm"},
        {"armv6l", "arm"},
        {"i686", "386"},
        {"i586", "386"},
        {"i386", "386"},
        {"ppc64le", "ppc64le"},
        {"riscv64", "riscv64"},
        {"s390x", "s390x"},
        {"loongarch64", "loong64"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(machine, names[i][0])) return names[i][1];
    return machine;
}

void gy_node_facts_reserve(struct gy_node_facts *f)
{
    f->reserved_cpu_milli = f->cpu_milli / 20 > 100 ? f->cpu_milli / 20 : 100;
    if (f->reserved_cpu_milli > f->cpu_milli) f->reserved_cpu_milli = f->cpu_milli;
    int64_t twentieth = f->memory_bytes / 20;
    if (f->memory_bytes < 1024 * MIB)
        f->reserved_memory_bytes = f->memory_bytes / 10;
    else
        f->reserved_memory_bytes = twentieth > 256 * MIB ? twentieth : 256 * MIB;
}

static char *read_text(const char *dir, const char *name)
{
    gy_autofree char *path = gy_printf("%s/%s", dir, name);
    char *bytes = NULL;
    size_t len = 0;
    return gy_file_read(path, 1 << 20, &bytes, &len, NULL) == GANTRY_OK ? bytes : NULL;
}

/* The number a file begins with; -1: no file, or a word ("max"). */
static int64_t read_number(const char *dir, const char *name)
{
    gy_autofree char *text = read_text(dir, name);
    long long value;
    return text && sscanf(text, "%lld", &value) == 1 ? value : -1;
}

static int64_t least(int64_t a, int64_t limit)
{
    return limit > 0 && limit < a ? limit : a;
}

/* The processors that this process may use: cpusets and taskset count. */
static int64_t cpu_count(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    int64_t n = 1;
    if (set && sched_getaffinity(0, bytes, set) == 0) n = CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    return n > 0 ? n : 1;
}

/* The folders of a hierarchy from our own cgroup up to the root, which all bind.  visit for each.
 */
static void each_level(const char *root, const char *own,
                       void (*visit)(const char *dir, struct gy_node_facts *f),
                       struct gy_node_facts *f)
{
    gy_autofree char *dir = gy_printf("%s%s", root, own);
    size_t floor = strlen(root);
    for (;;) {
        visit(dir, f);
        char *slash = strrchr(dir, '/');
        if (!slash || (size_t)(slash - dir) < floor || strlen(dir) <= floor) return;
        *slash = '\0';
    }
}

static void visit_v2(const char *dir, struct gy_node_facts *f)
{
    f->memory_bytes = least(f->memory_bytes, read_number(dir, "memory.max"));
    gy_autofree char *text = read_text(dir, "cpu.max");
    long long quota, period;
    if (text && sscanf(text, "%lld %lld", &quota, &period) == 2 && period > 0)
        f->cpu_milli = least(f->cpu_milli, quota * 1000 / period);
}

static void visit_v1_memory(const char *dir, struct gy_node_facts *f)
{
    f->memory_bytes = least(f->memory_bytes, read_number(dir, "memory.limit_in_bytes"));
}

static void visit_v1_cpu(const char *dir, struct gy_node_facts *f)
{
    int64_t quota = read_number(dir, "cpu.cfs_quota_us");
    int64_t period = read_number(dir, "cpu.cfs_period_us");
    if (quota > 0 && period > 0) f->cpu_milli = least(f->cpu_milli, quota * 1000 / period);
}

static bool names_controller(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)); p += n)
        if ((p == list || p[-1] == ',') && (p[n] == '\0' || p[n] == ',')) return true;
    return false;
}

/* One line of /proc/self/cgroup: "0::/a/b" or "4:cpu,cpuacct:/a/b" (cgroups(7)). */
static void read_cgroup_line(char *line, const char *cgroup, struct gy_node_facts *f)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return;
    *path++ = '\0';
    controllers++;
    if (!strcmp(path, "/") || strstr(path, "..")) *path = '\0'; /* "..": outside of our namespace */
    if (!*controllers) {
        each_level(cgroup, path, visit_v2, f);
        gy_autofree char *unified = gy_printf("%s/unified", cgroup);
        each_level(unified, path, visit_v2, f);
    }
    gy_autofree char *memory = gy_printf("%s/memory", cgroup);
    if (names_controller(controllers, "memory")) each_level(memory, path, visit_v1_memory, f);
    gy_autofree char *cpu = gy_printf("%s/cpu", cgroup);
    if (names_controller(controllers, "cpu")) each_level(cpu, path, visit_v1_cpu, f);
}

gantry_status gy_node_facts_read(const char *proc, const char *cgroup, struct gy_node_facts *out,
                                 struct gy_error *err)
{
    struct gy_node_facts f = {.cpu_milli = cpu_count() * 1000};
    gy_autofree char *meminfo = read_text(proc, "meminfo");
    const char *total = meminfo ? strstr(meminfo, "MemTotal:") : NULL;
    long long kib = 0;
    if (!total || sscanf(total, "MemTotal: %lld kB", &kib) != 1 || kib <= 0)
        return gy_error_set(err, GANTRY_EUNAVAIL,
                            "%s/meminfo does not say how much memory there is", proc);
    f.memory_bytes = kib * 1024;

    gy_autofree char *groups = read_text(proc, "self/cgroup");
    char *rest = groups, *line;
    while (rest && (line = strsep(&rest, "\n")))
        read_cgroup_line(line, cgroup, &f);

    struct utsname name;
    if (uname(&name) != 0) memset(&name, 0, sizeof name);
    (void)snprintf(f.os, sizeof f.os, "%.31s", name.sysname);
    for (char *p = f.os; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    (void)snprintf(f.arch, sizeof f.arch, "%.31s", gy_node_facts_arch(name.machine));
    gy_node_facts_reserve(&f);
    *out = f;
    return GANTRY_OK;
}
