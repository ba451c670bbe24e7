/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after every turn, and what must be reached once faults have stopped. */
#include "world.h"

struct app_count { /* what runs of one slot of one app */
    char *key;     /* "app-key slot" */
    int reachable, total;
    bool at_most_one, start_first;
    UT_hash_handle hh;
};

static bool get_app(struct world *w, const char *key, struct gy_app *app)
{
    const struct record *r = disk_get(w, key);
    return r && gy_shape_decode_text(&gy_app_shape, r->value, r->len, GY_FROM_PEER, app, NULL) ==
                    GANTRY_OK;
}

static bool runs(const struct sim_pod *pod)
{
    for (size_t i = 0; i < pod->n; i++)
        if (pod->containers[i].state == GANTRY_CONTAINER_RUNNING) return true;
    return false;
}

static bool is_within_reach(const struct machine *m)
{
    return m->session_up && !m->frozen && m->powered;
}

static struct app_count *count_of(struct app_count **counts, const struct bound *b,
                                  const char *node)
{
    struct app_count *c;
    gy_autofree char *key =
        gy_printf("%s %lld %s", b->app_key, (long long)b->slot, b->slot ? "" : node);
    HASH_FIND_STR(*counts, key, c);
    if (c) return c;
    c = gy_alloc(sizeof *c);
    c->key = GY_GIVE(key);
    HASH_ADD_KEYPTR(hh, *counts, c->key, strlen(c->key), c);
    return c;
}

static void count_copies(struct world *w)
{
    struct app_count *counts = NULL, *c, *next;
    for (int i = 0; i < w->machine_count; i++) {
        struct machine *m = &w->machines[i];
        struct sim_pod *pod;
        DL_FOREACH (m->pods, pod) {
            struct bound *b;
            HASH_FIND_STR(w->bound, pod->id, b);
            if (!b || !runs(pod)) continue;
            c = count_of(&counts, b, m->name);
            c->at_most_one = c->at_most_one || b->at_most_one;
            c->start_first = c->start_first || b->start_first;
            c->total++;
            /* one that the store says shall stop, but may not have heard yet, is no copy of the
             * slot any more */
            if (b->stored && b->wanted && is_within_reach(m)) c->reachable++;
        }
    }
    HASH_ITER (hh, counts, c, next) {
        int most = c->start_first ? 2 : 1;
        if (c->reachable > most)
            world_fail(w, "%d copies of slot \"%s\" run on reachable nodes, at most %d may",
                       c->reachable, c->key, most);
        if (c->at_most_one && c->total > 1)
            world_fail(w, "%d copies of at-most-one slot \"%s\" run", c->total, c->key);
        HASH_DEL(counts, c);
        free(c->key);
        free(c);
    }
}

/* No node holds more than it has. */
static void count_records(struct world *w)
{
    int64_t cpu[NODES_MAX] = {0}, memory[NODES_MAX] = {0};
    for (const struct bound *b = w->bound; b; b = b->hh.next) {
        int i = b->node[1] - '1';
        if (!b->stored || b->over || i < 0 || i >= w->machine_count) continue;
        cpu[i] += b->cpu_milli;
        memory[i] += b->memory_bytes;
    }
    for (int i = 0; i < w->machine_count; i++) {
        struct machine *m = &w->machines[i];
        if (cpu[i] > m->cpu_milli)
            world_fail(w, "%s is over-committed: %lld of %lld mCPU", m->name, (long long)cpu[i],
                       (long long)m->cpu_milli);
        if (memory[i] > m->memory_bytes)
            world_fail(w, "%s is over-committed: %lld of %lld bytes", m->name, (long long)memory[i],
                       (long long)m->memory_bytes);
    }
}

void check_always(struct world *w)
{
    if (!w->changed) return;
    w->changed = false;
    count_copies(w);
    count_records(w);
}

/* ---- at the end
 * --------------------------------------------------------------------------------------- */

