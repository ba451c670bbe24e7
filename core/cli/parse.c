/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, by getopt_long(3), as the table of commands says. */
#include "cli/cli.h"

#include "base/time.h"
#include <getopt.h>
#include <inttypes.h>

#define OPTIONS_MAX 32

/* The options that hold at a point of the line, and getopt's two forms of them. */
struct accepted {
    const struct gy_cli_option *options[OPTIONS_MAX];
    size_t n;
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
};

static void accept(struct accepted *a, const struct gy_cli_option *list)
{
    for (; list && list->name; list++) {
        GY_ASSERT(a->n < OPTIONS_MAX);
        a->options[a->n] = list;
        a->longs[a->n] = (struct option){list->name, list->arg ? required_argument : no_argument,
                                         NULL, 256 + (int)a->n};
        if (list->letter) {
            size_t at = strlen(a->letters);
            a->letters[at] = list->letter;
            if (list->arg) a->letters[at + 1] = ':';
        }
        a->n++;
    }
}

const struct gy_cli_command *gy_cli_find(const char *name)
{
    for (size_t i = 0; i < gy_cli_command_count; i++)
        if (!strcmp(gy_cli_commands[i].name, name)) return &gy_cli_commands[i];
    return NULL;
}

static void add(struct gy_cli *cli, const struct gy_cli_option *option, const char *value)
{
    GY_VEC_PUSH(cli->given, cli->given_n, cli->given_cap);
    cli->given[cli->given_n++] = (struct gy_cli_given){option, value};
}

static int usage(struct gy_cli *cli, const char *fmt, ...) GANTRY_PRINTF(2, 3);
static int usage(struct gy_cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&cli->error, GANTRY_EINVAL, fmt, args);
    va_end(args);
    free(cli->hint);
    cli->hint = cli->command ? gy_printf("see: gantry %s --help", cli->command->name)
                             : gy_strdup("see: gantry --help");
    return GY_CLI_USAGE;
}

static int unknown_option(struct gy_cli *cli, const struct accepted *a, char **argv)
{
    const char *text = argv[optind - 1];
    if (optopt && optopt < 256) {
        for (size_t i = 0; i < a->n; i++)
            if (a->options[i]->letter == optopt)
                return usage(cli, "-%c needs %s", optopt, a->options[i]->arg);
        return usage(cli, "unknown option -%c%s", optopt,
                     cli->command && !strcmp(cli->command->name, "exec")
                         ? "; write -- before the program to run"
                         : "");
    }
    if (optopt >= 256) {
        const struct gy_cli_option *o = a->options[optopt - 256];
        return o->arg ? usage(cli, "--%s needs %s", o->name, o->arg)
                      : usage(cli, "--%s takes no value", o->name);
    }
    const char *names[OPTIONS_MAX];
    gy_autofree char *word = gy_strndup(text + 2, strcspn(text + 2, "="));
    for (size_t i = 0; i < a->n; i++) {
        names[i] = a->options[i]->name;
        if (gy_starts_with(names[i], word) && *word)
            return usage(cli, "--%s is not clear: several options begin so", word);
    }
    const char *near = gy_nearest(word, names, a->n);
    return near ? usage(cli, "unknown option --%s, did you mean --%s?", word, near)
                : usage(cli, "unknown option --%s", word);
}

/* One pass of getopt; *next is where the rest begins.  stop: end at the first argument. */
static int pass(struct gy_cli *cli, const struct gy_cli_option *own, int argc, char **argv,
                bool stop, int *next)
{
    struct accepted a = {.letters = ""};
    strcpy(a.letters, stop ? "+:" : ":");
    accept(&a, own);
    accept(&a, gy_cli_globals);
    opterr = 0;
    optind = 0; /* glibc: start over */
    int c;
    while ((c = getopt_long(argc, argv, a.letters, a.longs, NULL)) != -1) {
        const struct gy_cli_option *option = NULL;
        if (c == '?' || c == ':') return unknown_option(cli, &a, argv);
        if (c >= 256) option = a.options[c - 256];
        for (size_t i = 0; !option && i < a.n; i++)
            if (a.options[i]->letter == c) option = a.options[i];
        GY_ASSERT(option);
        if (!option->many && option->arg && gy_cli_value(cli, option->name) &&
            strcmp(gy_cli_value(cli, option->name), optarg) != 0)
            return usage(cli, "--%s is given twice: %s and %s", option->name,
                         gy_cli_value(cli, option->name), optarg);
        add(cli, option, option->arg ? optarg : NULL);
    }
    *next = optind;
    return 0;
}

