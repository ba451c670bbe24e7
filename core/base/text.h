/* SPDX-License-Identifier: Apache-2.0 */
/* Text: a growing buffer, borrowed strings, checks and encodings. */
#ifndef GY_BASE_TEXT_H
#define GY_BASE_TEXT_H

#include "base/error.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* A growing byte buffer; text stays NUL-terminated.  Start with {0}. */
struct gy_buf {
    char *text;
    size_t len, cap;
};
void gy_buf_add(struct gy_buf *b, const void *bytes, size_t n);
void gy_buf_str(struct gy_buf *b, const char *text);
void gy_buf_printf(struct gy_buf *b, const char *fmt, ...) GANTRY_PRINTF(2, 3);
void gy_buf_vprintf(struct gy_buf *b, const char *fmt, va_list args) GANTRY_PRINTF(2, 0);
void gy_buf_drop(struct gy_buf *b, size_t n); /* forget the first n bytes */
char *gy_buf_take(struct gy_buf *b);          /* never NULL; the buffer is empty afterwards */
void gy_buf_fini(struct gy_buf *b);

static inline gantry_str gy_str(const char *text)
{
    gantry_str s = {text, text ? strlen(text) : 0};
    return s;
}
static inline bool gy_str_is(gantry_str s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}
static inline bool gy_streq(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}
char *gy_str_dup(gantry_str s);
bool gy_starts_with(const char *text, const char *prefix);
bool gy_ends_with(const char *text, const char *suffix);

bool gy_utf8_is_valid(const char *text, size_t len); /* no surrogates, no overlong forms, no NUL */
/* RFC 1123 label: lower-case letters, digits, '-' inside; 1..63 bytes. */
bool gy_is_label(const char *text);
/* Shell-style pattern with * and ?. */
bool gy_glob_match(const char *pattern, const char *text);
/* 128 bits as 26 lower-case characters of RFC 4648 base32. */
#define GY_ID_MAX 27
void gy_id_format(const uint8_t bits[16], char out[GY_ID_MAX]);
/* Decimal int64, whole text, within [min, max].  EINVAL with a sentence. */
gantry_status gy_int_parse(const char *text, int64_t min, int64_t max, int64_t *out,
                           struct gy_error *err);
/* "512m", "1.5g", "1024", "64kb", as in Compose (powers of 1024).  EINVAL with a sentence. */
gantry_status gy_bytes_parse(const char *text, int64_t *bytes, struct gy_error *err);
void gy_bytes_format(int64_t bytes, char out[32]); /* "512 MiB" */
/* Nearest of n words to `word` by edit distance, or NULL when none is close. */
const char *gy_nearest(const char *word, const char *const *words, size_t n);
/* Whole file, at most max bytes; *bytes is NUL-terminated and for free().  ENOTFOUND, EINVAL,
 * EINTERNAL. */
gantry_status gy_file_read(const char *path, size_t max, char **bytes, size_t *len,
                           struct gy_error *err);
/* Write beside, fsync, rename, fsync the folder: after OK the file has the new bytes even after a
 * power cut. */
gantry_status gy_file_write(const char *path, const void *bytes, size_t len, unsigned mode,
                            struct gy_error *err);
/* mkdir -p */
gantry_status gy_dir_make(const char *path, unsigned mode, struct gy_error *err);

#endif
