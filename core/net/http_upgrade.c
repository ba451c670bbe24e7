/* SPDX-License-Identifier: Apache-2.0 */
/* Handing a connection over: 101, then a wire. */
#include "net/http_private.h"

#include <fcntl.h>
#include <unistd.h>

/* Is word one of the comma-separated tokens of list?  Case does not matter. */
static bool has_token(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p && *p;) {
        p += strspn(p, " \t,");
        size_t len = strcspn(p, " \t,");
        if (len == n && !strncasecmp(p, word, n)) return true;
        p += len;
    }
    return false;
}

bool gy_http_wants_upgrade(const struct gy_http_request *req, const char *protocol)
{
    return has_token(gy_http_header(req, "Connection"), "upgrade") &&
           has_token(gy_http_header(req, "Upgrade"), protocol);
}

static void wire_freed(void *arg)
{
    struct gy_http_upgraded *u = arg;
    if (u->server) {
        DL_DELETE(u->server->upgraded, u);
        MHD_upgrade_action(u->urh, MHD_UPGRADE_ACTION_CLOSE);
    }
    free(u);
}

/* The wire reads a duplicate: MHD's own descriptor stays until MHD is told to close it. */
static void on_upgrade(void *cls, struct MHD_Connection *mhd, void *req_cls, const char *extra,
                       size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *urh)
{
    struct gy_http_request *req = cls;
    (void)mhd;
    (void)req_cls;
    void (*on_open)(void *, struct gy_wire *) = GY_GIVE(req->on_open);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    struct gy_wire *wire = copy < 0 ? NULL : gy_wire_open(req->server->loop, copy, NULL);
    if (!wire) {
        MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
        on_open(req->open_arg, NULL);
        return;
    }
    struct gy_http_upgraded *u = gy_alloc(sizeof *u);
    u->server = req->server;
    u->urh = urh;
    DL_APPEND(req->server->upgraded, u);
    gy_wire_on_freed(wire, wire_freed, u);
    if (extra_len) gy_wire_give_early(wire, extra, extra_len);
    on_open(req->open_arg, wire);
}

void gy_http_upgrade(struct gy_http_request *req, const char *protocol,
                     void (*on_open)(void *arg, struct gy_wire *wire), void *arg)
{
    struct MHD_Response *r = MHD_create_response_for_upgrade(on_upgrade, req);
    MHD_add_response_header(r, "Upgrade", protocol);
    gy_http_set_response(req, MHD_HTTP_SWITCHING_PROTOCOLS, NULL, r);
    if (req->gone) {
        on_open(arg, NULL);
    } else {
        req->on_open = on_open;
        req->open_arg = arg;
    }
    req->released = true;
    gy_http_resume(req);
    gy_http_request_try_free(req);
}
