/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool: bounds, order, answers on the loop. */
#include "base/work.h"
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static uv_loop_t loop;
static struct gy_work_pool *pool;
static pthread_t loop_thread;

static void begin(unsigned threads)
{
    REQUIRE(uv_loop_init(&loop) == 0);
    pool = gy_work_pool_create(&loop, threads);
    loop_thread = pthread_self();
}

static void end(void)
{
    gy_work_pool_destroy(pool);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK_INT(uv_loop_close(&loop), 0);
}

static void turn_until(const int *count, int want)
{
    for (int i = 0; i < 20000 && *count < want; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(100);
    }
}

struct job {
    _Atomic int *running, *most, *order;
    int seen, done;
    gantry_status status;
    bool on_worker, on_loop;
    _Atomic bool *gate; /* waits until it opens */
    _Atomic bool has_begun;
};

static void fn(void *arg)
{
    struct job *j = arg;
    atomic_store(&j->has_begun, true);
    j->on_worker = !pthread_equal(pthread_self(), loop_thread);
    if (j->running) {
        int now = atomic_fetch_add(j->running, 1) + 1, most = atomic_load(j->most);
        while (now > most && !atomic_compare_exchange_weak(j->most, &most, now)) {
        }
        usleep(2000);
        atomic_fetch_sub(j->running, 1);
    }
    while (j->gate && !atomic_load(j->gate))
        usleep(100);
    if (j->order) j->seen = atomic_fetch_add(j->order, 1);
}

static int done_count;

static void done(void *arg, gantry_status status)
{
    struct job *j = arg;
    j->done++;
    j->status = status;
    j->on_loop = pthread_equal(pthread_self(), loop_thread);
    done_count++;
}

static void runs_and_answers(void)
{
    begin(2);
    struct gy_work_client *c = gy_work_client_create(pool, 4);
    struct job j = {0};
    done_count = 0;
    CHECK_INT(gy_work_submit(c, 0, fn, done, &j), GANTRY_OK);
    CHECK_INT(j.done, 0);
    turn_until(&done_count, 1);
    CHECK_INT(j.done, 1);
    CHECK_INT(j.status, GANTRY_OK);
    CHECK(j.on_worker && j.on_loop);
    gy_work_client_destroy(c);
    end();
}

static void parallel_is_bounded(void)
{
    begin(8);
    _Atomic int running = 0, most = 0;
    struct gy_work_client *c = gy_work_client_create(pool, 3);
    struct job jobs[20];
    done_count = 0;
    for (int i = 0; i < 20; i++) {
        jobs[i] = (struct job){.running = &running, .most = &most};
        CHECK_INT(gy_work_submit(c, 0, fn, done, &jobs[i]), GANTRY_OK);
    }
    turn_until(&done_count, 20);
    CHECK_INT(done_count, 20);
    CHECK(atomic_load(&most) <= 3 && atomic_load(&most) >= 2);
    gy_work_client_destroy(c);
    end();
}

static void a_lane_keeps_order(void)
{
    begin(8);
    _Atomic int running = 0, most = 0, order = 0;
    struct gy_work_client *c = gy_work_client_create(pool, 8);
    struct job jobs[20];
    done_count = 0;
    for (int i = 0; i < 20; i++) {
        jobs[i] = (struct job){.running = &running, .most = &most, .order = &order};
        CHECK_INT(gy_work_submit(c, 77, fn, done, &jobs[i]), GANTRY_OK);
    }
    turn_until(&done_count, 20);
    CHECK_INT(atomic_load(&most), 1);
    for (int i = 0; i < 20; i++)
        CHECK_INT(jobs[i].seen, i);
    gy_work_client_destroy(c);
    end();
}

