/* SPDX-License-Identifier: Apache-2.0 */
/* A deterministic in-process store: transactions become durable after a while, or fail, or leave it
 * unknown whether they happened; watches lag, and break. */
#include "world.h"

enum call_kind { CALL_LIST, CALL_TXN, CALL_COMPACT };
struct disk_write {
    char *key, *value;
    size_t len;
};
struct disk_call {
    struct world *w;
    enum call_kind kind;
    bool applied, dropped;
    gantry_status status;
    gy_store_item_fn item;
    gy_store_done_fn done;
    void *arg;
    char *prefix;
    uint64_t rev;
    struct gy_store_compare *compares;
    size_t m;
    struct disk_write *writes;
    size_t n;
    gantry_store_result result;
    struct disk_call *prev, *next;
};

static gantry_str str(const char *text)
{
    return gy_str(text);
}

const struct record *disk_get(const struct world *w, const char *key)
{
    struct record *r;
    HASH_FIND_STR(w->disk.records, key, r);
    return r;
}

static void note_bound(struct world *w, const char *value, size_t len)
{
    struct gy_pod pod;
    struct bound *b;
    if (gy_shape_decode_text(&gy_pod_shape, value, len, GY_FROM_PEER, &pod, NULL) != GANTRY_OK) {
        world_fail(w, "a pod record is not readable: %.200s", value);
        return;
    }
    HASH_FIND_STR(w->bound, pod.id, b);
    if (b && strcmp(b->node, pod.node) != 0)
        world_fail(w, "pod %s was bound to %s and is now bound to %s", pod.id, b->node, pod.node);
    if (!b) {
        char key[GY_KEY_MAX];
        gy_key_app(pod.ns, pod.project, pod.app, key);
        b = gy_alloc(sizeof *b);
        b->id = gy_strdup(pod.id);
        b->node = gy_strdup(pod.node);
        b->app_key = gy_strdup(key);
        b->slot = pod.slot;
        b->generation = pod.generation;
        gy_pod_template_ask(&pod.template, &b->cpu_milli, &b->memory_bytes);
        const struct record *app = disk_get(w, key);
        b->at_most_one = app && strstr(app->value, "\"at_most_one\":true");
        b->start_first = app && strstr(app->value, "start-first");
        HASH_ADD_KEYPTR(hh, w->bound, b->id, strlen(b->id), b);
        w->placed++;
    }
    b->stored = true;
    b->wanted = pod.desired == GY_POD_RUN;
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void log_change(struct disk *d, const struct record *r, const char *key, const char *value,
                       size_t len)
{
    GY_VEC_PUSH(d->log, d->log_n, d->log_cap);
    d->log[d->log_n++] =
        (struct logged){d->rev, gy_strdup(key), value ? gy_strndup(value, len) : NULL, len,
                        r ? r->create_rev : d->rev};
}

/* How a pod stands, for the invariants. */
static void note_change(struct world *w, const char *key, const char *value)
{
    struct bound *b = NULL;
    w->changed = true;
    if (gy_starts_with(key, GY_KEY_POD)) HASH_FIND_STR(w->bound, key + strlen(GY_KEY_POD), b);
    if (b && !value) b->stored = false;
    if (!gy_starts_with(key, GY_KEY_STATUS)) return;
    HASH_FIND_STR(w->bound, key + strlen(GY_KEY_STATUS), b);
    if (b && value) b->over = strstr(value, "\"state\":\"ended\"") != NULL;
}

static void write_record(struct world *w, const struct disk_write *change)
{
    struct disk *d = &w->disk;
    struct record *r;
    note_change(w, change->key, change->value);
    HASH_FIND_STR(d->records, change->key, r);
    if (!change->value) {
        if (!r) return;
        log_change(d, r, change->key, NULL, 0);
        HASH_DEL(d->records, r);
        free(r->key);
        free(r->value);
        free(r);
        return;
    }
    if (!r) {
        r = gy_alloc(sizeof *r);
        r->key = gy_strdup(change->key);
        r->create_rev = d->rev;
        HASH_ADD_KEYPTR(hh, d->records, r->key, strlen(r->key), r);
    }
    free(r->value);
    r->value = gy_strndup(change->value, change->len);
    r->len = change->len;
    r->mod_rev = d->rev;
    log_change(d, r, r->key, r->value, r->len);
    if (gy_starts_with(r->key, GY_KEY_POD)) note_bound(w, r->value, r->len);
}

static void pump_watch(struct world *w, struct disk_watch *watch)
{
    struct disk *d = &w->disk;
    size_t prefix = strlen(watch->prefix);
    while (watch->next < d->log_n && !watch->broken) {
        const struct logged *l = &d->log[watch->next++];
        if (strncmp(l->key, watch->prefix, prefix) != 0) continue;
        bool more = watch->next < d->log_n && d->log[watch->next].rev == l->rev;
        gantry_store_item item = {.size = sizeof item,
                                  .type = l->value ? GANTRY_STORE_PUT : GANTRY_STORE_DELETE,
                                  .mod_rev = l->rev,
                                  .create_rev = l->create_rev,
                                  .key = str(l->key),
                                  .value = {l->value, l->len}};
        item.flags = more ? GANTRY_STORE_MORE : 0;
        watch->item(watch->arg, &item);
    }
}

static void pump_all(struct world *w, void *arg)
{
    (void)arg;
    struct disk_watch *watch, *next;
    DL_FOREACH_SAFE2(w->disk.watches, watch, next, next_watch)
    {
        pump_watch(w, watch);
    }
}

static void apply_txn(struct world *w, struct disk_call *call)
{
    call->applied = true;
    for (size_t i = 0; i < call->m; i++) {
        const struct record *r = disk_get(w, call->compares[i].key);
        if ((r ? r->mod_rev : 0) != call->compares[i].mod_rev) {
            call->result.failed = (uint32_t)i + 1;
            call->result.rev = w->disk.rev;
            return;
        }
    }
    w->disk.rev++;
    call->result.rev = w->disk.rev;
    for (size_t i = 0; i < call->n; i++)
        write_record(w, &call->writes[i]);
    world_at(w, chance(w, 3), pump_all, NULL);
}

static void free_call(struct world *w, struct disk_call *call)
{
    DL_DELETE(w->disk.calls, call);
    for (size_t i = 0; i < call->m; i++)
        free((char *)(uintptr_t)call->compares[i].key);
    for (size_t i = 0; i < call->n; i++) {
        free(call->writes[i].key);
        free(call->writes[i].value);
    }
    free(call->compares);
    free(call->writes);
    free(call->prefix);
    free(call);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct record *const *)a)->key, (*(const struct record *const *)b)->key);
}

