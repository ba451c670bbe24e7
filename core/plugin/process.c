/* SPDX-License-Identifier: Apache-2.0 */
/* gantry.host.process/1: programs for plugins, by posix_spawn, waited for on the loop through a
 * pidfd. */
#include "base/time.h"
#include "plugin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <gantry/process.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_DEFAULT_MS 60000
#define OUTPUT_DEFAULT (64u * 1024)
#define OUTPUT_MOST (16u * 1024 * 1024)
#define ARGS_MOST 4096
#define INPUT_MOST (64u * 1024 * 1024)

struct stream {
    int fd; /* -1: closed */
    uint64_t watch;
    struct gy_buf bytes;
    uint32_t cut_flag;
};

struct gy_child {
    LIST_ENTRY(gy_child) link;
    struct gy_instance *instance;
    uint64_t id, exit_watch, limit_watch;
    pid_t pid;
    int pidfd;
    struct stream out, err;
    size_t output_max;
    uint32_t flags;
    void (*done)(void *arg, const gantry_process_result *);
    void *arg;
};

static void close_stream(struct gy_child *c, struct stream *s)
{
    if (s->fd < 0) return;
    gy_watch_stop(c->instance, s->watch);
    close(s->fd);
    s->fd = -1;
}

/* Read what is there.  Beyond the bound it is read and dropped, so that the program does not block.
 */
static void read_stream(struct gy_child *c, struct stream *s, size_t turns)
{
    char chunk[16384];
    while (s->fd >= 0 && turns-- > 0) {
        ssize_t got = read(s->fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            close_stream(c, s);
            return;
        }
        size_t room = c->output_max - s->bytes.len;
        size_t keep = (size_t)got < room ? (size_t)got : room;
        gy_buf_add(&s->bytes, chunk, keep);
        if (keep < (size_t)got) c->flags |= s->cut_flag;
    }
}

static void on_stream(void *arg, int fd, uint32_t events)
{
    struct gy_child *c = arg;
    (void)events;
    read_stream(c, fd == c->out.fd ? &c->out : &c->err, 4);
}

static void fill_exit(struct gy_child *c, gantry_process_result *r)
{
    siginfo_t info = {0};
    int rc;
    do
        rc = waitid((idtype_t)P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 || info.si_pid == 0) /* killed, and the kernel has not let go of it */
        r->exit_signal = SIGKILL;
    else if (info.si_code == CLD_EXITED)
        r->exit_code = info.si_status;
    else
        r->exit_signal = info.si_status;
}

static void free_child(struct gy_child *c)
{
    close_stream(c, &c->out);
    close_stream(c, &c->err);
    gy_buf_fini(&c->out.bytes);
    gy_buf_fini(&c->err.bytes);
    if (c->pidfd >= 0) close(c->pidfd);
    free(c);
}

static void finish(struct gy_child *c)
{
    struct gy_instance *inst = c->instance;
    LIST_REMOVE(c, link);
    gy_watch_stop(inst, c->exit_watch);
    gy_watch_stop(inst, c->limit_watch);
    read_stream(c, &c->out, SIZE_MAX); /* what it left in the pipes; others may hold them open */
    read_stream(c, &c->err, SIZE_MAX);
    gantry_process_result r = {.size = sizeof r, .flags = c->flags};
    fill_exit(c, &r);
    r.output = (gantry_bytes){c->out.bytes.text, c->out.bytes.len};
    r.errors = (gantry_bytes){c->err.bytes.text, c->err.bytes.len};
    GY_CALL(inst, "process", c->done(c->arg, &r));
    free_child(c);
}

static void on_exit_ready(void *arg, int fd, uint32_t events)
{
    (void)fd, (void)events;
    finish(arg);
}

static void on_limit(void *arg)
{
    struct gy_child *c = arg;
    c->limit_watch = 0;
    c->flags |= GANTRY_PROCESS_TIMED_OUT;
    kill(-c->pid, SIGKILL);
}

/* The strings of a program, NUL-terminated; NULL-terminated array.  NULL: one has a NUL inside. */
static char **copy_args(const gantry_process *p)
{
    char **argv = gy_alloc_array(p->arg_count + 1, sizeof *argv);
    for (uint32_t i = 0; i < p->arg_count; i++)
        argv[i] = gy_str_dup(p->args[i]);
    return argv;
}

static char **copy_env(const gantry_process *p)
{
    char **env = gy_alloc_array(p->env_count + 1, sizeof *env);
    for (uint32_t i = 0; i < p->env_count; i++)
        env[i] = gy_printf("%.*s=%.*s", (int)p->env[i].key.len, p->env[i].key.ptr,
                           (int)p->env[i].value.len, p->env[i].value.ptr);
    return env;
}

static void free_strings(char **strings)
{
    for (size_t i = 0; strings[i]; i++)
        free(strings[i]);
    free(strings);
}

