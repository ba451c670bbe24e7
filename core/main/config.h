/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's configuration: gantry.conf and plugins.d/ *.conf beside it, in libconfig's syntax.
 */
#ifndef GY_MAIN_CONFIG_H
#define GY_MAIN_CONFIG_H

#include "model/shape.h"
#include "plugin/plugin.h"

#define GY_CONFIG_EXIT 78 /* EX_CONFIG */
#define GY_CONFIG_FILE "/etc/gantry/gantry.conf"

/* One enabled plugin: `drivers = ( { plugin = "process"; user = "nobody"; } );` */
struct gy_config_block {
    const char *kind; /* "gantry.driver/1" */
    char *plugin;     /* NAME of NAME.so, or an absolute path */
    char *provider;   /* default: the plugin's name */
    char *name;       /* of the instance; default: the provider's name */
    char *source;     /* "gantry.conf:12" */
    struct gy_setting_value *values;
    size_t n, cap;
};

struct gy_config {
    char *file; /* as given; NULL = built in */
    bool dev;

    char *node_name; /* default: the host's name */
    struct gy_map node_labels;
    int64_t max_pods;
    char *data_dir, *run_dir, *libexec_dir;
    struct gy_strs plugin_dirs;
    bool trust_plugin_owner;
    char *socket_path, *socket_group;
    struct gy_strs listen, allowed_hosts;
    char *tokens_file;
    int64_t rate_per_second, rate_burst;
    char *log_level;
    char *strategy;
    int64_t events_hours, events_count;
    bool debug_core;

    struct gy_config_block *blocks; /* the store, drivers, strategies, in the order of the files */
    size_t block_count, block_cap;
};

/* Defaults, then the file, then the files of plugins.d in the order of their names.
 * file NULL: the defaults alone.  dev_dir: the built-in configuration of --dev below this absolute
 * folder, on which the file is laid.  bin_dir: where gantryd is, to find the build tree's plugins.
 * EINVAL: one line, "file:line: what is wrong and what would be right". */
gantry_status gy_config_read(const char *file, const char *dev_dir, const char *bin_dir,
                             struct gy_config *out, struct gy_error *err);
void gy_config_fini(struct gy_config *c);
/* Load each named plugin and check its block against its settings.  EINVAL as above. */
gantry_status gy_config_check_plugins(const struct gy_config *c, struct gy_plugins *ps,
                                      struct gy_error *err);
/* The effective configuration; secrets become "***".  ps may be NULL: every plugin setting whose
 * name sounds secret is masked then.  A new reference; text in libconfig's syntax for free(). */
json_t *gy_config_json(const struct gy_config *c, struct gy_plugins *ps);
char *gy_config_text(const struct gy_config *c, struct gy_plugins *ps);
/* The block of a kind: the i-th, or NULL. */
const struct gy_config_block *gy_config_block(const struct gy_config *c, const char *kind,
                                              size_t i);
int gy_config_log_level(const char *word); /* enum gy_log_level, or -1 */

/* ---- shared by the files of the configuration ---- */

enum gy_config_type { GY_CONFIG_STR, GY_CONFIG_INT, GY_CONFIG_BOOL, GY_CONFIG_STRS, GY_CONFIG_MAP };
struct gy_config_key {
    const char *path; /* "node.name" */
    enum gy_config_type type;
    size_t offset;
    const char *fallback; /* as text; NULL = none */
    int64_t min, max;     /* INT */
    const char *doc;
};
extern const struct gy_config_key gy_config_keys[]; /* the one table of settings and defaults */
extern const size_t gy_config_key_count;
struct gy_config_kind {
    const char *setting, *kind; /* "drivers", "gantry.driver/1" */
    bool many;
};
extern const struct gy_config_kind gy_config_kinds[];
extern const size_t gy_config_kind_count;
void gy_config_block_fini(struct gy_config_block *b);

#endif
