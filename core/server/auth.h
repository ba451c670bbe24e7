/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and what they may: peer credentials on the unix socket, bearer tokens on TCP.  [loop].
 */
#ifndef GY_SERVER_AUTH_H
#define GY_SERVER_AUTH_H

#include "base/error.h"
#include "model/shape.h"
#include "net/http_server.h"
#include "net/rate.h"

enum gy_role { GY_ROLE_NONE, GY_ROLE_VIEW, GY_ROLE_EDIT, GY_ROLE_ADMIN };
extern const char *const gy_role_names[];

#define GY_TOKEN_HASH_BYTES 32

struct gy_token {
    char *name;
    enum gy_role role;
    struct gy_strs namespaces; /* none = all */
    uint8_t hash[GY_TOKEN_HASH_BYTES];
};
struct gy_tokens {
    struct gy_token *items;
    size_t n, cap;
};
/* A file of `tokens = ( { name = "ci"; role = "edit"; namespaces = ["default"]; hash = "..."; } );`
 * that only its owner may read.  EINVAL: "file:line: ...". */
gantry_status gy_tokens_read(const char *path, struct gy_tokens *out, struct gy_error *err);
void gy_tokens_fini(struct gy_tokens *tokens);
/* BLAKE2b-256 of the token as 64 hexadecimal digits.  Tokens are 256 random bits, so that no slow
 * hash is needed. */
void gy_token_hash_text(const char *token, char out[65]);
/* A new random token ("gt_" and 43 characters). */
void gy_token_generate(char out[64]);

/* One who asks; lives as long as the request. */
struct gy_caller {
    char name[96]; /* "uid:0", "token:ci" */
    enum gy_role role;
    struct gy_strs namespaces; /* none = all */
};
bool gy_caller_may(const struct gy_caller *caller, enum gy_role role, const char *ns);

struct gy_auth_options {
    const char *group;                /* its members are admin on the unix socket; NULL = none */
    const char *const *allowed_hosts; /* besides addresses and localhost; NULL-terminated or NULL */
    struct gy_rate_rule rate;         /* of one identity; per_second 0 = 100, burst 0 = 500 */
};
struct gy_auth;
struct gy_auth *gy_auth_create(const struct gy_auth_options *options);
void gy_auth_destroy(struct gy_auth *auth);
void gy_auth_set_tokens(struct gy_auth *auth, struct gy_tokens *take);
/* A gy_http_guard: sets the request's caller (struct gy_caller) or answers 400, 401, 403 or 429. */
bool gy_auth_guard(void *auth, struct gy_http_request *req);

/* Pieces of it, for tests. */
struct gy_caller *gy_auth_by_token(struct gy_auth *auth, const char *token);
enum gy_role gy_auth_role_of_uid(struct gy_auth *auth, uid_t uid, gid_t gid);
bool gy_auth_host_is_fine(struct gy_auth *auth, const char *host);
bool gy_auth_origin_is_fine(struct gy_auth *auth, const char *origin);
void gy_caller_free(void *caller);

#endif
