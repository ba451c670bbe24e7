/* SPDX-License-Identifier: Apache-2.0 */
/* Instances and operations, over the good plugin. */
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "plugin/plugin.h"
#include "suite.h"

#include <gantry/driver.h>
#include <sys/wait.h>
#include <unistd.h>

static uv_loop_t loop;
static struct gy_plugins *ps;
static struct gy_instance *inst;
static const gantry_driver_ops *ops;
static char folder[] = "/tmp/gantry-ops-XXXXXX";

struct answer {
    int items, done;
    gantry_status status;
    char text[256], name[32], last[32];
    int32_t exit_code;
    uint64_t attempt;
    bool in_call; /* it came while the call was still running */
};

static bool in_call;

static void on_item(void *arg, const void *item)
{
    struct answer *a = arg;
    const gantry_pod_status *status = item;
    a->items++;
    a->in_call |= in_call;
    snprintf(a->last, sizeof a->last, "%s", status->pod.ptr);
    CHECK_INT(status->container_count, 2);
    CHECK_INT(status->containers[1]->attempt, 7);
    CHECK_STR(status->containers[1]->name.ptr, "main");
}

static void on_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct answer *a = arg;
    const gantry_container_status *r = result;
    a->done++;
    a->in_call |= in_call;
    a->status = status;
    snprintf(a->text, sizeof a->text, "%s", text);
    if (!r) return;
    a->exit_code = r->exit_code;
    a->attempt = r->attempt;
    if (r->name.ptr) snprintf(a->name, sizeof a->name, "%s", r->name.ptr);
}

/* Turn the loop until *flag, five seconds at most. */
static bool turn_until(const int *flag, int want)
{
    int64_t until = gy_time_mono_ms() + 5000;
    while (*flag < want && gy_time_mono_ms() < until) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(200);
    }
    return *flag >= want;
}

static void on_open(void *arg, gantry_status status, const char *text)
{
    struct answer *a = arg;
    a->done++;
    a->status = status;
    snprintf(a->text, sizeof a->text, "%s", text);
}

static void on_shutdown(void *arg)
{
    ++*(int *)arg;
}

static void begin_with(const char *plugin, const char *provider)
{
    const char *dirs[] = {TEST_BUILD_DIR "/tests/loader", NULL};
    struct gy_plugins_options o = {.loop = &loop,
                                   .dirs = dirs,
                                   .state_dir = folder,
                                   .libexec_dir = TEST_BUILD_DIR "/bin",
                                   .node = "n1",
                                   .trust_owner = true};
    struct gy_error err = GY_ERROR_INIT;
    struct answer open = {0};
    REQUIRE(uv_loop_init(&loop) == 0);
    ps = gy_plugins_create(&o);
    REQUIRE(gy_plugins_load(ps, plugin, NULL, &err) == GANTRY_OK);
    REQUIRE(gy_instance_create(ps, GANTRY_DRIVER_KIND, provider, "local", NULL, 0, &inst, &err) ==
            GANTRY_OK);
    CHECK_INT(gy_instance_op(inst, "list", GY_ABI_POD_STATUS, GY_ABI_NONE, 0, NULL, NULL, NULL), 0);
    gy_instance_open(inst, on_open, &open);
    CHECK_INT(open.done, 0);
    REQUIRE(turn_until(&open.done, 1));
    CHECK_INT(open.status, GANTRY_OK);
    ops = gy_instance_ops(inst);
}

static void begin(void)
{
    begin_with("good", "toy");
}

static void end(void)
{
    int stopped = 0;
    struct gy_instance_status status;
    if (gy_plugins_instance_status(ps, 0, &status) && status.state != GY_INSTANCE_STOPPED) {
        gy_instance_shutdown(inst, on_shutdown, &stopped);
        REQUIRE(turn_until(&stopped, 1));
    }
    gy_instance_destroy(inst);
    gy_plugins_destroy(ps);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK_INT(uv_loop_close(&loop), 0);
}

