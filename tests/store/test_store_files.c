/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store's file: bad ones and their sentences, one owner, versions, backups, kill -9. */
#include "bad_inputs.h"
#include "base/random.h"
#include "base/text.h"
#include "build_txn.h"
#include "sqlite_db.h"
#include "store_file.h"
#include "suite.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[96];
static struct store_file file;
static struct sqlite_db *db;
static struct sentence why;

static void start(void)
{
    strcpy(folder, "/tmp/gantry-files-XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(name);
}

static void stop(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static gantry_status open_with(const struct sqlite_db_options *more)
{
    struct sqlite_db_options options = *more;
    why.text[0] = '\0';
    gantry_status status = store_file_take(path, &file, &why);
    if (status != GANTRY_OK) return status;
    options.path = path;
    options.unclean = file.unclean;
    if (!options.gantry) options.gantry = "0.1.0";
    status = sqlite_db_open(&options, &db, &why);
    if (status == GANTRY_OK) status = store_file_mark(&file, &why);
    if (status != GANTRY_OK) store_file_give(&file, false);
    return status;
}

static gantry_status open_it(void)
{
    return open_with(&(struct sqlite_db_options){0});
}

static void close_it(bool clean)
{
    sqlite_db_close(db);
    db = NULL;
    store_file_give(&file, clean);
}

static uint64_t put(const char *key, const char *value)
{
    struct build_txn b = {0};
    gantry_store_result result = {0};
    build_put(&b, key, value);
    if (sqlite_db_begin(db, &why) != GANTRY_OK ||
        sqlite_db_apply(db, build_done(&b), &result, &why) != GANTRY_OK ||
        sqlite_db_commit(db, &why) != GANTRY_OK)
        return 0;
    return result.rev;
}

static gantry_status append(void *arg, const gantry_store_item *item)
{
    gy_buf_printf(arg, "%.*s=%.*s@%d ", (int)item->key.len, item->key.ptr, (int)item->value.len,
                  (const char *)item->value.ptr, (int)item->mod_rev);
    return GANTRY_OK;
}

static char *content(void)
{
    struct gy_buf b = {0};
    struct sqlite_list *list;
    bool end;
    if (sqlite_list_open(db, (gantry_str){0}, &list, &why) != GANTRY_OK) return gy_strdup(why.text);
    sqlite_list_run(list, 1000000, append, &b, &end, &why);
    sqlite_list_close(list);
    return gy_buf_take(&b);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static void sql(const char *text)
{
    sqlite3 *handle;
    REQUIRE(sqlite3_open(path, &handle) == SQLITE_OK);
    char *error = NULL;
    if (sqlite3_exec(handle, text, NULL, NULL, &error) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", text, error);
    REQUIRE(!error);
    sqlite3_close(handle);
}

/* A store of 300 objects, closed. */
static void make_store(bool clean)
{
    REQUIRE(open_it() == GANTRY_OK);
    char key[32];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "/pods/%03d", i);
        REQUIRE(put(key, "a value that fills some of a page, so that there are several pages") > 0);
    }
    close_it(clean);
}

/* ---- bad files ---- */

static void refused(const char *what, gantry_status status, const char *sentence)
{
    gantry_status got = open_it();
    bad_input(what, why.text);
    CHECK_INT(got, status);
    CHECK(strstr(why.text, sentence));
    if (!strstr(why.text, sentence)) fprintf(stderr, "expected \"%s\"\n", sentence);
    if (got == GANTRY_OK) close_it(true);
    stop();
    start();
}

static void bad_files(void)
{
    start();
    char junk[8192];
    struct gy_random random;
    gy_random_seed(&random, 1);
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)gy_random_next(&random);
    write_file(path, junk, sizeof junk);
    refused("random bytes", GANTRY_EINVAL, "is damaged or not a gantry store");

    write_file(path, "# store\nkey: value\n", 19);
    refused("a text file", GANTRY_EINVAL, "is damaged or not a gantry store");

    sql("CREATE TABLE music(title)");
    refused("another program's database", GANTRY_EINVAL, "of another program, not a gantry store");

    sql("PRAGMA application_id = 1195462228; CREATE TABLE music(title)");
    refused("our mark, none of our tables", GANTRY_EINVAL,
            "is not a gantry store, or not a whole one");

    make_store(true);
    REQUIRE(truncate(path, 5000) == 0);
    refused("cut off", GANTRY_EINVAL, "damaged");

    make_store(false);
    REQUIRE(truncate(path, 0) == 0);
    refused("empty although it was in use", GANTRY_EINVAL, "is missing or empty, but");

    make_store(false);
    unlink(path);
    refused("gone although it was in use", GANTRY_EINVAL, "is missing or empty, but");

    make_store(false);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0 && pwrite(fd, junk, 4096, 3 * 4096) == 4096);
    close(fd);
    refused("a page overwritten, unclean end", GANTRY_EINVAL, "restore a backup");

    make_store(true);
    sql("UPDATE meta SET value = 3 WHERE name IN ('schema', 'min_reader');"
        "UPDATE meta SET value = '0.9.0' WHERE name = 'written_by'");
    refused(
        "of a newer gantry", GANTRY_EINVAL,
        "store.db has schema 3, written by gantry 0.9.0; this gantry 0.1.0 reads up to schema 1");

    make_store(true);
    sql("DELETE FROM meta WHERE name = 'schema'");
    refused("says no schema", GANTRY_EINVAL, "it does not say its schema");

    make_store(true);
    sql("DELETE FROM meta WHERE name = 'compacted'");
    refused("says no revision", GANTRY_EINVAL, "no revision in it");

    make_store(true);
    sql("DROP TABLE log");
    refused("a table is missing", GANTRY_EINVAL, "not a whole one (no such table: log)");

    make_store(true);
    sql("UPDATE meta SET value = 0 WHERE name = 'schema'");
    refused("of a schema nobody knows", GANTRY_EINVAL, "knows no way to its own schema 1");

    REQUIRE(mkdir(path, 0700) == 0);
    refused("a folder", GANTRY_EINVAL, "is a folder, not a file");

    REQUIRE(symlink("/dev/null", path) == 0);
    refused("a symbolic link", GANTRY_EINVAL, "is a symbolic link, not a file");

    strcat(folder, "/none");
    snprintf(path, sizeof path, "%s/store.db", folder);
    CHECK_INT(open_it(), GANTRY_EUNAVAIL);
    CHECK(strstr(why.text, "No such file or directory"));
    folder[strlen(folder) - 5] = '\0';
    stop();
}

