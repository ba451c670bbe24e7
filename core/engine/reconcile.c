/* SPDX-License-Identifier: Apache-2.0 */
/* Apps to pods: every slot of an app holds one pod of its present generation. */
#include "engine/depends.h"

#define GIVEN_BACK_HOLD_MS 1000
#define GIVEN_BACK_HOLD_MAX_MS 300000

/* A slot of an app: a number, or a node for a global app; and who is in it. */
struct slot {
    int64_t number;
    struct node *node;    /* global: the slot's node */
    struct pod *current;  /* runs, of the present generation, on a node that stays */
    struct pod *outdated; /* runs, shall be replaced */
    struct pod *blocking; /* is being stopped, and may still run */
    struct pod *lost;     /* on a node that was given up: replaced without waiting for it */
    struct pod *over;     /* completed, or failed for good: not replaced */
};

struct work {
    struct gy_engine *e;
    struct app *app;
    struct gy_now now;
    unsigned done, budget;
    struct slot *slots;
    size_t n;
};

static void wake(struct app *app, int64_t mono_ms)
{
    if (mono_ms < app->wake_mono_ms) app->wake_mono_ms = mono_ms;
}

static bool has_budget(const struct work *w)
{
    return w->done < w->budget;
}

static void stop(struct work *w, struct pod *pod, const char *reason)
{
    if (pod->txn || pod->rec.desired == GY_POD_STOP || !has_budget(w)) return;
    gy_change_stop(w->e, pod, reason);
    w->done++;
}

static void delete (struct work *w, struct pod *pod)
{
    if (pod->txn || !has_budget(w)) return;
    gy_change_delete(w->e, pod);
    w->done++;
}

/* ---- what is wanted
 * ------------------------------------------------------------------------------ */

static struct slot *find_slot(struct work *w, const struct pod *pod)
{
    if (w->app->spec.mode != GY_APP_GLOBAL) {
        int64_t i = pod->rec.slot;
        return i >= 1 && i <= (int64_t)w->n ? &w->slots[i - 1] : NULL;
    }
    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].node == pod->node) return pod->rec.slot == 0 ? &w->slots[i] : NULL;
    return NULL;
}

/* A global app's nodes: those that could take it, and those that have it and need not lose it. */
static bool wants_node(const struct work *w, const struct ask *ask, const struct node *node)
{
    switch (gy_filter_node(w->e, ask, node)) {
    case FILTER_COUNT: return true;
    case FILTER_DRAIN:
    case FILTER_CONSTRAINT: return false;
    default: break; /* a driver that is not ready now is no reason to stop what it runs */
    }
    const struct pod *pod;
    DL_FOREACH (w->app->pods, pod) {
        if (pod->node == node) return true;
    }
    return false;
}

static void make_slots(struct work *w, const struct ask *ask)
{
    const struct app *app = w->app;
    if (app->spec.mode != GY_APP_GLOBAL) {
        w->n = (size_t)app->spec.replicas;
        w->slots = gy_alloc_array(w->n, sizeof *w->slots);
        for (size_t i = 0; i < w->n; i++)
            w->slots[i].number = (int64_t)i + 1;
        return;
    }
    w->slots = gy_alloc_array(w->e->node_count, sizeof *w->slots);
    for (size_t i = 0; i < w->e->node_count; i++)
        if (w->e->nodes[i]->has_report && wants_node(w, ask, w->e->nodes[i]))
            w->slots[w->n++].node = w->e->nodes[i];
}

/* ---- what is
 * ------------------------------------------------------------------------------------- */

/* The record of a pod that is over: is it still of use? */
static bool is_kept(const struct app *app, const struct pod *pod)
{
    bool by_itself =
        pod->status.outcome == GY_OUTCOME_COMPLETED || pod->status.outcome == GY_OUTCOME_FAILED;
    return by_itself && pod->rec.desired == GY_POD_RUN &&
           pod->rec.generation == app->spec.generation;
}

static void note_given_back(struct work *w, const struct pod *pod)
{
    if (pod->status.outcome != GY_OUTCOME_GIVEN_BACK || pod->txn) return;
    int64_t n = w->app->given_back < 9 ? w->app->given_back++ : 9;
    int64_t hold = (int64_t)GIVEN_BACK_HOLD_MS << n;
    w->app->hold_until_mono_ms =
        w->now.mono_ms + (hold < GIVEN_BACK_HOLD_MAX_MS ? hold : GIVEN_BACK_HOLD_MAX_MS);
}

static bool is_older(const struct pod *a, const struct pod *b)
{
    bool a_ready = gy_cluster_pod_is_ready(a), b_ready = gy_cluster_pod_is_ready(b);
    if (a_ready != b_ready) return b_ready;
    return a->rec.sequence < b->rec.sequence;
}

