/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's test plugin: a good driver whose behaviour the suite steers through app names, and,
 * by HOW_..., one fault each. */
#include <gantry/driver.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(HOW_TWIN)
#define NAME "good" /* the same name as the good one */
#elif defined(HOW_NEWER)
#define NAME "newer"
#elif defined(HOW_BLOCKING)
#define NAME "blocking"
#else
#define NAME "good"
#endif

struct toy {
    const gantry_host_api *api;
    gantry_host *host;
    gantry_op waiting; /* the last `wait`, ended by cancel or never */
    int opens, fail_opens;
    uint64_t timer;
};

static gantry_status create(const gantry_host_api *api, gantry_host *host, const gantry_conf *conf,
                            void **self, gantry_error *err)
{
    gantry_str greeting;
    int64_t fail;
    if (api->conf_str(conf, "greeting", &greeting) != GANTRY_OK ||
        api->conf_int(conf, "fail_opens", &fail) != GANTRY_OK)
        return api->error_setf(host, err, GANTRY_EINTERNAL, "a setting is missing");
    if (greeting.len == 4 && !memcmp(greeting.ptr, "rude", 4))
        return api->error_setf(host, err, GANTRY_EINVAL, "greeting may not be rude");
    struct toy *toy = calloc(1, sizeof *toy);
    if (!toy) return GANTRY_ENOMEM;
    toy->api = api;
    toy->host = host;
    toy->fail_opens = (int)fail;
    *self = toy;
    return GANTRY_OK;
}

static void open_(void *self, gantry_op op)
{
    struct toy *toy = self;
    toy->opens++;
    if (toy->fail_opens < 0)
        toy->api->op_failf(toy->host, op, GANTRY_EINVAL, "never");
    else if (toy->opens <= toy->fail_opens)
        toy->api->op_failf(toy->host, op, GANTRY_EUNAVAIL, "not yet");
    else
        toy->api->op_done(toy->host, op, NULL);
}

static void shut_down(void *self, gantry_op op)
{
    struct toy *toy = self;
    toy->api->op_done(toy->host, op, NULL); /* leaves `waiting` to the host, which must end it */
}

static void destroy(void *self)
{
    free(self);
}

static void cancel(void *self, gantry_op op)
{
    struct toy *toy = self;
    if (op == toy->waiting) toy->api->op_failf(toy->host, op, GANTRY_ECANCELED, "as asked");
}

static void emit_status(struct toy *toy, gantry_op op, const char *pod)
{
    gantry_container_status container = {.size = (uint32_t)sizeof container,
                                         .state = GANTRY_CONTAINER_RUNNING,
                                         .attempt = 7,
                                         .name = {"main", 4}};
    const gantry_container_status *containers[] = {&container, &container};
    gantry_pod_status status = {.size = (uint32_t)sizeof status,
                                .container_count = 2,
                                .pod = {pod, strlen(pod)},
                                .containers = containers};
    toy->api->op_emit(toy->host, op, &status);
    memset(&container, 0x5a, sizeof container); /* it was copied */
}

static void list(void *self, gantry_op op)
{
    struct toy *toy = self;
    emit_status(toy, op, "p1");
    emit_status(toy, op, "p2");
    toy->api->op_done(toy->host, op, NULL);
}

struct late {
    struct toy *toy;
    gantry_op op;
};

static void *end_in_thread(void *arg)
{
    struct late late = *(struct late *)arg;
    free(arg);
    gantry_container_status status = {.size = (uint32_t)sizeof status, .exit_code = 3};
    usleep(2000);
    late.toy->api->op_done(late.toy->host, late.op, &status);
    return NULL;
}

static void work_fn(void *arg)
{
    ((struct late *)arg)->op |= 0; /* touches it on the worker */
}

static void work_done(void *arg, gantry_status status)
{
    struct late *late = arg;
    gantry_container_status result = {.size = (uint32_t)sizeof result, .exit_code = 4};
    if (status == GANTRY_OK && late->toy->api->on_loop(late->toy->host))
        late->toy->api->op_done(late->toy->host, late->op, &result);
    free(late);
}

static void timer_fn(void *arg)
{
    work_done(arg, GANTRY_OK);
}

static void fd_fn(void *arg, int fd, uint32_t events)
{
    struct toy *toy = ((struct late *)arg)->toy;
    (void)events;
    toy->api->watch_stop(toy->host, toy->timer);
    close(fd);
    work_done(arg, GANTRY_OK);
}

