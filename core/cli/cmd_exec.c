/* SPDX-License-Identifier: Apache-2.0 */
/* A program in a pod: standard streams over one upgraded connection (core/net/stream.h). */
#include "cli/api.h"
#include "cli/ref.h"
#include "model/shape.h"
#include "net/stream.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct session {
    struct gy_cli *cli;
    int fd, signals;
    bool stdin_open, tty, ended;
    struct gy_buf out; /* to the server */
    struct gy_stream_parser parser;
    struct gy_stream_window in, window[3]; /* stdin; stdout and stderr by channel */
    struct termios saved;
    bool raw;
    int code; /* -1 = not known yet */
};

static int pick_pod(struct gy_cli *cli, char id[GY_ID_MAX])
{
    json_t *pods = NULL, *pod;
    int code = gy_cli_ref_pods(cli, cli->args[0], false, NULL, &pods);
    if (code) return code;
    size_t i;
    const char *best = NULL;
    int best_rank = 0;
    json_array_foreach (pods, i, pod) {
        const char *state = gy_json_text(pod, "state");
        int rank = !strcmp(state, "ready")      ? 3
                   : !strcmp(state, "running")  ? 2
                   : !strcmp(state, "starting") ? 1
                                                : 0;
        if (rank <= best_rank || !*gy_json_text(pod, "id")) continue;
        best_rank = rank;
        best = gy_json_text(pod, "id");
    }
    if (best)
        snprintf(id, GY_ID_MAX, "%s", best);
    else
        code = gy_cli_fail(cli, GY_CLI_FAILED, "see: gantry explain, gantry ps -a",
                           "%s has no running pod", cli->args[0]);
    json_decref(pods);
    return code;
}

static bool window_size(uint16_t *columns, uint16_t *rows)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return size.ws_col > 0 && size.ws_row > 0;
}

static char *make_path(struct gy_cli *cli, const char *id)
{
    struct gy_buf path = {0};
    uint16_t columns, rows;
    char number[8];
    gy_buf_str(&path, "/v1/pods");
    gy_cli_segment(&path, id);
    gy_buf_str(&path, "/exec");
    if (gy_cli_value(cli, "container"))
        gy_cli_query(&path, "container", gy_cli_value(cli, "container"));
    if (gy_cli_has(cli, "tty")) {
        gy_cli_query(&path, "tty", "true");
        if (window_size(&columns, &rows)) {
            snprintf(number, sizeof number, "%u", columns);
            gy_cli_query(&path, "width", number);
            snprintf(number, sizeof number, "%u", rows);
            gy_cli_query(&path, "height", number);
        }
    }
    if (gy_cli_has(cli, "interactive")) gy_cli_query(&path, "stdin", "true");
    if (gy_cli_value(cli, "user")) gy_cli_query(&path, "user", gy_cli_value(cli, "user"));
    if (gy_cli_value(cli, "workdir")) gy_cli_query(&path, "workdir", gy_cli_value(cli, "workdir"));
    for (size_t i = 1; i < cli->arg_count; i++)
        gy_cli_query(&path, "arg", cli->args[i]);
    return gy_buf_take(&path);
}

static void take_exit(struct session *s, const struct gy_stream_frame *frame)
{
    json_t *end = gy_json_parse((const char *)frame->bytes, frame->len, GY_STREAM_FRAME_MAX, NULL);
    const json_t *error = json_object_get(end, "error");
    const char *text =
        json_is_string(error) ? json_string_value(error) : gy_json_text(error, "message");
    int64_t number = gy_json_int(end, "exit_signal");
    if (!json_is_object(end))
        s->code = gy_cli_fail(s->cli, GY_CLI_FAILED, NULL, "the server's answer cannot be read");
    else if (*text)
        s->code = gy_cli_fail(s->cli,
                              !strcmp(gy_json_text(error, "status"), "ENOTFOUND") ? GY_CLI_NOT_FOUND
                                                                                  : GY_CLI_FAILED,
                              NULL, "%s", text);
    else
        s->code = number ? 128 + (int)number : (int)gy_json_int(end, "exit_code") & 255;
    s->ended = true;
    json_decref(end);
}

static void write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            poll(&p, 1, 1000);
            continue;
        }
        if (done < 0 && errno != EINTR)
            return; /* nobody reads: the program goes on, as in a pipe */
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
}

static bool on_frame(void *arg, const struct gy_stream_frame *frame)
{
    struct session *s = arg;
    uint32_t credit;
    if (frame->flags & GY_STREAM_FLAG_CREDIT) {
        if (frame->channel == GY_STREAM_STDIN && gy_stream_get_credit(frame, &credit))
            return gy_stream_window_credit(&s->in, credit, &s->cli->error) == GANTRY_OK;
        return true;
    }
    if (frame->channel == GY_STREAM_EXIT) {
        take_exit(s, frame);
        return false;
    }
    if (frame->channel != GY_STREAM_STDOUT && frame->channel != GY_STREAM_STDERR) return true;
    write_all(frame->channel == GY_STREAM_STDOUT ? STDOUT_FILENO : STDERR_FILENO, frame->bytes,
              frame->len);
    struct gy_stream_window *w = &s->window[frame->channel];
    if (gy_stream_window_arrived(w, frame->len, &s->cli->error) != GANTRY_OK) return false;
    if ((credit = gy_stream_window_consumed(w, frame->len)))
        gy_stream_put_credit(&s->out, (enum gy_stream_channel)frame->channel, credit);
    return true;
}

