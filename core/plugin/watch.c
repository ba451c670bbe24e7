/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and descriptors of an instance on the host's loop. */
#include "plugin/internal.h"

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop(struct gy_watch *w)
{
    LIST_REMOVE(w, link);
    uv_close(&w->uv.handle, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct gy_watch *w = timer->data;
    struct gy_instance *inst = w->instance;
    void (*fn)(void *arg) = w->on_timer;
    void *arg = w->arg;
    bool is_own = w->is_own;
    if (w->is_once) stop(w); /* first: fn may stop it by its number, or end the instance */
    if (is_own)
        fn(arg);
    else
        GY_CALL(inst, "timer", fn(arg));
}

static void on_fd(uv_poll_t *poll, int status, int events)
{
    struct gy_watch *w = poll->data; /* stays until its close callback, on a later turn */
    uint32_t seen = 0;
    if (events & UV_READABLE) seen |= GANTRY_FD_READABLE;
    if (events & UV_WRITABLE) seen |= GANTRY_FD_WRITABLE;
    if (status < 0 || events & UV_DISCONNECT) seen |= GANTRY_FD_HANGUP;
    if (!seen) return;
    if (w->is_own)
        w->on_fd(w->arg, w->fd, seen);
    else
        GY_CALL(w->instance, "fd_watch", w->on_fd(w->arg, w->fd, seen));
}

static struct gy_watch *add(struct gy_instance *inst, void *arg)
{
    struct gy_watch *w = gy_alloc(sizeof *w);
    w->instance = inst;
    w->arg = arg;
    w->fd = -1;
    w->id = ++inst->ps->next_id;
    w->uv.handle.data = w;
    return w;
}

uint64_t gy_watch_timer(struct gy_instance *inst, uint64_t first_ms, uint64_t repeat_ms,
                        void (*fn)(void *arg), void *arg)
{
    struct gy_watch *w = add(inst, arg);
    w->on_timer = fn;
    w->is_once = repeat_ms == 0;
    uv_timer_init(inst->ps->loop, &w->uv.timer);
    uv_update_time(inst->ps->loop); /* the loop's clock may lag behind by a long turn */
    uv_timer_start(&w->uv.timer, on_timer, first_ms, repeat_ms);
    LIST_INSERT_HEAD(&inst->watches, w, link);
    return w->id;
}

uint64_t gy_watch_own_timer(struct gy_instance *inst, uint64_t delay_ms, void (*fn)(void *arg),
                            void *arg)
{
    uint64_t id = gy_watch_timer(inst, delay_ms, 0, fn, arg);
    LIST_FIRST(&inst->watches)->is_own = true;
    return id;
}

uint64_t gy_watch_later(struct gy_instance *inst, uint64_t delay_ms, void (*fn)(void *inst))
{
    return gy_watch_own_timer(inst, delay_ms, fn, inst);
}

uint64_t gy_watch_fd(struct gy_instance *inst, int fd, uint32_t events,
                     void (*fn)(void *arg, int fd, uint32_t events), void *arg)
{
    int wanted = 0;
    if (events & GANTRY_FD_READABLE) wanted |= UV_READABLE;
    if (events & GANTRY_FD_WRITABLE) wanted |= UV_WRITABLE;
    if (events & GANTRY_FD_HANGUP) wanted |= UV_DISCONNECT;
    struct gy_watch *w = add(inst, arg);
    w->on_fd = fn;
    w->fd = fd;
    if (wanted == 0 || uv_poll_init(inst->ps->loop, &w->uv.poll, fd) != 0) {
        free(w);
        return 0;
    }
    LIST_INSERT_HEAD(&inst->watches, w, link);
    if (uv_poll_start(&w->uv.poll, wanted, on_fd) != 0) {
        stop(w);
        return 0;
    }
    return w->id;
}

uint64_t gy_watch_own_fd(struct gy_instance *inst, int fd,
                         void (*fn)(void *arg, int fd, uint32_t events), void *arg)
{
    uint64_t id = gy_watch_fd(inst, fd, GANTRY_FD_READABLE, fn, arg);
    if (id) LIST_FIRST(&inst->watches)->is_own = true;
    return id;
}

void gy_watch_stop(struct gy_instance *inst, uint64_t id)
{
    struct gy_watch *w;
    LIST_FOREACH (w, &inst->watches, link)
        if (w->id == id) {
            stop(w);
            return;
        }
}

void gy_watch_stop_all(struct gy_instance *inst)
{
    struct gy_watch *w;
    while ((w = LIST_FIRST(&inst->watches)))
        stop(w);
}
