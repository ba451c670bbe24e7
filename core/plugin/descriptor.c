/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin declares, copied by size and checked; nothing of the plugin's is read twice. */
#include "plugin/elf_note.h"
#include "plugin/internal.h"

#include <ctype.h>
#include <inttypes.h>

#define PROVIDERS_MAX 64
#define SETTINGS_MAX 256
#define WORKERS_MAX 64

gantry_status gy_version_check(uint32_t built, uint32_t min, struct gy_error *err)
{
    const uint32_t host = GANTRY_ABI_CURRENT;
    if (GANTRY_ABI_MAJOR(built) != GANTRY_ABI_MAJOR(host))
        return gy_error_set(
            err, GANTRY_EINVAL,
            "built with SDK %u.%u, this gantry offers ABI %u.%u: build it again with "
            "an SDK of major version %u",
            GANTRY_ABI_MAJOR(built), GANTRY_ABI_MINOR(built), GANTRY_ABI_MAJOR(host),
            GANTRY_ABI_MINOR(host), GANTRY_ABI_MAJOR(host));
    if (min > host)
        return gy_error_set(
            err, GANTRY_EINVAL,
            "needs host ABI >= %u.%u, this gantry offers %u.%u (built with SDK %u.%u)",
            GANTRY_ABI_MAJOR(min), GANTRY_ABI_MINOR(min), GANTRY_ABI_MAJOR(host),
            GANTRY_ABI_MINOR(host), GANTRY_ABI_MAJOR(built), GANTRY_ABI_MINOR(built));
    return GANTRY_OK;
}

static bool is_word(const char *text)
{
    if (!text || !*text || strnlen(text, 64) > 63) return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.+~", *p)) return false;
    return true;
}

static gantry_status read_setting(const gantry_setting *from, gantry_setting **out,
                                  struct gy_error *err)
{
    gantry_setting *s = gy_copy_flat("a setting", from, sizeof *s, err);
    if (!s) return GANTRY_EINVAL;
    int64_t number;
    gantry_status status = GANTRY_OK;
    if (!s->path || !*s->path)
        status = gy_error_set(err, GANTRY_EINVAL, "a setting has no path");
    else if (s->type < GANTRY_SETTING_STR || s->type > GANTRY_SETTING_SECRET)
        status = gy_error_set(err, GANTRY_EINVAL, "setting %s has the unknown type %" PRIu32,
                              s->path, s->type);
    else if (s->type == GANTRY_SETTING_INT && s->fallback && *s->fallback &&
             gy_int_parse(s->fallback, INT64_MIN, INT64_MAX, &number, NULL) != GANTRY_OK)
        status =
            gy_error_set(err, GANTRY_EINVAL, "setting %s is a number, its fallback \"%s\" is not",
                         s->path, s->fallback);
    if (status != GANTRY_OK) {
        free(s);
        return status;
    }
    *out = s;
    return GANTRY_OK;
}

static gantry_status read_settings(const gantry_setting *const *from, const gantry_setting ***out,
                                   size_t *n, struct gy_error *err)
{
    size_t count = 0;
    while (from && from[count] && count <= SETTINGS_MAX)
        count++;
    if (count > SETTINGS_MAX)
        return gy_error_set(err, GANTRY_EINVAL, "its settings table has no end (a NULL ends it)");
    *out = gy_alloc_array(count + 1, sizeof **out);
    for (*n = 0; *n < count; ++*n) {
        gantry_setting *setting = NULL;
        gantry_status status = read_setting(from[*n], &setting, err);
        if (status != GANTRY_OK) return status;
        (*out)[*n] = setting;
        for (size_t i = 0; i < *n; i++)
            if (gy_streq((*out)[i]->path, setting->path)) {
                ++*n;
                return gy_error_set(err, GANTRY_EINVAL, "setting %s is declared twice",
                                    setting->path);
            }
    }
    return GANTRY_OK;
}

static gantry_status check_kind(const gantry_provider *from, const struct gy_kind **known,
                                struct gy_error *err)
{
    *known = gy_kind_find(from->kind);
    if (!*known) {
        const char *ids[8];
        size_t n = 0;
        struct gy_buf list = {0};
        for (; gy_kind_get(n) && n < 8; n++) {
            ids[n] = gy_kind_get(n)->id;
            gy_buf_printf(&list, "%s%s", n ? ", " : "", ids[n]);
        }
        gantry_status status =
            gy_error_set(err, GANTRY_EINVAL, "kind \"%s\" is not known to this gantry: it knows %s",
                         from->kind, list.text);
        gy_buf_fini(&list);
        return status;
    }
    if (from->draft != (*known)->draft)
        return gy_error_set(err, GANTRY_EINVAL,
                            "provider \"%s\" implements draft %" PRIu32
                            " of %s, this gantry has draft %" PRIu32
                            ": build it again with this gantry's SDK",
                            from->name, from->draft, from->kind, (*known)->draft);
    return GANTRY_OK;
}

static const void *member(const void *table, size_t offset)
{
    const void *p;
    memcpy(&p, (const char *)table + offset, sizeof p);
    return p;
}

