/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver says of its pods, in the form that the node half reads. */
#include "agent/agent_private.h"

#include "agent/pod_form.h"
#include "base/log.h"

void gy_agent_observe(const gantry_container_status *from, struct gy_observed_container *out)
{
    *out = (struct gy_observed_container){
        .name = gy_str_dup(from->name),
        .text = from->text.len ? gy_str_dup(from->text) : NULL,
        .state = from->state,
        .attempt = (int64_t)from->attempt,
        .pid = (int64_t)from->pid,
        .exit_code = from->exit_code,
        .exit_signal = from->exit_signal,
        .started_ms = (int64_t)from->started_ms,
        .ended_ms = (int64_t)from->ended_ms,
        .oom = from->exit_flags & GANTRY_EXIT_OOM,
        .lost = from->exit_flags & GANTRY_EXIT_LOST,
    };
}

void gy_agent_observed_fini(struct gy_observed_container *c)
{
    free((char *)c->name);
    free((char *)c->text);
    *c = (struct gy_observed_container){0};
}

static void observe_pod(struct gy_agent *a, const char *id, const gantry_pod_status *status,
                        struct gy_observed_pod *out)
{
    struct gy_observed_container *containers =
        gy_alloc_array(status->container_count ? status->container_count : 1, sizeof *containers);
    for (size_t i = 0; i < status->container_count; i++)
        gy_agent_observe(status->containers[i], &containers[i]);
    struct gy_list addresses;
    gy_pod_addresses(gy_port_book_find(a->ports, id), a->port_address, &addresses);
    *out = (struct gy_observed_pod){.id = gy_strdup(id),
                                    .containers = containers,
                                    .n = status->container_count,
                                    .addresses = addresses.items,
                                    .address_count = addresses.n};
}

void gy_agent_listing_add(struct gy_agent *a, struct gy_agent_listing *l, const char *driver,
                          const gantry_pod_status *status)
{
    gy_autofree char *id = gy_str_dup(status->pod);
    struct gy_port_choices ports = {0};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_owner_record_decode(&a->key, a->cluster, id, status->record, &ports, &err) !=
        GANTRY_OK) {
        gy_log(GY_LOG_WARN, "agent", "a pod is left alone, it is not ours driver=%s pod=%s: %s",
               driver, id, err.text);
        return;
    }
    gy_port_book_keep(a->ports, id, &ports);
    free(ports.items);
    GY_VEC_PUSH(l->pods, l->n, l->cap);
    observe_pod(a, id, status, &l->pods[l->n++]);
}

void gy_agent_listing_fini(struct gy_agent_listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct gy_observed_pod *pod = &l->pods[i];
        struct gy_list addresses = {(void *)pod->addresses, pod->address_count};
        gy_pod_addresses_fini(&addresses);
        for (size_t k = 0; k < pod->n; k++)
            gy_agent_observed_fini((struct gy_observed_container *)&pod->containers[k]);
        free((void *)pod->containers);
        free((char *)pod->id);
    }
    free(l->pods);
    *l = (struct gy_agent_listing){0};
}
