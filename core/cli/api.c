/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include "cli/context.h"
#include "model/shape.h"
#include <unistd.h>

#define ANSWER_MAX (64u << 20)

int gy_cli_find_server(struct gy_cli *cli)
{
    if (cli->host) return 0;
    const char *host = gy_cli_value(cli, "host"), *context = gy_cli_value(cli, "context");
    const char *token = getenv("GANTRY_TOKEN"), *ns = gy_cli_value(cli, "namespace");
    if (!host && !context) host = getenv("GANTRY_HOST");
    if (host && *host) {
        cli->host = gy_strdup(host);
    } else {
        struct gy_cli_context found = {0};
        if (gy_cli_context_find(context, &found, &cli->error) != GANTRY_OK) {
            if (context) cli->hint = gy_strdup("see: gantry context ls");
            return context && cli->error.status == GANTRY_ENOTFOUND ? GY_CLI_NOT_FOUND
                                                                    : GY_CLI_FAILED;
        }
        cli->host = GY_GIVE(found.host); /* NULL: none is chosen */
        if (!token) cli->token = GY_GIVE(found.token);
        cli->context_ns = GY_GIVE(found.ns);
        gy_cli_context_fini(&found);
    }
    if (!cli->host) {
        char *here =
            access(".gantry/gantry.sock", F_OK) == 0 ? realpath(".gantry/gantry.sock", NULL) : NULL;
        cli->host = gy_printf("unix://%s", here ? here : "/run/gantry/gantry.sock");
        free(here);
    }
    if (!cli->token && token && *token) cli->token = gy_strdup(token);
    cli->ns = ns ? ns : cli->context_ns ? cli->context_ns : "default";
    if (!gy_is_label(cli->ns))
        return gy_cli_fail(cli, GY_CLI_USAGE, NULL,
                           "\"%s\" is not a namespace: 1 to 63 lower-case letters, digits and "
                           "inner hyphens",
                           cli->ns);
    return 0;
}

void gy_cli_target(const struct gy_cli *cli, struct gy_http_target *target)
{
    *target =
        (struct gy_http_target){.url = cli->host, .token = cli->token, .body_bytes = ANSWER_MAX};
}

int gy_cli_connect(struct gy_cli *cli)
{
    if (cli->session) return 0;
    int code = gy_cli_find_server(cli);
    if (code) return code;
    struct gy_http_target target;
    gy_cli_target(cli, &target);
    cli->session = gy_http_session_open(&target, &cli->error);
    if (cli->session) return 0;
    cli->hint = gy_strdup("write a server as unix:///PATH/gantry.sock or http://HOST:PORT");
    return GY_CLI_USAGE;
}

void gy_cli_disconnect(struct gy_cli *cli)
{
    if (cli->session) gy_http_session_close(GY_GIVE(cli->session));
}

int gy_cli_net_failed(struct gy_cli *cli)
{
    if (cli->error.status != GANTRY_EUNAVAIL) return GY_CLI_FAILED;
    free(cli->hint);
    cli->hint = gy_strdup("or name another server: --host, GANTRY_HOST, gantry context use");
    return GY_CLI_UNREACHABLE;
}

int gy_cli_answer_failed(struct gy_cli *cli, unsigned status, const char *body, size_t len)
{
    json_t *answer = body ? gy_json_parse(body, len, ANSWER_MAX, NULL) : NULL;
    const json_t *error = json_object_get(answer, "error");
    const char *text = gy_json_text(error, "message"), *path = gy_json_text(error, "path");
    int code = status == 404                    ? GY_CLI_NOT_FOUND
               : status == 401 || status == 403 ? GY_CLI_REFUSED
                                                : GY_CLI_FAILED;
    const char *hint = NULL;
    if (status == 401)
        hint = "set GANTRY_TOKEN, or store one: GANTRY_TOKEN=... gantry context add NAME URL";
    else if (status == 403)
        hint = "ask an administrator for a token with that right, or try another namespace with -n";
    else if (status == 429 || status == 503)
        hint = "try again in a moment";
    bool named = *path && !strstr(text, path);
    if (*text)
        gy_cli_fail(cli, code, hint, "%s%s%s", named ? path : "", named ? ": " : "", text);
    else
        gy_cli_fail(cli, code, hint, "the server answered with status %u and no reason", status);
    json_decref(answer);
    return code;
}

static void free_response(struct gy_http_response *r)
{
    gy_http_response_fini(r);
}

