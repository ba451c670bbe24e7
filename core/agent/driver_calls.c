/* SPDX-License-Identifier: Apache-2.0 */
/* Each action of the node half becomes one call of a driver, or one probe; each end is told once.
 */
#include "agent/agent_private.h"

#include "agent/pod_form.h"
#include "agent/probes.h"
#include "base/log.h"

#define PREPARE_MS (10 * 60 * 1000)
#define START_MS 60000
#define STOP_MORE_MS 30000 /* beyond the grace */
#define REMOVE_MS 60000
#define LIST_MS 30000

struct gy_agent_call {
    TAILQ_ENTRY(gy_agent_call) entry;
    struct gy_agent *agent;
    struct gy_agent_driver_state *driver;
    int kind;
    uint64_t action;
    char *pod_id, *container;
    gantry_op op; /* 0 = a probe of the network, or failed */
    struct gy_probe *probe;
    struct gy_list addresses;        /* PREPARE */
    struct gy_agent_listing listing; /* LIST */
    struct gy_buf output;            /* PROBE of a command; at most GY_PROBE_OUTPUT_MAX */
    gantry_status failed;            /* could not begin */
    char *text;
};

static void call_destroy(struct gy_agent_call *c)
{
    TAILQ_REMOVE(&c->agent->calls, c, entry);
    gy_pod_addresses_fini(&c->addresses);
    gy_agent_listing_fini(&c->listing);
    gy_buf_fini(&c->output);
    free(c->pod_id);
    free(c->container);
    free(c->text);
    free(c);
}

/* Tell the half and forget the call. */
static void finish(struct gy_agent_call *c, struct gy_action_result *result)
{
    struct gy_agent *a = c->agent;
    result->id = c->action;
    if (c->kind == GY_ACTION_REMOVE && result->status == GANTRY_OK)
        gy_port_book_release(a->ports, c->pod_id);
    gy_node_half_done(a->half, result, gy_agent_now());
    call_destroy(c);
    gy_agent_kick(a);
}

