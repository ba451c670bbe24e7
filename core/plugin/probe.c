/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen runs a file's constructors: they may crash, hang or exit.  A child tries first. */
#include "plugin/probe.h"
#include "base/log.h"
#include "base/time.h"
#include "plugin/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_LIMIT_MS 10000

static bool spawn_probe(const char *probe, const char *path, int out, pid_t *pid)
{
    char *const argv[] = {(char *)probe, (char *)path, NULL};
    /* No LD_PRELOAD or LD_LIBRARY_PATH of ours may decide; sanitizers look for their options here.
     */
    char *const envp[] = {"ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int rc = posix_spawn(pid, probe, &actions, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0;
}

/* What it wrote until it closed its end; false when it took too long. */
static bool read_answer(int fd, char *text, size_t max)
{
    int64_t until = gy_time_mono_ms() + PROBE_LIMIT_MS;
    size_t n = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - gy_time_mono_ms();
        if (left <= 0) break;
        int rc = poll(&p, 1, (int)left);
        if (rc < 0 && errno == EINTR) continue;
        if (rc <= 0) break;
        ssize_t got = read(fd, text + n, max - 1 - n);
        if (got <= 0 || n + (size_t)got >= max - 1) {
            text[got > 0 ? n + (size_t)got : n] = '\0';
            return true;
        }
        n += (size_t)got;
    }
    text[n] = '\0';
    return false;
}

static gantry_status judge(int wait_status, const char *text, struct gy_error *err)
{
    if (WIFSIGNALED(wait_status))
        return gy_error_set(err, GANTRY_EINVAL, "it crashes while it is loaded (SIG%s)",
                            sigabbrev_np(WTERMSIG(wait_status)));
    int code = WEXITSTATUS(wait_status);
    if (code == GY_PROBE_OK && !strcmp(text, GY_PROBE_ANSWER)) return GANTRY_OK;
    if (code == GY_PROBE_NOT_LOADED)
        return gy_error_set(err, GANTRY_EINVAL, "the dynamic linker refuses it: %s", text);
    if (code == GY_PROBE_NO_ENTRY)
        return gy_error_set(err, GANTRY_EINVAL,
                            "it does not export gantry_plugin_entry (build it with "
                            "gantry_add_plugin and GANTRY_PLUGIN)");
    return gy_error_set(err, GANTRY_EINVAL, "it ends the process while it is loaded (exit %d)",
                        code);
}

gantry_status gy_plugin_probe(const char *libexec_dir, const char *path, struct gy_error *err)
{
    gy_autofree char *probe = libexec_dir ? gy_printf("%s/gantry-plugin-probe", libexec_dir) : NULL;
    if (!probe || access(probe, X_OK) != 0) {
        gy_log(GY_LOG_DEBUG, "plugin",
               "loading without a trial in a child: no gantry-plugin-probe "
               "in libexec_dir file=%s",
               path);
        return GANTRY_OK;
    }
    int ends[2], wait_status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return gy_error_set(err, GANTRY_EUNAVAIL, "no pipe for its trial: %s", strerror(errno));
    bool is_running = spawn_probe(probe, path, ends[1], &pid);
    close(ends[1]);
    if (!is_running) {
        close(ends[0]);
        return gy_error_set(err, GANTRY_EUNAVAIL, "its trial cannot be started: %s", probe);
    }
    char text[800];
    bool in_time = read_answer(ends[0], text, sizeof text);
    close(ends[0]);
    if (!in_time) kill(-pid, SIGKILL);
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return gy_error_set(err, GANTRY_EINVAL, "it did not load within %d s",
                            PROBE_LIMIT_MS / 1000);
    return judge(wait_status, text, err);
}
