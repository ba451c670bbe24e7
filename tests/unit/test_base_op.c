/* SPDX-License-Identifier: Apache-2.0 */
/* The operation table by itself: numbers, ends, items, from many threads. */
#include "base/log.h"
#include "base/memory.h"
#include "base/op.h"
#include "suite.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

static uv_loop_t loop;
static struct gy_op_table *table;

/* Items and results are ints. */
static void *copy_int(const struct gy_op_type *type, const void *from, size_t *bytes,
                      struct gy_error *err)
{
    (void)type;
    if (*(const int *)from < 0) {
        gy_error_set(err, GANTRY_EINVAL, "an int is not negative here");
        return NULL;
    }
    int *copy = gy_alloc(sizeof *copy);
    *copy = *(const int *)from;
    *bytes = *copy >= 1000000 ? 300 * 1024 : sizeof *copy; /* a large one */
    return copy;
}
static const struct gy_op_type ints = {"int", copy_int};

struct answer {
    int items, sum, done, result;
    gantry_status status;
    char text[128];
};

static void on_item(void *arg, const void *item)
{
    struct answer *a = arg;
    a->items++;
    a->sum += *(const int *)item;
}

static void on_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct answer *a = arg;
    a->done++;
    a->status = status;
    a->result = result ? *(const int *)result : -1;
    snprintf(a->text, sizeof a->text, "%s", text);
}

static int cancels;
static void on_cancel(struct gy_op_owner *owner, gantry_op op)
{
    (void)owner, (void)op;
    cancels++;
}

static struct gy_op_owner owner = {.name = "test", .cancel = on_cancel};
static struct gy_op_owner stranger = {.name = "stranger"};

static void begin(void)
{
    gy_log_set_level(GY_LOG_ERROR);
    REQUIRE(uv_loop_init(&loop) == 0);
    table = gy_op_table_create(&loop);
    owner.late = owner.twice = owner.unknown = 0;
    stranger.unknown = 0;
    cancels = 0;
}

static void end(void)
{
    gy_op_table_destroy(table);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK_INT(uv_loop_close(&loop), 0);
}

static gantry_op op_for(struct answer *a, uint64_t deadline_ms)
{
    const struct gy_op_spec spec = {.owner = &owner,
                                    .function = "get",
                                    .item = &ints,
                                    .result = &ints,
                                    .deadline_ms = deadline_ms,
                                    .grace_ms = 20,
                                    .on_item = on_item,
                                    .on_done = on_done,
                                    .arg = a};
    *a = (struct answer){0};
    return gy_op_begin(table, &spec);
}

static void turn(int *count, int want)
{
    for (int i = 0; i < 5000 && *count < want; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(100);
    }
}

static void ends_once(void)
{
    begin();
    struct answer a, b;
    int seven = 7, bad = -7;
    gantry_op op = op_for(&a, 0);
    CHECK(op != 0);
    CHECK_INT(gy_op_end(table, &owner, op, GANTRY_OK, NULL, &seven), GANTRY_OK);
    CHECK_INT(a.done, 0);
    turn(&a.done, 1);
    CHECK_INT(a.result, 7);
    CHECK_INT(gy_op_end(table, &owner, op, GANTRY_OK, NULL, NULL), GANTRY_EINVAL);
    CHECK_INT(owner.twice, 1);
    gantry_op next = op_for(&b, 0);
    CHECK(next != op);
    CHECK_INT(gy_op_end(table, &owner, op, GANTRY_OK, NULL, NULL),
              GANTRY_EINVAL); /* its slot is reused */
    CHECK_INT(owner.twice, 2);
    CHECK_INT(gy_op_end(table, &stranger, next, GANTRY_OK, NULL, NULL), GANTRY_EINVAL);
    CHECK_INT(stranger.unknown, 1);
    CHECK_INT(gy_op_end(table, &owner, next + 99, GANTRY_OK, NULL, NULL), GANTRY_EINVAL);
    CHECK_INT(owner.unknown, 1);
    CHECK_INT(b.done, 0);
    CHECK_INT(gy_op_end(table, &owner, next, GANTRY_OK, NULL, &bad), GANTRY_OK);
    turn(&b.done, 1);
    CHECK_INT(b.status, GANTRY_EINTERNAL);
    CHECK_STR(b.text, "an int is not negative here");
    CHECK_INT(a.done, 1);
    end();
}

static void numbers_are_never_used_again(void)
{
    begin();
    struct answer a;
    gantry_op last = 0;
    for (int i = 0; i < 300; i++) {
        gantry_op op = op_for(&a, 0);
        CHECK(op > last);
        last = op;
        gy_op_end(table, &owner, op, GANTRY_EBUSY, "later", NULL);
        turn(&a.done, 1);
        CHECK_INT(a.status, GANTRY_EBUSY);
        CHECK_STR(a.text, "later");
    }
    end();
}

