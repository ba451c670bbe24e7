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

void gy_agent_open_drivers(struct gy_agent *a)
{
    for (size_t i = 0; i < a->driver_count; i++) {
        struct gy_agent_opening *opening = gy_alloc(sizeof *opening);
        *opening = (struct gy_agent_opening){.agent = a, .driver = i};
        a->drivers[i].opening = opening;
        gy_instance_open(a->drivers[i].instance, on_opened, opening);
    }
}

void gy_agent_leave_drivers(struct gy_agent *a)
{
    for (size_t i = 0; i < a->driver_count; i++) {
        if (a->drivers[i].opening) a->drivers[i].opening->agent = NULL;
        a->drivers[i].opening = NULL;
    }
}

static void poll_driver(struct gy_agent *a, struct gy_agent_driver_state *d)
{
    struct gy_instance_status status;
    for (size_t i = 0; gy_plugins_instance_status(a->plugins, i, &status); i++) {
        if (!gy_streq(status.kind, GANTRY_DRIVER_KIND) || !gy_streq(status.name, d->name)) continue;
        if (d->opening) {
            set(a, d, false, *status.text ? status.text : "it is being opened");
        } else if (status.state == GY_INSTANCE_OPEN || status.state == GY_INSTANCE_DEGRADED) {
            set(a, d, true, status.text); /* its calls say themselves what fails */
        } else {
            set(a, d, false,
                *status.text ? status.text : gy_instance_state_name(status.state));
        }
        return;
    }
}

void gy_agent_poll_drivers(struct gy_agent *a)
{
    if (!a->plugins || a->is_stopping) return;
    for (size_t i = 0; i < a->driver_count; i++)
        poll_driver(a, &a->drivers[i]);
    gy_agent_report_node(a);
}
