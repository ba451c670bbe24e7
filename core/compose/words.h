/* SPDX-License-Identifier: Apache-2.0 */
/* A command line as words, by the quoting rules of a POSIX shell, without expansion. */
#ifndef GY_COMPOSE_WORDS_H
#define GY_COMPOSE_WORDS_H

#include "model/shape.h"

/* Appends to out.  EINVAL: a quote is not closed.  *shell (static) names a word that only a shell
 * would understand ("&&", ">"), if there is one. */
gantry_status gy_words_split(const char *text, struct gy_strs *out, const char **shell,
                             struct gy_error *err);

#endif
