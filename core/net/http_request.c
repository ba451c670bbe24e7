/* SPDX-License-Identifier: Apache-2.0 */
/* From libmicrohttpd's callbacks to a checked request in a handler's hands. */
#include "net/http_private.h"

#include "base/time.h"
#include <sys/socket.h>

#define DROP_MAX (1u << 20) /* of a body beyond its bound, read so that the client sees the 413 */

struct header_check {
    unsigned lengths, hosts, encodings;
    uint64_t length;
    size_t bytes;
    const char *wrong;
    bool lax;
};

static bool parse_length(const char *text, uint64_t *out)
{
    if (!*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text)) return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (const char *p = text; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              strchr(others, *p)))
            return false;
    return *text != '\0';
}

/* MHD 0.9 cuts lines up in its read buffer and takes the parts for C strings, so whatever follows a
 * NUL is lost without a word.  What it put there itself tells: name NUL blanks value NUL NUL (the
 * CR and LF).  MHD 1.0 has a strict parser of its own, and another layout. */
static bool has_lax_parser(void)
{
    return gy_starts_with(MHD_get_version(), "0.9.");
}

static bool is_whole_line(const char *key, size_t key_len, const char *value, size_t value_len)
{
    const char *p = key + key_len + 1;
    if (value < p) return false; /* folded lines are put together elsewhere */
    while (p < value && (*p == ' ' || *p == '\t'))
        p++;
    return p == value && value[value_len] == '\0' && value[value_len + 1] == '\0';
}

/* Called with the raw target before MHD cuts it at its query. */
void *gy_http_note_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    (void)cls;
    struct gy_http_conn *c =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    c->target_end = target + strlen(target);
    return NULL;
}

/* RFC 9112 section 6: whoever disagrees with a proxy about where a body ends can be made to read
 * another request out of it, so anything ambiguous is refused. */
static enum MHD_Result check_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                    size_t key_len, const char *value, size_t value_len)
{
    struct header_check *c = cls;
    (void)kind;
    const char *text = value ? value : "";
    c->bytes += key_len + value_len + 4;
    if (c->lax && value && !is_whole_line(key, key_len, value, value_len))
        c->wrong = "a header line contains a NUL, is folded, or does not end in CR LF";
    if (!is_token(key)) c->wrong = "a header's name is not a token (RFC 9110, 5.1)";
    for (size_t i = 0; i < value_len; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            c->wrong = "a header's value contains a control character";
    if (!strcasecmp(key, "Content-Length") && (c->lengths++, !parse_length(text, &c->length)))
        c->wrong = "Content-Length is not a decimal number";
    if (!strcasecmp(key, "Host")) c->hosts++;
    if (!strcasecmp(key, "Transfer-Encoding") && (c->encodings++, strcasecmp(text, "chunked")))
        c->wrong = "the only Transfer-Encoding understood is chunked";
    return MHD_YES;
}

static const char *check_headers(struct MHD_Connection *mhd, const char *method,
                                 const char *version, struct header_check *c)
{
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, check_header, c);
    if (c->wrong) return c->wrong;
    if (!is_token(method)) return "the method is not a token (RFC 9110, 9.1)";
    if (c->lengths > 1) return "there is more than one Content-Length";
    if (c->encodings > 1) return "there is more than one Transfer-Encoding";
    if (c->encodings && c->lengths)
        return "Transfer-Encoding and Content-Length exclude each other";
    if (c->hosts > 1) return "there is more than one Host";
    if (!c->hosts && !strcmp(version, "HTTP/1.1")) return "HTTP/1.1 needs a Host header";
    if (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0"))
        return "only HTTP/1.1 and HTTP/1.0 are spoken";
    return NULL;
}

struct query_walk {
    struct gy_http_request *req;
    struct gy_error *err;
    gantry_status status;
};

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *key,
                                 size_t key_len, const char *value, size_t value_len)
{
    struct query_walk *walk = cls;
    struct gy_http_request *req = walk->req;
    (void)kind;
    struct gy_http_query_arg arg = {gy_alloc(key_len + 1), gy_alloc(value_len + 1)};
    walk->status = gy_path_decode(key, key_len, arg.key, walk->err);
    if (walk->status == GANTRY_OK && value)
        walk->status = gy_path_decode(value, value_len, arg.value, walk->err);
    GY_VEC_PUSH(req->query, req->query_n, req->query_cap);
    req->query[req->query_n++] = arg;
    return walk->status == GANTRY_OK ? MHD_YES : MHD_NO;
}

static void read_peer(struct gy_http_request *req)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    req->peer = req->conn->peer;
    req->uid = (uid_t)-1;
    req->gid = (gid_t)-1;
    if (req->peer.family == GY_ADDRESS_UNIX &&
        getsockopt(req->conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
        req->uid = cred.uid;
        req->gid = cred.gid;
        req->pid = cred.pid;
    }
}

static struct gy_http_request *create(struct gy_http_listener *l, struct MHD_Connection *mhd,
                                      const char *url, const char *method)
{
    struct gy_http_request *req = gy_alloc(sizeof *req);
    req->server = l->server;
    req->mhd = mhd;
    req->conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    req->method = gy_strdup(method);
    req->path = gy_strdup(url);
    req->watch_fd = -1;
    req->started_ns = gy_time_mono_ns();
    req->released = true; /* until a handler has it */
    read_peer(req);
    DL_APPEND(l->server->requests, req);
    l->server->request_count++;
    return req;
}

