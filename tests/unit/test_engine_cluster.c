/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster half from outside: records in, decisions out. */
#include "engine/engine.h"
#include "model/app.h"
#include "model/key.h"
#include "model/pod.h"
#include "suite.h"

static gantry_status fewest_own(void *self, const gantry_rows *rows, int64_t *out,
                                gantry_error *err)
{
    (void)self;
    (void)err;
    for (size_t i = 0; i < rows->n; i++)
        out[i] = -rows->own[i];
    return GANTRY_OK;
}
static const gantry_strategy_ops ops = {.size = sizeof ops, .score = fewest_own};

/* A store of the simplest kind: every transaction commits at once, every pod does as it is told. */
struct rig {
    struct gy_engine *engine;
    uint64_t rev;
    int64_t now_ms;
    char reason[512];
    int node_state; /* of the last node that was told of */
    int64_t node_pods, sequence;
    int64_t waiting;
    struct {
        char id[32], node[16], app[16];
        int64_t slot;
        bool stop, gone;
    } pods[64];
    size_t n;
};

static struct gy_now now_of(const struct rig *r)
{
    return (struct gy_now){r->now_ms, 1700000000000 + r->now_ms};
}

static void give(struct rig *r, const char *key, const char *value)
{
    gy_engine_object(r->engine, key, ++r->rev, value, value ? strlen(value) : 0);
}

