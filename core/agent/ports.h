/* SPDX-License-Identifier: Apache-2.0 */
/* Which port of the node each port of a pod got.  Kept in memory, and by the driver in the pod's
 * record. */
#ifndef GY_AGENT_PORTS_H
#define GY_AGENT_PORTS_H

#include "model/app.h"
#include <stdbool.h>
#include <stdint.h>

struct gy_port_choice {
    uint16_t target, host; /* inside; on the node */
    int protocol;          /* enum gy_protocol */
    bool is_fixed;         /* mode host: the published port itself */
};
struct gy_port_choices {
    struct gy_port_choice *items; /* in the order of the app's ports */
    size_t n;
};

struct gy_port_book;
/* Free ports are taken from [low, high]. */
struct gy_port_book *gy_port_book_create(uint16_t low, uint16_t high);
void gy_port_book_destroy(struct gy_port_book *book);
/* Choose for the ports (struct gy_port) of a pod; a pod that has a choice already gets it again.
 * *out is the book's until release.  EBUSY: a port of mode host is in use, or none is free. */
gantry_status gy_port_book_choose(struct gy_port_book *book, const char *pod_id,
                                  const struct gy_list *ports, const struct gy_port_choices **out,
                                  struct gy_error *err);
/* What a pod that was found again holds; copied.  Nothing changes for a pod that has a choice. */
void gy_port_book_keep(struct gy_port_book *book, const char *pod_id,
                       const struct gy_port_choices *choices);
/* NULL = none. */
const struct gy_port_choices *gy_port_book_find(const struct gy_port_book *book,
                                                const char *pod_id);
void gy_port_book_release(struct gy_port_book *book, const char *pod_id);

#endif
