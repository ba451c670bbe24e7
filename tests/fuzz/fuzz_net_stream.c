/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says how the rest is cut: what is parsed must not depend on it. */
#include "net/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct digest {
    uint64_t hash;
    size_t frames;
};

static bool add(void *arg, const struct gy_stream_frame *frame)
{
    struct digest *d = arg;
    uint16_t columns, rows;
    uint32_t credit;
    GY_ASSERT(frame->channel < GY_STREAM_CHANNELS && frame->len <= GY_STREAM_FRAME_MAX);
    gy_stream_get_resize(frame, &columns, &rows);
    gy_stream_get_credit(frame, &credit);
    d->frames++;
    d->hash = (d->hash ^ frame->channel ^ (uint64_t)frame->flags << 8) * 0x100000001b3;
    for (uint32_t i = 0; i < frame->len; i++)
        d->hash = (d->hash ^ frame->bytes[i]) * 0x100000001b3;
    return true;
}

static gantry_status parse(const uint8_t *bytes, size_t len, size_t step, struct digest *d)
{
    struct gy_stream_parser p = {0};
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < len && status == GANTRY_OK; i += step)
        status = gy_stream_parse(&p, bytes + i, len - i < step ? len - i : step, add, d, NULL);
    gy_stream_parser_fini(&p);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2) return 0;
    struct digest whole = {0}, cut = {0};
    gantry_status a = parse(bytes + 1, len - 1, len, &whole);
    gantry_status b = parse(bytes + 1, len - 1, (size_t)bytes[0] + 1, &cut);
    GY_ASSERT(a == b && whole.hash == cut.hash && whole.frames == cut.frames);
    return 0;
}
