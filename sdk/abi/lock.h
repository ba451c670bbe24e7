/* SPDX-License-Identifier: Apache-2.0 */
/* Written by sdk/abi/generate.py from sdk/include/gantry; do not edit. */
/* The ABI as it was accepted: a change here is reviewed beside the ABI number. */
#ifndef GANTRY_ABI_LOCK_H
#define GANTRY_ABI_LOCK_H

#include <gantry/abi.h>
#include <gantry/driver.h>
#include <gantry/host.h>
#include <gantry/plugin.h>
#include <gantry/process.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

#define GANTRY_LOCK(x) _Static_assert(x, #x)

GANTRY_LOCK(GANTRY_ABI_CURRENT == GANTRY_ABI(0, 1));
GANTRY_LOCK(GANTRY_OK == 0);
GANTRY_LOCK(GANTRY_EINVAL == -1);
GANTRY_LOCK(GANTRY_ENOTSUP == -2);
GANTRY_LOCK(GANTRY_ENOTFOUND == -3);
GANTRY_LOCK(GANTRY_EBUSY == -4);
GANTRY_LOCK(GANTRY_EUNAVAIL == -5);
GANTRY_LOCK(GANTRY_ECANCELED == -6);
GANTRY_LOCK(GANTRY_ETIMEDOUT == -7);
GANTRY_LOCK(GANTRY_ENOMEM == -8);
GANTRY_LOCK(GANTRY_EINTERNAL == -9);
GANTRY_LOCK(GANTRY_ECONFLICT == -10);
GANTRY_LOCK(GANTRY_LOG_ERROR == 0);
GANTRY_LOCK(GANTRY_LOG_WARN == 1);
GANTRY_LOCK(GANTRY_LOG_INFO == 2);
GANTRY_LOCK(GANTRY_LOG_DEBUG == 3);
GANTRY_LOCK(GANTRY_LOG_TRACE == 4);
GANTRY_LOCK(GANTRY_FD_READABLE == 1u);
GANTRY_LOCK(GANTRY_FD_WRITABLE == 2u);
GANTRY_LOCK(GANTRY_FD_HANGUP == 4u);
GANTRY_LOCK(sizeof(GANTRY_HOST_INSTANCE) == 23);
GANTRY_LOCK(GANTRY_PLUGIN_SINGLETON == (1ull << 0));
GANTRY_LOCK(GANTRY_PLUGIN_BLOCKING == (1ull << 1));
GANTRY_LOCK(GANTRY_SETTING_STR == 1u);
GANTRY_LOCK(GANTRY_SETTING_INT == 2u);
GANTRY_LOCK(GANTRY_SETTING_BOOL == 3u);
GANTRY_LOCK(GANTRY_SETTING_STRV == 4u);
GANTRY_LOCK(GANTRY_SETTING_SECRET == 5u);
GANTRY_LOCK(sizeof(GANTRY_NOTE_SECTION) == 13);
GANTRY_LOCK(GANTRY_NOTE_TYPE == 1u);
GANTRY_LOCK(sizeof(GANTRY_NOTE_ABI_) == 4);
GANTRY_LOCK(sizeof(GANTRY_DRIVER_KIND) == 16);
GANTRY_LOCK(GANTRY_DRIVER_DRAFT == 1u);
GANTRY_LOCK(GANTRY_DRIVER_RUNS_IMAGES == (1ull << 0));
GANTRY_LOCK(GANTRY_DRIVER_RUNS_PROCESSES == (1ull << 1));
GANTRY_LOCK(GANTRY_DRIVER_LIMITS_CPU == (1ull << 2));
GANTRY_LOCK(GANTRY_DRIVER_LIMITS_MEMORY == (1ull << 3));
GANTRY_LOCK(GANTRY_CONTAINER_TTY == (1u << 0));
GANTRY_LOCK(GANTRY_CONTAINER_STDIN == (1u << 1));
GANTRY_LOCK(GANTRY_CONTAINER_INIT == (1u << 2));
GANTRY_LOCK(GANTRY_PROTOCOL_TCP == 1u);
GANTRY_LOCK(GANTRY_PROTOCOL_UDP == 2u);
GANTRY_LOCK(GANTRY_CONTAINER_CREATED == 1u);
GANTRY_LOCK(GANTRY_CONTAINER_RUNNING == 2u);
GANTRY_LOCK(GANTRY_CONTAINER_EXITED == 3u);
GANTRY_LOCK(GANTRY_CONTAINER_UNKNOWN == 4u);
GANTRY_LOCK(GANTRY_EXIT_OOM == (1u << 0));
GANTRY_LOCK(GANTRY_EXIT_LOST == (1u << 1));
GANTRY_LOCK(sizeof(GANTRY_DRIVER_EXEC) == 21);
GANTRY_LOCK(GANTRY_EXEC_TTY == (1u << 0));
GANTRY_LOCK(GANTRY_EXEC_STDIN == (1u << 1));
GANTRY_LOCK(GANTRY_CHANNEL_STDIN == 0u);
GANTRY_LOCK(GANTRY_CHANNEL_STDOUT == 1u);
GANTRY_LOCK(GANTRY_CHANNEL_STDERR == 2u);
GANTRY_LOCK(sizeof(GANTRY_DRIVER_LOGS) == 21);
GANTRY_LOCK(GANTRY_LOGS_FOLLOW == (1u << 0));
GANTRY_LOCK(GANTRY_LOGS_PREVIOUS == (1u << 1));
GANTRY_LOCK(sizeof(GANTRY_STRATEGY_KIND) == 18);
GANTRY_LOCK(GANTRY_STRATEGY_DRAFT == 1u);
GANTRY_LOCK(GANTRY_STRATEGY_NODE_LOCAL == (1ull << 0));
GANTRY_LOCK(GANTRY_STRATEGY_MONOTONE == (1ull << 1));
GANTRY_LOCK(GANTRY_STRATEGY_TIES_SEEDED == (1ull << 2));
GANTRY_LOCK(sizeof(GANTRY_STORE_KIND) == 15);
GANTRY_LOCK(GANTRY_STORE_DRAFT == 1u);
GANTRY_LOCK(GANTRY_STORE_DURABLE == (1ull << 0));
GANTRY_LOCK(GANTRY_STORE_SHARED == (1ull << 1));
GANTRY_LOCK(GANTRY_STORE_PUT == 1u);
GANTRY_LOCK(GANTRY_STORE_DELETE == 2u);
GANTRY_LOCK(GANTRY_STORE_MORE == (1u << 0));
GANTRY_LOCK(GANTRY_STORE_CHECK_FULL == (1u << 0));
GANTRY_LOCK(sizeof(GANTRY_HOST_PROCESS) == 22);
GANTRY_LOCK(GANTRY_PROCESS_TIMED_OUT == (1u << 0));
GANTRY_LOCK(GANTRY_PROCESS_STDOUT_CUT == (1u << 1));
GANTRY_LOCK(GANTRY_PROCESS_STDERR_CUT == (1u << 2));

