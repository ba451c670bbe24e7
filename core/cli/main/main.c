/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <langinfo.h>
#include <locale.h>

int main(int argc, char **argv)
{
    /* Character widths alone; where the machine has no UTF-8 locale set, ours still is. */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    struct gy_cli cli;
    gy_cli_init(&cli, stdout, stderr);
    int code = gy_cli_main(&cli, argc, argv);
    gy_cli_fini(&cli);
    return code;
}
