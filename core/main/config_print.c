/* SPDX-License-Identifier: Apache-2.0 */
/* Checking blocks against their plugins, and showing what is in force. */
#include "main/config.h"

#include <stdio.h>

gantry_status gy_config_check_plugins(const struct gy_config *c, struct gy_plugins *ps,
                                      struct gy_error *err)
{
    for (size_t i = 0; i < c->block_count; i++) {
        const struct gy_config_block *b = &c->blocks[i];
        const struct gy_plugin *plugin;
        const struct gy_provider *provider;
        if (gy_plugins_load(ps, b->plugin, &plugin, err) != GANTRY_OK ||
            gy_plugins_find_provider(ps, b->kind, b->provider, &plugin, &provider, err) !=
                GANTRY_OK) {
            gy_error_wrap(err, "%s", b->source);
            return err->status = GANTRY_EINVAL;
        }
        if (gy_settings_check(provider, b->values, b->n, err) == GANTRY_OK) continue;
        /* A missing setting has no line of its own: that of the block says where to write it. */
        if (strncmp(err->text, b->source, strcspn(b->source, ":")))
            gy_error_wrap(err, "%s", b->source);
        return GANTRY_EINVAL;
    }
    return GANTRY_OK;
}

static bool sounds_secret(const char *path)
{
    static const char *const words[] = {"secret", "token", "password", "key", "credential"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(path, words[i])) return true;
    return false;
}

static bool is_secret(struct gy_plugins *ps, const struct gy_config_block *b, const char *path)
{
    const struct gy_plugin *plugin;
    const struct gy_provider *provider;
    if (!ps ||
        gy_plugins_find_provider(ps, b->kind, b->provider, &plugin, &provider, NULL) != GANTRY_OK)
        return sounds_secret(path);
    for (size_t i = 0; i < provider->setting_count; i++)
        if (gy_streq(provider->settings[i]->path, path))
            return provider->settings[i]->type == GANTRY_SETTING_SECRET;
    return sounds_secret(path);
}

static json_t *strs_json(const char *const *items, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_string(items[i]));
    return out;
}

static json_t *key_json(const struct gy_config *c, const struct gy_config_key *key)
{
    const char *base = (const char *)c + key->offset;
    const struct gy_strs *strs = (const void *)base;
    const struct gy_map *map = (const void *)base;
    json_t *out = NULL;
    switch (key->type) {
    case GY_CONFIG_STR:
        out = *(char *const *)(const void *)base ? json_string(*(char *const *)(const void *)base)
                                                 : NULL;
        break;
    case GY_CONFIG_INT: out = json_integer(*(const int64_t *)(const void *)base); break;
    case GY_CONFIG_BOOL: out = json_boolean(*(const bool *)(const void *)base); break;
    case GY_CONFIG_STRS: out = strs_json((const char *const *)strs->items, strs->n); break;
    case GY_CONFIG_MAP:
        out = json_object();
        for (size_t i = 0; i < map->n; i++)
            json_object_set_new(out, map->items[i].key, json_string(map->items[i].value));
        break;
    }
    return out;
}

static json_t *block_json(struct gy_plugins *ps, const struct gy_config_block *b)
{
    json_t *out =
        json_pack("{s:s,s:s,s:s}", "plugin", b->plugin, "provider", b->provider, "name", b->name);
    for (size_t i = 0; i < b->n; i++) {
        const struct gy_setting_value *v = &b->values[i];
        json_object_set_new(out, v->path,
                            is_secret(ps, b, v->path) ? json_string("***")
                            : v->text                 ? json_string(v->text)
                                                      : strs_json(v->list, v->list_count));
    }
    return out;
}

json_t *gy_config_json(const struct gy_config *c, struct gy_plugins *ps)
{
    json_t *out = json_object();
    for (size_t i = 0; i < gy_config_key_count; i++) {
        json_t *value = key_json(c, &gy_config_keys[i]);
        if (!value) continue;
        char group[64];
        const char *dot = strchr(gy_config_keys[i].path, '.');
        if (!dot) {
            json_object_set_new(out, gy_config_keys[i].path, value);
            continue;
        }
        snprintf(group, sizeof group, "%.*s", (int)(dot - gy_config_keys[i].path),
                 gy_config_keys[i].path);
        if (!json_object_get(out, group)) json_object_set_new(out, group, json_object());
        json_object_set_new(json_object_get(out, group), dot + 1, value);
    }
    for (size_t i = 0; i < gy_config_kind_count; i++) {
        const struct gy_config_kind *kind = &gy_config_kinds[i];
        json_t *list = json_array();
        const struct gy_config_block *b;
        for (size_t j = 0; (b = gy_config_block(c, kind->kind, j)); j++)
            json_array_append_new(list, block_json(ps, b));
        if (kind->many) {
            json_object_set_new(out, kind->setting, list);
        } else {
            if (json_array_size(list)) json_object_set(out, kind->setting, json_array_get(list, 0));
            json_decref(list);
        }
    }
    return out;
}

/* ---- libconfig's syntax ---- */

static void put_string(struct gy_buf *out, const char *text)
{
    gy_buf_str(out, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            gy_buf_printf(out, "\\%c", *p);
        else if (*p < 0x20)
            gy_buf_printf(out, "\\x%02x", *p);
        else
            gy_buf_add(out, p, 1);
    }
    gy_buf_str(out, "\"");
}

static void put_value(struct gy_buf *out, const json_t *value, int depth);

static void put_group(struct gy_buf *out, const json_t *group, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)group, key, value) {
        gy_buf_printf(out, "%*s%s = ", 2 * depth, "", key);
        put_value(out, value, depth);
        gy_buf_str(out, ";\n");
    }
}

static void put_value(struct gy_buf *out, const json_t *value, int depth)
{
    if (json_is_string(value)) {
        put_string(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        gy_buf_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        gy_buf_str(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_object(value)) {
        gy_buf_str(out, "{\n");
        put_group(out, value, depth + 1);
        gy_buf_printf(out, "%*s}", 2 * depth, "");
    } else {
        bool groups = json_is_object(json_array_get(value, 0));
        gy_buf_str(out, groups ? "( " : "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i) gy_buf_str(out, ", ");
            put_value(out, json_array_get(value, i), depth);
        }
        gy_buf_str(out, groups ? " )" : "]");
    }
}

char *gy_config_text(const struct gy_config *c, struct gy_plugins *ps)
{
    struct gy_buf out = {0};
    json_t *json = gy_config_json(c, ps);
    put_group(&out, json, 0);
    json_decref(json);
    return gy_buf_take(&out);
}
