/* SPDX-License-Identifier: Apache-2.0 */
/* The command line as the table of commands says, and the table itself. */
#include "cli/cli.h"
#include "suite.h"

#define WORDS_MAX 12

/* Split at blanks, parse, and hand back what became of it. */
static int parse(struct gy_cli *cli, const char *line)
{
    static char copy[256];
    static char *argv[WORDS_MAX + 1];
    int argc = 0;
    snprintf(copy, sizeof copy, "gantry %s", line);
    for (char *p = strtok(copy, " "); p && argc < WORDS_MAX; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    gy_cli_init(cli, stdout, stderr);
    return gy_cli_parse(cli, argc, argv);
}

static void good_lines(void)
{
    static const struct {
        const char *line, *command, *option, *value, *argument;
        size_t count;
    } cases[] = {
        {"up", "up", NULL, NULL, NULL, 0},
        {"up -f a.yaml", "up", "file", "a.yaml", NULL, 0},
        {"up --file=a.yaml -d", "up", "detach", NULL, NULL, 0},
        {"--host unix:///x up", "up", "host", "unix:///x", NULL, 0},
        {"up --host unix:///x", "up", "host", "unix:///x", NULL, 0},
        {"-n shop ps hello --all", "ps", "namespace", "shop", "hello", 1},
        {"node drain n1", "node drain", NULL, NULL, "n1", 1},
        {"--json node label n1 a=b c-", "node label", "json", NULL, "n1", 3},
        {"scale web=5 api=2", "scale", NULL, NULL, "web=5", 2},
        {"logs web --tail 5 -f", "logs", "tail", "5", "web", 1},
        {"exec -it web -- ls -l", "exec", "tty", NULL, "web", 3},
        {"exec web -it -u app -- sh -c x", "exec", "user", "app", "web", 4},
        {"ps --al", "ps", "all", NULL, NULL, 0},
        {"--version", "version", "version", NULL, NULL, 0},
        {"--help", "help", "help", NULL, NULL, 0},
        {"up --help", "up", "help", NULL, NULL, 0},
        {"node --help", "help", NULL, NULL, "node", 1},
        {"context use -", "context use", NULL, NULL, "-", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_cli cli;
        CHECK_INT(parse(&cli, cases[i].line), 0);
        CHECK_STR(cli.error.text, "");
        CHECK_STR(cli.command->name, cases[i].command);
        CHECK_INT(cli.arg_count, cases[i].count);
        if (cases[i].argument) CHECK_STR(cli.args[0], cases[i].argument);
        if (cases[i].option) CHECK(gy_cli_has(&cli, cases[i].option));
        if (cases[i].value) CHECK_STR(gy_cli_value(&cli, cases[i].option), cases[i].value);
        gy_cli_fini(&cli);
    }
}

static void bad_lines_say_what_is_wrong(void)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "which command?"},
        {"pss", "unknown command \"pss\", did you mean \"ps\"?"},
        {"deploy", "unknown command \"deploy\", did you mean \"up\"?"},
        {"zzzzzzzz", "unknown command \"zzzzzzzz\""},
        {"node", "gantry node needs one of: drain, undrain, label"},
        {"node dran n1", "unknown command \"node dran\", did you mean \"node drain\"?"},
        {"node explode n1",
         "unknown command \"node explode\": gantry node has drain, undrain, label"},
        {"up --detatch", "unknown option --detatch, did you mean --detach?"},
        {"up --qqqqqq", "unknown option --qqqqqq"},
        {"up -Z", "unknown option -Z"},
        {"--jsn ps", "unknown option --jsn, did you mean --json?"},
        {"up -f", "-f needs FILE"},
        {"up --file", "--file needs FILE"},
        {"up --detach=yes", "--detach takes no value"},
        {"up --d", "--d is not clear: several options begin so"},
        {"up x", "\"x\" is too much: gantry up"},
        {"ps a b", "\"b\" is too much: gantry ps [PROJECT | APP]"},
        {"logs", "an argument is missing: gantry logs APP|POD..."},
        {"exec web", "the next argument is missing: gantry exec POD|APP[.SLOT] -- PROGRAM "
                     "[ARGUMENT...]"},
        {"exec web ls -l", "unknown option -l; write -- before the program to run"},
        {"-n a ps -n b", "--namespace is given twice: a and b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_cli cli;
        CHECK_INT(parse(&cli, cases[i].line), GY_CLI_USAGE);
        CHECK_STR(cli.error.text, cases[i].says);
        CHECK(cli.hint && gy_starts_with(cli.hint, "see: gantry "));
        gy_cli_fini(&cli);
    }
}

