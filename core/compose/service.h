/* SPDX-License-Identifier: Apache-2.0 */
/* One service: its tree becomes an app with one container. */
#ifndef GY_COMPOSE_SERVICE_H
#define GY_COMPOSE_SERVICE_H

#include "compose/load.h"

/* What the file said itself, as against defaults: services of one pod must agree on these. */
enum gy_said {
    GY_SAID_MODE = 1,
    GY_SAID_REPLICAS = 2,
    GY_SAID_RESTART = 4,
    GY_SAID_UPDATE = 8,
    GY_SAID_PLACEMENT = 16,
    GY_SAID_HOSTNAME = 32,
    GY_SAID_GRACE = 64,
    GY_SAID_AT_MOST_ONE = 128,
};

struct gy_service {
    const struct gy_yaml *y;
    const char *name; /* of the service */
    const char *pod;  /* x-gantry.pod; NULL = a pod of its own */
    unsigned said;    /* enum gy_said */
    struct gy_app app;
};

static inline const char *gy_service_app(const struct gy_service *s)
{
    return s->pod ? s->pod : s->name;
}
static inline struct gy_container *gy_service_container(struct gy_service *s)
{
    return GY_AT(struct gy_container, s->app.pod.containers, 0);
}

/* Fills s->app from s->y; keys are checked already.  Free it with gy_shape_fini in any case. */
gantry_status gy_service_read(struct gy_loader *l, struct gy_service *s);

/* The parts. */
gantry_status gy_service_read_environment(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_ports(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_health(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_deploy(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_restart(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_resources(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_extension(struct gy_loader *l, struct gy_service *s);
gantry_status gy_service_read_depends(struct gy_loader *l, struct gy_service *s);

#endif
