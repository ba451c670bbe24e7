/* SPDX-License-Identifier: Apache-2.0 */
/* The loop, and the socket `sock`.  A request is one message: a verb, NUL, then entries as in the
 * config. wait                       -> the journal's E line, when the container has ended stop
 * signal= grace_ms=     -> the same; SIGKILL to all after grace_ms signal signal=             ->
 * "ok" resize width= height=      -> "ok" exec arg= env= cwd= uid= ... [tty=1 width= height=], with
 * three descriptors unless tty
 *                              -> "ok PID" (tty: with the terminal's master), then "exit CODE
 * SIGNAL" anything wrong             -> "error SENTENCE"; exec: "error CODE SENTENCE" Whoever
 * leaves a connection takes its exec with it. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define REQUEST_MAX (1u << 20)
#define KILL_ROUND_MS 10
#define JOURNAL_RETRY_MS 1000
#define DRAIN_READS_MAX 512 /* of 8 KiB: more than a pipe holds */

struct client {
    int fd; /* -1 = free place */
    bool waits;
    pid_t exec_pid; /* 0 = none */
};

struct loop {
    struct gy_shim *shim;
    struct client clients[CLIENTS_MAX];
    int64_t kill_at_ms; /* CLOCK_BOOTTIME; 0 = never */
    bool main_ended, all_ended;
    struct gy_shim_end end;
};

static int64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int gy_shim_listen(char text[GY_SHIM_TEXT_MAX])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink("sock"); /* of an attempt that is over: we hold the lock */
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, CLIENTS_MAX) == 0)
        return fd;
    gy_shim_fail(text, "sock: %s", strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

static void answer(const struct client *c, const char *text, size_t len, int pass_fd)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = len};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (pass_fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &pass_fd, sizeof(int));
    }
    /* Who does not read loses its answer; its own asking again finds the truth. */
    sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void answer_text(const struct client *c, const char *text)
{
    answer(c, text, strlen(text), -1);
}

static void leave(struct client *c)
{
    if (c->exec_pid) kill(-c->exec_pid, SIGKILL); /* its session; the leader is not reaped yet */
    close(c->fd);
    *c = (struct client){.fd = -1};
}

static void exec_failed(struct client *c, int code, const char *sentence)
{
    char line[GY_SHIM_TEXT_MAX + 32];
    snprintf(line, sizeof line, "error %d %s", code, sentence);
    answer_text(c, line);
}

/* The container's environment with the request's entries in front; a key is never there twice. */
static char **environment(const struct gy_shim_config *base, const struct gy_shim_config *request)
{
    char **env = calloc(base->env_count + request->env_count + 1, sizeof *env);
    size_t n = request->env_count;
    if (!env) return NULL;
    memcpy(env, request->env, n * sizeof *env);
    for (size_t i = 0; i < base->env_count; i++) {
        size_t key = strcspn(base->env[i], "=") + 1;
        bool replaced = false;
        for (size_t k = 0; k < request->env_count && !replaced; k++)
            replaced = !strncmp(request->env[k], base->env[i], key);
        if (!replaced) env[n++] = base->env[i];
    }
    return env;
}

static void do_exec(struct loop *l, struct client *c, struct gy_shim_config *request, int fds[3])
{
    const struct gy_shim_config *base = &l->shim->config;
    struct gy_shim_config program = *request;
    struct gy_shim_child child;
    char text[GY_SHIM_TEXT_MAX];
    int master = -1, slave = -1;
    if (!request->arg_count) {
        exec_failed(c, 125, "exec: no program is named");
        return;
    }
    if (!request->tty && fds[2] < 0) {
        exec_failed(c, 125, "exec: three descriptors expected");
        return;
    }
    if (request->tty &&
        gy_shim_pty_open(&master, &slave, request->width, request->height, text) < 0) {
        exec_failed(c, 125, text);
        return;
    }
    if (!program.cwd) program.cwd = base->cwd;
    if (!program.has_user) {
        program.has_user = base->has_user, program.uid = base->uid, program.gid = base->gid;
        program.groups = base->groups, program.group_count = base->group_count;
    }
    program.limits = base->limits, program.limit_count = base->limit_count;
    program.no_new_privs = base->no_new_privs;
    program.oom_score = base->oom_score;
    program.env = environment(base, request);
    int terminal[3] = {slave, slave, slave};
    int code = 125;
    if (!program.env)
        gy_shim_fail(text, "exec: out of memory");
    else if (gy_shim_child_fork(base, &program, request->tty ? terminal : fds, &child, text) == 0 &&
             (code = gy_shim_child_release(&child, text)) == 0) {
        char line[32];
        c->exec_pid = child.pid;
        snprintf(line, sizeof line, "ok %d", (int)child.pid);
        answer(c, line, strlen(line), master);
    }
    if (code) exec_failed(c, code, text);
    free(program.env);
    if (slave >= 0) close(slave);
    if (master >= 0) close(master);
}

