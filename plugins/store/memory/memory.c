/* SPDX-License-Identifier: Apache-2.0 */
/* Store `memory`: everything is gone when the daemon ends.  For tests, trials and simulations.
 * All of it runs on the loop. */
#include "map.h"

#include <bsd/sys/queue.h>
#include <gantry/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 256  /* items of one stream in one turn of the loop */
#define RETRY_MS 2 /* after a full queue */

/* A list or watch under way. */
struct stream {
    TAILQ_ENTRY(stream) entry;
    gantry_op op;
    gantry_str prefix; /* behind the struct */
    bool is_list;
    /* list: what there was when it began */
    struct version **items;
    size_t next, count;
    uint64_t rev;
    /* watch */
    uint64_t from_rev, cursor; /* cursor: index into the log of all time */
};
TAILQ_HEAD(stream_list, stream);

struct memory {
    const gantry_host_api *api;
    gantry_host *host;
    struct map map;
    struct stream_list streams;
    uint64_t timer; /* 0 = none; runs the streams that are not at their end */
    uint64_t log_revisions;
};

static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    int64_t log_revisions = 0;
    if (api->conf_int(conf, "log_revisions", &log_revisions) != GANTRY_OK || log_revisions < 1)
        return api->error_setf(host, err, GANTRY_EINVAL,
                               "log_revisions is %" PRId64 "; it must be at least 1",
                               log_revisions);
    struct memory *m = calloc(1, sizeof *m);
    if (!m) return api->error_setf(host, err, GANTRY_ENOMEM, "out of memory");
    m->api = api;
    m->host = host;
    m->log_revisions = (uint64_t)log_revisions;
    map_init(&m->map);
    TAILQ_INIT(&m->streams);
    *self = m;
    return GANTRY_OK;
}

static void stream_destroy(struct memory *m, struct stream *s)
{
    TAILQ_REMOVE(&m->streams, s, entry);
    for (size_t i = 0; i < s->count; i++)
        version_put(s->items[i]);
    free(s->items);
    free(s);
}

static gantry_store_result result_now(const struct memory *m)
{
    return (gantry_store_result){.size = (uint32_t)sizeof(gantry_store_result),
                                 .rev = m->map.rev,
                                 .compacted = m->map.compacted};
}

static gantry_status emit(struct memory *m, const struct stream *s, const struct version *v,
                          bool more)
{
    gantry_store_item item = {.size = (uint32_t)sizeof item,
                              .type = v->type,
                              .mod_rev = v->mod_rev,
                              .create_rev = v->create_rev,
                              .key = {v->bytes, v->key_len},
                              .value = {v->bytes + v->key_len, v->value_len},
                              .flags = more ? GANTRY_STORE_MORE : 0};
    return m->api->op_emit(m->host, s->op, &item);
}

enum progress { AT_END, AGAIN, ENDED };

static enum progress list_run(struct memory *m, struct stream *s)
{
    for (size_t n = 0; s->next < s->count; n++) {
        if (n == SLICE) return AGAIN;
        gantry_status status = emit(m, s, s->items[s->next], false);
        if (status == GANTRY_EBUSY) return AGAIN;
        if (status != GANTRY_OK) {
            m->api->op_failf(m->host, s->op, GANTRY_ECANCELED, "canceled");
            return ENDED;
        }
        s->next++;
    }
    gantry_store_result result = result_now(m);
    result.rev = s->rev;
    m->api->op_done(m->host, s->op, &result);
    return ENDED;
}

static const struct version *next_match(const struct memory *m, const struct stream *s,
                                        uint64_t *cursor)
{
    const struct version *v;
    while ((v = map_log_at(&m->map, *cursor)) &&
           (v->mod_rev < s->from_rev || !version_under(v, s->prefix)))
        (*cursor)++;
    return v;
}

