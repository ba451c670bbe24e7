/* SPDX-License-Identifier: Apache-2.0 */
/* What a node's agent is told: the pods bound to it, and the published ports of apps.  [loop]. */
#ifndef GY_SERVER_NODE_FEED_H
#define GY_SERVER_NODE_FEED_H

#include "server/index.h"
#include "server/link.h"

struct gy_node_feed;
/* Tells everything there is, then `synced`, then what changes.  link outlives the feed. */
struct gy_node_feed *gy_node_feed_start(uv_loop_t *loop, struct gy_index *cluster,
                                        const struct gy_link *link);
/* Before the cluster's index is destroyed. */
void gy_node_feed_stop(struct gy_node_feed *f);

#endif
