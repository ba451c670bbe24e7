/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the files: every sentence begins with file and line. */
#include "main/config.h"

#include "net/address.h"
#include <gantry/driver.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#include <dirent.h>
#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

struct reader {
    struct gy_config *config;
    const char *file;
    bool blocks_only; /* a file of plugins.d */
    bool *replaced;   /* kinds whose built-in blocks were dropped */
    int *lines;       /* of each key; 0 = default */
    struct gy_error *err;
};

static gantry_status fail(struct reader *r, const config_setting_t *at, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static gantry_status fail(struct reader *r, const config_setting_t *at, const char *fmt, ...)
{
    struct gy_error inner = GY_ERROR_INIT;
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&inner, GANTRY_EINVAL, fmt, args);
    va_end(args);
    return gy_error_set(r->err, GANTRY_EINVAL, "%s:%d: %s", r->file,
                        (int)config_setting_source_line(at), inner.text);
}

static const char *type_word(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP: return "a group";
    case CONFIG_TYPE_LIST: return "a list";
    case CONFIG_TYPE_ARRAY: return "an array";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return "a number";
    case CONFIG_TYPE_FLOAT: return "a fraction";
    case CONFIG_TYPE_STRING: return "a string";
    case CONFIG_TYPE_BOOL: return "true or false";
    }
    return "nothing";
}

/* ---- keys ---- */

static void strs_clear(struct gy_strs *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->items[i]);
    free(s->items);
    *s = (struct gy_strs){0};
}

static gantry_status read_strs(struct reader *r, const struct gy_config_key *key,
                               const config_setting_t *s, struct gy_strs *out)
{
    if (!config_setting_is_array(s) && !config_setting_is_list(s))
        return fail(r, s, "%s must be an array of strings, as in [\"...\"], not %s", key->path,
                    type_word(s));
    strs_clear(out);
    for (int i = 0; i < config_setting_length(s); i++) {
        const char *text = config_setting_get_string_elem(s, i);
        if (!text) return fail(r, s, "%s must hold strings alone", key->path);
        gy_strs_add(out, text);
    }
    return GANTRY_OK;
}

static gantry_status read_map(struct reader *r, const struct gy_config_key *key,
                              const config_setting_t *s, struct gy_map *out)
{
    if (!config_setting_is_group(s))
        return fail(r, s, "%s must be a group, as in { disk = \"ssd\"; }, not %s", key->path,
                    type_word(s));
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
        if (!config_setting_get_string(e))
            return fail(r, e, "%s.%s must be a string, not %s", key->path, config_setting_name(e),
                        type_word(e));
        gy_map_set(out, config_setting_name(e), config_setting_get_string(e));
    }
    return GANTRY_OK;
}

static gantry_status read_key(struct reader *r, const struct gy_config_key *key,
                              const config_setting_t *s)
{
    char *base = (char *)r->config + key->offset;
    int type = config_setting_type(s);
    r->lines[key - gy_config_keys] = (int)config_setting_source_line(s);
    switch (key->type) {
    case GY_CONFIG_STR: {
        char **out = (char **)(void *)base;
        if (type != CONFIG_TYPE_STRING)
            return fail(r, s, "%s must be a string, as in \"...\", not %s", key->path,
                        type_word(s));
        free(*out);
        *out = gy_strdup(config_setting_get_string(s));
        return GANTRY_OK;
    }
    case GY_CONFIG_INT: {
        int64_t value = config_setting_get_int64(s);
        if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
            return fail(r, s, "%s must be a number, not %s", key->path, type_word(s));
        if (value < key->min || value > key->max)
            return fail(r, s, "%s must be from %lld to %lld, not %lld", key->path,
                        (long long)key->min, (long long)key->max, (long long)value);
        *(int64_t *)(void *)base = value;
        return GANTRY_OK;
    }
    case GY_CONFIG_BOOL:
        if (type != CONFIG_TYPE_BOOL)
            return fail(r, s, "%s must be true or false, not %s", key->path, type_word(s));
        *(bool *)(void *)base = config_setting_get_bool(s) != 0;
        return GANTRY_OK;
    case GY_CONFIG_STRS: return read_strs(r, key, s, (struct gy_strs *)(void *)base);
    case GY_CONFIG_MAP: return read_map(r, key, s, (struct gy_map *)(void *)base);
    }
    return GANTRY_OK;
}

