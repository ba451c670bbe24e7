/* SPDX-License-Identifier: Apache-2.0 */
#include "driver_host.h"

#include "suite.h"
#include <signal.h>
#include <unistd.h>

static struct call c;

static void open_with_pod(const char *id, const char *script)
{
    driver_host_open(NULL, 0);
    CHECK_INT(prepare(&(struct pod_spec){.id = id, .script = script}).status, GANTRY_OK);
    CHECK_INT(start(id, 1).status, GANTRY_OK);
}

static void close_with_pod(const char *id)
{
    CHECK_INT(remove_pod(id).status, GANTRY_OK);
    driver_host_close();
}

static gantry_status type(const char *text)
{
    const gantry_driver_exec *exec = gy_instance_extension(host.instance, GANTRY_DRIVER_EXEC);
    gantry_status status = GANTRY_EBUSY;
    for (int i = 0; i < 100 && status == GANTRY_EBUSY; i++) {
        GY_CALL(host.instance, "input",
                status = exec->input(host.self, c.op, (gantry_bytes){text, strlen(text)}));
        run_for_ms(10);
    }
    return status;
}

static void exec_gives_output_and_exit(void)
{
    open_with_pod("e1", "exec sleep 600");
    begin_exec(&c, "e1", 0, "echo out; echo err >&2; cat; echo $GANTRY_X; exit 5");
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.exit_code, 5);
    CHECK_STR(c.bytes, "out\n\n");
    CHECK_STR(c.error_bytes, "err\n");
    begin_exec(&c, "e1", 0, "kill -9 $$");
    call_wait(&c);
    CHECK_INT(c.exit_code, 137);
    CHECK_INT(c.exit_signal, SIGKILL);
    close_with_pod("e1");
}

static void exec_takes_input(void)
{
    open_with_pod("e2", "exec sleep 600");
    begin_exec(&c, "e2", GANTRY_EXEC_STDIN, "read a; read b; echo $b-$a; cat >/dev/null; echo end");
    CHECK_INT(type("one\ntwo\n"), GANTRY_OK);
    CHECK_INT(type(""), GANTRY_OK);
    call_wait(&c);
    CHECK_STR(c.bytes, "two-one\nend\n");
    CHECK_INT(c.exit_code, 0);
    close_with_pod("e2");
}

static void exec_has_a_terminal(void)
{
    const gantry_driver_exec *exec = NULL;
    open_with_pod("e3", "exec sleep 600");
    exec = gy_instance_extension(host.instance, GANTRY_DRIVER_EXEC);
    begin_exec(&c, "e3", GANTRY_EXEC_TTY | GANTRY_EXEC_STDIN,
               "test -t 0 && test -t 1 && stty size; read x; stty size; echo got $x");
    for (int i = 0; i < 200 && !strstr(c.bytes, "30 100"); i++)
        run_for_ms(10);
    CHECK(strstr(c.bytes, "30 100") != NULL);
    CHECK_INT(exec->resize(host.self, c.op, 120, 50), GANTRY_OK);
    CHECK_INT(type("hello\n"), GANTRY_OK);
    call_wait(&c);
    CHECK(strstr(c.bytes, "50 120") != NULL);
    CHECK(strstr(c.bytes, "got hello") != NULL);
    CHECK_INT(c.exit_code, 0);
    close_with_pod("e3");
}

static void a_canceled_exec_is_killed(void)
{
    open_with_pod("e4", "exec sleep 600");
    begin_exec(&c, "e4", 0, "echo $$; exec sleep 601");
    for (int i = 0; i < 200 && !c.len; i++)
        run_for_ms(10);
    uint64_t pid = strtoull(c.bytes, NULL, 10);
    CHECK(process_exists(pid));
    gy_instance_cancel(host.instance, c.op);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_ECANCELED);
    CHECK(wait_gone(pid));
    close_with_pod("e4");
}

static void exec_refuses_in_words(void)
{
    open_with_pod("e5", "exec sleep 600");
    stop("e5", "SIGKILL", 0);
    begin_exec(&c, "e5", 0, "true");
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_ENOTFOUND);
    close_with_pod("e5");
}

