/* SPDX-License-Identifier: Apache-2.0 */
/* Environment files: NAME=value a line, comments, `export`, quotes, variables.
 * https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/ */
#ifndef GY_COMPOSE_ENVFILE_H
#define GY_COMPOSE_ENVFILE_H

#include "base/error.h"
#include "model/shape.h"

struct gy_envfile_source {
    const char *file;                                /* for messages */
    const char *(*get)(void *arg, const char *name); /* variables from outside; may be NULL */
    void *arg;
    bool raw; /* values as they stand: no quotes, no variables */
};

/* Adds to out; later lines win.  A name without `=` takes the value from outside and is left out
 * when there is none.  EINVAL: "file (line 3): ...". */
gantry_status gy_envfile_parse(const char *text, const struct gy_envfile_source *source,
                               struct gy_map *out, struct gy_error *err);

#endif
