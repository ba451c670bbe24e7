/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: can this node take a pod of this app?  In the order in which people want to read the
 * answer. */
#include "engine/cluster.h"
#include "model/constraint.h"

#include <stdio.h>

void gy_filter_ask_init(struct gy_engine *e, const struct app *app, struct ask *ask)
{
    *ask = (struct ask){.app = app};
    for (size_t i = 0; i < e->node_count; i++)
        e->nodes[i]->own = 0;
    const struct pod *pod;
    DL_FOREACH (app->pods, pod) {
        if (!gy_cluster_pod_is_over(pod)) pod->node->own++;
    }
    gy_pod_template_ask(&app->spec.pod, &ask->cpu_milli, &ask->memory_bytes);
    ask->images = gy_pod_template_has_image(&app->spec.pod);
    ask->constraint_count = app->spec.placement.constraints.n;
    ask->constraints = gy_alloc_array(ask->constraint_count, sizeof *ask->constraints);
    for (size_t i = 0; i < ask->constraint_count; i++) /* checked when the app was taken */
        GY_ASSERT(gy_constraint_parse(app->spec.placement.constraints.items[i],
                                      &ask->constraints[i], NULL) == GANTRY_OK);
}

void gy_filter_ask_fini(struct ask *ask)
{
    for (size_t i = 0; i < ask->constraint_count; i++)
        gy_constraint_fini(&ask->constraints[i]);
    free(ask->constraints);
    *ask = (struct ask){0};
}

const char *gy_filter_driver(const struct ask *ask, const struct node *node)
{
    const char *named = ask->app->spec.placement.driver;
    for (size_t i = 0; i < node->merged.drivers.n; i++) {
        const struct gy_node_driver *d = GY_AT(struct gy_node_driver, node->merged.drivers, i);
        if (named ? strcmp(named, d->name) != 0
                  : !(ask->images ? d->runs_images : d->runs_processes))
            continue;
        if (d->ready && (ask->images ? d->runs_images : d->runs_processes)) return d->name;
    }
    return NULL;
}

/* Does an affinity speak of this pod's app?  "app" is of the same project, "project/app" of any. */
static bool names_app(const struct app *from, const char *name, const struct gy_pod *pod)
{
    const char *slash = strchr(name, '/');
    if (strcmp(pod->ns, from->spec.ns) != 0) return false;
    if (!slash) return !strcmp(pod->project, from->spec.project) && !strcmp(pod->app, name);
    size_t n = (size_t)(slash - name);
    return strlen(pod->project) == n && !strncmp(pod->project, name, n) &&
           !strcmp(pod->app, slash + 1);
}

static bool has_app(const struct app *from, const char *name, const struct node *node)
{
    const struct pod *pod;
    DL_FOREACH2(node->pods, pod, node_next)
    {
        if (!gy_cluster_pod_is_over(pod) && names_app(from, name, &pod->rec)) return true;
    }
    return false;
}

bool gy_filter_soft_affinity(const struct app *app, const struct node *node, size_t i)
{
    const struct gy_affinity *a = GY_AT(struct gy_affinity, app->spec.placement.affinities, i);
    return has_app(app, a->app, node) != a->anti;
}

/* Does anyone there keep pods of this app away? */
static bool is_unwelcome(const struct app *app, const struct node *node)
{
    const struct gy_pod as = {
        .ns = app->spec.ns, .project = app->spec.project, .app = app->spec.name};
    const struct pod *pod;
    DL_FOREACH2(node->pods, pod, node_next)
    {
        if (gy_cluster_pod_is_over(pod) || !pod->app->has_spec) continue;
        const struct gy_list *list = &pod->app->spec.placement.affinities;
        for (size_t i = 0; i < list->n; i++) {
            const struct gy_affinity *a = GY_AT(struct gy_affinity, *list, i);
            if (a->anti && !a->soft && names_app(pod->app, a->app, &as)) return true;
        }
    }
    return false;
}

