/* SPDX-License-Identifier: Apache-2.0 */
/* What this gantry knows of each kind and of each extension by id. */
#ifndef GY_PLUGIN_KINDS_H
#define GY_PLUGIN_KINDS_H

#include <stddef.h>
#include <stdint.h>

struct gy_kind_member {
    const char *name; /* NULL ends the list */
    size_t offset;    /* of a function or pointer in the vtable */
};

struct gy_kind {
    const char *id;         /* "gantry.driver/1" */
    const char *short_name; /* "driver" */
    uint32_t draft;         /* this gantry's draft number of the kind; 0 = stable */
    size_t ops_size;
    size_t base_offset, caps_offset;       /* of `base` and `caps` in the vtable */
    const struct gy_kind_member *required; /* must not be NULL */
};

const struct gy_kind *gy_kind_find(const char *id); /* NULL: unknown */
const struct gy_kind *gy_kind_get(size_t i);        /* NULL beyond the last */
/* Size of the struct behind an extension id of plugins; 0 = not known to this gantry. */
size_t gy_extension_size(const char *id);

#endif
