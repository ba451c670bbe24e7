/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in values: $VAR, ${VAR}, ${VAR:-default}, ${VAR-default}, ${VAR:?text}, ${VAR?text},
 * ${VAR:+other}, ${VAR+other}, nested; $$ is a dollar sign.
 * https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md */
#ifndef GY_COMPOSE_INTERPOLATE_H
#define GY_COMPOSE_INTERPOLATE_H

#include "base/error.h"
#include "base/text.h"

struct gy_variables {
    const char *(*get)(void *arg, const char *name); /* NULL = not set */
    void (*missing)(void *arg, const char *name);    /* an unset one became ""; may be NULL */
    void *arg;
};

#define GY_INTERPOLATE_MAX (1 << 20) /* bytes of one result */

/* Appends to out.  EINVAL: a sentence with what would be right; out then holds a part. */
gantry_status gy_interpolate(const char *text, const struct gy_variables *vars, struct gy_buf *out,
                             struct gy_error *err);

#endif
