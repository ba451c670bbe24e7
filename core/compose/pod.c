/* SPDX-License-Identifier: Apache-2.0 */
/* x-gantry.pod: several services become the containers of one app. */
#include "compose/project.h"

#include <uthash.h>

struct gy_names {
    const char *name;
    size_t index;
    UT_hash_handle hh;
};

long gy_names_find(struct gy_names *names, const char *name)
{
    struct gy_names *found;
    HASH_FIND_STR(names, name, found);
    return found ? (long)found->index : -1;
}

void gy_names_add(struct gy_loader *l, struct gy_names **names, const char *name, size_t index)
{
    struct gy_names *entry = gy_arena_alloc(&l->arena, sizeof *entry);
    entry->name = name;
    entry->index = index;
    HASH_ADD_KEYPTR(hh, *names, entry->name, strlen(entry->name), entry);
}

void gy_names_fini(struct gy_names **names)
{
    HASH_CLEAR(hh, *names);
}

static gantry_status differ(struct gy_loader *l, const struct gy_service *s,
                            const struct gy_service *leader, const char *what)
{
    return gy_compose_fail(
        l, s->y,
        "its %s differs from that of services.%s (line %d), which is in the same "
        "pod \"%s\": a pod has one, say it in one of them",
        what, leader->name, leader->y->line, s->pod);
}

/* Take s's value where only s said one; both said and different: refused. */
#define AGREE(bit, what, same, take)                                                               \
    do {                                                                                           \
        if (!(s->said & (bit))) break;                                                             \
        if ((leader->said & (bit)) && !(same)) return differ(l, s, leader, what);                  \
        if (!(leader->said & (bit))) take;                                                         \
    } while (0)

static void take_shape(const struct gy_shape *shape, void *to, const void *from)
{
    gy_shape_fini(shape, to);
    gy_shape_copy(shape, from, to);
}

static gantry_status agree(struct gy_loader *l, struct gy_service *leader, struct gy_service *s)
{
    struct gy_app *a = &leader->app, *b = &s->app;
    AGREE(GY_SAID_MODE, "mode", a->mode == b->mode, a->mode = b->mode);
    AGREE(GY_SAID_REPLICAS, "number of replicas", a->replicas == b->replicas,
          a->replicas = b->replicas);
    AGREE(GY_SAID_RESTART, "restart policy",
          gy_shape_equal(&gy_restart_shape, &a->restart, &b->restart), a->restart = b->restart);
    AGREE(GY_SAID_UPDATE, "update policy", gy_shape_equal(&gy_update_shape, &a->update, &b->update),
          a->update = b->update);
    AGREE(GY_SAID_PLACEMENT, "placement",
          gy_shape_equal(&gy_placement_shape, &a->placement, &b->placement),
          take_shape(&gy_placement_shape, &a->placement, &b->placement));
    AGREE(GY_SAID_HOSTNAME, "hostname", gy_streq(a->pod.hostname, b->pod.hostname),
          a->pod.hostname = GY_GIVE(b->pod.hostname));
    AGREE(GY_SAID_GRACE, "grace", a->grace_ms == b->grace_ms, a->grace_ms = b->grace_ms);
    a->at_most_one |= b->at_most_one;
    leader->said |= s->said;
    return GANTRY_OK;
}

static gantry_status join_ports(struct gy_loader *l, struct gy_service *leader,
                                struct gy_service *s)
{
    struct gy_list *to = &leader->app.ports;
    for (size_t i = 0; i < s->app.ports.n; i++) {
        struct gy_port *port = GY_AT(struct gy_port, s->app.ports, i);
        for (size_t j = 0; j < to->n; j++) {
            const struct gy_port *other = GY_AT(struct gy_port, *to, j);
            if (other->target == port->target && other->protocol == port->protocol &&
                other->published == port->published)
                return gy_compose_fail(l, gy_yaml_get(s->y, "ports"),
                                       "port %d is that of another service of the pod \"%s\": its "
                                       "containers share one address",
                                       (int)port->target, s->pod);
        }
        struct gy_port *copy = gy_list_add(to, &gy_port_shape);
        *copy = *port;
        *port = (struct gy_port){0};
    }
    return GANTRY_OK;
}

static void join_depends(struct gy_service *leader, struct gy_service *s)
{
    struct gy_list *to = &leader->app.depends_on;
    for (size_t i = 0; i < s->app.depends_on.n; i++) {
        struct gy_depends *d = GY_AT(struct gy_depends, s->app.depends_on, i), *same = NULL;
        for (size_t j = 0; j < to->n && !same; j++)
            if (!strcmp(GY_AT(struct gy_depends, *to, j)->app, d->app))
                same = GY_AT(struct gy_depends, *to, j);
        if (same) {
            if (d->condition > same->condition) same->condition = d->condition;
            same->required |= d->required;
            continue;
        }
        struct gy_depends *copy = gy_list_add(to, &gy_depends_shape);
        *copy = *d;
        *d = (struct gy_depends){0};
    }
}

static gantry_status join(struct gy_loader *l, struct gy_service *leader, struct gy_service *s)
{
    gantry_status status = agree(l, leader, s);
    if (!status) status = join_ports(l, leader, s);
    if (status) return status;
    join_depends(leader, s);
    for (size_t i = 0; i < s->app.labels.n; i++) {
        const struct gy_pair *label = &s->app.labels.items[i];
        const char *old = gy_map_get(&leader->app.labels, label->key);
        if (old && strcmp(old, label->value) != 0)
            return differ(l, s, leader, "label in deploy.labels");
        gy_map_set(&leader->app.labels, label->key, label->value);
    }
    struct gy_container *from = gy_service_container(s);
    struct gy_container *to = gy_list_add(&leader->app.pod.containers, &gy_container_shape);
    *to = *from;
    *from = (struct gy_container){0};
    return GANTRY_OK;
}

gantry_status gy_project_name_apps(struct gy_loader *l, struct gy_project *p)
{
    p->leaders = gy_arena_alloc(&l->arena, p->n * sizeof(struct gy_service *));
    for (size_t i = 0; i < p->n; i++) {
        struct gy_service *s = &p->services[i];
        const char *app = gy_service_app(s);
        long index = gy_names_find(p->by_app, app);
        if (index < 0) {
            gy_names_add(l, &p->by_app, app, p->apps);
            free(s->app.name);
            s->app.name = gy_strdup(app);
            p->leaders[p->apps++] = s;
            continue;
        }
        const struct gy_service *leader = p->leaders[index];
        if (!s->pod || !leader->pod)
            return gy_compose_fail(l, s->y,
                                   "\"%s\" is also the pod of services.%s (line %d): give one of "
                                   "them another name",
                                   app, s->pod ? s->name : leader->name,
                                   s->pod ? s->y->line : leader->y->line);
    }
    return GANTRY_OK;
}

gantry_status gy_project_join_pods(struct gy_loader *l, struct gy_project *p)
{
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < p->n && !status; i++) {
        struct gy_service *s = &p->services[i];
        struct gy_service *leader = p->leaders[gy_names_find(p->by_app, gy_service_app(s))];
        if (leader != s) status = join(l, leader, s);
    }
    return status;
}
