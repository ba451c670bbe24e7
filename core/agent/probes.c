/* SPDX-License-Identifier: Apache-2.0 */
/* No libcurl here: a probe needs the status line of one answer, and there are thousands of probes.
 */
#include "agent/probes.h"

#include "base/text.h"
#include "net/address.h"

#include <inttypes.h>
#include <stdio.h>

struct gy_probe {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    struct gy_buf request;
    char where[GY_ADDRESS_FULL_MAX], answer[GY_PROBE_OUTPUT_MAX + 1];
    size_t len;
    int64_t timeout_ms;
    char *path; /* NULL = TCP */
    gy_probe_done *done;
    void *arg;
    unsigned open; /* handles */
    bool is_closing, has_connected;
    gantry_status status;
    char text[GY_PROBE_OUTPUT_MAX];
};

static void on_closed(uv_handle_t *handle)
{
    struct gy_probe *p = handle->data;
    if (--p->open > 0) return;
    if (p->done) p->done(p->arg, p->status, p->text);
    gy_buf_fini(&p->request);
    free(p->path);
    free(p);
}

static void close_all(struct gy_probe *p)
{
    if (p->is_closing) return;
    p->is_closing = true;
    uv_close((uv_handle_t *)&p->tcp, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}

static void finish(struct gy_probe *p, gantry_status status, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static void finish(struct gy_probe *p, gantry_status status, const char *fmt, ...)
{
    if (p->is_closing) return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(p->text, sizeof p->text, fmt, args);
    va_end(args);
    p->status = status;
    close_all(p);
}

static void on_timeout(uv_timer_t *timer)
{
    struct gy_probe *p = timer->data;
    finish(p, GANTRY_EINVAL, "%s did not %s within %" PRId64 " ms", p->where,
           p->has_connected ? "answer" : "accept a connection", p->timeout_ms);
}

/* Bytes that are not printable must not reach a terminal. */
static void clean(char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t') || *text == 0x7f)
            *text = ' ';
}

/* "HTTP/1.1 200 OK" (RFC 9112, section 4). */
static void judge(struct gy_probe *p)
{
    unsigned minor, code;
    int at = 0;
    p->answer[p->len] = '\0';
    if (sscanf(p->answer, "HTTP/1.%1u %3u%n", &minor, &code, &at) != 2 || code < 100 ||
        (p->answer[at] != ' ' && p->answer[at] != '\r' && p->answer[at] != '\n')) {
        finish(p, GANTRY_EINVAL, "%s did not answer in HTTP/1", p->where);
        return;
    }
    char *reason = p->answer + at;
    reason += strspn(reason, " ");
    char *body = strstr(reason, "\r\n\r\n");
    body = body ? body + 4 : p->answer + p->len;
    reason[strcspn(reason, "\r\n")] = '\0';
    clean(body);
    clean(reason);
    bool is_well = code >= 200 && code < 400;
    finish(p, is_well ? GANTRY_OK : GANTRY_EINVAL, "GET %s from %s: %u %s%s%.3000s", p->path,
           p->where, code, reason, *body && !is_well ? ": " : "", is_well ? "" : body);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct gy_probe *p = handle->data;
    (void)suggested;
    *buf = uv_buf_init(p->answer + p->len, (unsigned)(GY_PROBE_OUTPUT_MAX - p->len));
}

/* All that is judged is the head; the body is waited for only as long as it comes at once. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gy_probe *p = stream->data;
    (void)buf;
    if (n > 0) p->len += (size_t)n;
    p->answer[p->len] = '\0';
    bool has_head = strstr(p->answer, "\r\n\r\n") != NULL;
    if (n < 0 && p->len == 0)
        finish(p, GANTRY_EINVAL, "%s closed the connection without an answer%s%s", p->where,
               n == UV_EOF ? "" : ": ", n == UV_EOF ? "" : uv_strerror((int)n));
    else if (n < 0 || has_head || p->len == GY_PROBE_OUTPUT_MAX)
        judge(p);
}

static void on_written(uv_write_t *write, int status)
{
    struct gy_probe *p = write->data;
    if (status < 0)
        finish(p, GANTRY_EINVAL, "%s did not take the request: %s", p->where, uv_strerror(status));
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct gy_probe *p = connect->data;
    if (p->is_closing) return;
    if (status < 0) {
        finish(p, GANTRY_EINVAL, "cannot connect to %s: %s", p->where, uv_strerror(status));
        return;
    }
    p->has_connected = true;
    if (!p->path) {
        finish(p, GANTRY_OK, "%s accepts connections", p->where);
        return;
    }
    gy_buf_printf(&p->request,
                  "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: gantry-health/" GANTRY_VERSION
                  "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                  p->path, p->where);
    uv_buf_t out = uv_buf_init(p->request.text, (unsigned)p->request.len);
    p->write.data = p;
    int rc = uv_write(&p->write, (uv_stream_t *)&p->tcp, &out, 1, on_written);
    if (rc == 0) rc = uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
    if (rc < 0) finish(p, GANTRY_EINVAL, "cannot ask %s: %s", p->where, uv_strerror(rc));
}

/* A path comes from a user: a line break in it would be a second header. */
static bool is_path(const char *path)
{
    if (*path != '/') return false;
    for (; *path; path++)
        if ((unsigned char)*path <= 0x20 || *path == 0x7f) return false;
    return true;
}

struct gy_probe *gy_probe_start(uv_loop_t *loop, const struct gy_probe_query *q,
                                gy_probe_done *done, void *arg)
{
    struct gy_probe *p = gy_alloc(sizeof *p);
    struct gy_error err = GY_ERROR_INIT;
    struct gy_address address;
    p->done = done;
    p->arg = arg;
    p->path = gy_strdup(q->path);
    p->timeout_ms = q->timeout_ms > 0 ? q->timeout_ms : 30000;
    p->open = 2;
    uv_tcp_init(loop, &p->tcp);
    uv_timer_init(loop, &p->timer);
    p->tcp.data = p->timer.data = p->connect.data = p;
    uv_update_time(loop);
    uv_timer_start(&p->timer, on_timeout, (uint64_t)p->timeout_ms, 0);
    if (gy_address_make(q->host, q->port, &address, &err) != GANTRY_OK) {
        finish(p, GANTRY_EINVAL, "%s", err.text);
        return p;
    }
    gy_address_format(&address, p->where);
    if (q->path && !is_path(q->path)) {
        finish(p, GANTRY_EINVAL,
               "the health check's path must begin with / and hold no blanks or line breaks");
        return p;
    }
    struct sockaddr_storage to;
    socklen_t len;
    gy_address_to_sockaddr(&address, &to, &len);
    int rc = uv_tcp_connect(&p->connect, &p->tcp, (const struct sockaddr *)&to, on_connected);
    if (rc < 0) finish(p, GANTRY_EINVAL, "cannot connect to %s: %s", p->where, uv_strerror(rc));
    return p;
}

void gy_probe_cancel(struct gy_probe *p)
{
    p->done = NULL;
    close_all(p);
}
