/* SPDX-License-Identifier: Apache-2.0 */
#include "model/constraint.h"
#include "base/text.h"
#include "model/node.h"

#include <ctype.h>

static const struct {
    const char *name;
    int attribute;
} attributes[] = {
    {"node.id", GY_ATTR_ID},
    {"node.hostname", GY_ATTR_HOSTNAME},
    {"node.name", GY_ATTR_HOSTNAME},
    {"node.platform.os", GY_ATTR_OS},
    {"node.platform.arch", GY_ATTR_ARCH},
    {"node.role", GY_ATTR_ROLE},
};
static const char label_prefix[] = "node.labels.";

int gy_constraint_attribute(const char *text, const char **key)
{
    if (key) *key = NULL;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (!strcmp(text, attributes[i].name)) return attributes[i].attribute;
    if (!gy_starts_with(text, label_prefix) || !text[strlen(label_prefix)]) return -1;
    if (key) *key = text + strlen(label_prefix);
    return GY_ATTR_LABEL;
}

gantry_status gy_constraint_parse(const char *text, struct gy_constraint *out, struct gy_error *err)
{
    const char *end = text;
    while (isspace((unsigned char)*end))
        end++;
    const char *start = end;
    while (*end && !isspace((unsigned char)*end) && *end != '=' && *end != '!')
        end++;
    gy_autofree char *name = gy_strndup(start, (size_t)(end - start));
    const char *key;
    int attribute = gy_constraint_attribute(name, &key);
    if (attribute < 0)
        return gy_error_set(
            err, GANTRY_EINVAL,
            "character %zu: \"%.60s\" is not an attribute of a node: node.id, node.hostname, "
            "node.platform.os, node.platform.arch, node.role or node.labels.KEY",
            (size_t)(start - text) + 1, name);
    while (isspace((unsigned char)*end))
        end++;
    int op = !strncmp(end, "==", 2) ? GY_OP_EQ : !strncmp(end, "!=", 2) ? GY_OP_NE : -1;
    if (op < 0)
        return gy_error_set(err, GANTRY_EINVAL, "character %zu: expected == or != after %.60s",
                            (size_t)(end - text) + 1, name);
    for (end += 2; isspace((unsigned char)*end);)
        end++;
    size_t n = strlen(end);
    while (n && isspace((unsigned char)end[n - 1]))
        n--;
    if (!n)
        return gy_error_set(err, GANTRY_EINVAL, "character %zu: a value is missing",
                            (size_t)(end - text) + 1);
    out->attribute = attribute;
    out->op = op;
    out->key = gy_strdup(key);
    out->value = gy_strndup(end, n);
    return GANTRY_OK;
}

void gy_constraint_fini(struct gy_constraint *c)
{
    free(c->key);
    free(c->value);
    *c = (struct gy_constraint){0};
}

const char *gy_node_attribute(const struct gy_node *node, int attribute, const char *key)
{
    const char *value = NULL;
    switch (attribute) {
    case GY_ATTR_ID:
    case GY_ATTR_HOSTNAME: value = node->name; break;
    case GY_ATTR_OS: value = node->os; break;
    case GY_ATTR_ARCH: value = node->arch; break;
    case GY_ATTR_ROLE: value = "worker"; break;
    case GY_ATTR_LABEL: value = gy_map_get(&node->labels, key); break;
    default: break;
    }
    return value ? value : "";
}

bool gy_constraint_holds(const struct gy_constraint *c, const struct gy_node *node)
{
    bool equal = !strcmp(gy_node_attribute(node, c->attribute, c->key), c->value);
    return c->op == GY_OP_EQ ? equal : !equal;
}
