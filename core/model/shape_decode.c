/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON reader: what is wrong is named by its path. */
#include "model/shape_member.h"

#include <inttypes.h>
#include <stdio.h>

#define STR_MAX 65536
#define LIST_MAX 1000
#define MAP_MAX 1000

static int64_t limit(const struct gy_field *f, int64_t standard)
{
    return f->max ? f->max : standard;
}

#define PATH_MAX_BYTES 256

struct reader {
    enum gy_strictness from;
    struct gy_error *err;
};

static gantry_status decode_object(struct reader *r, const struct gy_shape *s, const json_t *json,
                                   const char *path, void *out);

static const char *type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: break;
    }
    return "null";
}

static gantry_status mismatch(struct reader *r, const char *path, const char *want,
                              const json_t *json)
{
    return gy_error_set(r->err, GANTRY_EINVAL, "%s: must be %s, not %s", path, want,
                        type_name(json));
}

static gantry_status decode_str(struct reader *r, const struct gy_field *f, const json_t *json,
                                const char *path, char **out)
{
    if (!json_is_string(json)) return mismatch(r, path, "a string", json);
    const char *text = json_string_value(json);
    size_t n = json_string_length(json);
    if ((int64_t)n < f->min || (int64_t)n > limit(f, STR_MAX))
        return gy_error_set(r->err, GANTRY_EINVAL,
                            "%s: %zu bytes long, must be %" PRId64 " to %" PRId64, path, n, f->min,
                            limit(f, STR_MAX));
    if (strlen(text) != n)
        return gy_error_set(r->err, GANTRY_EINVAL, "%s: has a NUL character", path);
    if ((f->flags & GY_FIELD_LABEL) && !gy_is_label(text))
        return gy_error_set(
            r->err, GANTRY_EINVAL,
            "%s: \"%.80s\" must be 1 to 63 lower-case letters, digits and inner hyphens", path,
            text);
    *out = gy_strdup(text);
    return GANTRY_OK;
}

static gantry_status decode_enum(struct reader *r, const struct gy_field *f, const json_t *json,
                                 const char *path, int *out)
{
    if (!json_is_string(json)) return mismatch(r, path, "a string", json);
    struct gy_buf known = {0};
    for (int i = 0; f->names[i]; i++) {
        if (!strcmp(f->names[i], json_string_value(json))) {
            gy_buf_fini(&known);
            *out = i;
            return GANTRY_OK;
        }
        gy_buf_printf(&known, "%s%s", i ? ", " : "", f->names[i]);
    }
    gantry_status status = gy_error_set(r->err, GANTRY_EINVAL, "%s: \"%.80s\" is none of %s", path,
                                        json_string_value(json), known.text);
    gy_buf_fini(&known);
    return status;
}

static gantry_status decode_int(struct reader *r, const struct gy_field *f, const json_t *json,
                                const char *path, int64_t *out)
{
    if (!json_is_integer(json)) return mismatch(r, path, "a whole number", json);
    int64_t value = json_integer_value(json);
    bool bounded = f->min || f->max;
    if (bounded && (value < f->min || value > f->max))
        return gy_error_set(r->err, GANTRY_EINVAL,
                            "%s: %" PRId64 " is out of range: %" PRId64 " to %" PRId64, path, value,
                            f->min, f->max);
    *out = value;
    return GANTRY_OK;
}

static gantry_status too_many(struct reader *r, const char *path, size_t n, int64_t max)
{
    return gy_error_set(r->err, GANTRY_EINVAL, "%s: %zu elements, at most %" PRId64 " are allowed",
                        path, n, max);
}

static gantry_status decode_strs(struct reader *r, const struct gy_field *f, const json_t *json,
                                 const char *path, struct gy_strs *out)
{
    if (!json_is_array(json)) return mismatch(r, path, "an array of strings", json);
    size_t n = json_array_size(json);
    if ((int64_t)n > limit(f, LIST_MAX)) return too_many(r, path, n, limit(f, LIST_MAX));
    static const struct gy_field element = {.kind = GY_FIELD_STR};
    for (size_t i = 0; i < n; i++) {
        char at[PATH_MAX_BYTES], *text = NULL;
        snprintf(at, sizeof at, "%.200s[%zu]", path, i);
        gantry_status status = decode_str(r, &element, json_array_get(json, i), at, &text);
        if (status) return status;
        gy_strs_add(out, text);
        free(text);
    }
    return GANTRY_OK;
}