int gy_cli_call(struct gy_cli *cli, const char *method, const char *path, const json_t *body,
                json_t **answer)
{
    int code = gy_cli_connect(cli);
    if (code) return code;
    gy_autofree char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    GY_CLEANUP(free_response) struct gy_http_response response = {0};
    if (gy_http_call(cli->session, method, path, text, text ? strlen(text) : 0, &response,
                     &cli->error) != GANTRY_OK)
        return gy_cli_net_failed(cli);
    if (response.status < 200 || response.status > 299)
        return gy_cli_answer_failed(cli, response.status, response.body, response.len);
    if (!answer) return 0;
    if (response.len == 0) {
        *answer = json_object();
        return 0;
    }
    *answer = gy_json_parse(response.body, response.len, ANSWER_MAX, &cli->error);
    if (*answer) return 0;
    gy_error_wrap(&cli->error, "%s does not answer as a gantry server does", cli->host);
    return GY_CLI_FAILED;
}

int gy_cli_list(struct gy_cli *cli, const char *path, json_t **items)
{
    json_t *all = json_array();
    gy_autofree char *next = NULL;
    do {
        struct gy_buf page = {0};
        gy_buf_str(&page, path);
        if (next) gy_cli_query(&page, "continue", next);
        gy_autofree char *url = gy_buf_take(&page);
        json_t *answer = NULL;
        int code = gy_cli_call(cli, "GET", url, NULL, &answer);
        if (code) {
            json_decref(all);
            return code;
        }
        json_array_extend(all, json_object_get(answer, "items"));
        const char *more = gy_json_text(answer, "continue");
        bool same = next && !strcmp(next, more);
        free(next);
        next = *more && !same ? gy_strdup(more) : NULL;
        json_decref(answer);
    } while (next);
    *items = all;
    return 0;
}

static void escape(struct gy_buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"; /* RFC 3986, 2.3 */
    for (; *text; text++) {
        if (strchr(plain, *text))
            gy_buf_add(out, text, 1);
        else
            gy_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void gy_cli_segment(struct gy_buf *path, const char *text)
{
    gy_buf_str(path, "/");
    escape(path, text);
}

void gy_cli_query(struct gy_buf *path, const char *key, const char *value)
{
    gy_buf_printf(path, "%s%s=", path->text && strchr(path->text, '?') ? "&" : "?", key);
    escape(path, value);
}

struct lines {
    struct gy_buf text;
    bool (*on_line)(void *arg, json_t *object);
    void *arg;
    struct gy_error error;
};

static bool take_line(struct lines *l, const char *line, size_t len)
{
    if (len && line[len - 1] == '\r') len--;
    if (len == 0) return true; /* a sign of life */
    json_t *object = gy_json_parse(line, len, ANSWER_MAX, &l->error);
    if (!object) return false;
    bool go_on = l->on_line(l->arg, object);
    json_decref(object);
    return go_on;
}

static bool on_bytes(void *arg, const void *bytes, size_t len)
{
    struct lines *l = arg;
    if (len == 0) return l->on_line(l->arg, NULL);
    gy_buf_add(&l->text, bytes, len);
    size_t from = 0;
    for (char *end; (end = memchr(l->text.text + from, '\n', l->text.len - from));) {
        size_t n = (size_t)(end - l->text.text) - from;
        if (!take_line(l, l->text.text + from, n)) return false;
        from += n + 1;
    }
    gy_buf_drop(&l->text, from);
    return l->on_line(l->arg, NULL);
}

int gy_cli_lines(struct gy_cli *cli, const char *path, bool (*on_line)(void *arg, json_t *object),
                 void *arg)
{
    int code = gy_cli_connect(cli);
    if (code) return code;
    struct lines l = {.on_line = on_line, .arg = arg};
    GY_CLEANUP(free_response) struct gy_http_response refused = {0};
    gantry_status status = gy_http_stream(cli->session, path, on_bytes, &l, &refused, &cli->error);
    gy_buf_fini(&l.text);
    if (l.error.status != GANTRY_OK) {
        cli->error = l.error;
        gy_error_wrap(&cli->error, "a line of the stream");
        return GY_CLI_FAILED;
    }
    if (refused.status >= 300)
        return gy_cli_answer_failed(cli, refused.status, refused.body, refused.len);
    return status == GANTRY_OK ? 0 : gy_cli_net_failed(cli);
}

const char *gy_json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

int64_t gy_json_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

void gy_cli_print_json(struct gy_cli *cli, const json_t *value)
{
    json_dumpf(value, cli->out, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', cli->out);
}
