/* SPDX-License-Identifier: Apache-2.0 */
/* What every store plugin does: the same cases for each, through the real plugin host.  Compiled
 * once for each plugin, with PROVIDER. */
#include "base/text.h"
#include "store_host.h"
#include "suite.h"

static struct store_host host;
static char *folder, *path;

static void start(void)
{
    folder = store_folder_make();
    path = gy_printf("%s/store.db", folder);
    gantry_status status =
        store_host_start(&host, PROVIDER, strcmp(PROVIDER, "memory") ? path : NULL);
    if (status != GANTRY_OK) fprintf(stderr, "%s\n", host.text);
    REQUIRE(status == GANTRY_OK);
}

static void stop(void)
{
    store_host_stop(&host);
    free(path);
    store_folder_remove(folder);
}

static void revisions_grow_by_one(void)
{
    start();
    CHECK_INT(store_put(&host, "a", "1").rev, 1);
    CHECK_INT(store_put(&host, "b", "1").rev, 2);
    CHECK_INT(store_put(&host, "a", "1").rev, 3); /* the same value is a change all the same */
    struct build_txn two = {0};
    build_put(&two, "c", "1");
    build_put(&two, "d", "1");
    CHECK_INT(store_txn(&host, &two).rev, 4);
    struct store_items items;
    store_list(&host, "", &items);
    CHECK_INT(items.end.rev, 4);
    CHECK_INT(items.n, 4);
    CHECK_INT(items.list[0].create_rev, 1);
    CHECK_INT(items.list[0].mod_rev, 3);
    CHECK_INT(items.list[3].create_rev, 4);
    store_items_clear(&items);
    stop();
}

static void a_failed_compare_changes_nothing(void)
{
    start();
    store_put(&host, "a", "1");
    struct build_txn b = {0};
    build_compare(&b, "a", 1);
    build_compare(&b, "b", 7);
    build_put(&b, "a", "2");
    build_put(&b, "c", "2");
    struct store_answer a = store_txn(&host, &b);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(a.failed, 2);
    struct store_items items;
    store_list(&host, "", &items);
    CHECK_INT(items.end.rev, 1);
    CHECK_INT(items.n, 1);
    CHECK_STR(items.list[0].value, "1");
    store_items_clear(&items);
    stop();
}

static void compares_hold(void)
{
    start();
    struct build_txn create = {0};
    build_compare(&create, "a", 0); /* does not exist */
    build_put(&create, "a", "1");
    CHECK_INT(store_txn(&host, &create).failed, 0);
    CHECK_INT(store_txn(&host, &create).failed, 1);
    struct build_txn update = {0};
    build_compare(&update, "a", 1);
    build_put(&update, "a", "2");
    CHECK_INT(store_txn(&host, &update).rev, 2);
    CHECK_INT(store_txn(&host, &update).failed, 1);
    struct build_txn only = {0};
    build_compare(&only, "a", 2);
    struct store_answer a = store_txn(&host, &only);
    CHECK_INT(a.failed, 0);
    CHECK_INT(a.rev, 2); /* nothing changed */
    stop();
}

static void deletes(void)
{
    start();
    store_put(&host, "a", "1");
    store_put(&host, "b", "1");
    struct build_txn gone = {0};
    build_delete(&gone, "a");
    CHECK_INT(store_txn(&host, &gone).rev, 3);
    CHECK_INT(store_txn(&host, &gone).rev, 3); /* of a key that is not there: nothing */
    CHECK_INT(store_put(&host, "a", "again").rev, 4);
    struct store_items items;
    store_list(&host, "a", &items);
    CHECK_INT(items.n, 1);
    CHECK_INT(items.list[0].create_rev, 4);
    store_items_clear(&items);
    stop();
}

