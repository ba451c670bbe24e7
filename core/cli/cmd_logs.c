/* SPDX-License-Identifier: Apache-2.0 */
/* One stream per pod, all on one loop; with --follow new pods of an app join in. */
#include "base/time.h"
#include "cli/api.h"
#include "cli/ref.h"
#include "model/shape.h"
#include "net/stream.h"
#include <inttypes.h>
#include <utlist.h>

#define LINE_MAX_BYTES (64u << 10) /* longer lines are shown in parts */
#define LOOK_MS 1000               /* for new pods of a followed app */

struct log_pod {
    struct log_pod *prev, *next;
    struct logs *logs;
    char *id, *url;
    char label[160];
    enum gy_colour colour;
    struct gy_stream_parser parser;
    struct gy_buf line[2]; /* standard output, standard error */
    bool started, ended;
};

struct log_app { /* an app whose pods are followed */
    struct log_app *prev, *next;
    struct logs *logs;
    char *url, *slot;
    bool asked;
};

struct logs {
    struct gy_cli *cli;
    uv_loop_t loop;
    uv_timer_t timer;
    struct gy_http_client *client;
    struct log_pod *pods;
    struct log_app *apps;
    char *query; /* "?follow=true&..." */
    size_t pod_count;
    int label_width;
    bool follow, labels;
    int64_t looked_ms;
    int code;
};

static void start(struct log_pod *pod);

static void print_line(struct log_pod *pod, int channel, const char *line, size_t n)
{
    struct gy_cli *cli = pod->logs->cli;
    FILE *out = channel ? cli->err : cli->out;
    if (pod->logs->labels)
        fprintf(out, "%s%-*s |%s ", gy_colour_on(&cli->term, pod->colour), pod->logs->label_width,
                pod->label, gy_colour_off(&cli->term, pod->colour));
    fwrite(line, 1, n, out);
    fputc('\n', out);
}

static void take_text(struct log_pod *pod, int channel, const char *bytes, size_t len)
{
    struct gy_buf *line = &pod->line[channel];
    while (len) {
        const char *end = memchr(bytes, '\n', len);
        size_t n = end ? (size_t)(end - bytes) : len;
        gy_buf_add(line, bytes, n);
        if (end || line->len >= LINE_MAX_BYTES) {
            print_line(pod, channel, line->text, line->len);
            gy_buf_drop(line, line->len);
        }
        bytes += n + (end ? 1 : 0);
        len -= n + (end ? 1 : 0);
    }
}

static void take_end(struct log_pod *pod, const struct gy_stream_frame *frame)
{
    struct gy_cli *cli = pod->logs->cli;
    json_t *end = gy_json_parse((const char *)frame->bytes, frame->len, GY_STREAM_FRAME_MAX, NULL);
    const json_t *error = json_object_get(end, "error");
    const char *text =
        json_is_string(error) ? json_string_value(error) : gy_json_text(error, "message");
    if (text && *text) {
        fflush(cli->out);
        fprintf(cli->err, "gantry: %s: %s\n", pod->label, text);
        pod->logs->code = GY_CLI_FAILED;
    }
    json_decref(end);
}

static bool on_frame(void *arg, const struct gy_stream_frame *frame)
{
    struct log_pod *pod = arg;
    if (frame->flags & GY_STREAM_FLAG_CREDIT) return true;
    if (frame->channel == GY_STREAM_STDOUT || frame->channel == GY_STREAM_STDERR)
        take_text(pod, frame->channel == GY_STREAM_STDERR, (const char *)frame->bytes, frame->len);
    else if (frame->channel == GY_STREAM_EXIT)
        take_end(pod, frame);
    return true;
}

static bool on_bytes(void *arg, const void *bytes, size_t len)
{
    struct log_pod *pod = arg;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_stream_parse(&pod->parser, bytes, len, on_frame, pod, &err) != GANTRY_OK &&
        pod->logs->code == 0) {
        pod->logs->code = GY_CLI_FAILED;
        pod->logs->cli->error = err;
    }
    fflush(pod->logs->cli->out);
    return true;
}

static void finish_lines(struct log_pod *pod)
{
    for (int c = 0; c < 2; c++)
        if (pod->line[c].len) print_line(pod, c, pod->line[c].text, pod->line[c].len);
    gy_buf_fini(&pod->line[0]);
    gy_buf_fini(&pod->line[1]);
    gy_stream_parser_fini(&pod->parser);
}

