/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GY_CLI_EXPLAIN_H
#define GY_CLI_EXPLAIN_H

#include "cli/cli.h"

/* Print what the server says about an app; says nothing when it cannot be asked. */
void gy_explain_app(struct gy_cli *cli, FILE *out, const char *ns, const char *project,
                    const char *app);
/* An answer of /v1/explain for people: names as labels, nested indented, texts first. */
void gy_explain_print(const json_t *answer, const struct gy_term *term, FILE *out);
/* "15:04:05" of today, with the date else; local time. */
void gy_event_clock(int64_t wall_ms, char out[32]);

#endif
