/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, command lines and environment files, each by its own table. */
#include "compose/envfile.h"
#include "compose/interpolate.h"
#include "compose/words.h"
#include "suite.h"

static char unset_names[256];

static const char *get(void *arg, const char *name)
{
    (void)arg;
    return !strcmp(name, "A") ? "one" : !strcmp(name, "E") ? "" : !strcmp(name, "D") ? "$A" : NULL;
}

static void note_missing(void *arg, const char *name)
{
    (void)arg;
    size_t n = strlen(unset_names);
    snprintf(unset_names + n, sizeof unset_names - n, "%s ", name);
}

static const struct gy_variables vars = {get, note_missing, NULL};

static void variables(void)
{
    static const struct {
        const char *text, *becomes, *unset;
    } cases[] = {
        {"", "", ""},
        {"plain", "plain", ""},
        {"$A-$A_B", "one-", "A_B "},
        {"${A}b$E.", "oneb.", ""},
        {"$$A $$$A $${A}", "$A $one ${A}", ""},
        {"${N}", "", "N "},
        {"${N:-x} ${N-x} ${E:-x} ${E-x} ${A:-x}", "x x x  one", ""},
        {"${N:+x}|${N+x}|${E:+x}|${E+x}|${A:+x}", "|||x|x", ""},
        {"${A:?no}${E?no}", "one", ""},
        {"${N:-${M:-$A}}", "one", ""},
        {"${N:-a}b}", "ab}", ""},
        {"${N:-$$}", "$", ""},
        {"${N-http://h:80/?a=b}", "http://h:80/?a=b", ""},
        {"$D", "$A", ""}, /* a value is not looked into */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_buf out = {0};
        struct gy_error err = GY_ERROR_INIT;
        unset_names[0] = '\0';
        gy_buf_str(&out, "");
        CHECK_INT(gy_interpolate(cases[i].text, &vars, &out, &err), GANTRY_OK);
        CHECK_STR(out.text, cases[i].becomes);
        CHECK_STR(unset_names, cases[i].unset);
        gy_buf_fini(&out);
    }
}

static void bad_variables(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a $ b", "\"$ b\": behind $ must come a name or {; write $$ for a dollar sign"},
        {"$", "\"$\": behind $ must come a name or {; write $$ for a dollar sign"},
        {"${A", "\"${A\": the } behind ${ is missing"},
        {"${N:-${A}", "\"${N:-${A}\": the } behind ${ is missing"},
        {"${}", "\"${}\" needs a name of letters, digits and _ behind ${; write $$ for a dollar "
                "sign"},
        {"${A=b}", "behind ${A must come }, or one of :- - :? ? :+ + and a text"},
        {"${A:}", "behind ${A must come }, or one of :- - :? ? :+ + and a text"},
        {"${N:?}", "the variable N must be set"},
        {"${E:?give $A}", "the variable E must be set: give one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_buf out = {0};
        struct gy_error err = GY_ERROR_INIT;
        CHECK_INT(gy_interpolate(cases[i].text, &vars, &out, &err), GANTRY_EINVAL);
        CHECK_STR(err.text, cases[i].says);
        gy_buf_fini(&out);
    }
    struct gy_buf deep = {0}, out = {0};
    struct gy_error err = GY_ERROR_INIT;
    for (int i = 0; i < 100; i++)
        gy_buf_str(&deep, "${N:-");
    for (int i = 0; i < 100; i++)
        gy_buf_str(&deep, "}");
    CHECK_INT(gy_interpolate(deep.text, &vars, &out, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "variables nested deeper than 16");
    gy_buf_fini(&deep);
    gy_buf_fini(&out);
}

static char *join(const struct gy_strs *words)
{
    struct gy_buf out = {0};
    for (size_t i = 0; i < words->n; i++)
        gy_buf_printf(&out, "[%s]", words->items[i]);
    return gy_buf_take(&out);
}

static void free_strs(struct gy_strs *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->items[i]);
    free(s->items);
}

