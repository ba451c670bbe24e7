/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the loop's side ---- */

void store_thread_init(struct store_thread *t)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    STAILQ_INIT(&t->requests);
    TAILQ_INIT(&t->streams);
    t->file.lock = -1;
}

void store_thread_fini(struct store_thread *t)
{
    free(t->canceled);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
}

static void *thread_main(void *arg);

void store_thread_join(struct store_thread *t)
{
    if (t->started) pthread_join(t->id, NULL);
    t->started = false;
}

void store_thread_start(struct store_thread *t, gantry_op open_op)
{
    store_thread_join(t);
    t->open_op = open_op;
    t->stop = false;
    t->stop_op = 0;
    int error = pthread_create(&t->id, NULL, thread_main, t);
    if (error)
        t->api->op_failf(t->host, open_op, GANTRY_EUNAVAIL, "cannot start the store's thread: %s",
                         strerror(error));
    else
        t->started = true;
}

void store_thread_give(struct store_thread *t, struct request *request)
{
    pthread_mutex_lock(&t->lock);
    bool full = t->request_count == REQUESTS_MAX || t->request_bytes > REQUEST_BYTES_MAX;
    bool closed = t->stop;
    if (!full && !closed) {
        STAILQ_INSERT_TAIL(&t->requests, request, entry);
        t->request_count++;
        t->request_bytes += request->bytes;
        pthread_cond_signal(&t->wake);
    }
    pthread_mutex_unlock(&t->lock);
    if (!full && !closed) return;
    if (closed)
        t->api->op_failf(t->host, request->op, GANTRY_ECANCELED, "the store is closing");
    else
        t->api->op_failf(t->host, request->op, GANTRY_EBUSY,
                         "the disk does not keep up: %d requests are waiting", REQUESTS_MAX);
    free(request);
}

