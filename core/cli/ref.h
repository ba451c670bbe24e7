/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people write: app, project/app, ns:project/app, each with .SLOT; pod ids. */
#ifndef GY_CLI_REF_H
#define GY_CLI_REF_H

#include "cli/cli.h"

struct gy_cli_ref {
    char ns[64], project[64], app[64]; /* "" = not said */
    char slot[64];                     /* a number, or a node's name for a global app; "" */
};
/* EINVAL with a sentence. */
gantry_status gy_cli_ref_parse(const char *text, struct gy_cli_ref *ref, struct gy_error *err);
/* Which of the apps (JSON) are meant?  Returns how many; *first is the first of them. */
size_t gy_cli_ref_match(const struct gy_cli_ref *ref, const json_t *apps, const json_t **first);
/* Ask the server and fill ns, project, app.  4 = there is none (with the nearest name), 1 = several
 * (with the list). */
int gy_cli_ref_resolve(struct gy_cli *cli, const char *text, struct gy_cli_ref *ref);
/* An app's pods, or one pod by id: a new array of PodViews without ended ones unless `ended`.  4
 * when there is neither app nor pod; an app without pods gives an empty array.  *ref (may be NULL)
 * is the app when it was one, else app "" . */
int gy_cli_ref_pods(struct gy_cli *cli, const char *text, bool ended, struct gy_cli_ref *ref,
                    json_t **pods);
/* "project" or an app, for commands that filter: appends query parameters to path. */
int gy_cli_ref_filter(struct gy_cli *cli, const char *text_or_null, struct gy_buf *path);
/* "web.2", "web.n1" */
void gy_cli_pod_label(const json_t *pod, char out[160]);

#endif
