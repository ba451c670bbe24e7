/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/project.h"

int gy_cmd_compose_config(struct gy_cli *cli)
{
    struct gy_compose compose;
    int code = gy_cli_project_load(cli, &compose);
    if (code) return code;
    if (cli->json) {
        json_t *body = gy_cli_project_body(&compose);
        json_object_set_new(body, "project", json_string(compose.project));
        gy_cli_print_json(cli, body);
        json_decref(body);
    } else {
        gy_autofree char *text = gy_compose_format(&compose);
        fputs(text, cli->out);
    }
    gy_compose_fini(&compose);
    return 0;
}

int gy_cmd_compose_check(struct gy_cli *cli)
{
    struct gy_compose compose;
    int code = gy_cli_project_load(cli, &compose);
    if (code) return code;
    if (cli->json) {
        json_t *warnings = json_array(), *names = json_array();
        for (size_t i = 0; i < compose.warnings.n; i++)
            json_array_append_new(warnings, json_string(compose.warnings.items[i]));
        for (size_t i = 0; i < compose.n; i++)
            json_array_append_new(names, json_string(compose.apps[i].name));
        json_t *all = json_pack("{s:s,s:o,s:o}", "project", compose.project, "apps", names,
                                "warnings", warnings);
        gy_cli_print_json(cli, all);
        json_decref(all);
    } else if (!cli->quiet) {
        fprintf(cli->out, "%s: %zu app%s, %zu warning%s\n", compose.project, compose.n,
                compose.n == 1 ? "" : "s", compose.warnings.n, compose.warnings.n == 1 ? "" : "s");
    }
    gy_compose_fini(&compose);
    return 0;
}
