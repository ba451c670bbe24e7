/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail (a daemon out of memory aborts with a line in the log), and cleanup.
 */
#ifndef GY_BASE_MEMORY_H
#define GY_BASE_MEMORY_H

#include <gantry/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* All return storage for free(); they abort when there is none. */
void *gy_alloc(size_t bytes);                 /* zeroed */
void *gy_alloc_array(size_t n, size_t bytes); /* zeroed; aborts on overflow */
void *gy_grow(void *p, size_t n, size_t bytes);
char *gy_strdup(const char *text); /* NULL gives NULL */
char *gy_strndup(const char *text, size_t len);
char *gy_printf(const char *fmt, ...) GANTRY_PRINTF(1, 2);

/* Make room for one more element in a vector of (items, n, cap). */
#define GY_VEC_PUSH(items, n, cap)                                                                 \
    ((n) < (cap) ? (void)0                                                                         \
                 : (void)((cap) = (cap) ? (cap)*2 : 8,                                             \
                          (items) = gy_grow((items), (cap), sizeof *(items))))

void gy_free_charp(char **p); /* for GY_CLEANUP(gy_free_charp) char *text = ...; */
#define GY_CLEANUP(fn) __attribute__((cleanup(fn)))
#define gy_autofree GY_CLEANUP(gy_free_charp)

/* Give a pointer away: returns it and leaves NULL behind. */
#define GY_GIVE(p)                                                                                 \
    __extension__({                                                                                \
        __typeof__(p) gy_given_ = (p);                                                             \
        (p) = NULL;                                                                                \
        gy_given_;                                                                                 \
    })

/* An invariant of our own; always on. */
#define GY_ASSERT(x) ((x) ? (void)0 : gy_assert_failed(#x, __FILE__, __LINE__, __func__))
_Noreturn void gy_assert_failed(const char *what, const char *file, int line, const char *function);

#endif
