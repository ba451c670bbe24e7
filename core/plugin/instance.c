/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: creation, what callers ask of them. */
#include "base/log.h"
#include "plugin/internal.h"

#include <ctype.h>
#include <gantry/driver.h>
#include <gantry/process.h>

static bool is_instance_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 63 || name[0] == '.' || name[0] == '-') return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i])) return false;
    return true;
}

static gantry_status check_unique(const struct gy_plugins *ps, const struct gy_plugin *plugin,
                                  const char *kind, const char *name, struct gy_error *err)
{
    const struct gy_instance *other;
    if (!is_instance_name(name))
        return gy_error_set(err, GANTRY_EINVAL,
                            "\"%s\" is no name for an instance: letters, digits and -_. inside, at "
                            "most 63",
                            name);
    LIST_FOREACH (other, &ps->instances, link) {
        if (other->is_destroyed) continue;
        if (gy_streq(other->provider->kind, kind) && gy_streq(other->name, name))
            return gy_error_set(err, GANTRY_EINVAL, "there is already an instance \"%s\" of %s",
                                name, kind);
        if (other->plugin == plugin && plugin->flags & GANTRY_PLUGIN_SINGLETON)
            return gy_error_set(err, GANTRY_EINVAL,
                                "plugin %s runs one instance only, and \"%s\" is there already",
                                plugin->name, other->name);
    }
    return GANTRY_OK;
}

/* Apps that run as other users must be able to pass through on the way to their own folders. */
static char *make_dir(const char *base, const struct gy_instance *inst, struct gy_error *err)
{
    char *path = gy_printf("%s/%s/%s", base, inst->provider->known->short_name, inst->name);
    if (gy_dir_make(path, 0711, err) == GANTRY_OK) return path;
    free(path);
    return NULL;
}

static void free_instance(struct gy_instance *inst)
{
    gy_conf_fini(&inst->conf);
    for (size_t i = 0; i < inst->extension_count; i++) {
        free(inst->extensions[i].id);
        free(inst->extensions[i].copy);
        free(inst->extensions[i].original);
    }
    free(inst->extensions);
    gy_work_client_destroy(inst->work);
    pthread_mutex_destroy(&inst->call_lock);
    free((char *)inst->owner.name);
    free(inst->name);
    free(inst->state_dir);
    free(inst->run_dir);
    free(inst->text);
    free(inst->own_ops);
    free(inst->own_base);
    free(inst);
}

static void cancel_op(struct gy_op_owner *owner, gantry_op op)
{
    struct gy_instance *inst =
        (struct gy_instance *)((char *)owner - offsetof(struct gy_instance, owner));
    const gantry_base_ops *base = inst->base;
    if (base->cancel && !inst->is_destroyed)
        GY_CALL_FOR(inst, "cancel", op, NULL, base->cancel(inst->self, op));
}

static gantry_status call_create(struct gy_instance *inst, struct gy_error *err)
{
    struct gantry_error error = {GY_ERROR_INIT};
    gantry_status status = GANTRY_EINTERNAL;
    void *self = NULL;
    GY_CALL(inst, "create",
            status = inst->provider->base->create(gy_plugins_host_api(), &inst->host, &inst->conf,
                                                  &self, &error));
    if (status != GANTRY_OK)
        return gy_error_set(err, status, "%s \"%s\": %s", inst->provider->name, inst->name,
                            error.error.text[0] ? error.error.text : gy_status_name(status));
    inst->plugin_self = self;
    return GANTRY_OK;
}

/* Until here nothing of the plugin's has run. */
static gantry_status prepare(struct gy_instance *inst, const struct gy_setting_value *settings,
                             size_t n, struct gy_error *err)
{
    struct gy_plugins *ps = inst->ps;
    gantry_status status = gy_conf_build(&inst->conf, inst->provider->settings, settings, n, err);
    if (status != GANTRY_OK) return status;
    if (ps->state_dir && !(inst->state_dir = make_dir(ps->state_dir, inst, err)))
        return err ? err->status : GANTRY_EINVAL;
    if (ps->run_dir && !(inst->run_dir = make_dir(ps->run_dir, inst, err)))
        return err ? err->status : GANTRY_EINVAL;
    return GANTRY_OK;
}

