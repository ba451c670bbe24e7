/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-shim alone: what it does is told by its journal, its log files and its socket. */
#include "suite.h"

#include "base/text.h"
#include "base/time.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CONFIG 65
#define EXIT_BUSY 75
#define EXIT_OLD 76

static char dir[64];
static struct gy_buf config;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void add(const char *entry)
{
    gy_buf_add(&config, entry, strlen(entry) + 1);
}

static void begin(const char *script)
{
    snprintf(dir, sizeof dir, "/tmp/gantry-shim-XXXXXX");
    REQUIRE(mkdtemp(dir));
    gy_buf_fini(&config);
    config = (struct gy_buf){0};
    add("arg=/bin/sh");
    add("arg=-c");
    gy_buf_printf(&config, "arg=%s", script);
    gy_buf_add(&config, "", 1);
    add("env=PATH=/usr/bin:/bin");
}

static void write_config(void)
{
    gy_autofree char *path = gy_printf("%s/config", dir);
    REQUIRE(gy_file_write(path, config.text, config.len, 0600, NULL) == GANTRY_OK);
}

static pid_t spawn(unsigned attempt, int *ready)
{
    gy_autofree char *shim = gy_printf("%s/bin/gantry-shim", TEST_BUILD_DIR);
    char number[16], *argv[] = {shim, dir, number, NULL}, *env[] = {NULL};
    int pair[2];
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    snprintf(number, sizeof number, "%u", attempt);
    REQUIRE(pipe2(pair, O_CLOEXEC) == 0);
    int high = fcntl(pair[1], F_DUPFD_CLOEXEC, 50);
    close(pair[1]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, high, 3);
    REQUIRE(posix_spawn(&pid, shim, &files, NULL, argv, env) == 0);
    posix_spawn_file_actions_destroy(&files);
    close(high);
    *ready = pair[0];
    return pid;
}

