/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages in troff (man(7)): gantry.1, and gantry-WORD.1 for each first word of a command. */
#include "cli/help.h"

#include <errno.h>

static size_t word_len(const char *name)
{
    return strcspn(name, " ");
}

/* Is command i the first with its first word, and shown? */
static bool begins_page(size_t i)
{
    const char *name = gy_cli_commands[i].name;
    size_t n = word_len(name);
    if (gy_cli_commands[i].hidden) return false;
    for (size_t k = 0; k < i; k++)
        if (word_len(gy_cli_commands[k].name) == n && !strncmp(gy_cli_commands[k].name, name, n))
            return false;
    return true;
}

char *gy_man_name(size_t i)
{
    if (i == 0) return gy_strdup("gantry");
    for (size_t k = 0; k < gy_cli_command_count; k++)
        if (begins_page(k) && --i == 0)
            return gy_printf("gantry-%.*s", (int)word_len(gy_cli_commands[k].name),
                             gy_cli_commands[k].name);
    return NULL;
}

/* Text for troff: backslashes, hyphens that are minus signs, control lines; "\n\n" parts
 * paragraphs. */
static void put(FILE *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", out);
        line_start = false;
        switch (*text) {
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break;
        case '~': fputs("\\(ti", out); break;
        case '^': fputs("\\(ha", out); break;
        case '`': fputs("\\(ga", out); break;
        case '\n':
            if (text[1] == '\n') {
                fputs("\n.PP\n", out);
                text++;
            } else {
                fputc('\n', out);
            }
            line_start = true;
            break;
        default: fputc(*text, out); break;
        }
    }
}

static void put_options(FILE *out, const struct gy_cli_option *o)
{
    for (; o->name; o++) {
        fputs(".TP\n", out);
        if (o->letter) fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        fputs("\\fB\\-\\-", out);
        put(out, o->name);
        fputs("\\fR", out);
        if (o->arg) {
            fputs(" \\fI", out);
            put(out, o->arg);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        put(out, o->doc);
        fputs(o->many ? "; may be repeated.\n" : ".\n", out);
    }
}

static void put_head(FILE *out, const char *page, const char *summary)
{
    gy_autofree char *title = gy_strdup(page);
    for (char *p = title; *p; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
    fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
          ".\\\" Written by `gantry man` from core/cli/commands.c\n.TH ",
          out);
    put(out, title);
    fprintf(out, " 1 \"\" \"gantry %s\" \"gantry\"\n.SH NAME\n", GANTRY_VERSION);
    put(out, page);
    fputs(" \\- ", out);
    put(out, summary);
    fputc('\n', out);
}

static void put_exits(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
    for (const struct gy_cli_exit_text *e = gy_cli_exits; e->code >= 0; e++) {
        fprintf(out, ".TP\n.B %d\n", e->code);
        put(out, e->text);
        fputs(".\n", out);
    }
}

static void put_command(FILE *out, const struct gy_cli_command *c, bool of_group)
{
    if (of_group) {
        fputs(".SS \"gantry ", out);
        put(out, c->name);
        fputs("\"\n.B gantry ", out);
        put(out, c->name);
        fputs("\n", out);
        if (c->options) fputs("[\\fIoption\\fR...]\n", out);
        put(out, c->synopsis);
        fputs("\n.PP\n", out);
    }
    put(out, c->summary);
    fputs(".\n", out);
    if (c->text) {
        fputs(".PP\n", out);
        put(out, c->text);
        fputc('\n', out);
    }
    if (c->options) {
        if (!of_group) fputs(".SH OPTIONS\n", out);
        put_options(out, c->options);
    }
    if (c->examples) {
        fputs(of_group ? "" : ".SH EXAMPLES\n", out);
        for (const struct gy_cli_example *e = c->examples; e->command; e++) {
            fputs(".TP\n.B ", out);
            put(out, e->command);
            fputc('\n', out);
            put(out, e->says);
            fputs(".\n", out);
        }
    }
    if (c->exits) {
        fputs(of_group ? ".PP\nExit status: " : ".SH EXIT STATUS\n", out);
        put(out, c->exits);
        fputs(".\n", out);
        if (!of_group) fputs("The others are in \\fBgantry\\fR(1).\n", out);
    }
}

static void write_overview(FILE *out)
{
    put_head(out, "gantry", "get containers running across hosts and keep them running");
    fputs(
        ".SH SYNOPSIS\n.B gantry\n[\\fIoption\\fR...] \\fIcommand\\fR [\\fIargument\\fR...]\n"
        ".SH DESCRIPTION\n"
        "Talks to a gantry server: deploys Compose files, shows what runs and why.\n.PP\n"
        "An app is named \\fIAPP\\fR, \\fIPROJECT\\fR/\\fIAPP\\fR or "
        "\\fINAMESPACE\\fR:\\fIPROJECT\\fR/\\fIAPP\\fR; \\fIAPP\\fR.2 is its slot 2; a pod is its "
        "id or the\nfirst characters of it (four at least).\n"
        ".SH COMMANDS\n",
        out);
    for (size_t i = 0; i < gy_cli_command_count; i++) {
        const struct gy_cli_command *c = &gy_cli_commands[i];
        if (c->hidden) continue;
        fputs(".TP\n.B ", out);
        put(out, c->name);
        fputc('\n', out);
        put(out, c->summary);
        fprintf(out, "; see \\fBgantry\\-%.*s\\fR(1).\n", (int)word_len(c->name), c->name);
    }
    fputs(".SH OPTIONS\n", out);
    put_options(out, gy_cli_globals);
    put_exits(out);
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B GANTRY_HOST\nThe server, as \\fB\\-\\-host\\fR.\n"
          ".TP\n.B GANTRY_TOKEN\nBearer token for a server on TCP.\n"
          ".TP\n.B NO_COLOR\nNo colours.\n"
          ".TP\n.BR COMPOSE_FILE ,\\  COMPOSE_PROJECT_NAME ,\\  COMPOSE_PROFILES\n"
          "As \\fB\\-\\-file\\fR, \\fB\\-\\-project\\fR and \\fB\\-\\-profile\\fR.\n"
          ".SH FILES\n"
          ".TP\n.I ./.gantry/gantry.sock\nThe server of \\fBgantryd \\-\\-dev\\fR here, when it is "
          "there.\n"
          ".TP\n.I /run/gantry/gantry.sock\nThe server otherwise.\n"
          ".TP\n.I \\(ti/.config/gantry/contexts.json\nStored servers.\n",
          out);
}

