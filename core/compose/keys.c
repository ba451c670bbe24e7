/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/keys.h"

#define S GY_COMPOSE_SUPPORTED
#define W GY_COMPOSE_WARNED
#define R GY_COMPOSE_REFUSED
#define SERVICE "services.*"
#define DEPLOY SERVICE ".deploy"
#define RESOURCES DEPLOY ".resources"
#define GANTRY SERVICE ".x-gantry"
#define PORT SERVICE ".ports[]"

/* The keys of the Compose specification.  doc: SUPPORTED: what it means here; WARNED: the warning;
 * REFUSED: what to do instead, behind "not supported yet". */
static const struct gy_compose_key keys[] = {
    {"", "version", W, "has no effect and can go: the Compose Specification has no versions"},
    {"", "name", S, "name of the project; -p and COMPOSE_PROJECT_NAME win"},
    {"", "include", S, "short and long; the API reads no files and refuses it"},
    {"", "services", S, "each service becomes an app"},
    {"", "networks", R, "only `default` is there: leave the key out"},
    {"", "volumes", R, NULL},
    {"", "secrets", R, NULL},
    {"", "configs", R, NULL},
    {"", "models", R, NULL},

    {SERVICE, "annotations", W, "has no effect; use labels"},
    {SERVICE, "attach", W, "has no effect: `gantry logs -f` shows what you ask for"},
    {SERVICE, "blkio_config", R, NULL},
    {SERVICE, "build", R, NULL}, /* has a sentence of its own */
    {SERVICE, "cap_add", R, NULL},
    {SERVICE, "cap_drop", R, NULL},
    {SERVICE, "cgroup", R, NULL},
    {SERVICE, "cgroup_parent", R, NULL},
    {SERVICE, "command", S, "a list, or a string that is split as a shell would"},
    {SERVICE, "configs", R, NULL},
    {SERVICE, "container_name", W, "has no effect: pods are named project-service-slot"},
    {SERVICE, "cpu_count", R, "use deploy.resources.limits.cpus"},
    {SERVICE, "cpu_percent", R, "use deploy.resources.limits.cpus"},
    {SERVICE, "cpu_period", R, "use deploy.resources.limits.cpus"},
    {SERVICE, "cpu_quota", R, "use deploy.resources.limits.cpus"},
    {SERVICE, "cpu_rt_period", R, NULL},
    {SERVICE, "cpu_rt_runtime", R, NULL},
    {SERVICE, "cpu_shares", R, "use deploy.resources.reservations.cpus"},
    {SERVICE, "cpus", S, "as deploy.resources.limits.cpus"},
    {SERVICE, "cpuset", R, NULL},
    {SERVICE, "credential_spec", R, NULL},
    {SERVICE, "depends_on", S, "short and long, with condition and required"},
    {SERVICE, "deploy", S, NULL},
    {SERVICE, "develop", W, "has no effect"},
    {SERVICE, "device_cgroup_rules", R, NULL},
    {SERVICE, "devices", R, NULL},
    {SERVICE, "dns", R, NULL},
    {SERVICE, "dns_opt", R, NULL},
    {SERVICE, "dns_search", R, NULL},
    {SERVICE, "domainname", R, NULL},
    {SERVICE, "entrypoint", S, "a list, or a string that is split as a shell would"},
    {SERVICE, "env_file", S, "string, list, {path, required, format: raw}; refused by the API"},
    {SERVICE, "environment", S, "map or list; a name without a value takes it from outside"},
    {SERVICE, "expose", W, "has no effect: it only documents a port; use ports"},
    {SERVICE, "extends", S, "a service of this file, or {service, file}"},
    {SERVICE, "external_links", R, NULL},
    {SERVICE, "extra_hosts", R, NULL},
    {SERVICE, "gpus", R, NULL},
    {SERVICE, "group_add", R, NULL},
    {SERVICE, "healthcheck", S, "an unhealthy container is restarted"},
    {SERVICE, "hostname", S, "of every pod of the service"},
    {SERVICE, "image", S, "absent: a process on the host"},
    {SERVICE, "init", S, NULL},
    {SERVICE, "ipc", R, NULL},
    {SERVICE, "isolation", R, NULL},
    {SERVICE, "label_file", R, "use labels"},
    {SERVICE, "labels", S, "of each container"},
    {SERVICE, "links", R, "use depends_on; services find each other by name"},
    {SERVICE, "logging", W, "has no effect: gantry keeps and rotates logs itself"},
    {SERVICE, "mac_address", R, NULL},
    {SERVICE, "mem_limit", S, "as deploy.resources.limits.memory"},
    {SERVICE, "mem_reservation", S, "as deploy.resources.reservations.memory"},
    {SERVICE, "mem_swappiness", R, NULL},
    {SERVICE, "memswap_limit", R, NULL},
    {SERVICE, "models", R, NULL},
    {SERVICE, "network_mode", R, NULL},
    {SERVICE, "networks", R, "only `default` is there: leave the key out"},
    {SERVICE, "oom_kill_disable", R, NULL},
    {SERVICE, "oom_score_adj", R, NULL},
    {SERVICE, "pid", R, NULL},
    {SERVICE, "pids_limit", S, "as deploy.resources.limits.pids"},
    {SERVICE, "platform", S, "becomes a constraint on node.platform.os and node.platform.arch"},
    {SERVICE, "ports", S, "short and long, ranges, mode ingress or host"},
    {SERVICE, "post_start", R, NULL},
    {SERVICE, "pre_start", R, NULL},
    {SERVICE, "pre_stop", R, NULL},
    {SERVICE, "privileged", R, NULL},
    {SERVICE, "profiles", S, "the service is there when one of them is active"},
    {SERVICE, "provider", R, NULL},
    {SERVICE, "pull_policy", S, "missing, if_not_present, always, never"},
    {SERVICE, "pull_refresh_after", R, NULL},
    {SERVICE, "read_only", R, NULL},
    {SERVICE, "restart", S, "no, always, on-failure[:n], unless-stopped"},
    {SERVICE, "runtime", R, "use x-gantry: {driver: NAME}"},
    {SERVICE, "scale", S, "as deploy.replicas"},
    {SERVICE, "secrets", R, NULL},
    {SERVICE, "security_opt", R, NULL},
    {SERVICE, "shm_size", R, NULL},
    {SERVICE, "stdin_open", S, NULL},
    {SERVICE, "stop_grace_period", S, "10s unless said"},
    {SERVICE, "stop_signal", S, "name or number"},
    {SERVICE, "storage_opt", R, NULL},
    {SERVICE, "sysctls", R, NULL},
    {SERVICE, "tmpfs", R, NULL},
    {SERVICE, "tty", S, NULL},
    {SERVICE, "ulimits", S, "a number, or {soft, hard}; -1 = unlimited"},
    {SERVICE, "use_api_socket", R, NULL},
    {SERVICE, "user", S, "name or uid, with :group if wanted"},
    {SERVICE, "userns_mode", R, NULL},
    {SERVICE, "uts", R, NULL},
    {SERVICE, "volumes", R, NULL},
    {SERVICE, "volumes_from", R, NULL},
    {SERVICE, "working_dir", S, NULL},
    {SERVICE, "x-gantry", S, "what Compose cannot say"},

    {SERVICE ".healthcheck", "disable", S, NULL},
    {SERVICE ".healthcheck", "interval", S, "30s unless said"},
    {SERVICE ".healthcheck", "retries", S, "3 unless said"},
    {SERVICE ".healthcheck", "start_interval", S, "5s unless said"},
    {SERVICE ".healthcheck", "start_period", S, "0s unless said"},
    {SERVICE ".healthcheck", "test", S, "string, or [CMD, ...], [CMD-SHELL, ...], [NONE]"},
    {SERVICE ".healthcheck", "timeout", S, "30s unless said"},

    {PORT, "app_protocol", W, "has no effect"},
    {PORT, "host_ip", S, NULL},
    {PORT, "mode", S, "ingress: one port for all pods; host: the pod itself, one pod a node"},
    {PORT, "name", S, NULL},
    {PORT, "protocol", S, "tcp or udp"},
    {PORT, "published", S, NULL},
    {PORT, "target", S, NULL},

    {DEPLOY, "endpoint_mode", R, "vip, the default, is what there is"},
    {DEPLOY, "labels", S, "of the app"},
    {DEPLOY, "mode", S, "replicated, global, replicated-job"},
    {DEPLOY, "placement", S, NULL},
    {DEPLOY, "replicas", S, NULL},
    {DEPLOY, "resources", S, NULL},
    {DEPLOY, "restart_policy", S, "wins over restart"},
    {DEPLOY, "rollback_config", R, NULL},
    {DEPLOY, "update_config", S, NULL},
    {DEPLOY ".placement", "constraints", S, "node.labels.disk == ssd"},
    {DEPLOY ".placement", "max_replicas_per_node", S, NULL},
    {DEPLOY ".placement", "preferences", S, "[{spread: node.labels.zone}]"},
    {RESOURCES, "limits", S, NULL},
    {RESOURCES, "reservations", S, "what is kept free on the node"},
    {RESOURCES ".limits", "cpus", S, NULL},
    {RESOURCES ".limits", "memory", S, NULL},
    {RESOURCES ".limits", "pids", S, NULL},
    {RESOURCES ".reservations", "cpus", S, NULL},
    {RESOURCES ".reservations", "devices", R, NULL},
    {RESOURCES ".reservations", "generic_resources", R, NULL},
    {RESOURCES ".reservations", "memory", S, NULL},
    {DEPLOY ".restart_policy", "condition", S, "none, on-failure, any"},
    {DEPLOY ".restart_policy", "delay", S, "doubles with each restart; 1s unless said"},
    {DEPLOY ".restart_policy", "max_attempts", S, NULL},
    {DEPLOY ".restart_policy", "window", S, "running this long counts as a success"},
    {DEPLOY ".update_config", "delay", S, NULL},
    {DEPLOY ".update_config", "failure_action", R, NULL},
    {DEPLOY ".update_config", "max_failure_ratio", R, NULL},
    {DEPLOY ".update_config", "monitor", R, NULL},
    {DEPLOY ".update_config", "order", S, "stop-first, start-first"},
    {DEPLOY ".update_config", "parallelism", S, NULL},

    {GANTRY, "affinity", S, "apps to be near: [name], or [{app: name, soft: true}]"},
    {GANTRY, "anti_affinity", S, "apps to keep away from, written the same way"},
    {GANTRY, "at_most_one", S, "never two copies, even when a node is unreachable"},
    {GANTRY, "driver", S, "name of the driver that runs the pods"},
    {GANTRY, "grace", S, "how long a pod of an unreachable node is waited for; 30s unless said"},
    {GANTRY, "health", S, "{http: {path, port}} or {tcp: {port}}"},
    {GANTRY, "job", S, "true: runs to completion, as deploy.mode: replicated-job"},
    {GANTRY, "max_per_node", S, "as deploy.placement.max_replicas_per_node"},
    {GANTRY, "max_restart_delay", S,
     "where the doubling of the restart delay ends; 5m unless said"},
    {GANTRY, "pod", S, "services that name the same pod become the containers of one pod"},
    {GANTRY, "progress_deadline", S, "how long a step of an update may take; 10m unless said"},
    {GANTRY, "strategy", S, "name of the placement strategy"},
};

