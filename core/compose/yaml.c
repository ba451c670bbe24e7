/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/yaml.h"
#include "compose/compose.h"

#include <uthash.h>
#include <yaml.h>

struct anchor {
    char *name;
    const struct gy_yaml *node; /* NULL while it is being read: an alias to it would be endless */
    UT_hash_handle hh;
};
struct builder {
    yaml_parser_t parser;
    struct gy_arena *arena;
    const struct gy_yaml_source *source;
    struct anchor *anchors;
    struct gy_error *err;
};

static int line_of(const yaml_event_t *e)
{
    return (int)e->start_mark.line + 1;
}

#define REFUSE(b, line, ...) refuse_at((b), (line), __VA_ARGS__)
static gantry_status refuse_at(struct builder *b, int line, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static gantry_status refuse_at(struct builder *b, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gy_error_vset(b->err, GANTRY_EINVAL, fmt, args);
    va_end(args);
    return gy_error_wrap(b->err, "%s (line %d)", b->source->file, line);
}

static gantry_status next_event(struct builder *b, yaml_event_t *e)
{
    if (yaml_parser_parse(&b->parser, e)) return GANTRY_OK;
    const yaml_parser_t *p = &b->parser;
    int line = (int)p->problem_mark.line + 1;
    if (p->error == YAML_READER_ERROR)
        return REFUSE(b, line, "not YAML: %s at byte %zu", p->problem ? p->problem : "unreadable",
                      p->problem_offset);
    if (p->error == YAML_MEMORY_ERROR) return REFUSE(b, line, "not YAML: too large");
    if (p->context)
        return REFUSE(b, line, "not YAML: %s, %s (begun in line %d)", p->problem, p->context,
                      (int)p->context_mark.line + 1);
    return REFUSE(b, line, "not YAML: %s", p->problem ? p->problem : "unreadable");
}

static void set_anchor(struct builder *b, const yaml_char_t *name, const struct gy_yaml *node)
{
    if (!name) return;
    struct anchor *a;
    const char *text = (const char *)name;
    HASH_FIND_STR(b->anchors, text, a);
    if (!a) {
        a = gy_arena_alloc(b->arena, sizeof *a);
        a->name = gy_arena_text(b->arena, text, strlen(text));
        HASH_ADD_KEYPTR(hh, b->anchors, a->name, strlen(a->name), a);
    }
    a->node = node;
}

#define TAG "tag:yaml.org,2002:"
static gantry_status check_tag(struct builder *b, int line, const yaml_char_t *tag)
{
    static const char *const known[] = {TAG "str",  TAG "int", TAG "float", TAG "bool",
                                        TAG "null", TAG "map", TAG "seq",   "!"};
    if (!tag) return GANTRY_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp((const char *)tag, known[i])) return GANTRY_OK;
    return REFUSE(b, line, "the tag %.60s is not supported", (const char *)tag);
}

static bool is_null_text(const char *text)
{
    return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
           !strcmp(text, "NULL");
}

static gantry_status read_scalar(struct builder *b, const yaml_event_t *e, struct gy_yaml *y)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t len = e->data.scalar.length;
    if (strlen(text) != len) return REFUSE(b, y->line, "a NUL character in a value");
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && e->data.scalar.plain_implicit;
    const char *tag = (const char *)e->data.scalar.tag;
    y->text = gy_arena_text(b->arena, text, len);
    if ((plain && is_null_text(text)) || (tag && !strcmp(tag, TAG "null"))) y->kind = GY_YAML_NULL;
    return GANTRY_OK;
}

/* Reads the value that begins with e; e stays the caller's. */
static gantry_status read_value(struct builder *b, const yaml_event_t *e, int depth,
                                struct gy_yaml **out);

static gantry_status read_list(struct builder *b, struct gy_yaml *y, int depth)
{
    for (;;) {
        yaml_event_t e;
        gantry_status status = next_event(b, &e);
        if (status) return status;
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        struct gy_yaml *item = NULL;
        if (!end) status = read_value(b, &e, depth + 1, &item);
        yaml_event_delete(&e);
        if (status || end) return status;
        gy_yaml_append(b->arena, y, NULL, item);
    }
}

struct seen {
    struct gy_yaml *node;
    UT_hash_handle hh;
};