static bool feed(struct session *s, const void *bytes, size_t n)
{
    struct gy_error err = GY_ERROR_INIT;
    gantry_status status = gy_stream_parse(&s->parser, bytes, n, on_frame, s, &err);
    if (s->ended) return false;
    if (status == GANTRY_OK) return true;
    if (status != GANTRY_ECANCELED) s->cli->error = err;
    s->code = GY_CLI_FAILED;
    return false;
}

static bool read_server(struct session *s)
{
    char bytes[32768];
    ssize_t n = read(s->fd, bytes, sizeof bytes);
    if (n > 0) return feed(s, bytes, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    s->code = gy_cli_fail(s->cli, GY_CLI_FAILED, NULL,
                          "the connection ended before the program: what became of it is unknown");
    return false;
}

static void read_stdin(struct session *s)
{
    char bytes[16384];
    size_t room = s->in.may_send < sizeof bytes ? s->in.may_send : sizeof bytes;
    ssize_t n = read(STDIN_FILENO, bytes, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        gy_stream_put(&s->out, GY_STREAM_STDIN, GY_STREAM_FLAG_END, NULL, 0);
        s->stdin_open = false;
        return;
    }
    gy_stream_window_take(&s->in, (size_t)n);
    gy_stream_put(&s->out, GY_STREAM_STDIN, 0, bytes, (size_t)n);
}

static bool read_signal(struct session *s)
{
    struct signalfd_siginfo info;
    uint16_t columns, rows;
    if (read(s->signals, &info, sizeof info) != (ssize_t)sizeof info) return true;
    if (info.ssi_signo == SIGWINCH) {
        if (s->tty && window_size(&columns, &rows)) gy_stream_put_resize(&s->out, columns, rows);
        return true;
    }
    s->code = 128 + (int)info.ssi_signo; /* hanging up ends the program at the other side */
    return false;
}

static void carry(struct session *s)
{
    while (s->code < 0) {
        bool from_stdin = s->stdin_open && s->in.may_send && s->out.len < GY_STREAM_WINDOW;
        struct pollfd p[3] = {{.fd = s->fd, .events = (short)(POLLIN | (s->out.len ? POLLOUT : 0))},
                              {.fd = s->signals, .events = POLLIN},
                              {.fd = from_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(p, 3, -1) < 0 && errno != EINTR) {
            s->code = gy_cli_fail(s->cli, GY_CLI_FAILED, NULL, "poll: %s", strerror(errno));
            return;
        }
        if (p[1].revents && !read_signal(s)) return;
        if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) && !read_server(s)) return;
        if (p[2].revents) read_stdin(s);
        if (s->out.len) {
            ssize_t n = send(s->fd, s->out.text, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0) gy_buf_drop(&s->out, (size_t)n);
        }
    }
}

static void raw_terminal(struct session *s)
{
    struct termios raw;
    if (!s->tty || tcgetattr(STDIN_FILENO, &s->saved) < 0) return;
    raw = s->saved;
    cfmakeraw(&raw);
    s->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static int run(struct session *s, const char *early, size_t early_len)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGWINCH);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    signal(SIGPIPE, SIG_IGN);
    gy_stream_window_init(&s->in);
    for (int c = 0; c < 3; c++)
        gy_stream_window_init(&s->window[c]);
    if (!s->stdin_open) gy_stream_put(&s->out, GY_STREAM_STDIN, GY_STREAM_FLAG_END, NULL, 0);
    fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
    raw_terminal(s);
    if (!early_len || feed(s, early, early_len)) carry(s);
    if (s->raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
    close(s->signals);
    close(s->fd);
    gy_stream_parser_fini(&s->parser);
    gy_buf_fini(&s->out);
    return s->code;
}

int gy_cmd_exec(struct gy_cli *cli)
{
    struct session s = {.cli = cli,
                        .code = -1,
                        .tty = gy_cli_has(cli, "tty"),
                        .stdin_open = gy_cli_has(cli, "interactive")};
    if (s.tty && s.stdin_open && !isatty(STDIN_FILENO))
        return gy_cli_fail(cli, GY_CLI_USAGE, "use -i alone to pass a file or a pipe on",
                           "-t needs a terminal as standard input");
    char id[GY_ID_MAX];
    int code = pick_pod(cli, id);
    if (code) return code;
    gy_autofree char *path = make_path(cli, id), *early = NULL;
    size_t early_len = 0;
    struct gy_http_target target;
    struct gy_http_response refused = {0};
    gy_cli_target(cli, &target);
    gantry_status status =
        gy_http_upgrade_connect(&target, path, GY_STREAM_PROTOCOL, NULL, 0, &s.fd, &early,
                                &early_len, &refused, &cli->error);
    if (status != GANTRY_OK)
        code = refused.status ? gy_cli_answer_failed(cli, refused.status, refused.body, refused.len)
                              : gy_cli_net_failed(cli);
    gy_http_response_fini(&refused);
    if (code) return code;
    fflush(cli->out);
    return run(&s, early, early_len);
}