void gy_man_write(FILE *out, const char *page)
{
    if (!strcmp(page, "gantry")) {
        write_overview(out);
        return;
    }
    const char *word = page + strlen("gantry-");
    size_t n = strlen(word), count = 0;
    const struct gy_cli_command *first = NULL;
    struct gy_buf verbs = {0};
    for (size_t i = 0; i < gy_cli_command_count; i++) {
        const struct gy_cli_command *c = &gy_cli_commands[i];
        if (word_len(c->name) != n || strncmp(c->name, word, n) != 0) continue;
        if (!first) first = c;
        if (c->name[n]) gy_buf_printf(&verbs, "%s%s", count ? ", " : "", c->name + n + 1);
        count++;
    }
    bool group = first && first->name[n];
    gy_autofree char *summary =
        group ? gy_printf("%s: %s", word, verbs.text) : gy_strdup(first ? first->summary : "");
    gy_buf_fini(&verbs);
    if (!first) return;
    put_head(out, page, summary);
    fputs(".SH SYNOPSIS\n", out);
    for (const struct gy_cli_command *c = first; c < gy_cli_commands + gy_cli_command_count; c++) {
        if (word_len(c->name) != n || strncmp(c->name, word, n) != 0) continue;
        if (c != first) fputs(".br\n", out);
        fputs(".B gantry ", out);
        put(out, c->name);
        fputc('\n', out);
        if (c->options) fputs("[\\fIoption\\fR...]\n", out);
        if (*c->synopsis) {
            put(out, c->synopsis);
            fputc('\n', out);
        }
    }
    fputs(".SH DESCRIPTION\n", out);
    for (const struct gy_cli_command *c = first; c < gy_cli_commands + gy_cli_command_count; c++)
        if (word_len(c->name) == n && !strncmp(c->name, word, n)) put_command(out, c, group);
    fputs(".SH SEE ALSO\n.BR gantry (1)\nfor the options of every command and the exit codes.\n",
          out);
}

int gy_cmd_man(struct gy_cli *cli)
{
    if (cli->arg_count == 0) {
        gy_man_write(cli->out, "gantry");
        return 0;
    }
    const char *folder = cli->args[0];
    if (gy_dir_make(folder, 0755, &cli->error) != GANTRY_OK) return GY_CLI_FAILED;
    for (size_t i = 0;; i++) {
        gy_autofree char *name = gy_man_name(i);
        if (!name) return 0;
        gy_autofree char *path = gy_printf("%s/%s.1", folder, name);
        FILE *out = fopen(path, "we");
        if (!out)
            return gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot write %s: %s", path,
                               strerror(errno));
        gy_man_write(out, name);
        if (fclose(out) != 0)
            return gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot write %s: %s", path,
                               strerror(errno));
    }
}
