/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/load.h"

#include <stdarg.h>

#define WARNINGS_MAX 1000

static void place_of(const struct gy_yaml *at, struct gy_buf *out)
{
    struct gy_buf path = {0};
    gy_yaml_path(at, &path);
    if (path.len)
        gy_buf_printf(out, "%s: %s (line %d)", at->source->file, path.text, at->line);
    else
        gy_buf_printf(out, "%s", at->source->file);
    gy_buf_fini(&path);
}

gantry_status gy_compose_wrap(struct gy_loader *l, const struct gy_yaml *at)
{
    struct gy_buf place = {0};
    place_of(at, &place);
    gantry_status status = gy_error_wrap(l->err, "%s", place.text);
    gy_buf_fini(&place);
    return status;
}

gantry_status gy_compose_fail(struct gy_loader *l, const struct gy_yaml *at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_error_vset(l->err, GANTRY_EINVAL, fmt, args);
    va_end(args);
    gy_compose_wrap(l, at);
    return GANTRY_EINVAL;
}

void gy_compose_warn(struct gy_loader *l, const struct gy_yaml *at, const char *fmt, ...)
{
    if (l->warnings.n >= WARNINGS_MAX) return;
    struct gy_error text = GY_ERROR_INIT;
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&text, GANTRY_OK, fmt, args);
    va_end(args);
    struct gy_buf line = {0};
    place_of(at, &line);
    gy_buf_printf(&line, ": %s", text.text);
    if (!gy_strs_has(&l->warnings, line.text)) gy_strs_add(&l->warnings, line.text);
    gy_buf_fini(&line);
}

const char *gy_compose_env(struct gy_loader *l, const char *name)
{
    if (l->project && !strcmp(name, "COMPOSE_PROJECT_NAME")) return l->project;
    return l->in->env ? l->in->env(l->in->arg, name) : NULL;
}

void gy_compose_strs_fini(struct gy_strs *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->items[i]);
    free(s->items);
    *s = (struct gy_strs){0};
}

void gy_compose_map_fini(struct gy_map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].key);
        free(m->items[i].value);
    }
    free(m->items);
    *m = (struct gy_map){0};
}
