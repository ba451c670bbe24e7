/* SPDX-License-Identifier: Apache-2.0 */
#include "base/op.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

/* A number is generation << INDEX_BITS | index: 2^44 uses of each of a million slots. */
#define INDEX_BITS 20
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define HISTORY 64 /* generations of a slot whose fate is remembered */

struct item {
    STAILQ_ENTRY(item) link;
    void *copy;
    size_t bytes;
};
STAILQ_HEAD(item_list, item);

enum slot_state { SLOT_FREE, SLOT_OPEN, SLOT_ENDED };

/* State, items and answer are under the table's lock; spec is written while free; the rest is the
 * loop's. */
struct slot {
    TAILQ_ENTRY(slot) ready; /* in table->ready while is_ready */
    struct slot *next_free;
    struct gy_op_table *table;
    uint64_t index, generation;
    uint64_t
        retired; /* bit i: generation - 1 - i was given up by us, so that its end is only late */
    enum slot_state state;
    bool is_ready, is_cancelled, is_expired, is_forgotten, is_given_up, is_paused;
    struct gy_op_spec spec;
    struct item_list items;
    size_t item_count, item_bytes;
    gantry_status status;
    char *text;
    void *result;
    uv_timer_t timer; /* the deadline, then the grace */
};

struct gy_op_table {
    pthread_mutex_t lock;
    uv_loop_t *loop;
    uv_async_t async;
    TAILQ_HEAD(, slot) ready;
    struct slot **slots;
    size_t n, cap;
    struct slot *free;
    size_t closing; /* handles whose close callback is due */
};

static gantry_op number_of(const struct slot *s)
{
    return (s->generation << INDEX_BITS) | s->index;
}

/* The open slot of op, or NULL.  Locked. */
static struct slot *find(struct gy_op_table *t, gantry_op op)
{
    uint64_t index = op & INDEX_MASK;
    if (index >= t->n) return NULL;
    struct slot *s = t->slots[index];
    return s->generation == op >> INDEX_BITS && s->state == SLOT_OPEN ? s : NULL;
}

/* Count an end that does not fit, and say so.  Locked; unlocks. */
static void count_misuse(struct gy_op_table *t, struct gy_op_owner *owner, gantry_op op)
{
    uint64_t index = op & INDEX_MASK, generation = op >> INDEX_BITS;
    struct slot *s = index < t->n ? t->slots[index] : NULL;
    const char *how = "ended an operation that was never begun";
    _Atomic uint64_t *counter = &owner->unknown;
    if (s && generation > 0 && generation <= s->generation) {
        how = "ended an operation twice";
        counter = &owner->twice;
        uint64_t age = s->generation - generation;
        bool is_late = false;
        if (age == 0 && s->state != SLOT_OPEN && s->is_given_up) {
            is_late = true;
            s->is_given_up = false;
        } else if (age == 0 && s->state == SLOT_OPEN) {
            how = "ended an operation of another instance";
            counter = &owner->unknown;
        } else if (age > 0 && age <= HISTORY && (s->retired >> (age - 1)) & 1) {
            is_late = true;
            s->retired &= ~(UINT64_C(1) << (age - 1));
        }
        if (is_late) {
            how = "ended an operation that had been given up";
            counter = &owner->late;
        }
    }
    pthread_mutex_unlock(&t->lock);
    uint64_t before = atomic_fetch_add(counter, 1);
    if (before < 3 || (before + 1) % 1000 == 0)
        gy_log(GY_LOG_WARN, "op", "%s instance=%s op=%" PRIu64 " times=%" PRIu64, how, owner->name,
               op, before + 1);
}

static void make_ready(struct slot *s)
{
    if (!s->is_ready) {
        s->is_ready = true;
        TAILQ_INSERT_TAIL(&s->table->ready, s, ready);
    }
    uv_async_send(&s->table->async);
}

static void drop_items(struct slot *s)
{
    struct item *item;
    while ((item = STAILQ_FIRST(&s->items))) {
        STAILQ_REMOVE_HEAD(&s->items, link);
        free(item->copy);
        free(item);
    }
    s->item_count = s->item_bytes = 0;
}

/* Locked.  given_up: the owner has not ended it, so that its own end would be late. */
static void end_slot(struct slot *s, gantry_status status, char *text, void *result, bool given_up)
{
    s->state = SLOT_ENDED;
    s->status = status;
    s->text = text;
    s->result = result;
    s->is_given_up = given_up;
    make_ready(s);
}

