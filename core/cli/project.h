/* SPDX-License-Identifier: Apache-2.0 */
/* The Compose file of a command: finding, reading, compiling it, with its environment. */
#ifndef GY_CLI_PROJECT_H
#define GY_CLI_PROJECT_H

#include "cli/cli.h"
#include "compose/compose.h"

/* As --file, --project, --profile, COMPOSE_FILE, COMPOSE_PROJECT_NAME and COMPOSE_PROFILES say;
 * warnings go to cli->err.  0, or an exit code with the sentence. */
int gy_cli_project_load(struct gy_cli *cli, struct gy_compose *out);
/* Only its name, for `gantry down`. */
int gy_cli_project_name(struct gy_cli *cli, char **name);
/* {"apps":[...]}: the body that the API takes. */
json_t *gy_cli_project_body(const struct gy_compose *compose);
/* "web=5": the name is for free(). */
int gy_cli_scale_parse(struct gy_cli *cli, const char *text, char **app, int64_t *n);

#endif
