/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/api.h"
#include "plugin/plugin.h"
#include <inttypes.h>

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

static void time_text(int64_t us, char out[32])
{
    if (us < 10000)
        snprintf(out, 32, "%" PRId64 " µs", us);
    else
        gy_duration_format(us / 1000, out);
}

/* One row for each instance; one for a plugin that has none. */
static void add_rows(struct gy_table *t, const json_t *plugin)
{
    const json_t *instances = json_object_get(plugin, "instances"), *one;
    size_t i = 0, n = json_array_size(instances);
    do {
        one = json_array_get(instances, i);
        const char *state = gy_json_text(one, "state"), *text = gy_json_text(one, "text");
        const json_t *provider = json_array_get(json_object_get(plugin, "providers"), 0);
        char spent[32];
        time_text(gy_json_int(one, "total_us"), spent);
        gy_table_cell(t, GY_BOLD, "%s", or_dash(gy_json_text(plugin, "name")));
        gy_table_cell(t, GY_PLAIN, "%s", or_dash(gy_json_text(one ? one : provider, "kind")));
        gy_table_cell(t, GY_PLAIN, "%s", or_dash(gy_json_text(plugin, "version")));
        gy_table_cell(t, GY_PLAIN, "%s", or_dash(gy_json_text(plugin, "abi")));
        gy_table_cell(t, GY_PLAIN, "%s", or_dash(gy_json_text(one, "name")));
        gy_table_cell(t, gy_colour_of_state(state), "%s", one ? or_dash(state) : "not used");
        gy_table_cell(t, GY_PLAIN, "%" PRId64, gy_json_int(one, "calls"));
        gy_table_cell(t, GY_PLAIN, "%s", one ? spent : "-");
        gy_table_cell(t, GY_PLAIN, "%s", *text ? text : gy_json_text(plugin, "description"));
    } while (++i < n);
}

/* "1.0" */
static char *abi_text(uint32_t abi)
{
    return gy_printf("%u.%u", GANTRY_ABI_MAJOR(abi), GANTRY_ABI_MINOR(abi));
}

static json_t *found_json(const struct gy_plugin_found *f)
{
    json_t *one = json_pack("{s:s}", "file", f->file);
    if (f->error) {
        json_object_set_new(one, "error", json_string(f->error));
        return one;
    }
    gy_autofree char *built = abi_text(f->abi_built), *min = abi_text(f->abi_min);
    json_object_set_new(one, "name", json_string(f->name));
    json_object_set_new(one, "version", json_string(f->version));
    json_object_set_new(one, "kinds", json_string(f->kinds));
    json_object_set_new(one, "abi", json_string(built));
    json_object_set_new(one, "abi_min", json_string(min));
    return one;
}

static int scan(struct gy_cli *cli, const char *folder)
{
    static const char *const titles[] = {"PLUGIN", "KIND", "VERSION", "ABI", "~FILE"};
    struct gy_plugin_found *found;
    size_t n;
    struct gy_table table;
    if (gy_plugins_scan(folder, &found, &n, &cli->error) != GANTRY_OK) return gy_cli_failed(cli);
    json_t *rows = json_array();
    gy_table_init(&table, titles, 5);
    for (size_t i = 0; i < n; i++) {
        const struct gy_plugin_found *f = &found[i];
        gy_autofree char *abi = abi_text(f->abi_built);
        json_array_append_new(rows, found_json(f));
        gy_table_cell(&table, GY_BOLD, "%s", f->error ? "-" : f->name);
        gy_table_cell(&table, GY_PLAIN, "%s", f->error ? "-" : f->kinds);
        gy_table_cell(&table, GY_PLAIN, "%s", f->error ? "-" : f->version);
        gy_table_cell(&table, GY_PLAIN, "%s", f->error ? "-" : abi);
        gy_table_cell(&table, f->error ? GY_RED : GY_PLAIN, "%s%s%s", f->file, f->error ? ": " : "",
                      f->error ? f->error : "");
    }
    if (cli->json)
        gy_cli_print_json(cli, rows);
    else if (n)
        gy_table_print(&table, &cli->term, cli->out);
    else if (!cli->quiet)
        fprintf(cli->err, "%s has no plugin (*.so)\n", folder);
    gy_table_fini(&table);
    json_decref(rows);
    gy_plugins_scan_free(found, n);
    return 0;
}

int gy_cmd_plugin_ls(struct gy_cli *cli)
{
    if (gy_cli_value(cli, "scan")) return scan(cli, gy_cli_value(cli, "scan"));
    json_t *plugins = NULL, *plugin;
    int code = gy_cli_list(cli, "/v1/plugins", &plugins);
    static const char *const titles[] = {"PLUGIN", "KIND",   "VERSION", "ABI",  "INSTANCE",
                                         "STATE",  ">CALLS", ">TIME",   "~TEXT"};
    struct gy_table table;
    gy_table_init(&table, titles, 9);
    size_t i;
    json_array_foreach (plugins, i, plugin)
        if (!cli->json) add_rows(&table, plugin);
    if (!code && cli->json)
        gy_cli_print_json(cli, plugins);
    else if (!code)
        gy_table_print(&table, &cli->term, cli->out);
    gy_table_fini(&table);
    json_decref(plugins);
    return code;
}