static void do_stop(struct loop *l, struct client *c, const struct gy_shim_config *request)
{
    int64_t at =
        boot_ms() + (int64_t)(request->grace_ms < INT32_MAX ? request->grace_ms : INT32_MAX);
    c->waits = true;
    if (l->main_ended) return;
    if (request->signal && request->grace_ms) kill(l->shim->main_pid, (int)request->signal);
    if (!l->kill_at_ms || at < l->kill_at_ms) l->kill_at_ms = at;
}

static void do_resize(struct loop *l, struct client *c, const struct gy_shim_config *request)
{
    struct winsize size = {.ws_row = (unsigned short)request->height,
                           .ws_col = (unsigned short)request->width};
    if (l->shim->tty_fd < 0) {
        answer_text(c, "error the container has no terminal");
        return;
    }
    ioctl(l->shim->tty_fd, TIOCSWINSZ, &size);
    answer_text(c, "ok");
}

static void request(struct loop *l, struct client *c, char *bytes, size_t len, int fds[3])
{
    struct gy_shim_config parsed;
    char text[GY_SHIM_TEXT_MAX];
    size_t verb = strnlen(bytes, len);
    if (verb == len) {
        answer_text(c, "error request without an end");
        return;
    }
    if (gy_shim_config_parse(bytes + verb + 1, len - verb - 1, &parsed, text) < 0) {
        char line[GY_SHIM_TEXT_MAX + 16];
        snprintf(line, sizeof line, "error %s", text);
        {
            answer_text(c, line);
            return;
        }
    }
    if (!strcmp(bytes, "wait"))
        c->waits = true;
    else if (!strcmp(bytes, "stop"))
        do_stop(l, c, &parsed);
    else if (!strcmp(bytes, "signal"))
        answer_text(c, !l->main_ended && parsed.signal &&
                               kill(l->shim->main_pid, (int)parsed.signal) == 0
                           ? "ok"
                           : "error the signal could not be sent");
    else if (!strcmp(bytes, "resize"))
        do_resize(l, c, &parsed);
    else if (!strcmp(bytes, "exec") && !c->exec_pid && !l->main_ended)
        do_exec(l, c, &parsed, fds);
    else if (!strcmp(bytes, "exec"))
        exec_failed(c, 125, l->main_ended ? "the container has ended" : "busy with another exec");
    else
        answer_text(c, "error unknown request");
    gy_shim_config_fini(&parsed);
}

/* Descriptors that came with a message; all are ours to close. */
static void take_fds(struct msghdr *message, int fds[3])
{
    int n = 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
            if (n < 3)
                fds[n++] = fd;
            else
                close(fd);
        }
    }
}

static void receive(struct loop *l, struct client *c)
{
    char probe;
    ssize_t size = recv(c->fd, &probe, 1, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0 || (size_t)size > REQUEST_MAX) {
        leave(c);
        return;
    }
    /* Mapped for the moment only: an idle shim stays small. */
    char *bytes =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        leave(c);
        return;
    }
    struct iovec part = {.iov_base = bytes, .iov_len = (size_t)size};
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fds[3] = {-1, -1, -1};
    ssize_t n = recvmsg(c->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n > 0) take_fds(&message, fds);
    if (n > 0)
        request(l, c, bytes, (size_t)n, fds);
    else
        leave(c);
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0) close(fds[i]);
    munmap(bytes, (size_t)size);
}

static void accept_client(struct loop *l)
{
    struct ucred who;
    socklen_t len = sizeof who;
    int fd = accept4(l->shim->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
        (who.uid == 0 || who.uid == geteuid()))
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (l->clients[i].fd < 0) {
                l->clients[i] = (struct client){.fd = fd};
                return;
            }
    close(fd);
}

