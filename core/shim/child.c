/* SPDX-License-Identifier: Apache-2.0 */
/* From fork to exec: everything that the program must find set, in the order in which it can be
 * set. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE_SETUP 125
#define CODE_CANNOT_RUN 126
#define CODE_NOT_FOUND 127

int gy_shim_pty_open(int *master, int *slave, uint64_t width, uint64_t height,
                     char text[GY_SHIM_TEXT_MAX])
{
    char name[64];
    int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (m < 0 || grantpt(m) < 0 || unlockpt(m) < 0 || ptsname_r(m, name, sizeof name) != 0) {
        gy_shim_fail(text, "terminal: %s", strerror(errno));
        if (m >= 0) close(m);
        return -1;
    }
    int s = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s < 0) {
        gy_shim_fail(text, "terminal: %s: %s", name, strerror(errno));
        close(m);
        return -1;
    }
    struct winsize size = {.ws_row = (unsigned short)(height ? height : 24),
                           .ws_col = (unsigned short)(width ? width : 80)};
    ioctl(m, TIOCSWINSZ, &size);
    *master = m;
    *slave = s;
    return 0;
}

/* One message on the error pipe: the exit code as a byte, then the sentence.  Does not return. */
static void give_up(int error_fd, int code, const char *what, const char *name)
{
    char text[GY_SHIM_TEXT_MAX];
    int why = errno;
    text[0] = (char)code;
    snprintf(text + 1, sizeof text - 1, "%s %s: %s", what, name, strerror(why));
    (void)!write(error_fd, text, strlen(text + 1) + 1);
    _exit(code);
}

static void set_stdio(const struct gy_shim_config *p, const int stdio[3], int error_fd)
{
    int safe[3];
    for (int i = 0; i < 3; i++) /* none may be overwritten before it is in its place */
        if ((safe[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10)) < 0)
            give_up(error_fd, CODE_SETUP, "stdio", "dup");
    for (int i = 0; i < 3; i++)
        if (dup2(safe[i], i) < 0) give_up(error_fd, CODE_SETUP, "stdio", "dup");
    if (!p->tty) return;
    if (ioctl(0, TIOCSCTTY, 0) < 0) give_up(error_fd, CODE_SETUP, "terminal", "TIOCSCTTY");
    if (p->has_user) (void)!fchown(0, p->uid, (gid_t)-1);
}

static void set_oom_score(int score)
{
    char text[16];
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    snprintf(text, sizeof text, "%d", score);
    (void)!write(fd, text, strlen(text)); /* not permitted: stays as inherited */
    close(fd);
}

