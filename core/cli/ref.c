/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ref.h"

#include "cli/api.h"

static gantry_status part(const char *what, const char *text, size_t len, char out[64],
                          struct gy_error *err)
{
    if (len < 64) {
        memcpy(out, text, len);
        out[len] = '\0';
        if (gy_is_label(out)) return GANTRY_OK;
    }
    return gy_error_set(err, GANTRY_EINVAL,
                        "\"%.*s\" is not %s: 1 to 63 lower-case letters, digits and inner hyphens",
                        (int)(len > 80 ? 80 : len), text, what);
}

gantry_status gy_cli_ref_parse(const char *text, struct gy_cli_ref *ref, struct gy_error *err)
{
    struct gy_cli_ref r = {"", "", "", ""};
    const char *colon = strchr(text, ':'), *slash = strchr(text, '/'), *app = text;
    gantry_status status = GANTRY_OK;
    if (colon && !slash)
        return gy_error_set(err, GANTRY_EINVAL,
                            "\"%s\" lacks the project: write NAMESPACE:PROJECT/APP, or APP with -n",
                            text);
    if (colon) {
        status = part("a namespace", text, (size_t)(colon - text), r.ns, err);
        app = colon + 1;
    }
    if (status == GANTRY_OK && slash) {
        if (slash < app)
            return gy_error_set(err, GANTRY_EINVAL, "\"%s\" is not NAMESPACE:PROJECT/APP", text);
        status = part("a project", app, (size_t)(slash - app), r.project, err);
        app = slash + 1;
    }
    const char *dot = strchr(app, '.');
    if (status == GANTRY_OK)
        status = part("an app", app, dot ? (size_t)(dot - app) : strlen(app), r.app, err);
    if (status == GANTRY_OK && dot)
        status = part("a slot or node", dot + 1, strlen(dot + 1), r.slot, err);
    if (status == GANTRY_OK) *ref = r;
    return status;
}

static bool agrees(const char *said, const json_t *object, const char *name)
{
    return !*said || !strcmp(said, gy_json_text(object, name));
}

size_t gy_cli_ref_match(const struct gy_cli_ref *ref, const json_t *apps, const json_t **first)
{
    size_t n = 0, i;
    json_t *app;
    json_array_foreach (apps, i, app) {
        if (agrees(ref->app, app, "name") && agrees(ref->project, app, "project") &&
            agrees(ref->ns, app, "namespace") && n++ == 0)
            *first = app;
    }
    return n;
}

static int not_found(struct gy_cli *cli, const struct gy_cli_ref *ref, const char *text)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/apps");
    gy_cli_query(&path, "namespace", *ref->ns ? ref->ns : cli->ns);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *apps = NULL, *app;
    int code = gy_cli_list(cli, url, &apps);
    if (code) return code;
    size_t n = json_array_size(apps), i;
    const char **names = gy_alloc_array(n + 1, sizeof *names);
    json_array_foreach (apps, i, app)
        names[i] = gy_json_text(app, "name");
    const char *near = gy_nearest(ref->app, names, n);
    gy_autofree char *hint =
        near ? gy_printf("did you mean %s? see: gantry apps", near)
             : gy_printf("see: gantry apps -n %s", *ref->ns ? ref->ns : cli->ns);
    code = gy_cli_fail(cli, GY_CLI_NOT_FOUND, hint, "there is no app \"%s\" in namespace %s", text,
                       *ref->ns ? ref->ns : cli->ns);
    free(names);
    json_decref(apps);
    return code;
}

static int ambiguous(struct gy_cli *cli, const struct gy_cli_ref *ref, const char *text,
                     const json_t *apps)
{
    struct gy_buf list = {0};
    size_t i, shown = 0;
    json_t *app;
    json_array_foreach (apps, i, app) {
        if (!agrees(ref->app, app, "name") || !agrees(ref->project, app, "project") ||
            !agrees(ref->ns, app, "namespace"))
            continue;
        if (shown == 10) {
            gy_buf_str(&list, ", ...");
            break;
        }
        gy_buf_printf(&list, "%s%s/%s", shown++ ? ", " : "", gy_json_text(app, "project"),
                      gy_json_text(app, "name"));
    }
    gy_autofree char *names = gy_buf_take(&list);
    return gy_cli_fail(cli, GY_CLI_FAILED, "say the project too", "\"%s\" is several apps: %s",
                       text, names);
}

int gy_cli_ref_resolve(struct gy_cli *cli, const char *text, struct gy_cli_ref *ref)
{
    struct gy_cli_ref said;
    int code = gy_cli_find_server(cli);
    if (code) return code;
    if (gy_cli_ref_parse(text, &said, &cli->error) != GANTRY_OK) return GY_CLI_USAGE;
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/apps");
    gy_cli_query(&path, "namespace", *said.ns ? said.ns : cli->ns);
    if (*said.project) gy_cli_query(&path, "project", said.project);
    gy_cli_query(&path, "name", said.app);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *apps = NULL;
    const json_t *app = NULL;
    if ((code = gy_cli_list(cli, url, &apps))) return code;
    size_t n = gy_cli_ref_match(&said, apps, &app);
    if (n == 1) {
        snprintf(said.ns, sizeof said.ns, "%s", gy_json_text(app, "namespace"));
        snprintf(said.project, sizeof said.project, "%s", gy_json_text(app, "project"));
        *ref = said;
    } else {
        code = n ? ambiguous(cli, &said, text, apps) : not_found(cli, &said, text);
    }
    json_decref(apps);
    return code;
}

