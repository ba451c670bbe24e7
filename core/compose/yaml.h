/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text as a tree with line numbers, out of libyaml's events.  Budgets: text, depth, nodes;
 * aliases are expanded within the node budget.  Merge keys are applied, duplicate keys refused. */
#ifndef GY_COMPOSE_YAML_H
#define GY_COMPOSE_YAML_H

#include "base/error.h"
#include "base/text.h"

#define GY_YAML_DEPTH_MAX 64
#define GY_YAML_NODES_MAX 100000

enum gy_yaml_kind { GY_YAML_NULL, GY_YAML_SCALAR, GY_YAML_LIST, GY_YAML_MAP };

/* Where text came from. */
struct gy_yaml_source {
    const char *file; /* for messages */
    const char *dir;  /* what relative paths in it are relative to; "" = where we are */
};

struct gy_yaml {
    int kind;
    int line;                            /* of the key for a value of a map */
    const struct gy_yaml_source *source; /* never NULL */
    struct gy_yaml *up;                  /* NULL at the top */
    char *key;                           /* in a map, else NULL */
    char *text;                          /* SCALAR, never NULL there */
    struct gy_yaml **items;              /* LIST, MAP: n of them, a map's in the order written */
    size_t n, cap;
    bool merge;    /* the value of a `<<` key */
    bool resolved; /* extends is applied (extends.c) */
};

/* Owner of the nodes and strings of all trees of one load; freed at once. */
struct gy_arena {
    struct gy_arena_block *blocks;
    size_t used;  /* of the newest block */
    size_t nodes; /* made so far */
};
void *gy_arena_alloc(struct gy_arena *a, size_t bytes); /* zeroed */
char *gy_arena_text(struct gy_arena *a, const char *text, size_t len);
void gy_arena_fini(struct gy_arena *a);

/* One document, which must be a map.  EINVAL: "file (line 3): what is wrong". */
gantry_status gy_yaml_parse(struct gy_arena *a, const char *text, size_t len,
                            const struct gy_yaml_source *source, struct gy_yaml **out,
                            struct gy_error *err);

/* A new node, NULL with err when the node budget is used up. */
struct gy_yaml *gy_yaml_new(struct gy_arena *a, int kind, int line,
                            const struct gy_yaml_source *source, struct gy_error *err);
/* Deep copy; NULL with err when the node budget is used up. */
struct gy_yaml *gy_yaml_copy(struct gy_arena *a, const struct gy_yaml *from, struct gy_error *err);
/* Append to a LIST, or to a MAP with a key; sets up. */
void gy_yaml_append(struct gy_arena *a, struct gy_yaml *to, const char *key, struct gy_yaml *item);
/* Value of a key, NULL when absent or `of` is not a map. */
struct gy_yaml *gy_yaml_get(const struct gy_yaml *of, const char *key);
/* The same, and NULL for a null value. */
struct gy_yaml *gy_yaml_value(const struct gy_yaml *of, const char *key);
/* Null, "", [], {}. */
bool gy_yaml_is_empty(const struct gy_yaml *y);
/* The same content, whatever the lines. */
bool gy_yaml_is_same(const struct gy_yaml *a, const struct gy_yaml *b);
/* "services.web.ports[0]"; "" at the top. */
void gy_yaml_path(const struct gy_yaml *y, struct gy_buf *out);

#endif
