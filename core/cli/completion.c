/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts from the table of commands.  Names of apps, nodes and so on are asked of the
 * server when they are needed: `gantry __names KIND`. */
#include "cli/help.h"

/* What `gantry __names` calls a kind; NULL = it has no names. */
static const char *names_kind(enum gy_cli_kind kind)
{
    switch (kind) {
    case GY_CLI_APP: return "app";
    case GY_CLI_APP_COUNT: return "app";
    case GY_CLI_TARGET: return "target";
    case GY_CLI_PROJECT: return "project";
    case GY_CLI_NODE: return "node";
    case GY_CLI_NAMESPACE: return "namespace";
    case GY_CLI_PLUGIN: return "plugin";
    case GY_CLI_CONTEXT: return "context";
    default: return NULL;
    }
}

/* First words of the commands in order, each once. */
static const char *first_word(size_t *i, char out[32])
{
    for (; *i < gy_cli_command_count; (*i)++) {
        const char *name = gy_cli_commands[*i].name;
        size_t n = strcspn(name, " ");
        bool again = false;
        for (size_t k = 0; k < *i; k++)
            again = again || (strcspn(gy_cli_commands[k].name, " ") == n &&
                              !strncmp(gy_cli_commands[k].name, name, n));
        if (again || gy_cli_commands[*i].hidden) continue;
        snprintf(out, 32, "%.*s", (int)n, name);
        (*i)++;
        return out;
    }
    return NULL;
}

/* ---- bash ---- */

static void bash_words(FILE *out, enum gy_cli_kind kind)
{
    const char *names = names_kind(kind);
    if (kind == GY_CLI_FILE)
        fputs("COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null", out);
    else if (kind == GY_CLI_FOLDER)
        fputs("COMPREPLY=($(compgen -d -- \"$cur\")); compopt -o filenames 2>/dev/null", out);
    else if (kind == GY_CLI_SHELL)
        fputs("COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\"))", out);
    else if (kind == GY_CLI_APP_COUNT)
        fputs("COMPREPLY=($(compgen -S = -W \"$(_gantry_names app)\" -- \"$cur\")); compopt -o "
              "nospace 2>/dev/null",
              out);
    else if (names)
        fprintf(out, "COMPREPLY=($(compgen -W \"$(_gantry_names %s)\" -- \"$cur\"))", names);
    else
        fputs(":", out);
}

static void bash_values(FILE *out, const struct gy_cli_option *o, const char *indent)
{
    for (; o && o->name; o++) {
        if (!o->arg) continue;
        fprintf(out, "%s--%s%s%c) ", indent, o->name, o->letter ? "|-" : "",
                o->letter ? o->letter : ' ');
        bash_words(out, o->kind);
        fputs("; return ;;\n", out);
    }
}

static void bash_option_words(FILE *out, const struct gy_cli_option *o)
{
    for (; o && o->name; o++)
        fprintf(out, " --%s", o->name);
}

static void write_bash(FILE *out)
{
    char word[32];
    size_t i = 0;
    fputs("# SPDX-License-Identifier: Apache-2.0\n"
          "# bash completion of gantry, written by `gantry completion bash`\n\n"
          "_gantry_names() {\n"
          "    \"${COMP_WORDS[0]}\" \"${_gantry_globals[@]}\" __names \"$1\" 2>/dev/null\n"
          "}\n\n"
          "_gantry() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local first= command= i word _gantry_globals=()\n"
          "    COMPREPLY=()\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        word=${COMP_WORDS[i]}\n"
          "        case $word in\n            ",
          out);
    bool any = false;
    for (const struct gy_cli_option *o = gy_cli_globals; o->name; o++) {
        if (!o->arg) continue;
        fprintf(out, "%s--%s", any ? "|" : "", o->name);
        if (o->letter) fprintf(out, "|-%c", o->letter);
        any = true;
    }
    fputs(")\n"
          "                if ((i + 1 < COMP_CWORD)); then\n"
          "                    _gantry_globals+=(\"$word\" \"${COMP_WORDS[i+1]}\")\n"
          "                fi\n"
          "                ((i++)) ;;\n"
          "            -*) ;;\n"
          "            *)\n"
          "                if [[ -z $first ]]; then\n"
          "                    first=$word command=$word\n"
          "                elif [[ $command == \"$first\" ]]; then\n"
          "                    case \"$first $word\" in\n                        ",
          out);
    any = false;
    for (size_t k = 0; k < gy_cli_command_count; k++) {
        if (!strchr(gy_cli_commands[k].name, ' ')) continue;
        fprintf(out, "%s'%s'", any ? "|" : "", gy_cli_commands[k].name);
        any = true;
    }
    fputs(") command=\"$first $word\" ;;\n"
          "                    esac\n"
          "                fi ;;\n"
          "        esac\n"
          "    done\n"
          "    case $prev in\n",
          out);
    bash_values(out, gy_cli_globals, "        ");
    fputs("    esac\n"
          "    case $command in\n"
          "        '')\n"
          "            COMPREPLY=($(compgen -W '",
          out);
    for (i = 0; first_word(&i, word);)
        fprintf(out, "%s ", word);
    bash_option_words(out, gy_cli_globals);
    fputs("' -- \"$cur\"))\n"
          "            return ;;\n",
          out);
    for (i = 0; first_word(&i, word);) {
        size_t n = strlen(word);
        if (gy_cli_find(word)) continue;
        fprintf(out, "        %s) COMPREPLY=($(compgen -W '", word);
        for (size_t k = 0; k < gy_cli_command_count; k++)
            if (!strncmp(gy_cli_commands[k].name, word, n) && gy_cli_commands[k].name[n] == ' ')
                fprintf(out, "%s ", gy_cli_commands[k].name + n + 1);
        fputs("' -- \"$cur\")); return ;;\n", out);
    }
    for (size_t k = 0; k < gy_cli_command_count; k++) {
        const struct gy_cli_command *c = &gy_cli_commands[k];
        if (c->hidden) continue;
        fprintf(out, "        '%s')\n", c->name);
        bool values = false;
        for (const struct gy_cli_option *o = c->options; o && o->name; o++)
            values = values || o->arg;
        if (values) {
            fputs("            case $prev in\n", out);
            bash_values(out, c->options, "                ");
            fputs("            esac\n", out);
        }
        fputs("            if [[ $cur == -* ]]; then\n"
              "                COMPREPLY=($(compgen -W '",
              out);
        bash_option_words(out, c->options);
        bash_option_words(out, gy_cli_globals);
        fputs("' -- \"$cur\"))\n"
              "            else\n                ",
              out);
        bash_words(out, c->kind);
        fputs("\n            fi ;;\n", out);
    }
    fputs("    esac\n}\n\ncomplete -F _gantry gantry\n", out);
}

