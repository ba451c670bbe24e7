/* SPDX-License-Identifier: Apache-2.0 */
/* Why is it so? */
#include "engine/depends.h"
#include "model/key.h"

static json_t *explain_pod(const struct pod *pod)
{
    json_t *out = json_object();
    json_object_set_new(out, "id", json_string(pod->id));
    json_object_set_new(out, "slot", json_integer(pod->rec.slot));
    json_object_set_new(out, "node", json_string(pod->rec.node));
    int state = pod->has_status ? pod->status.state : GY_POD_ASSIGNED;
    if (pod->node->state == GY_NODE_UNREACHABLE && state != GY_POD_ENDED) state = GY_POD_UNKNOWN;
    json_object_set_new(out, "state", json_string(gy_pod_state_names[state]));
    if (pod->rec.placement) json_object_set_new(out, "placement", json_string(pod->rec.placement));
    if (pod->rec.stop_reason)
        json_object_set_new(out, "stop_reason", json_string(pod->rec.stop_reason));
    if (pod->has_status && pod->status.reason)
        json_object_set_new(out, "reason", json_string(pod->status.reason));
    if (pod->has_status) json_object_set_new(out, "restarts", json_integer(pod->status.restarts));
    return out;
}

static gantry_status give(json_t *out, char **json)
{
    *json = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return *json ? GANTRY_OK : GANTRY_ENOMEM;
}

gantry_status gy_engine_explain_app(struct gy_engine *e, const char *ns, const char *project,
                                    const char *name, char **json, struct gy_error *err)
{
    char key[GY_KEY_MAX];
    gy_key_app(ns, project, name, key);
    struct app *app;
    HASH_FIND(hh, e->apps_by_key, key, strlen(key), app);
    if (!app || !app->has_spec)
        return gy_error_set(err, GANTRY_ENOTFOUND, "there is no app %s/%s in namespace %s", project,
                            name, ns);
    json_t *out = json_object(), *pods = json_array();
    json_object_set_new(out, "app", json_string(key + strlen(GY_KEY_APP)));
    json_object_set_new(out, "desired", json_integer(app->spec.replicas));
    const struct pod *pod;
    DL_FOREACH (app->pods, pod) {
        json_array_append_new(pods, explain_pod(pod));
    }
    json_object_set_new(out, "pods", pods);
    json_object_set_new(out, "waiting", json_integer((json_int_t)app->waiting.n));
    if (app->waiting.n) json_object_set_new(out, "reason", json_string(app->waiting.reason));
    struct ask ask;
    gy_filter_ask_init(e, app, &ask);
    gy_autofree char *text = gy_filter_explain(e, &ask);
    json_object_set_new(out, "nodes", json_string(text));
    gy_filter_ask_fini(&ask);
    return give(out, json);
}

gantry_status gy_engine_explain_pod(struct gy_engine *e, const char *id, char **json,
                                    struct gy_error *err)
{
    struct pod *pod;
    HASH_FIND_STR(e->pods_by_id, id, pod);
    if (!pod) return gy_error_set(err, GANTRY_ENOTFOUND, "there is no pod %s", id);
    return give(explain_pod(pod), json);
}
