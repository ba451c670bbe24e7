/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction of gantry/store.h, put together in a few words.  Keys and values are borrowed. */
#ifndef TESTS_STORE_BUILD_TXN_H
#define TESTS_STORE_BUILD_TXN_H

#include <gantry/store.h>
#include <string.h>

#define BUILD_MAX 64

struct build_txn {
    gantry_store_txn txn;
    gantry_store_compare compares[BUILD_MAX];
    gantry_store_write writes[BUILD_MAX];
    const gantry_store_compare *compare_list[BUILD_MAX];
    const gantry_store_write *write_list[BUILD_MAX];
};

static inline const gantry_store_txn *build_done(struct build_txn *b)
{
    b->txn.size = (uint32_t)sizeof b->txn;
    b->txn.compares = b->compare_list;
    b->txn.writes = b->write_list;
    return &b->txn;
}

static inline void build_write(struct build_txn *b, uint32_t type, const char *key,
                               const void *value, size_t len)
{
    uint32_t i = b->txn.write_count++;
    b->writes[i] = (gantry_store_write){.size = (uint32_t)sizeof b->writes[i],
                                        .type = type,
                                        .key = {key, strlen(key)},
                                        .value = {value, len}};
    b->write_list[i] = &b->writes[i];
}

static inline void build_put(struct build_txn *b, const char *key, const char *value)
{
    build_write(b, GANTRY_STORE_PUT, key, value, strlen(value));
}

static inline void build_delete(struct build_txn *b, const char *key)
{
    build_write(b, GANTRY_STORE_DELETE, key, NULL, 0);
}

static inline void build_compare(struct build_txn *b, const char *key, uint64_t mod_rev)
{
    uint32_t i = b->txn.compare_count++;
    b->compares[i] = (gantry_store_compare){
        .size = (uint32_t)sizeof b->compares[i], .mod_rev = mod_rev, .key = {key, strlen(key)}};
    b->compare_list[i] = &b->compares[i];
}

#endif
