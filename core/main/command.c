/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of gantryd. */
#include "main/gantryd.h"

#include "base/log.h"
#include "server/auth.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "Usage: gantryd [--config FILE | --dev [DIR]] [OPTION]\n"
    "\n"
    "  --dev [DIR]       one machine, everything below DIR (default ./.gantry); --config is laid "
    "on top\n"
    "  --config FILE     read FILE and plugins.d/*.conf beside it (default " GY_CONFIG_FILE ")\n"
    "  --check-config    check the configuration and the plugins' settings, then end\n"
    "  --print-config    print what is in force, secrets masked, then end\n"
    "  --restore FILE    replace everything in the store by a backup, then end\n"
    "  --make-token NAME[:ROLE]\n"
    "                    print a new token, and the lines for the tokens file\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0; 1 when it cannot start; 64 for a wrong command line; 78 for a wrong "
    "configuration.\n";

static int make_token(const char *text)
{
    char token[64], hash[65];
    gy_autofree char *name = gy_strdup(text);
    char *role = strchr(name, ':');
    if (role) *role++ = '\0';
    bool known = !role;
    for (int i = GY_ROLE_VIEW; i <= GY_ROLE_ADMIN; i++)
        known = known || gy_streq(gy_role_names[i], role);
    if (!gy_is_label(name) || !known) {
        fprintf(stderr,
                "gantryd: --make-token NAME[:ROLE] wants a name of lower-case letters, digits "
                "and '-', and admin, edit or view\n");
        return 64;
    }
    if (sodium_init() < 0) return 1;
    gy_token_generate(token);
    gy_token_hash_text(token, hash);
    printf("# token (give it to its owner; it is not stored): %s\n"
           "{ name = \"%s\"; role = \"%s\"; hash = \"%s\"; }\n",
           token, name, role ? role : "view", hash);
    return 0;
}

/* The folder as an absolute path, made when it is not there. */
static char *absolute(const char *dir)
{
    char resolved[PATH_MAX];
    struct gy_error err = GY_ERROR_INIT;
    if (gy_dir_make(dir, 0755, &err) != GANTRY_OK) {
        fprintf(stderr, "gantryd: --dev: %s\n", err.text);
        return NULL;
    }
    if (realpath(dir, resolved)) return gy_strdup(resolved);
    fprintf(stderr, "gantryd: --dev: %s: %s\n", dir, strerror(errno));
    return NULL;
}

int gy_gantryd_main(int argc, char **argv)
{
    enum { DEV = 256, CONFIG, CHECK, PRINT, TOKEN, RESTORE, VERSION, HELP };
    static const struct option longs[] = {{"dev", optional_argument, NULL, DEV},
                                          {"config", required_argument, NULL, CONFIG},
                                          {"check-config", no_argument, NULL, CHECK},
                                          {"print-config", no_argument, NULL, PRINT},
                                          {"make-token", required_argument, NULL, TOKEN},
                                          {"restore", required_argument, NULL, RESTORE},
                                          {"version", no_argument, NULL, VERSION},
                                          {"help", no_argument, NULL, HELP},
                                          {NULL, 0, NULL, 0}};
    struct gy_gantryd_options options = {0};
    const char *dev = NULL;
    int option;
    umask(022); /* folders on the way to pods' work must stay passable; what is secret says so */
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case DEV:
            dev = optarg ? optarg : "";
            /* Both --dev DIR and --dev=DIR. */
            if (!optarg && optind < argc && argv[optind][0] != '-') dev = argv[optind++];
            break;
        case CONFIG: options.config = optarg; break;
        case CHECK: options.check = true; break;
        case PRINT: options.print = true; break;
        case TOKEN: return make_token(optarg);
        case RESTORE:
            if (!(options.restore = realpath(optarg, NULL))) {
                fprintf(stderr, "gantryd: --restore: %s: %s\n", optarg, strerror(errno));
                return 1;
            }
            break;
        case VERSION: printf("gantryd %s\n", GANTRY_VERSION); return 0;
        case HELP: fputs(usage, stdout); return 0;
        default: fputs("gantryd --help shows what is possible\n", stderr); return 64;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "gantryd: unexpected argument \"%s\"; gantryd --help shows what is possible\n",
                argv[optind]);
        return 64;
    }
    if (dev && !(options.dev_dir = absolute(dev[0] ? dev : ".gantry"))) return 1;
    if (!dev && !options.config) options.config = GY_CONFIG_FILE;
    int status = gy_gantryd_run(&options);
    free(options.dev_dir);
    free(options.restore);
    return status;
}
