/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrade from the client's side: curl keeps its sockets to itself, so this speaks the few lines of
 * HTTP on its own socket. */
#include "base/text.h"
#include "net/address.h"
#include "net/http_client.h"
#include "net/http_endpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HEAD_MAX (32u << 10)
#define BODY_MAX (1u << 20)

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
}

static void free_result(struct addrinfo **list)
{
    if (*list) freeaddrinfo(*list);
}

/* Connect within timeout_ms; the descriptor is blocking again.  Negative: -errno. */
static int connect_to(const struct sockaddr *to, socklen_t len, int64_t timeout_ms)
{
    GY_CLEANUP(close_fd)
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    if (connect(fd, to, len) < 0) {
        int why = errno;
        socklen_t why_len = sizeof why;
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (why != EINPROGRESS) return -why;
        int n = poll(&p, 1, (int)timeout_ms);
        if (n == 0) return -ETIMEDOUT;
        if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &why_len) < 0) return -errno;
        if (why) return -why;
    }
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    struct timeval limit = {.tv_sec = 30};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int given = fd;
    fd = -1;
    return given;
}

static gantry_status dial_url(const struct gy_http_endpoint *e, char **host_out, char **path_out,
                              int *fd, struct gy_error *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
    GY_CLEANUP(free_result) struct addrinfo *list = NULL;
    gantry_status status = GANTRY_OK;
    GY_ASSERT(url && curl_url_set(url, CURLUPART_URL, e->base, 0) == CURLUE_OK);
    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    curl_url_get(url, CURLUPART_HOST, &host, 0);
    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    curl_url_get(url, CURLUPART_PATH, &path, 0);
    *host_out = gy_printf("%s:%s", host, port);
    *path_out = gy_strdup(!path || !strcmp(path, "/") ? "" : path);
    int rc = -ECONNREFUSED;
    if (e->socket_path) {
        struct gy_address a;
        struct sockaddr_storage to;
        socklen_t len;
        GY_ASSERT(gy_address_make_unix(e->socket_path, &a, NULL) == GANTRY_OK);
        gy_address_to_sockaddr(&a, &to, &len);
        rc = connect_to((struct sockaddr *)&to, len, e->connect_ms);
    } else if (strcmp(scheme, "http") != 0) {
        status = gy_error_set(err, GANTRY_ENOTSUP,
                              "an interactive session needs unix:// or http://, not %s", e->url);
    } else {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        size_t n = strlen(host);
        if (host[0] == '[' && host[n - 1] == ']') { /* the resolver wants it bare */
            memmove(host, host + 1, n - 2);
            host[n - 2] = '\0';
        }
        int why = getaddrinfo(host, port, &hints, &list);
        if (why) status = gy_http_endpoint_unreachable(e, gai_strerror(why), err);
        for (struct addrinfo *a = list; a && rc < 0; a = a->ai_next)
            rc = connect_to(a->ai_addr, a->ai_addrlen, e->connect_ms);
    }
    if (status == GANTRY_OK && rc < 0) status = gy_http_endpoint_unreachable(e, strerror(-rc), err);
    if (status == GANTRY_OK) *fd = rc;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_url_cleanup(url);
    return status;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* Read until there are `want` bytes, or the end of the headers when want is 0. */
static bool read_more(int fd, struct gy_buf *in, size_t want, size_t most)
{
    char chunk[4096];
    for (;;) {
        if (want ? in->len >= want : in->text && strstr(in->text, "\r\n\r\n") != NULL) return true;
        if (in->len >= most) return false;
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        gy_buf_add(in, chunk, (size_t)n);
    }
}

static char *header_of(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = strstr(head, "\r\n"); p && p[2] && strncmp(p, "\r\n\r\n", 4) != 0;
         p = strstr(p + 2, "\r\n")) {
        const char *value = p + 2 + n;
        if (strncasecmp(p + 2, name, n) != 0 || *value != ':') continue;
        value += 1 + strspn(value + 1, " \t");
        return gy_strndup(value, strcspn(value, "\r\n"));
    }
    return NULL;
}