/* Much output through a host queue that fills: nothing is lost. */
static void exec_survives_a_full_queue(void)
{
    open_with_pod("e6", "exec sleep 600");
    begin_exec(&c, "e6", 0, "head -c 20000000 /dev/zero; echo end >&2");
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_STR(c.error_bytes, "end\n");
    CHECK_INT(c.len, sizeof c.bytes - 1);
    close_with_pod("e6");
}

static void logs_have_both_channels_and_a_tail(void)
{
    open_with_pod("l1", "for i in 1 2 3 4 5; do echo line $i; done; echo err >&2; printf rest");
    wait_for("l1");
    begin_logs(&c, "l1", 0, -1);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_STR(c.bytes, "line 1\nline 2\nline 3\nline 4\nline 5\nrest\n");
    CHECK_STR(c.error_bytes, "err\n");
    begin_logs(&c, "l1", 0, 0);
    call_wait(&c);
    CHECK_INT(c.items, 0);
    begin_logs(&c, "l1", 0, 4);
    call_wait(&c);
    CHECK_INT(c.items, 4);
    CHECK(strstr(c.bytes, "line 3") == NULL && strstr(c.bytes, "rest") != NULL);
    begin_logs(&c, "l1", GANTRY_LOGS_PREVIOUS, -1);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_ENOTFOUND);
    start("l1", 2);
    wait_for("l1");
    begin_logs(&c, "l1", GANTRY_LOGS_PREVIOUS, 1);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.items, 1);
    CHECK_INT(remove_pod("l1").status, GANTRY_OK);
    begin_logs(&c, "l1", 0, 2); /* kept for a while */
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    CHECK_INT(c.items, 2);
    begin_logs(&c, "no-such-pod", 0, -1);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_ENOTFOUND);
    driver_host_close();
}

static void logs_are_followed_until_removal(void)
{
    open_with_pod("l2", "i=0; while :; do i=$((i+1)); echo n$i; sleep 0.05; done");
    begin_logs(&c, "l2", GANTRY_LOGS_FOLLOW, -1);
    for (int i = 0; i < 300 && c.items < 10; i++)
        run_for_ms(10);
    CHECK(c.items >= 10);
    CHECK(!strncmp(c.bytes, "n1\nn2\nn3\n", 9));
    CHECK(!c.done);
    CHECK_INT(remove_pod("l2").status, GANTRY_OK);
    call_wait(&c);
    CHECK_INT(c.status, GANTRY_OK);
    driver_host_close();
}

static void rotated_logs_are_one_stream(void)
{
    driver_host_open((struct gy_setting_value[]){{.path = "log_max_bytes", .text = "65536"},
                                                 {.path = "log_files", .text = "1000"}},
                     2);
    CHECK_INT(prepare(&(struct pod_spec){.id = "l3", .script = "sleep 0.2; seq 1 20000; sleep 600"})
                  .status,
              GANTRY_OK);
    start("l3", 1);
    begin_logs(&c, "l3", GANTRY_LOGS_FOLLOW, -1);
    for (int i = 0; i < 1000 && c.items < 20000; i++)
        run_for_ms(10);
    CHECK_INT(c.items, 20000);
    CHECK(!strncmp(c.bytes, "1\n2\n3\n", 6));
    gy_instance_cancel(host.instance, c.op);
    call_wait(&c);
    begin_logs(&c, "l3", 0, 5000);
    call_wait(&c);
    CHECK_INT(c.items, 5000);
    CHECK(!strncmp(c.bytes, "15001\n", 6));
    close_with_pod("l3");
}

static void begin_all(void)
{
    signal(SIGPIPE, SIG_IGN);
    driver_host_begin();
}

SUITE("driver.process.streams", {"begin", begin_all},
      {"exec gives output and exit", exec_gives_output_and_exit},
      {"exec takes input", exec_takes_input}, {"exec has a terminal", exec_has_a_terminal},
      {"a canceled exec is killed", a_canceled_exec_is_killed},
      {"exec refuses in words", exec_refuses_in_words},
      {"exec survives a full queue", exec_survives_a_full_queue},
      {"logs have both channels and a tail", logs_have_both_channels_and_a_tail},
      {"logs are followed until removal", logs_are_followed_until_removal},
      {"rotated logs are one stream", rotated_logs_are_one_stream},
      {"nothing is left", driver_host_end})
