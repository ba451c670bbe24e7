/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: everything wired on one loop. */
#ifndef GY_MAIN_GANTRYD_H
#define GY_MAIN_GANTRYD_H

#include "main/config.h"

/* What is on the command line. */
struct gy_gantryd_options {
    const char *config; /* --config; NULL = the default file, or none with --dev */
    char *dev_dir;      /* --dev, absolute; NULL = no */
    char *restore;      /* --restore: absolute path of a backup; NULL = no */
    bool check, print;
};

/* Runs until SIGTERM or SIGINT; pods stay.  Returns the exit status: 0, 1 (cannot start, or the
 * store is lost for good) or 78 (the configuration is wrong). */
int gy_gantryd_run(const struct gy_gantryd_options *options);
/* The whole command: parses argv. */
int gy_gantryd_main(int argc, char **argv);

#endif