static gantry_status read_ops(const gantry_provider *from, struct gy_provider *p,
                              struct gy_error *err)
{
    if (!from->ops) return gy_error_set(err, GANTRY_EINVAL, "provider \"%s\" has no ops", p->name);
    p->ops = gy_copy_flat("its ops table", from->ops, p->known->ops_size, err);
    if (!p->ops) return GANTRY_EINVAL;
    const void *base = member(p->ops, p->known->base_offset);
    if (!base)
        return gy_error_set(err, GANTRY_EINVAL, "provider \"%s\" lacks the required member base",
                            p->name);
    p->base = gy_copy_flat("its base ops", base, sizeof *p->base, err);
    if (!p->base) return GANTRY_EINVAL;
    if (!p->base->create || !p->base->destroy)
        return gy_error_set(err, GANTRY_EINVAL, "provider \"%s\" lacks the required member base.%s",
                            p->name, p->base->create ? "destroy" : "create");
    for (const struct gy_kind_member *m = p->known->required; m->name; m++)
        if (!member(p->ops, m->offset))
            return gy_error_set(err, GANTRY_EINVAL,
                                "provider \"%s\" lacks the required member %s of %s", p->name,
                                m->name, p->kind);
    return GANTRY_OK;
}

static gantry_status read_provider(const gantry_provider *raw, struct gy_provider *p,
                                   struct gy_error *err)
{
    if (!raw) return gy_error_set(err, GANTRY_EINVAL, "one of its providers is NULL");
    gantry_provider *from = gy_copy_flat("a provider", raw, sizeof *from, err);
    if (!from) return GANTRY_EINVAL;
    gantry_status status = GANTRY_OK;
    if (!from->kind || !is_word(from->name))
        status = gy_error_set(err, GANTRY_EINVAL, "a provider has no kind, or its name is no word");
    p->kind = from->kind;
    p->name = from->name;
    p->draft = from->draft;
    p->workers = from->workers == 0 ? 4 : from->workers > WORKERS_MAX ? WORKERS_MAX : from->workers;
    if (status == GANTRY_OK) status = check_kind(from, &p->known, err);
    if (status == GANTRY_OK) status = read_ops(from, p, err);
    if (status == GANTRY_OK)
        status = read_settings(from->settings, &p->settings, &p->setting_count, err);
    if (status == GANTRY_OK)
        status = read_settings(from->app_settings, &p->app_settings, &p->app_setting_count, err);
    free(from);
    return status;
}

static gantry_status check_note(const struct gy_plugin *plugin, const struct gy_elf_note *note,
                                struct gy_error *err)
{
    struct gy_buf kinds = {0};
    for (size_t i = 0; i < plugin->provider_count; i++)
        gy_buf_printf(&kinds, "%s%s", i ? " " : "", plugin->providers[i].kind);
    const char *what = !gy_streq(note->name, plugin->name)                    ? "name"
                       : !gy_streq(note->version, plugin->version)            ? "version"
                       : note->abi_built != plugin->abi_built                 ? "abi_built"
                       : note->abi_min != plugin->abi_min                     ? "abi_min"
                       : !gy_streq(note->kinds, kinds.text ? kinds.text : "") ? "kinds"
                                                                              : NULL;
    gy_buf_fini(&kinds);
    if (!what) return GANTRY_OK;
    return gy_error_set(err, GANTRY_EINVAL,
                        "its note and its descriptor differ in %s: GANTRY_PLUGIN must say what the "
                        "descriptor says",
                        what);
}

static gantry_status read_head(const gantry_plugin *from, struct gy_plugin *plugin,
                               struct gy_error *err)
{
    plugin->abi_built = from->abi_built;
    plugin->abi_min = from->abi_min;
    plugin->flags = from->flags;
    plugin->name = from->name;
    plugin->version = from->version;
    plugin->license = from->license ? from->license : "";
    plugin->url = from->url ? from->url : "";
    plugin->description = from->description ? from->description : "";
    gantry_status status = gy_version_check(from->abi_built, from->abi_min, err);
    if (status != GANTRY_OK) return status;
    if (!is_word(from->name) || !is_word(from->version))
        return gy_error_set(
            err, GANTRY_EINVAL,
            "its descriptor has no name or no version (words of letters, digits and "
            "-_.+~)");
    if (!from->providers || from->provider_count == 0 || from->provider_count > PROVIDERS_MAX)
        return gy_error_set(err, GANTRY_EINVAL,
                            "its descriptor has %" PRIu32 " providers; 1 to %d would be right",
                            from->providers ? from->provider_count : 0, PROVIDERS_MAX);
    return GANTRY_OK;
}

gantry_status gy_descriptor_read(const gantry_plugin *raw, const struct gy_elf_note *note,
                                 struct gy_plugin *plugin, struct gy_error *err)
{
    if (!raw) return gy_error_set(err, GANTRY_EINVAL, "its gantry_plugin_entry() returned NULL");
    gantry_plugin *from = gy_copy_flat("its descriptor", raw, sizeof *from, err);
    if (!from) return GANTRY_EINVAL;
    gantry_status status = read_head(from, plugin, err);
    if (status == GANTRY_OK) {
        plugin->providers = gy_alloc_array(from->provider_count, sizeof *plugin->providers);
        for (uint32_t i = 0; i < from->provider_count && status == GANTRY_OK; i++) {
            plugin->provider_count++;
            status = read_provider(from->providers[i], &plugin->providers[i], err);
        }
    }
    if (status == GANTRY_OK) status = check_note(plugin, note, err);
    free(from);
    return status;
}

static void free_settings(const gantry_setting **settings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)settings[i]);
    free(settings);
}

void gy_plugin_free(struct gy_plugin *plugin)
{
    if (!plugin) return;
    for (size_t i = 0; i < plugin->provider_count; i++) {
        struct gy_provider *p = &plugin->providers[i];
        free_settings(p->settings, p->setting_count);
        free_settings(p->app_settings, p->app_setting_count);
        free((void *)p->ops);
        free((void *)p->base);
    }
    free(plugin->providers);
    free(plugin->file);
    free(plugin);
}
