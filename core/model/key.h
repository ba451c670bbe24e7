/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the records in the store.  One record has one writer:
 *   app/NS/PROJECT/APP   API     spec of an app
 *   node/NAME            API     labels, drain
 *   report/NAME          agent   what a node has
 *   pod/ID               engine  what shall run where
 *   status/ID            agent   what is
 *   event/TIME-SEQ       server  what happened
 *   epoch                server  leader's number: every engine transaction compares it
 *   cluster              server  cluster id */
#ifndef GY_MODEL_KEY_H
#define GY_MODEL_KEY_H

#define GY_KEY_APP "app/"
#define GY_KEY_NODE "node/"
#define GY_KEY_REPORT "report/"
#define GY_KEY_POD "pod/"
#define GY_KEY_STATUS "status/"
#define GY_KEY_EVENT "event/"
#define GY_KEY_EPOCH "epoch"
#define GY_KEY_CLUSTER "cluster"
#define GY_KEY_MAX 256

/* Each writes a NUL-terminated key; parts are labels, so none holds a slash. */
void gy_key_app(const char *ns, const char *project, const char *app, char out[GY_KEY_MAX]);
void gy_key_of(const char *prefix, const char *name, char out[GY_KEY_MAX]);

#endif
