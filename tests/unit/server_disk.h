/* SPDX-License-Identifier: Apache-2.0 */
/* A store's backend in memory that answers on the next turn of the loop, and misbehaves when told
 * to. */
#ifndef TESTS_UNIT_SERVER_DISK_H
#define TESTS_UNIT_SERVER_DISK_H

#include "base/text.h"
#include "store/store.h"
#include "suite.h"

#include <uv.h>

/* What happens to a transaction whose first write is under disk.script_prefix. */
enum disk_word {
    DISK_TAKE,
    DISK_BUSY,        /* refused, not applied                                      */
    DISK_REFUSE,      /* as if a compare did not hold                              */
    DISK_LOSE_ANSWER, /* applied, and its end is "unknown"                         */
    DISK_DELAY,       /* its end is "unknown"; it arrives at disk_land()           */
    DISK_HOLD,        /* under way until disk_land()                               */
};

struct held {
    char *key, *bytes; /* bytes NULL = deleted */
    uint64_t create_rev, mod_rev;
};
struct disk_txn { /* a copy, for what arrives later */
    struct held *compares, *writes;
    size_t compare_count, write_count;
    gy_store_done_fn done; /* NULL: it was ended already */
    void *arg;
};
struct answer {
    gy_store_done_fn done;
    void *arg;
    gantry_status status;
    gantry_store_result result;
    gy_store_item_fn item; /* of a list */
    struct held *changes;
    size_t change_count;
};
static struct {
    struct held *held;
    size_t n, cap;
    uint64_t rev;
    struct answer *answers;
    size_t answer_count, answer_cap;
    gy_store_item_fn watch_item;
    gy_store_done_fn watch_done;
    void *watch_arg;
    uv_idle_t idle;
    const char *script_prefix;
    enum disk_word script[16];
    size_t script_at, script_count;
    struct disk_txn late[16];
    size_t late_count;
    /* Sees every transaction first; may be NULL. */
    void (*look)(const gantry_store_txn *txn);
} disk;

static void disk_free_changes(struct held *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(changes[i].key);
        free(changes[i].bytes);
    }
    free(changes);
}

static gantry_store_item disk_item(const struct held *h, uint32_t flags)
{
    return (gantry_store_item){.size = sizeof(gantry_store_item),
                               .type = h->bytes ? GANTRY_STORE_PUT : GANTRY_STORE_DELETE,
                               .mod_rev = h->mod_rev,
                               .create_rev = h->create_rev,
                               .key = gy_str(h->key),
                               .value = {h->bytes, h->bytes ? strlen(h->bytes) : 0},
                               .flags = flags};
}

static void disk_turn(uv_idle_t *idle)
{
    (void)idle;
    struct answer *todo = disk.answers;
    size_t n = disk.answer_count;
    disk.answers = NULL;
    disk.answer_count = disk.answer_cap = 0;
    uv_idle_stop(&disk.idle);
    for (size_t i = 0; i < n; i++) {
        struct answer *a = &todo[i];
        for (size_t j = 0; j < disk.n && a->item; j++) {
            gantry_store_item item = disk_item(&disk.held[j], 0);
            if (disk.held[j].bytes) a->item(a->arg, &item);
        }
        for (size_t j = 0; j < a->change_count && disk.watch_item; j++) {
            gantry_store_item item =
                disk_item(&a->changes[j], j + 1 < a->change_count ? GANTRY_STORE_MORE : 0);
            disk.watch_item(disk.watch_arg, &item);
        }
        disk_free_changes(a->changes, a->change_count);
        bool ok = a->status == GANTRY_OK;
        if (a->done) a->done(a->arg, a->status, ok ? &a->result : NULL, ok ? "" : "as scripted");
    }
    free(todo);
}

static struct answer *disk_answer(gy_store_done_fn done, void *arg, gantry_status status)
{
    GY_VEC_PUSH(disk.answers, disk.answer_count, disk.answer_cap);
    struct answer *a = &disk.answers[disk.answer_count++];
    *a = (struct answer){.done = done,
                         .arg = arg,
                         .status = status,
                         .result = {.size = sizeof a->result, .rev = disk.rev}};
    uv_idle_start(&disk.idle, disk_turn);
    return a;
}

static struct held *disk_find(const char *key)
{
    for (size_t i = 0; i < disk.n; i++)
        if (!strcmp(disk.held[i].key, key)) return &disk.held[i];
    return NULL;
}

/* The text of a key, or NULL. */
static inline const char *disk_text(const char *key)
{
    struct held *h = disk_find(key);
    return h ? h->bytes : NULL;
}

static inline size_t disk_count(const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; i < disk.n; i++)
        n += disk.held[i].bytes && gy_starts_with(disk.held[i].key, prefix);
    return n;
}

static void disk_apply(const struct disk_txn *t)
{
    for (size_t i = 0; i < t->compare_count; i++) {
        struct held *h = disk_find(t->compares[i].key);
        if ((h && h->bytes ? h->mod_rev : 0) == t->compares[i].mod_rev) continue;
        disk_answer(t->done, t->arg, GANTRY_OK)->result.failed = (uint32_t)i + 1;
        return;
    }
    disk.rev++;
    struct held *changes = gy_alloc_array(t->write_count, sizeof *changes);
    for (size_t i = 0; i < t->write_count; i++) {
        struct held *h = disk_find(t->writes[i].key);
        if (!h) {
            GY_VEC_PUSH(disk.held, disk.n, disk.cap);
            h = &disk.held[disk.n++];
            *h = (struct held){.key = gy_strdup(t->writes[i].key)};
        }
        if (!h->bytes) h->create_rev = disk.rev;
        free(h->bytes);
        h->bytes = gy_strdup(t->writes[i].bytes);
        h->mod_rev = disk.rev;
        changes[i] = (struct held){gy_strdup(h->key), gy_strdup(h->bytes), h->create_rev, disk.rev};
    }
    struct answer *a = disk_answer(t->done, t->arg, GANTRY_OK);
    a->changes = changes;
    a->change_count = t->write_count;
}

