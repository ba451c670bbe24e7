/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/interpolate.h"

#define DEPTH_MAX 16
#define NAME_MAX_BYTES 255

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length(const char *p)
{
    size_t n = 0;
    if (!is_name_start(*p)) return 0;
    while (is_name_start(p[n]) || (p[n] >= '0' && p[n] <= '9'))
        n++;
    return n;
}

/* The } that closes a ${ whose inside begins at p; NULL when there is none before end. */
static const char *closing(const char *p, const char *end)
{
    for (int open = 1; p < end; p++) {
        if (p[0] == '$' && p + 1 < end && p[1] == '$') {
            p++;
        } else if (p[0] == '$' && p + 1 < end && p[1] == '{') {
            open++;
            p++;
        } else if (*p == '}' && --open == 0) {
            return p;
        }
    }
    return NULL;
}

static gantry_status expand(const char *p, const char *end, int depth,
                            const struct gy_variables *vars, struct gy_buf *out,
                            struct gy_error *err);

static gantry_status bounded(const struct gy_buf *out, struct gy_error *err)
{
    return out->len <= GY_INTERPOLATE_MAX
               ? GANTRY_OK
               : gy_error_set(err, GANTRY_EINVAL, "more than %d bytes after variables are replaced",
                              GY_INTERPOLATE_MAX);
}

static gantry_status required(const char *name, const char *p, const char *end, int depth,
                              const struct gy_variables *vars, struct gy_error *err)
{
    struct gy_buf text = {0};
    gantry_status status = expand(p, end, depth + 1, vars, &text, err);
    if (!status)
        status = gy_error_set(err, GANTRY_EINVAL, "the variable %s must be set%s%.200s", name,
                              text.len ? ": " : "", text.len ? text.text : "");
    gy_buf_fini(&text);
    return status;
}

/* The inside of ${...}: p to end, without the braces. */
static gantry_status braced(const char *p, const char *end, int depth,
                            const struct gy_variables *vars, struct gy_buf *out,
                            struct gy_error *err)
{
    size_t n = name_length(p);
    if (n > (size_t)(end - p)) n = (size_t)(end - p);
    if (!n || n > NAME_MAX_BYTES)
        return gy_error_set(err, GANTRY_EINVAL,
                            "\"${%.*s}\" needs a name of letters, digits and _ behind ${; write $$ "
                            "for a dollar sign",
                            (int)(end - p > 40 ? 40 : end - p), p);
    gy_autofree char *name = gy_strndup(p, n);
    const char *value = vars->get ? vars->get(vars->arg, name) : NULL;
    p += n;
    if (p == end) {
        if (!value && vars->missing) vars->missing(vars->arg, name);
        if (value) gy_buf_str(out, value);
        return bounded(out, err);
    }
    bool colon = *p == ':';
    if (colon) p++;
    char op = p < end ? *p++ : '\0';
    bool set = value && (!colon || *value);
    switch (op) {
    case '-':
        if (!set) return expand(p, end, depth + 1, vars, out, err);
        gy_buf_str(out, value);
        return bounded(out, err);
    case '+': return set ? expand(p, end, depth + 1, vars, out, err) : GANTRY_OK;
    case '?':
        if (!set) return required(name, p, end, depth, vars, err);
        gy_buf_str(out, value);
        return bounded(out, err);
    default:
        return gy_error_set(err, GANTRY_EINVAL,
                            "behind ${%.80s must come }, or one of :- - :? ? :+ + and a text",
                            name);
    }
}

static gantry_status expand(const char *p, const char *end, int depth,
                            const struct gy_variables *vars, struct gy_buf *out,
                            struct gy_error *err)
{
    if (depth > DEPTH_MAX)
        return gy_error_set(err, GANTRY_EINVAL, "variables nested deeper than %d", DEPTH_MAX);
    while (p < end) {
        const char *dollar = memchr(p, '$', (size_t)(end - p));
        if (!dollar) dollar = end;
        gy_buf_add(out, p, (size_t)(dollar - p));
        if (bounded(out, err)) return GANTRY_EINVAL;
        if (dollar == end) return GANTRY_OK;
        p = dollar + 1;
        if (p < end && *p == '$') {
            gy_buf_str(out, "$");
            p++;
            continue;
        }
        const char *stop;
        bool braces = p < end && *p == '{';
        if (braces) {
            stop = closing(++p, end);
            if (!stop)
                return gy_error_set(err, GANTRY_EINVAL, "\"%.40s\": the } behind ${ is missing",
                                    dollar);
        } else {
            size_t n = name_length(p);
            stop = p + (n > (size_t)(end - p) ? (size_t)(end - p) : n);
            if (stop == p)
                return gy_error_set(
                    err, GANTRY_EINVAL,
                    "\"%.40s\": behind $ must come a name or {; write $$ for a dollar sign",
                    dollar);
        }
        gantry_status status = braced(p, stop, depth, vars, out, err);
        if (status) return status;
        p = braces ? stop + 1 : stop;
    }
    return GANTRY_OK;
}

gantry_status gy_interpolate(const char *text, const struct gy_variables *vars, struct gy_buf *out,
                             struct gy_error *err)
{
    return expand(text, text + strlen(text), 0, vars, out, err);
}