/* A file in memory: a program may read it at any pace, and seek. */
static int open_input(gantry_bytes input)
{
    if (input.len == 0) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("gantry-stdin", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < input.len;) {
        ssize_t n = write(fd, (const char *)input.ptr + at, input.len - at);
        if (n > 0) at += (size_t)n;
        if (n < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    if (fd >= 0) lseek(fd, 0, SEEK_SET);
    return fd;
}

static int spawn(pid_t *pid, const gantry_process *p, const int fds[3])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    char **argv = copy_args(p), **env = copy_env(p);
    gy_autofree char *workdir = p->workdir.len ? gy_str_dup(p->workdir) : gy_strdup("/");
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawn_file_actions_addchdir_np(&actions, workdir);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int rc = posix_spawn(pid, argv[0], &actions, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free_strings(argv);
    free_strings(env);
    return rc;
}

/* Pipes and the process; the child's ends are closed again.  An errno. */
static int start(struct gy_child *c, const gantry_process *p)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, rc = 0;
    int in = open_input(p->input);
    if (in < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) rc = errno;
    if (rc == 0) rc = spawn(&c->pid, p, (const int[3]){in, out[1], err[1]});
    if (rc == 0) {
        c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
        if (c->pidfd < 0) {
            rc = errno;
            kill(-c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
        }
    }
    if (in >= 0) close(in);
    if (out[1] >= 0) close(out[1]);
    if (err[1] >= 0) close(err[1]);
    c->out.fd = out[0];
    c->err.fd = err[0];
    if (out[0] >= 0) fcntl(out[0], F_SETFL, O_NONBLOCK);
    if (err[0] >= 0) fcntl(err[0], F_SETFL, O_NONBLOCK);
    return rc;
}

static gantry_status check(const gantry_process *p, struct gy_error *err)
{
    if (p->arg_count == 0 || p->arg_count > ARGS_MOST || p->env_count > ARGS_MOST)
        return gy_error_set(err, GANTRY_EINVAL, "a program has 1 to %d arguments, not %u",
                            ARGS_MOST, (unsigned)p->arg_count);
    if (p->args[0].len == 0 || p->args[0].ptr[0] != '/')
        return gy_error_set(err, GANTRY_EINVAL,
                            "a program is named by an absolute path, not \"%.*s\"",
                            (int)p->args[0].len, p->args[0].ptr);
    if (p->input.len > INPUT_MOST || p->flags)
        return gy_error_set(err, GANTRY_EINVAL,
                            "its input is over 64 MiB, or it has unknown flags");
    return GANTRY_OK;
}

static uint64_t run_copy(struct gy_instance *inst, const gantry_process *p, struct gy_child *c,
                         struct gy_error *err)
{
    if (check(p, err) != GANTRY_OK) return 0;
    c->output_max = p->output_max == 0            ? OUTPUT_DEFAULT
                    : p->output_max > OUTPUT_MOST ? OUTPUT_MOST
                                                  : (size_t)p->output_max;
    int rc = start(c, p);
    if (rc != 0) {
        gy_error_set(err, rc == ENOENT ? GANTRY_ENOTFOUND : GANTRY_EUNAVAIL,
                     "cannot start %.*s: %s", (int)p->args[0].len, p->args[0].ptr, strerror(rc));
        return 0;
    }
    c->out.watch = gy_watch_own_fd(inst, c->out.fd, on_stream, c);
    c->err.watch = gy_watch_own_fd(inst, c->err.fd, on_stream, c);
    c->exit_watch = gy_watch_own_fd(inst, c->pidfd, on_exit_ready, c);
    GY_ASSERT(c->out.watch && c->err.watch &&
              c->exit_watch); /* fresh descriptors that epoll takes */
    c->limit_watch = gy_watch_own_timer(
        inst, p->time_limit_ms ? p->time_limit_ms : LIMIT_DEFAULT_MS, on_limit, c);
    c->id = ++inst->ps->next_id;
    LIST_INSERT_HEAD(&inst->children, c, link);
    return c->id;
}

static uint64_t process_run(gantry_host *host, const gantry_process *process,
                            void (*done)(void *arg, const gantry_process_result *), void *arg,
                            gantry_error *error)
{
    struct gy_instance *inst = host->instance;
    struct gy_error own = GY_ERROR_INIT, *err = error ? &error->error : &own;
    if (!gy_plugins_on_loop(inst->ps) || inst->is_destroyed || !done) {
        gy_error_set(err, GANTRY_EINVAL,
                     "process.run is called on the loop, with a done function, "
                     "while the instance lives");
        return 0;
    }
    size_t bytes;
    gantry_process *copy = gy_copy(gy_abi_copy_type(GY_ABI_PROCESS), process, &bytes, err);
    if (!copy) return 0;
    struct gy_child *c = gy_alloc(sizeof *c);
    c->instance = inst;
    c->pidfd = c->out.fd = c->err.fd = -1;
    c->out.cut_flag = GANTRY_PROCESS_STDOUT_CUT;
    c->err.cut_flag = GANTRY_PROCESS_STDERR_CUT;
    c->done = done;
    c->arg = arg;
    uint64_t id = run_copy(inst, copy, c, err);
    if (!id) free_child(c);
    explicit_bzero(copy, bytes); /* environment and input may be secret */
    free(copy);
    return id;
}

static gantry_status process_kill(gantry_host *host, uint64_t process, int32_t signal_number)
{
    struct gy_child *c;
    if (!gy_plugins_on_loop(host->instance->ps) || signal_number < 1) return GANTRY_EINVAL;
    LIST_FOREACH (c, &host->instance->children, link)
        if (c->id == process)
            return kill(-c->pid, signal_number) == 0 ? GANTRY_OK : GANTRY_ENOTFOUND;
    return GANTRY_ENOTFOUND;
}

/* They end at once: the wait is for the kernel only, and bounded. */
void gy_children_kill(struct gy_instance *inst)
{
    struct gy_child *c;
    while ((c = LIST_FIRST(&inst->children))) {
        kill(-c->pid, SIGKILL);
        struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
        while (poll(&p, 1, 1000) < 0 && errno == EINTR) {
        }
        finish(c);
    }
}

const gantry_host_process gy_host_process = {
    .size = sizeof gy_host_process,
    .run = process_run,
    .kill = process_kill,
};
