/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of settings and their defaults. */
#include "main/config.h"

#include "base/log.h"
#include <gantry/driver.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#define K(path, type, member, ...)                                                                 \
    {                                                                                              \
        path, GY_CONFIG_##type, offsetof(struct gy_config, member), __VA_ARGS__                    \
    }

const struct gy_config_key gy_config_keys[] = {
    K("node.name", STR, node_name, NULL, 0, 0, "a label; default: the host's name"),
    K("node.labels", MAP, node_labels, NULL, 0, 0, "of this node, for placement constraints"),
    K("node.max_pods", INT, max_pods, "250", 1, 100000, "pods on this node at most"),
    K("data_dir", STR, data_dir, "/var/lib/gantry", 0, 0, "store and plugins' state"),
    K("run_dir", STR, run_dir, "/run/gantry", 0, 0, "sockets and work folders"),
    K("libexec_dir", STR, libexec_dir, NULL, 0, 0, "gantry's own programs"),
    K("plugin_dirs", STRS, plugin_dirs, NULL, 0, 0, "absolute folders with plugins"),
    K("trust_plugin_owner", BOOL, trust_plugin_owner, "false", 0, 0,
      "load plugins that another user than root owns"),
    K("socket.path", STR, socket_path, NULL, 0, 0, "default: run_dir/gantry.sock"),
    K("socket.group", STR, socket_group, "gantry", 0, 0, "its members are admin; like root"),
    K("listen", STRS, listen, NULL, 0, 0,
      "TCP addresses, as in \"127.0.0.1:7700\", \"[::1]:7700\""),
    K("allowed_hosts", STRS, allowed_hosts, NULL, 0, 0, "names that clients may call this server"),
    K("tokens_file", STR, tokens_file, NULL, 0, 0, "who may use TCP; mode 0600"),
    K("limits.rate_per_second", INT, rate_per_second, "100", 1, 1000000,
      "requests of one identity"),
    K("limits.rate_burst", INT, rate_burst, "500", 1, 1000000, "at once"),
    K("log.level", STR, log_level, "info", 0, 0, "error, warn, info, debug or trace"),
    K("scheduler.strategy", STR, strategy, "spread", 0, 0, "for apps that name none"),
    K("retention.events_hours", INT, events_hours, "24", 1, 8760, "events are kept so long"),
    K("retention.events_count", INT, events_count, "100000", 100, 10000000, "and so many"),
    K("debug_core", BOOL, debug_core, "false", 0, 0, "allow core files, which may hold secrets"),
};
const size_t gy_config_key_count = sizeof gy_config_keys / sizeof *gy_config_keys;

const struct gy_config_kind gy_config_kinds[] = {
    {"store", GANTRY_STORE_KIND, false},
    {"drivers", GANTRY_DRIVER_KIND, true},
    {"strategies", GANTRY_STRATEGY_KIND, true},
};
const size_t gy_config_kind_count = sizeof gy_config_kinds / sizeof *gy_config_kinds;

int gy_config_log_level(const char *word)
{
    static const char *const words[] = {"error", "warn", "info", "debug", "trace"};
    for (int i = 0; i < 5; i++)
        if (gy_streq(words[i], word)) return i;
    return -1;
}
