/* SPDX-License-Identifier: Apache-2.0 */
/* Backup, check, restore. */
#include "sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- backup ---- */

static gantry_status copy_all(sqlite3 *from, sqlite3 *to, const char *from_path,
                              const char *to_path, struct sentence *why)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup) return sqlite_db_explain(to, sqlite3_errcode(to), to_path, "write", why);
    int step = sqlite3_backup_step(backup, -1);
    int finish = sqlite3_backup_finish(backup);
    if (step == SQLITE_BUSY || step == SQLITE_LOCKED)
        return sqlite_db_explain(from, step, from_path, "copy", why);
    if (finish != SQLITE_OK) {
        bool source = sqlite3_errcode(from) == finish; /* the error is kept by whoever had it */
        return sqlite_db_explain(source ? from : to, finish, source ? from_path : to_path,
                                 source ? "read" : "write", why);
    }
    /* One file, readable from read-only media. */
    int code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return code == SQLITE_OK ? GANTRY_OK : sqlite_db_explain(to, code, to_path, "write", why);
}

static gantry_status write_copy(const char *from, const char *vfs, const char *to, uint64_t *rev,
                                struct sentence *why)
{
    sqlite3 *source = NULL, *copy = NULL;
    uint64_t compacted;
    gantry_status status = sqlite_db_connect(from, vfs, SQLITE_OPEN_READONLY, 5000, &source, why);
    if (status == GANTRY_OK)
        status =
            sqlite_db_connect(to, vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0, &copy, why);
    if (status == GANTRY_OK) status = copy_all(source, copy, from, to, why);
    if (status == GANTRY_OK) status = sqlite_db_revs(copy, to, rev, &compacted, why);
    sqlite3_close(copy);
    sqlite3_close(source);
    return status;
}

static gantry_status sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0) return GANTRY_EUNAVAIL;
    int bad = fsync(fd);
    close(fd);
    return bad ? GANTRY_EUNAVAIL : GANTRY_OK;
}

static gantry_status sync_folder_of(const char *path)
{
    char *folder = strdup(path);
    if (!folder) return GANTRY_ENOMEM;
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    gantry_status status = sync_path(folder, O_DIRECTORY);
    free(folder);
    return status;
}

/* Under another name first, so that a file with the final name is always whole. */
static gantry_status publish(const char *partial, const char *to, struct sentence *why)
{
    if (sync_path(partial, 0) != GANTRY_OK || link(partial, to) < 0 ||
        sync_folder_of(to) != GANTRY_OK)
        return refuse(why, errno == EEXIST ? GANTRY_EINVAL : GANTRY_EUNAVAIL, "cannot write %s: %s",
                      to, strerror(errno));
    return GANTRY_OK;
}

gantry_status sqlite_db_backup(const char *from, const char *vfs, const char *to, uint64_t *rev,
                               struct sentence *why)
{
    if (vfs) return write_copy(from, vfs, to, rev, why); /* not a file of this system */
    if (to[0] != '/')
        return refuse(why, GANTRY_EINVAL, "%s: name the backup by an absolute path", to);
    struct stat st;
    if (lstat(to, &st) == 0)
        return refuse(why, GANTRY_EINVAL, "%s exists already; a backup never overwrites", to);
    char *partial = sqlite3_mprintf("%s.partial", to);
    if (!partial) return refuse(why, GANTRY_ENOMEM, "out of memory");
    unlink(partial); /* of a backup that was interrupted */
    int fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gantry_status status = GANTRY_OK;
    if (fd < 0)
        status = refuse(why, GANTRY_EINVAL, "cannot write %s: %s", to, strerror(errno));
    else
        close(fd);
    if (status == GANTRY_OK) status = write_copy(from, vfs, partial, rev, why);
    if (status == GANTRY_OK) status = publish(partial, to, why);
    if (fd >= 0) unlink(partial);
    sqlite3_free(partial);
    return status;
}

/* ---- check ---- */

static gantry_status expect_none(sqlite3 *handle, const char *path, const char *sql,
                                 const char *what, struct sentence *why)
{
    int64_t n = 0;
    gantry_status status = sqlite_db_number(handle, path, sql, &n, why);
    if (status == GANTRY_OK && n)
        return refuse(why, GANTRY_EINVAL,
                      "%s is damaged (%" PRId64
                      " %s); move it away and restore a backup with `gantry "
                      "restore FILE`",
                      path, n, what);
    return status;
}

static gantry_status check_pages(sqlite3 *handle, const char *path, bool full, struct sentence *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(
        handle, full ? "PRAGMA integrity_check(5)" : "PRAGMA quick_check(5)", -1, &stmt, NULL);
    char all[400] = "";
    size_t used = 0;
    while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(stmt, 0);
        if (line && strcmp(line, "ok") != 0 && used < sizeof all) {
            int n = snprintf(all + used, sizeof all - used, "%s%s", used ? "; " : "", line);
            used += n > 0 ? (size_t)n : 0;
        }
        code = SQLITE_OK;
    }
    gantry_status status = GANTRY_OK;
    if (code != SQLITE_DONE)
        status = sqlite_db_explain(handle, code, path, "check", why);
    else if (used)
        status =
            refuse(why, GANTRY_EINVAL,
                   "%s is damaged (%s); move it away and restore a backup with `gantryd --restore "
                   "FILE`",
                   path, all);
    sqlite3_finalize(stmt);
    return status;
}

