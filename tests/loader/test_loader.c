/* SPDX-License-Identifier: Apache-2.0 */
/* Each way to be a bad plugin, and the sentence that says so.  None may crash the process that
 * loads. */
#include "bad_inputs.h"
#include "base/log.h"
#include "base/text.h"
#include "plugin/plugin.h"
#include "suite.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILT TEST_BUILD_DIR "/tests/loader"

static char folder[] = "/tmp/gantry-loader-XXXXXX";

static struct gy_plugins *plugins(void)
{
    const char *dirs[] = {BUILT, folder, NULL};
    const struct gy_plugins_options o = {
        .dirs = dirs, .libexec_dir = TEST_BUILD_DIR "/bin", .trust_owner = false};
    return gy_plugins_create(&o);
}

/* Load it in a set of its own; the sentence must be exactly this one. */
static void refuses(const char *name, gantry_status status, const char *sentence)
{
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    const struct gy_plugin *plugin = NULL;
    CHECK_INT(gy_plugins_load(ps, name, &plugin, &err), status);
    CHECK_STR(err.text, sentence);
    CHECK(plugin == NULL);
    bad_input(name, err.text);
    gy_plugins_destroy(ps);
}

static char *copy_good(const char *name, size_t cut)
{
    char *bytes, *path = gy_printf("%s/%s", folder, name);
    size_t len;
    REQUIRE(gy_file_read(BUILT "/good.so", 64 << 20, &bytes, &len, NULL) == GANTRY_OK);
    REQUIRE(gy_file_write(path, bytes, cut ? cut : len, 0644, NULL) == GANTRY_OK);
    free(bytes);
    return path;
}

static void patch(const char *path, off_t offset, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0 && pwrite(fd, bytes, n, offset) == (ssize_t)n);
    close(fd);
}

static void good(void)
{
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    const struct gy_plugin *p = NULL, *again = NULL;
    CHECK_INT(gy_plugins_load(ps, "good", &p, &err), GANTRY_OK);
    CHECK_STR(err.text, "");
    REQUIRE(p);
    CHECK_STR(p->name, "good");
    CHECK_STR(p->version, "1.2.3");
    CHECK_STR(p->license, "Apache-2.0");
    CHECK_STR(p->file, BUILT "/good.so");
    CHECK_INT(p->abi_built, GANTRY_ABI_CURRENT);
    CHECK_INT(p->provider_count, 1);
    CHECK_STR(p->providers[0].kind, "gantry.driver/1");
    CHECK_INT(p->providers[0].setting_count, 2);
    CHECK_STR(p->providers[0].settings[1]->path, "fail_opens");
    CHECK_INT(p->providers[0].app_setting_count, 0);
    CHECK_INT(gy_plugins_load(ps, BUILT "/good.so", &again, &err), GANTRY_OK);
    CHECK(again == p);
    CHECK(gy_plugins_get(ps, 0) == p && !gy_plugins_get(ps, 1));
    gy_plugins_destroy(ps);
}

static void newer(void)
{
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    const struct gy_plugin *p = NULL;
    CHECK_INT(gy_plugins_load(ps, "newer", &p, &err), GANTRY_OK);
    CHECK_STR(err.text, "");
    gy_plugins_destroy(ps);
}

static void missing(void)
{
    gy_autofree char *all =
        gy_printf("plugin \"nowhere\": there is no nowhere.so in %s, %s", BUILT, folder);
    refuses("nowhere", GANTRY_ENOTFOUND, all);
    refuses("/no/such/x.so", GANTRY_ENOTFOUND, "/no/such/x.so: there is no such file");
}

static void bad_name(void)
{
    refuses("../good", GANTRY_EINVAL,
            "\"../good\" is no plugin name: write NAME (for NAME.so) or an absolute path");
    refuses("", GANTRY_EINVAL,
            "\"\" is no plugin name: write NAME (for NAME.so) or an absolute path");
}

static void elsewhere(void)
{
    char real[] = TEST_BUILD_DIR "/bin/gantry-plugin-probe";
    refuses(real, GANTRY_EINVAL,
            TEST_BUILD_DIR
            "/bin/gantry-plugin-probe is not in a plugin folder: to trust it, add its "
            "folder to plugin_dirs");
}

static void empty(void)
{
    gy_autofree char *path = gy_printf("%s/empty.so", folder);
    REQUIRE(gy_file_write(path, "", 0, 0644, NULL) == GANTRY_OK);
    refuses("empty", GANTRY_EINVAL, "empty.so: the file is empty");
}

