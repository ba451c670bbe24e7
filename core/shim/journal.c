/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of attempts: lines, appended and synced, in the file `attempts`.
 *   S attempt pid start_ticks wall_ms boot_id shim_pid
 *   E attempt code signal flags wall_ms boot_id text...
 * S is durable before the program runs, E before the shim ends.  A line without its newline was
 * torn by a crash and counts as absent.  Readers and writers are this file and
 * plugins/driver/process/journal.c. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEEP_ABOVE 65536 /* bytes; a longer journal is cut to its last lines */
#define KEEP_TAIL 4096

static int journal_fd = -1;
static char boot_id[GY_SHIM_BOOT_ID_MAX] = "unknown";

int64_t gy_shim_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void read_boot_id(void)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = read(fd, boot_id, sizeof boot_id - 1);
    close(fd);
    if (n > 0) boot_id[strcspn(boot_id, "\n")] = '\0';
}

static int write_whole(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Keep the last lines only: beside, synced, renamed. */
static int cut(const char *tail, size_t len)
{
    int fd = open("attempts.new", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    if (write_whole(fd, tail, len) < 0 || fdatasync(fd) < 0 ||
        rename("attempts.new", "attempts") < 0) {
        close(fd);
        return -1;
    }
    close(journal_fd);
    journal_fd = fd;
    return 0;
}

int gy_shim_journal_open(uint64_t *last_attempt, char text[GY_SHIM_TEXT_MAX])
{
    read_boot_id();
    journal_fd = open("attempts", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (journal_fd < 0 || fstat(journal_fd, &st) < 0)
        return gy_shim_fail(text, "attempts: %s", strerror(errno));
    /* Attempts only grow, so the tail knows the last one. */
    char tail[KEEP_TAIL + 1];
    off_t from = st.st_size > KEEP_TAIL ? st.st_size - KEEP_TAIL : 0;
    ssize_t n = pread(journal_fd, tail, KEEP_TAIL, from);
    if (n < 0) return gy_shim_fail(text, "attempts: %s", strerror(errno));
    tail[n] = '\0';
    char *line = tail;
    if (from > 0) line = strchr(tail, '\n') ? strchr(tail, '\n') + 1 : tail;
    char *whole = line;
    *last_attempt = 0;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        unsigned long long attempt;
        int shim; /* the last field: without it the line was torn, and mended later */
        if (sscanf(line, "S %llu %*d %*u %*d %*s %d", &attempt, &shim) == 2 &&
            attempt > *last_attempt)
            *last_attempt = attempt;
    }
    if (*line && write_whole(journal_fd, "\n", 1) < 0)
        return gy_shim_fail(text, "attempts: %s", strerror(errno));
    if (st.st_size > KEEP_ABOVE) cut(whole, (size_t)(line - whole)); /* else next time */
    return 0;
}

static int append(const char *line, size_t len, char text[GY_SHIM_TEXT_MAX])
{
    off_t before = lseek(journal_fd, 0, SEEK_END);
    /* Room for the record of the end, so that a disk that fills up meanwhile does not lose it. */
    if (line[0] == 'S') (void)fallocate(journal_fd, FALLOC_FL_KEEP_SIZE, before, 4096);
    if (write_whole(journal_fd, line, len) == 0 && fdatasync(journal_fd) == 0) return 0;
    int why = errno;
    if (before >= 0) (void)!ftruncate(journal_fd, before);
    return gy_shim_fail(text, "attempts: %s", strerror(why));
}

/* Field 22 of /proc/PID/stat: with the pid it names a process for as long as the machine runs. */
static unsigned long long start_ticks(pid_t pid)
{
    char stat[GY_SHIM_STAT_MAX];
    const char *p = gy_shim_proc_stat(pid, stat);
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

int gy_shim_journal_started(uint64_t attempt, pid_t pid, char text[GY_SHIM_TEXT_MAX])
{
    char line[256];
    int n =
        snprintf(line, sizeof line, "S %llu %d %llu %lld %s %d\n", (unsigned long long)attempt,
                 (int)pid, start_ticks(pid), (long long)gy_shim_wall_ms(), boot_id, (int)getpid());
    return append(line, (size_t)n, text);
}

size_t gy_shim_journal_end_line(uint64_t attempt, const struct gy_shim_end *end, char *out,
                                size_t max)
{
    int n =
        snprintf(out, max, "E %llu %d %d %u %lld %s %s\n", (unsigned long long)attempt, end->code,
                 end->signal, end->flags, (long long)end->ended_ms, boot_id, end->text);
    return n < 0 ? 0 : (size_t)n < max ? (size_t)n : max - 1;
}

int gy_shim_journal_ended(uint64_t attempt, const struct gy_shim_end *end,
                          char text[GY_SHIM_TEXT_MAX])
{
    char line[GY_SHIM_TEXT_MAX + 256];
    return append(line, gy_shim_journal_end_line(attempt, end, line, sizeof line), text);
}
