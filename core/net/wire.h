/* SPDX-License-Identifier: Apache-2.0 */
/* A bidirectional byte stream on the loop (a connected TCP or unix socket) with bounded writes,
 * back-pressure and half-close.  All [loop]. */
#ifndef GY_NET_WIRE_H
#define GY_NET_WIRE_H

#include "base/error.h"
#include "net/address.h"
#include <stdbool.h>
#include <uv.h>

#define GY_WIRE_QUEUE_MAX (1u << 20)   /* bytes waiting to be written; EBUSY beyond */
#define GY_WIRE_QUEUE_LOW (256u << 10) /* on_writable below this */

struct gy_wire;

struct gy_wire_events {
    /* Bytes from the peer, borrowed. */
    void (*on_bytes)(void *arg, const void *bytes, size_t len);
    /* The peer ended its direction (err NULL: orderly, writing still works; else: broken).  Once.
     * The wire stays until gy_wire_close(). */
    void (*on_end)(void *arg, const struct gy_error *err);
    /* The queue was at GY_WIRE_QUEUE_LOW or more, and is below it again.  May be NULL. */
    void (*on_writable)(void *arg);
};

/* Takes fd (a connected stream socket), also on failure.  NULL with a sentence. */
struct gy_wire *gy_wire_open(uv_loop_t *loop, int fd, struct gy_error *err);
/* Connect to a TCP or unix address; on_open gets the wire, or NULL and why (EUNAVAIL).  The result
 * of gy_wire_connect can be canceled until then (on_open is then not called). */
struct gy_wire_connect;
struct gy_wire_connect *
gy_wire_connect(uv_loop_t *loop, const struct gy_address *address, int64_t timeout_ms,
                void (*on_open)(void *arg, struct gy_wire *wire, const struct gy_error *err),
                void *arg);
void gy_wire_connect_cancel(struct gy_wire_connect *c);

/* Start delivering events; before it nothing is read. */
void gy_wire_start(struct gy_wire *w, const struct gy_wire_events *events, void *arg);
/* Copies bytes.  EBUSY: the queue is full, nothing was taken (an empty queue takes one larger
 * write).  EUNAVAIL: broken or already ended. */
gantry_status gy_wire_write(struct gy_wire *w, const void *bytes, size_t len);
size_t gy_wire_queued(const struct gy_wire *w);
void gy_wire_pause(struct gy_wire *w); /* stop reading: the peer feels it */
void gy_wire_resume(struct gy_wire *w);
/* No more writes from us: half-close once the queue is written. */
void gy_wire_end(struct gy_wire *w);
/* Cut at once, forget what is queued; no event comes after this. */
void gy_wire_close(struct gy_wire *w);
/* As gy_wire_close, but what is queued is still written first, for at most 5 s. */
void gy_wire_finish(struct gy_wire *w);

/* Bytes that came before the wire existed; delivered first.  Copies. */
void gy_wire_give_early(struct gy_wire *w, const void *bytes, size_t len);
/* Called once when the socket is closed and the wire is freed. */
void gy_wire_on_freed(struct gy_wire *w, void (*freed)(void *arg), void *arg);

#endif
