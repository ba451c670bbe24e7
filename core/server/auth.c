/* SPDX-License-Identifier: Apache-2.0 */
#include "server/auth.h"

#include "base/log.h"
#include "base/time.h"
#include "net/address.h"
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>
#include <uthash.h>

#define BUCKETS_MAX 4096
#define GROUPS_MAX 256

struct bucket {
    char name[96];
    struct gy_rate rate;
    UT_hash_handle hh;
};
struct gy_auth {
    char *group;
    struct gy_strs hosts;
    struct gy_rate_rule rule;
    struct gy_tokens tokens;
    struct bucket *buckets;
    int64_t refused_log_ms; /* a warning a second at most */
};

struct gy_auth *gy_auth_create(const struct gy_auth_options *options)
{
    GY_ASSERT(sodium_init() >= 0);
    struct gy_auth *auth = gy_alloc(sizeof *auth);
    auth->group = gy_strdup(options->group);
    auth->rule = options->rate;
    if (!auth->rule.per_second) auth->rule.per_second = 100;
    if (!auth->rule.burst) auth->rule.burst = 500;
    for (const char *const *h = options->allowed_hosts; h && *h; h++)
        gy_strs_add(&auth->hosts, *h);
    return auth;
}

void gy_auth_destroy(struct gy_auth *auth)
{
    if (!auth) return;
    struct bucket *b, *next;
    HASH_ITER (hh, auth->buckets, b, next) {
        HASH_DEL(auth->buckets, b);
        free(b);
    }
    gy_tokens_fini(&auth->tokens);
    for (size_t i = 0; i < auth->hosts.n; i++)
        free(auth->hosts.items[i]);
    free(auth->hosts.items);
    free(auth->group);
    free(auth);
}

void gy_auth_set_tokens(struct gy_auth *auth, struct gy_tokens *take)
{
    gy_tokens_fini(&auth->tokens);
    auth->tokens = *take;
    *take = (struct gy_tokens){0};
}

void gy_caller_free(void *arg)
{
    struct gy_caller *caller = arg;
    if (!caller) return;
    for (size_t i = 0; i < caller->namespaces.n; i++)
        free(caller->namespaces.items[i]);
    free(caller->namespaces.items);
    free(caller);
}

bool gy_caller_may(const struct gy_caller *caller, enum gy_role role, const char *ns)
{
    if (caller->role < role) return false;
    if (!caller->namespaces.n) return true;
    return ns && gy_strs_has(&caller->namespaces, ns);
}

struct gy_caller *gy_auth_by_token(struct gy_auth *auth, const char *token)
{
    uint8_t hash[GY_TOKEN_HASH_BYTES];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)token, strlen(token), NULL, 0);
    const struct gy_token *found = NULL;
    for (size_t i = 0; i < auth->tokens.n; i++) /* all of them: time tells nothing */
        if (!sodium_memcmp(hash, auth->tokens.items[i].hash, sizeof hash))
            found = &auth->tokens.items[i];
    if (!found) return NULL;
    struct gy_caller *caller = gy_alloc(sizeof *caller);
    snprintf(caller->name, sizeof caller->name, "token:%.80s", found->name);
    caller->role = found->role;
    for (size_t i = 0; i < found->namespaces.n; i++)
        gy_strs_add(&caller->namespaces, found->namespaces.items[i]);
    return caller;
}

enum gy_role gy_auth_role_of_uid(struct gy_auth *auth, uid_t uid, gid_t gid)
{
    if (uid == 0 || uid == geteuid()) return GY_ROLE_ADMIN;
    char space[4096];
    struct group entry, *group = NULL;
    if (!auth->group || getgrnam_r(auth->group, &entry, space, sizeof space, &group) || !group)
        return GY_ROLE_NONE;
    if (gid == group->gr_gid) return GY_ROLE_ADMIN;
    char names[4096];
    struct passwd user, *found = NULL;
    if (getpwuid_r(uid, &user, names, sizeof names, &found) || !found) return GY_ROLE_NONE;
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    if (getgrouplist(user.pw_name, user.pw_gid, groups, &n) < 0) return GY_ROLE_NONE;
    for (int i = 0; i < n; i++)
        if (groups[i] == group->gr_gid) return GY_ROLE_ADMIN;
    return GY_ROLE_NONE;
}

/* A page of a foreign site whose name was made to point here must not get through (DNS rebinding):
 * names are refused unless they are known; addresses cannot be rebound. */
bool gy_auth_host_is_fine(struct gy_auth *auth, const char *host)
{
    struct gy_address address;
    if (!host || !host[0]) return false;
    if (gy_address_parse(host, &address, NULL) == GANTRY_OK) return true;
    char name[256];
    const char *colon = strrchr(host, ':');
    const char *end = colon && !strchr(colon, ']') ? colon : host + strlen(host);
    snprintf(name, sizeof name, "%.*s", (int)(end - host < 255 ? end - host : 255), host);
    if (gy_address_make(name, 0, &address, NULL) == GANTRY_OK) return true;
    return gy_strs_has(&auth->hosts, name);
}

