/* SPDX-License-Identifier: Apache-2.0 */
/* core/store over a real store plugin: reads its own writes, replays, survives a broken watch. */
#include "base/text.h"
#include "store_host.h"
#include "suite.h"

static struct store_host host;
static struct gy_store *store;
static char *folder, *path;
static gantry_status ready_status;
static int ready_calls, closed_calls;

static void on_ready(void *arg, gantry_status status, const char *text)
{
    (void)arg, (void)text;
    ready_status = status;
    ready_calls++;
}

static void open_store(void)
{
    struct gy_store_backend backend = store_host_backend(&host);
    ready_calls = closed_calls = 0;
    store = gy_store_open(&backend, on_ready, NULL);
    for (int i = 0; i < 100 && !ready_calls; i++)
        store_host_turn(&host, 20);
    REQUIRE(ready_calls == 1 && ready_status == GANTRY_OK);
}

static void start_host(void)
{
    folder = store_folder_make();
    path = gy_printf("%s/store.db", folder);
    REQUIRE(store_host_start(&host, PROVIDER, strcmp(PROVIDER, "memory") ? path : NULL) ==
            GANTRY_OK);
}

static void start(void)
{
    start_host();
    open_store();
}

static void on_closed(void *arg)
{
    (void)arg;
    closed_calls++;
}

static void close_store(void)
{
    gy_store_close(store, on_closed, NULL);
    for (int i = 0; i < 100 && !closed_calls; i++)
        store_host_turn(&host, 20);
    CHECK_INT(closed_calls, 1);
}

static void stop(void)
{
    close_store();
    store_host_stop(&host);
    free(path);
    store_folder_remove(folder);
}

/* ---- transactions ---- */

struct told {
    int calls;
    struct gy_store_outcome outcome;
    char text[256];
    bool mirror_had_it;
};

static void on_txn(void *arg, const struct gy_store_outcome *outcome)
{
    struct told *t = arg;
    t->calls++;
    t->outcome = *outcome;
    snprintf(t->text, sizeof t->text, "%s", outcome->text);
    t->mirror_had_it = gy_store_rev(store) >= outcome->rev;
}

static struct told txn(const struct gy_store_change *changes, size_t n,
                       const struct gy_store_compare *compares, size_t m)
{
    struct told t = {0};
    struct gy_error err = GY_ERROR_INIT;
    gantry_status status = gy_store_txn(store, changes, n, compares, m, on_txn, &t, &err);
    if (status != GANTRY_OK) {
        t.outcome.status = status;
        snprintf(t.text, sizeof t.text, "%.200s", err.text);
        return t;
    }
    CHECK_INT(t.calls, 0); /* never before the call returned */
    for (int i = 0; i < 200 && !t.calls; i++)
        store_host_turn(&host, 20);
    CHECK_INT(t.calls, 1);
    return t;
}

static struct told put(const char *key, const char *value)
{
    struct gy_store_change change = {key, value, strlen(value)};
    return txn(&change, 1, NULL, 0);
}

static struct told del(const char *key)
{
    struct gy_store_change change = {key, NULL, 0};
    return txn(&change, 1, NULL, 0);
}

static void a_writer_reads_its_own_writes(void)
{
    start();
    for (int i = 0; i < 20; i++) {
        char value[32];
        snprintf(value, sizeof value, "{\"n\":%d}", i);
        struct told t = put("apps/a", value);
        CHECK_INT(t.outcome.status, GANTRY_OK);
        CHECK_INT(t.outcome.rev, i + 1);
        CHECK(t.mirror_had_it);
        CHECK_STR(gy_store_get(store, "apps/a")->bytes, value);
    }
    CHECK_INT(gy_store_get(store, "apps/a")->create_rev, 1);
    CHECK(!gy_store_get(store, "apps/b"));
    stop();
}

static void a_conflict_names_the_compare(void)
{
    start();
    put("a", "1");
    struct gy_store_compare compares[] = {{"a", 1}, {"b", 5}};
    struct gy_store_change change = {"c", "x", 1};
    struct told t = txn(&change, 1, compares, 2);
    CHECK_INT(t.outcome.status, GANTRY_ECONFLICT);
    CHECK_INT(t.outcome.failed, 1);
    CHECK_STR(t.text, "b was changed meanwhile (it does not exist)");
    compares[0].mod_rev = 0;
    t = txn(&change, 1, compares, 1);
    CHECK_INT(t.outcome.failed, 0);
    CHECK_STR(t.text, "a was changed meanwhile (it is at revision 1)");
    CHECK(!gy_store_get(store, "c"));
    stop();
}

