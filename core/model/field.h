/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for the tables of fields; only the files that hold such tables include it. */
#ifndef GY_MODEL_FIELD_H
#define GY_MODEL_FIELD_H

#include "model/shape.h"

#define N(array) (sizeof(array) / sizeof *(array))

/* F(struct, "name in JSON", kind, member, what else holds for it: at least OPTIONAL) */
#define F(type, json, kind_, member, ...)                                                          \
    {                                                                                              \
        .name = json, .kind = GY_FIELD_##kind_, .offset = offsetof(struct type, member),           \
        __VA_ARGS__                                                                                \
    }
#define OPTIONAL .flags = 0
#define REQUIRED .flags = GY_FIELD_REQUIRED
#define AMOUNT .max = INT64_MAX

#endif
