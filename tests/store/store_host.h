/* SPDX-License-Identifier: Apache-2.0 */
/* A store plugin in the real plugin host, called and waited for. */
#ifndef TESTS_STORE_HOST_H
#define TESTS_STORE_HOST_H

#include "build_txn.h"
#include "plugin/plugin.h"
#include "store/store.h"

struct store_host {
    uv_loop_t loop;
    struct gy_plugins *plugins;
    struct gy_instance *instance;
    const gantry_store_ops *ops;
    void *self;
    gantry_status status; /* of the last call */
    char text[GY_ERROR_TEXT_MAX];
};

/* A folder of the test's own; removed with what is in it by store_folder_remove. */
char *store_folder_make(void);
void store_folder_remove(char *folder);

/* Create and open; the status is that of open.  path: the sqlite plugin's file, NULL for memory. */
gantry_status store_host_start(struct store_host *h, const char *provider, const char *path);
void store_host_stop(struct store_host *h);
void store_host_turn(struct store_host *h, int ms); /* run the loop for so long at most */

struct store_answer {
    bool done;
    gantry_status status;
    char text[GY_ERROR_TEXT_MAX];
    uint64_t rev, compacted;
    uint32_t failed;
};
/* Calls that are waited for. */
struct store_answer store_txn(struct store_host *h, struct build_txn *txn);
struct store_answer store_put(struct store_host *h, const char *key, const char *value);
struct store_answer store_compact(struct store_host *h, uint64_t rev);
struct store_answer store_check(struct store_host *h, bool full);
struct store_answer store_backup(struct store_host *h, const char *path);
struct store_answer store_restore(struct store_host *h, const char *path);

/* Items, kept as copies. */
struct store_item {
    uint32_t type, flags;
    uint64_t mod_rev, create_rev;
    size_t key_len, value_len;
    char *key, *value; /* NUL-terminated */
};
struct store_items {
    struct store_host *host;
    struct store_item *list;
    size_t n, cap;
    gantry_op op;
    struct store_answer end;
};
void store_items_clear(struct store_items *items);
void store_list(struct store_host *h, const char *prefix, struct store_items *out);
void store_watch(struct store_host *h, const char *prefix, uint64_t from_rev,
                 struct store_items *out);
/* Wait until there are n items, or the watch ended, or 5 s are over. */
void store_wait_items(struct store_items *items, size_t n);
void store_cancel(struct store_items *items);
void store_wait_end(struct store_items *items);

/* The plugin as a backend of core/store. */
struct gy_store_backend store_host_backend(struct store_host *h);

#endif