gantry_status gy_instance_create(struct gy_plugins *ps, const char *kind, const char *provider,
                                 const char *instance_name, const struct gy_setting_value *settings,
                                 size_t n, struct gy_instance **out, struct gy_error *err)
{
    GY_ASSERT(ps->loop);
    const struct gy_plugin *plugin;
    const struct gy_provider *found;
    gantry_status status = gy_plugins_find_provider(ps, kind, provider, &plugin, &found, err);
    if (status == GANTRY_OK) status = check_unique(ps, plugin, kind, instance_name, err);
    if (status != GANTRY_OK) return status;
    struct gy_instance *inst = gy_alloc(sizeof *inst);
    inst->host.instance = inst;
    inst->ps = ps;
    inst->plugin = plugin;
    inst->provider = found;
    inst->name = gy_strdup(instance_name);
    inst->owner.name = gy_printf("%s/%s", found->known->short_name, instance_name);
    inst->owner.cancel = cancel_op;
    inst->work = gy_work_client_create(ps->pool, found->workers);
    LIST_INIT(&inst->watches);
    LIST_INIT(&inst->children);
    pthread_mutex_init(&inst->call_lock, NULL);
    LIST_INSERT_HEAD(&ps->instances, inst, link);
    status = prepare(inst, settings, n, err);
    if (status == GANTRY_OK) status = call_create(inst, err);
    if (status != GANTRY_OK) { /* kept, as a plugin's thread may still hold the host handle */
        gy_watch_stop_all(inst);
        gy_op_retire_owner(ps->ops, &inst->owner, GANTRY_ECANCELED, "the instance was not created");
        gy_work_client_drain(inst->work);
        inst->is_destroyed = true;
        return status;
    }
    gy_blocking_wrap(inst);
    *out = inst;
    return GANTRY_OK;
}

void gy_instances_free(struct gy_plugins *ps)
{
    struct gy_instance *inst;
    while ((inst = LIST_FIRST(&ps->instances))) {
        GY_ASSERT(inst->is_destroyed);
        LIST_REMOVE(inst, link);
        free_instance(inst);
    }
}

const char *gy_instance_state_name(enum gy_instance_state state)
{
    static const char *const names[] = {"created", "opening",  "open",   "degraded",
                                        "failed",  "stopping", "stopped"};
    return names[state];
}

const void *gy_instance_ops(const struct gy_instance *inst)
{
    return inst->ops;
}

void *gy_instance_self(const struct gy_instance *inst)
{
    return inst->self;
}

uint64_t gy_instance_caps(const struct gy_instance *inst)
{
    uint64_t caps;
    memcpy(&caps, (const char *)inst->provider->ops + inst->provider->known->caps_offset,
           sizeof caps);
    return caps;
}

const char *gy_instance_name(const struct gy_instance *inst)
{
    return inst->name;
}

const char *gy_instance_kind(const struct gy_instance *inst)
{
    return inst->provider->kind;
}

static bool is_open(const struct gy_instance *inst)
{
    return !inst->is_destroyed &&
           (inst->state == GY_INSTANCE_OPEN || inst->state == GY_INSTANCE_DEGRADED);
}

/* An unknown id of a third party: its own size is all there is to go by. */
static void *copy_extension(struct gy_instance *inst, const char *id, const void *from)
{
    size_t known = gy_extension_size(id);
    struct gy_error err = GY_ERROR_INIT;
    uint32_t size;
    memcpy(&size, from, sizeof size);
    void *copy = gy_copy_flat(id, from, known ? known : size < 8 ? 8 : size, &err);
    if (!copy)
        gy_instance_log(inst, GY_LOG_ERROR, "an extension was refused plugin=%s: %s",
                        inst->plugin->name, err.text);
    return copy;
}

