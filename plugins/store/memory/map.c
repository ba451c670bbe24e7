/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int order = n ? memcmp(a, b, n) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int by_key(const struct version *a, const struct version *b)
{
    return compare_bytes(a->bytes, a->key_len, b->bytes, b->key_len);
}

RB_GENERATE_INTERNAL(version_tree, version, entry, by_key, __attribute__((unused)) static)

void map_init(struct map *map)
{
    *map = (struct map){0};
    RB_INIT(&map->tree);
}

void map_fini(struct map *map)
{
    struct version *v;
    while ((v = RB_ROOT(&map->tree))) {
        RB_REMOVE(version_tree, &map->tree, v);
        version_put(v);
    }
    map_compact(map, map->rev);
    free(map->log);
    map_init(map);
}

struct version *version_get(struct version *version)
{
    version->refs++;
    return version;
}

void version_put(struct version *version)
{
    if (version && --version->refs == 0) free(version);
}

bool version_under(const struct version *version, gantry_str prefix)
{
    return version->key_len >= prefix.len &&
           (prefix.len == 0 || memcmp(version->bytes, prefix.ptr, prefix.len) == 0);
}

/* By hand, since a key to look for is not a version. */
static struct version *first_not_below(struct map *map, gantry_str key)
{
    struct version *v = RB_ROOT(&map->tree), *best = NULL;
    while (v) {
        if (compare_bytes(v->bytes, v->key_len, key.ptr, key.len) < 0) {
            v = RB_RIGHT(v, entry);
        } else {
            best = v;
            v = RB_LEFT(v, entry);
        }
    }
    return best;
}

static struct version *find(struct map *map, gantry_str key)
{
    struct version *v = first_not_below(map, key);
    return v && v->key_len == key.len && version_under(v, key) ? v : NULL;
}

struct version *map_first(struct map *map, gantry_str prefix)
{
    return first_not_below(map, prefix);
}

struct version *map_next(struct version *version)
{
    return RB_NEXT(version_tree, NULL, version);
}

static const char *check(const gantry_store_txn *txn)
{
    if (txn->write_count > TXN_OPS_MAX || txn->compare_count > TXN_OPS_MAX)
        return "a transaction takes at most 4096 writes and 4096 compares";
    for (uint32_t i = 0; i < txn->compare_count; i++) {
        size_t len = txn->compares[i]->key.len;
        if (len == 0 || len > KEY_BYTES_MAX) return "a key is 1 to 1024 bytes long";
    }
    for (uint32_t i = 0; i < txn->write_count; i++) {
        const gantry_store_write *w = txn->writes[i];
        if (w->key.len == 0 || w->key.len > KEY_BYTES_MAX) return "a key is 1 to 1024 bytes long";
        if (w->type != GANTRY_STORE_PUT && w->type != GANTRY_STORE_DELETE)
            return "a write is a put or a delete";
        if (w->type == GANTRY_STORE_PUT && w->value.len > VALUE_BYTES_MAX)
            return "a value is at most 2 MiB long";
    }
    return NULL;
}

/* Room for n more entries of the log. */
static bool reserve(struct map *map, size_t n)
{
    if (map->first + map->len + n <= map->cap) return true;
    if (map->first) {
        memmove(map->log, map->log + map->first, map->len * sizeof *map->log);
        map->first = 0;
    }
    if (map->len + n <= map->cap / 2) return true; /* half empty: the next move is far */
    size_t cap = (map->len + n) * 2;
    struct version **log = realloc(map->log, cap * sizeof *log);
    if (!log) return map->len + n <= map->cap;
    map->log = log;
    map->cap = cap;
    return true;
}

static struct version *version_create(const gantry_store_write *w)
{
    size_t value_len = w->type == GANTRY_STORE_PUT ? w->value.len : 0;
    struct version *v = malloc(sizeof *v + w->key.len + value_len);
    if (!v) return NULL;
    *v =
        (struct version){.refs = 1, .type = w->type, .key_len = w->key.len, .value_len = value_len};
    memcpy(v->bytes, w->key.ptr, w->key.len);
    if (value_len) memcpy(v->bytes + w->key.len, w->value.ptr, value_len);
    return v;
}

static void apply(struct map *map, struct version *v, uint64_t rev)
{
    struct version *old = RB_FIND(version_tree, &map->tree, v);
    v->mod_rev = rev;
    v->create_rev = old ? old->create_rev : rev;
    if (!old && v->type == GANTRY_STORE_DELETE) {
        version_put(v);
        return;
    }
    if (old) {
        RB_REMOVE(version_tree, &map->tree, old);
        version_put(old);
        map->count--;
    }
    if (v->type == GANTRY_STORE_PUT) {
        RB_INSERT(version_tree, &map->tree, version_get(v));
        map->count++;
    }
    map->log[map->first + map->len++] = v;
    map->rev = rev;
}

gantry_status map_txn(struct map *map, const gantry_store_txn *txn, uint32_t *failed,
                      const char **why)
{
    *failed = 0;
    if ((*why = check(txn))) return GANTRY_EINVAL;
    for (uint32_t i = 0; i < txn->compare_count; i++) {
        const struct version *v = find(map, txn->compares[i]->key);
        if ((v ? v->mod_rev : 0) != txn->compares[i]->mod_rev) {
            *failed = i + 1;
            return GANTRY_OK;
        }
    }
    *why = "out of memory";
    if (!reserve(map, txn->write_count)) return GANTRY_ENOMEM;
    struct version **versions = calloc(txn->write_count + 1u, sizeof(struct version *));
    bool complete = versions != NULL;
    for (uint32_t i = 0; complete && i < txn->write_count; i++)
        complete = (versions[i] = version_create(txn->writes[i])) != NULL;
    uint64_t rev = map->rev + 1;
    for (uint32_t i = 0; versions && i < txn->write_count; i++) {
        if (complete)
            apply(map, versions[i], rev);
        else
            version_put(versions[i]);
    }
    free(versions);
    return complete ? GANTRY_OK : GANTRY_ENOMEM;
}

void map_compact(struct map *map, uint64_t rev)
{
    if (rev > map->rev) rev = map->rev;
    while (map->len && map->log[map->first]->mod_rev <= rev) {
        version_put(map->log[map->first++]);
        map->len--;
        map->begun++;
    }
    if (!map->len) map->first = 0;
    if (rev > map->compacted) map->compacted = rev;
}

uint64_t map_log_find(const struct map *map, uint64_t rev)
{
    size_t low = 0, high = map->len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (map->log[map->first + mid]->mod_rev < rev)
            low = mid + 1;
        else
            high = mid;
    }
    return map->begun + low;
}

struct version *map_log_at(const struct map *map, uint64_t index)
{
    return index - map->begun < map->len ? map->log[map->first + (index - map->begun)] : NULL;
}
