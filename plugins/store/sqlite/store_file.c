/* SPDX-License-Identifier: Apache-2.0 */
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- the disk ---- */

/* statfs(2) and linux/magic.h. */
static const struct {
    unsigned long magic;
    const char *name;
} network_magics[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"},
    {0x01021997, "9P"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x73757245, "Coda"},
    {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x20030528, "OrangeFS"},
    {0x564c, "NCP"},
    {0x786f4256, "VirtualBox shared folder"},
    {0xbacbacbc, "VMware shared folder"},
};

static const struct {
    const char *type, *name;
} network_types[] = {
    {"nfs", "NFS"},
    {"nfs4", "NFS"},
    {"cifs", "CIFS"},
    {"smb3", "SMB3"},
    {"9p", "9P"},
    {"ceph", "Ceph"},
    {"afs", "AFS"},
    {"lustre", "Lustre"},
    {"beegfs", "BeeGFS"},
    {"fuse.sshfs", "SSHFS"},
    {"fuse.glusterfs", "GlusterFS"},
    {"fuse.ceph", "Ceph"},
    {"fuse.ceph-fuse", "Ceph"},
    {"fuse.s3fs", "s3fs"},
    {"fuse.goofys", "goofys"},
    {"fuse.gcsfuse", "gcsfuse"},
    {"fuse.rclone", "rclone"},
    {"fuse.davfs", "davfs"},
    {"fuse.curlftpfs", "curlftpfs"},
    {"fuse.juicefs", "JuiceFS"},
    {"fuse.seaweedfs", "SeaweedFS"},
    {"fuse.moosefs", "MooseFS"},
    {"fuse.mfs", "MooseFS"},
    {"fuse.vmhgfs-fuse", "VMware shared folder"},
};

const char *store_file_network_name(unsigned long magic, const char *type)
{
    for (size_t i = 0; i < sizeof network_magics / sizeof *network_magics; i++)
        if (network_magics[i].magic == (magic & 0xffffffff)) return network_magics[i].name;
    for (size_t i = 0; type && i < sizeof network_types / sizeof *network_types; i++)
        if (!strcmp(network_types[i].type, type)) return network_types[i].name;
    return NULL;
}

/* Type of the mount that has this device: "36 35 98:0 / /mnt rw - ext4 /dev/sda rw". */
static bool mount_type(dev_t dev, char *type, size_t max)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t cap = 0;
    bool found = false;
    while (f && !found && getline(&line, &cap, f) > 0) {
        unsigned major_number, minor_number;
        char *dash = strstr(line, " - ");
        if (!dash || sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) != 2) continue;
        if (makedev(major_number, minor_number) != dev) continue;
        size_t n = strcspn(dash + 3, " ");
        if (n >= max) n = max - 1;
        memcpy(type, dash + 3, n);
        type[n] = '\0';
        found = true;
    }
    free(line);
    if (f) fclose(f);
    return found;
}

static gantry_status check_disk(const char *path, const char *folder, struct sentence *why)
{
    struct statfs fs;
    struct stat st;
    char type[64] = "";
    if (statfs(folder, &fs) < 0 || stat(folder, &st) < 0)
        return refuse(why, GANTRY_EUNAVAIL, "cannot use %s for the store: %s", folder,
                      strerror(errno));
    mount_type(st.st_dev, type, sizeof type);
    const char *name = store_file_network_name((unsigned long)fs.f_type, type);
    if (!name) return GANTRY_OK;
    return refuse(
        why, GANTRY_EINVAL,
        "%s would be on a network file system (%s), where locks and syncs cannot be relied "
        "on; set `path` to a local disk, or use the store etcd",
        path, name);
}

/* ---- who has it ---- */

static void read_line(const char *path, char *out, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? 0 : read(fd, out, max - 1);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0) close(fd);
}

