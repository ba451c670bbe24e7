/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of this node: opened, watched, told to the half. */
#include "agent/agent_private.h"

#include "base/log.h"

/* An open may answer after the agent has gone. */
struct gy_agent_opening {
    struct gy_agent *agent; /* NULL = gone */
    size_t driver;
};

static void set(struct gy_agent *a, struct gy_agent_driver_state *d, bool ready, const char *text)
{
    char *copy = text && *text ? gy_strdup(text) : NULL;
    free(d->text);
    d->text = copy;
    if (d->is_ready != ready) {
        d->is_ready = ready;
        gy_node_half_driver(a->half, d->name, ready, gy_agent_now());
        gy_agent_kick(a);
    }
}

static void on_opened(void *arg, gantry_status status, const char *text)
{
    struct gy_agent_opening *opening = arg;
    struct gy_agent *a = opening->agent;
    if (a) {
        struct gy_agent_driver_state *d = &a->drivers[opening->driver];
        d->opening = NULL;
        if (status != GANTRY_OK)
            gy_log(GY_LOG_ERROR, "agent", "a driver cannot be used driver=%s: %s", d->name, text);
        set(a, d, status == GANTRY_OK, status == GANTRY_OK ? NULL : text);
        gy_agent_report_node(a);
    }
    free(opening);
}

void gy_agent_leave_drivers(struct gy_agent *a)
{
    for (size_t i = 0; i < a->driver_count; i++) {
        if (a->drivers[i].opening) a->drivers[i].opening->agent = NULL;
        a->drivers[i].opening = NULL;
    }
}

static bool find_status(const struct gy_agent *a, const struct gy_agent_driver_state *d,
                        struct gy_instance_status *out)
{
    for (size_t i = 0; a->plugins && gy_plugins_instance_status(a->plugins, i, out); i++)
        if (gy_streq(out->kind, GANTRY_DRIVER_KIND) && gy_streq(out->name, d->name)) return true;
    return false;
}

/* A degraded driver stays ready: its calls say themselves what fails. */
static void poll_driver(struct gy_agent *a, struct gy_agent_driver_state *d)
{
    struct gy_instance_status status;
    if (!find_status(a, d, &status)) return;
    bool is_ready =
        !d->opening && (status.state == GY_INSTANCE_OPEN || status.state == GY_INSTANCE_DEGRADED);
    const char *text = status.text;
    if (!is_ready && !*text)
        text = d->opening ? "it is being opened" : gy_instance_state_name(status.state);
    set(a, d, is_ready, text);
}

void gy_agent_poll_drivers(struct gy_agent *a)
{
    if (!a->plugins || a->is_stopping) return;
    for (size_t i = 0; i < a->driver_count; i++)
        poll_driver(a, &a->drivers[i]);
    gy_agent_report_node(a);
}

void gy_agent_open_drivers(struct gy_agent *a)
{
    for (size_t i = 0; i < a->driver_count; i++) {
        struct gy_agent_driver_state *d = &a->drivers[i];
        struct gy_instance_status status;
        if (find_status(a, d, &status) && status.state != GY_INSTANCE_CREATED) {
            poll_driver(a, d); /* somebody opened it already */
            continue;
        }
        d->opening = gy_alloc(sizeof *d->opening);
        *d->opening = (struct gy_agent_opening){.agent = a, .driver = i};
        gy_instance_open(d->instance, on_opened, d->opening);
    }
}
