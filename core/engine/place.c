/* SPDX-License-Identifier: Apache-2.0 */
/* Placing one pod: rows of the nodes that fit, the strategy's scores, the engine's ties. */
#include "engine/cluster.h"
#include "model/constraint.h"

#include <stdio.h>

/* A container that asks for nothing counts this much in scores (not in what fits). */
#define SCORE_CPU_MILLI 10
#define SCORE_MEMORY_BYTES (INT64_C(16) << 20)

struct candidates {
    struct node **nodes;
    int64_t *columns; /* 8 columns of cap values */
    int64_t *scores;
    size_t n, cap;
};

static void candidates_init(struct candidates *c, size_t cap)
{
    c->cap = cap ? cap : 1;
    c->n = 0;
    c->nodes = gy_alloc_array(c->cap, sizeof *c->nodes);
    c->columns = gy_alloc_array(c->cap * 6, sizeof *c->columns);
    c->scores = gy_alloc_array(c->cap, sizeof *c->scores);
}

static void candidates_fini(struct candidates *c)
{
    free(c->nodes);
    free(c->columns);
    free(c->scores);
}

const struct strategy *gy_place_strategy(const struct gy_engine *e, const struct app *app)
{
    const char *name =
        app->spec.placement.strategy ? app->spec.placement.strategy : e->default_strategy;
    for (size_t i = 0; i < e->strategy_count; i++)
        if (!strcmp(e->strategies[i].name, name)) return &e->strategies[i];
    return NULL;
}

static int64_t own_in_domain(const struct app *app, int attribute, const char *key,
                             const char *value)
{
    int64_t n = 0;
    const struct pod *pod;
    DL_FOREACH (app->pods, pod) {
        if (!gy_cluster_pod_is_over(pod) && pod->node->has_report &&
            !strcmp(gy_node_attribute(&pod->node->merged, attribute, key), value))
            n++;
    }
    return n;
}

/* Keep the candidates with the least `cost`; the order stays. */
static void keep_least(struct candidates *c, const int64_t *cost)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < c->n; i++)
        if (cost[i] < least) least = cost[i];
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (cost[i] == least) c->nodes[kept++] = c->nodes[i];
    c->n = kept;
}

/* Wishes, in their order: spread over an attribute's values, soft affinities. */
static void apply_wishes(const struct app *app, struct candidates *c)
{
    const struct gy_placement *p = &app->spec.placement;
    for (size_t k = 0; k < p->affinities.n && c->n > 1; k++) {
        if (!GY_AT(struct gy_affinity, p->affinities, k)->soft) continue;
        for (size_t i = 0; i < c->n; i++)
            c->scores[i] = !gy_filter_soft_affinity(app, c->nodes[i], k);
        keep_least(c, c->scores);
    }
    for (size_t k = 0; k < p->spread.n && c->n > 1; k++) {
        const char *key;
        int attribute = gy_constraint_attribute(p->spread.items[k], &key);
        for (size_t i = 0; i < c->n; i++)
            c->scores[i] = own_in_domain(app, attribute, key,
                                         gy_node_attribute(&c->nodes[i]->merged, attribute, key));
        keep_least(c, c->scores);
    }
}

