/* SPDX-License-Identifier: Apache-2.0 */
/* Logs and exec: what a driver's extension emits goes to a sink.  A sink that is full pauses the
 * operation, so that the driver waits and nothing piles up here. */
#include "agent/agent_private.h"

#include "agent/pod_form.h"

#define SINK_RETRY_MS 10

struct gy_agent_stream {
    TAILQ_ENTRY(gy_agent_stream) entry;
    struct gy_agent *agent;
    struct gy_instance *instance;
    const gantry_driver_exec *exec; /* NULL = logs */
    struct gy_agent_sink sink;
    gantry_op op; /* 0 = ended */
    uv_timer_t retry;
    /* The one chunk that the sink did not take. */
    char *bytes;
    size_t len;
    uint32_t channel;
    int64_t wall_ms;
    bool is_over; /* the end was told, or nobody listens */
};

static void on_freed(uv_handle_t *handle)
{
    struct gy_agent_stream *s = handle->data;
    struct gy_agent *a = s->agent;
    free(s->bytes);
    free(s);
    gy_agent_closed(a);
}

/* No callback of the operation or the timer comes after this. */
static void stream_close(struct gy_agent_stream *s)
{
    TAILQ_REMOVE(&s->agent->streams, s, entry);
    s->is_over = true;
    if (s->op) gy_instance_forget(s->instance, s->op);
    s->op = 0;
    s->agent->closing++;
    uv_close((uv_handle_t *)&s->retry, on_freed);
}

static void stream_end(struct gy_agent_stream *s, gantry_status status, const char *text, int code,
                       int signal)
{
    struct gy_agent_sink sink = s->sink;
    stream_close(s);
    sink.end(sink.ctx, status, text, code, signal);
}

static void on_retry(uv_timer_t *timer)
{
    struct gy_agent_stream *s = timer->data;
    gantry_status status = s->sink.chunk(s->sink.ctx, s->channel, s->wall_ms, s->bytes, s->len);
    if (s->is_over || status == GANTRY_EBUSY) return; /* over: the sink canceled it meanwhile */
    uv_timer_stop(&s->retry);
    free(s->bytes);
    s->bytes = NULL;
    if (status == GANTRY_OK)
        gy_instance_pause(s->instance, s->op, false);
    else
        stream_end(s, GANTRY_ECANCELED, "the reader has left", 0, 0);
}

static void on_chunk(void *arg, const void *item)
{
    struct gy_agent_stream *s = arg;
    const gantry_chunk *chunk = item;
    if (s->is_over || chunk->bytes.len == 0) return;
    if (chunk->channel != GANTRY_CHANNEL_STDOUT && chunk->channel != GANTRY_CHANNEL_STDERR) return;
    gantry_status status = s->sink.chunk(s->sink.ctx, chunk->channel, (int64_t)chunk->wall_ms,
                                         chunk->bytes.ptr, chunk->bytes.len);
    if (s->is_over || status == GANTRY_OK) return;
    if (status != GANTRY_EBUSY) {
        stream_end(s, GANTRY_ECANCELED, "the reader has left", 0, 0);
        return;
    }
    GY_ASSERT(!s->bytes);
    s->bytes = gy_alloc(chunk->bytes.len);
    memcpy(s->bytes, chunk->bytes.ptr, chunk->bytes.len);
    s->len = chunk->bytes.len;
    s->channel = chunk->channel;
    s->wall_ms = (int64_t)chunk->wall_ms;
    gy_instance_pause(s->instance, s->op, true);
    uv_timer_start(&s->retry, on_retry, SINK_RETRY_MS, SINK_RETRY_MS);
}

static void on_ended(void *arg, gantry_status status, const char *text, const void *result)
{
    struct gy_agent_stream *s = arg;
    const gantry_container_status *ended = s->exec ? result : NULL;
    s->op = 0;
    if (status == GANTRY_OK && s->exec && !ended) {
        status = GANTRY_EINTERNAL;
        text = "the driver did not say how the program ended";
    }
    stream_end(s, status, text, ended ? ended->exit_code : 0, ended ? ended->exit_signal : 0);
}

/* ---- beginning ---- */

