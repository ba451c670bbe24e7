/* SPDX-License-Identifier: Apache-2.0 */
/* Completions and man pages in contrib are what the table of commands gives, and are well-formed.
 */
#include "cli/help.h"
#include "suite.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_same(const char *path, const char *want)
{
    gy_autofree char *have = NULL, *at = gy_printf("%s/%s", TEST_SOURCE_DIR, path);
    size_t len;
    struct gy_error err = GY_ERROR_INIT;
    gy_file_read(at, 1 << 20, &have, &len, &err);
    if (!have || strcmp(have, want) != 0)
        fprintf(stderr, "%s is not up to date (%s): see contrib/man/README.md\n", path,
                have ? "it differs" : err.text);
    CHECK(have && !strcmp(have, want));
}

static char *completion(const char *shell)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    CHECK(gy_completion_write(out, shell));
    fclose(out);
    return text;
}

static char *man(const char *page)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    gy_man_write(out, page);
    fclose(out);
    return text;
}

static void completions_are_up_to_date(void)
{
    gy_autofree char *bash = completion("bash"), *zsh = completion("zsh"),
                     *fish = completion("fish");
    check_same("contrib/completions/gantry.bash", bash);
    check_same("contrib/completions/_gantry", zsh);
    check_same("contrib/completions/gantry.fish", fish);
    CHECK(!gy_completion_write(stdout, "tcsh"));
}

static void man_pages_are_up_to_date(void)
{
    size_t pages = 0, files = 0;
    for (char *name; (name = gy_man_name(pages)); pages++) {
        gy_autofree char *path = gy_printf("contrib/man/%s.1", name), *text = man(name);
        check_same(path, text);
        free(name);
    }
    DIR *folder = opendir(TEST_SOURCE_DIR "/contrib/man");
    REQUIRE(folder);
    for (struct dirent *e; (e = readdir(folder));)
        files += gy_ends_with(e->d_name, ".1") && gy_starts_with(e->d_name, "gantry") &&
                 !gy_starts_with(e->d_name, "gantryd") &&
                 !gy_starts_with(e->d_name, "gantry-shim") &&
                 !gy_starts_with(e->d_name, "gantry-check");
    closedir(folder);
    CHECK_INT(files, pages); /* none is left over from a command that went */
}

/* Feed a text to a program; its exit code, or -1 where it is not installed.  What it wrote to
 * standard output and error is in *said. */
static int feed(const char *command, const char *text, char **said)
{
    char in[] = "/tmp/gy_cli_in.XXXXXX";
    int fd = mkstemp(in);
    REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    gy_autofree char *line = gy_printf("%s %s 2>&1", command, in);
    struct gy_buf b = {0};
    char chunk[4096];
    FILE *p = popen(line, "r");
    REQUIRE(p);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, p));)
        gy_buf_add(&b, chunk, n);
    int status = pclose(p);
    unlink(in);
    *said = gy_buf_take(&b);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    return code == 127 ? -1 : code;
}

static void bash_reads_its_completion(void)
{
    gy_autofree char *text = completion("bash"), *said = NULL;
    CHECK_INT(feed("bash -n", text, &said), 0);
    CHECK_STR(said, "");
}

/* Run the completion function as bash does and print what it offers. */
static void bash_completes(void)
{
    static const struct {
        const char *words; /* the last one is being completed */
        const char *offers, *not ;
    } cases[] = {
        {"gantry sca", "scale ", "ps "},
        {"gantry node ''", "drain undrain label ", "NODE"},
        {"gantry -n shop ps --al", "--all ", "--follow"},
        {"gantry up --pro", "--project --profile ", "--all"},
        {"gantry completion ''", "bash zsh fish ", "--"},
        {"gantry scale ''", "asked=app= ", "--"},
        {"gantry --host x logs ''", "asked=--host-x-__names-target ", "drain"},
    };
    gy_autofree char *script = completion("bash");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gy_autofree char *said = NULL;
        /* `gantry` itself is played: it says what it was asked */
        gy_autofree char *text = gy_printf(
            "%s\ngantry() { local IFS=-; if [[ $1 == __names ]]; then echo asked=$2; else echo "
            "asked=\"$*\"; fi; }\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_gantry\n"
            "printf '%%s ' \"${COMPREPLY[@]}\"\n",
            script, cases[i].words);
        CHECK_INT(feed("bash", text, &said), 0);
        CHECK_STR(said, cases[i].offers);
        CHECK(!strstr(said, cases[i].not ));
    }
}

static void other_shells_read_theirs(void)
{
    gy_autofree char *zsh = completion("zsh"), *fish = completion("fish"), *a = NULL, *b = NULL;
    int of_zsh = feed("zsh -n", zsh, &a), of_fish = feed("fish -n", fish, &b);
    CHECK(of_zsh <= 0 && of_fish <= 0); /* -1: not installed here */
}

static void troff_has_nothing_to_say(void)
{
    for (size_t i = 0;; i++) {
        gy_autofree char *name = gy_man_name(i), *said = NULL;
        if (!name) break;
        gy_autofree char *text = man(name);
        int code = feed("groff -ww -z -man -Tutf8", text, &said);
        if (code < 0) return; /* not installed here */
        CHECK_INT(code, 0);
        CHECK_STR(said, "");
    }
}

static void help_fits_80_columns(void)
{
    struct gy_term plain = {0};
    for (size_t i = 0; i < gy_cli_command_count; i++) {
        char *text = NULL;
        size_t len;
        FILE *out = open_memstream(&text, &len);
        gy_help_command(out, &plain, &gy_cli_commands[i]);
        fclose(out);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            if (!strstr(line, " # ") && strlen(line) > 81) /* examples may be longer */
                CHECK_STR(line, "at most 80 columns");
        CHECK(len > 100);
        free(text);
    }
}

SUITE("cli.generated", {"completions are up to date", completions_are_up_to_date},
      {"man pages are up to date", man_pages_are_up_to_date},
      {"bash reads its completion", bash_reads_its_completion}, {"bash completes", bash_completes},
      {"other shells read theirs", other_shells_read_theirs},
      {"troff has nothing to say", troff_has_nothing_to_say},
      {"help fits 80 columns", help_fits_80_columns})
