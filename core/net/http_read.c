/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler can ask about a request. */
#include "net/http_private.h"

const char *gy_http_method(const struct gy_http_request *req)
{
    return req->method;
}

const char *gy_http_path(const struct gy_http_request *req)
{
    return req->path;
}

const char *gy_http_route(const struct gy_http_request *req)
{
    return req->match.route ? req->match.route->pattern : "";
}

const char *gy_http_param(const struct gy_http_request *req, const char *name)
{
    return gy_route_param(&req->match, name);
}

const char *gy_http_query(const struct gy_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->query_n; i++)
        if (!strcmp(req->query[i].key, name)) return req->query[i].value;
    return NULL;
}

bool gy_http_query_at(const struct gy_http_request *req, size_t i, const char **key,
                      const char **value)
{
    if (i >= req->query_n) return false;
    *key = req->query[i].key;
    *value = req->query[i].value;
    return true;
}

const char *gy_http_header(const struct gy_http_request *req, const char *name)
{
    return req->mhd ? MHD_lookup_connection_value(req->mhd, MHD_HEADER_KIND, name) : NULL;
}

gantry_bytes gy_http_body(const struct gy_http_request *req)
{
    return (gantry_bytes){req->body.text, req->body.len};
}

json_t *gy_http_body_json(const struct gy_http_request *req, struct gy_error *err)
{
    json_error_t at;
    if (!req->body.len) {
        gy_error_set(err, GANTRY_EINVAL, "the request needs a body in JSON");
        return NULL;
    }
    json_t *value = json_loadb(req->body.text, req->body.len, JSON_REJECT_DUPLICATES, &at);
    if (!value)
        gy_error_set(err, GANTRY_EINVAL, "the body is not JSON: line %d, column %d: %s", at.line,
                     at.column, at.text);
    return value;
}

bool gy_http_peer_unix(const struct gy_http_request *req, uid_t *uid, gid_t *gid, pid_t *pid)
{
    if (req->peer.family != GY_ADDRESS_UNIX) return false;
    if (uid) *uid = req->uid;
    if (gid) *gid = req->gid;
    if (pid) *pid = req->pid;
    return true;
}

const struct gy_address *gy_http_peer(const struct gy_http_request *req)
{
    return &req->peer;
}

void gy_http_set_caller(struct gy_http_request *req, void *caller, void (*free_fn)(void *))
{
    if (req->caller_free) req->caller_free(req->caller);
    req->caller = caller;
    req->caller_free = free_fn;
}

void *gy_http_caller(const struct gy_http_request *req)
{
    return req->caller;
}
