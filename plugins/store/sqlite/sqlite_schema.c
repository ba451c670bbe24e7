/* SPDX-License-Identifier: Apache-2.0 */
/* What a store file must look like: made when new, checked when not, brought to this schema when
 * older. */
#include "sqlite_db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char create_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
    "CREATE TABLE kv(id INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, create_rev INTEGER NOT NULL,"
    " mod_rev INTEGER NOT NULL, v BLOB NOT NULL);"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, type INTEGER NOT NULL, k BLOB NOT NULL,"
    " create_rev INTEGER NOT NULL, v BLOB NOT NULL);"
    "INSERT INTO meta VALUES('compacted', 0);";

/* From a released schema to the next.  Schema 1 is the first; see README.md before adding one. */
static const struct sqlite_migration no_migrations[1] = {{0, NULL}};

static gantry_status execute(sqlite3 *handle, const struct sqlite_db_options *options,
                             const char *sql, const char *doing, struct sentence *why)
{
    int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? GANTRY_OK
                             : sqlite_db_explain(handle, code, options->path, doing, why);
}

static void roll_back(sqlite3 *handle)
{
    if (!sqlite3_get_autocommit(handle)) sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
}

/* schema, min_reader and written_by, as of now. */
static gantry_status stamp(sqlite3 *handle, const struct sqlite_db_options *options, int schema,
                           struct sentence *why)
{
    char *sql = sqlite3_mprintf("INSERT INTO meta VALUES('schema', %d), ('min_reader', %d),"
                                " ('written_by', %Q)"
                                " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                                schema, schema, options->gantry ? options->gantry : "");
    gantry_status status = sql ? execute(handle, options, sql, "write to", why)
                               : refuse(why, GANTRY_ENOMEM, "out of memory");
    sqlite3_free(sql);
    return status;
}

static gantry_status create(sqlite3 *handle, const struct sqlite_db_options *options, int schema,
                            struct sentence *why)
{
    gantry_status status = execute(handle, options, create_sql, "create", why);
    if (status == GANTRY_OK) status = stamp(handle, options, schema, why);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", SQLITE_DB_APPLICATION_ID);
    if (status == GANTRY_OK) status = execute(handle, options, sql, "create", why);
    if (status == GANTRY_OK) status = execute(handle, options, "COMMIT", "create", why);
    if (status != GANTRY_OK) roll_back(handle);
    return status;
}

static gantry_status damaged(const struct sqlite_db_options *options, struct sentence *why,
                             const char *what)
{
    char line[300]; /* SQLite's findings come with line breaks */
    snprintf(line, sizeof line, "%s", what);
    for (char *c = line; *c; c++)
        if (*c == '\n') *c = ' ';
    return refuse(
        why, GANTRY_EINVAL,
        "%s is damaged (%s); move it away and restore a backup with `gantryd --restore FILE`",
        options->path, line);
}

/* ---- migration ---- */

/* A copy beside the file, under a name that is not taken. */
static gantry_status back_up_first(const struct sqlite_db_options *options, int schema,
                                   struct sentence *why)
{
    for (int n = 0; n < 100; n++) {
        char *to = n ? sqlite3_mprintf("%s.schema%d.%d.backup", options->path, schema, n)
                     : sqlite3_mprintf("%s.schema%d.backup", options->path, schema);
        if (!to) return refuse(why, GANTRY_ENOMEM, "out of memory");
        if (!options->vfs && access(to, F_OK) == 0) {
            sqlite3_free(to);
            continue;
        }
        uint64_t rev;
        gantry_status status = sqlite_db_backup(options->path, options->vfs, to, &rev, why);
        if (status == GANTRY_OK && options->note) {
            char text[768];
            snprintf(text, sizeof text, "%s has schema %d and is brought to %d; a copy is in %s",
                     options->path, schema, options->schema ? options->schema : SQLITE_DB_SCHEMA,
                     to);
            options->note(options->note_arg, text);
        }
        sqlite3_free(to);
        return status;
    }
    return refuse(why, GANTRY_EINVAL, "%s: there are 100 backups of schema %d beside it already",
                  options->path, schema);
}

static const struct sqlite_migration *step_from(const struct sqlite_db_options *options, int from)
{
    const struct sqlite_migration *steps =
        options->migrations ? options->migrations : no_migrations;
    size_t n = options->migrations ? options->migration_count : 0;
    for (size_t i = 0; i < n; i++)
        if (steps[i].from == from) return &steps[i];
    return NULL;
}

static gantry_status migrate(sqlite3 *handle, const struct sqlite_db_options *options, int from,
                             int to, struct sentence *why)
{
    for (int at = from; at < to; at++)
        if (!step_from(options, at))
            return refuse(
                why, GANTRY_EINVAL,
                "%s has schema %d, from which this gantry %s knows no way to its own schema "
                "%d; open it once with a gantry in between",
                options->path, from, options->gantry ? options->gantry : "", to);
    gantry_status status = back_up_first(options, from, why);
    if (status == GANTRY_OK) status = execute(handle, options, "BEGIN IMMEDIATE", "migrate", why);
    for (int at = from; status == GANTRY_OK && at < to; at++)
        status = execute(handle, options, step_from(options, at)->sql, "migrate", why);
    if (status == GANTRY_OK) status = stamp(handle, options, to, why);
    if (status == GANTRY_OK) status = execute(handle, options, "COMMIT", "migrate", why);
    if (status != GANTRY_OK) roll_back(handle);
    return status;
}

/* ---- checks ---- */

static gantry_status quick_check(sqlite3 *handle, const struct sqlite_db_options *options,
                                 struct sentence *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    gantry_status status = GANTRY_OK;
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (!text || strcmp(text, "ok") != 0) status = damaged(options, why, text ? text : "?");
    } else {
        status = sqlite_db_explain(handle, code, options->path, "check", why);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* Read once what every start reads, so that a file that cannot work is refused here. */
static gantry_status check_version(sqlite3 *handle, const struct sqlite_db_options *options,
                                   int ours, int64_t *schema, struct sentence *why)
{
    int64_t min_reader = 0;
    gantry_status status = sqlite_db_number(
        handle, options->path, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema'",
        schema, why);
    if (status == GANTRY_OK)
        status = sqlite_db_number(
            handle, options->path,
            "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'min_reader'", &min_reader, why);
    if (status == GANTRY_ENOTFOUND) return damaged(options, why, "it does not say its schema");
    if (status != GANTRY_OK || min_reader <= ours) return status;

    sqlite3_stmt *stmt = NULL;
    const char *by = NULL;
    if (sqlite3_prepare_v2(handle, "SELECT value FROM meta WHERE name = 'written_by'", -1, &stmt,
                           NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        by = (const char *)sqlite3_column_text(stmt, 0);
    status =
        refuse(why, GANTRY_EINVAL,
               "%s has schema %" PRId64 ", written by gantry %.32s; this gantry %s reads up to "
               "schema %d; start the newer gantry, or restore a backup of this one",
               options->path, *schema, by ? by : "(not said)",
               options->gantry ? options->gantry : "", ours);
    sqlite3_finalize(stmt);
    return status;
}

static gantry_status into_wal(sqlite3 *handle, const struct sqlite_db_options *options,
                              struct sentence *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    gantry_status status = GANTRY_OK;
    if (code != SQLITE_ROW)
        status = sqlite_db_explain(handle, code, options->path, "open", why);
    else if (sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") != 0)
        status = refuse(why, GANTRY_EUNAVAIL,
                        "cannot open %s: its file system does not allow shared memory, which the "
                        "write-ahead log needs",
                        options->path);
    sqlite3_finalize(stmt);
    if (status == GANTRY_OK)
        status = execute(handle, options,
                         "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;", "open",
                         why);
    return status;
}

gantry_status sqlite_schema_ready(sqlite3 *handle, const struct sqlite_db_options *options,
                                  struct sentence *why)
{
    int ours = options->schema ? options->schema : SQLITE_DB_SCHEMA;
    int64_t tables = 0, id = 0, schema = 0;
    gantry_status status =
        sqlite_db_number(handle, options->path, "SELECT count(*) FROM sqlite_master", &tables, why);
    if (status == GANTRY_OK)
        status = sqlite_db_number(handle, options->path, "PRAGMA application_id", &id, why);
    if (status != GANTRY_OK) return status;
    if (tables > 0 && id != SQLITE_DB_APPLICATION_ID)
        return refuse(
            why, GANTRY_EINVAL,
            "%s is an SQLite database of another program, not a gantry store; name another "
            "file with `path`",
            options->path);
    if (tables == 0) { /* takes effect only while there is no table */
        status = execute(handle, options, "PRAGMA auto_vacuum = INCREMENTAL", "create", why);
        if (status == GANTRY_OK) status = into_wal(handle, options, why);
        if (status == GANTRY_OK) status = create(handle, options, ours, why);
        return status;
    }
    if (options->unclean) status = quick_check(handle, options, why);
    if (status == GANTRY_OK) status = check_version(handle, options, ours, &schema, why);
    if (status == GANTRY_OK) status = into_wal(handle, options, why);
    if (status == GANTRY_OK && schema < ours)
        status = migrate(handle, options, (int)schema, ours, why);
    return status;
}
