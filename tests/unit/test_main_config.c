/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's configuration: what is wrong is said with file and line, and what would be right. */
#include "bad_inputs.h"
#include "main/config.h"
#include "suite.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/gantry-config-XXXXXX";
static char file[64], extra[96];

static void write_text(const char *path, const char *text)
{
    REQUIRE(gy_file_write(path, text, strlen(text), 0644, NULL) == GANTRY_OK);
}

static void set_up(void)
{
    static bool made;
    if (made) return;
    made = true;
    char sub[64];
    REQUIRE(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/g.conf", folder);
    snprintf(sub, sizeof sub, "%s/plugins.d", folder);
    REQUIRE(mkdir(sub, 0755) == 0);
    snprintf(extra, sizeof extra, "%s/a.conf", sub);
}

static void tear_down(void)
{
    char sub[64];
    snprintf(sub, sizeof sub, "%s/plugins.d", folder);
    unlink(extra);
    unlink(file);
    rmdir(sub);
    rmdir(folder);
}

/* The sentence of a bad file, without the folder. */
static const char *sentence(const char *text, const char *extra_text)
{
    static struct gy_error err;
    struct gy_config c;
    set_up();
    err = (struct gy_error)GY_ERROR_INIT;
    write_text(file, text);
    unlink(extra);
    if (extra_text) write_text(extra, extra_text);
    if (gy_config_read(file, NULL, "/nowhere/bin", &c, &err) == GANTRY_OK) {
        gy_config_fini(&c);
        return "accepted";
    }
    CHECK_INT(err.status, GANTRY_EINVAL);
    return gy_starts_with(err.text, folder) ? err.text + strlen(folder) + 1 : err.text;
}

#define DIRS "plugin_dirs = [\"/tmp\"];\n"

static void bad_files(void)
{
    static const struct {
        const char *text, *extra, *says;
    } cases[] = {
        {"data_dir = ;\n", NULL, "g.conf:1: syntax error; a setting is written name = value;"},
        {"a = 1;\na = 2;\n", NULL, "g.conf:2: duplicate setting name; a setting is written once"},
        {DIRS "data_dri = \"/x\";\n", NULL,
         "g.conf:2: unknown setting \"data_dri\"; did you mean \"data_dir\"?"},
        {DIRS "zzzzzzzzzzzz = 1;\n", NULL,
         "g.conf:2: unknown setting \"zzzzzzzzzzzz\"; gantryd --print-config shows all"},
        {DIRS "node = {\n  nme = \"n1\"; };\n", NULL,
         "g.conf:3: unknown setting \"node.nme\"; did you mean \"node.name\"?"},
        {DIRS "node = \"n1\";\n", NULL,
         "g.conf:2: node must be a group, as in node = { ... };, not a string"},
        {DIRS "node = { name = 5; };\n", NULL,
         "g.conf:2: node.name must be a string, as in \"...\", not a number"},
        {DIRS "node = { name = \"Not A Label\"; };\n", NULL,
         "g.conf:2: node.name \"Not A Label\" must be lower-case letters, digits and '-', at most "
         "63"},
        {DIRS "node = { max_pods = 0; };\n", NULL,
         "g.conf:2: node.max_pods must be from 1 to 100000, not 0"},
        {DIRS "node = { max_pods = \"many\"; };\n", NULL,
         "g.conf:2: node.max_pods must be a number, not a string"},
        {DIRS "node = { labels = { disk = 1; }; };\n", NULL,
         "g.conf:2: node.labels.disk must be a string, not a number"},
        {DIRS "node = { labels = [\"a\"]; };\n", NULL,
         "g.conf:2: node.labels must be a group, as in { disk = \"ssd\"; }, not an array"},
        {DIRS "debug_core = 1;\n", NULL,
         "g.conf:2: debug_core must be true or false, not a number"},
        {DIRS "data_dir = \"var/lib\";\n", NULL,
         "g.conf:2: data_dir must be an absolute path, not \"var/lib\""},
        {"plugin_dirs = [\"/no/such/folder\"];\n", NULL,
         "g.conf:1: plugin_dirs: there is no folder /no/such/folder"},
        {"plugin_dirs = [\"/no/such\\nfolder\"];\n", NULL,
         "g.conf:1: plugin_dirs: there is no folder /no/such?folder"},
        {"plugin_dirs = \"/tmp\";\n", NULL,
         "g.conf:1: plugin_dirs must be an array of strings, as in [\"...\"], not a string"},
        {DIRS "log = { level = \"loud\"; };\n", NULL,
         "g.conf:2: log.level must be error, warn, info, debug or trace, not \"loud\""},
        {DIRS "listen = [\"7700\"];\n", NULL,
         "g.conf:2: listen: \"7700\" must be ADDRESS:PORT, as in \"127.0.0.1:7700\""},
        {DIRS "listen = [\"127.0.0.1:7700\"];\n", NULL,
         "g.conf:2: listen needs tokens_file: TCP always wants a token"},
        {DIRS "tokens_file = \"/no/such\";\n", NULL,
         "g.conf:2: tokens_file: /no/such cannot be read: No such file or directory"},
        {DIRS "scheduler = { strategy = \"best\"; };\n", NULL,
         "g.conf:2: scheduler.strategy: \"best\" is not enabled; strategies has spread, binpack, "
         "random"},
        {DIRS "drivers = { plugin = \"process\"; };\n", NULL,
         "g.conf:2: drivers must be a list, as in ( { plugin = \"NAME\"; } ), not a group"},
        {DIRS "drivers = ( { user = \"nobody\"; } );\n", NULL,
         "g.conf:2: a block of drivers needs plugin = \"NAME\"; it is what enables the plugin"},
        {DIRS "drivers = ( { plugin = \"process\"; },\n { plugin = \"process\"; } );\n", NULL,
         NULL /* names the first line; below */},
        {DIRS "store = { plugin = 5; };\n", NULL,
         "g.conf:2: plugin must be a string, as in \"...\", not a number"},
        {DIRS "store = { plugin = \"sqlite\"; busy_ms = 1.5; };\n", NULL,
         "g.conf:2: busy_ms is a fraction: a string, a number, true, false or a list of these is "
         "possible"},
        {DIRS, "data_dir = \"/x\";\n",
         "plugins.d/a.conf:1: unknown setting \"data_dir\": a file of plugins.d holds store, "
         "drivers "
         "and strategies alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].says) {
            const char *text = cases[i].text;
            const char *got = sentence(text, cases[i].extra);
            CHECK_STR(got, cases[i].says);
            bad_input(cases[i].extra               ? cases[i].extra
                      : gy_starts_with(text, DIRS) ? text + strlen(DIRS)
                                                   : text,
                      got);
        }
}

static void doubled_names(void)
{
    char want[512];
    set_up();
    snprintf(want, sizeof want,
             "g.conf:3: drivers: the name \"process\" is used already at %s:2; give another with "
             "name = \"...\"",
             file);
    CHECK_STR(sentence(DIRS
                       "drivers = ( { plugin = \"process\"; },\n { plugin = \"process\"; } );\n",
                       NULL),
              want);
    snprintf(want, sizeof want, "plugins.d/a.conf:1: store is set already at %s:2; there is one",
             file);
    CHECK_STR(
        sentence(DIRS "store = { plugin = \"sqlite\"; };\n", "store = { plugin = \"memory\"; };\n"),
        want);
}

static void a_missing_file(void)
{
    struct gy_config c;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_config_read("/no/such.conf", NULL, "/nowhere/bin", &c, &err), GANTRY_EINVAL);
    CHECK(gy_starts_with(err.text, "/no/such.conf:1: cannot be read: "));
}

static void blocks_come_in_order(void)
{
    struct gy_config c;
    set_up();
    write_text(file, DIRS
               "node = { name = \"n1\"; labels = { disk = \"ssd\"; }; };\n"
               "drivers = ( { plugin = \"sim\"; name = \"one\"; tls = { ca = \"/x\"; }; } );\n");
    write_text(extra, "drivers = ( { plugin = \"process\"; users = [\"a\", \"b\"]; } );\n");
    REQUIRE(gy_config_read(file, NULL, "/nowhere/bin", &c, NULL) == GANTRY_OK);
    const struct gy_config_block *one = gy_config_block(&c, "gantry.driver/1", 0);
    const struct gy_config_block *two = gy_config_block(&c, "gantry.driver/1", 1);
    REQUIRE(one && two && !gy_config_block(&c, "gantry.driver/1", 2));
    CHECK_STR(one->name, "one");
    CHECK_STR(one->provider, "sim");
    CHECK_STR(one->values[0].path, "tls.ca");
    CHECK_STR(one->values[0].text, "/x");
    CHECK_STR(two->name, "process");
    CHECK_INT(two->values[0].list_count, 2);
    CHECK_STR(gy_map_get(&c.node_labels, "disk"), "ssd");
    CHECK_STR(gy_config_block(&c, "gantry.store/1", 0)->plugin, "sqlite");
    gy_config_fini(&c);
}

static void what_is_printed_can_be_read(void)
{
    struct gy_config c, again;
    set_up();
    unlink(extra);
    write_text(file, DIRS "drivers = ( { plugin = \"sim\"; api_token = \"hunter2\"; } );\n");
    REQUIRE(gy_config_read(file, NULL, "/nowhere/bin", &c, NULL) == GANTRY_OK);
    gy_autofree char *text = gy_config_text(&c, NULL);
    CHECK(!strstr(text, "hunter2"));
    CHECK(strstr(text, "api_token = \"***\""));
    gy_config_fini(&c);
    write_text(file, text);
    CHECK_STR(sentence(text, NULL), "accepted");
    REQUIRE(gy_config_read(file, NULL, "/nowhere/bin", &again, NULL) == GANTRY_OK);
    CHECK_STR(gy_config_block(&again, "gantry.driver/1", 0)->plugin, "sim");
    gy_config_fini(&again);
}

static void dev_is_below_one_folder(void)
{
    struct gy_config c;
    char bin[256];
    snprintf(bin, sizeof bin, "%s/bin", TEST_BUILD_DIR);
    REQUIRE(gy_config_read(NULL, "/tmp/dev", bin, &c, NULL) == GANTRY_OK);
    CHECK_STR(c.data_dir, "/tmp/dev/data");
    CHECK_STR(c.run_dir, "/tmp/dev/run");
    CHECK_STR(c.socket_path, "/tmp/dev/gantry.sock");
    CHECK_INT(c.listen.n, 0);
    CHECK_STR(gy_config_block(&c, "gantry.driver/1", 0)->plugin, "process");
    gy_config_fini(&c);
    /* A file is laid on top of it. */
    set_up();
    write_text(file, "node = { max_pods = 1000; };\ndrivers = ( { plugin = \"sim\"; } );\n");
    unlink(extra);
    REQUIRE(gy_config_read(file, "/tmp/dev", bin, &c, NULL) == GANTRY_OK);
    CHECK_INT(c.max_pods, 1000);
    CHECK_STR(c.socket_path, "/tmp/dev/gantry.sock");
    CHECK_STR(gy_config_block(&c, "gantry.driver/1", 0)->plugin, "sim");
    CHECK(!gy_config_block(&c, "gantry.driver/1", 1));
    gy_config_fini(&c);
}

static void the_sample_is_right(void)
{
    struct gy_config c;
    struct gy_error err = GY_ERROR_INIT;
    char bin[256];
    snprintf(bin, sizeof bin, "%s/bin", TEST_BUILD_DIR);
    gantry_status status = gy_config_read(TEST_SOURCE_DIR "/conf/gantry.conf", NULL, bin, &c, &err);
    CHECK_STR(err.text, "");
    REQUIRE(status == GANTRY_OK);
    CHECK_STR(gy_config_block(&c, "gantry.driver/1", 0)->plugin, "process");
    CHECK_STR(gy_config_block(&c, "gantry.store/1", 0)->plugin, "sqlite");
    gy_config_fini(&c);
    tear_down();
}

SUITE("main.config", {"each bad file has its sentence", bad_files},
      {"names and the store are set once", doubled_names}, {"a missing file", a_missing_file},
      {"blocks come in the order of the files", blocks_come_in_order},
      {"what is printed can be read, secrets masked", what_is_printed_can_be_read},
      {"--dev keeps everything below one folder", dev_is_below_one_folder},
      {"the sample configuration is right", the_sample_is_right})