/* ---- blocks ---- */

void gy_config_block_fini(struct gy_config_block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct gy_setting_value *v = &b->values[i];
        for (size_t j = 0; j < v->list_count; j++)
            free((char *)(uintptr_t)v->list[j]);
        free((void *)(uintptr_t)v->list);
        free((char *)(uintptr_t)v->path);
        free((char *)(uintptr_t)v->text);
        free((char *)(uintptr_t)v->source);
    }
    free(b->values);
    free(b->plugin);
    free(b->provider);
    free(b->name);
    free(b->source);
}

static char *scalar_text(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_STRING: return gy_strdup(config_setting_get_string(s));
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return gy_printf("%lld", config_setting_get_int64(s));
    case CONFIG_TYPE_BOOL: return gy_strdup(config_setting_get_bool(s) ? "true" : "false");
    default: return NULL;
    }
}

static uint32_t given_type(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_STRING: return GANTRY_SETTING_STR;
    case CONFIG_TYPE_BOOL: return GANTRY_SETTING_BOOL;
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST: return GANTRY_SETTING_STRV;
    default: return GANTRY_SETTING_INT;
    }
}

static gantry_status add_value(struct reader *r, struct gy_config_block *b, const char *path,
                               const config_setting_t *s)
{
    GY_VEC_PUSH(b->values, b->n, b->cap);
    struct gy_setting_value *v = &b->values[b->n++];
    *v = (struct gy_setting_value){
        .path = gy_strdup(path),
        .given = given_type(s),
        .source = gy_printf("%s:%d", r->file, (int)config_setting_source_line(s))};
    if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
        v->text = scalar_text(s);
        return v->text ? GANTRY_OK
                       : fail(r, s,
                              "%s is %s: a string, a number, true, false or a list of these "
                              "is possible",
                              path, type_word(s));
    }
    size_t n = (size_t)config_setting_length(s);
    char **list = gy_alloc_array(n + 1, sizeof *list);
    v->list = (const char *const *)list;
    for (; v->list_count < n; v->list_count++) {
        list[v->list_count] = scalar_text(config_setting_get_elem(s, (unsigned)v->list_count));
        if (!list[v->list_count]) return fail(r, s, "%s must hold strings or numbers", path);
    }
    return GANTRY_OK;
}

static gantry_status add_values(struct reader *r, struct gy_config_block *b, const char *prefix,
                                const config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(s);
        if (!prefix[0]) {
            char **own = gy_streq(name, "plugin")     ? &b->plugin
                         : gy_streq(name, "provider") ? &b->provider
                         : gy_streq(name, "name")     ? &b->name
                                                      : NULL;
            if (own) {
                if (!config_setting_get_string(s) || !config_setting_get_string(s)[0])
                    return fail(r, s, "%s must be a string, as in \"...\", not %s", name,
                                config_setting_get_string(s) ? "empty" : type_word(s));
                *own = gy_strdup(config_setting_get_string(s));
                continue;
            }
        }
        gy_autofree char *path = gy_printf("%s%s%s", prefix, prefix[0] ? "." : "", name);
        gantry_status status =
            config_setting_is_group(s) ? add_values(r, b, path, s) : add_value(r, b, path, s);
        if (status != GANTRY_OK) return status;
    }
    return GANTRY_OK;
}

