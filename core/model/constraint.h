/* SPDX-License-Identifier: Apache-2.0 */
/* Constraint: a condition on an attribute of a node, "node.labels.disk == ssd". */
#ifndef GY_MODEL_CONSTRAINT_H
#define GY_MODEL_CONSTRAINT_H

#include "base/error.h"
#include <stdbool.h>

enum gy_attribute {
    GY_ATTR_ID,
    GY_ATTR_HOSTNAME,
    GY_ATTR_OS,
    GY_ATTR_ARCH,
    GY_ATTR_LABEL,
    GY_ATTR_ROLE
};
enum gy_operator { GY_OP_EQ, GY_OP_NE };

struct gy_constraint {
    int attribute, op;
    char *key; /* LABEL: which, else NULL */
    char *value;
};

/* EINVAL: a sentence with the position ("character 14"). */
gantry_status gy_constraint_parse(const char *text, struct gy_constraint *out,
                                  struct gy_error *err);
void gy_constraint_fini(struct gy_constraint *c);
/* Which attribute "node.labels.zone" names, or -1; *key (unless NULL) borrows the label's name. */
int gy_constraint_attribute(const char *text, const char **key);

struct gy_node;
/* The node's value of an attribute, "" when a label is absent. */
const char *gy_node_attribute(const struct gy_node *node, int attribute, const char *key);
bool gy_constraint_holds(const struct gy_constraint *c, const struct gy_node *node);

#endif