static void reply_no_route(struct gy_http_request *req, gantry_status status,
                           const struct gy_error *err, const char *allow)
{
    if (status == GANTRY_ENOTSUP) gy_http_reply_header(req, "Allow", allow);
    gy_http_reply_error(req,
                        status == GANTRY_ENOTSUP     ? 405
                        : status == GANTRY_ENOTFOUND ? 404
                                                     : 400,
                        gy_status_name(status), NULL, "%s", err->text);
}

/* Headers are complete: refuse what can be refused now, before any of the body is read. */
static void examine(struct gy_http_request *req, const char *version)
{
    struct gy_http_server *s = req->server;
    struct header_check check = {0};
    struct gy_error err = GY_ERROR_INIT;
    check.lax = has_lax_parser();
    if (check.lax && version != req->conn->target_end + 1)
        check.wrong = "the request line contains a NUL or a blank too many";
    const char *wrong = check_headers(req->mhd, req->method, version, &check);
    if (wrong) {
        gy_http_reply_header(req, "Connection", "close");
        gy_http_reply_error(req, 400, "EINVAL", NULL, "%s", wrong);
        return;
    }
    if (check.bytes + strlen(req->path) > s->limits.header_bytes) {
        gy_http_reply_error(req, 431, "EINVAL", NULL, "the headers are larger than %zu bytes",
                            s->limits.header_bytes);
        return;
    }
    req->expected = check.length;
    struct query_walk walk = {req, &err, GANTRY_OK};
    MHD_get_connection_values_n(req->mhd, MHD_GET_ARGUMENT_KIND, add_query, &walk);
    if (walk.status != GANTRY_OK) {
        gy_http_reply_error(req, 400, "EINVAL", NULL, "%s", err.text);
        return;
    }
    struct gy_route_match match = {0};
    gantry_status found = gy_route_find(&s->routes, req->method, req->path, &match, &err);
    req->match = match;
    if (found == GANTRY_OK)
        req->entry = match.route->value;
    else if (found != GANTRY_EINVAL && s->fallback.handler)
        req->entry = &s->fallback;
    struct gy_http_guard_entry *g;
    LL_FOREACH (s->guards, g)
        if (!g->guard(g->arg, req)) {
            GY_ASSERT(req->answered);
            return;
        }
    if (!req->entry)
        reply_no_route(req, found, &err, match.allow);
    else if (check.length > s->limits.body_bytes)
        gy_http_reply_error(req, 413, "EINVAL", NULL, "the body is larger than %zu bytes",
                            s->limits.body_bytes);
}

static enum MHD_Result take_upload(struct gy_http_request *req, const char *upload, size_t *len)
{
    size_t n = *len;
    *len = 0;
    if (req->body.len + n <= req->server->limits.body_bytes && !req->dropped) {
        gy_buf_add(&req->body, upload, n);
        return MHD_YES;
    }
    gy_buf_fini(&req->body);
    req->dropped += n;
    return req->dropped > DROP_MAX ? MHD_NO : MHD_YES;
}

static void hand_over(struct gy_http_request *req)
{
    req->handed = true;
    req->conn->phase = GY_HTTP_CONN_BUSY;
    if (req->dropped) {
        gy_http_reply_error(req, 413, "EINVAL", NULL, "the body is larger than %zu bytes",
                            req->server->limits.body_bytes);
        return;
    }
    if (!req->body.text) gy_buf_add(&req->body, "", 0);
    req->released = false;
    req->entry->handler(req->entry->arg, req);
}

enum MHD_Result gy_http_access(void *cls, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **req_cls)
{
    struct gy_http_request *req = *req_cls;
    if (!req) {
        req = create(cls, mhd, url, method);
        *req_cls = req;
        req->conn->phase = GY_HTTP_CONN_BODY;
        req->conn->since_ms = gy_time_mono_ms();
        examine(req, version);
        return req->answered ? gy_http_queue(req) : MHD_YES;
    }
    if (*upload_len) return take_upload(req, upload, upload_len);
    if (!req->handed) hand_over(req);
    if (req->gone) return MHD_NO;
    if (req->answered) return req->queued ? MHD_YES : gy_http_queue(req);
    gy_http_suspend(req);
    return MHD_YES;
}

void gy_http_completed(void *cls, struct MHD_Connection *mhd, void **req_cls,
                       enum MHD_RequestTerminationCode code)
{
    struct gy_http_request *req = *req_cls;
    (void)cls;
    (void)mhd;
    (void)code;
    if (!req) return;
    *req_cls = NULL;
    DL_DELETE(req->server->requests, req);
    if (req->conn) {
        req->conn->phase = GY_HTTP_CONN_IDLE;
        req->conn->since_ms = gy_time_mono_ms();
    }
    req->suspended = false;
    gy_http_unwatch(req);
    req->server = NULL;
    req->mhd = NULL;
    req->conn = NULL;
    if (!req->released) gy_http_mark_gone(req);
    void (*on_open)(void *, struct gy_wire *) = GY_GIVE(req->on_open);
    if (on_open) on_open(req->open_arg, NULL);
    req->completed = true; /* only now: what on_closed answers must not free it under us */
    gy_http_request_try_free(req);
}

void gy_http_request_try_free(struct gy_http_request *req)
{
    if (!req->completed || !req->released) return;
    struct gy_http_header_extra *h, *h2;
    if (req->response) MHD_destroy_response(req->response);
    LL_FOREACH_SAFE (req->extra, h, h2) {
        free(h->name);
        free(h->value);
        free(h);
    }
    for (size_t i = 0; i < req->query_n; i++) {
        free(req->query[i].key);
        free(req->query[i].value);
    }
    free(req->query);
    gy_http_chunks_free(req);
    gy_route_match_fini(&req->match);
    if (req->caller_free) req->caller_free(req->caller);
    gy_buf_fini(&req->body);
    free(req->method);
    free(req->path);
    free(req);
}
