/* SPDX-License-Identifier: Apache-2.0 */
/* A pod of the model in the form that drivers take, and what its processes are told: environment
 * and the names that are expanded in it. */
#ifndef GY_AGENT_POD_FORM_H
#define GY_AGENT_POD_FORM_H

#include "agent/ports.h"
#include "base/text.h"
#include "model/pod.h"
#include <gantry/driver.h>

/* What a container is told: GANTRY_NAMESPACE, GANTRY_PROJECT, GANTRY_APP, GANTRY_SLOT,
 * GANTRY_POD_ID, GANTRY_NODE, PORT (the first of the app's ports) and PORT_<target>.  For a host
 * process the ports are those that the node gave it; a container with an image has its own network,
 * where they are the targets. Sorted by name. */
void gy_pod_names(const struct gy_pod *pod, const struct gy_container *container,
                  const struct gy_port_choices *ports, struct gy_map *out);
void gy_pod_names_fini(struct gy_map *names);
/* Replace ${NAME} of exactly these names; all else, ${HOME} and $PORT too, stays as it is.  For
 * free(). */
char *gy_pod_expand(const char *text, const struct gy_map *names);

/* Where the pod's ports are reached: struct gy_pod_address, one for each choice. */
void gy_pod_addresses(const struct gy_port_choices *ports, const char *address,
                      struct gy_list *out);
void gy_pod_addresses_fini(struct gy_list *addresses);

struct gy_pod_form {
    gantry_pod pod; /* for a driver's prepare; everything that it points to is the form's */
    void **owned;
    size_t n, cap;
};
/* cluster, signature and record go into labels and record.  Borrows pod and ports until fini. */
void gy_pod_form_init(struct gy_pod_form *form, const struct gy_pod *pod,
                      const struct gy_port_choices *ports, const char *cluster,
                      const char *signature, const char *record);
void gy_pod_form_fini(struct gy_pod_form *form);

#endif