static void on_done(void *arg, const struct gy_http_result *result)
{
    struct log_pod *pod = arg, *next;
    struct logs *l = pod->logs;
    struct gy_cli *cli = l->cli;
    pod->ended = true;
    finish_lines(pod);
    if (result->status != GANTRY_OK) {
        if (l->code == 0) {
            cli->error = *result->err;
            l->code = gy_cli_net_failed(cli);
        }
    } else if (result->http_status > 299 && l->code == 0 && !(l->follow && l->apps)) {
        l->code = gy_cli_answer_failed(cli, result->http_status, result->body, result->len);
        gy_error_wrap(&cli->error, "%s", pod->label);
    }
    /* Without --follow one pod after the other, so that their lines do not mix. */
    DL_FOREACH (l->pods, next)
        if (!next->started) {
            start(next);
            return;
        }
}

static void start(struct log_pod *pod)
{
    struct gy_http_request_options options = {.on_bytes = on_bytes, .timeout_ms = -1};
    pod->started = true;
    gy_http_client_send(pod->logs->client, "GET", pod->url, NULL, 0, &options, on_done, pod);
}

static void add_pod(struct logs *l, const json_t *view)
{
    static const enum gy_colour colours[] = {GY_CYAN,    GY_YELLOW, GY_GREEN,
                                             GY_MAGENTA, GY_BLUE,   GY_RED};
    const char *id = gy_json_text(view, "id");
    struct log_pod *pod;
    if (!*id) return; /* waits for a node: has written nothing */
    DL_FOREACH (l->pods, pod)
        if (!strcmp(pod->id, id)) return;
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/pods");
    gy_cli_segment(&path, id);
    gy_buf_printf(&path, "/logs%s", l->query);
    pod = gy_alloc(sizeof *pod);
    pod->logs = l;
    pod->id = gy_strdup(id);
    pod->url = gy_buf_take(&path);
    pod->colour = colours[l->pod_count++ % 6];
    gy_cli_pod_label(view, pod->label);
    if ((int)strlen(pod->label) > l->label_width) l->label_width = (int)strlen(pod->label);
    DL_APPEND(l->pods, pod);
}

static void on_pods(void *arg, const struct gy_http_result *result)
{
    struct log_app *app = arg;
    struct logs *l = app->logs;
    app->asked = false;
    if (result->status != GANTRY_OK || result->http_status != 200)
        return; /* the next look may do */
    json_t *answer = gy_json_parse(result->body, result->len, result->len + 1, NULL), *pod;
    size_t i;
    json_array_foreach (json_object_get(answer, "items"), i, pod) {
        char slot[24];
        snprintf(slot, sizeof slot, "%" PRId64, gy_json_int(pod, "slot"));
        if (*app->slot && strcmp(app->slot, slot) != 0 &&
            strcmp(app->slot, gy_json_text(pod, "node")) != 0)
            continue;
        if (strcmp(gy_json_text(pod, "state"), "ended") != 0) add_pod(l, pod);
    }
    json_decref(answer);
    struct log_pod *p;
    DL_FOREACH (l->pods, p)
        if (!p->started) start(p);
}

static void on_timer(uv_timer_t *timer)
{
    struct logs *l = timer->data;
    struct log_app *app;
    struct log_pod *pod;
    bool open = l->follow && l->apps;
    DL_FOREACH (l->pods, pod)
        open = open || !pod->ended;
    if (!open || gy_cli_interrupted() || ferror(l->cli->out) || (l->code && !l->follow) ||
        l->code == GY_CLI_UNREACHABLE) {
        uv_stop(&l->loop);
        return;
    }
    int64_t now = gy_time_mono_ms();
    if (now - l->looked_ms < LOOK_MS) return;
    l->looked_ms = now;
    DL_FOREACH (l->apps, app)
        if (!app->asked && l->follow) {
            app->asked = true;
            gy_http_client_send(l->client, "GET", app->url, NULL, 0, NULL, on_pods, app);
        }
}

static void add_app(struct logs *l, const struct gy_cli_ref *ref)
{
    struct log_app *app = gy_alloc(sizeof *app);
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/pods");
    gy_cli_query(&path, "namespace", ref->ns);
    gy_cli_query(&path, "project", ref->project);
    gy_cli_query(&path, "app", ref->app);
    app->logs = l;
    app->url = gy_buf_take(&path);
    app->slot = gy_strdup(ref->slot);
    DL_APPEND(l->apps, app);
}

