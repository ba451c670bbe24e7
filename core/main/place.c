/* SPDX-License-Identifier: Apache-2.0 */
#include "main/place.h"

#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static gantry_status take_lock(const char *dir, struct gy_error *err)
{
    gy_autofree char *path = gy_printf("%s/gantryd.lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return gy_error_set(err, GANTRY_EINTERNAL, "cannot open %s: %s", path, strerror(errno));
    char text[32] = "";
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        ssize_t n = read(fd, text, sizeof text - 1);
        text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
        close(fd);
        return gy_error_set(err, GANTRY_EBUSY,
                            "another gantryd (pid %s) uses %s already; stop it first, or choose "
                            "another folder",
                            text[0] ? text : "?", dir);
    }
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return gy_error_set(err, GANTRY_EINTERNAL, "cannot write %s: %s", path, strerror(errno));
    return GANTRY_OK; /* fd stays open: it is the lock */
}

gantry_status gy_place_take(const struct gy_config *c, struct gy_error *err)
{
    gy_autofree char *folder = gy_strdup(c->socket_path);
    *strrchr(folder, '/') = '\0';
    /* Pods run as other users and must reach their work folders below it; what is secret has files
     * of 0600 or folders of 0700 of its own. */
    gantry_status status = gy_dir_make(c->data_dir, 0711, err);
    if (status == GANTRY_OK) status = gy_dir_make(c->run_dir, 0755, err);
    if (status == GANTRY_OK && folder[0]) status = gy_dir_make(folder, 0755, err);
    return status == GANTRY_OK ? take_lock(c->data_dir, err) : status;
}

gantry_status gy_place_socket(const char *path, char out[108], struct gy_error *err)
{
    if (strlen(path) < 108) {
        strcpy(out, path);
        return GANTRY_OK;
    }
    const char *slash = strrchr(path, '/');
    gy_autofree char *folder = gy_strndup(path, (size_t)(slash - path));
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return gy_error_set(err, GANTRY_EINTERNAL, "cannot open %s: %s", folder, strerror(errno));
    if (snprintf(out, 108, "/proc/self/fd/%d%s", fd, slash) >= 108 ||
        access("/proc/self/fd", X_OK)) {
        close(fd);
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s is too long for a socket (%zu bytes, at most 107)", path,
                            strlen(path));
    }
    return GANTRY_OK;
}

void gy_place_limits(bool debug_core)
{
    struct rlimit limit;
    if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            gy_log(GY_LOG_WARN, "main", "cannot raise the limit of open files why=\"%s\"",
                   strerror(errno));
    }
    if (!debug_core) prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
}

char *gy_place_bin_dir(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return gy_strdup("/usr/sbin");
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return gy_strdup(path);
}

char *gy_place_boot_id(void)
{
    char *text;
    size_t len;
    if (gy_file_read("/proc/sys/kernel/random/boot_id", 256, &text, &len, NULL) != GANTRY_OK)
        return gy_strdup("");
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void gy_place_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path) return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
        gy_log(GY_LOG_WARN, "main", "the supervisor was not told why=\"%s\"", strerror(errno));
    close(fd);
}

gantry_status gy_place_cluster_id(const char *data_dir, char out[64], struct gy_error *err)
{
    gy_autofree char *path = gy_printf("%s/cluster-id", data_dir);
    gy_autofree char *text = NULL;
    size_t len;
    gantry_status status = gy_file_read(path, 256, &text, &len, NULL);
    if (status == GANTRY_OK) {
        text[strcspn(text, "\n")] = '\0';
        if (!text[0] || strlen(text) >= 64)
            return gy_error_set(err, GANTRY_EINVAL, "%s does not hold a cluster's id", path);
        strcpy(out, text);
        return GANTRY_OK;
    }
    uint8_t bits[16];
    char id[GY_ID_MAX];
    gy_random_bytes(bits, sizeof bits);
    gy_id_format(bits, id);
    snprintf(out, 64, "%s", id);
    gy_autofree char *line = gy_printf("%s\n", id);
    return gy_file_write(path, line, strlen(line), 0600, err);
}