static gantry_status read_block(struct reader *r, const struct gy_config_kind *kind,
                                const config_setting_t *s)
{
    struct gy_config *c = r->config;
    if (!config_setting_is_group(s))
        return fail(r, s, "%s must be %s{ plugin = \"NAME\"; ... }, not %s", kind->setting,
                    kind->many ? "a list of " : "", type_word(s));
    GY_VEC_PUSH(c->blocks, c->block_count, c->block_cap);
    struct gy_config_block *b = &c->blocks[c->block_count++];
    *b = (struct gy_config_block){
        .kind = kind->kind,
        .source = gy_printf("%s:%d", r->file, (int)config_setting_source_line(s))};
    if (add_values(r, b, "", s) != GANTRY_OK) return GANTRY_EINVAL;
    if (!b->plugin)
        return fail(r, s, "a block of %s needs plugin = \"NAME\"; it is what enables the plugin",
                    kind->setting);
    const char *slash = strrchr(b->plugin, '/');
    gy_autofree char *stem = gy_strdup(slash ? slash + 1 : b->plugin);
    if (gy_ends_with(stem, ".so")) stem[strlen(stem) - 3] = '\0';
    if (!b->provider) b->provider = gy_strdup(stem);
    if (!b->name) b->name = gy_strdup(b->provider);
    if (!gy_is_label(b->name))
        return fail(r, s, "name \"%s\" must be lower-case letters, digits and '-', at most 63",
                    b->name);
    for (size_t i = 0; i + 1 < c->block_count; i++) {
        const struct gy_config_block *other = &c->blocks[i];
        if (!gy_streq(other->kind, b->kind)) continue;
        if (!kind->many)
            return fail(r, s, "%s is set already at %s; there is one", kind->setting,
                        other->source);
        if (gy_streq(other->name, b->name))
            return fail(r, s,
                        "%s: the name \"%s\" is used already at %s; give another with name = "
                        "\"...\"",
                        kind->setting, b->name, other->source);
    }
    return GANTRY_OK;
}

/* What the files say of a kind replaces what is built in for it. */
static void drop_built_in(struct reader *r, size_t kind)
{
    struct gy_config *c = r->config;
    if (r->replaced[kind]) return;
    r->replaced[kind] = true;
    size_t n = 0;
    for (size_t i = 0; i < c->block_count; i++) {
        if (gy_streq(c->blocks[i].kind, gy_config_kinds[kind].kind))
            gy_config_block_fini(&c->blocks[i]);
        else
            c->blocks[n++] = c->blocks[i];
    }
    c->block_count = n;
}

static gantry_status read_kind(struct reader *r, size_t index, const config_setting_t *s)
{
    const struct gy_config_kind *kind = &gy_config_kinds[index];
    drop_built_in(r, index);
    if (!kind->many) return read_block(r, kind, s);
    if (!config_setting_is_list(s))
        return fail(r, s, "%s must be a list, as in ( { plugin = \"NAME\"; } ), not %s",
                    kind->setting, type_word(s));
    for (int i = 0; i < config_setting_length(s); i++)
        if (read_block(r, kind, config_setting_get_elem(s, (unsigned)i)) != GANTRY_OK)
            return GANTRY_EINVAL;
    return GANTRY_OK;
}

/* ---- files ---- */

static gantry_status unknown(struct reader *r, const char *path, const config_setting_t *s)
{
    const char *words[64];
    size_t n = 0;
    for (size_t i = 0; i < gy_config_key_count && !r->blocks_only; i++)
        words[n++] = gy_config_keys[i].path;
    for (size_t i = 0; i < gy_config_kind_count; i++)
        words[n++] = gy_config_kinds[i].setting;
    const char *near = gy_nearest(path, words, n);
    if (r->blocks_only)
        return fail(r, s,
                    "unknown setting \"%s\": a file of plugins.d holds store, drivers and "
                    "strategies alone",
                    path);
    return near ? fail(r, s, "unknown setting \"%s\"; did you mean \"%s\"?", path, near)
                : fail(r, s, "unknown setting \"%s\"; gantryd --print-config shows all", path);
}

static bool is_group_of_keys(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < gy_config_key_count; i++)
        if (!strncmp(gy_config_keys[i].path, path, n) && gy_config_keys[i].path[n] == '.')
            return true;
    return false;
}

