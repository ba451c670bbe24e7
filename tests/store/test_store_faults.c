/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store on a disk that fails: at every single write and sync of a run, in four ways.
 * What was acknowledged is there afterwards, what was not is there as a whole or not at all. */
#include "base/memory.h"
#include "base/random.h"
#include "build_txn.h"
#include "faulty_vfs.h"
#include "sqlite_db.h"
#include "suite.h"

#define KEYS 16
#define GROUPS 24
#define ATTEMPTS_MAX (2 * GROUPS)
#define VALUE_MAX 3000

struct state { /* what the store should hold: which attempt wrote a key last, 0 = none */
    uint32_t by[KEYS];
    uint64_t mod_rev[KEYS];
    uint64_t rev;
};

struct run {
    struct sqlite_db *db;
    struct gy_random random;
    struct state acked;
    /* Failed since the last acknowledgement: each may have reached the disk. */
    struct state maybe[ATTEMPTS_MAX];
    size_t maybe_count, acknowledged, refused;
};

static const char path[] = "/store.db";

static void key_name(size_t i, char out[32])
{
    snprintf(out, 32, "/gantry/pods/p%02zu", i);
}

/* A value that nobody else writes: its length and bytes follow from who wrote which key. */
static size_t value_of(uint32_t attempt, size_t key, unsigned char *out)
{
    struct gy_random random;
    gy_random_seed(&random, attempt * 1000u + key);
    size_t len = gy_random_below(&random, VALUE_MAX);
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)gy_random_next(&random);
    return len;
}

static gantry_status open_db(struct run *run, struct sentence *why)
{
    struct sqlite_db_options options = {
        .path = path, .vfs = FAULTY_VFS_NAME, .gantry = "0.1.0", .unclean = true};
    return sqlite_db_open(&options, &run->db, why);
}

/* One group of one to three transactions, as a commit; `next` is what it leads to. */
static gantry_status attempt_group(struct run *run, uint32_t attempt, struct state *next,
                                   struct sentence *why)
{
    static unsigned char values[3][4][VALUE_MAX];
    gantry_status status = sqlite_db_begin(run->db, why);
    size_t txns = 1 + gy_random_below(&run->random, 3);
    for (size_t t = 0; t < txns && status == GANTRY_OK; t++) {
        struct build_txn b = {0};
        char names[4][32];
        size_t writes = 1 + gy_random_below(&run->random, 4);
        bool changes = false;
        for (size_t w = 0; w < writes; w++) {
            size_t key = gy_random_below(&run->random, KEYS);
            key_name(key, names[w]);
            bool deletes = gy_random_below(&run->random, 5) == 0;
            if (deletes) {
                build_delete(&b, names[w]);
                changes = changes || next->by[key];
                next->by[key] = 0;
                continue;
            }
            build_write(&b, GANTRY_STORE_PUT, names[w], values[t][w],
                        value_of(attempt, key, values[t][w]));
            next->by[key] = attempt;
            next->mod_rev[key] = next->rev + 1;
            changes = true;
        }
        gantry_store_result result;
        status = sqlite_db_apply(run->db, build_done(&b), &result, why);
        if (changes) next->rev++;
    }
    return status == GANTRY_OK ? sqlite_db_commit(run->db, why) : status;
}

static void work(struct run *run)
{
    struct sentence why;
    for (uint32_t attempt = 1; attempt <= GROUPS; attempt++) {
        struct state next = run->acked;
        if (attempt_group(run, attempt, &next, &why) == GANTRY_OK) {
            run->acked = next;
            run->maybe_count = 0;
            run->acknowledged++;
            CHECK_INT(run->db->rev, next.rev);
        } else {
            run->refused++;
            run->maybe[run->maybe_count++] = next;
        }
        bool more;
        if (attempt % 5 == 0) sqlite_db_checkpoint(run->db);
        if (attempt % 7 == 0) {
            sqlite_db_compact(run->db, run->acked.rev / 2, &why);
            sqlite_db_trim(run->db, 1000, &more, &why);
        }
    }
}

struct seen {
    struct state state;
    size_t keys;
    bool wrong_bytes;
    const struct state *expected;
};

static gantry_status see(void *arg, const gantry_store_item *item)
{
    struct seen *seen = arg;
    static unsigned char expected[VALUE_MAX];
    size_t key = (size_t)strtoul(item->key.ptr + strlen("/gantry/pods/p"), NULL, 10);
    uint32_t by = key < KEYS ? seen->expected->by[key] : 0;
    seen->keys++;
    if (!by) {
        seen->wrong_bytes = true;
        return GANTRY_OK;
    }
    size_t len = value_of(by, key, expected);
    if (len != item->value.len || (len && memcmp(expected, item->value.ptr, len) != 0) ||
        item->mod_rev != seen->expected->mod_rev[key])
        seen->wrong_bytes = true;
    return GANTRY_OK;
}

