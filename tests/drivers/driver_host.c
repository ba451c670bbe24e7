/* SPDX-License-Identifier: Apache-2.0 */
#include "driver_host.h"

#include "base/text.h"
#include "base/time.h"
#include "suite.h"
#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALL_MAX_MS 20000

struct driver_host host;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void driver_host_begin(void)
{
    snprintf(host.dir, sizeof host.dir, "/tmp/gantry-test-XXXXXX");
    REQUIRE(mkdtemp(host.dir));
    REQUIRE(chmod(host.dir, 0711) == 0);
}

/* Is there still a shim whose folder lies below ours? */
static bool has_shims(void)
{
    bool found = false;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; (e = readdir(proc));) {
        char path[300], line[512] = "";
        if (atoi(e->d_name) <= 0) continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f) fclose(f);
        for (size_t i = 0; i < n; i++)
            if (!line[i]) line[i] = ' ';
        found = found || (strstr(line, "gantry-shim ") && strstr(line, host.dir));
    }
    closedir(proc);
    return found;
}

void driver_host_end(void)
{
    for (int i = 0; i < 100 && has_shims(); i++)
        usleep(10000);
    CHECK(!has_shims());
    nftw(host.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void on_timer(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_done(void *arg, gantry_status status, const char *text, const void *result)
{
    struct call *c = arg;
    c->done = true;
    c->status = status;
    snprintf(c->text, sizeof c->text, "%s", text);
    const gantry_container_status *s = result;
    if (!s) return;
    c->state = s->state, c->exit_flags = s->exit_flags;
    c->exit_code = s->exit_code, c->exit_signal = s->exit_signal;
    c->attempt = s->attempt, c->pid = s->pid;
    c->started_ms = s->started_ms, c->ended_ms = s->ended_ms;
    snprintf(c->status_text, sizeof c->status_text, "%.*s", (int)s->text.len, s->text.ptr);
}

static void turn_until(const bool *done, unsigned ms)
{
    bool late = false;
    uv_timer_t timer = {.data = &late};
    uv_timer_init(&host.loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_timer, ms, 0);
    while (!late && !(done && *done))
        uv_run(&host.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&host.loop, UV_RUN_NOWAIT);
}

void call_wait(struct call *c)
{
    turn_until(&c->done, CALL_MAX_MS);
    if (!c->done)
        fprintf(stderr, "an operation did not end: %zu items, %zu bytes\n", c->items, c->len);
    REQUIRE(c->done);
}

void run_for_ms(unsigned ms)
{
    turn_until(NULL, ms);
}

static void opened(void *arg, gantry_status status, const char *text)
{
    struct call *c = arg;
    c->done = true;
    c->status = status;
    snprintf(c->text, sizeof c->text, "%s", text ? text : "");
}

void driver_host_open(const struct gy_setting_value *settings, size_t n)
{
    static char plugin_dir[512], libexec[512], state[128], run[128], boot_id[64];
    snprintf(plugin_dir, sizeof plugin_dir, "%s/lib/gantry/plugins", TEST_BUILD_DIR);
    snprintf(libexec, sizeof libexec, "%s/bin", TEST_BUILD_DIR);
    snprintf(state, sizeof state, "%s/state", host.dir);
    snprintf(run, sizeof run, "%s/run", host.dir);
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
    REQUIRE(f && fscanf(f, "%63s", boot_id) == 1);
    fclose(f);
    const char *dirs[] = {plugin_dir, NULL};
    struct gy_error err = GY_ERROR_INIT;
    REQUIRE(uv_loop_init(&host.loop) == 0);
    host.plugins = gy_plugins_create(&(struct gy_plugins_options){.loop = &host.loop,
                                                                  .dirs = dirs,
                                                                  .state_dir = state,
                                                                  .run_dir = run,
                                                                  .libexec_dir = libexec,
                                                                  .node = "n1",
                                                                  .cluster = "test",
                                                                  .boot_id = boot_id,
                                                                  .trust_owner = true});
    const struct gy_plugin *plugin;
    struct call c = {0};
    if (gy_plugins_load(host.plugins, "process", &plugin, &err) != GANTRY_OK ||
        gy_instance_create(host.plugins, GANTRY_DRIVER_KIND, "process", "process", settings, n,
                           &host.instance, &err) != GANTRY_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    gy_instance_open(host.instance, opened, &c);
    call_wait(&c);
    if (c.status != GANTRY_OK) fprintf(stderr, "open: %s\n", c.text);
    REQUIRE(c.status == GANTRY_OK);
    host.ops = gy_instance_ops(host.instance);
    host.self = gy_instance_self(host.instance);
}

static void is_shut(void *arg)
{
    *(bool *)arg = true;
}

void driver_host_close(void)
{
    bool shut = false;
    gy_instance_shutdown(host.instance, is_shut, &shut);
    turn_until(&shut, CALL_MAX_MS);
    REQUIRE(shut);
    gy_instance_destroy(host.instance);
    gy_plugins_destroy(host.plugins);
    uv_run(&host.loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&host.loop), 0);
}

static void on_item(void *arg, const void *item)
{
    struct call *c = arg;
    const gantry_chunk *chunk = item;
    c->items++;
    bool error = chunk->channel == GANTRY_CHANNEL_STDERR;
    char *to = error ? c->error_bytes : c->bytes;
    size_t *len = error ? &c->error_len : &c->len;
    size_t room = (error ? sizeof c->error_bytes : sizeof c->bytes) - 1 - *len;
    size_t n = chunk->bytes.len < room ? chunk->bytes.len : room;
    if (n) memcpy(to + *len, chunk->bytes.ptr, n);
    *len += n;
    to[*len] = '\0';
}

static void begin(struct call *c, const char *function, enum gy_abi_type item,
                  enum gy_abi_type result, uint64_t deadline_ms)
{
    memset(c, 0, sizeof *c);
    c->op = gy_instance_op(host.instance, function, item, result, deadline_ms,
                           item == GY_ABI_CHUNK ? on_item : NULL, on_done, c);
    REQUIRE(c->op);
}

void begin_prepare(struct call *c, const struct pod_spec *spec)
{
    gantry_str words[] = {gy_str("sh"), gy_str("-c"), gy_str(spec->script)};
    gantry_container main_container = {.size = sizeof main_container,
                                       .flags = spec->flags,
                                       .arg_count = 3,
                                       .args = words,
                                       .env = spec->env,
                                       .env_count = spec->env_count,
                                       .cpu_milli = spec->cpu_milli,
                                       .memory_bytes = spec->memory_bytes,
                                       .pids_max = spec->pids_max,
                                       .workdir = gy_str(spec->workdir),
                                       .name = gy_str("main"),
                                       .user = gy_str(spec->user),
                                       .image = gy_str(spec->image)};
    const gantry_container *containers[] = {&main_container};
    gantry_pod pod = {.size = sizeof pod,
                      .container_count = 1,
                      .slot = 1,
                      .id = gy_str(spec->id),
                      .name = gy_str("default-shop-web-1"),
                      .ns = gy_str("default"),
                      .project = gy_str("shop"),
                      .app = gy_str("web"),
                      .record = gy_str("the host's record"),
                      .containers = containers};
    begin(c, "prepare", GY_ABI_PROGRESS, GY_ABI_NONE, 30000);
    GY_CALL(host.instance, "prepare", host.ops->prepare(host.self, c->op, &pod));
}

void begin_start(struct call *c, const char *pod, uint64_t attempt)
{
    begin(c, "start", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, 30000);
    GY_CALL(host.instance, "start",
            host.ops->start(host.self, c->op, gy_str(pod), gy_str("main"), attempt));
}

void begin_wait(struct call *c, const char *pod)
{
    begin(c, "wait", GY_ABI_NONE, GY_ABI_CONTAINER_STATUS, 0);
    GY_CALL(host.instance, "wait", host.ops->wait(host.self, c->op, gy_str(pod), gy_str("main")));
}

void begin_stop(struct call *c, const char *pod, const char *signal, uint64_t grace_ms)
{
    begin(c, "stop", GY_ABI_NONE, GY_ABI_NONE, 30000);
    GY_CALL(
        host.instance, "stop",
        host.ops->stop(host.self, c->op, gy_str(pod), gy_str("main"), gy_str(signal), grace_ms));
}

void begin_remove(struct call *c, const char *pod)
{
    begin(c, "remove", GY_ABI_NONE, GY_ABI_NONE, 30000);
    GY_CALL(host.instance, "remove", host.ops->remove(host.self, c->op, gy_str(pod)));
}

struct call prepare(const struct pod_spec *spec)
{
    static struct call c;
    begin_prepare(&c, spec);
    call_wait(&c);
    return c;
}

struct call start(const char *pod, uint64_t attempt)
{
    static struct call c;
    begin_start(&c, pod, attempt);
    call_wait(&c);
    return c;
}

struct call wait_for(const char *pod)
{
    static struct call c;
    begin_wait(&c, pod);
    call_wait(&c);
    return c;
}

struct call stop(const char *pod, const char *signal, uint64_t grace_ms)
{
    static struct call c;
    begin_stop(&c, pod, signal, grace_ms);
    call_wait(&c);
    return c;
}

struct call remove_pod(const char *pod)
{
    static struct call c;
    begin_remove(&c, pod);
    call_wait(&c);
    return c;
}

static void on_pod(void *arg, const void *item)
{
    (void)arg;
    const gantry_pod_status *pod = item;
    REQUIRE(host.listed_count < 64);
    struct listed *l = &host.listed[host.listed_count++];
    const gantry_container_status *s = pod->containers[0];
    snprintf(l->pod, sizeof l->pod, "%.*s", (int)pod->pod.len, pod->pod.ptr);
    snprintf(l->record, sizeof l->record, "%.*s", (int)pod->record.len, pod->record.ptr);
    snprintf(l->container, sizeof l->container, "%.*s", (int)s->name.len, s->name.ptr);
    l->state = s->state, l->exit_flags = s->exit_flags, l->exit_code = s->exit_code;
    l->attempt = s->attempt, l->pid = s->pid;
}

gantry_status list(void)
{
    static struct call c;
    memset(&c, 0, sizeof c);
    host.listed_count = 0;
    c.op = gy_instance_op(host.instance, "list", GY_ABI_POD_STATUS, GY_ABI_NONE, 30000, on_pod,
                          on_done, &c);
    GY_CALL(host.instance, "list", host.ops->list(host.self, c.op));
    call_wait(&c);
    return c.status;
}

const struct listed *find_listed(const char *pod)
{
    for (size_t i = 0; i < host.listed_count; i++)
        if (!strcmp(host.listed[i].pod, pod)) return &host.listed[i];
    return NULL;
}

void begin_exec(struct call *c, const char *pod, uint32_t flags, const char *script)
{
    const gantry_driver_exec *exec = gy_instance_extension(host.instance, GANTRY_DRIVER_EXEC);
    gantry_str words[] = {gy_str("sh"), gy_str("-c"), gy_str(script)};
    gantry_exec request = {.size = sizeof request,
                           .flags = flags,
                           .arg_count = 3,
                           .args = words,
                           .width = 100,
                           .height = 30,
                           .pod = gy_str(pod),
                           .container = gy_str("main")};
    REQUIRE(exec);
    begin(c, "exec", GY_ABI_CHUNK, GY_ABI_CONTAINER_STATUS, 0);
    GY_CALL(host.instance, "exec", exec->exec(host.self, c->op, &request));
}

void begin_logs(struct call *c, const char *pod, uint32_t flags, int64_t tail)
{
    const gantry_driver_logs *logs = gy_instance_extension(host.instance, GANTRY_DRIVER_LOGS);
    gantry_log_query query = {.size = sizeof query,
                              .flags = flags,
                              .tail = tail,
                              .pod = gy_str(pod),
                              .container = gy_str("main")};
    REQUIRE(logs);
    begin(c, "logs", GY_ABI_CHUNK, GY_ABI_NONE, 0);
    GY_CALL(host.instance, "logs", logs->logs(host.self, c->op, &query));
}

bool process_exists(uint64_t pid)
{
    char path[64], line[512], state;
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
    FILE *f = pid ? fopen(path, "r") : NULL;
    if (!f) return false;
    bool read_ok = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return read_ok && strrchr(line, ')') && sscanf(strrchr(line, ')') + 1, " %c", &state) == 1 &&
           state != 'Z' && state != 'X';
}

bool wait_gone(uint64_t pid)
{
    for (int i = 0; i < 300 && process_exists(pid); i++)
        usleep(10000);
    return !process_exists(pid);
}

unsigned long long shim_of(const char *pod)
{
    char path[256], line[512];
    unsigned long long pid = 0;
    snprintf(path, sizeof path, "%s/state/%s/process/pods/%s/c/main/attempts", host.dir,
             "gantry.driver", pod);
    FILE *f = fopen(path, "r");
    if (!f) {
        snprintf(path, sizeof path, "%s/state/driver/process/pods/%s/c/main/attempts", host.dir,
                 pod);
        f = fopen(path, "r");
    }
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "S %*u %*d %*u %*d %*s %llu", &pid);
    if (f) fclose(f);
    return pid;
}