static gantry_status read_group(struct reader *r, const char *prefix, const config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        gy_autofree char *path =
            gy_printf("%s%s%s", prefix, prefix[0] ? "." : "", config_setting_name(s));
        const struct gy_config_key *key = NULL;
        for (size_t j = 0; j < gy_config_key_count && !r->blocks_only; j++)
            if (gy_streq(gy_config_keys[j].path, path)) key = &gy_config_keys[j];
        size_t kind = 0;
        while (kind < gy_config_kind_count && !gy_streq(gy_config_kinds[kind].setting, path))
            kind++;
        gantry_status status;
        if (key)
            status = read_key(r, key, s);
        else if (kind < gy_config_kind_count)
            status = read_kind(r, kind, s);
        else if (r->blocks_only || !is_group_of_keys(path))
            status = unknown(r, path, s);
        else if (!config_setting_is_group(s))
            status = fail(r, s, "%s must be a group, as in %s = { ... };, not %s", path, path,
                          type_word(s));
        else
            status = read_group(r, path, s);
        if (status != GANTRY_OK) return status;
    }
    return GANTRY_OK;
}

static gantry_status read_file(struct reader *r)
{
    gy_autofree char *text = NULL;
    size_t len;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_file_read(r->file, FILE_MAX, &text, &len, &err) != GANTRY_OK)
        return gy_error_set(r->err, GANTRY_EINVAL, "%s:1: cannot be read: %s", r->file, err.text);
    if (strlen(text) != len)
        return gy_error_set(r->err, GANTRY_EINVAL, "%s:1: holds a zero byte; it must be text",
                            r->file);
    config_t config;
    config_init(&config);
    gantry_status status;
    if (!config_read_string(&config, text)) {
        bool doubled = strstr(config_error_text(&config), "duplicate") != NULL;
        status = gy_error_set(r->err, GANTRY_EINVAL, "%s:%d: %s; %s", r->file,
                              config_error_line(&config), config_error_text(&config),
                              doubled ? "a setting is written once"
                                      : "a setting is written name = value;");
    } else {
        status = read_group(r, "", config_root_setting(&config));
    }
    config_destroy(&config);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* plugins.d beside the file; that it is missing is fine. */
static gantry_status read_folder(struct reader *r, const char *file)
{
    const char *slash = strrchr(file, '/');
    gy_autofree char *folder =
        gy_printf("%.*splugins.d", slash ? (int)(slash - file) + 1 : 0, file);
    DIR *dir = opendir(folder);
    if (!dir) return GANTRY_OK;
    struct gy_strs names = {0};
    struct dirent *entry;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && gy_ends_with(entry->d_name, ".conf"))
            gy_strs_add(&names, entry->d_name);
    closedir(dir);
    if (names.n) qsort(names.items, names.n, sizeof *names.items, by_name);
    gantry_status status = GANTRY_OK;
    r->blocks_only = true;
    for (size_t i = 0; i < names.n && status == GANTRY_OK; i++) {
        gy_autofree char *path = gy_printf("%s/%s", folder, names.items[i]);
        r->file = path;
        status = read_file(r);
    }
    r->file = file;
    strs_clear(&names);
    return status;
}

/* ---- defaults ---- */

static void set_default(struct gy_config *c, const struct gy_config_key *key)
{
    char *base = (char *)c + key->offset;
    if (!key->fallback) return;
    if (key->type == GY_CONFIG_STR) *(char **)(void *)base = gy_strdup(key->fallback);
    if (key->type == GY_CONFIG_INT) *(int64_t *)(void *)base = strtoll(key->fallback, NULL, 10);
    if (key->type == GY_CONFIG_BOOL) *(bool *)(void *)base = gy_streq(key->fallback, "true");
}

static void built_in(struct gy_config *c, const char *kind, const char *plugin)
{
    GY_VEC_PUSH(c->blocks, c->block_count, c->block_cap);
    c->blocks[c->block_count++] = (struct gy_config_block){.kind = kind,
                                                           .plugin = gy_strdup(plugin),
                                                           .provider = gy_strdup(plugin),
                                                           .name = gy_strdup(plugin),
                                                           .source = gy_strdup("built-in")};
}