#if UINTPTR_MAX == UINT64_MAX

/* gantry/host.h */
GANTRY_LOCK(sizeof(gantry_host_api) == 136);
GANTRY_LOCK(offsetof(gantry_host_api, size) == 0);
GANTRY_LOCK(offsetof(gantry_host_api, abi) == 4);
GANTRY_LOCK(offsetof(gantry_host_api, logf) == 8);
GANTRY_LOCK(offsetof(gantry_host_api, log_enabled) == 16);
GANTRY_LOCK(offsetof(gantry_host_api, error_setf) == 24);
GANTRY_LOCK(offsetof(gantry_host_api, op_done) == 32);
GANTRY_LOCK(offsetof(gantry_host_api, op_failf) == 40);
GANTRY_LOCK(offsetof(gantry_host_api, op_emit) == 48);
GANTRY_LOCK(offsetof(gantry_host_api, post) == 56);
GANTRY_LOCK(offsetof(gantry_host_api, work) == 64);
GANTRY_LOCK(offsetof(gantry_host_api, timer_start) == 72);
GANTRY_LOCK(offsetof(gantry_host_api, fd_watch) == 80);
GANTRY_LOCK(offsetof(gantry_host_api, watch_stop) == 88);
GANTRY_LOCK(offsetof(gantry_host_api, conf_str) == 96);
GANTRY_LOCK(offsetof(gantry_host_api, conf_int) == 104);
GANTRY_LOCK(offsetof(gantry_host_api, conf_strv) == 112);
GANTRY_LOCK(offsetof(gantry_host_api, on_loop) == 120);
GANTRY_LOCK(offsetof(gantry_host_api, extension) == 128);

