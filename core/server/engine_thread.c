/* SPDX-License-Identifier: Apache-2.0 */
#include "server/engine_thread.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

#include <pthread.h>
#include <sys/queue.h>

#define STEP_BUDGET 2000 /* placements and changes in one step */
#define ANSWERS_MAX 64   /* decisions that wait for the loop; the thread waits beyond */

enum message_kind { OBJECT, RESET, SYNCED, TXN_DONE, HEARTBEAT, EXPLAIN };

struct message {
    TAILQ_ENTRY(message) entry;
    enum message_kind kind;
    struct gy_store_object *object; /* OBJECT: a reference, or NULL = deleted */
    char *text;                     /* OBJECT: key; HEARTBEAT: node; EXPLAIN: app or pod */
    uint64_t number;                /* OBJECT: rev; SYNCED: epoch; TXN_DONE: txn */
    enum gy_txn_outcome outcome;
    bool is_app;
    void (*done)(void *, gantry_status, const char *, const char *);
    void *arg;
    /* EXPLAIN, on the way back */
    gantry_status status;
    char *json;
    struct gy_error err;
};
TAILQ_HEAD(messages, message);

struct answer {
    TAILQ_ENTRY(answer) entry;
    struct gy_engine_decisions decisions;
    uint64_t resets;
};
TAILQ_HEAD(answers, answer);

struct gy_engine_thread {
    struct gy_engine_thread_options o;
    pthread_t thread;
    uv_async_t async;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t wake, drained;
    struct messages queue, explained;
    size_t queued;
    bool held; /* half a transaction was given: no step before the rest of it */
    bool full; /* an EBUSY was answered: room() is owed until it is called */
    struct answers answers;
    size_t answer_count;
    bool stop;
    uint64_t resets; /* that the engine has seen; of the thread */
    uint64_t steps, step_ns, step_max_ns, handled;
};

static struct gy_now now(void)
{
    return (struct gy_now){gy_time_mono_ms(), gy_time_wall_ms()};
}

static void message_free(struct message *m)
{
    gy_store_object_put(m->object);
    free(m->text);
    free(m->json);
    free(m);
}

/* ---- on the thread ---- */

static void explain(struct gy_engine *engine, struct message *m)
{
    m->err = (struct gy_error)GY_ERROR_INIT;
    if (!m->is_app) {
        m->status = gy_engine_explain_pod(engine, m->text, &m->json, &m->err);
        return;
    }
    char *project = strchr(m->text, '/'), *app = project ? strchr(project + 1, '/') : NULL;
    if (!app) {
        m->status =
            gy_error_set(&m->err, GANTRY_EINVAL, "\"%s\" is not namespace/project/app", m->text);
        return;
    }
    *project++ = *app++ = '\0';
    m->status = gy_engine_explain_app(engine, m->text, project, app, &m->json, &m->err);
}

static void handle(struct gy_engine *engine, struct message *m)
{
    switch (m->kind) {
    case OBJECT:
        gy_engine_object(engine, m->text, m->number, m->object ? m->object->bytes : NULL,
                         m->object ? m->object->len : 0);
        break;
    case RESET: gy_engine_reset(engine); break;
    case SYNCED: gy_engine_synced(engine, m->number, now()); break;
    case TXN_DONE: gy_engine_txn_done(engine, m->number, m->outcome); break;
    case HEARTBEAT: gy_engine_heartbeat(engine, m->text, now()); break;
    case EXPLAIN: explain(engine, m); break;
    }
}

static bool says_something(const struct gy_engine_decisions *d)
{
    return d->txn_count || d->event_count || d->node_count || d->waiting_count;
}

/* Sleeps until there is a message, wake_ms is there, or the end; with the mutex held. */
static void wait_for_work(struct gy_engine_thread *t, int64_t wake_ms)
{
    while (!t->stop && (t->held || TAILQ_EMPTY(&t->queue))) {
        if (t->held) {
            pthread_cond_wait(&t->wake, &t->mutex);
            continue;
        }
        int64_t left_ms = wake_ms - gy_time_mono_ms();
        if (left_ms <= 0) return;
        if (wake_ms == INT64_MAX || left_ms > 60000)
            left_ms = 60000; /* the clock of wake_ms counts suspend */
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_sec += left_ms / 1000;
        at.tv_nsec += left_ms % 1000 * 1000000;
        if (at.tv_nsec >= 1000000000) {
            at.tv_sec++;
            at.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&t->wake, &t->mutex, &at);
    }
}

