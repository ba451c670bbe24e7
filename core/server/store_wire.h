/* SPDX-License-Identifier: Apache-2.0 */
/* A store plugin's instance as the backend of core/store.  [loop]. */
#ifndef GY_SERVER_STORE_WIRE_H
#define GY_SERVER_STORE_WIRE_H

#include "plugin/plugin.h"
#include "store/store.h"

struct gy_store_wire;
/* instance: of kind gantry.store/1, open; outlives the wire. */
struct gy_store_wire *gy_store_wire_create(uv_loop_t *loop, struct gy_instance *instance,
                                           struct gy_store_backend *out);
/* After the store was closed. */
void gy_store_wire_destroy(struct gy_store_wire *wire);

#endif