static void print_settings(struct gy_cli *cli, const char *title, const json_t *settings)
{
    static const char *const titles[] = {"SETTING", "TYPE", "DEFAULT", "~MEANING"};
    struct gy_table table;
    size_t i;
    const json_t *one;
    if (json_array_size(settings) == 0) return;
    gy_table_init(&table, titles, 4);
    json_array_foreach (settings, i, one) {
        const char *fallback = gy_json_text(one, "default");
        bool required = json_is_true(json_object_get(one, "required"));
        gy_table_cell(&table, GY_BOLD, "%s", gy_json_text(one, "path"));
        gy_table_cell(&table, GY_PLAIN, "%s", gy_json_text(one, "type"));
        gy_table_cell(&table, GY_PLAIN, "%s", required ? "(required)" : or_dash(fallback));
        gy_table_cell(&table, GY_PLAIN, "%s", gy_json_text(one, "doc"));
    }
    fprintf(cli->out, "\n%s\n", title);
    gy_table_print(&table, &cli->term, cli->out);
    gy_table_fini(&table);
}

static void print_calls(struct gy_cli *cli, const json_t *instance)
{
    static const char *const titles[] = {"FUNCTION", ">CALLS", ">TOTAL", ">LONGEST", ">TOO SLOW"};
    struct gy_table table;
    size_t i;
    const json_t *one;
    gy_table_init(&table, titles, 5);
    json_array_foreach (json_object_get(instance, "functions"), i, one) {
        char total[32], longest[32];
        if (!gy_json_int(one, "count")) continue;
        time_text(gy_json_int(one, "total_us"), total);
        time_text(gy_json_int(one, "max_us"), longest);
        gy_table_cell(&table, GY_BOLD, "%s", gy_json_text(one, "function"));
        gy_table_cell(&table, GY_PLAIN, "%" PRId64, gy_json_int(one, "count"));
        gy_table_cell(&table, GY_PLAIN, "%s", total);
        gy_table_cell(&table, GY_PLAIN, "%s", longest);
        gy_table_cell(&table, gy_json_int(one, "over_budget") ? GY_YELLOW : GY_PLAIN, "%" PRId64,
                      gy_json_int(one, "over_budget"));
    }
    const char *text = gy_json_text(instance, "text");
    fprintf(cli->out, "\ninstance %s (%s %s): %s%s%s\n", gy_json_text(instance, "name"),
            gy_json_text(instance, "kind"), gy_json_text(instance, "provider"),
            gy_json_text(instance, "state"), *text ? ", " : "", text);
    if (table.n) gy_table_print(&table, &cli->term, cli->out);
    gy_table_fini(&table);
}

static void print_plugin(struct gy_cli *cli, const json_t *plugin)
{
    size_t i;
    const json_t *one;
    fprintf(cli->out, "%s %s: %s\n", gy_json_text(plugin, "name"), gy_json_text(plugin, "version"),
            gy_json_text(plugin, "description"));
    fprintf(cli->out, "ABI %s, runs from %s on; license %s\n%s\n", gy_json_text(plugin, "abi"),
            gy_json_text(plugin, "abi_min"), or_dash(gy_json_text(plugin, "license")),
            gy_json_text(plugin, "file"));
    json_array_foreach (json_object_get(plugin, "providers"), i, one) {
        gy_autofree char *own = gy_printf("%s %s: settings of its block in the config",
                                          gy_json_text(one, "kind"), gy_json_text(one, "name"));
        gy_autofree char *of_app = gy_printf("%s %s: settings in an app", gy_json_text(one, "kind"),
                                             gy_json_text(one, "name"));
        print_settings(cli, own, json_object_get(one, "settings"));
        print_settings(cli, of_app, json_object_get(one, "app_settings"));
    }
    json_array_foreach (json_object_get(plugin, "instances"), i, one)
        print_calls(cli, one);
}

int gy_cmd_plugin_info(struct gy_cli *cli)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/plugins");
    gy_cli_segment(&path, cli->args[0]);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *plugin = NULL;
    int code = gy_cli_call(cli, "GET", url, NULL, &plugin);
    if (code == GY_CLI_NOT_FOUND && !cli->hint) cli->hint = gy_strdup("see: gantry plugin ls");
    if (!code && cli->json)
        gy_cli_print_json(cli, plugin);
    else if (!code)
        print_plugin(cli, plugin);
    json_decref(plugin);
    return code;
}
