/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schema that a shape stands for, for the API document. */
#include "model/shape.h"

#include <stdio.h>

static json_t *typed(const char *type)
{
    json_t *out = json_object();
    json_object_set_new(out, "type", json_string(type));
    return out;
}

static json_t *reference(const struct gy_shape *s)
{
    char at[128];
    snprintf(at, sizeof at, "#/components/schemas/%s", s->name);
    json_t *out = json_object();
    json_object_set_new(out, "$ref", json_string(at));
    return out;
}

static json_t *list_of(json_t *element)
{
    json_t *out = typed("array");
    json_object_set_new(out, "items", element);
    return out;
}

static json_t *schema_of(const struct gy_field *f)
{
    json_t *out = NULL;
    switch (f->kind) {
    case GY_FIELD_STR:
        out = typed("string");
        if (f->flags & GY_FIELD_LABEL)
            json_object_set_new(out, "pattern",
                                json_string("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"));
        if (f->max) json_object_set_new(out, "maxLength", json_integer(f->max));
        if (f->min) json_object_set_new(out, "minLength", json_integer(f->min));
        break;
    case GY_FIELD_INT:
        out = typed("integer");
        json_object_set_new(out, "format", json_string("int64"));
        if (f->min || f->max) {
            json_object_set_new(out, "minimum", json_integer(f->min));
            json_object_set_new(out, "maximum", json_integer(f->max));
        }
        if (f->fallback) json_object_set_new(out, "default", json_integer(f->fallback));
        break;
    case GY_FIELD_BOOL:
        out = typed("boolean");
        json_object_set_new(out, "default", json_boolean(f->fallback));
        break;
    case GY_FIELD_ENUM: {
        out = typed("string");
        json_t *names = json_array();
        for (int i = 0; f->names[i]; i++)
            json_array_append_new(names, json_string(f->names[i]));
        json_object_set_new(out, "enum", names);
        if (!(f->flags & GY_FIELD_REQUIRED))
            json_object_set_new(out, "default", json_string(f->names[f->fallback]));
        break;
    }
    case GY_FIELD_STRS: out = list_of(typed("string")); break;
    case GY_FIELD_MAP:
        out = typed("object");
        json_object_set_new(out, "additionalProperties", typed("string"));
        break;
    case GY_FIELD_OBJ:
    case GY_FIELD_OPT: return reference(f->shape);
    case GY_FIELD_LIST: out = list_of(reference(f->shape)); break;
    }
    if (f->doc) json_object_set_new(out, "description", json_string(f->doc));
    if (f->flags & GY_FIELD_SERVER) json_object_set_new(out, "readOnly", json_true());
    return out;
}

json_t *gy_shape_schema(const struct gy_shape *s)
{
    json_t *out = typed("object"), *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < s->n; i++) {
        json_object_set_new(properties, s->fields[i].name, schema_of(&s->fields[i]));
        if (s->fields[i].flags & GY_FIELD_REQUIRED)
            json_array_append_new(required, json_string(s->fields[i].name));
    }
    if (s->doc) json_object_set_new(out, "description", json_string(s->doc));
    json_object_set_new(out, "properties", properties);
    if (json_array_size(required))
        json_object_set_new(out, "required", required);
    else
        json_decref(required);
    json_object_set_new(out, "additionalProperties", json_false());
    return out;
}