static struct answer start(const char *how, uint64_t deadline_ms)
{
    struct answer a = {0};
    gantry_op op = gy_instance_op(inst, "start", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, deadline_ms,
                                  NULL, on_done, &a);
    REQUIRE(op != 0);
    in_call = true;
    GY_CALL_FOR(inst, "start", op, "p1",
                ops->start(gy_instance_self(inst), op, gy_str("p1"), gy_str(how), 9));
    in_call = false;
    CHECK_INT(a.done, 0);
    REQUIRE(turn_until(&a.done, 1));
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    CHECK_INT(a.done, 1);
    CHECK(!a.in_call);
    return a;
}

static struct gy_instance_status status_of(void)
{
    struct gy_instance_status s;
    REQUIRE(gy_plugins_instance_status(ps, 0, &s));
    return s;
}

static void items_and_end(void)
{
    begin();
    struct answer a = {0};
    gantry_op op =
        gy_instance_op(inst, "list", GY_ABI_POD_STATUS, GY_ABI_NONE, 1000, on_item, on_done, &a);
    in_call = true;
    GY_CALL(inst, "list", ops->list(gy_instance_self(inst), op));
    in_call = false;
    CHECK_INT(a.items, 0);
    REQUIRE(turn_until(&a.done, 1));
    CHECK_INT(a.items, 2);
    CHECK_STR(a.last, "p2");
    CHECK(!a.in_call);
    CHECK_INT(a.status, GANTRY_OK);
    end();
}

static void every_way_to_answer(void)
{
    static const struct {
        const char *how;
        int exit_code;
    } ways[] = {{"thread", 3}, {"work", 4}, {"post", 4}, {"timer", 4}, {"fd", 4}};
    begin();
    struct answer a = start("plain", 1000); /* before the call returned */
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(a.attempt, 9);
    CHECK_STR(a.name, "plain");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        a = start(ways[i].how, 1000);
        CHECK_INT(a.status, GANTRY_OK);
        CHECK_INT(a.exit_code, ways[i].exit_code);
    }
    CHECK_INT(status_of().twice, 0);
    end();
}

static void misbehaviour(void)
{
    begin();
    start("twice", 1000);
    CHECK_INT(status_of().twice, 1);
    struct answer a = start("bad-result", 1000);
    CHECK_INT(a.status, GANTRY_EINTERNAL);
    CHECK_STR(a.text, "gantry_container_status.size is not the size of a struct");
    a = (struct answer){0};
    gantry_op op =
        gy_instance_op(inst, "remove", GY_ABI_NONE, GY_ABI_NONE, 1000, NULL, on_done, &a);
    GY_CALL(inst, "remove", ops->remove(gy_instance_self(inst), op, gy_str("p")));
    REQUIRE(turn_until(&a.done, 1));
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(status_of().unknown, 1);
    end();
}

static gantry_op wait_for(const char *how, uint64_t deadline_ms, struct answer *a)
{
    gantry_op op = gy_instance_op(inst, "wait", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, deadline_ms,
                                  NULL, on_done, a);
    GY_CALL(inst, "wait", ops->wait(gy_instance_self(inst), op, gy_str("p"), gy_str(how)));
    return op;
}

static void cancel_and_deadline(void)
{
    begin();
    struct answer a = {0}, b = {0}, c = {0};
    gantry_op op = wait_for("", 0, &a);
    gy_instance_cancel(inst, op);
    CHECK_INT(a.done, 0);
    REQUIRE(turn_until(&a.done, 1));
    CHECK_INT(a.status, GANTRY_ECANCELED);
    CHECK_STR(a.text, "as asked");
    wait_for("", 20, &b); /* the plugin answers our cancel: the caller learns of the time-out */
    REQUIRE(turn_until(&b.done, 1));
    CHECK_INT(b.status, GANTRY_ETIMEDOUT);
    CHECK_STR(b.text, "wait did not end within 20 ms");
    op = wait_for("", 0, &c);
    gy_instance_forget(inst, op);
    for (int i = 0; i < 50; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(100);
    }
    CHECK_INT(c.done, 0);
    CHECK_INT(status_of().open_ops, 0);
    end();
}

