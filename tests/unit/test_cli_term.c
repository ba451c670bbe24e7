/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text, tables, and the lines of progress. */
#include "cli/progress.h"
#include "cli/term.h"
#include "suite.h"

#include <locale.h>

static void check_fit(const char *text, int columns, const char *want)
{
    struct gy_buf b = {0};
    gy_text_fit(&b, text, columns);
    CHECK_STR(b.text ? b.text : "", want);
    gy_buf_fini(&b);
}

static void text_is_cut_by_columns(void)
{
    check_fit("hello", 5, "hello");
    check_fit("hello", 4, "hel…");
    check_fit("hello", 1, "…");
    check_fit("hello", 0, "");
    check_fit("grüße", 4, "grü…");
    check_fit("日本語", 6, "日本語");
    check_fit("日本語", 5, "日本…");
    check_fit("日本語", 4, "日…"); /* a wide character never hangs over the edge */
    check_fit("a\033[2Jb\n", 20, "a?[2Jb ");
    check_fit("a\xc2\x9b"
              "b",
              20, "a?b"); /* a C1 control */
    CHECK_INT(gy_text_columns("日本"), 4);
    CHECK_INT(gy_text_columns("e\xcc\x81"), 1); /* combining */
    CHECK_INT(gy_text_columns("a\xff"), 2);
}

static char *print_table(const struct gy_term *term, bool titles)
{
    static const char *const names[] = {"POD", ">N", "~TEXT"};
    struct gy_table t;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    gy_table_init(&t, names, 3);
    gy_table_cell(&t, GY_BOLD, "web.%d", 1);
    gy_table_cell(&t, GY_PLAIN, "%d", 5);
    gy_table_cell(&t, GY_GREEN, "all is well with this pod");
    gy_table_cell(&t, GY_BOLD, "größer.1");
    gy_table_cell(&t, GY_PLAIN, "%d", 1234);
    gy_table_cell(&t, GY_PLAIN, "%s", "");
    if (titles)
        gy_table_print(&t, term, out);
    else
        gy_table_rows(&t, term, out);
    gy_table_fini(&t);
    fclose(out);
    return text;
}

static void tables(void)
{
    struct gy_term plain = {0}, narrow = {.tty = true, .width = 32};
    struct gy_term coloured = {.tty = true, .colour = true, .width = 80};
    gy_autofree char *a = print_table(&plain, true), *b = print_table(&narrow, true),
                     *c = print_table(&coloured, false);
    CHECK_STR(a, "POD          N  TEXT\n"
                 "web.1        5  all is well with this pod\n"
                 "größer.1  1234\n");
    CHECK_STR(b, "POD          N  TEXT\n"
                 "web.1        5  all is well wit…\n"
                 "größer.1  1234\n");
    CHECK_STR(c, "\033[1mweb.1\033[0m        5  \033[32mall is well with this pod\033[0m\n"
                 "\033[1mgrößer.1\033[0m  1234\n");
}

static void a_table_fits_any_width(void)
{
    for (int width = 16; width < 50; width++) {
        struct gy_term term = {.tty = true, .width = width};
        gy_autofree char *text = print_table(&term, true);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            CHECK(gy_text_columns(line) <= width);
    }
}

/* ---- progress ---- */

static void tell(struct gy_progress *p, const char *line)
{
    json_t *object = json_loads(line, 0, NULL);
    REQUIRE(object);
    gy_progress_apply(p, object);
    json_decref(object);
}

static void tell_app(struct gy_progress *p, int desired, int generation, const char *mode,
                     const char *waiting)
{
    gy_autofree char *line = gy_printf(
        "{\"type\":\"put\",\"kind\":\"app\",\"object\":{\"namespace\":\"default\",\"project\":"
        "\"p\","
        "\"name\":\"web\",\"generation\":%d,\"mode\":\"%s\",\"status\":{\"desired\":%d%s}}}",
        generation, mode, desired, waiting);
    tell(p, line);
}

static void tell_pod(struct gy_progress *p, const char *id, int generation, const char *rest)
{
    gy_autofree char *line = gy_printf(
        "{\"type\":\"put\",\"kind\":\"pod\",\"object\":{\"id\":\"%s\",\"namespace\":\"default\","
        "\"project\":\"p\",\"app\":\"web\",\"slot\":1,\"generation\":%d,%s}}",
        id, generation, rest);
    tell(p, line);
}

static void check_line(struct gy_progress *p, int verdict, const char *want)
{
    struct gy_term plain = {0};
    struct gy_progress_app a;
    struct gy_buf b = {0};
    const json_t *app = gy_progress_find(p, "default", "p", "web");
    REQUIRE(app);
    gy_progress_app(p, app, &a);
    gy_progress_line(&a, &plain, 0, &b);
    CHECK_STR(b.text, want);
    CHECK_INT(a.verdict, verdict);
    gy_buf_fini(&b);
}