static void a_flipped_byte_is_found_or_harmless(void)
{
    struct gy_random random;
    gy_random_seed(&random, 5);
    int found = 0;
    for (int round = 0; round < 40; round++) {
        start();
        make_store(false);
        struct stat st;
        REQUIRE(stat(path, &st) == 0);
        off_t at = (off_t)gy_random_below(&random, (uint64_t)st.st_size);
        unsigned char byte = 0;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        REQUIRE(pread(fd, &byte, 1, at) == 1);
        byte ^= (unsigned char)(1u << gy_random_below(&random, 8));
        REQUIRE(pwrite(fd, &byte, 1, at) == 1);
        close(fd);
        struct sentence text;
        if (open_it() == GANTRY_OK) { /* never a crash; the full check may still see it */
            free(content());
            found += sqlite_db_check(path, NULL, true, &text, &why) != GANTRY_OK;
            close_it(true);
        } else {
            found++;
            CHECK(strstr(why.text, "store.db"));
        }
        stop();
    }
    fprintf(stderr, "    %d of 40 flipped bits were found\n", found);
    CHECK(found > 5);
}

static void network_file_systems_have_names(void)
{
    CHECK_STR(store_file_network_name(0x6969, "nfs4"), "NFS");
    CHECK_STR(store_file_network_name(0xff534d42, NULL), "CIFS");
    CHECK_STR(store_file_network_name(0xfe534d42, ""), "SMB2");
    CHECK_STR(store_file_network_name(0x65735546, "fuse.sshfs"), "SSHFS");
    CHECK_STR(store_file_network_name(0x65735546, "fuse.glusterfs"), "GlusterFS");
    CHECK_STR(store_file_network_name(0x00c36400, "ceph"), "Ceph");
    CHECK_STR(store_file_network_name(0xffffffffff534d42UL, NULL), "CIFS"); /* sign-extended */
    CHECK(!store_file_network_name(0xef53, "ext4"));
    CHECK(!store_file_network_name(0x01021994, "tmpfs"));
    CHECK(!store_file_network_name(0x65735546, "fuse.fuse-overlayfs"));
}

