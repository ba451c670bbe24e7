/* SPDX-License-Identifier: Apache-2.0 */
#include "server/events.h"

#include "base/log.h"
#include "base/time.h"
#include "model/key.h"

#include <stdio.h>

#define DAY_MS 86400000
#define COLLECT_MS 60000
#define BATCH_MAX 500
#define LISTENERS_MAX 2

struct kept { /* an event of the store, with what most filters ask */
    struct gy_store_object *object;
    uint32_t ns, project, app; /* hashes */
};

struct gy_events {
    struct gy_store *store;
    struct gy_store_subscription *subscription;
    uv_timer_t flush_timer, collect_timer;
    unsigned refs; /* timers, and writes under way */
    bool dead;
    int64_t keep_ms, keep_count;
    char **pending, **pending_keys;
    size_t pending_count;
    bool writing;
    uint32_t sequence;
    struct kept *kept; /* a ring of kept_cap, a power of two */
    size_t kept_first, kept_count, kept_cap;
    uint64_t dropped, removed;
    struct {
        gy_events_listener *fn;
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t listener_count;
};

static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (const char *p = text ? text : ""; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return h;
}

/* ---- kept ---- */

static struct kept *at(const struct gy_events *e, size_t i)
{
    return &e->kept[(e->kept_first + i) & (e->kept_cap - 1)];
}

static bool decode(const struct gy_store_object *object, struct gy_event *out)
{
    *out = (struct gy_event){0};
    return gy_shape_decode_text(&gy_event_shape, object->bytes, object->len, GY_FROM_PEER, out,
                                NULL) == GANTRY_OK;
}

static void keep(struct gy_events *e, struct gy_store_object *object, const struct gy_event *event)
{
    if (e->kept_count == e->kept_cap) {
        size_t cap = e->kept_cap ? 2 * e->kept_cap : 64;
        struct kept *more = gy_alloc_array(cap, sizeof *more);
        for (size_t i = 0; i < e->kept_count; i++)
            more[i] = *at(e, i);
        free(e->kept);
        e->kept = more;
        e->kept_cap = cap;
        e->kept_first = 0;
    }
    *at(e, e->kept_count++) = (struct kept){gy_store_object_get(object), hash(event->ns),
                                            hash(event->project), hash(event->app)};
}

static void forget(struct gy_events *e, const char *key)
{
    /* Retention removes the oldest, so that it is nearly always the first. */
    size_t i = 0;
    while (i < e->kept_count && strcmp(at(e, i)->object->key, key) != 0)
        i++;
    if (i == e->kept_count) return;
    gy_store_object_put(at(e, i)->object);
    for (; i > 0; i--)
        *at(e, i) = *at(e, i - 1);
    e->kept_first = (e->kept_first + 1) & (e->kept_cap - 1);
    e->kept_count--;
    e->removed++;
}

static void on_store(void *arg, const struct gy_store_event *events, size_t n)
{
    struct gy_events *e = arg;
    for (size_t i = 0; i < n; i++) {
        struct gy_event event;
        if (events[i].deleted) {
            forget(e, events[i].object->key);
            continue;
        }
        if (!decode(events[i].object, &event)) continue;
        keep(e, events[i].object, &event);
        for (size_t j = 0; j < e->listener_count; j++)
            e->listeners[j].fn(e->listeners[j].arg, &event, events[i].object);
        gy_shape_fini(&gy_event_shape, &event);
    }
}

bool gy_events_match(const struct gy_events_filter *f, const struct gy_event *event)
{
    if (f->namespaces && f->namespaces->n && (!event->ns || !gy_strs_has(f->namespaces, event->ns)))
        return false;
    return event->time_ms >= f->since_ms && (!f->ns || gy_streq(f->ns, event->ns)) &&
           (!f->project || gy_streq(f->project, event->project)) &&
           (!f->app || gy_streq(f->app, event->app));
}

void gy_events_read(struct gy_events *e, const struct gy_events_filter *f, size_t limit,
                    void (*fn)(void *arg, struct gy_store_object *object), void *arg)
{
    uint32_t ns = hash(f->ns), project = hash(f->project), app = hash(f->app);
    size_t *hits = gy_alloc_array(limit ? limit : 1, sizeof *hits), n = 0;
    for (size_t i = e->kept_count; i-- > 0 && n < limit;) {
        const struct kept *k = at(e, i);
        if ((f->ns && k->ns != ns) || (f->project && k->project != project) ||
            (f->app && k->app != app))
            continue;
        struct gy_event event;
        if (!decode(k->object, &event)) continue;
        bool old = event.time_ms < f->since_ms, match = gy_events_match(f, &event);
        gy_shape_fini(&gy_event_shape, &event);
        if (match) hits[n++] = i;
        if (old) break; /* in order of time, but for a clock that jumped */
    }
    while (n-- > 0)
        fn(arg, at(e, hits[n])->object);
    free(hits);
}

/* ---- writing ---- */

static void drop_ref(struct gy_events *e)
{
    if (--e->refs == 0) free(e);
}

static void written(void *arg, const struct gy_store_outcome *outcome)
{
    struct gy_events *e = arg;
    e->writing = false;
    if (e->dead) {
        drop_ref(e);
        return;
    }
    drop_ref(e);
    if (outcome->status != GANTRY_OK)
        gy_log(GY_LOG_WARN, "server", "events were not recorded status=%s why=\"%s\"",
               gy_status_name(outcome->status), outcome->text);
}

void gy_events_flush(struct gy_events *e)
{
    if (!e->pending_count || e->writing) return;
    size_t n = e->pending_count < BATCH_MAX ? e->pending_count : BATCH_MAX;
    struct gy_store_change *changes = gy_alloc_array(n, sizeof *changes);
    for (size_t i = 0; i < n; i++)
        changes[i] =
            (struct gy_store_change){e->pending_keys[i], e->pending[i], strlen(e->pending[i])};
    struct gy_error err = GY_ERROR_INIT;
    gantry_status status = gy_store_txn(e->store, changes, n, NULL, 0, written, e, &err);
    free(changes);
    if (status == GANTRY_EBUSY || status == GANTRY_EUNAVAIL) return; /* at the next turn */
    if (status == GANTRY_OK) {
        e->writing = true;
        e->refs++;
    }
    if (status != GANTRY_OK)
        gy_log(GY_LOG_WARN, "server", "events were not recorded status=%s why=\"%s\"",
               gy_status_name(status), err.text);
    for (size_t i = 0; i < n; i++) {
        free(e->pending[i]);
        free(e->pending_keys[i]);
    }
    e->pending_count -= n;
    memmove(e->pending, e->pending + n, e->pending_count * sizeof *e->pending);
    memmove(e->pending_keys, e->pending_keys + n, e->pending_count * sizeof *e->pending_keys);
}

static void on_flush(uv_timer_t *timer)
{
    struct gy_events *e = timer->data;
    gy_events_flush(e);
    if (e->pending_count) uv_timer_start(timer, on_flush, GY_EVENTS_BATCH_MS, 0);
}

void gy_events_record(struct gy_events *e, const struct gy_event *event)
{
    if (e->pending_count >= GY_EVENTS_PENDING_MAX) {
        if (e->dropped++ % 1000 == 0)
            gy_log(GY_LOG_WARN, "server", "too many events wait for the store dropped=%llu",
                   (unsigned long long)e->dropped);
        return;
    }
    struct gy_event copy = *event;
    if (!copy.time_ms) copy.time_ms = gy_time_wall_ms();
    if (!e->pending_count) uv_timer_start(&e->flush_timer, on_flush, GY_EVENTS_BATCH_MS, 0);
    char key[GY_KEY_MAX];
    snprintf(key, sizeof key, GY_KEY_EVENT "%013lld-%06u", (long long)copy.time_ms,
             e->sequence++ % 1000000);
    e->pending[e->pending_count] = gy_shape_encode_text(&gy_event_shape, &copy);
    e->pending_keys[e->pending_count++] = gy_strdup(key);
    gy_log(copy.level == GY_EVENT_WARN ? GY_LOG_WARN : GY_LOG_DEBUG, "event",
           "%s kind=%s project=%s app=%s slot=%lld pod=%s node=%s", copy.text, copy.kind,
           copy.project ? copy.project : "", copy.app ? copy.app : "", (long long)copy.slot,
           copy.pod ? copy.pod : "", copy.node ? copy.node : "");
}

/* ---- retention ---- */

static void collected(void *arg, const struct gy_store_outcome *outcome)
{
    (void)arg;
    if (outcome->status != GANTRY_OK)
        gy_log(GY_LOG_WARN, "server", "old events were not removed why=\"%s\"", outcome->text);
}

static void on_collect(uv_timer_t *timer)
{
    struct gy_events *e = timer->data;
    char oldest[GY_KEY_MAX];
    snprintf(oldest, sizeof oldest, GY_KEY_EVENT "%013lld",
             (long long)(gy_time_wall_ms() - e->keep_ms));
    struct gy_store_change changes[BATCH_MAX];
    size_t n = 0;
    while (n < BATCH_MAX && n < e->kept_count &&
           ((int64_t)(e->kept_count - n) > e->keep_count ||
            strcmp(at(e, n)->object->key, oldest) < 0)) {
        changes[n] = (struct gy_store_change){.key = at(e, n)->object->key};
        n++;
    }
    if (n) gy_store_txn(e->store, changes, n, NULL, 0, collected, NULL, NULL);
    uv_timer_start(timer, on_collect, n == BATCH_MAX ? 100 : COLLECT_MS, 0);
}

/* ---- life ---- */

struct gy_events *gy_events_create(const struct gy_events_options *options)
{
    struct gy_events *e = gy_alloc(sizeof *e);
    e->store = options->store;
    e->keep_ms = options->keep_ms ? options->keep_ms : DAY_MS;
    e->keep_count = options->keep_count ? options->keep_count : 100000;
    e->pending = gy_alloc_array(GY_EVENTS_PENDING_MAX, sizeof *e->pending);
    e->pending_keys = gy_alloc_array(GY_EVENTS_PENDING_MAX, sizeof *e->pending_keys);
    e->refs = 2;
    uv_timer_init(options->loop, &e->flush_timer);
    uv_timer_init(options->loop, &e->collect_timer);
    e->flush_timer.data = e->collect_timer.data = e;
    uv_timer_start(&e->collect_timer, on_collect, COLLECT_MS, 0);
    uv_unref((uv_handle_t *)&e->collect_timer);
    GY_ASSERT(gy_store_subscribe(e->store, GY_KEY_EVENT, 0, on_store, e, &e->subscription, NULL) ==
              GANTRY_OK);
    struct gy_store_object *o;
    struct gy_event event;
    GY_STORE_FOREACH (e->store, GY_KEY_EVENT, o)
        if (decode(o, &event)) {
            keep(e, o, &event);
            gy_shape_fini(&gy_event_shape, &event);
        }
    return e;
}

static void closed(uv_handle_t *handle)
{
    drop_ref(handle->data);
}

void gy_events_destroy(struct gy_events *e)
{
    if (!e) return;
    e->dead = true;
    gy_store_unsubscribe(e->subscription);
    for (size_t i = 0; i < e->kept_count; i++)
        gy_store_object_put(at(e, i)->object);
    for (size_t i = 0; i < e->pending_count; i++) {
        free(e->pending[i]);
        free(e->pending_keys[i]);
    }
    free(e->kept);
    free(e->pending);
    free(e->pending_keys);
    uv_close((uv_handle_t *)&e->flush_timer, closed);
    uv_close((uv_handle_t *)&e->collect_timer, closed);
}

void gy_events_listen(struct gy_events *e, gy_events_listener *fn, void *arg)
{
    GY_ASSERT(e->listener_count < LISTENERS_MAX);
    e->listeners[e->listener_count].fn = fn;
    e->listeners[e->listener_count++].arg = arg;
}

void gy_events_unlisten(struct gy_events *e, gy_events_listener *fn, void *arg)
{
    for (size_t i = 0; i < e->listener_count; i++)
        if (e->listeners[i].fn == fn && e->listeners[i].arg == arg)
            e->listeners[i--] = e->listeners[--e->listener_count];
}

json_t *gy_events_json(const struct gy_events *e)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "kept", (json_int_t)e->kept_count, "pending",
                     (json_int_t)e->pending_count, "dropped", (json_int_t)e->dropped, "removed",
                     (json_int_t)e->removed);
}
