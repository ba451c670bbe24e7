/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/document.h"
#include "compose/interpolate.h"
#include "compose/keys.h"

#define FILES_MAX 10000 /* reads: one env_file may serve every service */
#define FILE_BYTES_MAX (64u << 20)
#define INTERPOLATED_MAX (4u << 20)

const char *gy_document_path(struct gy_loader *l, const struct gy_yaml *at, const char *path)
{
    const char *dir = at->source->dir;
    if (*path == '/' || !*dir) return gy_arena_text(&l->arena, path, strlen(path));
    while (gy_starts_with(path, "./"))
        path += 2;
    gy_autofree char *joined = gy_printf("%s%s%s", dir, gy_ends_with(dir, "/") ? "" : "/", path);
    return gy_arena_text(&l->arena, joined, strlen(joined));
}

gantry_status gy_document_read(struct gy_loader *l, const struct gy_yaml *at, const char *path,
                               char **bytes, size_t *len)
{
    if (!l->in->read)
        return gy_compose_fail(l, at,
                               "%.200s: no files are read here: deploy with `gantry up`, "
                               "which reads them, or write the content into this file",
                               path);
    if (++l->files > FILES_MAX)
        return gy_compose_fail(l, at, "more than %d files are named", FILES_MAX);
    char *text = NULL;
    size_t n = 0;
    gantry_status status = l->in->read(l->in->arg, path, &text, &n, l->err);
    if (status) {
        if (l->err && !l->err->text[0]) gy_error_set(l->err, status, "%s: cannot be read", path);
        gy_compose_wrap(l, at);
        return status;
    }
    if (n > GY_COMPOSE_TEXT_MAX || strlen(text) != n || !gy_utf8_is_valid(text, n)) {
        free(text);
        return gy_compose_fail(l, at, "%.200s: must be text in UTF-8 of at most %d bytes", path,
                               GY_COMPOSE_TEXT_MAX);
    }
    l->file_bytes += n;
    if (l->file_bytes > FILE_BYTES_MAX) {
        free(text);
        return gy_compose_fail(l, at, "more than %u bytes in the files named", FILE_BYTES_MAX);
    }
    *bytes = text;
    *len = n;
    return GANTRY_OK;
}

struct scope {
    struct gy_loader *l;
    const struct gy_yaml *at;
    const struct gy_defaults *vars;
};

static const char *get_variable(void *arg, const char *name)
{
    struct scope *s = arg;
    const char *value = gy_compose_env(s->l, name);
    for (const struct gy_defaults *d = s->vars; d && !value; d = d->outer)
        value = gy_map_get(&d->vars, name);
    return value;
}

static void missing_variable(void *arg, const char *name)
{
    struct scope *s = arg;
    gy_compose_warn(s->l, s->at,
                    "the variable %s is not set: an empty text stands for it; ${%s:-TEXT} gives a "
                    "default",
                    name, name);
}

gantry_status gy_document_interpolate(struct gy_loader *l, struct gy_yaml *y,
                                      const struct gy_defaults *vars)
{
    for (size_t i = 0; i < y->n; i++) {
        gantry_status status = gy_document_interpolate(l, y->items[i], vars);
        if (status) return status;
    }
    if (y->kind != GY_YAML_SCALAR || !strchr(y->text, '$')) return GANTRY_OK;
    struct scope scope = {l, y, vars};
    const struct gy_variables variables = {get_variable, missing_variable, &scope};
    struct gy_buf out = {0};
    gy_buf_str(&out, "");
    gantry_status status = gy_interpolate(y->text, &variables, &out, l->err);
    l->interpolated += out.len;
    if (status)
        gy_compose_wrap(l, y);
    else if (l->interpolated > INTERPOLATED_MAX)
        status = gy_compose_fail(l, y, "more than %u bytes after variables are replaced",
                                 INTERPOLATED_MAX);
    else if (!gy_utf8_is_valid(out.text, out.len))
        status = gy_compose_fail(l, y, "a variable in it is not text in UTF-8");
    else
        y->text = gy_arena_text(&l->arena, out.text, out.len);
    gy_buf_fini(&out);
    return status;
}

gantry_status gy_document_tree(struct gy_loader *l, const char *text, size_t len, const char *file,
                               const char *dir, struct gy_yaml **out)
{
    struct gy_yaml_source *source = gy_arena_alloc(&l->arena, sizeof *source);
    source->file = gy_arena_text(&l->arena, file, strlen(file));
    source->dir = gy_arena_text(&l->arena, dir, strlen(dir));
    return gy_yaml_parse(&l->arena, text, len, source, out, l->err);
}

gantry_status gy_document_parse(struct gy_loader *l, const char *text, size_t len, const char *file,
                                const char *dir, const struct gy_defaults *vars,
                                struct gy_yaml **out)
{
    struct gy_yaml *top = NULL;
    gantry_status status = gy_document_tree(l, text, len, file, dir, &top);
    if (!status) status = gy_document_interpolate(l, top, vars);
    if (!status) *out = top;
    return status;
}
