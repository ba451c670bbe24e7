/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static _Atomic int threshold = GY_LOG_INFO;
static _Atomic int target = 2;

void gy_log_set_level(enum gy_log_level level)
{
    atomic_store(&threshold, (int)level);
}
enum gy_log_level gy_log_get_level(void)
{
    return (enum gy_log_level)atomic_load(&threshold);
}
void gy_log_set_fd(int fd)
{
    atomic_store(&target, fd);
}

/* Copy with control characters escaped, so that one call is always one line. */
static size_t escape(char *out, size_t max, const char *in)
{
    size_t n = 0;
    for (; *in && n + 5 < max; in++) {
        unsigned char c = (unsigned char)*in;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, max - n, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    return n;
}

void gy_vlog(enum gy_log_level level, const char *room, const char *fmt, va_list args)
{
    static const char *const names[] = {"error", "warn ", "info ", "debug", "trace"};
    if ((int)level > atomic_load(&threshold)) return;
    char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128], stamp[GY_TIME_TEXT_MAX];
    vsnprintf(text, sizeof text, fmt, args);
    gy_time_format(gy_time_wall_ms(), stamp);
    size_t n = (size_t)snprintf(line, sizeof line, "%s %s %s: ", stamp, names[level], room);
    n += escape(line + n, sizeof line - n - 1, text);
    line[n++] = '\n';
    ssize_t done = write(atomic_load(&target), line, n); /* one write, so lines do not mix */
    (void)done; /* a log that cannot be written has nowhere to complain */
}

void gy_log(enum gy_log_level level, const char *room, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_vlog(level, room, fmt, args);
    va_end(args);
}
