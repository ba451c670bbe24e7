/* SPDX-License-Identifier: Apache-2.0 */
#include "server/status.h"

#include "base/log.h"
#include "base/time.h"
#include "model/key.h"
#include <uthash.h>

#define BATCH_MS 50
#define QUIET_MS 1000 /* between writes of a pod that stays in its state */
#define RETRY_MS 1000
#define BATCH_MAX 500
#define COMPARES_EACH 2 /* the record itself; of a status its pod too */

/* One record that is, or was, written; there is one for each pod that an agent speaks of. */
struct entry {
    char key[64 + 8]; /* "status/ID", "report/NAME" */
    char *text;       /* to be written; NULL = nothing new is known */
    bool dirty, in_flight;
    int state, health, outcome;
    int64_t restarts, written_ms, due_ms;
    UT_hash_handle hh;
};

struct gy_status_writer {
    struct gy_store *store;
    struct gy_store_subscription *subscription;
    struct entry *entries;
    size_t dirty;
    size_t batch_max;
    uv_timer_t timer;
    int64_t flushed_ms;
    bool writing, dead;
    unsigned refs;
};

static void flush(struct gy_status_writer *w);

static void drop_ref(struct gy_status_writer *w)
{
    if (--w->refs == 0) free(w);
}

static void on_timer(uv_timer_t *timer)
{
    flush(timer->data);
}

static void arm(struct gy_status_writer *w, int64_t due_ms)
{
    if (w->writing || w->dead) return; /* its end looks again */
    int64_t now_ms = gy_time_mono_ms(), earliest = w->flushed_ms + BATCH_MS;
    if (due_ms < earliest) due_ms = earliest;
    uint64_t in_ms = due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0;
    if (uv_is_active((uv_handle_t *)&w->timer) && uv_timer_get_due_in(&w->timer) <= in_ms) return;
    uv_timer_start(&w->timer, on_timer, in_ms, 0);
}

static struct entry *entry_of(struct gy_status_writer *w, const char *prefix, const char *name)
{
    char key[GY_KEY_MAX];
    struct entry *e = NULL;
    gy_key_of(prefix, name, key);
    if (strlen(key) >= sizeof e->key) return NULL;
    HASH_FIND_STR(w->entries, key, e);
    if (e) return e;
    e = gy_alloc(sizeof *e);
    strcpy(e->key, key);
    e->state = -1;
    HASH_ADD_STR(w->entries, key, e);
    return e;
}

static void entry_free(struct gy_status_writer *w, struct entry *e)
{
    if (e->dirty) w->dirty--;
    HASH_DEL(w->entries, e);
    free(e->text);
    free(e);
}

static void mark(struct gy_status_writer *w, struct entry *e, int64_t due_ms)
{
    if (!e->dirty || due_ms < e->due_ms) e->due_ms = due_ms;
    if (!e->dirty) w->dirty++;
    e->dirty = true;
    arm(w, e->due_ms);
}

/* ---- writing ---- */

static void look_again(struct gy_status_writer *w)
{
    int64_t due_ms = INT64_MAX;
    struct entry *e, *next;
    if (!w->dirty) return;
    HASH_ITER (hh, w->entries, e, next)
        if (e->dirty && e->due_ms < due_ms) due_ms = e->due_ms;
    arm(w, due_ms);
}

/* The record of the pod that a status is of; NULL = it is gone, and the status goes with it. */
static struct gy_store_object *pod_of(const struct gy_status_writer *w, const struct entry *e)
{
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_POD, e->key + strlen(GY_KEY_STATUS), key);
    return gy_store_get(w->store, key);
}

static bool is_orphan(const struct gy_status_writer *w, const struct entry *e)
{
    return gy_starts_with(e->key, GY_KEY_STATUS) && !pod_of(w, e);
}

static void written(void *arg, const struct gy_store_outcome *outcome)
{
    struct gy_status_writer *w = arg;
    w->writing = false;
    if (w->dead) {
        drop_ref(w);
        return;
    }
    int64_t now_ms = gy_time_mono_ms();
    struct entry *e, *next;
    int64_t retry_ms = outcome->status == GANTRY_ECONFLICT ? BATCH_MS : RETRY_MS;
    if (outcome->status != GANTRY_OK)
        gy_log(outcome->status == GANTRY_ECONFLICT ? GY_LOG_DEBUG : GY_LOG_WARN, "server",
               "reports were not stored, trying again status=%s why=\"%s\"",
               gy_status_name(outcome->status), outcome->text);
    HASH_ITER (hh, w->entries, e, next) {
        if (!e->in_flight) continue;
        e->in_flight = false;
        if (outcome->status != GANTRY_OK) {
            if (!e->dirty) mark(w, e, now_ms + retry_ms);
        } else if (!e->dirty && is_orphan(w, e)) {
            entry_free(w, e);
        } else if (!e->dirty) {
            free(GY_GIVE(e->text));
        }
    }
    drop_ref(w);
    look_again(w);
}

struct batch {
    struct gy_store_change changes[BATCH_MAX];
    struct gy_store_compare compares[BATCH_MAX * COMPARES_EACH];
    struct entry *entries[BATCH_MAX];
    size_t n, compare_count;
};

/* Adds what is to be written of e, if anything; e may be gone afterwards.
 *
 * A write whose outcome is not known may still be under way and land late: each compares the record
 * that it replaces, so that only one of two can land, and the pod, so that none lands after it.  A
 * removal compares nothing: no status is written once the pod is gone. */