static gantry_status take_lock(const char *path, int *out, struct sentence *why)
{
    char lock[4096], line[128], name[32];
    if (snprintf(lock, sizeof lock, "%s.lock", path) >= (int)sizeof lock)
        return refuse(why, GANTRY_EINVAL, "the path of the store is too long");
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse(why, GANTRY_EUNAVAIL,
                      "cannot open %s: %s; its folder must exist and be writable", lock,
                      strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int error = errno;
        close(fd);
        if (error != EWOULDBLOCK)
            return refuse(why, GANTRY_EUNAVAIL, "cannot lock %s: %s", lock, strerror(error));
        read_line(lock, line, sizeof line);
        return refuse(why, GANTRY_EINVAL,
                      "%s is in use by %s; a store belongs to one gantryd at a time", path,
                      line[0] ? line : "another process");
    }
    read_line("/proc/self/comm", name, sizeof name);
    int n = snprintf(line, sizeof line, "%s (pid %ld)\n", name, (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, line, (size_t)n, 0) != n) {
        /* A full disk: the lock holds all the same, only its owner is not told. */
    }
    *out = fd;
    return GANTRY_OK;
}

/* ---- how it was left ---- */

static bool size_of(const char *path, const char *tail, long long *size)
{
    char name[4200];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, tail);
    if (stat(name, &st) < 0) return false;
    *size = st.st_size;
    return true;
}

/* SQLite takes an empty file for a new one, and throws its log away: say so before it does. */
static gantry_status check_left(struct store_file *file, struct sentence *why)
{
    long long size = 0, wal = 0;
    bool exists = size_of(file->path, "", &size) && size > 0;
    file->unclean = size_of(file->path, ".open", &(long long){0});
    bool has_wal = size_of(file->path, "-wal", &wal) && wal > 0;
    if (exists || (!file->unclean && !has_wal)) return GANTRY_OK;
    return refuse(
        why, GANTRY_EINVAL,
        "%s is missing or empty, but %s%s says that it was in use; put it back, or remove "
        "that file, start with an empty store and `gantryd --restore FILE` a backup",
        file->path, file->path, file->unclean ? ".open" : "-wal");
}

static char *join(const char *a, const char *b)
{
    char *s = malloc(strlen(a) + strlen(b) + 1);
    if (s) strcpy(stpcpy(s, a), b);
    return s;
}

static gantry_status check_kind(const char *path, struct sentence *why)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return refuse(why, GANTRY_EINVAL, "%s is %s, not a file; name a file with `path`", path,
                      S_ISDIR(st.st_mode)   ? "a folder"
                      : S_ISLNK(st.st_mode) ? "a symbolic link"
                                            : "a device or socket");
    return GANTRY_OK;
}

gantry_status store_file_take(const char *path, struct store_file *out, struct sentence *why)
{
    *out = (struct store_file){.lock = -1};
    if (path[0] != '/')
        return refuse(why, GANTRY_EINVAL, "path is \"%s\"; it must be an absolute path", path);
    char *folder = join(path, "");
    struct store_file file = {.path = join(path, ""), .marker = join(path, ".open"), .lock = -1};
    gantry_status status = folder && file.path && file.marker
                               ? GANTRY_OK
                               : refuse(why, GANTRY_ENOMEM, "out of memory");
    if (status == GANTRY_OK) {
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = '\0';
        status = check_disk(path, folder, why);
    }
    if (status == GANTRY_OK) status = check_kind(path, why);
    if (status == GANTRY_OK) status = take_lock(path, &file.lock, why);
    if (status == GANTRY_OK) status = check_left(&file, why);
    free(folder);
    if (status != GANTRY_OK) {
        store_file_give(&file, false);
        return status;
    }
    int fd =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); /* the mode, before SQLite */
    if (fd >= 0) close(fd);
    *out = file;
    return GANTRY_OK;
}

static void sync_folder_of(const char *path)
{
    char *folder = join(path, "");
    if (!folder) return;
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

gantry_status store_file_mark(struct store_file *file, struct sentence *why)
{
    int fd = open(file->marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse(why, GANTRY_EUNAVAIL, "cannot write %s: %s", file->marker, strerror(errno));
    close(fd);
    sync_folder_of(file->path);
    return GANTRY_OK;
}

void store_file_give(struct store_file *file, bool clean)
{
    if (clean && file->marker) unlink(file->marker);
    if (file->lock >= 0) close(file->lock);
    free(file->path);
    free(file->marker);
    *file = (struct store_file){.lock = -1};
}
