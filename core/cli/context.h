/* SPDX-License-Identifier: Apache-2.0 */
/* Stored servers: $XDG_CONFIG_HOME/gantry/contexts.json, mode 0600 since it holds tokens:
 *   {"current":"prod","contexts":{"prod":{"host":"http://10.0.0.5:7000","token":"...",
 *    "namespace":"shop"}}} */
#ifndef GY_CLI_CONTEXT_H
#define GY_CLI_CONTEXT_H

#include "base/text.h"
#include <jansson.h>

struct gy_cli_context {
    char *host, *token, *ns; /* token and ns may be NULL */
};
/* The file's path, for free(); NULL when neither XDG_CONFIG_HOME nor HOME is set. */
char *gy_cli_context_path(void);
/* The whole file, an object with "contexts"; empty when there is none.  EINVAL with a sentence. */
gantry_status gy_cli_context_load(json_t **all, struct gy_error *err);
gantry_status gy_cli_context_save(const json_t *all, struct gy_error *err);
/* name NULL: the chosen one; OK with host NULL when none is.  ENOTFOUND with a sentence. */
gantry_status gy_cli_context_find(const char *name, struct gy_cli_context *out,
                                  struct gy_error *err);
void gy_cli_context_fini(struct gy_cli_context *c);

#endif
