/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/copy.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Two passes over the same walk: with at NULL it only adds up, then it writes. */
struct copier {
    unsigned char *at;
    size_t used, limit;
    struct gy_error *err;
    bool has_failed;
};

static void fail(struct copier *c, const char *type, const char *member, const char *why)
{
    if (!c->has_failed) gy_error_set(c->err, GANTRY_EINVAL, "%s.%s %s", type, member, why);
    c->has_failed = true;
}

/* Room for n bytes, aligned for any member; NULL in the counting pass. */
static void *take(struct copier *c, size_t n, size_t align)
{
    size_t begin = (c->used + align - 1) / align * align;
    c->used = begin + n;
    return c->at && c->used <= c->limit ? c->at + begin : NULL;
}

static gantry_bytes copy_bytes(struct copier *c, const char *type, const char *member,
                               const void *ptr, size_t len)
{
    gantry_bytes copy = {NULL, 0};
    if (len == 0) return copy;
    if (!ptr) {
        fail(c, type, member, "has a length but no bytes");
        return copy;
    }
    if (len > GY_COPY_BYTES_MAX || c->used + len > GY_COPY_BYTES_MAX) {
        fail(c, type, member, "is too long: a copy has at most 64 MiB");
        return copy;
    }
    unsigned char *to = take(c, len + 1, 1);
    if (!to) return copy;
    memcpy(to, ptr, len); /* storage is zeroed: a NUL follows */
    copy.ptr = to;
    copy.len = len;
    return copy;
}

static gantry_str copy_str(struct copier *c, const char *type, const char *member, gantry_str from)
{
    gantry_bytes copy = copy_bytes(c, type, member, from.ptr, from.len);
    return (gantry_str){copy.ptr, copy.len};
}

static void *copy_struct(struct copier *c, const struct gy_copy_type *type, const void *from);

static const void *copy_array(struct copier *c, const struct gy_copy_type *type,
                              const struct gy_copy_member *m, const void *from, uint32_t count)
{
    if (count == 0) return NULL;
    if (count > GY_COPY_COUNT_MAX) {
        fail(c, type->op.name, m->name, "has more than 65536 elements");
        return NULL;
    }
    if (!from) {
        fail(c, type->op.name, m->name, "is NULL, its count is not 0");
        return NULL;
    }
    size_t each = m->kind == GY_COPY_PTRS  ? sizeof(void *)
                  : m->kind == GY_COPY_KVS ? sizeof(gantry_kv)
                                           : sizeof(gantry_str);
    void *to = take(c, each * count, 8);
    for (uint32_t i = 0; i < count && !c->has_failed; i++) {
        if (m->kind == GY_COPY_PTRS) {
            void *copy = copy_struct(c, m->of, ((const void *const *)from)[i]);
            if (to) ((void **)to)[i] = copy;
        } else if (m->kind == GY_COPY_KVS) {
            const gantry_kv *kv = (const gantry_kv *)from + i;
            gantry_kv copy = {copy_str(c, type->op.name, m->name, kv->key),
                              copy_str(c, type->op.name, m->name, kv->value)};
            if (to) ((gantry_kv *)to)[i] = copy;
        } else {
            gantry_str copy = copy_str(c, type->op.name, m->name, ((const gantry_str *)from)[i]);
            if (to) ((gantry_str *)to)[i] = copy;
        }
    }
    return to;
}

/* What of `from` both versions know, as a zero-extended image of at most GY_COPY_IMAGE_MAX bytes.
 */
#define GY_COPY_IMAGE_MAX 1024
static bool read_image(struct copier *c, const struct gy_copy_type *type, const void *from,
                       unsigned char image[GY_COPY_IMAGE_MAX])
{
    GY_ASSERT(type->size <= GY_COPY_IMAGE_MAX);
    uint32_t size;
    if (!from) {
        fail(c, type->op.name, "size", "cannot be read: the pointer is NULL");
        return false;
    }
    memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > GY_COPY_SIZE_MAX) {
        fail(c, type->op.name, "size", "is not the size of a struct");
        return false;
    }
    if (size > type->size) size = (uint32_t)type->size;
    memset(image, 0, type->size);
    memcpy(image, from, size);
    memcpy(image, &size, sizeof size);
    return true;
}

static void copy_member(struct copier *c, const struct gy_copy_type *type,
                        const struct gy_copy_member *m, unsigned char *image)
{
    void *slot = image + m->offset;
    if (m->kind == GY_COPY_STR) {
        gantry_str value;
        memcpy(&value, slot, sizeof value);
        value = copy_str(c, type->op.name, m->name, value);
        memcpy(slot, &value, sizeof value);
    } else if (m->kind == GY_COPY_BYTES) {
        gantry_bytes value;
        memcpy(&value, slot, sizeof value);
        value = copy_bytes(c, type->op.name, m->name, value.ptr, value.len);
        memcpy(slot, &value, sizeof value);
    } else {
        uint32_t count;
        const void *array;
        memcpy(&count, image + m->count_offset, sizeof count);
        memcpy(&array, slot, sizeof array);
        /* An older struct may end between the count and the array. */
        uint32_t size;
        memcpy(&size, image, sizeof size);
        if (m->offset + sizeof array > size) {
            count = 0;
            memcpy(image + m->count_offset, &count, sizeof count);
        }
        array = copy_array(c, type, m, array, count);
        memcpy(slot, &array, sizeof array);
    }
}

static void *copy_struct(struct copier *c, const struct gy_copy_type *type, const void *from)
{
    unsigned char image[GY_COPY_IMAGE_MAX];
    if (c->has_failed || !read_image(c, type, from, image)) return NULL;
    void *to = take(c, type->size, 8);
    for (const struct gy_copy_member *m = type->members; m->kind != GY_COPY_END; m++)
        copy_member(c, type, m, image);
    if (to) memcpy(to, image, type->size);
    return to;
}

void *gy_copy(const struct gy_copy_type *type, const void *from, size_t *bytes,
              struct gy_error *err)
{
    struct copier c = {.err = err};
    copy_struct(&c, type, from);
    if (c.has_failed) return NULL;
    if (c.used > GY_COPY_BYTES_MAX) {
        gy_error_set(err, GANTRY_EINVAL, "%s is too large: a copy has at most 64 MiB",
                     type->op.name);
        return NULL;
    }
    c.limit = c.used;
    c.used = 0;
    c.at = gy_alloc(c.limit);
    void *copy = copy_struct(&c, type, from);
    if (c.has_failed || c.used > c.limit) { /* it changed while it was read */
        gy_error_set(err, GANTRY_EINVAL, "%s changed while it was copied", type->op.name);
        free(c.at);
        return NULL;
    }
    *bytes = c.limit;
    return copy;
}

void *gy_copy_op(const struct gy_op_type *type, const void *from, size_t *bytes,
                 struct gy_error *err)
{
    return gy_copy((const struct gy_copy_type *)type, from, bytes, err);
}

void *gy_copy_flat(const char *what, const void *from, size_t known, struct gy_error *err)
{
    uint32_t size;
    memcpy(&size, from, sizeof size);
    if (size < 2 * sizeof size || size > GY_COPY_SIZE_MAX) {
        gy_error_set(err, GANTRY_EINVAL, "%s says it has %" PRIu32 " bytes; %zu would be right",
                     what, size, known);
        return NULL;
    }
    if (size > known) size = (uint32_t)known;
    unsigned char *copy = gy_alloc(known);
    memcpy(copy, from, size);
    memcpy(copy, &size, sizeof size);
    return copy;
}
