/* SPDX-License-Identifier: Apache-2.0 */
/* Recorder of events: written behind in batches, kept for a while, read newest last.  [loop]. */
#ifndef GY_SERVER_EVENTS_H
#define GY_SERVER_EVENTS_H

#include "model/event.h"
#include "server/index.h"

#define GY_EVENTS_BATCH_MS 200
#define GY_EVENTS_PENDING_MAX 10000 /* beyond that the newest are dropped, and counted */

struct gy_events_options {
    uv_loop_t *loop;
    struct gy_store *store; /* ready */
    int64_t keep_ms;        /* 0 = 24 h    */
    int64_t keep_count;     /* 0 = 100,000 */
};
struct gy_events;
struct gy_events *gy_events_create(const struct gy_events_options *options);
/* Writes what is pending if the store still takes it, without waiting for the answer. */
void gy_events_destroy(struct gy_events *e);
/* Copies it; time_ms 0 = now. */
void gy_events_record(struct gy_events *e, const struct gy_event *event);
void gy_events_flush(struct gy_events *e);

struct gy_events_filter { /* NULL or 0 = any */
    const char *ns, *project, *app;
    int64_t since_ms;
    const struct gy_strs *namespaces; /* only these; NULL or empty = all */
};
bool gy_events_match(const struct gy_events_filter *f, const struct gy_event *event);
/* The newest `limit` that match, oldest first: calls fn with the encoded object, borrowed. */
void gy_events_read(struct gy_events *e, const struct gy_events_filter *f, size_t limit,
                    void (*fn)(void *arg, struct gy_store_object *object), void *arg);
/* Called with every event that the store has taken. */
typedef void gy_events_listener(void *arg, const struct gy_event *event,
                                struct gy_store_object *object);
void gy_events_listen(struct gy_events *e, gy_events_listener *fn, void *arg);
void gy_events_unlisten(struct gy_events *e, gy_events_listener *fn, void *arg);
/* {"kept","pending","dropped","removed"} */
json_t *gy_events_json(const struct gy_events *e);

#endif
