/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-sim: histories of a cluster, one a seed.  Operators deploy, scale, change, drain and
 * remove at random while machines, agents, links, the disk and the server fail; then faults stop
 * and the cluster must settle. */
#include "world.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>

#define APPS 5
#define FAULTS_MS 120000
#define SETTLE_MS 1500000

static void put_app(struct world *w, int i)
{
    static const char *const behaviours[] = {"run",      "run",         "run",      "crash",
                                             "complete", "crash-twice", "sick-once"};
    char key[GY_KEY_MAX], name[16];
    snprintf(name, sizeof name, "app%d", i);
    gy_key_app("default", "sim", name, key);
    struct gy_app app;
    const struct record *old = disk_get(w, key);
    int64_t generation = old ? 0 : w->now_ms + 1;
    gy_shape_init(&gy_app_shape, &app);
    if (old) {
        GY_ASSERT(gy_shape_decode_text(&gy_app_shape, old->value, old->len, GY_FROM_PEER, &app,
                                       NULL) == GANTRY_OK);
        generation = app.generation;
    }
    bool fresh = !old || chance(w, 3) == 0;
    if (fresh) {
        gy_shape_fini(&gy_app_shape, &app);
        gy_shape_init(&gy_app_shape, &app);
        app.ns = gy_strdup("default");
        app.project = gy_strdup("sim");
        app.name = gy_strdup(name);
        app.generation = w->now_ms > generation ? w->now_ms : generation + 1;
        struct gy_container *c = gy_list_add(&app.pod.containers, &gy_container_shape);
        c->name = gy_strdup("main");
        const char *behaviour = behaviours[chance(w, 7)];
        gy_strs_add(&c->command, behaviour);
        c->stop_grace_ms = 1000 + chance(w, 5000);
        c->reservations.cpu_milli = chance(w, 3) * 250;
        c->reservations.memory_bytes = chance(w, 3) << 28;
        app.mode = chance(w, 5) == 0 ? GY_APP_GLOBAL : GY_APP_REPLICATED;
        if (!strcmp(behaviour, "complete")) app.restart.condition = GY_RESTART_ON_FAILURE;
        if (!strcmp(behaviour, "sick-once") || chance(w, 3) == 0) {
            c->health = gy_alloc(sizeof *c->health);
            gy_shape_init(&gy_health_shape, c->health);
            gy_strs_add(&c->health->test, "check");
            c->health->interval_ms = 1000;
        }
        if (chance(w, 4) == 0)
            gy_strs_add(&app.placement.constraints,
                        chance(w, 2) ? "node.labels.zone == a" : "node.labels.zone != a");
        if (chance(w, 5) == 0) app.placement.max_per_node = 1 + chance(w, 2);
        app.at_most_one = i == 0;
        if (!app.at_most_one && chance(w, 3) == 0) app.update.order = GY_UPDATE_START_FIRST;
        app.update.parallelism = 1 + chance(w, 2);
        app.grace_ms = 5000 + chance(w, 30000);
        app.created_ms = 1;
    }
    app.replicas = chance(w, 6);
    char *text = gy_shape_encode_text(&gy_app_shape, &app);
    world_say(w, "operator: %s %s", old ? "changes" : "deploys", text);
    server_put(w, key, text);
    gy_shape_fini(&gy_app_shape, &app);
}

static void operate(struct world *w, void *arg)
{
    (void)arg;
    if (!w->faults) return;
    char key[GY_KEY_MAX], name[16];
    int i = (int)chance(w, APPS);
    snprintf(name, sizeof name, "app%d", i);
    gy_key_app("default", "sim", name, key);
    switch (chance(w, 8)) {
    case 0:
        world_say(w, "operator: removes %s", name);
        server_put(w, key, NULL);
        break;
    case 1: { /* drain or back */
        struct machine *m = &w->machines[chance(w, w->machine_count)];
        gy_key_of(GY_KEY_NODE, m->name, key);
        bool drain = chance(w, 2);
        world_say(w, "operator: %s %s", drain ? "drains" : "undrains", m->name);
        server_put(w, key,
                   gy_printf("{\"name\":\"%s\",\"drain\":%s}", m->name, drain ? "true" : "false"));
        break;
    }
    default: put_app(w, i); break;
    }
    world_at(w, 500 + chance(w, 8000), operate, NULL);
}

static void unfreeze(struct world *w, void *arg)
{
    (void)w;
    struct machine *m = arg;
    m->frozen = false;
    agent_step_soon(m);
}

static void heal(struct world *w, void *arg)
{
    struct machine *m = arg;
    world_say(w, "%s: the network is back", m->name);
    m->link_cut = false;
}

static void boot(struct world *w, void *arg)
{
    (void)w;
    struct machine *m = arg;
    if (!m->powered) machine_boot(m);
}

static void restart_agent(struct world *w, void *arg)
{
    (void)w;
    agent_start(arg);
}

static void restart_server(struct world *w, void *arg)
{
    (void)arg;
    server_start(w);
}

