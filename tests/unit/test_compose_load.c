/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of test_compose_files.c cannot say: names, callbacks, limits, the table of keys.
 */
#include "compose/compose.h"
#include "suite.h"

static const char one[] =
    "name: from-file\nservices: {s: {image: \"i-${COMPOSE_PROJECT_NAME}\"}}\n";

static const char *project_env(void *arg, const char *name)
{
    return !strcmp(name, "COMPOSE_PROJECT_NAME") ? arg : NULL;
}

static void names(void)
{
    static const struct {
        const char *project, *env, *folder, *text, *name;
    } cases[] = {
        {"given", "env", "folder", one, "given"},
        {NULL, "env", "folder", one, "env"},
        {NULL, NULL, "folder", one, "from-file"},
        {NULL, NULL, "My Folder_1", "services: {s: {image: i}}", "myfolder-1"},
        {"__X__", NULL, NULL, "services: {s: {image: i}}", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct gy_compose_input in = {.text = cases[i].text,
                                            .len = strlen(cases[i].text),
                                            .project = cases[i].project,
                                            .folder_name = cases[i].folder,
                                            .ns = "team",
                                            .env = project_env,
                                            .arg = (void *)(uintptr_t)cases[i].env};
        struct gy_compose c = {0};
        struct gy_error err = GY_ERROR_INIT;
        REQUIRE(gy_compose_load(&in, &c, &err) == GANTRY_OK);
        CHECK_STR(c.project, cases[i].name);
        CHECK_STR(c.apps[0].project, cases[i].name);
        CHECK_STR(c.apps[0].ns, "team");
        if (cases[i].text == one) {
            gy_autofree char *image = gy_printf("i-%s", cases[i].name);
            CHECK_STR(GY_AT(struct gy_container, c.apps[0].pod.containers, 0)->image, image);
        }
        gy_compose_fini(&c);
    }
    const struct gy_compose_input in = {.text = "services: {s: {image: i}}", .len = 25};
    struct gy_compose c = {0};
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_compose_load(&in, &c, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "compose.yaml: the project needs a name: write `name: NAME` at the top, or "
                        "give -p NAME");
    CHECK_INT(gy_compose_load(&in, &c, NULL), GANTRY_EINVAL); /* err may be NULL */
}

static gantry_status deny(void *arg, const char *path, char **bytes, size_t *len,
                          struct gy_error *err)
{
    (void)bytes, (void)len;
    snprintf(arg, 64, "%s", path);
    return gy_error_set(err, GANTRY_EBUSY, "%s: not now", path);
}

static void files_are_asked_for_beside_the_file(void)
{
    static const char text[] = "name: x\nservices: {s: {image: i, env_file: ./a/b.env}}\n";
    char asked[64] = "";
    const struct gy_compose_input in = {.text = text,
                                        .len = strlen(text),
                                        .file = "deploy/compose.yaml",
                                        .read = deny,
                                        .arg = asked};
    struct gy_compose c = {0};
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_compose_load(&in, &c, &err), GANTRY_EBUSY); /* what read said */
    CHECK_STR(asked, "deploy/a/b.env");
    CHECK_STR(err.text, "deploy/compose.yaml: services.s.env_file (line 2): deploy/a/b.env: not "
                        "now");
}

static gantry_status load(const char *text, size_t len, struct gy_compose *c, struct gy_error *err)
{
    const struct gy_compose_input in = {.text = text, .len = len, .folder_name = "p"};
    return gy_compose_load(&in, c, err);
}