static void repeated_options_are_all_there(void)
{
    struct gy_cli cli;
    CHECK_INT(parse(&cli, "up --scale a=1 --scale b=2 --profile x"), 0);
    CHECK_STR(gy_cli_value_at(&cli, "scale", 0), "a=1");
    CHECK_STR(gy_cli_value_at(&cli, "scale", 1), "b=2");
    CHECK(!gy_cli_value_at(&cli, "scale", 2));
    gy_cli_fini(&cli);
}

static void durations_and_numbers(void)
{
    struct gy_cli cli;
    int64_t ms, n;
    CHECK_INT(parse(&cli, "up -t 1m30s"), 0);
    CHECK_INT(gy_cli_duration(&cli, "timeout", 5, &ms), 0);
    CHECK_INT(ms, 90000);
    gy_cli_fini(&cli);
    CHECK_INT(parse(&cli, "up -t 10"), 0);
    CHECK_INT(gy_cli_duration(&cli, "timeout", 5, &ms), 0);
    CHECK_INT(ms, 10000);
    gy_cli_fini(&cli);
    CHECK_INT(parse(&cli, "up"), 0);
    CHECK_INT(gy_cli_duration(&cli, "timeout", 5, &ms), 0);
    CHECK_INT(ms, 5);
    gy_cli_fini(&cli);
    CHECK_INT(parse(&cli, "up -t soon"), 0);
    CHECK_INT(gy_cli_duration(&cli, "timeout", 5, &ms), GY_CLI_USAGE);
    CHECK_STR(cli.error.text,
              "--timeout: \"soon\" is not a duration: write 500ms, 10s, 1m30s or 2h");
    gy_cli_fini(&cli);
    CHECK_INT(parse(&cli, "logs web --tail -1"), 0);
    CHECK_INT(gy_cli_int(&cli, "tail", 0, 100, -1, &n), GY_CLI_USAGE);
    CHECK_STR(cli.error.text, "--tail: -1 is out of range: 0 to 100");
    gy_cli_fini(&cli);
}

static bool among(const struct gy_cli_option *list, const char *name, char letter)
{
    for (; list && list->name; list++)
        if (!strcmp(list->name, name) || (letter && list->letter == letter)) return true;
    return false;
}

static void the_table_is_sound(void)
{
    for (size_t i = 0; i < gy_cli_command_count; i++) {
        const struct gy_cli_command *c = &gy_cli_commands[i];
        CHECK(gy_cli_find(c->name) == c); /* no name twice */
        CHECK(c->run && c->summary && *c->summary && c->synopsis);
        CHECK(c->summary[strlen(c->summary) - 1] != '.');
        CHECK(c->max == -1 || c->max >= c->min);
        CHECK(c->hidden || (c->examples && c->examples[0].command));
        CHECK((c->max != 0) == (*c->synopsis != '\0'));
        for (const struct gy_cli_option *o = c->options; o && o->name; o++) {
            CHECK(o->doc && *o->doc);
            CHECK((o->arg == NULL) == (o->kind == GY_CLI_NONE));
            CHECK(!among(o + 1, o->name, o->letter));
            CHECK(!among(gy_cli_globals, o->name, o->letter));
        }
        /* "node" alone must not be a command where "node drain" is one: two words are tried first
         */
        const char *blank = strchr(c->name, ' ');
        gy_autofree char *first = blank ? gy_strndup(c->name, (size_t)(blank - c->name)) : NULL;
        if (first) CHECK(gy_cli_find(first) == NULL);
    }
}

SUITE("cli.parse", {"good lines", good_lines},
      {"bad lines say what is wrong", bad_lines_say_what_is_wrong},
      {"repeated options are all there", repeated_options_are_all_there},
      {"durations and numbers", durations_and_numbers}, {"the table is sound", the_table_is_sound})