static gantry_status check_content(sqlite3 *handle, const char *path, bool full,
                                   struct sentence *found, struct sentence *why)
{
    uint64_t rev = 0, compacted = 0;
    int64_t keys = 0;
    char sql[256];
    gantry_status status = sqlite_db_revs(handle, path, &rev, &compacted, why);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM kv WHERE mod_rev > %" PRIu64
             " OR create_rev > mod_rev OR create_rev < 1",
             rev);
    if (status == GANTRY_OK)
        status = expect_none(handle, path, sql, "objects with an impossible revision", why);
    if (status == GANTRY_OK && full) /* the last change of each key in the log is what kv says */
        status = expect_none(
            handle, path,
            "SELECT count(*) FROM (SELECT k, max(id) AS id, type, v FROM log GROUP BY k) l"
            " LEFT JOIN kv ON kv.k = l.k WHERE CASE l.type WHEN 2 THEN kv.k IS NOT NULL ELSE"
            " kv.k IS NULL OR kv.v <> l.v OR kv.mod_rev <> (l.id >> 16) END",
            "objects that differ from the log", why);
    if (status == GANTRY_OK)
        status = sqlite_db_number(handle, path, "SELECT count(*) FROM kv", &keys, why);
    if (status == GANTRY_OK)
        snprintf(found->text, sizeof found->text,
                 "%s: %s check passed, %" PRId64 " objects, revision %" PRIu64
                 ", history from revision %" PRIu64,
                 path, full ? "full" : "quick", keys, rev, compacted + 1);
    return status;
}

gantry_status sqlite_db_check(const char *path, const char *vfs, bool full, struct sentence *found,
                              struct sentence *why)
{
    sqlite3 *handle = NULL;
    gantry_status status = sqlite_db_connect(path, vfs, SQLITE_OPEN_READONLY, 5000, &handle, why);
    int code = SQLITE_OK;
    if (status == GANTRY_OK &&
        (code = sqlite3_exec(handle, "BEGIN", NULL, NULL, NULL)) != SQLITE_OK)
        status = sqlite_db_explain(handle, code, path, "check", why);
    if (status == GANTRY_OK) status = check_pages(handle, path, full, why);
    if (status == GANTRY_OK) status = check_content(handle, path, full, found, why);
    sqlite3_close(handle);
    return status;
}

/* ---- restore ---- */

static gantry_status take_over(struct sqlite_db *db, struct sentence *why)
{
    int64_t last = 0, forgot = 0;
    gantry_status status = sqlite_db_number(
        db->handle, db->path, "SELECT ifnull(max(id) >> 16, 0) FROM source.log", &last, why);
    if (status == GANTRY_OK)
        status = sqlite_db_number(
            db->handle, db->path,
            "SELECT CAST(value AS INTEGER) FROM source.meta WHERE name = 'compacted'", &forgot,
            why);
    if (status != GANTRY_OK) return status;
    uint64_t rev = db->rev;
    if (rev < (uint64_t)last) rev = (uint64_t)last;
    if (rev < (uint64_t)forgot) rev = (uint64_t)forgot;
    rev++;
    /* Objects keep their first revision and get the new one as their last: a compare with a
     * revision from before never holds by accident. */
    char *sql =
        sqlite3_mprintf("BEGIN IMMEDIATE; DELETE FROM main.kv; DELETE FROM main.log;"
                        "INSERT INTO main.kv(k, create_rev, mod_rev, v)"
                        " SELECT k, create_rev, %llu, v FROM source.kv ORDER BY k;"
                        "UPDATE main.meta SET value = %llu WHERE name = 'compacted'; COMMIT",
                        (unsigned long long)rev, (unsigned long long)rev);
    int code = sql ? sqlite3_exec(db->handle, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code != SQLITE_OK) {
        status = sqlite_db_explain(db->handle, code, db->path, "restore into", why);
        if (!sqlite3_get_autocommit(db->handle))
            sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
        return status;
    }
    db->rev = db->compacted = rev;
    return GANTRY_OK;
}

static gantry_status attach_and_take(struct sqlite_db *db, const char *copy, struct sentence *why)
{
    char *sql = sqlite3_mprintf("ATTACH %Q AS source", copy);
    int code = sql ? sqlite3_exec(db->handle, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code != SQLITE_OK) return sqlite_db_explain(db->handle, code, copy, "read", why);
    gantry_status status = take_over(db, why);
    sqlite3_exec(db->handle, "DETACH source", NULL, NULL, NULL);
    return status;
}

static void remove_copy(const char *copy)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".partial"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char *name = sqlite3_mprintf("%s%s", copy, tails[i]);
        if (name) unlink(name);
        sqlite3_free(name);
    }
}

/* The backup may be of an older schema and on read-only media: a copy of it beside the store is
 * checked and brought to this schema, then taken over. */
gantry_status sqlite_db_restore(struct sqlite_db *db, const char *from, struct sentence *why)
{
    if (from[0] != '/')
        return refuse(why, GANTRY_EINVAL, "%s: name the backup by an absolute path", from);
    if (access(from, R_OK) < 0)
        return refuse(why, GANTRY_EINVAL, "cannot read %s: %s", from, strerror(errno));
    char *copy = sqlite3_mprintf("%s.restoring", db->path);
    if (!copy) return refuse(why, GANTRY_ENOMEM, "out of memory");
    remove_copy(copy);
    uint64_t rev;
    struct sentence found;
    gantry_status status = sqlite_db_check(from, db->vfs, true, &found, why);
    if (status == GANTRY_OK) status = sqlite_db_backup(from, db->vfs, copy, &rev, why);
    struct sqlite_db *source = NULL;
    struct sqlite_db_options options = {.path = copy, .vfs = db->vfs, .gantry = GANTRY_VERSION};
    if (status == GANTRY_OK) status = sqlite_db_open(&options, &source, why);
    sqlite_db_close(source);
    if (status == GANTRY_OK) status = attach_and_take(db, copy, why);
    remove_copy(copy);
    sqlite3_free(copy);
    return status;
}
