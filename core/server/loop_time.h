/* SPDX-License-Identifier: Apache-2.0 */
/* How long the turns of the loop take, without the time it waits.  [loop]. */
#ifndef GY_SERVER_LOOP_TIME_H
#define GY_SERVER_LOOP_TIME_H

#include <jansson.h>
#include <uv.h>

#define GY_LOOP_TIME_BUCKETS 24

struct gy_loop_time;
struct gy_loop_time *gy_loop_time_create(uv_loop_t *loop);
void gy_loop_time_destroy(struct gy_loop_time *t);
/* {"turns","sum_us","max_us","buckets":[...]}: bucket i counts turns below 2^i µs. */
json_t *gy_loop_time_json(const struct gy_loop_time *t);

#endif