static void what_cannot_be_is_refused_at_once(void)
{
    start();
    struct gy_store_change change = {"", "x", 1};
    CHECK_INT(txn(&change, 0, NULL, 0).outcome.status, GANTRY_EINVAL);
    CHECK_INT(txn(&change, 1, NULL, 0).outcome.status, GANTRY_EINVAL);
    change = (struct gy_store_change){"big", "x", host.ops->max_value_bytes + 1u};
    struct told t = txn(&change, 1, NULL, 0);
    CHECK_INT(t.outcome.status, GANTRY_EINVAL);
    CHECK_STR(t.text, "big has 2097153 bytes; the store takes at most 2097152 a value");
    CHECK_INT(gy_store_rev(store), 0);
    stop();
}

static void the_mirror_is_in_order(void)
{
    start();
    put("b/2", "x");
    put("a", "x");
    put("b/1", "x");
    put("b", "x");
    put("c", "x");
    struct gy_store_object *o;
    char all[64] = "";
    GY_STORE_FOREACH (store, "b", o) {
        strcat(all, o->key);
        strcat(all, " ");
    }
    CHECK_STR(all, "b b/1 b/2 ");
    CHECK_STR(gy_store_next(store, "", "b/1")->key, "b/2");
    CHECK_STR(gy_store_next(store, "b", "a")->key, "b");
    CHECK(!gy_store_next(store, "b", "b/2"));
    CHECK_STR(gy_store_next(store, NULL, NULL)->key, "a");
    stop();
}

static void an_object_outlives_its_key(void)
{
    start();
    put("a", "old");
    struct gy_store_object *o = gy_store_object_get(gy_store_get(store, "a"));
    put("a", "new");
    del("a");
    stop();
    CHECK_STR(o->bytes, "old");
    gy_store_object_put(o);
}

static void it_opens_what_was_there(void)
{
    start_host();
    store_put(&host, "a", "1");
    store_put(&host, "b", "2");
    open_store();
    CHECK_INT(gy_store_rev(store), 2);
    CHECK_STR(gy_store_get(store, "b")->bytes, "2");
    struct gy_store_subscription *s;
    CHECK_INT(gy_store_subscribe(store, "", 2, NULL, NULL, &s, NULL), GANTRY_ENOTFOUND);
    stop();
}

/* ---- subscriptions ---- */

struct heard {
    char text[512];
    int calls;
    struct gy_store_subscription *self, *other;
    bool leave;
};

static void on_events(void *arg, const struct gy_store_event *events, size_t n)
{
    struct heard *h = arg;
    size_t used = strlen(h->text);
    h->calls++;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(h->text + used, sizeof h->text - used, "%s%s@%d%s",
                                 events[i].deleted  ? "-"
                                 : events[i].before ? "~"
                                                    : "+",
                                 events[i].object->key, (int)events[i].rev, i + 1 < n ? "," : " ");
    if (h->leave) {
        gy_store_unsubscribe(h->self);
        gy_store_unsubscribe(h->other);
    }
}

static void subscriptions_replay_then_are_live(void)
{
    start();
    put("p/a", "1");
    put("q", "1");
    struct gy_store_change two[] = {{"p/b", "1", 1}, {"p/a", NULL, 0}, {"q", "2", 1}};
    txn(two, 3, NULL, 0);
    struct heard all = {0}, part = {0}, live = {0};
    struct gy_error err;
    CHECK_INT(gy_store_subscribe(store, "", 1, on_events, &all, &all.self, &err), GANTRY_OK);
    CHECK_STR(all.text, "+p/a@1 +q@2 +p/b@3,-p/a@3,~q@3 ");
    CHECK_INT(gy_store_subscribe(store, "p/", 2, on_events, &part, &part.self, &err), GANTRY_OK);
    CHECK_STR(part.text, "+p/b@3,-p/a@3 ");
    CHECK_INT(gy_store_subscribe(store, "", 0, on_events, &live, &live.self, &err), GANTRY_OK);
    CHECK_STR(live.text, "");
    put("p/c", "1");
    CHECK_STR(part.text, "+p/b@3,-p/a@3 +p/c@4 ");
    CHECK_STR(live.text, "+p/c@4 ");
    CHECK_INT(gy_store_subscribe(store, "", 6, on_events, &live, &live.other, &err),
              GANTRY_ENOTFOUND);
    gy_store_unsubscribe(part.self);
    put("p/d", "1");
    CHECK_INT(part.calls, 2);
    stop();
}