static void sort_into_slot(struct work *w, struct slot *slot, struct pod *pod)
{
    const struct app *app = w->app;
    bool given_up = gy_cluster_node_is_given_up(w->e, pod->node, app->spec.grace_ms, w->now);
    if (pod->node->state == GY_NODE_UNREACHABLE && !given_up)
        wake(w->app, pod->node->since_mono_ms + app->spec.grace_ms > w->now.mono_ms
                         ? pod->node->since_mono_ms + app->spec.grace_ms
                         : w->now.mono_ms + 1000);
    if (given_up && !app->spec.at_most_one && app->spec.mode != GY_APP_GLOBAL) {
        if (!slot->lost || pod->rec.desired == GY_POD_RUN)
            slot->lost = pod; /* the one that is to be told */
        return;
    }
    if (pod->rec.desired == GY_POD_STOP) {
        slot->blocking = pod;
        return;
    }
    bool leaves = pod->node->has_report && pod->node->merged.drain;
    struct pod **place =
        pod->rec.generation != app->spec.generation || leaves ? &slot->outdated : &slot->current;
    if (*place) { /* two of one kind in a slot: the better one stays */
        struct pod *worse = is_older(pod, *place) ? pod : *place;
        if (worse == *place) *place = pod;
        stop(w, worse, "another pod has its slot");
        return;
    }
    *place = pod;
}

static void sort_pods(struct work *w)
{
    struct pod *pod, *next;
    DL_FOREACH_SAFE (w->app->pods, pod, next) {
        if (pod->deleting) continue;
        struct slot *slot = find_slot(w, pod);
        if (gy_cluster_pod_is_over(pod)) {
            if (slot && is_kept(w->app, pod) && !slot->over)
                slot->over = pod;
            else {
                note_given_back(w, pod);
                delete (w, pod);
            }
        } else if (!slot) {
            stop(w, pod,
                 w->app->spec.mode == GY_APP_GLOBAL ? "its node no longer fits the app"
                                                    : "scaled down");
        } else {
            sort_into_slot(w, slot, pod);
        }
        if (gy_cluster_pod_is_ready(pod)) w->app->given_back = 0;
    }
}

/* ---- from what is to what is wanted
 * -------------------------------------------------------------- */

static bool is_available(const struct slot *slot)
{
    return slot->over || (slot->current && gy_cluster_pod_is_ready(slot->current)) ||
           (slot->outdated && gy_cluster_pod_is_ready(slot->outdated));
}

static const char *why_replaced(const struct app *app, const struct pod *pod)
{
    return pod->rec.generation != app->spec.generation ? "the app was changed"
                                                       : "its node is being drained";
}

/* Replace what is outdated, never more at once than the app's update policy allows.  Slots that
 * want a second pod before the first one stops (start-first) are marked by leaving `outdated` and
 * asking for a pod. */
static void update(struct work *w, bool *wants)
{
    const struct gy_update *policy = &w->app->spec.update;
    int64_t allowed = policy->parallelism;
    for (size_t i = 0; i < w->n; i++)
        if (!is_available(&w->slots[i])) allowed--;
    for (size_t i = 0; i < w->n; i++) {
        struct slot *slot = &w->slots[i];
        if (!slot->outdated) continue;
        if (slot->current) { /* start-first handover under way */
            if (gy_cluster_pod_is_ready(slot->current))
                stop(w, slot->outdated, why_replaced(w->app, slot->outdated));
            continue;
        }
        bool ready = gy_cluster_pod_is_ready(slot->outdated);
        if (ready && w->now.mono_ms < w->app->update_after_mono_ms) {
            wake(w->app, w->app->update_after_mono_ms);
            continue;
        }
        if (ready && allowed <= 0) continue;
        bool start_first = policy->order == GY_UPDATE_START_FIRST && !w->app->spec.at_most_one &&
                           ready && w->app->spec.mode != GY_APP_GLOBAL;
        if (start_first)
            wants[i] = true;
        else
            stop(w, slot->outdated, why_replaced(w->app, slot->outdated));
        if (ready) {
            allowed--;
            w->app->update_after_mono_ms = w->now.mono_ms + policy->delay_ms;
        }
    }
}

static bool is_empty(const struct slot *slot)
{
#ifdef GY_MUTANT_SURGE
    return !slot->current && !slot->outdated && !slot->over;
#else
    return !slot->current && !slot->outdated && !slot->blocking && !slot->over;
#endif
}