/* gantry/host.h */
GANTRY_LOCK(sizeof(gantry_host_instance) == 64);
GANTRY_LOCK(offsetof(gantry_host_instance, size) == 0);
GANTRY_LOCK(offsetof(gantry_host_instance, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_host_instance, name) == 8);
GANTRY_LOCK(offsetof(gantry_host_instance, state_dir) == 16);
GANTRY_LOCK(offsetof(gantry_host_instance, run_dir) == 24);
GANTRY_LOCK(offsetof(gantry_host_instance, libexec_dir) == 32);
GANTRY_LOCK(offsetof(gantry_host_instance, node) == 40);
GANTRY_LOCK(offsetof(gantry_host_instance, cluster) == 48);
GANTRY_LOCK(offsetof(gantry_host_instance, boot_id) == 56);

/* gantry/plugin.h */
GANTRY_LOCK(sizeof(gantry_setting) == 40);
GANTRY_LOCK(offsetof(gantry_setting, size) == 0);
GANTRY_LOCK(offsetof(gantry_setting, type) == 4);
GANTRY_LOCK(offsetof(gantry_setting, flags) == 8);
GANTRY_LOCK(offsetof(gantry_setting, reserved) == 12);
GANTRY_LOCK(offsetof(gantry_setting, path) == 16);
GANTRY_LOCK(offsetof(gantry_setting, fallback) == 24);
GANTRY_LOCK(offsetof(gantry_setting, doc) == 32);

/* gantry/plugin.h */
GANTRY_LOCK(sizeof(gantry_provider) == 56);
GANTRY_LOCK(offsetof(gantry_provider, size) == 0);
GANTRY_LOCK(offsetof(gantry_provider, workers) == 4);
GANTRY_LOCK(offsetof(gantry_provider, draft) == 8);
GANTRY_LOCK(offsetof(gantry_provider, reserved) == 12);
GANTRY_LOCK(offsetof(gantry_provider, kind) == 16);
GANTRY_LOCK(offsetof(gantry_provider, name) == 24);
GANTRY_LOCK(offsetof(gantry_provider, settings) == 32);
GANTRY_LOCK(offsetof(gantry_provider, app_settings) == 40);
GANTRY_LOCK(offsetof(gantry_provider, ops) == 48);

/* gantry/plugin.h */
GANTRY_LOCK(sizeof(gantry_plugin) == 72);
GANTRY_LOCK(offsetof(gantry_plugin, size) == 0);
GANTRY_LOCK(offsetof(gantry_plugin, abi_built) == 4);
GANTRY_LOCK(offsetof(gantry_plugin, abi_min) == 8);
GANTRY_LOCK(offsetof(gantry_plugin, provider_count) == 12);
GANTRY_LOCK(offsetof(gantry_plugin, flags) == 16);
GANTRY_LOCK(offsetof(gantry_plugin, name) == 24);
GANTRY_LOCK(offsetof(gantry_plugin, version) == 32);
GANTRY_LOCK(offsetof(gantry_plugin, license) == 40);
GANTRY_LOCK(offsetof(gantry_plugin, url) == 48);
GANTRY_LOCK(offsetof(gantry_plugin, description) == 56);
GANTRY_LOCK(offsetof(gantry_plugin, providers) == 64);

/* gantry/plugin.h */
GANTRY_LOCK(sizeof(gantry_health) == 24);
GANTRY_LOCK(offsetof(gantry_health, size) == 0);
GANTRY_LOCK(offsetof(gantry_health, status) == 4);
GANTRY_LOCK(offsetof(gantry_health, text) == 8);