static void lists_are_in_byte_order_under_a_prefix(void)
{
    start();
    static const char *const keys[] = {"b/2", "a", "b/10", "b", "b\xff", "c", "b/\xc3\xa4", "B"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        store_put(&host, keys[i], keys[i]);
    struct store_items items;
    store_list(&host, "b", &items);
    static const char *const expected[] = {"b", "b/10", "b/2", "b/\xc3\xa4", "b\xff"};
    CHECK_INT(items.n, 5);
    for (size_t i = 0; i < items.n && i < 5; i++) {
        CHECK_STR(items.list[i].key, expected[i]);
        CHECK_STR(items.list[i].value, expected[i]);
    }
    store_items_clear(&items);
    store_list(&host, "\xff", &items);
    CHECK_INT(items.n, 0);
    store_items_clear(&items);
    store_list(&host, "b\xff", &items);
    CHECK_INT(items.n, 1);
    store_items_clear(&items);
    stop();
}

static void a_watch_replays_then_is_live(void)
{
    start();
    store_put(&host, "p/a", "1");
    store_put(&host, "q/a", "1");
    struct build_txn b = {0};
    build_put(&b, "p/b", "1");
    build_put(&b, "q/b", "1");
    build_delete(&b, "p/a");
    store_txn(&host, &b);
    struct store_items items;
    store_watch(&host, "p/", 1, &items);
    store_wait_items(&items, 3);
    CHECK_INT(items.n, 3);
    CHECK_INT(items.list[0].mod_rev, 1);
    CHECK_INT(items.list[0].flags, 0);
    CHECK_STR(items.list[1].key, "p/b");
    CHECK_INT(items.list[1].flags, GANTRY_STORE_MORE); /* q/b is not seen, p/a follows */
    CHECK_STR(items.list[2].key, "p/a");
    CHECK_INT(items.list[2].type, GANTRY_STORE_DELETE);
    CHECK_INT(items.list[2].mod_rev, 3);
    CHECK_INT(items.list[2].create_rev, 1);
    CHECK_INT(items.list[2].flags, 0);
    store_put(&host, "q/c", "x");
    store_put(&host, "p/c", "live");
    store_wait_items(&items, 4);
    CHECK_INT(items.n, 4);
    CHECK_STR(items.list[3].value, "live");
    CHECK_INT(items.list[3].mod_rev, 5);
    store_cancel(&items);
    CHECK_INT(items.end.status, GANTRY_ECANCELED);
    store_items_clear(&items);

    store_watch(&host, "", 3, &items); /* from the middle */
    store_wait_items(&items, 5);
    CHECK_INT(items.n, 5);
    CHECK_INT(items.list[0].mod_rev, 3);
    store_cancel(&items);
    store_items_clear(&items);
    stop();
}

static void a_watch_may_begin_in_the_future(void)
{
    start();
    struct store_items items;
    store_watch(&host, "", 3, &items);
    for (int i = 0; i < 4; i++)
        store_put(&host, "a", "x");
    store_wait_items(&items, 2);
    store_host_turn(&host, 20);
    CHECK_INT(items.n, 2);
    CHECK_INT(items.list[0].mod_rev, 3);
    store_cancel(&items);
    store_items_clear(&items);
    stop();
}

static void compaction_forgets_history_only(void)
{
    start();
    for (int i = 0; i < 10; i++)
        store_put(&host, i % 2 ? "a" : "b", "x");
    struct store_answer a = store_compact(&host, 6);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(a.compacted, 6);
    struct store_items items;
    store_watch(&host, "", 6, &items);
    store_wait_end(&items);
    CHECK_INT(items.end.status, GANTRY_ENOTFOUND);
    CHECK(strstr(items.end.text, "compacted"));
    CHECK_INT(items.n, 0);
    store_watch(&host, "", 7, &items);
    store_wait_items(&items, 4);
    CHECK_INT(items.n, 4);
    CHECK_INT(items.list[0].mod_rev, 7);
    store_cancel(&items);
    store_items_clear(&items);
    store_list(&host, "", &items);
    CHECK_INT(items.n, 2);
    CHECK_INT(items.end.rev, 10);
    CHECK_INT(items.end.compacted, 6);
    store_items_clear(&items);
    CHECK_INT(store_compact(&host, 3).compacted, 6); /* never back */
    CHECK_INT(store_compact(&host, 99).compacted, 10);
    CHECK_INT(store_put(&host, "a", "x").rev, 11);
    stop();
}

static void a_watch_from_zero_is_below_history(void)
{
    start();
    struct store_items items;
    store_watch(&host, "", 0, &items);
    store_wait_end(&items);
    CHECK_INT(items.end.status, GANTRY_ENOTFOUND);
    stop();
}

static void a_slow_watcher_misses_nothing(void)
{
    start();
    enum { N = 24 };
    size_t len = 256 * 1024; /* the host's queue takes 1 MiB */
    char *value = gy_alloc(len + 1);
    struct store_items items;
    store_watch(&host, "", 1, &items);
    for (int i = 0; i < N; i++) {
        memset(value, 'a' + i, len);
        store_put(&host, "big", value);
    }
    store_wait_items(&items, N);
    CHECK_INT(items.n, N);
    for (int i = 0; i < N && i < (int)items.n; i++) {
        CHECK_INT(items.list[i].mod_rev, i + 1);
        CHECK_INT(items.list[i].value[len - 1], 'a' + i);
    }
    store_cancel(&items);
    store_items_clear(&items);

    store_watch(&host, "", 1, &items); /* all of it is waiting at once */
    store_wait_items(&items, N);
    CHECK_INT(items.n, N);
    store_cancel(&items);
    store_items_clear(&items);
    free(value);
    stop();
}

static void canceling_a_watch_with_a_full_queue(void)
{
    start();
    char *value = gy_alloc(512 * 1024 + 1);
    memset(value, 'x', 512 * 1024);
    for (int i = 0; i < 10; i++)
        store_put(&host, "big", value);
    struct store_items items;
    store_watch(&host, "", 1, &items);
    store_cancel(&items);
    CHECK_INT(items.end.status, GANTRY_ECANCELED);
    store_items_clear(&items);
    CHECK_INT(store_put(&host, "a", "x").rev, 11);
    free(value);
    stop();
}

static void ten_thousand_keys(void)
{
    start();
    enum { TXNS = 200, EACH = 50 };
    for (int t = 0; t < TXNS; t++) {
        struct build_txn b = {0};
        char keys[EACH][32];
        for (int i = 0; i < EACH; i++) {
            snprintf(keys[i], sizeof keys[i], "/pods/%05d", (t * EACH + i) * 7919 % (TXNS * EACH));
            build_put(&b, keys[i], keys[i]);
        }
        CHECK_INT(store_txn(&host, &b).rev, t + 1);
    }
    struct store_items items;
    store_list(&host, "/pods/", &items);
    CHECK_INT(items.n, TXNS * EACH);
    CHECK_INT(items.end.rev, TXNS);
    for (size_t i = 0; i < items.n; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "/pods/%05zu", i);
        if (strcmp(items.list[i].key, expected) != 0) {
            CHECK_STR(items.list[i].key, expected);
            break;
        }
    }
    store_items_clear(&items);
    store_watch(&host, "", 1, &items);
    store_wait_items(&items, TXNS * EACH);
    CHECK_INT(items.n, TXNS * EACH);
    store_cancel(&items);
    store_items_clear(&items);
    stop();
}

