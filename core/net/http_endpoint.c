/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_endpoint.h"

#include "base/text.h"
#include "net/address.h"
#include <jansson.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    GY_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
}

static bool is_loopback_url(CURLU *url)
{
    char *host = NULL;
    struct gy_address a;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) return false;
    bool loopback = gy_address_make(host, 0, &a, NULL) == GANTRY_OK && gy_address_is_loopback(&a);
    curl_free(host);
    return loopback;
}

static gantry_status init_url(struct gy_http_endpoint *e, const char *text, struct gy_error *err)
{
    if (gy_starts_with(text, "unix://")) {
        struct gy_address a;
        gantry_status status = gy_address_make_unix(text + strlen("unix://"), &a, err);
        if (status != GANTRY_OK) return status;
        e->socket_path = gy_strdup(a.text);
        e->base = gy_strdup("http://localhost");
        e->direct = true;
        return GANTRY_OK;
    }
    CURLU *url = curl_url();
    bool good = (gy_starts_with(text, "http://") || gy_starts_with(text, "https://")) &&
                curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    if (good) {
        e->direct = is_loopback_url(url);
        e->base = gy_strdup(text);
        size_t n = strlen(e->base);
        if (n && e->base[n - 1] == '/') e->base[n - 1] = '\0';
    }
    curl_url_cleanup(url);
    if (good) return GANTRY_OK;
    return gy_error_set(err, GANTRY_EINVAL,
                        "\"%.200s\" is not an address of %s: write unix:///path/gantry.sock, "
                        "http://HOST:PORT or https://HOST:PORT",
                        text, e->peer);
}

