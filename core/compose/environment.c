/* SPDX-License-Identifier: Apache-2.0 */
/* environment over env_file. */
#include "compose/document.h"
#include "compose/envfile.h"
#include "compose/service.h"

static const char *get_outside(void *arg, const char *name)
{
    return gy_compose_env(arg, name);
}

static gantry_status read_file(struct gy_loader *l, const struct gy_yaml *at, const char *name,
                               bool required, bool raw, struct gy_map *env)
{
    const char *path = gy_document_path(l, at, name);
    gy_autofree char *text = NULL;
    size_t len;
    gantry_status status = gy_document_read(l, at, path, &text, &len);
    if (status == GANTRY_ENOTFOUND && !required) {
        if (l->err) *l->err = (struct gy_error)GY_ERROR_INIT;
        return GANTRY_OK;
    }
    if (status) return status;
    const struct gy_envfile_source source = {path, get_outside, l, raw};
    if (gy_envfile_parse(text, &source, env, l->err)) return gy_compose_wrap(l, at);
    return GANTRY_OK;
}

static gantry_status read_long(struct gy_loader *l, const struct gy_yaml *y, struct gy_map *env)
{
    const char *path = NULL, *format = NULL;
    bool required = true;
    gantry_status status = gy_compose_is_map(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *v = y->items[i];
        if (!strcmp(v->key, "path"))
            status = gy_compose_text(l, v, &path);
        else if (!strcmp(v->key, "required"))
            status = gy_compose_bool(l, v, &required);
        else if (!strcmp(v->key, "format"))
            status = gy_compose_text(l, v, &format);
        else
            status = gy_compose_fail(l, v, "unknown key; it has path, required and format");
    }
    if (status) return status;
    if (!path || !*path) return gy_compose_fail(l, y, "path is missing");
    if (format && strcmp(format, "raw") != 0)
        return gy_compose_fail(l, gy_yaml_get(y, "format"), "\"%.40s\" must be raw, or left out",
                               format);
    return read_file(l, y, path, required, format != NULL, env);
}

static gantry_status read_files(struct gy_loader *l, const struct gy_yaml *y, struct gy_map *env)
{
    if (!y) return GANTRY_OK;
    if (y->kind == GY_YAML_SCALAR)
        return *y->text ? read_file(l, y, y->text, true, false, env)
                        : gy_compose_fail(l, y, "a path is missing");
    gantry_status status = gy_compose_is_list(l, y);
    for (size_t i = 0; i < y->n && !status; i++) {
        const struct gy_yaml *item = y->items[i];
        if (item->kind == GY_YAML_SCALAR && *item->text)
            status = read_file(l, item, item->text, true, false, env);
        else
            status = read_long(l, item, env);
    }
    return status;
}

gantry_status gy_service_read_environment(struct gy_loader *l, struct gy_service *s)
{
    struct gy_container *c = gy_service_container(s);
    gantry_status status = read_files(l, gy_yaml_value(s->y, "env_file"), &c->env);
    if (status) return status;
    status = gy_compose_pairs(l, gy_yaml_get(s->y, "environment"), gy_compose_env, &c->env);
    for (size_t i = 0; i < c->env.n && !status; i++)
        if (!gy_utf8_is_valid(c->env.items[i].value, strlen(c->env.items[i].value)))
            status = gy_compose_fail(l, s->y,
                                     "the value of the variable %.80s, from outside, is "
                                     "not text in UTF-8",
                                     c->env.items[i].key);
    return status;
}
