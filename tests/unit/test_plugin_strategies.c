/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped strategies, as plugins, against what their pages say. */
#include "base/log.h"
#include "base/random.h"
#include "plugin/plugin.h"
#include "suite.h"

#include <gantry/strategy.h>

static uv_loop_t loop;
static struct gy_plugins *ps;

static void begin(void)
{
    const char *dirs[] = {TEST_BUILD_DIR "/lib/gantry/plugins", NULL};
    const struct gy_plugins_options o = {.loop = &loop, .dirs = dirs, .trust_owner = true};
    REQUIRE(uv_loop_init(&loop) == 0);
    ps = gy_plugins_create(&o);
}

static void end(void)
{
    gy_plugins_destroy(ps);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK_INT(uv_loop_close(&loop), 0);
}

static struct gy_instance *make(const char *name)
{
    struct gy_instance *inst = NULL;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_plugins_load(ps, name, NULL, &err) != GANTRY_OK ||
        gy_instance_create(ps, GANTRY_STRATEGY_KIND, name, name, NULL, 0, &inst, &err) != GANTRY_OK)
        fprintf(stderr, "%s\n", err.text);
    REQUIRE(inst);
    return inst;
}

static void score(struct gy_instance *inst, const gantry_rows *rows, int64_t *out)
{
    const gantry_strategy_ops *ops = gy_instance_ops(inst);
    gantry_status status = GANTRY_EINTERNAL;
    GY_CALL(inst, "score", status = ops->score(gy_instance_self(inst), rows, out, NULL));
    CHECK_INT(status, GANTRY_OK);
    for (size_t i = 0; i < rows->n; i++)
        CHECK(out[i] >= ops->lower && out[i] <= ops->upper);
}

static void spread(void)
{
    begin();
    struct gy_instance *inst = make("spread");
    const int64_t own[] = {1, 0, 0, 0}, pods[] = {1, 90, 2, 2};
    const int64_t cpu_free[] = {4000, 4000, 1000, 2000}, cpu_cap[] = {4000, 4000, 4000, 4000};
    const int64_t mem_free[] = {1, 1, 1, 1}, mem_cap[] = {1, 1, 1, 1};
    const gantry_rows rows = {.size = (uint32_t)sizeof rows,
                              .n = 4,
                              .own = own,
                              .pods = pods,
                              .cpu_free = cpu_free,
                              .cpu_cap = cpu_cap,
                              .mem_free = mem_free,
                              .mem_cap = mem_cap};
    int64_t out[4];
    score(inst, &rows, out);
    CHECK(out[3] > out[2]); /* the same pods, less reserved   */
    CHECK(out[2] > out[1]); /* fewer pods beat less reserved  */
    CHECK(out[1] > out[0]); /* fewer of the app beat all else */
    CHECK_INT(gy_instance_caps(inst), GANTRY_STRATEGY_NODE_LOCAL | GANTRY_STRATEGY_MONOTONE);
    gy_instance_destroy(inst);
    end();
}

static void binpack(void)
{
    begin();
    struct gy_instance *inst = make("binpack");
    const int64_t cpu_free[] = {0, 1000, 4000}, cpu_cap[] = {4000, 4000, 4000};
    const int64_t big = INT64_C(1) << 50, mem_cap[] = {big, big, big},
                  mem_free[] = {0, big / 2, big};
    const gantry_rows rows = {.size = (uint32_t)sizeof rows,
                              .n = 3,
                              .cpu_free = cpu_free,
                              .cpu_cap = cpu_cap,
                              .mem_free = mem_free,
                              .mem_cap = mem_cap};
    int64_t out[3];
    score(inst, &rows, out);
    CHECK(out[0] > out[1] && out[1] > out[2]);
    CHECK_INT(out[2], 0);
    CHECK_INT(out[1], (1048575 * 3 / 4 + 1048575 / 2) / 2); /* the mean of both shares */
    CHECK_INT(out[0], 1048575);
    gy_instance_destroy(inst);
    end();
}

static void random_is_constant(void)
{
    begin();
    struct gy_instance *inst = make("random");
    const int64_t own[] = {5, 0, 3};
    const gantry_rows rows = {.size = (uint32_t)sizeof rows, .n = 3, .own = own};
    int64_t out[3] = {9, 8, 7};
    score(inst, &rows, out);
    CHECK(out[0] == out[1] && out[1] == out[2]);
    CHECK(gy_instance_caps(inst) & GANTRY_STRATEGY_TIES_SEEDED);
    gy_instance_destroy(inst);
    end();
}

/* MONOTONE and bounded over random rows, extreme ones too; columns may be missing. */
static void promises(void)
{
    static const char *const names[] = {"spread", "binpack", "random"};
    static const int direction[] = {-1, 1, 0};
    begin();
    struct gy_random dice;
    gy_random_seed(&dice, 42);
    for (int s = 0; s < 3; s++) {
        struct gy_instance *inst = make(names[s]);
        for (int round = 0; round < 5000; round++) {
            int shift = (int)gy_random_below(&dice, 62);
            int64_t cap = (int64_t)gy_random_below(&dice, UINT64_C(1) << shift);
            int64_t ask = 1 + (int64_t)gy_random_below(&dice, 1000);
            int64_t caps[] = {cap, cap}, left = (int64_t)gy_random_below(&dice, (uint64_t)cap + 1);
            int64_t free_[] = {left, left - ask}, pods[] = {round, round + 1};
            gantry_rows rows = {.size = (uint32_t)sizeof rows,
                                .n = 2,
                                .cpu_free = free_,
                                .cpu_cap = caps,
                                .mem_free = round % 3 ? free_ : NULL,
                                .mem_cap = round % 3 ? caps : NULL,
                                .pods = round % 5 ? pods : NULL,
                                .own = pods};
            int64_t out[2];
            score(inst, &rows, out);
            CHECK(direction[s] == 0 ? out[0] == out[1]
                                    : direction[s] * out[1] >= direction[s] * out[0]);
        }
        gy_instance_destroy(inst);
    }
    end();
}

SUITE("plugin.strategies", {"spread", spread}, {"binpack", binpack}, {"random", random_is_constant},
      {"promises and bounds", promises})