static int unknown_command(struct gy_cli *cli, const char *first, const char *second)
{
    const char *names[64], *group[64];
    size_t n = 0, in_group = 0, len = strlen(first);
    struct gy_buf list = {0};
    for (size_t i = 0; i < gy_cli_command_count && n < 64; i++) {
        const char *name = gy_cli_commands[i].name;
        if (gy_cli_commands[i].hidden) continue;
        if (!strncmp(name, first, len) && name[len] == ' ') {
            gy_buf_printf(&list, "%s%s", in_group ? ", " : "", name + len + 1);
            group[in_group++] = name + len + 1;
        }
        names[n++] = name;
    }
    gy_autofree char *known = gy_buf_take(&list);
    if (in_group) {
        const char *near = second ? gy_nearest(second, group, in_group) : NULL;
        if (!second) return usage(cli, "gantry %s needs one of: %s", first, known);
        if (near)
            return usage(cli, "unknown command \"%s %s\", did you mean \"%s %s\"?", first, second,
                         first, near);
        return usage(cli, "unknown command \"%s %s\": gantry %s has %s", first, second, first,
                     known);
    }
    /* People who come from other tools. */
    static const char *const others[][2] = {{"deploy", "up"},
                                            {"apply", "up"},
                                            {"run", "up"},
                                            {"stop", "down"},
                                            {"rm", "down"},
                                            {"delete", "down"},
                                            {"list", "ps"},
                                            {"ls", "ps"},
                                            {"pods", "ps"},
                                            {"services", "apps"},
                                            {"status", "ps"},
                                            {"describe", "inspect"},
                                            {"get", "inspect"},
                                            {"attach", "exec"},
                                            {"watch", "events"},
                                            {"why", "explain"},
                                            {"plugins", "plugin ls"},
                                            {"contexts", "context ls"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(first, others[i][0]))
            return usage(cli, "unknown command \"%s\", did you mean \"%s\"?", first, others[i][1]);
    const char *near = gy_nearest(first, names, n);
    return near ? usage(cli, "unknown command \"%s\", did you mean \"%s\"?", first, near)
                : usage(cli, "unknown command \"%s\"", first);
}

/* Find the command in argv[at] (and the next word); returns how many words it took, 0 = none. */
static int find_command(struct gy_cli *cli, int argc, char **argv, int at)
{
    if (at + 1 < argc) {
        gy_autofree char *two = gy_printf("%s %s", argv[at], argv[at + 1]);
        if ((cli->command = gy_cli_find(two))) return 2;
    }
    cli->command = strchr(argv[at], ' ') ? NULL : gy_cli_find(argv[at]);
    return cli->command ? 1 : 0;
}

int gy_cli_parse(struct gy_cli *cli, int argc, char **argv)
{
    int next = 0, code = pass(cli, NULL, argc, argv, true, &next);
    if (code) return code;
    if (gy_cli_has(cli, "version")) {
        cli->command = gy_cli_find("version");
        return 0;
    }
    if (next >= argc) {
        if (gy_cli_has(cli, "help")) {
            cli->command = gy_cli_find("help");
            return 0;
        }
        return usage(cli, "which command?");
    }
    bool help_asked = gy_cli_has(cli, "help");
    int words = find_command(cli, argc, argv, next);
    if (!words) {
        const char *second = next + 1 < argc && argv[next + 1][0] != '-' ? argv[next + 1] : NULL;
        bool help =
            next + 1 < argc && (!strcmp(argv[next + 1], "--help") || !strcmp(argv[next + 1], "-h"));
        if (help || help_asked) { /* "gantry node --help": all commands of the group */
            cli->command = gy_cli_find("help");
            cli->args = argv + next;
            cli->arg_count = 1;
            return 0;
        }
        return unknown_command(cli, argv[next], second);
    }
    /* The last word of the command stands where getopt expects the program's name. */
    char **rest = argv + next + words - 1;
    int rest_count = argc - next - words + 1, from = 0;
    if ((code = pass(cli, cli->command->options, rest_count, rest, false, &from))) return code;
    cli->args = rest + from;
    cli->arg_count = (size_t)(rest_count - from);
    if (gy_cli_has(cli, "help")) return 0;
    if ((int)cli->arg_count < cli->command->min)
        return usage(cli, "%s is missing: gantry %s %s",
                     cli->arg_count == 0 ? "an argument" : "the next argument", cli->command->name,
                     cli->command->synopsis);
    if (cli->command->max >= 0 && (int)cli->arg_count > cli->command->max)
        return usage(cli, "\"%s\" is too much: gantry %s%s%s", cli->args[cli->command->max],
                     cli->command->name, *cli->command->synopsis ? " " : "",
                     cli->command->synopsis);
    return 0;
}

const char *gy_cli_value_at(const struct gy_cli *cli, const char *name, size_t i)
{
    for (size_t k = 0; k < cli->given_n; k++)
        if (!strcmp(cli->given[k].option->name, name) && i-- == 0) return cli->given[k].value;
    return NULL;
}

const char *gy_cli_value(const struct gy_cli *cli, const char *name)
{
    const char *value = NULL;
    for (size_t k = 0; k < cli->given_n; k++)
        if (!strcmp(cli->given[k].option->name, name)) value = cli->given[k].value;
    return value;
}

bool gy_cli_has(const struct gy_cli *cli, const char *name)
{
    for (size_t k = 0; k < cli->given_n; k++)
        if (!strcmp(cli->given[k].option->name, name)) return true;
    return false;
}

int gy_cli_duration(struct gy_cli *cli, const char *name, int64_t fallback_ms, int64_t *ms)
{
    const char *text = gy_cli_value(cli, name);
    int64_t seconds;
    *ms = fallback_ms;
    if (!text) return 0;
    if (gy_int_parse(text, 0, INT32_MAX, &seconds, NULL) == GANTRY_OK) {
        *ms = seconds * 1000;
        return 0;
    }
    if (gy_duration_parse(text, ms, &cli->error) == GANTRY_OK) return 0;
    gy_autofree char *why = gy_strdup(cli->error.text);
    return usage(cli, "--%s: %s", name, why);
}

int gy_cli_int(struct gy_cli *cli, const char *name, int64_t min, int64_t max, int64_t fallback,
               int64_t *out)
{
    const char *text = gy_cli_value(cli, name);
    *out = fallback;
    if (!text || gy_int_parse(text, min, max, out, &cli->error) == GANTRY_OK) return 0;
    gy_autofree char *why = gy_strdup(cli->error.text);
    return usage(cli, "--%s: %s", name, why);
}
