/* SPDX-License-Identifier: Apache-2.0 */
/* The command `gantry`: what all its subcommands share.  One process, one thread, blocking calls;
 * only logs and backup run a loop.  A subcommand is `int gy_cmd_<name>(struct gy_cli *)`, returns
 * an exit code and leaves the sentence for people in cli->error. */
#ifndef GY_CLI_CLI_H
#define GY_CLI_CLI_H

#include "base/error.h"
#include "base/text.h"
#include "cli/term.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit codes, part of the contract with scripts (README.md). */
enum gy_cli_exit {
    GY_CLI_OK = 0,
    GY_CLI_FAILED = 1,
    GY_CLI_USAGE = 2,
    GY_CLI_UNHEALTHY = 3,
    GY_CLI_NOT_FOUND = 4,
    GY_CLI_UNREACHABLE = 5,
    GY_CLI_REFUSED = 6,
    GY_CLI_INTERRUPTED = 130,
};

/* What an argument names: drives completion. */
enum gy_cli_kind {
    GY_CLI_NONE,
    GY_CLI_TEXT,
    GY_CLI_NUMBER,
    GY_CLI_DURATION,
    GY_CLI_TIME,
    GY_CLI_FILE,
    GY_CLI_FOLDER,
    GY_CLI_APP,
    GY_CLI_APP_COUNT, /* APP=N */
    GY_CLI_TARGET,    /* a pod or an app */
    GY_CLI_PROJECT,
    GY_CLI_NODE,
    GY_CLI_NAMESPACE,
    GY_CLI_PLUGIN,
    GY_CLI_CONTEXT,
    GY_CLI_SHELL, /* bash, zsh, fish */
    GY_CLI_KINDS
};

struct gy_cli_option {
    const char *name; /* without the dashes; NULL ends the list */
    char letter;      /* 0 = none */
    const char *arg;  /* metavariable, NULL = a flag */
    enum gy_cli_kind kind;
    const char *doc;
    bool many; /* may be given several times */
};
struct gy_cli_example {
    const char *command; /* NULL ends the list */
    const char *says;
};

struct gy_cli;
/* One command.  The table in commands.c drives dispatch, parsing, help, completions, man pages. */
struct gy_cli_command {
    const char *name;     /* "up", "node drain" */
    const char *synopsis; /* its arguments: "[PROJECT]" */
    const char *summary;  /* one line, no full stop */
    const char *text;     /* paragraphs, parted by an empty line; may be NULL */
    const struct gy_cli_option *options;
    enum gy_cli_kind kind; /* of its arguments */
    int min, max;          /* arguments; max -1 = any number */
    const struct gy_cli_example *examples;
    const char *exits; /* what its exit codes mean beyond the common ones; may be NULL */
    bool hidden;
    int (*run)(struct gy_cli *cli);
};
extern const struct gy_cli_command gy_cli_commands[];
extern const size_t gy_cli_command_count;
extern const struct gy_cli_option gy_cli_globals[];
struct gy_cli_exit_text {
    int code;
    const char *text;
};
extern const struct gy_cli_exit_text gy_cli_exits[]; /* ends with code -1 */

struct gy_cli_given {
    const struct gy_cli_option *option;
    const char *value; /* NULL for a flag */
};

struct gy_http_session;

struct gy_cli {
    FILE *out, *err;
    struct gy_term term; /* of out */
    const struct gy_cli_command *command;
    struct gy_cli_given *given; /* borrowed texts, in order */
    size_t given_n, given_cap;
    char **args; /* borrowed, NULL-terminated */
    size_t arg_count;
    const char *ns; /* borrowed: -n, the context's, or "default" */
    bool json, quiet;
    char *host, *token; /* resolved on the first call */
    char *context_ns;
    struct gy_http_session *session;
    struct gy_error error; /* what to tell when the exit code is not 0; "" = already told */
    char *hint;            /* what to do next, a second line; may be NULL */
};

/* cli.c ------------------------------------------------------------------------------------- */

void gy_cli_init(struct gy_cli *cli, FILE *out, FILE *err);
void gy_cli_fini(struct gy_cli *cli);
/* Parse, dispatch, tell what went wrong.  Returns the exit code. */
int gy_cli_main(struct gy_cli *cli, int argc, char **argv);
/* Set the sentence (and a hint, NULL = none) and return code. */
int gy_cli_fail(struct gy_cli *cli, int code, const char *hint, const char *fmt, ...)
    GANTRY_PRINTF(4, 5);
/* From cli->error, which a function filled: EINVAL and others 1, ENOTFOUND 4, EUNAVAIL 5. */
int gy_cli_failed(struct gy_cli *cli);

/* parse.c ----------------------------------------------------------------------------------- */

/* Fill cli from argv.  0, or 2 with cli->error.  Only what the table says; the command is then not
 * run yet.  `--help` and `--version` set cli->command to their commands. */
int gy_cli_parse(struct gy_cli *cli, int argc, char **argv);
/* Of an option of the command or a global one: the last value, NULL when not given. */
const char *gy_cli_value(const struct gy_cli *cli, const char *name);
bool gy_cli_has(const struct gy_cli *cli, const char *name);
/* Value i of an option that may come several times; NULL beyond the last. */
const char *gy_cli_value_at(const struct gy_cli *cli, const char *name, size_t i);
/* Duration option in ms; 0, or 2 with cli->error.  A plain number counts seconds. */
int gy_cli_duration(struct gy_cli *cli, const char *name, int64_t fallback_ms, int64_t *ms);
int gy_cli_int(struct gy_cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback,
               int64_t *out);
const struct gy_cli_command *gy_cli_find(const char *name);

/* interrupt.c ------------------------------------------------------------------------------- */

void gy_cli_catch_interrupt(void); /* SIGINT and SIGTERM set a flag from now on */
bool gy_cli_interrupted(void);

/* table of run functions, one file each */
int gy_cmd_up(struct gy_cli *cli);
int gy_cmd_down(struct gy_cli *cli);
int gy_cmd_ps(struct gy_cli *cli);
int gy_cmd_apps(struct gy_cli *cli);
int gy_cmd_nodes(struct gy_cli *cli);
int gy_cmd_node_drain(struct gy_cli *cli);
int gy_cmd_node_undrain(struct gy_cli *cli);
int gy_cmd_node_label(struct gy_cli *cli);
int gy_cmd_scale(struct gy_cli *cli);
int gy_cmd_logs(struct gy_cli *cli);
int gy_cmd_exec(struct gy_cli *cli);
int gy_cmd_events(struct gy_cli *cli);
int gy_cmd_explain(struct gy_cli *cli);
int gy_cmd_inspect(struct gy_cli *cli);
int gy_cmd_plugin_ls(struct gy_cli *cli);
int gy_cmd_plugin_info(struct gy_cli *cli);
int gy_cmd_config(struct gy_cli *cli);
int gy_cmd_compose_config(struct gy_cli *cli);
int gy_cmd_compose_check(struct gy_cli *cli);
int gy_cmd_backup(struct gy_cli *cli);
int gy_cmd_restore(struct gy_cli *cli);
int gy_cmd_version(struct gy_cli *cli);
int gy_cmd_context_ls(struct gy_cli *cli);
int gy_cmd_context_use(struct gy_cli *cli);
int gy_cmd_context_add(struct gy_cli *cli);
int gy_cmd_context_rm(struct gy_cli *cli);
int gy_cmd_completion(struct gy_cli *cli);
int gy_cmd_man(struct gy_cli *cli);
int gy_cmd_help(struct gy_cli *cli);
int gy_cmd_names(struct gy_cli *cli);

#endif
