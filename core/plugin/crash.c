/* SPDX-License-Identifier: Apache-2.0 */
/* The crash report.  The handler uses only what signal-safety(7) allows: write(2), and memory that
 * was filled before. */
#include "plugin/crash.h"
#include "plugin/internal.h"

#include <signal.h>
#include <unistd.h>

#define CRUMBS 16 /* calls inside calls of one thread; deeper ones are counted, not kept */
#define LINE_MAX_BYTES 512
#define PLUGINS_MAX 64

struct gy_crumb {
    const char *instance, *function;
    gantry_op op;
    char pod[32];
};

static _Thread_local struct gy_crumb crumbs[CRUMBS];
static _Thread_local volatile unsigned depth;

/* Filled by the loop thread at each load; read by the handler. */
static struct gy_plugins *reported;

struct gy_crumb *gy_crumb_push(const char *instance, const char *function, gantry_op op,
                               const char *pod)
{
    unsigned at = depth;
    if (at < CRUMBS) {
        struct gy_crumb *c = &crumbs[at];
        c->instance = instance;
        c->function = function;
        c->op = op;
        size_t n = pod ? strnlen(pod, sizeof c->pod - 1) : 0;
        if (n) memcpy(c->pod, pod, n);
        c->pod[n] = '\0';
    }
    depth = at + 1;
    return at < CRUMBS ? &crumbs[at] : NULL;
}

void gy_crumb_pop(struct gy_crumb *crumb)
{
    (void)crumb;
    depth--;
}

void gy_crash_forget(const struct gy_plugins *ps)
{
    if (reported == ps) reported = NULL;
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t n;
};

static void put(struct line *l, const char *text)
{
    while (*text && l->n < sizeof l->text - 1)
        l->text[l->n++] = *text++;
}

static void put_number(struct line *l, uint64_t value)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    put(l, digits + at);
}

static void flush(struct line *l)
{
    l->text[l->n++] = '\n';
    ssize_t done = write(2, l->text, l->n);
    (void)done;
    l->n = 0;
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    default: return "SIGABRT";
    }
}

static void report_place(struct line *l)
{
    unsigned at = depth;
    if (at == 0) {
        put(l, "gantry: outside any plugin");
        flush(l);
        return;
    }
    const struct gy_crumb *c = &crumbs[at <= CRUMBS ? at - 1 : CRUMBS - 1];
    put(l, "gantry: inside instance=");
    put(l, c->instance);
    put(l, " function=");
    put(l, c->function);
    put(l, " op=");
    put_number(l, c->op);
    if (c->pod[0]) {
        put(l, " pod=");
        put(l, c->pod);
    }
    flush(l);
}

static void report_plugins(struct line *l)
{
    for (size_t i = 0; reported && i < reported->plugin_count && i < PLUGINS_MAX; i++) {
        const struct gy_plugin *p = reported->plugins[i];
        put(l, "gantry: loaded plugin=");
        put(l, p->name);
        put(l, " version=");
        put(l, p->version);
        put(l, " abi=");
        put_number(l, GANTRY_ABI_MAJOR(p->abi_built));
        put(l, ".");
        put_number(l, GANTRY_ABI_MINOR(p->abi_built));
        put(l, " build_id=");
        put(l, p->build_id[0] ? p->build_id : "none");
        put(l, " file=");
        put(l, p->file);
        flush(l);
    }
}

static void on_fatal(int number)
{
    struct line l;
    l.n = 0;
    put(&l, "gantry: crashed signal=");
    put(&l, signal_name(number));
    put(&l, " version=" GANTRY_VERSION);
    flush(&l);
    report_place(&l);
    report_plugins(&l);
    raise(number); /* SA_RESETHAND: now it kills */
}

void gy_crash_install(struct gy_plugins *ps)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    static char stack_bytes[64 * 1024]; /* the main thread's: its own may have overflowed */
    reported = ps;
    const stack_t stack = {.ss_sp = stack_bytes, .ss_size = sizeof stack_bytes};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = on_fatal,
                               .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}