/* ---- zsh ---- */

/* Text inside '...' of an _arguments spec: quotes, brackets and colons have a meaning. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void zsh_action(FILE *out, enum gy_cli_kind kind)
{
    const char *names = names_kind(kind);
    if (kind == GY_CLI_FILE)
        fputs("_files", out);
    else if (kind == GY_CLI_FOLDER)
        fputs("_files -/", out);
    else if (kind == GY_CLI_SHELL)
        fputs("(bash zsh fish)", out);
    else if (kind == GY_CLI_APP_COUNT)
        fputs("_gantry_counts", out);
    else if (names)
        fprintf(out, "_gantry_names %s", names);
}

static void zsh_options(FILE *out, const struct gy_cli_option *o)
{
    for (; o && o->name; o++) {
        const char *stars = o->many ? "*" : "";
        if (o->letter && !o->many)
            fprintf(out, " \\\n                '(-%c --%s)'{-%c,--%s}'", o->letter, o->name,
                    o->letter, o->name);
        else if (o->letter)
            fprintf(out, " \\\n                '%s'{-%c,--%s}'", stars, o->letter, o->name);
        else
            fprintf(out, " \\\n                '%s--%s", stars, o->name);
        fputc('[', out);
        zsh_text(out, o->doc);
        fputc(']', out);
        if (o->arg) {
            fputc(':', out);
            zsh_text(out, o->arg);
            fputc(':', out);
            zsh_action(out, o->kind);
        }
        fputc('\'', out);
    }
}

static void write_zsh(FILE *out)
{
    char word[32];
    size_t i = 0;
    fputs("#compdef gantry\n"
          "# SPDX-License-Identifier: Apache-2.0\n"
          "# zsh completion of gantry, written by `gantry completion zsh`\n\n"
          "_gantry_names() {\n"
          "    local -a names\n"
          "    names=(${(f)\"$(_call_program names gantry __names $1 2>/dev/null)\"})\n"
          "    compadd -a names\n"
          "}\n\n"
          "_gantry_counts() {\n"
          "    local -a names\n"
          "    names=(${(f)\"$(_call_program names gantry __names app 2>/dev/null)\"})\n"
          "    compadd -S = -a names\n"
          "}\n\n"
          "_gantry() {\n"
          "    local context state state_descr line\n"
          "    typeset -A opt_args\n"
          "    _arguments -C",
          out);
    zsh_options(out, gy_cli_globals);
    fputs(" \\\n                '1:command:->command' '*::argument:->arguments'\n"
          "    case $state in\n"
          "        command)\n"
          "            local -a commands=(\n",
          out);
    while (first_word(&i, word)) {
        const struct gy_cli_command *c = gy_cli_find(word);
        fprintf(out, "                '%s:", word);
        if (c)
            zsh_text(out, c->summary);
        else
            fprintf(out, "%s ...", word);
        fputs("'\n", out);
    }
    fputs("            )\n"
          "            _describe command commands ;;\n"
          "        arguments)\n"
          "            local key=$words[1]\n"
          "            case $key in\n                ",
          out);
    bool any = false;
    for (i = 0; first_word(&i, word);) {
        if (gy_cli_find(word)) continue;
        fprintf(out, "%s%s", any ? "|" : "", word);
        any = true;
    }
    fputs(")\n"
          "                    if ((CURRENT > 2)); then\n"
          "                        key=\"$words[1] $words[2]\"\n"
          "                        shift words\n"
          "                        ((CURRENT--))\n"
          "                    fi ;;\n"
          "            esac\n"
          "            case $key in\n",
          out);
    for (i = 0; first_word(&i, word);) {
        size_t n = strlen(word);
        if (gy_cli_find(word)) continue;
        fprintf(out, "            %s)\n                local -a verbs=(\n", word);
        for (size_t k = 0; k < gy_cli_command_count; k++) {
            const struct gy_cli_command *c = &gy_cli_commands[k];
            if (strncmp(c->name, word, n) != 0 || c->name[n] != ' ') continue;
            fprintf(out, "                    '%s:", c->name + n + 1);
            zsh_text(out, c->summary);
            fputs("'\n", out);
        }
        fputs("                )\n                _describe command verbs ;;\n", out);
    }
    for (size_t k = 0; k < gy_cli_command_count; k++) {
        const struct gy_cli_command *c = &gy_cli_commands[k];
        if (c->hidden) continue;
        fprintf(out, "            '%s')\n                _arguments", c->name);
        zsh_options(out, c->options);
        zsh_options(out, gy_cli_globals);
        if (c->max != 0) {
            fputs(" \\\n                '*:argument:", out);
            zsh_action(out, c->kind);
            fputc('\'', out);
        }
        fputs(" ;;\n", out);
    }
    fputs("            esac ;;\n    esac\n}\n\n_gantry \"$@\"\n", out);
}

/* ---- fish ---- */