static struct gy_agent_stream *refuse(const struct gy_agent_sink *sink, gantry_status status,
                                      const char *fmt, ...) GANTRY_PRINTF(3, 4);
static struct gy_agent_stream *refuse(const struct gy_agent_sink *sink, gantry_status status,
                                      const char *fmt, ...)
{
    struct gy_error err = GY_ERROR_INIT;
    va_list args;
    va_start(args, fmt);
    (void)gy_error_vset(&err, status, fmt, args);
    va_end(args);
    sink->end(sink->ctx, status, err.text, 0, 0);
    return NULL;
}

/* The container that is meant; EINVAL names those that there are. */
static gantry_status choose_container(const struct gy_pod *pod, const char *said, const char **out,
                                      struct gy_error *err)
{
    struct gy_buf names = {0};
    const struct gy_list *list = &pod->template.containers;
    for (size_t i = 0; i < list->n; i++) {
        const char *name = GY_AT(struct gy_container, *list, i)->name;
        if (said ? gy_streq(said, name) : list->n == 1) {
            *out = name;
            gy_buf_fini(&names);
            return GANTRY_OK;
        }
        gy_buf_printf(&names, "%s%s", i ? ", " : "", name);
    }
    if (said)
        gy_error_set(err, GANTRY_EINVAL, "the pod has no container named %s; it has %s", said,
                     names.text);
    else
        gy_error_set(err, GANTRY_EINVAL, "the pod has several containers, say which: %s",
                     names.text);
    gy_buf_fini(&names);
    return GANTRY_EINVAL;
}

struct target {
    const struct gy_pod *pod;
    const char *container;
    struct gy_agent_driver_state *driver;
    const void *extension;
};

/* NULL in extension: refused, the sink was told. */
static void find_target(struct gy_agent *a, const char *pod_id, const char *container,
                        const char *extension, const char *what, const struct gy_agent_sink *sink,
                        struct target *out)
{
    struct gy_error err = GY_ERROR_INIT;
    *out = (struct target){.pod = gy_node_half_pod(a->half, pod_id)};
    if (a->is_stopping)
        refuse(sink, GANTRY_EUNAVAIL, "this node's agent is ending");
    else if (!out->pod)
        refuse(sink, GANTRY_ENOTFOUND, "pod %s is not on node %s", pod_id, a->node);
    else if (choose_container(out->pod, container, &out->container, &err) != GANTRY_OK)
        refuse(sink, GANTRY_EINVAL, "%s", err.text);
    else if (!(out->driver = gy_agent_find_driver(a, out->pod->driver)) || !out->driver->is_ready)
        refuse(sink, GANTRY_EUNAVAIL, "driver %s of node %s is not ready: %s", out->pod->driver,
               a->node,
               out->driver && out->driver->text ? out->driver->text : "it is not configured");
    else if (!(out->extension = gy_instance_extension(out->driver->instance, extension)))
        refuse(sink, GANTRY_ENOTSUP, "driver %s does not offer %s", out->driver->name, what);
}

static struct gy_agent_stream *stream_create(struct gy_agent *a, const struct target *t,
                                             const char *function, enum gy_abi_type result,
                                             const struct gy_agent_sink *sink)
{
    struct gy_agent_stream *s = gy_alloc(sizeof *s);
    s->op = gy_instance_op(t->driver->instance, function, GY_ABI_CHUNK, result, 0, on_chunk,
                           on_ended, s);
    if (!s->op) {
        free(s);
        return refuse(sink, GANTRY_EUNAVAIL, "driver %s is not open", t->driver->name);
    }
    s->agent = a;
    s->instance = t->driver->instance;
    s->sink = *sink;
    uv_timer_init(a->loop, &s->retry);
    s->retry.data = s;
    TAILQ_INSERT_TAIL(&a->streams, s, entry);
    return s;
}