static bool is_name(const char *key)
{
    if (!*key) return false;
    for (const char *p = key; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        bool inner = (*p >= '0' && *p <= '9') || *p == '.' || *p == '-';
        if (!letter && (p == key || !inner)) return false;
    }
    return true;
}

static gantry_status decode_map(struct reader *r, const struct gy_field *f, const json_t *json,
                                const char *path, struct gy_map *out)
{
    if (!json_is_object(json)) return mismatch(r, path, "an object of strings", json);
    if ((int64_t)json_object_size(json) > limit(f, MAP_MAX))
        return too_many(r, path, json_object_size(json), limit(f, MAP_MAX));
    static const struct gy_field element = {.kind = GY_FIELD_STR};
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        char at[PATH_MAX_BYTES], *text = NULL;
        snprintf(at, sizeof at, "%.150s.%.80s", path, key);
        if (strlen(key) < 1 || strlen(key) > 255)
            return gy_error_set(r->err, GANTRY_EINVAL, "%s: a key must be 1 to 255 bytes long",
                                path);
        if ((f->flags & GY_FIELD_NAMES) && !is_name(key))
            return gy_error_set(r->err, GANTRY_EINVAL,
                                "%s: not a name: letters, digits, _ . - only", at);
        gantry_status status = decode_str(r, &element, value, at, &text);
        if (status) return status;
        gy_map_set(out, key, text);
        free(text);
    }
    return GANTRY_OK;
}

static gantry_status decode_list(struct reader *r, const struct gy_field *f, const json_t *json,
                                 const char *path, struct gy_list *out)
{
    if (!json_is_array(json)) return mismatch(r, path, "an array", json);
    size_t n = json_array_size(json);
    if ((int64_t)n > limit(f, LIST_MAX)) return too_many(r, path, n, limit(f, LIST_MAX));
    if ((int64_t)n < f->min)
        return gy_error_set(r->err, GANTRY_EINVAL, "%s: needs at least %" PRId64 " elements", path,
                            f->min);
    for (size_t i = 0; i < n; i++) {
        char at[PATH_MAX_BYTES];
        snprintf(at, sizeof at, "%.200s[%zu]", path, i);
        void *item = gy_list_add(out, f->shape);
        gantry_status status = decode_object(r, f->shape, json_array_get(json, i), at, item);
        if (status) return status;
    }
    return GANTRY_OK;
}

static gantry_status decode_field(struct reader *r, const struct gy_field *f, const json_t *json,
                                  const char *path, void *object)
{
    void *p = gy_member(object, f);
    switch (f->kind) {
    case GY_FIELD_STR: {
        char *text = NULL;
        gantry_status status = decode_str(r, f, json, path, &text);
        if (!status) gy_member_set(object, f, text);
        return status;
    }
    case GY_FIELD_INT: return decode_int(r, f, json, path, p);
    case GY_FIELD_BOOL:
        if (!json_is_boolean(json)) return mismatch(r, path, "true or false", json);
        *(bool *)p = json_is_true(json);
        return GANTRY_OK;
    case GY_FIELD_ENUM: return decode_enum(r, f, json, path, p);
    case GY_FIELD_STRS: return decode_strs(r, f, json, path, p);
    case GY_FIELD_MAP: return decode_map(r, f, json, path, p);
    case GY_FIELD_OBJ: return decode_object(r, f->shape, json, path, p);
    case GY_FIELD_OPT: {
        void *inner = gy_alloc(f->shape->size);
        gy_shape_init(f->shape, inner);
        gy_member_set(object, f, inner);
        return decode_object(r, f->shape, json, path, inner);
    }
    case GY_FIELD_LIST: return decode_list(r, f, json, path, p);
    }
    return GANTRY_EINTERNAL;
}

