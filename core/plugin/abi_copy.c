/* SPDX-License-Identifier: Apache-2.0 */
/* Written by sdk/abi/generate.py from sdk/include/gantry; do not edit. */
#include "plugin/abi_copy.h"

#include <gantry/driver.h>
#include <gantry/plugin.h>
#include <gantry/process.h>
#include <gantry/store.h>

static const struct gy_copy_type health_type;
static const struct gy_copy_type ulimit_type;
static const struct gy_copy_type port_type;
static const struct gy_copy_type container_type;
static const struct gy_copy_type pod_type;
static const struct gy_copy_type container_status_type;
static const struct gy_copy_type pod_status_type;
static const struct gy_copy_type progress_type;
static const struct gy_copy_type exec_type;
static const struct gy_copy_type chunk_type;
static const struct gy_copy_type log_query_type;
static const struct gy_copy_type store_compare_type;
static const struct gy_copy_type store_write_type;
static const struct gy_copy_type store_txn_type;
static const struct gy_copy_type store_result_type;
static const struct gy_copy_type store_item_type;
static const struct gy_copy_type process_type;
static const struct gy_copy_type process_result_type;

static const struct gy_copy_member health_members[] = {
    {"text", GY_COPY_STR, offsetof(gantry_health, text), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type health_type = {
    {"gantry_health", gy_copy_op}, sizeof(gantry_health), health_members};

static const struct gy_copy_member ulimit_members[] = {
    {"name", GY_COPY_STR, offsetof(gantry_ulimit, name), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type ulimit_type = {
    {"gantry_ulimit", gy_copy_op}, sizeof(gantry_ulimit), ulimit_members};

static const struct gy_copy_member port_members[] = {
    {"host_ip", GY_COPY_STR, offsetof(gantry_port, host_ip), 0, NULL},
    {"name", GY_COPY_STR, offsetof(gantry_port, name), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type port_type = {
    {"gantry_port", gy_copy_op}, sizeof(gantry_port), port_members};

static const struct gy_copy_member container_members[] = {
    {"name", GY_COPY_STR, offsetof(gantry_container, name), 0, NULL},
    {"image", GY_COPY_STR, offsetof(gantry_container, image), 0, NULL},
    {"pull_policy", GY_COPY_STR, offsetof(gantry_container, pull_policy), 0, NULL},
    {"user", GY_COPY_STR, offsetof(gantry_container, user), 0, NULL},
    {"workdir", GY_COPY_STR, offsetof(gantry_container, workdir), 0, NULL},
    {"settings", GY_COPY_STR, offsetof(gantry_container, settings), 0, NULL},
    {"entrypoint", GY_COPY_STRS, offsetof(gantry_container, entrypoint),
     offsetof(gantry_container, entrypoint_count), NULL},
    {"args", GY_COPY_STRS, offsetof(gantry_container, args), offsetof(gantry_container, arg_count),
     NULL},
    {"env", GY_COPY_KVS, offsetof(gantry_container, env), offsetof(gantry_container, env_count),
     NULL},
    {"ulimits", GY_COPY_PTRS, offsetof(gantry_container, ulimits),
     offsetof(gantry_container, ulimit_count), &ulimit_type},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type container_type = {
    {"gantry_container", gy_copy_op}, sizeof(gantry_container), container_members};

static const struct gy_copy_member pod_members[] = {
    {"id", GY_COPY_STR, offsetof(gantry_pod, id), 0, NULL},
    {"name", GY_COPY_STR, offsetof(gantry_pod, name), 0, NULL},
    {"hostname", GY_COPY_STR, offsetof(gantry_pod, hostname), 0, NULL},
    {"ns", GY_COPY_STR, offsetof(gantry_pod, ns), 0, NULL},
    {"project", GY_COPY_STR, offsetof(gantry_pod, project), 0, NULL},
    {"app", GY_COPY_STR, offsetof(gantry_pod, app), 0, NULL},
    {"node", GY_COPY_STR, offsetof(gantry_pod, node), 0, NULL},
    {"record", GY_COPY_STR, offsetof(gantry_pod, record), 0, NULL},
    {"containers", GY_COPY_PTRS, offsetof(gantry_pod, containers),
     offsetof(gantry_pod, container_count), &container_type},
    {"ports", GY_COPY_PTRS, offsetof(gantry_pod, ports), offsetof(gantry_pod, port_count),
     &port_type},
    {"labels", GY_COPY_KVS, offsetof(gantry_pod, labels), offsetof(gantry_pod, label_count), NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type pod_type = {
    {"gantry_pod", gy_copy_op}, sizeof(gantry_pod), pod_members};

static const struct gy_copy_member container_status_members[] = {
    {"name", GY_COPY_STR, offsetof(gantry_container_status, name), 0, NULL},
    {"text", GY_COPY_STR, offsetof(gantry_container_status, text), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type container_status_type = {{"gantry_container_status", gy_copy_op},
                                                          sizeof(gantry_container_status),
                                                          container_status_members};

static const struct gy_copy_member pod_status_members[] = {
    {"pod", GY_COPY_STR, offsetof(gantry_pod_status, pod), 0, NULL},
    {"record", GY_COPY_STR, offsetof(gantry_pod_status, record), 0, NULL},
    {"containers", GY_COPY_PTRS, offsetof(gantry_pod_status, containers),
     offsetof(gantry_pod_status, container_count), &container_status_type},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type pod_status_type = {
    {"gantry_pod_status", gy_copy_op}, sizeof(gantry_pod_status), pod_status_members};

static const struct gy_copy_member progress_members[] = {
    {"text", GY_COPY_STR, offsetof(gantry_progress, text), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type progress_type = {
    {"gantry_progress", gy_copy_op}, sizeof(gantry_progress), progress_members};

static const struct gy_copy_member exec_members[] = {
    {"pod", GY_COPY_STR, offsetof(gantry_exec, pod), 0, NULL},
    {"container", GY_COPY_STR, offsetof(gantry_exec, container), 0, NULL},
    {"user", GY_COPY_STR, offsetof(gantry_exec, user), 0, NULL},
    {"workdir", GY_COPY_STR, offsetof(gantry_exec, workdir), 0, NULL},
    {"args", GY_COPY_STRS, offsetof(gantry_exec, args), offsetof(gantry_exec, arg_count), NULL},
    {"env", GY_COPY_KVS, offsetof(gantry_exec, env), offsetof(gantry_exec, env_count), NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type exec_type = {
    {"gantry_exec", gy_copy_op}, sizeof(gantry_exec), exec_members};

static const struct gy_copy_member chunk_members[] = {
    {"bytes", GY_COPY_BYTES, offsetof(gantry_chunk, bytes), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type chunk_type = {
    {"gantry_chunk", gy_copy_op}, sizeof(gantry_chunk), chunk_members};

static const struct gy_copy_member log_query_members[] = {
    {"pod", GY_COPY_STR, offsetof(gantry_log_query, pod), 0, NULL},
    {"container", GY_COPY_STR, offsetof(gantry_log_query, container), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type log_query_type = {
    {"gantry_log_query", gy_copy_op}, sizeof(gantry_log_query), log_query_members};

static const struct gy_copy_member store_compare_members[] = {
    {"key", GY_COPY_STR, offsetof(gantry_store_compare, key), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type store_compare_type = {
    {"gantry_store_compare", gy_copy_op}, sizeof(gantry_store_compare), store_compare_members};

static const struct gy_copy_member store_write_members[] = {
    {"key", GY_COPY_STR, offsetof(gantry_store_write, key), 0, NULL},
    {"value", GY_COPY_BYTES, offsetof(gantry_store_write, value), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type store_write_type = {
    {"gantry_store_write", gy_copy_op}, sizeof(gantry_store_write), store_write_members};

static const struct gy_copy_member store_txn_members[] = {
    {"compares", GY_COPY_PTRS, offsetof(gantry_store_txn, compares),
     offsetof(gantry_store_txn, compare_count), &store_compare_type},
    {"writes", GY_COPY_PTRS, offsetof(gantry_store_txn, writes),
     offsetof(gantry_store_txn, write_count), &store_write_type},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type store_txn_type = {
    {"gantry_store_txn", gy_copy_op}, sizeof(gantry_store_txn), store_txn_members};

static const struct gy_copy_member store_result_members[] = {
    {"text", GY_COPY_STR, offsetof(gantry_store_result, text), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type store_result_type = {
    {"gantry_store_result", gy_copy_op}, sizeof(gantry_store_result), store_result_members};

static const struct gy_copy_member store_item_members[] = {
    {"key", GY_COPY_STR, offsetof(gantry_store_item, key), 0, NULL},
    {"value", GY_COPY_BYTES, offsetof(gantry_store_item, value), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type store_item_type = {
    {"gantry_store_item", gy_copy_op}, sizeof(gantry_store_item), store_item_members};

static const struct gy_copy_member process_members[] = {
    {"workdir", GY_COPY_STR, offsetof(gantry_process, workdir), 0, NULL},
    {"args", GY_COPY_STRS, offsetof(gantry_process, args), offsetof(gantry_process, arg_count),
     NULL},
    {"env", GY_COPY_KVS, offsetof(gantry_process, env), offsetof(gantry_process, env_count), NULL},
    {"input", GY_COPY_BYTES, offsetof(gantry_process, input), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type process_type = {
    {"gantry_process", gy_copy_op}, sizeof(gantry_process), process_members};

static const struct gy_copy_member process_result_members[] = {
    {"output", GY_COPY_BYTES, offsetof(gantry_process_result, output), 0, NULL},
    {"errors", GY_COPY_BYTES, offsetof(gantry_process_result, errors), 0, NULL},
    {NULL, GY_COPY_END, 0, 0, NULL},
};
static const struct gy_copy_type process_result_type = {
    {"gantry_process_result", gy_copy_op}, sizeof(gantry_process_result), process_result_members};

const struct gy_copy_type *gy_abi_copy_type(enum gy_abi_type type)
{
    static const struct gy_copy_type *const types[GY_ABI_TYPES] = {
        [GY_ABI_HEALTH] = &health_type,
        [GY_ABI_ULIMIT] = &ulimit_type,
        [GY_ABI_PORT] = &port_type,
        [GY_ABI_CONTAINER] = &container_type,
        [GY_ABI_POD] = &pod_type,
        [GY_ABI_CONTAINER_STATUS] = &container_status_type,
        [GY_ABI_POD_STATUS] = &pod_status_type,
        [GY_ABI_PROGRESS] = &progress_type,
        [GY_ABI_EXEC] = &exec_type,
        [GY_ABI_CHUNK] = &chunk_type,
        [GY_ABI_LOG_QUERY] = &log_query_type,
        [GY_ABI_STORE_COMPARE] = &store_compare_type,
        [GY_ABI_STORE_WRITE] = &store_write_type,
        [GY_ABI_STORE_TXN] = &store_txn_type,
        [GY_ABI_STORE_RESULT] = &store_result_type,
        [GY_ABI_STORE_ITEM] = &store_item_type,
        [GY_ABI_PROCESS] = &process_type,
        [GY_ABI_PROCESS_RESULT] = &process_result_type,
    };
    return type < GY_ABI_TYPES ? types[type] : NULL;
}
