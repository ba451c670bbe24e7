/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/api.h"
#include "cli/project.h"
#include "cli/wait.h"
#include <inttypes.h>

#define TIMEOUT_MS (5 * 60 * 1000)

static int apply_scale(struct gy_cli *cli, struct gy_compose *compose)
{
    const char *text;
    for (size_t i = 0; (text = gy_cli_value_at(cli, "scale", i)); i++) {
        gy_autofree char *name = NULL;
        int64_t n;
        int code = gy_cli_scale_parse(cli, text, &name, &n);
        if (code) return code;
        struct gy_app *app = NULL;
        for (size_t k = 0; k < compose->n; k++)
            if (!strcmp(compose->apps[k].name, name)) app = &compose->apps[k];
        if (!app)
            return gy_cli_fail(cli, GY_CLI_USAGE, "see: gantry compose config",
                               "--scale %s: the Compose file has no app \"%s\"", text, name);
        if (app->mode == GY_APP_GLOBAL)
            return gy_cli_fail(cli, GY_CLI_USAGE, NULL,
                               "--scale %s: %s is global, it runs once on each node", text, name);
        app->replicas = n;
    }
    return 0;
}

/* What a step's sentence adds to name and word: "web: new (2 pods)" gives "2 pods". */
static char *plan_detail(const char *app, const char *word, const char *text)
{
    size_t n = strlen(app), w = strlen(word);
    if (!strncmp(text, app, n) && (text[n] == ' ' || text[n] == ':')) text += n + 1;
    while (*text == ' ')
        text++;
    if (!strcmp(text, "no change")) return gy_strdup("");
    if (!strncmp(text, word, w)) text += w;
    if (!strncmp(text, "changed:", 8)) text += 8;
    while (*text == ' ' || *text == ':')
        text++;
    size_t len = strlen(text);
    bool in_brackets = len > 1 && text[0] == '(' && text[len - 1] == ')';
    return in_brackets ? gy_strndup(text + 1, len - 2) : gy_strdup(text);
}

static void print_plan(struct gy_cli *cli, const char *project, const json_t *plan)
{
    static const struct {
        const char *action, *word;
        enum gy_colour colour;
    } words[] = {{"create", "new", GY_GREEN},        {"update", "changed", GY_YELLOW},
                 {"replace", "replaced", GY_YELLOW}, {"scale", "scaled", GY_CYAN},
                 {"remove", "removed", GY_RED},      {"none", "unchanged", GY_DIM}};
    static const char *const titles[] = {"APP", "PLAN", "~"};
    struct gy_table table;
    gy_table_init(&table, titles, 3);
    size_t i;
    const json_t *step;
    json_array_foreach (plan, i, step) {
        const char *action = gy_json_text(step, "action"), *app = gy_json_text(step, "app");
        const char *text = gy_json_text(step, "text"), *word = action;
        enum gy_colour colour = GY_PLAIN;
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (!strcmp(words[k].action, action)) {
                word = words[k].word;
                colour = words[k].colour;
            }
        gy_autofree char *rest = plan_detail(app, word, text);
        gy_table_cell(&table, GY_BOLD, "%s", app);
        gy_table_cell(&table, colour, "%s", word);
        gy_table_cell(&table, GY_PLAIN, "%s", rest);
    }
    fprintf(cli->out, "project %s%s%s in namespace %s\n", gy_colour_on(&cli->term, GY_BOLD),
            project, gy_colour_off(&cli->term, GY_BOLD), cli->ns);
    gy_table_rows(&table, &cli->term, cli->out);
    gy_table_fini(&table);
    fflush(cli->out);
}

static void print_published(struct gy_cli *cli, const struct gy_compose *compose)
{
    for (size_t i = 0; i < compose->n; i++) {
        const struct gy_app *app = &compose->apps[i];
        for (size_t k = 0; k < app->ports.n && app->replicas > 0; k++) {
            const struct gy_port *port = GY_AT(struct gy_port, app->ports, k);
            if (!port->published) continue;
            const char *ip = port->host_ip;
            bool any = !ip || !strcmp(ip, "0.0.0.0") || !strcmp(ip, "::");
            bool v6 = !any && strchr(ip, ':');
            fprintf(cli->out, "%s: %s%s%s:%" PRId64 "%s\n", app->name, v6 ? "[" : "",
                    any ? "localhost" : ip, v6 ? "]" : "", port->published,
                    port->protocol == GY_PROTOCOL_UDP ? "/udp" : "");
        }
    }
}

static int wait_for(struct gy_cli *cli, const struct gy_compose *compose, int64_t revision,
                    int64_t timeout_ms)
{
    const char **names = gy_alloc_array(compose->n + 1, sizeof *names);
    for (size_t i = 0; i < compose->n; i++)
        names[i] = compose->apps[i].name;
    struct gy_cli_wait wait = {.ns = cli->ns,
                               .project = compose->project,
                               .apps = names,
                               .n = compose->n,
                               .timeout_ms = timeout_ms,
                               .revision = revision};
    int code = gy_cli_wait_ready(cli, &wait);
    free(names);
    return code;
}

static int deploy(struct gy_cli *cli, const struct gy_compose *compose, int64_t timeout_ms)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/namespaces");
    gy_cli_segment(&path, cli->ns);
    gy_buf_str(&path, "/projects");
    gy_cli_segment(&path, compose->project);
    bool dry = gy_cli_has(cli, "dry-run");
    if (dry) gy_cli_query(&path, "dry_run", "true");
    gy_autofree char *url = gy_buf_take(&path);
    json_t *body = gy_cli_project_body(compose), *answer = NULL;
    int64_t begun = gy_time_mono_ms();
    int code = gy_cli_call(cli, "PUT", url, body, &answer);
    json_decref(body);
    if (code) return code;
    size_t i;
    const json_t *warning;
    json_array_foreach (json_object_get(answer, "warnings"), i, warning)
        fprintf(cli->err, "warning: %s\n", json_string_value(warning));
    if (!cli->json && !cli->quiet)
        print_plan(cli, compose->project, json_object_get(answer, "plan"));
    if (!dry && !gy_cli_has(cli, "detach"))
        code = wait_for(cli, compose, gy_json_int(answer, "revision"), timeout_ms);
    if (!code && cli->json) gy_cli_print_json(cli, answer);
    if (!code && !cli->json && !cli->quiet && !dry) {
        char took[GY_TIME_TEXT_MAX];
        gy_duration_format(gy_time_mono_ms() - begun, took);
        if (gy_cli_has(cli, "detach")) {
            fprintf(cli->out, "%s is being deployed; see: gantry ps %s\n", compose->project,
                    compose->project);
        } else {
            fprintf(cli->out, "%s%s is up%s (%s)\n", gy_colour_on(&cli->term, GY_GREEN),
                    compose->project, gy_colour_off(&cli->term, GY_GREEN), took);
            print_published(cli, compose);
        }
    }
    json_decref(answer);
    return code;
}

int gy_cmd_up(struct gy_cli *cli)
{
    int64_t timeout_ms;
    int code = gy_cli_duration(cli, "timeout", TIMEOUT_MS, &timeout_ms);
    if (code) return code;
    struct gy_compose compose;
    if ((code = gy_cli_project_load(cli, &compose))) return code;
    code = apply_scale(cli, &compose);
    if (!code && compose.n == 0)
        code = gy_cli_fail(cli, GY_CLI_FAILED,
                           "enable a profile with --profile, or remove the project: gantry down",
                           "the Compose file has no service to run");
    if (!code) code = deploy(cli, &compose, timeout_ms);
    gy_compose_fini(&compose);
    return code;
}
