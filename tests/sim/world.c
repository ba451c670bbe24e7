/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

static bool earlier(const struct happening *a, const struct happening *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void world_at(struct world *w, int64_t in_ms, void (*fn)(struct world *, void *), void *arg)
{
    GY_VEC_PUSH(w->heap, w->heap_n, w->heap_cap);
    struct happening h = {w->now_ms + in_ms, w->order++, fn, arg};
    size_t i = w->heap_n++;
    for (; i > 0 && earlier(&h, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = h;
}

bool world_turn(struct world *w)
{
    if (!w->heap_n) return false;
    struct happening first = w->heap[0], last = w->heap[--w->heap_n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->heap_n) break;
        if (child + 1 < w->heap_n && earlier(&w->heap[child + 1], &w->heap[child])) child++;
        if (!earlier(&w->heap[child], &last)) break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    w->now_ms = first.at_ms;
    w->happenings++;
    first.fn(w, first.arg);
    return true;
}

int64_t chance(struct world *w, int64_t n)
{
    return (int64_t)gy_random_below(&w->random, (uint64_t)n);
}

bool odds(struct world *w, int64_t one_in)
{
    return w->faults && chance(w, one_in) == 0;
}

struct gy_now world_now(const struct world *w)
{
    return (struct gy_now){w->now_ms, 1700000000000 + w->now_ms + w->wall_offset_ms};
}

void world_say(struct world *w, const char *fmt, ...)
{
    if (!w->verbose) return;
    va_list args;
    va_start(args, fmt);
    printf("%9.3f ", (double)w->now_ms / 1000);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
}

void world_fail(struct world *w, const char *fmt, ...)
{
    if (w->failure) return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    w->failure = gy_printf("at %.3f s: %s", (double)w->now_ms / 1000, text);
}

void world_free(struct world *w)
{
    w->ended = true; /* nothing starts any more */
    server_crash(w);
    for (int i = 0; i < w->machine_count; i++) {
        agent_crash(&w->machines[i]);
        driver_free(&w->machines[i]);
    }
    w->faults = false;
    while (world_turn(w)) /* every happening frees what it holds; all ends are gone */
        ;
    for (int i = 0; i < w->machine_count; i++)
        driver_free(&w->machines[i]);
    disk_free(w);
    struct bound *b, *next;
    HASH_ITER (hh, w->bound, b, next) {
        HASH_DEL(w->bound, b);
        free(b->id);
        free(b->node);
        free(b->app_key);
        free(b);
    }
    struct newest *n, *after;
    HASH_ITER (hh, w->newest, n, after) {
        HASH_DEL(w->newest, n);
        free(n->key);
        free(n);
    }
    free(w->heap);
    free(w->failure);
}
