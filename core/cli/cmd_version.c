/* SPDX-License-Identifier: Apache-2.0 */
/* `gantry version` and `gantry config`: what is there. */
#include "cli/api.h"

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
    if (gy_cli_has(cli, "version")) { /* `gantry --version` asks nobody */
        fprintf(cli->out, "gantry %s\n", GANTRY_VERSION);
        return 0;
    }
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
                    gy_json_text(server, "version"), cli->host, gy_json_text(server, "node"),
                    gy_json_text(server, "abi"));
        else
            fprintf(cli->out, "server: %s\n", cli->error.text);
    }
    json_decref(server);
    return 0;
}
