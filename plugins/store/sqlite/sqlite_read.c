/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: the log from a revision on, and lists at one revision. */
#include "sqlite_db.h"

#include <stdlib.h>
#include <string.h>

static gantry_str text_column(sqlite3_stmt *stmt, int i)
{
    const void *bytes = sqlite3_column_blob(stmt, i);
    return (gantry_str){bytes, (size_t)sqlite3_column_bytes(stmt, i)};
}

static gantry_bytes bytes_column(sqlite3_stmt *stmt, int i)
{
    gantry_str s = text_column(stmt, i);
    return (gantry_bytes){s.ptr, s.len};
}

gantry_status sqlite_db_replay(struct sqlite_db *db, gantry_str prefix, int64_t *last, size_t max,
                               sqlite_emit_fn emit, void *arg, bool *end, struct sentence *why)
{
    sqlite3_stmt *stmt = db->replay;
    sqlite3_bind_int64(stmt, 1, *last);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)prefix.len);
    sqlite3_bind_blob(stmt, 3, prefix.len ? prefix.ptr : "", (int)prefix.len, SQLITE_STATIC);
    gantry_status status = GANTRY_OK;
    int code = SQLITE_ROW;
    *end = false;
    for (size_t n = 0; n < max && (code = sqlite3_step(stmt)) == SQLITE_ROW; n++) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        gantry_store_item item = {
            .size = (uint32_t)sizeof item,
            .type = (uint32_t)sqlite3_column_int(stmt, 1),
            .mod_rev = (uint64_t)id >> SQLITE_DB_REV_SHIFT,
            .create_rev = (uint64_t)sqlite3_column_int64(stmt, 3),
            .key = text_column(stmt, 2),
            .value = bytes_column(stmt, 4),
            .flags = sqlite3_column_int(stmt, 5) ? GANTRY_STORE_MORE : 0,
        };
        if ((status = emit(arg, &item)) != GANTRY_OK) break;
        *last = id;
    }
    if (status == GANTRY_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = sqlite_db_explain(db->handle, code, db->path, "read", why);
    *end = status == GANTRY_OK && code == SQLITE_DONE;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return status;
}

/* The lowest key above every key with this prefix; false when there is none. */
static bool upper_bound(gantry_str prefix, unsigned char *out, size_t *len)
{
    size_t n = prefix.len;
    while (n > 0 && (unsigned char)prefix.ptr[n - 1] == 0xff)
        n--;
    if (n == 0) return false;
    memcpy(out, prefix.ptr, n);
    out[n - 1]++;
    *len = n;
    return true;
}

static gantry_status list_start(struct sqlite_list *list, const struct sqlite_db *db,
                                gantry_str prefix, struct sentence *why)
{
    unsigned char upper[SQLITE_DB_KEY_MAX];
    size_t upper_len = 0;
    bool bounded = upper_bound(prefix, upper, &upper_len);
    int code = sqlite3_exec(list->handle, "BEGIN", NULL, NULL, NULL);
    if (code != SQLITE_OK) return sqlite_db_explain(list->handle, code, db->path, "read", why);
    gantry_status status =
        sqlite_db_revs(list->handle, db->path, &list->rev, &list->compacted, why);
    if (status != GANTRY_OK) return status;
    code = sqlite3_prepare_v2(
        list->handle,
        bounded ? "SELECT k, create_rev, mod_rev, v FROM kv WHERE k >= ?1 AND k < ?2 ORDER BY k"
                : "SELECT k, create_rev, mod_rev, v FROM kv WHERE k >= ?1 ORDER BY k",
        -1, &list->rows, NULL);
    if (code != SQLITE_OK) return sqlite_db_explain(list->handle, code, db->path, "read", why);
    sqlite3_bind_blob(list->rows, 1, prefix.len ? prefix.ptr : "", (int)prefix.len,
                      SQLITE_TRANSIENT);
    if (bounded) sqlite3_bind_blob(list->rows, 2, upper, (int)upper_len, SQLITE_TRANSIENT);
    return GANTRY_OK;
}

gantry_status sqlite_list_open(const struct sqlite_db *db, gantry_str prefix,
                               struct sqlite_list **out, struct sentence *why)
{
    if (prefix.len > SQLITE_DB_KEY_MAX)
        return refuse(why, GANTRY_EINVAL, "a prefix is at most %d bytes long", SQLITE_DB_KEY_MAX);
    struct sqlite_list *list = calloc(1, sizeof *list);
    if (!list) return refuse(why, GANTRY_ENOMEM, "out of memory");
    gantry_status status =
        sqlite_db_connect(db->path, db->vfs, SQLITE_OPEN_READONLY, db->busy_ms, &list->handle, why);
    if (status == GANTRY_OK) status = list_start(list, db, prefix, why);
    if (status != GANTRY_OK) {
        sqlite_list_close(list);
        return status;
    }
    *out = list;
    return GANTRY_OK;
}

gantry_status sqlite_list_run(struct sqlite_list *list, size_t max, sqlite_emit_fn emit, void *arg,
                              bool *end, struct sentence *why)
{
    *end = false;
    for (size_t n = 0; n < max; n++) {
        int code = list->row_waits ? SQLITE_ROW : sqlite3_step(list->rows);
        if (code == SQLITE_DONE) {
            *end = true;
            return GANTRY_OK;
        }
        if (code != SQLITE_ROW)
            return sqlite_db_explain(list->handle, code, sqlite3_db_filename(list->handle, "main"),
                                     "read", why);
        gantry_store_item item = {
            .size = (uint32_t)sizeof item,
            .type = GANTRY_STORE_PUT,
            .mod_rev = (uint64_t)sqlite3_column_int64(list->rows, 2),
            .create_rev = (uint64_t)sqlite3_column_int64(list->rows, 1),
            .key = text_column(list->rows, 0),
            .value = bytes_column(list->rows, 3),
        };
        gantry_status status = emit(arg, &item);
        list->row_waits = status != GANTRY_OK;
        if (status != GANTRY_OK) return status;
    }
    return GANTRY_OK;
}

void sqlite_list_close(struct sqlite_list *list)
{
    if (!list) return;
    sqlite3_finalize(list->rows);
    sqlite3_close(list->handle);
    free(list);
}