/* gantry/plugin.h */
GANTRY_LOCK(sizeof(gantry_base_ops) == 72);
GANTRY_LOCK(offsetof(gantry_base_ops, size) == 0);
GANTRY_LOCK(offsetof(gantry_base_ops, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_base_ops, create) == 8);
GANTRY_LOCK(offsetof(gantry_base_ops, open) == 16);
GANTRY_LOCK(offsetof(gantry_base_ops, reload) == 24);
GANTRY_LOCK(offsetof(gantry_base_ops, health) == 32);
GANTRY_LOCK(offsetof(gantry_base_ops, shutdown) == 40);
GANTRY_LOCK(offsetof(gantry_base_ops, destroy) == 48);
GANTRY_LOCK(offsetof(gantry_base_ops, cancel) == 56);
GANTRY_LOCK(offsetof(gantry_base_ops, extension) == 64);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_ulimit) == 40);
GANTRY_LOCK(offsetof(gantry_ulimit, size) == 0);
GANTRY_LOCK(offsetof(gantry_ulimit, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_ulimit, soft) == 8);
GANTRY_LOCK(offsetof(gantry_ulimit, hard) == 16);
GANTRY_LOCK(offsetof(gantry_ulimit, name) == 24);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_port) == 48);
GANTRY_LOCK(offsetof(gantry_port, size) == 0);
GANTRY_LOCK(offsetof(gantry_port, protocol) == 4);
GANTRY_LOCK(offsetof(gantry_port, target) == 8);
GANTRY_LOCK(offsetof(gantry_port, host) == 12);
GANTRY_LOCK(offsetof(gantry_port, host_ip) == 16);
GANTRY_LOCK(offsetof(gantry_port, name) == 32);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_container) == 176);
GANTRY_LOCK(offsetof(gantry_container, size) == 0);
GANTRY_LOCK(offsetof(gantry_container, flags) == 4);
GANTRY_LOCK(offsetof(gantry_container, entrypoint_count) == 8);
GANTRY_LOCK(offsetof(gantry_container, arg_count) == 12);
GANTRY_LOCK(offsetof(gantry_container, env_count) == 16);
GANTRY_LOCK(offsetof(gantry_container, ulimit_count) == 20);
GANTRY_LOCK(offsetof(gantry_container, cpu_milli) == 24);
GANTRY_LOCK(offsetof(gantry_container, memory_bytes) == 32);
GANTRY_LOCK(offsetof(gantry_container, pids_max) == 40);
GANTRY_LOCK(offsetof(gantry_container, name) == 48);
GANTRY_LOCK(offsetof(gantry_container, image) == 64);
GANTRY_LOCK(offsetof(gantry_container, pull_policy) == 80);
GANTRY_LOCK(offsetof(gantry_container, user) == 96);
GANTRY_LOCK(offsetof(gantry_container, workdir) == 112);
GANTRY_LOCK(offsetof(gantry_container, settings) == 128);
GANTRY_LOCK(offsetof(gantry_container, entrypoint) == 144);
GANTRY_LOCK(offsetof(gantry_container, args) == 152);
GANTRY_LOCK(offsetof(gantry_container, env) == 160);
GANTRY_LOCK(offsetof(gantry_container, ulimits) == 168);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_pod) == 176);
GANTRY_LOCK(offsetof(gantry_pod, size) == 0);
GANTRY_LOCK(offsetof(gantry_pod, container_count) == 4);
GANTRY_LOCK(offsetof(gantry_pod, port_count) == 8);
GANTRY_LOCK(offsetof(gantry_pod, label_count) == 12);
GANTRY_LOCK(offsetof(gantry_pod, slot) == 16);
GANTRY_LOCK(offsetof(gantry_pod, flags) == 20);
GANTRY_LOCK(offsetof(gantry_pod, id) == 24);
GANTRY_LOCK(offsetof(gantry_pod, name) == 40);
GANTRY_LOCK(offsetof(gantry_pod, hostname) == 56);
GANTRY_LOCK(offsetof(gantry_pod, ns) == 72);
GANTRY_LOCK(offsetof(gantry_pod, project) == 88);
GANTRY_LOCK(offsetof(gantry_pod, app) == 104);
GANTRY_LOCK(offsetof(gantry_pod, node) == 120);
GANTRY_LOCK(offsetof(gantry_pod, record) == 136);
GANTRY_LOCK(offsetof(gantry_pod, containers) == 152);
GANTRY_LOCK(offsetof(gantry_pod, ports) == 160);
GANTRY_LOCK(offsetof(gantry_pod, labels) == 168);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_container_status) == 88);
GANTRY_LOCK(offsetof(gantry_container_status, size) == 0);
GANTRY_LOCK(offsetof(gantry_container_status, state) == 4);
GANTRY_LOCK(offsetof(gantry_container_status, exit_code) == 8);
GANTRY_LOCK(offsetof(gantry_container_status, exit_signal) == 12);
GANTRY_LOCK(offsetof(gantry_container_status, exit_flags) == 16);
GANTRY_LOCK(offsetof(gantry_container_status, reserved) == 20);
GANTRY_LOCK(offsetof(gantry_container_status, attempt) == 24);
GANTRY_LOCK(offsetof(gantry_container_status, pid) == 32);
GANTRY_LOCK(offsetof(gantry_container_status, started_ms) == 40);
GANTRY_LOCK(offsetof(gantry_container_status, ended_ms) == 48);
GANTRY_LOCK(offsetof(gantry_container_status, name) == 56);
GANTRY_LOCK(offsetof(gantry_container_status, text) == 72);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_pod_status) == 48);
GANTRY_LOCK(offsetof(gantry_pod_status, size) == 0);
GANTRY_LOCK(offsetof(gantry_pod_status, container_count) == 4);
GANTRY_LOCK(offsetof(gantry_pod_status, pod) == 8);
GANTRY_LOCK(offsetof(gantry_pod_status, record) == 24);
GANTRY_LOCK(offsetof(gantry_pod_status, containers) == 40);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_progress) == 24);
GANTRY_LOCK(offsetof(gantry_progress, size) == 0);
GANTRY_LOCK(offsetof(gantry_progress, percent) == 4);
GANTRY_LOCK(offsetof(gantry_progress, text) == 8);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_driver_ops) == 80);
GANTRY_LOCK(offsetof(gantry_driver_ops, size) == 0);
GANTRY_LOCK(offsetof(gantry_driver_ops, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_driver_ops, caps) == 8);
GANTRY_LOCK(offsetof(gantry_driver_ops, base) == 16);
GANTRY_LOCK(offsetof(gantry_driver_ops, list) == 24);
GANTRY_LOCK(offsetof(gantry_driver_ops, prepare) == 32);
GANTRY_LOCK(offsetof(gantry_driver_ops, start) == 40);
GANTRY_LOCK(offsetof(gantry_driver_ops, wait) == 48);
GANTRY_LOCK(offsetof(gantry_driver_ops, stop) == 56);
GANTRY_LOCK(offsetof(gantry_driver_ops, remove) == 64);
GANTRY_LOCK(offsetof(gantry_driver_ops, reserved2) == 72);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_exec) == 104);
GANTRY_LOCK(offsetof(gantry_exec, size) == 0);
GANTRY_LOCK(offsetof(gantry_exec, flags) == 4);
GANTRY_LOCK(offsetof(gantry_exec, arg_count) == 8);
GANTRY_LOCK(offsetof(gantry_exec, env_count) == 12);
GANTRY_LOCK(offsetof(gantry_exec, width) == 16);
GANTRY_LOCK(offsetof(gantry_exec, height) == 20);
GANTRY_LOCK(offsetof(gantry_exec, pod) == 24);
GANTRY_LOCK(offsetof(gantry_exec, container) == 40);
GANTRY_LOCK(offsetof(gantry_exec, user) == 56);
GANTRY_LOCK(offsetof(gantry_exec, workdir) == 72);
GANTRY_LOCK(offsetof(gantry_exec, args) == 88);
GANTRY_LOCK(offsetof(gantry_exec, env) == 96);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_chunk) == 32);
GANTRY_LOCK(offsetof(gantry_chunk, size) == 0);
GANTRY_LOCK(offsetof(gantry_chunk, channel) == 4);
GANTRY_LOCK(offsetof(gantry_chunk, wall_ms) == 8);
GANTRY_LOCK(offsetof(gantry_chunk, bytes) == 16);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_driver_exec) == 32);
GANTRY_LOCK(offsetof(gantry_driver_exec, size) == 0);
GANTRY_LOCK(offsetof(gantry_driver_exec, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_driver_exec, exec) == 8);
GANTRY_LOCK(offsetof(gantry_driver_exec, input) == 16);
GANTRY_LOCK(offsetof(gantry_driver_exec, resize) == 24);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_log_query) == 56);
GANTRY_LOCK(offsetof(gantry_log_query, size) == 0);
GANTRY_LOCK(offsetof(gantry_log_query, flags) == 4);
GANTRY_LOCK(offsetof(gantry_log_query, tail) == 8);
GANTRY_LOCK(offsetof(gantry_log_query, since_ms) == 16);
GANTRY_LOCK(offsetof(gantry_log_query, pod) == 24);
GANTRY_LOCK(offsetof(gantry_log_query, container) == 40);

