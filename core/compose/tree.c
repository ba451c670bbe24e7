/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/yaml.h"

#define BLOCK_BYTES 65536

struct gy_arena_block {
    struct gy_arena_block *next;
    size_t size;
    _Alignas(16) unsigned char bytes[];
};

void *gy_arena_alloc(struct gy_arena *a, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (!a->blocks || a->used + bytes > a->blocks->size) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct gy_arena_block *block = gy_alloc(sizeof *block + size);
        block->size = size;
        block->next = a->blocks;
        a->blocks = block;
        a->used = 0;
    }
    void *p = a->blocks->bytes + a->used;
    a->used += bytes;
    return p;
}

char *gy_arena_text(struct gy_arena *a, const char *text, size_t len)
{
    char *copy = gy_arena_alloc(a, len + 1);
    if (len) memcpy(copy, text, len);
    return copy;
}

void gy_arena_fini(struct gy_arena *a)
{
    for (struct gy_arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct gy_arena){0};
}

struct gy_yaml *gy_yaml_new(struct gy_arena *a, int kind, int line,
                            const struct gy_yaml_source *source, struct gy_error *err)
{
    if (a->nodes >= GY_YAML_NODES_MAX) {
        gy_error_set(err, GANTRY_EINVAL,
                     "%s (line %d): more than %d values, counting each use of an alias, of "
                     "extends and of include",
                     source->file, line, GY_YAML_NODES_MAX);
        return NULL;
    }
    a->nodes++;
    struct gy_yaml *y = gy_arena_alloc(a, sizeof *y);
    y->kind = kind;
    y->line = line;
    y->source = source;
    return y;
}

struct gy_yaml *gy_yaml_copy(struct gy_arena *a, const struct gy_yaml *from, struct gy_error *err)
{
    struct gy_yaml *y = gy_yaml_new(a, from->kind, from->line, from->source, err);
    if (!y) return NULL;
    y->text = from->text; /* never changed in place */
    y->resolved = from->resolved;
    for (size_t i = 0; i < from->n; i++) {
        struct gy_yaml *item = gy_yaml_copy(a, from->items[i], err);
        if (!item) return NULL;
        gy_yaml_append(a, y, from->items[i]->key, item);
    }
    return y;
}

void gy_yaml_append(struct gy_arena *a, struct gy_yaml *to, const char *key, struct gy_yaml *item)
{
    if (to->n == to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 4;
        struct gy_yaml **items = gy_arena_alloc(a, cap * sizeof *items);
        if (to->n) memcpy(items, to->items, to->n * sizeof *items);
        to->items = items;
        to->cap = cap;
    }
    item->up = to;
    item->key = key ? gy_arena_text(a, key, strlen(key)) : NULL;
    to->items[to->n++] = item;
}

struct gy_yaml *gy_yaml_get(const struct gy_yaml *of, const char *key)
{
    if (!of || of->kind != GY_YAML_MAP) return NULL;
    for (size_t i = 0; i < of->n; i++)
        if (!strcmp(of->items[i]->key, key)) return of->items[i];
    return NULL;
}

struct gy_yaml *gy_yaml_value(const struct gy_yaml *of, const char *key)
{
    struct gy_yaml *y = gy_yaml_get(of, key);
    return y && y->kind != GY_YAML_NULL ? y : NULL;
}

bool gy_yaml_is_empty(const struct gy_yaml *y)
{
    switch (y->kind) {
    case GY_YAML_NULL: return true;
    case GY_YAML_SCALAR: return !y->text[0];
    default: return y->n == 0;
    }
}

void gy_yaml_path(const struct gy_yaml *y, struct gy_buf *out)
{
    if (!y || !y->up) return;
    gy_yaml_path(y->up, out);
    if (y->up->kind == GY_YAML_MAP) {
        gy_buf_printf(out, "%s%.80s", out->len ? "." : "", y->key);
        return;
    }
    size_t i = 0;
    while (i < y->up->n && y->up->items[i] != y)
        i++;
    gy_buf_printf(out, "[%zu]", i);
}

bool gy_yaml_is_same(const struct gy_yaml *a, const struct gy_yaml *b)
{
    if (a->kind != b->kind || a->n != b->n) return false;
    if (a->kind == GY_YAML_SCALAR) return !strcmp(a->text, b->text);
    for (size_t i = 0; i < a->n; i++)
        if (!gy_streq(a->items[i]->key, b->items[i]->key) ||
            !gy_yaml_is_same(a->items[i], b->items[i]))
            return false;
    return true;
}
