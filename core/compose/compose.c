/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/compose.h"
#include "compose/document.h"
#include "compose/keys.h"
#include "compose/project.h"

#include <ctype.h>

char *gy_project_normalise(const char *name)
{
    struct gy_buf out = {0};
    for (const char *p = name; *p && out.len < 63; p++) {
        char c = (char)tolower((unsigned char)*p);
        bool sign = c == '-' || c == '_';
        if (sign && out.len) gy_buf_str(&out, "-");
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) gy_buf_add(&out, &c, 1);
    }
    while (out.len && out.text[out.len - 1] == '-')
        out.text[--out.len] = '\0';
    if (!out.len) {
        gy_buf_fini(&out);
        return NULL;
    }
    return gy_buf_take(&out);
}

/* -p, COMPOSE_PROJECT_NAME, `name`, the folder; *project is for free(). */
static gantry_status name_project(struct gy_loader *l, struct gy_yaml *top, char **project)
{
    const struct gy_compose_input *in = l->in;
    struct gy_yaml *y = gy_yaml_value(top, "name");
    const char *from_env = gy_compose_env(l, "COMPOSE_PROJECT_NAME"), *said = NULL;
    gantry_status status = GANTRY_OK;
    if (y) {
        status = gy_compose_text(l, y, &said);
        if (!status) status = gy_document_interpolate(l, y, NULL);
        if (status) return status;
        said = y->text;
    }
    bool by_file = said && *said;
    if (from_env && *from_env) said = from_env;
    if (in->project && *in->project) said = in->project;
    bool by_user = said && *said;
    if (!by_user) said = in->folder_name ? in->folder_name : "";
    by_file = by_file && y && said == y->text;
    *project = gy_project_normalise(said);
    if (!*project && by_file)
        return gy_compose_fail(l, y, "a project's name needs letters or digits");
    if (!*project)
        return gy_compose_fail(l, top,
                               "the project needs a name: write `name: NAME` at the top, "
                               "or give -p NAME");
    if (by_user && strcmp(*project, said) != 0)
        gy_compose_warn(l, by_file ? y : top, "the project \"%.80s\" is called \"%s\" here", said,
                        *project);
    l->project = gy_arena_text(&l->arena, *project, strlen(*project));
    return GANTRY_OK;
}

static gantry_status is_active(struct gy_loader *l, const struct gy_yaml *service, bool *active)
{
    const struct gy_yaml *y = gy_yaml_value(service, "profiles");
    *active = !y || (y->kind == GY_YAML_LIST && !y->n);
    if (*active) return GANTRY_OK;
    struct gy_strs profiles = {0};
    gantry_status status = gy_compose_strings(l, y, false, &profiles);
    for (size_t i = 0; i < l->in->profile_count && !status; i++) {
        const char *wanted = l->in->profiles[i];
        if (!strcmp(wanted, "*") || gy_strs_has(&profiles, wanted)) *active = true;
    }
    gy_compose_strs_fini(&profiles);
    return status;
}

static gantry_status read_services(struct gy_loader *l, struct gy_yaml *services,
                                   struct gy_project *p)
{
    gantry_status status = GANTRY_OK;
    p->all = services;
    p->services = gy_arena_alloc(&l->arena, services->n * sizeof *p->services);
    for (size_t i = 0; i < services->n && !status; i++) {
        struct gy_yaml *y = services->items[i];
        if (gy_starts_with(y->key, "x-")) continue;
        bool active = false;
        if (y->kind == GY_YAML_NULL) y->kind = GY_YAML_MAP;
        status = gy_compose_is_map(l, y);
        if (!status) status = gy_document_extend(l, services, y);
        if (!status) status = is_active(l, y, &active);
        if (!status) status = gy_compose_check_service(l, y, !active);
        if (status || !active) continue;
        struct gy_service *s = &p->services[p->n];
        s->y = y;
        s->name = y->key;
        gy_shape_init(&gy_app_shape, &s->app);
        gy_names_add(l, &p->by_service, s->name, p->n++);
        status = gy_service_read(l, s);
    }
    if (!status && !p->n)
        return gy_compose_fail(l, services,
                               services->n ? "every service is in a profile, and none of them "
                                             "is active: add --profile NAME"
                                           : "there is no service: write one below");
    return status;
}

static gantry_status load(struct gy_loader *l, struct gy_project *p, char **project)
{
    const struct gy_compose_input *in = l->in;
    const char *file = in->file ? in->file : "compose.yaml";
    const char *slash = strrchr(file, '/');
    gy_autofree char *dir = gy_strndup(file, slash ? (size_t)(slash - file) + 1 : 0);
    struct gy_yaml *top;
    gantry_status status = gy_document_tree(l, in->text, in->len, file, dir, &top);
    if (!status) status = name_project(l, top, project);
    if (!status) status = gy_document_interpolate(l, top, NULL);
    if (!status) status = gy_compose_check_top(l, top);
    if (!status) status = gy_document_include(l, top, 1, NULL);
    if (status) return status;
    struct gy_yaml *services = gy_yaml_value(top, "services");
    if (!services)
        return gy_compose_fail(l, top,
                               "services is missing: write services: and below it what to "
                               "run");
    status = gy_compose_is_map(l, services);
    if (!status && services->n > GY_PROJECT_SERVICES_MAX)
        status = gy_compose_fail(l, services, "%zu services, at most %d are allowed", services->n,
                                 GY_PROJECT_SERVICES_MAX);
    if (!status) status = read_services(l, services, p);
    if (!status) status = gy_project_name_apps(l, p);
    if (!status) status = gy_project_resolve(l, p);
    if (!status) status = gy_project_join_pods(l, p);
    if (!status) status = gy_project_order(l, p);
    return status;
}

static void name_apps(const struct gy_compose_input *in, struct gy_project *p, const char *project)
{
    for (size_t i = 0; i < p->apps; i++) {
        p->leaders[i]->app.ns = gy_strdup(in->ns ? in->ns : "default");
        p->leaders[i]->app.project = gy_strdup(project);
    }
}

gantry_status gy_compose_load(const struct gy_compose_input *in, struct gy_compose *out,
                              struct gy_error *err)
{
    struct gy_error own = GY_ERROR_INIT; /* readers look at what a callback said */
    struct gy_loader l = {.in = in, .err = err ? err : &own};
    struct gy_project p = {0};
    gy_autofree char *project = NULL;
    gantry_status status = load(&l, &p, &project);
    if (!status) {
        name_apps(in, &p, project);
        status = gy_project_check(&l, &p);
    }
    if (!status) {
        *out = (struct gy_compose){.project = GY_GIVE(project), .n = p.apps};
        out->apps = gy_alloc_array(p.apps, sizeof *out->apps);
        for (size_t i = 0; i < p.apps; i++) {
            out->apps[i] = p.leaders[i]->app;
            p.leaders[i]->app = (struct gy_app){0};
        }
        out->warnings = l.warnings;
        l.warnings = (struct gy_strs){0};
    }
    for (size_t i = 0; i < p.n; i++)
        gy_shape_fini(&gy_app_shape, &p.services[i].app);
    gy_names_fini(&p.by_service);
    gy_names_fini(&p.by_app);
    gy_documents_fini(&l);
    gy_compose_strs_fini(&l.warnings);
    gy_arena_fini(&l.arena);
    return status;
}

void gy_compose_fini(struct gy_compose *c)
{
    for (size_t i = 0; i < c->n; i++)
        gy_shape_fini(&gy_app_shape, &c->apps[i]);
    free(c->apps);
    free(c->project);
    gy_compose_strs_fini(&c->warnings);
    *c = (struct gy_compose){0};
}