const struct gy_compose_key *gy_compose_keys(size_t *n)
{
    *n = sizeof keys / sizeof *keys;
    return keys;
}

static const struct gy_compose_key *find(const char *where, const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].where, where) && !strcmp(keys[i].name, name)) return &keys[i];
    return NULL;
}

static gantry_status unknown(struct gy_loader *l, const struct gy_yaml *y, const char *where)
{
    const char *names[sizeof keys / sizeof *keys];
    size_t n = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].where, where)) names[n++] = keys[i].name;
    const char *near = gy_nearest(y->key, names, n);
    if (near) return gy_compose_fail(l, y, "unknown key, did you mean \"%s\"?", near);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].name, y->key) && *keys[i].where)
            return gy_compose_fail(l, y, "unknown key here; it belongs to %s", keys[i].where);
    return gy_compose_fail(l, y, "unknown key; keys of your own begin with x-");
}

static bool asks_for_nothing(const struct gy_yaml *y)
{
    return gy_yaml_is_empty(y) || (y->kind == GY_YAML_SCALAR && !strcmp(y->text, "false"));
}

/* The default network, written out: {default: }, [default]. */
static bool is_default_network(const struct gy_yaml *y)
{
    if (strcmp(y->key, "networks") != 0 || y->n != 1) return false;
    const struct gy_yaml *item = y->items[0];
    if (y->kind == GY_YAML_LIST)
        return item->kind == GY_YAML_SCALAR && !strcmp(item->text, "default");
    return !strcmp(item->key, "default") && gy_yaml_is_empty(item);
}

