/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that has the store open: a bounded queue of requests, commits in groups, streams.
 */
#ifndef STORE_SQLITE_THREAD_H
#define STORE_SQLITE_THREAD_H

#include "sqlite_db.h"
#include "store_file.h"
#include <bsd/sys/queue.h>
#include <gantry/plugin.h>
#include <pthread.h>

#define REQUESTS_MAX 4096 /* waiting; beyond that EBUSY */
#define REQUEST_BYTES_MAX (64u << 20)
#define GROUP_TXNS_MAX 512 /* in one commit */
#define GROUP_BYTES_MAX (8u << 20)
#define LISTS_MAX 16 /* at the same time; each has a connection */
#define WATCHES_MAX 1024
#define SLICE 256  /* items of one stream before the next stream's turn */
#define RETRY_MS 2 /* after a full queue of the host */
#define CHECKPOINT_PAGES 1000
#define TRIM_ROWS 1000

enum request_type { REQUEST_TXN, REQUEST_LIST, REQUEST_WATCH, REQUEST_COMPACT, REQUEST_RESTORE };

struct request {
    STAILQ_ENTRY(request) entry;
    enum request_type type;
    gantry_op op;
    size_t bytes;
    uint64_t rev;         /* watch, compact */
    gantry_str text;      /* prefix, path; behind the struct */
    gantry_store_txn txn; /* behind the struct */
};
STAILQ_HEAD(request_list, request);

struct store_thread {
    const gantry_host_api *api;
    gantry_host *host;
    struct sqlite_db_options options;
    gantry_op open_op; /* ended by the thread when it is open, or could not be */

    pthread_t id;
    bool started; /* [loop] to be joined */

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    pthread_cond_t wake;
    struct request_list requests;
    size_t request_count, request_bytes;
    gantry_op *canceled; /* numbers to look for among the streams */
    size_t canceled_count, canceled_cap;
    bool stop;
    gantry_op stop_op;

    /* the thread's own */
    struct sqlite_db *db;
    struct store_file file;
    TAILQ_HEAD(stream_list, stream) streams;
    size_t lists, watches;
    bool blocked;     /* a stream waits for the host's queue */
    bool again;       /* a stream has more right now */
    bool trimming;    /* the log has rows that are compacted away */
    uint64_t written; /* revision that every stream has been shown */
    struct group_slot {
        struct request *request;
        gantry_store_result result;
        bool ended; /* refused by itself; the group goes on */
    } group[GROUP_TXNS_MAX];
};

void store_thread_init(struct store_thread *t);
void store_thread_fini(struct store_thread *t); /* stopped and joined */
/* [loop] Start; open_op ends once.  A thread whose open failed is joined by the next start or stop.
 */
void store_thread_start(struct store_thread *t, gantry_op open_op);
/* [loop] Queue a request; ends its op with EBUSY when the queue is full.  Takes the request. */
void store_thread_give(struct store_thread *t, struct request *request);
void store_thread_cancel(struct store_thread *t, gantry_op op);
/* [loop] End everything, then op (0 = none). */
void store_thread_stop(struct store_thread *t, gantry_op op);
void store_thread_join(struct store_thread *t);

/* ---- streams (sqlite_stream.c), of the thread ---- */
void store_stream_list(struct store_thread *t, const struct request *request);
void store_stream_watch(struct store_thread *t, const struct request *request);
void store_stream_run(struct store_thread *t); /* all, a slice each; sets blocked and again */
void store_stream_cancel(struct store_thread *t, gantry_op op);
void store_stream_end_all(struct store_thread *t);

#endif