/* Loop thread; the slot has ended and its callbacks have run. */
static void release(struct slot *s)
{
    struct gy_op_table *t = s->table;
    uv_timer_stop(&s->timer);
    pthread_mutex_lock(&t->lock);
    drop_items(s);
    free(s->text);
    free(s->result);
    s->text = NULL;
    s->result = NULL;
    s->state = SLOT_FREE;
    s->next_free = t->free;
    t->free = s;
    pthread_mutex_unlock(&t->lock);
}

static void deliver_item(struct slot *s, struct item *item)
{
    if (s->spec.on_item && !s->is_cancelled && !s->is_forgotten)
        s->spec.on_item(s->spec.arg, item->copy);
    free(item->copy);
    free(item);
}

/* A plugin that answers our cancel with ECANCELED after the deadline has timed out. */
static void deliver_done(struct slot *s)
{
    pthread_mutex_lock(&s->table->lock);
    gantry_status status = s->status;
    char *text = s->text;
    bool is_given_up = s->is_given_up;
    pthread_mutex_unlock(&s->table->lock);
    if (s->is_expired && !is_given_up && status == GANTRY_ECANCELED) {
        status = GANTRY_ETIMEDOUT;
        free(text);
        s->text = text = gy_printf("%s did not end within %" PRIu64 " ms", s->spec.function,
                                   s->spec.deadline_ms);
    }
    if (s->spec.on_done && !s->is_forgotten)
        s->spec.on_done(s->spec.arg, status, text ? text : "",
                        status == GANTRY_OK ? s->result : NULL);
}

/* Callbacks may begin, cancel and forget operations, this one too: nothing is held meanwhile.  The
 * slot cannot be released by them, since only this function does. */
static void deliver(struct slot *s)
{
    struct gy_op_table *t = s->table;
    size_t budget = GY_OP_ITEMS_MAX;
    for (;;) {
        pthread_mutex_lock(&t->lock);
        if (s->is_paused && !s->is_cancelled && !s->is_forgotten && !s->is_given_up) {
            pthread_mutex_unlock(&t->lock);
            return;
        }
        struct item *item = STAILQ_FIRST(&s->items);
        if (item && budget-- == 0) { /* the owner refills while we empty: others' turn */
            make_ready(s);
            pthread_mutex_unlock(&t->lock);
            return;
        }
        if (item) {
            STAILQ_REMOVE_HEAD(&s->items, link);
            s->item_count--;
            s->item_bytes -= item->bytes;
        }
        bool has_ended = s->state == SLOT_ENDED;
        pthread_mutex_unlock(&t->lock);
        if (item) {
            deliver_item(s, item);
            continue;
        }
        if (!has_ended) return;
        deliver_done(s);
        release(s);
        return;
    }
}

static void on_async(uv_async_t *async)
{
    struct gy_op_table *t = async->data;
    TAILQ_HEAD(, slot) now = TAILQ_HEAD_INITIALIZER(now);
    pthread_mutex_lock(&t->lock);
    TAILQ_CONCAT(&now, &t->ready, ready);
    pthread_mutex_unlock(&t->lock);
    struct slot *s;
    while ((s = TAILQ_FIRST(&now))) {
        pthread_mutex_lock(&t->lock);
        TAILQ_REMOVE(&now, s, ready);
        s->is_ready = false;
        pthread_mutex_unlock(&t->lock);
        deliver(s);
    }
}

struct gy_op_table *gy_op_table_create(uv_loop_t *loop)
{
    struct gy_op_table *t = gy_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    TAILQ_INIT(&t->ready);
    t->loop = loop;
    GY_ASSERT(uv_async_init(loop, &t->async, on_async) == 0);
    t->async.data = t;
    return t;
}

static void on_closed(uv_handle_t *handle)
{
    struct gy_op_table *t = handle->type == UV_TIMER ? ((struct slot *)handle->data)->table
                                                     : (struct gy_op_table *)handle->data;
    if (--t->closing > 0) return;
    for (size_t i = 0; i < t->n; i++)
        free(t->slots[i]);
    free(t->slots);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void gy_op_table_destroy(struct gy_op_table *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) { /* a callback may begin more: they are appended or reused */
        struct slot *s = t->slots[i];
        pthread_mutex_lock(&t->lock);
        enum slot_state state = s->state;
        if (state == SLOT_OPEN)
            end_slot(s, GANTRY_ECANCELED, gy_strdup("shutting down"), NULL, true);
        pthread_mutex_unlock(&t->lock);
        if (state != SLOT_FREE) {
            s->is_cancelled = true;
            pthread_mutex_lock(&t->lock);
            drop_items(s);
            if (s->is_ready) TAILQ_REMOVE(&t->ready, s, ready);
            s->is_ready = false;
            pthread_mutex_unlock(&t->lock);
            deliver_done(s);
            release(s);
        }
    }
    t->closing = t->n + 1;
    for (size_t i = 0; i < t->n; i++)
        uv_close((uv_handle_t *)&t->slots[i]->timer, on_closed);
    uv_close((uv_handle_t *)&t->async, on_closed);
}