static void add_entry(struct gy_status_writer *w, struct entry *e, struct batch *b)
{
    struct gy_store_object *object = gy_store_get(w->store, e->key);
    struct gy_store_change *change = &b->changes[b->n];
    if (is_orphan(w, e)) {
        if (!object) {
            entry_free(w, e);
            return;
        }
        *change = (struct gy_store_change){e->key, NULL, 0};
    } else {
        if (!e->text || (object && gy_streq(object->bytes, e->text))) {
            free(GY_GIVE(e->text));
            return;
        }
        *change = (struct gy_store_change){e->key, e->text, strlen(e->text)};
        b->compares[b->compare_count++] =
            (struct gy_store_compare){e->key, object ? object->mod_rev : 0};
        struct gy_store_object *pod = gy_starts_with(e->key, GY_KEY_STATUS) ? pod_of(w, e) : NULL;
        if (pod)
            b->compares[b->compare_count++] = (struct gy_store_compare){pod->key, pod->mod_rev};
    }
    b->entries[b->n++] = e;
}

static void flush(struct gy_status_writer *w)
{
    if (w->writing || !w->dirty) return;
    struct batch b;
    struct entry *e, *next;
    b.n = b.compare_count = 0;
    int64_t now_ms = gy_time_mono_ms();
    HASH_ITER (hh, w->entries, e, next) {
        if (b.n == w->batch_max) break;
        if (!e->dirty || (e->due_ms > now_ms && !w->dead)) continue;
        e->dirty = false;
        w->dirty--;
        e->written_ms = now_ms;
        add_entry(w, e, &b);
    }
    w->flushed_ms = now_ms;
    if (b.n) {
        struct gy_error err = GY_ERROR_INIT;
        w->writing = true;
        w->refs++;
        for (size_t i = 0; i < b.n; i++)
            b.entries[i]->in_flight = true;
        if (gy_store_txn(w->store, b.changes, b.n, b.compares, b.compare_count, written, w, &err) !=
            GANTRY_OK) {
            struct gy_store_outcome outcome = {.status = err.status, .text = err.text};
            written(w, &outcome);
        }
        return;
    }
    look_again(w);
}

/* ---- what is told ---- */

void gy_status_writer_pod(struct gy_status_writer *w, const struct gy_pod_status *status)
{
    struct entry *e = entry_of(w, GY_KEY_STATUS, status->id);
    if (!e) return;
    int64_t now_ms = gy_time_mono_ms();
    bool urgent = e->state != status->state || e->health != status->health ||
                  e->outcome != status->outcome || e->restarts != status->restarts;
    e->state = status->state;
    e->health = status->health;
    e->outcome = status->outcome;
    e->restarts = status->restarts;
    free(e->text);
    e->text = gy_shape_encode_text(&gy_pod_status_shape, status);
    mark(w, e, urgent ? now_ms : e->written_ms + QUIET_MS);
}

void gy_status_writer_node(struct gy_status_writer *w, const struct gy_node_report *report)
{
    struct entry *e = entry_of(w, GY_KEY_REPORT, report->name);
    if (!e) return;
    free(e->text);
    e->text = gy_shape_encode_text(&gy_node_report_shape, report);
    mark(w, e, e->written_ms ? e->written_ms + BATCH_MS : 0);
}

static void remove_status(struct gy_status_writer *w, const char *id)
{
    struct entry *e = entry_of(w, GY_KEY_STATUS, id);
    if (!e) return;
    mark(w, e, gy_time_mono_ms());
}

static void on_pods(void *arg, const struct gy_store_event *events, size_t n)
{
    struct gy_status_writer *w = arg;
    for (size_t i = 0; i < n; i++)
        if (events[i].deleted) remove_status(w, events[i].object->key + strlen(GY_KEY_POD));
}

/* ---- life ---- */

struct gy_status_writer *gy_status_writer_create(uv_loop_t *loop, struct gy_store *store,
                                                 uint32_t max_txn_ops)
{
    struct gy_status_writer *w = gy_alloc(sizeof *w);
    w->store = store;
    w->refs = 1;
    w->batch_max = BATCH_MAX;
    if (max_txn_ops && max_txn_ops / COMPARES_EACH < BATCH_MAX)
        w->batch_max = max_txn_ops > COMPARES_EACH ? max_txn_ops / COMPARES_EACH : 1;
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    GY_ASSERT(gy_store_subscribe(store, GY_KEY_POD, 0, on_pods, w, &w->subscription, NULL) ==
              GANTRY_OK);
    struct gy_store_object *o;
    GY_STORE_FOREACH (store, GY_KEY_STATUS, o) {
        char key[GY_KEY_MAX];
        gy_key_of(GY_KEY_POD, o->key + strlen(GY_KEY_STATUS), key);
        if (!gy_store_get(store, key)) remove_status(w, o->key + strlen(GY_KEY_STATUS));
    }
    return w;
}

static void closed(uv_handle_t *handle)
{
    drop_ref(handle->data);
}

void gy_status_writer_destroy(struct gy_status_writer *w)
{
    if (!w) return;
    w->dead = true;
    flush(w);
    gy_store_unsubscribe(w->subscription);
    struct entry *e, *next;
    HASH_ITER (hh, w->entries, e, next)
        entry_free(w, e);
    uv_timer_stop(&w->timer);
    uv_close((uv_handle_t *)&w->timer, closed);
}
