/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/text.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

gantry_status gy_address_make_unix(const char *path, struct gy_address *out, struct gy_error *err)
{
    struct gy_address a = {.family = GY_ADDRESS_UNIX};
    size_t n = strlen(path);
    if (n == 0) return gy_error_set(err, GANTRY_EINVAL, "a unix address needs a path");
    if (n >= sizeof a.text)
        return gy_error_set(err, GANTRY_EINVAL,
                            "the socket path is %zu bytes long, the system allows %zu: \"%s\"; "
                            "use a shorter folder",
                            n, sizeof a.text - 1, path);
    memcpy(a.text, path, n + 1);
    *out = a;
    return GANTRY_OK;
}

gantry_status gy_address_make(const char *host, uint16_t port, struct gy_address *out,
                              struct gy_error *err)
{
    struct gy_address a = {.port = port};
    char bare[GY_ADDRESS_TEXT_MAX];
    size_t n = strlen(host);
    bool bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed) {
        host++;
        n -= 2;
    }
    if (n >= sizeof bare) goto bad;
    memcpy(bare, host, n);
    bare[n] = '\0';
    if (!bracketed && !strcmp(bare, "localhost")) memcpy(bare, "127.0.0.1", sizeof "127.0.0.1");
    uint8_t raw[16];
    if (!bracketed && inet_pton(AF_INET, bare, raw) == 1)
        a.family = GY_ADDRESS_IPV4;
    else if (inet_pton(AF_INET6, bare, raw) == 1)
        a.family = GY_ADDRESS_IPV6;
    else
        goto bad;
    inet_ntop(a.family == GY_ADDRESS_IPV4 ? AF_INET : AF_INET6, raw, a.text, sizeof a.text);
    *out = a;
    return GANTRY_OK;
bad:
    return gy_error_set(err, GANTRY_EINVAL,
                        "\"%.100s\" is not an address: write 127.0.0.1, ::1 or localhost", host);
}

gantry_status gy_address_parse(const char *text, struct gy_address *out, struct gy_error *err)
{
    if (gy_starts_with(text, "unix://"))
        return gy_address_make_unix(text + strlen("unix://"), out, err);
    const char *rest = gy_starts_with(text, "tcp://") ? text + strlen("tcp://") : text;
    const char *colon = strrchr(rest, ':');
    const char *bracket = strrchr(rest, ']');
    bool many = strchr(rest, ':') != colon;
    if (!colon || (bracket && bracket > colon) || (many && rest[0] != '['))
        return gy_error_set(err, GANTRY_EINVAL,
                            "\"%.200s\" is not an address with a port: write 127.0.0.1:80, "
                            "[::1]:80 or unix:///path",
                            text);
    char host[GY_ADDRESS_TEXT_MAX];
    size_t n = (size_t)(colon - rest);
    int64_t port;
    bool digits = colon[1] >= '0' && colon[1] <= '9';
    if (!digits || gy_int_parse(colon + 1, 0, UINT16_MAX, &port, NULL) != GANTRY_OK)
        return gy_error_set(err, GANTRY_EINVAL,
                            "\"%.100s\" in \"%.200s\" is not a port: write 0 to 65535", colon + 1,
                            text);
    if (n >= sizeof host)
        return gy_error_set(err, GANTRY_EINVAL, "\"%.200s\" is not an address: too long", text);
    memcpy(host, rest, n);
    host[n] = '\0';
    return gy_address_make(host, (uint16_t)port, out, err);
}

void gy_address_format(const struct gy_address *a, char out[GY_ADDRESS_FULL_MAX])
{
    switch (a->family) {
    case GY_ADDRESS_UNIX: snprintf(out, GY_ADDRESS_FULL_MAX, "unix://%s", a->text); break;
    case GY_ADDRESS_IPV6: snprintf(out, GY_ADDRESS_FULL_MAX, "[%s]:%u", a->text, a->port); break;
    case GY_ADDRESS_IPV4: snprintf(out, GY_ADDRESS_FULL_MAX, "%s:%u", a->text, a->port); break;
    default: snprintf(out, GY_ADDRESS_FULL_MAX, "-"); break;
    }
}

bool gy_address_equal(const struct gy_address *a, const struct gy_address *b)
{
    return a->family == b->family && a->port == b->port && !strcmp(a->text, b->text);
}

bool gy_address_is_loopback(const struct gy_address *a)
{
    return a->family == GY_ADDRESS_UNIX ||
           (a->family == GY_ADDRESS_IPV4 && gy_starts_with(a->text, "127.")) ||
           (a->family == GY_ADDRESS_IPV6 && !strcmp(a->text, "::1"));
}

void gy_address_to_sockaddr(const struct gy_address *a, struct sockaddr_storage *out,
                            socklen_t *len)
{
    memset(out, 0, sizeof *out);
    if (a->family == GY_ADDRESS_UNIX) {
        struct sockaddr_un *un = (struct sockaddr_un *)out;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, a->text, strlen(a->text) + 1);
        *len = sizeof *un;
    } else if (a->family == GY_ADDRESS_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        GY_ASSERT(inet_pton(AF_INET, a->text, &in->sin_addr) == 1);
        *len = sizeof *in;
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        GY_ASSERT(a->family == GY_ADDRESS_IPV6);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        GY_ASSERT(inet_pton(AF_INET6, a->text, &in6->sin6_addr) == 1);
        *len = sizeof *in6;
    }
}

void gy_address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct gy_address *out)
{
    *out = (struct gy_address){0};
    if (!sa || len < sizeof sa->sa_family) return;
    if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        out->family = GY_ADDRESS_IPV4;
        out->port = ntohs(in->sin_port);
        inet_ntop(AF_INET, &in->sin_addr, out->text, sizeof out->text);
    } else if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        out->family = mapped ? GY_ADDRESS_IPV4 : GY_ADDRESS_IPV6;
        out->port = ntohs(in6->sin6_port);
        inet_ntop(mapped ? AF_INET : AF_INET6,
                  mapped ? (const void *)(in6->sin6_addr.s6_addr + 12)
                         : (const void *)&in6->sin6_addr,
                  out->text, sizeof out->text);
    } else if (sa->sa_family == AF_UNIX) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t n = len > head ? strnlen(un->sun_path, len - head) : 0;
        out->family = GY_ADDRESS_UNIX;
        if (n < sizeof out->text) memcpy(out->text, un->sun_path, n);
    }
}