static struct slot *add_slot(struct gy_op_table *t)
{
    GY_ASSERT(t->n <= INDEX_MASK);
    struct slot *s = gy_alloc(sizeof *s);
    s->table = t;
    STAILQ_INIT(&s->items);
    uv_timer_init(t->loop, &s->timer);
    s->timer.data = s;
    pthread_mutex_lock(&t->lock);
    GY_VEC_PUSH(t->slots, t->n, t->cap);
    s->index = t->n;
    t->slots[t->n++] = s;
    pthread_mutex_unlock(&t->lock);
    return s;
}

static void on_grace(uv_timer_t *timer)
{
    struct slot *s = timer->data;
    pthread_mutex_lock(&s->table->lock);
    if (s->state == SLOT_OPEN) {
        char *text =
            s->is_expired
                ? gy_printf("%s did not end within %" PRIu64 " ms, nor when it was cancelled",
                            s->spec.function, s->spec.deadline_ms)
                : gy_printf("%s did not end when it was cancelled", s->spec.function);
        end_slot(s, s->is_expired ? GANTRY_ETIMEDOUT : GANTRY_ECANCELED, text, NULL, true);
    }
    pthread_mutex_unlock(&s->table->lock);
}

/* Loop thread.  The owner may end it from inside its cancel. */
static void ask_to_end(struct slot *s)
{
    gantry_op op = number_of(s);
    uint64_t grace = s->spec.grace_ms ? s->spec.grace_ms : GY_OP_GRACE_MS;
    uv_timer_start(&s->timer, on_grace, grace, 0);
    if (s->spec.owner->cancel) s->spec.owner->cancel(s->spec.owner, op);
}

static void on_deadline(uv_timer_t *timer)
{
    struct slot *s = timer->data;
    pthread_mutex_lock(&s->table->lock);
    bool is_open = s->state == SLOT_OPEN;
    if (is_open) s->is_expired = true;
    pthread_mutex_unlock(&s->table->lock);
    if (is_open) ask_to_end(s);
}

gantry_op gy_op_begin(struct gy_op_table *t, const struct gy_op_spec *spec)
{
    GY_ASSERT(spec->owner && spec->function);
    pthread_mutex_lock(&t->lock);
    struct slot *s = t->free;
    if (s) t->free = s->next_free;
    pthread_mutex_unlock(&t->lock);
    if (!s) s = add_slot(t);
    pthread_mutex_lock(&t->lock);
    s->retired = (s->retired << 1) | (s->is_given_up ? 1 : 0);
    s->generation++;
    s->state = SLOT_OPEN;
    s->is_cancelled = s->is_expired = s->is_forgotten = s->is_given_up = s->is_paused = false;
    s->spec = *spec;
    gantry_op op = number_of(s);
    pthread_mutex_unlock(&t->lock);
    if (spec->deadline_ms) {
        uv_update_time(t->loop);
        uv_timer_start(&s->timer, on_deadline, spec->deadline_ms, 0);
    }
    return op;
}

gantry_status gy_op_end(struct gy_op_table *t, struct gy_op_owner *owner, gantry_op op,
                        gantry_status status, const char *text, const void *result)
{
    pthread_mutex_lock(&t->lock);
    struct slot *s = find(t, op);
    if (!s || s->spec.owner != owner) {
        count_misuse(t, owner, op);
        return GANTRY_EINVAL;
    }
    const struct gy_op_type *type = s->spec.result;
    pthread_mutex_unlock(&t->lock);

    struct gy_error err = GY_ERROR_INIT;
    size_t bytes = 0;
    void *copy = NULL;
    if (status > 0) status = GANTRY_EINTERNAL;
    if (status == GANTRY_OK && type && result) {
        copy = type->copy(type, result, &bytes, &err);
        if (!copy) {
            status = GANTRY_EINTERNAL;
            text = err.text;
        }
    }
    char *text_copy = text && *text ? gy_strndup(text, strnlen(text, GY_ERROR_TEXT_MAX)) : NULL;

    pthread_mutex_lock(&t->lock);
    s = find(t, op); /* it may have ended meanwhile */
    if (!s) {
        count_misuse(t, owner, op);
        free(copy);
        free(text_copy);
        return GANTRY_EINVAL;
    }
    end_slot(s, status, text_copy, copy, false);
    pthread_mutex_unlock(&t->lock);
    return GANTRY_OK;
}