static gantry_status merge_map(struct builder *b, struct gy_yaml *to, struct seen **seen,
                               const struct gy_yaml *from, int line)
{
    if (from->kind == GY_YAML_NULL) return GANTRY_OK;
    if (from->kind != GY_YAML_MAP)
        return REFUSE(b, line, "<< needs a map, or a list of maps, such as *NAME");
    for (size_t i = 0; i < from->n; i++) {
        struct gy_yaml *item = from->items[i];
        struct seen *s;
        HASH_FIND_STR(*seen, item->key, s);
        if (s) continue;
        struct gy_yaml *copy = gy_yaml_copy(b->arena, item, b->err);
        if (!copy) return GANTRY_EINVAL;
        gy_yaml_append(b->arena, to, item->key, copy);
        s = gy_arena_alloc(b->arena, sizeof *s);
        s->node = copy;
        HASH_ADD_KEYPTR(hh, *seen, copy->key, strlen(copy->key), s);
    }
    return GANTRY_OK;
}

/* Refuse duplicate keys, then apply `<<`, whose keys give way to those written here. */
static gantry_status finish_map(struct builder *b, struct gy_yaml *y)
{
    struct seen *seen = NULL;
    struct gy_yaml *merge = NULL;
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < y->n && !status; i++) {
        struct gy_yaml *item = y->items[i];
        struct seen *s;
        HASH_FIND_STR(seen, item->key, s);
        if (s) {
            status = REFUSE(b, item->line, "the key \"%.80s\" is also in line %d", item->key,
                            s->node->line);
            break;
        }
        s = gy_arena_alloc(b->arena, sizeof *s);
        s->node = item;
        HASH_ADD_KEYPTR(hh, seen, item->key, strlen(item->key), s);
        if (item->merge) merge = item;
    }
    if (merge && !status) {
        size_t at = 0;
        while (y->items[at] != merge)
            at++;
        memmove(y->items + at, y->items + at + 1, (y->n - at - 1) * sizeof *y->items);
        y->n--;
        if (merge->kind != GY_YAML_LIST) {
            status = merge_map(b, y, &seen, merge, merge->line);
        } else {
            for (size_t i = 0; i < merge->n && !status; i++)
                status = merge_map(b, y, &seen, merge->items[i], merge->line);
        }
    }
    HASH_CLEAR(hh, seen);
    return status;
}

static gantry_status read_key(struct builder *b, const yaml_event_t *e, char **key)
{
    int line = line_of(e);
    if (e->type == YAML_ALIAS_EVENT) return REFUSE(b, line, "an alias cannot be a key");
    if (e->type != YAML_SCALAR_EVENT)
        return REFUSE(b, line, "a key must be a word, not a list or a map");
    const char *text = (const char *)e->data.scalar.value;
    if (strlen(text) != e->data.scalar.length) return REFUSE(b, line, "a NUL character in a key");
    if (!*text) return REFUSE(b, line, "a key is empty");
    if (e->data.scalar.length > 255) return REFUSE(b, line, "a key of more than 255 bytes");
    gantry_status status = check_tag(b, line, e->data.scalar.tag);
    if (status) return status;
    *key = gy_arena_text(b->arena, text, e->data.scalar.length);
    return GANTRY_OK;
}

static gantry_status read_map(struct builder *b, struct gy_yaml *y, int depth)
{
    for (;;) {
        yaml_event_t e;
        gantry_status status = next_event(b, &e);
        if (status) return status;
        bool end = e.type == YAML_MAPPING_END_EVENT;
        char *key = NULL;
        int line = line_of(&e);
        bool plain =
            !end && e.type == YAML_SCALAR_EVENT && e.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        if (!end) status = read_key(b, &e, &key);
        yaml_event_delete(&e);
        if (status) return status;
        if (end) return finish_map(b, y);
        struct gy_yaml *value = NULL;
        status = next_event(b, &e);
        if (status) return status;
        status = read_value(b, &e, depth + 1, &value);
        yaml_event_delete(&e);
        if (status) return status;
        value->line = line;
        value->merge = plain && !strcmp(key, "<<");
        gy_yaml_append(b->arena, y, key, value);
    }
}

static gantry_status read_alias(struct builder *b, const yaml_event_t *e, struct gy_yaml **out)
{
    const char *name = (const char *)e->data.alias.anchor;
    struct anchor *a;
    HASH_FIND_STR(b->anchors, name, a);
    if (!a)
        return REFUSE(b, line_of(e),
                      "the alias *%.60s has no anchor: write &%.60s at the value "
                      "above that it stands for",
                      name, name);
    if (!a->node) return REFUSE(b, line_of(e), "the alias *%.60s contains itself", name);
    *out = gy_yaml_copy(b->arena, a->node, b->err);
    if (!*out) return GANTRY_EINVAL;
    (*out)->line = line_of(e);
    return GANTRY_OK;
}