static void set_waiting(struct work *w, const bool *wants, size_t from, const char *reason)
{
    struct app *app = w->app;
    struct gy_engine_waiting now = {.app_key = app->key};
    if (reason) {
        now.slots = gy_alloc_array(w->n, sizeof *now.slots);
        for (size_t i = from; i < w->n; i++)
            if (wants[i]) now.slots[now.n++] = w->slots[i].number;
    }
    bool same = now.n == app->waiting.n &&
                (!now.n || !memcmp(now.slots, app->waiting.slots, now.n * sizeof *now.slots)) &&
                (!now.n || gy_streq(reason, app->waiting.reason));
    if (same) {
        free(now.slots);
        return;
    }
    if (now.n && !gy_streq(reason, app->waiting.reason))
        gy_engine_event(w->e, GY_EVENT_WARN, "app.waiting", app, NULL, NULL, w->now, "%s", reason);
    free(app->waiting.slots);
    free(app->waiting.reason);
    app->waiting.slots = now.slots;
    app->waiting.n = now.n;
    app->waiting.reason = now.n ? gy_strdup(reason) : NULL;
    struct gy_engine_decisions *out = w->e->out;
    GY_VEC_PUSH(out->waiting, out->waiting_count, out->waiting_cap);
    struct gy_engine_waiting *said = &out->waiting[out->waiting_count++];
    *said = (struct gy_engine_waiting){
        .app_key = gy_strdup(app->key), .n = now.n, .reason = gy_strdup(app->waiting.reason)};
    said->slots = gy_alloc_array(now.n, sizeof *said->slots);
    if (now.n) memcpy(said->slots, now.slots, now.n * sizeof *now.slots);
}

/* Why the app may not get its first pods yet; NULL = it may. */
static char *why_not_yet(struct work *w)
{
    bool has_pods = false;
    for (size_t i = 0; i < w->n; i++)
        if (!is_empty(&w->slots[i]) || w->slots[i].lost) has_pods = true;
    if (!has_pods) {
        char *missing = gy_depends_missing(w->e, w->app);
        if (missing) return missing;
    }
    if (w->now.mono_ms < w->app->hold_until_mono_ms) {
        wake(w->app, w->app->hold_until_mono_ms);
        return gy_strdup("the last pod could not run there: tried again shortly");
    }
    if (!gy_place_strategy(w->e, w->app))
        return gy_printf("no strategy is called %s", w->app->spec.placement.strategy
                                                         ? w->app->spec.placement.strategy
                                                         : w->e->default_strategy);
    return NULL;
}

static gantry_status find_place(struct work *w, const struct ask *ask, const struct slot *slot,
                                struct placement *out)
{
    if (!slot->node) return gy_place(w->e, ask, out);
    if (gy_filter_node(w->e, ask, slot->node) != FILTER_COUNT) return GANTRY_ENOTFOUND;
    out->node = slot->node;
    out->text = gy_printf("one pod on each node that fits; %s does", slot->node->name);
    return GANTRY_OK;
}

static void fill(struct work *w, const struct ask *ask, const bool *wants)
{
    gy_autofree char *reason = why_not_yet(w);
    size_t i = 0, stuck = w->n;
    for (; i < w->n && !reason; i++) {
        if (!wants[i] || (w->slots[i].lost && w->slots[i].lost->txn)) continue;
        if (!has_budget(w)) break;
        struct placement where;
        if (find_place(w, ask, &w->slots[i], &where) != GANTRY_OK) {
            if (w->slots[i].node) {
                stuck = i;
                continue; /* another node may have room */
            }
            reason = gy_filter_explain(w->e, ask);
            break;
        }
#ifndef GY_MUTANT_FORGET_FENCING
        if (w->slots[i].lost) stop(w, w->slots[i].lost, "its node is unreachable; it was replaced");
#endif
        gy_change_create(w->e, w->app, w->slots[i].number, &where,
                         gy_filter_driver(ask, where.node), w->now);
        where.node->own++;
        w->done++;
    }
    if (!reason && stuck < w->n) {
        reason = gy_filter_explain(w->e, ask);
        i = stuck;
    }
    if (has_budget(w) || reason) set_waiting(w, wants, i, reason);
}

static void remove_app(struct work *w)
{
    struct pod *pod, *next;
    DL_FOREACH_SAFE (w->app->pods, pod, next) {
        if (pod->deleting) continue;
        if (gy_cluster_pod_is_over(pod))
            delete (w, pod);
        else
            stop(w, pod, "the app was removed");
    }
}

unsigned gy_reconcile(struct gy_engine *e, struct app *app, struct gy_now now, unsigned budget)
{
    struct work w = {.e = e, .app = app, .now = now, .budget = budget};
    app->wake_mono_ms = INT64_MAX;
    if (!app->has_spec) {
        remove_app(&w);
        return w.done;
    }
    struct ask ask;
    gy_filter_ask_init(e, app, &ask);
    make_slots(&w, &ask);
    sort_pods(&w);
    bool *wants = gy_alloc_array(w.n, sizeof *wants);
    update(&w, wants);
    for (size_t i = 0; i < w.n; i++)
        if (is_empty(&w.slots[i])) wants[i] = true;
    fill(&w, &ask, wants);
    free(wants);
    free(w.slots);
    gy_filter_ask_fini(&ask);
    return w.done;
}
