/* SPDX-License-Identifier: Apache-2.0 */
/* A thin TCP relay: listens on a published port, carries each connection to a backend.  [loop]. */
#ifndef GY_NET_RELAY_H
#define GY_NET_RELAY_H

#include "base/error.h"
#include "net/address.h"
#include <uv.h>

struct gy_relay;

/* Choose a backend for a new connection, attempt 0, 1, ...; false = there is none (left): the
 * client is closed.  Round robin is the caller's. */
typedef bool gy_relay_pick(void *arg, unsigned attempt, struct gy_address *backend);

struct gy_relay_options { /* zero = the default in brackets */
    unsigned connections; /* [1,024] at once; more wait in the kernel's backlog */
    unsigned attempts;    /* [3] backends tried for one connection */
    int64_t connect_ms;   /* [5 s] for each try */
};

struct gy_relay_stats {
    uint64_t accepted, refused;   /* refused: no backend answered */
    uint64_t bytes_in, bytes_out; /* from clients, to clients */
    unsigned open;
};

/* Listen on a numeric address; port 0 = any.  NULL with a sentence (EBUSY: taken). */
struct gy_relay *gy_relay_listen(uv_loop_t *loop, const char *host, uint16_t port,
                                 const struct gy_relay_options *options, gy_relay_pick *pick,
                                 void *arg, struct gy_error *err);
const struct gy_address *gy_relay_address(const struct gy_relay *r);
void gy_relay_get_stats(const struct gy_relay *r, struct gy_relay_stats *out);
/* Stop listening and cut what is open; freed on a later turn, then done(arg) (may be NULL). */
void gy_relay_close(struct gy_relay *r, void (*done)(void *arg), void *arg);

#endif
