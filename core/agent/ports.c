/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ports.h"

#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    char *pod_id;
    struct gy_port_choices choices;
};
struct gy_port_book {
    struct entry *pods;
    uint16_t low, high;
    uint32_t holders[2][65536 / 32]; /* bit set: held by a pod; by protocol */
};

static bool is_held(const struct gy_port_book *b, int protocol, uint16_t port)
{
    return b->holders[protocol == GY_PROTOCOL_UDP][port / 32] >> (port % 32) & 1;
}

static void hold(struct gy_port_book *b, int protocol, uint16_t port, bool held)
{
    uint32_t *word = &b->holders[protocol == GY_PROTOCOL_UDP][port / 32];
    *word = held ? *word | UINT32_C(1) << (port % 32) : *word & ~(UINT32_C(1) << (port % 32));
}

struct gy_port_book *gy_port_book_create(uint16_t low, uint16_t high)
{
    GY_ASSERT(low > 0 && low <= high);
    struct gy_port_book *b = gy_alloc(sizeof *b);
    b->low = low;
    b->high = high;
    return b;
}

static void entry_destroy(struct gy_port_book *b, struct entry *e)
{
    HASH_DEL(b->pods, e);
    for (size_t i = 0; i < e->choices.n; i++)
        hold(b, e->choices.items[i].protocol, e->choices.items[i].host, false);
    free(e->choices.items);
    free(e->pod_id);
    free(e);
}

void gy_port_book_destroy(struct gy_port_book *b)
{
    if (!b) return;
    struct entry *e, *next;
    HASH_ITER (hh, b->pods, e, next)
        entry_destroy(b, e);
    free(b);
}

static struct entry *find(const struct gy_port_book *b, const char *pod_id)
{
    struct entry *e;
    HASH_FIND_STR(b->pods, pod_id, e);
    return e;
}

static int try_bind(int family, int type, uint16_t port)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int on = 1, off = 0;
    /* A port whose last connections linger in TIME_WAIT is free for a listener. */
    if (type == SOCK_STREAM) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int rc;
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        rc = bind(fd, (const struct sockaddr *)&a, sizeof a);
    } else {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
        rc = bind(fd, (const struct sockaddr *)&a, sizeof a);
    }
    int error = rc ? errno : 0;
    close(fd);
    return error;
}

/* 0, or the errno that a listener on every address would get. */
static int probe_port(int protocol, uint16_t port)
{
    int type = protocol == GY_PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int error = try_bind(AF_INET6, type, port);
    return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ? try_bind(AF_INET, type, port) : error;
}

static uint64_t seed_of(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/* A pod that is prepared again begins its search at the same port. */
static uint16_t free_port(struct gy_port_book *b, const char *pod_id, size_t index, int protocol)
{
    struct gy_random random;
    gy_random_seed(&random, seed_of(pod_id) + index);
    uint32_t span = (uint32_t)(b->high - b->low) + 1;
    uint32_t first = (uint32_t)gy_random_below(&random, span);
    for (uint32_t i = 0; i < span; i++) {
        uint16_t port = (uint16_t)(b->low + (first + i) % span);
        if (!is_held(b, protocol, port) && probe_port(protocol, port) == 0) return port;
    }
    return 0;
}

static gantry_status choose_one(struct gy_port_book *b, const char *pod_id, size_t index,
                                const struct gy_port *port, struct gy_port_choice *out,
                                struct gy_error *err)
{
    const char *protocol = port->protocol == GY_PROTOCOL_UDP ? "UDP" : "TCP";
    *out = (struct gy_port_choice){.target = (uint16_t)port->target, .protocol = port->protocol};
    if (port->mode != GY_PORT_HOST || port->published == 0) {
        out->host = free_port(b, pod_id, index, port->protocol);
        if (out->host) return GANTRY_OK;
        return gy_error_set(err, GANTRY_EBUSY,
                            "no %s port between %u and %u is free on this node for port %" PRId64
                            " of the pod",
                            protocol, b->low, b->high, port->target);
    }
    out->host = (uint16_t)port->published;
    out->is_fixed = true;
    if (is_held(b, port->protocol, out->host))
        return gy_error_set(err, GANTRY_EBUSY,
                            "%s port %u (mode: host) is held by another pod of this node", protocol,
                            out->host);
    int error = probe_port(port->protocol, out->host);
    if (error)
        return gy_error_set(err, GANTRY_EBUSY,
                            "%s port %u (mode: host) cannot be used on this node: %s", protocol,
                            out->host, strerror(error));
    return GANTRY_OK;
}

gantry_status gy_port_book_choose(struct gy_port_book *b, const char *pod_id,
                                  const struct gy_list *ports, const struct gy_port_choices **out,
                                  struct gy_error *err)
{
    struct entry *e = find(b, pod_id);
    if (e) {
        *out = &e->choices;
        return GANTRY_OK;
    }
    e = gy_alloc(sizeof *e);
    e->pod_id = gy_strdup(pod_id);
    e->choices.items = gy_alloc_array(ports->n ? ports->n : 1, sizeof *e->choices.items);
    HASH_ADD_KEYPTR(hh, b->pods, e->pod_id, strlen(e->pod_id), e);
    for (size_t i = 0; i < ports->n; i++) {
        struct gy_port_choice *choice = &e->choices.items[i];
        gantry_status status =
            choose_one(b, pod_id, i, GY_AT(struct gy_port, *ports, i), choice, err);
        if (status != GANTRY_OK) {
            entry_destroy(b, e);
            return status;
        }
        hold(b, choice->protocol, choice->host, true);
        e->choices.n++;
    }
    *out = &e->choices;
    return GANTRY_OK;
}

void gy_port_book_keep(struct gy_port_book *b, const char *pod_id,
                       const struct gy_port_choices *choices)
{
    if (find(b, pod_id)) return;
    struct entry *e = gy_alloc(sizeof *e);
    e->pod_id = gy_strdup(pod_id);
    e->choices.n = choices->n;
    e->choices.items = gy_alloc_array(choices->n ? choices->n : 1, sizeof *e->choices.items);
    for (size_t i = 0; i < choices->n; i++) {
        e->choices.items[i] = choices->items[i];
        hold(b, choices->items[i].protocol, choices->items[i].host, true);
    }
    HASH_ADD_KEYPTR(hh, b->pods, e->pod_id, strlen(e->pod_id), e);
}

const struct gy_port_choices *gy_port_book_find(const struct gy_port_book *b, const char *pod_id)
{
    struct entry *e = find(b, pod_id);
    return e ? &e->choices : NULL;
}

void gy_port_book_release(struct gy_port_book *b, const char *pod_id)
{
    struct entry *e = find(b, pod_id);
    if (e) entry_destroy(b, e);
}
