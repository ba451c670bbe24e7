/* SPDX-License-Identifier: Apache-2.0 */
/* include: other Compose files, each with its own folder and variables, whose services join ours.
 * https://github.com/compose-spec/compose-spec/blob/main/14-include.md */
#include "compose/document.h"
#include "compose/envfile.h"
#include "compose/keys.h"
#include "compose/project.h"

#define DEPTH_MAX 8

struct entry { /* one element of include, in its long form */
    const struct gy_yaml *at;
    struct gy_strs paths, env_files;
    const char *project_directory;
};

static gantry_status read_entry(struct gy_loader *l, const struct gy_yaml *y, struct entry *e)
{
    e->at = y;
    if (y->kind == GY_YAML_SCALAR) {
        gy_strs_add(&e->paths, y->text);
        return GANTRY_OK;
    }
    gantry_status status = gy_compose_is_map(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *v = y->items[i];
        if (!strcmp(v->key, "path"))
            status = gy_compose_strings(l, v, true, &e->paths);
        else if (!strcmp(v->key, "env_file"))
            status = gy_compose_strings(l, v, true, &e->env_files);
        else if (!strcmp(v->key, "project_directory"))
            status = gy_compose_text(l, v, &e->project_directory);
        else
            status = gy_compose_fail(
                l, v, "unknown key; include knows path, project_directory and env_file");
    }
    if (!status && !e->paths.n) status = gy_compose_fail(l, y, "path is missing");
    return status;
}

static const char *get_outside(void *arg, const char *name)
{
    return gy_compose_env(arg, name);
}

static gantry_status read_defaults(struct gy_loader *l, const struct entry *e, const char *dir,
                                   struct gy_map *vars)
{
    struct gy_strs paths = {0};
    for (size_t i = 0; i < e->env_files.n; i++)
        gy_strs_add(&paths, gy_document_path(l, e->at, e->env_files.items[i]));
    bool optional = paths.n == 0;
    if (optional && !l->in->read) return GANTRY_OK; /* the file itself will be refused by name */
    if (optional) {
        gy_autofree char *path = gy_printf("%s.env", dir);
        gy_strs_add(&paths, path);
    }
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < paths.n && !status; i++) {
        gy_autofree char *text = NULL;
        size_t len;
        status = gy_document_read(l, e->at, paths.items[i], &text, &len);
        if (status == GANTRY_ENOTFOUND && optional) {
            if (l->err) *l->err = (struct gy_error)GY_ERROR_INIT;
            status = GANTRY_OK;
            break;
        }
        const struct gy_envfile_source source = {paths.items[i], get_outside, l, false};
        if (!status && gy_envfile_parse(text, &source, vars, l->err))
            status = gy_compose_wrap(l, e->at);
    }
    gy_compose_strs_fini(&paths);
    return status;
}

/* The files of one entry, each laid on the one before. */
static gantry_status read_paths(struct gy_loader *l, const struct entry *e, const char *dir,
                                const struct gy_defaults *vars, struct gy_yaml **top)
{
    *top = NULL;
    for (size_t i = 0; i < e->paths.n; i++) {
        const char *path = gy_document_path(l, e->at, e->paths.items[i]);
        gy_autofree char *text = NULL;
        size_t len;
        struct gy_yaml *doc;
        gantry_status status = gy_document_read(l, e->at, path, &text, &len);
        if (!status) status = gy_document_parse(l, text, len, path, dir, vars, &doc);
        if (!status) status = gy_compose_check_top(l, doc);
        if (!status && *top) status = gy_document_merge(l, *top, doc);
        if (status) return status;
        if (!*top) *top = doc;
    }
    return GANTRY_OK;
}

static const char *folder_of(struct gy_loader *l, const struct entry *e)
{
    gy_autofree char *dir = NULL;
    if (e->project_directory) {
        const char *path = gy_document_path(l, e->at, e->project_directory);
        bool here = !strcmp(path, ".") || !*path;
        dir = gy_printf("%s%s", here ? "" : path, here || gy_ends_with(path, "/") ? "" : "/");
    } else {
        const char *path = gy_document_path(l, e->at, e->paths.items[0]);
        const char *slash = strrchr(path, '/');
        dir = gy_strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
    }
    return gy_arena_text(&l->arena, dir, strlen(dir));
}

static gantry_status join(struct gy_loader *l, struct gy_yaml *top, struct gy_yaml *from)
{
    struct gy_yaml *theirs = gy_yaml_value(from, "services");
    if (!theirs) return GANTRY_OK;
    gantry_status status = gy_compose_is_map(l, theirs);
    if (status) return status;
    struct gy_yaml *ours = gy_yaml_get(top, "services");
    if (!ours) {
        ours = gy_yaml_new(&l->arena, GY_YAML_MAP, theirs->line, theirs->source, l->err);
        if (!ours) return GANTRY_EINVAL;
        gy_yaml_append(&l->arena, top, "services", ours);
    }
    if (ours->kind == GY_YAML_NULL) ours->kind = GY_YAML_MAP;
    status = gy_compose_is_map(l, ours);
    if (!status && (ours->n > GY_PROJECT_SERVICES_MAX || theirs->n > GY_PROJECT_SERVICES_MAX))
        status = gy_compose_fail(l, theirs, "more than %d services", GY_PROJECT_SERVICES_MAX);
    for (size_t i = 0; i < theirs->n && !status; i++) {
        struct gy_yaml *service = theirs->items[i], *mine = gy_yaml_get(ours, service->key);
        if (mine && !gy_yaml_is_same(mine, service))
            return gy_compose_fail(l, service,
                                   "there is a service of this name in %s, line %d, too",
                                   mine->source->file, mine->line);
        if (!mine) gy_yaml_append(&l->arena, ours, service->key, service);
    }
    return status;
}

static gantry_status include(struct gy_loader *l, struct gy_yaml *top, const struct gy_yaml *y,
                             int depth, const struct gy_defaults *outer, struct entry *e)
{
    gantry_status status = read_entry(l, y, e);
    if (status) return status;
    const char *dir = folder_of(l, e);
    struct gy_defaults vars = {.outer = outer};
    struct gy_yaml *doc;
    status = read_defaults(l, e, dir, &vars.vars);
    if (!status) status = read_paths(l, e, dir, &vars, &doc);
    if (!status) status = gy_document_include(l, doc, depth + 1, &vars);
    if (!status) status = join(l, top, doc);
    gy_compose_map_fini(&vars.vars);
    return status;
}

gantry_status gy_document_include(struct gy_loader *l, struct gy_yaml *top, int depth,
                                  const struct gy_defaults *vars)
{
    const struct gy_yaml *list = gy_yaml_value(top, "include");
    if (!list) return GANTRY_OK;
    gantry_status status = gy_compose_is_list(l, list);
    if (!status && depth > DEPTH_MAX)
        status = gy_compose_fail(l, list,
                                 "files that include files, more than %d deep: does one "
                                 "include itself?",
                                 DEPTH_MAX);
    for (size_t i = 0; i < list->n && !status; i++) {
        struct entry e = {0};
        status = include(l, top, list->items[i], depth, vars, &e);
        gy_compose_strs_fini(&e.paths);
        gy_compose_strs_fini(&e.env_files);
    }
    return status;
}