static gantry_status refuse_build(struct gy_loader *l, const struct gy_yaml *y)
{
    const char *name = y->up && y->up->key ? y->up->key : "NAME";
    const struct gy_yaml *image = gy_yaml_value(y->up, "image"), *context = y;
    if (y->kind == GY_YAML_MAP) context = gy_yaml_value(y, "context");
    const char *dir = context && context->kind == GY_YAML_SCALAR ? context->text : ".";
    if (image && image->kind == GY_YAML_SCALAR)
        return gy_compose_fail(l, y,
                               "gantry does not build images: run `docker build -t %.120s %.120s` "
                               "and take `build` out",
                               image->text, dir);
    return gy_compose_fail(l, y,
                           "gantry does not build images: run `docker build -t %.60s %.120s` and "
                           "write `image: %.60s` in the place of `build`",
                           name, dir, name);
}

static gantry_status check_key(struct gy_loader *l, const struct gy_yaml *y, const char *where,
                               bool lenient)
{
    if (!strcmp(y->key, "x-gantry") && !find(where, "x-gantry"))
        return gy_compose_fail(l, y, "belongs to a service: services.NAME.x-gantry");
    if (gy_starts_with(y->key, "x-") && strcmp(y->key, "x-gantry") != 0) return GANTRY_OK;
    const struct gy_compose_key *k = find(where, y->key);
    if (!k) return unknown(l, y, where);
    if (lenient || k->verdict == S) return GANTRY_OK;
    if (k->verdict == W) {
        gy_compose_warn(l, y, "%s", k->doc);
        return GANTRY_OK;
    }
    if (!strcmp(y->key, "build") && y->kind != GY_YAML_NULL) return refuse_build(l, y);
    if (asks_for_nothing(y)) return GANTRY_OK;
    if (is_default_network(y)) {
        gy_compose_warn(l, y, "has no effect: every app is in the default network");
        return GANTRY_OK;
    }
    const char *fine = !strcmp(y->key, "endpoint_mode")    ? "vip"
                       : !strcmp(y->key, "failure_action") ? "pause"
                                                           : NULL;
    if (fine && y->kind == GY_YAML_SCALAR && !strcmp(y->text, fine)) return GANTRY_OK;
    return gy_compose_fail(l, y, "not supported yet%s%s", k->doc ? "; " : "", k->doc ? k->doc : "");
}

