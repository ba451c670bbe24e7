/* SPDX-License-Identifier: Apache-2.0 */
/* Who an app runs as.  Names are looked up here: the shim is static and has no name services. */
#include "process.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 256
#define NAMES_MAX 16384
#define NO_GROUP 65534 /* for a number that no account has */

static bool number(const char *text, unsigned *out)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    unsigned long n = strtoul(text, &end, 10);
    *out = (unsigned)n;
    return !*end && n < UINT32_MAX;
}

static bool look_up_user(const char *name, char *store, struct passwd *out, bool *known)
{
    struct passwd *found = NULL;
    unsigned n;
    *known = false;
    if (number(name, &n)) {
        *out = (struct passwd){.pw_uid = n, .pw_gid = NO_GROUP};
        struct passwd by_id;
        if (getpwuid_r(n, &by_id, store, NAMES_MAX, &found) == 0 && found)
            *out = by_id, *known = true;
        return true;
    }
    return *known = getpwnam_r(name, out, store, NAMES_MAX, &found) == 0 && found;
}

static bool look_up_group(const char *name, gid_t *out)
{
    struct group group, *found = NULL;
    char store[NAMES_MAX];
    unsigned n;
    if (number(name, &n)) return *out = n, true;
    if (getgrnam_r(name, &group, store, sizeof store, &found) != 0 || !found) return false;
    *out = group.gr_gid;
    return true;
}

/* "name", "name:group", "1000", "1000:1000" */
static gantry_status resolve(const char *asked, struct process_user *out, struct process_failure *f)
{
    char store[NAMES_MAX], name[256];
    struct passwd who;
    bool known;
    const char *colon = strchr(asked, ':');
    snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - asked) : 255, asked);
    if (!look_up_user(name, store, &who, &known))
        return process_fail(f, GANTRY_EINVAL, "user %s does not exist on this node", name);
    *out = (struct process_user){.set = true, .uid = who.pw_uid, .gid = who.pw_gid};
    if (colon && !look_up_group(colon + 1, &out->gid))
        return process_fail(f, GANTRY_EINVAL, "group %s does not exist on this node", colon + 1);
    out->groups = process_alloc(GROUPS_MAX, sizeof *out->groups);
    out->group_count = GROUPS_MAX;
    if (colon || !known ||
        getgrouplist(who.pw_name, who.pw_gid, out->groups, &out->group_count) < 0) {
        out->groups[0] = out->gid;
        out->group_count = 1;
    }
    return GANTRY_OK;
}

static bool is_listed(const struct process_driver *d, const char *asked, uid_t uid)
{
    for (char **user = d->users; *user; user++) {
        struct process_user other = {0};
        struct process_failure ignored;
        bool same = !strcmp(*user, asked) ||
                    (resolve(*user, &other, &ignored) == GANTRY_OK && other.uid == uid);
        process_user_fini(&other);
        if (same) return true;
    }
    return false;
}

/* A group named in `user: name:group` gives rights of its own: only one that the account has
 * anyway, or the pair word for word as the operator wrote it. */
static bool may_have_group(const struct process_driver *d, const char *asked, const char *fallback,
                           gid_t gid)
{
    const char *colon = strchr(asked, ':');
    if (!colon || !strcmp(asked, fallback)) return true;
    for (char **user = d->users; *user; user++)
        if (!strcmp(*user, asked)) return true;
    char name[256];
    struct process_user own = {0};
    struct process_failure ignored;
    snprintf(name, sizeof name, "%.*s", (int)(colon - asked), asked);
    bool has = resolve(name, &own, &ignored) == GANTRY_OK && own.gid == gid;
    for (int i = 0; i < own.group_count && !has; i++)
        has = own.groups[i] == gid;
    process_user_fini(&own);
    return has;
}

static gantry_status find_unprivileged(const char *asked, struct process_user *out,
                                       struct process_failure *f)
{
    struct process_user wanted = {0};
    *out = (struct process_user){0};
    if (!*asked) return GANTRY_OK;
    gantry_status status = resolve(asked, &wanted, f);
    uid_t uid = wanted.uid;
    process_user_fini(&wanted);
    if (status == GANTRY_OK && uid != geteuid())
        status = process_fail(f, GANTRY_EINVAL,
                              "user %s is not possible: gantryd does not run as root, so every app "
                              "runs as its user (uid %u); leave `user` out",
                              asked, (unsigned)geteuid());
    return status;
}

gantry_status process_user_find(const struct process_driver *d, const char *asked,
                                struct process_user *out, struct process_failure *f)
{
    const char *fallback = *d->default_user ? d->default_user : "nobody";
    struct process_user usual = {0};
    if (geteuid() != 0) return find_unprivileged(asked, out, f);
    gantry_status status = resolve(*asked ? asked : fallback, out, f);
    if (status != GANTRY_OK) return status;
    if (out->uid == 0 && !d->allow_root) {
        process_user_fini(out);
        return process_fail(
            f, GANTRY_EINVAL,
            "user %s is root, which this node does not permit; name another user, or "
            "set allow_root = true for the process driver",
            *asked ? asked : fallback);
    }
    if (!*asked || d->allow_root) return GANTRY_OK;
    status = resolve(fallback, &usual, f);
    bool same = status == GANTRY_OK && usual.uid == out->uid;
    process_user_fini(&usual);
    bool listed = same || is_listed(d, asked, out->uid);
    bool grouped = may_have_group(d, asked, fallback, out->gid);
    if (listed && grouped) return GANTRY_OK;
    process_user_fini(out);
    if (listed)
        return process_fail(f, GANTRY_EINVAL,
                            "user %s is not permitted on this node: the account is not in that "
                            "group; leave the group "
                            "out, or add \"%s\" to users = [...] of the process driver",
                            asked, asked);
    return process_fail(
        f, GANTRY_EINVAL,
        "user %s is not permitted on this node, apps run as %s; leave `user` out, or "
        "add it to users = [...] of the process driver",
        asked, fallback);
}

void process_user_entries(const struct process_user *u, struct process_buf *out)
{
    if (!u->set) return;
    process_buf_number(out, "uid", u->uid);
    process_buf_number(out, "gid", u->gid);
    for (int i = 0; i < u->group_count; i++)
        process_buf_number(out, "group", u->groups[i]);
}

void process_user_fini(struct process_user *u)
{
    free(u->groups);
    *u = (struct process_user){0};
}