static void a_list_is_of_one_revision(void)
{
    start();
    char value[1024];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int t = 0; t < 50; t++) {
        struct build_txn b = {0};
        char keys[50][32];
        for (int i = 0; i < 50; i++) {
            snprintf(keys[i], sizeof keys[i], "/k/%04d", t * 50 + i);
            build_put(&b, keys[i], value);
        }
        store_txn(&host, &b);
    }
    struct store_items items = {.host = &host};
    struct build_txn all = {0};
    build_delete(&all, "/k/0000");
    build_delete(&all, "/k/2499");
    build_put(&all, "/k/1000", "new");
    struct store_items watch;
    store_watch(&host, "", 51, &watch);
    /* Begun before the write, read while and after it. */
    store_list(&host, "", &items);
    store_items_clear(&items);
    store_txn(&host, &all);
    store_list(&host, "", &items);
    CHECK_INT(items.n, 2498);
    CHECK_INT(items.end.rev, 51);
    store_wait_items(&watch, 3);
    CHECK_INT(watch.n, 3);
    store_cancel(&watch);
    store_items_clear(&watch);
    store_items_clear(&items);
    stop();
}

static void binary_and_empty_values(void)
{
    start();
    struct build_txn b = {0};
    build_write(&b, GANTRY_STORE_PUT, "zero", "a\0b\0", 4);
    build_write(&b, GANTRY_STORE_PUT, "empty", "", 0);
    build_write(&b, GANTRY_STORE_PUT, "null", NULL, 0);
    CHECK_INT(store_txn(&host, &b).status, GANTRY_OK);
    struct store_items items;
    store_list(&host, "", &items);
    CHECK_INT(items.n, 3);
    CHECK_INT(items.list[0].value_len, 0);
    CHECK_INT(items.list[1].value_len, 0);
    CHECK_INT(items.list[2].value_len, 4);
    CHECK(items.n == 3 && !memcmp(items.list[2].value, "a\0b\0", 4));
    store_items_clear(&items);
    stop();
}

