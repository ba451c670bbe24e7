/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_BYTES 128
#define FILE_MAX_BYTES (16u << 20)

void *process_alloc(size_t n, size_t bytes)
{
    void *p = calloc(n ? n : 1, bytes ? bytes : 1);
    if (!p) abort();
    return p;
}

void process_buf_add(struct process_buf *b, const void *bytes, size_t len)
{
    if (!len) return;
    if (b->len + len > b->cap) {
        b->cap = (b->len + len) * 2 + 64;
        if (!(b->bytes = realloc(b->bytes, b->cap))) abort();
    }
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

void process_buf_entry(struct process_buf *b, const char *key, gantry_str value)
{
    process_buf_add(b, key, strlen(key));
    process_buf_add(b, "=", 1);
    process_buf_add(b, value.ptr, value.len);
    process_buf_add(b, "", 1);
}

void process_buf_number(struct process_buf *b, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    process_buf_entry(b, key, process_str(text));
}

char *process_dup(gantry_str s)
{
    char *text = process_alloc(s.len + 1, 1);
    if (s.len) memcpy(text, s.ptr, s.len);
    return text;
}

char *process_printf(const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) abort();
    return text;
}

gantry_str process_str(const char *text)
{
    return (gantry_str){text, text ? strlen(text) : 0};
}

bool process_is(gantry_str s, const char *text)
{
    return s.len == strlen(text) && (!s.len || !memcmp(s.ptr, text, s.len));
}

bool process_is_name(gantry_str s)
{
    if (!s.len || s.len > NAME_MAX_BYTES || s.ptr[0] == '.') return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && !strchr("._-", s.ptr[i])) return false;
    return memchr(s.ptr, '\0', s.len) == NULL;
}

int process_signal(gantry_str name)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {{"HUP", SIGHUP},   {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"ABRT", SIGABRT},
                 {"KILL", SIGKILL}, {"USR1", SIGUSR1},   {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},
                 {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CONT", SIGCONT}, {"STOP", SIGSTOP},
                 {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"PWR", SIGPWR},
                 {"URG", SIGURG},   {"CHLD", SIGCHLD},   {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}};
    if (name.len > 3 && !memcmp(name.ptr, "SIG", 3)) name.ptr += 3, name.len -= 3;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (process_is(name, known[i].name)) return known[i].number;
    int number = 0;
    for (size_t i = 0; i < name.len && i < 4; i++) {
        if (!isdigit((unsigned char)name.ptr[i])) return 0;
        number = number * 10 + (name.ptr[i] - '0');
    }
    return number < NSIG ? number : 0;
}

const char *process_entry(const char *bytes, size_t len, const char *key, size_t i)
{
    size_t key_len = strlen(key);
    for (const char *p = bytes; p < bytes + len; p += strlen(p) + 1)
        if (!strncmp(p, key, key_len) && p[key_len] == '=' && !i--) return p + key_len + 1;
    return NULL;
}

char *process_read(const char *path, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return NULL;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
        close(fd);
        errno = EFBIG;
        return NULL;
    }
    char *bytes = process_alloc((size_t)st.st_size + 1, 1); /* always ends in NUL */
    size_t have = 0;
    while (have < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + have, (size_t)st.st_size - have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += (size_t)n;
    }
    close(fd);
    *len = have;
    return bytes;
}

int process_write(const char *path, const void *bytes, size_t len, bool sync)
{
    char *beside = process_printf("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int why = fd < 0 ? errno : 0;
    for (const char *p = bytes; fd >= 0 && !why && len;) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            why = errno;
            break;
        }
        p += n;
        len -= (size_t)n;
    }
    if (fd >= 0 && !why && sync && fsync(fd) < 0) why = errno;
    if (fd >= 0) close(fd);
    if (!why && rename(beside, path) < 0) why = errno;
    if (why) unlink(beside);
    free(beside);
    errno = why;
    return why ? -1 : 0;
}

int process_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    int rc = fsync(fd), why = errno;
    close(fd);
    errno = why;
    return rc;
}

/* By descriptor: names in a folder that an app's user writes may change under us. */
static int remove_at(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return -1;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0) close(fd);
        return -1;
    }
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) (void)remove_at(fd, e->d_name);
    closedir(dir);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int process_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path);
}

int64_t process_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

gantry_status process_fail(struct process_failure *f, gantry_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
    f->status = status;
    return status;
}

char *process_pod_path(const struct process_driver *d, const char *pod, const char *rest)
{
    return process_printf("%s/pods/%s%s", d->state_dir, pod, rest);
}

char *process_container_path(const struct process_driver *d, const char *pod, const char *container,
                             const char *file)
{
    return process_printf("%s/pods/%s/c/%s%s", d->state_dir, pod, container, file);
}
