/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms of the HTTP client share; nobody else includes it. */
#ifndef GY_NET_HTTP_ENDPOINT_H
#define GY_NET_HTTP_ENDPOINT_H

#include "net/http_client.h"
#include <curl/curl.h>

struct gy_http_endpoint {
    char *url;         /* as given, for sentences */
    char *base;        /* "http://host:port/base" without a final slash */
    char *socket_path; /* of a unix socket, or NULL */
    char *token, *peer, *ca_file;
    bool direct; /* unix or loopback: never through a proxy */
    int64_t connect_ms, timeout_ms;
    size_t body_bytes;
};

gantry_status gy_http_endpoint_init(struct gy_http_endpoint *e, const struct gy_http_target *target,
                                    struct gy_error *err);
void gy_http_endpoint_fini(struct gy_http_endpoint *e);
/* Set all of a request but its callbacks.  *headers is for curl_slist_free_all() afterwards. */
void gy_http_endpoint_setup(const struct gy_http_endpoint *e, CURL *easy, const char *method,
                            const char *path, const void *body, size_t len,
                            const char *content_type, const char *const *extra, int64_t timeout_ms,
                            struct curl_slist **headers);
/* The sentence for a transfer that failed. */
gantry_status gy_http_endpoint_failure(const struct gy_http_endpoint *e, CURL *easy, CURLcode code,
                                       struct gy_error *err);
gantry_status gy_http_endpoint_unreachable(const struct gy_http_endpoint *e, const char *why,
                                           struct gy_error *err);
/* First line, or what follows, of an error body {"error": {...}}. */
gantry_status gy_http_answer_error(unsigned http_status, const char *body, size_t len,
                                   struct gy_error *err);

#endif
