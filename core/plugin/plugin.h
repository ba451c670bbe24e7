/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins: found, checked, loaded; instances of their providers; operations, settings, measured
 * calls. Everything here is [loop] unless tagged. */
#ifndef GY_PLUGIN_PLUGIN_H
#define GY_PLUGIN_PLUGIN_H

#include "base/error.h"
#include "base/op.h"
#include "plugin/abi_copy.h"
#include <gantry/plugin.h>
#include <stdbool.h>
#include <uv.h>

#define GY_CALL_BUDGET_MS 5

struct gy_plugins;
struct gy_instance;

struct gy_plugins_options {  /* strings are copied */
    uv_loop_t *loop;         /* NULL: load and look only, no instances                     */
    const char *const *dirs; /* absolute folders that NAME.so is looked up in; NULL-terminated */
    /* Facts that gantry.host.instance/1 gives to plugins.  An instance gets its own folder
     * <state_dir>/<kind>/<instance>, and the same below run_dir, made with it. */
    const char *state_dir, *run_dir;
    const char *libexec_dir; /* gantry's own programs; gantry-plugin-probe is used from here */
    const char *node, *cluster, *boot_id;
    bool trust_owner;        /* accept plugin files of any owner, and writable by their group */
    unsigned worker_threads; /* 0 = 8 */
};

/* The loop stays alive until gy_plugins_destroy, which wants every instance destroyed, and the loop
 * run until it is done afterwards.  Plugins stay mapped for the life of the process.  Not from a
 * callback of an operation. */
struct gy_plugins *gy_plugins_create(const struct gy_plugins_options *options);
void gy_plugins_destroy(struct gy_plugins *ps);

/* For functions that take a gantry_error: fills *err. */
static inline gantry_error *gy_plugin_error(struct gy_error *err)
{
    return (gantry_error *)(void *)err;
}

/* ---- plugins ---- */

struct gy_provider { /* host-side copies, zero-extended; strings are the plugin's */
    const char *kind, *name;
    const struct gy_kind *known; /* what this gantry knows of the kind */
    unsigned workers, draft;
    const gantry_setting **settings, **app_settings; /* NULL-terminated, never NULL */
    size_t setting_count, app_setting_count;
    const void *ops; /* zero-extended copy, of the size this gantry knows */
    const gantry_base_ops *base;
};

struct gy_plugin {
    char *file; /* absolute path */
    const char *name, *version, *license, *url, *description;
    uint32_t abi_built, abi_min;
    uint64_t flags; /* GANTRY_PLUGIN_... */
    struct gy_provider *providers;
    size_t provider_count;
    char build_id[41]; /* hexadecimal, "" when it has none */
};

/* Load NAME.so from the folders, or an absolute path.  A second load of one file gives the same
 * plugin. ENOTFOUND: no such file; EINVAL: it is refused, with the reason. */
gantry_status gy_plugins_load(struct gy_plugins *ps, const char *name_or_path,
                              const struct gy_plugin **out, struct gy_error *err);
/* The i-th loaded plugin, NULL beyond the last. */
const struct gy_plugin *gy_plugins_get(const struct gy_plugins *ps, size_t i);
/* A loaded provider; ENOTFOUND with what there is. */
gantry_status gy_plugins_find_provider(const struct gy_plugins *ps, const char *kind,
                                       const char *name, const struct gy_plugin **plugin,
                                       const struct gy_provider **out, struct gy_error *err);

struct gy_plugin_found {                 /* what an ELF note says; nothing was loaded */
    char *file, *name, *version, *kinds; /* kinds: separated by blanks; NULL when error is set */
    uint32_t abi_built, abi_min;
    char *error; /* why it is not a plugin for this gantry; NULL = none */
};
/* Every *.so of one folder, by name.  ENOTFOUND: no such folder. */
gantry_status gy_plugins_scan(const char *dir, struct gy_plugin_found **found, size_t *n,
                              struct gy_error *err);
void gy_plugins_scan_free(struct gy_plugin_found *found, size_t n);

/* Offer a host extension to plugins; `extension` (a SIZED struct) must outlive ps. */
void gy_plugins_offer(struct gy_plugins *ps, const char *id, const void *extension);
/* The host table that plugins see, for tests. */
const gantry_host_api *gy_plugins_host_api(void);

/* ---- settings ---- */

struct gy_setting_value {
    const char *path;        /* "log_max_bytes"; nested groups with dots                         */
    const char *text;        /* NULL: it is a list                                               */
    const char *const *list; /* of list_count                                                    */
    size_t list_count;
    const char *source; /* "gantry.conf:12", for sentences; NULL = not known                */
    /* How it was written: GANTRY_SETTING_STR, INT, BOOL or STRV; 0 = as text, its meaning decides.
     */
    uint32_t given;
};

/* Check values against a provider's table, without an instance (gantryd --check-config).  EINVAL
 * with "gantry.conf:12: ..." */
gantry_status gy_settings_check(const struct gy_provider *provider,
                                const struct gy_setting_value *values, size_t n,
                                struct gy_error *err);
/* The same for the provider's block inside an app. */
gantry_status gy_settings_check_app(const struct gy_provider *provider,
                                    const struct gy_setting_value *values, size_t n,
                                    struct gy_error *err);

