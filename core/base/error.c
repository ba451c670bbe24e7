/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void cut(char *text, size_t max)
{
    size_t end = max - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "...", 4);
}

gantry_status gy_error_vset(struct gy_error *err, gantry_status status, const char *fmt,
                            va_list args)
{
    if (!err) return status;
    char text[GY_ERROR_TEXT_MAX]; /* an argument may point into err->text */
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0) text[0] = '\0';
    if (n >= (int)sizeof text) cut(text, sizeof text);
    err->status = status;
    memcpy(err->text, text, strlen(text) + 1);
    return status;
}

gantry_status gy_error_set(struct gy_error *err, gantry_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_error_vset(err, status, fmt, args);
    va_end(args);
    return status;
}

gantry_status gy_error_wrap(struct gy_error *err, const char *fmt, ...)
{
    if (!err) return GANTRY_EINTERNAL;
    char prefix[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    return gy_error_set(err, err->status, "%s: %s", prefix, err->text);
}

const char *gy_status_name(gantry_status status)
{
    static const char *const names[] = {"OK",     "EINVAL",    "ENOTSUP",   "ENOTFOUND",
                                        "EBUSY",  "EUNAVAIL",  "ECANCELED", "ETIMEDOUT",
                                        "ENOMEM", "EINTERNAL", "ECONFLICT"};
    if (status > 0 || -status >= (int)(sizeof names / sizeof *names)) return "EINTERNAL";
    return names[-status];
}
