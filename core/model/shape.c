/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a shape without any text: making, freeing, copying, comparing. */
#include "model/shape_member.h"

/* ---- strs, map, list ---- */

void gy_strs_add(struct gy_strs *s, const char *text)
{
    s->items = gy_grow(s->items, s->n + 1, sizeof *s->items);
    s->items[s->n++] = gy_strdup(text);
}

bool gy_strs_has(const struct gy_strs *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->items[i], text)) return true;
    return false;
}

void gy_map_set(struct gy_map *m, const char *key, const char *value)
{
    size_t i = 0;
    int order = 1;
    while (i < m->n && (order = strcmp(m->items[i].key, key)) < 0)
        i++;
    if (i < m->n && order == 0) {
        char *copy = gy_strdup(value);
        free(m->items[i].value);
        m->items[i].value = copy;
        return;
    }
    m->items = gy_grow(m->items, m->n + 1, sizeof *m->items);
    memmove(m->items + i + 1, m->items + i, (m->n - i) * sizeof *m->items);
    m->items[i] = (struct gy_pair){gy_strdup(key), gy_strdup(value)};
    m->n++;
}

const char *gy_map_get(const struct gy_map *m, const char *key)
{
    for (size_t i = 0; i < m->n; i++)
        if (!strcmp(m->items[i].key, key)) return m->items[i].value;
    return NULL;
}

void *gy_list_add(struct gy_list *l, const struct gy_shape *s)
{
    l->items = gy_grow(l->items, l->n + 1, s->size);
    void *item = (char *)l->items + l->n++ * s->size;
    gy_shape_init(s, item);
    return item;
}

/* ---- init, fini, copy, equal ---- */

void gy_shape_init(const struct gy_shape *s, void *object)
{
    memset(object, 0, s->size);
    for (size_t i = 0; i < s->n; i++) {
        const struct gy_field *f = &s->fields[i];
        if (f->kind == GY_FIELD_INT) *(int64_t *)gy_member(object, f) = f->fallback;
        if (f->kind == GY_FIELD_BOOL) *(bool *)gy_member(object, f) = f->fallback != 0;
        if (f->kind == GY_FIELD_ENUM) *(int *)gy_member(object, f) = (int)f->fallback;
        if (f->kind == GY_FIELD_OBJ) gy_shape_init(f->shape, gy_member(object, f));
    }
}

static void fini_field(const struct gy_field *f, void *object)
{
    void *p = gy_member(object, f);
    switch (f->kind) {
    case GY_FIELD_STR: free(gy_member_pointer(object, f)); break;
    case GY_FIELD_STRS: {
        struct gy_strs *v = p;
        for (size_t i = 0; i < v->n; i++)
            free(v->items[i]);
        free(v->items);
        break;
    }
    case GY_FIELD_MAP: {
        struct gy_map *v = p;
        for (size_t i = 0; i < v->n; i++) {
            free(v->items[i].key);
            free(v->items[i].value);
        }
        free(v->items);
        break;
    }
    case GY_FIELD_OBJ: gy_shape_fini(f->shape, p); break;
    case GY_FIELD_OPT: {
        void *inner = gy_member_pointer(object, f);
        if (inner) gy_shape_fini(f->shape, inner);
        free(inner);
        break;
    }
    case GY_FIELD_LIST: {
        struct gy_list *v = p;
        for (size_t i = 0; i < v->n; i++)
            gy_shape_fini(f->shape, (char *)v->items + i * f->shape->size);
        free(v->items);
        break;
    }
    case GY_FIELD_INT:
    case GY_FIELD_BOOL:
    case GY_FIELD_ENUM: break;
    }
}

void gy_shape_fini(const struct gy_shape *s, void *object)
{
    for (size_t i = 0; i < s->n; i++)
        fini_field(&s->fields[i], object);
    memset(object, 0, s->size);
}