static void set_user(const struct gy_shim_config *p, int error_fd)
{
    if (!p->has_user) return;
    char name[32];
    snprintf(name, sizeof name, "%u:%u", (unsigned)p->uid, (unsigned)p->gid);
    if (setgroups(p->group_count, p->groups) < 0) give_up(error_fd, CODE_SETUP, "groups of", name);
    if (setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
        give_up(error_fd, CODE_SETUP, "user", name);
}

static void reset_signals(void)
{
    /* By the system call: libc refuses its own two, which posix_spawn leaves ignored. */
    static const unsigned char usual[64]; /* the kernel's struct sigaction: SIG_DFL, nothing set */
    for (int i = 1; i < NSIG; i++)
        syscall(SYS_rt_sigaction, i, usual, NULL, (size_t)_NSIG / 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *path_of(char *const *env)
{
    for (; *env; env++)
        if (!strncmp(*env, "PATH=", 5)) return *env + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

/* As execvpe(3), by the program's own PATH. */
static void run(const struct gy_shim_config *p, int error_fd)
{
    const char *name = p->args[0];
    int why = ENOENT;
    if (strchr(name, '/')) {
        execve(name, p->args, p->env);
        why = errno;
    } else if (*name) {
        for (const char *dir = path_of(p->env), *end; dir; dir = *end ? end + 1 : NULL) {
            char file[PATH_MAX];
            end = dir + strcspn(dir, ":");
            int n = snprintf(file, sizeof file, "%.*s/%s", end > dir ? (int)(end - dir) : 1,
                             end > dir ? dir : ".", name);
            if (n >= (int)sizeof file) continue;
            execve(file, p->args, p->env);
            if (errno != ENOENT && errno != ENOTDIR) why = errno;
        }
    }
    errno = why;
    give_up(error_fd, why == ENOENT ? CODE_NOT_FOUND : CODE_CANNOT_RUN, "exec", name);
}

__attribute__((noreturn)) static void become(const struct gy_shim_config *cgroups,
                                             const struct gy_shim_config *p, const int stdio[3],
                                             pid_t parent, int error_fd)
{
    gy_shim_cgroup_enter(cgroups);
    setsid();
    set_stdio(p, stdio, error_fd);
    set_oom_score(p->oom_score);
    for (size_t i = 0; i < p->limit_count; i++)
        if (setrlimit((__rlimit_resource_t)p->limits[i].which, &p->limits[i].value) < 0) {
            char name[32];
            snprintf(name, sizeof name, "number %d", p->limits[i].which);
            give_up(error_fd, CODE_SETUP, "resource limit", name);
        }
    /* As root still: the way to the pod's own folder need not be open to its user. */
    struct stat cwd;
    if (chdir(p->cwd ? p->cwd : "/") < 0 || stat(".", &cwd) < 0)
        give_up(error_fd, CODE_SETUP, "working folder", p->cwd);
    umask(022);
    set_user(p, error_fd);
    /* Any other folder the user must be able to reach by themselves. */
    if (p->cwd && p->has_user && cwd.st_uid != p->uid && chdir(p->cwd) < 0)
        give_up(error_fd, CODE_SETUP, "working folder", p->cwd);
    if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        give_up(error_fd, CODE_SETUP, "prctl", "no_new_privs");
    /* Should the shim be killed, its container must not go on unseen.  A change of user clears
     * this. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) _exit(CODE_SETUP);
    reset_signals();
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    run(p, error_fd);
    _exit(CODE_NOT_FOUND);
}

int gy_shim_child_fork(const struct gy_shim_config *cgroups, const struct gy_shim_config *program,
                       const int stdio[3], struct gy_shim_child *out, char text[GY_SHIM_TEXT_MAX])
{
    int go[2], error[2];
    if (pipe2(go, O_CLOEXEC) < 0) return gy_shim_fail(text, "pipe: %s", strerror(errno));
    if (pipe2(error, O_CLOEXEC) < 0) {
        close(go[0]);
        close(go[1]);
        return gy_shim_fail(text, "pipe: %s", strerror(errno));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        char byte;
        close(go[1]);
        close(error[0]);
        if (read(go[0], &byte, 1) != 1) _exit(CODE_SETUP); /* not recorded: does not run */
        become(cgroups, program, stdio, parent, error[1]);
    }
    int why = errno;
    close(go[0]);
    close(error[1]);
    if (pid < 0) {
        close(go[1]);
        close(error[0]);
        return gy_shim_fail(text, "fork: %s", strerror(why));
    }
    *out = (struct gy_shim_child){pid, go[1], error[0]};
    return 0;
}

int gy_shim_child_release(struct gy_shim_child *child, char text[GY_SHIM_TEXT_MAX])
{
    char message[GY_SHIM_TEXT_MAX];
    (void)!write(child->go_fd, "g", 1);
    close(child->go_fd);
    ssize_t n;
    do
        n = read(child->error_fd, message, sizeof message - 1);
    while (n < 0 && errno == EINTR);
    close(child->error_fd);
    if (n <= 0) return 0; /* closed by exec */
    message[n] = '\0';
    gy_shim_fail(text, "%s", message + 1);
    return (unsigned char)message[0];
}
