/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting, with progress, until apps are healthy or pods are gone. */
#ifndef GY_CLI_WAIT_H
#define GY_CLI_WAIT_H

#include "cli/cli.h"

struct gy_cli_wait {
    const char *ns, *project;
    const char *const *apps; /* names; for gy_cli_wait_ready */
    size_t n;
    int64_t timeout_ms; /* 0 = none */
    int64_t revision;   /* of the change that is waited for */
};
/* 0; 3 when the time is over or a pod failed for good (what explains it is printed); 130. */
int gy_cli_wait_ready(struct gy_cli *cli, const struct gy_cli_wait *wait);
/* Until the project has no pods. */
int gy_cli_wait_gone(struct gy_cli *cli, const struct gy_cli_wait *wait);

#endif