static void limits(void)
{
    struct gy_compose c = {0};
    struct gy_error err = GY_ERROR_INIT;
    struct gy_buf text = {0};
    gy_buf_str(&text, "services:\n");
    for (int i = 0; i < 5000; i++)
        gy_buf_printf(&text, "  s%d: {image: i, depends_on: [s%d]}\n", i, i + 1);
    gy_buf_str(&text, "  s5000: {image: i}\n");
    CHECK_INT(load(text.text, text.len, &c, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "compose.yaml: services (line 1): 5001 services, at most 5000 are allowed");
    gy_buf_fini(&text);

    gy_buf_str(&text, "services:\n"); /* a chain as long as allowed: no recursion along it */
    for (int i = 0; i < 4999; i++)
        gy_buf_printf(&text, "  s%d: {image: i, depends_on: [s%d]}\n", i, i + 1);
    gy_buf_str(&text, "  s4999: {image: i}\n");
    CHECK_INT(load(text.text, text.len, &c, &err), GANTRY_OK);
    CHECK_INT(c.n, 5000);
    gy_compose_fini(&c);
    gy_buf_fini(&text);

    gy_buf_str(&text, "services: {s: {image: i, labels: {");
    while (text.len <= GY_COMPOSE_TEXT_MAX)
        gy_buf_printf(&text, "k%zu: v, ", text.len);
    CHECK_INT(load(text.text, text.len, &c, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "at most 1048576 are allowed") != NULL);
    gy_buf_fini(&text);

    gy_buf_str(&text, "services: {s: {image: i, labels: {");
    for (int i = 0; i < 1001; i++)
        gy_buf_printf(&text, "k%d: v, ", i);
    gy_buf_str(&text, "}}}");
    CHECK_INT(load(text.text, text.len, &c, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "compose.yaml: services.s.labels (line 1): 1001 elements, at most 1000 are "
                        "allowed");
    gy_buf_fini(&text);

    CHECK_INT(load("a: \xff\n", 5, &c, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "compose.yaml (line 1): not YAML: invalid leading UTF-8 octet at byte 3");
}

/* Each refused key is refused by name with its line; each warned one leaves a warning. */
static void keys_of_services(void)
{
    size_t n;
    const struct gy_compose_key *keys = gy_compose_keys(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].where, "services.*") != 0) continue;
        struct gy_error err = GY_ERROR_INIT;
        struct gy_compose c = {0};
        gy_autofree char *text =
            gy_printf("services:\n  web:\n    image: i\n    %s: {some: thing}\n", keys[i].name);
        gantry_status status = load(text, strlen(text), &c, &err);
        gy_autofree char *says = gy_printf("services.web.%s (line 4): ", keys[i].name);
        if (keys[i].verdict == GY_COMPOSE_REFUSED) {
            CHECK_INT(status, GANTRY_EINVAL);
            CHECK(strstr(err.text, says) != NULL);
            CHECK(strstr(err.text, !strcmp(keys[i].name, "build") ? "docker build -t"
                                                                  : "not supported yet") != NULL);
        }
        if (keys[i].verdict == GY_COMPOSE_WARNED) {
            CHECK_INT(status, GANTRY_OK);
            CHECK_INT(c.warnings.n, 1);
            CHECK(c.warnings.n == 1 && strstr(c.warnings.items[0], says) != NULL);
        }
        if (keys[i].verdict == GY_COMPOSE_SUPPORTED) {
            gy_autofree char *unknown = gy_printf("%sunknown key", says);
            CHECK(!strstr(err.text, unknown) && !strstr(err.text, "not supported yet"));
        }
        gy_compose_fini(&c);
    }
}

/* The page for people has a line for each key, with its verdict. */
static void readme_has_every_key(void)
{
    static const char *const verdicts[] = {"supported", "warned", "refused"};
    gy_autofree char *page = NULL;
    size_t len, n;
    struct gy_error err = GY_ERROR_INIT;
    REQUIRE(gy_file_read(TEST_SOURCE_DIR "/core/compose/README.md", 1 << 20, &page, &len, &err) ==
            GANTRY_OK);
    const struct gy_compose_key *keys = gy_compose_keys(&n);
    for (size_t i = 0; i < n; i++) {
        const char *dot = *keys[i].where ? "." : "";
        gy_autofree char *line =
            gy_printf("| `%s%s%s` | %s | %s |\n", keys[i].where, dot, keys[i].name,
                      verdicts[keys[i].verdict], keys[i].doc ? keys[i].doc : "");
        if (!strstr(page, line)) fprintf(stderr, "core/compose/README.md wants: %s", line);
        CHECK(strstr(page, line) != NULL);
    }
}

SUITE("compose.load", {"where the project's name comes from", names},
      {"files are asked for beside the file", files_are_asked_for_beside_the_file},
      {"limits", limits}, {"keys of services", keys_of_services},
      {"README.md has every key", readme_has_every_key})
