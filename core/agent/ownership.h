/* SPDX-License-Identifier: Apache-2.0 */
/* What marks a pod at its runtime as this cluster's: cluster, pod id and a keyed signature of both;
 * and the record that the driver keeps for us.  Look-alikes of another cluster, or of a person, are
 * never touched. */
#ifndef GY_AGENT_OWNERSHIP_H
#define GY_AGENT_OWNERSHIP_H

#include "agent/ports.h"
#include "base/error.h"
#include <gantry/abi.h>

#define GY_LABEL_CLUSTER "gantry.cluster"
#define GY_LABEL_POD "gantry.pod"
#define GY_LABEL_SIGNATURE "gantry.signature"
#define GY_SIGNATURE_MAX 65 /* hexadecimal, with its NUL */

struct gy_owner_key {
    unsigned char bytes[32];
};
/* Read the key from <dir>/ownership.key, made (0600) when it is not there; dir NULL = a key that
 * lasts as long as the process.  EINVAL: the file is not a key; EINTERNAL: it cannot be read or
 * written. */
gantry_status gy_owner_key_load(const char *dir, struct gy_owner_key *out, struct gy_error *err);
/* BLAKE2b (RFC 7693), keyed, of cluster and pod id. */
void gy_owner_sign(const struct gy_owner_key *key, const char *cluster, const char *pod_id,
                   char out[GY_SIGNATURE_MAX]);

/* The record of a pod as JSON text, for free(). */
char *gy_owner_record_encode(const struct gy_owner_key *key, const char *cluster,
                             const char *pod_id, const struct gy_port_choices *ports);
/* Read one back; ports->items is for free().  EINVAL says why the pod is not ours. */
gantry_status gy_owner_record_decode(const struct gy_owner_key *key, const char *cluster,
                                     const char *pod_id, gantry_str record,
                                     struct gy_port_choices *ports, struct gy_error *err);

#endif
