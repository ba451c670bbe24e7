/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(char kind, const char *text)
{
    char line[GY_SHIM_TEXT_MAX + 8];
    int n = snprintf(line, sizeof line, "%c %s\n", kind, text);
    (void)!write(GY_SHIM_READY_FD, line, (size_t)n);
    close(GY_SHIM_READY_FD);
}

/* _exit everywhere: nothing is buffered, and nothing is to be done after the record is written. */
__attribute__((noreturn)) static void refuse(int code, const char *text)
{
    report('X', text);
    _exit(code);
}

/* Held until the process and every fork of it that has not become a program are gone. */
static int lock_folder(void)
{
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0) return -1;
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void set_signals(struct gy_shim *s)
{
    static const int ignored[] = {SIGPIPE, SIGHUP,  SIGINT,  SIGQUIT,
                                  SIGTERM, SIGTTOU, SIGTTIN, SIGTSTP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would reap by itself */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void spare_from_oom(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "-900", 4);
    close(fd);
}

static int open_stdio(struct gy_shim *s, int stdio[3], char text[GY_SHIM_TEXT_MAX])
{
    int pipes[2];
    if (s->config.tty) {
        if (gy_shim_pty_open(&s->tty_fd, &stdio[0], 0, 0, text) < 0) return -1;
        stdio[1] = stdio[2] = stdio[0];
        s->out_fd[0] = s->tty_fd;
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        if (pipe2(pipes, O_CLOEXEC) < 0) return gy_shim_fail(text, "pipe: %s", strerror(errno));
        s->out_fd[i] = pipes[0];
        stdio[1 + i] = pipes[1];
    }
    if (s->config.open_stdin) { /* its other end stays open here: no end of input */
        if (pipe2(pipes, O_CLOEXEC) < 0) return gy_shim_fail(text, "pipe: %s", strerror(errno));
        stdio[0] = pipes[0];
        return 0;
    }
    stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return stdio[0] < 0 ? gy_shim_fail(text, "/dev/null: %s", strerror(errno)) : 0;
}

/* The program could not run; the attempt is used up all the same, and its record says why. */
__attribute__((noreturn)) static void end_unstarted(struct gy_shim *s, int code,
                                                    const char *sentence)
{
    struct gy_shim_end end = {.code = code, .ended_ms = gy_shim_wall_ms()};
    char text[GY_SHIM_TEXT_MAX];
    snprintf(end.text, sizeof end.text, "%s", sentence);
    while (gy_shim_journal_ended(s->attempt, &end, text) < 0)
        sleep(1);
    gy_shim_cgroup_remove(&s->config);
    unlink("sock");
    report('F', sentence);
    _exit(0);
}

static void start(struct gy_shim *s, const char *missing)
{
    char text[GY_SHIM_TEXT_MAX];
    struct gy_shim_child child;
    int stdio[3] = {-1, -1, -1};
    if (open_stdio(s, stdio, text) < 0 ||
        gy_shim_child_fork(&s->config, &s->config, stdio, &child, text) < 0)
        refuse(GY_SHIM_EXIT_FOLDER, text);
    if (gy_shim_journal_started(s->attempt, child.pid, text) < 0) {
        close(child.go_fd); /* without a record it does not run */
        waitpid(child.pid, NULL, 0);
        gy_shim_cgroup_remove(&s->config);
        unlink("sock");
        refuse(GY_SHIM_EXIT_FOLDER, text);
    }
    int code = gy_shim_child_release(&child, text);
    if (code) {
        waitpid(child.pid, NULL, 0);
        end_unstarted(s, code, text);
    }
    s->main_pid = child.pid;
    for (int i = 0; i < (s->config.tty ? 1 : 3); i++)
        close(stdio[i]);
    for (int i = 0; i < 2; i++)
        if (s->out_fd[i] >= 0) fcntl(s->out_fd[i], F_SETFL, O_NONBLOCK);
    report('R', missing);
}

int main(int argc, char **argv)
{
    static struct gy_shim s = {.out_fd = {-1, -1}, .tty_fd = -1, .signal_fd = -1, .listen_fd = -1};
    char text[GY_SHIM_TEXT_MAX], missing[64], *end;
    uint64_t last;
    if (argc != 3 || !(s.attempt = strtoull(argv[2], &end, 10)) || *end) {
        static const char usage[] = "usage: gantry-shim FOLDER ATTEMPT (started by gantryd)\n";
        (void)!write(2, usage, sizeof usage - 1);
        return GY_SHIM_EXIT_USAGE;
    }
    syscall(SYS_close_range, GY_SHIM_READY_FD + 1u, ~0u, 0u);
    fcntl(GY_SHIM_READY_FD, F_SETFD, FD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (chdir(argv[1]) < 0) {
        gy_shim_fail(text, "%s: %s", argv[1], strerror(errno));
        refuse(GY_SHIM_EXIT_FOLDER, text);
    }
    if (lock_folder() < 0) {
        bool busy = errno == EAGAIN || errno == EACCES;
        gy_shim_fail(text, "lock: %s", busy ? "held by another shim" : strerror(errno));
        refuse(busy ? GY_SHIM_EXIT_BUSY : GY_SHIM_EXIT_FOLDER, text);
    }
    if (gy_shim_config_load(&s.config, text) < 0) refuse(GY_SHIM_EXIT_CONFIG, text);
    if (gy_shim_journal_open(&last, text) < 0) refuse(GY_SHIM_EXIT_FOLDER, text);
    if (s.attempt <= last) {
        gy_shim_fail(text, "attempt %s is not above %llu, which was started before", argv[2],
                     (unsigned long long)last);
        refuse(GY_SHIM_EXIT_OLD, text);
    }
    /* The starter waits for this process only; the keeper belongs to init, which reaps it. */
    pid_t keeper = fork();
    if (keeper) _exit(keeper < 0 ? GY_SHIM_EXIT_FOLDER : 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    set_signals(&s);
    spare_from_oom();
    if ((s.listen_fd = gy_shim_listen(text)) < 0) refuse(GY_SHIM_EXIT_FOLDER, text);
    gy_shim_logs_open(s.attempt, s.config.log_max_bytes, s.config.log_files);
    gy_shim_cgroup_create(&s.config, missing, sizeof missing);
    start(&s, missing);
    gy_shim_serve(&s);
    _exit(0);
}
