/* SPDX-License-Identifier: Apache-2.0 */
/* Merging by the rules of Compose: maps by key, lists one behind the other, commands replaced, and
 * lists that stand for maps (environment, labels, depends_on) as maps.
 * https://github.com/compose-spec/compose-spec/blob/main/13-merge.md */
#include "compose/document.h"

#define MAP_MAX 5000

static bool is_replaced(const struct gy_yaml *y)
{
    static const char *const keys[] = {"command", "entrypoint", "test", "<<"};
    for (size_t i = 0; y->key && i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(y->key, keys[i])) return true;
    return false;
}

static bool is_map_like(const struct gy_yaml *y)
{
    static const char *const keys[] = {"environment", "labels",  "annotations", "depends_on",
                                       "networks",    "sysctls", "extra_hosts", "args",
                                       "driver_opts", "ulimits"};
    for (size_t i = 0; y->key && i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(y->key, keys[i])) return true;
    return false;
}

/* A list of KEY=VALUE or of names as a map; anything else is returned as it is. */
static gantry_status as_map(struct gy_loader *l, struct gy_yaml *y, struct gy_yaml **out)
{
    *out = y;
    if (y->kind != GY_YAML_LIST || !is_map_like(y)) return GANTRY_OK;
    struct gy_yaml *map = gy_yaml_new(&l->arena, GY_YAML_MAP, y->line, y->source, l->err);
    if (!map) return GANTRY_EINVAL;
    map->key = y->key;
    map->up = y->up;
    for (size_t i = 0; i < y->n; i++) {
        const struct gy_yaml *item = y->items[i];
        if (item->kind != GY_YAML_SCALAR) return GANTRY_OK; /* its reader says what is wrong */
        const char *equals = strchr(item->text, '=');
        gy_autofree char *key =
            gy_strndup(item->text, equals ? (size_t)(equals - item->text) : strlen(item->text));
        int kind = equals ? GY_YAML_SCALAR : GY_YAML_NULL;
        struct gy_yaml *value = gy_yaml_new(&l->arena, kind, item->line, item->source, l->err);
        if (!value) return GANTRY_EINVAL;
        value->text = equals ? gy_arena_text(&l->arena, equals + 1, strlen(equals + 1)) : NULL;
        struct gy_yaml *old = gy_yaml_get(map, key);
        if (old) {
            old->kind = value->kind;
            old->text = value->text;
        } else {
            gy_yaml_append(&l->arena, map, key, value);
        }
    }
    *out = map;
    return GANTRY_OK;
}

static gantry_status append_lists(struct gy_loader *l, struct gy_yaml *base,
                                  const struct gy_yaml *over)
{
    size_t n = base->n;
    for (size_t i = 0; i < over->n; i++) {
        bool twice = false;
        for (size_t j = 0; j < n && j < 1000 && !twice; j++)
            twice = gy_yaml_is_same(base->items[j], over->items[i]);
        if (twice) continue;
        struct gy_yaml *copy = gy_yaml_copy(&l->arena, over->items[i], l->err);
        if (!copy) return GANTRY_EINVAL;
        gy_yaml_append(&l->arena, base, NULL, copy);
    }
    return GANTRY_OK;
}

/* base takes over's content in its place. */
static gantry_status replace(struct gy_loader *l, struct gy_yaml *base, const struct gy_yaml *over)
{
    struct gy_yaml *copy = gy_yaml_copy(&l->arena, over, l->err);
    if (!copy) return GANTRY_EINVAL;
    struct gy_yaml *up = base->up;
    char *key = base->key;
    *base = *copy;
    base->up = up;
    base->key = key;
    for (size_t i = 0; i < base->n; i++)
        base->items[i]->up = base;
    return GANTRY_OK;
}

/* A single env_file or a short healthcheck test is a list of one. */
static gantry_status as_list(struct gy_loader *l, struct gy_yaml *y, struct gy_yaml **out)
{
    *out = y;
    if (!y->key || strcmp(y->key, "env_file") != 0 || y->kind != GY_YAML_SCALAR) return GANTRY_OK;
    struct gy_yaml *list = gy_yaml_new(&l->arena, GY_YAML_LIST, y->line, y->source, l->err);
    if (!list) return GANTRY_EINVAL;
    list->key = y->key;
    list->up = y->up;
    struct gy_yaml *item = gy_yaml_copy(&l->arena, y, l->err);
    if (!item) return GANTRY_EINVAL;
    gy_yaml_append(&l->arena, list, NULL, item);
    *out = list;
    return GANTRY_OK;
}

static gantry_status canonical(struct gy_loader *l, struct gy_yaml *y, struct gy_yaml **out)
{
    gantry_status status = as_map(l, y, out);
    if (!status && *out == y) status = as_list(l, y, out);
    return status;
}

static gantry_status merge_maps(struct gy_loader *l, struct gy_yaml *base,
                                const struct gy_yaml *over)
{
    if (base->n > MAP_MAX || over->n > MAP_MAX)
        return gy_compose_fail(l, over, "more than %d keys to merge", MAP_MAX);
    for (size_t i = 0; i < over->n; i++) {
        const struct gy_yaml *item = over->items[i];
        struct gy_yaml *mine = gy_yaml_get(base, item->key);
        gantry_status status = GANTRY_OK;
        if (mine) {
            status = gy_document_merge(l, mine, item);
        } else {
            struct gy_yaml *copy = gy_yaml_copy(&l->arena, item, l->err);
            if (!copy) return GANTRY_EINVAL;
            gy_yaml_append(&l->arena, base, item->key, copy);
        }
        if (status) return status;
    }
    return GANTRY_OK;
}

gantry_status gy_document_merge(struct gy_loader *l, struct gy_yaml *base,
                                const struct gy_yaml *over)
{
    /* a null leaves what is below, as an absent key does; in environment it asks for the value of
     * the variable outside */
    bool variable = base->up && base->up->key && !strcmp(base->up->key, "environment");
    if (over->kind == GY_YAML_NULL && !variable) return GANTRY_OK;
    if (base->kind == GY_YAML_SCALAR && over->kind == GY_YAML_SCALAR &&
        !gy_streq(base->key, "env_file"))
        return replace(l, base, over);
    if (base->kind == GY_YAML_NULL || is_replaced(base)) return replace(l, base, over);
    struct gy_yaml *left, *right, top = *over; /* only read */
    gantry_status status = canonical(l, base, &left);
    if (!status) status = canonical(l, &top, &right);
    if (status) return status;
    if (left->kind != right->kind) return replace(l, base, over);
    status = left->kind == GY_YAML_MAP ? merge_maps(l, left, right) : append_lists(l, left, right);
    if (status) return status;
    *base = *left; /* with base's own key and place */
    for (size_t i = 0; i < base->n; i++)
        base->items[i]->up = base;
    return GANTRY_OK;
}
