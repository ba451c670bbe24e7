/* SPDX-License-Identifier: Apache-2.0 */
/* One error: a status that carries the decision, and a sentence for people. */
#ifndef GY_BASE_ERROR_H
#define GY_BASE_ERROR_H

#include <gantry/abi.h>
#include <stdarg.h>

#define GY_ERROR_TEXT_MAX 1024

/* Lives on the caller's stack; nothing in it is allocated.  Passed last; may be NULL. */
struct gy_error {
    gantry_status status;
    char text[GY_ERROR_TEXT_MAX]; /* NUL-terminated UTF-8, one sentence, no final full stop */
};

#define GY_ERROR_INIT                                                                              \
    {                                                                                              \
        GANTRY_OK, ""                                                                              \
    }

/* Fill err (unless NULL) and return status, so that callers write `return gy_error_set(err, ...)`.
 * Text that does not fit is cut at a character and ends in "...". */
gantry_status gy_error_set(struct gy_error *err, gantry_status status, const char *fmt, ...)
    GANTRY_PRINTF(3, 4);
gantry_status gy_error_vset(struct gy_error *err, gantry_status status, const char *fmt,
                            va_list args);
/* Put "<prefix>: " before the text; keeps and returns the status. */
gantry_status gy_error_wrap(struct gy_error *err, const char *fmt, ...) GANTRY_PRINTF(2, 3);
/* The name of a status: "EINVAL"; "EINTERNAL" for unknown values. */
const char *gy_status_name(gantry_status status);

#endif