static void set_defaults(struct gy_config *c, const char *dev_dir)
{
    for (size_t i = 0; i < gy_config_key_count; i++)
        set_default(c, &gy_config_keys[i]);
    built_in(c, GANTRY_STRATEGY_KIND, "spread");
    built_in(c, GANTRY_STRATEGY_KIND, "binpack");
    built_in(c, GANTRY_STRATEGY_KIND, "random");
    built_in(c, GANTRY_STORE_KIND, "sqlite");
    if (!dev_dir) return;
    c->dev = true;
    built_in(c, GANTRY_DRIVER_KIND, "process");
    free(c->data_dir);
    free(c->run_dir);
    c->data_dir = gy_printf("%s/data", dev_dir);
    c->run_dir = gy_printf("%s/run", dev_dir);
    c->socket_path = gy_printf("%s/gantry.sock", dev_dir);
    c->trust_plugin_owner = true;
}

static void set_derived(struct gy_config *c, const char *bin_dir)
{
    if (!c->socket_path) c->socket_path = gy_printf("%s/gantry.sock", c->run_dir);
    gy_autofree char *tree = gy_printf("%s/../lib/gantry/plugins", bin_dir);
    char resolved[PATH_MAX];
    if (!c->plugin_dirs.n && realpath(tree, resolved)) gy_strs_add(&c->plugin_dirs, resolved);
    if (!c->plugin_dirs.n) gy_strs_add(&c->plugin_dirs, GANTRY_PLUGIN_DIR);
    gy_autofree char *libexec = gy_printf("%s/../libexec/gantry", bin_dir);
    if (!c->libexec_dir)
        c->libexec_dir = gy_strdup(realpath(libexec, resolved) ? resolved : bin_dir);
    if (c->node_name) return;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    size_t n = 0;
    for (size_t i = 0; host[i] && host[i] != '.' && n < 63; i++) {
        char ch = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] + 32) : host[i];
        host[n++] = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ? ch : '-';
    }
    host[n] = '\0';
    c->node_name = gy_strdup(gy_is_label(host) ? host : "node");
}

/* ---- rules across settings ---- */

static gantry_status wrong(struct reader *r, const char *path, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static gantry_status wrong(struct reader *r, const char *path, const char *fmt, ...)
{
    struct gy_error inner = GY_ERROR_INIT;
    int line = 1;
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&inner, GANTRY_EINVAL, fmt, args);
    va_end(args);
    for (size_t i = 0; i < gy_config_key_count; i++)
        if (gy_streq(gy_config_keys[i].path, path) && r->lines[i]) line = r->lines[i];
    return gy_error_set(r->err, GANTRY_EINVAL, "%s:%d: %s", r->file ? r->file : "built-in", line,
                        inner.text);
}

