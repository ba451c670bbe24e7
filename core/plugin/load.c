/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading.  libltdl is called on one thread only, with absolute paths that end in .so:
 * then it neither searches nor reads .la files nor the environment. */
#include "base/log.h"
#include "plugin/elf_note.h"
#include "plugin/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <ltdl.h>
#include <sys/stat.h>
#include <unistd.h>

static gantry_status wrap(struct gy_error *err, const char *path)
{
    const char *slash = strrchr(path, '/');
    return gy_error_wrap(err, "%s", slash ? slash + 1 : path);
}

/* NAME.so from the folders, in order. */
static char *find_file(const struct gy_plugins *ps, const char *name, struct gy_error *err)
{
    if (!*name || strchr(name, '/') || name[0] == '.' || strlen(name) > 100) {
        gy_error_set(err, GANTRY_EINVAL,
                     "\"%s\" is no plugin name: write NAME (for NAME.so) or an absolute path",
                     name);
        return NULL;
    }
    struct gy_buf tried = {0};
    for (size_t i = 0; ps->dirs[i]; i++) {
        char *path = gy_printf("%s/%s.so", ps->dirs[i], name);
        struct stat st;
        if (lstat(path, &st) == 0) {
            gy_buf_fini(&tried);
            return path;
        }
        free(path);
        gy_buf_printf(&tried, "%s%s", i ? ", " : "", ps->dirs[i]);
    }
    gy_error_set(err, GANTRY_ENOTFOUND, "plugin \"%s\": there is no %s.so in %s", name, name,
                 tried.text ? tried.text : "any folder (plugin_dirs is empty)");
    gy_buf_fini(&tried);
    return NULL;
}

static bool is_in_dirs(const struct gy_plugins *ps, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; ps->dirs[i]; i++)
        if (strlen(ps->dirs[i]) == (size_t)(slash - path) &&
            !strncmp(ps->dirs[i], path, (size_t)(slash - path)))
            return true;
    return false;
}

/* The file itself, links followed: the folder that counts is the one it really is in. */
static char *resolve(const struct gy_plugins *ps, const char *name_or_path, struct gy_error *err)
{
    gy_autofree char *path =
        name_or_path[0] == '/' ? gy_strdup(name_or_path) : find_file(ps, name_or_path, err);
    if (!path) return NULL;
    char *real = realpath(path, NULL);
    if (!real) {
        gy_error_set(err, errno == ENOENT ? GANTRY_ENOTFOUND : GANTRY_EINVAL, "%s: %s", path,
                     errno == ENOENT ? "there is no such file" : strerror(errno));
        return NULL;
    }
    if (!is_in_dirs(ps, real)) {
        gy_error_set(err, GANTRY_EINVAL,
                     "%s is not in a plugin folder: to trust it, add its folder to plugin_dirs",
                     real);
        free(real);
        return NULL;
    }
    if (!gy_ends_with(real, ".so")) {
        gy_error_set(err, GANTRY_EINVAL, "%s: a plugin file ends in .so", real);
        free(real);
        return NULL;
    }
    return real;
}

/* libltdl loses the reason: ask the dynamic linker itself. */
static gantry_status diagnose(const char *path, struct gy_error *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *text = handle ? NULL : dlerror();
    return gy_error_set(err, GANTRY_EINVAL, "the dynamic linker refuses it: %s",
                        text ? text : "no reason given");
}

static gantry_status open_file(const char *path, gantry_plugin_entry_fn *entry,
                               struct gy_error *err)
{
    static bool is_initialised;
    if (!is_initialised && lt_dlinit() != 0)
        return gy_error_set(err, GANTRY_EINTERNAL, "libltdl cannot start: %s", lt_dlerror());
    is_initialised = true;
    lt_dladvise advise;
    if (lt_dladvise_init(&advise) != 0 || lt_dladvise_local(&advise) != 0 ||
        lt_dladvise_resident(&advise) != 0)
        return gy_error_set(err, GANTRY_EINTERNAL, "libltdl: %s", lt_dlerror());
    lt_dlhandle handle = lt_dlopenadvise(path, advise);
    lt_dladvise_destroy(&advise);
    if (!handle) return diagnose(path, err);
    *(void **)entry = lt_dlsym(handle, "gantry_plugin_entry");
    if (!*entry)
        return gy_error_set(err, GANTRY_EINVAL,
                            "it does not export gantry_plugin_entry (build it with "
                            "gantry_add_plugin and GANTRY_PLUGIN)");
    return GANTRY_OK;
}

