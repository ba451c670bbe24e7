/* SPDX-License-Identifier: Apache-2.0 */
/* The API over a real socket: writes, reads, refusals, watches, tokens, and its document. */
#include "bad_inputs.h"
#include "server_fixture.h"

#include <sodium.h>

#define SHOP "/v1/namespaces/default/projects/shop"
#define APP(name, more)                                                                            \
    "{\"name\":\"" name "\",\"pod\":{\"containers\":[{\"name\":\"c\",\"command\":[\"sleep\","      \
    "\"9\"]}]}" more "}"

static const char *text_of(const struct reply *r, size_t i, const char *member)
{
    const char *t = json_string_value(
        json_object_get(json_array_get(json_object_get(r->json, "plan"), i), member));
    return t ? t : "";
}

static void a_project_is_stored(void)
{
    struct reply r =
        ask("PUT", SHOP "?dry_run=true", "{\"apps\":[" APP("web", ",\"replicas\":2") "]}");
    CHECK_INT(r.status, 200);
    CHECK_STR(text_of(&r, 0, "text"), "web: new (2 pods)");
    reply_free(&r);
    r = ask("GET", SHOP "/apps/web", NULL);
    CHECK_INT(r.status, 404);
    reply_free(&r);
    r = ask("PUT", SHOP, "{\"apps\":[" APP("web", ",\"replicas\":2") "," APP("old", "") "]}");
    CHECK_INT(r.status, 200);
    CHECK_STR(text_of(&r, 0, "action"), "create");
    reply_free(&r);
    r = ask("PUT", SHOP,
            "{\"apps\":[" APP("web", ",\"replicas\":5") "," APP("api",
                                                                ",\"labels\":{\"a\":\"b\"}") "]}");
    CHECK_STR(text_of(&r, 0, "text"), "web 2 → 5");
    CHECK_STR(text_of(&r, 1, "text"), "api: new (1 pod)");
    CHECK_STR(text_of(&r, 2, "text"), "old: removed");
    CHECK_STR(text_of(&r, 2, "action"), "remove");
    reply_free(&r);
    r = ask("GET", SHOP "/apps/web", NULL);
    CHECK_INT(r.status, 200);
    CHECK_INT(json_integer_value(json_object_get(r.json, "replicas")), 5);
    int64_t generation = json_integer_value(json_object_get(r.json, "generation"));
    CHECK(generation > 0);
    CHECK_INT(json_integer_value(json_object_get(json_object_get(r.json, "status"), "desired")), 5);
    CHECK(strcasestr(r.head, "etag: \""));
    reply_free(&r);
    r = ask(
        "PUT", SHOP "/apps/web",
        "{\"name\":\"web\",\"replicas\":5,\"pod\":{\"containers\":[{\"name\":\"c\",\"command\":["
        "\"sleep\",\"8\"],\"env\":{\"A\":\"1\"}}]}}");
    CHECK_STR(text_of(&r, 1, "text"), "web: changed: command, environment");
    CHECK_STR(text_of(&r, 1, "action"), "replace");
    reply_free(&r);
    r = ask("GET", SHOP "/apps/web", NULL);
    CHECK_INT(json_integer_value(json_object_get(r.json, "generation")), generation + 1);
    reply_free(&r);
    r = ask("POST", SHOP "/scale", "{\"replicas\":{\"web\":3}}");
    CHECK_STR(text_of(&r, 1, "text"), "web 5 → 3");
    reply_free(&r);
    r = ask("GET", "/v1/apps?label=a%3Db", NULL);
    CHECK_INT(json_array_size(json_object_get(r.json, "items")), 1);
    reply_free(&r);
    r = ask("GET", "/v1/apps?limit=1", NULL);
    CHECK_STR(json_string_value(json_object_get(r.json, "continue")), "default/shop/api");
    reply_free(&r);
    r = ask("GET", "/v1/apps?limit=1&continue=default/shop/api", NULL);
    CHECK(!json_object_get(r.json, "continue"));
    CHECK_INT(json_array_size(json_object_get(r.json, "items")), 1);
    reply_free(&r);
}

/* Pods of the former app may still be there: they must not pass for those of the new one. */
static void a_generation_is_never_used_again(void)
{
    int64_t former = 0;
    for (int i = 0; i < 2; i++) {
        struct reply r = ask("PUT", SHOP "/apps/again", APP("again", ""));
        CHECK_INT(r.status, 200);
        reply_free(&r);
        r = ask("GET", SHOP "/apps/again", NULL);
        int64_t generation = json_integer_value(json_object_get(r.json, "generation"));
        CHECK(generation > former);
        reply_free(&r);
        r = ask("PUT", SHOP "/apps/again",
                "{\"name\":\"again\",\"pod\":{\"containers\":[{\"name\":\"c\",\"command\":["
                "\"true\"]}]}}");
        CHECK_INT(r.status, 200);
        former = generation + 1;
        reply_free(&r);
        r = ask("DELETE", SHOP "/apps/again", NULL);
        CHECK_INT(r.status, 200);
        reply_free(&r);
    }
}

