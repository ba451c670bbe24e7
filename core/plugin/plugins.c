/* SPDX-License-Identifier: Apache-2.0 */
/* The set of plugins of one process. */
#include "plugin/crash.h"
#include "plugin/internal.h"

#include <gantry/process.h>

#define WORKER_THREADS 8

bool gy_plugins_on_loop(const struct gy_plugins *ps)
{
    return pthread_equal(ps->loop_thread, pthread_self());
}

/* Folders by their real names, so that a file's real folder can be compared; one that does not
 * exist stays as written, for the sentence that names where we looked. */
static void set_dirs(struct gy_plugins *ps, const char *const *dirs)
{
    size_t n = 0;
    while (dirs && dirs[n])
        n++;
    ps->dirs = gy_alloc_array(n + 1, sizeof *ps->dirs);
    for (size_t i = 0; i < n; i++) {
        char *real = realpath(dirs[i], NULL);
        ps->dirs[i] = real ? real : gy_strdup(dirs[i]);
    }
}

struct gy_plugins *gy_plugins_create(const struct gy_plugins_options *o)
{
    struct gy_plugins *ps = gy_alloc(sizeof *ps);
    ps->loop = o->loop;
    ps->loop_thread = pthread_self();
    set_dirs(ps, o->dirs);
    ps->state_dir = gy_strdup(o->state_dir);
    ps->run_dir = gy_strdup(o->run_dir);
    ps->libexec_dir = gy_strdup(o->libexec_dir);
    ps->node = gy_strdup(o->node);
    ps->cluster = gy_strdup(o->cluster);
    ps->boot_id = gy_strdup(o->boot_id);
    ps->trust_owner = o->trust_owner;
    LIST_INIT(&ps->instances);
    if (o->loop) {
        ps->ops = gy_op_table_create(o->loop);
        ps->pool =
            gy_work_pool_create(o->loop, o->worker_threads ? o->worker_threads : WORKER_THREADS);
    }
    gy_plugins_offer(ps, GANTRY_HOST_INSTANCE, &gy_host_instance);
    gy_plugins_offer(ps, GANTRY_HOST_PROCESS, &gy_host_process);
    return ps;
}

void gy_plugins_destroy(struct gy_plugins *ps)
{
    if (!ps) return;
    gy_crash_forget(ps);
    gy_op_table_destroy(ps->ops);
    gy_instances_free(ps);
    gy_work_pool_destroy(ps->pool);
    for (size_t i = 0; i < ps->plugin_count; i++)
        gy_plugin_free(ps->plugins[i]);
    for (size_t i = 0; i < ps->offer_count; i++)
        free(ps->offers[i].id);
    for (size_t i = 0; ps->dirs[i]; i++)
        free(ps->dirs[i]);
    free(ps->dirs);
    free(ps->plugins);
    free(ps->offers);
    free(ps->state_dir);
    free(ps->run_dir);
    free(ps->libexec_dir);
    free(ps->node);
    free(ps->cluster);
    free(ps->boot_id);
    free(ps);
}

void gy_plugins_offer(struct gy_plugins *ps, const char *id, const void *extension)
{
    GY_VEC_PUSH(ps->offers, ps->offer_count, ps->offer_cap);
    ps->offers[ps->offer_count++] = (struct gy_offer){gy_strdup(id), extension};
}
