/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader, the writer and what follows from a shape, over the shapes of the model. */
#include "model/app.h"
#include "model/constraint.h"
#include "model/event.h"
#include "model/node.h"
#include "model/pod.h"
#include "suite.h"

static const char web[] =
    "{\"namespace\":\"default\",\"project\":\"hello\",\"name\":\"web\",\"replicas\":3,"
    "\"pod\":{\"containers\":[{\"name\":\"web\",\"command\":[\"sleep\",\"1\"],\"env\":{\"A\":\"1\","
    "\"B\":\"\"},"
    "\"health\":{\"kind\":\"http\",\"path\":\"/\",\"port\":80,\"interval_ms\":1000}}]},"
    "\"ports\":[{\"target\":80,\"published\":8080}],"
    "\"placement\":{\"constraints\":[\"node.labels.disk == ssd\"]}}";

static void round_trip(void)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_app app, copy;
    CHECK_INT(gy_shape_decode_text(&gy_app_shape, web, strlen(web), GY_FROM_USER, &app, &err),
              GANTRY_OK);
    CHECK_STR(err.text, "");
    CHECK_INT(app.replicas, 3);
    CHECK_INT(app.pod.containers.n, 1);
    const struct gy_container *c = GY_AT(struct gy_container, app.pod.containers, 0);
    CHECK_STR(c->command.items[0], "sleep");
    CHECK_STR(gy_map_get(&c->env, "B"), "");
    CHECK_INT(c->health->retries, 3);
    CHECK_INT(c->stop_grace_ms, 10000);
    gy_autofree char *text = gy_shape_encode_text(&gy_app_shape, &app);
    CHECK_INT(gy_shape_decode_text(&gy_app_shape, text, strlen(text), GY_FROM_PEER, &copy, &err),
              GANTRY_OK);
    CHECK(gy_shape_equal(&gy_app_shape, &app, &copy));
    copy.replicas = 4;
    CHECK(!gy_shape_equal(&gy_app_shape, &app, &copy));
    CHECK(!gy_app_needs_new_pods(&app, &copy));
    gy_map_set(&GY_AT(struct gy_container, copy.pod.containers, 0)->env, "A", "2");
    CHECK(gy_app_needs_new_pods(&app, &copy));
    CHECK_INT(gy_shape_check(&gy_app_shape, &copy, &err), GANTRY_OK);
    gy_shape_fini(&gy_app_shape, &app);
    gy_shape_copy(&gy_app_shape, &copy, &app);
    CHECK(gy_shape_equal(&gy_app_shape, &app, &copy));
    gy_shape_fini(&gy_app_shape, &app);
    gy_shape_fini(&gy_app_shape, &copy);
}

