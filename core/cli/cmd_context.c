/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/context.h"
#include "net/http_client.h"

static int load(struct gy_cli *cli, json_t **all)
{
    return gy_cli_context_load(all, &cli->error) == GANTRY_OK ? 0 : GY_CLI_FAILED;
}

static int save(struct gy_cli *cli, json_t *all)
{
    int code = gy_cli_context_save(all, &cli->error) == GANTRY_OK ? 0 : GY_CLI_FAILED;
    json_decref(all);
    return code;
}

static int unknown(struct gy_cli *cli, json_t *all)
{
    json_decref(all);
    return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "see: gantry context ls",
                       "there is no context \"%s\"", cli->args[0]);
}

int gy_cmd_context_ls(struct gy_cli *cli)
{
    json_t *all, *context, *rows;
    int code = load(cli, &all);
    if (code) return code;
    rows = json_array();
    const char *current = gy_json_text(all, "current"), *name;
    static const char *const titles[] = {"", "CONTEXT", "NAMESPACE", "TOKEN", "~HOST"};
    struct gy_table table;
    gy_table_init(&table, titles, 5);
    json_object_foreach (json_object_get(all, "contexts"), name, context) {
        const char *ns = gy_json_text(context, "namespace");
        bool chosen = !strcmp(name, current), token = *gy_json_text(context, "token");
        gy_table_cell(&table, GY_GREEN, "%s", chosen ? "*" : "");
        gy_table_cell(&table, GY_BOLD, "%s", name);
        gy_table_cell(&table, GY_PLAIN, "%s", *ns ? ns : "default");
        gy_table_cell(&table, GY_PLAIN, "%s", token ? "yes" : "no");
        gy_table_cell(&table, GY_PLAIN, "%s", gy_json_text(context, "host"));
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:s,s:b,s:b}", "name", name, "host",
                                        gy_json_text(context, "host"), "namespace",
                                        *ns ? ns : "default", "current", chosen, "token", token));
    }
    if (cli->json)
        gy_cli_print_json(cli, rows);
    else if (table.n)
        gy_table_print(&table, &cli->term, cli->out);
    else if (!cli->quiet)
        fprintf(cli->err, "no server is stored; add one with: gantry context add NAME URL\n");
    gy_table_fini(&table);
    json_decref(rows);
    json_decref(all);
    return 0;
}

int gy_cmd_context_use(struct gy_cli *cli)
{
    json_t *all;
    int code = load(cli, &all);
    if (code) return code;
    const char *name = cli->args[0];
    if (!strcmp(name, "-"))
        json_object_del(all, "current");
    else if (json_object_get(json_object_get(all, "contexts"), name))
        json_object_set_new(all, "current", json_string(name));
    else
        return unknown(cli, all);
    return save(cli, all);
}

int gy_cmd_context_add(struct gy_cli *cli)
{
    const char *name = cli->args[0], *token = getenv("GANTRY_TOKEN");
    const char *ns = gy_cli_value(cli, "namespace");
    struct gy_http_target target = {.url = cli->args[1]};
    if (!gy_is_label(name))
        return gy_cli_fail(cli, GY_CLI_USAGE, NULL,
                           "\"%s\" is not a name: 1 to 63 lower-case letters, digits and inner "
                           "hyphens",
                           name);
    struct gy_http_session *probe = gy_http_session_open(&target, &cli->error); /* checks the URL */
    if (!probe) {
        cli->hint = gy_strdup("write a server as unix:///PATH/gantry.sock or http://HOST:PORT");
        return GY_CLI_USAGE;
    }
    gy_http_session_close(probe);
    json_t *all;
    int code = load(cli, &all);
    if (code) return code;
    json_t *context = json_pack("{s:s}", "host", cli->args[1]);
    if (token && *token) json_object_set_new(context, "token", json_string(token));
    if (ns) json_object_set_new(context, "namespace", json_string(ns));
    json_object_set_new(json_object_get(all, "contexts"), name, context);
    code = save(cli, all);
    if (!code && !cli->quiet)
        fprintf(cli->err, "stored%s; use it with: gantry context use %s\n",
                token && *token ? " with its token" : "", name);
    return code;
}

int gy_cmd_context_rm(struct gy_cli *cli)
{
    json_t *all;
    int code = load(cli, &all);
    if (code) return code;
    if (json_object_del(json_object_get(all, "contexts"), cli->args[0]) != 0)
        return unknown(cli, all);
    if (!strcmp(gy_json_text(all, "current"), cli->args[0])) json_object_del(all, "current");
    return save(cli, all);
}
