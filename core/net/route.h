/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler is meant by a method and a path; pure. */
#ifndef GY_NET_ROUTE_H
#define GY_NET_ROUTE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

#define GY_ROUTE_SEGMENTS 24 /* of a path; more are answered 404 */

struct gy_route {
    char *method, *pattern;
    char *segments[GY_ROUTE_SEGMENTS]; /* "{name}" is kept as "name" */
    unsigned n;
    unsigned literal; /* bit i: segment i is literal */
    bool rest;        /* the last segment is "{name...}" */
    void *value;      /* the caller's */
};

struct gy_route_table { /* embedded; all zero to start */
    struct gy_route *routes;
    size_t n, cap;
};

/* Asserts on a bad or doubled pattern: patterns are our own. */
void gy_route_add(struct gy_route_table *t, const char *method, const char *pattern, void *value);
void gy_route_table_fini(struct gy_route_table *t);

struct gy_route_match { /* all zero to start; gy_route_match_fini */
    const struct gy_route *route;
    char *values[GY_ROUTE_SEGMENTS]; /* decoded, by index of the segment; NULL for literals */
    char allow[64];                  /* methods of the path, when only the method did not fit */
};

/* OK; ENOTFOUND; ENOTSUP (the path exists, the method does not: see allow); EINVAL with a sentence
 * for a path that is not well-formed. */
gantry_status gy_route_find(const struct gy_route_table *t, const char *method, const char *path,
                            struct gy_route_match *match, struct gy_error *err);
const char *gy_route_param(const struct gy_route_match *match, const char *name);
void gy_route_match_fini(struct gy_route_match *match);

/* Percent-decode len bytes into out (len + 1 bytes).  EINVAL: a bad escape, NUL, another control
 * character, or not UTF-8. */
gantry_status gy_path_decode(const char *text, size_t len, char *out, struct gy_error *err);

#endif
