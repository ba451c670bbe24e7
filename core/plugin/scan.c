/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a folder of plugins without loading any. */
#include "plugin/elf_note.h"
#include "plugin/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILES_MAX 4096

static int is_shared_object(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && gy_ends_with(entry->d_name, ".so");
}

static struct gy_plugin_found look(const char *dir, const char *file)
{
    struct gy_plugin_found f = {.file = gy_printf("%s/%s", dir, file)};
    struct gy_elf_note note;
    struct gy_error err = GY_ERROR_INIT;
    int fd = open(f.file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        f.error = gy_printf("cannot open it: %s", strerror(errno));
        return f;
    }
    if (gy_elf_note_read(fd, &note, &err) == GANTRY_OK) {
        f.name = gy_strdup(note.name);
        f.version = gy_strdup(note.version);
        f.kinds = gy_strdup(note.kinds);
        f.abi_built = note.abi_built;
        f.abi_min = note.abi_min;
        gy_version_check(note.abi_built, note.abi_min, &err);
    }
    if (err.status != GANTRY_OK) f.error = gy_strdup(err.text);
    close(fd);
    return f;
}

gantry_status gy_plugins_scan(const char *dir, struct gy_plugin_found **found, size_t *n,
                              struct gy_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_shared_object, alphasort);
    if (count < 0)
        return gy_error_set(err, errno == ENOENT ? GANTRY_ENOTFOUND : GANTRY_EINVAL,
                            "cannot read the plugin folder %s: %s", dir, strerror(errno));
    *found = gy_alloc_array((size_t)count, sizeof **found);
    *n = 0;
    for (int i = 0; i < count; i++) {
        if (i < FILES_MAX) (*found)[(*n)++] = look(dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return GANTRY_OK;
}

void gy_plugins_scan_free(struct gy_plugin_found *found, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(found[i].file);
        free(found[i].name);
        free(found[i].version);
        free(found[i].kinds);
        free(found[i].error);
    }
    free(found);
}
