/* SPDX-License-Identifier: Apache-2.0 */
/* Names of signals. */
#ifndef GY_COMPOSE_SIGNALS_H
#define GY_COMPOSE_SIGNALS_H

/* "SIGTERM" for "SIGTERM", "term" or "15", for free(); NULL when it is none.  Numbers are Linux's.
 */
char *gy_signal_name(const char *text);
/* The nearest name, or NULL. */
const char *gy_signal_nearest(const char *text);

#endif
