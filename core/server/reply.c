/* SPDX-License-Identifier: Apache-2.0 */
/* Reading parameters, and answers in the API's forms. */
#include "server/private.h"

#include <stdio.h>

struct gy_caller *gy_req_caller(const struct gy_http_request *req)
{
    return gy_http_caller(req);
}

bool gy_req_sees(const struct gy_http_request *req, const char *ns)
{
    const struct gy_caller *caller = gy_http_caller(req);
    return caller && gy_caller_may(caller, GY_ROLE_VIEW, ns);
}

bool gy_req_enters(struct gy_http_request *req, enum gy_role role, const char *ns)
{
    const struct gy_caller *caller = gy_http_caller(req);
    if (caller && gy_caller_may(caller, role, ns)) return true;
    if (caller && caller->role >= role)
        gy_http_reply_error(req, 403, "EINVAL", NULL, "%s may not use the namespace %s",
                            caller->name, ns ? ns : "of this request: it is for all namespaces");
    else
        gy_http_reply_error(req, 403, "EINVAL", NULL, "%s has the role %s; this needs %s",
                            caller ? caller->name : "nobody",
                            gy_role_names[caller ? caller->role : GY_ROLE_NONE],
                            gy_role_names[role]);
    return false;
}

const char *gy_req_label(struct gy_http_request *req, const char *name)
{
    const char *value = gy_http_param(req, name);
    if (value && gy_is_label(value)) return value;
    gy_http_reply_error(req, 400, "EINVAL", name,
                        "%s \"%.80s\" must be lower-case letters, digits and '-', at most 63", name,
                        value ? value : "");
    return NULL;
}

bool gy_req_int(struct gy_http_request *req, const char *name, int64_t min, int64_t max,
                int64_t fallback, int64_t *out)
{
    const char *text = gy_http_query(req, name);
    *out = fallback;
    if (!text) return true;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_int_parse(text, min, max, out, &err) == GANTRY_OK) return true;
    gy_http_reply_error(req, 400, "EINVAL", name, "%s: %s", name, err.text);
    return false;
}

bool gy_req_bool(struct gy_http_request *req, const char *name, bool *out)
{
    const char *text = gy_http_query(req, name);
    *out = text && (gy_streq(text, "") || gy_streq(text, "true") || gy_streq(text, "1"));
    if (!text || *out || gy_streq(text, "false") || gy_streq(text, "0")) return true;
    gy_http_reply_error(req, 400, "EINVAL", name, "%s: must be true or false, not \"%.40s\"", name,
                        text);
    return false;
}

bool gy_req_revision(struct gy_http_request *req, uint64_t *out, bool *given)
{
    const char *text = gy_http_query(req, "revision"), *match = gy_http_header(req, "If-Match");
    char number[32];
    *given = false;
    *out = 0;
    if (match) {
        size_t n = strlen(match);
        bool quoted = n >= 2 && match[0] == '"' && match[n - 1] == '"';
        snprintf(number, sizeof number, "%.*s",
                 (int)(quoted   ? n - 2
                       : n < 31 ? n
                                : 31),
                 match + quoted);
        text = number;
    }
    if (!text) return true;
    int64_t value;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_int_parse(text, 0, INT64_MAX, &value, &err) != GANTRY_OK) {
        gy_http_reply_error(req, 400, "EINVAL", match ? "If-Match" : "revision",
                            "%s: %s; it is the revision of an object, as in \"42\"",
                            match ? "If-Match" : "revision", err.text);
        return false;
    }
    *out = (uint64_t)value;
    *given = true;
    return true;
}

void gy_reply_einval(struct gy_http_request *req, const char *path, const struct gy_error *err)
{
    gy_http_reply_failure(req, err, path);
}

void gy_reply_missing(struct gy_http_request *req, const char *fmt, ...)
{
    struct gy_error err = GY_ERROR_INIT;
    va_list args;
    va_start(args, fmt);
    gy_error_vset(&err, GANTRY_ENOTFOUND, fmt, args);
    va_end(args);
    gy_http_reply_failure(req, &err, NULL);
}

void gy_reply_blob(struct gy_http_request *req, struct gy_blob *blob)
{
    gy_http_reply_shared(req, 200, NULL, blob->text, blob->len, gy_blob_put, gy_blob_get(blob));
}

/* ---- lists ---- */

bool gy_list_start(struct gy_http_request *req, struct list *list)
{
    *list = (struct list){0};
    return gy_req_int(req, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT, &list->limit);
}

static void put(struct list *list, const void *bytes, size_t len, void (*free_fn)(void *),
                void *owner)
{
    GY_VEC_PUSH(list->pieces, list->n, list->cap);
    list->pieces[list->n++] = (struct gy_http_piece){bytes, len, free_fn, owner};
}

static bool next_item(struct list *list, const char *key)
{
    if ((int64_t)list->items == list->limit) {
        list->full = true;
        return false;
    }
    put(list, list->items ? "," : "{\"items\":[", list->items ? 1 : 10, NULL, NULL);
    list->items++;
    if ((int64_t)list->items == list->limit) {
        free(list->continue_key);
        list->continue_key = gy_strdup(key);
    }
    return true;
}

bool gy_list_blob(struct list *list, struct gy_blob *blob, const char *key)
{
    if (!next_item(list, key)) return false;
    put(list, blob->text, blob->len, gy_blob_put, gy_blob_get(blob));
    return true;
}

static void object_put(void *object)
{
    gy_store_object_put(object);
}

bool gy_list_object(struct list *list, struct gy_store_object *object, const char *key)
{
    if (!next_item(list, key)) return false;
    put(list, object->bytes, object->len, object_put, gy_store_object_get(object));
    return true;
}

void gy_list_reply(struct gy_http_request *req, struct list *list, uint64_t revision)
{
    char tail[512];
    if (!list->items) put(list, "{\"items\":[", 10, NULL, NULL);
    int n = list->full
                ? snprintf(tail, sizeof tail, "],\"revision\":%llu,\"continue\":\"%.256s\"}",
                           (unsigned long long)revision, list->continue_key)
                : snprintf(tail, sizeof tail, "],\"revision\":%llu}", (unsigned long long)revision);
    struct gy_blob *end = gy_blob_create(tail, (size_t)n);
    put(list, end->text, end->len, gy_blob_put, end);
    gy_http_reply_pieces(req, 200, NULL, list->pieces, list->n);
    free(list->pieces);
    free(list->continue_key);
}