static void shutdown_with_open_ops(void)
{
    begin();
    struct answer a = {0}, b = {0};
    int stopped = 0;
    wait_for("deaf", 0, &a);
    wait_for("", 0, &b);
    CHECK_INT(status_of().open_ops, 2);
    gy_instance_shutdown(inst, on_shutdown, &stopped);
    CHECK_INT(gy_instance_op(inst, "list", GY_ABI_POD_STATUS, GY_ABI_NONE, 0, NULL, NULL, NULL), 0);
    REQUIRE(turn_until(&stopped, 1));
    CHECK_INT(a.done, 1);
    CHECK_INT(b.done, 1);
    CHECK_INT(a.status, GANTRY_ECANCELED);
    CHECK_STR(a.text, "the instance was shut down");
    end();
}

static void open_is_retried(void)
{
    begin();
    struct gy_error err = GY_ERROR_INIT;
    struct gy_instance *other;
    struct answer open = {0};
    int stopped = 0;
    const struct gy_setting_value once[] = {{.path = "fail_opens", .text = "1"}};
    const struct gy_setting_value never[] = {{.path = "fail_opens", .text = "-1"}};
    REQUIRE(gy_instance_create(ps, GANTRY_DRIVER_KIND, "toy", "b", once, 1, &other, &err) ==
            GANTRY_OK);
    gy_instance_open(other, on_open, &open);
    REQUIRE(turn_until(&open.done, 1));
    CHECK_INT(open.status, GANTRY_OK);
    struct gy_instance_status s;
    REQUIRE(gy_plugins_instance_status(ps, 1, &s));
    CHECK_STR(s.name, "b");
    CHECK_INT(s.open_attempts, 2);
    gy_instance_shutdown(other, on_shutdown, &stopped);
    REQUIRE(turn_until(&stopped, 1));
    gy_instance_destroy(other);

    REQUIRE(gy_instance_create(ps, GANTRY_DRIVER_KIND, "toy", "c", never, 1, &other, &err) ==
            GANTRY_OK);
    open = (struct answer){0};
    gy_instance_open(other, on_open, &open);
    REQUIRE(turn_until(&open.done, 1));
    CHECK_INT(open.status, GANTRY_EINVAL);
    CHECK_STR(open.text, "never");
    gy_instance_destroy(other);
    end();
}

static void refuse(const char *name, const struct gy_setting_value *values, size_t n,
                   const char *sentence)
{
    struct gy_instance *other = NULL;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_instance_create(ps, GANTRY_DRIVER_KIND, "toy", name, values, n, &other, &err),
              GANTRY_EINVAL);
    CHECK_STR(err.text, sentence);
    CHECK(!other);
}

static void settings(void)
{
    begin();
    const struct gy_setting_value unknown[] = {
        {.path = "greetin", .text = "x", .source = "gantry.conf:12"}};
    const struct gy_setting_value number[] = {
        {.path = "fail_opens", .text = "two", .source = "gantry.conf:13"}};
    const char *const words[] = {"a", "b"};
    const struct gy_setting_value list[] = {{.path = "greeting", .list = words, .list_count = 2}};
    const struct gy_setting_value twice[] = {{.path = "greeting", .text = "a"},
                                             {.path = "greeting", .text = "b"}};
    const struct gy_setting_value rude[] = {{.path = "greeting", .text = "rude"}};
    refuse("x", unknown, 1,
           "gantry.conf:12: unknown setting \"greetin\": did you mean \"greeting\"?");
    refuse("x", number, 1,
           "gantry.conf:13: fail_opens takes a number: \"two\" is not a whole number");
    refuse("x", list, 1, "greeting takes one value, not a list");
    const struct gy_setting_value typed[] = {
        {.path = "greeting", .text = "5", .given = GANTRY_SETTING_INT, .source = "gantry.conf:14"},
        {.path = "fail_opens", .text = "5", .given = GANTRY_SETTING_STR}};
    refuse("x", typed, 1, "gantry.conf:14: greeting takes a string, not a number");
    refuse("x", typed + 1, 1, "fail_opens takes a number, not a string");
    refuse("x", twice, 2, "greeting is given twice");
    refuse("x", rude, 1, "toy \"x\": greeting may not be rude");
    refuse("local", NULL, 0, "there is already an instance \"local\" of gantry.driver/1");
    refuse("../x", NULL, 0,
           "\"../x\" is no name for an instance: letters, digits and -_. inside, at most 63");
    struct gy_instance *other = NULL;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_instance_create(ps, GANTRY_DRIVER_KIND, "tool", "x", NULL, 0, &other, &err),
              GANTRY_ENOTFOUND);
    CHECK_STR(err.text, "no loaded plugin provides gantry.driver/1 \"tool\": there is toy");
    end();
}

