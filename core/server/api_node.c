/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH of a node: labels and drain. */
#include "server/private.h"

#include "model/key.h"

#define LABELS_MAX 256

struct patch {
    struct gy_server *server;
    struct gy_http_request *req;
    char key[GY_KEY_MAX];
};

static bool remove_label(struct gy_map *m, const char *key)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!gy_streq(m->items[i].key, key)) continue;
        free(m->items[i].key);
        free(m->items[i].value);
        memmove(&m->items[i], &m->items[i + 1], (m->n - i - 1) * sizeof *m->items);
        m->n--;
        return true;
    }
    return false;
}

static gantry_status apply_labels(struct gy_node_spec *spec, json_t *labels, struct gy_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(labels))
        return gy_error_set(err, GANTRY_EINVAL, "labels: must be an object of strings and nulls");
    json_object_foreach (labels, key, value) {
        if (!key[0] || strlen(key) > 253)
            return gy_error_set(err, GANTRY_EINVAL, "labels: a name has 1 to 253 bytes");
        if (json_is_null(value))
            remove_label(&spec->labels, key);
        else if (json_is_string(value))
            gy_map_set(&spec->labels, key, json_string_value(value));
        else
            return gy_error_set(err, GANTRY_EINVAL,
                                "labels.%.100s: must be a string, or null to remove it", key);
    }
    if (spec->labels.n > LABELS_MAX)
        return gy_error_set(err, GANTRY_EINVAL, "labels: more than %d", LABELS_MAX);
    return GANTRY_OK;
}

static gantry_status apply(struct gy_node_spec *spec, json_t *body, struct gy_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(body) || !json_object_size(body))
        return gy_error_set(err, GANTRY_EINVAL,
                            "the body must be {\"labels\":{...},\"drain\":true|false}");
    json_object_foreach (body, key, value) {
        if (gy_streq(key, "labels")) {
            if (apply_labels(spec, value, err) != GANTRY_OK) return GANTRY_EINVAL;
        } else if (gy_streq(key, "drain")) {
            if (!json_is_boolean(value))
                return gy_error_set(err, GANTRY_EINVAL, "drain: must be true or false");
            spec->drain = json_is_true(value);
        } else {
            return gy_error_set(err, GANTRY_EINVAL,
                                "%.100s: unknown field; a node has labels and drain", key);
        }
    }
    return gy_shape_check(&gy_node_spec_shape, spec, err);
}

static void stored(void *arg, const struct gy_store_outcome *outcome)
{
    struct patch *p = arg;
    struct gy_index_node *node =
        outcome->status == GANTRY_OK
            ? gy_index_node(p->server->o.cluster, p->key + strlen(GY_KEY_NODE))
            : NULL; /* the index may be gone by then */
    if (outcome->status != GANTRY_OK || !node) {
        struct gy_error err = GY_ERROR_INIT;
        gy_error_set(&err, outcome->status == GANTRY_OK ? GANTRY_ENOTFOUND : outcome->status, "%s",
                     outcome->status == GANTRY_OK ? "the node is gone" : outcome->text);
        gy_http_reply_failure(p->req, &err, NULL);
    } else {
        gy_audit(p->server, p->req, "node changed");
        gy_reply_blob(p->req, gy_index_node_view(p->server->o.cluster, node));
    }
    free(p);
}

void gy_route_node_patch(struct gy_server *s, struct gy_http_request *req)
{
    struct gy_error err = GY_ERROR_INIT;
    const char *name = gy_http_param(req, "name");
    struct gy_index_node *node = gy_index_node(s->o.cluster, name);
    if (!node || !node->report_record) {
        gy_reply_missing(req, "there is no node \"%.63s\"", name);
        return;
    }
    struct gy_node_spec spec;
    gy_shape_init(&gy_node_spec_shape, &spec);
    if (node->spec_record)
        gy_shape_decode_text(&gy_node_spec_shape, node->spec_record->bytes, node->spec_record->len,
                             GY_FROM_PEER, &spec, NULL);
    if (!spec.name) spec.name = gy_strdup(name);
    json_t *body = gy_http_body_json(req, &err);
    gantry_status status = body ? apply(&spec, body, &err) : GANTRY_EINVAL;
    json_decref(body);
    if (status == GANTRY_OK) {
        struct patch *p = gy_alloc(sizeof *p);
        p->server = s;
        p->req = req;
        gy_key_of(GY_KEY_NODE, name, p->key);
        gy_autofree char *text = gy_shape_encode_text(&gy_node_spec_shape, &spec);
        struct gy_store_change change = {p->key, text, strlen(text)};
        struct gy_store_compare compare = {p->key,
                                           node->spec_record ? node->spec_record->mod_rev : 0};
        status = gy_store_txn(s->o.store, &change, 1, &compare, 1, stored, p, &err);
        if (status != GANTRY_OK) free(p);
    }
    gy_shape_fini(&gy_node_spec_shape, &spec);
    if (status != GANTRY_OK) gy_http_reply_failure(req, &err, NULL);
}
