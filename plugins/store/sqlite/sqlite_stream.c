/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and watches under way.  A watch reads the log from where it stopped, whether that is replay
 * or live: what was not committed is never shown, and a slow reader costs no memory. */
#include "sqlite_thread.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct stream {
    TAILQ_ENTRY(stream) entry;
    struct store_thread *thread;
    gantry_op op;
    struct sqlite_list *list; /* NULL = a watch */
    int64_t last;             /* watch: id of the last change shown */
    bool at_end;              /* watch: until something is written */
    gantry_str prefix;        /* behind the struct */
};

static struct stream *create(struct store_thread *t, const struct request *request)
{
    struct stream *s = calloc(1, sizeof *s + request->text.len + 1);
    if (!s) {
        t->api->op_failf(t->host, request->op, GANTRY_ENOMEM, "out of memory");
        return NULL;
    }
    char *prefix = (char *)(s + 1);
    if (request->text.len) memcpy(prefix, request->text.ptr, request->text.len);
    s->thread = t;
    s->op = request->op;
    s->prefix = (gantry_str){prefix, request->text.len};
    return s;
}

static void end(struct stream *s)
{
    struct store_thread *t = s->thread;
    *(s->list ? &t->lists : &t->watches) -= 1;
    TAILQ_REMOVE(&t->streams, s, entry);
    sqlite_list_close(s->list);
    free(s);
}

void store_stream_list(struct store_thread *t, const struct request *request)
{
    if (t->lists == LISTS_MAX) {
        t->api->op_failf(t->host, request->op, GANTRY_EBUSY, "%d lists are being read already",
                         LISTS_MAX);
        return;
    }
    struct stream *s = create(t, request);
    if (!s) return;
    struct sentence why;
    gantry_status status = sqlite_list_open(t->db, s->prefix, &s->list, &why);
    if (status != GANTRY_OK) {
        t->api->op_failf(t->host, s->op, status, "%s", why.text);
        free(s);
        return;
    }
    t->lists++;
    TAILQ_INSERT_TAIL(&t->streams, s, entry);
    t->again = true;
}

static void compacted(struct store_thread *t, gantry_op op, uint64_t from_rev)
{
    t->api->op_failf(t->host, op, GANTRY_ENOTFOUND,
                     "compacted: history begins after revision %" PRIu64 ", asked was %" PRIu64,
                     t->db->compacted, from_rev);
}

void store_stream_watch(struct store_thread *t, const struct request *request)
{
    if (request->rev <= t->db->compacted) {
        compacted(t, request->op, request->rev);
        return;
    }
    if (request->rev > UINT64_MAX >> (SQLITE_DB_REV_SHIFT + 1)) {
        t->api->op_failf(t->host, request->op, GANTRY_EINVAL, "no revision is as high as %" PRIu64,
                         request->rev);
        return;
    }
    if (t->watches == WATCHES_MAX) {
        t->api->op_failf(t->host, request->op, GANTRY_EBUSY, "%d watches are open already",
                         WATCHES_MAX);
        return;
    }
    struct stream *s = create(t, request);
    if (!s) return;
    s->last = sqlite_db_before(request->rev);
    t->watches++;
    TAILQ_INSERT_TAIL(&t->streams, s, entry);
    t->again = true;
}

static gantry_status emit(void *arg, const gantry_store_item *item)
{
    struct stream *s = arg;
    return s->thread->api->op_emit(s->thread->host, s->op, item);
}

static void run_list(struct store_thread *t, struct stream *s)
{
    struct sentence why = {"canceled"};
    bool at_end;
    gantry_status status = sqlite_list_run(s->list, SLICE, emit, s, &at_end, &why);
    if (status == GANTRY_EBUSY) {
        t->blocked = true;
    } else if (status != GANTRY_OK) {
        t->api->op_failf(t->host, s->op, status, "%s", why.text);
        end(s);
    } else if (at_end) {
        gantry_store_result result = {
            .size = (uint32_t)sizeof result, .rev = s->list->rev, .compacted = s->list->compacted};
        t->api->op_done(t->host, s->op, &result);
        end(s);
    } else {
        t->again = true;
    }
}

static void run_watch(struct store_thread *t, struct stream *s)
{
    if (s->at_end && t->written == t->db->rev) return;
    /* History that this reader has not seen is gone, or will be. */
    if (s->last < sqlite_db_before(t->db->compacted + 1)) {
        compacted(t, s->op, (uint64_t)(s->last + 1) >> SQLITE_DB_REV_SHIFT);
        end(s);
        return;
    }
    struct sentence why = {"canceled"};
    gantry_status status =
        sqlite_db_replay(t->db, s->prefix, &s->last, SLICE, emit, s, &s->at_end, &why);
    if (status == GANTRY_EBUSY) {
        t->blocked = true;
    } else if (status != GANTRY_OK) {
        t->api->op_failf(t->host, s->op, status, "%s", why.text);
        end(s);
    } else if (!s->at_end) {
        t->again = true;
    } else {
        int64_t all = sqlite_db_before(t->db->rev + 1);
        if (s->last < all) s->last = all; /* what did not match need not be read again */
    }
}

void store_stream_run(struct store_thread *t)
{
    t->blocked = t->again = false;
    for (struct stream *s = TAILQ_FIRST(&t->streams), *next; s; s = next) {
        next = TAILQ_NEXT(s, entry);
        if (s->list)
            run_list(t, s);
        else
            run_watch(t, s);
    }
    t->written = t->db->rev;
}

void store_stream_cancel(struct store_thread *t, gantry_op op)
{
    struct stream *s;
    TAILQ_FOREACH (s, &t->streams, entry) {
        if (s->op != op) continue;
        t->api->op_failf(t->host, op, GANTRY_ECANCELED, "canceled");
        end(s);
        return;
    }
}

void store_stream_end_all(struct store_thread *t)
{
    struct stream *s;
    while ((s = TAILQ_FIRST(&t->streams))) {
        t->api->op_failf(t->host, s->op, GANTRY_ECANCELED, "the store is closing");
        end(s);
    }
}