static gantry_status check(struct reader *r)
{
    struct gy_config *c = r->config;
    if (!gy_is_label(c->node_name))
        return wrong(r, "node.name",
                     "node.name \"%s\" must be lower-case letters, digits and '-', "
                     "at most 63",
                     c->node_name);
    if (gy_config_log_level(c->log_level) < 0)
        return wrong(r, "log.level",
                     "log.level must be error, warn, info, debug or trace, not \"%s\"",
                     c->log_level);
    const char *const dirs[][2] = {{"data_dir", c->data_dir},
                                   {"run_dir", c->run_dir},
                                   {"libexec_dir", c->libexec_dir},
                                   {"socket.path", c->socket_path}};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        if (dirs[i][1][0] != '/')
            return wrong(r, dirs[i][0], "%s must be an absolute path, not \"%s\"", dirs[i][0],
                         dirs[i][1]);
    for (size_t i = 0; i < c->plugin_dirs.n; i++) {
        struct stat st;
        const char *dir = c->plugin_dirs.items[i];
        if (dir[0] != '/')
            return wrong(r, "plugin_dirs", "plugin_dirs must hold absolute paths, not \"%s\"", dir);
        if (stat(dir, &st) || !S_ISDIR(st.st_mode))
            return wrong(r, "plugin_dirs", "plugin_dirs: there is no folder %s", dir);
    }
    for (size_t i = 0; i < c->listen.n; i++) {
        struct gy_address address;
        struct gy_error err = GY_ERROR_INIT;
        if (gy_address_parse(c->listen.items[i], &address, &err) != GANTRY_OK ||
            address.family == GY_ADDRESS_UNIX)
            return wrong(r, "listen",
                         "listen: \"%s\" must be ADDRESS:PORT, as in \"127.0.0.1:7700\"",
                         c->listen.items[i]);
    }
    if (c->listen.n && !c->tokens_file)
        return wrong(r, "listen", "listen needs tokens_file: TCP always wants a token");
    if (c->tokens_file && access(c->tokens_file, R_OK))
        return wrong(r, "tokens_file", "tokens_file: %s cannot be read: %s", c->tokens_file,
                     strerror(errno));
    bool found = false;
    struct gy_buf names = {0};
    const struct gy_config_block *b;
    for (size_t i = 0; (b = gy_config_block(c, GANTRY_STRATEGY_KIND, i)); i++) {
        found = found || gy_streq(b->name, c->strategy);
        gy_buf_printf(&names, "%s%s", i ? ", " : "", b->name);
    }
    gantry_status status = found ? GANTRY_OK
                                 : wrong(r, "scheduler.strategy",
                                         "scheduler.strategy: \"%s\" is not enabled; strategies "
                                         "has %s",
                                         c->strategy, names.len ? names.text : "none");
    gy_buf_fini(&names);
    return status;
}

/* A sentence is one line, whatever value it shows. */
static void keep_to_a_line(struct gy_error *err)
{
    for (char *p = err ? err->text : ""; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) *p = '?';
}

gantry_status gy_config_read(const char *file, const char *dev_dir, const char *bin_dir,
                             struct gy_config *out, struct gy_error *err)
{
    bool replaced[8] = {false};
    int lines[64] = {0};
    *out = (struct gy_config){.file = gy_strdup(file)};
    struct reader r = {
        .config = out, .file = file, .replaced = replaced, .lines = lines, .err = err};
    GY_ASSERT(gy_config_key_count <= 64 && gy_config_kind_count <= 8);
    set_defaults(out, dev_dir);
    gantry_status status = file ? read_file(&r) : GANTRY_OK;
    if (status == GANTRY_OK && file) status = read_folder(&r, file);
    if (status == GANTRY_OK) {
        set_derived(out, bin_dir);
        status = check(&r);
    }
    if (status != GANTRY_OK) {
        keep_to_a_line(err);
        gy_config_fini(out);
    }
    return status;
}

void gy_config_fini(struct gy_config *c)
{
    for (size_t i = 0; i < gy_config_key_count; i++) {
        const struct gy_config_key *key = &gy_config_keys[i];
        char *base = (char *)c + key->offset;
        if (key->type == GY_CONFIG_STR) free(*(char **)(void *)base);
        if (key->type == GY_CONFIG_STRS) strs_clear((struct gy_strs *)(void *)base);
        if (key->type != GY_CONFIG_MAP) continue;
        struct gy_map *map = (struct gy_map *)(void *)base;
        for (size_t j = 0; j < map->n; j++) {
            free(map->items[j].key);
            free(map->items[j].value);
        }
        free(map->items);
    }
    for (size_t i = 0; i < c->block_count; i++)
        gy_config_block_fini(&c->blocks[i]);
    free(c->blocks);
    free(c->file);
    *c = (struct gy_config){0};
}

const struct gy_config_block *gy_config_block(const struct gy_config *c, const char *kind, size_t i)
{
    for (size_t j = 0; j < c->block_count; j++)
        if (gy_streq(c->blocks[j].kind, kind) && i-- == 0) return &c->blocks[j];
    return NULL;
}
