/* SPDX-License-Identifier: Apache-2.0 */
/* Which control groups this machine lets us have, and killing and removing what a dead shim left.
 */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KILL_ROUNDS 200
#define KILL_ROUND_US 5000

static bool has_file(const char *mount, const char *base, const char *file)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", mount, base, file);
    return access(path, F_OK) == 0;
}

static void put(const char *mount, const char *path, const char *file, const char *value)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s/%s", mount, path, file);
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, value, strlen(value));
    close(fd);
}

/* Try for real: a hierarchy may be mounted read-only, or belong to somebody else. */
static bool try_base(const char *mount, const char *base, bool v2)
{
    char path[PATH_MAX];
    for (const char *end = base; end; end = strchr(end + 1, '/')) {
        char part[PATH_MAX];
        snprintf(part, sizeof part, "%.*s", (int)(end - base), base);
        if (v2) put(mount, part, "cgroup.subtree_control", "+cpu");
        if (v2) put(mount, part, "cgroup.subtree_control", "+memory");
        if (v2) put(mount, part, "cgroup.subtree_control", "+pids");
        snprintf(path, sizeof path, "%s%s", mount, part);
        if (mkdir(path, 0755) < 0 && errno != EEXIST) return false;
    }
    snprintf(path, sizeof path, "%s%s", mount, base);
    if (mkdir(path, 0755) < 0 && errno != EEXIST) return false;
    return access(path, W_OK) == 0 && has_file(mount, base, "cgroup.procs");
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += len)
        if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ',')) return true;
    return false;
}

static void take_mount(struct process_cgroups *c, const char *mount, const char *type,
                       const char *options)
{
    static const char *const limit_files[] = {"cpu.cfs_quota_us", "memory.limit_in_bytes",
                                              "pids.max"};
    static const char *const names[] = {"cpu", "memory", "pids"};
    char **const places[] = {&c->cpu, &c->memory, &c->pids};
    if (!strcmp(type, "cgroup2")) {
        if (c->v2 || !try_base(mount, c->base, true)) return;
        c->v2 = process_dup(process_str(mount));
        c->v2_cpu = has_file(mount, c->base, "cpu.max");
        c->v2_memory = has_file(mount, c->base, "memory.max");
        c->v2_pids = has_file(mount, c->base, "pids.max");
        return;
    }
    for (size_t i = 0; i < 3; i++)
        if (!*places[i] && has_word(options, names[i]) && try_base(mount, c->base, false) &&
            has_file(mount, c->base, limit_files[i]))
            *places[i] = process_dup(process_str(mount));
}

/* Different state folders (a test beside a daemon) must not meet in one group. */
static uint32_t hash_of(const char *text)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

void process_cgroups_find(struct process_driver *d)
{
    struct process_cgroups *c = &d->cgroups;
    process_cgroups_fini(c);
    c->base = process_printf("/%s/%08x", d->cgroup_root, hash_of(d->state_dir));
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[4096], mount[2048], type[64], options[1024];
    while (mounts && fgets(line, sizeof line, mounts)) {
        char *dash = strstr(line, " - cgroup");
        if (dash && sscanf(line, "%*s %*s %*s %*s %2047s", mount) == 1 &&
            sscanf(dash, " - %63s %*s %1023s", type, options) == 2)
            take_mount(c, mount, type, options);
    }
    if (mounts) fclose(mounts);
    bool cpu = c->cpu || c->v2_cpu, memory = c->memory || c->v2_memory,
         pids = c->pids || c->v2_pids;
    if (!cpu || !memory || !pids)
        c->missing =
            process_printf("limits of%s%s%s are not enforced: this machine offers no control "
                           "group that gantryd may use for them",
                           cpu ? "" : " cpu", memory ? "" : " memory", pids ? "" : " processes");
}

void process_cgroups_entries(const struct process_driver *d, const char *pod, const char *container,
                             const gantry_container *limits, struct process_buf *out)
{
    const struct process_cgroups *c = &d->cgroups;
    if (!c->cpu && !c->memory && !c->pids && !c->v2) return;
    char *path = process_printf("%s/%s/%s", c->base, pod, container);
    process_buf_entry(out, "cgroup.path", process_str(path));
    free(path);
    if (c->cpu && limits->cpu_milli) process_buf_entry(out, "cgroup.cpu", process_str(c->cpu));
    if (c->memory && limits->memory_bytes)
        process_buf_entry(out, "cgroup.memory", process_str(c->memory));
    /* Always: by these two a container is found and killed whole. */
    if (c->pids) process_buf_entry(out, "cgroup.pids", process_str(c->pids));
    if (c->v2) process_buf_entry(out, "cgroup.v2", process_str(c->v2));
    if (limits->cpu_milli && (c->cpu || c->v2_cpu))
        process_buf_number(out, "cpu_milli", (int64_t)limits->cpu_milli);
    if (limits->memory_bytes && (c->memory || c->v2_memory))
        process_buf_number(out, "memory_bytes", (int64_t)limits->memory_bytes);
    if (limits->pids_max && (c->pids || c->v2_pids))
        process_buf_number(out, "pids_max", (int64_t)limits->pids_max);
}

