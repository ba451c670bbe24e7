/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one revision, ordered by the bytes of their keys. */
#include "store/internal.h"

#include <string.h>

static int by_key(const struct object *a, const struct object *b)
{
    return strcmp(a->shown.key, b->shown.key); /* compares as unsigned char */
}

RB_GENERATE_INTERNAL(object_tree, object, entry, by_key, __attribute__((unused)) static)

void gy_store_mirror_init(struct mirror *mirror)
{
    *mirror = (struct mirror){0};
    RB_INIT(&mirror->tree);
}

void gy_store_mirror_fini(struct mirror *mirror)
{
    struct object *o, *next;
    for (o = RB_MIN(object_tree, &mirror->tree); o; o = next) {
        next = RB_NEXT(object_tree, &mirror->tree, o);
        RB_REMOVE(object_tree, &mirror->tree, o);
        gy_store_object_put(&o->shown);
    }
    gy_store_mirror_init(mirror);
}

static struct object_tree *tree_of(const struct mirror *mirror)
{
    return (struct object_tree *)&mirror->tree; /* the generated look-ups do not take const */
}

struct object *gy_store_mirror_find(const struct mirror *mirror, const char *key)
{
    struct object probe = {.shown.key = key};
    return RB_FIND(object_tree, tree_of(mirror), &probe);
}

struct object *gy_store_mirror_first_from(const struct mirror *mirror, const char *key,
                                          bool or_equal)
{
    struct object probe = {.shown.key = key};
    struct object *o = RB_NFIND(object_tree, tree_of(mirror), &probe);
    return o && !or_equal && !strcmp(o->shown.key, key) ? gy_store_mirror_after(o) : o;
}

struct object *gy_store_mirror_after(struct object *object)
{
    return RB_NEXT(object_tree, NULL, object);
}

struct object *gy_store_mirror_put(struct mirror *mirror, struct object *object)
{
    struct object *old = RB_FIND(object_tree, &mirror->tree, object);
    if (old) gy_store_mirror_remove(mirror, old);
    RB_INSERT(object_tree, &mirror->tree, object);
    mirror->count++;
    mirror->bytes += object->shown.len;
    return old;
}

void gy_store_mirror_remove(struct mirror *mirror, struct object *object)
{
    RB_REMOVE(object_tree, &mirror->tree, object);
    mirror->count--;
    mirror->bytes -= object->shown.len;
}
