/* SPDX-License-Identifier: Apache-2.0 */
/* What is loaded, what runs, and how long its calls take. */
#include "server/private.h"

#include "plugin/kinds.h"

#include <stdio.h>

static json_t *abi_text(uint32_t abi)
{
    char text[24];
    snprintf(text, sizeof text, "%u.%u", abi >> 16, abi & 0xffffu);
    return json_string(text);
}

static json_t *settings_json(const gantry_setting *const *settings)
{
    static const char *const types[] = {"", "string", "integer", "boolean", "strings", "secret"};
    json_t *out = json_array();
    for (; settings && *settings; settings++) {
        const gantry_setting *s = *settings;
        json_t *one = json_object();
        json_object_set_new(one, "path", json_string(s->path));
        json_object_set_new(one, "type", json_string(s->type < 6 ? types[s->type] : ""));
        json_object_set_new(one, "required", json_boolean(!s->fallback));
        if (s->fallback) json_object_set_new(one, "default", json_string(s->fallback));
        json_object_set_new(one, "doc", json_string(s->doc ? s->doc : ""));
        json_array_append_new(out, one);
    }
    return out;
}

static json_t *calls_json(const struct gy_instance_status *status)
{
    json_t *out = json_array();
    for (size_t i = 0; i < status->call_count; i++) {
        const struct gy_call_stats *c = &status->calls[i];
        json_array_append_new(out, json_pack("{s:s,s:I,s:I,s:I,s:I}", "function", c->function,
                                             "count", (json_int_t)c->count, "total_us",
                                             (json_int_t)(c->total_ns / 1000), "max_us",
                                             (json_int_t)(c->max_ns / 1000), "over_budget",
                                             (json_int_t)c->over_budget));
    }
    return out;
}

static json_t *instances_json(struct gy_plugins *ps, const struct gy_plugin *plugin, bool full)
{
    json_t *out = json_array();
    struct gy_instance_status st;
    for (size_t i = 0; gy_plugins_instance_status(ps, i, &st); i++) {
        if (st.plugin != plugin) continue;
        const struct gy_kind *kind = gy_kind_find(st.kind);
        uint64_t count = 0, ns = 0;
        for (size_t j = 0; j < st.call_count; j++) {
            count += st.calls[j].count;
            ns += st.calls[j].total_ns;
        }
        json_t *one = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "name", st.name,
                                "kind", kind ? kind->short_name : st.kind, "provider", st.provider,
                                "state", gy_instance_state_name(st.state), "text",
                                st.text ? st.text : "", "calls", (json_int_t)count, "total_us",
                                (json_int_t)(ns / 1000), "open_operations", (json_int_t)st.open_ops,
                                "late", (json_int_t)st.late, "double", (json_int_t)st.twice);
        if (full) json_object_set_new(one, "functions", calls_json(&st));
        json_array_append_new(out, one);
    }
    return out;
}

static json_t *plugin_json(struct gy_plugins *ps, const struct gy_plugin *plugin, bool full)
{
    json_t *providers = json_array();
    for (size_t i = 0; i < plugin->provider_count; i++) {
        const struct gy_provider *p = &plugin->providers[i];
        json_t *one =
            json_pack("{s:s,s:s,s:b}", "kind", p->kind, "name", p->name, "draft", p->draft != 0);
        if (full) {
            json_object_set_new(one, "settings",
                                settings_json((const gantry_setting *const *)p->settings));
            json_object_set_new(one, "app_settings",
                                settings_json((const gantry_setting *const *)p->app_settings));
        }
        json_array_append_new(providers, one);
    }
    json_t *out = json_pack("{s:s,s:s,s:s,s:s}", "name", plugin->name, "version", plugin->version,
                            "description", plugin->description ? plugin->description : "",
                            "license", plugin->license ? plugin->license : "");
    json_object_set_new(out, "abi", abi_text(plugin->abi_built));
    json_object_set_new(out, "abi_min", abi_text(plugin->abi_min));
    json_object_set_new(out, "build_id", json_string(plugin->build_id));
    if (plugin->url && full) json_object_set_new(out, "url", json_string(plugin->url));
    if (full) json_object_set_new(out, "file", json_string(plugin->file));
    json_object_set_new(out, "providers", providers);
    json_object_set_new(out, "instances", instances_json(ps, plugin, full));
    return out;
}

void gy_route_plugins(struct gy_server *s, struct gy_http_request *req)
{
    json_t *items = json_array();
    const struct gy_plugin *plugin;
    for (size_t i = 0; s->o.plugins && (plugin = gy_plugins_get(s->o.plugins, i)); i++)
        json_array_append_new(items, plugin_json(s->o.plugins, plugin, false));
    gy_http_reply_json(req, 200, json_pack("{s:o}", "items", items));
}

void gy_route_plugin(struct gy_server *s, struct gy_http_request *req)
{
    const char *name = gy_http_param(req, "name");
    const struct gy_plugin *plugin;
    for (size_t i = 0; s->o.plugins && (plugin = gy_plugins_get(s->o.plugins, i)); i++)
        if (gy_streq(plugin->name, name)) {
            gy_http_reply_json(req, 200, plugin_json(s->o.plugins, plugin, true));
            return;
        }
    gy_reply_missing(req,
                     "no plugin \"%.63s\" is loaded; a plugin is loaded by naming it in the "
                     "config",
                     name);
}