static void truncated(void)
{
    struct stat st;
    REQUIRE(stat(BUILT "/good.so", &st) == 0);
    size_t cuts[] = {8, 40, 100, 700, (size_t)st.st_size / 2, (size_t)st.st_size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        gy_autofree char *path = copy_good("cut.so", cuts[i]);
        gy_autofree char *sentence = gy_printf(
            "cut.so: the file is truncated: its headers point beyond its %zu bytes", cuts[i]);
        refuses(path, GANTRY_EINVAL, sentence);
    }
}

static void not_elf(void)
{
    gy_autofree char *path = gy_printf("%s/text.so", folder);
    REQUIRE(gy_file_write(path, "#!/bin/sh\n", 10, 0755, NULL) == GANTRY_OK);
    refuses("text", GANTRY_EINVAL, "text.so: not a shared object: it has no ELF header");
}

static void wrong_machine(void)
{
    gy_autofree char *path = copy_good("arch.so", 0);
    uint16_t machine = EM_SPARCV9;
    patch(path, 18, &machine, sizeof machine);
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_plugins_load(ps, "arch", NULL, &err), GANTRY_EINVAL);
    CHECK(gy_starts_with(err.text, "arch.so: built for machine 43 (64 bit), this gantry runs on "));
    unsigned char class = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
    gy_autofree char *other = copy_good("class.so", 0);
    patch(other, EI_CLASS, &class, 1);
    CHECK_INT(gy_plugins_load(ps, "class", NULL, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "(32 bit), this gantry runs on ") != NULL);
    gy_plugins_destroy(ps);
}

static void not_shared(void)
{
    gy_autofree char *path = copy_good("object.so", 0);
    uint16_t type = ET_REL;
    patch(path, 16, &type, sizeof type);
    refuses("object", GANTRY_EINVAL, "object.so: an ELF file, but not a shared object (type 1)");
}

static void a_folder(void)
{
    gy_autofree char *path = gy_printf("%s/dir.so", folder);
    REQUIRE(mkdir(path, 0755) == 0);
    refuses("dir", GANTRY_EINVAL, "dir.so: a folder, not a regular file");
    rmdir(path);
}

static void writable(void)
{
    gy_autofree char *path = copy_good("open.so", 0);
    gy_autofree char *others =
        gy_printf("open.so: the file is writable by others (mode 646): chmod o-w %s", path);
    REQUIRE(chmod(path, 0646) == 0);
    refuses("open", GANTRY_EINVAL, others);
    gy_autofree char *group =
        gy_printf("open.so: the file is writable by its group (mode 664): chmod g-w %s", path);
    REQUIRE(chmod(path, 0664) == 0);
    refuses("open", GANTRY_EINVAL, group);
    REQUIRE(chmod(path, 0644) == 0 && chmod(folder, 0757) == 0);
    gy_autofree char *dir =
        gy_printf("open.so: its folder is writable by others (mode 757): chmod o-w %s", folder);
    refuses("open", GANTRY_EINVAL, dir);
    REQUIRE(chmod(folder, 0700) == 0);
    if (geteuid() == 0) {
        REQUIRE(chown(path, 12345, 0) == 0);
        gy_autofree char *owner = gy_printf(
            "open.so: the file belongs to user 12345, neither root nor the user of gantryd: "
            "chown root %s",
            path);
        refuses("open", GANTRY_EINVAL, owner);
    }
}

static void duplicate(void)
{
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_plugins_load(ps, "good", NULL, &err), GANTRY_OK);
    CHECK_INT(gy_plugins_load(ps, "twin", NULL, &err), GANTRY_EINVAL);
    CHECK_STR(err.text,
              "twin.so: a plugin named \"good\" is already loaded from " BUILT "/good.so");
    gy_plugins_destroy(ps);
}

static void undefined(void)
{
    struct gy_plugins *ps = plugins();
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_plugins_load(ps, "undefined", NULL, &err), GANTRY_EINVAL);
    CHECK(gy_starts_with(err.text, "undefined.so: the dynamic linker refuses it: "));
    CHECK(strstr(err.text, "undefined symbol: no_such_function_anywhere") != NULL);
    gy_plugins_destroy(ps);
    const char *dirs[] = {BUILT, NULL}; /* the same without a trial in a child */
    const struct gy_plugins_options o = {.dirs = dirs};
    ps = gy_plugins_create(&o);
    CHECK_INT(gy_plugins_load(ps, "undefined", NULL, &err), GANTRY_EINVAL);
    CHECK(strstr(err.text, "undefined symbol: no_such_function_anywhere") != NULL);
    gy_plugins_destroy(ps);
}