static void fish_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void fish_values(FILE *out, enum gy_cli_kind kind)
{
    const char *names = names_kind(kind);
    if (kind == GY_CLI_FILE)
        fputs(" -F", out);
    else if (kind == GY_CLI_FOLDER)
        fputs(" -f -a '(__fish_complete_directories)'", out);
    else if (kind == GY_CLI_SHELL)
        fputs(" -f -a 'bash zsh fish'", out);
    else if (kind == GY_CLI_APP_COUNT)
        fputs(" -f -a '(gantry __names app 2>/dev/null)='", out);
    else if (names)
        fprintf(out, " -f -a '(gantry __names %s 2>/dev/null)'", names);
}

static void fish_options(FILE *out, const struct gy_cli_option *o, const char *condition)
{
    for (; o && o->name; o++) {
        fputs("complete -c gantry", out);
        if (condition) {
            fputs(" -n ", out);
            fish_text(out, condition);
        }
        fprintf(out, " -l %s", o->name);
        if (o->letter) fprintf(out, " -s %c", o->letter);
        if (o->arg) {
            fputs(" -r", out);
            fish_values(out, o->kind);
        }
        fputs(" -d ", out);
        fish_text(out, o->doc);
        fputc('\n', out);
    }
}

static void write_fish(FILE *out)
{
    char word[32];
    size_t i = 0;
    fputs("# SPDX-License-Identifier: Apache-2.0\n"
          "# fish completion of gantry, written by `gantry completion fish`\n\n"
          "complete -c gantry -f\n",
          out);
    fish_options(out, gy_cli_globals, NULL);
    while (first_word(&i, word)) {
        const struct gy_cli_command *c = gy_cli_find(word);
        fprintf(out, "complete -c gantry -n __fish_use_subcommand -a %s", word);
        if (c) {
            fputs(" -d ", out);
            fish_text(out, c->summary);
        }
        fputc('\n', out);
    }
    for (size_t k = 0; k < gy_cli_command_count; k++) {
        const struct gy_cli_command *c = &gy_cli_commands[k];
        const char *blank = strchr(c->name, ' ');
        if (c->hidden) continue;
        int n = blank ? (int)(blank - c->name) : (int)strlen(c->name);
        gy_autofree char *seen =
            blank
                ? gy_printf("__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
                            n, c->name, blank + 1)
                : gy_printf("__fish_seen_subcommand_from %s", c->name);
        if (blank) {
            gy_autofree char *group = gy_printf("__fish_seen_subcommand_from %.*s", n, c->name);
            fputs("complete -c gantry -n ", out);
            fish_text(out, group);
            fprintf(out, " -a %s -d ", blank + 1);
            fish_text(out, c->summary);
            fputc('\n', out);
        }
        fish_options(out, c->options, seen);
        if (c->max != 0 && (names_kind(c->kind) || c->kind == GY_CLI_FILE ||
                            c->kind == GY_CLI_FOLDER || c->kind == GY_CLI_SHELL)) {
            fputs("complete -c gantry -n ", out);
            fish_text(out, seen);
            fish_values(out, c->kind);
            fputc('\n', out);
        }
    }
}

bool gy_completion_write(FILE *out, const char *shell)
{
    if (!strcmp(shell, "bash"))
        write_bash(out);
    else if (!strcmp(shell, "zsh"))
        write_zsh(out);
    else if (!strcmp(shell, "fish"))
        write_fish(out);
    else
        return false;
    return true;
}

int gy_cmd_completion(struct gy_cli *cli)
{
    if (gy_completion_write(cli->out, cli->args[0])) return 0;
    return gy_cli_fail(cli, GY_CLI_USAGE, NULL,
                       "there is no completion for \"%s\": say bash, zsh or fish", cli->args[0]);
}
