/* SPDX-License-Identifier: Apache-2.0 */
/* Copying SIZED structs: what another version gave, read by what this version knows. */
#ifndef GY_PLUGIN_COPY_H
#define GY_PLUGIN_COPY_H

#include "base/op.h"
#include <gantry/abi.h>
#include <stddef.h>

#define GY_COPY_SIZE_MAX (64u * 1024)         /* `size` of one struct               */
#define GY_COPY_COUNT_MAX 65536u              /* elements of one array              */
#define GY_COPY_BYTES_MAX (size_t)(64u << 20) /* a whole copy, with all it points to */

enum gy_copy_kind {
    GY_COPY_END,
    GY_COPY_STR,
    GY_COPY_BYTES,
    GY_COPY_STRS,
    GY_COPY_KVS,
    GY_COPY_PTRS
};

struct gy_copy_member {
    const char *name;
    enum gy_copy_kind kind;
    size_t offset, count_offset;   /* of the member; of the uint32_t that counts its elements */
    const struct gy_copy_type *of; /* PTRS: the struct pointed to */
};

struct gy_copy_type {
    struct gy_op_type op; /* first: the operation table sees only this */
    size_t size;
    const struct gy_copy_member *members; /* ends with GY_COPY_END; scalars are not listed */
};

/* [any] One allocation, for free(), with everything `from` points to; `size` is clamped to what
 * this version knows, members it lacks are zero, text and bytes are NUL-terminated.  NULL with a
 * sentence: size or a count cannot be right, an array is missing, too large. */
void *gy_copy(const struct gy_copy_type *type, const void *from, size_t *bytes,
              struct gy_error *err);
void *gy_copy_op(const struct gy_op_type *type, const void *from, size_t *bytes,
                 struct gy_error *err);

/* [any] The struct itself only: min(size, known) bytes into zeroed storage of `known` bytes, for
 * free(), with `size` clamped.  NULL with a sentence that begins with `what`. */
void *gy_copy_flat(const char *what, const void *from, size_t known, struct gy_error *err);

#endif
