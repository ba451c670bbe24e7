/* SPDX-License-Identifier: Apache-2.0 */
/* The host table.  Everything here is called by plugins, most of it from any thread: nothing is
 * believed, misuse is a line in the log in the plugin's name. */
#include "base/log.h"
#include "plugin/internal.h"

#include <gantry/process.h>
#include <stdio.h>
#include <strings.h>

static struct gy_instance *instance_of(gantry_host *host)
{
    return host->instance;
}

static void format(struct gy_instance *inst, char text[GY_ERROR_TEXT_MAX], const char *fmt,
                   va_list args)
{
    if (vsnprintf(text, GY_ERROR_TEXT_MAX, fmt, args) < 0) text[0] = '\0';
    gy_conf_mask(&inst->conf, text);
}

static void host_logf(gantry_host *host, int32_t severity, const char *fmt, ...)
{
    struct gy_instance *inst = instance_of(host);
    int level = severity < 0 ? 0 : severity > GY_LOG_TRACE ? GY_LOG_TRACE : severity;
    if (level > (int)gy_log_get_level()) return;
    char text[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    format(inst, text, fmt, args);
    va_end(args);
    gy_log((enum gy_log_level)level, inst->owner.name, "%s", text);
}

void gy_instance_log(struct gy_instance *inst, int level, const char *fmt, ...)
{
    char text[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    format(inst, text, fmt, args);
    va_end(args);
    gy_log((enum gy_log_level)level, inst->owner.name, "%s", text);
}

static int host_log_enabled(gantry_host *host, int32_t severity)
{
    (void)host;
    return severity <= (int32_t)gy_log_get_level();
}

static gantry_status host_error_setf(gantry_host *host, gantry_error *error, gantry_status code,
                                     const char *fmt, ...)
{
    if (!error) return code;
    char text[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    format(instance_of(host), text, fmt, args);
    va_end(args);
    return gy_error_set(&error->error, code, "%s", text);
}

static void host_op_done(gantry_host *host, gantry_op op, const void *result)
{
    struct gy_instance *inst = instance_of(host);
    gy_op_end(inst->ps->ops, &inst->owner, op, GANTRY_OK, NULL, result);
}

static void host_op_failf(gantry_host *host, gantry_op op, gantry_status code, const char *fmt, ...)
{
    struct gy_instance *inst = instance_of(host);
    char text[GY_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    format(inst, text, fmt, args);
    va_end(args);
    if (code >= 0) code = GANTRY_EINTERNAL;
    gy_op_end(inst->ps->ops, &inst->owner, op, code, text, NULL);
}

static gantry_status host_op_emit(gantry_host *host, gantry_op op, const void *item)
{
    struct gy_instance *inst = instance_of(host);
    return gy_op_emit(inst->ps->ops, &inst->owner, op, item);
}

static gantry_status host_post(gantry_host *host, void (*fn)(void *arg), void *arg)
{
    if (!fn) return GANTRY_EINVAL;
    return gy_work_post(instance_of(host)->work, fn, arg);
}

static gantry_status host_work(gantry_host *host, void (*fn)(void *arg),
                               void (*done)(void *arg, gantry_status), void *arg)
{
    if (!fn) return GANTRY_EINVAL;
    return gy_work_submit(instance_of(host)->work, 0, fn, done, arg);
}

static bool is_allowed_here(struct gy_instance *inst, const char *function)
{
    if (gy_plugins_on_loop(inst->ps) && !inst->is_destroyed) return true;
    gy_instance_log(inst, GY_LOG_ERROR, "the plugin called %s %s: the call was refused plugin=%s",
                    function, inst->is_destroyed ? "after destroy" : "outside the loop thread",
                    inst->plugin->name);
    return false;
}

static uint64_t host_timer_start(gantry_host *host, uint64_t first_ms, uint64_t repeat_ms,
                                 void (*fn)(void *arg), void *arg)
{
    struct gy_instance *inst = instance_of(host);
    if (!fn || !is_allowed_here(inst, "timer_start")) return 0;
    return gy_watch_timer(inst, first_ms, repeat_ms, fn, arg);
}

static uint64_t host_fd_watch(gantry_host *host, int fd, uint32_t events,
                              void (*fn)(void *arg, int fd, uint32_t events), void *arg)
{
    struct gy_instance *inst = instance_of(host);
    if (!fn || fd < 0 || !is_allowed_here(inst, "fd_watch")) return 0;
    return gy_watch_fd(inst, fd, events, fn, arg);
}

static void host_watch_stop(gantry_host *host, uint64_t id)
{
    struct gy_instance *inst = instance_of(host);
    if (is_allowed_here(inst, "watch_stop")) gy_watch_stop(inst, id);
}

static gantry_status host_conf_strv(const gantry_conf *conf, const char *path, size_t i,
                                    gantry_str *out)
{
    const struct gy_conf_entry *e = gy_conf_find(conf, path);
    if (!e || i >= e->n) return GANTRY_ENOTFOUND;
    *out = gy_str(e->values[i]);
    return GANTRY_OK;
}

static gantry_status host_conf_str(const gantry_conf *conf, const char *path, gantry_str *out)
{
    return host_conf_strv(conf, path, 0, out);
}

static gantry_status host_conf_int(const gantry_conf *conf, const char *path, int64_t *out)
{
    const struct gy_conf_entry *e = gy_conf_find(conf, path);
    if (!e || e->n != 1 || !*e->values[0]) return GANTRY_ENOTFOUND;
    const char *text = e->values[0];
    if (e->setting->type == GANTRY_SETTING_BOOL) {
        *out = !strcasecmp(text, "true") || !strcasecmp(text, "yes") || !strcasecmp(text, "on") ||
               !strcmp(text, "1");
        return GANTRY_OK;
    }
    return gy_int_parse(text, INT64_MIN, INT64_MAX, out, NULL);
}

static int host_on_loop(gantry_host *host)
{
    return gy_plugins_on_loop(instance_of(host)->ps);
}

static const void *host_extension(gantry_host *host, const char *id)
{
    const struct gy_plugins *ps = instance_of(host)->ps;
    for (size_t i = 0; id && i < ps->offer_count; i++)
        if (!strcmp(ps->offers[i].id, id)) return ps->offers[i].extension;
    return NULL;
}

static const gantry_host_api host_api = {
    .size = sizeof host_api,
    .abi = GANTRY_ABI_CURRENT,
    .logf = host_logf,
    .log_enabled = host_log_enabled,
    .error_setf = host_error_setf,
    .op_done = host_op_done,
    .op_failf = host_op_failf,
    .op_emit = host_op_emit,
    .post = host_post,
    .work = host_work,
    .timer_start = host_timer_start,
    .fd_watch = host_fd_watch,
    .watch_stop = host_watch_stop,
    .conf_str = host_conf_str,
    .conf_int = host_conf_int,
    .conf_strv = host_conf_strv,
    .on_loop = host_on_loop,
    .extension = host_extension,
};

const gantry_host_api *gy_plugins_host_api(void)
{
    return &host_api;
}
