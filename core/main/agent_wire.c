/* SPDX-License-Identifier: Apache-2.0 */
#include "main/agent_wire.h"

static void wire_desired(void *ctx, const struct gy_pod *pod)
{
    gy_agent_desired(ctx, pod);
}
static void wire_last(void *ctx, const struct gy_pod_status *status)
{
    gy_agent_last(ctx, status);
}
static void wire_forget(void *ctx, const char *pod_id)
{
    gy_agent_forget(ctx, pod_id);
}
static void wire_synced(void *ctx)
{
    gy_agent_synced(ctx);
}
static void wire_service(void *ctx, const struct gy_link_service *s)
{
    struct gy_agent_service service = {.key = s->key,
                                       .ports = s->ports,
                                       .port_count = s->port_count,
                                       .backends = s->backends,
                                       .backend_count = s->backend_count};
    gy_agent_service(ctx, &service);
}
static void *wire_logs(void *ctx, const struct gy_link_logs *q, const struct gy_link_sink *s)
{
    struct gy_agent_logs_query query = {.pod_id = q->pod_id,
                                        .container = q->container,
                                        .follow = q->follow,
                                        .previous = q->previous,
                                        .tail = q->tail,
                                        .since_ms = q->since_ms};
    struct gy_agent_sink sink = {s->ctx, s->chunk, s->end};
    return gy_agent_logs(ctx, &query, &sink);
}
static void *wire_exec(void *ctx, const struct gy_link_exec *q, const struct gy_link_sink *s)
{
    struct gy_agent_exec_query query = {.pod_id = q->pod_id,
                                        .container = q->container,
                                        .user = q->user,
                                        .working_dir = q->working_dir,
                                        .args = q->args,
                                        .arg_count = q->arg_count,
                                        .tty = q->tty,
                                        .stdin_open = q->stdin_open,
                                        .width = q->width,
                                        .height = q->height};
    struct gy_agent_sink sink = {s->ctx, s->chunk, s->end};
    return gy_agent_exec(ctx, &query, &sink);
}
static gantry_status wire_input(void *stream, const void *bytes, size_t n)
{
    return gy_agent_stream_input(stream, bytes, n);
}
static void wire_resize(void *stream, uint32_t width, uint32_t height)
{
    gy_agent_stream_resize(stream, width, height);
}
static void wire_cancel(void *stream)
{
    gy_agent_stream_cancel(stream);
}

void gy_agent_wire(struct gy_agent *agent, const char *node, struct gy_link *out)
{
    *out = (struct gy_link){.ctx = agent,
                            .node = node,
                            .desired = wire_desired,
                            .last = wire_last,
                            .forget = wire_forget,
                            .synced = wire_synced,
                            .service = wire_service,
                            .logs = wire_logs,
                            .exec = wire_exec,
                            .input = wire_input,
                            .resize = wire_resize,
                            .cancel = wire_cancel};
}