gantry_status gy_op_emit(struct gy_op_table *t, struct gy_op_owner *owner, gantry_op op,
                         const void *from)
{
    pthread_mutex_lock(&t->lock);
    struct slot *s = find(t, op);
    gantry_status status = GANTRY_OK;
    const struct gy_op_type *type = NULL;
    if (!s || s->spec.owner != owner || s->is_cancelled || s->is_forgotten)
        status = GANTRY_ECANCELED;
    else if (s->item_count >= GY_OP_ITEMS_MAX)
        status = GANTRY_EBUSY;
    else
        type = s->spec.item;
    pthread_mutex_unlock(&t->lock);
    if (status != GANTRY_OK) return status;
    if (!type || !from) return type ? GANTRY_EINVAL : GANTRY_OK;

    struct gy_error err = GY_ERROR_INIT;
    struct item *item = gy_alloc(sizeof *item);
    item->copy = type->copy(type, from, &item->bytes, &err);
    if (!item->copy) {
        gy_log(GY_LOG_WARN, "op", "an item was refused instance=%s: %s", owner->name, err.text);
        free(item);
        return GANTRY_EINVAL;
    }
    pthread_mutex_lock(&t->lock);
    s = find(t, op);
    if (!s || s->is_cancelled || s->is_forgotten) {
        status = GANTRY_ECANCELED;
    } else if (s->item_count >= GY_OP_ITEMS_MAX ||
               (s->item_count > 0 && s->item_bytes + item->bytes > GY_OP_BYTES_MAX)) {
        status = GANTRY_EBUSY;
    } else {
        STAILQ_INSERT_TAIL(&s->items, item, link);
        s->item_count++;
        s->item_bytes += item->bytes;
        make_ready(s);
    }
    pthread_mutex_unlock(&t->lock);
    if (status != GANTRY_OK) {
        free(item->copy);
        free(item);
    }
    return status;
}

static void cancel(struct gy_op_table *t, gantry_op op, bool forget)
{
    pthread_mutex_lock(&t->lock);
    uint64_t index = op & INDEX_MASK;
    struct slot *s = index < t->n ? t->slots[index] : NULL;
    if (!s || s->generation != op >> INDEX_BITS || s->state == SLOT_FREE) {
        pthread_mutex_unlock(&t->lock);
        return;
    }
    bool ask = s->state == SLOT_OPEN && !s->is_cancelled && !s->is_expired;
    s->is_cancelled = true;
    s->is_forgotten = s->is_forgotten || forget;
    drop_items(s);
    if (s->is_paused) make_ready(s); /* its end may be waiting behind the items just dropped */
    pthread_mutex_unlock(&t->lock);
    if (ask) ask_to_end(s);
}

void gy_op_cancel(struct gy_op_table *t, gantry_op op)
{
    cancel(t, op, false);
}

void gy_op_forget(struct gy_op_table *t, gantry_op op)
{
    cancel(t, op, true);
}

void gy_op_pause(struct gy_op_table *t, gantry_op op, bool paused)
{
    uint64_t index = op & INDEX_MASK;
    pthread_mutex_lock(&t->lock);
    struct slot *s = index < t->n ? t->slots[index] : NULL;
    if (s && s->generation == op >> INDEX_BITS && s->state != SLOT_FREE && s->is_paused != paused) {
        s->is_paused = paused;
        if (!paused) make_ready(s);
    }
    pthread_mutex_unlock(&t->lock);
}

void gy_op_retire_owner(struct gy_op_table *t, struct gy_op_owner *owner, gantry_status status,
                        const char *text)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++) {
        struct slot *s = t->slots[i];
        if (s->state != SLOT_OPEN || s->spec.owner != owner) continue;
        drop_items(s);
        end_slot(s, status, gy_strdup(text), NULL, true);
    }
    pthread_mutex_unlock(&t->lock);
}

size_t gy_op_count(struct gy_op_table *t, const struct gy_op_owner *owner)
{
    size_t n = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->slots[i]->state == SLOT_OPEN && t->slots[i]->spec.owner == owner) n++;
    pthread_mutex_unlock(&t->lock);
    return n;
}
