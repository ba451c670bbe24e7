/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
}

gantry_status gy_file_read(const char *path, size_t max, char **bytes, size_t *len,
                           struct gy_error *err)
{
    GY_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return gy_error_set(err, errno == ENOENT ? GANTRY_ENOTFOUND : GANTRY_EINVAL,
                            "cannot read %s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
        return gy_error_set(err, GANTRY_EINVAL, "cannot read %s: it is a folder", path);
    struct gy_buf b = {0};
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            gy_buf_fini(&b);
            return gy_error_set(err, GANTRY_EINTERNAL, "cannot read %s: %s", path, strerror(errno));
        }
        if (n == 0) break;
        if (b.len + (size_t)n > max) {
            gy_buf_fini(&b);
            return gy_error_set(err, GANTRY_EINVAL, "%s is larger than %zu bytes", path, max);
        }
        gy_buf_add(&b, chunk, (size_t)n);
    }
    *len = b.len;
    *bytes = gy_buf_take(&b);
    return GANTRY_OK;
}

static gantry_status write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return GANTRY_EINTERNAL;
        p += done;
        n -= (size_t)done;
    }
    return GANTRY_OK;
}

static gantry_status sync_folder(const char *path)
{
    gy_autofree char *folder = gy_strdup(path);
    char *slash = strrchr(folder, '/');
    if (slash) *(slash == folder ? slash + 1 : slash) = '\0';
    GY_CLEANUP(close_fd) int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? GANTRY_EINTERNAL : GANTRY_OK;
}

gantry_status gy_file_write(const char *path, const void *bytes, size_t len, unsigned mode,
                            struct gy_error *err)
{
    gy_autofree char *beside = gy_printf("%s.new", path);
    GY_CLEANUP(close_fd)
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0 || write_all(fd, bytes, len) != GANTRY_OK || fsync(fd) < 0 ||
        rename(beside, path) < 0 || sync_folder(path) != GANTRY_OK) {
        int why = errno;
        unlink(beside);
        return gy_error_set(err, GANTRY_EINTERNAL, "cannot write %s: %s", path, strerror(why));
    }
    return GANTRY_OK;
}

gantry_status gy_dir_make(const char *path, unsigned mode, struct gy_error *err)
{
    gy_autofree char *part = gy_strdup(path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        if (mkdir(part, (mode_t)mode) < 0 && errno != EEXIST)
            return gy_error_set(err, GANTRY_EINVAL, "cannot make folder %s: %s", part,
                                strerror(errno));
        *p = '/';
    }
    if (mkdir(part, (mode_t)mode) < 0 && errno != EEXIST)
        return gy_error_set(err, GANTRY_EINVAL, "cannot make folder %s: %s", part, strerror(errno));
    return GANTRY_OK;
}
