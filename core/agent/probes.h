/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks over the network: an HTTP request, or a TCP connection.  [loop] */
#ifndef GY_AGENT_PROBES_H
#define GY_AGENT_PROBES_H

#include "base/error.h"
#include <stdint.h>
#include <uv.h>

#define GY_PROBE_OUTPUT_MAX 4096 /* bytes of an answer that are kept */

struct gy_probe_query { /* copied */
    const char *host;   /* numeric address, IPv4 or IPv6 */
    uint16_t port;
    const char *path;   /* HTTP: GET it, 2xx or 3xx is healthy; NULL = connecting is enough */
    int64_t timeout_ms; /* for all of it */
};
/* OK = healthy, EINVAL = not; text says what was seen. */
typedef void gy_probe_done(void *arg, gantry_status status, const char *text);

struct gy_probe;
/* done runs once, on a later turn; the probe is gone then. */
struct gy_probe *gy_probe_start(uv_loop_t *loop, const struct gy_probe_query *query,
                                gy_probe_done *done, void *arg);
void gy_probe_cancel(struct gy_probe *probe); /* done does not run */

#endif