static void revisions_are_compared(void)
{
    struct reply r = ask_with(false, "DELETE", SHOP "/apps/api", "If-Match: \"1\"\r\n", NULL);
    CHECK_INT(r.status, 409);
    CHECK(strstr(message_of(&r), "app/default/shop/api is at revision"));
    reply_free(&r);
    r = ask("GET", SHOP "/apps/api", NULL);
    char header[64];
    snprintf(header, sizeof header, "If-Match: \"%lld\"\r\n",
             (long long)json_integer_value(json_object_get(r.json, "revision")));
    reply_free(&r);
    r = ask_with(false, "DELETE", SHOP "/apps/api", header, NULL);
    CHECK_INT(r.status, 200);
    CHECK_STR(text_of(&r, 1, "text"), "api: removed");
    reply_free(&r);
}

static void bad_input_is_refused(void)
{
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *says;
    } cases[] = {
        {"PUT", SHOP, "{", 400, NULL},
        {"PUT", SHOP, "{\"apps\":[],\"apps\":[]}", 400, NULL},
        {"PUT", SHOP, "[]", 400, "the body must be a JSON object"},
        {"PUT", SHOP, "{}", 400, "apps: is missing"},
        {"PUT", SHOP, "{\"apps\":{}}", 400, "apps: must be an array of apps"},
        {"PUT", SHOP, "{\"apps\":[],\"x\":1}", 400,
         "x: unknown field; a project has \"apps\" alone"},
        {"PUT", SHOP, "{\"apps\":[{\"name\":\"web\"}]}", 400, NULL},
        {"PUT", SHOP, "{\"apps\":[" APP("web", ",\"colour\":1") "]}", 400, NULL},
        {"PUT", SHOP, "{\"apps\":[" APP("web", ",\"generation\":4") "]}", 400, NULL},
        {"PUT", SHOP, "{\"apps\":[" APP("web", ",\"namespace\":\"other\"") "]}", 400,
         "apps[0].namespace: is \"other\", but the path says \"default\""},
        {"PUT", SHOP, "{\"apps\":[" APP("web", "") "," APP("web", "") "]}", 400,
         "apps[1].name: \"web\" is used twice"},
        {"PUT", SHOP, "{\"apps\":[" APP("web", ",\"depends_on\":[{\"app\":\"db\"}]") "]}", 400,
         "apps[0].depends_on[0].app: web waits for \"db\", which the project does not have"},
        {"PUT", SHOP,
         "{\"apps\":[" APP("a", ",\"depends_on\":[{\"app\":\"b\"}]") "," APP(
             "b", ",\"depends_on\":[{\"app\":\"a\"}]") "]}",
         400, "depends_on goes in a circle: a → b → a"},
        {"PUT", SHOP,
         "{\"apps\":[" APP("a", ",\"ports\":[{\"target\":80,\"published\":8080}]") "," APP(
             "b", ",\"ports\":[{\"target\":80,\"published\":8080}]") "]}",
         400,
         "apps[1].ports[0].published: port 8080 is published by default/shop/a already; choose "
         "another"},
        {"PUT", "/v1/namespaces/Bad/projects/shop", "{\"apps\":[]}", 400,
         "ns \"Bad\" must be lower-case letters, digits and '-', at most 63"},
        {"POST", SHOP "/scale", "{\"replicas\":{\"nope\":1}}", 404,
         "project shop has no app \"nope\"; it has web"},
        {"POST", SHOP "/scale", "{\"replicas\":{\"web\":-1}}", 400,
         "replicas.web: must be a number from 0 to 100000"},
        {"POST", SHOP "/scale", "{\"replicas\":{}}", 400,
         "replicas: the body must be {\"replicas\":{\"APP\":N,...}}"},
        {"POST", SHOP "/scale?dry_run=maybe", "{\"replicas\":{\"web\":1}}", 400,
         "dry_run: must be true or false, not \"maybe\""},
        {"DELETE", "/v1/namespaces/default/projects/none", NULL, 404,
         "there is no project none in namespace default"},
        {"GET", "/v1/pods?colour=red", NULL, 400,
         "unknown parameter \"colour\"; known are: namespace project app node label limit "
         "continue"},
        {"GET", "/v1/apps?limit=0", NULL, 400, NULL},
        {"GET", "/v1/pods/abc", NULL, 400,
         "\"abc\" is too short: a pod is named by its id or at least the first 4 characters of it"},
        {"GET", "/v1/pods/abcdef", NULL, 404, "there is no pod \"abcdef\""},
        {"GET", "/v1/nodes/n9", NULL, 404, "there is no node \"n9\""},
        {"PATCH", "/v1/nodes/n9", "{\"drain\":true}", 404, "there is no node \"n9\""},
        {"GET", "/v1/watch?kinds=app,sheep", NULL, 400,
         "kinds: \"sheep\" is not one of app, pod, node, event"},
        {"GET", "/v1/watch?from=999999", NULL, 410, NULL},
        {"GET", "/v1/explain", NULL, 400, "give either ?app=namespace/project/app or ?pod=ID"},
        {"POST", "/v1/version", NULL, 405, NULL},
        {"GET", "/v2/version", NULL, 404, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = ask(cases[i].method, cases[i].path, cases[i].body);
        CHECK_INT(r.status, cases[i].status);
        CHECK(json_is_string(json_object_get(json_object_get(r.json, "error"), "status")));
        if (cases[i].says) CHECK_STR(message_of(&r), cases[i].says);
        gy_autofree char *given = gy_printf("%s %s %s", cases[i].method, cases[i].path,
                                            cases[i].body ? cases[i].body : "");
        gy_autofree char *answer = gy_printf("%d %s", r.status, message_of(&r));
        bad_input(given, answer);
        reply_free(&r);
    }
    /* Nothing of it was stored. */
    struct reply r = ask("GET", "/v1/apps?project=shop", NULL);
    CHECK_INT(json_array_size(json_object_get(r.json, "items")), 1);
    reply_free(&r);
}

