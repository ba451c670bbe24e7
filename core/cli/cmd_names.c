/* SPDX-License-Identifier: Apache-2.0 */
/* `gantry __names KIND`: what completion offers, one a line.  Says nothing when it cannot. */
#include "cli/api.h"
#include "cli/context.h"
#include "cli/ref.h"

static void from_list(struct gy_cli *cli, const char *path, const char *member, bool unique)
{
    json_t *items = NULL, *item, *seen = json_object();
    if (gy_cli_list(cli, path, &items) != 0) items = json_array();
    size_t i;
    json_array_foreach (items, i, item) {
        const char *name =
            json_is_string(item) ? json_string_value(item) : gy_json_text(item, member);
        if (!*name || (unique && json_object_get(seen, name))) continue;
        json_object_set_new(seen, name, json_true());
        fprintf(cli->out, "%s\n", name);
    }
    json_decref(seen);
    json_decref(items);
}

static void pods(struct gy_cli *cli)
{
    gy_autofree char *path = gy_printf("/v1/pods?namespace=%s", cli->ns);
    json_t *items = NULL, *pod;
    if (gy_cli_list(cli, path, &items) != 0) return;
    size_t i;
    json_array_foreach (items, i, pod) {
        char label[160];
        gy_cli_pod_label(pod, label);
        if (*gy_json_text(pod, "id") && strcmp(gy_json_text(pod, "state"), "ended") != 0)
            fprintf(cli->out, "%s\n", label);
    }
    json_decref(items);
}

static void contexts(struct gy_cli *cli)
{
    json_t *all, *context;
    const char *name;
    if (gy_cli_context_load(&all, NULL) != GANTRY_OK) return;
    json_object_foreach (json_object_get(all, "contexts"), name, context)
        fprintf(cli->out, "%s\n", name);
    json_decref(all);
}

int gy_cmd_names(struct gy_cli *cli)
{
    const char *kind = cli->args[0];
    if (gy_cli_find_server(cli) != 0) return 0;
    gy_autofree char *apps = gy_printf("/v1/apps?namespace=%s", cli->ns);
    if (!strcmp(kind, "context"))
        contexts(cli);
    else if (!strcmp(kind, "node"))
        from_list(cli, "/v1/nodes", "name", true);
    else if (!strcmp(kind, "plugin"))
        from_list(cli, "/v1/plugins", "name", true);
    else if (!strcmp(kind, "namespace"))
        from_list(cli, "/v1/namespaces", "name", true);
    else if (!strcmp(kind, "project"))
        from_list(cli, apps, "project", true);
    else
        from_list(cli, apps, "name", true);
    if (!strcmp(kind, "target")) pods(cli);
    return 0;
}
