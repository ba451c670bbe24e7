/* SPDX-License-Identifier: Apache-2.0 */
/* The normal form: each app as a service, or as the services of a pod; what is standard is left
 * out. */
#include "compose/compose.h"
#include "compose/emit.h"

#include <inttypes.h>

/* The service that stands for an app: depends_on and affinities name services. */
static const char *service_of(const struct gy_compose *c, const char *app)
{
    for (size_t i = 0; i < c->n; i++)
        if (!strcmp(c->apps[i].name, app) && c->apps[i].pod.containers.n)
            return GY_AT(struct gy_container, c->apps[i].pod.containers, 0)->name;
    return app;
}

static void emit_health(struct gy_emit *e, const struct gy_health *h)
{
    struct gy_emit map = gy_emit_map(e, "healthcheck");
    if (!h) return;
    if (h->kind == GY_HEALTH_COMMAND) gy_emit_words(&map, "test", "CMD", &h->test);
    gy_emit_duration(&map, "interval", h->interval_ms, 30000);
    gy_emit_duration(&map, "timeout", h->timeout_ms, 30000);
    if (h->retries != 3) gy_emit_int(&map, "retries", h->retries);
    gy_emit_duration(&map, "start_period", h->start_period_ms, 0);
    gy_emit_duration(&map, "start_interval", h->start_interval_ms, 5000);
}

static void emit_probe(struct gy_emit *e, const struct gy_health *h)
{
    struct gy_emit map = gy_emit_map(e, "health");
    if (!h || h->kind == GY_HEALTH_COMMAND) return;
    struct gy_emit probe = gy_emit_map(&map, h->kind == GY_HEALTH_HTTP ? "http" : "tcp");
    if (h->kind == GY_HEALTH_HTTP) gy_emit_text(&probe, "path", h->path);
    gy_emit_int(&probe, "port", h->port);
}

static void emit_port(struct gy_buf *out, const struct gy_port *p)
{
    static const char *const protocols[] = {"tcp", "udp"};
    if (!p->name && p->mode == GY_PORT_INGRESS) {
        const char *open = p->host_ip && strchr(p->host_ip, ':') ? "[" : "";
        gy_buf_str(out, "- \"");
        if (p->host_ip) gy_buf_printf(out, "%s%s%s:", open, p->host_ip, *open ? "]" : "");
        if (p->published) gy_buf_printf(out, "%d", (int)p->published);
        if (p->published || p->host_ip) gy_buf_str(out, ":");
        gy_buf_printf(out, "%d%s\"\n", (int)p->target,
                      p->protocol == GY_PROTOCOL_UDP ? "/udp" : "");
        return;
    }
    gy_buf_str(out, "- {");
    if (p->name) gy_buf_str(out, "name: ");
    if (p->name) gy_emit_quote(out, p->name);
    gy_buf_printf(out, "%starget: %d, ", p->name ? ", " : "", (int)p->target);
    if (p->published) gy_buf_printf(out, "published: %d, ", (int)p->published);
    if (p->host_ip) gy_buf_printf(out, "host_ip: \"%s\", ", p->host_ip);
    gy_buf_printf(out, "protocol: %s, mode: %s}\n", protocols[p->protocol],
                  p->mode == GY_PORT_HOST ? "host" : "ingress");
}

/* Lists of maps, one a line, below a key of e. */
static void emit_ports(struct gy_emit *e, const struct gy_list *ports)
{
    if (!ports->n) return;
    struct gy_buf text = {0};
    for (size_t i = 0; i < ports->n; i++) {
        gy_buf_printf(&text, "\n%*s", e->indent + 2, "");
        emit_port(&text, GY_AT(struct gy_port, *ports, i));
        text.text[--text.len] = '\0'; /* its own end of line */
    }
    gy_emit_raw(e, "ports", text.text);
    gy_buf_fini(&text);
}

static void emit_depends(struct gy_emit *e, const struct gy_compose *c, const struct gy_list *list)
{
    static const char *const conditions[] = {"service_started", "service_healthy",
                                             "service_completed_successfully"};
    struct gy_emit map = gy_emit_map(e, "depends_on");
    for (size_t i = 0; i < list->n; i++) {
        const struct gy_depends *d = GY_AT(struct gy_depends, *list, i);
        struct gy_emit one = gy_emit_map(&map, service_of(c, d->app));
        gy_emit_text(&one, "condition", conditions[d->condition]);
        if (!d->required) gy_emit_raw(&one, "required", "false");
    }
}

