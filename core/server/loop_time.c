/* SPDX-License-Identifier: Apache-2.0 */
#include "server/loop_time.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#define SLOW_US 100000 /* said in the log */

/* A turn begins when the loop has waited (check) and ends when it waits again (prepare). */
struct gy_loop_time {
    uv_prepare_t prepare;
    uv_check_t check;
    int64_t begin_ns, warned_ms;
    int64_t turns, sum_us, max_us;
    int64_t buckets[GY_LOOP_TIME_BUCKETS];
    int open;
};

static void on_prepare(uv_prepare_t *handle)
{
    struct gy_loop_time *t = handle->data;
    if (!t->begin_ns) return;
    int64_t us = (gy_time_mono_ns() - t->begin_ns) / 1000;
    unsigned i = 0;
    while (i + 1 < GY_LOOP_TIME_BUCKETS && us >= (INT64_C(1) << i))
        i++;
    t->buckets[i]++;
    t->turns++;
    t->sum_us += us;
    if (us > t->max_us) t->max_us = us;
    int64_t now_ms = gy_time_mono_ms();
    if (us > SLOW_US && now_ms - t->warned_ms > 10000) {
        t->warned_ms = now_ms;
        gy_log(GY_LOG_WARN, "server", "a turn of the loop took long ms=%lld", (long long)us / 1000);
    }
}

static void on_check(uv_check_t *handle)
{
    struct gy_loop_time *t = handle->data;
    t->begin_ns = gy_time_mono_ns();
}

struct gy_loop_time *gy_loop_time_create(uv_loop_t *loop)
{
    struct gy_loop_time *t = gy_alloc(sizeof *t);
    uv_prepare_init(loop, &t->prepare);
    uv_check_init(loop, &t->check);
    t->prepare.data = t->check.data = t;
    t->open = 2;
    uv_prepare_start(&t->prepare, on_prepare);
    uv_check_start(&t->check, on_check);
    uv_unref((uv_handle_t *)&t->prepare);
    uv_unref((uv_handle_t *)&t->check);
    return t;
}

static void closed(uv_handle_t *handle)
{
    struct gy_loop_time *t = handle->data;
    if (--t->open == 0) free(t);
}

void gy_loop_time_destroy(struct gy_loop_time *t)
{
    if (!t) return;
    uv_close((uv_handle_t *)&t->prepare, closed);
    uv_close((uv_handle_t *)&t->check, closed);
}

json_t *gy_loop_time_json(const struct gy_loop_time *t)
{
    json_t *buckets = json_array();
    for (int i = 0; i < GY_LOOP_TIME_BUCKETS; i++)
        json_array_append_new(buckets, json_integer(t->buckets[i]));
    return json_pack("{s:I,s:I,s:I,s:o}", "turns", (json_int_t)t->turns, "sum_us",
                     (json_int_t)t->sum_us, "max_us", (json_int_t)t->max_us, "buckets", buckets);
}
