/* SPDX-License-Identifier: Apache-2.0 */
/* SIGKILL to all that is left of a container.  The shim is the subreaper: every descendant is below
 * it in /proc, and whoever loses its parent becomes its child; so "no child is left" means "nothing
 * is left", and rounds of this function get there. */
#include "shim/shim.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    bool ours;
};

const char *gy_shim_proc_stat(pid_t pid, char stat[GY_SHIM_STAT_MAX])
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    ssize_t n = read(fd, stat, GY_SHIM_STAT_MAX - 1);
    close(fd);
    if (n <= 0) return NULL;
    stat[n] = '\0';
    return strrchr(stat, ')'); /* the name may hold anything */
}

static pid_t parent_of(pid_t pid)
{
    char stat[GY_SHIM_STAT_MAX], state;
    const char *p = gy_shim_proc_stat(pid, stat);
    int parent;
    return p && sscanf(p + 1, " %c %d", &state, &parent) == 2 ? (pid_t)parent : 0;
}

/* The pid may pass to a stranger between look and kill: hold it, look again, then kill what is
 * held. */
static void kill_held(const struct process *p)
{
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd < 0) {
        if (p->parent == getpid())
            kill(p->pid, SIGKILL); /* our unreaped child: its pid is its own */
        return;
    }
    if (parent_of(p->pid) == p->parent) syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    close(fd);
}

static size_t processes(struct process **out)
{
    size_t n = 0, cap = 0;
    DIR *dir = opendir("/proc");
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid <= 0) continue;
        if (n == cap) {
            struct process *more = realloc(*out, (cap = cap ? cap * 2 : 256) * sizeof *more);
            if (!more) break; /* the rest in the next round */
            *out = more;
        }
        (*out)[n++] = (struct process){pid, parent_of(pid), false};
    }
    closedir(dir);
    return n;
}

void gy_shim_kill_descendants(const struct gy_shim_config *c)
{
    gy_shim_cgroup_kill(c);
    struct process *list = NULL;
    size_t n = processes(&list);
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < n; i++) {
            bool ours = list[i].parent == getpid();
            for (size_t k = 0; !ours && !list[i].ours && k < n; k++)
                ours = list[k].ours && list[k].pid == list[i].parent;
            if (!ours || list[i].ours) continue;
            list[i].ours = grown = true;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (list[i].ours) kill_held(&list[i]);
    free(list);
}