static void break_something(struct world *w, void *arg)
{
    (void)arg;
    if (!w->faults) return;
    struct machine *m = &w->machines[chance(w, w->machine_count)];
    switch (chance(w, 9)) {
    case 0:
        machine_power_off(m);
        world_at(w, 1000 + chance(w, 60000), boot, m);
        break;
    case 1:
    case 2:
        world_say(w, "%s: the agent dies", m->name);
        agent_crash(m);
        break;
    case 3:
        world_say(w, "%s: the network is cut", m->name);
        m->link_cut = true;
        machine_unlink(m);
        world_at(w, chance(w, 70000), heal, m);
        break;
    case 4:
        world_say(w, "%s freezes", m->name);
        m->frozen = true;
        machine_unlink(m);
        world_at(w, chance(w, 40000), unfreeze, m);
        break;
    case 5: {
        struct sim_pod *pod;
        DL_FOREACH (m->pods, pod) {
            if (chance(w, 2))
                driver_kill_container(m, pod, (size_t)chance(w, (int64_t)pod->n), 137, false);
        }
        break;
    }
    case 6: w->wall_offset_ms += chance(w, 7200000) - 3600000; break;
    case 7: server_forget(w); break;
    default: server_crash(w); break;
    }
    world_at(w, 200 + chance(w, 6000), break_something, NULL);
}

/* Whatever is down comes back after a while. */
static void supervise(struct world *w, void *arg)
{
    (void)arg;
    if (w->failure) return;
    if (!w->server.up) world_at(w, chance(w, 3000), restart_server, NULL);
    for (int i = 0; i < w->machine_count; i++) {
        struct machine *m = &w->machines[i];
        if (m->powered && !m->agent_up) world_at(w, chance(w, 5000), restart_agent, m);
    }
    if (w->now_ms < FAULTS_MS + SETTLE_MS) world_at(w, 3000, supervise, NULL);
}

static void run_until(struct world *w, int64_t ms)
{
    while (!w->failure && w->heap_n && w->heap[0].at_ms <= ms && world_turn(w))
        check_always(w);
}

static bool run_seed(uint64_t seed, bool verbose, struct world *out)
{
    struct world *w = out;
    *w = (struct world){.seed = seed, .verbose = verbose, .faults = true};
    gy_random_seed(&w->random, seed);
    json_object_seed(1); /* equal on every machine */
    w->machine_count = 1 + (int)chance(w, NODES_MAX);
    server_start(w);
    for (int i = 0; i < w->machine_count; i++)
        machine_init(w, i);
    world_at(w, 500, operate, NULL);
    world_at(w, 5000, break_something, NULL);
    world_at(w, 1000, supervise, NULL);
    run_until(w, FAULTS_MS);
    w->faults = false;
    world_say(w, "faults stop");
    for (int i = 0; i < w->machine_count; i++) {
        struct machine *m = &w->machines[i];
        m->frozen = m->link_cut = false;
        if (!m->powered) machine_boot(m);
        agent_start(m);
        char key[GY_KEY_MAX];
        gy_key_of(GY_KEY_NODE, m->name, key);
        server_put(w, key, gy_printf("{\"name\":\"%s\"}", m->name));
    }
    run_until(w, FAULTS_MS + SETTLE_MS);
    if (!w->failure) check_converged(w);
    if (!w->failure) return true;
    printf("seed %llu: %s\n", (unsigned long long)seed, w->failure);
    printf("replay: gantry-sim --seed %llu --verbose\n", (unsigned long long)seed);
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'f'}, {"verbose", no_argument, NULL, 'v'},
        {"first", no_argument, NULL, '1'},      {NULL, 0, NULL, 0}};
    uint64_t from = (uint64_t)time(NULL) * 1000, count = 20;
    bool verbose = false, first = false; /* first: stop at the first failure */
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 's':
            from = strtoull(optarg, NULL, 10);
            count = 1;
            break;
        case 'n': count = strtoull(optarg, NULL, 10); break;
        case 'f': from = strtoull(optarg, NULL, 10); break;
        case 'v': verbose = true; break;
        case '1': first = true; break;
        default:
            fprintf(
                stderr,
                "usage: gantry-sim [--seed N | --seeds COUNT [--from N]] [--first] [--verbose]\n");
            return 2;
        }
    }
    uint64_t failed = 0, turns = 0;
    int64_t placed = 0, started = 0, crashes = 0;
    for (uint64_t i = 0; i < count && !(first && failed); i++) {
        static struct world w;
        if (!run_seed(from + i, verbose, &w)) failed++;
        turns += w.happenings;
        placed += w.placed;
        started += w.started;
        crashes += w.crashes;
        world_free(&w);
    }
    printf("%llu seeds from %llu: %llu turns, %lld pods placed, %lld containers started, %lld "
           "server crashes\n",
           (unsigned long long)count, (unsigned long long)from, (unsigned long long)turns,
           (long long)placed, (long long)started, (long long)crashes);
    printf("%llu passed, %llu failed\n", (unsigned long long)(count - failed),
           (unsigned long long)failed);
    return failed ? 1 : 0;
}
