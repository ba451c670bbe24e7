/* SPDX-License-Identifier: Apache-2.0 */
/* Start order: what an app waits for before its first pod. */
#ifndef GY_ENGINE_DEPENDS_H
#define GY_ENGINE_DEPENDS_H

#include "engine/cluster.h"

/* NULL = nothing is missing; else why it waits, for free(). */
char *gy_depends_missing(struct gy_engine *e, const struct app *app);

#endif
