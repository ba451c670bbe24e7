/* SPDX-License-Identifier: Apache-2.0 */
/* What agents report, written behind: at most once a second for a pod, at once when its state
 * changes; batches at most every 50 ms.  Statuses of pods whose record is gone are removed. [loop].
 */
#ifndef GY_SERVER_STATUS_H
#define GY_SERVER_STATUS_H

#include "model/node.h"
#include "model/pod.h"
#include "store/store.h"
#include <jansson.h>
#include <uv.h>

struct gy_status_writer;
/* max_txn_ops: of the backend; 0 = no limit. */
struct gy_status_writer *gy_status_writer_create(uv_loop_t *loop, struct gy_store *store,
                                                 uint32_t max_txn_ops);
/* Writes what is left if the store still takes it; before the store is closed. */
void gy_status_writer_destroy(struct gy_status_writer *w);
void gy_status_writer_pod(struct gy_status_writer *w, const struct gy_pod_status *status);
void gy_status_writer_node(struct gy_status_writer *w, const struct gy_node_report *report);

#endif