static void a_port_of_another_project_is_taken(void)
{
    struct reply r =
        ask("PUT", "/v1/namespaces/default/projects/one",
            "{\"apps\":[" APP("web", ",\"ports\":[{\"target\":80,\"published\":9090}]") "]}");
    CHECK_INT(r.status, 200);
    reply_free(&r);
    r = ask("PUT", "/v1/namespaces/blue/projects/two",
            "{\"apps\":[" APP("www", ",\"ports\":[{\"target\":80,\"published\":9090}]") "]}");
    CHECK_INT(r.status, 400);
    CHECK_STR(message_of(&r), "apps[0].ports[0].published: port 9090 is published by "
                              "default/one/web already; choose another");
    CHECK_STR(json_string_value(json_object_get(json_object_get(r.json, "error"), "path")),
              "apps[0].ports[0].published");
    reply_free(&r);
}

static struct gy_tokens tokens;
static void set_tokens(void)
{
    gy_auth_set_tokens(host.auth, &tokens);
}

static void tcp_wants_a_token(void)
{
    char token[64], hash[65], headers[256], hosts[512];
    REQUIRE(sodium_init() >= 0);
    gy_token_generate(token);
    gy_token_hash_text(token, hash);
    tokens.items = gy_alloc_array(1, sizeof *tokens.items);
    tokens.n = tokens.cap = 1;
    tokens.items[0].name = gy_strdup("viewer");
    tokens.items[0].role = GY_ROLE_VIEW;
    gy_strs_add(&tokens.items[0].namespaces, "blue");
    size_t n;
    sodium_hex2bin(tokens.items[0].hash, 32, hash, 64, NULL, &n, NULL);
    host_call(set_tokens);

    struct reply r = ask_with(true, "GET", "/v1/version", NULL, NULL);
    CHECK_INT(r.status, 401);
    reply_free(&r);
    r = ask_with(true, "GET", "/v1/version", "Authorization: Bearer nonsense\r\n", NULL);
    CHECK_INT(r.status, 401);
    CHECK_STR(message_of(&r), "the token is not known here");
    reply_free(&r);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    r = ask_with(true, "GET", "/v1/version", headers, NULL);
    CHECK_INT(r.status, 200);
    reply_free(&r);
    r = ask_with(true, "GET", "/v1/apps", headers, NULL); /* sees its namespace alone */
    CHECK_INT(r.status, 200);
    CHECK_INT(json_array_size(json_object_get(r.json, "items")), 0);
    reply_free(&r);
    r = ask_with(true, "GET", SHOP "/apps/web", headers, NULL);
    CHECK_INT(r.status, 403);
    CHECK_STR(message_of(&r), "token:viewer may not use the namespace default");
    reply_free(&r);
    r = ask_with(true, "PUT", "/v1/namespaces/blue/projects/p", headers, "{\"apps\":[]}");
    CHECK_INT(r.status, 403);
    CHECK_STR(message_of(&r), "token:viewer has the role view; this needs edit");
    reply_free(&r);
    r = ask_with(true, "GET", "/v1/config", headers, NULL);
    CHECK_INT(r.status, 403);
    reply_free(&r);
    snprintf(hosts, sizeof hosts, "%sHost: evil.example\r\n", headers);
    r = ask_with(true, "GET", "/v1/version", hosts, NULL);
    CHECK_INT(r.status, 403);
    reply_free(&r);
    snprintf(hosts, sizeof hosts, "%sOrigin: http://evil.example\r\n", headers);
    r = ask_with(true, "GET", "/v1/version", hosts, NULL);
    CHECK_INT(r.status, 403);
    reply_free(&r);
}

