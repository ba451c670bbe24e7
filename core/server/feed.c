/* SPDX-License-Identifier: Apache-2.0 */
#include "server/feed.h"

#include "base/log.h"
#include "base/time.h"
#include "model/key.h"

#define RETRY_MS 1000

enum feed_state {
    LEADING,   /* the epoch record is being written, or will be      */
    LISTING,   /* everything is being given, up to `cursor`          */
    FOLLOWING, /* the log is being given                             */
    OVERRUN,   /* the engine's queue was full: start again with room */
    DEPOSED,   /* another gantryd leads: nothing is decided any more */
};

struct gy_feed {
    struct gy_feed_options o;
    struct gy_engine_thread *engine;
    struct gy_store_subscription *subscription;
    enum feed_state state;
    char *cursor;
    char *epoch_text;
    uint64_t epoch_rev;
    uint64_t generation; /* grows with each reset: ends of older transactions are not told */
    uv_timer_t retry;
    unsigned refs; /* itself, the timer, transactions under way */
    bool stopped, listing;
    uint64_t txns, refused, unknown, resets;
};

struct sent {
    struct gy_feed *feed;
    uint64_t id, generation;
};

static void lead(struct gy_feed *f);
static void list(struct gy_feed *f);

static void drop_ref(struct gy_feed *f)
{
    if (--f->refs) return;
    free(f->cursor);
    free(f->epoch_text);
    free(f);
}

static bool is_for_engine(const char *key)
{
    return !gy_starts_with(key, GY_KEY_EVENT);
}

/* ---- in ---- */

static void give(struct gy_feed *f, const char *key, struct gy_store_object *object, uint64_t rev)
{
    if (gy_engine_thread_object(f->engine, key, object, rev) == GANTRY_OK) return;
    gy_log(GY_LOG_WARN, "server",
           "the engine is behind; it reads everything again when it has room");
    f->state = OVERRUN;
}

static void depose(struct gy_feed *f)
{
    gy_log(GY_LOG_ERROR, "server",
           "another gantryd has taken the lead; this one decides nothing any more");
    f->state = DEPOSED;
    f->generation++;
    gy_engine_thread_reset(f->engine);
}

static void on_store(void *arg, const struct gy_store_event *events, size_t n)
{
    struct gy_feed *f = arg;
    gy_engine_thread_hold(f->engine, true); /* one transaction is seen as one change */
    for (size_t i = 0; i < n; i++) {
        const char *key = events[i].object->key;
        if (gy_streq(key, GY_KEY_EPOCH) && (f->state == LISTING || f->state == FOLLOWING) &&
            events[i].rev != f->epoch_rev)
            depose(f);
        if (!is_for_engine(key)) continue;
        bool listed = f->state == LISTING && f->cursor && strcmp(key, f->cursor) <= 0;
        if (f->state == FOLLOWING || listed)
            give(f, key, events[i].deleted ? NULL : events[i].object, events[i].rev);
    }
    gy_engine_thread_hold(f->engine, false);
}

static void list(struct gy_feed *f)
{
    struct gy_store_object *o;
    while ((o = gy_store_next(f->o.store, "", f->cursor))) {
        if (is_for_engine(o->key) &&
            gy_engine_thread_object(f->engine, o->key, o, o->mod_rev) != GANTRY_OK)
            return; /* goes on when there is room */
        free(f->cursor);
        f->cursor = gy_strdup(o->key);
    }
    gy_engine_thread_synced(f->engine, f->epoch_rev);
    f->state = FOLLOWING;
}

static void begin(struct gy_feed *f)
{
    f->generation++;
    f->resets++;
    free(GY_GIVE(f->cursor));
    gy_engine_thread_reset(f->engine);
    f->state = LISTING;
    list(f);
}

static void on_room(void *arg)
{
    struct gy_feed *f = arg;
    if (f->stopped) return;
    if (f->state == OVERRUN)
        lead(f); /* what is under way was decided by an engine that forgets it now */
    else if (f->state == LISTING)
        list(f);
}

