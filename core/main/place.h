/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's place in the file system and among processes: folders, the lock, limits, the
 * supervisor. */
#ifndef GY_MAIN_PLACE_H
#define GY_MAIN_PLACE_H

#include "main/config.h"

/* Make data_dir, run_dir and the socket's folder; take the lock of data_dir, held until the process
 * ends.  EBUSY names the pid of who has it. */
gantry_status gy_place_take(const struct gy_config *c, struct gy_error *err);
/* The path to bind and to reach `path` by: itself, or, where it is longer than a socket's address
 * allows, through a descriptor of its folder that stays open. */
gantry_status gy_place_socket(const char *path, char out[108], struct gy_error *err);
/* RLIMIT_NOFILE to its hard limit, no core files unless allowed, SIGPIPE ignored. */
void gy_place_limits(bool debug_core);
/* Folder of this program, for free(). */
char *gy_place_bin_dir(void);
char *gy_place_boot_id(void); /* for free(); "" where the kernel tells none */
/* Tell systemd, where it listens: "READY=1", "STOPPING=1". */
void gy_place_notify(const char *state);
/* The cluster's id: kept in data_dir, made at the first start. */
gantry_status gy_place_cluster_id(const char *data_dir, char out[64], struct gy_error *err);

#endif
