/* SPDX-License-Identifier: Apache-2.0 */
#include "base/work.h"
#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/queue.h>

#define PARALLEL_MAX 64

struct job {
    TAILQ_ENTRY(job) link;
    struct gy_work_client *client;
    uint64_t lane;
    void (*fn)(void *arg); /* NULL: a post */
    void (*done)(void *arg, gantry_status status);
    void (*post)(void *arg);
    void *arg;
    gantry_status status;
};
TAILQ_HEAD(job_list, job);

/* All members are under the pool's lock. */
struct gy_work_client {
    TAILQ_ENTRY(gy_work_client) link;
    struct gy_work_pool *pool;
    struct job_list waiting;
    struct job *running[PARALLEL_MAX];
    unsigned parallel, running_count, waiting_count, posted_count;
    bool is_drained;
};

struct gy_work_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a job came, or the pool stops */
    pthread_cond_t idle; /* a job ended                   */
    TAILQ_HEAD(, gy_work_client) clients;
    struct job_list finished; /* for the loop */
    uv_async_t async;
    pthread_t *threads;
    unsigned thread_limit, thread_count, thread_idle;
    unsigned waiting; /* jobs of all clients that wait */
    bool is_stopping;
};

static bool lane_is_busy(const struct gy_work_client *c, uint64_t lane)
{
    for (unsigned i = 0; lane && i < c->running_count; i++)
        if (c->running[i]->lane == lane) return true;
    return false;
}

/* A job waits behind an earlier one of its lane, also while that one only waits. */
static struct job *startable(const struct gy_work_client *c)
{
    if (c->running_count >= c->parallel) return NULL;
    struct job *job;
    TAILQ_FOREACH (job, &c->waiting, link)
        if (!lane_is_busy(c, job->lane)) return job;
    return NULL;
}

/* Next job, taking turns between clients: the client that was served goes to the end. */
static struct job *take_job(struct gy_work_pool *pool)
{
    struct gy_work_client *c;
    TAILQ_FOREACH (c, &pool->clients, link) {
        struct job *job = startable(c);
        if (!job) continue;
        TAILQ_REMOVE(&c->waiting, job, link);
        c->waiting_count--;
        pool->waiting--;
        c->running[c->running_count++] = job;
        TAILQ_REMOVE(&pool->clients, c, link);
        TAILQ_INSERT_TAIL(&pool->clients, c, link);
        return job;
    }
    return NULL;
}

static void finish_job(struct gy_work_pool *pool, struct job *job)
{
    struct gy_work_client *c = job->client;
    for (unsigned i = 0; i < c->running_count; i++)
        if (c->running[i] == job) c->running[i] = c->running[--c->running_count];
    TAILQ_INSERT_TAIL(&pool->finished, job, link);
    uv_async_send(&pool->async);
    pthread_cond_broadcast(&pool->idle);
}

