/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/explain.h"
#include <inttypes.h>

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

int gy_cmd_plugin_ls(struct gy_cli *cli)
{
    json_t *plugins = NULL, *plugin;
    int code = gy_cli_list(cli, "/v1/plugins", &plugins);
    static const char *const titles[] = {"PLUGIN", "KIND", "VERSION", "STATE", ">CALLS", "~TEXT"};
    struct gy_table table;
    gy_table_init(&table, titles, 6);
    size_t i;
    json_array_foreach (plugins, i, plugin) {
        const char *state = gy_json_text(plugin, "state"), *text = gy_json_text(plugin, "text");
        if (!*text) text = gy_json_text(plugin, "description");
        gy_table_cell(&table, GY_BOLD, "%s", or_dash(gy_json_text(plugin, "name")));
        gy_table_cell(&table, GY_PLAIN, "%s", or_dash(gy_json_text(plugin, "kind")));
        gy_table_cell(&table, GY_PLAIN, "%s", or_dash(gy_json_text(plugin, "version")));
        gy_table_cell(&table, gy_colour_of_state(state), "%s", or_dash(state));
        gy_table_cell(&table, GY_PLAIN, "%" PRId64, gy_json_int(plugin, "calls"));
        gy_table_cell(&table, GY_PLAIN, "%s", text);
    }
    if (!code && cli->json)
        gy_cli_print_json(cli, plugins);
    else if (!code)
        gy_table_print(&table, &cli->term, cli->out);
    gy_table_fini(&table);
    json_decref(plugins);
    return code;
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
        gy_explain_print(plugin, &cli->term, cli->out);
    json_decref(plugin);
    return code;
}

int gy_cmd_config(struct gy_cli *cli)
{
    json_t *config = NULL;
    int code = gy_cli_call(cli, "GET", "/v1/config", NULL, &config);
    if (!code) gy_cli_print_json(cli, config);
    json_decref(config);
    return code;
}

int gy_cmd_version(struct gy_cli *cli)
{
    json_t *server = NULL;
    int code = gy_cli_call(cli, "GET", "/v1/version", NULL, &server);
    if (code && !cli->host) return code; /* the command line or the contexts are wrong */
    if (cli->json) {
        json_t *all = json_pack("{s:{s:s}}", "client", "version", GANTRY_VERSION);
        json_object_set(all, "server", server ? server : json_null());
        gy_cli_print_json(cli, all);
        json_decref(all);
    } else {
        fprintf(cli->out, "gantry %s\n", GANTRY_VERSION);
        if (server)
            fprintf(cli->out, "server %s at %s (node %s, plugin ABI %s)\n",
                    gy_json_text(server, "version"), cli->host,
                    or_dash(gy_json_text(server, "node")), or_dash(gy_json_text(server, "abi")));
        else
            fprintf(cli->out, "server: %s\n", cli->error.text);
    }
    json_decref(server);
    return 0;
}