/* ---- the lead ---- */

static void on_retry(uv_timer_t *timer)
{
    lead(timer->data);
}

static void led(void *arg, const struct gy_store_outcome *outcome)
{
    struct gy_feed *f = arg;
    if (!f->stopped && outcome->status == GANTRY_OK) {
        f->epoch_rev = outcome->rev;
        begin(f);
    } else if (!f->stopped) {
        gy_log(GY_LOG_WARN, "server", "could not take the lead, trying again status=%s why=\"%s\"",
               gy_status_name(outcome->status), outcome->text);
        uv_timer_start(&f->retry, on_retry, RETRY_MS, 0);
    }
    drop_ref(f);
}

/* A new epoch record: whatever compared the one before, and has not been applied yet, never will.
 */
static void lead(struct gy_feed *f)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_store_object *present = gy_store_get(f->o.store, GY_KEY_EPOCH);
    struct gy_store_change change = {GY_KEY_EPOCH, f->epoch_text, strlen(f->epoch_text)};
    struct gy_store_compare compare = {GY_KEY_EPOCH, present ? present->mod_rev : 0};
    if (f->epoch_rev && present && !gy_streq(present->bytes, f->epoch_text)) {
        depose(f); /* it came while we were not following */
        return;
    }
    f->state = LEADING;
    f->refs++;
    if (gy_store_txn(f->o.store, &change, 1, &compare, 1, led, f, &err) == GANTRY_OK) return;
    struct gy_store_outcome outcome = {.status = err.status, .text = err.text};
    led(f, &outcome);
}

/* ---- out ---- */

static void ended(struct gy_feed *f, uint64_t id, uint64_t generation, gantry_status status,
                  const char *text)
{
    if (f->stopped || generation != f->generation || f->state == LEADING) return;
    if (status == GANTRY_OK) {
        gy_engine_thread_txn_done(f->engine, id, GY_TXN_COMMITTED);
    } else if (status == GANTRY_ECONFLICT) {
        f->refused++;
        gy_log(GY_LOG_DEBUG, "server", "a transaction of the engine was refused why=\"%s\"", text);
        gy_engine_thread_txn_done(f->engine, id, GY_TXN_REFUSED);
    } else if (status == GANTRY_EBUSY || status == GANTRY_EINVAL || status == GANTRY_ENOTSUP) {
        /* Not applied; decided again at once it would only be refused again at once. */
        f->refused++;
        gy_log(GY_LOG_WARN, "server",
               "the store does not take the engine's transactions, trying again status=%s "
               "why=\"%s\"",
               gy_status_name(status), text);
        gy_engine_thread_txn_done(f->engine, id, GY_TXN_UNKNOWN);
        f->state = LEADING;
        uv_timer_start(&f->retry, on_retry, RETRY_MS, 0);
    } else {
        f->unknown++;
        gy_log(GY_LOG_WARN, "server",
               "the outcome of a transaction is not known, reading everything again status=%s "
               "why=\"%s\"",
               gy_status_name(status), text);
        gy_engine_thread_txn_done(f->engine, id, GY_TXN_UNKNOWN);
        lead(f);
    }
}

static void stored(void *arg, const struct gy_store_outcome *outcome)
{
    struct sent *sent = arg;
    ended(sent->feed, sent->id, sent->generation, outcome->status, outcome->text);
    drop_ref(sent->feed);
    free(sent);
}

