/* SPDX-License-Identifier: Apache-2.0 */
/* The framing of exec, attach and logs: channels with flow control over one byte stream.  No I/O.
 *
 * frame = u8 channel, u8 flags, u16 reserved (0), u32 length (big endian), bytes.
 * Each data channel of a direction has a window: the writer may have GY_STREAM_WINDOW bytes under
 * way that the reader has not credited; a credit frame carries a u32 of bytes consumed. */
#ifndef GY_NET_STREAM_H
#define GY_NET_STREAM_H

#include "base/text.h"
#include <stdint.h>

#define GY_STREAM_PROTOCOL "gantry-stream" /* value of Upgrade: */
#define GY_STREAM_HEADER 8u
#define GY_STREAM_FRAME_MAX (64u << 10) /* bytes in one frame */
#define GY_STREAM_WINDOW (256u << 10)   /* bytes under way per direction */

enum gy_stream_channel {
    GY_STREAM_STDIN = 0,
    GY_STREAM_STDOUT = 1,
    GY_STREAM_STDERR = 2,
    GY_STREAM_EXIT = 3, /* JSON: {"exit_code":0}, {"signal":"KILL"} or {"error":"..."}; the last */
    GY_STREAM_RESIZE = 4, /* two u16: columns, rows */
    GY_STREAM_CHANNELS
};
#define GY_STREAM_FLAG_END 1u    /* half-close: nothing follows on this channel */
#define GY_STREAM_FLAG_CREDIT 2u /* 4 bytes: so many more may be sent on stdin, stdout, stderr */

struct gy_stream_frame { /* bytes borrowed until the callback returns */
    uint8_t channel, flags;
    uint32_t len;
    const uint8_t *bytes;
};

/* Embedded; all zero to start. */
struct gy_stream_parser {
    uint8_t header[GY_STREAM_HEADER];
    uint32_t have; /* bytes of the header, then of the payload */
    uint32_t need; /* payload bytes of the frame under way */
    bool in_payload, failed;
    bool ended[GY_STREAM_CHANNELS];
    struct gy_buf payload; /* at most GY_STREAM_FRAME_MAX */
};
/* Feed what arrived; on_frame is called for each whole frame and returns false to stop (the rest of
 * bytes is then dropped and ECANCELED returned).  EINVAL with a sentence for anything that breaks
 * the framing; the parser then stays failed. */
gantry_status gy_stream_parse(struct gy_stream_parser *p, const void *bytes, size_t len,
                              bool (*on_frame)(void *arg, const struct gy_stream_frame *frame),
                              void *arg, struct gy_error *err);
void gy_stream_parser_fini(struct gy_stream_parser *p);

/* Append a frame; longer data is cut into frames (END on the last). */
void gy_stream_put(struct gy_buf *out, enum gy_stream_channel channel, unsigned flags,
                   const void *bytes, size_t len);
void gy_stream_put_credit(struct gy_buf *out, enum gy_stream_channel channel, uint32_t bytes);
void gy_stream_put_resize(struct gy_buf *out, uint16_t columns, uint16_t rows);
bool gy_stream_get_resize(const struct gy_stream_frame *frame, uint16_t *columns, uint16_t *rows);
bool gy_stream_get_credit(const struct gy_stream_frame *frame, uint32_t *bytes);

/* What one side may still send, and has to credit, on one channel.  Embedded;
 * gy_stream_window_init. */
struct gy_stream_window {
    uint32_t may_send;   /* the peer's credit that is left */
    uint32_t may_come;   /* what the peer may still send us */
    uint32_t uncredited; /* consumed by us, not yet told */
};
void gy_stream_window_init(struct gy_stream_window *w);
/* How many of len bytes may be sent now; they count as sent. */
uint32_t gy_stream_window_take(struct gy_stream_window *w, size_t len);
/* Credit came.  EINVAL when it passes the window. */
gantry_status gy_stream_window_credit(struct gy_stream_window *w, uint32_t bytes,
                                      struct gy_error *err);
/* Data came.  EINVAL when the peer did not have the credit. */
gantry_status gy_stream_window_arrived(struct gy_stream_window *w, uint32_t bytes,
                                       struct gy_error *err);
/* We are done with bytes; returns how much to credit now (0 = later: a quarter of the window is
 * gathered first). */
uint32_t gy_stream_window_consumed(struct gy_stream_window *w, uint32_t bytes);

#endif