static void bad_input_is_named_by_path(void)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "not JSON: line 1, column 0: '[' or '{' expected near end of file"},
        {"[]", "the object: must be an object, not an array"},
        {"{\"name\":\"web\"}", "pod: is required"},
        {"{\"name\":\"Web\",\"pod\":{}}",
         "name: \"Web\" must be 1 to 63 lower-case letters, digits and inner hyphens"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[{\"nam\":1}]}}",
         "pod.containers[0].nam: unknown field, did you mean \"name\"?"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[{\"name\":\"w\",\"image\":7}]}}",
         "pod.containers[0].image: must be a string, not a whole number"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[{\"name\":\"w\"}]}}",
         "pod.containers[0]: needs an image or a command"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[]}}",
         "pod.containers: needs at least 1 elements"},
        {"{\"name\":\"w\",\"name\":\"v\"}",
         "not JSON: line 1, column 18: duplicate object key near '\"name\"'"},
        {"{\"name\":\"w\",\"replicas\":-1}", "replicas: -1 is out of range: 0 to 100000"},
        {"{\"name\":\"w\",\"replicas\":1.5}", "replicas: must be a whole number, not a fraction"},
        {"{\"name\":\"w\",\"generation\":1}", "generation: is set by the server"},
        {"{\"name\":\"w\",\"mode\":\"many\"}", "mode: \"many\" is none of replicated, global, job"},
        {"{\"name\":\"w\",\"placement\":{\"constraints\":[\"node.labels.a = b\"]}}",
         "placement.constraints[0]: character 15: expected == or != after node.labels.a"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":"
         "\"a\",\"image\":\"i\"}]}}",
         "pod.containers[1].name: \"a\" is used twice"},
        {"{\"name\":\"w\",\"pod\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\",\"env\":{\"1A\":"
         "\"\"}}]}}",
         "pod.containers[0].env.1A: not a name: letters, digits, _ . - only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_error err = GY_ERROR_INIT;
        struct gy_app app;
        CHECK_INT(gy_shape_decode_text(&gy_app_shape, cases[i].json, strlen(cases[i].json),
                                       GY_FROM_USER, &app, &err),
                  GANTRY_EINVAL);
        CHECK_STR(err.text, cases[i].says);
    }
}

static void depth_and_size_are_bounded(void)
{
    struct gy_error err = GY_ERROR_INIT;
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    CHECK(gy_json_parse(deep, 200, 1000, &err) == NULL);
    CHECK_STR(err.text, "JSON nested deeper than 64 levels");
    CHECK(gy_json_parse("[1]", 3, 2, &err) == NULL);
    CHECK_STR(err.text, "3 bytes of JSON, at most 2 are allowed");
    json_t *quoted = gy_json_parse("[\"a\\\"[[[\\\\\"]", 12, 100, &err);
    CHECK(quoted != NULL);
    json_decref(quoted);
}

static void a_peer_may_know_more(void)
{
    struct gy_error err = GY_ERROR_INIT;
    struct gy_event e;
    static const char text[] = "{\"time_ms\":1,\"kind\":\"a\",\"text\":\"t\",\"future\":[1]}";
    CHECK_INT(gy_shape_decode_text(&gy_event_shape, text, sizeof text - 1, GY_FROM_PEER, &e, &err),
              GANTRY_OK);
    gy_shape_fini(&gy_event_shape, &e);
    CHECK_INT(gy_shape_decode_text(&gy_event_shape, text, sizeof text - 1, GY_FROM_USER, &e, &err),
              GANTRY_EINVAL);
}

static void constraints_hold(void)
{
    struct gy_node node;
    gy_shape_init(&gy_node_shape, &node);
    node.name = gy_strdup("n1");
    node.os = gy_strdup("linux");
    gy_map_set(&node.labels, "disk", "ssd");
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {{"node.labels.disk == ssd", true}, {"node.labels.disk==hdd", false},
                 {"node.labels.zone != a", true},   {"node.hostname == n1", true},
                 {"node.id != n1", false},          {" node.platform.os == linux ", true},
                 {"node.labels.disk != ssd", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gy_constraint c;
        REQUIRE(gy_constraint_parse(cases[i].text, &c, NULL) == GANTRY_OK);
        CHECK_INT(gy_constraint_holds(&c, &node), cases[i].holds);
        gy_constraint_fini(&c);
    }
    gy_shape_fini(&gy_node_shape, &node);
}

static void hostnames_fit(void)
{
    char name[64];
    gy_pod_hostname("hello", "web", 3, "n1", name);
    CHECK_STR(name, "hello-web-3");
    gy_pod_hostname("hello", "agent", 0, "n1", name);
    CHECK_STR(name, "hello-agent-n1");
    gy_pod_hostname("a-very-long-project-name-that-goes-on", "and-an-app-with-a-long-name-as-well",
                    12, "n1", name);
    CHECK_INT(strlen(name), 63);
    CHECK(gy_is_label(name));
}

static void ended_pods_never_come_back(void)
{
    for (int to = GY_POD_PENDING; to <= GY_POD_UNKNOWN; to++)
        CHECK_INT(gy_pod_state_can_follow(GY_POD_ENDED, to), to == GY_POD_ENDED);
    CHECK(!gy_pod_state_can_follow(GY_POD_STOPPING, GY_POD_RUNNING));
    CHECK(gy_pod_state_can_follow(GY_POD_UNKNOWN, GY_POD_READY));
}

SUITE("model", {"an app survives a round trip", round_trip},
      {"bad input is named by its path", bad_input_is_named_by_path},
      {"depth and size are bounded", depth_and_size_are_bounded},
      {"a peer may know more fields", a_peer_may_know_more},
      {"constraints hold or not", constraints_hold}, {"hostnames fit 63 characters", hostnames_fit},
      {"ended pods never come back", ended_pods_never_come_back})
