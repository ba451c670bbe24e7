/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching the member of a struct that a field describes. */
#ifndef GY_MODEL_SHAPE_MEMBER_H
#define GY_MODEL_SHAPE_MEMBER_H

#include "model/shape.h"

static inline void *gy_member(const void *object, const struct gy_field *f)
{
    return (char *)(uintptr_t)object + f->offset;
}

static inline void *gy_member_pointer(const void *object, const struct gy_field *f)
{
    void *p;
    memcpy(&p, gy_member(object, f), sizeof p);
    return p;
}

static inline void gy_member_set(void *object, const struct gy_field *f, const void *p)
{
    memcpy(gy_member(object, f), &p, sizeof p);
}

#endif
