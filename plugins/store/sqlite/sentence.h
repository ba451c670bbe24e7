/* SPDX-License-Identifier: Apache-2.0 */
/* A status with its sentence, inside this plugin. */
#ifndef STORE_SQLITE_SENTENCE_H
#define STORE_SQLITE_SENTENCE_H

#include <gantry/abi.h>
#include <stdarg.h>
#include <stdio.h>

struct sentence {
    char text[768];
};

/* `return refuse(why, GANTRY_EINVAL, "...");` */
static inline gantry_status refuse(struct sentence *why, gantry_status status, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
static inline gantry_status refuse(struct sentence *why, gantry_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return status;
}

#endif
