/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver is given for a pod: argv, environment, expansion, ports, labels; and the record. */
#include "agent/ownership.h"
#include "agent/pod_form.h"
#include "suite.h"

#include <sys/stat.h>
#include <unistd.h>

#define POD_ID "abcdefghijklmnopqrstuvwxyz"

static void make_pod(struct gy_pod *pod, const char *container)
{
    gy_autofree char *text = gy_printf(
        "{\"id\":\"" POD_ID "\",\"namespace\":\"default\",\"project\":\"shop\",\"app\":\"web\","
        "\"slot\":2,\"node\":\"n1\",\"driver\":\"process\",\"name\":\"default-shop-web-2-"
        "abcdefgh\","
        "\"template\":{\"containers\":[%s]},\"ports\":[{\"target\":80,\"published\":8080,\"name\":"
        "\"http\"},{\"target\":53,\"published\":53,\"mode\":\"host\",\"protocol\":\"udp\","
        "\"host_ip\":\"127.0.0.1\"}]}",
        container);
    struct gy_error err = GY_ERROR_INIT;
    *pod = (struct gy_pod){0};
    if (gy_shape_decode_text(&gy_pod_shape, text, strlen(text), GY_FROM_PEER, pod, &err) !=
        GANTRY_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
}

static struct gy_port_choice choice_items[] = {
    {.target = 80, .host = 20123, .protocol = GY_PROTOCOL_TCP},
    {.target = 53, .host = 53, .protocol = GY_PROTOCOL_UDP, .is_fixed = true}};
static const struct gy_port_choices choices = {choice_items, 2};

static bool is(gantry_str s, const char *text)
{
    bool same = gy_str_is(s, text);
    if (!same) fprintf(stderr, "\"%.*s\" is not \"%s\"\n", (int)s.len, s.ptr ? s.ptr : "", text);
    return same;
}

static const gantry_kv *env_of(const gantry_container *c, const char *name)
{
    const gantry_kv *found = NULL;
    for (uint32_t i = 0; i < c->env_count; i++)
        if (gy_str_is(c->env[i].key, name)) {
            CHECK(!found); /* each name once */
            found = &c->env[i];
        }
    return found;
}

static void form(void)
{
    struct gy_pod pod;
    make_pod(&pod,
             "{\"name\":\"main\",\"entrypoint\":[\"/bin/web\"],\"command\":[\"--port=${PORT_80}"
             "\",\"--name=${GANTRY_APP}-${GANTRY_SLOT}\"],\"env\":{\"URL\":\"http://0:${PORT}"
             "/\",\"HOME_IS\":\"${HOME}\",\"GANTRY_APP\":\"mine\"},\"user\":\"www\","
             "\"working_dir\":\"/srv\",\"tty\":true,\"limits\":{\"cpu_milli\":500,"
             "\"memory_bytes\":1048576,\"pids\":10},\"ulimits\":[{\"name\":\"nofile\",\"soft\":"
             "10,\"hard\":20}]}");
    struct gy_pod_form f;
    gy_pod_form_init(&f, &pod, &choices, "c1", "sig", "{\"version\":1}");
    const gantry_pod *p = &f.pod;
    CHECK(is(p->id, POD_ID) && is(p->ns, "default") && is(p->project, "shop"));
    CHECK(is(p->app, "web") && is(p->node, "n1") && is(p->hostname, "shop-web-2"));
    CHECK(is(p->record, "{\"version\":1}"));
    CHECK_INT(p->slot, 2);
    CHECK_INT(p->size, sizeof *p);
    REQUIRE(p->container_count == 1 && p->port_count == 2 && p->label_count == 3);
    CHECK(is(p->labels[0].key, "gantry.cluster") && is(p->labels[0].value, "c1"));
    CHECK(is(p->labels[1].key, "gantry.pod") && is(p->labels[1].value, POD_ID));
    CHECK(is(p->labels[2].key, "gantry.signature") && is(p->labels[2].value, "sig"));

    const gantry_container *c = p->containers[0];
    REQUIRE(c->entrypoint_count == 1 && c->arg_count == 2);
    CHECK(is(c->entrypoint[0], "/bin/web"));
    CHECK(is(c->args[0], "--port=20123"));
    CHECK(is(c->args[1], "--name=web-2"));
    CHECK(is(c->user, "www") && is(c->workdir, "/srv") && is(c->image, ""));
    CHECK_INT(c->flags, GANTRY_CONTAINER_TTY);
    CHECK_INT(c->cpu_milli, 500);
    CHECK_INT(c->memory_bytes, 1048576);
    CHECK_INT(c->pids_max, 10);
    REQUIRE(c->ulimit_count == 1);
    CHECK(is(c->ulimits[0]->name, "nofile"));
    CHECK_INT(c->ulimits[0]->hard, 20);

    static const char *const told[][2] = {
        {"URL", "http://0:20123/"}, {"HOME_IS", "${HOME}"}, {"GANTRY_NAMESPACE", "default"},
        {"GANTRY_PROJECT", "shop"}, {"GANTRY_APP", "web"},  {"GANTRY_SLOT", "2"},
        {"GANTRY_POD_ID", POD_ID},  {"GANTRY_NODE", "n1"},  {"PORT", "20123"},
        {"PORT_80", "20123"},       {"PORT_53", "53"}};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const gantry_kv *kv = env_of(c, told[i][0]);
        CHECK(kv && is(kv->value, told[i][1]));
    }
    CHECK_INT(c->env_count, sizeof told / sizeof *told);

    CHECK_INT(p->ports[0]->host, 20123);
    CHECK_INT(p->ports[0]->protocol, GANTRY_PROTOCOL_TCP);
    CHECK(is(p->ports[0]->host_ip, "") && is(p->ports[0]->name, "http"));
    CHECK_INT(p->ports[1]->host, 53);
    CHECK_INT(p->ports[1]->protocol, GANTRY_PROTOCOL_UDP);
    CHECK(is(p->ports[1]->host_ip, "127.0.0.1"));
    gy_pod_form_fini(&f);
    gy_shape_fini(&gy_pod_shape, &pod);
}

