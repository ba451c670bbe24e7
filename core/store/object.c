/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of objects: immutable, counted. */
#include "store/internal.h"

#include <string.h>

struct object *gy_store_object_create(const gantry_store_item *item)
{
    struct object *o = gy_alloc(sizeof *o + item->key.len + item->value.len + 2);
    memcpy(o->data, item->key.ptr, item->key.len);
    char *bytes = o->data + item->key.len + 1;
    if (item->value.len) memcpy(bytes, item->value.ptr, item->value.len);
    o->shown = (struct gy_store_object){.key = o->data,
                                        .bytes = bytes,
                                        .len = item->value.len,
                                        .create_rev = item->create_rev,
                                        .mod_rev = item->mod_rev};
    atomic_init(&o->refs, 1);
    return o;
}

struct gy_store_object *gy_store_object_get(struct gy_store_object *object)
{
    if (object)
        atomic_fetch_add_explicit(&((struct object *)object)->refs, 1, memory_order_relaxed);
    return object;
}

void gy_store_object_put(struct gy_store_object *object)
{
    if (!object) return;
    struct object *o = (struct object *)object;
    uint32_t before = atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel);
    GY_ASSERT(before > 0);
    if (before == 1) free(o);
}