static gantry_status check_duplicate(const struct gy_plugins *ps, const char *name,
                                     struct gy_error *err)
{
    for (size_t i = 0; i < ps->plugin_count; i++)
        if (gy_streq(ps->plugins[i]->name, name))
            return gy_error_set(err, GANTRY_EINVAL,
                                "a plugin named \"%s\" is already loaded from %s", name,
                                ps->plugins[i]->file);
    return GANTRY_OK;
}

/* Everything that can be known without running a byte of the file. */
static gantry_status check_file(struct gy_plugins *ps, const char *path, struct gy_elf_note *note,
                                struct gy_error *err)
{
    int fd = -1;
    gantry_status status = gy_plugin_file_check(path, ps->trust_owner, &fd, err);
    if (status != GANTRY_OK) return status;
    status = gy_elf_note_read(fd, note, err);
    close(fd);
    if (status == GANTRY_OK) status = gy_version_check(note->abi_built, note->abi_min, err);
    if (status == GANTRY_OK) status = check_duplicate(ps, note->name, err);
    return status;
}

static gantry_status load_file(struct gy_plugins *ps, const char *path, struct gy_plugin *plugin,
                               struct gy_error *err)
{
    struct gy_elf_note note;
    gantry_plugin_entry_fn entry = NULL;
    gantry_status status = check_file(ps, path, &note, err);
    if (status == GANTRY_OK) status = gy_plugin_probe(ps->libexec_dir, path, err);
    if (status == GANTRY_OK) status = open_file(path, &entry, err);
    if (status == GANTRY_OK) status = gy_descriptor_read(entry(), &note, plugin, err);
    if (status == GANTRY_OK) status = check_duplicate(ps, plugin->name, err);
    if (status == GANTRY_OK) memcpy(plugin->build_id, note.build_id, sizeof plugin->build_id);
    return status;
}

gantry_status gy_plugins_load(struct gy_plugins *ps, const char *name_or_path,
                              const struct gy_plugin **out, struct gy_error *err)
{
    struct gy_error own = GY_ERROR_INIT;
    if (!err) err = &own;
    char *path = resolve(ps, name_or_path, err);
    if (!path) return err->status;
    for (size_t i = 0; i < ps->plugin_count; i++)
        if (!strcmp(ps->plugins[i]->file, path)) {
            free(path);
            if (out) *out = ps->plugins[i];
            return GANTRY_OK;
        }
    struct gy_plugin *plugin = gy_alloc(sizeof *plugin);
    plugin->file = path;
    if (load_file(ps, path, plugin, err) != GANTRY_OK) {
        wrap(err, path);
        gy_plugin_free(plugin);
        return err->status;
    }
    GY_VEC_PUSH(ps->plugins, ps->plugin_count, ps->plugin_cap);
    ps->plugins[ps->plugin_count++] = plugin;
    gy_log(GY_LOG_DEBUG, "plugin", "loaded plugin=%s version=%s file=%s", plugin->name,
           plugin->version, plugin->file);
    if (out) *out = plugin;
    return GANTRY_OK;
}

const struct gy_plugin *gy_plugins_get(const struct gy_plugins *ps, size_t i)
{
    return i < ps->plugin_count ? ps->plugins[i] : NULL;
}

gantry_status gy_plugins_find_provider(const struct gy_plugins *ps, const char *kind,
                                       const char *name, const struct gy_plugin **plugin,
                                       const struct gy_provider **out, struct gy_error *err)
{
    struct gy_buf have = {0};
    for (size_t i = 0; i < ps->plugin_count; i++)
        for (size_t j = 0; j < ps->plugins[i]->provider_count; j++) {
            const struct gy_provider *p = &ps->plugins[i]->providers[j];
            if (!gy_streq(p->kind, kind)) continue;
            if (gy_streq(p->name, name)) {
                if (plugin) *plugin = ps->plugins[i];
                if (out) *out = p;
                gy_buf_fini(&have);
                return GANTRY_OK;
            }
            gy_buf_printf(&have, "%s%s", have.len ? ", " : "", p->name);
        }
    gantry_status status =
        gy_error_set(err, GANTRY_ENOTFOUND, "no loaded plugin provides %s \"%s\": there is %s",
                     kind, name, have.len ? have.text : "none of this kind");
    gy_buf_fini(&have);
    return status;
}