gantry_status gy_compose_check_keys(struct gy_loader *l, const struct gy_yaml *map,
                                    const char *where, bool lenient)
{
    gantry_status status = gy_compose_is_map(l, map);
    for (size_t i = 0; i < map->n && !status; i++)
        status = check_key(l, map->items[i], where, lenient);
    return status;
}

gantry_status gy_compose_check_top(struct gy_loader *l, const struct gy_yaml *top)
{
    return gy_compose_check_keys(l, top, "", false);
}

/* The map at a path of keys below y, checked when it is there. */
static gantry_status check_below(struct gy_loader *l, const struct gy_yaml *y, const char *key,
                                 const char *where, bool lenient)
{
    const struct gy_yaml *map = gy_yaml_value(y, key);
    return map ? gy_compose_check_keys(l, map, where, lenient) : GANTRY_OK;
}

static gantry_status check_deploy(struct gy_loader *l, const struct gy_yaml *deploy, bool lenient)
{
    static const char *const maps[][2] = {
        {"placement", DEPLOY ".placement"},
        {"resources", RESOURCES},
        {"restart_policy", DEPLOY ".restart_policy"},
        {"update_config", DEPLOY ".update_config"},
    };
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < sizeof maps / sizeof *maps && !status; i++)
        status = check_below(l, deploy, maps[i][0], maps[i][1], lenient);
    const struct gy_yaml *resources = gy_yaml_value(deploy, "resources");
    if (!status) status = check_below(l, resources, "limits", RESOURCES ".limits", lenient);
    if (!status)
        status = check_below(l, resources, "reservations", RESOURCES ".reservations", lenient);
    return status;
}

gantry_status gy_compose_check_service(struct gy_loader *l, const struct gy_yaml *service,
                                       bool lenient)
{
    gantry_status status = gy_compose_check_keys(l, service, SERVICE, lenient);
    if (!status) status = check_below(l, service, "healthcheck", SERVICE ".healthcheck", lenient);
    if (!status) status = check_below(l, service, "deploy", DEPLOY, lenient);
    if (!status) status = check_deploy(l, gy_yaml_value(service, "deploy"), lenient);
    if (!status) status = check_below(l, service, "x-gantry", GANTRY, lenient);
    const struct gy_yaml *ports = gy_yaml_value(service, "ports");
    for (size_t i = 0; !status && ports && ports->kind == GY_YAML_LIST && i < ports->n; i++)
        if (ports->items[i]->kind == GY_YAML_MAP)
            status = gy_compose_check_keys(l, ports->items[i], PORT, lenient);
    return status;
}
