/* SPDX-License-Identifier: Apache-2.0 */
/* Written by sdk/abi/generate.py from sdk/include/gantry; do not edit. */
/* Mentions every type, for abidiff; see tests/abi/abidiff.sh. */
#include <gantry/abi.h>
#include <gantry/driver.h>
#include <gantry/host.h>
#include <gantry/plugin.h>
#include <gantry/process.h>
#include <gantry/store.h>
#include <gantry/strategy.h>

void probe_host_api(gantry_host_api *);
void probe_host_api(gantry_host_api *p)
{
    p->size = 0;
}
void probe_host_instance(gantry_host_instance *);
void probe_host_instance(gantry_host_instance *p)
{
    p->size = 0;
}
void probe_setting(gantry_setting *);
void probe_setting(gantry_setting *p)
{
    p->size = 0;
}
void probe_provider(gantry_provider *);
void probe_provider(gantry_provider *p)
{
    p->size = 0;
}
void probe_plugin(gantry_plugin *);
void probe_plugin(gantry_plugin *p)
{
    p->size = 0;
}
void probe_health(gantry_health *);
void probe_health(gantry_health *p)
{
    p->size = 0;
}
void probe_base_ops(gantry_base_ops *);
void probe_base_ops(gantry_base_ops *p)
{
    p->size = 0;
}
void probe_ulimit(gantry_ulimit *);
void probe_ulimit(gantry_ulimit *p)
{
    p->size = 0;
}
void probe_port(gantry_port *);
void probe_port(gantry_port *p)
{
    p->size = 0;
}
void probe_container(gantry_container *);
void probe_container(gantry_container *p)
{
    p->size = 0;
}
void probe_pod(gantry_pod *);
void probe_pod(gantry_pod *p)
{
    p->size = 0;
}
void probe_container_status(gantry_container_status *);
void probe_container_status(gantry_container_status *p)
{
    p->size = 0;
}
void probe_pod_status(gantry_pod_status *);
void probe_pod_status(gantry_pod_status *p)
{
    p->size = 0;
}
void probe_progress(gantry_progress *);
void probe_progress(gantry_progress *p)
{
    p->size = 0;
}
void probe_driver_ops(gantry_driver_ops *);
void probe_driver_ops(gantry_driver_ops *p)
{
    p->size = 0;
}
void probe_exec(gantry_exec *);
void probe_exec(gantry_exec *p)
{
    p->size = 0;
}
void probe_chunk(gantry_chunk *);
void probe_chunk(gantry_chunk *p)
{
    p->size = 0;
}
void probe_driver_exec(gantry_driver_exec *);
void probe_driver_exec(gantry_driver_exec *p)
{
    p->size = 0;
}
void probe_log_query(gantry_log_query *);
void probe_log_query(gantry_log_query *p)
{
    p->size = 0;
}
void probe_driver_logs(gantry_driver_logs *);
void probe_driver_logs(gantry_driver_logs *p)
{
    p->size = 0;
}
void probe_rows(gantry_rows *);
void probe_rows(gantry_rows *p)
{
    p->size = 0;
}
void probe_strategy_ops(gantry_strategy_ops *);
void probe_strategy_ops(gantry_strategy_ops *p)
{
    p->size = 0;
}
void probe_store_compare(gantry_store_compare *);
void probe_store_compare(gantry_store_compare *p)
{
    p->size = 0;
}
void probe_store_write(gantry_store_write *);
void probe_store_write(gantry_store_write *p)
{
    p->size = 0;
}
void probe_store_txn(gantry_store_txn *);
void probe_store_txn(gantry_store_txn *p)
{
    p->size = 0;
}
void probe_store_result(gantry_store_result *);
void probe_store_result(gantry_store_result *p)
{
    p->size = 0;
}
void probe_store_item(gantry_store_item *);
void probe_store_item(gantry_store_item *p)
{
    p->size = 0;
}
void probe_store_ops(gantry_store_ops *);
void probe_store_ops(gantry_store_ops *p)
{
    p->size = 0;
}
void probe_process(gantry_process *);
void probe_process(gantry_process *p)
{
    p->size = 0;
}
void probe_process_result(gantry_process_result *);
void probe_process_result(gantry_process_result *p)
{
    p->size = 0;
}
void probe_host_process(gantry_host_process *);
void probe_host_process(gantry_host_process *p)
{
    p->size = 0;
}
