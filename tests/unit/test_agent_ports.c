/* SPDX-License-Identifier: Apache-2.0 */
/* Free ports of the node, by real sockets. */
#include "agent/ports.h"
#include "suite.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(int family, uint16_t port)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    REQUIRE(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 b = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int rc = family == AF_INET ? bind(fd, (struct sockaddr *)&a, sizeof a)
                               : bind(fd, (struct sockaddr *)&b, sizeof b);
    if (rc != 0 || listen(fd, 4) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A span of n ports that nobody uses now. */
static uint16_t free_span(uint16_t n)
{
    for (uint16_t first = 31000; first < 32000; first = (uint16_t)(first + n)) {
        uint16_t ok = 0;
        for (; ok < n; ok++) {
            int fd = listen_on(AF_INET, (uint16_t)(first + ok));
            if (fd < 0) break;
            close(fd);
        }
        if (ok == n) return first;
    }
    fprintf(stderr, "no free span of %u ports\n", n);
    exit(2);
}

static void choose_free(void)
{
    uint16_t low = free_span(3);
    struct gy_port_book *book = gy_port_book_create(low, (uint16_t)(low + 2));
    struct gy_port one[] = {{.target = 80}};
    struct gy_list ports = {one, 1};
    const struct gy_port_choices *a, *b, *again;
    struct gy_error err = GY_ERROR_INIT;
    int taken = listen_on(AF_INET, (uint16_t)(low + 1));
    REQUIRE(taken >= 0);
    REQUIRE(gy_port_book_choose(book, "pod-a", &ports, &a, &err) == GANTRY_OK);
    REQUIRE(gy_port_book_choose(book, "pod-b", &ports, &b, &err) == GANTRY_OK);
    CHECK(a->items[0].host != low + 1 && b->items[0].host != low + 1);
    CHECK(a->items[0].host != b->items[0].host);
    CHECK_INT(a->items[0].target, 80);
    CHECK(gy_port_book_choose(book, "pod-a", &ports, &again, &err) == GANTRY_OK && again == a);
    CHECK_INT(gy_port_book_choose(book, "pod-c", &ports, &again, &err), GANTRY_EBUSY);
    CHECK(strstr(err.text, "is free on this node for port 80 of the pod"));
    CHECK(!gy_port_book_find(book, "pod-c"));
    uint16_t had = a->items[0].host;
    gy_port_book_release(book, "pod-a");
    CHECK(!gy_port_book_find(book, "pod-a"));
    REQUIRE(gy_port_book_choose(book, "pod-c", &ports, &again, &err) == GANTRY_OK);
    CHECK_INT(again->items[0].host, had);
    close(taken);
    gy_port_book_destroy(book);
}

static void ipv6_listener_counts(void)
{
    uint16_t low = free_span(1);
    int taken = listen_on(AF_INET6, low);
    if (taken < 0) return; /* a kernel without IPv6 has no such listener */
    struct gy_port_book *book = gy_port_book_create(low, low);
    struct gy_port one[] = {{.target = 80}};
    struct gy_list ports = {one, 1};
    const struct gy_port_choices *a;
    CHECK_INT(gy_port_book_choose(book, "pod-a", &ports, &a, NULL), GANTRY_EBUSY);
    close(taken);
    CHECK_INT(gy_port_book_choose(book, "pod-a", &ports, &a, NULL), GANTRY_OK);
    gy_port_book_destroy(book);
}

static void host_mode(void)
{
    uint16_t low = free_span(2);
    struct gy_port_book *book = gy_port_book_create(low, low);
    struct gy_port one[] = {{.target = 80, .published = low + 1, .mode = GY_PORT_HOST}};
    struct gy_list ports = {one, 1};
    const struct gy_port_choices *a;
    struct gy_error err = GY_ERROR_INIT;
    int taken = listen_on(AF_INET, (uint16_t)(low + 1));
    REQUIRE(taken >= 0);
    CHECK_INT(gy_port_book_choose(book, "pod-a", &ports, &a, &err), GANTRY_EBUSY);
    CHECK(strstr(err.text, "cannot be used on this node: Address already in use"));
    close(taken);
    REQUIRE(gy_port_book_choose(book, "pod-a", &ports, &a, &err) == GANTRY_OK);
    CHECK_INT(a->items[0].host, low + 1);
    CHECK(a->items[0].is_fixed);
    CHECK_INT(gy_port_book_choose(book, "pod-b", &ports, &a, &err), GANTRY_EBUSY);
    CHECK(strstr(err.text, "is held by another pod of this node"));
    one[0].protocol = GY_PROTOCOL_UDP; /* another space of ports */
    CHECK_INT(gy_port_book_choose(book, "pod-b", &ports, &a, &err), GANTRY_OK);
    gy_port_book_destroy(book);
}

static void kept(void)
{
    uint16_t low = free_span(1);
    struct gy_port_book *book = gy_port_book_create(low, low);
    struct gy_port_choice item = {.target = 80, .host = low};
    struct gy_port_choices seen = {&item, 1};
    struct gy_port one[] = {{.target = 80}};
    struct gy_list ports = {one, 1};
    const struct gy_port_choices *a;
    gy_port_book_keep(book, "pod-a", &seen);
    REQUIRE(gy_port_book_find(book, "pod-a"));
    CHECK_INT(gy_port_book_find(book, "pod-a")->items[0].host, low);
    CHECK_INT(gy_port_book_choose(book, "pod-b", &ports, &a, NULL), GANTRY_EBUSY);
    gy_port_book_destroy(book);
}

SUITE("agent.ports", {"ports that are in use or held are left alone", choose_free},
      {"a listener on IPv6 alone counts", ipv6_listener_counts},
      {"mode host takes the published port or says who has it", host_mode},
      {"ports of pods that were found again are held", kept})