static void take_write(struct rig *r, const struct gy_engine_write *write)
{
    if (!gy_starts_with(write->key, GY_KEY_POD)) return;
    const char *id = write->key + strlen(GY_KEY_POD);
    size_t i = 0;
    while (i < r->n && strcmp(r->pods[i].id, id) != 0)
        i++;
    REQUIRE(i < 64);
    if (!write->value) {
        r->pods[i].gone = true;
        return;
    }
    struct gy_pod pod;
    REQUIRE(gy_shape_decode_text(&gy_pod_shape, write->value, strlen(write->value), GY_FROM_PEER,
                                 &pod, NULL) == GANTRY_OK);
    if (i == r->n) r->n++;
    snprintf(r->pods[i].id, sizeof r->pods[i].id, "%s", pod.id);
    snprintf(r->pods[i].node, sizeof r->pods[i].node, "%s", pod.node);
    snprintf(r->pods[i].app, sizeof r->pods[i].app, "%s", pod.app);
    r->pods[i].slot = pod.slot;
    r->sequence = pod.sequence;
    r->pods[i].stop = pod.desired == GY_POD_STOP;
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void run(struct rig *r)
{
    for (int i = 0; i < 20; i++) {
        struct gy_engine_decisions out = {0};
        gy_engine_step(r->engine, now_of(r), 100, &out);
        for (size_t t = 0; t < out.txn_count; t++) {
            for (size_t k = 0; k < out.txns[t].n; k++) {
                take_write(r, &out.txns[t].writes[k]);
                give(r, out.txns[t].writes[k].key, out.txns[t].writes[k].value);
            }
            gy_engine_txn_done(r->engine, out.txns[t].id, GY_TXN_COMMITTED);
        }
        for (size_t w = 0; w < out.waiting_count; w++) {
            r->waiting = (int64_t)out.waiting[w].n;
            snprintf(r->reason, sizeof r->reason, "%s",
                     out.waiting[w].reason ? out.waiting[w].reason : "");
        }
        for (size_t k = 0; k < out.node_count; k++) {
            r->node_state = out.nodes[k].state;
            r->node_pods = out.nodes[k].pods;
        }
        bool more = out.txn_count || out.more;
        gy_engine_decisions_fini(&out);
        if (!more) return;
    }
    REQUIRE(false && "the engine comes to rest");
}

static void node(struct rig *r, const char *name, const char *more)
{
    gy_autofree char *key = gy_printf("report/%s", name);
    gy_autofree char *text = gy_printf(
        "{\"name\":\"%s\",\"os\":\"linux\",\"cpu_milli\":4000,\"memory_bytes\":4294967296,"
        "\"drivers\":[{\"name\":\"process\",\"runs_processes\":true,\"ready\":true}]%s%s}",
        name, *more ? "," : "", more);
    give(r, key, text);
    gy_engine_heartbeat(r->engine, name, now_of(r));
}

static void app(struct rig *r, const char *name, const char *container, const char *more)
{
    gy_autofree char *key = gy_printf("app/default/p/%s", name);
    gy_autofree char *text =
        gy_printf("{\"namespace\":\"default\",\"project\":\"p\",\"name\":\"%s\",\"generation\":%d,"
                  "\"pod\":{\"containers\":[{\"name\":\"c\",%s}]}%s%s}",
                  name, (int)r->rev + 1, container, *more ? "," : "", more);
    give(r, key, text);
}

static void state(struct rig *r, size_t i, const char *what, const char *more)
{
    gy_autofree char *key = gy_printf("status/%s", r->pods[i].id);
    gy_autofree char *text =
        gy_printf("{\"id\":\"%s\",\"state\":\"%s\"%s}", r->pods[i].id, what, more);
    give(r, key, text);
}

static struct rig start(int nodes)
{
    struct rig r = {
        .engine = gy_engine_create(&(struct gy_engine_options){.seed = 1, .strategy = "fewest"})};
    gy_engine_add_strategy(r.engine, "fewest", &ops, NULL);
    gy_engine_synced(r.engine, 1, now_of(&r));
    char name[16];
    for (int i = 1; i <= nodes; i++) {
        snprintf(name, sizeof name, "n%d", i);
        node(&r, name, "");
    }
    return r;
}

static void end(struct rig *r)
{
    gy_engine_destroy(r->engine);
}

static int alive(const struct rig *r, const char *on)
{
    int n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += !r->pods[i].gone && !r->pods[i].stop && (!on || !strcmp(r->pods[i].node, on));
    return n;
}

#define RUNS "\"command\":[\"sleep\"]"

static void every_slot_gets_a_pod(void)
{
    struct rig r = start(3);
    app(&r, "web", RUNS, "\"replicas\":6");
    run(&r);
    CHECK_INT(r.n, 6);
    for (size_t i = 0; i < r.n; i++)
        CHECK_INT(r.pods[i].slot, i + 1);
    CHECK_INT(alive(&r, "n1"), 2);
    CHECK_INT(alive(&r, "n2"), 2);
    app(&r, "web", RUNS, "\"replicas\":2");
    run(&r);
    CHECK_INT(r.pods[5].stop, true);
    end(&r);
}

static void waiting_is_explained(void)
{
    static const struct {
        const char *container, *more, *says;
    } cases[] = {
        {"\"image\":\"busybox\"", "",
         "no node has a driver that runs images; 2 nodes have only process"},
        {RUNS, "\"placement\":{\"driver\":\"docker\"}",
         "no node has the driver docker; 2 nodes have only process"},
        {RUNS, "\"placement\":{\"constraints\":[\"node.labels.disk == ssd\"]}",
         "0 of 2 nodes fit: 2 excluded by a constraint (node.labels.disk == ssd; on n1 it is "
         "\"\")"},
        {RUNS ",\"reservations\":{\"memory_bytes\":5368709120}", "",
         "0 of 2 nodes fit: 2 short of memory (the nearest lacks 1 GiB)"},
        {RUNS ",\"reservations\":{\"cpu_milli\":4500}", "",
         "0 of 2 nodes fit: 2 short of CPU (the nearest lacks 500 mCPU)"},
        {RUNS, "\"placement\":{\"strategy\":\"none\"}", "no strategy is called none"},
        {RUNS, "\"depends_on\":[{\"app\":\"db\"}]", "waits for db, which is not there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = start(2);
        app(&r, "web", cases[i].container, cases[i].more);
        run(&r);
        CHECK_INT(r.waiting, 1);
        CHECK_STR(r.reason, cases[i].says);
        end(&r);
    }
}

static void room_wakes_those_who_wait(void)
{
    struct rig r = start(1);
    app(&r, "web", RUNS, "\"placement\":{\"constraints\":[\"node.hostname == n2\"]}");
    run(&r);
    CHECK_INT(r.n, 0);
    node(&r, "n2", "");
    run(&r);
    CHECK_INT(alive(&r, "n2"), 1);
    CHECK_INT(r.waiting, 0);
    end(&r);
}

static void a_host_port_is_one_a_node(void)
{
    struct rig r = start(2);
    app(&r, "web", RUNS,
        "\"replicas\":3,\"ports\":[{\"target\":80,\"published\":80,\"mode\":\"host\"}]");
    run(&r);
    CHECK_INT(alive(&r, "n1"), 1);
    CHECK_INT(alive(&r, "n2"), 1);
    CHECK_INT(r.waiting, 1);
    CHECK_STR(r.reason, "0 of 2 nodes fit: 2 where its host port is taken");
    end(&r);
}

static void apps_keep_away_from_each_other(void)
{
    struct rig r = start(2);
    app(&r, "a", RUNS, "\"placement\":{\"constraints\":[\"node.hostname == n1\"]}");
    run(&r);
    app(&r, "b", RUNS, "\"placement\":{\"affinities\":[{\"app\":\"a\",\"anti\":true}]}");
    run(&r);
    CHECK_STR(r.pods[1].node, "n2");
    app(&r, "c", RUNS, "\"placement\":{\"affinities\":[{\"app\":\"b\"}]}");
    run(&r);
    CHECK_STR(r.pods[2].node, "n2");
    end(&r);
}

static void wishes_come_before_scores(void)
{
    struct rig r = start(0);
    node(&r, "n1", "\"labels\":{\"zone\":\"a\"}");
    node(&r, "n2", "\"labels\":{\"zone\":\"a\"}");
    node(&r, "n3", "\"labels\":{\"zone\":\"b\"}");
    app(&r, "web", RUNS, "\"replicas\":4,\"placement\":{\"spread\":[\"node.labels.zone\"]}");
    run(&r);
    CHECK_INT(alive(&r, "n3"), 2); /* two a zone, though it is one node */
    CHECK_INT(alive(&r, "n1"), 1);
    app(&r, "db", RUNS, "\"placement\":{\"constraints\":[\"node.hostname == n2\"]}");
    run(&r);
    app(&r, "near", RUNS,
        "\"replicas\":3,\"placement\":{\"affinities\":[{\"app\":\"db\",\"soft\":true}]}");
    run(&r);
    for (size_t i = 5; i < 8; i++)
        CHECK_STR(r.pods[i].node, "n2");
    end(&r);
}

static void global_apps_follow_the_nodes(void)
{
    struct rig r = start(2);
    app(&r, "agent", RUNS, "\"mode\":\"global\"");
    run(&r);
    CHECK_INT(alive(&r, NULL), 2);
    node(&r, "n3", "");
    run(&r);
    CHECK_INT(alive(&r, "n3"), 1);
    give(&r, "node/n3", "{\"name\":\"n3\",\"drain\":true}");
    run(&r);
    CHECK_INT(alive(&r, "n3"), 0);
    end(&r);
}

static void a_driver_that_is_not_ready_keeps_its_global_pods(void)
{
    struct rig r = start(1);
    app(&r, "agent", RUNS, "\"mode\":\"global\"");
    run(&r);
    CHECK_INT(alive(&r, NULL), 1);
    give(&r, "report/n1",
         "{\"name\":\"n1\",\"cpu_milli\":4000,\"memory_bytes\":4294967296,\"drivers\":[{\"name\":"
         "\"process\","
         "\"runs_processes\":true,\"text\":\"it is being opened\"}]}");
    run(&r);
    CHECK_INT(alive(&r, NULL), 1);
    end(&r);
}

static void a_change_replaces_pods_one_by_one(void)
{
    struct rig r = start(2);
    app(&r, "web", RUNS, "\"replicas\":3");
    run(&r);
    for (size_t i = 0; i < 3; i++)
        state(&r, i, "ready", "");
    app(&r, "web", "\"command\":[\"other\"]", "\"replicas\":3");
    run(&r);
    CHECK_INT(alive(&r, NULL), 2);
    state(&r, 0, "ended", ",\"outcome\":\"stopped\"");
    run(&r);
    CHECK_INT(r.n, 4);
    CHECK_INT(r.pods[3].slot, 1);
    CHECK_INT(alive(&r, NULL), 3); /* and no other one stops before the new one is ready */
    state(&r, 3, "ready", "");
    run(&r);
    CHECK_INT(r.pods[1].stop, true);
    CHECK_INT(r.pods[2].stop, false);
    end(&r);
}

static void an_unreachable_nodes_pods_are_replaced_after_their_grace(void)
{
    struct rig r = start(2);
    app(&r, "web", RUNS, "\"replicas\":2,\"grace_ms\":30000");
    run(&r);
    for (size_t i = 0; i < 2; i++)
        state(&r, i, "ready", "");
    for (r.now_ms = 0; r.now_ms < 39000; r.now_ms += 1000) {
        gy_engine_heartbeat(r.engine, "n1", now_of(&r));
        run(&r);
    }
    CHECK_INT(r.n, 2); /* 10 s until unreachable, then 30 s of grace */
    r.now_ms = 41000;
    gy_engine_heartbeat(r.engine, "n1", now_of(&r));
    run(&r);
    CHECK_INT(r.n, 3);
    CHECK_STR(r.pods[2].node, "n1");
    CHECK_INT(r.pods[1].stop, true);
    end(&r);
}

static void at_most_one_is_never_replaced_unseen(void)
{
    struct rig r = start(2);
    app(&r, "db", RUNS,
        "\"at_most_one\":true,\"placement\":{\"constraints\":[\"node.hostname != n1\"]}");
    run(&r);
    CHECK_STR(r.pods[0].node, "n2");
    node(&r, "n3", "");
    for (r.now_ms = 0; r.now_ms < 600000; r.now_ms += 5000) {
        gy_engine_heartbeat(r.engine, "n1", now_of(&r));
        gy_engine_heartbeat(r.engine, "n3", now_of(&r));
        run(&r);
    }
    CHECK_INT(r.n, 1);
    state(&r, 0, "ended", ",\"outcome\":\"lost\""); /* positively gone */
    run(&r);
    CHECK_INT(r.n, 2);
    CHECK_STR(r.pods[1].node, "n3");
    end(&r);
}

static void many_nodes_lost_at_once_stop_replacing(void)
{
    struct rig r = start(6);
    app(&r, "web", RUNS, "\"replicas\":6,\"grace_ms\":1000");
    run(&r);
    for (r.now_ms = 0; r.now_ms < 60000; r.now_ms += 1000) {
        gy_engine_heartbeat(r.engine, "n1", now_of(&r));
        gy_engine_heartbeat(r.engine, "n2", now_of(&r));
        run(&r);
    }
    CHECK_INT(r.n, 6); /* four of six: rather the network than the nodes */
    end(&r);
}

static void jobs_and_completed_apps_are_not_replaced(void)
{
    struct rig r = start(1);
    app(&r, "migrate", RUNS, "\"mode\":\"job\",\"restart\":{\"condition\":\"on-failure\"}");
    app(&r, "web", RUNS, "\"depends_on\":[{\"app\":\"migrate\",\"condition\":\"completed\"}]");
    run(&r);
    CHECK_INT(r.n, 1);
    CHECK_STR(r.reason, "waits for migrate to complete (0 of 1 pods have)");
    state(&r, 0, "ended", ",\"outcome\":\"completed\"");
    run(&r);
    CHECK_INT(r.n, 2);
    CHECK_STR(r.pods[1].app, "web");
    CHECK_INT(r.pods[0].gone, false);
    end(&r);
}

static void states_of_nodes_are_told(void)
{
    struct rig r = start(1);
    run(&r);
    CHECK_INT(r.node_state, GY_NODE_READY);
    app(&r, "web", RUNS, "\"replicas\":3");
    run(&r);
    CHECK_INT(r.node_pods, 3);
    r.now_ms = 7000;
    run(&r);
    CHECK_INT(r.node_state, GY_NODE_SUSPECT);
    r.now_ms = 11000;
    run(&r);
    CHECK_INT(r.node_state, GY_NODE_UNREACHABLE);
    gy_engine_heartbeat(r.engine, "n1", now_of(&r));
    run(&r);
    CHECK_INT(r.node_state, GY_NODE_READY);
    give(&r, "node/n1", "{\"name\":\"n1\",\"drain\":true}");
    run(&r);
    CHECK_INT(r.node_state, GY_NODE_DRAINING);
    end(&r);
}

static void placements_are_counted_on_after_a_restart(void)
{
    struct rig r = start(1);
    give(&r,
         "pod/"
         "abcdefghijklmnopqrstuvwxyz",
         "{\"id\":\"abcdefghijklmnopqrstuvwxyz\",\"namespace\":\"default\",\"project\":\"p\","
         "\"app\":\"old\",\"slot\":1,\"node\":\"n1\","
         "\"sequence\":41,\"template\":{\"containers\":[{\"name\":\"c\",\"command\":[\"x\"]}]}}");
    app(&r, "web", RUNS, "");
    run(&r);
    CHECK_INT(r.sequence, 42);
    end(&r);
}

static void a_refused_transaction_is_undone(void)
{
    struct rig r = start(1);
    app(&r, "web", RUNS, "");
    struct gy_engine_decisions out = {0};
    gy_engine_step(r.engine, now_of(&r), 100, &out);
    REQUIRE(out.txn_count == 1);
    gy_engine_txn_done(r.engine, out.txns[0].id, GY_TXN_REFUSED);
    gy_engine_decisions_fini(&out);
    run(&r);
    CHECK_INT(r.n, 1); /* another pod, in another transaction */
    end(&r);
}

SUITE("engine.cluster", {"every slot gets a pod, spread over the nodes", every_slot_gets_a_pod},
      {"waiting is explained", waiting_is_explained},
      {"room wakes those who wait", room_wakes_those_who_wait},
      {"a host port is one a node", a_host_port_is_one_a_node},
      {"apps keep away from, and near to, each other", apps_keep_away_from_each_other},
      {"wishes come before scores", wishes_come_before_scores},
      {"global apps follow the nodes", global_apps_follow_the_nodes},
      {"a driver that is not ready keeps its global pods",
       a_driver_that_is_not_ready_keeps_its_global_pods},
      {"a change replaces pods one by one", a_change_replaces_pods_one_by_one},
      {"an unreachable node's pods are replaced after their grace",
       an_unreachable_nodes_pods_are_replaced_after_their_grace},
      {"at most one is never replaced unseen", at_most_one_is_never_replaced_unseen},
      {"many nodes lost at once stop replacing", many_nodes_lost_at_once_stop_replacing},
      {"jobs are not replaced once they completed", jobs_and_completed_apps_are_not_replaced},
      {"states of nodes are told", states_of_nodes_are_told},
      {"placements are counted on after a restart", placements_are_counted_on_after_a_restart},
      {"a refused transaction is undone", a_refused_transaction_is_undone})