static void check_app(struct world *w, const char *key, const struct gy_app *app)
{
    int64_t ready = 0, over = 0, other = 0, waiting = 0;
    const struct gy_container *c = GY_AT(struct gy_container, app->pod.containers, 0);
    /* a version that crashes, or does not fit anywhere, never replaces the one before: rightly so
     */
    bool crashes = !strcmp(c->command.items[0], "crash");
    char *text = NULL;
    if (gy_engine_explain_app(w->server.engine, app->ns, app->project, app->name, &text, NULL) ==
        GANTRY_OK) {
        json_t *json = json_loads(text, 0, NULL);
        waiting = json_integer_value(json_object_get(json, "waiting"));
        if (waiting && !json_object_get(json, "reason"))
            world_fail(w, "%s: %lld pods wait without a reason", key, (long long)waiting);
        json_decref(json);
    }
    struct record *r, *next;
    HASH_ITER (hh, w->disk.records, r, next) {
        if (!gy_starts_with(r->key, GY_KEY_POD)) continue;
        struct bound *b;
        HASH_FIND_STR(w->bound, r->key + strlen(GY_KEY_POD), b);
        if (!b || strcmp(b->app_key, key) != 0) continue;
        char status[GY_KEY_MAX];
        gy_key_of(GY_KEY_STATUS, b->id, status);
        const struct record *s = disk_get(w, status);
        if (b->generation != app->generation && !crashes && !waiting)
            world_fail(w, "%s: pod %s is of generation %lld, not %lld", key, b->id,
                       (long long)b->generation, (long long)app->generation);
        if (s && strstr(s->value, "\"state\":\"ready\""))
            ready++;
        else if (s && strstr(s->value, "\"state\":\"ended\""))
            over++;
        else {
            other++;
            world_say(w, "%s: pod %s is %s", key, b->id, s ? s->value : "without status");
        }
    }
    int64_t way = crashes ? other : 0;
    int64_t want = app->mode == GY_APP_GLOBAL ? ready + over + waiting + way : app->replicas;
    /* in a start-first handover a slot has its old pod, and a new one that waits or crashes */
    int64_t sum = ready + over + waiting + way;
    if ((waiting || crashes ? sum < want : sum != want) || (!crashes && other))
        world_fail(w,
                   "%s: wants %lld pods; %lld are ready, %lld completed, %lld wait, %lld are on "
                   "their way: %s",
                   key, (long long)want, (long long)ready, (long long)over, (long long)waiting,
                   (long long)other, text ? text : "");
    free(text);
}

static void check_leftovers(struct world *w)
{
    for (int i = 0; i < w->machine_count; i++) {
        struct sim_pod *pod;
        DL_FOREACH (w->machines[i].pods, pod) {
            char key[GY_KEY_MAX];
            gy_key_of(GY_KEY_POD, pod->id, key);
            if (!disk_get(w, key))
                world_fail(w, "%s still has pod %s, which nobody wants", w->machines[i].name,
                           pod->id);
        }
    }
    struct record *r, *next;
    HASH_ITER (hh, w->disk.records, r, next) {
        struct gy_store_object *object = gy_store_get(w->server.store, r->key);
        if (!object || object->mod_rev != r->mod_rev)
            world_fail(w, "the mirror missed %s at revision %llu", r->key,
                       (unsigned long long)r->mod_rev);
        if (!gy_starts_with(r->key, GY_KEY_STATUS)) continue;
        char key[GY_KEY_MAX];
        gy_key_of(GY_KEY_POD, r->key + strlen(GY_KEY_STATUS), key);
        if (!disk_get(w, key)) world_fail(w, "%s is left without its pod", r->key);
    }
}

void check_converged(struct world *w)
{
    if (!w->server.ready) {
        world_fail(w, "the server did not come back");
        return;
    }
    struct record *r, *next;
    HASH_ITER (hh, w->disk.records, r, next) {
        struct gy_app app;
        if (!gy_starts_with(r->key, GY_KEY_APP) || !get_app(w, r->key, &app)) continue;
        check_app(w, r->key, &app);
        gy_shape_fini(&gy_app_shape, &app);
    }
    check_leftovers(w);
}
