/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies by size: older, newer, wrong. */
#include "base/memory.h"
#include "plugin/abi_copy.h"
#include "suite.h"

#include <gantry/driver.h>
#include <gantry/store.h>
#include <sys/mman.h>
#include <unistd.h>

static void *copy(enum gy_abi_type type, const void *from, struct gy_error *err)
{
    size_t bytes = 0;
    return gy_copy(gy_abi_copy_type(type), from, &bytes, err);
}

static void everything_is_copied(void)
{
    char name[] = "web", key[] = "K", value[] = "V", arg[] = "run";
    gantry_str args[] = {{arg, 3}, {NULL, 0}};
    gantry_kv env[] = {{{key, 1}, {value, 1}}};
    gantry_ulimit limit = {
        .size = (uint32_t)sizeof limit, .soft = 5, .hard = -1, .name = {name, 3}};
    const gantry_ulimit *limits[] = {&limit};
    gantry_container from = {.size = (uint32_t)sizeof from,
                             .arg_count = 2,
                             .env_count = 1,
                             .ulimit_count = 1,
                             .cpu_milli = 500,
                             .name = {name, 3},
                             .args = args,
                             .env = env,
                             .ulimits = limits};
    const gantry_container *containers[] = {&from};
    gantry_pod pod = {.size = (uint32_t)sizeof pod,
                      .container_count = 1,
                      .slot = 3,
                      .id = {name, 3},
                      .containers = containers};
    struct gy_error err = GY_ERROR_INIT;
    gantry_pod *p = copy(GY_ABI_POD, &pod, &err);
    REQUIRE(p);
    memset(name, 'x', 3);
    memset(arg, 'x', 3);
    memset(key, 'x', 1);
    memset(&from, 0x55, sizeof from);
    memset(&limit, 0x55, sizeof limit);
    const gantry_container *c = p->containers[0];
    CHECK_INT(p->slot, 3);
    CHECK_STR(p->id.ptr, "web"); /* NUL-terminated, too */
    CHECK_INT(c->cpu_milli, 500);
    CHECK_STR(c->args[0].ptr, "run");
    CHECK(c->args[1].ptr == NULL && c->args[1].len == 0);
    CHECK_STR(c->env[0].key.ptr, "K");
    CHECK_STR(c->ulimits[0]->name.ptr, "web");
    CHECK_INT(c->ulimits[0]->hard, -1);
    CHECK(c->entrypoint == NULL);
    free(p);
}

/* At the end of a page after which nothing may be read. */
static unsigned char *edge(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED && mprotect(p + page, page, PROT_NONE) == 0);
    return p + page - bytes;
}

static void an_older_struct_is_read_as_far_as_it_goes(void)
{
    struct gy_error err = GY_ERROR_INIT;
    gantry_container full = {.size = 0, .flags = 3, .arg_count = 9, .cpu_milli = 7};
    size_t cut = offsetof(gantry_container, memory_bytes);
    unsigned char *old = edge(cut);
    full.size = (uint32_t)cut;
    memcpy(old, &full, cut);
    gantry_container *c = copy(GY_ABI_CONTAINER, old, &err);
    REQUIRE(c);
    CHECK_INT(c->size, cut);
    CHECK_INT(c->flags, 3);
    CHECK_INT(c->cpu_milli, 7);
    CHECK_INT(c->memory_bytes, 0);
    CHECK_INT(c->arg_count, 0); /* the array came later: there is none */
    CHECK(!GANTRY_REACHES(c, memory_bytes));
    free(c);
    old = edge(4);
    uint32_t four = 4;
    memcpy(old, &four, 4);
    c = copy(GY_ABI_CONTAINER, old, &err);
    CHECK(c && c->flags == 0);
    free(c);
}

static void a_newer_struct_is_cut(void)
{
    struct {
        gantry_progress known;
        uint64_t unknown[4];
    } newer = {.known = {.size = (uint32_t)sizeof newer, .percent = 40}};
    struct gy_error err = GY_ERROR_INIT;
    gantry_progress *p = copy(GY_ABI_PROGRESS, &newer, &err);
    REQUIRE(p);
    CHECK_INT(p->size, sizeof *p);
    CHECK_INT(p->percent, 40);
    free(p);
}

static void refuse(enum gy_abi_type type, const void *from, const char *sentence)
{
    struct gy_error err = GY_ERROR_INIT;
    CHECK(copy(type, from, &err) == NULL);
    CHECK_STR(err.text, sentence);
}

static void what_cannot_be_right_is_refused(void)
{
    gantry_pod_status s = {.size = 0};
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.size is not the size of a struct");
    s.size = 70000;
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.size is not the size of a struct");
    s = (gantry_pod_status){.size = (uint32_t)sizeof s, .container_count = 2};
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.containers is NULL, its count is not 0");
    const gantry_container_status *none[] = {NULL, NULL};
    s.containers = none;
    refuse(GY_ABI_POD_STATUS, &s,
           "gantry_container_status.size cannot be read: the pointer is NULL");
    s.container_count = 70000;
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.containers has more than 65536 elements");
    s.container_count = 0;
    s.pod.len = 5;
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.pod has a length but no bytes");
    s.pod = (gantry_str){"x", (size_t)1 << 40};
    refuse(GY_ABI_POD_STATUS, &s, "gantry_pod_status.pod is too long: a copy has at most 64 MiB");
    CHECK(gy_abi_copy_type(GY_ABI_NONE) == NULL);
}

SUITE("plugin.copy", {"everything is copied", everything_is_copied},
      {"an older struct", an_older_struct_is_read_as_far_as_it_goes},
      {"a newer struct", a_newer_struct_is_cut},
      {"what cannot be right", what_cannot_be_right_is_refused})