/* One round: hand over what waits, step, give the decisions back.  Mutex held at both ends. */
static bool round_of_work(struct gy_engine_thread *t, int64_t *wake_ms)
{
    struct messages batch = TAILQ_HEAD_INITIALIZER(batch),
                    answered = TAILQ_HEAD_INITIALIZER(answered);
    struct message *m;
    TAILQ_CONCAT(&batch, &t->queue, entry);
    t->queued = 0;
    bool room = t->full;
    pthread_mutex_unlock(&t->mutex);
    if (room) uv_async_send(&t->async);
    uint64_t handled = 0;
    int64_t begin_ns = gy_time_mono_ns();
    while ((m = TAILQ_FIRST(&batch))) {
        TAILQ_REMOVE(&batch, m, entry);
        handle(t->o.engine, m);
        t->resets += m->kind == RESET;
        handled++;
        if (m->kind == EXPLAIN)
            TAILQ_INSERT_TAIL(&answered, m, entry);
        else
            message_free(m);
    }
    struct answer *answer = gy_alloc(sizeof *answer);
    answer->decisions.wake_mono_ms = INT64_MAX;
    answer->resets = t->resets;
    gy_engine_step(t->o.engine, now(), STEP_BUDGET, &answer->decisions);
    *wake_ms = answer->decisions.wake_mono_ms;
    bool more = answer->decisions.more, tell = says_something(&answer->decisions);
    uint64_t ns = (uint64_t)(gy_time_mono_ns() - begin_ns);
    if (!tell) {
        gy_engine_decisions_fini(&answer->decisions);
        free(answer);
    }
    pthread_mutex_lock(&t->mutex);
    t->handled += handled;
    t->steps++;
    t->step_ns += ns;
    if (ns > t->step_max_ns) t->step_max_ns = ns;
    bool any = tell || !TAILQ_EMPTY(&answered);
    TAILQ_CONCAT(&t->explained, &answered, entry);
    if (tell) {
        TAILQ_INSERT_TAIL(&t->answers, answer, entry);
        t->answer_count++;
    }
    if (any) uv_async_send(&t->async);
    while (!t->stop && t->answer_count > ANSWERS_MAX)
        pthread_cond_wait(&t->drained, &t->mutex);
    return more;
}

