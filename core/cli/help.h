/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of commands is written as, for people, shells and man(1). */
#ifndef GY_CLI_HELP_H
#define GY_CLI_HELP_H

#include "cli/cli.h"

void gy_help_overview(FILE *out, const struct gy_term *term);
void gy_help_command(FILE *out, const struct gy_term *term, const struct gy_cli_command *c);
/* All commands of a group ("node").  False when there is none of that name. */
bool gy_help_group(FILE *out, const struct gy_term *term, const char *group);

/* The completion script; false for a shell that is not known. */
bool gy_completion_write(FILE *out, const char *shell);

/* Page i of the man pages: its name ("gantry", "gantry-up"), NULL beyond the last; for free(). */
char *gy_man_name(size_t i);
void gy_man_write(FILE *out, const char *page);

#endif
