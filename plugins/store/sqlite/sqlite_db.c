/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions, compaction. */
#include "sqlite_db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

gantry_status sqlite_db_explain(sqlite3 *handle, int code, const char *path, const char *doing,
                                struct sentence *why)
{
    const char *text = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return refuse(why, GANTRY_EUNAVAIL,
                      "cannot %s %s: the disk is full; writing goes on once there is space", doing,
                      path);
    case SQLITE_IOERR:
        return refuse(why, GANTRY_EUNAVAIL,
                      "cannot %s %s: the disk failed (%s, code %d, errno %d: %s)", doing, path,
                      text, code, handle ? sqlite3_system_errno(handle) : 0,
                      handle ? strerror(sqlite3_system_errno(handle)) : "");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return refuse(why, GANTRY_EBUSY,
                      "cannot %s %s: another program has it locked (an sqlite3 shell?)", doing,
                      path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return refuse(why, GANTRY_EINVAL,
                      "%s is damaged or not a gantry store (%s); move it away and restore a backup "
                      "with `gantryd --restore FILE`",
                      path, text);
    case SQLITE_NOMEM:
        return refuse(why, GANTRY_ENOMEM, "cannot %s %s: out of memory", doing, path);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return refuse(why, GANTRY_EUNAVAIL,
                      "cannot %s %s: %s; the folder and the file must be writable by gantryd",
                      doing, path, text);
    case SQLITE_ERROR: /* a table or column that is not there */
        return refuse(why, GANTRY_EINVAL, "%s is not a gantry store, or not a whole one (%s)", path,
                      text);
    default:
        return refuse(why, GANTRY_EUNAVAIL, "cannot %s %s: %s (code %d)", doing, path, text, code);
    }
}

static gantry_status explain(struct sqlite_db *db, int code, const char *doing,
                             struct sentence *why)
{
    return sqlite_db_explain(db->handle, code, db->path, doing, why);
}

gantry_status sqlite_db_number(sqlite3 *handle, const char *path, const char *sql, int64_t *out,
                               struct sentence *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    gantry_status status = GANTRY_OK;
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else if (code == SQLITE_DONE)
        status = refuse(why, GANTRY_ENOTFOUND, "%s: no row for \"%s\"", path, sql);
    else
        status = sqlite_db_explain(handle, code, path, "read", why);
    sqlite3_finalize(stmt);
    return status;
}

gantry_status sqlite_db_revs(sqlite3 *handle, const char *path, uint64_t *rev, uint64_t *compacted,
                             struct sentence *why)
{
    int64_t last = 0, forgot = 0;
    gantry_status status = sqlite_db_number(
        handle, path, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'compacted'", &forgot,
        why);
    if (status == GANTRY_OK)
        status = sqlite_db_number(handle, path, "SELECT ifnull(max(id), 0) FROM log", &last, why);
    if (status == GANTRY_ENOTFOUND || (status == GANTRY_OK && (last < 0 || forgot < 0)))
        return refuse(why, GANTRY_EINVAL,
                      "%s is damaged (no revision in it); move it away and restore a backup with "
                      "`gantryd --restore FILE`",
                      path);
    if (status != GANTRY_OK) return status;
    *compacted = (uint64_t)forgot;
    *rev = (uint64_t)last >> SQLITE_DB_REV_SHIFT;
    if (*rev < *compacted) *rev = *compacted;
    return GANTRY_OK;
}

gantry_status sqlite_db_connect(const char *path, const char *vfs, int flags, int busy_ms,
                                sqlite3 **out, struct sentence *why)
{
    sqlite3 *handle = NULL;
    int code =
        sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (code != SQLITE_OK) {
        gantry_status status = sqlite_db_explain(handle, code, path, "open", why);
        sqlite3_close(handle);
        return status;
    }
    sqlite3_busy_timeout(handle, busy_ms);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_exec(handle, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;", NULL, NULL,
                 NULL);
    *out = handle;
    return GANTRY_OK;
}

