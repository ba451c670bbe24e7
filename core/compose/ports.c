/* SPDX-License-Identifier: Apache-2.0 */
/* ports: [[IP:][PUBLISHED[-LAST]:]]TARGET[-LAST][/PROTOCOL], or the long form. */
#include "compose/service.h"

#include <arpa/inet.h>

#define PORTS_MAX 64

struct range {
    int64_t first, last; /* 0, 0 = none */
};

static const char right_form[] = "write \"8080:80\", \"127.0.0.1:8080:80/tcp\" or "
                                 "\"8000-8002:80-82\"";

static gantry_status read_range(struct gy_loader *l, const struct gy_yaml *y, const char *text,
                                size_t len, struct range *out)
{
    gy_autofree char *copy = gy_strndup(text, len);
    char *dash = strchr(copy, '-');
    if (dash) *dash = '\0';
    struct gy_error err = GY_ERROR_INIT;
    if (gy_int_parse(copy, 1, 65535, &out->first, &err) ||
        gy_int_parse(dash ? dash + 1 : copy, 1, 65535, &out->last, &err))
        return gy_compose_fail(l, y, "%s as a port; %s", err.text, right_form);
    if (out->last < out->first)
        return gy_compose_fail(l, y, "%s-%s runs backwards", copy, dash ? dash + 1 : copy);
    return GANTRY_OK;
}

static gantry_status check_ip(struct gy_loader *l, const struct gy_yaml *y, const char *ip)
{
    unsigned char address[16];
    if (inet_pton(AF_INET, ip, address) == 1 || inet_pton(AF_INET6, ip, address) == 1)
        return GANTRY_OK;
    return gy_compose_fail(l, y,
                           "\"%.60s\" is not an IP address to listen on; %s, with brackets round "
                           "an IPv6 address",
                           ip, right_form);
}

static gantry_status add_ports(struct gy_loader *l, const struct gy_yaml *y,
                               const struct gy_port *like, struct range target,
                               struct range published, struct gy_list *out)
{
    int64_t n = target.last - target.first + 1;
    if (published.first && published.last - published.first + 1 != n)
        return gy_compose_fail(l, y,
                               "%d published ports for %d ports of the container: both ranges must "
                               "be of one length",
                               (int)(published.last - published.first + 1), (int)n);
    if ((int64_t)out->n + n > PORTS_MAX)
        return gy_compose_fail(l, y, "more than %d ports of one service", PORTS_MAX);
    for (int64_t i = 0; i < n; i++) {
        struct gy_port *p = gy_list_add(out, &gy_port_shape);
        p->name = gy_strdup(like->name);
        p->host_ip = gy_strdup(like->host_ip);
        p->protocol = like->protocol;
        p->mode = like->mode;
        p->target = target.first + i;
        p->published = published.first ? published.first + i : 0;
    }
    return GANTRY_OK;
}

static gantry_status read_protocol(struct gy_loader *l, const struct gy_yaml *y, const char *text,
                                   int *protocol)
{
    if (strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0)
        return gy_compose_fail(l, y, "the protocol \"%.20s\" must be tcp or udp", text);
    *protocol = !strcmp(text, "udp") ? GY_PROTOCOL_UDP : GY_PROTOCOL_TCP;
    return GANTRY_OK;
}

static gantry_status read_short(struct gy_loader *l, const struct gy_yaml *y, struct gy_list *out)
{
    gy_autofree char *text = gy_strdup(y->text), *ip = NULL;
    struct gy_port like = {0};
    struct range target = {0, 0}, published = {0, 0};
    gantry_status status = GANTRY_OK;
    char *slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
        status = read_protocol(l, y, slash + 1, &like.protocol);
        if (status) return status;
    }
    char *colon = strrchr(text, ':');
    const char *last = colon ? colon + 1 : text;
    status = read_range(l, y, last, strlen(last), &target);
    if (status) return status;
    if (colon) {
        *colon = '\0';
        char *second = strrchr(text, ':');
        char *bracket = strrchr(text, ']');
        if (second && bracket && second < bracket) second = NULL; /* [::1]:80 has no published */
        char *middle = second ? second + 1 : text;
        if (second) {
            *second = '\0';
            size_t n = strlen(text);
            bool brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
            ip = brackets ? gy_strndup(text + 1, n - 2) : gy_strdup(text);
            if (!brackets && strchr(ip, ':'))
                return gy_compose_fail(l, y, "an IPv6 address goes in brackets: \"[%.50s]:...\"",
                                       ip);
            status = check_ip(l, y, ip);
            if (status) return status;
        }
        if (*middle || !second) status = read_range(l, y, middle, strlen(middle), &published);
        if (status) return status;
    }
    like.host_ip = ip;
    return add_ports(l, y, &like, target, published, out);
}

