/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t bytes)
{
    fprintf(stderr, "gantry: out of memory: could not get %zu bytes\n", bytes);
    abort();
}

void *gy_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) out_of_memory(bytes);
    return p;
}

void *gy_alloc_array(size_t n, size_t bytes)
{
    void *p = calloc(n ? n : 1, bytes ? bytes : 1);
    if (!p) out_of_memory(bytes);
    return p;
}

void *gy_grow(void *p, size_t n, size_t bytes)
{
    if (bytes && n > SIZE_MAX / bytes) out_of_memory(SIZE_MAX);
    void *q = realloc(p, n && bytes ? n * bytes : 1);
    if (!q) out_of_memory(n * bytes);
    return q;
}

char *gy_strndup(const char *text, size_t len)
{
    char *copy = gy_alloc(len + 1);
    if (len) memcpy(copy, text, len);
    return copy;
}

char *gy_strdup(const char *text)
{
    return text ? gy_strndup(text, strlen(text)) : NULL;
}

char *gy_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) out_of_memory(0);
    return text;
}

void gy_free_charp(char **p)
{
    free(*p);
}

_Noreturn void gy_assert_failed(const char *what, const char *file, int line, const char *function)
{
    fprintf(stderr, "gantry: assertion failed: %s at %s:%d in %s\n", what, file, line, function);
    abort();
}
