/* SPDX-License-Identifier: Apache-2.0 */
#include "driver_host.h"

#include "suite.h"
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_root(void)
{
    return geteuid() == 0;
}

static void a_pod_lives_and_ends(void)
{
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "p1", .script = "exit 3"}).status, GANTRY_OK);
    CHECK_INT(list(), GANTRY_OK);
    REQUIRE(find_listed("p1"));
    CHECK_INT(find_listed("p1")->state, GANTRY_CONTAINER_CREATED);
    CHECK_STR(find_listed("p1")->record, "the host's record");
    CHECK_STR(find_listed("p1")->container, "main");
    struct call c = start("p1", 1);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.attempt, 1);
    c = wait_for("p1");
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(c.exit_code, 3);
    CHECK_INT(c.exit_signal, 0);
    CHECK_INT(c.exit_flags, 0);
    CHECK(c.started_ms > 0 && c.ended_ms >= c.started_ms);
    CHECK_INT(remove_pod("p1").status, GANTRY_OK);
    CHECK_INT(list(), GANTRY_OK);
    CHECK_INT(host.listed_count, 0);
    CHECK_INT(remove_pod("p1").status, GANTRY_OK);
    driver_host_close();
}

static void everything_is_idempotent(void)
{
    driver_host_open(NULL, 0);
    struct pod_spec spec = {.id = "p2", .script = "exec sleep 600"};
    CHECK_INT(prepare(&spec).status, GANTRY_OK);
    CHECK_INT(prepare(&spec).status, GANTRY_OK);
    struct call first = start("p2", 1);
    CHECK_INT(first.state, GANTRY_CONTAINER_RUNNING);
    CHECK(process_exists(first.pid));
    struct call second = start("p2", 1);
    CHECK_INT(second.status, GANTRY_OK);
    CHECK_INT(second.pid, first.pid);
    CHECK_INT(second.started_ms, first.started_ms);
    CHECK_INT(start("p2", 2).status, GANTRY_EBUSY);
    CHECK_INT(stop("p2", "SIGTERM", 5000).status, GANTRY_OK);
    CHECK_INT(stop("p2", "SIGTERM", 5000).status, GANTRY_OK);
    CHECK(!process_exists(first.pid));
    second = start("p2", 1); /* ended: its record, and nothing runs */
    CHECK_INT(second.state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(second.exit_signal, SIGTERM);
    second = start("p2", 2);
    CHECK_INT(second.state, GANTRY_CONTAINER_RUNNING);
    CHECK(second.pid != first.pid);
    CHECK_INT(remove_pod("p2").status, GANTRY_OK); /* kills what runs */
    CHECK(!process_exists(second.pid));
    CHECK_INT(start("p2", 3).status, GANTRY_ENOTFOUND);
    driver_host_close();
}

static void two_starts_race(void)
{
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "p3", .script = "exec sleep 600"}).status,
              GANTRY_OK);
    static struct call a, b;
    begin_start(&a, "p3", 1);
    begin_start(&b, "p3", 1);
    call_wait(&a);
    call_wait(&b);
    CHECK_INT(a.status, GANTRY_OK);
    CHECK_INT(b.status, GANTRY_OK);
    CHECK_INT(a.pid, b.pid);
    CHECK_INT(remove_pod("p3").status, GANTRY_OK);
    driver_host_close();
}

static void pods_outlive_the_daemon(void)
{
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "stays", .script = "exec sleep 600"}).status, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "ends", .script = "sleep 0.3; exit 7"}).status, 0);
    uint64_t pid = start("stays", 4).pid;
    start("ends", 1);
    driver_host_close();
    usleep(800000);
    driver_host_open(NULL, 0);
    CHECK_INT(list(), GANTRY_OK);
    CHECK_INT(host.listed_count, 2);
    REQUIRE(find_listed("stays") && find_listed("ends"));
    CHECK_INT(find_listed("stays")->state, GANTRY_CONTAINER_RUNNING);
    CHECK_INT(find_listed("stays")->pid, pid);
    CHECK_INT(find_listed("stays")->attempt, 4);
    CHECK_INT(find_listed("ends")->state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(find_listed("ends")->exit_code, 7);
    CHECK_INT(find_listed("ends")->exit_flags, 0);
    CHECK_INT(stop("stays", "SIGTERM", 5000).status, 0);
    CHECK_INT(wait_for("stays").exit_signal, SIGTERM);
    CHECK_INT(remove_pod("stays").status, 0);
    CHECK_INT(remove_pod("ends").status, 0);
    driver_host_close();
}