/* ---- instances ---- */

enum gy_instance_state {
    GY_INSTANCE_CREATED,
    GY_INSTANCE_OPENING, /* or waiting to try again */
    GY_INSTANCE_OPEN,
    GY_INSTANCE_DEGRADED, /* open, and over the time budget again and again */
    GY_INSTANCE_FAILED,   /* open failed for good */
    GY_INSTANCE_STOPPING,
    GY_INSTANCE_STOPPED,
};
const char *gy_instance_state_name(enum gy_instance_state state); /* "open" */

/* Calls the plugin's create.  instance_name is unique within a kind.  EINVAL: settings or the
 * plugin refuse; ENOTFOUND: no such provider. */
gantry_status gy_instance_create(struct gy_plugins *ps, const char *kind, const char *provider,
                                 const char *instance_name, const struct gy_setting_value *settings,
                                 size_t n, struct gy_instance **out, struct gy_error *err);
/* Open, with retries (1 s doubling to 5 min) on EUNAVAIL, EBUSY and ETIMEDOUT.  done (may be NULL)
 * runs once, on a later turn: OK, or a status that is final; ECANCELED when it was shut down
 * before. */
void gy_instance_open(struct gy_instance *inst,
                      void (*done)(void *arg, gantry_status status, const char *text), void *arg);
/* End every operation (those the plugin leaves open end with ECANCELED), timers and watches.  done
 * runs once, on a later turn; then destroy may be called. */
void gy_instance_shutdown(struct gy_instance *inst, void (*done)(void *arg), void *arg);
/* Waits for work that runs on workers.  Without a shutdown before, open operations end with
 * ECANCELED. Not from inside a GY_CALL of this instance. */
void gy_instance_destroy(struct gy_instance *inst);

/* The kind's vtable (const gantry_driver_ops * ...), zero-extended.  Call its functions with
 * gy_instance_self() inside GY_CALL.  For a BLOCKING plugin both are stand-ins that run the calls
 * on workers. */
const void *gy_instance_ops(const struct gy_instance *inst);
void *gy_instance_self(const struct gy_instance *inst);
uint64_t gy_instance_caps(const struct gy_instance *inst);
/* The plugin's extension, zero-extended; NULL = not offered.  From OPEN on. */
const void *gy_instance_extension(struct gy_instance *inst, const char *id);
const char *gy_instance_name(const struct gy_instance *inst);
const char *gy_instance_kind(const struct gy_instance *inst);

/* Begin an operation to pass to the plugin.  0 when the instance is not open: nothing is called
 * then. deadline_ms 0 = a stream.  Callbacks run on a later turn; on_done exactly once. */
gantry_op gy_instance_op(struct gy_instance *inst, const char *function, enum gy_abi_type item,
                         enum gy_abi_type result, uint64_t deadline_ms, gy_op_item_fn on_item,
                         gy_op_done_fn on_done, void *arg);
void gy_instance_cancel(struct gy_instance *inst, gantry_op op);
/* Cancel and never call back: for a caller that goes away. */
void gy_instance_forget(struct gy_instance *inst, gantry_op op);
/* Hold back items and end until it is resumed; the plugin is told EBUSY when the queue is full. */
void gy_instance_pause(struct gy_instance *inst, gantry_op op, bool paused);

/* ---- measured calls ---- */

struct gy_call {
    struct gy_instance *instance;
    const char *function;
    int64_t begin_ns;
    struct gy_crumb *outer;
};
/* function: a literal.  pod may be NULL; up to 31 characters of it are kept for the crash report.
 */
struct gy_call gy_call_enter(struct gy_instance *inst, const char *function, gantry_op op,
                             const char *pod);
void gy_call_leave(struct gy_call *call);
#define GY_CALL_FOR(inst, function_name, op, pod, expression)                                      \
    do {                                                                                           \
        struct gy_call gy_call_ = gy_call_enter((inst), (function_name), (op), (pod));             \
        expression;                                                                                \
        gy_call_leave(&gy_call_);                                                                  \
    } while (0)
/* GY_CALL(inst, "list", ops->list(self, op)); */
#define GY_CALL(inst, function_name, expression)                                                   \
    GY_CALL_FOR(inst, function_name, 0, NULL, expression)

struct gy_call_stats {
    const char *function;
    uint64_t count, total_ns, max_ns, over_budget;
};

struct gy_instance_status {
    const char *name, *kind, *provider;
    const struct gy_plugin *plugin;
    enum gy_instance_state state;
    const char *text; /* why: the last error of open, or of a slow call; "" when none */
    const struct gy_call_stats *calls;
    size_t call_count;
    uint64_t late, twice, unknown; /* ends of operations that did not fit */
    size_t open_ops;
    unsigned open_attempts;
};
/* The i-th instance that is not destroyed; false beyond the last. */
bool gy_plugins_instance_status(struct gy_plugins *ps, size_t i, struct gy_instance_status *out);

/* On a fatal signal: print instance, function, operation and pod last entered on that thread, and
 * every loaded plugin, to standard error; then die of the signal.  Once per process, for one ps. */
void gy_crash_install(struct gy_plugins *ps);

#endif
