/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room only. */
#ifndef GY_PLUGIN_INTERNAL_H
#define GY_PLUGIN_INTERNAL_H

#include "base/memory.h"
#include "base/text.h"
#include "base/work.h"
#include "plugin/kinds.h"
#include "plugin/plugin.h"
#include <pthread.h>
#include <sys/queue.h>

#define GY_CALL_FUNCTIONS_MAX 48

/* What plugins see as opaque. */
struct gantry_error {
    struct gy_error error;
};
struct gantry_host {
    struct gy_instance *instance;
};
struct gy_conf_entry {
    const gantry_setting *setting;
    char **values; /* one, or the elements of a STRV */
    size_t n;
};
struct gantry_conf {
    struct gy_conf_entry *entries;
    size_t n;
};

struct gy_offer {
    char *id;
    const void *extension;
};

/* A timer or a watched descriptor of an instance, or its retry timer; freed by its close callback.
 */
struct gy_watch {
    LIST_ENTRY(gy_watch) link;
    union {
        uv_handle_t handle;
        uv_timer_t timer;
        uv_poll_t poll;
    } uv;
    uint64_t id;
    int fd;
    struct gy_instance *instance;
    void (*on_timer)(void *arg);
    void (*on_fd)(void *arg, int fd, uint32_t events);
    void *arg;
    bool is_once, is_own; /* own: the host's, not the plugin's */
};

struct gy_extension {
    char *id;
    void *copy;     /* NULL: not offered */
    void *original; /* the plugin's own, where copy is a stand-in */
};

struct gy_child; /* a program that runs for an instance: process.c */

struct gy_instance {
    struct gantry_host host; /* what the plugin holds; outlives the instance, until the host ends */
    struct gy_op_owner owner;
    LIST_ENTRY(gy_instance) link;
    struct gy_plugins *ps;
    const struct gy_plugin *plugin;
    const struct gy_provider *provider;
    char *name, *state_dir, *run_dir;
    gantry_conf conf;
    void *plugin_self; /* the plugin's */
    /* What callers use: the plugin's, or for a BLOCKING one stand-ins that run calls on workers. */
    void *self;
    const void *ops;
    const gantry_base_ops *base;
    void *own_ops; /* the stand-ins; NULL where ops is the provider's */
    gantry_base_ops *own_base;
    struct gy_work_client *work;
    enum gy_instance_state state;
    bool is_destroyed, has_opened, wants_shutdown;
    char *text;
    unsigned open_attempts;
    uint64_t retry_ms;
    uint64_t retry_id; /* of a watch */
    gantry_op open_op;
    gantry_status open_status;
    void (*on_open)(void *arg, gantry_status status, const char *text);
    void *on_open_arg;
    void (*on_shutdown)(void *arg);
    void *on_shutdown_arg;
    LIST_HEAD(, gy_watch) watches;
    LIST_HEAD(, gy_child) children;
    struct gy_extension *extensions;
    size_t extension_count, extension_cap;
    pthread_mutex_t call_lock; /* of calls: workers measure too */
    struct gy_call_stats calls[GY_CALL_FUNCTIONS_MAX];
    size_t call_count;
    unsigned overruns; /* in the last minute */
    int64_t overruns_since_ms, warned_ms;
};

struct gy_plugins {
    uv_loop_t *loop;
    pthread_t loop_thread;
    char **dirs; /* resolved; NULL-terminated */
    char *state_dir, *run_dir, *libexec_dir, *node, *cluster, *boot_id;
    bool trust_owner;
    struct gy_plugin **plugins;
    size_t plugin_count, plugin_cap;
    struct gy_offer *offers;
    size_t offer_count, offer_cap;
    LIST_HEAD(, gy_instance) instances; /* newest first, destroyed ones too */
    struct gy_op_table *ops;
    struct gy_work_pool *pool;
    uint64_t next_id; /* of watches and children */
};

bool gy_plugins_on_loop(const struct gy_plugins *ps);

/* settings.c */
gantry_status gy_conf_build(gantry_conf *conf, const gantry_setting *const *settings,
                            const struct gy_setting_value *values, size_t n, struct gy_error *err);
void gy_conf_fini(gantry_conf *conf); /* wipes secrets */
const struct gy_conf_entry *gy_conf_find(const gantry_conf *conf, const char *path);
void gy_conf_mask(const gantry_conf *conf, char *text); /* secrets become *** */

/* file_check.c: the file and its folder may be trusted; *fd is open then.  EINVAL, ENOTFOUND. */
gantry_status gy_plugin_file_check(const char *path, bool trust_owner, int *fd,
                                   struct gy_error *err);
/* probe.c: load it in a child first, so that a crash in there is a sentence here. */
gantry_status gy_plugin_probe(const char *libexec_dir, const char *path, struct gy_error *err);
/* descriptor.c: host-side copies of what the entry returned, checked. */
struct gy_elf_note;
gantry_status gy_descriptor_read(const gantry_plugin *from, const struct gy_elf_note *note,
                                 struct gy_plugin *plugin, struct gy_error *err);
void gy_plugin_free(struct gy_plugin *plugin);
/* "x.so needs host ABI >= 0.2, this gantry offers 0.1 (built with SDK 0.2)" without the name. */
gantry_status gy_version_check(uint32_t built, uint32_t min, struct gy_error *err);

/* watch.c */
uint64_t gy_watch_timer(struct gy_instance *inst, uint64_t first_ms, uint64_t repeat_ms,
                        void (*fn)(void *arg), void *arg);
uint64_t gy_watch_fd(struct gy_instance *inst, int fd, uint32_t events,
                     void (*fn)(void *arg, int fd, uint32_t events), void *arg);
/* Run fn(inst) once on a later turn, for the host itself: not measured as a call of the plugin's.
 */
uint64_t gy_watch_later(struct gy_instance *inst, uint64_t delay_ms, void (*fn)(void *inst));
/* The same for the host's own timers and descriptors; 0 when it cannot be watched. */
uint64_t gy_watch_own_timer(struct gy_instance *inst, uint64_t delay_ms, void (*fn)(void *arg),
                            void *arg);
uint64_t gy_watch_own_fd(struct gy_instance *inst, int fd,
                         void (*fn)(void *arg, int fd, uint32_t events), void *arg);
void gy_watch_stop(struct gy_instance *inst, uint64_t id);
void gy_watch_stop_all(struct gy_instance *inst);

/* process.c */
extern const struct gantry_host_process gy_host_process;
void gy_children_kill(struct gy_instance *inst);
/* host_instance.c */
extern const struct gantry_host_instance gy_host_instance;
/* blocking.c: set self, ops and base of a new instance. */
void gy_blocking_wrap(struct gy_instance *inst);
void gy_blocking_wrap_extension(struct gy_extension *e);

/* instance.c: begin an operation in any state. */
gantry_op gy_instance_begin(struct gy_instance *inst, const char *function, enum gy_abi_type item,
                            enum gy_abi_type result, uint64_t deadline_ms, gy_op_item_fn on_item,
                            gy_op_done_fn on_done, void *arg);
void gy_instances_free(struct gy_plugins *ps);

/* A line in the log of an instance. */
void gy_instance_log(struct gy_instance *inst, int level, const char *fmt, ...) GANTRY_PRINTF(3, 4);

#endif