static bool affinities_hold(const struct app *app, const struct node *node)
{
    const struct gy_list *list = &app->spec.placement.affinities;
    for (size_t i = 0; i < list->n; i++)
        if (!GY_AT(struct gy_affinity, *list, i)->soft && !gy_filter_soft_affinity(app, node, i))
            return false;
    return !is_unwelcome(app, node);
}

static bool ports_clash(const struct gy_list *mine, const struct gy_list *theirs)
{
    for (size_t i = 0; i < mine->n; i++) {
        const struct gy_port *p = GY_AT(struct gy_port, *mine, i);
        for (size_t j = 0; p->mode == GY_PORT_HOST && j < theirs->n; j++) {
            const struct gy_port *q = GY_AT(struct gy_port, *theirs, j);
            bool other_address = p->host_ip && q->host_ip && strcmp(p->host_ip, q->host_ip) != 0;
            if (q->mode == GY_PORT_HOST && p->published == q->published &&
                p->protocol == q->protocol && !other_address)
                return true;
        }
    }
    return false;
}

static bool port_is_taken(const struct app *app, const struct node *node)
{
    bool wants = false;
    for (size_t i = 0; i < app->spec.ports.n; i++)
        wants = wants || GY_AT(struct gy_port, app->spec.ports, i)->mode == GY_PORT_HOST;
    if (!wants) return false;
    const struct pod *pod;
    DL_FOREACH2(node->pods, pod, node_next)
    {
        if (!gy_cluster_pod_is_over(pod) && ports_clash(&app->spec.ports, &pod->rec.ports))
            return true;
    }
    return false;
}

enum filter_kind gy_filter_node(struct gy_engine *e, const struct ask *ask, const struct node *node)
{
    (void)e;
    const struct app *app = ask->app;
    if (node->has_report && node->merged.drain) return FILTER_DRAIN;
    if (!node->has_report || node->state != GY_NODE_READY) return FILTER_STATE;
    if (!gy_filter_driver(ask, node)) return FILTER_DRIVER;
    for (size_t i = 0; i < ask->constraint_count; i++)
        if (!gy_constraint_holds(&ask->constraints[i], &node->merged)) return FILTER_CONSTRAINT;
    if (!affinities_hold(app, node)) return FILTER_AFFINITY;
    if (port_is_taken(app, node)) return FILTER_PORT;
    if (app->spec.placement.max_per_node && node->own >= app->spec.placement.max_per_node)
        return FILTER_PER_NODE;
    if (node->pod_count >= node->merged.max_pods) return FILTER_PODS;
    if (node->cpu_used_milli + ask->cpu_milli > node->merged.cpu_milli && ask->cpu_milli)
        return FILTER_CPU;
    if (node->memory_used_bytes + ask->memory_bytes > node->merged.memory_bytes &&
        ask->memory_bytes)
        return FILTER_MEMORY;
    return FILTER_COUNT;
}

/* ---- in words
 * ------------------------------------------------------------------------------------ */

/* "docker (not ready: no answer)" */
static char *name_driver(const struct gy_node_driver *d)
{
    if (d->ready) return gy_strdup(d->name);
    return d->text ? gy_printf("%s (not ready: %s)", d->name, d->text)
                   : gy_printf("%s (not ready)", d->name);
}

static void say_driver(const struct gy_engine *e, const struct ask *ask, struct gy_buf *out)
{
    struct gy_strs names = {0}; /* each once, three at most */
    size_t lacking = 0;
    for (size_t i = 0; i < e->node_count; i++) {
        const struct node *node = e->nodes[i];
        if (!node->has_report || gy_filter_driver(ask, node)) continue;
        lacking++;
        for (size_t k = 0; k < node->merged.drivers.n && names.n < 3; k++) {
            gy_autofree char *name =
                name_driver(GY_AT(struct gy_node_driver, node->merged.drivers, k));
            if (!gy_strs_has(&names, name)) gy_strs_add(&names, name);
        }
    }
    const char *named = ask->app->spec.placement.driver;
    if (named)
        gy_buf_printf(out, "no node has the driver %s", named);
    else
        gy_buf_printf(out, "no node has a driver that runs %s",
                      ask->images ? "images" : "processes");
    gy_buf_printf(out, "; %zu node%s %s only ", lacking, lacking == 1 ? "" : "s",
                  lacking == 1 ? "has" : "have");
    for (size_t i = 0; i < names.n; i++) {
        gy_buf_printf(out, "%s%s", i ? ", " : "", names.items[i]);
        free(names.items[i]);
    }
    if (!names.n) gy_buf_str(out, "none");
    free(names.items);
}

