/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pod_form.h"

#include "agent/ownership.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- names and expansion ---- */

static void name_number(struct gy_map *out, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    gy_map_set(out, name, text);
}

void gy_pod_names(const struct gy_pod *pod, const struct gy_container *container,
                  const struct gy_port_choices *ports, struct gy_map *out)
{
    *out = (struct gy_map){0};
    gy_map_set(out, "GANTRY_NAMESPACE", pod->ns);
    gy_map_set(out, "GANTRY_PROJECT", pod->project);
    gy_map_set(out, "GANTRY_APP", pod->app);
    gy_map_set(out, "GANTRY_POD_ID", pod->id);
    gy_map_set(out, "GANTRY_NODE", pod->node ? pod->node : "");
    name_number(out, "GANTRY_SLOT", (uint64_t)pod->slot);
    for (size_t i = 0; ports && i < ports->n; i++) {
        const struct gy_port_choice *p = &ports->items[i];
        uint16_t told = container->image ? p->target : p->host;
        char name[16];
        (void)snprintf(name, sizeof name, "PORT_%u", p->target);
        if (!gy_map_get(out, name)) name_number(out, name, told); /* 53/tcp before 53/udp */
        if (i == 0) name_number(out, "PORT", told);
    }
}

void gy_pod_names_fini(struct gy_map *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->items[i].key);
        free(names->items[i].value);
    }
    free(names->items);
    *names = (struct gy_map){0};
}

/* The value of the name that begins at `name` and ends at a '}', or NULL. */
static const char *value_at(const char *name, const struct gy_map *names, size_t *name_len)
{
    const char *end = strchr(name, '}');
    if (!end) return NULL;
    *name_len = (size_t)(end - name);
    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->items[i].key) == *name_len &&
            !memcmp(names->items[i].key, name, *name_len))
            return names->items[i].value;
    return NULL;
}

char *gy_pod_expand(const char *text, const struct gy_map *names)
{
    struct gy_buf out = {0};
    const char *open;
    while ((open = strstr(text, "${"))) {
        size_t len = 0;
        const char *value = value_at(open + 2, names, &len);
        gy_buf_add(&out, text, (size_t)(open - text));
        if (value)
            gy_buf_str(&out, value);
        else
            gy_buf_str(&out, "${");
        text = open + 2 + (value ? len + 1 : 0);
    }
    gy_buf_str(&out, text);
    return gy_buf_take(&out);
}

/* ---- addresses ---- */

void gy_pod_addresses(const struct gy_port_choices *ports, const char *address, struct gy_list *out)
{
    *out = (struct gy_list){0};
    for (size_t i = 0; ports && i < ports->n; i++) {
        struct gy_pod_address *a = gy_list_add(out, &gy_pod_address_shape);
        a->family = gy_strdup(strchr(address, ':') ? "ipv6" : "ipv4");
        a->text = gy_strdup(address);
        a->port = ports->items[i].host;
        a->target = ports->items[i].target;
    }
}

void gy_pod_addresses_fini(struct gy_list *addresses)
{
    for (size_t i = 0; i < addresses->n; i++)
        gy_shape_fini(&gy_pod_address_shape, GY_AT(struct gy_pod_address, *addresses, i));
    free(addresses->items);
    *addresses = (struct gy_list){0};
}

/* ---- the form ---- */

static void *own(struct gy_pod_form *f, void *p)
{
    GY_VEC_PUSH(f->owned, f->n, f->cap);
    f->owned[f->n++] = p;
    return p;
}

static void *make(struct gy_pod_form *f, size_t n, size_t bytes)
{
    return own(f, gy_alloc_array(n ? n : 1, bytes));
}

static gantry_str expanded(struct gy_pod_form *f, const char *text, const struct gy_map *names)
{
    return gy_str(own(f, gy_pod_expand(text, names)));
}

static const gantry_str *expanded_all(struct gy_pod_form *f, const struct gy_strs *texts,
                                      const struct gy_map *names)
{
    gantry_str *out = make(f, texts->n, sizeof *out);
    for (size_t i = 0; i < texts->n; i++)
        out[i] = expanded(f, texts->items[i], names);
    return out;
}

/* The app's environment, and over it what gantry says. */
static void put_env(struct gy_pod_form *f, const struct gy_map *env, const struct gy_map *names,
                    gantry_container *out)
{
    gantry_kv *kv = make(f, env->n + names->n, sizeof *kv);
    uint32_t n = 0;
    for (size_t i = 0; i < env->n; i++) {
        if (gy_map_get(names, env->items[i].key)) continue;
        const char *value = env->items[i].value ? env->items[i].value : "";
        kv[n].key = gy_str(env->items[i].key);
        kv[n++].value = expanded(f, value, names);
    }
    for (size_t i = 0; i < names->n; i++) {
        kv[n].key = gy_str(own(f, gy_strdup(names->items[i].key)));
        kv[n++].value = gy_str(own(f, gy_strdup(names->items[i].value)));
    }
    out->env = kv;
    out->env_count = n;
}

static const gantry_ulimit *const *put_ulimits(struct gy_pod_form *f, const struct gy_list *limits)
{
    const gantry_ulimit **list = make(f, limits->n, sizeof *list);
    for (size_t i = 0; i < limits->n; i++) {
        const struct gy_ulimit *from = GY_AT(struct gy_ulimit, *limits, i);
        gantry_ulimit *to = make(f, 1, sizeof *to);
        *to = (gantry_ulimit){.size = (uint32_t)sizeof *to,
                              .soft = from->soft,
                              .hard = from->hard,
                              .name = gy_str(from->name)};
        list[i] = to;
    }
    return list;
}

