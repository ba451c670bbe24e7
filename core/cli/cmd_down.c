/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/project.h"
#include "cli/wait.h"

#define TIMEOUT_MS (5 * 60 * 1000)

static int remove_project(struct gy_cli *cli, const char *project, int64_t timeout_ms)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/namespaces");
    gy_cli_segment(&path, cli->ns);
    gy_buf_str(&path, "/projects");
    gy_cli_segment(&path, project);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *answer = NULL;
    int code = gy_cli_call(cli, "DELETE", url, NULL, &answer);
    struct gy_cli_wait wait = {.ns = cli->ns, .project = project, .timeout_ms = timeout_ms};
    if (code == GY_CLI_NOT_FOUND) {
        /* Down again: what a first, interrupted one began may still be going on. */
        gy_autofree char *sentence = gy_strdup(cli->error.text);
        if (!gy_cli_has(cli, "detach")) {
            int waited = gy_cli_wait_gone(cli, &wait);
            if (waited) return waited;
        }
        return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "see: gantry apps", "%s", sentence);
    }
    if (!code && !gy_cli_has(cli, "detach")) code = gy_cli_wait_gone(cli, &wait);
    if (!code && cli->json)
        gy_cli_print_json(cli, answer);
    else if (!code && !cli->quiet)
        fprintf(cli->out, "%s %s\n", project,
                gy_cli_has(cli, "detach") ? "is being removed" : "is down");
    json_decref(answer);
    return code;
}

int gy_cmd_down(struct gy_cli *cli)
{
    int64_t timeout_ms;
    int code = gy_cli_duration(cli, "timeout", TIMEOUT_MS, &timeout_ms);
    gy_autofree char *project = NULL;
    if (!code && cli->arg_count)
        project = gy_strdup(cli->args[0]);
    else if (!code)
        code = gy_cli_project_name(cli, &project);
    if (!code) code = gy_cli_find_server(cli);
    return code ? code : remove_project(cli, project, timeout_ms);
}
