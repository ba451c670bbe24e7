/* SPDX-License-Identifier: Apache-2.0 */
/* The file of tokens, and their hashes. */
#include "server/auth.h"

#include <errno.h>
#include <libconfig.h>
#include <sodium.h>
#include <sys/stat.h>

const char *const gy_role_names[] = {"none", "view", "edit", "admin", NULL};

void gy_token_hash_text(const char *token, char out[65])
{
    uint8_t hash[GY_TOKEN_HASH_BYTES];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)token, strlen(token), NULL, 0);
    sodium_bin2hex(out, 65, hash, sizeof hash);
}

void gy_token_generate(char out[64])
{
    uint8_t bits[32];
    randombytes_buf(bits, sizeof bits);
    memcpy(out, "gt_", 3);
    sodium_bin2base64(out + 3, 61, bits, sizeof bits, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bits, sizeof bits);
}

static gantry_status fail(struct gy_error *err, const char *path, const config_setting_t *at,
                          const char *what)
{
    return gy_error_set(err, GANTRY_EINVAL, "%s:%d: %s", path,
                        at ? (int)config_setting_source_line(at) : 1, what);
}

static gantry_status read_namespaces(const char *path, const config_setting_t *list,
                                     struct gy_strs *out, struct gy_error *err)
{
    if (!config_setting_is_array(list) && !config_setting_is_list(list))
        return fail(err, path, list, "namespaces must be a list of names, as in [\"default\"]");
    for (int i = 0; i < config_setting_length(list); i++) {
        const char *ns = config_setting_get_string_elem(list, i);
        if (!ns || !gy_is_label(ns))
            return fail(err, path, list,
                        "namespaces must hold names of lower-case letters, digits and '-'");
        gy_strs_add(out, ns);
    }
    if (!out->n) return fail(err, path, list, "namespaces is empty; leave it out to mean all");
    return GANTRY_OK;
}

static gantry_status read_token(const char *path, const config_setting_t *group,
                                struct gy_token *out, struct gy_error *err)
{
    if (!config_setting_is_group(group))
        return fail(err, path, group,
                    "a token must be a group: { name = ...; role = ...; hash = ...; }");
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(s), *text = config_setting_get_string(s);
        if (gy_streq(key, "namespaces")) {
            if (read_namespaces(path, s, &out->namespaces, err) != GANTRY_OK) return GANTRY_EINVAL;
            continue;
        }
        if (!gy_streq(key, "name") && !gy_streq(key, "role") && !gy_streq(key, "hash"))
            return fail(err, path, s, "a token has name, role, namespaces and hash, nothing else");
        if (!text) return fail(err, path, s, "name, role and hash of a token must be strings");
        if (gy_streq(key, "name")) {
            if (!gy_is_label(text))
                return fail(err, path, s, "name must be of lower-case letters, digits and '-'");
            out->name = gy_strdup(text);
        } else if (gy_streq(key, "role")) {
            for (int r = GY_ROLE_VIEW; r <= GY_ROLE_ADMIN; r++)
                if (gy_streq(gy_role_names[r], text)) out->role = (enum gy_role)r;
            if (!out->role) return fail(err, path, s, "role must be admin, edit or view");
        } else {
            size_t n = 0;
            if (strlen(text) != 2 * GY_TOKEN_HASH_BYTES ||
                sodium_hex2bin(out->hash, sizeof out->hash, text, strlen(text), NULL, &n, NULL) ||
                n != sizeof out->hash)
                return fail(err, path, s,
                            "hash must be 64 hexadecimal digits; gantryd --make-token makes one");
        }
    }
    static const uint8_t none[GY_TOKEN_HASH_BYTES];
    if (!out->name) return fail(err, path, group, "a token needs a name");
    if (!out->role) return fail(err, path, group, "a token needs a role: admin, edit or view");
    if (!memcmp(out->hash, none, sizeof none))
        return fail(err, path, group, "a token needs a hash; gantryd --make-token makes one");
    return GANTRY_OK;
}

static gantry_status read_all(const char *path, config_t *config, struct gy_tokens *out,
                              struct gy_error *err)
{
    const config_setting_t *root = config_root_setting(config);
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
        if (!gy_streq(config_setting_name(s), "tokens") || !config_setting_is_list(s))
            return fail(err, path, s,
                        "a tokens file holds one list: tokens = ( { name = ...; }, ... );");
        for (int j = 0; j < config_setting_length(s); j++) {
            const config_setting_t *group = config_setting_get_elem(s, (unsigned)j);
            GY_VEC_PUSH(out->items, out->n, out->cap);
            struct gy_token *token = &out->items[out->n++];
            *token = (struct gy_token){0};
            if (read_token(path, group, token, err) != GANTRY_OK) return GANTRY_EINVAL;
            for (size_t k = 0; k + 1 < out->n; k++)
                if (gy_streq(out->items[k].name, token->name))
                    return fail(err, path, group, "the name of this token is used twice");
        }
    }
    return GANTRY_OK;
}

gantry_status gy_tokens_read(const char *path, struct gy_tokens *out, struct gy_error *err)
{
    *out = (struct gy_tokens){0};
    struct stat st;
    if (stat(path, &st))
        return gy_error_set(err, GANTRY_ENOTFOUND, "%s: %s", path, strerror(errno));
    if (st.st_mode & 077)
        return gy_error_set(err, GANTRY_EINVAL, "%s: others may read it (mode %03o): chmod 600 %s",
                            path, (unsigned)st.st_mode & 0777, path);
    gy_autofree char *text = NULL;
    size_t len;
    gantry_status status = gy_file_read(path, 1 << 20, &text, &len, err);
    if (status != GANTRY_OK) return status;
    config_t config;
    config_init(&config);
    if (!config_read_string(&config, text))
        status = gy_error_set(err, GANTRY_EINVAL, "%s:%d: %s", path, config_error_line(&config),
                              config_error_text(&config));
    else
        status = read_all(path, &config, out, err);
    config_destroy(&config);
    if (status != GANTRY_OK) gy_tokens_fini(out);
    return status;
}

void gy_tokens_fini(struct gy_tokens *tokens)
{
    for (size_t i = 0; i < tokens->n; i++) {
        struct gy_token *t = &tokens->items[i];
        for (size_t j = 0; j < t->namespaces.n; j++)
            free(t->namespaces.items[j]);
        free(t->namespaces.items);
        free(t->name);
    }
    free(tokens->items);
    *tokens = (struct gy_tokens){0};
}