gantry_status gy_http_endpoint_init(struct gy_http_endpoint *e, const struct gy_http_target *target,
                                    struct gy_error *err)
{
    pthread_once(&once, init_curl);
    *e = (struct gy_http_endpoint){0};
    e->peer = gy_strdup(target->peer ? target->peer : "gantryd");
    e->url = gy_strdup(target->url ? target->url : "");
    e->token = gy_strdup(target->token);
    e->ca_file = gy_strdup(target->ca_file);
    e->connect_ms = target->connect_ms ? target->connect_ms : 5000;
    e->timeout_ms = target->timeout_ms ? target->timeout_ms : 60000;
    e->body_bytes = target->body_bytes ? target->body_bytes : 64u << 20;
    gantry_status status = init_url(e, e->url, err);
    for (const char *p = e->token; status == GANTRY_OK && p && *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            status = gy_error_set(err, GANTRY_EINVAL,
                                  "the token contains a blank or a control character");
    if (status != GANTRY_OK) gy_http_endpoint_fini(e);
    return status;
}

void gy_http_endpoint_fini(struct gy_http_endpoint *e)
{
    if (e->token) explicit_bzero(e->token, strlen(e->token));
    free(e->token);
    free(e->url);
    free(e->base);
    free(e->socket_path);
    free(e->peer);
    free(e->ca_file);
    *e = (struct gy_http_endpoint){0};
}

static void add_headers(const struct gy_http_endpoint *e, const char *content_type, bool has_body,
                        const char *const *extra, struct curl_slist **headers)
{
    *headers = curl_slist_append(*headers, "Expect:"); /* no waiting for 100 Continue */
    if (has_body) {
        gy_autofree char *type =
            gy_printf("Content-Type: %s", content_type ? content_type : "application/json");
        *headers = curl_slist_append(*headers, type);
    }
    if (e->token) {
        char *bearer = gy_printf("Authorization: Bearer %s", e->token);
        *headers = curl_slist_append(*headers, bearer);
        explicit_bzero(bearer, strlen(bearer));
        free(bearer);
    }
    for (size_t i = 0; extra && extra[i]; i++)
        *headers = curl_slist_append(*headers, extra[i]);
}

void gy_http_endpoint_setup(const struct gy_http_endpoint *e, CURL *easy, const char *method,
                            const char *path, const void *body, size_t len,
                            const char *content_type, const char *const *extra, int64_t timeout_ms,
                            struct curl_slist **headers)
{
    gy_autofree char *url = gy_printf("%s%s", e->base, path);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* 7.88 fails every second request on an HTTP/2 connection (curl issue 10634). */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    if (e->socket_path) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, e->socket_path);
    if (e->direct) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (e->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, e->ca_file);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)e->connect_ms);
    if (timeout_ms >= 0)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ms ? timeout_ms : e->timeout_ms));
    if (body || !strcmp(method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, len ? body : "");
    }
    if (!strcmp(method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(method, "GET") || body)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    add_headers(e, content_type, len > 0, extra, headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
}

gantry_status gy_http_endpoint_unreachable(const struct gy_http_endpoint *e, const char *why,
                                           struct gy_error *err)
{
    if (!strcmp(e->peer, "gantryd"))
        return gy_error_set(err, GANTRY_EUNAVAIL,
                            "cannot reach gantryd at %s: %s; is gantryd running? Start it with: "
                            "gantryd --dev",
                            e->url, why);
    return gy_error_set(err, GANTRY_EUNAVAIL, "cannot reach %s at %s: %s; is it running?", e->peer,
                        e->url, why);
}

gantry_status gy_http_endpoint_failure(const struct gy_http_endpoint *e, CURL *easy, CURLcode code,
                                       struct gy_error *err)
{
    long os_errno = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return gy_http_endpoint_unreachable(e,
                                            code == CURLE_COULDNT_CONNECT && os_errno
                                                ? strerror((int)os_errno)
                                                : curl_easy_strerror(code),
                                            err);
    case CURLE_OPERATION_TIMEDOUT:
        return gy_error_set(err, GANTRY_ETIMEDOUT, "%s at %s did not answer in time", e->peer,
                            e->url);
    case CURLE_FILESIZE_EXCEEDED:
        return gy_error_set(err, GANTRY_EINVAL, "the answer of %s at %s is larger than %zu bytes",
                            e->peer, e->url, e->body_bytes);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return gy_error_set(err, GANTRY_EUNAVAIL, "the connection to %s at %s broke: %s", e->peer,
                            e->url, curl_easy_strerror(code));
    default:
        return gy_error_set(err, GANTRY_EUNAVAIL, "asking %s at %s failed: %s", e->peer, e->url,
                            curl_easy_strerror(code));
    }
}

static gantry_status status_named(const char *name, gantry_status fallback)
{
    for (gantry_status s = GANTRY_EINVAL; name && s >= GANTRY_ECONFLICT; s--)
        if (!strcmp(name, gy_status_name(s))) return s;
    return fallback;
}

gantry_status gy_http_answer_error(unsigned http_status, const char *body, size_t len,
                                   struct gy_error *err)
{
    gantry_status status = http_status == 404                         ? GANTRY_ENOTFOUND
                           : http_status == 409                       ? GANTRY_ECONFLICT
                           : http_status == 429                       ? GANTRY_EBUSY
                           : http_status == 501                       ? GANTRY_ENOTSUP
                           : http_status == 503 || http_status == 502 ? GANTRY_EUNAVAIL
                           : http_status == 504                       ? GANTRY_ETIMEDOUT
                           : http_status >= 500                       ? GANTRY_EINTERNAL
                                                                      : GANTRY_EINVAL;
    json_t *root = json_loadb(body ? body : "", len, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *path = json_string_value(json_object_get(error, "path"));
    status = status_named(json_string_value(json_object_get(error, "status")), status);
    if (message && path)
        gy_error_set(err, status, "%s: %s", path, message);
    else if (message)
        gy_error_set(err, status, "%s", message);
    else
        gy_error_set(err, status, "the answer was HTTP status %u", http_status);
    json_decref(root);
    return status;
}
