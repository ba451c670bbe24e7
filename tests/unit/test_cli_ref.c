/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people write, and which apps they mean. */
#include "cli/project.h"
#include "cli/ref.h"
#include "suite.h"

static void good_names(void)
{
    static const struct {
        const char *text, *ns, *project, *app, *slot;
    } cases[] = {
        {"web", "", "", "web", ""},
        {"web.2", "", "", "web", "2"},
        {"agent.node-1", "", "", "agent", "node-1"},
        {"shop/web", "", "shop", "web", ""},
        {"shop/web.10", "", "shop", "web", "10"},
        {"prod:shop/web", "prod", "shop", "web", ""},
        {"prod:shop/web.1", "prod", "shop", "web", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_cli_ref ref;
        struct gy_error err = GY_ERROR_INIT;
        CHECK_INT(gy_cli_ref_parse(cases[i].text, &ref, &err), GANTRY_OK);
        CHECK_STR(ref.ns, cases[i].ns);
        CHECK_STR(ref.project, cases[i].project);
        CHECK_STR(ref.app, cases[i].app);
        CHECK_STR(ref.slot, cases[i].slot);
    }
}

static void bad_names(void)
{
    static const char *const cases[][2] = {
        {"", "\"\" is not an app: 1 to 63 lower-case letters, digits and inner hyphens"},
        {"Web", "\"Web\" is not an app: 1 to 63 lower-case letters, digits and inner hyphens"},
        {"a/b/c", "\"b/c\" is not an app: 1 to 63 lower-case letters, digits and inner hyphens"},
        {"/web", "\"\" is not a project: 1 to 63 lower-case letters, digits and inner hyphens"},
        {"web.",
         "\"\" is not a slot or node: 1 to 63 lower-case letters, digits and inner hyphens"},
        {"prod:web", "\"prod:web\" lacks the project: write NAMESPACE:PROJECT/APP, or APP with -n"},
        {"a/b:c", "\"a/b:c\" is not NAMESPACE:PROJECT/APP"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_cli_ref ref = {"untouched", "", "", ""};
        struct gy_error err = GY_ERROR_INIT;
        gantry_status status = gy_cli_ref_parse(cases[i][0], &ref, &err);
        CHECK_INT(status, GANTRY_EINVAL);
        if (!strcmp(cases[i][0], "a/b:c"))
            CHECK(err.text[0]);
        else
            CHECK_STR(err.text, cases[i][1]);
        CHECK_STR(ref.ns, "untouched");
    }
}

static void which_apps_are_meant(void)
{
    json_t *apps = json_loads("[{\"namespace\":\"default\",\"project\":\"shop\",\"name\":\"web\"},"
                              "{\"namespace\":\"default\",\"project\":\"blog\",\"name\":\"web\"},"
                              "{\"namespace\":\"default\",\"project\":\"blog\",\"name\":\"db\"}]",
                              0, NULL);
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {{"web", 2},
                 {"blog/web", 1},
                 {"db", 1},
                 {"shop/db", 0},
                 {"nothing", 0},
                 {"other:blog/web", 0},
                 {"default:blog/web", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_cli_ref ref;
        const json_t *first = NULL;
        CHECK_INT(gy_cli_ref_parse(cases[i].text, &ref, NULL), GANTRY_OK);
        CHECK_INT(gy_cli_ref_match(&ref, apps, &first), cases[i].n);
        CHECK((first != NULL) == (cases[i].n > 0));
    }
    json_decref(apps);
}

static void counts(void)
{
    struct gy_cli cli;
    gy_cli_init(&cli, stdout, stderr);
    char *app = NULL;
    int64_t n = -1;
    CHECK_INT(gy_cli_scale_parse(&cli, "shop/web=5", &app, &n), 0);
    CHECK_STR(app, "shop/web");
    CHECK_INT(n, 5);
    free(app);
    static const char *const bad[] = {"web", "web=", "=5", "web=x", "web=-1", "web=5x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cli.error = (struct gy_error)GY_ERROR_INIT;
        app = NULL;
        CHECK_INT(gy_cli_scale_parse(&cli, bad[i], &app, &n), GY_CLI_USAGE);
        CHECK(cli.error.text[0] && !app);
    }
    gy_cli_fini(&cli);
}

SUITE("cli.ref", {"good names", good_names}, {"bad names", bad_names},
      {"which apps are meant", which_apps_are_meant}, {"counts", counts})
