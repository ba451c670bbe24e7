/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on its thread, fed from a store that refuses, forgets and delays: what it decided is
 * there once, and nothing that it decided under a former epoch ever lands. */
#include "server/feed.h"

#include "server_turn.h"
#include <pthread.h>

static struct gy_index *cluster;
static struct gy_events *events;
static struct gy_feed *feed;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held: a step does not end */
static unsigned pod_txns, without_epoch;
static _Atomic unsigned scored;

static gantry_status score(void *self, const gantry_rows *rows, int64_t *out, gantry_error *err)
{
    (void)self;
    (void)err;
    scored++;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < rows->n; i++)
        out[i] = -rows->own[i];
    return GANTRY_OK;
}
static const gantry_strategy_ops spread = {
    .size = sizeof spread, .lower = INT64_MIN / 2, .upper = 0, .score = score};

static void look(const gantry_store_txn *txn)
{
    if (!gy_starts_with(txn->writes[0]->key.ptr, "pod/")) return;
    struct held *epoch = disk_find(GY_KEY_EPOCH);
    pod_txns++;
    bool compared = false;
    for (uint32_t i = 0; i < txn->compare_count; i++)
        compared = compared || (gy_str_is(txn->compares[i]->key, GY_KEY_EPOCH) && epoch &&
                                txn->compares[i]->mod_rev == epoch->mod_rev);
    without_epoch += !compared;
}

static const char *state(void)
{
    static char text[32];
    json_t *json = gy_feed_json(feed);
    snprintf(text, sizeof text, "%s", json_string_value(json_object_get(json, "feed")));
    json_decref(json);
    return text;
}

static void set_up(void)
{
    turn_start();
    pod_txns = without_epoch = 0;
    turn_put("report/n1", "{\"name\":\"n1\",\"cpu_milli\":4000,\"memory_bytes\":8000000000,"
                          "\"max_pods\":100,\"drivers\":[{\"name\":\"process\",\"provider\":"
                          "\"process\",\"runs_processes\":true,\"ready\":true}]}");
    disk.look = look;
    cluster = gy_index_create(&loop, store);
    events = gy_events_create(&(struct gy_events_options){.loop = &loop, .store = store});
    struct gy_engine_options engine = {
        .seed = 7, .strategy = "spread", .suspect_ms = 100000, .unreachable_ms = 100000};
    struct gy_feed_options options = {.loop = &loop,
                                      .store = store,
                                      .engine = gy_engine_create(&engine),
                                      .cluster = cluster,
                                      .events = events,
                                      .node = "n1",
                                      .incarnation = "i1"};
    gy_engine_add_strategy(options.engine, "spread", &spread, NULL);
    feed = gy_feed_start(&options);
    gy_feed_heartbeat(feed, "n1");
    TURN_CHECK(!strcmp(state(), "following"));
}

static void tear_down(void)
{
    gy_feed_stop(feed);
    gy_events_destroy(events);
    gy_index_destroy(cluster);
    turn_end();
}

static uint64_t epoch(void)
{
    struct held *h = disk_find(GY_KEY_EPOCH);
    return h ? h->mod_rev : 0;
}

static void deploy(const char *name, int replicas)
{
    char key[64], text[400];
    snprintf(key, sizeof key, "app/default/p/%s", name);
    snprintf(text, sizeof text,
             "{\"name\":\"%s\",\"namespace\":\"default\",\"project\":\"p\",\"replicas\":%d,"
             "\"generation\":1,\"pod\":{\"containers\":[{\"name\":\"c\",\"command\":[\"true\"]}]}}",
             name, replicas);
    turn_put(key, text);
}

/* n pods, and still n when all has settled. */
#define CHECK_PODS(want)                                                                           \
    do {                                                                                           \
        TURN_CHECK(disk_count("pod/") == (want));                                                  \
        TURN_FOR(200);                                                                             \
        CHECK_INT(disk_count("pod/"), want);                                                       \
        CHECK_INT(without_epoch, 0);                                                               \
    } while (0)

static void pods_are_bound_under_the_epoch(void)
{
    set_up();
    CHECK(epoch() > 0);
    deploy("web", 3);
    CHECK_PODS(3);
    CHECK(pod_txns > 0);
    tear_down();
}

static void a_refused_transaction_is_decided_again(void)
{
    set_up();
    uint64_t before = epoch();
    disk_script("pod/", (const enum disk_word[]){DISK_REFUSE, DISK_REFUSE}, 2);
    deploy("web", 2);
    CHECK_PODS(2);
    CHECK_INT(epoch(), before); /* nothing is unknown */
    tear_down();
}

static void an_unknown_outcome_starts_an_epoch(void)
{
    static const enum disk_word words[] = {DISK_DELAY, DISK_LOSE_ANSWER};
    for (int i = 0; i < 2; i++) {
        set_up();
        uint64_t before = epoch();
        disk_script("pod/", &words[i], 1);
        deploy("web", 2);
        TURN_CHECK(epoch() > before);
        CHECK_PODS(2);
        disk_land(); /* too late: it compared the former epoch */
        CHECK_PODS(2);
        tear_down();
    }
}

