/* SPDX-License-Identifier: Apache-2.0 */
/* Between the store and the engine: the store's log goes in, decided transactions come out. [loop].
 */
#ifndef GY_SERVER_FEED_H
#define GY_SERVER_FEED_H

#include "server/engine_thread.h"
#include "server/events.h"
#include "server/index.h"

struct gy_feed;
struct gy_feed_options {
    uv_loop_t *loop;
    struct gy_store *store;   /* ready */
    struct gy_engine *engine; /* taken */
    struct gy_index *cluster;
    struct gy_events *events;
    const char *node, *incarnation; /* of the epoch record */
};
/* Takes the lead (writes the epoch record), then feeds. */
struct gy_feed *gy_feed_start(const struct gy_feed_options *options);
/* Before the store is closed.  Freed when transactions under way have ended. */
void gy_feed_stop(struct gy_feed *f);
void gy_feed_heartbeat(struct gy_feed *f, const char *node);
/* For gy_server_options. */
void gy_feed_explain(void *feed, const char *app_key, const char *pod_id,
                     void (*done)(void *arg, gantry_status status, const char *json,
                                  const char *text),
                     void *arg);
json_t *gy_feed_json(void *feed);

#endif
