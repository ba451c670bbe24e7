/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: read, with variables replaced; include, extends, and the merging both need. */
#ifndef GY_COMPOSE_DOCUMENT_H
#define GY_COMPOSE_DOCUMENT_H

#include "compose/load.h"

/* Variables of an include's env_file, behind those of the environment. */
struct gy_defaults {
    struct gy_map vars;
    const struct gy_defaults *outer;
};

/* Path of a file named in a document, joined with the document's folder; in the arena. */
const char *gy_document_path(struct gy_loader *l, const struct gy_yaml *at, const char *path);
/* A file through in->read.  `at` names it in messages. */
gantry_status gy_document_read(struct gy_loader *l, const struct gy_yaml *at, const char *path,
                               char **bytes, size_t *len);
/* Parse; variables stay as they are. */
gantry_status gy_document_tree(struct gy_loader *l, const char *text, size_t len, const char *file,
                               const char *dir, struct gy_yaml **out);
/* Parse and replace variables. */
gantry_status gy_document_parse(struct gy_loader *l, const char *text, size_t len, const char *file,
                                const char *dir, const struct gy_defaults *vars,
                                struct gy_yaml **out);
/* Replace variables in all values below y. */
gantry_status gy_document_interpolate(struct gy_loader *l, struct gy_yaml *y,
                                      const struct gy_defaults *vars);
/* Put what `include` names into top's services. */
gantry_status gy_document_include(struct gy_loader *l, struct gy_yaml *top, int depth,
                                  const struct gy_defaults *vars);
/* Apply `extends` to a service of services. */
gantry_status gy_document_extend(struct gy_loader *l, struct gy_yaml *services,
                                 struct gy_yaml *service);
/* Lay `over` on `base`, both of the same place; base becomes the result. */
gantry_status gy_document_merge(struct gy_loader *l, struct gy_yaml *base,
                                const struct gy_yaml *over);
void gy_documents_fini(struct gy_loader *l);

#endif
