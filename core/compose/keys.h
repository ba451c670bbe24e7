/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are known where, and what becomes of each: the table is in keys.c. */
#ifndef GY_COMPOSE_KEYS_H
#define GY_COMPOSE_KEYS_H

#include "compose/load.h"

/* Check the keys of a map that stands at `where` of the table: unknown and refused ones are errors,
 * warned ones are noted.  With lenient (a service that no active profile wants) only unknown ones
 * count.  A refused key whose value asks for nothing (false, [], {}) passes. */
gantry_status gy_compose_check_keys(struct gy_loader *l, const struct gy_yaml *map,
                                    const char *where, bool lenient);
/* The top of a document, with networks, volumes and what else stands there. */
gantry_status gy_compose_check_top(struct gy_loader *l, const struct gy_yaml *top);
/* A service with all the maps in it. */
gantry_status gy_compose_check_service(struct gy_loader *l, const struct gy_yaml *service,
                                       bool lenient);

#endif