static void *worker(void *arg)
{
    struct gy_work_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->is_stopping) {
        struct job *job = take_job(pool);
        if (!job) {
            pool->thread_idle++;
            pthread_cond_wait(&pool->wake, &pool->lock);
            pool->thread_idle--;
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        job->fn(job->arg);
        job->status = GANTRY_OK;
        pthread_mutex_lock(&pool->lock);
        finish_job(pool, job);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals are the main thread's: a worker blocks them all, but for those that its own faults raise.
 */
static void start_thread(struct gy_work_pool *pool)
{
    /* An idle thread may have been woken for an earlier job and not run yet: count jobs against
     * them. */
    if (pool->thread_idle > pool->waiting || pool->thread_count >= pool->thread_limit) return;
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&pool->threads[pool->thread_count], NULL, worker, pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void run_finished(struct job *job)
{
    if (job->post)
        job->post(job->arg);
    else if (job->done)
        job->done(job->arg, job->status);
    free(job);
}

static void take_finished(struct gy_work_pool *pool, struct job_list *list,
                          const struct gy_work_client *only)
{
    TAILQ_INIT(list);
    pthread_mutex_lock(&pool->lock);
    struct job *job = TAILQ_FIRST(&pool->finished), *next;
    for (; job; job = next) {
        next = TAILQ_NEXT(job, link);
        if (only && job->client != only) continue;
        TAILQ_REMOVE(&pool->finished, job, link);
        TAILQ_INSERT_TAIL(list, job, link);
        if (job->post) job->client->posted_count--;
    }
    pthread_mutex_unlock(&pool->lock);
}

static struct job *pop_finished(struct gy_work_pool *pool, const struct gy_work_client *only)
{
    pthread_mutex_lock(&pool->lock);
    struct job *job;
    TAILQ_FOREACH (job, &pool->finished, link)
        if (!only || job->client == only) break;
    if (job) {
        TAILQ_REMOVE(&pool->finished, job, link);
        if (job->post) job->client->posted_count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

/* Only what was there at the beginning: a function that posts itself again takes the next turn.  A
 * function may destroy any client, so that each job is taken when its turn comes. */
static void on_async(uv_async_t *async)
{
    struct gy_work_pool *pool = async->data;
    size_t n = 0;
    pthread_mutex_lock(&pool->lock);
    struct job *job;
    TAILQ_FOREACH (job, &pool->finished, link)
        n++;
    pthread_mutex_unlock(&pool->lock);
    while (n-- > 0 && (job = pop_finished(pool, NULL)))
        run_finished(job);
    pthread_mutex_lock(&pool->lock);
    if (!TAILQ_EMPTY(&pool->finished)) uv_async_send(&pool->async);
    pthread_mutex_unlock(&pool->lock);
}

struct gy_work_pool *gy_work_pool_create(uv_loop_t *loop, unsigned threads)
{
    GY_ASSERT(threads > 0);
    struct gy_work_pool *pool = gy_alloc(sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    TAILQ_INIT(&pool->clients);
    TAILQ_INIT(&pool->finished);
    pool->threads = gy_alloc_array(threads, sizeof *pool->threads);
    pool->thread_limit = threads;
    GY_ASSERT(uv_async_init(loop, &pool->async, on_async) == 0);
    pool->async.data = pool;
    return pool;
}

static void free_pool(uv_handle_t *handle)
{
    struct gy_work_pool *pool = handle->data;
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->idle);
    free(pool->threads);
    free(pool);
}

void gy_work_pool_destroy(struct gy_work_pool *pool)
{
    if (!pool) return;
    GY_ASSERT(TAILQ_EMPTY(&pool->clients));
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    uv_close((uv_handle_t *)&pool->async, free_pool);
}

struct gy_work_client *gy_work_client_create(struct gy_work_pool *pool, unsigned parallel)
{
    struct gy_work_client *c = gy_alloc(sizeof *c);
    c->pool = pool;
    c->parallel = parallel < 1 ? 1 : parallel > PARALLEL_MAX ? PARALLEL_MAX : parallel;
    TAILQ_INIT(&c->waiting);
    pthread_mutex_lock(&pool->lock);
    TAILQ_INSERT_TAIL(&pool->clients, c, link);
    pthread_mutex_unlock(&pool->lock);
    return c;
}

void gy_work_client_drain(struct gy_work_client *c)
{
    struct gy_work_pool *pool = c->pool;
    pthread_mutex_lock(&pool->lock);
    c->is_drained = true;
    struct job *job;
    while ((job = TAILQ_FIRST(&c->waiting))) {
        TAILQ_REMOVE(&c->waiting, job, link);
        c->waiting_count--;
        pool->waiting--;
        job->status = GANTRY_ECANCELED;
        TAILQ_INSERT_TAIL(&pool->finished, job, link);
    }
    while (c->running_count > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    struct job_list list;
    take_finished(pool, &list, c);
    while ((job = TAILQ_FIRST(&list))) {
        TAILQ_REMOVE(&list, job, link);
        run_finished(job);
    }
}

void gy_work_client_destroy(struct gy_work_client *c)
{
    if (!c) return;
    gy_work_client_drain(c);
    pthread_mutex_lock(&c->pool->lock);
    TAILQ_REMOVE(&c->pool->clients, c, link);
    pthread_mutex_unlock(&c->pool->lock);
    free(c);
}

gantry_status gy_work_submit(struct gy_work_client *c, uint64_t lane, void (*fn)(void *arg),
                             void (*done)(void *arg, gantry_status status), void *arg)
{
    struct gy_work_pool *pool = c->pool;
    gantry_status status = GANTRY_OK;
    pthread_mutex_lock(&pool->lock);
    if (c->is_drained) {
        status = GANTRY_ECANCELED;
    } else if (c->waiting_count + c->running_count >= GY_WORK_QUEUE_MAX) {
        status = GANTRY_EBUSY;
    } else {
        start_thread(pool);
        if (pool->thread_count == 0) status = GANTRY_EBUSY; /* the system gives us no thread now */
    }
    if (status == GANTRY_OK) {
        struct job *job = gy_alloc(sizeof *job);
        *job = (struct job){.client = c, .lane = lane, .fn = fn, .done = done, .arg = arg};
        TAILQ_INSERT_TAIL(&c->waiting, job, link);
        c->waiting_count++;
        pool->waiting++;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

gantry_status gy_work_post(struct gy_work_client *c, void (*fn)(void *arg), void *arg)
{
    struct gy_work_pool *pool = c->pool;
    gantry_status status = GANTRY_OK;
    pthread_mutex_lock(&pool->lock);
    if (c->is_drained) {
        status = GANTRY_ECANCELED;
    } else if (c->posted_count >= GY_WORK_POST_MAX) {
        status = GANTRY_EBUSY;
    } else {
        struct job *job = gy_alloc(sizeof *job);
        *job = (struct job){.client = c, .post = fn, .arg = arg};
        TAILQ_INSERT_TAIL(&pool->finished, job, link);
        c->posted_count++;
        uv_async_send(&pool->async);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

unsigned gy_work_pending(struct gy_work_client *c)
{
    pthread_mutex_lock(&c->pool->lock);
    unsigned n = c->waiting_count + c->running_count;
    pthread_mutex_unlock(&c->pool->lock);
    return n;
}
