/* SPDX-License-Identifier: Apache-2.0 */
/* Network addresses: {family, text, port}.  No other code joins or splits host and port. */
#ifndef GY_NET_ADDRESS_H
#define GY_NET_ADDRESS_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum gy_address_family { GY_ADDRESS_NONE, GY_ADDRESS_IPV4, GY_ADDRESS_IPV6, GY_ADDRESS_UNIX };

#define GY_ADDRESS_TEXT_MAX 108 /* sun_path of Linux, with its NUL */
#define GY_ADDRESS_FULL_MAX 120 /* formatted, with its NUL */

struct gy_address {
    enum gy_address_family family;
    uint16_t port;                  /* 0 for unix */
    char text[GY_ADDRESS_TEXT_MAX]; /* "127.0.0.1", "::1" (canonical, RFC 5952), "/run/x.sock" */
};

/* "127.0.0.1:80", "[::1]:80", "unix:///run/x.sock", each also as "tcp://..."; "localhost" is
 * 127.0.0.1.  Names are not resolved.  EINVAL with a sentence. */
gantry_status gy_address_parse(const char *text, struct gy_address *out, struct gy_error *err);
/* From host ("127.0.0.1", "::1", "[::1]", "localhost") and port. */
gantry_status gy_address_make(const char *host, uint16_t port, struct gy_address *out,
                              struct gy_error *err);
gantry_status gy_address_make_unix(const char *path, struct gy_address *out, struct gy_error *err);
/* The form gy_address_parse reads: "127.0.0.1:80", "[::1]:80", "unix:///run/x.sock". */
void gy_address_format(const struct gy_address *a, char out[GY_ADDRESS_FULL_MAX]);
bool gy_address_equal(const struct gy_address *a, const struct gy_address *b);
bool gy_address_is_loopback(const struct gy_address *a); /* unix counts as loopback */

/* To and from the kernel's form.  An IPv4-mapped IPv6 address becomes IPv4. */
void gy_address_to_sockaddr(const struct gy_address *a, struct sockaddr_storage *out,
                            socklen_t *len);
void gy_address_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct gy_address *out);

#endif
