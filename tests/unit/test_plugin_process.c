/* SPDX-License-Identifier: Apache-2.0 */
/* gantry.host.process/1 and secrets, through an instance of a plugin that is made here, without a
 * file. */
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "plugin/internal.h"
#include "suite.h"

#include <gantry/process.h>
#include <signal.h>
#include <unistd.h>

static uv_loop_t loop;
static struct gy_plugins *ps;
static struct gy_instance *inst;

/* A plugin without a file: its descriptor is made here. */
static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    gantry_str secret = {NULL, 0};
    api->conf_str(conf, "password", &secret);
    *self = host;
    if (gy_str_is(secret, "fail-me-now"))
        return api->error_setf(host, err, GANTRY_EINVAL, "cannot log in with %.*s", (int)secret.len,
                               secret.ptr);
    return GANTRY_OK;
}
static void destroy(void *self)
{
    (void)self;
}
static const gantry_base_ops base = {
    .size = (uint32_t)sizeof base, .create = create, .destroy = destroy};
static const struct {
    uint32_t size, reserved;
    uint64_t caps;
} ops = {16, 0, 0};
static const gantry_setting password = {.size = (uint32_t)sizeof password,
                                        .type = GANTRY_SETTING_SECRET,
                                        .path = "password",
                                        .fallback = ""};
static const gantry_setting words = {.size = (uint32_t)sizeof words,
                                     .type = GANTRY_SETTING_STRV,
                                     .path = "words",
                                     .fallback = "one two"};
static const gantry_setting flag = {
    .size = (uint32_t)sizeof flag, .type = GANTRY_SETTING_BOOL, .path = "flag", .fallback = "no"};

static void begin(void)
{
    static const char *const none[] = {NULL};
    const struct gy_plugins_options o = {.loop = &loop, .dirs = none};
    REQUIRE(uv_loop_init(&loop) == 0);
    ps = gy_plugins_create(&o);
    struct gy_plugin *plugin = gy_alloc(sizeof *plugin);
    static struct gy_kind kept;
    kept = (struct gy_kind){.id = "test/1", .short_name = "test", .caps_offset = 8, .ops_size = 16};
    plugin->file = gy_strdup("(here)");
    plugin->name = "here";
    plugin->version = "1";
    plugin->provider_count = 1;
    plugin->providers = gy_alloc(sizeof *plugin->providers);
    struct gy_provider *p = plugin->providers;
    *p = (struct gy_provider){.kind = "test/1", .name = "here", .known = &kept, .workers = 1};
    const gantry_setting *all[] = {&password, &words, &flag};
    p->settings = gy_alloc_array(4, sizeof *p->settings);
    for (p->setting_count = 0; p->setting_count < 3; p->setting_count++)
        p->settings[p->setting_count] =
            memcpy(gy_alloc(sizeof password), all[p->setting_count], sizeof password);
    p->app_settings = gy_alloc_array(1, sizeof *p->app_settings);
    p->ops = memcpy(gy_alloc(16), &ops, 16);
    p->base = memcpy(gy_alloc(sizeof base), &base, sizeof base);
    GY_VEC_PUSH(ps->plugins, ps->plugin_count, ps->plugin_cap);
    ps->plugins[ps->plugin_count++] = plugin;
    const struct gy_setting_value values[] = {{.path = "password", .text = "hunter2222"}};
    struct gy_error err = GY_ERROR_INIT;
    REQUIRE(gy_instance_create(ps, "test/1", "here", "x", values, 1, &inst, &err) == GANTRY_OK);
}

static void end(void)
{
    gy_instance_destroy(inst);
    gy_plugins_destroy(ps);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    CHECK_INT(uv_loop_close(&loop), 0);
}

struct result {
    int done;
    uint32_t flags;
    int32_t code, signal_number;
    size_t output_len;
    char output[256], errors[256];
};

static void on_done(void *arg, const gantry_process_result *r)
{
    struct result *out = arg;
    out->done++;
    out->flags = r->flags;
    out->code = r->exit_code;
    out->signal_number = r->exit_signal;
    out->output_len = r->output.len;
    snprintf(out->output, sizeof out->output, "%.*s", (int)r->output.len,
             (const char *)r->output.ptr);
    snprintf(out->errors, sizeof out->errors, "%.*s", (int)r->errors.len,
             (const char *)r->errors.ptr);
}

static const gantry_host_process *process(void)
{
    return gy_plugins_host_api()->extension(&inst->host, GANTRY_HOST_PROCESS);
}

static uint64_t run(const char *script, gantry_process *p, struct result *r)
{
    const gantry_str args[] = {gy_str("/bin/sh"), gy_str("-c"), gy_str(script)};
    const gantry_kv env[] = {{gy_str("WORD"), gy_str("a b")}};
    p->size = (uint32_t)sizeof *p;
    p->arg_count = 3;
    p->args = args;
    p->env_count = 1;
    p->env = env;
    *r = (struct result){0};
    struct gantry_error err = {GY_ERROR_INIT};
    uint64_t id = process()->run(&inst->host, p, on_done, r, &err);
    CHECK(id != 0);
    CHECK_INT(r->done, 0);
    return id;
}

static void turn(struct result *r)
{
    int64_t until = gy_time_mono_ms() + 5000;
    while (!r->done && gy_time_mono_ms() < until)
        uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(r->done, 1);
}

