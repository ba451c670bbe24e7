/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi interface on the loop.  curl forbids removing a transfer inside its callbacks, so
 * whatever the caller asks for there (cancel, resume, destroy) is noted and done from a timer. */
#include "net/http_client.h"

#include "base/text.h"
#include "net/http_endpoint.h"
#include <utlist.h>

#define ERROR_BODY_MAX (1u << 20)

struct gy_http_client {
    struct gy_http_endpoint endpoint;
    CURLM *multi;
    uv_loop_t *loop;
    uv_timer_t timer; /* curl's */
    uv_timer_t later; /* ours: cancel, resume, destroy */
    unsigned open_handles;
    struct gy_http_call *calls;
    bool destroying;
};

struct gy_http_call {
    struct gy_http_client *client;
    struct gy_http_call *prev, *next;
    CURL *easy;
    struct curl_slist *headers;
    struct gy_buf body;
    bool (*on_bytes)(void *arg, const void *bytes, size_t len);
    void (*on_done)(void *arg, const struct gy_http_result *result);
    void *arg;
    bool canceled, resume, too_large;
};

static void check_done(struct gy_http_client *c);

/* ---- sockets and time-outs ---- */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct gy_http_client *c = poll->data;
    int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)poll, &fd) < 0) return;
    if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(c->multi, fd, flags, &running);
    check_done(c);
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *cls, void *of_socket)
{
    struct gy_http_client *c = cls;
    uv_poll_t *poll = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (!poll) return 0;
        uv_poll_stop(poll);
        uv_close((uv_handle_t *)poll, free_handle);
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!poll) {
        poll = gy_alloc(sizeof *poll);
        if (uv_poll_init(c->loop, poll, fd) < 0) {
            free(poll);
            return -1;
        }
        poll->data = c;
        curl_multi_assign(c->multi, fd, poll);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(poll, events, on_socket);
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct gy_http_client *c = timer->data;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_done(c);
}

static int timer_changed(CURLM *multi, long ms, void *cls)
{
    struct gy_http_client *c = cls;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* ---- calls ---- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *cls)
{
    struct gy_http_call *call = cls;
    long status = 0;
    size_t len = size * n, most = call->client->endpoint.body_bytes;
    if (call->canceled) return len + 1;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->on_bytes && status / 100 == 2) {
        if (!call->on_bytes(call->arg, bytes, len)) return CURL_WRITEFUNC_PAUSE;
        return call->canceled ? len + 1 : len;
    }
    if (call->on_bytes && most > ERROR_BODY_MAX) most = ERROR_BODY_MAX;
    if (call->body.len + len > most) {
        call->too_large = true;
        return len + 1;
    }
    gy_buf_add(&call->body, bytes, len);
    return len;
}

static void free_call(struct gy_http_call *call)
{
    DL_DELETE(call->client->calls, call);
    curl_multi_remove_handle(call->client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    gy_buf_fini(&call->body);
    free(call);
}

static void finish(struct gy_http_call *call, CURLcode code)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_http_result result = {0};
    long status = 0;
    char *type = NULL;
    if (call->too_large) code = CURLE_FILESIZE_EXCEEDED;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    result.http_status = (unsigned)status;
    result.content_type = type;
    result.len = call->body.len;
    if (code != CURLE_OK) {
        result.status = gy_http_endpoint_failure(&call->client->endpoint, call->easy, code, &err);
        result.err = &err;
    }
    if (!call->on_bytes || status / 100 != 2) result.body = call->body.text ? call->body.text : "";
    if (!call->canceled) {
        call->canceled = true; /* a cancel from on_done finds nothing to do */
        call->on_done(call->arg, &result);
    }
    free_call(call);
}

static void check_done(struct gy_http_client *c)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(c->multi, &left))) {
        struct gy_http_call *call = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(call, message->data.result);
    }
}

static void handle_closed(uv_handle_t *handle)
{
    struct gy_http_client *c = handle->data;
    if (--c->open_handles == 0) free(c);
}

static void on_later(uv_timer_t *timer)
{
    struct gy_http_client *c = timer->data;
    struct gy_http_call *call, *next;
    DL_FOREACH_SAFE (c->calls, call, next) {
        if (call->canceled) {
            free_call(call);
        } else if (call->resume) {
            call->resume = false;
            curl_easy_pause(call->easy, CURLPAUSE_CONT); /* may deliver at once */
        }
    }
    if (!c->destroying) {
        on_timer(&c->timer);
        return;
    }
    curl_multi_cleanup(c->multi);
    gy_http_endpoint_fini(&c->endpoint);
    uv_close((uv_handle_t *)&c->timer, handle_closed);
    uv_close((uv_handle_t *)&c->later, handle_closed);
}

struct gy_http_client *gy_http_client_create(uv_loop_t *loop, const struct gy_http_target *target,
                                             struct gy_error *err)
{
    struct gy_http_endpoint endpoint;
    if (gy_http_endpoint_init(&endpoint, target, err) != GANTRY_OK) return NULL;
    struct gy_http_client *c = gy_alloc(sizeof *c);
    c->endpoint = endpoint;
    c->loop = loop;
    c->multi = curl_multi_init();
    GY_ASSERT(c->multi);
    c->open_handles = 2;
    uv_timer_init(loop, &c->timer);
    uv_timer_init(loop, &c->later);
    c->timer.data = c->later.data = c;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return c;
}

static void do_later(struct gy_http_client *c)
{
    uv_timer_start(&c->later, on_later, 0, 0);
}

void gy_http_client_destroy(struct gy_http_client *c)
{
    struct gy_http_call *call;
    if (!c || c->destroying) return;
    c->destroying = true;
    DL_FOREACH (c->calls, call)
        call->canceled = true;
    do_later(c);
}

struct gy_http_call *
gy_http_client_send(struct gy_http_client *c, const char *method, const char *path,
                    const void *body, size_t len, const struct gy_http_request_options *options,
                    void (*on_done)(void *arg, const struct gy_http_result *result), void *arg)
{
    static const struct gy_http_request_options none = {0};
    const struct gy_http_request_options *o = options ? options : &none;
    struct gy_http_call *call = gy_alloc(sizeof *call);
    GY_ASSERT(!c->destroying);
    call->client = c;
    call->on_bytes = o->on_bytes;
    call->on_done = on_done;
    call->arg = arg;
    call->easy = curl_easy_init();
    GY_ASSERT(call->easy);
    int64_t timeout_ms = o->on_bytes && !o->timeout_ms ? -1 : o->timeout_ms;
    gy_http_endpoint_setup(&c->endpoint, call->easy, method, path, body, len, o->content_type,
                           o->headers, timeout_ms, &call->headers);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, (char *)call);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    DL_APPEND(c->calls, call);
    curl_multi_add_handle(c->multi, call->easy);
    return call;
}

void gy_http_call_resume(struct gy_http_call *call)
{
    call->resume = true;
    do_later(call->client);
}

void gy_http_call_cancel(struct gy_http_call *call)
{
    if (call->canceled) return;
    call->canceled = true;
    do_later(call->client);
}