/* Inside a container with an image the app listens on its own port. */
static void image(void)
{
    struct gy_pod pod;
    make_pod(&pod, "{\"name\":\"main\",\"image\":\"nginx:1\",\"pull_policy\":\"always\"}");
    struct gy_pod_form f;
    gy_pod_form_init(&f, &pod, &choices, "c1", "sig", "");
    const gantry_container *c = f.pod.containers[0];
    CHECK(is(c->image, "nginx:1") && is(c->pull_policy, "always"));
    CHECK_INT(c->entrypoint_count + c->arg_count, 0);
    const gantry_kv *port = env_of(c, "PORT");
    CHECK(port && is(port->value, "80"));
    CHECK_INT(f.pod.ports[0]->host, 20123);
    gy_pod_form_fini(&f);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void expansion(void)
{
    static const char *const table[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"${PORT_80}", "20123"},
        {"a${PORT}b${PORT_53}c", "a20123b53c"},
        {"$PORT $PORT_80", "$PORT $PORT_80"},
        {"${PORT_81}", "${PORT_81}"},
        {"${HOME} ${PATH:-x}", "${HOME} ${PATH:-x}"},
        {"${PORT:-1}", "${PORT:-1}"},
        {"${PORT", "${PORT"},
        {"${", "${"},
        {"${}", "${}"},
        {"$${PORT}", "$20123"},
        {"${${PORT}}", "${20123}"},
        {"${port}", "${port}"},
        {"${GANTRY_POD_ID}", POD_ID},
        {"for i in 1 2; do echo ${i} $((i+1)); done", "for i in 1 2; do echo ${i} $((i+1)); done"},
    };
    struct gy_pod pod;
    struct gy_map names;
    make_pod(&pod, "{\"name\":\"main\",\"command\":[\"x\"]}");
    gy_pod_names(&pod, GY_AT(struct gy_container, pod.template.containers, 0), &choices, &names);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gy_autofree char *got = gy_pod_expand(table[i][0], &names);
        CHECK_STR(got, table[i][1]);
    }
    gy_pod_names_fini(&names);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void addresses(void)
{
    struct gy_list list;
    gy_pod_addresses(&choices, "::1", &list);
    REQUIRE(list.n == 2);
    const struct gy_pod_address *a = GY_AT(struct gy_pod_address, list, 0);
    CHECK_STR(a->family, "ipv6");
    CHECK_STR(a->text, "::1");
    CHECK_INT(a->port, 20123);
    CHECK_INT(a->target, 80);
    gy_pod_addresses_fini(&list);
}

