/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static gantry_status check_header(struct gy_stream_parser *p, struct gy_error *err)
{
    uint8_t channel = p->header[0], flags = p->header[1];
    bool credit = flags & GY_STREAM_FLAG_CREDIT;
    p->need = get_u32(p->header + 4);
    if (channel >= GY_STREAM_CHANNELS)
        return gy_error_set(err, GANTRY_EINVAL, "stream: there is no channel %u", channel);
    if (flags & ~(GY_STREAM_FLAG_END | GY_STREAM_FLAG_CREDIT))
        return gy_error_set(err, GANTRY_EINVAL, "stream: unknown flags 0x%02x", flags);
    if (p->header[2] || p->header[3])
        return gy_error_set(err, GANTRY_EINVAL, "stream: the reserved bytes are not zero");
    if (p->need > GY_STREAM_FRAME_MAX)
        return gy_error_set(err, GANTRY_EINVAL,
                            "stream: a frame of %u bytes is larger than %u bytes", p->need,
                            GY_STREAM_FRAME_MAX);
    if (credit && (flags & GY_STREAM_FLAG_END || p->need != 4 || channel > GY_STREAM_STDERR))
        return gy_error_set(err, GANTRY_EINVAL, "stream: a malformed credit frame");
    if (!credit && channel == GY_STREAM_RESIZE && p->need != 4)
        return gy_error_set(err, GANTRY_EINVAL, "stream: a resize of %u bytes instead of 4",
                            p->need);
    if (!credit && p->ended[channel])
        return gy_error_set(err, GANTRY_EINVAL, "stream: bytes after the end of channel %u",
                            channel);
    return GANTRY_OK;
}

gantry_status gy_stream_parse(struct gy_stream_parser *p, const void *bytes, size_t len,
                              bool (*on_frame)(void *arg, const struct gy_stream_frame *frame),
                              void *arg, struct gy_error *err)
{
    const uint8_t *at = bytes, *end = at + len;
    if (p->failed) return gy_error_set(err, GANTRY_EINVAL, "stream: broken by an earlier frame");
    for (;;) {
        if (!p->in_payload) {
            while (p->have < GY_STREAM_HEADER && at < end)
                p->header[p->have++] = *at++;
            if (p->have < GY_STREAM_HEADER) return GANTRY_OK;
            gantry_status status = check_header(p, err);
            p->failed = status != GANTRY_OK;
            if (p->failed) return status;
            p->in_payload = true;
            p->have = 0;
        }
        struct gy_stream_frame frame = {p->header[0], p->header[1], p->need, at};
        size_t left = (size_t)(end - at);
        if (p->have == 0 && left >= p->need) { /* whole: no copy */
            at += p->need;
        } else {
            size_t part = p->need - p->have < left ? p->need - p->have : left;
            gy_buf_add(&p->payload, at, part);
            p->have += (uint32_t)part;
            at += part;
            if (p->have < p->need) return GANTRY_OK;
            frame.bytes = (const uint8_t *)p->payload.text;
        }
        if (frame.flags & GY_STREAM_FLAG_END) p->ended[frame.channel] = true;
        bool go_on = on_frame(arg, &frame);
        p->in_payload = false;
        p->have = 0;
        p->payload.len = 0;
        if (!go_on) return GANTRY_ECANCELED;
        if (at == end) return GANTRY_OK;
    }
}

void gy_stream_parser_fini(struct gy_stream_parser *p)
{
    gy_buf_fini(&p->payload);
}

static void put_frame(struct gy_buf *out, enum gy_stream_channel channel, unsigned flags,
                      const void *bytes, uint32_t len)
{
    uint8_t header[GY_STREAM_HEADER] = {(uint8_t)channel, (uint8_t)flags};
    put_u32(header + 4, len);
    gy_buf_add(out, header, sizeof header);
    gy_buf_add(out, bytes, len);
}

void gy_stream_put(struct gy_buf *out, enum gy_stream_channel channel, unsigned flags,
                   const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > GY_STREAM_FRAME_MAX) {
        put_frame(out, channel, flags & ~GY_STREAM_FLAG_END, p, GY_STREAM_FRAME_MAX);
        p += GY_STREAM_FRAME_MAX;
        len -= GY_STREAM_FRAME_MAX;
    }
    put_frame(out, channel, flags, p, (uint32_t)len);
}

void gy_stream_put_credit(struct gy_buf *out, enum gy_stream_channel channel, uint32_t bytes)
{
    uint8_t payload[4];
    put_u32(payload, bytes);
    put_frame(out, channel, GY_STREAM_FLAG_CREDIT, payload, sizeof payload);
}

void gy_stream_put_resize(struct gy_buf *out, uint16_t columns, uint16_t rows)
{
    uint8_t payload[4];
    put_u32(payload, (uint32_t)columns << 16 | rows);
    put_frame(out, GY_STREAM_RESIZE, 0, payload, sizeof payload);
}

bool gy_stream_get_resize(const struct gy_stream_frame *frame, uint16_t *columns, uint16_t *rows)
{
    if (frame->channel != GY_STREAM_RESIZE || frame->len != 4) return false;
    uint32_t both = get_u32(frame->bytes);
    *columns = (uint16_t)(both >> 16);
    *rows = (uint16_t)both;
    return true;
}

bool gy_stream_get_credit(const struct gy_stream_frame *frame, uint32_t *bytes)
{
    if (!(frame->flags & GY_STREAM_FLAG_CREDIT) || frame->len != 4) return false;
    *bytes = get_u32(frame->bytes);
    return true;
}

/* ---- windows ---- */

void gy_stream_window_init(struct gy_stream_window *w)
{
    *w = (struct gy_stream_window){GY_STREAM_WINDOW, GY_STREAM_WINDOW, 0};
}

uint32_t gy_stream_window_take(struct gy_stream_window *w, size_t len)
{
    uint32_t n = len < w->may_send ? (uint32_t)len : w->may_send;
    w->may_send -= n;
    return n;
}

gantry_status gy_stream_window_credit(struct gy_stream_window *w, uint32_t bytes,
                                      struct gy_error *err)
{
    if (bytes > GY_STREAM_WINDOW - w->may_send)
        return gy_error_set(err, GANTRY_EINVAL,
                            "stream: credit for %u bytes, only %u are under way", bytes,
                            GY_STREAM_WINDOW - w->may_send);
    w->may_send += bytes;
    return GANTRY_OK;
}

gantry_status gy_stream_window_arrived(struct gy_stream_window *w, uint32_t bytes,
                                       struct gy_error *err)
{
    if (bytes > w->may_come)
        return gy_error_set(err, GANTRY_EINVAL, "stream: %u bytes came with credit for %u", bytes,
                            w->may_come);
    w->may_come -= bytes;
    return GANTRY_OK;
}

uint32_t gy_stream_window_consumed(struct gy_stream_window *w, uint32_t bytes)
{
    w->uncredited += bytes;
    if (w->uncredited < GY_STREAM_WINDOW / 4) return 0;
    uint32_t n = w->uncredited;
    w->uncredited = 0;
    w->may_come += n;
    return n;
}
