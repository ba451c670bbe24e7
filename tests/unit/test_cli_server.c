/* SPDX-License-Identifier: Apache-2.0 */
/* Whole commands against a small server that answers as the API does. */
#include "cli/cli.h"
#include "model/shape.h"
#include "net/http_server.h"
#include "net/stream.h"
#include "net_loop.h"

#include <ftw.h>
#include <locale.h>
#include <sys/stat.h>

static struct net_loop loop;
static struct gy_http_server *server;
static char folder[64], host[128];
static char last_method[16], last_path[256], last_body[8192], last_auth[64];
static unsigned failing; /* answer this status to everything */
static const char *watch_first, *watch_then;
static struct gy_http_request *watching;
static uv_timer_t *watch_timer;

/* ---- the server ---- */

#define POD(id, app, slot, rest)                                                                   \
    "{\"id\":\"" id "\",\"namespace\":\"default\",\"project\":\"hello\",\"app\":\"" app            \
    "\",\"slot\":" slot ",\"node\":\"n1\",\"generation\":1,\"since_ms\":1," rest "}"
#define APP(project, name, desired)                                                                \
    "{\"namespace\":\"default\",\"project\":\"" project "\",\"name\":\"" name                      \
    "\",\"generation\":1,\"revision\":4,\"ports\":[{\"target\":80,\"published\":8080}],"           \
    "\"status\":{"                                                                                 \
    "\"desired\":" desired ",\"pods\":2,\"running\":2,\"ready\":2,\"completed\":0,\"updated\":2,"  \
    "\"waiting\":0}}"
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccc"
#define POD_A                                                                                      \
    POD(ID_A, "web", "1",                                                                          \
        "\"state\":\"ready\",\"health\":\"healthy\",\"restarts\":0,\"pid\":42,\"addresses\":[{"    \
        "\"family\":\"ipv4\",\"text\":\"127.0.0.1\",\"port\":40001,\"target\":80}]")
#define POD_B                                                                                      \
    POD(ID_B, "web", "2",                                                                          \
        "\"state\":\"starting\",\"health\":\"none\",\"restarts\":3,\"reason\":\"exit code 1\"")
#define POD_C                                                                                      \
    POD(ID_C, "web", "2",                                                                          \
        "\"state\":\"ended\",\"health\":\"none\",\"restarts\":0,\"outcome\":\"stopped\"")

static void note(struct gy_http_request *req)
{
    gantry_bytes body = gy_http_body(req);
    const char *auth = gy_http_header(req, "Authorization");
    snprintf(last_method, sizeof last_method, "%s", gy_http_method(req));
    snprintf(last_path, sizeof last_path, "%s", gy_http_path(req));
    snprintf(last_body, sizeof last_body, "%.*s", (int)body.len, (const char *)body.ptr);
    snprintf(last_auth, sizeof last_auth, "%s", auth ? auth : "");
}

static bool guard(void *arg, struct gy_http_request *req)
{
    (void)arg;
    if (failing) gy_http_reply_error(req, failing, "EINVAL", "apps[0].name", "no, not so");
    return !failing;
}

static void answer(struct gy_http_request *req, const char *json)
{
    note(req);
    gy_http_reply(req, 200, NULL, json, strlen(json));
}

static void pods(void *arg, struct gy_http_request *req)
{
    (void)arg;
    const char *app = gy_http_query(req, "app"), *from = gy_http_query(req, "continue");
    if (app && strcmp(app, "web") != 0)
        answer(req, "{\"items\":[]}");
    else if (!from) /* two pages */
        answer(req, "{\"items\":[" POD_A "," POD_C "],\"revision\":9,\"continue\":\"k/2\"}");
    else
        answer(req, "{\"items\":[" POD_B "],\"revision\":9}");
}

static void pod(void *arg, struct gy_http_request *req)
{
    (void)arg;
    if (gy_starts_with(ID_A, gy_http_param(req, "id")))
        answer(req, POD_A);
    else
        gy_http_reply_error(req, 404, "ENOTFOUND", NULL, "there is no pod \"%s\"",
                            gy_http_param(req, "id"));
}