static void unsubscribing_inside_a_callback(void)
{
    start();
    struct heard a = {.leave = true}, b = {0}, c = {0};
    gy_store_subscribe(store, "", 0, on_events, &a, &a.self, NULL);
    gy_store_subscribe(store, "", 0, on_events, &b, &b.self, NULL);
    gy_store_subscribe(store, "", 0, on_events, &c, &c.self, NULL);
    a.other = b.self;
    put("k", "1");
    put("k", "2");
    CHECK_INT(a.calls, 1);
    CHECK_INT(b.calls, 0); /* it was taken away before its turn */
    CHECK_INT(c.calls, 2);
    struct heard d = {.leave = true}; /* and in the replay */
    gy_store_subscribe(store, "", 1, on_events, &d, &d.self, NULL);
    CHECK_INT(d.calls, 1);
    struct gy_store_counts counts;
    gy_store_counts(store, &counts);
    CHECK_INT(counts.subscriptions, 1);
    stop();
}

/* ---- outages ---- */

static uint64_t (*real_watch)(void *, const char *, uint64_t, gy_store_item_fn, gy_store_done_fn,
                              void *);
static uint64_t last_watch;
static bool refuse_watch;

static uint64_t spied_watch(void *ctx, const char *prefix, uint64_t from_rev, gy_store_item_fn item,
                            gy_store_done_fn done, void *arg)
{
    last_watch = real_watch(ctx, prefix, from_rev, item, done, arg);
    if (refuse_watch) gy_instance_cancel(host.instance, last_watch);
    return last_watch;
}

static void open_spied(void)
{
    struct gy_store_backend backend = store_host_backend(&host);
    real_watch = backend.watch;
    backend.watch = spied_watch;
    ready_calls = closed_calls = 0;
    store = gy_store_open(&backend, on_ready, NULL);
    for (int i = 0; i < 100 && !ready_calls; i++)
        store_host_turn(&host, 20);
}

static void a_broken_watch_is_taken_up_where_it_was(void)
{
    start_host();
    open_spied();
    put("a", "1");
    struct heard h = {0};
    gy_store_subscribe(store, "", 0, on_events, &h, &h.self, NULL);
    gy_store_tick(store, 1000);
    gy_instance_cancel(host.instance, last_watch);
    store_host_turn(&host, 50);
    for (int i = 0; i < 100 && gy_store_is_ready(store); i++)
        store_host_turn(&host, 20);
    CHECK(!gy_store_is_ready(store));
    CHECK(strlen(gy_store_trouble(store)) > 0);
    store_put(&host, "b", "1");
    store_put(&host, "a", "2");
    gy_store_tick(store, 1050); /* not yet */
    CHECK(!gy_store_is_ready(store));
    gy_store_tick(store, 1100);
    CHECK(gy_store_is_ready(store));
    for (int i = 0; i < 100 && gy_store_rev(store) < 3; i++)
        store_host_turn(&host, 20);
    CHECK_STR(h.text, "+b@2 ~a@3 ");
    stop();
}

static void what_was_compacted_meanwhile_comes_as_a_difference(void)
{
    start_host();
    open_spied();
    put("a", "1");
    put("b", "1");
    put("c", "1");
    struct heard h = {0};
    gy_store_subscribe(store, "", 0, on_events, &h, &h.self, NULL);
    gy_instance_cancel(host.instance, last_watch);
    for (int i = 0; i < 100 && gy_store_is_ready(store); i++)
        store_host_turn(&host, 20);
    struct build_txn b = {0};
    build_delete(&b, "b");
    build_put(&b, "d", "1");
    store_txn(&host, &b);
    store_put(&host, "a", "2");
    store_compact(&host, 5);
    for (int i = 0; i < 100 && gy_store_rev(store) < 5; i++) {
        gy_store_tick(store, 1000 + i * 1000);
        store_host_turn(&host, 20);
    }
    CHECK_STR(h.text, "~a@5,-b@5,+d@5 ");
    CHECK_INT(h.calls, 1);
    struct gy_store_counts counts;
    gy_store_counts(store, &counts);
    CHECK_INT(counts.resyncs, 1);
    CHECK_INT(counts.objects, 3);
    CHECK_INT(put("e", "1").outcome.rev, 6);
    stop();
}