static void the_queue_is_bounded_and_drained(void)
{
    begin(1);
    _Atomic bool gate = false;
    struct gy_work_client *c = gy_work_client_create(pool, 1);
    struct gy_work_client *other = gy_work_client_create(pool, 1);
    static struct job jobs[GY_WORK_QUEUE_MAX + 1];
    struct job last = {0};
    done_count = 0;
    for (int i = 0; i < GY_WORK_QUEUE_MAX; i++) {
        jobs[i] = (struct job){.gate = i == 0 ? &gate : NULL};
        CHECK_INT(gy_work_submit(c, 0, fn, done, &jobs[i]), GANTRY_OK);
    }
    CHECK_INT(gy_work_submit(c, 0, fn, done, &jobs[GY_WORK_QUEUE_MAX]), GANTRY_EBUSY);
    CHECK_INT(gy_work_pending(c), GY_WORK_QUEUE_MAX);
    CHECK_INT(gy_work_submit(other, 0, fn, done, &last), GANTRY_OK); /* another client has room */
    while (!atomic_load(&jobs[0].has_begun))
        usleep(100);
    atomic_store(&gate, true);
    gy_work_client_drain(c);
    CHECK(done_count >= GY_WORK_QUEUE_MAX);
    int cancelled = 0;
    for (int i = 0; i < GY_WORK_QUEUE_MAX; i++) {
        CHECK_INT(jobs[i].done, 1);
        cancelled += jobs[i].status == GANTRY_ECANCELED;
    }
    CHECK(cancelled > 0 && jobs[0].status == GANTRY_OK);
    CHECK_INT(gy_work_submit(c, 0, fn, done, &last), GANTRY_ECANCELED);
    gy_work_client_destroy(c);
    gy_work_client_destroy(other);
    CHECK_INT(last.done, 1);
    end();
}

static void open_gate(void *arg)
{
    atomic_store((_Atomic bool *)arg, true);
}

/* One idle thread is woken for the first job; the second, which the first waits for, needs its own.
 */
static void a_job_does_not_wait_for_one_that_blocks(void)
{
    for (int i = 0; i < 5; i++) {
        begin(2);
        struct gy_work_client *c = gy_work_client_create(pool, 2);
        _Atomic bool gate = false;
        struct job first = {0}, blocked = {.gate = &gate};
        done_count = 0;
        CHECK_INT(gy_work_submit(c, 0, fn, done, &first), GANTRY_OK);
        turn_until(&done_count, 1);
        usleep(2000); /* its thread is idle now */
        CHECK_INT(gy_work_submit(c, 0, fn, done, &blocked), GANTRY_OK);
        CHECK_INT(gy_work_submit(c, 0, open_gate, NULL, &gate), GANTRY_OK);
        turn_until(&done_count, 2);
        CHECK_INT(done_count, 2);
        atomic_store(&gate, true);
        gy_work_client_destroy(c);
        end();
    }
}

static int posts, posts_in_call;

static void again(void *arg)
{
    struct gy_work_client *c = arg;
    posts++;
    int before = posts;
    if (posts < 3) CHECK_INT(gy_work_post(c, again, c), GANTRY_OK);
    posts_in_call += posts != before;
}

static void a_post_takes_a_later_turn(void)
{
    begin(1);
    struct gy_work_client *c = gy_work_client_create(pool, 1);
    posts = posts_in_call = 0;
    CHECK_INT(gy_work_post(c, again, c), GANTRY_OK);
    CHECK_INT(posts, 0);
    turn_until(&posts, 3);
    CHECK_INT(posts, 3);
    CHECK_INT(posts_in_call, 0);
    gy_work_client_destroy(c);
    end();
}

SUITE("base.work", {"runs on a worker, answers on the loop", runs_and_answers},
      {"so many side by side and no more", parallel_is_bounded},
      {"a lane keeps order", a_lane_keeps_order},
      {"bounded queue, drained to the last", the_queue_is_bounded_and_drained},
      {"a job does not wait for one that blocks", a_job_does_not_wait_for_one_that_blocks},
      {"a post takes a later turn", a_post_takes_a_later_turn})
