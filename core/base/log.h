/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: a constant text, then key=value.  To standard error; journald or the reader adds the
 * rest. */
#ifndef GY_BASE_LOG_H
#define GY_BASE_LOG_H

#include <gantry/abi.h>
#include <stdarg.h>

enum gy_log_level { GY_LOG_ERROR, GY_LOG_WARN, GY_LOG_INFO, GY_LOG_DEBUG, GY_LOG_TRACE };

/* [any] One line: `2026-01-02T03:04:05.678Z warn  agent: node suspect node=n1 after_ms=6000`.
 * Control characters in the text are written as \xNN. */
void gy_log(enum gy_log_level level, const char *room, const char *fmt, ...) GANTRY_PRINTF(3, 4);
void gy_vlog(enum gy_log_level level, const char *room, const char *fmt, va_list args);
void gy_log_set_level(enum gy_log_level level); /* default GY_LOG_INFO */
enum gy_log_level gy_log_get_level(void);
/* Descriptor that lines go to; default 2. */
void gy_log_set_fd(int fd);

#endif
