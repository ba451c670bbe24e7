/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a file means running it as the daemon: whoever can change it, or put another in its
 * place, is as powerful as the daemon. */
#include "plugin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

static gantry_status check_mode(const struct stat *st, const char *what, const char *path,
                                bool trust_owner, struct gy_error *err)
{
    if (st->st_mode & S_IWOTH)
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s is writable by others (mode %03o): chmod o-w %s", what,
                            (unsigned)st->st_mode & 0777, path);
    if (trust_owner) return GANTRY_OK;
    if (st->st_mode & S_IWGRP)
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s is writable by its group (mode %03o): chmod g-w %s", what,
                            (unsigned)st->st_mode & 0777, path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return gy_error_set(
            err, GANTRY_EINVAL,
            "%s belongs to user %u, neither root nor the user of gantryd: chown root %s", what,
            (unsigned)st->st_uid, path);
    return GANTRY_OK;
}

gantry_status gy_plugin_file_check(const char *path, bool trust_owner, int *fd,
                                   struct gy_error *err)
{
    struct stat st;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return gy_error_set(err, errno == ENOENT ? GANTRY_ENOTFOUND : GANTRY_EINVAL,
                            "cannot open it: %s", strerror(errno));
    gantry_status status = GANTRY_OK;
    if (fstat(file, &st) != 0 || !S_ISREG(st.st_mode))
        status = gy_error_set(err, GANTRY_EINVAL, "%s, not a regular file",
                              S_ISDIR(st.st_mode) ? "a folder" : "a special file");
    if (status == GANTRY_OK) status = check_mode(&st, "the file", path, trust_owner, err);
    gy_autofree char *copy = gy_strdup(path);
    const char *folder = dirname(copy);
    if (status == GANTRY_OK && stat(folder, &st) != 0)
        status = gy_error_set(err, GANTRY_EINVAL, "its folder cannot be read: %s", strerror(errno));
    if (status == GANTRY_OK) status = check_mode(&st, "its folder", folder, trust_owner, err);
    if (status != GANTRY_OK) {
        close(file);
        return status;
    }
    *fd = file;
    return GANTRY_OK;
}