bool gy_auth_origin_is_fine(struct gy_auth *auth, const char *origin)
{
    const char *host = strstr(origin, "://");
    if (!host) return false;
    host += 3;
    char name[256];
    const char *end = host + strcspn(host, ":/");
    snprintf(name, sizeof name, "%.*s", (int)(end - host < 255 ? end - host : 255), host);
    return gy_strs_has(&auth->hosts, name);
}

static bool take_rate(struct gy_auth *auth, const char *name, int64_t *retry_ms)
{
    int64_t now_ms = gy_time_mono_ms();
    struct bucket *b = NULL, *next;
    HASH_FIND_STR(auth->buckets, name, b);
    if (!b) {
        if (HASH_COUNT(auth->buckets) >= BUCKETS_MAX) {
            struct bucket *old;
            HASH_ITER (hh, auth->buckets, old, next) {
                if (!gy_rate_is_full(&old->rate, &auth->rule, now_ms)) continue;
                HASH_DEL(auth->buckets, old);
                free(old);
            }
        }
        b = gy_alloc(sizeof *b);
        snprintf(b->name, sizeof b->name, "%s", name);
        HASH_ADD_STR(auth->buckets, name, b);
    }
    return gy_rate_take(&b->rate, &auth->rule, now_ms, retry_ms);
}

static void log_refusal(struct gy_auth *auth, struct gy_http_request *req, const char *why)
{
    int64_t now_ms = gy_time_mono_ms();
    if (now_ms - auth->refused_log_ms < 1000) return;
    auth->refused_log_ms = now_ms;
    char peer[GY_ADDRESS_FULL_MAX];
    gy_address_format(gy_http_peer(req), peer);
    gy_log(GY_LOG_WARN, "server", "refused a request peer=%s method=%s path=%.200s why=\"%s\"",
           peer, gy_http_method(req), gy_http_path(req), why);
}

static struct gy_caller *identify(struct gy_auth *auth, struct gy_http_request *req)
{
    uid_t uid;
    gid_t gid;
    if (gy_http_peer_unix(req, &uid, &gid, NULL)) {
        struct gy_caller *caller = gy_alloc(sizeof *caller);
        snprintf(caller->name, sizeof caller->name, "uid:%u", (unsigned)uid);
        caller->role = gy_auth_role_of_uid(auth, uid, gid);
        if (caller->role) return caller;
        free(caller);
        log_refusal(auth, req, "not root and not in the group");
        gy_http_reply_error(req, 403, "EINVAL", NULL,
                            "user %u may not use this socket: become root or a member of group %s",
                            (unsigned)uid, auth->group ? auth->group : "gantry");
        return NULL;
    }
    const char *given = gy_http_header(req, "Authorization");
    if (given && !strncasecmp(given, "Bearer ", 7)) {
        struct gy_caller *caller = gy_auth_by_token(auth, given + 7);
        if (caller) return caller;
    }
    char peer[GY_ADDRESS_FULL_MAX] = "tcp:";
    snprintf(peer + 4, sizeof peer - 4, "%.100s", gy_http_peer(req)->text);
    int64_t retry_ms;
    if (!take_rate(auth, peer, &retry_ms)) { /* guessing is slow */
        gy_http_reply_header(req, "Retry-After", "1");
        gy_http_reply_error(req, 429, "EBUSY", NULL, "too many requests without a valid token");
        return NULL;
    }
    log_refusal(auth, req, given ? "unknown token" : "no token");
    gy_http_reply_header(req, "WWW-Authenticate", "Bearer realm=\"gantry\"");
    gy_http_reply_error(req, 401, "EINVAL", NULL,
                        given ? "the token is not known here"
                              : "a token is needed: send \"Authorization: Bearer TOKEN\"");
    return NULL;
}

bool gy_auth_guard(void *arg, struct gy_http_request *req)
{
    struct gy_auth *auth = arg;
    const char *origin = gy_http_header(req, "Origin"), *host = gy_http_header(req, "Host");
    if (origin && !gy_auth_origin_is_fine(auth, origin)) {
        log_refusal(auth, req, "foreign origin");
        gy_http_reply_error(req, 403, "EINVAL", NULL, "requests from the page %.100s are refused",
                            origin);
        return false;
    }
    if (!gy_http_peer_unix(req, NULL, NULL, NULL) && !gy_auth_host_is_fine(auth, host)) {
        log_refusal(auth, req, "foreign host");
        gy_http_reply_error(req, 403, "EINVAL", NULL,
                            "the host \"%.100s\" is not one of this server's; allowed_hosts in its "
                            "config names others",
                            host ? host : "");
        return false;
    }
    struct gy_caller *caller = identify(auth, req);
    if (!caller) return false;
    int64_t retry_ms;
    if (!take_rate(auth, caller->name, &retry_ms)) {
        char seconds[32];
        snprintf(seconds, sizeof seconds, "%lld", (long long)((retry_ms + 999) / 1000));
        gy_http_reply_header(req, "Retry-After", seconds);
        gy_http_reply_error(req, 429, "EBUSY", NULL,
                            "%s sends more than %lld requests a second; try again in %s s",
                            caller->name, (long long)auth->rule.per_second, seconds);
        gy_caller_free(caller);
        return false;
    }
    gy_http_set_caller(req, caller, gy_caller_free);
    return true;
}