static void a_killed_shim_is_noticed(void)
{
    static struct call logs;
    const gantry_kv env[] = {{{"GANTRY_POD_ID", 13}, {"lost", 4}}};
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "lost",
                                         .script = "sleep 601 & echo $!; exec sleep 600",
                                         .env = env,
                                         .env_count = 1})
                  .status,
              GANTRY_OK);
    struct call c = start("lost", 1);
    for (int i = 0; i < 100 && !logs.len; i++) {
        begin_logs(&logs, "lost", 0, -1);
        call_wait(&logs);
        run_for_ms(10);
    }
    uint64_t grandchild = strtoull(logs.bytes, NULL, 10);
    CHECK(process_exists(grandchild));
    static struct call w;
    begin_wait(&w, "lost");
    run_for_ms(50);
    REQUIRE(shim_of("lost") > 1);
    CHECK_INT(kill((pid_t)shim_of("lost"), SIGKILL), 0);
    call_wait(&w);
    CHECK_INT(w.status, GANTRY_OK);
    CHECK_INT(w.state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(w.exit_flags, GANTRY_EXIT_LOST);
    CHECK(wait_gone(c.pid));
    CHECK(wait_gone(grandchild)); /* not the shim's parting signal: the driver finds it */
    CHECK_INT(list(), GANTRY_OK);
    REQUIRE(find_listed("lost"));
    CHECK_INT(find_listed("lost")->exit_flags, GANTRY_EXIT_LOST);
    CHECK_INT(start("lost", 2).state, GANTRY_CONTAINER_RUNNING);
    CHECK_INT(remove_pod("lost").status, GANTRY_OK);
    driver_host_close();
}

static void an_older_boot_is_gone(void)
{
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "old", .script = "true"}).status, GANTRY_OK);
    char path[256];
    snprintf(path, sizeof path, "find %s -name attempts -path '*old*' | head -1", host.dir);
    FILE *find = popen(path, "r");
    REQUIRE(find && fgets(path, sizeof path, find));
    pclose(find);
    path[strcspn(path, "\n")] = '\0';
    FILE *f = fopen(path, "a");
    fprintf(f, "S 1 1 1 1000 another-boot 1\nE 1 0"); /* with a torn line, too */
    fclose(f);
    CHECK_INT(list(), GANTRY_OK);
    REQUIRE(find_listed("old"));
    CHECK_INT(find_listed("old")->state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(find_listed("old")->exit_flags, GANTRY_EXIT_LOST);
    CHECK_INT(remove_pod("old").status, GANTRY_OK);
    driver_host_close();
}

static void refusals_are_sentences(void)
{
    driver_host_open(NULL, 0);
    struct call c = prepare(&(struct pod_spec){.id = "r1", .script = "true", .image = "busybox"});
    CHECK_INT(c.status, GANTRY_ENOTSUP);
    CHECK(strstr(c.text, "image busybox") != NULL);
    c = prepare(&(struct pod_spec){.id = "../etc", .script = "true"});
    CHECK_INT(c.status, GANTRY_EINVAL);
    c = prepare(&(struct pod_spec){.id = "r2", .script = "true", .user = "no-such-user"});
    CHECK_INT(c.status, GANTRY_EINVAL);
    CHECK(strstr(c.text, "no-such-user") != NULL);
    if (is_root()) {
        c = prepare(&(struct pod_spec){.id = "r3", .script = "true", .user = "root"});
        CHECK_INT(c.status, GANTRY_EINVAL);
        CHECK(strstr(c.text, "allow_root") != NULL);
        c = prepare(&(struct pod_spec){.id = "r3", .script = "true", .user = "daemon"});
        CHECK_INT(c.status, GANTRY_EINVAL);
        CHECK(strstr(c.text, "users") != NULL);
        /* the right to a user is no right to any group */
        c = prepare(&(struct pod_spec){.id = "r3", .script = "true", .user = "nobody:0"});
        CHECK_INT(c.status, GANTRY_EINVAL);
        CHECK(strstr(c.text, "not in that group") != NULL);
        c = prepare(&(struct pod_spec){.id = "r3", .script = "true", .user = "nobody:disk"});
        CHECK_INT(c.status, GANTRY_EINVAL);
    }
    CHECK_INT(start("r1", 1).status, GANTRY_ENOTFOUND);
    CHECK_INT(stop("r1", "SIGNO", 1).status, GANTRY_EINVAL);
    CHECK_INT(stop("r1", "SIGTERM", 1).status, GANTRY_OK);
    CHECK_INT(list(), GANTRY_OK);
    CHECK_INT(host.listed_count, 0);
    driver_host_close();
}