static void send_txn(struct gy_feed *f, const struct gy_engine_txn *txn)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_store_change *changes = gy_alloc_array(txn->n + 1, sizeof *changes);
    struct gy_store_compare *compares = gy_alloc_array(txn->n + 1, sizeof *compares);
    size_t compared = 0;
    compares[compared++] = (struct gy_store_compare){GY_KEY_EPOCH, f->epoch_rev};
    for (size_t i = 0; i < txn->n; i++) {
        const struct gy_engine_write *w = &txn->writes[i];
        changes[i] = (struct gy_store_change){w->key, w->value, w->value ? strlen(w->value) : 0};
        if (w->mod_rev != GY_ENGINE_REV_ANY)
            compares[compared++] = (struct gy_store_compare){w->key, w->mod_rev};
    }
    struct sent *sent = gy_alloc(sizeof *sent);
    *sent = (struct sent){f, txn->id, f->generation};
    f->txns++;
    f->refs++;
    gantry_status status =
        gy_store_txn(f->o.store, changes, txn->n, compares, compared, stored, sent, &err);
    free(changes);
    free(compares);
    if (status == GANTRY_OK) return;
    /* Nothing was sent. */
    ended(f, txn->id, sent->generation, status == GANTRY_EUNAVAIL ? GANTRY_EBUSY : status,
          err.text);
    drop_ref(f);
    free(sent);
}

static void on_decisions(void *arg, const struct gy_engine_decisions *d, uint64_t resets)
{
    struct gy_feed *f = arg;
    if (f->stopped) return;
    for (size_t i = 0; i < d->node_count; i++)
        gy_index_node_state(f->o.cluster, &d->nodes[i]);
    for (size_t i = 0; i < d->waiting_count; i++)
        gy_index_waiting(f->o.cluster, &d->waiting[i]);
    for (size_t i = 0; i < d->event_count; i++)
        gy_events_record(f->o.events, &d->events[i]);
    /* What was decided before a reset that is on its way is dropped: the engine has forgotten it.
     */
    for (size_t i = 0; i < d->txn_count; i++)
        if (f->state == FOLLOWING && resets == f->generation) send_txn(f, &d->txns[i]);
}

/* ---- life ---- */

struct gy_feed *gy_feed_start(const struct gy_feed_options *options)
{
    struct gy_feed *f = gy_alloc(sizeof *f);
    f->o = *options;
    f->refs = 2;
    uv_timer_init(options->loop, &f->retry);
    f->retry.data = f;
    json_t *epoch = json_pack("{s:s,s:s,s:I}", "node", options->node, "incarnation",
                              options->incarnation, "started_ms", (json_int_t)gy_time_wall_ms());
    f->epoch_text = json_dumps(epoch, JSON_COMPACT);
    json_decref(epoch);
    struct gy_engine_thread_options thread = {.loop = options->loop,
                                              .engine = options->engine,
                                              .decisions = on_decisions,
                                              .room = on_room,
                                              .arg = f};
    f->engine = gy_engine_thread_start(&thread);
    GY_ASSERT(gy_store_subscribe(f->o.store, "", 0, on_store, f, &f->subscription, NULL) ==
              GANTRY_OK);
    lead(f);
    return f;
}

static void closed(uv_handle_t *handle)
{
    drop_ref(handle->data);
}

void gy_feed_stop(struct gy_feed *f)
{
    if (!f) return;
    f->stopped = true;
    gy_store_unsubscribe(f->subscription);
    gy_engine_thread_stop(f->engine);
    uv_close((uv_handle_t *)&f->retry, closed);
    drop_ref(f);
}

void gy_feed_heartbeat(struct gy_feed *f, const char *node)
{
    gy_engine_thread_heartbeat(f->engine, node);
}

void gy_feed_explain(void *feed, const char *app_key, const char *pod_id,
                     void (*done)(void *, gantry_status, const char *, const char *), void *arg)
{
    struct gy_feed *f = feed;
    gy_engine_thread_explain(f->engine, app_key, pod_id, done, arg);
}

json_t *gy_feed_json(void *feed)
{
    struct gy_feed *f = feed;
    json_t *out = gy_engine_thread_json(f->engine);
    static const char *const states[] = {"leading", "listing", "following", "overrun", "deposed"};
    json_object_set_new(out, "feed", json_string(states[f->state]));
    json_object_set_new(out, "transactions", json_integer((json_int_t)f->txns));
    json_object_set_new(out, "refused", json_integer((json_int_t)f->refused));
    json_object_set_new(out, "unknown", json_integer((json_int_t)f->unknown));
    json_object_set_new(out, "resets", json_integer((json_int_t)f->resets));
    return out;
}
