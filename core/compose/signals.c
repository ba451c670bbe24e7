/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/signals.h"
#include "base/text.h"

#include <ctype.h>
#include <signal.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"SIGHUP", SIGHUP},       {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT},   {"SIGILL", SIGILL},
    {"SIGTRAP", SIGTRAP},     {"SIGABRT", SIGABRT}, {"SIGBUS", SIGBUS},     {"SIGFPE", SIGFPE},
    {"SIGKILL", SIGKILL},     {"SIGUSR1", SIGUSR1}, {"SIGSEGV", SIGSEGV},   {"SIGUSR2", SIGUSR2},
    {"SIGPIPE", SIGPIPE},     {"SIGALRM", SIGALRM}, {"SIGTERM", SIGTERM},   {"SIGCHLD", SIGCHLD},
    {"SIGCONT", SIGCONT},     {"SIGSTOP", SIGSTOP}, {"SIGTSTP", SIGTSTP},   {"SIGTTIN", SIGTTIN},
    {"SIGTTOU", SIGTTOU},     {"SIGURG", SIGURG},   {"SIGXCPU", SIGXCPU},   {"SIGXFSZ", SIGXFSZ},
    {"SIGVTALRM", SIGVTALRM}, {"SIGPROF", SIGPROF}, {"SIGWINCH", SIGWINCH}, {"SIGIO", SIGIO},
    {"SIGPWR", SIGPWR},       {"SIGSYS", SIGSYS},
};
#define N (sizeof signals / sizeof *signals)

char *gy_signal_name(const char *text)
{
    int64_t number = 0;
    bool is_number = gy_int_parse(text, 1, 31, &number, NULL) == GANTRY_OK;
    char upper[24];
    size_t n = 0;
    for (; text[n] && n < sizeof upper - 1; n++)
        upper[n] = (char)toupper((unsigned char)text[n]);
    upper[n] = '\0';
    for (size_t i = 0; i < N; i++)
        if (is_number ? signals[i].number == number
                      : !strcmp(signals[i].name, upper) || !strcmp(signals[i].name + 3, upper))
            return gy_strdup(signals[i].name);
    return NULL;
}

const char *gy_signal_nearest(const char *text)
{
    const char *names[2 * N];
    for (size_t i = 0; i < N; i++) {
        names[i] = signals[i].name;
        names[N + i] = signals[i].name + 3;
    }
    gy_autofree char *upper = gy_strndup(text, strlen(text) > 24 ? 24 : strlen(text));
    for (char *p = upper; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    const char *near = gy_nearest(upper, names, 2 * N);
    for (size_t i = 0; near && i < N; i++)
        if (near == names[N + i]) return names[i];
    return near;
}
