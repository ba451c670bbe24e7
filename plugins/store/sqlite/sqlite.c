/* SPDX-License-Identifier: Apache-2.0 */
/* Store `sqlite`: one file, durable.  What the host calls here is copied and handed to the store's
 * thread; only backup and check run on workers, over connections of their own. */
#include "sqlite_thread.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct store {
    const gantry_host_api *api;
    gantry_host *host;
    struct store_thread thread;
    char *path;
};

static char *copy_str(gantry_str s)
{
    char *text = malloc(s.len + 1);
    if (!text) return NULL;
    if (s.len) memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return text;
}

static void note(void *arg, const char *text)
{
    struct store *s = arg;
    s->api->logf(s->host, GANTRY_LOG_WARN, "%s", text);
}

static char *default_path(const gantry_host_api *api, gantry_host *host)
{
    const gantry_host_instance *facts = api->extension(host, GANTRY_HOST_INSTANCE);
    if (!facts || !GANTRY_HAS(facts, state_dir)) return NULL;
    gantry_str dir = facts->state_dir(host);
    char *path = dir.len ? malloc(dir.len + sizeof "/store.db") : NULL;
    if (path) sprintf(path, "%.*s/store.db", (int)dir.len, dir.ptr);
    return path;
}

static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    gantry_str path = {0};
    int64_t busy_ms = 0;
    if (api->conf_int(conf, "busy_ms", &busy_ms) != GANTRY_OK || busy_ms < 0 || busy_ms > 60000)
        return api->error_setf(host, err, GANTRY_EINVAL,
                               "busy_ms is %" PRId64 "; it must be between 0 and 60000", busy_ms);
    api->conf_str(conf, "path", &path);
    struct store *s = calloc(1, sizeof *s);
    if (!s) return api->error_setf(host, err, GANTRY_ENOMEM, "out of memory");
    s->path = path.len ? copy_str(path) : default_path(api, host);
    if (!s->path || s->path[0] != '/') {
        gantry_status status = api->error_setf(
            host, err, GANTRY_EINVAL, "path is \"%s\"; it must be the absolute path of a file",
            s->path ? s->path : "");
        free(s->path);
        free(s);
        return status;
    }
    s->api = api;
    s->host = host;
    s->thread.api = api;
    s->thread.host = host;
    s->thread.options = (struct sqlite_db_options){.path = s->path,
                                                   .gantry = GANTRY_VERSION,
                                                   .busy_ms = (int)busy_ms,
                                                   .note = note,
                                                   .note_arg = s};
    store_thread_init(&s->thread);
    *self = s;
    return GANTRY_OK;
}

static void open_store(void *self, gantry_op op)
{
    store_thread_start(&((struct store *)self)->thread, op);
}

static void shut_down(void *self, gantry_op op)
{
    struct store *s = self;
    if (s->thread.started)
        store_thread_stop(&s->thread, op);
    else
        s->api->op_done(s->host, op, NULL);
}

static void destroy(void *self)
{
    struct store *s = self;
    store_thread_stop(&s->thread, 0);
    store_thread_join(&s->thread);
    store_thread_fini(&s->thread);
    free(s->path);
    free(s);
}

/* ---- requests ---- */

static struct request *request_create(struct store *s, gantry_op op, enum request_type type,
                                      size_t more)
{
    struct request *r = calloc(1, sizeof *r + more);
    if (!r) {
        s->api->op_failf(s->host, op, GANTRY_ENOMEM, "out of memory");
        return NULL;
    }
    r->type = type;
    r->op = op;
    r->bytes = sizeof *r + more;
    return r;
}

static void give_text(struct store *s, gantry_op op, enum request_type type, gantry_str text,
                      uint64_t rev)
{
    struct request *r = request_create(s, op, type, text.len + 1);
    if (!r) return;
    char *copy = (char *)(r + 1);
    if (text.len) memcpy(copy, text.ptr, text.len);
    r->text = (gantry_str){copy, text.len};
    r->rev = rev;
    store_thread_give(&s->thread, r);
}

static void list(void *self, gantry_op op, gantry_str prefix)
{
    give_text(self, op, REQUEST_LIST, prefix, 0);
}

static void watch(void *self, gantry_op op, gantry_str prefix, uint64_t from_rev)
{
    give_text(self, op, REQUEST_WATCH, prefix, from_rev);
}

static void compact(void *self, gantry_op op, uint64_t rev)
{
    give_text(self, op, REQUEST_COMPACT, (gantry_str){0}, rev);
}

static void restore(void *self, gantry_op op, gantry_str path)
{
    give_text(self, op, REQUEST_RESTORE, path, 0);
}

/* All that a transaction points to, behind the request: lists of pointers, structs, then bytes. */
static void *carve(char **at, size_t bytes)
{
    void *p = *at;
    *at += (bytes + 7) & ~(size_t)7;
    return p;
}

static const void *carve_copy(char **at, const void *from, size_t bytes)
{
    void *p = carve(at, bytes);
    if (bytes) memcpy(p, from, bytes);
    return p;
}

static size_t txn_bytes(const gantry_store_txn *txn)
{
    size_t n = 64 + txn->compare_count * (sizeof(gantry_store_compare) + 8 + sizeof(void *)) +
               txn->write_count * (sizeof(gantry_store_write) + 16 + sizeof(void *));
    for (uint32_t i = 0; i < txn->compare_count; i++)
        n += txn->compares[i]->key.len;
    for (uint32_t i = 0; i < txn->write_count; i++)
        n += txn->writes[i]->key.len + txn->writes[i]->value.len;
    return n + 16u * (txn->compare_count + txn->write_count);
}