static int is(gantry_str s, const char *text)
{
    return s.len == strlen(text) && !memcmp(s.ptr, text, s.len);
}

/* The container's name says how the start is answered. */
static void start(void *self, gantry_op op, gantry_str pod, gantry_str container, uint64_t attempt)
{
    struct toy *toy = self;
    gantry_container_status status = {
        .size = (uint32_t)sizeof status, .attempt = attempt, .name = container, .text = pod};
    struct late *late = malloc(sizeof *late);
    if (!late) abort();
    *late = (struct late){toy, op};
    pthread_t thread;
    if (is(container, "thread") && pthread_create(&thread, NULL, end_in_thread, late) == 0) {
        pthread_detach(thread);
        return;
    }
    if (is(container, "work") && toy->api->work(toy->host, work_fn, work_done, late) == GANTRY_OK)
        return;
    if (is(container, "post") && toy->api->post(toy->host, timer_fn, late) == GANTRY_OK) return;
    if (is(container, "timer") && toy->api->timer_start(toy->host, 5, 0, timer_fn, late)) return;
    int ends[2];
    if (is(container, "fd") && pipe(ends) == 0) {
        toy->timer = toy->api->fd_watch(toy->host, ends[0], GANTRY_FD_READABLE, fd_fn, late);
        close(ends[1]);
        if (toy->timer) return;
    }
    free(late);
    if (is(container, "where")) status.exit_code = toy->api->on_loop(toy->host);
    if (is(container, "slow")) usleep(8000);
    if (is(container, "crash")) raise(SIGSEGV);
    if (is(container, "bad-result")) status.size = 0;
    toy->api->op_done(toy->host, op, &status);
    if (is(container, "twice")) toy->api->op_done(toy->host, op, &status);
}

static void wait_(void *self, gantry_op op, gantry_str pod, gantry_str container)
{
    struct toy *toy = self;
    (void)pod;
    toy->waiting = is(container, "deaf") ? 0 : op;
}

static void stop(void *self, gantry_op op, gantry_str pod, gantry_str container, gantry_str signal_,
                 uint64_t grace_ms)
{
    struct toy *toy = self;
    (void)pod, (void)container, (void)signal_, (void)grace_ms;
    toy->api->op_failf(toy->host, op, GANTRY_ENOTFOUND, "no pod %.*s", (int)pod.len, pod.ptr);
}

static void prepare(void *self, gantry_op op, const gantry_pod *pod)
{
    struct toy *toy = self;
    (void)pod;
    toy->api->op_done(toy->host, op, NULL);
}

static void remove_(void *self, gantry_op op, gantry_str pod)
{
    struct toy *toy = self;
    (void)pod;
    toy->api->op_done(toy->host, op + 12345, NULL); /* a number that was never begun */
    toy->api->op_done(toy->host, op, NULL);
}

static const gantry_base_ops base = {.size = (uint32_t)sizeof base,
                                     .create = create,
                                     .open = open_,
                                     .shutdown = shut_down,
                                     .destroy = destroy,
                                     .cancel = cancel};

static const gantry_driver_ops ops = {
#ifdef HOW_OPS_SIZE
    .size = 3,
#else
    .size = (uint32_t)sizeof ops,
#endif
    .caps = GANTRY_DRIVER_RUNS_PROCESSES,
#ifndef HOW_MISSING_BASE
    .base = &base,
#endif
    .list = list,
    .prepare = prepare,
    .start = start,
#ifndef HOW_MISSING_MEMBER
    .wait = wait_,
#endif
    .stop = stop,
    .remove = remove_,
};

#ifdef HOW_MISSING_BASE
const gantry_base_ops *unused_base(void);
const gantry_base_ops *unused_base(void)
{
    return &base;
}
#endif
#ifdef HOW_MISSING_MEMBER
void unused_wait(void);
void unused_wait(void)
{
    wait_(NULL, 0, (gantry_str){0}, (gantry_str){0});
}
#endif

static const gantry_setting greeting = {.size = (uint32_t)sizeof greeting,
                                        .type = GANTRY_SETTING_STR,
                                        .path = "greeting",
                                        .fallback = "hello",
                                        .doc = "What it says."};
static const gantry_setting fail_opens = {.size = (uint32_t)sizeof fail_opens,
#ifdef HOW_BAD_SETTING
                                          .type = 77,
#else
                                          .type = GANTRY_SETTING_INT,
#endif
                                          .path = "fail_opens",
                                          .fallback = "0",
                                          .doc = "How many opens fail first."};
