/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups, versions 1 and 2, also both (hybrid): one group a container in each hierarchy
 * that the config names.  None of it is needed to run; what fails is left out and named. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CPU_PERIOD_US 100000
#define CPU_QUOTA_MIN_US 1000 /* the kernel refuses less */

static bool put(const char *mount, const char *path, const char *file, const char *value)
{
    char name[PATH_MAX];
    if (snprintf(name, sizeof name, "%s%s/%s", mount, path, file) >= (int)sizeof name) return false;
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = write(fd, value, strlen(value));
    close(fd);
    return n == (ssize_t)strlen(value);
}

static bool put_number(const char *mount, const char *path, const char *file, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return put(mount, path, file, text);
}

/* Make each folder of path below mount; in version 2 hand the controllers down on the way. */
static bool make(const char *mount, const char *path, bool v2)
{
    char part[PATH_MAX], name[PATH_MAX];
    if (!mount || !path || strlen(mount) + strlen(path) + 2 > sizeof name) return false;
    for (const char *end = path; end; end = strchr(end + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(end - path), path);
        if (v2) {
            put(mount, part, "cgroup.subtree_control", "+cpu");
            put(mount, part, "cgroup.subtree_control", "+memory");
            put(mount, part, "cgroup.subtree_control", "+pids");
        }
        snprintf(name, sizeof name, "%s%s", mount, part);
        if (mkdir(name, 0755) < 0 && errno != EEXIST) return false;
    }
    snprintf(name, sizeof name, "%s%s", mount, path);
    return mkdir(name, 0755) == 0 || errno == EEXIST;
}

static uint64_t quota(uint64_t cpu_milli)
{
    uint64_t us = cpu_milli * (CPU_PERIOD_US / 1000);
    return us < CPU_QUOTA_MIN_US ? CPU_QUOTA_MIN_US : us;
}

static bool limit_cpu(const struct gy_shim_config *c)
{
    char text[64];
    if (c->cgroup_cpu)
        return put_number(c->cgroup_cpu, c->cgroup_path, "cpu.cfs_period_us", CPU_PERIOD_US) &&
               put_number(c->cgroup_cpu, c->cgroup_path, "cpu.cfs_quota_us", quota(c->cpu_milli));
    snprintf(text, sizeof text, "%llu %d", (unsigned long long)quota(c->cpu_milli), CPU_PERIOD_US);
    return c->cgroup_v2 && put(c->cgroup_v2, c->cgroup_path, "cpu.max", text);
}

static bool limit_memory(const struct gy_shim_config *c)
{
    if (c->cgroup_memory) {
        bool ok =
            put_number(c->cgroup_memory, c->cgroup_path, "memory.limit_in_bytes", c->memory_bytes);
        /* No swap beyond it, where the kernel accounts for swap. */
        put_number(c->cgroup_memory, c->cgroup_path, "memory.memsw.limit_in_bytes",
                   c->memory_bytes);
        return ok;
    }
    if (!c->cgroup_v2) return false;
    put(c->cgroup_v2, c->cgroup_path, "memory.swap.max", "0");
    return put_number(c->cgroup_v2, c->cgroup_path, "memory.max", c->memory_bytes);
}

static bool limit_pids(const struct gy_shim_config *c)
{
    const char *mount = c->cgroup_pids ? c->cgroup_pids : c->cgroup_v2;
    return mount && put_number(mount, c->cgroup_path, "pids.max", c->pids_max);
}

void gy_shim_cgroup_create(const struct gy_shim_config *c, char *missing, size_t max)
{
    make(c->cgroup_cpu, c->cgroup_path, false);
    make(c->cgroup_memory, c->cgroup_path, false);
    make(c->cgroup_pids, c->cgroup_path, false);
    make(c->cgroup_v2, c->cgroup_path, true);
    snprintf(missing, max, "%s%s%s", c->cpu_milli && !limit_cpu(c) ? " cpu" : "",
             c->memory_bytes && !limit_memory(c) ? " memory" : "",
             c->pids_max && !limit_pids(c) ? " pids" : "");
}

void gy_shim_cgroup_enter(const struct gy_shim_config *c)
{
    const char *mounts[] = {c->cgroup_cpu, c->cgroup_memory, c->cgroup_pids, c->cgroup_v2};
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (mounts[i] && c->cgroup_path) put(mounts[i], c->cgroup_path, "cgroup.procs", "0");
}

/* Since Linux 4.13 both versions count the processes killed: a line "oom_kill N". */
bool gy_shim_cgroup_had_oom(const struct gy_shim_config *c)
{
    const char *mount = c->cgroup_memory ? c->cgroup_memory : c->cgroup_v2;
    char name[PATH_MAX], text[512];
    if (!mount || !c->cgroup_path) return false;
    if (snprintf(name, sizeof name, "%s%s/%s", mount, c->cgroup_path,
                 c->cgroup_memory ? "memory.oom_control" : "memory.events") >= (int)sizeof name)
        return false;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return false;
    text[n] = '\0';
    const char *count = strstr(text, "oom_kill ");
    return count && strtoull(count + strlen("oom_kill "), NULL, 10) > 0;
}

void gy_shim_cgroup_kill(const struct gy_shim_config *c)
{
    if (!c->cgroup_path) return;
    /* Nothing new is forked while the old is being killed. */
    if (c->cgroup_pids) put(c->cgroup_pids, c->cgroup_path, "pids.max", "0");
    if (c->cgroup_v2) {
        put(c->cgroup_v2, c->cgroup_path, "pids.max", "0");
        put(c->cgroup_v2, c->cgroup_path, "cgroup.kill", "1"); /* since Linux 5.14 */
    }
}

void gy_shim_cgroup_remove(const struct gy_shim_config *c)
{
    const char *mounts[] = {c->cgroup_cpu, c->cgroup_memory, c->cgroup_pids, c->cgroup_v2};
    char name[PATH_MAX];
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (mounts[i] && c->cgroup_path &&
            snprintf(name, sizeof name, "%s%s", mounts[i], c->cgroup_path) < (int)sizeof name)
            for (int tries = 0; rmdir(name) < 0 && errno == EBUSY && tries < 20; tries++)
                usleep(1000); /* the last member leaves its group a moment after it was reaped */
}