static void copy_field(const struct gy_field *f, const void *from, void *to)
{
    const void *a = gy_member(from, f);
    void *b = gy_member(to, f);
    switch (f->kind) {
    case GY_FIELD_STR: gy_member_set(to, f, gy_strdup(gy_member_pointer(from, f))); break;
    case GY_FIELD_INT: *(int64_t *)b = *(const int64_t *)a; break;
    case GY_FIELD_BOOL: *(bool *)b = *(const bool *)a; break;
    case GY_FIELD_ENUM: *(int *)b = *(const int *)a; break;
    case GY_FIELD_STRS: {
        const struct gy_strs *v = a;
        for (size_t i = 0; i < v->n; i++)
            gy_strs_add(b, v->items[i]);
        break;
    }
    case GY_FIELD_MAP: {
        const struct gy_map *v = a;
        for (size_t i = 0; i < v->n; i++)
            gy_map_set(b, v->items[i].key, v->items[i].value);
        break;
    }
    case GY_FIELD_OBJ: gy_shape_copy(f->shape, a, b); break;
    case GY_FIELD_OPT: {
        const void *inner = gy_member_pointer(from, f);
        if (!inner) break;
        void *copy = gy_alloc(f->shape->size);
        gy_shape_copy(f->shape, inner, copy);
        gy_member_set(to, f, copy);
        break;
    }
    case GY_FIELD_LIST: {
        const struct gy_list *v = a;
        struct gy_list *w = b;
        w->items = v->n ? gy_alloc_array(v->n, f->shape->size) : NULL;
        for (w->n = 0; w->n < v->n; w->n++)
            gy_shape_copy(f->shape, (char *)v->items + w->n * f->shape->size,
                          (char *)w->items + w->n * f->shape->size);
        break;
    }
    }
}

void gy_shape_copy(const struct gy_shape *s, const void *from, void *to)
{
    memset(to, 0, s->size);
    for (size_t i = 0; i < s->n; i++)
        copy_field(&s->fields[i], from, to);
}

static bool equal_field(const struct gy_field *f, const void *x, const void *y)
{
    const void *a = gy_member(x, f), *b = gy_member(y, f);
    switch (f->kind) {
    case GY_FIELD_STR: return gy_streq(gy_member_pointer(x, f), gy_member_pointer(y, f));
    case GY_FIELD_INT: return *(const int64_t *)a == *(const int64_t *)b;
    case GY_FIELD_BOOL: return *(const bool *)a == *(const bool *)b;
    case GY_FIELD_ENUM: return *(const int *)a == *(const int *)b;
    case GY_FIELD_STRS: {
        const struct gy_strs *v = a, *w = b;
        bool same = v->n == w->n;
        for (size_t i = 0; same && i < v->n; i++)
            same = !strcmp(v->items[i], w->items[i]);
        return same;
    }
    case GY_FIELD_MAP: {
        const struct gy_map *v = a, *w = b;
        bool same = v->n == w->n;
        for (size_t i = 0; same && i < v->n; i++)
            same = !strcmp(v->items[i].key, w->items[i].key) &&
                   gy_streq(v->items[i].value, w->items[i].value);
        return same;
    }
    case GY_FIELD_OBJ: return gy_shape_equal(f->shape, a, b);
    case GY_FIELD_OPT: {
        const void *p = gy_member_pointer(x, f), *q = gy_member_pointer(y, f);
        return p && q ? gy_shape_equal(f->shape, p, q) : p == q;
    }
    case GY_FIELD_LIST: {
        const struct gy_list *v = a, *w = b;
        bool same = v->n == w->n;
        for (size_t i = 0; same && i < v->n; i++)
            same = gy_shape_equal(f->shape, (char *)v->items + i * f->shape->size,
                                  (char *)w->items + i * f->shape->size);
        return same;
    }
    }
    return false;
}

bool gy_shape_equal(const struct gy_shape *s, const void *a, const void *b)
{
    for (size_t i = 0; i < s->n; i++)
        if (!equal_field(&s->fields[i], a, b)) return false;
    return true;
}
