/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of this machine, in one process with the server: what goes between them as calls. */
#ifndef GY_MAIN_AGENT_WIRE_H
#define GY_MAIN_AGENT_WIRE_H

#include "agent/agent.h"
#include "server/link.h"

/* A link over an agent; strings and agent outlive it. */
void gy_agent_wire(struct gy_agent *agent, const char *node, struct gy_link *out);

#endif