static int count_wal_pages(void *arg, sqlite3 *handle, const char *name, int pages)
{
    (void)handle, (void)name;
    ((struct sqlite_db *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static gantry_status prepare(struct sqlite_db *db, struct sentence *why)
{
    static const char replay[] =
        "SELECT l.id, l.type, l.k, l.create_rev, l.v,"
        " EXISTS(SELECT 1 FROM log m WHERE m.id > l.id AND m.id < (((l.id >> 16) + 1) << 16)"
        "        AND substr(m.k, 1, ?2) = ?3)"
        " FROM log l WHERE l.id > ?1 AND substr(l.k, 1, ?2) = ?3 ORDER BY l.id";
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        {&db->begin, "BEGIN IMMEDIATE"},
        {&db->commit, "COMMIT"},
        {&db->rollback, "ROLLBACK"},
        {&db->get, "SELECT create_rev, mod_rev, id FROM kv WHERE k = ?1"},
        {&db->insert, "INSERT INTO kv(k, create_rev, mod_rev, v) VALUES(?1, ?2, ?3, ?4)"},
        {&db->update, "UPDATE kv SET mod_rev = ?2, v = ?3 WHERE id = ?1"},
        {&db->remove, "DELETE FROM kv WHERE id = ?1"},
        {&db->log, "INSERT INTO log(id, type, k, create_rev, v) VALUES(?1, ?2, ?3, ?4, ?5)"},
        {&db->replay, replay},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int code = sqlite3_prepare_v3(db->handle, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      all[i].stmt, NULL);
        if (code != SQLITE_OK) return explain(db, code, "use", why);
    }
    return GANTRY_OK;
}

gantry_status sqlite_db_open(const struct sqlite_db_options *options, struct sqlite_db **out,
                             struct sentence *why)
{
    struct sqlite_db *db = calloc(1, sizeof *db);
    if (db) db->path = strdup(options->path);
    if (db && options->vfs) db->vfs = strdup(options->vfs);
    if (!db || !db->path || (options->vfs && !db->vfs)) {
        sqlite_db_close(db);
        return refuse(why, GANTRY_ENOMEM, "out of memory");
    }
    db->busy_ms = options->busy_ms;
    gantry_status status =
        sqlite_db_connect(options->path, options->vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                          options->busy_ms, &db->handle, why);
    if (status == GANTRY_OK) status = sqlite_schema_ready(db->handle, options, why);
    if (status == GANTRY_OK)
        status = sqlite_db_revs(db->handle, db->path, &db->rev, &db->compacted, why);
    if (status == GANTRY_OK) status = prepare(db, why);
    if (status != GANTRY_OK) {
        sqlite_db_close(db);
        return status;
    }
    sqlite3_wal_hook(db->handle, count_wal_pages, db); /* also turns automatic checkpoints off */
    *out = db;
    return GANTRY_OK;
}

void sqlite_db_close(struct sqlite_db *db)
{
    if (!db) return;
    sqlite3_stmt *all[] = {db->begin,  db->commit, db->rollback, db->get,   db->insert,
                           db->update, db->remove, db->log,      db->replay};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(db->handle);
    free(db->path);
    free(db->vfs);
    free(db);
}

/* ---- transactions ---- */

static int run(sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    int reset = sqlite3_reset(stmt);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : reset ? reset : code;
}

/* SQLite may have rolled back already: a full disk and a failed write end the whole transaction. */
static void roll_back(struct sqlite_db *db)
{
    if (!sqlite3_get_autocommit(db->handle)) run(db->rollback);
    db->next_rev = 0;
}

gantry_status sqlite_db_begin(struct sqlite_db *db, struct sentence *why)
{
    int code = run(db->begin);
    if (code != SQLITE_OK) return explain(db, code, "write to", why);
    db->next_rev = db->rev + 1;
    return GANTRY_OK;
}

/* The connection stays open after a failed commit, on purpose: SQLite then overwrites the same
 * place in its log.  Reading that log again would bring back frames that sit in the page cache and
 * that the kernel, after a failed fsync, never writes. */
gantry_status sqlite_db_commit(struct sqlite_db *db, struct sentence *why)
{
    int code = run(db->commit);
    if (code != SQLITE_OK) {
        gantry_status status = explain(db, code, "write to", why);
        roll_back(db);
        return status;
    }
    db->rev = db->next_rev - 1;
    return GANTRY_OK;
}

struct row {
    bool found;
    int64_t create_rev, mod_rev, id;
};

static int bind_bytes(sqlite3_stmt *stmt, int i, const void *bytes, size_t len)
{
    return sqlite3_bind_blob(stmt, i, len ? bytes : "", (int)len, SQLITE_STATIC);
}

static int look_up(struct sqlite_db *db, gantry_str key, struct row *row)
{
    *row = (struct row){0};
    bind_bytes(db->get, 1, key.ptr, key.len);
    int code = sqlite3_step(db->get);
    if (code == SQLITE_ROW)
        *row = (struct row){true, sqlite3_column_int64(db->get, 0),
                            sqlite3_column_int64(db->get, 1), sqlite3_column_int64(db->get, 2)};
    int reset = sqlite3_reset(db->get);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : reset ? reset : code;
}

static gantry_status check_limits(const gantry_store_txn *txn, struct sentence *why)
{
    if (txn->write_count > SQLITE_DB_TXN_OPS_MAX || txn->compare_count > SQLITE_DB_TXN_OPS_MAX)
        return refuse(why, GANTRY_EINVAL, "a transaction takes at most %d writes and %d compares",
                      SQLITE_DB_TXN_OPS_MAX, SQLITE_DB_TXN_OPS_MAX);
    for (uint32_t i = 0; i < txn->compare_count; i++) {
        size_t len = txn->compares[i]->key.len;
        if (len == 0 || len > SQLITE_DB_KEY_MAX)
            return refuse(why, GANTRY_EINVAL, "a key is 1 to %d bytes long", SQLITE_DB_KEY_MAX);
    }
    for (uint32_t i = 0; i < txn->write_count; i++) {
        const gantry_store_write *w = txn->writes[i];
        if (w->key.len == 0 || w->key.len > SQLITE_DB_KEY_MAX)
            return refuse(why, GANTRY_EINVAL, "a key is 1 to %d bytes long", SQLITE_DB_KEY_MAX);
        if (w->type != GANTRY_STORE_PUT && w->type != GANTRY_STORE_DELETE)
            return refuse(why, GANTRY_EINVAL, "a write is a put or a delete");
        if (w->type == GANTRY_STORE_PUT && w->value.len > SQLITE_DB_VALUE_MAX)
            return refuse(why, GANTRY_EINVAL, "a value is at most %u bytes long",
                          SQLITE_DB_VALUE_MAX);
    }
    return GANTRY_OK;
}

/* One write; *n counts the changes that it made. */
static int apply_write(struct sqlite_db *db, const gantry_store_write *w, uint32_t *n)
{
    struct row row;
    int code = look_up(db, w->key, &row);
    bool put = w->type == GANTRY_STORE_PUT;
    if (code != SQLITE_OK || (!put && !row.found)) return code;
    int64_t rev = (int64_t)db->next_rev, create_rev = row.found ? row.create_rev : rev;
    if (!put) {
        sqlite3_bind_int64(db->remove, 1, row.id);
        code = run(db->remove);
    } else if (row.found) {
        sqlite3_bind_int64(db->update, 1, row.id);
        sqlite3_bind_int64(db->update, 2, rev);
        bind_bytes(db->update, 3, w->value.ptr, w->value.len);
        code = run(db->update);
    } else {
        bind_bytes(db->insert, 1, w->key.ptr, w->key.len);
        sqlite3_bind_int64(db->insert, 2, rev);
        sqlite3_bind_int64(db->insert, 3, rev);
        bind_bytes(db->insert, 4, w->value.ptr, w->value.len);
        code = run(db->insert);
    }
    if (code != SQLITE_OK) return code;
    sqlite3_bind_int64(db->log, 1, (rev << SQLITE_DB_REV_SHIFT) | (*n)++);
    sqlite3_bind_int64(db->log, 2, w->type);
    bind_bytes(db->log, 3, w->key.ptr, w->key.len);
    sqlite3_bind_int64(db->log, 4, create_rev);
    bind_bytes(db->log, 5, w->value.ptr, put ? w->value.len : 0);
    return run(db->log);
}

gantry_status sqlite_db_apply(struct sqlite_db *db, const gantry_store_txn *txn,
                              gantry_store_result *result, struct sentence *why)
{
    gantry_status status = check_limits(txn, why);
    if (status != GANTRY_OK) return status;
    *result = (gantry_store_result){
        .size = (uint32_t)sizeof *result, .rev = db->next_rev - 1, .compacted = db->compacted};
    int code = SQLITE_OK;
    for (uint32_t i = 0; i < txn->compare_count && code == SQLITE_OK; i++) {
        struct row row;
        code = look_up(db, txn->compares[i]->key, &row);
        if (code == SQLITE_OK && (uint64_t)row.mod_rev != txn->compares[i]->mod_rev) {
            result->failed = i + 1;
            return GANTRY_OK;
        }
    }
    uint32_t changes = 0;
    for (uint32_t i = 0; i < txn->write_count && code == SQLITE_OK; i++)
        code = apply_write(db, txn->writes[i], &changes);
    if (code != SQLITE_OK) {
        status = explain(db, code, "write to", why);
        roll_back(db);
        return status == GANTRY_EINVAL ? GANTRY_EUNAVAIL
                                       : status; /* damage is not the caller's fault */
    }
    if (changes) result->rev = db->next_rev++;
    return GANTRY_OK;
}

/* ---- compaction ---- */

gantry_status sqlite_db_compact(struct sqlite_db *db, uint64_t rev, struct sentence *why)
{
    if (rev > db->rev) rev = db->rev;
    if (rev <= db->compacted) return GANTRY_OK;
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db->handle, "UPDATE meta SET value = ?1 WHERE name = 'compacted'",
                                  -1, &stmt, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, (int64_t)rev);
        code = run(stmt);
    }
    gantry_status status = GANTRY_OK;
    if (code == SQLITE_OK)
        db->compacted = rev;
    else
        status = explain(db, code, "compact", why);
    sqlite3_finalize(stmt);
    return status;
}

gantry_status sqlite_db_trim(struct sqlite_db *db, int rows, bool *more, struct sentence *why)
{
    *more = false;
    char sql[256];
    snprintf(sql, sizeof sql,
             "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id < %" PRId64
             " ORDER BY id LIMIT %d)",
             sqlite_db_before(db->compacted + 1) + 1, rows);
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) return explain(db, code, "compact", why);
    *more = sqlite3_changes(db->handle) == rows;
    if (!*more) sqlite3_exec(db->handle, "PRAGMA incremental_vacuum(1000)", NULL, NULL, NULL);
    return GANTRY_OK;
}

void sqlite_db_checkpoint(struct sqlite_db *db)
{
    /* A failure costs nothing but space: the log still has it all, and the next one tries again. */
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    db->wal_pages = 0;
}
