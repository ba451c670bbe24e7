/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/ref.h"
#include <inttypes.h>

/* A pod as `gantry ps --json` shows it: the names are a contract (README.md). */
static json_t *row_of(const json_t *pod)
{
    json_t *row = json_object(), *addresses = json_object_get(pod, "addresses");
    static const char *const texts[] = {"namespace", "project", "app"};
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(row, texts[i], json_string(gy_json_text(pod, texts[i])));
    json_object_set_new(row, "slot", json_integer(gy_json_int(pod, "slot")));
    json_object_set_new(row, "pod", json_string(gy_json_text(pod, "id")));
    json_object_set_new(row, "node", json_string(gy_json_text(pod, "node")));
    json_object_set_new(row, "state", json_string(gy_json_text(pod, "state")));
    const char *health = gy_json_text(pod, "health"), *outcome = gy_json_text(pod, "outcome");
    json_object_set_new(row, "health", json_string(*health ? health : "none"));
    json_object_set_new(row, "outcome", json_string(*outcome ? outcome : "none"));
    json_object_set_new(row, "restarts", json_integer(gy_json_int(pod, "restarts")));
    if (addresses)
        json_object_set(row, "addresses", addresses);
    else
        json_object_set_new(row, "addresses", json_array());
    if (gy_json_int(pod, "pid"))
        json_object_set_new(row, "pid", json_integer(gy_json_int(pod, "pid")));
    json_object_set_new(row, "reason", json_string(gy_json_text(pod, "reason")));
    json_object_set_new(row, "since_ms", json_integer(gy_json_int(pod, "since_ms")));
    json_object_set_new(row, "generation", json_integer(gy_json_int(pod, "generation")));
    return row;
}

static void addresses_of(const json_t *pod, struct gy_buf *out)
{
    size_t i;
    json_t *address;
    json_array_foreach (json_object_get(pod, "addresses"), i, address) {
        bool v6 = !strcmp(gy_json_text(address, "family"), "ipv6");
        gy_buf_printf(out, "%s%s%s%s:%" PRId64, i ? " " : "", v6 ? "[" : "",
                      gy_json_text(address, "text"), v6 ? "]" : "", gy_json_int(address, "port"));
        int64_t target = gy_json_int(address, "target");
        if (target && target != gy_json_int(address, "port"))
            gy_buf_printf(out, "→%" PRId64, target);
    }
}

static void add_row(struct gy_table *t, const json_t *pod)
{
    const char *state = gy_json_text(pod, "state"), *health = gy_json_text(pod, "health");
    const char *outcome = gy_json_text(pod, "outcome"), *reason = gy_json_text(pod, "reason");
    char name[160], since[32];
    gy_cli_pod_label(pod, name);
    gy_since(gy_json_int(pod, "since_ms"), since);
    gy_table_cell(t, GY_PLAIN, "%s", gy_json_text(pod, "project"));
    gy_table_cell(t, GY_BOLD, "%s", name);
    gy_table_cell(t, GY_DIM, "%.8s", gy_json_text(pod, "id"));
    gy_table_cell(t, GY_PLAIN, "%s", *gy_json_text(pod, "node") ? gy_json_text(pod, "node") : "-");
    bool ended = !strcmp(state, "ended") && *outcome && strcmp(outcome, "none") != 0;
    const char *shown = ended ? outcome : state;
    gy_table_cell(t, gy_colour_of_state(shown), "%s", shown);
    bool has_health = *health && strcmp(health, "none") != 0;
    gy_table_cell(t, gy_colour_of_state(health), "%s", has_health ? health : "-");
    gy_table_cell(t, gy_json_int(pod, "restarts") ? GY_YELLOW : GY_PLAIN, "%" PRId64,
                  gy_json_int(pod, "restarts"));
    gy_table_cell(t, GY_PLAIN, "%s", since);
    struct gy_buf addresses = {0};
    addresses_of(pod, &addresses);
    bool fine = !strcmp(state, "ready");
    gy_table_cell(t, GY_PLAIN, "%s",
                  !fine && *reason ? reason
                  : addresses.len  ? addresses.text
                                   : "-");
    gy_buf_fini(&addresses);
}

int gy_cmd_ps(struct gy_cli *cli)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/pods");
    int code = gy_cli_ref_filter(cli, cli->arg_count ? cli->args[0] : NULL, &path);
    if (gy_cli_value(cli, "node")) gy_cli_query(&path, "node", gy_cli_value(cli, "node"));
    gy_autofree char *url = gy_buf_take(&path);
    json_t *pods = NULL, *pod, *rows = json_array();
    if (!code) code = gy_cli_list(cli, url, &pods);
    static const char *const titles[] = {"PROJECT", "POD",       "ID",    "NODE",    "STATE",
                                         "HEALTH",  ">RESTARTS", "SINCE", "~ADDRESS"};
    struct gy_table table;
    gy_table_init(&table, titles, 9);
    size_t i;
    json_array_foreach (pods, i, pod) {
        if (!gy_cli_has(cli, "all") && !strcmp(gy_json_text(pod, "state"), "ended")) continue;
        if (cli->json)
            json_array_append_new(rows, row_of(pod));
        else
            add_row(&table, pod);
    }
    if (!code && cli->json)
        gy_cli_print_json(cli, rows);
    else if (!code && table.n)
        gy_table_print(&table, &cli->term, cli->out);
    else if (!code && !cli->quiet)
        fprintf(cli->err, "no pods here%s; deploy a Compose file with: gantry up\n",
                gy_cli_has(cli, "all") ? "" : " (-a shows ended ones)");
    gy_table_fini(&table);
    json_decref(rows);
    json_decref(pods);
    return code;
}
