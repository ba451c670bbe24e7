/* SPDX-License-Identifier: Apache-2.0 */
/* Logs and exec: frames (core/net/stream.h) between a person and a node's agent.
 *
 * A stream has two ends, the agent's and the person's; it is freed when both are done. */
#include "server/private.h"

#include "base/time.h"
#include "net/stream.h"
#include "net/wire.h"
#include <utlist.h>

#include <stdio.h>

#define ARGS_MAX 1024
#define STREAMS_MAX 1000

struct stream {
    struct gy_server *server;
    struct gy_http_request *req; /* logs: until the end; exec: until the upgrade */
    struct gy_wire *wire;        /* exec */
    void *agent;                 /* the link's stream; NULL before and after */
    bool agent_done;             /* its end was called, or it was cancelled */
    bool timestamps, started;
    bool input_stuck; /* exec: the agent took nothing; `input` holds it */
    bool input_ended;
    uint32_t input_credit; /* bytes of `input` that are credited when taken */
    struct gy_stream_parser parser;
    struct gy_stream_window out[GY_STREAM_CHANNELS], in;
    struct gy_buf input;
    uv_timer_t *retry; /* of stuck input */
    /* exec, kept until the upgrade */
    char *pod_id, *container, *user, *working_dir;
    const char *args[ARGS_MAX];
    size_t arg_count;
    struct gy_strs arg_texts;
    bool tty, stdin_open;
    uint32_t width, height;
    struct stream *prev, *next;
};

static void timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void destroy(struct stream *st)
{
    DL_DELETE(st->server->streams, st);
    if (st->retry) uv_close((uv_handle_t *)st->retry, timer_closed);
    for (size_t i = 0; i < st->arg_texts.n; i++)
        free(st->arg_texts.items[i]);
    free(st->arg_texts.items);
    gy_stream_parser_fini(&st->parser);
    gy_buf_fini(&st->input);
    free(st->pod_id);
    free(st->container);
    free(st->user);
    free(st->working_dir);
    free(st);
}

static void cancel_agent(struct stream *st)
{
    if (st->agent && !st->agent_done) st->server->link->cancel(st->agent);
    st->agent = NULL;
    st->agent_done = true;
}

/* {"exit_code":0,"exit_signal":0} or {"error":{...}} */
static void put_end(struct gy_buf *out, gantry_status status, const char *text, int code,
                    int exit_signal)
{
    json_t *json = status == GANTRY_OK
                       ? json_pack("{s:i,s:i}", "exit_code", code, "exit_signal", exit_signal)
                       : json_pack("{s:{s:s,s:s}}", "error", "status", gy_status_name(status),
                                   "message", text ? text : "");
    gy_autofree char *dump = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    gy_stream_put(out, GY_STREAM_EXIT, GY_STREAM_FLAG_END, dump, strlen(dump));
}

/* ---- logs ---- */

/* Each line begins with its time, as the agent offers whole lines. */
static void put_stamped(struct gy_buf *out, enum gy_stream_channel channel, int64_t wall_ms,
                        const char *bytes, size_t n)
{
    char time[GY_TIME_TEXT_MAX];
    struct gy_buf text = {0};
    gy_time_format(wall_ms, time);
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t len = end ? (size_t)(end - bytes) + 1 : n;
        gy_buf_printf(&text, "%s ", time);
        gy_buf_add(&text, bytes, len);
        bytes += len;
        n -= len;
    }
    gy_stream_put(out, channel, 0, text.text, text.len);
    gy_buf_fini(&text);
}

static void start_answer(struct stream *st);

static gantry_status log_chunk(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                               size_t n)
{
    struct stream *st = ctx;
    if (!st->started) start_answer(st);
    if (!st->req) return GANTRY_ECANCELED;
    enum gy_stream_channel to = channel == 2 ? GY_STREAM_STDERR : GY_STREAM_STDOUT;
    struct gy_buf frame = {0};
    if (st->timestamps)
        put_stamped(&frame, to, wall_ms, bytes, n);
    else
        gy_stream_put(&frame, to, 0, bytes, n);
    gantry_status status = gy_http_stream_write(st->req, frame.text, frame.len);
    gy_buf_fini(&frame);
    return status;
}

