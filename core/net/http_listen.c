/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, and libmicrohttpd driven by the loop: its epoll descriptor in a uv_poll. */
#include "net/http_private.h"

#include "base/log.h"
#include "base/time.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
/* Room for the largest headers we take plus the answer's; a pool above 32 KiB is mapped, so an idle
 * connection costs only what it touches. */
#define POOL_EXTRA (16u << 10)

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
}

static void run(struct gy_http_listener *l)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    l->kicked = false;
    MHD_run(l->daemon);
    if (l->kicked)
        uv_timer_start(&l->timer, l->timer.timer_cb, 0, 0);
    else if (MHD_get_timeout(l->daemon, &ms) == MHD_YES)
        uv_timer_start(&l->timer, l->timer.timer_cb, ms, 0);
    else
        uv_timer_stop(&l->timer);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void log_mhd(void *cls, const char *fmt, va_list args)
{
    (void)cls;
    if (gy_log_get_level() < GY_LOG_DEBUG) return;
    char text[512];
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n > 0 && n < (int)sizeof text && text[n - 1] == '\n') text[n - 1] = '\0';
    gy_log(GY_LOG_DEBUG, "net", "http library says text=%s", text);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct gy_http_listener *l = cls;
    struct gy_http_server *s = l->server;
    struct gy_http_conn *c = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        c = gy_alloc(sizeof *c);
        c->listener = l;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        c->since_ms = gy_time_mono_ms();
        const struct sockaddr *sa =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        if (l->address.family == GY_ADDRESS_UNIX)
            c->peer.family = GY_ADDRESS_UNIX;
        else
            gy_address_from_sockaddr(sa, sizeof(struct sockaddr_in6), &c->peer);
        DL_APPEND(s->conns, c);
        s->conn_count++;
        *context = c;
        gy_http_sweep_start(s);
    } else if (c) {
        DL_DELETE(s->conns, c);
        s->conn_count--;
        free(c);
        *context = NULL;
    }
}

/* A resumed connection is looked at only by the next MHD_run(). */
void gy_http_listener_kick(struct gy_http_listener *l)
{
    if (l->kicked) return;
    l->kicked = true;
    uv_timer_start(&l->timer, on_timer, 0, 0);
}

/* Paths and arguments are decoded by us, after the path was split. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* Takes fd, also on failure. */
static gantry_status start(struct gy_http_server *s, int fd, const struct gy_address *address,
                           struct gy_http_listener **out, struct gy_error *err)
{
    struct gy_http_listener *l = gy_alloc(sizeof *l);
    const struct gy_http_limits *limits = &s->limits;
    l->server = s;
    l->address = *address;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, gy_http_access, l, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, limits->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->header_bytes + POOL_EXTRA,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((limits->idle_ms + 999) / 1000),
        MHD_OPTION_NOTIFY_COMPLETED, gy_http_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, l, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, gy_http_note_target, NULL,
        MHD_OPTION_END);
    if (!l->daemon) {
        close(fd);
        free(l);
        return gy_error_set(err, GANTRY_EINTERNAL, "the HTTP server did not start: %s",
                            strerror(errno));
    }
    int epoll_fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int rc = uv_poll_init(s->loop, &l->poll, epoll_fd);
    if (rc < 0) {
        MHD_stop_daemon(l->daemon);
        free(l);
        return gy_error_set(err, GANTRY_EINTERNAL, "the HTTP server did not start: %s",
                            uv_strerror(rc));
    }
    uv_timer_init(s->loop, &l->timer);
    l->poll.data = l->timer.data = l;
    uv_timer_start(&l->timer, on_timer, 0, 0);
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
    LL_APPEND(s->listeners, l);
    *out = l;
    return GANTRY_OK;
}

void gy_http_listener_close(struct gy_http_listener *l)
{
    int fd = MHD_quiesce_daemon(l->daemon);
    if (fd >= 0) close(fd);
    struct stat st;
    if (l->address.family == GY_ADDRESS_UNIX && l->inode && lstat(l->address.text, &st) == 0 &&
        st.st_ino == l->inode && st.st_dev == l->device)
        unlink(l->address.text);
}