static void child_ended(struct loop *l, pid_t pid, int status)
{
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int code = sig ? 128 + sig : WEXITSTATUS(status);
    if (pid == l->shim->main_pid) {
        l->main_ended = true;
        l->end.code = code;
        l->end.signal = sig;
        l->end.ended_ms = gy_shim_wall_ms();
        if (code && gy_shim_cgroup_had_oom(&l->shim->config)) l->end.flags |= GY_SHIM_EXIT_OOM;
        return;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &l->clients[i];
        if (c->fd < 0 || c->exec_pid != pid) continue;
        char line[48];
        snprintf(line, sizeof line, "exit %d %d", code, sig);
        c->exec_pid = 0;
        answer_text(c, line);
    }
}

static void reap(struct loop *l)
{
    struct signalfd_siginfo info;
    while (read(l->shim->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
    }
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) {
            child_ended(l, pid, status);
            continue;
        }
        l->all_ended = pid < 0 && errno == ECHILD;
        return;
    }
}

static void close_output(struct gy_shim *s, int i)
{
    if (s->out_fd[i] < 0) return;
    close(s->out_fd[i]);
    if (s->out_fd[i] == s->tty_fd) s->tty_fd = -1;
    s->out_fd[i] = -1;
}

/* One turn: wait for something, at most timeout_ms, and handle it. */
static void turn(struct loop *l, int timeout_ms)
{
    struct gy_shim *s = l->shim;
    struct pollfd fds[4 + CLIENTS_MAX] = {{s->signal_fd, POLLIN, 0},
                                          {s->listen_fd, POLLIN, 0},
                                          {s->out_fd[0], POLLIN, 0},
                                          {s->out_fd[1], POLLIN, 0}};
    for (size_t i = 0; i < CLIENTS_MAX; i++) /* a negative descriptor is left out */
        fds[4 + i] = (struct pollfd){l->clients[i].fd, POLLIN, 0};
    if (poll(fds, 4 + CLIENTS_MAX, timeout_ms) < 0) return;
    for (int i = 0; i < 2; i++)
        if (fds[2 + i].revents && !gy_shim_logs_read(i, s->out_fd[i])) close_output(s, i);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (fds[4 + i].revents) receive(l, &l->clients[i]);
    if (fds[1].revents) accept_client(l);
    if (fds[0].revents) reap(l);
}

/* What is still in the pipes; a stranger that holds a write end does not keep us. */
static void drain(struct gy_shim *s)
{
    for (int i = 0; i < 2; i++) {
        struct pollfd p = {s->out_fd[i], POLLIN, 0};
        int reads = 0;
        while (p.fd >= 0 && reads++ < DRAIN_READS_MAX && poll(&p, 1, 0) == 1)
            if (!gy_shim_logs_read(i, p.fd)) break;
        close_output(s, i);
    }
    gy_shim_logs_flush();
}

static void tell_end(struct loop *l)
{
    char line[GY_SHIM_TEXT_MAX + 256];
    size_t len = gy_shim_journal_end_line(l->shim->attempt, &l->end, line, sizeof line);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (l->clients[i].fd >= 0 && l->clients[i].waits) answer(&l->clients[i], line, len, -1);
        if (l->clients[i].fd >= 0) leave(&l->clients[i]);
    }
}

static int next_timeout(const struct loop *l)
{
    if (l->main_ended) return KILL_ROUND_MS;
    if (!l->kill_at_ms) return -1;
    int64_t left = l->kill_at_ms - boot_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

void gy_shim_serve(struct gy_shim *s)
{
    static struct loop l;
    char text[GY_SHIM_TEXT_MAX];
    l.shim = s;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        l.clients[i].fd = -1;
    reap(&l);
    while (!l.all_ended) {
        bool due = l.kill_at_ms && boot_ms() >= l.kill_at_ms;
        if (l.main_ended || due) gy_shim_kill_descendants(&s->config);
        if (due) l.kill_at_ms = boot_ms() + KILL_ROUND_MS;
        turn(&l, next_timeout(&l));
        if (l.main_ended) reap(&l);
    }
    drain(s);
    while (gy_shim_journal_ended(s->attempt, &l.end, text) < 0)
        turn(&l, JOURNAL_RETRY_MS); /* a full disk: try until it is written, and serve meanwhile */
    gy_shim_cgroup_remove(&s->config);
    unlink("sock");
    tell_end(&l);
}