static enum progress watch_run(struct memory *m, struct stream *s)
{
    if (s->cursor < m->map.begun) { /* its reader was slower than the history is long */
        m->api->op_failf(m->host, s->op, GANTRY_ENOTFOUND,
                         "compacted: history begins after revision %" PRIu64, m->map.compacted);
        return ENDED;
    }
    const struct version *v = next_match(m, s, &s->cursor);
    for (size_t n = 0; v; n++) {
        if (n == SLICE) return AGAIN;
        uint64_t after = s->cursor + 1;
        const struct version *next = next_match(m, s, &after);
        gantry_status status = emit(m, s, v, next && next->mod_rev == v->mod_rev);
        if (status == GANTRY_EBUSY) return AGAIN;
        if (status != GANTRY_OK) {
            m->api->op_failf(m->host, s->op, GANTRY_ECANCELED, "canceled");
            return ENDED;
        }
        s->cursor = after;
        v = next;
    }
    return AT_END;
}

static void run_streams(void *self)
{
    struct memory *m = self;
    bool again = false;
    m->timer = 0;
    for (struct stream *s = TAILQ_FIRST(&m->streams), *next; s; s = next) {
        next = TAILQ_NEXT(s, entry);
        enum progress progress = s->is_list ? list_run(m, s) : watch_run(m, s);
        if (progress == AGAIN) again = true;
        if (progress == ENDED) stream_destroy(m, s);
    }
    if (again) m->timer = m->api->timer_start(m->host, RETRY_MS, 0, run_streams, m);
}

/* Soon, unless a run is due already. */
static void kick(struct memory *m)
{
    if (!m->timer && !TAILQ_EMPTY(&m->streams))
        m->timer = m->api->timer_start(m->host, 0, 0, run_streams, m);
}

static struct stream *stream_create(struct memory *m, gantry_op op, gantry_str prefix)
{
    struct stream *s = calloc(1, sizeof *s + prefix.len + 1);
    if (!s) {
        m->api->op_failf(m->host, op, GANTRY_ENOMEM, "out of memory");
        return NULL;
    }
    char *copy = (char *)(s + 1);
    if (prefix.len) memcpy(copy, prefix.ptr, prefix.len);
    s->op = op;
    s->prefix = (gantry_str){copy, prefix.len};
    TAILQ_INSERT_TAIL(&m->streams, s, entry);
    return s;
}

static void list(void *self, gantry_op op, gantry_str prefix)
{
    struct memory *m = self;
    struct stream *s = stream_create(m, op, prefix);
    if (!s) return;
    s->is_list = true;
    s->rev = m->map.rev;
    s->items = calloc(m->map.count + 1, sizeof(struct version *));
    if (!s->items) {
        stream_destroy(m, s);
        m->api->op_failf(m->host, op, GANTRY_ENOMEM, "out of memory");
        return;
    }
    for (struct version *v = map_first(&m->map, s->prefix); v && version_under(v, s->prefix);
         v = map_next(v))
        s->items[s->count++] = version_get(v);
    kick(m);
}

static void watch(void *self, gantry_op op, gantry_str prefix, uint64_t from_rev)
{
    struct memory *m = self;
    if (from_rev <= m->map.compacted) {
        m->api->op_failf(m->host, op, GANTRY_ENOTFOUND,
                         "compacted: history begins after revision %" PRIu64 ", asked was %" PRIu64,
                         m->map.compacted, from_rev);
        return;
    }
    struct stream *s = stream_create(m, op, prefix);
    if (!s) return;
    s->from_rev = from_rev;
    s->cursor = map_log_find(&m->map, from_rev);
    kick(m);
}

static void txn(void *self, gantry_op op, const gantry_store_txn *asked)
{
    struct memory *m = self;
    const char *why = "";
    uint32_t failed = 0;
    gantry_status status = map_txn(&m->map, asked, &failed, &why);
    if (status != GANTRY_OK) {
        m->api->op_failf(m->host, op, status, "%s", why);
        return;
    }
    gantry_store_result result = result_now(m);
    result.failed = failed;
    m->api->op_done(m->host, op, &result);
    if (m->map.rev > m->log_revisions && m->map.rev - m->log_revisions > m->map.compacted)
        map_compact(&m->map, m->map.rev - m->log_revisions);
    kick(m);
}