/* Reads lines until one holds `until`; returns all of them for free(). */
static char *read_until(int fd, const char *until)
{
    struct gy_buf b = {0};
    char c[4096];
    ssize_t n;
    while ((!b.text || !strstr(b.text, until)) && (n = read(fd, c, sizeof c)) > 0)
        gy_buf_add(&b, c, (size_t)n);
    return gy_buf_take(&b);
}

static void a_watch_tells_what_is_and_what_happens(void)
{
    int fd = dial(false);
    static const char get[] = "GET /v1/watch?kinds=app&project=shop HTTP/1.1\r\nHost: x\r\n\r\n";
    REQUIRE(write(fd, get, sizeof get - 1) == (ssize_t)sizeof get - 1);
    gy_autofree char *first = read_until(fd, "synced");
    CHECK(strstr(first, "{\"type\":\"put\",\"kind\":\"app\""));
    CHECK(strstr(first, "\"name\":\"web\""));
    CHECK(!strstr(first, "\"project\":\"one\""));
    struct reply r = ask("POST", SHOP "/scale", "{\"replicas\":{\"web\":7}}");
    long long rev = (long long)json_integer_value(json_object_get(r.json, "revision"));
    reply_free(&r);
    gy_autofree char *second = read_until(fd, "\"replicas\":7");
    CHECK(strstr(second, "\"replicas\":7"));
    r = ask("DELETE", SHOP, NULL);
    CHECK_INT(r.status, 200);
    reply_free(&r);
    gy_autofree char *third = read_until(fd, "\"type\":\"delete\"");
    CHECK(strstr(third, "\"type\":\"delete\",\"kind\":\"app\""));
    close(fd);
    /* From a revision: what happened since. */
    char again[160];
    int n = snprintf(again, sizeof again,
                     "GET /v1/watch?kinds=app&from=%lld HTTP/1.1\r\nHost: x\r\n\r\n", rev);
    fd = dial(false);
    REQUIRE(write(fd, again, (size_t)n) == n);
    gy_autofree char *since = read_until(fd, "synced");
    CHECK(strstr(since, "\"type\":\"delete\",\"kind\":\"app\""));
    close(fd);
}

static void a_watcher_that_falls_behind_is_cut(void)
{
    int fd = dial(false);
    static const char get[] = "GET /v1/watch?kinds=app&project=crowd HTTP/1.1\r\nHost: x\r\n\r\n";
    REQUIRE(write(fd, get, sizeof get - 1) == (ssize_t)sizeof get - 1);
    gy_autofree char *first = read_until(fd, "synced");
    CHECK(strstr(first, "synced"));
    for (int round = 0; round < 150; round++) { /* and it reads nothing of it */
        struct gy_buf body = {0};
        gy_buf_str(&body, "{\"apps\":[");
        for (int i = 0; i < 50; i++)
            gy_buf_printf(&body, "%s" APP("a%d", ",\"labels\":{\"round\":\"%d\"}"), i ? "," : "", i,
                          round);
        gy_buf_str(&body, "]}");
        struct reply r = ask("PUT", "/v1/namespaces/default/projects/crowd", body.text);
        REQUIRE(r.status == 200);
        reply_free(&r);
        gy_buf_fini(&body);
    }
    struct gy_buf got = {0};
    char chunk[65536];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        gy_buf_add(&got, chunk, (size_t)n);
        if (gy_ends_with(got.text, "\r\n0\r\n\r\n")) break; /* the last chunk of the answer */
    }
    CHECK(n > 0); /* it was ended, not left open */
    const char *resync = strstr(got.text, "{\"type\":\"resync\"");
    CHECK(resync && strlen(resync) < 100);
    gy_buf_fini(&got);
    close(fd);
    struct reply r = ask("DELETE", "/v1/namespaces/default/projects/crowd", NULL);
    CHECK_INT(r.status, 200);
    reply_free(&r);
}