static void a_program_runs(void)
{
    begin();
    struct result r;
    gantry_process p = {.input = {"from stdin", 10}};
    run("cat; echo; echo \"$WORD $HOME $(pwd)\" >&2; exit 3", &p, &r);
    turn(&r);
    CHECK_INT(r.code, 3);
    CHECK_INT(r.signal_number, 0);
    CHECK_STR(r.output, "from stdin\n");
    CHECK_STR(r.errors, "a b  /\n"); /* nothing of our environment */
    end();
}

static void output_is_bounded(void)
{
    begin();
    struct result r;
    gantry_process p = {.output_max = 100};
    run("i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); "
        "done",
        &p, &r);
    turn(&r);
    CHECK_INT(r.code, 0);
    CHECK_INT(r.output_len, 100);
    CHECK_INT(r.flags, GANTRY_PROCESS_STDOUT_CUT);
    end();
}

static void time_is_bounded(void)
{
    begin();
    struct result r;
    gantry_process p = {.time_limit_ms = 50};
    run("sleep 60 & wait", &p, &r);
    turn(&r);
    CHECK_INT(r.signal_number, SIGKILL);
    CHECK_INT(r.flags, GANTRY_PROCESS_TIMED_OUT);
    end();
}

static void killed(void)
{
    begin();
    struct result r;
    gantry_process p = {0};
    uint64_t id = run("sleep 60", &p, &r);
    CHECK_INT(process()->kill(&inst->host, id, SIGTERM), GANTRY_OK);
    turn(&r);
    CHECK_INT(r.signal_number, SIGTERM);
    CHECK_INT(process()->kill(&inst->host, id, SIGTERM), GANTRY_ENOTFOUND);
    run("sleep 60", &p, &r);
    end(); /* the instance goes away */
    CHECK_INT(r.done, 1);
    CHECK_INT(r.signal_number, SIGKILL);
}

static void what_cannot_start(void)
{
    begin();
    struct result r = {0};
    struct gantry_error err = {GY_ERROR_INIT};
    const gantry_str relative[] = {gy_str("sh")}, missing[] = {gy_str("/no/such/program")};
    gantry_process p = {.size = (uint32_t)sizeof p, .arg_count = 1, .args = relative};
    CHECK_INT(process()->run(&inst->host, &p, on_done, &r, &err), 0);
    CHECK_STR(err.error.text, "a program is named by an absolute path, not \"sh\"");
    p.args = missing;
    CHECK_INT(process()->run(&inst->host, &p, on_done, &r, &err), 0);
    CHECK_STR(err.error.text, "cannot start /no/such/program: No such file or directory");
    CHECK_INT(err.error.status, GANTRY_ENOTFOUND);
    CHECK_INT(r.done, 0);
    end();
}

static void secrets_are_masked(void)
{
    begin();
    const gantry_host_api *api = gy_plugins_host_api();
    struct gantry_error err = {GY_ERROR_INIT};
    api->error_setf(&inst->host, &err, GANTRY_EINVAL, "login %s: %s refused", "hunter2222",
                    "xhunter2222y");
    CHECK_STR(err.error.text, "login ***: x***y refused");
    int ends[2];
    char text[512] = "";
    REQUIRE(pipe(ends) == 0);
    gy_log_set_fd(ends[1]);
    api->logf(&inst->host, GANTRY_LOG_ERROR, "password=%s", "hunter2222");
    gy_log_set_fd(2);
    CHECK(read(ends[0], text, sizeof text - 1) > 0);
    CHECK(strstr(text, "error test/x: password=***\n") != NULL);
    close(ends[0]);
    close(ends[1]);
    struct gy_instance *other;
    struct gy_error e = GY_ERROR_INIT;
    const struct gy_setting_value values[] = {{.path = "password", .text = "fail-me-now"}};
    CHECK_INT(gy_instance_create(ps, "test/1", "here", "y", values, 1, &other, &e), GANTRY_EINVAL);
    CHECK_STR(e.text, "here \"y\": cannot log in with ***");
    end();
}

static void settings_have_types(void)
{
    begin();
    const gantry_host_api *api = gy_plugins_host_api();
    gantry_str s;
    int64_t n = 9;
    CHECK_INT(api->conf_strv(&inst->conf, "words", 1, &s), GANTRY_OK);
    CHECK_STR(s.ptr, "two");
    CHECK_INT(api->conf_strv(&inst->conf, "words", 2, &s), GANTRY_ENOTFOUND);
    CHECK_INT(api->conf_str(&inst->conf, "nothing", &s), GANTRY_ENOTFOUND);
    CHECK_INT(api->conf_int(&inst->conf, "flag", &n), GANTRY_OK);
    CHECK_INT(n, 0);
    const struct gy_setting_value bad[] = {{.path = "flag", .text = "maybe", .source = "f:1"}};
    const struct gy_setting_value good[] = {{.path = "flag", .text = "on"}};
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_settings_check(inst->provider, bad, 1, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "f:1: flag takes true or false, not \"maybe\"");
    CHECK_INT(gy_settings_check(inst->provider, good, 1, &err), GANTRY_OK);
    CHECK_INT(gy_settings_check_app(inst->provider, good, 1, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "unknown setting \"flag\": there are none here");
    end();
}

SUITE("plugin.process", {"a program runs", a_program_runs},
      {"its output is bounded", output_is_bounded}, {"its time is bounded", time_is_bounded},
      {"killed", killed}, {"what cannot start", what_cannot_start},
      {"secrets are masked", secrets_are_masked}, {"settings have types", settings_have_types})
