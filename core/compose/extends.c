/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/document.h"

#include <uthash.h>

#define CHAIN_MAX 16

/* A file that services extend from: read once for a load. */
struct gy_document {
    const char *path;
    struct gy_yaml *top;
    UT_hash_handle hh;
};

/* What is being extended, innermost first: a service met again extends itself. */
struct chain {
    const struct gy_yaml *service;
    const struct chain *outer;
    int length;
};

void gy_documents_fini(struct gy_loader *l)
{
    HASH_CLEAR(hh, l->docs);
}

static gantry_status open_document(struct gy_loader *l, const struct gy_yaml *at, const char *path,
                                   struct gy_yaml **top)
{
    struct gy_document *d;
    HASH_FIND_STR(l->docs, path, d);
    if (!d) {
        gy_autofree char *text = NULL;
        size_t len;
        gantry_status status = gy_document_read(l, at, path, &text, &len);
        if (status) return status;
        const char *slash = strrchr(path, '/');
        gy_autofree char *dir = gy_strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
        d = gy_arena_alloc(&l->arena, sizeof *d);
        status = gy_document_parse(l, text, len, path, dir, NULL, &d->top);
        if (status) return status;
        d->path = path;
        HASH_ADD_KEYPTR(hh, l->docs, d->path, strlen(d->path), d);
    }
    *top = d->top;
    return GANTRY_OK;
}

static gantry_status find_base(struct gy_loader *l, const struct gy_yaml *extends,
                               struct gy_yaml **services, struct gy_yaml **base)
{
    const char *name = NULL, *file = NULL;
    gantry_status status = GANTRY_OK;
    if (extends->kind == GY_YAML_SCALAR) {
        name = extends->text;
    } else {
        status = gy_compose_is_map(l, extends);
        for (size_t i = 0; i < extends->n && !status; i++)
            if (strcmp(extends->items[i]->key, "service") && strcmp(extends->items[i]->key, "file"))
                status = gy_compose_fail(l, extends->items[i],
                                         "unknown key; extends knows service and file");
        if (!status) status = gy_compose_text(l, gy_yaml_get(extends, "service"), &name);
        if (!status) status = gy_compose_text(l, gy_yaml_get(extends, "file"), &file);
    }
    if (status) return status;
    if (!name) return gy_compose_fail(l, extends, "service is missing: which one to extend");
    if (file) {
        struct gy_yaml *top;
        const char *path = gy_document_path(l, extends, file);
        status = open_document(l, extends, path, &top);
        if (status) return status;
        *services = gy_yaml_get(top, "services");
    }
    *base = gy_yaml_get(*services, name);
    if (*base) return GANTRY_OK;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0;
         *services && i < (*services)->n && n < 256 && (*services)->kind == GY_YAML_MAP; i++)
        names[n++] = (*services)->items[i]->key;
    const char *near = gy_nearest(name, names, n);
    return gy_compose_fail(l, extends, "there is no service \"%.80s\"%s%.200s%s%s%s", name,
                           file ? " in " : "", file ? file : "", near ? ", did you mean \"" : "",
                           near ? near : "", near ? "\"?" : "");
}

static gantry_status extend(struct gy_loader *l, struct gy_yaml *services, struct gy_yaml *service,
                            const struct chain *outer)
{
    struct gy_yaml *extends = gy_yaml_value(service, "extends");
    if (service->resolved || !extends) return GANTRY_OK;
    struct chain here = {service, outer, outer ? outer->length + 1 : 1};
    for (const struct chain *c = outer; c; c = c->outer)
        if (c->service == service)
            return gy_compose_fail(l, extends, "the service extends itself, by way of others");
    if (here.length > CHAIN_MAX)
        return gy_compose_fail(l, extends, "a chain of more than %d extends", CHAIN_MAX);
    struct gy_yaml *where = services, *base = NULL;
    gantry_status status = find_base(l, extends, &where, &base);
    if (status) return status;
    if (base->kind == GY_YAML_MAP) status = extend(l, where, base, &here);
    if (status) return status;
    struct gy_yaml *merged = gy_yaml_copy(&l->arena, base, l->err);
    if (!merged) return GANTRY_EINVAL;
    merged->key = service->key; /* rules of merging look at keys: those of the place it goes to */
    merged->up = service->up;
    for (size_t i = 0; i < merged->n; i++) /* the base's own extends is done */
        if (gy_streq(merged->items[i]->key, "extends")) {
            memmove(merged->items + i, merged->items + i + 1,
                    (merged->n - i - 1) * sizeof *merged->items);
            merged->n--;
            break;
        }
    struct gy_yaml over = *service;
    status = gy_document_merge(l, merged, &over);
    if (status) return status;
    int line = service->line;
    const struct gy_yaml_source *source = service->source;
    *service = *merged;
    service->line = line;
    service->source = source;
    service->resolved = true;
    for (size_t i = 0; i < service->n; i++)
        service->items[i]->up = service;
    return GANTRY_OK;
}

gantry_status gy_document_extend(struct gy_loader *l, struct gy_yaml *services,
                                 struct gy_yaml *service)
{
    return service->kind == GY_YAML_MAP ? extend(l, services, service, NULL) : GANTRY_OK;
}
