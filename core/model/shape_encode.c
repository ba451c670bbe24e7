/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: defaults are left out. */
#include "model/shape_member.h"

static json_t *encode_field(const struct gy_field *f, const void *object)
{
    const void *p = gy_member(object, f);
    switch (f->kind) {
    case GY_FIELD_STR: {
        const char *text = gy_member_pointer(object, f);
        return text ? json_string(text) : NULL;
    }
    case GY_FIELD_INT: {
        int64_t value = *(const int64_t *)p;
        return value == f->fallback && !(f->flags & GY_FIELD_REQUIRED) ? NULL : json_integer(value);
    }
    case GY_FIELD_BOOL: {
        bool value = *(const bool *)p;
        return value == (f->fallback != 0) ? NULL : json_boolean(value);
    }
    case GY_FIELD_ENUM: {
        int value = *(const int *)p;
        return value == f->fallback && !(f->flags & GY_FIELD_REQUIRED)
                   ? NULL
                   : json_string(f->names[value]);
    }
    case GY_FIELD_STRS: {
        const struct gy_strs *v = p;
        json_t *out = v->n ? json_array() : NULL;
        for (size_t i = 0; i < v->n; i++)
            json_array_append_new(out, json_string(v->items[i]));
        return out;
    }
    case GY_FIELD_MAP: {
        const struct gy_map *v = p;
        json_t *out = v->n ? json_object() : NULL;
        for (size_t i = 0; i < v->n; i++)
            json_object_set_new(out, v->items[i].key,
                                json_string(v->items[i].value ? v->items[i].value : ""));
        return out;
    }
    case GY_FIELD_OBJ: {
        json_t *out = gy_shape_encode(f->shape, p);
        if (json_object_size(out) || (f->flags & GY_FIELD_REQUIRED)) return out;
        json_decref(out);
        return NULL;
    }
    case GY_FIELD_OPT: {
        const void *inner = gy_member_pointer(object, f);
        return inner ? gy_shape_encode(f->shape, inner) : NULL;
    }
    case GY_FIELD_LIST: {
        const struct gy_list *v = p;
        json_t *out = v->n || (f->flags & GY_FIELD_REQUIRED) ? json_array() : NULL;
        for (size_t i = 0; i < v->n; i++)
            json_array_append_new(out,
                                  gy_shape_encode(f->shape, (char *)v->items + i * f->shape->size));
        return out;
    }
    }
    return NULL;
}

json_t *gy_shape_encode(const struct gy_shape *s, const void *object)
{
    json_t *out = json_object();
    GY_ASSERT(out);
    for (size_t i = 0; i < s->n; i++) {
        json_t *value = encode_field(&s->fields[i], object);
        if (value) json_object_set_new(out, s->fields[i].name, value);
    }
    return out;
}

char *gy_shape_encode_text(const struct gy_shape *s, const void *object)
{
    json_t *json = gy_shape_encode(s, object);
    char *text = json_dumps(json, JSON_COMPACT);
    GY_ASSERT(text);
    json_decref(json);
    return text;
}