/* ---- ownership ---- */

static void record(void)
{
    struct gy_owner_key key, other;
    REQUIRE(gy_owner_key_load(NULL, &key, NULL) == GANTRY_OK);
    REQUIRE(gy_owner_key_load(NULL, &other, NULL) == GANTRY_OK);
    char *text = gy_owner_record_encode(&key, "c1", POD_ID, &choices);
    struct gy_port_choices back = {0};
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_owner_record_decode(&key, "c1", POD_ID, gy_str(text), &back, &err), GANTRY_OK);
    REQUIRE(back.n == 2);
    CHECK_INT(back.items[0].host, 20123);
    CHECK_INT(back.items[1].target, 53);
    CHECK_INT(back.items[1].protocol, GY_PROTOCOL_UDP);
    CHECK(back.items[1].is_fixed && !back.items[0].is_fixed);
    free(back.items);

    CHECK_INT(gy_owner_record_decode(&other, "c1", POD_ID, gy_str(text), &back, &err),
              GANTRY_EINVAL);
    CHECK_STR(err.text, "its record was not signed with this node's key (ownership.key)");
    CHECK_INT(gy_owner_record_decode(&key, "c2", POD_ID, gy_str(text), &back, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "it belongs to cluster c1, this is c2");
    CHECK_INT(
        gy_owner_record_decode(&key, "c1", "abcdefghijklmnopqrstuvwxy2", gy_str(text), &back, &err),
        GANTRY_EINVAL);
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "null",
                                      "{\"cluster\":1}",
                                      "{}",
                                      "{\"cluster\":\"c1\",\"pod\":\"x\",\"signature\":\"\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = '\0';
        CHECK_INT(gy_owner_record_decode(&key, "c1", POD_ID, gy_str(bad[i]), &back, &err),
                  GANTRY_EINVAL);
        CHECK(err.text[0]);
    }
    free(text);
}

static void key_file(void)
{
    char dir[] = "/tmp/gantry-key-XXXXXX";
    REQUIRE(mkdtemp(dir));
    struct gy_owner_key a, b;
    struct gy_error err = GY_ERROR_INIT;
    gy_autofree char *inner = gy_printf("%s/agent", dir);
    gy_autofree char *path = gy_printf("%s/ownership.key", inner);
    CHECK_INT(gy_owner_key_load(inner, &a, &err), GANTRY_OK);
    CHECK_INT(gy_owner_key_load(inner, &b, &err), GANTRY_OK);
    CHECK(!memcmp(&a, &b, sizeof a));
    struct stat st;
    REQUIRE(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    REQUIRE(truncate(path, 7) == 0);
    CHECK_INT(gy_owner_key_load(inner, &b, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "holds 7 bytes"));
    unlink(path);
    rmdir(inner);
    rmdir(dir);
}

SUITE("agent.form", {"a pod in the form of drivers", form},
      {"a container with an image is told its own ports", image},
      {"only ${NAME} of our names is expanded", expansion}, {"addresses", addresses},
      {"a record is ours only when cluster, pod and signature fit", record},
      {"the key is made once", key_file})
