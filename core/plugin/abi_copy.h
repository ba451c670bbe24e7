/* SPDX-License-Identifier: Apache-2.0 */
/* Written by sdk/abi/generate.py from sdk/include/gantry; do not edit. */
/* Deep copies of the structs that cross the line, by type. */
#ifndef GY_PLUGIN_ABI_COPY_H
#define GY_PLUGIN_ABI_COPY_H

#include "plugin/copy.h"
#include <gantry/abi.h>

enum gy_abi_type {
    GY_ABI_NONE,
    GY_ABI_HEALTH,           /* gantry_health */
    GY_ABI_ULIMIT,           /* gantry_ulimit */
    GY_ABI_PORT,             /* gantry_port */
    GY_ABI_CONTAINER,        /* gantry_container */
    GY_ABI_POD,              /* gantry_pod */
    GY_ABI_CONTAINER_STATUS, /* gantry_container_status */
    GY_ABI_POD_STATUS,       /* gantry_pod_status */
    GY_ABI_PROGRESS,         /* gantry_progress */
    GY_ABI_EXEC,             /* gantry_exec */
    GY_ABI_CHUNK,            /* gantry_chunk */
    GY_ABI_LOG_QUERY,        /* gantry_log_query */
    GY_ABI_STORE_COMPARE,    /* gantry_store_compare */
    GY_ABI_STORE_WRITE,      /* gantry_store_write */
    GY_ABI_STORE_TXN,        /* gantry_store_txn */
    GY_ABI_STORE_RESULT,     /* gantry_store_result */
    GY_ABI_STORE_ITEM,       /* gantry_store_item */
    GY_ABI_PROCESS,          /* gantry_process */
    GY_ABI_PROCESS_RESULT,   /* gantry_process_result */
    GY_ABI_TYPES
};

/* NULL for GY_ABI_NONE. */
const struct gy_copy_type *gy_abi_copy_type(enum gy_abi_type type);

#endif
