/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/ref.h"
#include <inttypes.h>

static json_t *row_of(const json_t *app)
{
    const json_t *status = json_object_get(app, "status");
    json_t *row = json_object();
    static const char *const texts[] = {"namespace", "project"};
    static const char *const numbers[] = {"desired", "pods",      "running", "ready",
                                          "updated", "completed", "waiting"};
    for (size_t i = 0; i < 2; i++)
        json_object_set_new(row, texts[i], json_string(gy_json_text(app, texts[i])));
    json_object_set_new(row, "app", json_string(gy_json_text(app, "name")));
    const char *mode = gy_json_text(app, "mode");
    json_object_set_new(row, "mode", json_string(*mode ? mode : "replicated"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(row, numbers[i], json_integer(gy_json_int(status, numbers[i])));
    json_object_set_new(row, "reason", json_string(gy_json_text(status, "reason")));
    json_t *ports = json_object_get(app, "ports");
    if (ports)
        json_object_set(row, "ports", ports);
    else
        json_object_set_new(row, "ports", json_array());
    json_object_set_new(row, "generation", json_integer(gy_json_int(app, "generation")));
    json_object_set_new(row, "revision", json_integer(gy_json_int(app, "revision")));
    json_object_set_new(row, "created_ms", json_integer(gy_json_int(app, "created_ms")));
    return row;
}

static void add_row(struct gy_table *t, const json_t *app)
{
    const json_t *status = json_object_get(app, "status"), *port;
    const char *mode = gy_json_text(app, "mode"), *reason = gy_json_text(status, "reason");
    int64_t desired = gy_json_int(status, "desired"), ready = gy_json_int(status, "ready");
    bool job = !strcmp(mode, "job");
    if (job) ready = gy_json_int(status, "completed");
    char age[32];
    gy_since(gy_json_int(app, "created_ms"), age);
    struct gy_buf ports = {0};
    size_t i;
    json_array_foreach (json_object_get(app, "ports"), i, port) {
        if (gy_json_int(port, "published"))
            gy_buf_printf(&ports, "%s%" PRId64 "→", ports.len ? " " : "",
                          gy_json_int(port, "published"));
        else
            gy_buf_str(&ports, ports.len ? " " : "");
        gy_buf_printf(&ports, "%" PRId64, gy_json_int(port, "target"));
    }
    gy_table_cell(t, GY_PLAIN, "%s", gy_json_text(app, "project"));
    gy_table_cell(t, GY_BOLD, "%s", gy_json_text(app, "name"));
    gy_table_cell(t, GY_PLAIN, "%s", *mode ? mode : "replicated");
    gy_table_cell(t,
                  ready >= desired ? GY_GREEN
                  : ready          ? GY_YELLOW
                                   : GY_RED,
                  "%" PRId64 "/%" PRId64 "%s", ready, desired, job ? " completed" : "");
    gy_table_cell(t, GY_PLAIN, "%s", ports.len ? ports.text : "-");
    gy_table_cell(t, GY_PLAIN, "%s", age);
    gy_table_cell(t, *reason ? GY_YELLOW : GY_PLAIN, "%s", reason);
    gy_buf_fini(&ports);
}

int gy_cmd_apps(struct gy_cli *cli)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/apps");
    int code = gy_cli_ref_filter(cli, cli->arg_count ? cli->args[0] : NULL, &path);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *apps = NULL, *app, *rows = json_array();
    if (!code) code = gy_cli_list(cli, url, &apps);
    static const char *const titles[] = {"PROJECT", "APP", "MODE", "READY",
                                         "PORTS",   "AGE", "~NOTE"};
    struct gy_table table;
    gy_table_init(&table, titles, 7);
    size_t i;
    json_array_foreach (apps, i, app) {
        if (cli->json)
            json_array_append_new(rows, row_of(app));
        else
            add_row(&table, app);
    }
    if (!code && cli->json)
        gy_cli_print_json(cli, rows);
    else if (!code && table.n)
        gy_table_print(&table, &cli->term, cli->out);
    else if (!code && !cli->quiet)
        fprintf(cli->err, "no apps here; deploy a Compose file with: gantry up\n");
    gy_table_fini(&table);
    json_decref(rows);
    json_decref(apps);
    return code;
}