/* An answer that is not 101: gather its body for the sentence. */
static gantry_status take_refusal(int fd, struct gy_buf *in, size_t head_len, unsigned http_status,
                                  struct gy_http_response *refused, struct gy_error *err)
{
    gy_autofree char *length = header_of(in->text, "Content-Length");
    int64_t body_len = 0;
    if (length) gy_int_parse(length, 0, BODY_MAX, &body_len, NULL);
    if (body_len) read_more(fd, in, head_len + (size_t)body_len, head_len + (size_t)body_len);
    size_t have = in->len - head_len;
    gantry_status status = gy_http_answer_error(http_status, in->text + head_len, have, err);
    if (refused) {
        refused->status = http_status;
        refused->content_type = header_of(in->text, "Content-Type");
        refused->body = gy_strndup(in->text + head_len, have);
        refused->len = strlen(refused->body);
    }
    return status == GANTRY_OK ? GANTRY_EINVAL : status;
}

static void write_request(struct gy_buf *out, const struct gy_http_endpoint *e, const char *host,
                          const char *base_path, const char *path, const char *protocol,
                          const void *body, size_t len)
{
    gy_buf_printf(out,
                  "POST %s%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"
                  "Content-Length: %zu\r\n",
                  base_path, path, host, protocol, len);
    if (len) gy_buf_str(out, "Content-Type: application/json\r\n");
    if (e->token) gy_buf_printf(out, "Authorization: Bearer %s\r\n", e->token);
    gy_buf_str(out, "\r\n");
    gy_buf_add(out, body, len);
}

static gantry_status ask_upgrade(const struct gy_http_endpoint *e, int fd, struct gy_buf *out,
                                 char **early, size_t *early_len, struct gy_http_response *refused,
                                 struct gy_error *err)
{
    struct gy_buf in = {0};
    unsigned http_status = 0;
    gantry_status status = GANTRY_OK;
    bool asked = send_all(fd, out->text, out->len);
    if (!asked || !read_more(fd, &in, 0, HEAD_MAX) ||
        sscanf(in.text, "HTTP/1.%*1[01] %3u", &http_status) != 1) {
        gy_buf_fini(&in);
        return gy_error_set(err, GANTRY_EUNAVAIL,
                            "the connection to %s at %s broke before its answer", e->peer, e->url);
    }
    size_t head_len = (size_t)(strstr(in.text, "\r\n\r\n") + 4 - in.text);
    if (http_status != 101) {
        status = take_refusal(fd, &in, head_len, http_status, refused, err);
    } else {
        gy_buf_drop(&in, head_len);
        *early_len = in.len;
        *early = in.len ? gy_buf_take(&in) : NULL;
    }
    gy_buf_fini(&in);
    return status;
}

gantry_status gy_http_upgrade_connect(const struct gy_http_target *target, const char *path,
                                      const char *protocol, const void *body, size_t len, int *fd,
                                      char **early, size_t *early_len,
                                      struct gy_http_response *refused, struct gy_error *err)
{
    struct gy_http_endpoint e;
    gy_autofree char *host = NULL, *base_path = NULL;
    GY_CLEANUP(close_fd) int opened = -1;
    gantry_status status = gy_http_endpoint_init(&e, target, err);
    if (status != GANTRY_OK) return status;
    status = dial_url(&e, &host, &base_path, &opened, err);
    if (status == GANTRY_OK) {
        struct gy_buf out = {0};
        write_request(&out, &e, host, base_path, path, protocol, body, len);
        status = ask_upgrade(&e, opened, &out, early, early_len, refused, err);
        if (out.text) explicit_bzero(out.text, out.len); /* the token */
        gy_buf_fini(&out);
    }
    gy_http_endpoint_fini(&e);
    if (status != GANTRY_OK) return status;
    struct timeval none = {0};
    setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
    *fd = opened;
    opened = -1;
    return GANTRY_OK;
}