static void emit_list(struct world *w, struct disk_call *call)
{
    size_t n = HASH_COUNT(w->disk.records), used = 0;
    struct record **sorted = gy_alloc_array(n, sizeof *sorted), *r, *next;
    HASH_ITER (hh, w->disk.records, r, next) {
        if (gy_starts_with(r->key, call->prefix)) sorted[used++] = r;
    }
    qsort(sorted, used, sizeof *sorted, by_key);
    for (size_t i = 0; i < used; i++) {
        gantry_store_item item = {.size = sizeof item,
                                  .type = GANTRY_STORE_PUT,
                                  .mod_rev = sorted[i]->mod_rev,
                                  .create_rev = sorted[i]->create_rev,
                                  .key = str(sorted[i]->key),
                                  .value = {sorted[i]->value, sorted[i]->len}};
        call->item(call->arg, &item);
    }
    call->result.rev = w->disk.rev;
    call->result.compacted = w->disk.compacted;
    free(sorted);
}

static void finish(struct world *w, void *arg)
{
    struct disk_call *call = arg;
    if (call->dropped) {
        free_call(w, call);
        return;
    }
    if (call->kind == CALL_TXN && !call->applied && call->status == GANTRY_OK) apply_txn(w, call);
    if (call->kind == CALL_LIST && call->status == GANTRY_OK) emit_list(w, call);
    if (call->kind == CALL_COMPACT) call->result.rev = w->disk.rev;
    call->result.size = sizeof call->result;
    call->done(call->arg, call->status, call->status ? NULL : &call->result,
               call->status ? "the simulated disk failed" : "");
    free_call(w, call);
}

static void apply_early(struct world *w, void *arg)
{
    struct disk_call *call = arg;
    if (!call->dropped && !call->applied) apply_txn(w, call);
}

static struct disk_call *begin(struct world *w, enum call_kind kind, gy_store_done_fn done,
                               void *arg)
{
    struct disk_call *call = gy_alloc(sizeof *call);
    call->w = w;
    call->kind = kind;
    call->done = done;
    call->arg = arg;
    DL_APPEND(w->disk.calls, call);
    return call;
}

static void disk_list(void *ctx, const char *prefix, gy_store_item_fn item, gy_store_done_fn done,
                      void *arg)
{
    struct world *w = ctx;
    struct disk_call *call = begin(w, CALL_LIST, done, arg);
    call->item = item;
    call->prefix = gy_strdup(prefix);
    if (odds(w, 10)) call->status = GANTRY_EUNAVAIL;
    world_at(w, 1 + chance(w, 5), finish, call);
}

