/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/api.h"
#include "cli/help.h"

void gy_cli_init(struct gy_cli *cli, FILE *out, FILE *err)
{
    *cli = (struct gy_cli){.out = out, .err = err, .ns = "default"};
    gy_term_init(&cli->term, out);
}

void gy_cli_fini(struct gy_cli *cli)
{
    gy_cli_disconnect(cli);
    free(cli->given);
    free(cli->host);
    free(cli->token);
    free(cli->context_ns);
    free(cli->hint);
    *cli = (struct gy_cli){0};
}

int gy_cli_fail(struct gy_cli *cli, int code, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&cli->error, GANTRY_EINVAL, fmt, args);
    va_end(args);
    free(cli->hint);
    cli->hint = gy_strdup(hint);
    return code;
}

int gy_cli_failed(struct gy_cli *cli)
{
    switch (cli->error.status) {
    case GANTRY_OK: return GY_CLI_OK;
    case GANTRY_ENOTFOUND: return GY_CLI_NOT_FOUND;
    case GANTRY_EUNAVAIL: return GY_CLI_UNREACHABLE;
    default: return GY_CLI_FAILED;
    }
}

static int run(struct gy_cli *cli, int argc, char **argv)
{
    int code = gy_cli_parse(cli, argc, argv);
    if (code) return code;
    cli->json = gy_cli_has(cli, "json");
    cli->quiet = gy_cli_has(cli, "quiet");
    if (gy_cli_has(cli, "no-color")) cli->term.colour = false;
    if (gy_cli_has(cli, "help") && cli->command->run != gy_cmd_help) {
        gy_help_command(cli->out, &cli->term, cli->command);
        return GY_CLI_OK;
    }
    return cli->command->run(cli);
}

int gy_cli_main(struct gy_cli *cli, int argc, char **argv)
{
    int code = run(cli, argc, argv);
    fflush(cli->out);
    if (code && cli->error.text[0]) {
        struct gy_term term;
        gy_term_init(&term, cli->err);
        if (gy_cli_has(cli, "no-color")) term.colour = false;
        fprintf(cli->err, "%sgantry: %s%s\n", gy_colour_on(&term, GY_RED), cli->error.text,
                gy_colour_off(&term, GY_RED));
        if (cli->hint) fprintf(cli->err, "%s\n", cli->hint);
    } else if (!code && (ferror(cli->out) || fflush(cli->out))) {
        fprintf(cli->err, "gantry: cannot write the output\n");
        code = GY_CLI_FAILED;
    }
    return code;
}