static void limits_are_refused_with_a_sentence(void)
{
    start();
    uint32_t max = host.ops->max_value_bytes;
    char *value = gy_alloc(max + 2u);
    memset(value, 'x', max);
    CHECK_INT(store_put(&host, "max", value).status, GANTRY_OK);
    struct store_items items;
    store_list(&host, "max", &items); /* larger than the host's queue, and yet it comes */
    CHECK_INT(items.n, 1);
    CHECK(items.n == 1 && items.list[0].value_len == max);
    store_items_clear(&items);
    value[max] = 'x';
    struct store_answer a = store_put(&host, "more", value);
    CHECK_INT(a.status, GANTRY_EINVAL);
    CHECK(strstr(a.text, "value"));
    free(value);
    CHECK_INT(store_put(&host, "", "x").status, GANTRY_EINVAL);
    char key[1026];
    memset(key, 'k', sizeof key - 1);
    key[1025] = '\0';
    CHECK_INT(store_put(&host, key, "x").status, GANTRY_EINVAL);
    key[1024] = '\0';
    CHECK_INT(store_put(&host, key, "x").status, GANTRY_OK);
    struct build_txn odd = {0};
    build_write(&odd, 9, "a", "x", 1);
    CHECK_INT(store_txn(&host, &odd).status, GANTRY_EINVAL);
    CHECK_INT(store_put(&host, "a", "x").rev, 3); /* nothing of it counted */
    stop();
}

static void the_same_key_twice_the_last_wins(void)
{
    start();
    struct build_txn b = {0};
    build_put(&b, "a", "1");
    build_put(&b, "a", "2");
    CHECK_INT(store_txn(&host, &b).rev, 1);
    struct store_items items;
    store_list(&host, "", &items);
    CHECK_INT(items.n, 1);
    CHECK_STR(items.list[0].value, "2");
    store_items_clear(&items);
    store_watch(&host, "", 1, &items);
    store_wait_items(&items, 2);
    CHECK_INT(items.n, 2);
    CHECK_STR(items.list[1].value, "2");
    store_cancel(&items);
    store_items_clear(&items);
    stop();
}

static void count_answer(void *arg, gantry_status status, const char *text, const void *result)
{
    (void)text, (void)result;
    if (status == GANTRY_OK) ++*(int *)arg;
}

static void many_transactions_at_once(void)
{
    start();
    enum { N = 500 };
    int done = 0;
    for (int i = 0; i < N; i++) {
        struct build_txn b = {0};
        char key[16];
        snprintf(key, sizeof key, "k%d", i % 10);
        build_put(&b, key, "x");
        gantry_op op = gy_instance_op(host.instance, "txn", GY_ABI_NONE, GY_ABI_STORE_RESULT, 30000,
                                      NULL, count_answer, &done);
        GY_CALL(host.instance, "txn", host.ops->txn(host.self, op, build_done(&b)));
    }
    for (int i = 0; i < 2000 && done < N; i++)
        store_host_turn(&host, 20);
    CHECK_INT(done, N);
    CHECK_INT(store_put(&host, "last", "x").rev, N + 1);
    stop();
}

static void check_passes(void)
{
    start();
    store_put(&host, "a", "1");
    CHECK_INT(store_check(&host, false).status, GANTRY_OK);
    struct store_answer a = store_check(&host, true);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK(strlen(a.text) > 10);
    stop();
}

static void shutdown_ends_what_is_open(void)
{
    start();
    struct store_items a, b;
    store_watch(&host, "", 1, &a);
    store_watch(&host, "x", 1, &b);
    store_put(&host, "k", "1");
    stop();
    CHECK(a.end.done && b.end.done);
    CHECK_INT(a.end.status, GANTRY_ECANCELED);
    CHECK_INT(b.end.status, GANTRY_ECANCELED);
    store_items_clear(&a);
    store_items_clear(&b);
}

SUITE("store.conformance." PROVIDER, {"revisions grow by one", revisions_grow_by_one},
      {"a failed compare changes nothing", a_failed_compare_changes_nothing},
      {"compares hold", compares_hold}, {"deletes", deletes},
      {"lists are in byte order under a prefix", lists_are_in_byte_order_under_a_prefix},
      {"a watch replays, then is live", a_watch_replays_then_is_live},
      {"a watch may begin in the future", a_watch_may_begin_in_the_future},
      {"compaction forgets history only", compaction_forgets_history_only},
      {"a watch from revision 0 is below history", a_watch_from_zero_is_below_history},
      {"a slow watcher misses nothing", a_slow_watcher_misses_nothing},
      {"canceling a watch with a full queue", canceling_a_watch_with_a_full_queue},
      {"10,000 keys", ten_thousand_keys}, {"a list is of one revision", a_list_is_of_one_revision},
      {"binary and empty values", binary_and_empty_values},
      {"limits are refused with a sentence", limits_are_refused_with_a_sentence},
      {"the same key twice: the last wins", the_same_key_twice_the_last_wins},
      {"many transactions at once", many_transactions_at_once}, {"check passes", check_passes},
      {"shutdown ends what is open", shutdown_ends_what_is_open})