/* An alias may stand deep inside: what counts is the depth of the whole. */
static int height(const struct gy_yaml *y)
{
    int most = 0;
    for (size_t i = 0; i < y->n; i++) {
        int h = height(y->items[i]);
        if (h > most) most = h;
    }
    return most + 1;
}

static gantry_status read_value(struct builder *b, const yaml_event_t *e, int depth,
                                struct gy_yaml **out)
{
    int line = line_of(e);
    if (depth > GY_YAML_DEPTH_MAX)
        return REFUSE(b, line, "nested deeper than %d levels", GY_YAML_DEPTH_MAX);
    gantry_status status;
    if (e->type == YAML_ALIAS_EVENT) {
        status = read_alias(b, e, out);
        if (!status && depth + height(*out) - 1 > GY_YAML_DEPTH_MAX)
            return REFUSE(b, line, "nested deeper than %d levels", GY_YAML_DEPTH_MAX);
        return status;
    }
    int kind = e->type == YAML_SCALAR_EVENT           ? GY_YAML_SCALAR
               : e->type == YAML_SEQUENCE_START_EVENT ? GY_YAML_LIST
                                                      : GY_YAML_MAP;
    const yaml_char_t *anchor = kind == GY_YAML_SCALAR ? e->data.scalar.anchor
                                : kind == GY_YAML_LIST ? e->data.sequence_start.anchor
                                                       : e->data.mapping_start.anchor;
    status = check_tag(b, line,
                       kind == GY_YAML_SCALAR ? e->data.scalar.tag
                       : kind == GY_YAML_LIST ? e->data.sequence_start.tag
                                              : e->data.mapping_start.tag);
    if (status) return status;
    struct gy_yaml *y = gy_yaml_new(b->arena, kind, line, b->source, b->err);
    if (!y) return GANTRY_EINVAL;
    set_anchor(b, anchor, NULL);
    status = kind == GY_YAML_SCALAR ? read_scalar(b, e, y)
             : kind == GY_YAML_LIST ? read_list(b, y, depth)
                                    : read_map(b, y, depth);
    if (status) return status;
    set_anchor(b, anchor, y);
    *out = y;
    return GANTRY_OK;
}

static gantry_status read_stream(struct builder *b, struct gy_yaml **out)
{
    *out = NULL;
    for (;;) {
        yaml_event_t e;
        gantry_status status = next_event(b, &e);
        if (status) return status;
        yaml_event_type_t type = e.type;
        int line = line_of(&e);
        bool value = type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT ||
                     type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT;
        if (value && *out)
            status = REFUSE(b, line, "a second document begins here: write one document a file");
        else if (value)
            status = read_value(b, &e, 1, out);
        yaml_event_delete(&e);
        if (status) return status;
        if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT) return GANTRY_OK;
    }
}

gantry_status gy_yaml_parse(struct gy_arena *a, const char *text, size_t len,
                            const struct gy_yaml_source *source, struct gy_yaml **out,
                            struct gy_error *err)
{
    struct builder b = {.arena = a, .source = source, .err = err};
    if (len > GY_COMPOSE_TEXT_MAX)
        return gy_error_set(err, GANTRY_EINVAL, "%s: %zu bytes, at most %d are allowed",
                            source->file, len, GY_COMPOSE_TEXT_MAX);
    if (!yaml_parser_initialize(&b.parser))
        return gy_error_set(err, GANTRY_ENOMEM, "%s: no memory for a YAML reader", source->file);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
    struct gy_yaml *top = NULL;
    gantry_status status = read_stream(&b, &top);
    HASH_CLEAR(hh, b.anchors);
    yaml_parser_delete(&b.parser);
    if (status) return status;
    if (!top || top->kind == GY_YAML_NULL)
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s: the file is empty: write services: and below "
                            "it what to run",
                            source->file);
    if (top->kind != GY_YAML_MAP)
        return REFUSE(&b, top->line, "must be a map with the key services, not %s",
                      top->kind == GY_YAML_LIST ? "a list" : "a word");
    *out = top;
    return GANTRY_OK;
}