static void fail(struct gy_agent_call *c, gantry_status status, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static void fail(struct gy_agent_call *c, gantry_status status, const char *fmt, ...)
{
    char text[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->failed = status;
    c->text = gy_strdup(text);
}

bool gy_agent_calls_tell_failed(struct gy_agent *a)
{
    bool some = false;
    struct gy_agent_call *c, *next;
    TAILQ_FOREACH_SAFE(c, &a->calls, entry, next)
    {
        if (c->failed == GANTRY_OK) continue;
        struct gy_action_result result = {.status = c->failed, .text = c->text};
        finish(c, &result);
        some = true;
    }
    return some;
}

/* ---- ends of driver calls ---- */

static void on_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct gy_agent_call *c = arg;
    struct gy_action_result out = {.status = status, .text = text};
    struct gy_observed_container seen = {0};
    c->op = 0;
    if (status == GANTRY_OK && (c->kind == GY_ACTION_START || c->kind == GY_ACTION_WAIT)) {
        if (result) {
            gy_agent_observe(result, &seen);
            out.container = &seen;
        } else {
            out.status = GANTRY_EUNAVAIL;
            out.text = "the driver ended the call without saying how the container is";
        }
    }
    if (c->kind == GY_ACTION_PREPARE) {
        out.addresses = c->addresses.items;
        out.address_count = c->addresses.n;
        if (status == GANTRY_ECANCELED) out.text = "it was no longer wanted";
    }
    out.pods = c->listing.pods;
    out.pod_count = c->listing.n;
    finish(c, &out);
    gy_agent_observed_fini(&seen);
}

static void on_listed(void *arg, const void *item)
{
    struct gy_agent_call *c = arg;
    gy_agent_listing_add(c->agent, &c->listing, c->driver->name, item);
}

static void on_progress(void *arg, const void *item)
{
    const struct gy_agent_call *c = arg;
    const gantry_progress *p = item;
    gy_log(GY_LOG_DEBUG, "agent", "prepare pod=%s percent=%u: %.*s", c->pod_id, p->percent,
           (int)p->text.len, p->text.ptr ? p->text.ptr : "");
}

/* ---- health checks ---- */

static void on_probed(void *arg, gantry_status status, const char *text)
{
    struct gy_agent_call *c = arg;
    c->probe = NULL;
    struct gy_action_result result = {.status = status, .text = text};
    finish(c, &result);
}

static void on_output(void *arg, const void *item)
{
    struct gy_agent_call *c = arg;
    const gantry_chunk *chunk = item;
    size_t room = GY_PROBE_OUTPUT_MAX - c->output.len;
    gy_buf_add(&c->output, chunk->bytes.ptr, chunk->bytes.len < room ? chunk->bytes.len : room);
}

static void on_checked(void *arg, gantry_status status, const char *text, const void *item)
{
    struct gy_agent_call *c = arg;
    const gantry_container_status *ended = item;
    struct gy_buf said = {0};
    c->op = 0;
    struct gy_action_result result = {.status = GANTRY_EINVAL, .text = text};
    if (status == GANTRY_OK && ended) {
        if (ended->exit_signal)
            gy_buf_printf(&said, "killed by signal %d", ended->exit_signal);
        else if (ended->exit_code)
            gy_buf_printf(&said, "exit code %d", ended->exit_code);
        else
            result.status = GANTRY_OK;
        if (said.len && c->output.len) gy_buf_str(&said, ": ");
        gy_buf_add(&said, c->output.text, c->output.len);
        result.text = said.text ? said.text : "";
    }
    finish(c, &result);
    gy_buf_fini(&said);
}

static gantry_op begin(struct gy_agent_call *c, const char *function, enum gy_abi_type item,
                       enum gy_abi_type result, int64_t deadline_ms, gy_op_item_fn on_item,
                       gy_op_done_fn done)
{
    c->op = gy_instance_op(c->driver->instance, function, item, result, (uint64_t)deadline_ms,
                           on_item, done, c);
    if (!c->op)
        fail(c, GANTRY_EUNAVAIL, "driver %s is not open: %s", c->driver->name,
             c->driver->text ? c->driver->text : "no reason is known");
    return c->op;
}

static const struct gy_container *find_container(const struct gy_pod *pod, const char *name)
{
    const struct gy_list *list = &pod->template.containers;
    for (size_t i = 0; i < list->n; i++)
        if (gy_streq(GY_AT(struct gy_container, *list, i)->name, name))
            return GY_AT(struct gy_container, *list, i);
    return NULL;
}

static void probe_command(struct gy_agent_call *c, const struct gy_health *health,
                          const struct gy_map *names)
{
    const gantry_driver_exec *ext = gy_instance_extension(c->driver->instance, GANTRY_DRIVER_EXEC);
    if (!ext || !ext->exec) {
        fail(c, GANTRY_EINVAL,
             "driver %s cannot run a command inside a container: use an http or tcp health check",
             c->driver->name);
        return;
    }
    if (!begin(c, "exec", GY_ABI_CHUNK, GY_ABI_CONTAINER_STATUS, health->timeout_ms, on_output,
               on_checked))
        return;
    gantry_str *args = gy_alloc_array(health->test.n, sizeof *args);
    for (size_t i = 0; i < health->test.n; i++)
        args[i] = gy_str(gy_pod_expand(health->test.items[i], names));
    gantry_exec exec = {.size = (uint32_t)sizeof exec,
                        .arg_count = (uint32_t)health->test.n,
                        .pod = gy_str(c->pod_id),
                        .container = gy_str(c->container),
                        .args = args};
    void *self = gy_instance_self(c->driver->instance);
    GY_CALL_FOR(c->driver->instance, "exec", c->op, c->pod_id, ext->exec(self, c->op, &exec));
    for (size_t i = 0; i < health->test.n; i++)
        free((char *)args[i].ptr);
    free(args);
}

/* Where the port of a check is on this node; 0 = nowhere. */
static uint16_t port_of(const struct gy_port_choices *ports, const struct gy_container *container,
                        int64_t target)
{
    for (size_t i = 0; ports && i < ports->n; i++)
        if (ports->items[i].target == target && ports->items[i].protocol == GY_PROTOCOL_TCP)
            return ports->items[i].host;
    return container->image ? 0 : (uint16_t)target; /* a host process is on the node's network */
}

static void run_probe(struct gy_agent_call *c, const struct gy_action *action)
{
    const struct gy_health *health = action->health;
    const struct gy_container *container = find_container(action->pod, action->container);
    GY_ASSERT(container && health);
    const struct gy_port_choices *ports = gy_port_book_find(c->agent->ports, c->pod_id);
    struct gy_map names;
    gy_pod_names(action->pod, container, ports, &names);
    if (health->kind == GY_HEALTH_COMMAND) {
        probe_command(c, health, &names);
    } else {
        uint16_t port = port_of(ports, container, health->port);
        gy_autofree char *path =
            health->kind == GY_HEALTH_HTTP ? gy_pod_expand(health->path, &names) : NULL;
        struct gy_probe_query query = {.host = c->agent->port_address,
                                       .port = port,
                                       .path = path,
                                       .timeout_ms = health->timeout_ms};
        if (port)
            c->probe = gy_probe_start(c->agent->loop, &query, on_probed, c);
        else
            fail(c, GANTRY_EINVAL,
                 "port %lld of the health check is not among the app's ports, so that it cannot be "
                 "reached from the node",
                 (long long)health->port);
    }
    gy_pod_names_fini(&names);
}

/* ---- calls ---- */

static void run_prepare(struct gy_agent_call *c, const struct gy_action *action,
                        const gantry_driver_ops *ops, void *self)
{
    struct gy_agent *a = c->agent;
    const struct gy_port_choices *ports;
    struct gy_error err = GY_ERROR_INIT;
    gantry_status status =
        gy_port_book_choose(a->ports, c->pod_id, &action->pod->ports, &ports, &err);
    if (status != GANTRY_OK) {
        fail(c, status, "%s", err.text);
        return;
    }
    if (!begin(c, "prepare", GY_ABI_PROGRESS, GY_ABI_NONE, PREPARE_MS, on_progress, on_done))
        return;
    gy_pod_addresses(ports, a->port_address, &c->addresses);
    char signature[GY_SIGNATURE_MAX];
    gy_owner_sign(&a->key, a->cluster, c->pod_id, signature);
    gy_autofree char *record = gy_owner_record_encode(&a->key, a->cluster, c->pod_id, ports);
    struct gy_pod_form form;
    gy_pod_form_init(&form, action->pod, ports, a->cluster, signature, record);
    GY_CALL_FOR(c->driver->instance, "prepare", c->op, c->pod_id,
                ops->prepare(self, c->op, &form.pod));
    gy_pod_form_fini(&form);
}

static void run_call(struct gy_agent_call *c, const struct gy_action *action)
{
    struct gy_instance *inst = c->driver->instance;
    const gantry_driver_ops *ops = gy_instance_ops(inst);
    void *self = gy_instance_self(inst);
    gantry_str pod = gy_str(c->pod_id), container = gy_str(c->container);
    switch (action->kind) {
    case GY_ACTION_PREPARE: run_prepare(c, action, ops, self); break;
    case GY_ACTION_PROBE: run_probe(c, action); break;
    case GY_ACTION_LIST:
        if (begin(c, "list", GY_ABI_POD_STATUS, GY_ABI_NONE, LIST_MS, on_listed, on_done))
            GY_CALL_FOR(inst, "list", c->op, NULL, ops->list(self, c->op));
        break;
    case GY_ACTION_START:
        if (begin(c, "start", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, START_MS, NULL, on_done))
            GY_CALL_FOR(inst, "start", c->op, c->pod_id,
                        ops->start(self, c->op, pod, container, (uint64_t)action->attempt));
        break;
    case GY_ACTION_WAIT: /* no deadline: a container may run for years */
        if (begin(c, "wait", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, 0, NULL, on_done))
            GY_CALL_FOR(inst, "wait", c->op, c->pod_id, ops->wait(self, c->op, pod, container));
        break;
    case GY_ACTION_STOP:
        if (begin(c, "stop", GY_ABI_NONE, GY_ABI_NONE, action->grace_ms + STOP_MORE_MS, NULL,
                  on_done))
            GY_CALL_FOR(inst, "stop", c->op, c->pod_id,
                        ops->stop(self, c->op, pod, container, gy_str(action->signal),
                                  (uint64_t)action->grace_ms));
        break;
    case GY_ACTION_REMOVE:
        if (begin(c, "remove", GY_ABI_NONE, GY_ABI_NONE, REMOVE_MS, NULL, on_done))
            GY_CALL_FOR(inst, "remove", c->op, c->pod_id, ops->remove(self, c->op, pod));
        break;
    default: break;
    }
}

void gy_agent_call_run(struct gy_agent *a, const struct gy_action *action)
{
    GY_ASSERT(action->kind != GY_ACTION_REPORT && action->kind != GY_ACTION_EVENT);
    struct gy_agent_call *c = gy_alloc(sizeof *c);
    c->agent = a;
    c->kind = action->kind;
    c->action = action->id;
    c->pod_id = gy_strdup(action->pod_id);
    c->container = gy_strdup(action->container);
    c->driver = gy_agent_find_driver(a, action->driver);
    TAILQ_INSERT_TAIL(&a->calls, c, entry);
    if (c->driver)
        run_call(c, action);
    else
        fail(c, GANTRY_EINVAL, "this node has no driver named %s", action->driver);
}

void gy_agent_calls_hurry(struct gy_agent *a, const char *pod_id)
{
    struct gy_agent_call *c;
    TAILQ_FOREACH (c, &a->calls, entry) {
        if (c->kind == GY_ACTION_PREPARE && c->op && gy_streq(c->pod_id, pod_id))
            gy_instance_cancel(c->driver->instance, c->op);
    }
}

void gy_agent_calls_forget(struct gy_agent *a)
{
    struct gy_agent_call *c;
    while ((c = TAILQ_FIRST(&a->calls))) {
        if (c->op) gy_instance_forget(c->driver->instance, c->op);
        if (c->probe) gy_probe_cancel(c->probe);
        call_destroy(c);
    }
}