/* Start; line gets the ready report.  The exit code of the shim's first process. */
static int start(unsigned attempt, char line[600])
{
    int ready, status;
    pid_t pid = spawn(attempt, &ready);
    size_t n = 0;
    for (ssize_t got; n < 599 && (got = read(ready, line + n, 599 - n)) > 0;)
        n += (size_t)got;
    line[n] = '\0';
    close(ready);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *text_of(const char *file)
{
    char *bytes = NULL;
    size_t len;
    gy_autofree char *path = gy_printf("%s/%s", dir, file);
    return gy_file_read(path, 1u << 24, &bytes, &len, NULL) == GANTRY_OK ? bytes : gy_strdup("");
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", dir);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void ask(int fd, const char *verb, const char *const *entries)
{
    struct gy_buf b = {0};
    gy_buf_add(&b, verb, strlen(verb) + 1);
    for (; entries && *entries; entries++)
        gy_buf_add(&b, *entries, strlen(*entries) + 1);
    REQUIRE(send(fd, b.text, b.len, MSG_NOSIGNAL) == (ssize_t)b.len);
    gy_buf_fini(&b);
}

struct ending {
    int code, signal;
    unsigned flags;
};

/* Wait, over the socket or by looking, for the record of the end. */
static struct ending wait_end(unsigned attempt)
{
    struct ending e = {-1, -1, 0};
    for (int i = 0; i < 1500; i++, usleep(10000)) {
        gy_autofree char *journal = text_of("attempts"), *line = NULL;
        line = gy_printf("E %u ", attempt);
        const char *at = strstr(journal, line);
        if (at && sscanf(at, "E %*u %d %d %u", &e.code, &e.signal, &e.flags) == 3) break;
    }
    for (int i = 0; i < 200; i++, usleep(5000)) { /* the socket goes after the record */
        int fd = dial();
        if (fd < 0) break;
        close(fd);
    }
    return e;
}

static void stop(const char *signal_entry, const char *grace_entry)
{
    int fd = dial();
    char text[700];
    REQUIRE(fd >= 0);
    ask(fd, "stop", (const char *[]){signal_entry, grace_entry, NULL});
    CHECK(recv(fd, text, sizeof text, 0) > 2 && text[0] == 'E');
    close(fd);
}

static void end(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool exists(pid_t pid)
{
    gy_autofree char *path = gy_printf("/proc/%d/stat", (int)pid), *text = NULL;
    size_t len;
    char state = 'X';
    if (pid <= 0 || gy_file_read(path, 4096, &text, &len, NULL) != GANTRY_OK) return false;
    sscanf(strrchr(text, ')') + 1, " %c", &state);
    return state != 'Z' && state != 'X';
}

/* ---- the cases ---- */

static void exit_codes_are_recorded(void)
{
    char line[600];
    for (int code = 0; code < 256; code += 85) {
        gy_autofree char *script = gy_printf("exit %d", code);
        begin(script);
        write_config();
        CHECK_INT(start(1, line), 0);
        CHECK(line[0] == 'R');
        struct ending e = wait_end(1);
        CHECK_INT(e.code, code);
        CHECK_INT(e.signal, 0);
        CHECK_INT(e.flags, 0);
        end();
    }
}

static void signals_are_recorded(void)
{
    char line[600];
    begin("kill -SEGV $$");
    write_config();
    CHECK_INT(start(1, line), 0);
    struct ending e = wait_end(1);
    CHECK_INT(e.signal, SIGSEGV);
    CHECK_INT(e.code, 128 + SIGSEGV);
    end();
}

static void an_attempt_runs_once(void)
{
    char line[600];
    begin("echo ran >>count; sleep 0.2");
    gy_autofree char *cwd = gy_printf("cwd=%s", dir);
    add(cwd);
    write_config();
    int ready[4], busy = 0, old = 0, ran = 0, status;
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        pids[i] = spawn(1, &ready[i]);
    for (int i = 0; i < 4; i++) {
        REQUIRE(waitpid(pids[i], &status, 0) == pids[i]);
        busy += WEXITSTATUS(status) == EXIT_BUSY;
        old += WEXITSTATUS(status) == EXIT_OLD;
        ran += WEXITSTATUS(status) == 0;
        close(ready[i]);
    }
    CHECK_INT(ran, 1);
    CHECK_INT(busy + old, 3);
    CHECK_INT(wait_end(1).code, 0);
    CHECK_INT(start(1, line), EXIT_OLD);
    CHECK(line[0] == 'X');
    gy_autofree char *count = text_of("count");
    CHECK_STR(count, "ran\n");
    CHECK_INT(start(7, line), 0);
    CHECK_INT(wait_end(7).code, 0);
    CHECK_INT(start(6, line), EXIT_OLD);
    end();
}

static void bad_configs_are_refused(void)
{
    static const char *const bad[] = {"colour=red",   "arg",         "uid=-1",    "uid=x",
                                      "env=novalue",  "tty=yes",     "limit=7:1", "cwd=relative",
                                      "log_files=-3", "limit=99:1:1"};
    char line[600];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin("exit 0");
        add(bad[i]);
        write_config();
        CHECK_INT(start(1, line), EXIT_CONFIG);
        CHECK(gy_starts_with(line, "X config: "));
        end();
    }
}

static void what_cannot_run_says_why(void)
{
    char line[600];
    begin("");
    config.len = 0;
    add("arg=/no/such");
    write_config();
    CHECK_INT(start(1, line), 0);
    CHECK_STR(line, "F exec /no/such: No such file or directory\n");
    CHECK_INT(wait_end(1).code, 127);
    config.len = 0;
    add("arg=/etc/passwd");
    write_config();
    start(2, line);
    CHECK_STR(line, "F exec /etc/passwd: Permission denied\n");
    CHECK_INT(wait_end(2).code, 126);
    add("cwd=/no/folder");
    write_config();
    start(3, line);
    CHECK_STR(line, "F working folder /no/folder: No such file or directory\n");
    CHECK_INT(wait_end(3).code, 125);
    end();
}

static void the_environment_is_as_given(void)
{
    char line[600];
    begin("");
    config.len = 0;
    add("arg=env");
    add("env=PATH=/usr/bin:/bin");
    add("env=EMPTY=");
    add("env=TEXT=a b=c");
    write_config();
    start(1, line);
    wait_end(1);
    gy_autofree char *log = text_of("log.1.1");
    struct gy_buf values = {0};
    for (char *at = log; (at = strstr(at, "stdout F ")); at++)
        gy_buf_printf(&values, "%.*s;", (int)strcspn(at + 9, "\n"), at + 9);
    CHECK_STR(values.text, "PATH=/usr/bin:/bin;EMPTY=;TEXT=a b=c;");
    gy_buf_fini(&values);
    end();
}

/* Descriptors, signals, limits, new privileges: as a program expects them. */
static void nothing_leaks_into_the_program(void)
{
    char line[600];
    begin("ls /proc/self/fd; grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status; ulimit -n; "
          "readlink /proc/self/fd/0");
    add("limit=7:99:100");
    write_config();
    int leaked = fcntl(0, F_DUPFD, 77); /* not closed on exec */
    start(1, line);
    close(leaked);
    wait_end(1);
    gy_autofree char *log = text_of("log.1.1");
    CHECK(strstr(log, "F 3\n") && !strstr(log, "F 4\n") && !strstr(log, "F 77\n"));
    CHECK(strstr(log, "SigBlk:\t0000000000000000") != NULL);
    CHECK(strstr(log, "SigIgn:\t0000000000000000") != NULL);
    CHECK(strstr(log, "NoNewPrivs:\t1") != NULL);
    CHECK(strstr(log, "F 99\n") != NULL);
    CHECK(strstr(log, "F /dev/null\n") != NULL);
    end();
}

static void stop_kills_after_the_grace(void)
{
    char line[600];
    begin("trap '' TERM; sleep 600 & echo $! >child; while :; do sleep 0.1; done");
    gy_autofree char *cwd = gy_printf("cwd=%s", dir);
    add(cwd);
    write_config();
    CHECK_INT(start(1, line), 0);
    usleep(200000);
    int64_t begun = gy_time_mono_ms();
    stop("signal=15", "grace_ms=300");
    int64_t took = gy_time_mono_ms() - begun;
    CHECK(took >= 290 && took < 3000);
    struct ending e = wait_end(1);
    CHECK_INT(e.signal, SIGKILL);
    gy_autofree char *child = text_of("child");
    CHECK(atoi(child) > 0 && !exists(atoi(child)));
    end();
}

static void descendants_end_with_the_program(void)
{
    char line[600];
    begin("(setsid sleep 600 & echo $! >>kids; setsid sh -c 'trap \"\" TERM; sleep 600 & echo $! "
          ">>kids; sleep 600' & echo $! >>kids) ; sleep 0.3; exit 4");
    gy_autofree char *cwd = gy_printf("cwd=%s", dir);
    add(cwd);
    write_config();
    CHECK_INT(start(1, line), 0);
    CHECK_INT(wait_end(1).code, 4);
    gy_autofree char *kids = text_of("kids");
    int n = 0;
    for (char *at = kids; *at; at = strchr(at, '\n') + 1, n++)
        CHECK(!exists(atoi(at)));
    CHECK_INT(n, 3);
    end();
}

static void logs_rotate_and_long_lines_are_parted(void)
{
    char line[600];
    begin("head -c 20000 /dev/zero | tr '\\0' x; echo; seq 1 9000; printf unfinished");
    add("log_max_bytes=100000");
    add("log_files=3");
    write_config();
    start(1, line);
    wait_end(1);
    gy_autofree char *first = text_of("log.1.1");
    CHECK_STR(first, ""); /* rotated away */
    int files = 0, last = 0;
    for (int i = 1; i < 30; i++) {
        gy_autofree char *name = gy_printf("log.1.%d", i), *text = text_of(name);
        if (!*text) continue;
        files++;
        last = i;
        CHECK(strlen(text) <= 100000 + 40000);
        CHECK(gy_ends_with(text, "\n"));
    }
    CHECK_INT(files, 3);
    gy_autofree char *name = gy_printf("log.1.%d", last), *text = text_of(name);
    CHECK(gy_ends_with(text, " stdout F unfinished\n"));
    end();
    begin("head -c 20000 /dev/zero | tr '\\0' x; echo; echo next");
    write_config();
    start(1, line);
    wait_end(1);
    gy_autofree char *all = text_of("log.1.1");
    int parts = 0, whole = 0;
    for (char *at = all; (at = strstr(at, " stdout P ")); at++)
        parts++;
    for (char *at = all; (at = strstr(at, " stdout F ")); at++)
        whole++;
    CHECK_INT(parts, 2);
    CHECK_INT(whole, 2);
    end();
}

static void a_container_may_have_a_terminal(void)
{
    char line[600];
    begin("test -t 0 && test -t 1 && echo tty >/dev/tty; read x; stty size");
    add("tty=1");
    write_config();
    CHECK_INT(start(1, line), 0);
    int fd = dial();
    char text[64] = "";
    REQUIRE(fd >= 0);
    ask(fd, "resize", (const char *[]){"width=90", "height=20", NULL});
    CHECK(recv(fd, text, sizeof text - 1, 0) == 2 && !strcmp(text, "ok"));
    ask(fd, "nonsense", NULL);
    CHECK(recv(fd, text, sizeof text - 1, 0) > 5 && gy_starts_with(text, "error"));
    close(fd);
    usleep(200000);
    gy_autofree char *log = text_of("log.1.1");
    CHECK(strstr(log, "F tty") != NULL);
    stop("signal=1", "grace_ms=3000");
    CHECK_INT(wait_end(1).signal, SIGHUP);
    end();
}

static void out_of_memory_is_told_apart(void)
{
    char line[600];
    if (access("/sys/fs/cgroup/memory/memory.limit_in_bytes", W_OK) < 0) {
        printf("\n    skipped: no memory control group that can be written\n    ");
        return;
    }
    begin("exec tail /dev/zero");
    gy_autofree char *path = gy_printf("cgroup.path=/gantry-test-%d/c", (int)getpid());
    add(path);
    add("cgroup.memory=/sys/fs/cgroup/memory");
    add("memory_bytes=20000000");
    write_config();
    CHECK_INT(start(1, line), 0);
    CHECK_STR(line, "R \n");
    struct ending e = wait_end(1);
    CHECK_INT(e.signal, SIGKILL);
    CHECK_INT(e.flags, 1);
    gy_autofree char *group = gy_printf("/sys/fs/cgroup/memory/gantry-test-%d", (int)getpid());
    CHECK_INT(rmdir(group), 0); /* its child was removed by the shim */
    end();
}

static void a_torn_journal_is_mended(void)
{
    char line[600];
    begin("exit 0");
    write_config();
    static const char torn[] = "S 3 1 1 1 b 1\nE 3 0 0 0 1 b \nS 9 12";
    gy_autofree char *path = gy_printf("%s/attempts", dir);
    REQUIRE(gy_file_write(path, torn, strlen(torn), 0600, NULL) == 0);
    CHECK_INT(start(3, line), EXIT_OLD);
    CHECK_INT(start(4, line), 0);
    CHECK_INT(wait_end(4).code, 0);
    gy_autofree char *journal = text_of("attempts");
    CHECK(strstr(journal, "\nS 9 12\nS 4 ") != NULL);
    end();
}

static void the_program_dies_with_a_killed_shim(void)
{
    char line[600];
    begin("exec sleep 600");
    write_config();
    start(1, line);
    gy_autofree char *journal = text_of("attempts");
    int pid = 0, shim = 0;
    REQUIRE(sscanf(journal, "S 1 %d %*u %*d %*s %d", &pid, &shim) == 2 && shim > 1);
    CHECK(exists(pid));
    CHECK_INT(kill(shim, SIGTERM), 0); /* changes nothing */
    usleep(50000);
    CHECK(exists(pid) && exists(shim));
    kill(shim, SIGKILL);
    for (int i = 0; i < 200 && exists(pid); i++)
        usleep(10000);
    CHECK(!exists(pid));
    end();
}

SUITE("shim", {"exit codes are recorded", exit_codes_are_recorded},
      {"signals are recorded", signals_are_recorded},
      {"an attempt runs once", an_attempt_runs_once},
      {"bad configs are refused", bad_configs_are_refused},
      {"what cannot run says why", what_cannot_run_says_why},
      {"the environment is as given", the_environment_is_as_given},
      {"nothing leaks into the program", nothing_leaks_into_the_program},
      {"stop kills after the grace", stop_kills_after_the_grace},
      {"descendants end with the program", descendants_end_with_the_program},
      {"logs rotate and long lines are parted", logs_rotate_and_long_lines_are_parted},
      {"a container may have a terminal", a_container_may_have_a_terminal},
      {"out of memory is told apart", out_of_memory_is_told_apart},
      {"a torn journal is mended", a_torn_journal_is_mended},
      {"the program dies with a killed shim", the_program_dies_with_a_killed_shim})