static bool is_id(const char *text)
{
    size_t n = strlen(text);
    return n >= 4 && n < GY_ID_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz234567") == n;
}

static bool is_slot(const json_t *pod, const char *slot)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)gy_json_int(pod, "slot"));
    return !strcmp(number, slot) ||
           (gy_json_int(pod, "slot") == 0 && !strcmp(gy_json_text(pod, "node"), slot));
}

static int pod_by_id(struct gy_cli *cli, const char *text, json_t **pods)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/pods");
    gy_cli_segment(&path, text);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *pod = NULL;
    int code = gy_cli_call(cli, "GET", url, NULL, &pod);
    if (code) return code;
    *pods = json_array();
    json_array_append_new(*pods, pod);
    return 0;
}

int gy_cli_ref_pods(struct gy_cli *cli, const char *text, bool ended, struct gy_cli_ref *ref,
                    json_t **pods)
{
    struct gy_cli_ref app = {"", "", "", ""};
    if (ref) *ref = app;
    if (is_id(text) && strlen(text) == GY_ID_MAX - 1) return pod_by_id(cli, text, pods);
    int code = gy_cli_ref_resolve(cli, text, &app);
    if (code == GY_CLI_NOT_FOUND && is_id(text)) {
        struct gy_error no_app = cli->error;
        gy_autofree char *hint = GY_GIVE(cli->hint);
        code = pod_by_id(cli, text, pods);
        if (code != GY_CLI_NOT_FOUND) return code;
        return gy_cli_fail(cli, code, hint, "%s, and no pod whose id begins so", no_app.text);
    }
    if (code) return code;
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/pods");
    gy_cli_query(&path, "namespace", app.ns);
    gy_cli_query(&path, "project", app.project);
    gy_cli_query(&path, "app", app.app);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *all = NULL, *pod;
    if ((code = gy_cli_list(cli, url, &all))) return code;
    *pods = json_array();
    size_t i;
    json_array_foreach (all, i, pod) {
        if (*app.slot && !is_slot(pod, app.slot)) continue;
        if (!ended && !strcmp(gy_json_text(pod, "state"), "ended")) continue;
        json_array_append(*pods, pod);
    }
    json_decref(all);
    if (ref) *ref = app;
    if (*app.slot && json_array_size(*pods) == 0) {
        json_decref(*pods);
        *pods = NULL;
        return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "see: gantry ps", "%s/%s has no pod in slot %s",
                           app.project, app.app, app.slot);
    }
    return 0;
}

int gy_cli_ref_filter(struct gy_cli *cli, const char *text, struct gy_buf *path)
{
    int code = gy_cli_find_server(cli);
    if (code) return code;
    if (!text) {
        gy_cli_query(path, "namespace", cli->ns);
        return 0;
    }
    struct gy_cli_ref ref;
    if (gy_is_label(text)) { /* a project of that name wins over an app */
        struct gy_buf probe = {0};
        gy_buf_str(&probe, "/v1/apps?limit=1");
        gy_cli_query(&probe, "namespace", cli->ns);
        gy_cli_query(&probe, "project", text);
        gy_autofree char *url = gy_buf_take(&probe);
        json_t *answer = NULL;
        if ((code = gy_cli_call(cli, "GET", url, NULL, &answer))) return code;
        bool is_project = json_array_size(json_object_get(answer, "items")) > 0;
        json_decref(answer);
        if (is_project) {
            gy_cli_query(path, "namespace", cli->ns);
            gy_cli_query(path, "project", text);
            return 0;
        }
    }
    code = gy_cli_ref_resolve(cli, text, &ref);
    if (code == GY_CLI_NOT_FOUND && gy_is_label(text)) {
        gy_autofree char *hint = GY_GIVE(cli->hint);
        return gy_cli_fail(cli, code, hint, "there is no project or app \"%s\" in namespace %s",
                           text, cli->ns);
    }
    if (code) return code;
    if (*ref.slot)
        return gy_cli_fail(cli, GY_CLI_USAGE, "see: gantry explain, gantry inspect",
                           "%s is one slot; this lists a project or an app", text);
    gy_cli_query(path, "namespace", ref.ns);
    gy_cli_query(path, "project", ref.project);
    gy_cli_query(path, "app", ref.app);
    return 0;
}

void gy_cli_pod_label(const json_t *pod, char out[160])
{
    int64_t slot = gy_json_int(pod, "slot");
    if (slot)
        snprintf(out, 160, "%.63s.%lld", gy_json_text(pod, "app"), (long long)slot);
    else
        snprintf(out, 160, "%.63s.%.63s", gy_json_text(pod, "app"), gy_json_text(pod, "node"));
}