static void log_end(void *ctx, gantry_status status, const char *text, int code, int exit_signal)
{
    struct stream *st = ctx;
    st->agent_done = true;
    st->agent = NULL;
    if (st->req && !st->started && status != GANTRY_OK) { /* an answer of its own can be given */
        struct gy_error err = GY_ERROR_INIT;
        gy_error_set(&err, status, "%s", text ? text : "");
        gy_http_reply_failure(st->req, &err, NULL);
    } else if (st->req) {
        struct gy_buf frame = {0};
        if (!st->started) start_answer(st);
        put_end(&frame, status, text, code, exit_signal);
        gy_http_stream_write(st->req, frame.text, frame.len);
        gy_buf_fini(&frame);
        gy_http_stream_end(st->req);
    }
    destroy(st);
}

static void log_left(void *arg)
{
    struct stream *st = arg;
    cancel_agent(st);
    gy_http_stream_end(st->req);
    destroy(st);
}

static void start_answer(struct stream *st)
{
    st->started = true;
    gy_http_stream_start(st->req, 200, "application/x-gantry-stream", log_left, NULL, st);
}

static struct stream *create(struct gy_server *s, struct gy_http_request *req,
                             struct gy_index_pod *pod)
{
    unsigned open = 0;
    struct stream *st;
    DL_COUNT(s->streams, st, open);
    if (open >= STREAMS_MAX) {
        gy_http_reply_header(req, "Retry-After", "5");
        gy_http_reply_error(req, 429, "EBUSY", NULL, "%d streams are open already", STREAMS_MAX);
        return NULL;
    }
    if (!s->link || !gy_streq(s->link->node, pod->node)) {
        gy_http_reply_error(req, 503, "EUNAVAIL", NULL, "the node %s cannot be reached", pod->node);
        return NULL;
    }
    st = gy_alloc(sizeof *st);
    st->server = s;
    st->req = req;
    st->pod_id = gy_strdup(pod->id);
    DL_APPEND(s->streams, st);
    return st;
}

void gy_route_logs(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_link_logs query = {.container = gy_http_query(req, "container")};
    bool timestamps;
    if (!gy_req_bool(req, "follow", &query.follow) ||
        !gy_req_bool(req, "previous", &query.previous) ||
        !gy_req_bool(req, "timestamps", &timestamps) ||
        !gy_req_int(req, "tail", -1, 10000000, -1, &query.tail) ||
        !gy_req_int(req, "since_ms", 0, INT64_MAX, 0, &query.since_ms))
        return;
    struct gy_index_pod *pod = gy_find_pod(s, req, gy_http_param(req, "id"), GY_ROLE_VIEW);
    struct stream *st = pod ? create(s, req, pod) : NULL;
    if (!st) return;
    st->timestamps = timestamps;
    query.pod_id = st->pod_id;
    struct gy_link_sink sink = {st, log_chunk, log_end};
    void *agent = s->link->logs(s->link->ctx, &query, &sink);
    if (!agent) return; /* it ended, and st is gone */
    st->agent = agent;
    if (!st->started) start_answer(st); /* the follower learns at once that it is connected */
}

/* ---- exec ---- */

static gantry_status exec_chunk(void *ctx, uint32_t channel, int64_t wall_ms, const void *bytes,
                                size_t n)
{
    (void)wall_ms;
    struct stream *st = ctx;
    if (!st->wire) return GANTRY_ECANCELED;
    enum gy_stream_channel to = channel == 2 ? GY_STREAM_STDERR : GY_STREAM_STDOUT;
    if (st->out[to].may_send < n) return GANTRY_EBUSY; /* the person has not read the last */
    struct gy_buf frame = {0};
    gy_stream_put(&frame, to, 0, bytes, n);
    gantry_status status = gy_wire_write(st->wire, frame.text, frame.len);
    gy_buf_fini(&frame);
    if (status == GANTRY_OK) gy_stream_window_take(&st->out[to], n);
    return status == GANTRY_OK || status == GANTRY_EBUSY ? status : GANTRY_ECANCELED;
}