static void the_queue_is_bounded(void)
{
    begin();
    struct answer a;
    int one = 1, large = 1000000, bad = -1;
    gantry_op op = op_for(&a, 0);
    for (int i = 0; i < GY_OP_ITEMS_MAX; i++)
        CHECK_INT(gy_op_emit(table, &owner, op, &one), GANTRY_OK);
    CHECK_INT(gy_op_emit(table, &owner, op, &one), GANTRY_EBUSY);
    turn(&a.items, GY_OP_ITEMS_MAX);
    CHECK_INT(a.sum, GY_OP_ITEMS_MAX);
    for (int i = 0; i < 3; i++)
        CHECK_INT(gy_op_emit(table, &owner, op, &large), GANTRY_OK);
    CHECK_INT(gy_op_emit(table, &owner, op, &large), GANTRY_EBUSY); /* 1 MiB */
    CHECK_INT(gy_op_emit(table, &owner, op, &bad), GANTRY_EINVAL);
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, NULL);
    CHECK_INT(gy_op_emit(table, &owner, op, &one), GANTRY_ECANCELED);
    turn(&a.done, 1);
    CHECK_INT(a.items, GY_OP_ITEMS_MAX + 3); /* all before the end */
    end();
}

static void given_up_after_the_grace(void)
{
    begin();
    struct answer a, b;
    gantry_op op = op_for(&a, 10);
    turn(&a.done, 1);
    CHECK_INT(cancels, 1);
    CHECK_INT(a.status, GANTRY_ETIMEDOUT);
    CHECK_STR(a.text, "get did not end within 10 ms, nor when it was cancelled");
    op_for(&b, 0); /* takes the slot */
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, NULL);
    CHECK_INT(owner.late, 1);
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, NULL);
    CHECK_INT(owner.twice, 1);
    CHECK_INT(b.done, 0);
    end();
    CHECK_INT(b.done, 1); /* by the end of the table */
    CHECK_INT(b.status, GANTRY_ECANCELED);
}

static void an_answer_within_the_grace_counts(void)
{
    begin();
    struct answer a;
    int nine = 9;
    gantry_op op = op_for(&a, 5);
    turn(&cancels, 1);
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, &nine);
    turn(&a.done, 1);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(a.result, 9);
    CHECK_INT(owner.late, 0);
    end();
}

static void cancelled(void)
{
    begin();
    struct answer a;
    int one = 1;
    gantry_op op = op_for(&a, 0);
    CHECK_INT(gy_op_emit(table, &owner, op, &one), GANTRY_OK);
    gy_op_cancel(table, op);
    gy_op_cancel(table, op);
    CHECK_INT(cancels, 1);
    CHECK_INT(gy_op_emit(table, &owner, op, &one), GANTRY_ECANCELED);
    turn(&a.done, 1);
    CHECK_INT(a.items, 0);
    CHECK_INT(a.status, GANTRY_ECANCELED);
    CHECK_STR(a.text, "get did not end when it was cancelled");
    gy_op_cancel(table, op); /* nothing */
    gy_op_cancel(table, 0);
    end();
}

static void paused(void)
{
    begin();
    struct answer a;
    int one = 1;
    gantry_op op = op_for(&a, 0);
    gy_op_pause(table, op, true);
    gy_op_emit(table, &owner, op, &one);
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, &one);
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    CHECK_INT(a.items + a.done, 0);
    gy_op_pause(table, op, false);
    turn(&a.done, 1);
    CHECK_INT(a.items, 1);
    op = op_for(&a, 0); /* cancelled while its end waits behind items */
    gy_op_pause(table, op, true);
    gy_op_emit(table, &owner, op, &one);
    gy_op_end(table, &owner, op, GANTRY_OK, NULL, &one);
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    CHECK_INT(a.done, 0);
    gy_op_cancel(table, op);
    turn(&a.done, 1);
    CHECK_INT(a.done, 1);
    CHECK_INT(a.items, 0);
    end();
}

#define THREADS 4
#define EACH 2000
struct many {
    gantry_op op;
    int sent;
    bool has_ended; /* this thread's end was the one that counted */
};

/* Four threads fill one operation; the last one ends it, and so do the others: one end counts. */
static void *emit_many(void *arg)
{
    struct many *m = arg;
    int one = 1;
    while (m->sent < EACH) {
        gantry_status status = gy_op_emit(table, &owner, m->op, &one);
        if (status == GANTRY_OK)
            m->sent++;
        else
            usleep(50);
    }
    return NULL;
}

static void *end_it(void *arg)
{
    struct many *m = arg;
    int one = 1;
    m->has_ended = gy_op_end(table, &owner, m->op, GANTRY_OK, NULL, &one) == GANTRY_OK;
    return NULL;
}

static void from_many_threads(void)
{
    begin();
    struct answer a;
    struct many m[THREADS];
    pthread_t threads[THREADS];
    gantry_op op = op_for(&a, 0);
    for (int i = 0; i < THREADS; i++) {
        m[i] = (struct many){.op = op};
        REQUIRE(pthread_create(&threads[i], NULL, emit_many, &m[i]) == 0);
    }
    turn(&a.items, THREADS * EACH);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(a.items, THREADS * EACH);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, end_it, &m[i]) == 0);
    int ended = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ended += m[i].has_ended;
    }
    turn(&a.done, 1);
    CHECK_INT(ended, 1);
    CHECK_INT(a.done, 1);
    CHECK_INT(owner.twice, THREADS - 1);
    end();
}

SUITE("base.op", {"ends once", ends_once},
      {"numbers are never used again", numbers_are_never_used_again},
      {"the queue is bounded", the_queue_is_bounded},
      {"given up after the grace", given_up_after_the_grace},
      {"an answer within the grace counts", an_answer_within_the_grace_counts},
      {"cancelled", cancelled}, {"paused", paused}, {"from many threads", from_many_threads})
