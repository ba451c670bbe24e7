/* SPDX-License-Identifier: Apache-2.0 */
/* A store in an SQLite file: objects, a log of revisions, transactions.  Everything blocks; one
 * connection belongs to one thread at a time.
 *
 *   meta(name, value)                       schema, min_reader, written_by, compacted
 *   kv(k, create_rev, mod_rev, v)           what is
 *   log(id, type, k, create_rev, v)         what changed; id = revision << 16 | number within it
 *
 * The current revision is the last one of the log, or the compacted one when that is higher. */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include "sentence.h"
#include <gantry/store.h>
#include <sqlite3.h>
#include <stdbool.h>

#define SQLITE_DB_SCHEMA 1
#define SQLITE_DB_APPLICATION_ID 0x47414e54 /* "GANT" in the file's header */
#define SQLITE_DB_KEY_MAX 1024
#define SQLITE_DB_VALUE_MAX (2u << 20)
#define SQLITE_DB_TXN_OPS_MAX 4096
#define SQLITE_DB_REV_SHIFT 16 /* more bits than TXN_OPS_MAX needs */

/* One step of the schema, run inside the transaction that brings a file from `from` to `from` + 1.
 */
struct sqlite_migration {
    int from;
    const char *sql;
};

struct sqlite_db_options {
    const char *path;
    const char *vfs;    /* NULL = SQLite's own */
    const char *gantry; /* version, for written_by */
    int busy_ms;        /* how long to wait for a lock of another program */
    bool unclean;       /* the last owner did not close it: quick check first */
    /* The schema this program writes, and how to get there; 0 = SQLITE_DB_SCHEMA.  For tests. */
    int schema;
    const struct sqlite_migration *migrations;
    size_t migration_count;
    /* Told about what an operator should know (a migration and its backup); may be NULL. */
    void (*note)(void *arg, const char *text);
    void *note_arg;
};

struct sqlite_db {
    sqlite3 *handle;
    char *path, *vfs;
    int busy_ms;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *get, *insert, *update, *remove, *log, *replay;
    uint64_t rev, compacted; /* committed */
    uint64_t next_rev;       /* of the next transaction in the open group */
    int wal_pages;           /* in the write-ahead log after the last commit */
};

/* GANTRY_EINVAL: the file is damaged, of another program, or of a newer gantry; the sentence says
 * what to do.  GANTRY_EUNAVAIL: the disk or its permissions; GANTRY_EBUSY: locked by another
 * program. */
gantry_status sqlite_db_open(const struct sqlite_db_options *options, struct sqlite_db **out,
                             struct sentence *why);
/* Moves the write-ahead log into the file when it can.  NULL does nothing. */
void sqlite_db_close(struct sqlite_db *db);

/* ---- transactions: a group of them is one commit, one fsync ---- */

gantry_status sqlite_db_begin(struct sqlite_db *db, struct sentence *why);
/* GANTRY_OK: result->failed says whether a compare did not hold (nothing was written then); the rev
 * is real only once the group is committed.  EINVAL: a limit, nothing was written, the group goes
 * on. Anything else: the group is rolled back. */
gantry_status sqlite_db_apply(struct sqlite_db *db, const gantry_store_txn *txn,
                              gantry_store_result *result, struct sentence *why);
/* EUNAVAIL: UNKNOWN for every transaction of the group: gone for this process, but after a power
 * cut it may be there. */
gantry_status sqlite_db_commit(struct sqlite_db *db, struct sentence *why);

gantry_status sqlite_db_compact(struct sqlite_db *db, uint64_t rev, struct sentence *why);
/* Delete some of the log that is compacted away; *more = there is more to delete. */
gantry_status sqlite_db_trim(struct sqlite_db *db, int rows, bool *more, struct sentence *why);
/* Copy the write-ahead log into the file; readers and writers go on. */
void sqlite_db_checkpoint(struct sqlite_db *db);

/* ---- reading ---- */

typedef gantry_status (*sqlite_emit_fn)(void *arg, const gantry_store_item *item);

/* Where a replay continues: after everything of revision from_rev - 1. */
static inline int64_t sqlite_db_before(uint64_t from_rev)
{
    return (int64_t)(from_rev << SQLITE_DB_REV_SHIFT) - 1;
}
/* Up to max changes after *last under prefix, oldest first; *last moves with each.  Returns what
 * emit returned when that was not OK; *end = nothing is left. */
gantry_status sqlite_db_replay(struct sqlite_db *db, gantry_str prefix, int64_t *last, size_t max,
                               sqlite_emit_fn emit, void *arg, bool *end, struct sentence *why);

/* A list at one revision, over a connection of its own, so that writes go on. */
struct sqlite_list {
    sqlite3 *handle;
    sqlite3_stmt *rows;
    uint64_t rev, compacted;
    bool row_waits; /* the present row was not taken yet */
};
gantry_status sqlite_list_open(const struct sqlite_db *db, gantry_str prefix,
                               struct sqlite_list **out, struct sentence *why);
gantry_status sqlite_list_run(struct sqlite_list *list, size_t max, sqlite_emit_fn emit, void *arg,
                              bool *end, struct sentence *why);
void sqlite_list_close(struct sqlite_list *list);

/* ---- care (sqlite_care.c): each may run on any thread, with connections of its own, but restore
 * --- */

/* A consistent copy as one file without companions.  EINVAL: the file exists, or the path is
 * relative. */
gantry_status sqlite_db_backup(const char *from, const char *vfs, const char *to, uint64_t *rev,
                               struct sentence *why);
/* OK with a summary in *found, or EINVAL with the damage in *why. */
gantry_status sqlite_db_check(const char *path, const char *vfs, bool full, struct sentence *found,
                              struct sentence *why);
/* Replace the content by that of a backup: one transaction, one new revision, which is also the
 * compacted one. */
gantry_status sqlite_db_restore(struct sqlite_db *db, const char *from, struct sentence *why);

/* ---- shared by the files of this folder ---- */

/* What SQLite's error means for a caller, with a sentence that names the file. */
gantry_status sqlite_db_explain(sqlite3 *handle, int code, const char *path, const char *doing,
                                struct sentence *why);
/* Open, check and bring to this schema (sqlite_schema.c). */
gantry_status sqlite_schema_ready(sqlite3 *handle, const struct sqlite_db_options *options,
                                  struct sentence *why);
/* One number; ENOTFOUND when there is no row. */
gantry_status sqlite_db_number(sqlite3 *handle, const char *path, const char *sql, int64_t *out,
                               struct sentence *why);
gantry_status sqlite_db_revs(sqlite3 *handle, const char *path, uint64_t *rev, uint64_t *compacted,
                             struct sentence *why);
gantry_status sqlite_db_connect(const char *path, const char *vfs, int flags, int busy_ms,
                                sqlite3 **out, struct sentence *why);

#endif
