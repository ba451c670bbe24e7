/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of one load share: context, messages with their place, readers of values.  All
 * statuses are GANTRY_OK or what gy_compose_fail returns, with err filled. */
#ifndef GY_COMPOSE_LOAD_H
#define GY_COMPOSE_LOAD_H

#include "compose/compose.h"
#include "compose/yaml.h"

struct gy_loader {
    const struct gy_compose_input *in;
    struct gy_error *err;
    struct gy_arena arena;
    struct gy_strs warnings;
    size_t files;             /* read so far */
    size_t file_bytes;        /* in them */
    size_t interpolated;      /* bytes made by interpolation so far */
    const char *project;      /* COMPOSE_PROJECT_NAME once it is known */
    struct gy_document *docs; /* files read for extends, by path */
};

/* "compose.yaml: services.web.ports[0] (line 7): <text>"; returns GANTRY_EINVAL. */
gantry_status gy_compose_fail(struct gy_loader *l, const struct gy_yaml *at, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
/* Put the place before what is in l->err already; returns its status. */
gantry_status gy_compose_wrap(struct gy_loader *l, const struct gy_yaml *at);
/* Once for each place and text; at most 1,000. */
void gy_compose_warn(struct gy_loader *l, const struct gy_yaml *at, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);

/* Readers leave *out alone when y is NULL or null. */
gantry_status gy_compose_text(struct gy_loader *l, const struct gy_yaml *y, const char **out);
gantry_status gy_compose_string(struct gy_loader *l, const struct gy_yaml *y, char **out);
gantry_status gy_compose_bool(struct gy_loader *l, const struct gy_yaml *y, bool *out);
gantry_status gy_compose_int(struct gy_loader *l, const struct gy_yaml *y, int64_t min, int64_t max,
                             int64_t *out);
#define GY_COMPOSE_DAY_MS 86400000 /* the longest of most durations in the model */
gantry_status gy_compose_duration(struct gy_loader *l, const struct gy_yaml *y, int64_t min_ms,
                                  int64_t max_ms, int64_t *ms);
gantry_status gy_compose_bytes(struct gy_loader *l, const struct gy_yaml *y, int64_t *bytes);
gantry_status gy_compose_cpus(struct gy_loader *l, const struct gy_yaml *y, int64_t *milli);
/* A list of strings; with one_too, also a single string. */
gantry_status gy_compose_strings(struct gy_loader *l, const struct gy_yaml *y, bool one_too,
                                 struct gy_strs *out);
/* argv: a list, or a string split as a shell would. */
gantry_status gy_compose_argv(struct gy_loader *l, const struct gy_yaml *y, struct gy_strs *out);
/* A map, or a list of KEY=VALUE.  unset(l, key) gives the value of a key without one; NULL = "". */
gantry_status gy_compose_pairs(struct gy_loader *l, const struct gy_yaml *y,
                               const char *(*unset)(struct gy_loader *l, const char *key),
                               struct gy_map *out);
gantry_status gy_compose_is_map(struct gy_loader *l, const struct gy_yaml *y);
gantry_status gy_compose_is_list(struct gy_loader *l, const struct gy_yaml *y);
/* One of the words; *index is its place in the list. */
gantry_status gy_compose_word(struct gy_loader *l, const struct gy_yaml *y,
                              const char *const *words, int *index);

/* A variable of the environment, NULL = not set. */
const char *gy_compose_env(struct gy_loader *l, const char *name);
void gy_compose_strs_fini(struct gy_strs *s);
void gy_compose_map_fini(struct gy_map *m);

#endif