static void listed_users_may_be_named(void)
{
    if (!is_root()) return;
    const char *users[] = {"daemon"};
    driver_host_open(&(struct gy_setting_value){.path = "users", .list = users, .list_count = 1},
                     1);
    struct call c =
        prepare(&(struct pod_spec){.id = "u1",
                                   .script = "test $(id -un) = daemon && test ! -r /etc/shadow",
                                   .user = "daemon"});
    CHECK_INT(c.status, GANTRY_OK);
    start("u1", 1);
    CHECK_INT(wait_for("u1").exit_code, 0);
    CHECK_INT(remove_pod("u1").status, GANTRY_OK);
    driver_host_close();
}

/* The shim is root's, its program is not: no way into a folder that the program's user cannot
 * reach. */
static void a_closed_folder_is_no_working_folder(void)
{
    if (!is_root()) return;
    char closed[] = "/tmp/gantry-closed-XXXXXX", inner[64];
    REQUIRE(mkdtemp(closed));
    snprintf(inner, sizeof inner, "%s/in", closed);
    REQUIRE(mkdir(inner, 0755) == 0);
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "w1", .script = "ls", .workdir = inner}).status,
              GANTRY_OK);
    CHECK_INT(start("w1", 1).exit_code, 125);
    CHECK_INT(remove_pod("w1").status, GANTRY_OK);
    CHECK_INT(chmod(closed, 0711), 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = "w2", .script = "ls", .workdir = inner}).status,
              GANTRY_OK);
    start("w2", 1);
    CHECK_INT(wait_for("w2").exit_code, 0);
    CHECK_INT(remove_pod("w2").status, GANTRY_OK);
    driver_host_close();
    rmdir(inner);
    rmdir(closed);
}

static void a_program_that_cannot_run_says_why(void)
{
    driver_host_open(NULL, 0);
    const gantry_kv env[] = {{{"PATH", 4}, {"/nowhere", 8}}};
    CHECK_INT(
        prepare(&(struct pod_spec){.id = "x", .script = "", .env = env, .env_count = 1}).status,
        GANTRY_OK);
    struct call c = start("x", 1);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.state, GANTRY_CONTAINER_EXITED);
    CHECK_INT(c.exit_code, 127);
    CHECK_STR(c.status_text, "exec sh: No such file or directory");
    CHECK_INT(remove_pod("x").status, GANTRY_OK);
    driver_host_close();
}

static void fifty_pods_at_once(void)
{
    static struct call calls[50];
    static char ids[50][16];
    driver_host_open(NULL, 0);
    int64_t begin = (int64_t)uv_hrtime();
    for (int i = 0; i < 50; i++) {
        snprintf(ids[i], sizeof ids[i], "many%d", i);
        begin_prepare(&calls[i], &(struct pod_spec){.id = ids[i], .script = "exec sleep 600"});
    }
    for (int i = 0; i < 50; i++)
        call_wait(&calls[i]);
    int64_t prepared = (int64_t)uv_hrtime();
    for (int i = 0; i < 50; i++) {
        CHECK_INT(calls[i].status, GANTRY_OK);
        begin_start(&calls[i], ids[i], 1);
    }
    for (int i = 0; i < 50; i++) {
        call_wait(&calls[i]);
        CHECK_INT(calls[i].state, GANTRY_CONTAINER_RUNNING);
    }
    int64_t started = (int64_t)uv_hrtime();
    CHECK_INT(list(), GANTRY_OK);
    CHECK_INT(host.listed_count, 50);
    for (int i = 0; i < 50; i++)
        begin_remove(&calls[i], ids[i]);
    for (int i = 0; i < 50; i++) {
        call_wait(&calls[i]);
        CHECK_INT(calls[i].status, GANTRY_OK);
    }
    int64_t removed = (int64_t)uv_hrtime();
    CHECK_INT(list(), GANTRY_OK);
    CHECK_INT(host.listed_count, 0);
    printf("\n    50 pods: prepare %.1f ms, start %.1f ms, remove %.1f ms each\n    ",
           (double)(prepared - begin) / 50e6, (double)(started - prepared) / 50e6,
           (double)(removed - started) / 50e6);
    driver_host_close();
}

static void cleanup(void)
{
    driver_host_end();
}

SUITE("driver.process", {"begin", driver_host_begin},
      {"a pod lives and ends", a_pod_lives_and_ends},
      {"everything is idempotent", everything_is_idempotent}, {"two starts race", two_starts_race},
      {"pods outlive the daemon", pods_outlive_the_daemon},
      {"a killed shim is noticed", a_killed_shim_is_noticed},
      {"an older boot is gone", an_older_boot_is_gone},
      {"refusals are sentences", refusals_are_sentences},
      {"listed users may be named", listed_users_may_be_named},
      {"a closed folder is no working folder", a_closed_folder_is_no_working_folder},
      {"a program that cannot run says why", a_program_that_cannot_run_says_why},
      {"fifty pods at once", fifty_pods_at_once}, {"nothing is left", cleanup})