static void disk_txn(void *ctx, const gantry_store_txn *txn, gy_store_done_fn done, void *arg)
{
    struct world *w = ctx;
    struct disk_call *call = begin(w, CALL_TXN, done, arg);
    call->m = txn->compare_count;
    call->n = txn->write_count;
    call->compares = gy_alloc_array(call->m, sizeof *call->compares);
    call->writes = gy_alloc_array(call->n, sizeof *call->writes);
    for (size_t i = 0; i < call->m; i++)
        call->compares[i] =
            (struct gy_store_compare){gy_str_dup(txn->compares[i]->key), txn->compares[i]->mod_rev};
    for (size_t i = 0; i < call->n; i++) {
        const gantry_store_write *write = txn->writes[i];
        bool put = write->type == GANTRY_STORE_PUT;
        call->writes[i] = (struct disk_write){
            gy_str_dup(write->key), put ? gy_strndup(write->value.ptr, write->value.len) : NULL,
            write->value.len};
    }
    int64_t latency = 1 + chance(w, odds(w, 20) ? 2000 : 6);
    if (odds(w, 60)) { /* the answer is lost: it happens now, later, or never */
        call->status = GANTRY_EUNAVAIL;
        if (chance(w, 3)) world_at(w, chance(w, latency), apply_early, call);
    }
    /* transactions take effect in the order in which they were asked for, as one store thread would
     */
    int64_t at = w->now_ms + latency;
    struct disk_call *other;
    DL_FOREACH (w->disk.calls, other) {
        if (other != call && other->kind == CALL_TXN && other->rev > (uint64_t)at)
            at = (int64_t)other->rev;
    }
    call->rev = (uint64_t)at; /* when it is due, until it has a result */
    world_at(w, at - w->now_ms, finish, call);
}

static uint64_t disk_watch(void *ctx, const char *prefix, uint64_t from_rev, gy_store_item_fn item,
                           gy_store_done_fn done, void *arg)
{
    struct world *w = ctx;
    struct disk_watch *watch = gy_alloc(sizeof *watch);
    watch->id = ++w->disk.next_id;
    watch->prefix = gy_strdup(prefix);
    watch->item = item;
    watch->done = done;
    watch->arg = arg;
    while (watch->next < w->disk.log_n && w->disk.log[watch->next].rev < from_rev)
        watch->next++;
    DL_APPEND2(w->disk.watches, watch, prev, next_watch);
    world_at(w, 1, pump_all, NULL);
    return watch->id;
}

struct ending {
    gy_store_done_fn done;
    void *arg;
    gantry_status status;
};

static void end_watch(struct world *w, void *arg)
{
    (void)w;
    struct ending *e = arg;
    e->done(e->arg, e->status, NULL, "the watch ended");
    free(e);
}

static void close_watch(struct world *w, struct disk_watch *watch, gantry_status status)
{
    DL_DELETE2(w->disk.watches, watch, prev, next_watch);
    struct ending *e = gy_alloc(sizeof *e);
    *e = (struct ending){watch->done, watch->arg, status};
    world_at(w, 0, end_watch, e);
    free(watch->prefix);
    free(watch);
}

static void disk_cancel(void *ctx, uint64_t id)
{
    struct world *w = ctx;
    struct disk_watch *watch, *next;
    DL_FOREACH_SAFE2(w->disk.watches, watch, next, next_watch)
    {
        if (watch->id == id) close_watch(w, watch, GANTRY_ECANCELED);
    }
}

static void disk_compact(void *ctx, uint64_t rev, gy_store_done_fn done, void *arg)
{
    struct world *w = ctx;
    (void)rev; /* history is kept: nothing depends on its being gone */
    world_at(w, 1, finish, begin(w, CALL_COMPACT, done, arg));
}

void disk_backend(struct world *w, struct gy_store_backend *out)
{
    *out = (struct gy_store_backend){.ctx = w,
                                     .max_txn_ops = 512,
                                     .max_value_bytes = 1 << 20,
                                     .list = disk_list,
                                     .txn = disk_txn,
                                     .watch = disk_watch,
                                     .cancel = disk_cancel,
                                     .compact = disk_compact};
}

void disk_drop_client(struct world *w)
{
    struct disk_call *call, *next;
    bool torn = false;
    DL_FOREACH_SAFE (w->disk.calls, call, next) {
        if (call->dropped) continue;
        /* of what was under way, in order, a part has happened */
        if (call->kind == CALL_TXN && !call->applied && !torn && w->faults && chance(w, 2))
            apply_txn(w, call);
        torn = torn || (call->kind == CALL_TXN && !call->applied);
        call->dropped = true;
        call->done(call->arg, GANTRY_ECANCELED, NULL, "the server died");
    }
    while (w->disk.watches) {
        struct disk_watch *watch = w->disk.watches;
        DL_DELETE2(w->disk.watches, watch, prev, next_watch);
        watch->done(watch->arg, GANTRY_ECANCELED, NULL, "the server died");
        free(watch->prefix);
        free(watch);
    }
}

void disk_free(struct world *w)
{
    struct record *r, *next;
    HASH_ITER (hh, w->disk.records, r, next) {
        HASH_DEL(w->disk.records, r);
        free(r->key);
        free(r->value);
        free(r);
    }
    for (size_t i = 0; i < w->disk.log_n; i++) {
        free(w->disk.log[i].key);
        free(w->disk.log[i].value);
    }
    free(w->disk.log);
}