static const char *pull_policy_name(int policy)
{
    return policy == GY_PULL_ALWAYS ? "always" : policy == GY_PULL_NEVER ? "never" : "missing";
}

static const gantry_container *put_container(struct gy_pod_form *f, const struct gy_pod *pod,
                                             const struct gy_container *from,
                                             const struct gy_port_choices *ports)
{
    struct gy_map names;
    gy_pod_names(pod, from, ports, &names);
    gantry_container *to = make(f, 1, sizeof *to);
    to->size = (uint32_t)sizeof *to;
    to->flags = (from->tty ? GANTRY_CONTAINER_TTY : 0) |
                (from->stdin_open ? GANTRY_CONTAINER_STDIN : 0) |
                (from->init ? GANTRY_CONTAINER_INIT : 0);
    to->entrypoint_count = (uint32_t)from->entrypoint.n;
    to->entrypoint = expanded_all(f, &from->entrypoint, &names);
    to->arg_count = (uint32_t)from->command.n;
    to->args = expanded_all(f, &from->command, &names);
    put_env(f, &from->env, &names, to);
    to->ulimit_count = (uint32_t)from->ulimits.n;
    to->ulimits = put_ulimits(f, &from->ulimits);
    to->cpu_milli = (uint64_t)from->limits.cpu_milli;
    to->memory_bytes = (uint64_t)from->limits.memory_bytes;
    to->pids_max = (uint64_t)from->limits.pids;
    to->name = gy_str(from->name);
    to->image = gy_str(from->image);
    to->pull_policy = gy_str(from->image ? pull_policy_name(from->pull_policy) : NULL);
    to->user = gy_str(from->user);
    to->workdir = gy_str(from->working_dir);
    gy_pod_names_fini(&names);
    return to;
}

static void put_ports(struct gy_pod_form *f, const struct gy_pod *pod,
                      const struct gy_port_choices *ports)
{
    const gantry_port **list = make(f, ports->n, sizeof *list);
    for (size_t i = 0; i < ports->n; i++) {
        const struct gy_port_choice *from = &ports->items[i];
        const struct gy_port *said = i < pod->ports.n ? GY_AT(struct gy_port, pod->ports, i) : NULL;
        gantry_port *to = make(f, 1, sizeof *to);
        *to = (gantry_port){
            .size = (uint32_t)sizeof *to,
            .protocol =
                from->protocol == GY_PROTOCOL_UDP ? GANTRY_PROTOCOL_UDP : GANTRY_PROTOCOL_TCP,
            .target = from->target,
            .host = from->host,
            /* An ingress port's address is the relay's, the pod's own one is not for the world. */
            .host_ip = gy_str(said && from->is_fixed ? said->host_ip : NULL),
            .name = gy_str(said ? said->name : NULL)};
        list[i] = to;
    }
    f->pod.ports = list;
    f->pod.port_count = (uint32_t)ports->n;
}

static void put_labels(struct gy_pod_form *f, const char *cluster, const char *pod_id,
                       const char *signature)
{
    gantry_kv *labels = make(f, 3, sizeof *labels);
    labels[0] = (gantry_kv){gy_str(GY_LABEL_CLUSTER), gy_str(own(f, gy_strdup(cluster)))};
    labels[1] = (gantry_kv){gy_str(GY_LABEL_POD), gy_str(pod_id)};
    labels[2] = (gantry_kv){gy_str(GY_LABEL_SIGNATURE), gy_str(own(f, gy_strdup(signature)))};
    f->pod.labels = labels;
    f->pod.label_count = 3;
}

void gy_pod_form_init(struct gy_pod_form *f, const struct gy_pod *pod,
                      const struct gy_port_choices *ports, const char *cluster,
                      const char *signature, const char *record)
{
    *f = (struct gy_pod_form){.pod = {.size = (uint32_t)sizeof f->pod}};
    gantry_pod *p = &f->pod;
    const struct gy_list *containers = &pod->template.containers;
    const gantry_container **list = make(f, containers->n, sizeof *list);
    for (size_t i = 0; i < containers->n; i++)
        list[i] = put_container(f, pod, GY_AT(struct gy_container, *containers, i), ports);
    p->containers = list;
    p->container_count = (uint32_t)containers->n;
    put_ports(f, pod, ports);
    put_labels(f, cluster, pod->id, signature);

    char hostname[64];
    gy_pod_hostname(pod->project, pod->app, pod->slot, pod->node, hostname);
    const char *said = pod->template.hostname;
    p->hostname = gy_str(said ? said : own(f, gy_strdup(hostname)));
    p->id = gy_str(pod->id);
    p->name = gy_str(pod->name);
    p->ns = gy_str(pod->ns);
    p->project = gy_str(pod->project);
    p->app = gy_str(pod->app);
    p->node = gy_str(pod->node);
    p->slot = (uint32_t)pod->slot;
    p->record = gy_str(own(f, gy_strdup(record)));
}

void gy_pod_form_fini(struct gy_pod_form *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->owned[i]);
    free(f->owned);
    *f = (struct gy_pod_form){0};
}
