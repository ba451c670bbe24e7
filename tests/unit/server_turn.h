/* SPDX-License-Identifier: Apache-2.0 */
/* A store over the scripted disk on the test's own loop: turn it until something is so. */
#ifndef TESTS_UNIT_SERVER_TURN_H
#define TESTS_UNIT_SERVER_TURN_H

#include "base/time.h"
#include "model/key.h"
#include "server_disk.h"

static uv_loop_t loop;
static struct gy_store *store;
static uv_timer_t tick;
static bool store_ready;

static void turn_tick(uv_timer_t *timer)
{
    (void)timer;
    if (store) gy_store_tick(store, gy_time_mono_ms());
}

/* Turns the loop until `so`, at most this long. */
#define TURN_UNTIL(so, ms)                                                                         \
    do {                                                                                           \
        int64_t turn_end_ = gy_time_mono_ms() + (ms);                                              \
        while (!(so) && gy_time_mono_ms() < turn_end_)                                             \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
    } while (0)
#define TURN_CHECK(so)                                                                             \
    do {                                                                                           \
        TURN_UNTIL(so, 10000);                                                                     \
        CHECK(so);                                                                                 \
    } while (0)
/* For what must not happen. */
#define TURN_FOR(ms) TURN_UNTIL(false, ms)

static void turn_ready(void *arg, gantry_status status, const char *text)
{
    (void)arg;
    (void)text;
    REQUIRE(status == GANTRY_OK);
    store_ready = true;
}

static void turn_start(void)
{
    uv_loop_init(&loop);
    disk_open(&loop);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, turn_tick, 2, 2);
    store_ready = false;
    store = gy_store_open(&disk_backend, turn_ready, NULL);
    TURN_UNTIL(store_ready, 5000);
    REQUIRE(store_ready);
}

/* After everything that uses the store was stopped. */
static void turn_end(void)
{
    gy_store_close(GY_GIVE(store), NULL, NULL);
    TURN_FOR(20);
    uv_close((uv_handle_t *)&tick, NULL);
    disk_close();
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    disk_fini();
}

static void turn_put_done(void *arg, const struct gy_store_outcome *outcome)
{
    (void)outcome;
    *(bool *)arg = true;
}

/* Puts (text) or deletes (NULL) a record and waits until the mirror shows it. */
static void turn_put(const char *key, const char *text)
{
    bool done = false;
    struct gy_store_change change = {key, text, text ? strlen(text) : 0};
    REQUIRE(gy_store_txn(store, &change, 1, NULL, 0, turn_put_done, &done, NULL) == GANTRY_OK);
    TURN_UNTIL(done, 5000);
    REQUIRE(done);
}

#endif