static void apps(void *arg, struct gy_http_request *req)
{
    (void)arg;
    const char *name = gy_http_query(req, "name"), *project = gy_http_query(req, "project");
    if (project && strcmp(project, "hello") != 0)
        answer(req, "{\"items\":[]}");
    else if (!name)
        answer(req, "{\"items\":[" APP("hello", "web", "2") "," APP("blog", "db", "1") "]}");
    else if (!strcmp(name, "web"))
        answer(req, "{\"items\":[" APP("hello", "web", "2") "]}");
    else if (!strcmp(name, "twice"))
        answer(req, "{\"items\":[" APP("hello", "twice", "1") "," APP("blog", "twice", "1") "]}");
    else
        answer(req, "{\"items\":[]}");
}

static void project(void *arg, struct gy_http_request *req)
{
    (void)arg;
    answer(req, "{\"revision\":7,\"warnings\":[],\"plan\":["
                "{\"app\":\"web\",\"action\":\"create\",\"text\":\"web: new (2 pods)\"},"
                "{\"app\":\"api\",\"action\":\"scale\",\"text\":\"api 5 → 2\"},"
                "{\"app\":\"old\",\"action\":\"remove\",\"text\":\"old: removed\"},"
                "{\"app\":\"db\",\"action\":\"none\",\"text\":\"db: no change\"}]}");
}

static void explain(void *arg, struct gy_http_request *req)
{
    (void)arg;
    answer(req,
           "{\"app\":\"default/hello/web\",\"desired\":2,\"waiting\":1,\"reason\":\"no node has "
           "2 GiB free\",\"pods\":[{\"id\":\"" ID_A
           "\",\"slot\":1,\"node\":\"n1\",\"state\":\"starting\",\"restarts\":3,\"reason\":"
           "\"exit code 1\",\"placement\":\"n1 scored 5\"}],\"nodes\":\"1 "
           "node\",\"events\":[{\"time_ms\":1,\"kind\":\"pod.restarting\","
           "\"app\":\"web\",\"slot\":1,\"text\":\"container web ended\"}]}");
}

static void node(void *arg, struct gy_http_request *req)
{
    (void)arg;
    answer(req, "{\"name\":\"n1\",\"state\":\"draining\"}");
}

static void free_timer(uv_handle_t *handle)
{
    free(handle);
}

static void watch_over(void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)watch_timer, free_timer);
    gy_http_stream_end(watching);
    watching = NULL;
}

static void watch_on(uv_timer_t *timer)
{
    (void)timer;
    gy_http_stream_write(watching, watch_then, strlen(watch_then));
}

static void watch(void *arg, struct gy_http_request *req)
{
    (void)arg;
    note(req);
    watching = req;
    gy_http_stream_start(req, 200, "application/json", watch_over, NULL, NULL);
    gy_http_stream_write(req, watch_first, strlen(watch_first));
    watch_timer = malloc(sizeof *watch_timer);
    REQUIRE(watch_timer && !uv_timer_init(&loop.loop, watch_timer));
    if (watch_then) uv_timer_start(watch_timer, watch_on, 50, 0);
}

static void logs(void *arg, struct gy_http_request *req)
{
    struct gy_buf b = {0};
    (void)arg;
    note(req);
    const char *id = gy_http_param(req, "id");
    gy_autofree char *line = gy_printf("line of %c\nand a", id[0]);
    gy_stream_put(&b, GY_STREAM_STDOUT, 0, line, strlen(line));
    gy_stream_put(&b, GY_STREAM_STDERR, 0, "to stderr\n", 10);
    gy_stream_put(&b, GY_STREAM_STDOUT, 0, " second\n", 8);
    gy_stream_put(&b, GY_STREAM_EXIT, GY_STREAM_FLAG_END, "{}", 2);
    gy_http_reply(req, 200, "application/octet-stream", b.text, b.len);
    gy_buf_fini(&b);
}

static void exec_opened(void *arg, struct gy_wire *wire)
{
    (void)arg;
    if (!wire) return;
    struct gy_buf b = {0};
    gy_stream_put(&b, GY_STREAM_EXIT, GY_STREAM_FLAG_END, "{\"exit_code\":7,\"exit_signal\":0}",
                  31);
    gy_wire_write(wire, b.text, b.len);
    gy_buf_fini(&b);
    gy_wire_finish(wire);
}