static gantry_status read_long(struct gy_loader *l, const struct gy_yaml *y, struct gy_list *out)
{
    static const char *const modes[] = {"ingress", "host", NULL};
    const char *target = NULL, *published = NULL, *protocol = NULL, *ip = NULL, *name = NULL;
    struct gy_port like = {0};
    gantry_status status = gy_compose_text(l, gy_yaml_get(y, "target"), &target);
    if (!status) status = gy_compose_text(l, gy_yaml_get(y, "published"), &published);
    if (!status) status = gy_compose_text(l, gy_yaml_get(y, "protocol"), &protocol);
    if (!status) status = gy_compose_text(l, gy_yaml_get(y, "host_ip"), &ip);
    if (!status) status = gy_compose_text(l, gy_yaml_get(y, "name"), &name);
    if (!status) status = gy_compose_word(l, gy_yaml_get(y, "mode"), modes, &like.mode);
    if (status) return status;
    if (!target) return gy_compose_fail(l, y, "target is missing: the port in the container");
    struct range inside = {0, 0}, outside = {0, 0};
    status = read_range(l, gy_yaml_get(y, "target"), target, strlen(target), &inside);
    if (!status && published && *published)
        status = read_range(l, gy_yaml_get(y, "published"), published, strlen(published), &outside);
    if (!status && protocol)
        status = read_protocol(l, gy_yaml_get(y, "protocol"), protocol, &like.protocol);
    if (!status && ip && *ip) status = check_ip(l, gy_yaml_get(y, "host_ip"), ip);
    if (status) return status;
    if (like.mode == GY_PORT_HOST && !outside.first)
        return gy_compose_fail(l, y, "mode: host needs published: the port of the host");
    gy_autofree char *own_name = name && *name ? gy_strdup(name) : NULL;
    gy_autofree char *own_ip = ip && *ip ? gy_strdup(ip) : NULL;
    like.name = own_name;
    like.host_ip = own_ip;
    return add_ports(l, y, &like, inside, outside, out);
}

/* Is a port published twice by one service? */
static gantry_status check_twice(struct gy_loader *l, const struct gy_yaml *y,
                                 const struct gy_list *ports, size_t before)
{
    for (size_t i = before; i < ports->n; i++)
        for (size_t j = 0; j < i; j++) {
            const struct gy_port *p = GY_AT(struct gy_port, *ports, i);
            const struct gy_port *q = GY_AT(struct gy_port, *ports, j);
            if (p->published && p->published == q->published && p->protocol == q->protocol &&
                (!p->host_ip || !q->host_ip || !strcmp(p->host_ip, q->host_ip)))
                return gy_compose_fail(l, y, "port %d is published twice", (int)p->published);
        }
    return GANTRY_OK;
}

gantry_status gy_service_read_ports(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *y = gy_yaml_value(s->y, "ports");
    if (!y) return GANTRY_OK;
    gantry_status status = gy_compose_is_list(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *item = y->items[i];
        size_t before = s->app.ports.n;
        if (item->kind == GY_YAML_SCALAR)
            status = read_short(l, item, &s->app.ports);
        else if (item->kind == GY_YAML_MAP)
            status = read_long(l, item, &s->app.ports);
        else
            status = gy_compose_fail(l, item, "must be a string or a map; %s", right_form);
        if (!status) status = check_twice(l, item, &s->app.ports, before);
    }
    return status;
}
