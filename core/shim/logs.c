/* SPDX-License-Identifier: Apache-2.0 */
/* The container's output as lines of the Kubernetes CRI logging format,
 *   2026-01-02T03:04:05.678901234Z stdout F text
 * (P instead of F: the line goes on in the next entry), in files log.ATTEMPT.N that rotate by size.
 * A write that fails drops what it held and counts it: a full disk never stops the program. */
#include "shim/shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192 /* a longer line is written in parts */
#define PREFIX_MAX 64
#define OUT_MAX 32768

static struct {
    uint64_t attempt, max_bytes, files, number, size, dropped;
    int fd;
    struct {
        size_t len;
        char bytes[LINE_MAX_BYTES];
    } line[2];
    size_t out_len;
    char out[OUT_MAX];
} logs = {.fd = -1};

static void name_of(uint64_t attempt, uint64_t number, char out[64])
{
    snprintf(out, 64, "log.%llu.%llu", (unsigned long long)attempt, (unsigned long long)number);
}

static void open_next(void)
{
    char name[64];
    if (logs.fd >= 0) close(logs.fd);
    name_of(logs.attempt, ++logs.number, name);
    logs.fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    logs.size = 0;
    if (logs.number <= logs.files) return;
    name_of(logs.attempt, logs.number - logs.files, name);
    unlink(name);
}

/* The attempt before this one keeps its logs (`logs --previous`), older ones go. */
static void remove_older(void)
{
    DIR *dir = opendir(".");
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        unsigned long long attempt, number;
        int end = 0;
        if (sscanf(e->d_name, "log.%llu.%llu%n", &attempt, &number, &end) == 2 && !e->d_name[end] &&
            attempt + 1 < logs.attempt)
            unlink(e->d_name);
    }
    closedir(dir);
}

void gy_shim_logs_open(uint64_t attempt, uint64_t max_bytes, uint64_t files)
{
    logs.attempt = attempt;
    logs.max_bytes = max_bytes ? max_bytes : 10u << 20;
    logs.files = files ? files : 5;
    remove_older();
    open_next();
}

static bool write_whole(const char *p, size_t n)
{
    uint64_t before = logs.size;
    while (n) {
        ssize_t done = write(logs.fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            (void)!ftruncate(logs.fd, (off_t)before); /* no half line stays */
            logs.size = before;
            return false;
        }
        p += done;
        n -= (size_t)done;
        logs.size += (uint64_t)done;
    }
    return true;
}

static int prefix(char out[PREFIX_MAX], int stream, char tag)
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    return snprintf(out, PREFIX_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ %s %c ",
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                    now.tv_nsec, stream ? "stderr" : "stdout", tag);
}

static void say_dropped(void)
{
    char text[PREFIX_MAX + 64];
    int n = prefix(text, 1, 'F');
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "gantry-shim: %llu bytes of output were dropped\n",
                  (unsigned long long)logs.dropped);
    if (write_whole(text, (size_t)n)) logs.dropped = 0;
}

static void write_out(void)
{
    if (!logs.out_len) return;
    if (logs.fd < 0 || logs.size + logs.out_len > logs.max_bytes) open_next();
    if (logs.fd >= 0 && logs.dropped) say_dropped();
    if (logs.fd < 0 || !write_whole(logs.out, logs.out_len)) logs.dropped += logs.out_len;
    logs.out_len = 0;
}

static void entry(int stream, char tag, const char *bytes, size_t len)
{
    if (logs.out_len + PREFIX_MAX + len + 1 > sizeof logs.out) write_out();
    logs.out_len += (size_t)prefix(logs.out + logs.out_len, stream, tag);
    memcpy(logs.out + logs.out_len, bytes, len);
    logs.out_len += len;
    logs.out[logs.out_len++] = '\n';
}

bool gy_shim_logs_read(int stream, int fd)
{
    char *bytes = logs.line[stream].bytes;
    size_t *len = &logs.line[stream].len;
    ssize_t n = read(fd, bytes + *len, LINE_MAX_BYTES - *len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (n <= 0) return false; /* EIO: the last one left the terminal */
    *len += (size_t)n;
    size_t from = 0;
    for (char *end; (end = memchr(bytes + from, '\n', *len - from));
         from = (size_t)(end - bytes) + 1)
        entry(stream, 'F', bytes + from, (size_t)(end - bytes) - from);
    if (from == 0 && *len == LINE_MAX_BYTES) {
        entry(stream, 'P', bytes, *len);
        from = *len;
    }
    memmove(bytes, bytes + from, *len - from);
    *len -= from;
    write_out();
    return true;
}

void gy_shim_logs_flush(void)
{
    for (int stream = 0; stream < 2; stream++) {
        if (logs.line[stream].len)
            entry(stream, 'F', logs.line[stream].bytes, logs.line[stream].len);
        logs.line[stream].len = 0;
    }
    write_out();
    if (logs.dropped && logs.fd >= 0) say_dropped();
}