static void exec_end(void *ctx, gantry_status status, const char *text, int code, int exit_signal)
{
    struct stream *st = ctx;
    st->agent_done = true;
    st->agent = NULL;
    if (st->wire) {
        struct gy_buf frame = {0};
        put_end(&frame, status, text, code, exit_signal);
        gy_wire_write(st->wire, frame.text, frame.len);
        gy_buf_fini(&frame);
        gy_wire_finish(GY_GIVE(st->wire));
    }
    destroy(st);
}

static void person_left(struct stream *st)
{
    cancel_agent(st);
    if (st->wire) gy_wire_close(GY_GIVE(st->wire));
    destroy(st);
}

/* Hand over what waits; true when nothing waits any more. */
static bool push_input(struct stream *st)
{
    if (!st->agent) return true;
    while (st->input.len) {
        size_t n = st->input.len < 32768 ? st->input.len : 32768;
        gantry_status status = st->server->link->input(st->agent, st->input.text, n);
        if (status == GANTRY_EBUSY) return false;
        gy_buf_drop(&st->input, n);
        uint32_t credit = gy_stream_window_consumed(&st->in, (uint32_t)n);
        if (credit && st->wire) {
            struct gy_buf frame = {0};
            gy_stream_put_credit(&frame, GY_STREAM_STDIN, credit);
            gy_wire_write(st->wire, frame.text, frame.len);
            gy_buf_fini(&frame);
        }
    }
    if (!st->input_ended) return true;
    if (st->server->link->input(st->agent, "", 0) == GANTRY_EBUSY) return false;
    st->input_ended = false;
    return true;
}

static void on_retry(uv_timer_t *timer)
{
    struct stream *st = timer->data;
    if (!push_input(st)) uv_timer_start(timer, on_retry, 5, 0);
}

static bool on_frame(void *arg, const struct gy_stream_frame *frame)
{
    struct stream *st = arg;
    uint32_t credit;
    uint16_t columns, rows;
    if (frame->flags & GY_STREAM_FLAG_CREDIT) {
        return gy_stream_get_credit(frame, &credit) &&
               gy_stream_window_credit(&st->out[frame->channel], credit, NULL) == GANTRY_OK;
    }
    if (frame->channel == GY_STREAM_RESIZE) {
        if (!gy_stream_get_resize(frame, &columns, &rows)) return false;
        if (st->agent) st->server->link->resize(st->agent, columns, rows);
        return true;
    }
    if (frame->channel != GY_STREAM_STDIN ||
        gy_stream_window_arrived(&st->in, frame->len, NULL) != GANTRY_OK)
        return false;
    gy_buf_add(&st->input, frame->bytes, frame->len); /* at most a window's worth */
    if (frame->flags & GY_STREAM_FLAG_END) st->input_ended = true;
    return true;
}

static void on_bytes(void *arg, const void *bytes, size_t len)
{
    struct stream *st = arg;
    if (gy_stream_parse(&st->parser, bytes, len, on_frame, st, NULL) != GANTRY_OK) {
        person_left(st); /* it does not speak the protocol */
        return;
    }
    if (!push_input(st) && !uv_is_active((uv_handle_t *)st->retry))
        uv_timer_start(st->retry, on_retry, 5, 0);
}

/* The end of the input has a frame of its own; a connection that ends, orderly or not, is a person
 * who left: on a unix socket the two cannot be told apart. */
static void on_end(void *arg, const struct gy_error *err)
{
    (void)err;
    person_left(arg);
}

