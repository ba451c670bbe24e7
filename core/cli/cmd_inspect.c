/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/ref.h"

static int show(struct gy_cli *cli, char *path)
{
    gy_autofree char *url = path;
    json_t *answer = NULL;
    int code = gy_cli_call(cli, "GET", url, NULL, &answer);
    if (!code) gy_cli_print_json(cli, answer);
    json_decref(answer);
    return code;
}

static int show_app(struct gy_cli *cli, const char *text)
{
    struct gy_cli_ref ref;
    int code = gy_cli_ref_resolve(cli, text, &ref);
    if (code) return code;
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/namespaces");
    gy_cli_segment(&path, ref.ns);
    gy_buf_str(&path, "/projects");
    gy_cli_segment(&path, ref.project);
    gy_buf_str(&path, "/apps");
    gy_cli_segment(&path, ref.app);
    return show(cli, gy_buf_take(&path));
}

static int show_node(struct gy_cli *cli, const char *name)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/nodes");
    gy_cli_segment(&path, name);
    return show(cli, gy_buf_take(&path));
}

static int show_pods(struct gy_cli *cli, const char *text)
{
    json_t *pods = NULL, *pod;
    int code = gy_cli_ref_pods(cli, text, true, NULL, &pods);
    size_t i;
    json_array_foreach (pods, i, pod)
        gy_cli_print_json(cli, pod);
    json_decref(pods);
    return code;
}

int gy_cmd_inspect(struct gy_cli *cli)
{
    const char *text = cli->args[0];
    if (gy_starts_with(text, "node/")) return show_node(cli, text + 5);
    if (gy_starts_with(text, "pod/")) return show_pods(cli, text + 4);
    if (gy_starts_with(text, "app/")) return show_app(cli, text + 4);
    const char *last = strrchr(text, '/');
    if (strchr(last ? last : text, '.')) return show_pods(cli, text); /* app.slot */
    int code = show_app(cli, text);
    if (code != GY_CLI_NOT_FOUND) return code;
    struct gy_error no_app = cli->error;
    gy_autofree char *hint = GY_GIVE(cli->hint);
    code = show_pods(cli, text);
    if (code == GY_CLI_NOT_FOUND && !last) code = show_node(cli, text);
    if (code == GY_CLI_NOT_FOUND)
        return gy_cli_fail(cli, code, hint, "%s, and no pod or node of that name", no_app.text);
    return code;
}
