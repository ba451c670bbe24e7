/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/envfile.h"
#include "compose/interpolate.h"

#define NAMES_MAX 1000

struct reader {
    const struct gy_envfile_source *source;
    struct gy_map *out;
    struct gy_error *err;
    const char *p;
    int line;
};

static gantry_status fail(struct reader *r, int line, const char *what)
{
    return gy_error_set(r->err, GANTRY_EINVAL, "%s (line %d): %s", r->source->file, line, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (is_blank(*r->p))
        r->p++;
}

static void skip_line(struct reader *r)
{
    while (*r->p && *r->p != '\n')
        r->p++;
}

static const char *lookup(void *arg, const char *name)
{
    struct reader *r = arg;
    const char *value = r->source->get ? r->source->get(r->source->arg, name) : NULL;
    return value ? value : gy_map_get(r->out, name);
}

static gantry_status read_quoted(struct reader *r, char quote, struct gy_buf *value)
{
    int begun = r->line;
    for (r->p++; *r->p && *r->p != quote; r->p++) {
        if (*r->p == '\n') r->line++;
        if (quote == '"' && *r->p == '\\' && r->p[1]) {
            static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
            const char *known = strchr(from, r->p[1]);
            if (r->p[1] == '$') {
                gy_buf_str(value, "$$"); /* a dollar sign, also for interpolation */
                r->p++;
                continue;
            }
            if (known) {
                gy_buf_add(value, to + (known - from), 1);
                r->p++;
                continue;
            }
        }
        gy_buf_add(value, r->p, 1);
    }
    if (!*r->p) return fail(r, begun, "the quote that begins here is not closed");
    r->p++;
    skip_blanks(r);
    if (*r->p && *r->p != '\n' && *r->p != '#')
        return fail(r, r->line, "something stands behind the closing quote");
    skip_line(r);
    return GANTRY_OK;
}

/* To the end of the line or a # with a blank before it, without blanks at the end. */
static void read_plain(struct reader *r, struct gy_buf *value)
{
    const char *start = r->p, *end = start;
    for (; *r->p && *r->p != '\n'; r->p++) {
        if (!r->source->raw && *r->p == '#' && (r->p == start || is_blank(r->p[-1]))) break;
        if (!is_blank(*r->p)) end = r->p + 1;
    }
    if (r->source->raw && end < r->p) end = r->p[-1] == '\r' ? r->p - 1 : r->p;
    gy_buf_add(value, start, (size_t)(end - start));
    skip_line(r);
}

static gantry_status read_value(struct reader *r, struct gy_buf *value)
{
    struct gy_buf text = {0};
    gy_buf_str(&text, "");
    char quote = *r->p == '"' || *r->p == '\'' ? *r->p : '\0';
    int line = r->line;
    gantry_status status = GANTRY_OK;
    if (quote && !r->source->raw)
        status = read_quoted(r, quote, &text);
    else
        read_plain(r, &text);
    const struct gy_variables vars = {lookup, NULL, r};
    if (!status && (r->source->raw || quote == '\''))
        gy_buf_add(value, text.text, text.len);
    else if (!status && gy_interpolate(text.text, &vars, value, r->err))
        status = gy_error_wrap(r->err, "%s (line %d)", r->source->file, line);
    gy_buf_fini(&text);
    return status;
}

static gantry_status read_line(struct reader *r)
{
    skip_blanks(r);
    if (!strncmp(r->p, "export", 6) && is_blank(r->p[6])) {
        r->p += 6;
        skip_blanks(r);
    }
    if (!*r->p || *r->p == '\n' || *r->p == '#') {
        skip_line(r);
        return GANTRY_OK;
    }
    size_t n = strcspn(r->p, "=:\n \t\r#'\"");
    gy_autofree char *name = gy_strndup(r->p, n);
    if (!n || n > 255) return fail(r, r->line, "must be NAME=value, with a name of 1 to 255 bytes");
    if (r->out->n >= NAMES_MAX) return fail(r, r->line, "more than 1000 names");
    r->p += n;
    skip_blanks(r);
    if (*r->p == '=' || *r->p == ':') {
        r->p++;
        if (!r->source->raw) skip_blanks(r);
        struct gy_buf value = {0};
        gy_buf_str(&value, "");
        gantry_status status = read_value(r, &value);
        if (!status) gy_map_set(r->out, name, value.text);
        gy_buf_fini(&value);
        return status;
    }
    if (*r->p && *r->p != '\n' && *r->p != '#')
        return fail(r, r->line, "must be NAME=value: the = is missing");
    const char *outside = r->source->get ? r->source->get(r->source->arg, name) : NULL;
    if (outside) gy_map_set(r->out, name, outside);
    skip_line(r);
    return GANTRY_OK;
}

gantry_status gy_envfile_parse(const char *text, const struct gy_envfile_source *source,
                               struct gy_map *out, struct gy_error *err)
{
    struct reader r = {source, out, err, text, 1};
    if (gy_starts_with(text, "\xef\xbb\xbf")) r.p += 3; /* a byte order mark */
    while (*r.p) {
        gantry_status status = read_line(&r);
        if (status) return status;
        if (*r.p == '\n') r.p++;
        r.line++;
    }
    return GANTRY_OK;
}
