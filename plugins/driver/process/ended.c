/* SPDX-License-Identifier: Apache-2.0 */
/* Removed pods keep journal and logs: the last few of a slot, for some hours, up to some bytes in
 * all. */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ended {
    char *path, *slot;
    int64_t when_ns;
    int64_t bytes;
};

static int64_t bytes_below(const char *path, int depth)
{
    struct stat st;
    int64_t sum = 0;
    if (lstat(path, &st) < 0) return 0;
    if (!S_ISDIR(st.st_mode)) return (int64_t)st.st_size;
    DIR *dir = depth ? opendir(path) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        char *below = process_printf("%s/%s", path, e->d_name);
        sum += bytes_below(below, depth - 1);
        free(below);
    }
    if (dir) closedir(dir);
    return sum;
}

static int newest_first(const void *a, const void *b)
{
    const struct ended *x = a, *y = b;
    return x->when_ns != y->when_ns ? (x->when_ns < y->when_ns ? 1 : -1) : strcmp(x->path, y->path);
}

static struct ended look_at(const char *path)
{
    struct stat st = {0};
    size_t len = 0;
    char *file = process_printf("%s/pod", path), *record = process_read(file, &len);
    const char *slot = record ? process_entry(record, len, "slot", 0) : NULL;
    lstat(path, &st); /* its ctime: when it was moved here */
    struct ended e = {process_dup(process_str(path)), process_dup(process_str(slot ? slot : "")),
                      (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
                      bytes_below(path, 4)};
    free(file);
    free(record);
    return e;
}

void process_ended_prune(const struct process_driver *d)
{
    char *folder = process_printf("%s/ended", d->state_dir);
    DIR *dir = opendir(folder);
    struct ended *all = NULL;
    size_t n = 0, cap = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        if (n == cap && !(all = realloc(all, (cap = cap ? cap * 2 : 64) * sizeof *all))) abort();
        char *path = process_printf("%s/%s", folder, e->d_name);
        all[n++] = look_at(path);
        free(path);
    }
    if (dir) closedir(dir);
    if (n) qsort(all, n, sizeof *all, newest_first);
    int64_t bytes = 0, oldest = process_wall_ms() / 1000 - d->ended_hours * 3600;
    for (size_t i = 0; i < n; i++) {
        int64_t of_slot = 0;
        for (size_t k = 0; k < i; k++)
            of_slot += !strcmp(all[k].slot, all[i].slot);
        bytes += all[i].bytes;
        if (of_slot >= d->ended_keep || all[i].when_ns / 1000000000 < oldest ||
            bytes > d->ended_max_bytes)
            process_remove_tree(all[i].path);
    }
    for (size_t i = 0; i < n; i++) {
        free(all[i].path);
        free(all[i].slot);
    }
    free(all);
    free(folder);
}
