/* SPDX-License-Identifier: Apache-2.0 */
/* A shape describes a struct of the model once: the strict JSON reader, the writer, the schema of
 * the API document, copying, comparing and freeing all follow from it. */
#ifndef GY_MODEL_SHAPE_H
#define GY_MODEL_SHAPE_H

#include "base/error.h"
#include "base/text.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Kind of a field, and the C member it describes. */
enum gy_field_kind {
    GY_FIELD_STR,  /* char *                NULL = absent                                     */
    GY_FIELD_INT,  /* int64_t                                                                 */
    GY_FIELD_BOOL, /* bool                                                                    */
    GY_FIELD_ENUM, /* int, an index into names                                                */
    GY_FIELD_STRS, /* struct gy_strs                                                          */
    GY_FIELD_MAP,  /* struct gy_map         an object of strings, kept sorted by key          */
    GY_FIELD_OBJ,  /* an embedded struct                                                      */
    GY_FIELD_OPT,  /* a pointer to a struct, NULL = absent                                    */
    GY_FIELD_LIST, /* struct gy_list        of structs                                        */
};

struct gy_strs {
    char **items;
    size_t n;
};
struct gy_pair {
    char *key, *value;
};
struct gy_map {
    struct gy_pair *items;
    size_t n;
};
struct gy_list {
    void *items; /* n structs of the field's shape, one after the other */
    size_t n;
};
/* Element i of a gy_list as a pointer to its type. */
#define GY_AT(type, list, i) (&((type *)(list).items)[i])

enum gy_field_flags {
    GY_FIELD_REQUIRED = 1,
    GY_FIELD_LABEL = 2,  /* STR: an RFC 1123 label */
    GY_FIELD_SERVER = 4, /* filled by the server; refused from users */
    GY_FIELD_NAMES = 8,  /* MAP: keys are environment-like names ([A-Za-z_][A-Za-z0-9_.-]*) */
};

struct gy_shape;
struct gy_field {
    const char *name;
    enum gy_field_kind kind;
    unsigned flags;
    size_t offset;
    const struct gy_shape *shape; /* OBJ, OPT, LIST            */
    const char *const *names;     /* ENUM, NULL-terminated     */
    int64_t min,
        max; /* INT: value; STR: bytes; STRS, MAP, LIST: elements.  0, 0 = default limits */
    int64_t fallback; /* INT, BOOL, ENUM when absent; left out of the JSON when equal */
    const char *doc;
};
struct gy_shape {
    const char *name; /* of the schema in the API document: "App" */
    size_t size;
    const struct gy_field *fields;
    size_t n;
    const char *doc;
    /* Rules across fields; path is where the struct stands, "" at the top.  May be NULL. */
    gantry_status (*check)(const void *object, const char *path, struct gy_error *err);
};

/* Where the JSON comes from. */
enum gy_strictness {
    GY_FROM_USER, /* unknown fields and SERVER fields are refused by path  */
    GY_FROM_PEER, /* another version of gantry: unknown fields are ignored */
};

/* Read a struct (zeroed storage of shape->size) from JSON.  EINVAL names the path
 * ("pod.containers[0].image: must be a string, not a number"); *out is then empty again. */
gantry_status gy_shape_decode(const struct gy_shape *s, const json_t *json, enum gy_strictness from,
                              void *out, struct gy_error *err);
/* The same from text: strict JSON, no duplicate keys, at most 64 deep and 1 MiB. */
gantry_status gy_shape_decode_text(const struct gy_shape *s, const char *text, size_t len,
                                   enum gy_strictness from, void *out, struct gy_error *err);
/* The check alone, for structs made in C. */
gantry_status gy_shape_check(const struct gy_shape *s, const void *object, struct gy_error *err);
json_t *gy_shape_encode(const struct gy_shape *s, const void *object);    /* new reference */
char *gy_shape_encode_text(const struct gy_shape *s, const void *object); /* compact, for free() */
void gy_shape_fini(const struct gy_shape *s, void *object); /* frees what it holds; zeroes it */
void gy_shape_copy(const struct gy_shape *s, const void *from,
                   void *to); /* deep; `to` is overwritten */
bool gy_shape_equal(const struct gy_shape *s, const void *a, const void *b);
/* Zeroed storage with every default set. */
void gy_shape_init(const struct gy_shape *s, void *object);
/* JSON Schema (OpenAPI 3.0 dialect) of the shape; nested shapes become "#/components/schemas/NAME".
 */
json_t *gy_shape_schema(const struct gy_shape *s);

/* Parse JSON text within the limits above; rejects trailing text.  NULL and err on failure. */
json_t *gy_json_parse(const char *text, size_t len, size_t max_bytes, struct gy_error *err);

void gy_strs_add(struct gy_strs *s, const char *text);
bool gy_strs_has(const struct gy_strs *s, const char *text);
/* Set or replace; keeps the order by key. */
void gy_map_set(struct gy_map *m, const char *key, const char *value);
const char *gy_map_get(const struct gy_map *m, const char *key); /* NULL = absent */
/* Zeroed, defaulted new element at the end of the list. */
void *gy_list_add(struct gy_list *l, const struct gy_shape *s);

#endif
