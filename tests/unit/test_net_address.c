/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"
#include "net/rate.h"
#include "net/route.h"

#include "base/text.h"
#include "suite.h"
#include <netinet/in.h>

static void addresses_parse_and_format(void)
{
    static const struct {
        const char *text, *again;
        enum gy_address_family family;
        bool loopback;
    } table[] = {
        {"127.0.0.1:80", "127.0.0.1:80", GY_ADDRESS_IPV4, true},
        {"tcp://10.1.2.3:0", "10.1.2.3:0", GY_ADDRESS_IPV4, false},
        {"localhost:65535", "127.0.0.1:65535", GY_ADDRESS_IPV4, true},
        {"[::1]:80", "[::1]:80", GY_ADDRESS_IPV6, true},
        {"[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", GY_ADDRESS_IPV6, false},
        {"unix:///run/x.sock", "unix:///run/x.sock", GY_ADDRESS_UNIX, true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gy_address a, b;
        struct gy_error err = GY_ERROR_INIT;
        char full[GY_ADDRESS_FULL_MAX];
        CHECK_INT(gy_address_parse(table[i].text, &a, &err), GANTRY_OK);
        CHECK_INT(a.family, table[i].family);
        gy_address_format(&a, full);
        CHECK_STR(full, table[i].again);
        CHECK_INT(gy_address_is_loopback(&a), table[i].loopback);
        struct sockaddr_storage sa;
        socklen_t len;
        gy_address_to_sockaddr(&a, &sa, &len);
        gy_address_from_sockaddr((struct sockaddr *)&sa, len, &b);
        CHECK(gy_address_equal(&a, &b));
    }
}

static void bad_addresses_are_refused(void)
{
    static const char *const table[] = {
        "",         "80",           "127.0.0.1",     "127.0.0.1:",    "127.0.0.1:65536",
        "1.2.3:80", "::1:80",       "[::1]",         "[::1:80",       "[127.0.0.1]:80",
        "host:80",  "127.0.0.1:-1", "127.0.0.1:8 0", "127.0.0.1:0x5", "unix://",
        "[::1]80",  "[]:80",        "127.0.0.1: 80", "[fe80::1%lo]:1"};
    char path[200];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    memcpy(path, "unix:///", 8);
    struct gy_address a;
    struct gy_error err = GY_ERROR_INIT;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gantry_status status = gy_address_parse(table[i], &a, &err);
        if (status == GANTRY_OK) fprintf(stderr, "accepted: %s\n", table[i]);
        CHECK_INT(status, GANTRY_EINVAL);
    }
    CHECK_INT(gy_address_parse(path, &a, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "the system allows 107"));
}

static void mapped_addresses_become_ipv4(void)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    memcpy(in6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    struct gy_address a;
    gy_address_from_sockaddr((struct sockaddr *)&in6, sizeof in6, &a);
    CHECK_INT(a.family, GY_ADDRESS_IPV4);
    CHECK_STR(a.text, "127.0.0.1");
}

static void the_bucket_fills_and_empties(void)
{
    struct gy_rate r = {0};
    const struct gy_rate_rule rule = {.per_second = 100, .burst = 500};
    int64_t retry = 0;
    CHECK(gy_rate_is_full(&r, &rule, 1000));
    for (int i = 0; i < 500; i++)
        CHECK(gy_rate_take(&r, &rule, 1000, &retry));
    CHECK(!gy_rate_take(&r, &rule, 1000, &retry));
    CHECK_INT(retry, 10);
    CHECK(!gy_rate_take(&r, &rule, 1009, &retry));
    CHECK_INT(retry, 1);
    CHECK(gy_rate_take(&r, &rule, 1010, &retry));
    CHECK(!gy_rate_take(&r, &rule, 900, &retry)); /* a clock that goes back adds nothing */
    CHECK(!gy_rate_is_full(&r, &rule, 5000));
    CHECK(gy_rate_is_full(&r, &rule, 6010));
    CHECK(gy_rate_take(&r, &rule, INT64_MAX, &retry));
    CHECK_INT(r.milli_tokens, 499000);
}

static void the_more_literal_route_wins(void)
{
    struct gy_route_table t = {0};
    int values[6];
    gy_route_add(&t, "GET", "/a/{x}/c", &values[0]);
    gy_route_add(&t, "GET", "/a/{rest...}", &values[1]);
    gy_route_add(&t, "GET", "/a/b/{y}", &values[2]);
    gy_route_add(&t, "GET", "/a/b/c", &values[3]);
    gy_route_add(&t, "POST", "/a/{x}/c", &values[4]);
    gy_route_add(&t, "GET", "/", &values[5]);
    static const struct {
        const char *method, *path;
        int want;
    } table[] = {{"GET", "/a/z/c", 0}, {"GET", "/a/z/d", 1},  {"GET", "/a/b/z", 2},
                 {"GET", "/a/b/c", 3}, {"POST", "/a/b/c", 4}, {"HEAD", "/a/b/c", 3},
                 {"GET", "/a/b", 1},   {"GET", "/", 5},       {"GET", "/a/b/c/d/e", 1},
                 {"GET", "/a", -1},    {"GET", "a/b", -1},    {"GET", "", -1},
                 {"GET", "/a/b/c/", 1}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gy_route_match m = {0};
        gantry_status status = gy_route_find(&t, table[i].method, table[i].path, &m, NULL);
        CHECK_INT(status, table[i].want < 0 ? GANTRY_ENOTFOUND : GANTRY_OK);
        if (status == GANTRY_OK) CHECK_INT((int *)m.route->value - values, table[i].want);
        gy_route_match_fini(&m);
    }
    gy_route_table_fini(&t);
}

SUITE("net.address", {"addresses parse and format", addresses_parse_and_format},
      {"bad addresses are refused", bad_addresses_are_refused},
      {"mapped addresses become IPv4", mapped_addresses_become_ipv4},
      {"the token bucket fills and empties", the_bucket_fills_and_empties},
      {"the more literal route wins", the_more_literal_route_wins})
