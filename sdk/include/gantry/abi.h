/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/abi.h: the words that every part of the contract between gantry and its plugins uses.
 *
 * Thread tags:  [loop] on the event-loop thread, must return within 5 ms;  [worker] on a host
 * worker thread, may block;  [any] from any thread, concurrently;  [engine] on the engine's thread,
 * pure.
 *
 * SIZED structs start with `size`, grow only at the end, and are copied into zeroed storage before
 * any other member is read: zero means "as before", a NULL function means "not offered". FROZEN
 * structs never change. */
#ifndef GANTRY_ABI_H
#define GANTRY_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define GANTRY_EXTERN_C extern "C"
#else
#define GANTRY_EXTERN_C extern
#endif

#define GANTRY_ABI(major, minor) (((uint32_t)(major) << 16) | (uint32_t)(minor))
#define GANTRY_ABI_MAJOR(abi) ((uint32_t)(abi) >> 16)
#define GANTRY_ABI_MINOR(abi) (0xffffu & (uint32_t)(abi))
/* 0.x: every kind is a draft; 1.0 is declared when a kind has two real providers. */
#define GANTRY_ABI_CURRENT GANTRY_ABI(0, 1)

#if defined(__GNUC__)
#define GANTRY_EXPORT __attribute__((visibility("default")))
#define GANTRY_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define GANTRY_EXPORT
#define GANTRY_PRINTF(f, a)
#endif

/* Is member m present in the SIZED struct *p?  Never reads past p->size. */
#define GANTRY_REACHES(p, m)                                                                       \
    ((size_t)((const char *)&(p)->m - (const char *)(p)) + sizeof((p)->m) <= (p)->size)
/* Present and non-NULL; for pointers and functions only. */
#define GANTRY_HAS(p, m) (GANTRY_REACHES(p, m) && (p)->m)

/* Status codes carry the decision; the text beside them is for people.  Readers treat an unknown
 * negative value as GANTRY_EINTERNAL. */
typedef int32_t gantry_status;
#define GANTRY_OK 0
#define GANTRY_EINVAL -1    /* the request is wrong; do not retry               */
#define GANTRY_ENOTSUP -2   /* this plugin cannot do that                       */
#define GANTRY_ENOTFOUND -3 /* positively known to be gone                      */
#define GANTRY_EBUSY -4     /* retry later                                      */
#define GANTRY_EUNAVAIL -5  /* backend unreachable: outcome UNKNOWN, retry      */
#define GANTRY_ECANCELED -6
#define GANTRY_ETIMEDOUT -7
#define GANTRY_ENOMEM -8
#define GANTRY_EINTERNAL -9
#define GANTRY_ECONFLICT -10 /* a compare of a transaction did not hold         */

typedef struct gantry_host gantry_host;   /* one per plugin instance; host-owned */
typedef struct gantry_error gantry_error; /* written with host->error_setf only  */
typedef struct gantry_conf gantry_conf;   /* this instance's settings, read-only */
/* An operation is a number: ending one late or twice is detected, counted and ignored.  Never 0. */
typedef uint64_t gantry_op;

/* FROZEN.  Not NUL-terminated; ptr may be NULL when len is 0. */
typedef struct {
    const char *ptr;
    size_t len;
} gantry_str;
typedef struct { /* FROZEN */
    gantry_str key, value;
} gantry_kv;
typedef struct { /* FROZEN */
    const void *ptr;
    size_t len;
} gantry_bytes;

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_ABI_H */