static void progress_of_an_app(void)
{
    struct gy_progress p;
    gy_progress_init(&p);
    tell_app(&p, 2, 1, "replicated", "");
    check_line(&p, GY_PROGRESS_GOING, "web: 0 of 2 ready");
    tell_pod(&p, "a", 1, "\"state\":\"starting\"");
    tell_pod(&p, "b", 1, "\"state\":\"preparing\",\"reason\":\"pulling 1/3\"");
    check_line(&p, GY_PROGRESS_GOING, "web: 0 of 2 ready, 1 preparing, 1 starting: pulling 1/3");
    tell_pod(&p, "b", 1, "\"state\":\"ready\"");
    tell_pod(&p, "a", 1,
             "\"state\":\"running\",\"health\":\"unhealthy\",\"restarts\":2,\"reason\":\"GET / "
             "answered 500\"");
    check_line(&p, GY_PROGRESS_GOING,
               "web: 1 of 2 ready, 1 unhealthy, 2 restarts: GET / answered 500");
    tell_pod(&p, "a", 1, "\"state\":\"ready\"");
    check_line(&p, GY_PROGRESS_DONE, "web: 2 of 2 ready");
    /* a change: the pods of the former generation do not count */
    tell_app(&p, 2, 2, "replicated", "");
    check_line(&p, GY_PROGRESS_GOING, "web: 0 of 2 ready, 2 old");
    tell_pod(&p, "c", 2, "\"state\":\"ready\"");
    tell(&p, "{\"type\":\"delete\",\"kind\":\"pod\",\"object\":{\"id\":\"a\"}}");
    check_line(&p, GY_PROGRESS_GOING, "web: 1 of 2 ready, 1 old");
    tell_app(&p, 2, 2, "replicated", ",\"waiting\":1,\"reason\":\"no node has 2 GiB free\"");
    check_line(&p, GY_PROGRESS_GOING,
               "web: 1 of 2 ready, 1 waiting, 1 old: no node has 2 GiB free");
    CHECK_INT(gy_progress_pods_left(&p), 2);
    tell_pod(&p, "c", 2, "\"state\":\"ended\",\"outcome\":\"stopped\"");
    CHECK_INT(gy_progress_pods_left(&p), 1);
    gy_progress_fini(&p);
}

static void a_pod_that_is_to_stop_does_not_count(void)
{
    struct gy_progress p;
    gy_progress_init(&p);
    tell_app(&p, 1, 1, "replicated", "");
    tell_pod(&p, "a", 1, "\"state\":\"ready\",\"desired\":\"stop\"");
    check_line(&p, GY_PROGRESS_GOING, "web: 0 of 1 ready, 1 stopping");
    gy_progress_fini(&p);
}

static void a_surplus_is_waited_for(void)
{
    struct gy_progress p;
    gy_progress_init(&p);
    tell_app(&p, 1, 1, "replicated", "");
    tell_pod(&p, "a", 1, "\"state\":\"ready\"");
    tell_pod(&p, "b", 1, "\"state\":\"ready\"");
    check_line(&p, GY_PROGRESS_GOING, "web: 2 of 1 ready, 1 too many");
    tell_pod(&p, "b", 1, "\"state\":\"ready\",\"desired\":\"stop\"");
    check_line(&p, GY_PROGRESS_DONE, "web: 1 of 1 ready, 1 stopping");
    tell_pod(&p, "a", 1, "\"state\":\"ended\",\"outcome\":\"completed\"");
    check_line(&p, GY_PROGRESS_DONE, "web: 1 of 1 ready, 1 stopping");
    gy_progress_fini(&p);
}

static void what_failed_for_good_ends_the_waiting(void)
{
    struct gy_progress p;
    gy_progress_init(&p);
    tell_app(&p, 2, 1, "job", "");
    tell_pod(&p, "a", 1, "\"state\":\"ended\",\"outcome\":\"completed\"");
    tell_pod(&p, "b", 1, "\"state\":\"running\"");
    check_line(&p, GY_PROGRESS_GOING, "web: 1 of 2 completed, 1 starting");
    tell_pod(&p, "b", 1, "\"state\":\"ended\",\"outcome\":\"failed\",\"reason\":\"exit code 3\"");
    check_line(&p, GY_PROGRESS_FAILED, "web: 1 of 2 completed, 1 failed: exit code 3");
    gy_progress_fini(&p);
}

static void a_line_for_a_terminal(void)
{
    struct gy_term tty = {.tty = true, .width = 60};
    struct gy_progress_app a = {.name = "web",
                                .desired = 4,
                                .ready = 1,
                                .starting = 3,
                                .reason = "this text is too long for so narrow a terminal"};
    struct gy_buf b = {0};
    gy_progress_line(&a, &tty, 6, &b);
    CHECK_STR(b.text, "· web     ██░░░░░░░░  1/4 ready  3 starting: this text is t…");
    CHECK(gy_text_columns(b.text) <= 60);
    gy_buf_fini(&b);
    a.ready = 4;
    a.starting = 0;
    a.verdict = GY_PROGRESS_DONE;
    gy_progress_line(&a, &tty, 6, &b);
    CHECK_STR(b.text, "✔ web     ██████████  4/4 ready");
    gy_buf_fini(&b);
}

static void in_utf8(void)
{
    REQUIRE(setlocale(LC_CTYPE, "C.UTF-8"));
}

SUITE("cli.term", {"(locale)", in_utf8}, {"text is cut by columns", text_is_cut_by_columns},
      {"tables", tables}, {"a table fits any width", a_table_fits_any_width},
      {"progress of an app", progress_of_an_app},
      {"a pod that is to stop does not count", a_pod_that_is_to_stop_does_not_count},
      {"a surplus is waited for", a_surplus_is_waited_for},
      {"what failed for good ends the waiting", what_failed_for_good_ends_the_waiting},
      {"a line for a terminal", a_line_for_a_terminal})
