/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ownership.h"

#include "base/random.h"
#include "model/shape.h"

#include <sodium.h>

#define RECORD_MAX 65536

gantry_status gy_owner_key_load(const char *dir, struct gy_owner_key *out, struct gy_error *err)
{
    if (!dir) {
        gy_random_bytes(out->bytes, sizeof out->bytes);
        return GANTRY_OK;
    }
    gy_autofree char *path = gy_printf("%s/ownership.key", dir);
    char *bytes = NULL;
    size_t len = 0;
    gantry_status status = gy_file_read(path, 1024, &bytes, &len, err);
    if (status == GANTRY_OK) {
        bool ok = len == sizeof out->bytes;
        if (ok) memcpy(out->bytes, bytes, sizeof out->bytes);
        sodium_memzero(bytes, len);
        free(bytes);
        if (ok) return GANTRY_OK;
        return gy_error_set(err, GANTRY_EINVAL,
                            "%s holds %zu bytes; the key that marks this node's pods has %zu: put "
                            "the right file back, or remove it to begin anew (pods that run now "
                            "are then no longer known)",
                            path, len, sizeof out->bytes);
    }
    if (status != GANTRY_ENOTFOUND) return status;
    struct gy_owner_key made;
    gy_random_bytes(made.bytes, sizeof made.bytes);
    status = gy_dir_make(dir, 0700, err);
    if (status == GANTRY_OK) status = gy_file_write(path, made.bytes, sizeof made.bytes, 0600, err);
    if (status == GANTRY_OK) *out = made;
    sodium_memzero(&made, sizeof made);
    return status;
}

void gy_owner_sign(const struct gy_owner_key *key, const char *cluster, const char *pod_id,
                   char out[GY_SIGNATURE_MAX])
{
    unsigned char hash[32];
    crypto_generichash_state state;
    crypto_generichash_init(&state, key->bytes, sizeof key->bytes, sizeof hash);
    /* With its NUL, so that no other split of the bytes signs alike. */
    crypto_generichash_update(&state, (const unsigned char *)cluster, strlen(cluster) + 1);
    crypto_generichash_update(&state, (const unsigned char *)pod_id, strlen(pod_id));
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(out, GY_SIGNATURE_MAX, hash, sizeof hash);
}

char *gy_owner_record_encode(const struct gy_owner_key *key, const char *cluster,
                             const char *pod_id, const struct gy_port_choices *ports)
{
    char signature[GY_SIGNATURE_MAX];
    gy_owner_sign(key, cluster, pod_id, signature);
    json_t *list = json_array();
    for (size_t i = 0; i < ports->n; i++) {
        const struct gy_port_choice *p = &ports->items[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:b}", "target", (int)p->target,
                                              "host", (int)p->host, "protocol",
                                              p->protocol == GY_PROTOCOL_UDP ? "udp" : "tcp",
                                              "fixed", p->is_fixed));
    }
    json_t *record = json_pack("{s:i, s:s, s:s, s:s, s:o}", "version", 1, "cluster", cluster, "pod",
                               pod_id, "signature", signature, "ports", list);
    GY_ASSERT(record);
    char *text = json_dumps(record, JSON_COMPACT);
    GY_ASSERT(text);
    json_decref(record);
    return text;
}

static gantry_status decode_ports(const json_t *list, struct gy_port_choices *out,
                                  struct gy_error *err)
{
    size_t n = json_array_size(list);
    struct gy_port_choice *items = gy_alloc_array(n ? n : 1, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        int target = 0, host = 0, fixed = 0;
        const char *protocol = "";
        if (json_unpack(json_array_get(list, i), "{s:i, s:i, s:s, s:b}", "target", &target, "host",
                        &host, "protocol", &protocol, "fixed", &fixed) ||
            target < 0 || target > 65535 || host < 1 || host > 65535) {
            free(items);
            return gy_error_set(err, GANTRY_EINVAL, "ports[%zu] of its record is not a port", i);
        }
        items[i] = (struct gy_port_choice){.target = (uint16_t)target,
                                           .host = (uint16_t)host,
                                           .protocol = gy_streq(protocol, "udp") ? GY_PROTOCOL_UDP
                                                                                 : GY_PROTOCOL_TCP,
                                           .is_fixed = fixed};
    }
    out->items = items;
    out->n = n;
    return GANTRY_OK;
}

static gantry_status check_owner(const struct gy_owner_key *key, const char *cluster,
                                 const char *pod_id, const json_t *record, struct gy_error *err)
{
    const char *its_cluster = json_string_value(json_object_get(record, "cluster"));
    const char *its_pod = json_string_value(json_object_get(record, "pod"));
    const char *its_signature = json_string_value(json_object_get(record, "signature"));
    if (!its_cluster || !its_pod || !its_signature)
        return gy_error_set(err, GANTRY_EINVAL, "its record does not say whose it is");
    if (!gy_streq(its_cluster, cluster))
        return gy_error_set(err, GANTRY_EINVAL, "it belongs to cluster %.64s, this is %s",
                            its_cluster, cluster);
    char signature[GY_SIGNATURE_MAX];
    gy_owner_sign(key, cluster, pod_id, signature);
    if (!gy_streq(its_pod, pod_id) || strlen(its_signature) != GY_SIGNATURE_MAX - 1 ||
        sodium_memcmp(its_signature, signature, GY_SIGNATURE_MAX - 1) != 0)
        return gy_error_set(err, GANTRY_EINVAL,
                            "its record was not signed with this node's key (ownership.key)");
    return GANTRY_OK;
}

gantry_status gy_owner_record_decode(const struct gy_owner_key *key, const char *cluster,
                                     const char *pod_id, gantry_str text,
                                     struct gy_port_choices *ports, struct gy_error *err)
{
    if (text.len == 0) return gy_error_set(err, GANTRY_EINVAL, "it has no record");
    json_t *record = gy_json_parse(text.ptr, text.len, RECORD_MAX, err);
    if (!record) {
        gy_error_wrap(err, "its record");
        return GANTRY_EINVAL;
    }
    gantry_status status = check_owner(key, cluster, pod_id, record, err);
    if (status == GANTRY_OK) status = decode_ports(json_object_get(record, "ports"), ports, err);
    json_decref(record);
    return status;
}
