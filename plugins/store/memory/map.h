/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a store in memory: an ordered map, and a log of what changed it. */
#ifndef STORE_MEMORY_MAP_H
#define STORE_MEMORY_MAP_H

#include <bsd/sys/tree.h>
#include <gantry/store.h>
#include <stdbool.h>

#define KEY_BYTES_MAX 1024
#define VALUE_BYTES_MAX (2u << 20)
#define TXN_OPS_MAX 4096

/* One version of one key; never changed, counted, shared by map, log and lists under way. */
struct version {
    RB_ENTRY(version) entry; /* in the map */
    uint32_t refs;
    uint32_t type; /* GANTRY_STORE_PUT or DELETE */
    uint64_t create_rev, mod_rev;
    size_t key_len, value_len;
    char bytes[]; /* key, then value */
};
RB_HEAD(version_tree, version);

struct map {
    struct version_tree tree;
    size_t count;
    uint64_t rev, compacted;
    /* log[first .. first+len) of the vector; entry i of all time is log[first + (i - begun)] */
    struct version **log;
    size_t first, len, cap;
    uint64_t begun;
};

void map_init(struct map *map);
void map_fini(struct map *map);
struct version *version_get(struct version *version);
void version_put(struct version *version);
bool version_under(const struct version *version, gantry_str prefix);
/* The first version whose key is not below prefix, and the one after it. */
struct version *map_first(struct map *map, gantry_str prefix);
struct version *map_next(struct version *version);
/* GANTRY_OK: committed, or *failed is 1 + the index of a compare.  EINVAL, ENOMEM: nothing
 * happened; *why says what. */
gantry_status map_txn(struct map *map, const gantry_store_txn *txn, uint32_t *failed,
                      const char **why);
/* Forget the log up to rev. */
void map_compact(struct map *map, uint64_t rev);
/* Index, of all time, of the first change with mod_rev >= rev. */
uint64_t map_log_find(const struct map *map, uint64_t rev);
struct version *map_log_at(const struct map *map, uint64_t index); /* NULL at the end */

#endif
