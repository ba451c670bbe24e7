/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/depends.h"
#include "model/key.h"

struct counts {
    int64_t started, ready, completed, failed;
};

static struct counts count(const struct app *app)
{
    struct counts n = {0};
    const struct pod *pod;
    DL_FOREACH (app->pods, pod) {
        if (!pod->has_status) continue;
        int state = pod->status.state;
        if (gy_cluster_pod_is_ready(pod)) n.ready++;
        if (state == GY_POD_RUNNING || state == GY_POD_READY) n.started++;
        if (state == GY_POD_ENDED && pod->status.outcome == GY_OUTCOME_COMPLETED) {
            n.completed++;
            n.started++;
        }
        if (state == GY_POD_ENDED && pod->status.outcome == GY_OUTCOME_FAILED) n.failed++;
    }
    return n;
}

static char *missing(const struct app *other, const struct gy_depends *d)
{
    struct counts n = count(other);
    int64_t want = other->spec.mode == GY_APP_GLOBAL ? 1 : other->spec.replicas;
    switch (d->condition) {
    case GY_DEPENDS_STARTED:
        return n.started >= want ? NULL
                                 : gy_printf("waits for %s to start (%lld of %lld pods run)",
                                             d->app, (long long)n.started, (long long)want);
    case GY_DEPENDS_HEALTHY:
        return n.ready >= want ? NULL
                               : gy_printf("waits for %s to be healthy (%lld of %lld pods are)",
                                           d->app, (long long)n.ready, (long long)want);
    default: break;
    }
    if (n.completed >= want) return NULL;
    if (n.failed)
        return gy_printf("waits for %s to complete, which failed: see `gantry logs %s`", d->app,
                         d->app);
    return gy_printf("waits for %s to complete (%lld of %lld pods have)", d->app,
                     (long long)n.completed, (long long)want);
}

char *gy_depends_missing(struct gy_engine *e, const struct app *app)
{
    for (size_t i = 0; i < app->spec.depends_on.n; i++) {
        const struct gy_depends *d = GY_AT(struct gy_depends, app->spec.depends_on, i);
        char key[GY_KEY_MAX];
        gy_key_app(app->spec.ns, app->spec.project, d->app, key);
        struct app *other;
        HASH_FIND(hh, e->apps_by_key, key, strlen(key), other);
        if (!other || !other->has_spec) {
            if (!d->required) continue;
            return gy_printf("waits for %s, which is not there", d->app);
        }
        char *text = missing(other, d);
        bool ignored =
            text && !d->required && d->condition == GY_DEPENDS_COMPLETED && count(other).failed > 0;
        if (text && !ignored) return text;
        free(text);
    }
    return NULL;
}