static void *run(void *arg)
{
    struct gy_engine_thread *t = arg;
    int64_t wake_ms = INT64_MAX;
    bool more = false;
    pthread_setname_np(pthread_self(), "gantry-engine");
    pthread_mutex_lock(&t->mutex);
    while (!t->stop) {
        wait_for_work(t, more ? 0 : wake_ms);
        if (!t->stop) more = round_of_work(t, &wake_ms);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

/* ---- on the loop ---- */

static void on_async(uv_async_t *async)
{
    struct gy_engine_thread *t = async->data;
    struct answers answers = TAILQ_HEAD_INITIALIZER(answers);
    struct messages explained = TAILQ_HEAD_INITIALIZER(explained);
    pthread_mutex_lock(&t->mutex);
    TAILQ_CONCAT(&answers, &t->answers, entry);
    TAILQ_CONCAT(&explained, &t->explained, entry);
    t->answer_count = 0;
    /* Not yet: the queue is not empty then, and the round that empties it asks again. */
    bool room = t->full && t->queued < GY_ENGINE_QUEUE_MAX / 2 && !t->stop;
    if (room) t->full = false;
    pthread_cond_signal(&t->drained);
    pthread_mutex_unlock(&t->mutex);
    struct answer *answer;
    while ((answer = TAILQ_FIRST(&answers))) {
        TAILQ_REMOVE(&answers, answer, entry);
        t->o.decisions(t->o.arg, &answer->decisions, answer->resets);
        gy_engine_decisions_fini(&answer->decisions);
        free(answer);
    }
    struct message *m;
    while ((m = TAILQ_FIRST(&explained))) {
        TAILQ_REMOVE(&explained, m, entry);
        m->done(m->arg, m->status, m->json, m->err.text);
        message_free(m);
    }
    if (room && t->o.room) t->o.room(t->o.arg);
}

struct gy_engine_thread *gy_engine_thread_start(const struct gy_engine_thread_options *options)
{
    struct gy_engine_thread *t = gy_alloc(sizeof *t);
    pthread_condattr_t attr;
    t->o = *options;
    TAILQ_INIT(&t->queue);
    TAILQ_INIT(&t->explained);
    TAILQ_INIT(&t->answers);
    uv_async_init(options->loop, &t->async, on_async);
    t->async.data = t;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_cond_init(&t->drained, &attr);
    pthread_condattr_destroy(&attr);
    GY_ASSERT(pthread_create(&t->thread, NULL, run, t) == 0);
    return t;
}

static void closed(uv_handle_t *handle)
{
    struct gy_engine_thread *t = handle->data;
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->wake);
    pthread_cond_destroy(&t->drained);
    free(t);
}

static void end_explains(struct messages *list)
{
    struct message *m, *next;
    for (m = TAILQ_FIRST(list); m; m = next) {
        next = TAILQ_NEXT(m, entry);
        if (m->kind == EXPLAIN)
            m->done(m->arg, GANTRY_EUNAVAIL, NULL, "the server is being stopped");
        message_free(m);
    }
    TAILQ_INIT(list);
}

void gy_engine_thread_stop(struct gy_engine_thread *t)
{
    if (!t) return;
    pthread_mutex_lock(&t->mutex);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_cond_signal(&t->drained);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    end_explains(&t->queue);
    end_explains(&t->explained);
    struct answer *answer;
    while ((answer = TAILQ_FIRST(&t->answers))) {
        TAILQ_REMOVE(&t->answers, answer, entry);
        gy_engine_decisions_fini(&answer->decisions);
        free(answer);
    }
    gy_engine_destroy(t->o.engine);
    uv_close((uv_handle_t *)&t->async, closed);
}

static gantry_status push(struct gy_engine_thread *t, struct message *m, bool bounded)
{
    pthread_mutex_lock(&t->mutex);
    if (bounded && t->queued >= GY_ENGINE_QUEUE_MAX) {
        t->full = true;
        pthread_mutex_unlock(&t->mutex);
        message_free(m);
        return GANTRY_EBUSY;
    }
    TAILQ_INSERT_TAIL(&t->queue, m, entry);
    t->queued++;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    return GANTRY_OK;
}

static struct message *message(enum message_kind kind)
{
    struct message *m = gy_alloc(sizeof *m);
    m->kind = kind;
    return m;
}

gantry_status gy_engine_thread_object(struct gy_engine_thread *t, const char *key,
                                      struct gy_store_object *object, uint64_t rev)
{
    struct message *m = message(OBJECT);
    m->text = gy_strdup(key);
    m->object = gy_store_object_get(object);
    m->number = rev;
    return push(t, m, true);
}

void gy_engine_thread_hold(struct gy_engine_thread *t, bool hold)
{
    pthread_mutex_lock(&t->mutex);
    t->held = hold;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

void gy_engine_thread_reset(struct gy_engine_thread *t)
{
    push(t, message(RESET), false);
}

void gy_engine_thread_synced(struct gy_engine_thread *t, uint64_t epoch_rev)
{
    struct message *m = message(SYNCED);
    m->number = epoch_rev;
    push(t, m, false);
}

void gy_engine_thread_txn_done(struct gy_engine_thread *t, uint64_t txn,
                               enum gy_txn_outcome outcome)
{
    struct message *m = message(TXN_DONE);
    m->number = txn;
    m->outcome = outcome;
    push(t, m, false);
}

void gy_engine_thread_heartbeat(struct gy_engine_thread *t, const char *node)
{
    struct message *m = message(HEARTBEAT);
    m->text = gy_strdup(node);
    push(t, m, false);
}

void gy_engine_thread_explain(struct gy_engine_thread *t, const char *app_key, const char *pod_id,
                              void (*done)(void *, gantry_status, const char *, const char *),
                              void *arg)
{
    struct message *m = message(EXPLAIN);
    m->is_app = app_key != NULL;
    m->text = gy_strdup(app_key ? app_key : pod_id);
    m->done = done;
    m->arg = arg;
    push(t, m, false);
}

json_t *gy_engine_thread_json(struct gy_engine_thread *t)
{
    pthread_mutex_lock(&t->mutex);
    json_t *out = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "queued", (json_int_t)t->queued, "answers",
                            (json_int_t)t->answer_count, "handled", (json_int_t)t->handled, "steps",
                            (json_int_t)t->steps, "step_us", (json_int_t)(t->step_ns / 1000),
                            "step_max_us", (json_int_t)(t->step_max_ns / 1000));
    pthread_mutex_unlock(&t->mutex);
    return out;
}