static void compact(void *self, gantry_op op, uint64_t rev)
{
    struct memory *m = self;
    map_compact(&m->map, rev);
    gantry_store_result result = result_now(m);
    m->api->op_done(m->host, op, &result);
    kick(m); /* a watch that is now below the history says so */
}

static void check(void *self, gantry_op op, uint32_t flags)
{
    (void)flags;
    struct memory *m = self;
    char text[96];
    int n = snprintf(text, sizeof text,
                     "%zu keys, %zu changes in the history; nothing to check in memory",
                     m->map.count, m->map.len);
    gantry_store_result result = result_now(m);
    result.text = (gantry_str){text, (size_t)n};
    m->api->op_done(m->host, op, &result);
}

static void cancel(void *self, gantry_op op)
{
    struct memory *m = self;
    struct stream *s;
    TAILQ_FOREACH (s, &m->streams, entry) {
        if (s->op != op) continue;
        m->api->op_failf(m->host, op, GANTRY_ECANCELED, "canceled");
        stream_destroy(m, s);
        return;
    }
}

static void shut_down(void *self, gantry_op op)
{
    struct memory *m = self;
    struct stream *s;
    while ((s = TAILQ_FIRST(&m->streams))) {
        m->api->op_failf(m->host, s->op, GANTRY_ECANCELED, "the store is closing");
        stream_destroy(m, s);
    }
    if (m->timer) m->api->watch_stop(m->host, m->timer);
    m->timer = 0;
    m->api->op_done(m->host, op, NULL);
}

static void destroy(void *self)
{
    struct memory *m = self;
    while (TAILQ_FIRST(&m->streams))
        stream_destroy(m, TAILQ_FIRST(&m->streams));
    map_fini(&m->map);
    free(m);
}

static const gantry_base_ops base = {.size = (uint32_t)sizeof base,
                                     .create = create,
                                     .shutdown = shut_down,
                                     .destroy = destroy,
                                     .cancel = cancel};

static const gantry_store_ops ops = {.size = (uint32_t)sizeof ops,
                                     .max_txn_ops = TXN_OPS_MAX,
                                     .max_value_bytes = VALUE_BYTES_MAX,
                                     .base = &base,
                                     .list = list,
                                     .txn = txn,
                                     .watch = watch,
                                     .compact = compact,
                                     .check = check};

static const gantry_setting log_revisions = {
    .size = (uint32_t)sizeof log_revisions,
    .type = GANTRY_SETTING_INT,
    .path = "log_revisions",
    .fallback = "100000",
    .doc = "How many revisions of history are kept for watches, at most."};
static const gantry_setting *const settings[] = {&log_revisions, NULL};

static const gantry_provider memory = {.size = (uint32_t)sizeof memory,
                                       .draft = GANTRY_STORE_DRAFT,
                                       .kind = GANTRY_STORE_KIND,
                                       .name = "memory",
                                       .settings = settings,
                                       .ops = &ops};
static const gantry_provider *const providers[] = {&memory};

static const gantry_plugin plugin = {.size = (uint32_t)sizeof plugin,
                                     .abi_built = GANTRY_ABI_CURRENT,
                                     .abi_min = GANTRY_ABI(0, 1),
                                     .provider_count = 1,
                                     .name = "memory",
                                     .version = "0.1.0",
                                     .license = "Apache-2.0",
                                     .url = "",
                                     .description = "State in memory, gone when the daemon ends",
                                     .providers = providers};
GANTRY_PLUGIN(plugin, "memory", "0.1.0", 0, 1, "gantry.store/1")