/* gantry/driver.h */
GANTRY_LOCK(sizeof(gantry_driver_logs) == 16);
GANTRY_LOCK(offsetof(gantry_driver_logs, size) == 0);
GANTRY_LOCK(offsetof(gantry_driver_logs, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_driver_logs, logs) == 8);

/* gantry/strategy.h */
GANTRY_LOCK(sizeof(gantry_rows) == 104);
GANTRY_LOCK(offsetof(gantry_rows, size) == 0);
GANTRY_LOCK(offsetof(gantry_rows, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_rows, n) == 8);
GANTRY_LOCK(offsetof(gantry_rows, reserved2) == 16);
GANTRY_LOCK(offsetof(gantry_rows, cpu_free) == 24);
GANTRY_LOCK(offsetof(gantry_rows, cpu_cap) == 32);
GANTRY_LOCK(offsetof(gantry_rows, mem_free) == 40);
GANTRY_LOCK(offsetof(gantry_rows, mem_cap) == 48);
GANTRY_LOCK(offsetof(gantry_rows, pods) == 56);
GANTRY_LOCK(offsetof(gantry_rows, own) == 64);
GANTRY_LOCK(offsetof(gantry_rows, gpu_free) == 72);
GANTRY_LOCK(offsetof(gantry_rows, gpu_cap) == 80);
GANTRY_LOCK(offsetof(gantry_rows, cpu_ask) == 88);
GANTRY_LOCK(offsetof(gantry_rows, mem_ask) == 96);

