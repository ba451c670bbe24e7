/* SPDX-License-Identifier: Apache-2.0 */
#include "net/route.h"

#include "base/text.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

gantry_status gy_path_decode(const char *text, size_t len, char *out, struct gy_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex(text[i + 1]) : -1;
            int low = high >= 0 ? hex(text[i + 2]) : -1;
            if (low < 0)
                return gy_error_set(err, GANTRY_EINVAL,
                                    "a %% in the path or query is not followed by two hex digits");
            c = (unsigned char)(high * 16 + low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return gy_error_set(err, GANTRY_EINVAL,
                                "the path or query contains the control character 0x%02x", c);
        out[n++] = (char)c;
    }
    out[n] = '\0';
    if (!gy_utf8_is_valid(out, n))
        return gy_error_set(err, GANTRY_EINVAL, "the path or query is not UTF-8");
    return GANTRY_OK;
}

/* Cut "/a/b" into borrowed segments; false when there are too many or the form is wrong. */
static bool split(const char *path, gantry_str segments[GY_ROUTE_SEGMENTS], unsigned *n)
{
    *n = 0;
    if (path[0] != '/') return false;
    if (!path[1]) return true;
    while (*path) {
        const char *start = path + 1, *end = strchr(start, '/');
        size_t len = end ? (size_t)(end - start) : strlen(start);
        if (*n == GY_ROUTE_SEGMENTS) return false;
        segments[(*n)++] = (gantry_str){start, len};
        path = start + len;
    }
    return true;
}

void gy_route_add(struct gy_route_table *t, const char *method, const char *pattern, void *value)
{
    struct gy_route r = {.value = value};
    gantry_str parts[GY_ROUTE_SEGMENTS];
    GY_ASSERT(split(pattern, parts, &r.n));
    for (size_t i = 0; i < t->n; i++)
        GY_ASSERT(strcmp(t->routes[i].method, method) || strcmp(t->routes[i].pattern, pattern));
    for (unsigned i = 0; i < r.n; i++) {
        gantry_str s = parts[i];
        if (s.len > 2 && s.ptr[0] == '{' && s.ptr[s.len - 1] == '}') {
            s = (gantry_str){s.ptr + 1, s.len - 2};
            if (s.len > 3 && !memcmp(s.ptr + s.len - 3, "...", 3)) {
                GY_ASSERT(i == r.n - 1);
                r.rest = true;
                s.len -= 3;
            }
        } else {
            GY_ASSERT(s.len > 0 && !memchr(s.ptr, '{', s.len));
            r.literal |= 1u << i;
        }
        r.segments[i] = gy_str_dup(s);
    }
    r.method = gy_strdup(method);
    r.pattern = gy_strdup(pattern);
    GY_VEC_PUSH(t->routes, t->n, t->cap);
    t->routes[t->n++] = r;
}

void gy_route_table_fini(struct gy_route_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < t->routes[i].n; j++)
            free(t->routes[i].segments[j]);
        free(t->routes[i].method);
        free(t->routes[i].pattern);
    }
    free(t->routes);
    *t = (struct gy_route_table){0};
}

static bool fits(const struct gy_route *r, const gantry_str *parts, unsigned n)
{
    if (r->rest ? n < r->n : n != r->n) return false;
    for (unsigned i = 0; i < r->n; i++)
        if (r->literal & (1u << i) ? !gy_str_is(parts[i], r->segments[i]) : parts[i].len == 0)
            return false;
    return true;
}

/* Does a beat b?  The first segment where only one of them is literal decides; then the longer. */
static bool is_better(const struct gy_route *a, const struct gy_route *b)
{
    if (!b) return true;
    unsigned differ = a->literal ^ b->literal;
    if (differ) return (a->literal & (differ & (~differ + 1u))) != 0;
    return a->rest != b->rest ? !a->rest : a->n > b->n;
}

static void add_allow(char allow[64], const char *method)
{
    const char *at = strstr(allow, method);
    size_t n = strlen(allow);
    if (at || n + strlen(method) + 3 > 64) return;
    if (n) memcpy(allow + n, ", ", 3);
    strcat(allow, method);
}

static gantry_status decode_values(struct gy_route_match *match, const gantry_str *parts,
                                   unsigned n, struct gy_error *err)
{
    const struct gy_route *r = match->route;
    for (unsigned i = 0; i < r->n; i++) {
        if (r->literal & (1u << i)) continue;
        gantry_str s = parts[i];
        bool rest = r->rest && i == r->n - 1;
        if (rest) s.len = (size_t)(parts[n - 1].ptr + parts[n - 1].len - s.ptr);
        match->values[i] = gy_alloc(s.len + 1);
        gantry_status status = gy_path_decode(s.ptr, s.len, match->values[i], err);
        if (status != GANTRY_OK) return status;
        if (!strcmp(match->values[i], ".") || !strcmp(match->values[i], ".."))
            return gy_error_set(err, GANTRY_EINVAL, "the path contains \"%s\"", match->values[i]);
    }
    return GANTRY_OK;
}

gantry_status gy_route_find(const struct gy_route_table *t, const char *method, const char *path,
                            struct gy_route_match *match, struct gy_error *err)
{
    gantry_str parts[GY_ROUTE_SEGMENTS];
    unsigned n;
    const struct gy_route *best = NULL;
    char allow[64] = "";
    bool head = !strcmp(method, "HEAD");
    if (!split(path, parts, &n))
        return gy_error_set(err, GANTRY_ENOTFOUND, "there is no %.200s", path);
    for (size_t i = 0; i < t->n; i++) {
        const struct gy_route *r = &t->routes[i];
        if (!fits(r, parts, n)) continue;
        add_allow(allow, r->method);
        if (!strcmp(r->method, "GET")) add_allow(allow, "HEAD");
        if (!strcmp(r->method, method) || (head && !strcmp(r->method, "GET")))
            if (is_better(r, best)) best = r;
    }
    if (!best && allow[0]) {
        memcpy(match->allow, allow, sizeof allow);
        return gy_error_set(err, GANTRY_ENOTSUP, "%.200s takes %s, not %.20s", path, allow, method);
    }
    if (!best) return gy_error_set(err, GANTRY_ENOTFOUND, "there is no %.200s", path);
    match->route = best;
    gantry_status status = decode_values(match, parts, n, err);
    if (status != GANTRY_OK) gy_route_match_fini(match);
    return status;
}

const char *gy_route_param(const struct gy_route_match *match, const char *name)
{
    const struct gy_route *r = match->route;
    for (unsigned i = 0; r && i < r->n; i++)
        if (!(r->literal & (1u << i)) && !strcmp(r->segments[i], name)) return match->values[i];
    return NULL;
}

void gy_route_match_fini(struct gy_route_match *match)
{
    for (unsigned i = 0; i < GY_ROUTE_SEGMENTS; i++)
        free(match->values[i]);
    *match = (struct gy_route_match){0};
}
