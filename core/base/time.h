/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and times and durations as text. */
#ifndef GY_BASE_TIME_H
#define GY_BASE_TIME_H

#include "base/error.h"
#include <stdint.h>

#define GY_TIME_TEXT_MAX 32

int64_t gy_time_mono_ms(void); /* CLOCK_BOOTTIME: counts while suspended, never jumps */
int64_t gy_time_mono_ns(void); /* CLOCK_MONOTONIC, for measuring */
int64_t gy_time_wall_ms(void); /* since 1970; may jump */

/* "2026-01-02T03:04:05.678Z" (RFC 3339, UTC). */
void gy_time_format(int64_t wall_ms, char out[GY_TIME_TEXT_MAX]);
/* RFC 3339 with any offset, or a duration before now_ms ("10m").  EINVAL with a sentence. */
gantry_status gy_time_parse(const char *text, int64_t now_ms, int64_t *wall_ms,
                            struct gy_error *err);
/* "1h5m30s500ms", "90s", "1.5h", as in Compose; a number without a unit is refused.  EINVAL. */
gantry_status gy_duration_parse(const char *text, int64_t *ms, struct gy_error *err);
/* For people: "4 min", "2 h 5 min", "350 ms". */
void gy_duration_format(int64_t ms, char out[GY_TIME_TEXT_MAX]);

#endif
