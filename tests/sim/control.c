/* SPDX-License-Identifier: Apache-2.0 */
/* The server: the real store mirror over the simulated disk, the real engine fed from it. */
#include "world.h"

static const char strategy_name[] = "spread";

/* Fewest own pods, then fewest pods: enough to place by; the plugins have tests of their own. */
static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self;
    (void)err;
    for (size_t i = 0; i < rows->n; i++)
        out[i] = -rows->own[i] * 100000 - rows->pods[i];
    return GANTRY_OK;
}
static const gantry_strategy_ops spread_ops = {
    .size = sizeof spread_ops, .lower = INT64_MIN / 2, .upper = 0, .score = score};

struct turn {
    uint64_t life;
};

static void feed_all(struct world *w)
{
    struct gy_store_object *object;
    GY_STORE_FOREACH (w->server.store, "", object) {
        gy_engine_object(w->server.engine, object->key, object->mod_rev, object->bytes,
                         object->len);
    }
    gy_engine_synced(w->server.engine, w->server.epoch_rev, world_now(w));
    server_step_soon(w);
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

struct write {
    struct world *w;
    char *key, *value;
    uint64_t number;
};

static struct newest *newest_of(struct world *w, const char *key)
{
    struct newest *n;
    HASH_FIND_STR(w->newest, key, n);
    if (n) return n;
    n = gy_alloc(sizeof *n);
    n->key = gy_strdup(key);
    HASH_ADD_KEYPTR(hh, w->newest, n->key, strlen(n->key), n);
    return n;
}

static void put_record(struct world *w, const char *key, char *value, uint64_t number);

static void write_again(struct world *w, void *arg)
{
    struct write *write = arg;
    if (!w->ended && newest_of(w, write->key)->number == write->number)
        put_record(w, write->key, GY_GIVE(write->value), write->number);
    free(write->value);
    free(write->key);
    free(write);
}

static void written(void *arg, const struct gy_store_outcome *outcome)
{
    struct write *write = arg;
    struct world *w = write->w;
    w->server.writes_in_flight--;
    /* an operator whose request failed tries again: writes of specs are idempotent */
    if (outcome->status != GANTRY_OK) {
        world_at(w, 500, write_again, write);
        return;
    }
    free(write->key);
    free(write->value);
    free(write);
}

void server_put(struct world *w, const char *key, char *value)
{
    put_record(w, key, value, newest_of(w, key)->number = ++w->writes);
}

static void put_record(struct world *w, const char *key, char *value, uint64_t number)
{
    struct write *write = gy_alloc(sizeof *write);
    *write = (struct write){w, gy_strdup(key), value, number};
    struct gy_store_change change = {key, value, value ? strlen(value) : 0};
    if (w->server.ready &&
        gy_store_txn(w->server.store, &change, 1, NULL, 0, written, write, NULL) == GANTRY_OK) {
        w->server.writes_in_flight++;
        return;
    }
    world_at(w, 500, write_again, write);
}

void server_put_report(struct world *w, const char *node, const struct gy_node_report *report)
{
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_REPORT, node, key);
    gy_autofree char *text = gy_shape_encode_text(&gy_node_report_shape, report);
    struct gy_store_object *old = gy_store_get(w->server.store, key);
    if (!old || strcmp(old->bytes, text) != 0) server_put(w, key, GY_GIVE(text));
}

/* ---- status: one write per pod under way, the newest wins
 * ------------------------------------------ */

struct status_write {
    struct world *w;
    uint64_t life;
    char *id, *text;
    uint64_t number;
};

static void put_status(struct world *w, struct status_write *s);

static void status_retry(struct world *w, void *arg)
{
    put_status(w, arg);
}

static void free_status(struct status_write *s)
{
    free(s->id);
    free(s->text);
    free(s);
}

static void status_written(void *arg, const struct gy_store_outcome *outcome)
{
    struct status_write *s = arg;
    if (outcome->status == GANTRY_OK || !s->w->server.up || s->w->server.life != s->life)
        free_status(s);
    else
        world_at(s->w, 20, status_retry, s);
}

static void put_status(struct world *w, struct status_write *s)
{
    char key[GY_KEY_MAX], pod[GY_KEY_MAX];
    gy_key_of(GY_KEY_STATUS, s->id, key);
    gy_key_of(GY_KEY_POD, s->id, pod);
    bool here = w->server.ready && w->server.life == s->life;
    struct gy_store_object *record = here ? gy_store_get(w->server.store, pod) : NULL;
    struct gy_store_object *old = here ? gy_store_get(w->server.store, key) : NULL;
    if (!record || newest_of(w, key)->number != s->number ||
        (old && !strcmp(old->bytes, s->text))) {
        free_status(s);
        return;
    }
    struct gy_store_change change = {key, s->text, strlen(s->text)};
    struct gy_store_compare compares[] = {{key, old ? old->mod_rev : 0}, {pod, record->mod_rev}};
    if (gy_store_txn(w->server.store, &change, 1, compares, 2, status_written, s, NULL) !=
        GANTRY_OK)
        world_at(w, 20, status_retry, s);
}

