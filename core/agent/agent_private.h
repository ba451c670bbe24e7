/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef GY_AGENT_PRIVATE_H
#define GY_AGENT_PRIVATE_H

#include "agent/agent.h"
#include "agent/node_facts.h"
#include "agent/ownership.h"
#include "agent/ports.h"
#include "base/text.h"
#include "engine/node/node_half.h"
#include <bsd/sys/queue.h>
#include <gantry/driver.h>

#define GY_AGENT_PORT_LOW 20000 /* below the kernel's range for outgoing connections */
#define GY_AGENT_PORT_HIGH 29999

struct gy_agent_opening;

struct gy_agent_driver_state {
    char *name, *provider;
    struct gy_instance *instance;
    struct gy_agent_opening *opening; /* until its open has ended */
    bool is_ready;
    char *text; /* why not, or what is missing; NULL = nothing */
};

struct gy_agent_call;      /* an action under way: driver_calls.c */
struct gy_agent_published; /* ports of one key: relay.c */
TAILQ_HEAD(gy_agent_calls, gy_agent_call);
TAILQ_HEAD(gy_agent_streams, gy_agent_stream);

struct gy_agent {
    uv_loop_t *loop;
    char *node, *boot_id, *cluster, *port_address;
    int64_t max_pods, heartbeat_ms;
    struct gy_map labels;
    struct gy_agent_up up;
    struct gy_plugins *plugins;
    struct gy_node_half *half;
    struct gy_agent_driver_state *drivers;
    size_t driver_count;
    struct gy_port_book *ports;
    struct gy_owner_key key;
    struct gy_agent_calls calls;
    struct gy_agent_streams streams;
    struct gy_agent_published *published; /* by key */
    struct gy_node_facts facts;           /* as of facts_mono_ms */
    int64_t facts_mono_ms;                /* 0 = never */
    struct gy_node_report report;         /* as it was last told */
    bool has_reported, is_started, is_stopping;
    uv_timer_t step, heartbeat;
    unsigned closing; /* timers and listeners that have to be gone before done */
    void (*stop_done)(void *arg);
    void *stop_arg;
};

struct gy_now gy_agent_now(void);
/* Step the node half on the next turn. */
void gy_agent_kick(struct gy_agent *agent);
/* One more thing of gy_agent_stop has gone. */
void gy_agent_closed(struct gy_agent *agent);
struct gy_agent_driver_state *gy_agent_find_driver(struct gy_agent *agent, const char *name);

/* drivers.c */
void gy_agent_open_drivers(struct gy_agent *agent);
void gy_agent_leave_drivers(
    struct gy_agent *agent); /* open's answers are not waited for any longer */
void gy_agent_poll_drivers(struct gy_agent *agent); /* what became of them meanwhile */
/* node.c: tell the node's report, when it differs from the last one. */
void gy_agent_report_node(struct gy_agent *agent);

/* driver_calls.c */
/* Begin an action other than REPORT and EVENT; its end is told to the half on a later turn. */
void gy_agent_call_run(struct gy_agent *agent, const struct gy_action *action);
/* Those that could not even begin: tell so.  True when there were some. */
bool gy_agent_calls_tell_failed(struct gy_agent *agent);
/* The pod is no longer wanted: a prepare that may take minutes ends early. */
void gy_agent_calls_hurry(struct gy_agent *agent, const char *pod_id);
void gy_agent_calls_forget(struct gy_agent *agent); /* no more answers */

/* list.c: the pods of one LIST, as they come. */
struct gy_agent_listing {
    struct gy_observed_pod *pods;
    size_t n, cap;
};
void gy_agent_listing_add(struct gy_agent *agent, struct gy_agent_listing *listing,
                          const char *driver, const gantry_pod_status *status);
void gy_agent_listing_fini(struct gy_agent_listing *listing);
/* text and name are for free(). */
void gy_agent_observe(const gantry_container_status *from, struct gy_observed_container *out);
void gy_agent_observed_fini(struct gy_observed_container *c);

/* streams.c */
void gy_agent_streams_end(struct gy_agent *agent); /* each sink is told ECANCELED */

/* relay.c */
void gy_agent_published_close(struct gy_agent *agent);

#endif