/* gantry/strategy.h */
GANTRY_LOCK(sizeof(gantry_strategy_ops) == 48);
GANTRY_LOCK(offsetof(gantry_strategy_ops, size) == 0);
GANTRY_LOCK(offsetof(gantry_strategy_ops, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_strategy_ops, caps) == 8);
GANTRY_LOCK(offsetof(gantry_strategy_ops, lower) == 16);
GANTRY_LOCK(offsetof(gantry_strategy_ops, upper) == 24);
GANTRY_LOCK(offsetof(gantry_strategy_ops, base) == 32);
GANTRY_LOCK(offsetof(gantry_strategy_ops, score) == 40);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_compare) == 32);
GANTRY_LOCK(offsetof(gantry_store_compare, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_compare, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_store_compare, mod_rev) == 8);
GANTRY_LOCK(offsetof(gantry_store_compare, key) == 16);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_write) == 40);
GANTRY_LOCK(offsetof(gantry_store_write, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_write, type) == 4);
GANTRY_LOCK(offsetof(gantry_store_write, key) == 8);
GANTRY_LOCK(offsetof(gantry_store_write, value) == 24);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_txn) == 32);
GANTRY_LOCK(offsetof(gantry_store_txn, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_txn, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_store_txn, compare_count) == 8);
GANTRY_LOCK(offsetof(gantry_store_txn, write_count) == 12);
GANTRY_LOCK(offsetof(gantry_store_txn, compares) == 16);
GANTRY_LOCK(offsetof(gantry_store_txn, writes) == 24);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_result) == 40);
GANTRY_LOCK(offsetof(gantry_store_result, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_result, failed) == 4);
GANTRY_LOCK(offsetof(gantry_store_result, rev) == 8);
GANTRY_LOCK(offsetof(gantry_store_result, compacted) == 16);
GANTRY_LOCK(offsetof(gantry_store_result, text) == 24);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_item) == 64);
GANTRY_LOCK(offsetof(gantry_store_item, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_item, type) == 4);
GANTRY_LOCK(offsetof(gantry_store_item, mod_rev) == 8);
GANTRY_LOCK(offsetof(gantry_store_item, create_rev) == 16);
GANTRY_LOCK(offsetof(gantry_store_item, key) == 24);
GANTRY_LOCK(offsetof(gantry_store_item, value) == 40);
GANTRY_LOCK(offsetof(gantry_store_item, flags) == 56);
GANTRY_LOCK(offsetof(gantry_store_item, reserved) == 60);