static void an_answer_waits_for_the_mirror(void)
{
    start_host();
    refuse_watch = true;
    open_spied();
    for (int i = 0; i < 20 && gy_store_is_ready(store); i++)
        store_host_turn(&host, 20);
    struct told t = {0};
    struct gy_store_change change = {"a", "1", 1};
    CHECK_INT(gy_store_txn(store, &change, 1, NULL, 0, on_txn, &t, NULL), GANTRY_OK);
    for (int i = 0; i < 10; i++)
        store_host_turn(&host, 20);
    CHECK_INT(t.calls, 0); /* committed, and not yet seen */
    refuse_watch = false;
    for (int i = 0; i < 100 && !t.calls; i++) {
        gy_store_tick(store, 1000 + i * 1000);
        store_host_turn(&host, 20);
    }
    CHECK_INT(t.calls, 1);
    CHECK_INT(t.outcome.status, GANTRY_OK);
    CHECK(t.mirror_had_it);
    stop();
}

static void closing_ends_what_is_under_way(void)
{
    start();
    struct told t = {0};
    struct gy_store_change change = {"a", "1", 1};
    gy_store_txn(store, &change, 1, NULL, 0, on_txn, &t, NULL);
    struct heard h = {0};
    gy_store_subscribe(store, "", 0, on_events, &h, &h.self, NULL);
    close_store();
    CHECK_INT(t.calls, 1);
    CHECK_INT(t.outcome.status, GANTRY_ECANCELED);
    CHECK_INT(h.calls, 0);
    open_store();
    stop();
}

/* ---- history ---- */

static void compaction_is_due(void)
{
    CHECK_INT(gy_store_compaction_due(0, 0, 1000000), 0);
    CHECK_INT(gy_store_compaction_due(10, 10, 1000000), 0);
    CHECK_INT(gy_store_compaction_due(10, 5, 1000), 0);
    CHECK_INT(gy_store_compaction_due(10, 5, 60000), 10);
    CHECK_INT(gy_store_compaction_due(10005, 5, 0), 10005);
    CHECK_INT(gy_store_compaction_due(10004, 5, 0), 0);
}

static void history_is_forgotten_and_compacted(void)
{
    start();
    int64_t now = 1000;
    gy_store_tick(store, now);
    put("a", "1");
    put("b", "1");
    gy_store_tick(store, now += 5 * 60 * 1000);
    put("c", "1");
    gy_store_tick(store, now += 5 * 60 * 1000 + 1);
    struct gy_store_counts counts;
    gy_store_counts(store, &counts);
    CHECK_INT(counts.history_revs, 1);
    for (int i = 0; i < 20; i++)
        store_host_turn(&host, 10);
    gy_store_counts(store, &counts);
    CHECK_INT(counts.compactions, 1);
    CHECK_INT(counts.compacted, 2);
    struct heard h = {0};
    struct gy_error err;
    CHECK_INT(gy_store_subscribe(store, "", 2, on_events, &h, &h.self, &err), GANTRY_ENOTFOUND);
    CHECK_STR(err.text, "compacted: history begins at revision 3, asked was 2; list again");
    CHECK_INT(gy_store_subscribe(store, "", 3, on_events, &h, &h.self, &err), GANTRY_OK);
    CHECK_STR(h.text, "+c@3 ");
    stop();
}

SUITE("store.mirror." PROVIDER, {"a writer reads its own writes", a_writer_reads_its_own_writes},
      {"a conflict names the compare", a_conflict_names_the_compare},
      {"what cannot be is refused at once", what_cannot_be_is_refused_at_once},
      {"the mirror is in order", the_mirror_is_in_order},
      {"an object outlives its key", an_object_outlives_its_key},
      {"it opens what was there", it_opens_what_was_there},
      {"subscriptions replay, then are live", subscriptions_replay_then_are_live},
      {"unsubscribing inside a callback", unsubscribing_inside_a_callback},
      {"a broken watch is taken up where it was", a_broken_watch_is_taken_up_where_it_was},
      {"what was compacted meanwhile comes as a difference",
       what_was_compacted_meanwhile_comes_as_a_difference},
      {"an answer waits for the mirror", an_answer_waits_for_the_mirror},
      {"closing ends what is under way", closing_ends_what_is_under_way},
      {"compaction is due", compaction_is_due},
      {"history is forgotten and compacted", history_is_forgotten_and_compacted})