static void exec_program(void *arg, struct gy_http_request *req)
{
    (void)arg;
    note(req);
    if (!strcmp(gy_http_query(req, "arg"), "missing"))
        gy_http_reply_error(req, 400, "EINVAL", NULL, "there is no program \"missing\"");
    else
        gy_http_upgrade(req, GY_STREAM_PROTOCOL, exec_opened, NULL);
}

static void events(void *arg, struct gy_http_request *req)
{
    (void)arg;
    answer(req, "{\"items\":[{\"time_ms\":1,\"kind\":\"pod.restarted\",\"level\":\"warn\","
                "\"namespace\":\"default\",\"project\":\"hello\",\"app\":\"web\",\"slot\":2,"
                "\"text\":\"exit code 1, starts again\"}]}");
}

static void version(void *arg, struct gy_http_request *req)
{
    (void)arg;
    answer(req, "{\"version\":\"9.9\",\"abi\":\"1.0\",\"node\":\"n1\"}");
}

static void backup(void *arg, struct gy_http_request *req)
{
    (void)arg;
    note(req);
    gy_http_reply(req, 200, "application/octet-stream", "the store", 9);
}

static void serve(void *arg)
{
    (void)arg;
    struct gy_error err = GY_ERROR_INIT;
    gy_autofree char *path = gy_printf("%s/s.sock", folder);
    server = gy_http_server_create(&loop.loop);
    static const struct {
        const char *method, *pattern;
        gy_http_handler *handler;
    } routes[] = {{"GET", "/v1/pods", pods},
                  {"GET", "/v1/pods/{id}", pod},
                  {"GET", "/v1/pods/{id}/logs", logs},
                  {"POST", "/v1/pods/{id}/exec", exec_program},
                  {"GET", "/v1/apps", apps},
                  {"PUT", "/v1/namespaces/{ns}/projects/{project}", project},
                  {"DELETE", "/v1/namespaces/{ns}/projects/{project}", project},
                  {"POST", "/v1/namespaces/{ns}/projects/{project}/scale", project},
                  {"GET", "/v1/explain", explain},
                  {"GET", "/v1/watch", watch},
                  {"GET", "/v1/events", events},
                  {"PATCH", "/v1/nodes/{name}", node},
                  {"GET", "/v1/version", version},
                  {"POST", "/v1/backup", backup}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        gy_http_server_route(server, routes[i].method, routes[i].pattern, routes[i].handler, NULL);
    gy_http_server_guard(server, guard, NULL);
    REQUIRE(gy_http_server_listen_unix(server, path, 0600, (gid_t)-1, &err) == GANTRY_OK);
}

static void end(void *arg)
{
    (void)arg;
    gy_http_server_stop(server, NULL, NULL);
}

/* ---- running commands ---- */

static char *out, *err;

/* Run `gantry ARG...` with its output in out and err; returns the exit code. */
static int gantry(const char *first, ...)
{
    char *argv[20] = {(char *)(uintptr_t) "gantry", (char *)(uintptr_t) "--host", host,
                      (char *)(uintptr_t)first};
    int argc = 4;
    va_list args;
    va_start(args, first);
    for (char *word; argc < 19 && (word = va_arg(args, char *));)
        argv[argc++] = word;
    va_end(args);
    free(out);
    free(err);
    size_t n;
    FILE *to = open_memstream(&out, &n), *to_err = open_memstream(&err, &n);
    struct gy_cli cli;
    gy_cli_init(&cli, to, to_err);
    int code = gy_cli_main(&cli, argc, argv);
    gy_cli_fini(&cli);
    fclose(to);
    fclose(to_err);
    return code;
}
#define END ((char *)NULL)

static void ps_is_a_contract(void)
{
    CHECK_INT(gantry("ps", "--json", END), 0);
    json_t *rows = json_loads(out, 0, NULL), *row = json_array_get(rows, 0);
    CHECK_INT(json_array_size(rows), 2); /* of both pages, without the ended one */
    static const char *const names[] = {"project", "app",    "slot",     "pod",       "node",
                                        "state",   "health", "restarts", "addresses", "pid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(json_object_get(row, names[i]) != NULL);
    CHECK_STR(json_string_value(json_object_get(row, "pod")), ID_A);
    CHECK_INT(json_integer_value(json_object_get(row, "slot")), 1);
    CHECK_INT(json_integer_value(json_object_get(row, "pid")), 42);
    CHECK_INT(json_array_size(json_object_get(row, "addresses")), 1);
    row = json_array_get(rows, 1);
    CHECK(!json_object_get(row, "pid"));
    CHECK(json_is_array(json_object_get(row, "addresses")));
    CHECK_INT(json_integer_value(json_object_get(row, "restarts")), 3);
    json_decref(rows);
    CHECK_INT(gantry("ps", "-a", "--json", END), 0);
    rows = json_loads(out, 0, NULL);
    CHECK_INT(json_array_size(rows), 3);
    json_decref(rows);
    CHECK_INT(gantry("ps", END), 0);
    CHECK(strstr(out, "web.1") && strstr(out, "127.0.0.1:40001→80") && strstr(out, "exit code 1"));
    CHECK(!strstr(out, "stopped"));
    CHECK_INT(gantry("ps", "web.1", END), GY_CLI_USAGE);
    CHECK(strstr(err, "web.1 is one slot; this lists a project or an app") != NULL);
    CHECK_INT(gantry("ps", "nosuch", END), GY_CLI_NOT_FOUND);
    CHECK_STR(err, "gantry: there is no project or app \"nosuch\" in namespace default\n"
                   "see: gantry apps -n default\n");
}

static void apps_and_names(void)
{
    CHECK_INT(gantry("apps", "--json", END), 0);
    json_t *rows = json_loads(out, 0, NULL), *row = json_array_get(rows, 0);
    CHECK_STR(json_string_value(json_object_get(row, "app")), "web");
    CHECK_INT(json_integer_value(json_object_get(row, "ready")), 2);
    json_decref(rows);
    CHECK_INT(gantry("apps", END), 0);
    CHECK(strstr(out, "2/2") && strstr(out, "8080→80"));
    CHECK_INT(gantry("__names", "project", END), 0);
    CHECK_STR(out, "hello\nblog\n");
}

static void errors_have_their_codes(void)
{
    CHECK_INT(gantry("explain", "twice", END), GY_CLI_FAILED);
    CHECK_STR(err, "gantry: \"twice\" is several apps: hello/twice, blog/twice\n"
                   "say the project too\n");
    CHECK_INT(gantry("explain", "webb", END), GY_CLI_NOT_FOUND);
    CHECK(strstr(err, "did you mean web?"));
    failing = 403;
    CHECK_INT(gantry("ps", END), GY_CLI_REFUSED);
    CHECK(gy_starts_with(err, "gantry: apps[0].name: no, not so\n"));
    failing = 401;
    CHECK_INT(gantry("ps", END), GY_CLI_REFUSED);
    CHECK(strstr(err, "GANTRY_TOKEN"));
    failing = 409;
    CHECK_INT(gantry("ps", END), GY_CLI_FAILED);
    failing = 0;
    CHECK_INT(gantry("ps", "--host", "unix:///nowhere/x.sock", END), GY_CLI_USAGE); /* twice */
    char *argv[] = {(char *)(uintptr_t) "gantry", (char *)(uintptr_t) "-H",
                    (char *)(uintptr_t) "unix:///nowhere/x.sock", (char *)(uintptr_t) "ps", NULL};
    size_t n;
    free(err);
    FILE *to_err = open_memstream(&err, &n);
    struct gy_cli cli;
    gy_cli_init(&cli, stdout, to_err);
    CHECK_INT(gy_cli_main(&cli, 4, argv), GY_CLI_UNREACHABLE);
    gy_cli_fini(&cli);
    fclose(to_err);
    CHECK(strstr(err, "gantryd --dev"));
}

static const char *compose_file(const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/compose.yaml", folder);
    REQUIRE(gy_file_write(path, text, strlen(text), 0600, NULL) == GANTRY_OK);
    return path;
}

static const char hello[] = "name: hello\n"
                            "services:\n"
                            "  web:\n"
                            "    command: [\"sleep\", \"${SLEEP_FOR:-5}\"]\n"
                            "    ports: [\"8080:80\"]\n"
                            "    deploy: {replicas: 2}\n";

#define WATCH(kind, object)                                                                        \
    "{\"type\":\"put\",\"kind\":\"" kind "\",\"revision\":7,\"object\":" object "}\n"
#define SYNCED "{\"type\":\"synced\",\"revision\":7}\n"

static void up_shows_the_plan(void)
{
    const char *file = compose_file(hello);
    CHECK_INT(gantry("up", "-f", file, "--dry-run", END), 0);
    CHECK_STR(out, "project hello in namespace default\n"
                   "web  new        2 pods\n"
                   "api  scaled     5 → 2\n"
                   "old  removed\n"
                   "db   unchanged\n");
    CHECK_STR(last_method, "PUT");
    CHECK_STR(last_path, "/v1/namespaces/default/projects/hello");
    CHECK(strstr(last_body, "\"replicas\":2") && strstr(last_body, "\"sleep\",\"5\""));
    CHECK_INT(gantry("up", "-f", file, "--dry-run", "--scale", "web=4", "-p", "other", END), 0);
    CHECK_STR(last_path, "/v1/namespaces/default/projects/other");
    CHECK(strstr(last_body, "\"replicas\":4"));
    CHECK_INT(gantry("up", "-f", file, "--scale", "nope=4", END), GY_CLI_USAGE);
    CHECK(strstr(err, "the Compose file has no app \"nope\""));
    CHECK_INT(gantry("up", "-f", file, "-f", file, END), GY_CLI_USAGE);
    CHECK(strstr(err, "gantry takes one Compose file, not several"));
}

static void up_waits_until_ready(void)
{
    watch_first =
        WATCH("app", APP("hello", "web", "2")) WATCH("pod", POD_A) WATCH("pod", POD_B) SYNCED;
    watch_then = WATCH("pod", POD(ID_B, "web", "2", "\"state\":\"ready\""));
    CHECK_INT(gantry("up", "-f", compose_file(hello), END), 0);
    CHECK(strstr(out, "web: 1 of 2 ready, 1 starting, 3 restarts: exit code 1\n"));
    const char *done = strstr(out, "web: 2 of 2 ready\n");
    CHECK(done && strstr(done, "hello is up") && strstr(done, "web: localhost:8080\n"));
    CHECK_STR(err, "");
}

static void up_reads_dotenv(void)
{
    gy_autofree char *env = gy_printf("%s/.env", folder);
    REQUIRE(gy_file_write(env, "SLEEP_FOR=77\n", 13, 0600, NULL) == GANTRY_OK);
    CHECK_INT(gantry("up", "-f", compose_file(hello), "-d", END), 0);
    CHECK(strstr(last_body, "\"sleep\",\"77\""));
    setenv("SLEEP_FOR", "88", 1);
    CHECK_INT(gantry("up", "-f", compose_file(hello), "-d", END), 0);
    CHECK(strstr(last_body, "\"sleep\",\"88\""));
    unsetenv("SLEEP_FOR");
    unlink(env);
}

static void up_gives_up_and_explains(void)
{
    watch_first =
        WATCH("app", APP("hello", "web", "2")) WATCH("pod", POD_A) WATCH("pod", POD_B) SYNCED;
    watch_then = NULL;
    CHECK_INT(gantry("up", "-f", compose_file(hello), "-t", "300ms", END), GY_CLI_UNHEALTHY);
    CHECK(strstr(err, "default/hello/web: 2 pods wanted, 1 waits: no node has 2 GiB free\n"));
    CHECK(strstr(err, "because: exit code 1"));
    CHECK(strstr(err, "gantry: not ready after 300 ms: web\n"));
    CHECK(strstr(err, "see: gantry logs hello/web"));
}

static void a_bad_file_is_named(void)
{
    CHECK_INT(gantry("up", "-f", compose_file("services:\n  web:\n    imagine: x\n"), END),
              GY_CLI_FAILED);
    CHECK(strstr(err, "imagine") && strstr(err, "line 3"));
    CHECK_INT(gantry("up", "-f", "/nowhere/compose.yaml", END), GY_CLI_NOT_FOUND);
}

static void down_waits_until_gone(void)
{
    watch_first = WATCH("pod", POD_A) WATCH("pod", POD_C) SYNCED;
    watch_then = "{\"type\":\"delete\",\"kind\":\"pod\",\"revision\":8,\"object\":" POD_A "}\n";
    CHECK_INT(gantry("down", "hello", END), 0);
    CHECK_STR(out, "hello: 1 pod left\nhello: 0 pods left\nhello is down\n");
    watch_first = WATCH("pod", POD_A) SYNCED;
    watch_then = NULL;
    CHECK_INT(gantry("down", "hello", "--timeout", "200ms", END), GY_CLI_UNHEALTHY);
}

static void scale_asks_once(void)
{
    watch_first = WATCH("app", APP("hello", "web", "1")) WATCH("pod", POD_A) SYNCED;
    watch_then = NULL;
    CHECK_INT(gantry("scale", "web=1", END), 0);
    CHECK_INT(gantry("scale", "web=3", "-d", END), 0);
    CHECK_STR(last_path, "/v1/namespaces/default/projects/hello/scale");
    CHECK_STR(last_body, "{\"replicas\":{\"web\":3}}");
}

static void logs_of_several_pods(void)
{
    CHECK_INT(gantry("logs", "web", END), 0);
    CHECK_STR(out, "web.1 | line of a\nweb.1 | and a second\n"
                   "web.2 | line of b\nweb.2 | and a second\n");
    CHECK_STR(err, "web.1 | to stderr\nweb.2 | to stderr\n");
    CHECK_INT(gantry("logs", "web.1", END), 0);
    CHECK_STR(out, "line of a\nand a second\n");
    CHECK_INT(gantry("logs", "aaaa", END), 0); /* a pod by the beginning of its id */
    CHECK_STR(out, "line of a\nand a second\n");
    CHECK_INT(gantry("logs", "web.9", END), GY_CLI_NOT_FOUND);
}

static void exec_passes_the_code_on(void)
{
    CHECK_INT(gantry("exec", "web", "--", "sh", "-c", "exit 7", END), 7);
    CHECK_STR(last_path, "/v1/pods/" ID_A "/exec");
    CHECK_INT(gantry("exec", "web", "--", "missing", END), GY_CLI_FAILED);
    CHECK(strstr(err, "there is no program \"missing\""));
}

static void others(void)
{
    CHECK_INT(gantry("events", "--json", END), 0);
    CHECK(gy_starts_with(out, "{\"time_ms\":1,"));
    CHECK_INT(gantry("events", END), 0);
    CHECK(strstr(out, "web.2") && strstr(out, "exit code 1, starts again"));
    CHECK_INT(gantry("explain", "web", END), 0);
    CHECK(strstr(out, "web.1: starting on n1 (aaaaaaaa), 3 restarts\n"));
    CHECK(strstr(out, "web.1: container web ended\n"));
    CHECK_INT(gantry("inspect", "pod/aaaa", END), 0);
    CHECK_INT(gantry("node", "drain", "n1", END), 0);
    CHECK_STR(last_body, "{\"drain\":true}");
    CHECK_INT(gantry("node", "label", "n1", "a=b", "c-", END), 0);
    CHECK_STR(last_body, "{\"labels\":{\"a\":\"b\",\"c\":null}}");
    CHECK_INT(gantry("version", END), 0);
    CHECK(strstr(out, "server 9.9"));
}

static void backup_is_private(void)
{
    gy_autofree char *file = gy_printf("%s/b", folder), *bytes = NULL;
    size_t len;
    struct stat st;
    CHECK_INT(gantry("backup", file, END), 0);
    CHECK_INT(gy_file_read(file, 100, &bytes, &len, NULL), GANTRY_OK);
    CHECK_STR(bytes, "the store");
    CHECK_INT(stat(file, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    gy_autofree char *again = NULL, *other = gy_printf("%s/c", folder);
    CHECK_INT(gantry("backup", file, END), GY_CLI_FAILED); /* never over a former one */
    CHECK_INT(gy_file_read(file, 100, &again, &len, NULL), GANTRY_OK);
    CHECK_STR(again, "the store");
    failing = 403;
    CHECK_INT(gantry("backup", other, END), GY_CLI_REFUSED);
    failing = 0;
    CHECK_INT(stat(other, &st), -1); /* nor half of one */
    CHECK_INT(gantry("restore", file, END), 0);
}

static void plugin_files_are_read_without_a_server(void)
{
    gy_autofree char *file = gy_printf("%s/no.so", folder);
    REQUIRE(gy_file_write(file, "not ELF", 7, 0600, NULL) == GANTRY_OK);
    CHECK_INT(gantry("plugin", "ls", "--scan", folder, "--json", END), 0);
    json_t *rows = json_loads(out, 0, NULL);
    CHECK_INT(json_array_size(rows), 1);
    CHECK(json_object_get(json_array_get(rows, 0), "error") != NULL);
    json_decref(rows);
    CHECK_INT(gantry("plugin", "ls", "--scan", "/nowhere", END), GY_CLI_NOT_FOUND);
    unlink(file);
}

static void contexts(void)
{
    setenv("GANTRY_TOKEN", "secret-token", 1);
    CHECK_INT(gantry("context", "add", "here", host, "-n", "shop", END), 0);
    unsetenv("GANTRY_TOKEN");
    CHECK_INT(gantry("context", "use", "nope", END), GY_CLI_NOT_FOUND);
    CHECK_INT(gantry("context", "use", "here", END), 0);
    CHECK_INT(gantry("context", "ls", END), 0);
    CHECK(strstr(out, "here") && strstr(out, "shop") && !strstr(out, "secret-token"));
    gy_autofree char *file = gy_printf("%s/gantry/contexts.json", folder);
    struct stat st;
    CHECK_INT(stat(file, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    char *argv[] = {(char *)(uintptr_t) "gantry", (char *)(uintptr_t) "apps", NULL};
    size_t n;
    free(out);
    FILE *to = open_memstream(&out, &n);
    struct gy_cli cli;
    gy_cli_init(&cli, to, stderr);
    CHECK_INT(gy_cli_main(&cli, 2, argv), 0);
    CHECK_STR(cli.ns, "shop");
    CHECK_STR(last_auth, "Bearer secret-token");
    gy_cli_fini(&cli);
    fclose(to);
    CHECK_INT(gantry("context", "rm", "here", END), 0);
    CHECK_INT(gantry("context", "rm", "here", END), GY_CLI_NOT_FOUND);
    REQUIRE(gy_file_write(file, "{", 1, 0600, NULL) == GANTRY_OK);
    CHECK_INT(gantry("context", "ls", END), GY_CLI_FAILED);
    CHECK(strstr(err, "is damaged"));
    unlink(file);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void begin(void)
{
    REQUIRE(setlocale(LC_CTYPE, "C.UTF-8"));
    snprintf(folder, sizeof folder, "/tmp/gy_cli.XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(host, sizeof host, "unix://%s/s.sock", folder);
    setenv("XDG_CONFIG_HOME", folder, 1);
    unsetenv("GANTRY_HOST");
    unsetenv("GANTRY_TOKEN");
    unsetenv("COMPOSE_PROJECT_NAME");
    unsetenv("COMPOSE_FILE");
    net_loop_start(&loop);
    net_loop_call(&loop, serve, NULL);
}

static void finish(void)
{
    net_loop_call(&loop, end, NULL);
    net_loop_end(&loop);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(out);
    free(err);
}

SUITE("cli.server", {"(begin)", begin}, {"ps is a contract", ps_is_a_contract},
      {"apps and names", apps_and_names}, {"errors have their codes", errors_have_their_codes},
      {"up shows the plan", up_shows_the_plan}, {"up waits until ready", up_waits_until_ready},
      {"up reads .env", up_reads_dotenv}, {"up gives up and explains", up_gives_up_and_explains},
      {"a bad file is named", a_bad_file_is_named},
      {"down waits until gone", down_waits_until_gone}, {"scale asks once", scale_asks_once},
      {"logs of several pods", logs_of_several_pods},
      {"exec passes the code on", exec_passes_the_code_on}, {"others", others},
      {"backup is private", backup_is_private},
      {"plugin files are read without a server", plugin_files_are_read_without_a_server},
      {"contexts", contexts}, {"(end)", finish})