static void events_are_recorded(void)
{
    json_t *items = NULL;
    struct reply r = {0};
    for (int i = 0; i < 50 && json_array_size(items) == 0; i++) {
        reply_free(&r);
        usleep(20000);
        r = ask("GET", "/v1/events?project=shop&limit=3", NULL);
        items = json_object_get(r.json, "items");
    }
    CHECK(json_array_size(items) > 0 && json_array_size(items) <= 3);
    CHECK_STR(json_string_value(json_object_get(json_array_get(items, 0), "project")), "shop");
    reply_free(&r);
}

/* Every route of the document answers, and what it says about its answer is so. */
static void the_document_is_true(void)
{
    struct reply doc = ask("GET", "/v1/openapi.json", NULL);
    CHECK_INT(doc.status, 200);
    CHECK_STR(json_string_value(json_object_get(doc.json, "openapi")), "3.0.3");
    json_t *schemas = json_object_get(json_object_get(doc.json, "components"), "schemas"), *path,
           *op, *value;
    const char *pattern, *method, *key;
    size_t operations = 0;
    json_object_foreach (json_object_get(doc.json, "paths"), pattern, path)
        json_object_foreach (path, method, op) {
            operations++;
            CHECK(json_string_value(json_object_get(op, "summary")));
            gy_autofree char *text = json_dumps(op, 0);
            for (char *ref = strstr(text, "#/components/schemas/"); ref;
                 ref = strstr(ref + 1, "#/components/schemas/")) {
                char name[64];
                snprintf(name, sizeof name, "%.*s", (int)strcspn(ref + 21, "\""), ref + 21);
                if (!json_object_get(schemas, name)) fprintf(stderr, "no schema %s\n", name);
                CHECK(json_object_get(schemas, name));
            }
            char upper[16] = "";
            for (size_t i = 0; method[i]; i++)
                upper[i] = (char)(method[i] - 32);
            gy_autofree char *real = gy_strdup(pattern);
            for (char *p;
                 (p = strchr(real, '{'));) { /* {ns} becomes zzzz: known route, unknown object */
                char *end = strchr(p, '}');
                memcpy(p, "z", 1);
                memmove(p + 1, end + 1, strlen(end + 1) + 1);
            }
            if (strstr(pattern, "/watch")) continue;
            struct reply r = ask(upper, real, NULL);
            bool routed = !strstr(message_of(&r), "there is no /v1") && r.status != 405;
            if (!routed) fprintf(stderr, "%s %s: %d %s\n", upper, real, r.status, r.body);
            CHECK(routed);
            reply_free(&r);
        }
    CHECK_INT(operations, 27);
    /* Members that an answer has are in its schema, and required ones are in the answer. */
    static const struct {
        const char *path, *schema;
    } answers[] = {{"/v1/version", "Version"},
                   {"/v1/namespaces/default/projects/one/apps/web", "AppView"}};
    for (size_t i = 0; i < 2; i++) {
        struct reply r = ask("GET", answers[i].path, NULL);
        json_t *schema = json_object_get(schemas, answers[i].schema);
        json_object_foreach (r.json, key, value)
            CHECK(json_object_get(json_object_get(schema, "properties"), key));
        size_t j;
        json_array_foreach (json_object_get(schema, "required"), j, value)
            CHECK(json_object_get(r.json, json_string_value(value)));
        reply_free(&r);
    }
    reply_free(&doc);
    host_stop();
}

static void start_and_store(void)
{
    host_start();
    struct reply r = ask("GET", "/v1/version", NULL);
    CHECK_INT(r.status, 200);
    CHECK_STR(json_string_value(json_object_get(r.json, "node")), "n1");
    CHECK_STR(json_string_value(json_object_get(r.json, "cluster")), "c1");
    reply_free(&r);
    a_project_is_stored();
}

SUITE("server.api", {"a project is planned, stored and changed", start_and_store},
      {"a generation is never used again", a_generation_is_never_used_again},
      {"revisions are compared", revisions_are_compared},
      {"bad input is refused with a sentence", bad_input_is_refused},
      {"a port of another project is taken", a_port_of_another_project_is_taken},
      {"TCP wants a token, roles and namespaces hold", tcp_wants_a_token},
      {"a watch tells what is and what happens", a_watch_tells_what_is_and_what_happens},
      {"a watcher that falls behind is cut", a_watcher_that_falls_behind_is_cut},
      {"events are recorded", events_are_recorded}, {"the document is true", the_document_is_true})