static void on_upgraded(void *arg, struct gy_wire *wire)
{
    static const struct gy_wire_events events = {on_bytes, on_end, NULL};
    struct stream *st = arg;
    struct gy_server *s = st->server;
    st->req = NULL;
    st->wire = wire;
    if (!wire) {
        destroy(st);
        return;
    }
    if (!s->link) {
        exec_end(st, GANTRY_EUNAVAIL, "the node cannot be reached", 0, 0);
        return;
    }
    st->retry = gy_alloc(sizeof *st->retry);
    uv_timer_init(s->o.loop, st->retry);
    st->retry->data = st;
    for (int i = 0; i < GY_STREAM_CHANNELS; i++)
        gy_stream_window_init(&st->out[i]);
    gy_stream_window_init(&st->in);
    struct gy_link_exec query = {.pod_id = st->pod_id,
                                 .container = st->container,
                                 .user = st->user,
                                 .working_dir = st->working_dir,
                                 .args = st->args,
                                 .arg_count = st->arg_count,
                                 .tty = st->tty,
                                 .stdin_open = st->stdin_open,
                                 .width = st->width,
                                 .height = st->height};
    struct gy_link_sink sink = {st, exec_chunk, exec_end};
    void *agent = s->link->exec(s->link->ctx, &query, &sink);
    if (!agent) return; /* it ended, and st is gone */
    st->agent = agent;
    gy_wire_start(wire, &events, st);
}

static bool read_exec(struct stream *st, struct gy_http_request *req)
{
    int64_t width, height;
    const char *key, *value;
    if (!gy_req_bool(req, "tty", &st->tty) || !gy_req_bool(req, "stdin", &st->stdin_open) ||
        !gy_req_int(req, "width", 0, 65535, 0, &width) ||
        !gy_req_int(req, "height", 0, 65535, 0, &height))
        return false;
    st->width = (uint32_t)width;
    st->height = (uint32_t)height;
    st->container = gy_strdup(gy_http_query(req, "container"));
    st->user = gy_strdup(gy_http_query(req, "user"));
    st->working_dir = gy_strdup(gy_http_query(req, "workdir"));
    for (size_t i = 0; gy_http_query_at(req, i, &key, &value); i++)
        if (gy_streq(key, "arg") && st->arg_texts.n < ARGS_MAX) gy_strs_add(&st->arg_texts, value);
    for (size_t i = 0; i < st->arg_texts.n; i++)
        st->args[i] = st->arg_texts.items[i];
    st->arg_count = st->arg_texts.n;
    if (st->arg_count && st->args[0][0]) return true;
    gy_http_reply_error(req, 400, "EINVAL", "arg", "arg: the command is missing: give ?arg=...");
    return false;
}

void gy_route_exec(struct gy_server *s, struct gy_http_request *req)
{
    if (!gy_http_wants_upgrade(req, GY_STREAM_PROTOCOL)) {
        gy_http_reply_error(req, 400, "EINVAL", "Upgrade",
                            "exec needs the headers Connection: Upgrade and Upgrade: %s",
                            GY_STREAM_PROTOCOL);
        return;
    }
    struct gy_index_pod *pod = gy_find_pod(s, req, gy_http_param(req, "id"), GY_ROLE_EDIT);
    struct stream *st = pod ? create(s, req, pod) : NULL;
    if (!st) return;
    if (!read_exec(st, req)) {
        destroy(st);
        return;
    }
    gy_autofree char *what = gy_printf("exec %s", st->args[0]);
    gy_audit(s, req, what);
    gy_http_upgrade(req, GY_STREAM_PROTOCOL, on_upgraded, st);
}

void gy_streams_stop_all(struct gy_server *s)
{
    while (s->streams) {
        struct stream *st = s->streams;
        if (st->wire || !st->req) {
            person_left(st);
        } else {
            cancel_agent(st);
            if (st->started) gy_http_stream_end(st->req);
            destroy(st);
        }
    }
}