static void emit_resources(struct gy_emit *deploy, const struct gy_container *c)
{
    struct gy_emit map = gy_emit_map(deploy, "resources");
    const struct {
        const char *key;
        const struct gy_resources *r;
    } parts[] = {{"limits", &c->limits}, {"reservations", &c->reservations}};
    for (size_t i = 0; i < 2; i++) {
        struct gy_emit part = gy_emit_map(&map, parts[i].key);
        const struct gy_resources *r = parts[i].r;
        gy_emit_cpus(&part, "cpus", r->cpu_milli);
        gy_emit_bytes(&part, "memory", r->memory_bytes);
        gy_emit_int(&part, "pids", r->pids);
    }
}

static void emit_restart(struct gy_emit *deploy, const struct gy_app *a)
{
    static const char *const conditions[] = {"any", "on-failure", "none"};
    struct gy_restart standard;
    gy_shape_init(&gy_restart_shape, &standard);
    if (a->mode == GY_APP_JOB) standard.condition = GY_RESTART_ON_FAILURE;
    const struct gy_restart *r = &a->restart;
    struct gy_emit map = gy_emit_map(deploy, "restart_policy");
    if (r->condition != standard.condition)
        gy_emit_text(&map, "condition", conditions[r->condition]);
    gy_emit_duration(&map, "delay", r->delay_ms, standard.delay_ms);
    gy_emit_int(&map, "max_attempts", r->max_attempts);
    gy_emit_duration(&map, "window", r->window_ms, standard.window_ms);
}

static void emit_placement(struct gy_emit *deploy, const struct gy_placement *p)
{
    struct gy_emit map = gy_emit_map(deploy, "placement");
    gy_emit_words(&map, "constraints", NULL, &p->constraints);
    if (p->spread.n) {
        struct gy_buf text = {0};
        gy_buf_str(&text, "[");
        for (size_t i = 0; i < p->spread.n; i++) {
            gy_buf_str(&text, i ? ", {spread: " : "{spread: ");
            gy_emit_quote(&text, p->spread.items[i]);
            gy_buf_str(&text, "}");
        }
        gy_buf_str(&text, "]");
        gy_emit_raw(&map, "preferences", text.text);
        gy_buf_fini(&text);
    }
    gy_emit_int(&map, "max_replicas_per_node", p->max_per_node);
}

static void emit_deploy(struct gy_emit *e, const struct gy_app *a, const struct gy_container *c,
                        bool leads)
{
    static const char *const modes[] = {NULL, "global", "replicated-job"};
    struct gy_emit deploy = gy_emit_map(e, "deploy");
    if (leads) {
        gy_emit_text(&deploy, "mode", modes[a->mode]);
        gy_autofree char *replicas = gy_printf("%" PRId64, a->replicas);
        if (a->replicas != 1 && a->mode != GY_APP_GLOBAL)
            gy_emit_raw(&deploy, "replicas", replicas);
        gy_emit_pairs(&deploy, "labels", &a->labels);
        emit_placement(&deploy, &a->placement);
    }
    emit_resources(&deploy, c);
    if (!leads) return;
    emit_restart(&deploy, a);
    struct gy_emit update = gy_emit_map(&deploy, "update_config");
    if (a->update.parallelism != 1) gy_emit_int(&update, "parallelism", a->update.parallelism);
    gy_emit_duration(&update, "delay", a->update.delay_ms, 0);
    if (a->update.order == GY_UPDATE_START_FIRST) gy_emit_text(&update, "order", "start-first");
}

