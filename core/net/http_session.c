/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking form, for the command line. */
#include "base/text.h"
#include "net/http_client.h"
#include "net/http_endpoint.h"

#define TICK_MS 250
#define ERROR_BODY_MAX (1u << 20)

struct gy_http_session {
    struct gy_http_endpoint endpoint;
    CURL *easy;
    CURLM *multi;
};

struct gather {
    CURL *easy;
    struct gy_buf body;
    size_t most;
    bool too_large, stopped;
    bool (*on_bytes)(void *arg, const void *bytes, size_t len);
    void *arg;
};

struct gy_http_session *gy_http_session_open(const struct gy_http_target *target,
                                             struct gy_error *err)
{
    struct gy_http_endpoint endpoint;
    if (gy_http_endpoint_init(&endpoint, target, err) != GANTRY_OK) return NULL;
    struct gy_http_session *s = gy_alloc(sizeof *s);
    s->endpoint = endpoint;
    s->easy = curl_easy_init();
    s->multi = curl_multi_init();
    GY_ASSERT(s->easy && s->multi);
    return s;
}

void gy_http_session_close(struct gy_http_session *s)
{
    if (!s) return;
    curl_easy_cleanup(s->easy);
    curl_multi_cleanup(s->multi);
    gy_http_endpoint_fini(&s->endpoint);
    free(s);
}

void gy_http_response_fini(struct gy_http_response *r)
{
    free(r->content_type);
    free(r->body);
    *r = (struct gy_http_response){0};
}

gantry_status gy_http_response_check(const struct gy_http_response *r, struct gy_error *err)
{
    if (r->status / 100 == 2) return GANTRY_OK;
    return gy_http_answer_error(r->status, r->body, r->len, err);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *cls)
{
    struct gather *g = cls;
    size_t len = size * n;
    long status = 0;
    curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    if (g->on_bytes && status / 100 == 2) {
        if (g->on_bytes(g->arg, bytes, len)) return len;
        g->stopped = true;
        return len + 1;
    }
    if (g->body.len + len > g->most) {
        g->too_large = true;
        return len + 1;
    }
    gy_buf_add(&g->body, bytes, len);
    return len;
}

static void take_response(CURL *easy, struct gather *g, struct gy_http_response *response)
{
    long status = 0;
    char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    response->status = (unsigned)status;
    response->content_type = gy_strdup(type);
    response->len = g->body.len;
    response->body = gy_buf_take(&g->body);
}

gantry_status gy_http_call(struct gy_http_session *s, const char *method, const char *path,
                           const void *body, size_t len, struct gy_http_response *response,
                           struct gy_error *err)
{
    struct gather g = {.easy = s->easy, .most = s->endpoint.body_bytes};
    struct curl_slist *headers = NULL;
    gy_http_endpoint_setup(&s->endpoint, s->easy, method, path, body, len, NULL, NULL, 0, &headers);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, &g);
    CURLcode code = curl_easy_perform(s->easy);
    curl_slist_free_all(headers);
    if (g.too_large) code = CURLE_FILESIZE_EXCEEDED;
    if (code != CURLE_OK) {
        gy_buf_fini(&g.body);
        return gy_http_endpoint_failure(&s->endpoint, s->easy, code, err);
    }
    take_response(s->easy, &g, response);
    return GANTRY_OK;
}

/* Run the transfer that was added to the multi handle to its end. */
static CURLcode run(struct gy_http_session *s, struct gather *g)
{
    int running = 1, left, ready;
    while (running && !g->stopped) {
        if (curl_multi_perform(s->multi, &running) != CURLM_OK) return CURLE_RECV_ERROR;
        if (!running || g->stopped) break;
        if (curl_multi_poll(s->multi, NULL, 0, TICK_MS, &ready) != CURLM_OK) ready = 0;
        if (!ready && !g->on_bytes(g->arg, "", 0)) g->stopped = true;
    }
    CURLMsg *message = curl_multi_info_read(s->multi, &left);
    return message ? message->data.result : CURLE_OK;
}

gantry_status gy_http_stream(struct gy_http_session *s, const char *path,
                             bool (*on_bytes)(void *arg, const void *bytes, size_t len), void *arg,
                             struct gy_http_response *refused, struct gy_error *err)
{
    struct gather g = {.most = ERROR_BODY_MAX, .on_bytes = on_bytes, .arg = arg};
    struct curl_slist *headers = NULL;
    gantry_status status = GANTRY_OK;
    long code_of_answer = 0;
    /* A handle of its own: on_bytes may use the session for a call. */
    g.easy = curl_easy_init();
    GY_ASSERT(g.easy);
    gy_http_endpoint_setup(&s->endpoint, g.easy, "GET", path, NULL, 0, NULL, NULL, -1, &headers);
    curl_easy_setopt(g.easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(g.easy, CURLOPT_WRITEDATA, &g);
    curl_multi_add_handle(s->multi, g.easy);
    CURLcode code = run(s, &g);
    if (!g.stopped && code != CURLE_OK)
        status = gy_http_endpoint_failure(&s->endpoint, g.easy,
                                          g.too_large ? CURLE_FILESIZE_EXCEEDED : code, err);
    curl_easy_getinfo(g.easy, CURLINFO_RESPONSE_CODE, &code_of_answer);
    if (status == GANTRY_OK && code_of_answer && code_of_answer / 100 != 2) {
        status = gy_http_answer_error((unsigned)code_of_answer, g.body.text, g.body.len, err);
        if (refused) take_response(g.easy, &g, refused);
    }
    curl_multi_remove_handle(s->multi, g.easy);
    curl_easy_cleanup(g.easy);
    curl_slist_free_all(headers);
    gy_buf_fini(&g.body);
    return status;
}