static void one_owner_at_a_time(void)
{
    start();
    int ready[2], end[2];
    REQUIRE(pipe(ready) == 0 && pipe(end) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char c = (char)open_it();
        if (write(ready[1], &c, 1) != 1 || read(end[0], &c, 1) < 0) _exit(1);
        _exit(0);
    }
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1 && c == GANTRY_OK);
    CHECK_INT(open_it(), GANTRY_EINVAL);
    char expected[160];
    snprintf(expected, sizeof expected, "%s is in use by test_store_file (pid %d)", path, (int)pid);
    CHECK(gy_starts_with(why.text, expected));
    REQUIRE(write(end[1], "x", 1) == 1);
    waitpid(pid, NULL, 0);
    CHECK_INT(open_it(), GANTRY_OK);
    CHECK(file.unclean);
    close_it(true);
    CHECK_INT(open_it(), GANTRY_OK);
    CHECK(!file.unclean);
    struct stat st;
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    close_it(true);
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(end[i]);
    stop();
}

/* ---- versions ---- */

static char noted[1024];
static void note(void *arg, const char *text)
{
    (void)arg;
    snprintf(noted, sizeof noted, "%s", text);
}

/* What a gantry before the first might have written: values under another name. */
static void make_schema_0(void)
{
    sql("PRAGMA application_id = 1195462228;"
        "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
        "CREATE TABLE kv(id INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, mod_rev INTEGER NOT NULL,"
        " v BLOB NOT NULL);"
        "CREATE TABLE log(id INTEGER PRIMARY KEY, type INTEGER NOT NULL, k BLOB NOT NULL,"
        " create_rev INTEGER NOT NULL, v BLOB NOT NULL);"
        "INSERT INTO meta VALUES('compacted', 5), ('schema', 0), ('min_reader', 0),"
        " ('written_by', '0.0.9');"
        "INSERT INTO kv(k, mod_rev, v) VALUES(x'61', 3, x'31'), (x'62', 5, x'32')");
}

static const struct sqlite_migration good[] = {
    {0, "ALTER TABLE kv ADD COLUMN create_rev INTEGER NOT NULL DEFAULT 1"}};
static const struct sqlite_migration bad[] = {
    {0, "ALTER TABLE kv ADD COLUMN create_rev INTEGER NOT NULL DEFAULT 1; INSERT INTO nowhere "
        "VALUES(1)"}};

static void an_older_schema_is_migrated_after_a_backup(void)
{
    start();
    make_schema_0();
    struct sqlite_db_options options = {.migrations = good, .migration_count = 1, .note = note};
    CHECK_INT(open_with(&options), GANTRY_OK);
    gy_autofree char *after = content();
    CHECK_STR(after, "a=1@3 b=2@5 ");
    CHECK_INT(db->rev, 5);
    CHECK_INT(put("c", "3"), 6);
    close_it(true);
    char backup[128], expected[512];
    snprintf(backup, sizeof backup, "%s.schema0.backup", path);
    snprintf(expected, sizeof expected, "%s has schema 0 and is brought to 1; a copy is in %s",
             path, backup);
    CHECK_STR(noted, expected);
    CHECK(access(backup, R_OK) == 0);
    CHECK_INT(open_it(), GANTRY_OK); /* no step needed any more */
    close_it(true);
    stop();
}

static void a_migration_that_fails_changes_nothing(void)
{
    start();
    make_schema_0();
    struct sqlite_db_options options = {.migrations = bad, .migration_count = 1};
    CHECK_INT(open_with(&options), GANTRY_EINVAL);
    options.migrations = good;
    CHECK_INT(open_with(&options), GANTRY_OK); /* beside the backup of the first try */
    close_it(true);
    stop();
}

static void a_newer_schema_that_we_can_read_is_read(void)
{
    start();
    make_store(true);
    sql("UPDATE meta SET value = 2 WHERE name = 'schema'");
    CHECK_INT(open_it(), GANTRY_OK);
    close_it(true);
    stop();
}

/* ---- backup ---- */

