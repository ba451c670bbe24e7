/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/ref.h"
#include <inttypes.h>

static void add_row(struct gy_table *t, const json_t *node)
{
    char memory[32], used[32], since[32];
    const char *state = gy_json_text(node, "state"), *name;
    struct gy_buf drivers = {0}, labels = {0};
    json_t *driver, *value;
    size_t i;
    if (!*state) state = "ready";
    gy_bytes_format(gy_json_int(node, "memory_bytes"), memory);
    gy_bytes_format(gy_json_int(node, "memory_used_bytes"), used);
    gy_since(gy_json_int(node, "since_ms"), since);
    json_array_foreach (json_object_get(node, "drivers"), i, driver)
        gy_buf_printf(&drivers, "%s%s%s", i ? " " : "", gy_json_text(driver, "name"),
                      json_is_false(json_object_get(driver, "ready")) ? "!" : "");
    json_object_foreach (json_object_get(node, "labels"), name, value)
        gy_buf_printf(&labels, "%s%s=%s", labels.len ? " " : "", name, json_string_value(value));
    gy_table_cell(t, GY_BOLD, "%s", gy_json_text(node, "name"));
    gy_table_cell(t, gy_colour_of_state(state), "%s", state);
    gy_table_cell(t, GY_PLAIN, "%s", since);
    gy_table_cell(t, GY_PLAIN, "%" PRId64 "/%" PRId64, gy_json_int(node, "pods"),
                  gy_json_int(node, "max_pods"));
    gy_table_cell(t, GY_PLAIN, "%.1f/%.1f", (double)gy_json_int(node, "cpu_used_milli") / 1000,
                  (double)gy_json_int(node, "cpu_milli") / 1000);
    gy_table_cell(t, GY_PLAIN, "%s/%s", used, memory);
    gy_table_cell(t, GY_PLAIN, "%s", drivers.len ? drivers.text : "-");
    gy_table_cell(t, GY_PLAIN, "%s", labels.len ? labels.text : "-");
    gy_buf_fini(&drivers);
    gy_buf_fini(&labels);
}

int gy_cmd_nodes(struct gy_cli *cli)
{
    json_t *nodes = NULL, *node;
    int code = gy_cli_list(cli, "/v1/nodes", &nodes);
    static const char *const titles[] = {"NODE", "STATE",  "SINCE",   "PODS",
                                         "CPU",  "MEMORY", "DRIVERS", "~LABELS"};
    struct gy_table table;
    gy_table_init(&table, titles, 8);
    size_t i;
    json_array_foreach (nodes, i, node)
        if (!cli->json) add_row(&table, node);
    if (!code && cli->json)
        gy_cli_print_json(cli, nodes);
    else if (!code && table.n)
        gy_table_print(&table, &cli->term, cli->out);
    else if (!code && !cli->quiet)
        fprintf(cli->err, "no node has joined yet\n");
    gy_table_fini(&table);
    json_decref(nodes);
    return code;
}

static int patch(struct gy_cli *cli, json_t *change, const char *said)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/nodes");
    gy_cli_segment(&path, cli->args[0]);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *node = NULL;
    int code = gy_cli_call(cli, "PATCH", url, change, &node);
    json_decref(change);
    if (code == GY_CLI_NOT_FOUND && !cli->hint) cli->hint = gy_strdup("see: gantry nodes");
    if (!code && cli->json)
        gy_cli_print_json(cli, node);
    else if (!code && !cli->quiet)
        fprintf(cli->out, "%s %s\n", cli->args[0], said);
    json_decref(node);
    return code;
}

int gy_cmd_node_drain(struct gy_cli *cli)
{
    return patch(cli, json_pack("{s:b}", "drain", 1),
                 "drains: nothing more is placed on it (see: gantry ps --node NODE)");
}

int gy_cmd_node_undrain(struct gy_cli *cli)
{
    return patch(cli, json_pack("{s:b}", "drain", 0), "takes pods again");
}

int gy_cmd_node_label(struct gy_cli *cli)
{
    json_t *labels = json_object();
    for (size_t i = 1; i < cli->arg_count; i++) {
        const char *text = cli->args[i], *equals = strchr(text, '=');
        size_t n = strlen(text);
        if (equals && equals > text) {
            gy_autofree char *key = gy_strndup(text, (size_t)(equals - text));
            json_object_set_new(labels, key, json_string(equals + 1));
        } else if (!equals && n > 1 && text[n - 1] == '-') {
            gy_autofree char *key = gy_strndup(text, n - 1);
            json_object_set_new(labels, key, json_null());
        } else {
            json_decref(labels);
            return gy_cli_fail(cli, GY_CLI_USAGE, NULL,
                               "\"%s\" is not a label: write KEY=VALUE, or KEY- to remove one",
                               text);
        }
    }
    return patch(cli, json_pack("{s:o}", "labels", labels), "labelled");
}