static void disk_txn_fini(struct disk_txn *t)
{
    disk_free_changes(t->compares, t->compare_count);
    disk_free_changes(t->writes, t->write_count);
}

static struct disk_txn disk_copy(const gantry_store_txn *txn)
{
    struct disk_txn t = {.compares = gy_alloc_array(txn->compare_count + 1, sizeof *t.compares),
                         .writes = gy_alloc_array(txn->write_count + 1, sizeof *t.writes),
                         .compare_count = txn->compare_count,
                         .write_count = txn->write_count};
    for (size_t i = 0; i < t.compare_count; i++) {
        t.compares[i].key = gy_strndup(txn->compares[i]->key.ptr, txn->compares[i]->key.len);
        t.compares[i].mod_rev = txn->compares[i]->mod_rev;
    }
    for (size_t i = 0; i < t.write_count; i++) {
        const gantry_store_write *w = txn->writes[i];
        t.writes[i].key = gy_strndup(w->key.ptr, w->key.len);
        if (w->type == GANTRY_STORE_PUT) t.writes[i].bytes = gy_strndup(w->value.ptr, w->value.len);
    }
    return t;
}

static void disk_txn(void *ctx, const gantry_store_txn *txn, gy_store_done_fn done, void *arg)
{
    (void)ctx;
    if (disk.look) disk.look(txn);
    struct disk_txn t = disk_copy(txn);
    bool scripted =
        disk.script_at < disk.script_count && gy_starts_with(t.writes[0].key, disk.script_prefix);
    enum disk_word word = scripted ? disk.script[disk.script_at++] : DISK_TAKE;
    if (word == DISK_TAKE || word == DISK_HOLD) {
        t.done = done;
        t.arg = arg;
    } else if (word == DISK_REFUSE) {
        disk_answer(done, arg, GANTRY_OK)->result.failed = 1;
    } else {
        disk_answer(done, arg, word == DISK_BUSY ? GANTRY_EBUSY : GANTRY_EUNAVAIL);
    }
    if (word == DISK_DELAY || word == DISK_HOLD) {
        REQUIRE(disk.late_count < 16);
        disk.late[disk.late_count++] = t;
        return;
    }
    if (word == DISK_TAKE || word == DISK_LOSE_ANSWER) disk_apply(&t);
    disk_txn_fini(&t);
}

/* The next transactions under prefix meet these words, one each. */
static inline void disk_script(const char *prefix, const enum disk_word *words, size_t n)
{
    disk.script_prefix = prefix;
    disk.script_at = 0;
    disk.script_count = n;
    memcpy(disk.script, words, n * sizeof *words);
}

/* What was delayed or held arrives. */
static inline void disk_land(void)
{
    for (size_t i = 0; i < disk.late_count; i++) {
        disk_apply(&disk.late[i]);
        disk_txn_fini(&disk.late[i]);
    }
    disk.late_count = 0;
}

static void disk_list(void *ctx, const char *prefix, gy_store_item_fn item, gy_store_done_fn done,
                      void *arg)
{
    (void)ctx;
    (void)prefix;
    disk_answer(done, arg, GANTRY_OK)->item = item;
}
static uint64_t disk_watch(void *ctx, const char *prefix, uint64_t from_rev, gy_store_item_fn item,
                           gy_store_done_fn done, void *arg)
{
    (void)ctx;
    (void)prefix;
    (void)from_rev;
    disk.watch_item = item;
    disk.watch_done = done;
    disk.watch_arg = arg;
    return 1;
}
static void disk_watch_end(void *arg, gantry_status status, const gantry_store_result *result,
                           const char *text)
{
    (void)arg;
    (void)status;
    (void)result;
    (void)text;
    disk.watch_done(disk.watch_arg, GANTRY_ECANCELED, NULL, "");
}
static void disk_cancel(void *ctx, uint64_t watch)
{
    (void)ctx;
    (void)watch;
    disk.watch_item = NULL;
    disk_answer(disk_watch_end, NULL, GANTRY_OK);
}
static void disk_compact(void *ctx, uint64_t rev, gy_store_done_fn done, void *arg)
{
    (void)ctx;
    (void)rev;
    disk_answer(done, arg, GANTRY_OK);
}
static const struct gy_store_backend disk_backend = {.list = disk_list,
                                                     .txn = disk_txn,
                                                     .watch = disk_watch,
                                                     .cancel = disk_cancel,
                                                     .compact = disk_compact};

static void disk_open(uv_loop_t *loop)
{
    memset(&disk, 0, sizeof disk);
    uv_idle_init(loop, &disk.idle);
    disk.rev = 1;
}
static void disk_close(void)
{
    uv_close((uv_handle_t *)&disk.idle, NULL);
}
static void disk_fini(void)
{
    for (size_t i = 0; i < disk.late_count; i++)
        disk_txn_fini(&disk.late[i]);
    disk_free_changes(disk.held, disk.n);
    free(disk.answers);
}

#endif