static void emit_affinities(struct gy_emit *e, const struct gy_compose *c,
                            const struct gy_list *list, bool anti)
{
    struct gy_buf text = {0};
    for (size_t i = 0; i < list->n; i++) {
        const struct gy_affinity *a = GY_AT(struct gy_affinity, *list, i);
        if (a->anti != anti) continue;
        gy_buf_str(&text, text.len ? ", " : "[");
        if (a->soft) gy_buf_str(&text, "{app: ");
        gy_emit_quote(&text, service_of(c, a->app));
        if (a->soft) gy_buf_str(&text, ", soft: true}");
    }
    if (text.len) {
        gy_buf_str(&text, "]");
        gy_emit_raw(e, anti ? "anti_affinity" : "affinity", text.text);
    }
    gy_buf_fini(&text);
}

static void emit_extension(struct gy_emit *e, const struct gy_compose *c, const struct gy_app *a,
                           const struct gy_container *container, bool leads)
{
    struct gy_emit map = gy_emit_map(e, "x-gantry");
    bool alone = a->pod.containers.n == 1 && !strcmp(container->name, a->name);
    if (!alone) gy_emit_text(&map, "pod", a->name);
    if (leads) {
        emit_affinities(&map, c, &a->placement.affinities, false);
        emit_affinities(&map, c, &a->placement.affinities, true);
        gy_emit_bool(&map, "at_most_one", a->at_most_one);
        gy_emit_text(&map, "driver", a->placement.driver);
        gy_emit_text(&map, "strategy", a->placement.strategy);
        gy_emit_duration(&map, "grace", a->grace_ms, 30000);
        gy_emit_duration(&map, "max_restart_delay", a->restart.max_delay_ms, 300000);
        gy_emit_duration(&map, "progress_deadline", a->update.progress_deadline_ms, 600000);
    }
    emit_probe(&map, container->health);
}

static void emit_ulimits(struct gy_emit *e, const struct gy_list *list)
{
    struct gy_emit map = gy_emit_map(e, "ulimits");
    for (size_t i = 0; i < list->n; i++) {
        const struct gy_ulimit *u = GY_AT(struct gy_ulimit, *list, i);
        gy_autofree char *text =
            u->soft == u->hard
                ? gy_printf("%" PRId64, u->soft)
                : gy_printf("{soft: %" PRId64 ", hard: %" PRId64 "}", u->soft, u->hard);
        gy_emit_raw(&map, u->name, text);
    }
}

static void emit_service(struct gy_emit *services, const struct gy_compose *compose,
                         const struct gy_app *a, size_t index)
{
    static const char *const policies[] = {NULL, "always", "never"};
    const struct gy_container *c = GY_AT(struct gy_container, a->pod.containers, index);
    bool leads = index == 0;
    struct gy_emit e = gy_emit_map(services, c->name);
    gy_emit_text(&e, "image", c->image);
    gy_emit_text(&e, "pull_policy", policies[c->pull_policy]);
    gy_emit_words(&e, "entrypoint", NULL, &c->entrypoint);
    gy_emit_words(&e, "command", NULL, &c->command);
    gy_emit_pairs(&e, "environment", &c->env);
    if (leads) gy_emit_text(&e, "hostname", a->pod.hostname);
    gy_emit_text(&e, "user", c->user);
    gy_emit_text(&e, "working_dir", c->working_dir);
    gy_emit_text(&e, "stop_signal", c->stop_signal);
    gy_emit_duration(&e, "stop_grace_period", c->stop_grace_ms, 10000);
    gy_emit_bool(&e, "tty", c->tty);
    gy_emit_bool(&e, "stdin_open", c->stdin_open);
    gy_emit_bool(&e, "init", c->init);
    emit_ulimits(&e, &c->ulimits);
    gy_emit_pairs(&e, "labels", &c->labels);
    if (leads) emit_ports(&e, &a->ports);
    if (leads) emit_depends(&e, compose, &a->depends_on);
    emit_health(&e, c->health);
    emit_deploy(&e, a, c, leads);
    emit_extension(&e, compose, a, c, leads);
}

char *gy_compose_format(const struct gy_compose *compose)
{
    struct gy_buf out = {0};
    struct gy_emit top = {.out = &out};
    gy_emit_text(&top, "name", compose->project);
    struct gy_emit services = gy_emit_map(&top, "services");
    for (size_t i = 0; i < compose->n; i++)
        for (size_t k = 0; k < compose->apps[i].pod.containers.n; k++)
            emit_service(&services, compose, &compose->apps[i], k);
    return gy_buf_take(&out);
}
