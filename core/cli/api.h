/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the server.  Functions return an exit code and leave the sentence in cli->error. */
#ifndef GY_CLI_API_H
#define GY_CLI_API_H

#include "cli/cli.h"
#include "net/http_client.h"

/* Which server: --host, GANTRY_HOST, --context or the chosen one, ./.gantry/gantry.sock when it is
 * there, /run/gantry/gantry.sock.  Fills cli->host, cli->token, cli->ns. */
int gy_cli_find_server(struct gy_cli *cli);
int gy_cli_connect(struct gy_cli *cli); /* cli->session; contacts nobody yet */
void gy_cli_disconnect(struct gy_cli *cli);
/* Of a second connection, while the first is used by a stream. */
void gy_cli_target(const struct gy_cli *cli, struct gy_http_target *target);

/* One call.  body (borrowed) and *answer (a new reference) may be NULL.  An answer of 4xx or 5xx
 * becomes its exit code and sentence. */
int gy_cli_call(struct gy_cli *cli, const char *method, const char *path, const json_t *body,
                json_t **answer);
/* The code and sentence of an answer that is not 2xx. */
int gy_cli_answer_failed(struct gy_cli *cli, unsigned status, const char *body, size_t len);
/* After a failed net call: EUNAVAIL 5, others 1, with a hint. */
int gy_cli_net_failed(struct gy_cli *cli);
/* All items of a list, page by page; *items is a new array. */
int gy_cli_list(struct gy_cli *cli, const char *path, json_t **items);

/* Path building: escaped segments and query values. */
void gy_cli_segment(struct gy_buf *path, const char *text);                 /* "/text" */
void gy_cli_query(struct gy_buf *path, const char *key, const char *value); /* "?k=v", "&k=v" */

/* GET of JSON lines; on_line gets each object (borrowed), and NULL after those that came together
 * and after 250 ms without any; it returns false to end.  0 also when the server ends the stream.
 */
int gy_cli_lines(struct gy_cli *cli, const char *path, bool (*on_line)(void *arg, json_t *object),
                 void *arg);

/* Members of answers: "" and 0 where they are absent or of another type. */
const char *gy_json_text(const json_t *object, const char *name);
int64_t gy_json_int(const json_t *object, const char *name);
void gy_cli_print_json(struct gy_cli *cli, const json_t *value); /* indented, sorted as given */

#endif
