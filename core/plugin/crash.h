/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread is doing inside which plugin, readable from a signal handler. */
#ifndef GY_PLUGIN_CRASH_H
#define GY_PLUGIN_CRASH_H

#include "plugin/plugin.h"

/* [any] Push and pop on this thread.  `instance` and `function` must live until the pop. */
struct gy_crumb *gy_crumb_push(const char *instance, const char *function, gantry_op op,
                               const char *pod);
void gy_crumb_pop(struct gy_crumb *outer);
void gy_crash_forget(const struct gy_plugins *ps); /* it goes away: report no plugins any more */

#endif