#ifdef HOW_TWICE_SETTING
static const gantry_setting *const settings[] = {&greeting, &fail_opens, &greeting, NULL};
#else
static const gantry_setting *const settings[] = {&greeting, &fail_opens, NULL};
#endif

#ifdef HOW_BLOCKING
#define TOY "blocker"
#else
#define TOY "toy"
#endif
#ifdef HOW_UNKNOWN_KIND
#define KIND "gantry.teapot/1"
#else
#define KIND GANTRY_DRIVER_KIND
#endif

static const gantry_provider toy = {.size = (uint32_t)sizeof toy,
#ifdef HOW_WRONG_DRAFT
                                    .draft = 99,
#else
                                    .draft = GANTRY_DRIVER_DRAFT,
#endif
                                    .kind = KIND,
                                    .name = TOY,
                                    .settings = settings,
                                    .ops = &ops};
static const gantry_provider *const providers[] = {&toy};

/* Another version's descriptor: longer, with members that this one does not know; or cut before the
 * texts that are optional. */
struct descriptor {
    gantry_plugin plugin;
    void *unknown[8];
};

static const struct descriptor descriptor = {
    .plugin =
        {
#if defined(HOW_SIZE_ZERO)
            .size = 0,
#elif defined(HOW_SIZE_HUGE)
            .size = 0x7fffffff,
#elif defined(HOW_NEWER)
            .size = (uint32_t)sizeof(struct descriptor),
#else
            .size = (uint32_t)sizeof(gantry_plugin),
#endif
            .abi_built = GANTRY_ABI_CURRENT,
            .abi_min = GANTRY_ABI(0, 1),
#ifndef HOW_NO_PROVIDER
            .provider_count = 1,
#endif
#ifdef HOW_BLOCKING
            .flags = GANTRY_PLUGIN_BLOCKING,
#endif
            .name = NAME,
            .version = "1.2.3",
            .license = "Apache-2.0",
            .url = "https://example.org",
            .description = "A toy driver",
            .providers = providers,
        },
};

#ifdef HOW_UNDEFINED
extern int no_such_function_anywhere(void);
int use_it(void);
int use_it(void)
{
    return no_such_function_anywhere();
}
#endif
#ifdef HOW_CRASHES
__attribute__((constructor)) static void crash(void)
{
    raise(SIGSEGV);
}
#endif
#ifdef HOW_EXITS
__attribute__((constructor)) static void leave(void)
{
    _exit(0);
}
#endif

#define NOTE(name, version, built, min, kinds)                                                     \
    static const struct {                                                                          \
        uint32_t namesz, descsz, type;                                                             \
        char owner[8], text[(sizeof(name " " version " " built " " min " " kinds) + 3u) & ~3u];    \
    } note_ __attribute__((used, aligned(4), section(GANTRY_NOTE_SECTION))) = {                    \
        7u, (uint32_t)sizeof note_.text, 1u, "Gantry",                                             \
        name " " version " " built " " min " " kinds}
#define ENTRY(value)                                                                               \
    GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry(void);                                  \
    const gantry_plugin *gantry_plugin_entry(void)                                                 \
    {                                                                                              \
        return value;                                                                              \
    }

#if defined(HOW_NO_ENTRY)
NOTE(NAME, "1.2.3", "0.1", "0.1", KIND);
GANTRY_EXPORT const void *other_entry(void);
const void *other_entry(void)
{
    return &descriptor;
}
#elif defined(HOW_NULL_DESCRIPTOR)
NOTE(NAME, "1.2.3", "0.1", "0.1", KIND);
ENTRY(descriptor.unknown[0])
#elif defined(HOW_WRONG_MAJOR)
NOTE(NAME, "1.2.3", "9.0", "9.0", KIND);
ENTRY(&descriptor.plugin)
#elif defined(HOW_MIN_TOO_NEW)
NOTE(NAME, "1.2.3", "0.9", "0.8", KIND);
ENTRY(&descriptor.plugin)
#elif defined(HOW_NOTE_DIFFERS)
NOTE(NAME, "3.2.1", "0.1", "0.1", KIND);
ENTRY(&descriptor.plugin)
#elif defined(HOW_NO_NOTE)
ENTRY(&descriptor.plugin)
#elif defined(HOW_UNKNOWN_KIND)
GANTRY_PLUGIN(descriptor.plugin, NAME, "1.2.3", 0, 1, "gantry.teapot/1")
#else
GANTRY_PLUGIN(descriptor.plugin, NAME, "1.2.3", 0, 1, "gantry.driver/1")
#endif