static void declared(void)
{
    static const struct {
        const char *name, *sentence;
    } cases[] = {
        {"no_note", "not a gantry plugin: it has no .note.gantry (a plugin declares itself with "
                    "GANTRY_PLUGIN)"},
        {"no_entry", "it does not export gantry_plugin_entry (build it with gantry_add_plugin and "
                     "GANTRY_PLUGIN)"},
        {"null_descriptor", "its gantry_plugin_entry() returned NULL"},
        {"size_zero", "its descriptor says it has 0 bytes; 72 would be right"},
        {"size_huge", "its descriptor says it has 2147483647 bytes; 72 would be right"},
        {"wrong_major",
         "built with SDK 9.0, this gantry offers ABI 0.1: build it again with an SDK of "
         "major version 0"},
        {"min_too_new", "needs host ABI >= 0.8, this gantry offers 0.1 (built with SDK 0.9)"},
        {"unknown_kind", "kind \"gantry.teapot/1\" is not known to this gantry: it knows "
                         "gantry.driver/1, gantry.strategy/1, gantry.store/1"},
        {"missing_member", "provider \"toy\" lacks the required member wait of gantry.driver/1"},
        {"missing_base", "provider \"toy\" lacks the required member base"},
        {"ops_size", "its ops table says it has 3 bytes; 80 would be right"},
        {"note_differs",
         "its note and its descriptor differ in version: GANTRY_PLUGIN must say what "
         "the descriptor says"},
        {"wrong_draft",
         "provider \"toy\" implements draft 99 of gantry.driver/1, this gantry has draft "
         "1: build it again with this gantry's SDK"},
        {"no_provider", "its descriptor has 0 providers; 1 to 64 would be right"},
        {"bad_setting", "setting fail_opens has the unknown type 77"},
        {"twice_setting", "setting greeting is declared twice"},
        {"crashes", "it crashes while it is loaded (SIGSEGV)"},
        {"exits", "it ends the process while it is loaded (exit 0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gy_autofree char *sentence = gy_printf("%s.so: %s", cases[i].name, cases[i].sentence);
        refuses(cases[i].name, GANTRY_EINVAL, sentence);
    }
}

static void scan(void)
{
    struct gy_plugin_found *found;
    size_t n, seen = 0;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_plugins_scan(BUILT, &found, &n, &err), GANTRY_OK);
    for (size_t i = 0; i < n; i++) {
        if (gy_ends_with(found[i].file, "/good.so")) {
            seen++;
            CHECK_STR(found[i].name, "good");
            CHECK_STR(found[i].kinds, "gantry.driver/1");
            CHECK_STR(found[i].error, NULL);
        } else if (gy_ends_with(found[i].file, "/crashes.so")) {
            seen++; /* a scan runs nothing of it */
            CHECK_STR(found[i].error, NULL);
        } else if (gy_ends_with(found[i].file, "/min_too_new.so")) {
            seen++;
            CHECK_STR(found[i].error,
                      "needs host ABI >= 0.8, this gantry offers 0.1 (built with SDK 0.9)");
        }
    }
    CHECK_INT(seen, 3);
    gy_plugins_scan_free(found, n);
    CHECK_INT(gy_plugins_scan("/no/such/folder", &found, &n, &err), GANTRY_ENOTFOUND);
    CHECK_STR(err.text, "cannot read the plugin folder /no/such/folder: No such file or directory");
}

/* Made once, before the cases; the last case removes it. */
__attribute__((constructor)) static void make_folder(void)
{
    REQUIRE(mkdtemp(folder));
    gy_log_set_level(GY_LOG_ERROR);
}

static void clean(void)
{
    static const char *const names[] = {"empty.so", "cut.so",    "text.so", "arch.so",
                                        "class.so", "object.so", "open.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gy_autofree char *path = gy_printf("%s/%s", folder, names[i]);
        unlink(path);
    }
    CHECK_INT(rmdir(folder), 0);
}

SUITE("loader", {"a good plugin", good}, {"a newer one is read as far as it is known", newer},
      {"missing", missing}, {"not a name", bad_name}, {"not in a plugin folder", elsewhere},
      {"empty", empty}, {"truncated", truncated}, {"not ELF", not_elf},
      {"another machine", wrong_machine}, {"not a shared object", not_shared},
      {"a folder", a_folder}, {"writable by others", writable}, {"two of one name", duplicate},
      {"an undefined symbol", undefined}, {"what it declares", declared},
      {"scanning runs nothing", scan}, {"nothing is left", clean})
