/* SPDX-License-Identifier: Apache-2.0 */
/* exec: the shim runs the program beside the container's; its streams are ours, end to end.  With a
 * terminal the shim gives us its master, so size and bytes pass no third process. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHUNK_MAX 16384
#define INPUT_MAX 65536
#define RETRY_MS 5

struct output {
    struct exec *e;
    uint32_t channel;
    int fd; /* -1 = at its end */
    uint64_t watch, timer;
    size_t len; /* bytes that the host had no room for yet */
    char bytes[CHUNK_MAX];
};

struct exec {
    struct process_stream stream;
    struct process_job job; /* looks up the user */
    char *pod, *container, *user;
    bool tty, has_stdin, working, over, exited, input_ended;
    struct process_buf request, input;
    int socket, input_fd;
    uint64_t socket_watch, input_watch;
    struct output out[2];
    int code, signal;
    struct process_failure failure;
};

static void watch_output(struct output *o);

static void stop_watch(struct process_driver *d, uint64_t *watch)
{
    if (*watch) d->host->watch_stop(d->h, *watch);
    *watch = 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void close_output(struct output *o)
{
    stop_watch(o->e->stream.d, &o->watch);
    stop_watch(o->e->stream.d, &o->timer);
    close_fd(&o->fd);
}

static void close_input(struct exec *e)
{
    stop_watch(e->stream.d, &e->input_watch);
    close_fd(&e->input_fd);
    e->input.len = 0;
}

static void destroy(struct exec *e)
{
    close_input(e);
    for (int i = 0; i < 2; i++)
        close_output(&e->out[i]);
    stop_watch(e->stream.d, &e->socket_watch);
    close_fd(&e->socket); /* the shim kills what still runs of it */
    free(e->pod);
    free(e->container);
    free(e->user);
    free(e->request.bytes);
    free(e->input.bytes);
    free(e);
}

static void end(struct process_stream *stream, gantry_status status, const char *text)
{
    struct exec *e = (struct exec *)stream;
    process_stream_drop(stream);
    stream->d->host->op_failf(stream->d->h, stream->op, status, "%s", text);
    e->over = true;
    if (!e->working) destroy(e);
}

/* The end of the program and the end of its output come in any order. */
static void check_end(struct exec *e)
{
    struct process_driver *d = e->stream.d;
    if (!e->exited || e->out[0].fd >= 0 || e->out[1].fd >= 0) return;
    gantry_container_status result = {.size = sizeof result,
                                      .state = GANTRY_CONTAINER_EXITED,
                                      .exit_code = e->code,
                                      .exit_signal = e->signal,
                                      .name = process_str(e->container)};
    process_stream_drop(&e->stream);
    d->host->op_done(d->h, e->stream.op, &result);
    destroy(e);
}

/* false: the exec is gone. */
static bool emit(struct output *o)
{
    struct process_driver *d = o->e->stream.d;
    gantry_chunk chunk = {.size = sizeof chunk, .channel = o->channel, .bytes = {o->bytes, o->len}};
    gantry_status status = d->host->op_emit(d->h, o->e->stream.op, &chunk);
    if (status == GANTRY_EBUSY) return true; /* o->len stays: tried again */
    o->len = 0;
    if (status == GANTRY_OK) return true;
    end(&o->e->stream, GANTRY_ECANCELED, "nobody listens");
    return false;
}

static void retry_output(void *arg)
{
    struct output *o = arg;
    o->timer = 0;
    if (emit(o)) watch_output(o);
}

static void output_ready(void *arg, int fd, uint32_t events)
{
    struct output *o = arg;
    (void)events;
    ssize_t n = read(fd, o->bytes, sizeof o->bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { /* EIO: nobody has the terminal open any more */
        close_output(o);
        check_end(o->e);
        return;
    }
    o->len = (size_t)n;
    if (!emit(o) || !o->len) return;
    stop_watch(o->e->stream.d, &o->watch);
    watch_output(o);
}

static void watch_output(struct output *o)
{
    struct process_driver *d = o->e->stream.d;
    if (o->len)
        o->timer = d->host->timer_start(d->h, RETRY_MS, 0, retry_output, o);
    else
        o->watch = d->host->fd_watch(d->h, o->fd, GANTRY_FD_READABLE, output_ready, o);
    if (!o->watch && !o->timer) end(&o->e->stream, GANTRY_EUNAVAIL, "the host has no watch left");
}

static void write_input(struct exec *e)
{
    while (e->input.len) {
        ssize_t n = write(e->input_fd, e->input.bytes, e->input.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) { /* the program closed its input */
            e->input_ended = true;
            break;
        }
        e->input.len -= (size_t)n;
        memmove(e->input.bytes, e->input.bytes + n, e->input.len);
    }
    if (e->input_ended) close_input(e);
}

static void input_ready(void *arg, int fd, uint32_t events)
{
    struct exec *e = arg;
    (void)fd;
    (void)events;
    stop_watch(e->stream.d, &e->input_watch);
    write_input(e);
    if (e->input.len && e->input_fd >= 0)
        e->input_watch = e->stream.d->host->fd_watch(e->stream.d->h, e->input_fd,
                                                     GANTRY_FD_WRITABLE, input_ready, e);
}

static void take_master(struct exec *e, int master)
{
    fcntl(master, F_SETFL, O_NONBLOCK);
    e->out[0].fd = master;
    e->input_fd = e->has_stdin ? fcntl(master, F_DUPFD_CLOEXEC, 0) : -1;
    watch_output(&e->out[0]);
}

static void answered(void *arg, int fd, uint32_t events)
{
    struct exec *e = arg;
    char text[1024];
    int passed, code, sig, at = 0;
    (void)events;
    ssize_t n = process_answer(fd, text, sizeof text, &passed);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0 && passed >= 0 && e->tty && e->out[0].fd < 0) {
        take_master(e, passed);
    } else if (n > 0 && sscanf(text, "exit %d %d", &code, &sig) == 2) {
        e->exited = true, e->code = code, e->signal = sig;
        stop_watch(e->stream.d, &e->socket_watch);
        check_end(e);
    } else if (n > 0 && sscanf(text, "error %d %n", &code, &at) == 1 && at) {
        end(&e->stream, GANTRY_EINVAL, text + at);
    } else if (n <= 0) {
        end(&e->stream, GANTRY_EUNAVAIL, "the container ended, or its keeper was killed");
    }
}

/* The program's ends go to the shim, ours stay. */
static int make_pipes(struct exec *e, int theirs[3])
{
    int pair[2];
    for (int i = 0; i < 3; i++)
        theirs[i] = -1;
    if (e->has_stdin) {
        if (pipe2(pair, O_CLOEXEC) < 0) return -1;
        theirs[0] = pair[0];
        e->input_fd = pair[1];
        fcntl(pair[1], F_SETFL, O_NONBLOCK);
    } else if ((theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (pipe2(pair, O_CLOEXEC) < 0) return -1;
        e->out[i].fd = pair[0];
        theirs[1 + i] = pair[1];
        fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void begin(struct exec *e)
{
    struct process_driver *d = e->stream.d;
    int theirs[3] = {-1, -1, -1};
    e->socket = process_connect(d, e->pod, e->container);
    if (e->socket < 0) {
        end(&e->stream, GANTRY_ENOTFOUND, "the container does not run");
        return;
    }
    bool ok = e->tty || make_pipes(e, theirs) == 0;
    ok = ok && process_request(e->socket, &e->request, e->tty ? NULL : theirs) == 0;
    int why = errno;
    for (int i = 0; i < 3; i++)
        close_fd(&theirs[i]);
    if (ok) e->socket_watch = d->host->fd_watch(d->h, e->socket, GANTRY_FD_READABLE, answered, e);
    if (!ok || !e->socket_watch) {
        end(&e->stream, why == EMSGSIZE ? GANTRY_EINVAL : GANTRY_EUNAVAIL,
            why == EMSGSIZE ? "the command and its environment are too long" : strerror(why));
        return;
    }
    gantry_op op = e->stream.op;
    for (int i = 0; i < 2 && !e->tty; i++)
        if (process_stream_find(d, op)) watch_output(&e->out[i]);
}

static struct exec *of_job(struct process_job *job)
{
    return (struct exec *)(void *)((char *)job - offsetof(struct exec, job));
}

static void run(struct process_job *job)
{
    struct exec *e = of_job(job);
    struct process_user user = {0};
    if (process_user_find(job->d, e->user, &user, &e->failure) == GANTRY_OK)
        process_user_entries(&user, &e->request);
    process_user_fini(&user);
}

static void done(struct process_job *job)
{
    struct exec *e = of_job(job);
    e->working = false;
    if (e->over)
        destroy(e);
    else if (job->failed)
        end(&e->stream, GANTRY_EUNAVAIL, "the driver is shutting down");
    else if (e->failure.status != GANTRY_OK)
        end(&e->stream, e->failure.status, e->failure.text);
    else
        begin(e);
}

static const char *check(const gantry_exec *x)
{
    if (!process_is_name(x->pod) || !process_is_name(x->container))
        return "exec: not names of a pod and a container";
    if (!x->arg_count) return "exec: no program is named";
    if (x->workdir.len && x->workdir.ptr[0] != '/')
        return "exec: the working folder must begin with /";
    for (uint32_t i = 0; i < x->arg_count; i++)
        if (x->args[i].len && memchr(x->args[i].ptr, 0, x->args[i].len))
            return "exec: a word of the command holds NUL";
    for (uint32_t i = 0; i < x->env_count; i++)
        if (!x->env[i].key.len || memchr(x->env[i].key.ptr, 0, x->env[i].key.len) ||
            memchr(x->env[i].key.ptr, '=', x->env[i].key.len) ||
            (x->env[i].value.len && memchr(x->env[i].value.ptr, 0, x->env[i].value.len)))
            return "exec: a variable's name is empty or holds '=' or NUL";
    return NULL;
}

static void write_request(struct exec *e, const gantry_exec *x)
{
    struct process_buf *b = &e->request;
    process_request_begin(b, "exec");
    for (uint32_t i = 0; i < x->arg_count; i++)
        process_buf_entry(b, "arg", x->args[i]);
    for (uint32_t i = 0; i < x->env_count; i++) {
        process_buf_add(b, "env=", 4);
        process_buf_add(b, x->env[i].key.ptr, x->env[i].key.len);
        process_buf_entry(b, "", x->env[i].value);
    }
    if (x->workdir.len) process_buf_entry(b, "cwd", x->workdir);
    if (!e->tty) return;
    process_buf_number(b, "tty", 1);
    process_buf_number(b, "width", x->width);
    process_buf_number(b, "height", x->height);
}

static void exec(void *self, gantry_op op, const gantry_exec *x)
{
    struct process_driver *d = self;
    const char *wrong = check(x);
    if (wrong) {
        d->host->op_failf(d->h, op, GANTRY_EINVAL, "%s", wrong);
        return;
    }
    struct exec *e = process_alloc(1, sizeof *e);
    e->stream = (struct process_stream){.d = d, .op = op, .end = end};
    e->job = (struct process_job){.d = d, .run = run, .done = done};
    e->pod = process_dup(x->pod);
    e->container = process_dup(x->container);
    e->user = process_dup(x->user);
    e->tty = x->flags & GANTRY_EXEC_TTY;
    e->has_stdin = x->flags & GANTRY_EXEC_STDIN;
    e->socket = e->input_fd = -1;
    for (uint32_t i = 0; i < 2; i++) {
        e->out[i].e = e;
        e->out[i].fd = -1;
        e->out[i].channel = i ? GANTRY_CHANNEL_STDERR : GANTRY_CHANNEL_STDOUT;
    }
    write_request(e, x);
    process_stream_add(&e->stream);
    e->working = *e->user != '\0';
    if (e->working)
        process_job_submit(&e->job);
    else
        begin(e); /* the container's own user */
}

static struct exec *find(void *self, gantry_op op)
{
    struct process_stream *s = process_stream_find(self, op);
    return s && s->end == end ? (struct exec *)s : NULL;
}

static gantry_status input(void *self, gantry_op op, gantry_bytes bytes)
{
    struct exec *e = find(self, op);
    if (!e || !e->has_stdin) return GANTRY_ENOTFOUND;
    if (e->input_ended) return bytes.len ? GANTRY_ENOTFOUND : GANTRY_OK;
    if (e->input_fd < 0) return GANTRY_EBUSY; /* not begun yet */
    if (e->input.len + bytes.len > INPUT_MAX && e->input.len) return GANTRY_EBUSY;
    if (bytes.len)
        process_buf_add(&e->input, bytes.ptr, bytes.len);
    else if (e->tty)
        process_buf_add(&e->input, "\004", 1); /* a terminal's end of input is a character */
    e->input_ended = !bytes.len && !e->tty;
    if (!e->input_watch) input_ready(e, e->input_fd, 0);
    return GANTRY_OK;
}

static gantry_status resize(void *self, gantry_op op, uint32_t width, uint32_t height)
{
    struct exec *e = find(self, op);
    if (!e || !e->tty) return GANTRY_ENOTFOUND;
    if (e->out[0].fd < 0) return GANTRY_EBUSY;
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};
    return ioctl(e->out[0].fd, TIOCSWINSZ, &size) == 0 ? GANTRY_OK : GANTRY_EUNAVAIL;
}

const gantry_driver_exec process_exec_extension = {
    .size = sizeof process_exec_extension, .exec = exec, .input = input, .resize = resize};
