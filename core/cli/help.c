/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#define TEXT_WIDTH 80

/* Wrap a text at blanks; `indent` columns before every line but the first. */
static void wrap(FILE *out, const char *text, int from, int indent)
{
    int at = from;
    while (*text) {
        size_t n = strcspn(text, " \n");
        gy_autofree char *word = gy_strndup(text, n);
        int w = gy_text_columns(word);
        if (at > indent && at + 1 + w > TEXT_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fputs(word, out);
        at += w;
        text += n;
        if (*text == ' ') text++;
        if (*text == '\n') {
            for (; *text == '\n'; text++)
                fputc('\n', out);
            fprintf(out, "%*s", indent, "");
            at = indent;
        }
    }
    fputc('\n', out);
}

static void options(FILE *out, const struct gy_cli_option *o)
{
    for (; o->name; o++) {
        gy_autofree char *left = o->letter ? gy_printf("  -%c, --%s%s%s", o->letter, o->name,
                                                       o->arg ? " " : "", o->arg ? o->arg : "")
                                           : gy_printf("      --%s%s%s", o->name, o->arg ? " " : "",
                                                       o->arg ? o->arg : "");
        fprintf(out, "%-27s ", left);
        if (strlen(left) > 27) fprintf(out, "\n%28s", "");
        gy_autofree char *doc = gy_printf("%s%s", o->doc, o->many ? "; may be repeated" : "");
        wrap(out, doc, 28, 28);
    }
}

static void title(FILE *out, const struct gy_term *term, const char *text)
{
    fprintf(out, "\n%s%s%s\n", gy_colour_on(term, GY_BOLD), text, gy_colour_off(term, GY_BOLD));
}

void gy_help_overview(FILE *out, const struct gy_term *term)
{
    fprintf(out, "gantry gets containers running across hosts and keeps them running.\n");
    title(out, term, "Usage");
    fprintf(out, "  gantry [OPTION...] COMMAND [ARGUMENT...]\n");
    title(out, term, "Commands");
    for (size_t i = 0; i < gy_cli_command_count; i++)
        if (!gy_cli_commands[i].hidden) {
            fprintf(out, "  %-15s ", gy_cli_commands[i].name);
            wrap(out, gy_cli_commands[i].summary, 18, 18);
        }
    title(out, term, "Options of every command");
    options(out, gy_cli_globals);
    title(out, term, "Exit codes");
    for (const struct gy_cli_exit_text *e = gy_cli_exits; e->code >= 0; e++)
        fprintf(out, "  %3d  %s\n", e->code, e->text);
    fprintf(out, "\nNames: an app is APP, PROJECT/APP or NAMESPACE:PROJECT/APP; APP.2 is its "
                 "slot 2; a pod is\nits id or the first characters of it.\n"
                 "More about one command: gantry COMMAND --help\n");
}

bool gy_help_group(FILE *out, const struct gy_term *term, const char *group)
{
    size_t len = strlen(group);
    bool any = false;
    for (size_t i = 0; i < gy_cli_command_count; i++) {
        const struct gy_cli_command *c = &gy_cli_commands[i];
        if (strncmp(c->name, group, len) != 0 || c->name[len] != ' ') continue;
        if (any) fputc('\n', out);
        any = true;
        fprintf(out, "%sgantry %s%s %s\n    ", gy_colour_on(term, GY_BOLD), c->name,
                gy_colour_off(term, GY_BOLD), c->synopsis);
        wrap(out, c->summary, 4, 4);
    }
    return any;
}

void gy_help_command(FILE *out, const struct gy_term *term, const struct gy_cli_command *c)
{
    fprintf(out, "%s.\n", c->summary);
    title(out, term, "Usage");
    fprintf(out, "  gantry %s%s%s%s\n", c->name, c->options ? " [OPTION...]" : "",
            *c->synopsis ? " " : "", c->synopsis);
    if (c->text) {
        fputc('\n', out);
        wrap(out, c->text, 0, 0);
    }
    if (c->options) {
        title(out, term, "Options");
        options(out, c->options);
    }
    title(out, term, "Options of every command");
    options(out, gy_cli_globals);
    if (c->examples) {
        title(out, term, "Examples");
        for (const struct gy_cli_example *e = c->examples; e->command; e++)
            fprintf(out, "  %-40s # %s\n", e->command, e->says);
    }
    if (c->exits) {
        title(out, term, "Exit codes");
        fprintf(out, "  ");
        wrap(out, c->exits, 2, 2);
    }
}

int gy_cmd_help(struct gy_cli *cli)
{
    if (cli->arg_count == 0) {
        gy_help_overview(cli->out, &cli->term);
        return GY_CLI_OK;
    }
    gy_autofree char *name = cli->arg_count == 2 ? gy_printf("%s %s", cli->args[0], cli->args[1])
                                                 : gy_strdup(cli->args[0]);
    const struct gy_cli_command *c = gy_cli_find(name);
    if (c && !c->hidden) {
        gy_help_command(cli->out, &cli->term, c);
        return GY_CLI_OK;
    }
    if (gy_help_group(cli->out, &cli->term, name)) return GY_CLI_OK;
    return gy_cli_fail(cli, GY_CLI_USAGE, "see: gantry --help", "there is no command \"%s\"", name);
}