static void backup_and_restore(void)
{
    start();
    char to[128];
    snprintf(to, sizeof to, "%s/backup.db", folder);
    REQUIRE(open_it() == GANTRY_OK);
    put("a", "1");
    put("b", "1");
    uint64_t rev = 0;
    CHECK_INT(sqlite_db_backup(path, NULL, to, &rev, &why), GANTRY_OK);
    CHECK_INT(rev, 2);
    CHECK_INT(sqlite_db_backup(path, NULL, to, &rev, &why), GANTRY_EINVAL);
    CHECK(strstr(why.text, "exists already; a backup never overwrites"));
    CHECK_INT(sqlite_db_backup(path, NULL, "backup.db", &rev, &why), GANTRY_EINVAL);
    put("a", "2");
    put("c", "1");
    CHECK_INT(sqlite_db_restore(db, to, &why), GANTRY_OK);
    gy_autofree char *after = content();
    CHECK_STR(after, "a=1@5 b=1@5 ");
    CHECK_INT(db->rev, 5);
    CHECK_INT(db->compacted, 5);
    CHECK_INT(put("d", "1"), 6);
    struct sentence found;
    CHECK_INT(sqlite_db_check(path, NULL, true, &found, &why), GANTRY_OK);
    /* What cannot be restored leaves everything as it is. */
    write_file(to, "nonsense", 8);
    CHECK_INT(sqlite_db_restore(db, to, &why), GANTRY_EINVAL);
    CHECK_INT(sqlite_db_restore(db, "/none.db", &why), GANTRY_EINVAL);
    gy_autofree char *still = content();
    CHECK_STR(still, "a=1@5 b=1@5 d=1@6 ");
    close_it(true);
    CHECK_INT(open_it(), GANTRY_OK);
    CHECK_INT(db->rev, 6);
    close_it(true);
    stop();
}

/* ---- kill -9 ---- */

static _Noreturn void write_for_ever(int out)
{
    char key[32], value[32];
    if (open_it() != GANTRY_OK) _exit(3);
    for (uint64_t n = db->rev + 1;; n++) {
        snprintf(key, sizeof key, "/k/%d", (int)(n % 50));
        snprintf(value, sizeof value, "%d", (int)n);
        uint64_t rev = put(key, value);
        if (rev != n || write(out, &rev, sizeof rev) != sizeof rev) _exit(4);
        if (n % 100 == 0) sqlite_db_checkpoint(db);
    }
}

static void kill_nine_loses_nothing(void)
{
    start();
    struct gy_random random;
    gy_random_seed(&random, 9);
    uint64_t acknowledged = 0;
    for (int round = 0; round < 20; round++) {
        int from[2];
        REQUIRE(pipe2(from, O_CLOEXEC) == 0);
        pid_t pid = fork();
        if (pid == 0) write_for_ever(from[1]);
        close(from[1]);
        uint64_t rev, first = 0;
        if (read(from[0], &first, sizeof first) == sizeof first) acknowledged = first;
        usleep((useconds_t)gy_random_below(&random, 60000));
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        CHECK(WIFSIGNALED(status));
        while (read(from[0], &rev, sizeof rev) == sizeof rev)
            acknowledged = rev;
        close(from[0]);
        CHECK_INT(open_it(), GANTRY_OK);
        if (!db) break;
        CHECK(file.unclean);
        CHECK(db->rev == acknowledged || db->rev == acknowledged + 1);
        char expected[64];
        snprintf(expected, sizeof expected, "/k/%d=%d@%d ", (int)(acknowledged % 50),
                 (int)acknowledged, (int)acknowledged);
        gy_autofree char *all = content();
        CHECK(strstr(all, expected));
        close_it(false);
    }
    fprintf(stderr, "    20 kills, %llu revisions\n", (unsigned long long)acknowledged);
    struct sentence found;
    CHECK_INT(sqlite_db_check(path, NULL, true, &found, &why), GANTRY_OK);
    stop();
}

SUITE("store.files", {"bad files and their sentences", bad_files},
      {"a flipped bit is found or harmless", a_flipped_byte_is_found_or_harmless},
      {"network file systems have names", network_file_systems_have_names},
      {"one owner at a time", one_owner_at_a_time},
      {"an older schema is migrated after a backup", an_older_schema_is_migrated_after_a_backup},
      {"a migration that fails changes nothing", a_migration_that_fails_changes_nothing},
      {"a newer schema that we can read is read", a_newer_schema_that_we_can_read_is_read},
      {"backup and restore", backup_and_restore},
      {"kill -9 loses nothing", kill_nine_loses_nothing})
