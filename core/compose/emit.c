/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/emit.h"

#include <inttypes.h>

struct gy_emit gy_emit_map(struct gy_emit *in, const char *key)
{
    return (struct gy_emit){.out = in->out, .in = in, .key = key, .indent = in->indent + 2};
}

/* May stand without quotes and is still the same word for every reader of YAML. */
static bool is_plain(const char *text)
{
    static const char *const special[] = {"true", "false", "null", "yes", "no",
                                          "on",   "off",   "y",    "n"};
    if (!((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z') ||
          text[0] == '/' || text[0] == '_'))
        return false;
    for (const char *p = text; *p; p++) {
        bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("_./-", *p);
        bool inner = *p == ':' && p[1] && p[1] != ' ';
        if (!word && !inner) return false;
    }
    if (strlen(text) > 200) return false;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (!strcasecmp(text, special[i])) return false;
    return true;
}

/* One character of UTF-8 at p; *n its bytes.  The text is valid. */
static uint32_t decode(const unsigned char *p, size_t *n)
{
    *n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t c = *n == 1 ? p[0] : p[0] & (0x7fu >> *n);
    for (size_t i = 1; i < *n; i++)
        c = c << 6 | (p[i] & 0x3fu);
    return c;
}

static void quote(struct gy_buf *out, const char *text, bool double_dollars)
{
    if (is_plain(text)) {
        gy_buf_str(out, text);
        return;
    }
    gy_buf_str(out, "\"");
    const unsigned char *p = (const unsigned char *)text;
    for (size_t n; *p; p += n) {
        uint32_t c = decode(p, &n);
        if (c == '"' || c == '\\')
            gy_buf_printf(out, "\\%c", (int)c);
        else if (c == '\n')
            gy_buf_str(out, "\\n");
        else if (c == '\t')
            gy_buf_str(out, "\\t");
        else if (c == '$' && double_dollars)
            gy_buf_str(out, "$$");
        else if (c < 0x20 || (c >= 0x7f && c <= 0xa0))
            gy_buf_printf(out, "\\x%02x", (unsigned)c);
        else if (c == 0x2028 || c == 0x2029 || (c >= 0xfe00 && c <= 0xffff))
            gy_buf_printf(out, "\\u%04x", (unsigned)c);
        else
            gy_buf_add(out, p, n);
    }
    gy_buf_str(out, "\"");
}

void gy_emit_quote(struct gy_buf *out, const char *value)
{
    quote(out, value, true);
}

static void begin(struct gy_emit *e)
{
    if (e->begun) return;
    e->begun = true;
    if (!e->in) return;
    begin(e->in);
    gy_buf_printf(e->out, "%*s", e->in->indent, "");
    quote(e->out, e->key, false);
    gy_buf_str(e->out, ":\n");
}

static void begin_line(struct gy_emit *e, const char *key)
{
    begin(e);
    gy_buf_printf(e->out, "%*s", e->indent, "");
    quote(e->out, key, false);
    gy_buf_str(e->out, ": ");
}

void gy_emit_raw(struct gy_emit *e, const char *key, const char *yaml)
{
    begin_line(e, key);
    if (*yaml == '\n') e->out->text[--e->out->len] = '\0'; /* it goes on below: no blank behind : */
    gy_buf_printf(e->out, "%s\n", yaml);
}

void gy_emit_text(struct gy_emit *e, const char *key, const char *value)
{
    if (!value) return;
    begin_line(e, key);
    gy_emit_quote(e->out, value);
    gy_buf_str(e->out, "\n");
}

void gy_emit_int(struct gy_emit *e, const char *key, int64_t value)
{
    if (!value) return;
    begin_line(e, key);
    gy_buf_printf(e->out, "%" PRId64 "\n", value);
}

void gy_emit_bool(struct gy_emit *e, const char *key, bool value)
{
    if (value) gy_emit_raw(e, key, "true");
}

void gy_emit_words(struct gy_emit *e, const char *key, const char *first,
                   const struct gy_strs *words)
{
    if (!words->n) return;
    begin_line(e, key);
    gy_buf_printf(e->out, "[%s", first ? first : "");
    for (size_t i = 0; i < words->n; i++) {
        gy_buf_str(e->out, i || first ? ", " : "");
        gy_emit_quote(e->out, words->items[i]);
    }
    gy_buf_str(e->out, "]\n");
}

void gy_emit_pairs(struct gy_emit *e, const char *key, const struct gy_map *pairs)
{
    struct gy_emit map = gy_emit_map(e, key);
    for (size_t i = 0; i < pairs->n; i++)
        gy_emit_text(&map, pairs->items[i].key, pairs->items[i].value ? pairs->items[i].value : "");
}

void gy_emit_duration(struct gy_emit *e, const char *key, int64_t ms, int64_t standard_ms)
{
    if (ms == standard_ms) return;
    begin_line(e, key);
    if (ms && ms % 3600000 == 0)
        gy_buf_printf(e->out, "%" PRId64 "h\n", ms / 3600000);
    else if (ms && ms % 60000 == 0)
        gy_buf_printf(e->out, "%" PRId64 "m\n", ms / 60000);
    else if (ms % 1000 == 0)
        gy_buf_printf(e->out, "%" PRId64 "s\n", ms / 1000);
    else
        gy_buf_printf(e->out, "%" PRId64 "ms\n", ms);
}

void gy_emit_bytes(struct gy_emit *e, const char *key, int64_t bytes)
{
    static const char units[] = "\0kmg";
    int unit = 0;
    while (bytes && unit < 3 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    if (!bytes) return;
    begin_line(e, key);
    gy_buf_printf(e->out, "%" PRId64 "%.1s\n", bytes, units + unit);
}

void gy_emit_cpus(struct gy_emit *e, const char *key, int64_t milli)
{
    if (!milli) return;
    gy_autofree char *text = gy_printf("%" PRId64 ".%03d", milli / 1000, (int)(milli % 1000));
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.') n--;
    begin_line(e, key);
    gy_buf_printf(e->out, "\"%.*s\"\n", (int)n, text);
}