static int make_query(struct gy_cli *cli, struct logs *l)
{
    struct gy_buf q = {0};
    int64_t tail, since;
    char number[24];
    const char *said = gy_cli_value(cli, "since");
    int code = gy_cli_int(cli, "tail", 0, 1000000, -1, &tail);
    if (code) return code;
    if (l->follow) gy_cli_query(&q, "follow", "true");
    if (tail >= 0) gy_cli_query(&q, "tail", gy_cli_value(cli, "tail"));
    if (said) {
        if (gy_time_parse(said, gy_time_wall_ms(), &since, &cli->error) != GANTRY_OK) {
            gy_buf_fini(&q);
            return GY_CLI_USAGE;
        }
        snprintf(number, sizeof number, "%" PRId64, since);
        gy_cli_query(&q, "since_ms", number);
    }
    if (gy_cli_has(cli, "previous")) gy_cli_query(&q, "previous", "true");
    if (gy_cli_has(cli, "timestamps")) gy_cli_query(&q, "timestamps", "true");
    if (gy_cli_value(cli, "container"))
        gy_cli_query(&q, "container", gy_cli_value(cli, "container"));
    l->query = gy_buf_take(&q);
    return 0;
}

/* The pods that are meant; of an app without running ones those that have ended. */
static int find_pods(struct gy_cli *cli, struct logs *l)
{
    for (size_t i = 0; i < cli->arg_count; i++) {
        struct gy_cli_ref ref;
        json_t *pods = NULL, *pod;
        int code = gy_cli_ref_pods(cli, cli->args[i], false, &ref, &pods);
        if ((code == GY_CLI_NOT_FOUND && strchr(cli->args[i], '.')) ||
            (!code && json_array_size(pods) == 0)) {
            json_decref(pods);
            pods = NULL;
            code = gy_cli_ref_pods(cli, cli->args[i], true, &ref, &pods);
        }
        if (code) return code;
        size_t k;
        json_array_foreach (pods, k, pod)
            add_pod(l, pod);
        json_decref(pods);
        if (*ref.app) add_app(l, &ref);
    }
    l->labels = l->pod_count > 1 || cli->arg_count > 1 || (l->follow && l->apps && !*l->apps->slot);
    if (l->pods || l->follow) return 0;
    return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "see: gantry explain APP", "%s has no pod yet",
                       cli->args[0]);
}

static void show(struct logs *l)
{
    struct log_pod *pod;
    l->timer.data = l;
    uv_timer_init(&l->loop, &l->timer);
    uv_timer_start(&l->timer, on_timer, 20, 50);
    DL_FOREACH (l->pods, pod) {
        if (pod->started) continue;
        start(pod);
        if (!l->follow) break;
    }
    gy_cli_catch_interrupt();
    uv_run(&l->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&l->timer, NULL);
}

static void logs_fini(struct logs *l)
{
    struct log_pod *pod, *next_pod;
    struct log_app *app, *next_app;
    DL_FOREACH_SAFE (l->pods, pod, next_pod) {
        if (pod->started && !pod->ended) finish_lines(pod);
        free(pod->id);
        free(pod->url);
        free(pod);
    }
    DL_FOREACH_SAFE (l->apps, app, next_app) {
        free(app->url);
        free(app->slot);
        free(app);
    }
    free(l->query);
}

int gy_cmd_logs(struct gy_cli *cli)
{
    struct logs l = {.cli = cli, .follow = gy_cli_has(cli, "follow")};
    int code = gy_cli_find_server(cli);
    if (!code) code = make_query(cli, &l);
    if (!code) code = find_pods(cli, &l);
    if (!code) {
        struct gy_http_target target;
        gy_cli_target(cli, &target);
        uv_loop_init(&l.loop);
        l.client = gy_http_client_create(&l.loop, &target, &cli->error);
        if (l.client) {
            show(&l);
            gy_http_client_destroy(l.client);
            uv_run(&l.loop, UV_RUN_DEFAULT);
        } else {
            l.code = GY_CLI_USAGE;
        }
        uv_loop_close(&l.loop);
        code = gy_cli_interrupted() ? GY_CLI_INTERRUPTED : l.code;
        if (gy_cli_interrupted()) cli->error.text[0] = '\0';
    }
    logs_fini(&l);
    return code;
}