static bool is_state(struct run *run, const struct state *expected)
{
    if (run->db->rev != expected->rev) return false;
    struct seen seen = {.expected = expected};
    struct sqlite_list *list;
    struct sentence why;
    bool end;
    size_t keys = 0;
    for (size_t i = 0; i < KEYS; i++)
        keys += expected->by[i] != 0;
    if (sqlite_list_open(run->db, (gantry_str){0}, &list, &why) != GANTRY_OK) return false;
    gantry_status status = sqlite_list_run(list, 1000, see, &seen, &end, &why);
    sqlite_list_close(list);
    return status == GANTRY_OK && end && !seen.wrong_bytes && seen.keys == keys;
}

static bool holds_what_it_must(struct run *run)
{
    if (is_state(run, &run->acked)) return true;
    for (size_t i = 0; i < run->maybe_count; i++)
        if (is_state(run, &run->maybe[i])) return true;
    return false;
}

/* One run with one fault; true when the fault struck. */
static bool run_with(enum fault fault, uint64_t at, uint64_t count, const char *name)
{
    struct run run = {0};
    struct sentence why = {""}, found;
    gy_random_seed(&run.random, 42);
    faulty_format();
    faulty_arm(fault, at, count);
    if (open_db(&run, &why) == GANTRY_OK) {
        work(&run);
        if (fault != FAULT_POWER) CHECK(is_state(&run, &run.acked)); /* goes on with what it said */
    }
    bool struck = faulty_struck();
    if (fault != FAULT_POWER) faulty_arm(FAULT_POWER, 1, UINT64_MAX); /* no clean close */
    sqlite_db_close(run.db);
    run.db = NULL;
    faulty_reboot(at);
    gantry_status status = open_db(&run, &why);
    if (status != GANTRY_OK)
        fprintf(stderr, "%s at %llu: %s\n", name, (unsigned long long)at, why.text);
    CHECK_INT(status, GANTRY_OK);
    if (status != GANTRY_OK) return struck;
    bool holds = holds_what_it_must(&run); /* all that was acknowledged, nothing half */
    CHECK(holds);
    if (!holds)
        fprintf(stderr, "%s at %llu: lost or half (rev %llu, acknowledged %llu)\n", name,
                (unsigned long long)at, (unsigned long long)run.db->rev,
                (unsigned long long)run.acked.rev);
    status = sqlite_db_check(path, FAULTY_VFS_NAME, true, &found, &why);
    if (status != GANTRY_OK)
        fprintf(stderr, "%s at %llu: %s\n", name, (unsigned long long)at, why.text);
    CHECK_INT(status, GANTRY_OK);
    sqlite_db_close(run.db);
    return struck;
}

static void every_point(enum fault fault, uint64_t count, const char *name)
{
    faulty_register();
    uint64_t at = 1;
    while (run_with(fault, at, count, name))
        at++; /* until a run ends before the fault */
    fprintf(stderr, "%s: %llu points\n", name, (unsigned long long)at - 1);
    CHECK(at > 25); /* the loop met real work */
    faulty_format();
}

static void power_cut(void)
{
    every_point(FAULT_POWER, 1, "power cut");
}
static void torn_write(void)
{
    every_point(FAULT_TORN, 1, "torn write");
}
static void failed_sync(void)
{
    every_point(FAULT_SYNC, 1, "failed fsync");
}
static void full_disk_once(void)
{
    every_point(FAULT_FULL, 1, "full disk, one write");
}
static void full_disk_for_a_while(void)
{
    every_point(FAULT_FULL, 12, "full disk, twelve writes");
}

static void full_disk_says_so_and_recovers(void)
{
    struct run run = {0};
    struct sentence why = {""};
    struct build_txn b = {0};
    gantry_store_result result;
    faulty_register();
    faulty_format();
    REQUIRE(open_db(&run, &why) == GANTRY_OK);
    build_put(&b, "a", "1");
    faulty_arm(FAULT_FULL, 1, UINT64_MAX / 2);
    CHECK_INT(sqlite_db_begin(run.db, &why), GANTRY_OK);
    gantry_status status = sqlite_db_apply(run.db, build_done(&b), &result, &why);
    if (status == GANTRY_OK) status = sqlite_db_commit(run.db, &why);
    CHECK_INT(status, GANTRY_EUNAVAIL);
    CHECK_STR(why.text,
              "cannot write to /store.db: the disk is full; writing goes on once there is space");
    CHECK_INT(run.db->rev, 0);
    faulty_arm(FAULT_NONE, 0, 0);
    CHECK_INT(sqlite_db_begin(run.db, &why), GANTRY_OK);
    CHECK_INT(sqlite_db_apply(run.db, build_done(&b), &result, &why), GANTRY_OK);
    CHECK_INT(sqlite_db_commit(run.db, &why), GANTRY_OK);
    CHECK_INT(result.rev, 1);
    sqlite_db_close(run.db);
    faulty_format();
}

SUITE("store.faults", {"a power cut at every point", power_cut},
      {"a torn write at every point", torn_write}, {"a failed fsync at every point", failed_sync},
      {"a full disk at every point", full_disk_once},
      {"a full disk for a while, at every point", full_disk_for_a_while},
      {"a full disk is said, and space is enough to go on", full_disk_says_so_and_recovers})
