/* SPDX-License-Identifier: Apache-2.0 */
/* Compose files and what becomes of them: compose/NAME.yaml has its normal form, with its warnings,
 * in NAME.expected.yaml; compose/bad/NAME.yaml is refused with the sentence in NAME.error.  A first
 * line "# profiles: a b" activates profiles.  With TEST_WRITE=1 in the environment the expected
 * files are written anew: read the difference before you keep it. */
#include "bad_inputs.h"
#include "compose/compose.h"
#include "suite.h"

#include <dirent.h>
#include <sys/stat.h>

#define FOLDER TEST_SOURCE_DIR "/tests/unit/compose/"

struct setting { /* how a file is loaded */
    const char *folder;
    bool no_files;
};

static const char *environment(void *arg, const char *name)
{
    static const char *const vars[][2] = {{"TAG", "2.4"},         {"EMPTY", ""},
                                          {"REGION", "eu-west"},  {"API_KEY", "s3cr3t"},
                                          {"REPLICAS", "4"},      {"GREETING", "hello $world"},
                                          {"PRICE", "5$ \"net\""}};
    (void)arg;
    for (size_t i = 0; i < sizeof vars / sizeof *vars; i++)
        if (!strcmp(vars[i][0], name)) return vars[i][1];
    return NULL;
}

static gantry_status read_file(void *arg, const char *path, char **bytes, size_t *len,
                               struct gy_error *err)
{
    const struct setting *setting = arg;
    gy_autofree char *full = gy_printf("%s%s", setting->folder, path);
    struct gy_error own = GY_ERROR_INIT;
    gantry_status status = gy_file_read(full, 1 << 20, bytes, len, &own);
    return status ? gy_error_set(err, status, "%s: cannot be read", path) : GANTRY_OK;
}

static gantry_status load(const struct setting *setting, const char *name, const char *text,
                          struct gy_compose *out, struct gy_error *err)
{
    static const char head[] = "# profiles: ";
    char *words[8] = {NULL}, *rest = NULL;
    gy_autofree char *line = gy_strndup(text, strcspn(text, "\n"));
    size_t n = 0;
    if (gy_starts_with(line, head))
        for (char *word = strtok_r(line + strlen(head), " ", &rest); word && n < 8;
             word = strtok_r(NULL, " ", &rest))
            words[n++] = word;
    const struct gy_compose_input in = {
        .text = text,
        .len = strlen(text),
        .file = name,
        .folder_name = "My_Folder",
        .profiles = (const char *const *)words,
        .profile_count = n,
        .env = environment,
        .read = setting->no_files ? NULL : read_file,
        .arg = (void *)(uintptr_t)setting,
    };
    return gy_compose_load(&in, out, err);
}

static int is_source(const struct dirent *entry)
{
    return gy_ends_with(entry->d_name, ".yaml") && !gy_ends_with(entry->d_name, ".expected.yaml");
}

static void compare(const char *path, const char *got)
{
    struct gy_error err = GY_ERROR_INIT;
    gy_autofree char *want = NULL;
    size_t len;
    if (getenv("TEST_WRITE")) CHECK_INT(gy_file_write(path, got, strlen(got), 0644, &err), 0);
    CHECK_INT(gy_file_read(path, 1 << 20, &want, &len, &err), GANTRY_OK);
    if (!want || strcmp(got, want) != 0) fprintf(stderr, "%s differs:\n", path);
    CHECK_STR(got, want);
}

static char *describe(const struct gy_compose *c)
{
    struct gy_buf text = {0};
    for (size_t i = 0; i < c->warnings.n; i++)
        gy_buf_printf(&text, "# %s\n", c->warnings.items[i]);
    gy_autofree char *form = gy_compose_format(c);
    gy_buf_str(&text, form);
    return gy_buf_take(&text);
}

/* The normal form must load again, elsewhere and without files, to the same apps. */
static void check_again(const struct gy_compose *c, const char *name)
{
    struct gy_error err = GY_ERROR_INIT;
    gy_autofree char *form = gy_compose_format(c);
    const struct gy_compose_input in = {.text = form, .len = strlen(form), .file = name};
    struct gy_compose again = {0};
    CHECK_INT(gy_compose_load(&in, &again, &err), GANTRY_OK);
    CHECK_STR(err.text, "");
    CHECK_STR(again.project, c->project);
    CHECK_INT(again.n, c->n);
    CHECK_INT(again.warnings.n, 0);
    for (size_t i = 0; i < again.n && i < c->n; i++) {
        gy_autofree char *a = gy_shape_encode_text(&gy_app_shape, &c->apps[i]);
        gy_autofree char *b = gy_shape_encode_text(&gy_app_shape, &again.apps[i]);
        CHECK_STR(b, a);
        CHECK(gy_shape_equal(&gy_app_shape, &c->apps[i], &again.apps[i]));
    }
    gy_autofree char *second = gy_compose_format(&again);
    CHECK_STR(second, form);
    gy_compose_fini(&again);
}

static void good_files(void)
{
    struct dirent **entries = NULL;
    int n = scandir(FOLDER, &entries, is_source, alphasort);
    CHECK(n >= 30);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        const struct setting setting = {FOLDER, false};
        struct gy_error err = GY_ERROR_INIT;
        gy_autofree char *path = gy_printf("%s%s", FOLDER, name), *text = NULL;
        size_t len;
        struct gy_compose c = {0};
        REQUIRE(gy_file_read(path, 1 << 20, &text, &len, &err) == GANTRY_OK);
        CHECK_INT(load(&setting, name, text, &c, &err), GANTRY_OK);
        CHECK_STR(err.text, "");
        gy_autofree char *want =
            gy_printf("%s%.*s.expected.yaml", FOLDER, (int)strlen(name) - 5, name);
        gy_autofree char *got = describe(&c);
        if (!err.status) compare(want, got);
        if (!err.status) check_again(&c, name);
        gy_compose_fini(&c);
        free(entries[i]);
    }
    free(entries);
}

static void bad_files(void)
{
    struct dirent **entries = NULL;
    int n = scandir(FOLDER "bad", &entries, is_source, alphasort);
    CHECK(n >= 40);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        const struct setting setting = {FOLDER "bad/", gy_starts_with(name, "api-")};
        struct gy_error err = GY_ERROR_INIT;
        gy_autofree char *path = gy_printf("%sbad/%s", FOLDER, name), *text = NULL;
        size_t len;
        struct gy_compose c = {0};
        REQUIRE(gy_file_read(path, 1 << 22, &text, &len, &err) == GANTRY_OK);
        CHECK(load(&setting, name, text, &c, &err) != GANTRY_OK);
        CHECK(err.text[0]);
        CHECK(!c.apps); /* untouched on failure */
        gy_autofree char *want = gy_printf("%sbad/%.*s.error", FOLDER, (int)strlen(name) - 5, name);
        gy_autofree char *got = gy_printf("%s\n", err.text);
        compare(want, got);
        bad_input(name, err.text);
        gy_compose_fini(&c);
        free(entries[i]);
    }
    free(entries);
}

SUITE("compose.files", {"good files have their normal form, which loads to the same", good_files},
      {"bad files are refused with a sentence", bad_files})