static gantry_status score(const struct strategy *strategy, const struct ask *ask,
                           struct candidates *c)
{
    int64_t cpu_ask = ask->cpu_milli ? ask->cpu_milli : SCORE_CPU_MILLI;
    int64_t mem_ask = ask->memory_bytes ? ask->memory_bytes : SCORE_MEMORY_BYTES;
    int64_t *cpu_free = c->columns, *cpu_cap = cpu_free + c->cap, *mem_free = cpu_cap + c->cap;
    int64_t *mem_cap = mem_free + c->cap, *pods = mem_cap + c->cap, *own = pods + c->cap;
    for (size_t i = 0; i < c->n; i++) {
        const struct node *node = c->nodes[i];
        cpu_cap[i] = node->merged.cpu_milli;
        mem_cap[i] = node->merged.memory_bytes;
        cpu_free[i] = cpu_cap[i] - node->cpu_used_milli - cpu_ask;
        mem_free[i] = mem_cap[i] - node->memory_used_bytes - mem_ask;
        if (cpu_free[i] < 0) cpu_free[i] = 0;
        if (mem_free[i] < 0) mem_free[i] = 0;
        pods[i] = node->pod_count;
        own[i] = node->own;
    }
    const gantry_rows rows = {
        .size = sizeof rows,
        .n = c->n,
        .cpu_free = cpu_free,
        .cpu_cap = cpu_cap,
        .mem_free = mem_free,
        .mem_cap = mem_cap,
        .pods = pods,
        .own = own,
        .cpu_ask = &cpu_ask,
        .mem_ask = &mem_ask,
    };
    return strategy->ops->score(strategy->self, &rows, c->scores, NULL);
}

/* Highest score; equal ones by name, or by the engine's dice where the strategy wants them. */
static size_t winner(struct gy_engine *e, const struct strategy *strategy,
                     const struct candidates *c, size_t *second)
{
    size_t best = 0, ties = 1;
    *second = SIZE_MAX;
    bool seeded = strategy && (strategy->ops->caps & GANTRY_STRATEGY_TIES_SEEDED);
    for (size_t i = 1; i < c->n; i++) {
        bool wins = c->scores[i] > c->scores[best];
        if (c->scores[i] == c->scores[best] && seeded)
            wins = gy_random_below(&e->random, ++ties) == 0;
        if (c->scores[i] > c->scores[best]) ties = 1;
        size_t loser = wins ? best : i;
        if (wins) best = i;
        if (*second == SIZE_MAX || c->scores[loser] > c->scores[*second] || *second == best)
            *second = loser;
    }
    return best;
}

static int64_t percent(int64_t part, int64_t whole)
{
    return whole > 0 ? part / (whole / 100 + 1) : 0;
}

/* What spoke for a node, in words. */
static void describe(struct gy_buf *out, const struct node *node)
{
    gy_buf_printf(out,
                  "%s (%lld pods of the app, %lld in all, %lld%% of its CPU and %lld%% of its "
                  "memory reserved)",
                  node->name, (long long)node->own, (long long)node->pod_count,
                  (long long)percent(node->cpu_used_milli, node->merged.cpu_milli),
                  (long long)percent(node->memory_used_bytes, node->merged.memory_bytes));
}

gantry_status gy_place(struct gy_engine *e, const struct ask *ask, struct placement *out)
{
    struct candidates c;
    candidates_init(&c, e->node_count);
    for (size_t i = 0; i < e->node_count; i++)
        if (gy_filter_node(e, ask, e->nodes[i]) == FILTER_COUNT) c.nodes[c.n++] = e->nodes[i];
    if (!c.n) {
        candidates_fini(&c);
        return GANTRY_ENOTFOUND;
    }
    size_t fit = c.n, second;
    apply_wishes(ask->app, &c);
    const struct strategy *strategy = gy_place_strategy(e, ask->app);
    bool scored = strategy && score(strategy, ask, &c) == GANTRY_OK;
    if (!scored)
        memset(c.scores, 0,
               c.n * sizeof *c.scores); /* the engine never stands still for a strategy */
    size_t best = winner(e, scored ? strategy : NULL, &c, &second);
    struct gy_buf text = {0};
    gy_buf_printf(&text, "%zu of %zu nodes fit; ", fit, e->node_count);
    if (strategy)
        gy_buf_printf(&text, "%s%s chose ", strategy->name, scored ? "" : " failed, the name");
    describe(&text, c.nodes[best]);
    if (second != SIZE_MAX) {
        gy_buf_str(&text, c.scores[second] == c.scores[best] ? ", as good as " : ", before ");
        describe(&text, c.nodes[second]);
    }
    out->node = c.nodes[best];
    out->text = gy_buf_take(&text);
    candidates_fini(&c);
    return GANTRY_OK;
}