static void words(void)
{
    static const struct {
        const char *text, *becomes, *shell;
    } cases[] = {
        {"", "", NULL},
        {"  a  b\t\nc ", "[a][b][c]", NULL},
        {"'a b' \"c d\" e\\ f", "[a b][c d][e f]", NULL},
        {"a''b \"\" ''", "[ab][][]", NULL},
        {"\"a\\\"b\\$c\\nd\"", "[a\"b$c\\nd]", NULL},
        {"'a\\b'", "[a\\b]", NULL},
        {"a \\\n b", "[a][b]", NULL},
        {"a && b", "[a][&&][b]", "&&"},
        {"a '&&' b", "[a][&&][b]", NULL},
        {"a > b", "[a][>][b]", ">"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_strs out = {0};
        struct gy_error err = GY_ERROR_INIT;
        const char *shell = NULL;
        CHECK_INT(gy_words_split(cases[i].text, &out, &shell, &err), GANTRY_OK);
        gy_autofree char *got = join(&out);
        CHECK_STR(got, cases[i].becomes);
        CHECK_STR(shell, cases[i].shell);
        free_strs(&out);
    }
    struct gy_strs out = {0};
    struct gy_error err = GY_ERROR_INIT;
    const char *shell = NULL;
    CHECK_INT(gy_words_split("a 'b", &out, &shell, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "the quote ' is not closed");
    free_strs(&out);
}

static gantry_status parse(const char *text, bool raw, struct gy_map *out, struct gy_error *err)
{
    const struct gy_envfile_source source = {"f.env", get, NULL, raw};
    return gy_envfile_parse(text, &source, out, err);
}

static void free_map(struct gy_map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].key);
        free(m->items[i].value);
    }
    free(m->items);
    *m = (struct gy_map){0};
}

static void environment_files(void)
{
    static const struct {
        const char *text, *name, *value;
    } cases[] = {
        {"X=1", "X", "1"},
        {"export X=1\r\n", "X", "1"},
        {"\xef\xbb\xbfX=1", "X", "1"},
        {"# c\n\nX = a b  # c", "X", "a b"},
        {"X=a#b", "X", "a#b"},
        {"X=", "X", ""},
        {"X: y", "X", "y"},
        {"X=\"a\\tb\\\"c\" # d", "X", "a\tb\"c"},
        {"X=\"$A ${A} \\$A\"", "X", "one one $A"},
        {"X='$A'", "X", "$A"},
        {"X=$A-${Y:-d}", "X", "one-d"},
        {"Y=2\nX=$Y", "X", "2"},
        {"A", "A", "one"},
        {"N", "N", NULL},
        {"X=1\nX=2", "X", "2"},
        {"X=\"l1\nl2\"\nZ=1", "X", "l1\nl2"},
        {"export=1", "export", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_map out = {0};
        struct gy_error err = GY_ERROR_INIT;
        CHECK_INT(parse(cases[i].text, false, &out, &err), GANTRY_OK);
        CHECK_STR(gy_map_get(&out, cases[i].name), cases[i].value);
        free_map(&out);
    }
    struct gy_map out = {0};
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(parse("X=\"$A\" # b\r\n", true, &out, &err), GANTRY_OK);
    CHECK_STR(gy_map_get(&out, "X"), "\"$A\" # b");
    free_map(&out);
    CHECK_INT(parse("X=1\nY Z", false, &out, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "f.env (line 2): must be NAME=value: the = is missing");
    free_map(&out);
    CHECK_INT(parse("X='a\nb", false, &out, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "f.env (line 1): the quote that begins here is not closed");
    free_map(&out);
    CHECK_INT(parse("X='a'b", false, &out, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "f.env (line 1): something stands behind the closing quote");
    free_map(&out);
    CHECK_INT(parse("\n=b", false, &out, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "f.env (line 2): must be NAME=value, with a name of 1 to 255 bytes");
    free_map(&out);
}

SUITE("compose.interpolate", {"variables", variables}, {"bad variables", bad_variables},
      {"command lines", words}, {"environment files", environment_files})