static gantry_status unknown_field(struct reader *r, const struct gy_shape *s, const char *path,
                                   const char *key)
{
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; i < s->n && n < 128; i++)
        names[n++] = s->fields[i].name;
    const char *near = gy_nearest(key, names, n);
    return gy_error_set(r->err, GANTRY_EINVAL, "%s%s%.80s: unknown field%s%s%s", path,
                        *path ? "." : "", key, near ? ", did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
}

static const struct gy_field *find_field(const struct gy_shape *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->fields[i].name, name)) return &s->fields[i];
    return NULL;
}

static gantry_status decode_object(struct reader *r, const struct gy_shape *s, const json_t *json,
                                   const char *path, void *out)
{
    if (!json_is_object(json)) return mismatch(r, *path ? path : "the object", "an object", json);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        const struct gy_field *f = find_field(s, key);
        char at[PATH_MAX_BYTES];
        snprintf(at, sizeof at, "%.150s%s%.80s", path, *path ? "." : "", key);
        if (!f && r->from == GY_FROM_USER) return unknown_field(r, s, path, key);
        if (!f) continue;
        if ((f->flags & GY_FIELD_SERVER) && r->from == GY_FROM_USER)
            return gy_error_set(r->err, GANTRY_EINVAL, "%s: is set by the server", at);
        gantry_status status = decode_field(r, f, value, at, out);
        if (status) return status;
    }
    for (size_t i = 0; i < s->n; i++)
        if ((s->fields[i].flags & GY_FIELD_REQUIRED) && !json_object_get(json, s->fields[i].name))
            return gy_error_set(r->err, GANTRY_EINVAL, "%s%s%s: is required", path,
                                *path ? "." : "", s->fields[i].name);
    return s->check ? s->check(out, path, r->err) : GANTRY_OK;
}

gantry_status gy_shape_decode(const struct gy_shape *s, const json_t *json, enum gy_strictness from,
                              void *out, struct gy_error *err)
{
    struct reader r = {from, err};
    gy_shape_init(s, out);
    gantry_status status = decode_object(&r, s, json, "", out);
    if (status) gy_shape_fini(s, out);
    return status;
}

static int depth_of(const char *text, size_t len)
{
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
            continue;
        }
        if (text[i] == '"') quoted = true;
        if (text[i] == '{' || text[i] == '[') depth++;
        if (text[i] == '}' || text[i] == ']') depth--;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

json_t *gy_json_parse(const char *text, size_t len, size_t max_bytes, struct gy_error *err)
{
    if (len > max_bytes) {
        gy_error_set(err, GANTRY_EINVAL, "%zu bytes of JSON, at most %zu are allowed", len,
                     max_bytes);
        return NULL;
    }
    if (depth_of(text, len) > 64) {
        gy_error_set(err, GANTRY_EINVAL, "JSON nested deeper than 64 levels");
        return NULL;
    }
    json_error_t why;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        gy_error_set(err, GANTRY_EINVAL, "not JSON: line %d, column %d: %s", why.line, why.column,
                     why.text);
    return json;
}

gantry_status gy_shape_decode_text(const struct gy_shape *s, const char *text, size_t len,
                                   enum gy_strictness from, void *out, struct gy_error *err)
{
    json_t *json = gy_json_parse(text, len, 1 << 20, err);
    if (!json) return GANTRY_EINVAL;
    gantry_status status = gy_shape_decode(s, json, from, out, err);
    json_decref(json);
    return status;
}

gantry_status gy_shape_check(const struct gy_shape *s, const void *object, struct gy_error *err)
{
    json_t *json = gy_shape_encode(s, object); /* one set of rules: those of the reader */
    void *copy = gy_alloc(s->size);
    struct reader r = {GY_FROM_PEER, err};
    gy_shape_init(s, copy);
    gantry_status status = decode_object(&r, s, json, "", copy);
    gy_shape_fini(s, copy);
    free(copy);
    json_decref(json);
    return status;
}