void server_status(struct world *w, const struct gy_pod_status *status)
{
    if (!w->server.ready) return;
    struct status_write *s = gy_alloc(sizeof *s);
    *s = (struct status_write){.w = w,
                               .life = w->server.life,
                               .id = gy_strdup(status->id),
                               .text = gy_shape_encode_text(&gy_pod_status_shape, status)};
    char key[GY_KEY_MAX];
    gy_key_of(GY_KEY_STATUS, s->id, key);
    s->number = newest_of(w, key)->number = ++w->writes;
    put_status(w, s);
}

/* ---- the engine
 * ------------------------------------------------------------------------------------ */

struct sent {
    struct world *w;
    uint64_t life, txn;
};

static void put_epoch(struct world *w);

static void settled(void *arg, const struct gy_store_outcome *outcome)
{
    struct sent *s = arg;
    struct world *w = s->w;
    if (w->server.up && w->server.life == s->life && w->server.settling) {
        if (outcome->status == GANTRY_OK) {
            w->server.settling = false;
            w->server.ready = true;
            w->server.epoch_rev = outcome->rev;
            gy_engine_reset(w->server.engine);
            feed_all(w);
        } else {
            put_epoch(w);
        }
    }
    free(s);
}

static void epoch_again(struct world *w, void *arg)
{
    struct turn *t = arg;
    if (w->server.up && w->server.life == t->life) put_epoch(w);
    free(t);
}

/* A new epoch: whatever was sent under the old one is in the store by now, or is refused for ever.
 */
static void put_epoch(struct world *w)
{
    w->server.settling = true;
    struct sent *s = gy_alloc(sizeof *s);
    *s = (struct sent){w, w->server.life, 0};
    struct gy_store_change change = {GY_KEY_EPOCH, "{}", 2};
    if (gy_store_txn(w->server.store, &change, 1, NULL, 0, settled, s, NULL) == GANTRY_OK) return;
    free(s);
    struct turn *t = gy_alloc(sizeof *t);
    t->life = w->server.life;
    world_at(w, 100, epoch_again, t);
}

static void txn_done(void *arg, const struct gy_store_outcome *outcome)
{
    struct sent *s = arg;
    struct world *w = s->w;
    if (w->server.up && w->server.life == s->life) {
        if (outcome->status == GANTRY_OK)
            gy_engine_txn_done(w->server.engine, s->txn, GY_TXN_COMMITTED);
#ifdef GY_MUTANT_DOUBLE_BIND
        else if (outcome->status != GANTRY_OK) /* takes "unknown" for "not done" */
#else
        else if (outcome->status == GANTRY_ECONFLICT)
#endif
            gy_engine_txn_done(w->server.engine, s->txn, GY_TXN_REFUSED);
        else {
            gy_engine_txn_done(w->server.engine, s->txn, GY_TXN_UNKNOWN);
            if (!w->server.settling) put_epoch(w);
        }
        server_step_soon(w);
    }
    free(s);
}

static void store_txn(struct world *w, const struct gy_engine_txn *txn)
{
    struct gy_store_change *changes = gy_alloc_array(txn->n, sizeof *changes);
    struct gy_store_compare *compares = gy_alloc_array(txn->n + 1, sizeof *compares);
    size_t compared = 0;
    compares[compared++] = (struct gy_store_compare){GY_KEY_EPOCH, w->server.epoch_rev};
    for (size_t i = 0; i < txn->n; i++) {
        const struct gy_engine_write *write = &txn->writes[i];
        changes[i] = (struct gy_store_change){write->key, write->value,
                                              write->value ? strlen(write->value) : 0};
        if (write->mod_rev != GY_ENGINE_REV_ANY)
            compares[compared++] = (struct gy_store_compare){write->key, write->mod_rev};
    }
#ifdef GY_MUTANT_ACT_BEFORE_STORE
    for (size_t i = 0; i < txn->n; i++)
        for (int m = 0; m < w->machine_count && txn->writes[i].value; m++)
            machine_desired(&w->machines[m], txn->writes[i].value, strlen(txn->writes[i].value));
#endif
    struct sent *s = gy_alloc(sizeof *s);
    *s = (struct sent){w, w->server.life, txn->id};
    if (gy_store_txn(w->server.store, changes, txn->n, compares, compared, txn_done, s, NULL) !=
        GANTRY_OK) {
        free(s);
        gy_engine_txn_done(w->server.engine, txn->id, GY_TXN_UNKNOWN);
        if (!w->server.settling) put_epoch(w);
    }
    free(changes);
    free(compares);
}