static void a_busy_store_is_not_hurried(void)
{
    set_up();
    disk_script("pod/", (const enum disk_word[]){DISK_BUSY}, 1);
    deploy("web", 2);
    TURN_FOR(400);
    CHECK_INT(pod_txns, 1);
    CHECK_PODS(2);
    tear_down();
}

static void another_leader_is_left_alone(void)
{
    set_up();
    turn_put(GY_KEY_EPOCH, "{\"node\":\"n2\"}");
    uint64_t theirs = epoch();
    CHECK_STR(state(), "deposed");
    deploy("web", 2);
    TURN_FOR(300);
    CHECK_INT(disk_count("pod/"), 0);
    CHECK_INT(epoch(), theirs);
    tear_down();
}

static void a_leader_that_came_unseen_is_left_alone(void)
{
    set_up();
    disk_script("pod/", (const enum disk_word[]){DISK_HOLD}, 1);
    deploy("web", 2);
    TURN_CHECK(disk.late_count == 1);
    disk_script("epoch", (const enum disk_word[]){DISK_DELAY}, 1); /* our own next one is lost */
    turn_put("report/n2", "{\"name\":\"n2\"}");
    struct disk_txn held = disk.late[0];
    disk.late_count = 0;
    disk_answer(held.done, held.arg, GANTRY_EUNAVAIL); /* unknown: it never lands */
    held.done = NULL;
    TURN_CHECK(disk.late_count == 1); /* the new epoch is on its way */
    disk_txn_fini(&held);
    turn_put(GY_KEY_EPOCH, "{\"node\":\"n2\"}");
    uint64_t theirs = epoch();
    TURN_CHECK(!strcmp(state(), "deposed"));
    disk_land();
    TURN_FOR(1300);
    CHECK_INT(epoch(), theirs);
    CHECK_INT(disk_count("pod/"), 0);
    tear_down();
}

/* More changes than the queue takes, in transactions of a thousand. */
static void flood(void)
{
    static char keys[1000][16];
    static struct gy_store_change changes[1000];
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "x/%03d", i);
        changes[i] = (struct gy_store_change){keys[i], "{}", 2};
    }
    for (int i = 0; i <= GY_ENGINE_QUEUE_MAX / 1000; i++) {
        bool done = false;
        REQUIRE(gy_store_txn(store, changes, 1000, NULL, 0, turn_put_done, &done, NULL) ==
                GANTRY_OK);
        TURN_UNTIL(done, 5000);
    }
}

static void an_engine_that_is_behind_starts_again(void)
{
    set_up();
    uint64_t before = epoch();
    disk_script("pod/", (const enum disk_word[]){DISK_HOLD}, 1);
    deploy("web", 2);
    TURN_CHECK(disk.late_count == 1);
    pthread_mutex_lock(&gate);
    unsigned scores = scored;
    deploy("api", 2);
    TURN_CHECK(scored > scores); /* the step stands */
    flood();
    CHECK_STR(state(), "overrun");
    pthread_mutex_unlock(&gate);
    TURN_CHECK(epoch() > before);
    CHECK_PODS(4);
    disk_land(); /* decided by an engine that has forgotten it since */
    CHECK_PODS(4);
    CHECK_STR(state(), "following");
    tear_down();
}

static gantry_status explained;
static unsigned explain_count;
static void on_explain(void *arg, gantry_status status, const char *json, const char *text)
{
    (void)arg;
    explained = status;
    explain_count++;
    CHECK((json != NULL) == (status == GANTRY_OK));
    CHECK(status == GANTRY_OK || text[0]);
}

static void questions_are_answered_once(void)
{
    set_up();
    deploy("web", 1);
    CHECK_PODS(1);
    explain_count = 0;
    gy_feed_explain(feed, "default/p/web", NULL, on_explain, NULL);
    TURN_CHECK(explain_count == 1);
    CHECK_INT(explained, GANTRY_OK);
    gy_feed_explain(feed, "default/p/none", NULL, on_explain, NULL);
    TURN_CHECK(explain_count == 2);
    CHECK_INT(explained, GANTRY_ENOTFOUND);
    gy_feed_explain(feed, "nonsense", NULL, on_explain, NULL);
    TURN_CHECK(explain_count == 3);
    CHECK_INT(explained, GANTRY_EINVAL);
    gy_feed_explain(feed, "default/p/web", NULL, on_explain, NULL);
    tear_down(); /* answered, or told that there is no answer any more */
    CHECK_INT(explain_count, 4);
}

SUITE("server.feed", {"pods are bound under the epoch", pods_are_bound_under_the_epoch},
      {"a refused transaction is decided again", a_refused_transaction_is_decided_again},
      {"an unknown outcome starts an epoch", an_unknown_outcome_starts_an_epoch},
      {"a busy store is not hurried", a_busy_store_is_not_hurried},
      {"another leader is left alone", another_leader_is_left_alone},
      {"a leader that came unseen is left alone", a_leader_that_came_unseen_is_left_alone},
      {"an engine that is behind starts again", an_engine_that_is_behind_starts_again},
      {"questions are answered once", questions_are_answered_once})