static void txn(void *self, gantry_op op, const gantry_store_txn *asked)
{
    struct store *s = self;
    struct request *r = request_create(s, op, REQUEST_TXN, txn_bytes(asked));
    if (!r) return;
    char *at = (char *)(r + 1);
    gantry_store_compare *compares = carve(&at, asked->compare_count * sizeof *compares);
    gantry_store_write *writes = carve(&at, asked->write_count * sizeof *writes);
    const gantry_store_compare **compare_list = carve(&at, asked->compare_count * sizeof(void *));
    const gantry_store_write **write_list = carve(&at, asked->write_count * sizeof(void *));
    for (uint32_t i = 0; i < asked->compare_count; i++) {
        const gantry_store_compare *c = asked->compares[i];
        compares[i] =
            (gantry_store_compare){.size = (uint32_t)sizeof *c,
                                   .mod_rev = c->mod_rev,
                                   .key = {carve_copy(&at, c->key.ptr, c->key.len), c->key.len}};
        compare_list[i] = &compares[i];
    }
    for (uint32_t i = 0; i < asked->write_count; i++) {
        const gantry_store_write *w = asked->writes[i];
        writes[i] = (gantry_store_write){
            .size = (uint32_t)sizeof *w,
            .type = w->type,
            .key = {carve_copy(&at, w->key.ptr, w->key.len), w->key.len},
            .value = {carve_copy(&at, w->value.ptr, w->value.len), w->value.len}};
        write_list[i] = &writes[i];
    }
    r->txn = (gantry_store_txn){.size = (uint32_t)sizeof r->txn,
                                .compare_count = asked->compare_count,
                                .write_count = asked->write_count,
                                .compares = compare_list,
                                .writes = write_list};
    store_thread_give(&s->thread, r);
}

static void cancel(void *self, gantry_op op)
{
    store_thread_cancel(&((struct store *)self)->thread, op);
}

/* ---- backup and check: on a worker ---- */

struct care {
    struct store *store;
    gantry_op op;
    bool full;
    char *to; /* NULL = a check */
};

static void care_run(void *arg)
{
    struct care *c = arg;
    struct store *s = c->store;
    struct sentence why, found = {""};
    gantry_store_result result = {.size = (uint32_t)sizeof result};
    gantry_status status = c->to ? sqlite_db_backup(s->path, NULL, c->to, &result.rev, &why)
                                 : sqlite_db_check(s->path, NULL, c->full, &found, &why);
    result.text = (gantry_str){found.text, strlen(found.text)};
    if (status == GANTRY_OK)
        s->api->op_done(s->host, c->op, &result);
    else
        s->api->op_failf(s->host, c->op, status, "%s", why.text);
}

static void care_done(void *arg, gantry_status status)
{
    struct care *c = arg;
    if (status != GANTRY_OK) /* it never ran */
        c->store->api->op_failf(c->store->host, c->op, status, "there was no worker for it");
    free(c->to);
    free(c);
}

static void care(struct store *s, gantry_op op, char *to, bool full)
{
    struct care *c = calloc(1, sizeof *c);
    if (!c) {
        free(to);
        s->api->op_failf(s->host, op, GANTRY_ENOMEM, "out of memory");
        return;
    }
    *c = (struct care){.store = s, .op = op, .full = full, .to = to};
    gantry_status status = s->api->work(s->host, care_run, care_done, c);
    if (status != GANTRY_OK) {
        free(c->to);
        free(c);
        s->api->op_failf(s->host, op, status, "too much is being done at once; try again");
    }
}

static void backup(void *self, gantry_op op, gantry_str path)
{
    struct store *s = self;
    char *to = copy_str(path);
    if (to)
        care(s, op, to, false);
    else
        s->api->op_failf(s->host, op, GANTRY_ENOMEM, "out of memory");
}

static void check(void *self, gantry_op op, uint32_t flags)
{
    care(self, op, NULL, flags & GANTRY_STORE_CHECK_FULL);
}

/* ---- what this plugin is ---- */

static const gantry_base_ops base = {.size = (uint32_t)sizeof base,
                                     .create = create,
                                     .open = open_store,
                                     .shutdown = shut_down,
                                     .destroy = destroy,
                                     .cancel = cancel};

static const gantry_store_ops ops = {.size = (uint32_t)sizeof ops,
                                     .caps = GANTRY_STORE_DURABLE,
                                     .max_txn_ops = SQLITE_DB_TXN_OPS_MAX,
                                     .max_value_bytes = SQLITE_DB_VALUE_MAX,
                                     .base = &base,
                                     .list = list,
                                     .txn = txn,
                                     .watch = watch,
                                     .compact = compact,
                                     .backup = backup,
                                     .check = check,
                                     .restore = restore};

static const gantry_setting path_setting = {
    .size = (uint32_t)sizeof path_setting,
    .type = GANTRY_SETTING_STR,
    .path = "path",
    .fallback = "",
    .doc = "The store's file, on a local disk.  Empty: store.db in the instance's state folder."};
static const gantry_setting busy_setting = {
    .size = (uint32_t)sizeof busy_setting,
    .type = GANTRY_SETTING_INT,
    .path = "busy_ms",
    .fallback = "5000",
    .doc = "How long a write waits while another program (an sqlite3 shell) has the file locked."};
static const gantry_setting *const settings[] = {&path_setting, &busy_setting, NULL};

static const gantry_provider sqlite = {.size = (uint32_t)sizeof sqlite,
                                       .draft = GANTRY_STORE_DRAFT,
                                       .kind = GANTRY_STORE_KIND,
                                       .name = "sqlite",
                                       .settings = settings,
                                       .ops = &ops};
static const gantry_provider *const providers[] = {&sqlite};

static const gantry_plugin plugin = {.size = (uint32_t)sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "sqlite",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "State in one SQLite file, durable",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "sqlite", "0.1.0", 0, 1, "gantry.store/1")