char *gy_filter_explain(struct gy_engine *e, const struct ask *ask)
{
    size_t counts[FILTER_COUNT + 1] = {0}, known = 0;
    const struct node *example[FILTER_COUNT + 1] = {0};
    int64_t nearest_cpu = -1, nearest_memory = -1;
    for (size_t i = 0; i < e->node_count; i++) {
        const struct node *node = e->nodes[i];
        if (!node->has_report) continue;
        known++;
        enum filter_kind kind = gy_filter_node(e, ask, node);
        counts[kind]++;
        if (!example[kind]) example[kind] = node;
        int64_t cpu = node->cpu_used_milli + ask->cpu_milli - node->merged.cpu_milli;
        int64_t memory = node->memory_used_bytes + ask->memory_bytes - node->merged.memory_bytes;
        if (kind == FILTER_CPU && (nearest_cpu < 0 || cpu < nearest_cpu)) nearest_cpu = cpu;
        if (kind == FILTER_MEMORY && (nearest_memory < 0 || memory < nearest_memory))
            nearest_memory = memory;
    }
    struct gy_buf out = {0};
    if (!known) {
        gy_buf_str(&out, "no node has joined yet");
        return gy_buf_take(&out);
    }
    if (counts[FILTER_DRIVER] == known) {
        say_driver(e, ask, &out);
        return gy_buf_take(&out);
    }
    gy_buf_printf(&out, "%zu of %zu nodes fit", counts[FILTER_COUNT], known);
    const char *separator = ": ";
    char amount[32];
    static const char *const texts[FILTER_COUNT] = {
        [FILTER_STATE] = "not reachable",
        [FILTER_DRAIN] = "being drained",
        [FILTER_DRIVER] = "without a driver for it",
        [FILTER_CONSTRAINT] = "excluded by a constraint",
        [FILTER_AFFINITY] = "excluded by an affinity",
        [FILTER_PORT] = "where its host port is taken",
        [FILTER_PER_NODE] = "with max_per_node pods already",
        [FILTER_PODS] = "full (max_pods)",
        [FILTER_CPU] = "short of CPU",
        [FILTER_MEMORY] = "short of memory",
    };
    for (int k = 0; k < FILTER_COUNT; k++) {
        if (!counts[k]) continue;
        gy_buf_printf(&out, "%s%zu %s", separator, counts[k], texts[k]);
        if (k == FILTER_CONSTRAINT)
            for (size_t c = 0; c < ask->constraint_count; c++)
                if (!gy_constraint_holds(&ask->constraints[c], &example[k]->merged)) {
                    gy_buf_printf(&out, " (%s; on %s it is \"%s\")",
                                  ask->app->spec.placement.constraints.items[c], example[k]->name,
                                  gy_node_attribute(&example[k]->merged,
                                                    ask->constraints[c].attribute,
                                                    ask->constraints[c].key));
                    break;
                }
        if (k == FILTER_CPU)
            gy_buf_printf(&out, " (the nearest lacks %lld mCPU)", (long long)nearest_cpu);
        if (k == FILTER_MEMORY) {
            gy_bytes_format(nearest_memory, amount);
            gy_buf_printf(&out, " (the nearest lacks %s)", amount);
        }
        separator = "; ";
    }
    return gy_buf_take(&out);
}