const void *gy_instance_extension(struct gy_instance *inst, const char *id)
{
    if (!inst->has_opened || inst->is_destroyed) return NULL;
    for (size_t i = 0; i < inst->extension_count; i++)
        if (!strcmp(inst->extensions[i].id, id)) return inst->extensions[i].copy;
    const void *from = NULL;
    if (inst->provider->base->extension)
        GY_CALL(inst, "extension", from = inst->provider->base->extension(inst->plugin_self, id));
    GY_VEC_PUSH(inst->extensions, inst->extension_count, inst->extension_cap);
    struct gy_extension *e = &inst->extensions[inst->extension_count++];
    *e = (struct gy_extension){.id = gy_strdup(id)};
    e->copy = from ? copy_extension(inst, id, from) : NULL;
    if (e->copy && inst->plugin->flags & GANTRY_PLUGIN_BLOCKING) gy_blocking_wrap_extension(e);
    return e->copy;
}

static const struct gy_op_type *op_type(enum gy_abi_type type)
{
    const struct gy_copy_type *copy = gy_abi_copy_type(type);
    return copy ? &copy->op : NULL;
}

gantry_op gy_instance_begin(struct gy_instance *inst, const char *function, enum gy_abi_type item,
                            enum gy_abi_type result, uint64_t deadline_ms, gy_op_item_fn on_item,
                            gy_op_done_fn on_done, void *arg)
{
    const struct gy_op_spec spec = {
        .owner = &inst->owner,
        .function = function,
        .item = op_type(item),
        .result = op_type(result),
        .deadline_ms = deadline_ms,
        .on_item = on_item,
        .on_done = on_done,
        .arg = arg,
    };
    return gy_op_begin(inst->ps->ops, &spec);
}

gantry_op gy_instance_op(struct gy_instance *inst, const char *function, enum gy_abi_type item,
                         enum gy_abi_type result, uint64_t deadline_ms, gy_op_item_fn on_item,
                         gy_op_done_fn on_done, void *arg)
{
    if (!is_open(inst)) return 0;
    return gy_instance_begin(inst, function, item, result, deadline_ms, on_item, on_done, arg);
}

void gy_instance_cancel(struct gy_instance *inst, gantry_op op)
{
    gy_op_cancel(inst->ps->ops, op);
}

void gy_instance_forget(struct gy_instance *inst, gantry_op op)
{
    gy_op_forget(inst->ps->ops, op);
}

void gy_instance_pause(struct gy_instance *inst, gantry_op op, bool paused)
{
    gy_op_pause(inst->ps->ops, op, paused);
}

/* Instances are kept newest first; people read them in the order of the config. */
bool gy_plugins_instance_status(struct gy_plugins *ps, size_t i, struct gy_instance_status *out)
{
    struct gy_instance *inst, *found = NULL;
    size_t n = 0;
    LIST_FOREACH (inst, &ps->instances, link)
        n += !inst->is_destroyed;
    if (i >= n) return false;
    size_t left = n - i;
    LIST_FOREACH (inst, &ps->instances, link)
        if (!inst->is_destroyed && --left == 0) {
            found = inst;
            break;
        }
    *out = (struct gy_instance_status){
        .name = found->name,
        .kind = found->provider->kind,
        .provider = found->provider->name,
        .plugin = found->plugin,
        .state = found->state,
        .text = found->text ? found->text : "",
        .calls = found->calls,
        .call_count = found->call_count,
        .late = found->owner.late,
        .twice = found->owner.twice,
        .unknown = found->owner.unknown,
        .open_ops = gy_op_count(ps->ops, &found->owner),
        .open_attempts = found->open_attempts,
    };
    return true;
}
