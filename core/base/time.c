/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id, int64_t per_second)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * per_second + (int64_t)ts.tv_nsec / (1000000000 / per_second);
}

int64_t gy_time_mono_ms(void)
{
    return read_clock(CLOCK_BOOTTIME, 1000);
}
int64_t gy_time_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000000);
}
int64_t gy_time_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000);
}

void gy_time_format(int64_t wall_ms, char out[GY_TIME_TEXT_MAX])
{
    int64_t ms = wall_ms % 1000, s = wall_ms / 1000;
    if (ms < 0) {
        ms += 1000;
        s--;
    }
    time_t t = (time_t)s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900) {
        memcpy(out, "9999-12-31T23:59:59.999Z", 25);
        return;
    }
    char day[GY_TIME_TEXT_MAX];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, GY_TIME_TEXT_MAX, "%.20s.%03dZ", day, (int)ms);
}

gantry_status gy_time_parse(const char *text, int64_t now_ms, int64_t *wall_ms,
                            struct gy_error *err)
{
    struct tm tm;
    memset(&tm, 0, sizeof tm);
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!p) {
        int64_t ago;
        if (gy_duration_parse(text, &ago, NULL) == GANTRY_OK) {
            *wall_ms = now_ms - ago;
            return GANTRY_OK;
        }
        return gy_error_set(
            err, GANTRY_EINVAL,
            "\"%s\" is not a time: write 2026-01-02T15:04:05Z, or 10m for ten minutes ago", text);
    }
    int64_t ms = 0;
    if (*p == '.') {
        int64_t unit = 100;
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            ms += unit * (*p - '0');
    }
    int64_t offset_s = 0;
    int hours, minutes, used = 0;
    char sign;
    if (*p == 'Z' && !p[1]) {
        offset_s = 0;
    } else if (sscanf(p, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) == 3 && !p[used] &&
               (sign == '+' || sign == '-') && hours >= 0 && hours < 24 && minutes >= 0 &&
               minutes < 60) {
        offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    } else {
        return gy_error_set(err, GANTRY_EINVAL, "\"%s\" has no time zone: end it in Z or +02:00",
                            text);
    }
    *wall_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
    return GANTRY_OK;
}

gantry_status gy_duration_parse(const char *text, int64_t *ms, struct gy_error *err)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000LL}};
    int64_t total_us = 0;
    const char *p = text;
    if (!*p) goto bad;
    while (*p) {
        char *end;
        if (*p < '0' || *p > '9') goto bad;
        double value = strtod(p, &end);
        if (end == p || value > 1e9) goto bad;
        size_t n = strspn(end, "umsh");
        /* "1m30s": the unit is the longest known one */
        const char *found = NULL;
        int64_t us = 0;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            size_t len = strlen(units[i].unit);
            if (n >= len && !strncmp(end, units[i].unit, len) && (!found || len > strlen(found))) {
                found = units[i].unit;
                us = units[i].us;
            }
        }
        if (!found) goto bad;
        if (value * (double)us > 4e18 - (double)total_us) goto bad;
        total_us += (int64_t)(value * (double)us + 0.5);
        p = end + strlen(found);
    }
    *ms = total_us / 1000;
    return GANTRY_OK;
bad:
    return gy_error_set(err, GANTRY_EINVAL,
                        "\"%s\" is not a duration: write 500ms, 10s, 1m30s or 2h", text);
}

void gy_duration_format(int64_t ms, char out[GY_TIME_TEXT_MAX])
{
    const char *sign = ms < 0 ? "-" : "";
    if (ms < 0) ms = -ms;
    int64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, GY_TIME_TEXT_MAX, "%s%d ms", sign, (int)ms);
    else if (s < 60)
        snprintf(out, GY_TIME_TEXT_MAX, "%s%d s", sign, (int)s);
    else if (s < 3600)
        snprintf(out, GY_TIME_TEXT_MAX, "%s%d min", sign, (int)(s / 60));
    else if (s < 86400)
        snprintf(out, GY_TIME_TEXT_MAX, "%s%d h %d min", sign, (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(out, GY_TIME_TEXT_MAX, "%s%lld d %d h", sign, (long long)(s / 86400),
                 (int)(s / 3600 % 24));
}
