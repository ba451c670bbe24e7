/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void gy_buf_add(struct gy_buf *b, const void *bytes, size_t n)
{
    if (b->len + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->len + n + 1)
            cap *= 2;
        b->text = gy_grow(b->text, cap, 1);
        b->cap = cap;
    }
    if (n) memcpy(b->text + b->len, bytes, n);
    b->len += n;
    b->text[b->len] = '\0';
}

void gy_buf_str(struct gy_buf *b, const char *text)
{
    gy_buf_add(b, text, strlen(text));
}

void gy_buf_vprintf(struct gy_buf *b, const char *fmt, va_list args)
{
    char small[512];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    GY_ASSERT(n >= 0);
    if ((size_t)n < sizeof small) {
        gy_buf_add(b, small, (size_t)n);
    } else {
        char *large = gy_alloc((size_t)n + 1);
        vsnprintf(large, (size_t)n + 1, fmt, again);
        gy_buf_add(b, large, (size_t)n);
        free(large);
    }
    va_end(again);
}

void gy_buf_printf(struct gy_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_buf_vprintf(b, fmt, args);
    va_end(args);
}

void gy_buf_drop(struct gy_buf *b, size_t n)
{
    GY_ASSERT(n <= b->len);
    if (n) memmove(b->text, b->text + n, b->len - n + 1);
    b->len -= n;
}

char *gy_buf_take(struct gy_buf *b)
{
    if (!b->text) gy_buf_add(b, "", 0);
    char *text = b->text;
    *b = (struct gy_buf){0};
    return text;
}

void gy_buf_fini(struct gy_buf *b)
{
    free(b->text);
    *b = (struct gy_buf){0};
}

char *gy_str_dup(gantry_str s)
{
    return gy_strndup(s.ptr, s.len);
}

bool gy_starts_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

bool gy_ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && !strcmp(text + n - m, suffix);
}

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    size_t n = c < 0x80                 ? 1
               : c >= 0xc2 && c <= 0xdf ? 2
               : (c & 0xf0) == 0xe0     ? 3
               : c >= 0xf0 && c <= 0xf4 ? 4
                                        : 0;
    if (n == 0 || n > left || c == 0) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) return 0;
    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) return 0;
    return n;
}

bool gy_utf8_is_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0, n; i < len; i += n)
        if ((n = utf8_sequence(p + i, len - i)) == 0) return false;
    return true;
}

bool gy_is_label(const char *text)
{
    size_t n = strlen(text);
    if (n < 1 || n > 63 || text[0] == '-' || text[n - 1] == '-') return false;
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
              text[i] == '-'))
            return false;
    return true;
}

bool gy_glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

void gy_id_format(const uint8_t bits[16], char out[GY_ID_MAX])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t held = 0;
    int have = 0, n = 0;
    for (int i = 0; i < 16; i++) {
        held = (held << 8) | bits[i];
        for (have += 8; have >= 5; have -= 5)
            out[n++] = alphabet[(held >> (have - 5)) & 31];
    }
    out[n++] = alphabet[(held << (5 - have)) & 31];
    out[n] = '\0';
}

gantry_status gy_int_parse(const char *text, int64_t min, int64_t max, int64_t *out,
                           struct gy_error *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)text[0]))
        return gy_error_set(err, GANTRY_EINVAL, "\"%s\" is not a whole number", text);
    if (errno == ERANGE || value < min || value > max)
        return gy_error_set(err, GANTRY_EINVAL, "%s is out of range: %" PRId64 " to %" PRId64, text,
                            min, max);
    *out = value;
    return GANTRY_OK;
}

gantry_status gy_bytes_parse(const char *text, int64_t *bytes, struct gy_error *err)
{
    char *end;
    double value = -1;
    if (isdigit((unsigned char)text[0])) value = strtod(text, &end);
    if (value < 0) goto bad;
    int shift = 0;
    switch (tolower((unsigned char)*end)) {
    case 'k': shift = 10; break;
    case 'm': shift = 20; break;
    case 'g': shift = 30; break;
    case 't': shift = 40; break;
    default: break;
    }
    if (shift) end++;
    if (shift && (end[0] == 'i' || end[0] == 'I') && (end[1] == 'b' || end[1] == 'B')) end++;
    if (tolower((unsigned char)*end) == 'b') end++;
    if (*end || value * (double)(1ll << shift) > 9e18) goto bad;
    *bytes = (int64_t)(value * (double)(1ll << shift));
    return GANTRY_OK;
bad:
    return gy_error_set(err, GANTRY_EINVAL,
                        "\"%s\" is not an amount of bytes: write 64k, 512m or 2g", text);
}

void gy_bytes_format(int64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;
    int64_t scaled = bytes < 0 ? -bytes : bytes, rest = 0;
    while (scaled >= 1024 && unit < 5) {
        rest = scaled % 1024;
        scaled /= 1024;
        unit++;
    }
    if (rest && scaled < 10)
        snprintf(out, 32, "%s%d.%d %s", bytes < 0 ? "-" : "", (int)scaled, (int)(rest * 10 / 1024),
                 units[unit]);
    else
        snprintf(out, 32, "%s%d %s", bytes < 0 ? "-" : "", (int)scaled, units[unit]);
}

/* Levenshtein distance, both words cut at 40 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[42], n = strlen(b) > 40 ? 40 : strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i] && i < 40; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

const char *gy_nearest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}
