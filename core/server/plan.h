/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of a project means: checks across apps, and the plan in words.  Pure. */
#ifndef GY_SERVER_PLAN_H
#define GY_SERVER_PLAN_H

#include "model/app.h"

enum gy_plan_action {
    GY_PLAN_NONE,
    GY_PLAN_CREATE,
    GY_PLAN_UPDATE,  /* same pods */
    GY_PLAN_REPLACE, /* new pods  */
    GY_PLAN_SCALE,
    GY_PLAN_REMOVE
};
extern const char *const gy_plan_action_names[];

struct gy_plan_step {
    char *app;
    enum gy_plan_action action;
    char *text; /* "web 2 → 5", "web: new (2 pods)", "api: changed: image", "old: removed" */
};

struct gy_plan {
    struct gy_plan_step *steps; /* as the new apps, then those that go */
    size_t n, cap;
    struct gy_strs warnings;
};

struct gy_plan_input {
    struct gy_app *const
        *wanted; /* the project as it shall be; generation and created_ms are set */
    size_t wanted_count;
    const struct gy_app *const *present; /* the project as it is */
    size_t present_count;
    /* Every other app of the cluster, one after the other; NULL at the end. */
    const struct gy_app *(*next_other)(void *arg);
    void *arg;
    int64_t now_ms;
    /* Of the store.  A new app's generation is above it, and so one that a former app of that name,
     * whose pods may still be there, never had: a generation grows by at most one with a revision.
     */
    uint64_t revision;
};

/* EINVAL with the path: a missing or circular dependency, a doubled name, a port that another app
 * has.  out is then empty. */
gantry_status gy_plan_make(const struct gy_plan_input *in, struct gy_plan *out, char path[128],
                           struct gy_error *err);
void gy_plan_fini(struct gy_plan *plan);
/* {"warnings":[...],"plan":[...]} */
json_t *gy_plan_json(const struct gy_plan *plan);

#endif