/* OK when nothing answers at path: it is free, or a dead process left it. */
static gantry_status check_free(const struct gy_address *address, struct gy_error *err)
{
    struct stat st;
    const char *path = address->text;
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT) return GANTRY_OK;
        return gy_error_set(err, GANTRY_EINVAL, "cannot listen on %s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode))
        return gy_error_set(err, GANTRY_EINVAL,
                            "cannot listen on %s: it is there and is not a socket; name another "
                            "path or remove it",
                            path);
    GY_CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_storage to;
    socklen_t len;
    gy_address_to_sockaddr(address, &to, &len);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, len) < 0) {
        if (errno == ECONNREFUSED || errno == ENOENT) return GANTRY_OK;
        if (errno != EAGAIN)
            return gy_error_set(err, GANTRY_EINVAL, "cannot listen on %s: %s", path,
                                strerror(errno));
    }
    struct ucred peer = {0};
    socklen_t peer_len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) == 0 && peer.pid > 0)
        return gy_error_set(err, GANTRY_EBUSY,
                            "process %d already listens on %s; stop it first, or name another path",
                            (int)peer.pid, path);
    return gy_error_set(err, GANTRY_EBUSY,
                        "another process already listens on %s; stop it first, or name another "
                        "path",
                        path);
}

/* Bind beside, set owner and mode, listen, then rename: the path never shows a socket that is not
 * ready or has wider rights than it should. */
static gantry_status bind_unix(const struct gy_address *address, mode_t mode, gid_t gid, int *out,
                               struct gy_error *err)
{
    struct gy_address beside;
    gy_autofree char *name = gy_printf("%s.new", address->text);
    gantry_status status = gy_address_make_unix(name, &beside, err);
    if (status != GANTRY_OK) return status;
    struct sockaddr_storage at;
    socklen_t len;
    gy_address_to_sockaddr(&beside, &at, &len);
    GY_CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return gy_error_set(err, GANTRY_EINTERNAL, "cannot make a socket: %s", strerror(errno));
    unlink(name);
    mode_t before = umask(0177);
    int rc = bind(fd, (struct sockaddr *)&at, len);
    umask(before);
    if (rc < 0)
        return gy_error_set(err, GANTRY_EINVAL, "cannot listen on %s: %s", address->text,
                            strerror(errno));
    const char *what = gid != (gid_t)-1 && chown(name, (uid_t)-1, gid) < 0 ? "set the group of"
                       : chmod(name, mode) < 0                             ? "set the mode of"
                       : listen(fd, BACKLOG) < 0                           ? "listen on"
                       : rename(name, address->text) < 0                   ? "make"
                                                                           : NULL;
    if (what) {
        int why = errno;
        unlink(name);
        return gy_error_set(err, GANTRY_EINVAL, "cannot %s %s: %s", what, address->text,
                            strerror(why));
    }
    *out = fd;
    fd = -1;
    return GANTRY_OK;
}

gantry_status gy_http_server_listen_unix(struct gy_http_server *s, const char *path, mode_t mode,
                                         gid_t gid, struct gy_error *err)
{
    struct gy_address address;
    struct gy_http_listener *l;
    struct stat st;
    int fd = -1;
    gantry_status status = gy_address_make_unix(path, &address, err);
    if (status == GANTRY_OK) status = check_free(&address, err);
    if (status == GANTRY_OK) status = bind_unix(&address, mode, gid, &fd, err);
    if (status == GANTRY_OK) status = start(s, fd, &address, &l, err);
    if (status != GANTRY_OK) return status;
    if (lstat(path, &st) == 0) {
        l->inode = st.st_ino;
        l->device = st.st_dev;
    }
    return GANTRY_OK;
}

gantry_status gy_http_server_listen_tcp(struct gy_http_server *s, const char *host, uint16_t port,
                                        struct gy_address *actual, struct gy_error *err)
{
    struct gy_address address;
    struct gy_http_listener *l;
    struct sockaddr_storage at;
    socklen_t len;
    gantry_status status = gy_address_make(host, port, &address, err);
    if (status != GANTRY_OK) return status;
    gy_address_to_sockaddr(&address, &at, &len);
    GY_CLEANUP(close_fd)
    int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* An IPv6 listener takes IPv6 only: the same on every host, whatever its sysctl says. */
    if (fd >= 0 && address.family == GY_ADDRESS_IPV6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0) {
        int why = errno;
        char full[GY_ADDRESS_FULL_MAX];
        gy_address_format(&address, full);
        return gy_error_set(err, why == EADDRINUSE ? GANTRY_EBUSY : GANTRY_EINVAL,
                            "cannot listen on %s: %s", full, strerror(why));
    }
    len = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &len);
    gy_address_from_sockaddr((struct sockaddr *)&at, len, &address);
    int given = fd;
    fd = -1;
    status = start(s, given, &address, &l, err);
    if (status == GANTRY_OK && actual) *actual = address;
    return status;
}