static void step(struct world *w, void *arg)
{
    struct turn *t = arg;
    bool mine = w->server.up && w->server.life == t->life;
    free(t);
    if (!mine) return;
    w->server.step_queued = false;
    struct gy_engine_decisions out = {0};
    gy_engine_step(w->server.engine, world_now(w), 1 + (unsigned)chance(w, 30), &out);
    for (size_t i = 0; i < out.event_count; i++)
        world_say(w, "engine: %s %s/%lld: %s", out.events[i].kind,
                  out.events[i].app    ? out.events[i].app
                  : out.events[i].node ? out.events[i].node
                                       : "",
                  (long long)out.events[i].slot, out.events[i].text);
    for (size_t i = 0; i < out.txn_count && w->server.up; i++)
        store_txn(w, &out.txns[i]);
    if (out.more) server_step_soon(w);
    int64_t at = out.wake_mono_ms > w->now_ms ? out.wake_mono_ms : w->now_ms + 1;
    if (out.wake_mono_ms != INT64_MAX &&
        (w->server.wake_at_ms <= w->now_ms || at < w->server.wake_at_ms)) {
        struct turn *again = gy_alloc(sizeof *again);
        again->life = w->server.life;
        w->server.wake_at_ms = at;
        world_at(w, at - w->now_ms, step, again);
    }
    gy_engine_decisions_fini(&out);
    if (odds(w, 2000)) server_crash(w); /* kill -9 between any two steps */
}

void server_step_soon(struct world *w)
{
    if (w->server.step_queued || !w->server.up || !w->server.engine) return;
    w->server.step_queued = true;
    struct turn *t = gy_alloc(sizeof *t);
    t->life = w->server.life;
    world_at(w, chance(w, 2), step, t);
}

void server_heard(struct world *w, const char *node)
{
    if (w->server.ready) gy_engine_heartbeat(w->server.engine, node, world_now(w));
    server_step_soon(w);
}

/* ---- life
 * ------------------------------------------------------------------------------------------- */

static void changed(void *arg, const struct gy_store_event *events, size_t n)
{
    struct world *w = arg;
    for (size_t i = 0; i < n; i++) {
        struct gy_store_object *o = events[i].object;
#ifdef GY_MUTANT_LOST_EVENT
        if (chance(w, 50) == 0) continue;
#endif
        gy_engine_object(w->server.engine, o->key, events[i].rev,
                         events[i].deleted ? NULL : o->bytes, o->len);
        if (!gy_starts_with(o->key, GY_KEY_POD)) continue;
        const char *id = o->key + strlen(GY_KEY_POD);
        for (int m = 0; m < w->machine_count; m++) {
            if (events[i].deleted)
                machine_forget(&w->machines[m], id);
            else
                machine_desired(&w->machines[m], o->bytes, o->len);
        }
    }
    server_step_soon(w);
}

static void ready(void *arg, gantry_status status, const char *text)
{
    struct world *w = arg;
    (void)text;
    if (status != GANTRY_OK) return;
    gy_store_subscribe(w->server.store, "", 0, changed, w, &w->server.subscription, NULL);
    put_epoch(w);
}

static void tick(struct world *w, void *arg)
{
    struct turn *t = arg;
    if (w->server.up && w->server.life == t->life) {
        gy_store_tick(w->server.store, w->now_ms);
        world_at(w, 250, tick, t);
        return;
    }
    free(t);
}

void server_start(struct world *w)
{
    if (w->server.up || w->ended) return;
    uint64_t life = w->server.life + 1;
    w->server = (struct server){.up = true, .life = life};
    w->server.engine = gy_engine_create(&(struct gy_engine_options){
        .seed = (uint64_t)chance(w, INT64_MAX), .strategy = strategy_name});
    gy_engine_add_strategy(w->server.engine, strategy_name, &spread_ops, NULL);
    struct gy_store_backend backend;
    disk_backend(w, &backend);
    w->server.store = gy_store_open(&backend, ready, w);
    struct turn *t = gy_alloc(sizeof *t);
    t->life = life;
    world_at(w, 250, tick, t);
}

/* Tables and index thrown away and rebuilt from the store: no decision may depend on them. */
void server_forget(struct world *w)
{
    if (w->server.ready && !w->server.settling) put_epoch(w);
}

void server_crash(struct world *w)
{
    if (!w->server.up) return;
    world_say(w, "the server dies");
    w->crashes++;
    w->server.up = w->server.ready = false;
    for (int i = 0; i < w->machine_count; i++)
        machine_unlink(&w->machines[i]);
    gy_store_close(w->server.store, NULL, NULL);
    w->server.store = NULL;
    disk_drop_client(w);
    gy_engine_destroy(w->server.engine);
    w->server.engine = NULL;
}
