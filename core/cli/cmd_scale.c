/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include "cli/project.h"
#include "cli/ref.h"
#include "cli/wait.h"
#include <inttypes.h>

#define TIMEOUT_MS (5 * 60 * 1000)
#define APPS_MAX 64

struct wish {
    struct gy_cli_ref ref;
    int64_t n;
};

static int read_wishes(struct gy_cli *cli, struct wish *wishes)
{
    for (size_t i = 0; i < cli->arg_count; i++) {
        gy_autofree char *name = NULL;
        int code = gy_cli_scale_parse(cli, cli->args[i], &name, &wishes[i].n);
        if (!code) code = gy_cli_ref_resolve(cli, name, &wishes[i].ref);
        if (code) return code;
        if (*wishes[i].ref.slot)
            return gy_cli_fail(cli, GY_CLI_USAGE, NULL, "%s: scale takes an app, not one slot",
                               cli->args[i]);
        if (strcmp(wishes[i].ref.project, wishes[0].ref.project) != 0 ||
            strcmp(wishes[i].ref.ns, wishes[0].ref.ns) != 0)
            return gy_cli_fail(cli, GY_CLI_USAGE, "scale them one after the other",
                               "%s and %s are of different projects", cli->args[0], cli->args[i]);
    }
    return 0;
}

static int ask(struct gy_cli *cli, const struct wish *wishes, json_t **answer)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/namespaces");
    gy_cli_segment(&path, wishes[0].ref.ns);
    gy_buf_str(&path, "/projects");
    gy_cli_segment(&path, wishes[0].ref.project);
    gy_buf_str(&path, "/scale");
    gy_autofree char *url = gy_buf_take(&path);
    json_t *replicas = json_object();
    for (size_t i = 0; i < cli->arg_count; i++)
        json_object_set_new(replicas, wishes[i].ref.app, json_integer(wishes[i].n));
    json_t *body = json_pack("{s:o}", "replicas", replicas);
    int code = gy_cli_call(cli, "POST", url, body, answer);
    json_decref(body);
    return code;
}

int gy_cmd_scale(struct gy_cli *cli)
{
    int64_t timeout_ms;
    int code = gy_cli_duration(cli, "timeout", TIMEOUT_MS, &timeout_ms);
    if (code) return code;
    if (cli->arg_count > APPS_MAX)
        return gy_cli_fail(cli, GY_CLI_USAGE, NULL, "at most %d apps at once", APPS_MAX);
    struct wish wishes[APPS_MAX];
    json_t *answer = NULL;
    const char *names[APPS_MAX];
    if ((code = read_wishes(cli, wishes)) || (code = ask(cli, wishes, &answer))) return code;
    size_t i;
    const json_t *step;
    for (i = 0; i < cli->arg_count; i++)
        names[i] = wishes[i].ref.app;
    if (!cli->json && !cli->quiet)
        json_array_foreach (json_object_get(answer, "plan"), i, step)
            if (strcmp(gy_json_text(step, "action"), "none") != 0)
                fprintf(cli->out, "%s\n", gy_json_text(step, "text"));
    struct gy_cli_wait wait = {.ns = wishes[0].ref.ns,
                               .project = wishes[0].ref.project,
                               .apps = names,
                               .n = cli->arg_count,
                               .timeout_ms = timeout_ms,
                               .revision = gy_json_int(answer, "revision")};
    if (!gy_cli_has(cli, "detach")) code = gy_cli_wait_ready(cli, &wait);
    if (!code && cli->json) gy_cli_print_json(cli, answer);
    json_decref(answer);
    return code;
}