struct gy_agent_stream *gy_agent_logs(struct gy_agent *a, const struct gy_agent_logs_query *q,
                                      const struct gy_agent_sink *sink)
{
    struct target t;
    find_target(a, q->pod_id, q->container, GANTRY_DRIVER_LOGS, "logs", sink, &t);
    const gantry_driver_logs *logs = t.extension;
    if (!logs) return NULL;
    if (!logs->logs) return refuse(sink, GANTRY_ENOTSUP, "driver %s keeps no logs", t.driver->name);
    struct gy_agent_stream *s = stream_create(a, &t, "logs", GY_ABI_NONE, sink);
    if (!s) return NULL;
    gantry_log_query query = {.size = (uint32_t)sizeof query,
                              .flags = (q->follow ? GANTRY_LOGS_FOLLOW : 0) |
                                       (q->previous ? GANTRY_LOGS_PREVIOUS : 0),
                              .tail = q->tail,
                              .since_ms = q->since_ms > 0 ? (uint64_t)q->since_ms : 0,
                              .pod = gy_str(q->pod_id),
                              .container = gy_str(t.container)};
    GY_CALL_FOR(s->instance, "logs", s->op, q->pod_id,
                logs->logs(gy_instance_self(s->instance), s->op, &query));
    return s;
}

struct gy_agent_stream *gy_agent_exec(struct gy_agent *a, const struct gy_agent_exec_query *q,
                                      const struct gy_agent_sink *sink)
{
    if (q->arg_count == 0) return refuse(sink, GANTRY_EINVAL, "there is no command to run");
    struct target t;
    find_target(a, q->pod_id, q->container, GANTRY_DRIVER_EXEC, "exec", sink, &t);
    const gantry_driver_exec *exec = t.extension;
    if (!exec) return NULL;
    if (!exec->exec)
        return refuse(sink, GANTRY_ENOTSUP, "driver %s cannot run a command", t.driver->name);
    struct gy_agent_stream *s = stream_create(a, &t, "exec", GY_ABI_CONTAINER_STATUS, sink);
    if (!s) return NULL;
    s->exec = exec;
    gantry_str *args = gy_alloc_array(q->arg_count, sizeof *args);
    for (size_t i = 0; i < q->arg_count; i++)
        args[i] = gy_str(q->args[i]);
    const gantry_kv term = {gy_str("TERM"), gy_str("xterm")}; /* what any terminal understands */
    gantry_exec query = {.size = (uint32_t)sizeof query,
                         .flags = (q->tty ? GANTRY_EXEC_TTY : 0) |
                                  (q->stdin_open ? GANTRY_EXEC_STDIN : 0),
                         .arg_count = (uint32_t)q->arg_count,
                         .env_count = q->tty ? 1 : 0,
                         .width = q->width,
                         .height = q->height,
                         .pod = gy_str(q->pod_id),
                         .container = gy_str(t.container),
                         .user = gy_str(q->user),
                         .workdir = gy_str(q->working_dir),
                         .args = args,
                         .env = &term};
    GY_CALL_FOR(s->instance, "exec", s->op, q->pod_id,
                exec->exec(gy_instance_self(s->instance), s->op, &query));
    free(args);
    return s;
}

/* ---- towards the program ---- */

gantry_status gy_agent_stream_input(struct gy_agent_stream *s, const void *bytes, size_t n)
{
    if (!s->exec || !s->exec->input) return GANTRY_ENOTSUP;
    if (!s->op) return GANTRY_ECANCELED;
    gantry_status status = GANTRY_EINTERNAL;
    gantry_bytes input = {bytes, n};
    GY_CALL_FOR(s->instance, "input", s->op, NULL,
                status = s->exec->input(gy_instance_self(s->instance), s->op, input));
    return status;
}

void gy_agent_stream_resize(struct gy_agent_stream *s, uint32_t width, uint32_t height)
{
    if (!s->exec || !s->exec->resize || !s->op) return;
    GY_CALL_FOR(s->instance, "resize", s->op, NULL,
                (void)s->exec->resize(gy_instance_self(s->instance), s->op, width, height));
}

void gy_agent_stream_cancel(struct gy_agent_stream *s)
{
    if (!s->is_over) stream_close(s);
}

void gy_agent_streams_end(struct gy_agent *a)
{
    struct gy_agent_stream *s;
    while ((s = TAILQ_FIRST(&a->streams)))
        stream_end(s, GANTRY_ECANCELED, "this node's agent is ending", 0, 0);
}
