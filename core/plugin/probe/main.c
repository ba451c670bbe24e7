/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-plugin-probe FILE: load a plugin, call its entry, say how that went.  Run by gantryd
 * before it does the same itself. */
#include "plugin/probe.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void answer(const char *text)
{
    size_t n = strlen(text);
    if (write(1, text, n) != (ssize_t)n) _exit(1);
}

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    if (argc != 2) {
        fprintf(stderr, "usage: gantry-plugin-probe FILE\n");
        return 64;
    }
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        signal(faults[i], SIG_DFL); /* a crash must look like one, with sanitizers too */
    void *handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *text = dlerror();
        answer(text ? text : "no reason given");
        _exit(GY_PROBE_NOT_LOADED);
    }
    const void *(*entry)(void);
    *(void **)&entry = dlsym(handle, "gantry_plugin_entry");
    if (!entry) _exit(GY_PROBE_NO_ENTRY);
    entry();
    answer(GY_PROBE_ANSWER);
    _exit(GY_PROBE_OK); /* no destructors: the daemon never unloads either */
}
