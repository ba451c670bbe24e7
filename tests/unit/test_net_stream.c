/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "suite.h"

struct seen {
    struct gy_buf bytes[GY_STREAM_CHANNELS];
    bool ended[GY_STREAM_CHANNELS];
    unsigned frames, stop_after;
    uint16_t columns, rows;
    uint32_t credit;
};

static bool see(void *arg, const struct gy_stream_frame *frame)
{
    struct seen *s = arg;
    s->frames++;
    if (!gy_stream_get_credit(frame, &s->credit) &&
        !gy_stream_get_resize(frame, &s->columns, &s->rows))
        gy_buf_add(&s->bytes[frame->channel], frame->bytes, frame->len);
    if (frame->flags & GY_STREAM_FLAG_END) s->ended[frame->channel] = true;
    return s->frames != s->stop_after;
}

static void forget(struct seen *s)
{
    for (int i = 0; i < GY_STREAM_CHANNELS; i++)
        gy_buf_fini(&s->bytes[i]);
    *s = (struct seen){0};
}

static void frames_survive_any_cut(void)
{
    struct gy_buf out = {0};
    char *large = calloc(1, 200000);
    memset(large, 'z', 200000);
    gy_stream_put(&out, GY_STREAM_STDIN, 0, "hello", 5);
    gy_stream_put_resize(&out, 132, 43);
    gy_stream_put_credit(&out, GY_STREAM_STDOUT, 70000);
    gy_stream_put(&out, GY_STREAM_STDOUT, GY_STREAM_FLAG_END, large, 200000);
    gy_stream_put(&out, GY_STREAM_EXIT, GY_STREAM_FLAG_END, "{\"exit_code\":0}", 15);
    size_t steps[] = {1, 3, 7, 8, 9, 4096, 65536, 1u << 20};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        struct gy_stream_parser p = {0};
        struct seen s = {0};
        for (size_t i = 0; i < out.len; i += steps[k]) {
            size_t n = out.len - i < steps[k] ? out.len - i : steps[k];
            CHECK_INT(gy_stream_parse(&p, out.text + i, n, see, &s, NULL), GANTRY_OK);
        }
        CHECK_STR(s.bytes[GY_STREAM_STDIN].text, "hello");
        CHECK_INT(s.bytes[GY_STREAM_STDOUT].len, 200000);
        CHECK_STR(s.bytes[GY_STREAM_EXIT].text, "{\"exit_code\":0}");
        CHECK_INT(s.columns, 132);
        CHECK_INT(s.rows, 43);
        CHECK_INT(s.credit, 70000);
        CHECK(s.ended[GY_STREAM_STDOUT] && s.ended[GY_STREAM_EXIT] && !s.ended[GY_STREAM_STDIN]);
        CHECK_INT(s.frames, 8);
        forget(&s);
        gy_stream_parser_fini(&p);
    }
    free(large);
    gy_buf_fini(&out);
}

static void broken_frames_are_refused(void)
{
    static const struct {
        uint8_t bytes[20];
        size_t len;
        const char *says;
    } table[] = {
        {{5, 0, 0, 0, 0, 0, 0, 0}, 8, "no channel 5"},
        {{0, 4, 0, 0, 0, 0, 0, 0}, 8, "unknown flags 0x04"},
        {{0, 0, 1, 0, 0, 0, 0, 0}, 8, "reserved"},
        {{0, 0, 0, 0, 0, 1, 0, 1}, 8, "65537 bytes is larger"},
        {{0, 0, 0, 0, 255, 255, 255, 255}, 8, "larger than"},
        {{0, 2, 0, 0, 0, 0, 0, 3}, 8, "malformed credit"},
        {{0, 3, 0, 0, 0, 0, 0, 4}, 8, "malformed credit"},
        {{3, 2, 0, 0, 0, 0, 0, 4}, 8, "malformed credit"},
        {{4, 0, 0, 0, 0, 0, 0, 5}, 8, "a resize of 5"},
        {{1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1}, 16, "after the end of channel 1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gy_stream_parser p = {0};
        struct seen s = {0};
        struct gy_error err = GY_ERROR_INIT;
        CHECK_INT(gy_stream_parse(&p, table[i].bytes, table[i].len, see, &s, &err), GANTRY_EINVAL);
        CHECK(strstr(err.text, table[i].says));
        CHECK_INT(gy_stream_parse(&p, "\0\0\0\0\0\0\0\0", 8, see, &s, &err), GANTRY_EINVAL);
        forget(&s);
        gy_stream_parser_fini(&p);
    }
}

static void a_callback_can_stop(void)
{
    struct gy_buf out = {0};
    struct gy_stream_parser p = {0};
    struct seen s = {.stop_after = 1};
    gy_stream_put(&out, GY_STREAM_STDIN, 0, "a", 1);
    gy_stream_put(&out, GY_STREAM_STDIN, 0, "b", 1);
    CHECK_INT(gy_stream_parse(&p, out.text, out.len, see, &s, NULL), GANTRY_ECANCELED);
    CHECK_INT(s.frames, 1);
    forget(&s);
    gy_stream_parser_fini(&p);
    gy_buf_fini(&out);
}

static void windows_bound_both_sides(void)
{
    struct gy_stream_window w, peer;
    gy_stream_window_init(&w);
    gy_stream_window_init(&peer);
    CHECK_INT(gy_stream_window_take(&w, 100), 100);
    CHECK_INT(gy_stream_window_take(&w, SIZE_MAX), GY_STREAM_WINDOW - 100);
    CHECK_INT(gy_stream_window_take(&w, 1), 0);
    CHECK_INT(gy_stream_window_arrived(&peer, GY_STREAM_WINDOW, NULL), GANTRY_OK);
    CHECK_INT(gy_stream_window_arrived(&peer, 1, NULL), GANTRY_EINVAL);
    CHECK_INT(gy_stream_window_consumed(&peer, 10), 0);
    uint32_t credit = gy_stream_window_consumed(&peer, GY_STREAM_WINDOW / 4);
    CHECK_INT(credit, GY_STREAM_WINDOW / 4 + 10);
    CHECK_INT(gy_stream_window_credit(&w, credit, NULL), GANTRY_OK);
    CHECK_INT(gy_stream_window_take(&w, SIZE_MAX), credit);
    CHECK_INT(gy_stream_window_arrived(&peer, credit, NULL), GANTRY_OK);
    CHECK_INT(gy_stream_window_credit(&w, GY_STREAM_WINDOW + 1, NULL), GANTRY_EINVAL);
}

SUITE("net.stream", {"frames survive any cut", frames_survive_any_cut},
      {"broken frames are refused", broken_frames_are_refused},
      {"a callback can stop", a_callback_can_stop},
      {"windows bound both sides", windows_bound_both_sides})
