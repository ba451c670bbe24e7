/* SPDX-License-Identifier: Apache-2.0 */
/* What happened lately, a batch for each revision: bounded by age, number and bytes. */
#include "store/internal.h"

#include <string.h>

struct batch *gy_store_batch_create(uint64_t rev, size_t max_events)
{
    struct batch *b = gy_alloc(sizeof *b + max_events * sizeof *b->events);
    b->rev = rev;
    b->bytes = sizeof *b;
    return b;
}

void gy_store_batch_add(struct batch *batch, bool deleted, struct object *object,
                        struct object *before)
{
    batch->events[batch->n++] = (struct gy_store_event){.rev = batch->rev,
                                                        .deleted = deleted,
                                                        .object = &object->shown,
                                                        .before = before ? &before->shown : NULL};
    /* `before` is most often the object of an earlier batch; counted again so that the bound holds
     * when it is not. */
    batch->bytes += sizeof *batch->events + sizeof *object + object->shown.len;
    if (before) batch->bytes += sizeof *before + before->shown.len;
}

void gy_store_batch_destroy(struct batch *batch)
{
    if (!batch) return;
    for (size_t i = 0; i < batch->n; i++) {
        gy_store_object_put(batch->events[i].object);
        gy_store_object_put(batch->events[i].before);
    }
    free(batch);
}

const struct batch *gy_store_history_at(const struct history *history, size_t i)
{
    return history->ring[(history->head + i) % history->cap];
}

static void drop_oldest(struct history *history)
{
    struct batch *b = history->ring[history->head];
    history->head = (history->head + 1) % history->cap;
    history->count--;
    history->floor = b->rev;
    history->bytes -= b->bytes;
    gy_store_batch_destroy(b);
}

static void grow(struct history *history)
{
    size_t cap = history->cap ? history->cap * 2 : 64;
    struct batch **ring = gy_alloc_array(cap, sizeof(struct batch *));
    for (size_t i = 0; i < history->count; i++)
        ring[i] = history->ring[(history->head + i) % history->cap];
    free(history->ring);
    history->ring = ring;
    history->head = 0;
    history->cap = cap;
}

void gy_store_history_push(struct history *history, struct batch *batch, int64_t now_ms)
{
    if (history->count == history->cap) grow(history);
    batch->at_ms = now_ms;
    history->ring[(history->head + history->count++) % history->cap] = batch;
    history->bytes += batch->bytes;
    gy_store_history_trim(history, now_ms);
}

/* The newest stays, however large: it is being delivered. */
void gy_store_history_trim(struct history *history, int64_t now_ms)
{
    while (history->count > 1 &&
           (history->count > GY_STORE_HISTORY_REVS || history->bytes > GY_STORE_HISTORY_BYTES ||
            now_ms - gy_store_history_at(history, 0)->at_ms > GY_STORE_HISTORY_MS))
        drop_oldest(history);
}

void gy_store_history_clear(struct history *history, uint64_t floor)
{
    while (history->count)
        drop_oldest(history);
    free(history->ring);
    *history = (struct history){.floor = floor};
}

size_t gy_store_history_find(const struct history *history, uint64_t rev)
{
    size_t low = 0, high = history->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (gy_store_history_at(history, mid)->rev < rev)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Often enough that the backend's log stays near our own history, seldom enough that it costs
 * nothing. */
uint64_t gy_store_compaction_due(uint64_t floor, uint64_t compacted, int64_t since_ms)
{
    if (floor <= compacted) return 0;
    return floor - compacted >= GY_STORE_HISTORY_REVS / 10 || since_ms >= 60 * 1000 ? floor : 0;
}
