/* SPDX-License-Identifier: Apache-2.0 */
/* All services of a file together: names, pods, who waits for whom, ports. */
#ifndef GY_COMPOSE_PROJECT_H
#define GY_COMPOSE_PROJECT_H

#include "compose/service.h"

#define GY_PROJECT_SERVICES_MAX 5000

struct gy_names; /* from a name to an index; in the arena */

struct gy_project {
    struct gy_service *services; /* active ones, in the order of the file */
    size_t n;
    struct gy_service *
        *leaders; /* of each app: the first service that is in it; its app is the app */
    size_t apps;
    struct gy_names *by_service; /* name -> index in services */
    struct gy_names *by_app;     /* name -> index in leaders */
    const struct gy_yaml *all;   /* the `services` map, inactive ones too */
};

/* Index of a name; -1 = none. */
long gy_names_find(struct gy_names *names, const char *name);
void gy_names_add(struct gy_loader *l, struct gy_names **names, const char *name, size_t index);
void gy_names_fini(struct gy_names **names);

/* Project name of Compose: lower case, without other signs; NULL when nothing is left. */
char *gy_project_normalise(const char *name);

/* In this order. */
/* Fill leaders and by_app. */
gantry_status gy_project_name_apps(struct gy_loader *l, struct gy_project *p);
/* Turn depends_on and affinities of each service from services to apps. */
gantry_status gy_project_resolve(struct gy_loader *l, struct gy_project *p);
/* Join the services of each pod into the leader's app. */
gantry_status gy_project_join_pods(struct gy_loader *l, struct gy_project *p);
/* Make jobs of apps that are waited for to complete; refuse circles. */
gantry_status gy_project_order(struct gy_loader *l, struct gy_project *p);
/* Ports of the whole file, and the model's own check of each app, in Compose's words. */
gantry_status gy_project_check(struct gy_loader *l, struct gy_project *p);

#endif