/* gantry/store.h */
GANTRY_LOCK(sizeof(gantry_store_ops) == 88);
GANTRY_LOCK(offsetof(gantry_store_ops, size) == 0);
GANTRY_LOCK(offsetof(gantry_store_ops, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_store_ops, caps) == 8);
GANTRY_LOCK(offsetof(gantry_store_ops, max_txn_ops) == 16);
GANTRY_LOCK(offsetof(gantry_store_ops, max_value_bytes) == 20);
GANTRY_LOCK(offsetof(gantry_store_ops, base) == 24);
GANTRY_LOCK(offsetof(gantry_store_ops, list) == 32);
GANTRY_LOCK(offsetof(gantry_store_ops, txn) == 40);
GANTRY_LOCK(offsetof(gantry_store_ops, watch) == 48);
GANTRY_LOCK(offsetof(gantry_store_ops, compact) == 56);
GANTRY_LOCK(offsetof(gantry_store_ops, backup) == 64);
GANTRY_LOCK(offsetof(gantry_store_ops, check) == 72);
GANTRY_LOCK(offsetof(gantry_store_ops, restore) == 80);

/* gantry/process.h */
GANTRY_LOCK(sizeof(gantry_process) == 80);
GANTRY_LOCK(offsetof(gantry_process, size) == 0);
GANTRY_LOCK(offsetof(gantry_process, flags) == 4);
GANTRY_LOCK(offsetof(gantry_process, arg_count) == 8);
GANTRY_LOCK(offsetof(gantry_process, env_count) == 12);
GANTRY_LOCK(offsetof(gantry_process, time_limit_ms) == 16);
GANTRY_LOCK(offsetof(gantry_process, output_max) == 24);
GANTRY_LOCK(offsetof(gantry_process, workdir) == 32);
GANTRY_LOCK(offsetof(gantry_process, args) == 48);
GANTRY_LOCK(offsetof(gantry_process, env) == 56);
GANTRY_LOCK(offsetof(gantry_process, input) == 64);

/* gantry/process.h */
GANTRY_LOCK(sizeof(gantry_process_result) == 48);
GANTRY_LOCK(offsetof(gantry_process_result, size) == 0);
GANTRY_LOCK(offsetof(gantry_process_result, flags) == 4);
GANTRY_LOCK(offsetof(gantry_process_result, exit_code) == 8);
GANTRY_LOCK(offsetof(gantry_process_result, exit_signal) == 12);
GANTRY_LOCK(offsetof(gantry_process_result, output) == 16);
GANTRY_LOCK(offsetof(gantry_process_result, errors) == 32);

/* gantry/process.h */
GANTRY_LOCK(sizeof(gantry_host_process) == 24);
GANTRY_LOCK(offsetof(gantry_host_process, size) == 0);
GANTRY_LOCK(offsetof(gantry_host_process, reserved) == 4);
GANTRY_LOCK(offsetof(gantry_host_process, run) == 8);
GANTRY_LOCK(offsetof(gantry_host_process, kill) == 16);
#endif

#endif