static bool kill_members(const char *mount, const char *path)
{
    char name[PATH_MAX];
    int pid;
    bool any = false;
    snprintf(name, sizeof name, "%s%s/cgroup.procs", mount, path);
    FILE *members = fopen(name, "re");
    while (members && fscanf(members, "%d", &pid) == 1) {
        any = true;
        if (pid > 0) kill(pid, SIGKILL);
    }
    if (members) fclose(members);
    return any;
}

static void clear(const char *mount, const char *path)
{
    char name[PATH_MAX];
    put(mount, path, "pids.max", "0"); /* nothing new while the old is killed */
    put(mount, path, "cgroup.kill", "1");
    for (int i = 0; i < KILL_ROUNDS && kill_members(mount, path); i++)
        usleep(KILL_ROUND_US);
    snprintf(name, sizeof name, "%s%s", mount, path);
    for (int i = 0; i < 20 && rmdir(name) < 0 && errno == EBUSY; i++)
        usleep(1000);
}

void process_cgroups_clear(const char *config, size_t len)
{
    static const char *const keys[] = {"cgroup.v2", "cgroup.pids", "cgroup.memory", "cgroup.cpu"};
    const char *path = process_entry(config, len, "cgroup.path", 0);
    for (size_t i = 0; path && i < sizeof keys / sizeof *keys; i++) {
        const char *mount = process_entry(config, len, keys[i], 0);
        if (mount) clear(mount, path);
    }
}

/* Remove an empty group and `levels` - 1 above it: the pod's, the instance's, ours; those that
 * others are in stay. */
static void remove_empty(const struct process_cgroups *c, const char *pod, int levels)
{
    const char *const mounts[] = {c->cpu, c->memory, c->pids, c->v2};
    for (size_t i = 0; c->base && i < sizeof mounts / sizeof *mounts; i++) {
        if (!mounts[i]) continue;
        char *path = process_printf("%s%s%s", mounts[i], c->base, pod);
        for (int level = 0; level < levels && (rmdir(path) == 0 || errno == ENOENT); level++)
            *strrchr(path, '/') = '\0';
        free(path);
    }
}

void process_cgroups_remove_pod(const struct process_driver *d, const char *pod)
{
    char *below = process_printf("/%s", pod);
    remove_empty(&d->cgroups, below, 3);
    free(below);
}

void process_cgroups_fini(struct process_cgroups *c)
{
    remove_empty(c, "", 2); /* without pods nothing of ours stays */
    free(c->cpu);
    free(c->memory);
    free(c->pids);
    free(c->v2);
    free(c->base);
    free(c->missing);
    *c = (struct process_cgroups){0};
}

static bool in_session(pid_t pid, pid_t session, uint64_t start_ticks)
{
    char path[64], stat[1024], state;
    int parent, group, sid;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (n <= 0) return false;
    stat[n] = '\0';
    char *p = strrchr(stat, ')');
    if (!p || sscanf(p + 1, " %c %d %d %d", &state, &parent, &group, &sid) != 4 || sid != session)
        return false;
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p && strtoull(p + 1, NULL, 10) >= start_ticks;
}

static bool names_pod(pid_t pid, const char *pod)
{
    char path[64], *line = NULL, *wanted = process_printf("GANTRY_POD_ID=%s", pod);
    size_t cap = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *env = fopen(path, "re");
    while (env && !found && getdelim(&line, &cap, '\0', env) > 0)
        found = !strcmp(line, wanted);
    if (env) fclose(env);
    free(line);
    free(wanted);
    return found;
}

void process_kill_session(pid_t session, uint64_t start_ticks, const char *pod)
{
    DIR *dir = session > 0 ? opendir("/proc") : NULL;
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid <= 0) continue;
        int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* hold it, look, kill what is held */
        if (fd < 0) continue;
        if (in_session(pid, session, start_ticks) && names_pod(pid, pod))
            syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
        close(fd);
    }
    closedir(dir);
}
