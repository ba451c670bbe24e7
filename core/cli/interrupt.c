/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void note(int signal)
{
    if (interrupted) _exit(128 + signal); /* the second time people mean it */
    interrupted = 1;
}

void gy_cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = note}; /* no SA_RESTART: blocking calls shall end */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool gy_cli_interrupted(void)
{
    return interrupted != 0;
}