static void slow_calls(void)
{
    gy_log_set_level(GY_LOG_ERROR);
    begin();
    for (int i = 0; i < 11; i++)
        start("slow", 1000);
    struct gy_instance_status s = status_of();
    CHECK_INT(s.state, GY_INSTANCE_DEGRADED);
    bool seen = false;
    for (size_t i = 0; i < s.call_count; i++)
        if (!strcmp(s.calls[i].function, "start")) {
            seen = true;
            CHECK_INT(s.calls[i].count, 11);
            CHECK(s.calls[i].over_budget >= 11);
            CHECK(s.calls[i].max_ns >= 8000000);
        }
    CHECK(seen);
    end();
}

/* Its calls run on workers: the loop goes on, and a slow one is no offence. */
static void blocking(void)
{
    begin();
    CHECK_INT(start("where", 1000).exit_code, 1);
    end();
    begin_with("blocking", "blocker");
    struct answer a = start("where", 1000);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(a.exit_code, 0);
    CHECK_INT(a.attempt, 9);
    CHECK_STR(a.name, "where");
    for (int i = 0; i < 12; i++)
        start("slow", 1000);
    struct gy_instance_status s = status_of();
    CHECK_INT(s.state, GY_INSTANCE_OPEN);
    struct answer b = {0}, c = {0};
    gantry_op op = wait_for("", 0, &b);
    gantry_pod pod = {.size = (uint32_t)sizeof pod, .container_count = 1};
    op = gy_instance_op(inst, "prepare", GY_ABI_NONE, GY_ABI_NONE, 1000, NULL, on_done, &c);
    ops->prepare(gy_instance_self(inst), op, &pod);
    REQUIRE(turn_until(&c.done, 1));
    CHECK_INT(c.status, GANTRY_EINVAL);
    CHECK_STR(c.text, "gantry_pod.containers is NULL, its count is not 0");
    end();
    CHECK_INT(b.done, 1);
}

/* In a child, whose standard error is read. */
static void crash_report(void)
{
    int ends[2], status;
    REQUIRE(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 2);
        begin();
        gy_crash_install(ps);
        start("crash", 1000);
        _exit(0);
    }
    close(ends[1]);
    char text[4096];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof text - 1 && (got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(strstr(text, "gantry: crashed signal=SIGSEGV version=") != NULL);
    CHECK(strstr(text, "gantry: inside instance=driver/local function=start op=") != NULL);
    CHECK(strstr(text, " pod=p1\n") != NULL);
    CHECK(strstr(text, "gantry: loaded plugin=good version=1.2.3 abi=0.1 build_id=") != NULL);
}

__attribute__((constructor)) static void make_folder(void)
{
    REQUIRE(mkdtemp(folder));
    gy_log_set_level(GY_LOG_ERROR);
}

static void clean(void)
{
    static const char *const names[] = {"driver/local", "driver/b", "driver/c",
                                        "driver/x",     "driver",   ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gy_autofree char *path = gy_printf("%s/%s", folder, names[i]);
        rmdir(path);
    }
    CHECK_INT(access(folder, F_OK), -1);
}

SUITE("loader.ops", {"items, then the end, on a later turn", items_and_end},
      {"from a thread, a worker, a post, a timer, a descriptor", every_way_to_answer},
      {"ends that do not fit are counted", misbehaviour},
      {"cancel, deadline, forget", cancel_and_deadline},
      {"shutdown ends what is open", shutdown_with_open_ops},
      {"open is retried, or fails for good", open_is_retried}, {"settings are checked", settings},
      {"slow calls are named", slow_calls}, {"a blocking plugin runs on workers", blocking},
      {"a crash names the plugin", crash_report}, {"nothing is left", clean})