void store_thread_cancel(struct store_thread *t, gantry_op op)
{
    pthread_mutex_lock(&t->lock);
    if (t->canceled_count == t->canceled_cap) {
        size_t cap = t->canceled_cap ? t->canceled_cap * 2 : 16;
        gantry_op *more = realloc(t->canceled, cap * sizeof *more);
        if (more) {
            t->canceled = more;
            t->canceled_cap = cap;
        }
    }
    if (t->canceled_count < t->canceled_cap) t->canceled[t->canceled_count++] = op;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

void store_thread_stop(struct store_thread *t, gantry_op op)
{
    pthread_mutex_lock(&t->lock);
    if (!t->stop) t->stop_op = op; /* a second stop does not take it away */
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

/* ---- transactions ---- */

static void fail(struct store_thread *t, struct group_slot *slots, size_t n, gantry_status status,
                 const struct sentence *why)
{
    for (size_t i = 0; i < n; i++)
        if (!slots[i].ended)
            t->api->op_failf(t->host, slots[i].request->op, status, "%s", why->text);
}

/* One commit for all; nobody is told before it is durable, not even who lost a compare: that may
 * have been against a write of this very group. */
static void commit_group(struct store_thread *t, struct group_slot *slots, size_t n)
{
    struct sentence why;
    for (size_t i = 0; i < n; i++)
        slots[i].ended = false;
    gantry_status status = sqlite_db_begin(t->db, &why);
    if (status != GANTRY_OK) {
        fail(t, slots, n, status, &why);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        status = sqlite_db_apply(t->db, &slots[i].request->txn, &slots[i].result, &why);
        if (status == GANTRY_EINVAL) {
            slots[i].ended = true;
            t->api->op_failf(t->host, slots[i].request->op, status, "%s", why.text);
        } else if (status !=
                   GANTRY_OK) { /* all rolled back: each by itself, so that only one fails */
            if (n == 1) fail(t, slots, n, status, &why);
            for (size_t k = 0; n > 1 && k < n; k++)
                if (!slots[k].ended) commit_group(t, &slots[k], 1);
            return;
        }
    }
    status = sqlite_db_commit(t->db, &why);
    if (status != GANTRY_OK) {
        fail(t, slots, n, status, &why);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!slots[i].ended) t->api->op_done(t->host, slots[i].request->op, &slots[i].result);
}

static void commit_all(struct store_thread *t, struct request_list *requests)
{
    size_t n = 0, bytes = 0;
    struct request *r;
    STAILQ_FOREACH(r, requests, entry)
    {
        if (r->type != REQUEST_TXN) continue;
        t->group[n++].request = r;
        bytes += r->bytes;
        if (n < GROUP_TXNS_MAX && bytes < GROUP_BYTES_MAX) continue;
        commit_group(t, t->group, n);
        n = bytes = 0;
    }
    if (n) commit_group(t, t->group, n);
}

/* ---- other requests ---- */

static void answer(struct store_thread *t, gantry_op op, gantry_status status,
                   const struct sentence *why)
{
    if (status != GANTRY_OK) {
        t->api->op_failf(t->host, op, status, "%s", why->text);
        return;
    }
    gantry_store_result result = {
        .size = (uint32_t)sizeof result, .rev = t->db->rev, .compacted = t->db->compacted};
    t->api->op_done(t->host, op, &result);
}

static void do_other(struct store_thread *t, const struct request *r)
{
    struct sentence why;
    switch (r->type) {
    case REQUEST_TXN: break;
    case REQUEST_LIST: store_stream_list(t, r); break;
    case REQUEST_WATCH: store_stream_watch(t, r); break;
    case REQUEST_COMPACT:
        answer(t, r->op, sqlite_db_compact(t->db, r->rev, &why), &why);
        t->trimming = true;
        break;
    case REQUEST_RESTORE:
        answer(t, r->op, sqlite_db_restore(t->db, r->text.ptr, &why), &why);
        break;
    }
}

/* ---- the thread ---- */

struct taken {
    struct request_list requests;
    gantry_op *canceled;
    size_t canceled_count;
    bool stop;
};

static void wait_for_work(struct store_thread *t)
{
    bool idle = !t->again && !t->trimming;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RETRY_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    while (idle && !t->stop && !t->request_count && !t->canceled_count) {
        if (!t->blocked)
            pthread_cond_wait(&t->wake, &t->lock);
        else if (pthread_cond_timedwait(&t->wake, &t->lock, &until) == ETIMEDOUT)
            return;
    }
}

static void take(struct store_thread *t, struct taken *out)
{
    STAILQ_INIT(&out->requests);
    pthread_mutex_lock(&t->lock);
    wait_for_work(t);
    STAILQ_CONCAT(&out->requests, &t->requests);
    t->request_count = t->request_bytes = 0;
    out->canceled = t->canceled;
    out->canceled_count = t->canceled_count;
    t->canceled = NULL;
    t->canceled_count = t->canceled_cap = 0;
    out->stop = t->stop;
    pthread_mutex_unlock(&t->lock);
}

static void free_requests(struct request_list *requests)
{
    struct request *r;
    while ((r = STAILQ_FIRST(requests))) {
        STAILQ_REMOVE_HEAD(requests, entry);
        free(r);
    }
}

static void look_after(struct store_thread *t)
{
    struct sentence why;
    if (t->trimming && sqlite_db_trim(t->db, TRIM_ROWS, &t->trimming, &why) != GANTRY_OK) {
        t->api->logf(t->host, GANTRY_LOG_WARN, "could not delete old history: %s", why.text);
        t->trimming = false; /* the next compaction tries again */
    }
    if (t->db->wal_pages >= CHECKPOINT_PAGES) sqlite_db_checkpoint(t->db);
}

static bool turn(struct store_thread *t)
{
    struct taken work;
    struct request *r;
    take(t, &work);
    if (work.stop) {
        STAILQ_FOREACH(r, &work.requests, entry)
        {
            t->api->op_failf(t->host, r->op, GANTRY_ECANCELED, "the store is closing");
        }
    } else {
        commit_all(t, &work.requests);
        STAILQ_FOREACH(r, &work.requests, entry) do_other(t, r);
        for (size_t i = 0; i < work.canceled_count; i++)
            store_stream_cancel(t, work.canceled[i]);
        store_stream_run(t);
        look_after(t);
    }
    free_requests(&work.requests);
    free(work.canceled);
    return !work.stop;
}

static gantry_status open_store(struct store_thread *t, struct sentence *why)
{
    gantry_status status = store_file_take(t->options.path, &t->file, why);
    if (status != GANTRY_OK) return status;
    t->options.unclean = t->file.unclean;
    if (t->file.unclean)
        t->api->logf(t->host, GANTRY_LOG_WARN, "was not closed cleanly, checking path=%s",
                     t->options.path);
    status = sqlite_db_open(&t->options, &t->db, why);
    if (status == GANTRY_OK) status = store_file_mark(&t->file, why);
    if (status != GANTRY_OK) {
        sqlite_db_close(t->db);
        t->db = NULL;
        store_file_give(&t->file, false);
    }
    return status;
}

static void *thread_main(void *arg)
{
    struct store_thread *t = arg;
    struct sentence why;
    gantry_status status = open_store(t, &why);
    if (status != GANTRY_OK) {
        t->api->op_failf(t->host, t->open_op, status, "%s", why.text);
        return NULL;
    }
    t->trimming = true; /* what the last owner left */
    t->written = t->db->rev;
    t->api->op_done(t->host, t->open_op, NULL);
    while (turn(t)) {
    }
    store_stream_end_all(t);
    sqlite_db_close(t->db);
    t->db = NULL;
    store_file_give(&t->file, true);
    if (t->stop_op) t->api->op_done(t->host, t->stop_op, NULL);
    return NULL;
}
