/* SPDX-License-Identifier: Apache-2.0 */
/* What agents report is written behind, whatever the store does with it. */
#include "server/status.h"

#include "server_turn.h"

#define ID "abcdefghijklmnopqrstuvwxyz"
static const char pod_key[] = "pod/" ID, status_key[] = "status/" ID;
static struct gy_status_writer *writer;
static unsigned status_txns;

static void count_status(const gantry_store_txn *txn)
{
    for (uint32_t i = 0; i < txn->write_count; i++)
        if (txn->writes[i]->key.len > 7 && !memcmp(txn->writes[i]->key.ptr, "status/", 7)) {
            status_txns++;
            return;
        }
}

static void set_up(void)
{
    turn_start();
    status_txns = 0;
    turn_put(pod_key, "{}");
    writer = gy_status_writer_create(&loop, store, 0);
    disk.look = count_status;
}

static void tear_down(void)
{
    gy_status_writer_destroy(writer);
    turn_end();
}

static void say(int state, const char *reason)
{
    char id[] = ID, *text = gy_strdup(reason);
    struct gy_pod_status status = {.id = id, .state = state, .reason = text};
    gy_status_writer_pod(writer, &status);
    free(text);
}

static bool stands(const char *word)
{
    const char *text = disk_text(status_key);
    return text && strstr(text, word);
}

static void a_status_is_written(void)
{
    set_up();
    say(GY_POD_RUNNING, "one");
    TURN_CHECK(stands("\"one\""));
    say(GY_POD_READY, "two");
    TURN_CHECK(stands("\"two\""));
    CHECK_INT(status_txns, 2);
    tear_down();
}

static void an_unchanged_state_waits(void)
{
    set_up();
    say(GY_POD_READY, "r0");
    TURN_CHECK(stands("\"r0\""));
    for (int i = 1; i <= 20; i++) {
        char reason[16];
        snprintf(reason, sizeof reason, "r%d", i);
        say(GY_POD_READY, reason);
        TURN_FOR(10);
    }
    CHECK_INT(status_txns, 1);
    TURN_CHECK(stands("\"r20\""));
    CHECK_INT(status_txns, 2);
    tear_down();
}

static void one_write_is_under_way(void)
{
    set_up();
    disk_script("status/", (const enum disk_word[]){DISK_HOLD}, 1);
    say(GY_POD_STARTING, "first");
    TURN_CHECK(disk.late_count == 1);
    say(GY_POD_RUNNING, "second");
    TURN_FOR(150);
    CHECK_INT(status_txns, 1);
    disk_land();
    TURN_CHECK(stands("\"second\""));
    tear_down();
}

static void a_late_write_overwrites_nothing(void)
{
    set_up();
    disk_script("status/", (const enum disk_word[]){DISK_DELAY}, 1);
    say(GY_POD_STARTING, "old");
    TURN_CHECK(disk.late_count == 1);
    say(GY_POD_READY, "new");
    TURN_CHECK(stands("\"new\""));
    disk_land();
    TURN_FOR(200);
    CHECK(stands("\"new\""));
    tear_down();
}

static void an_answer_that_is_lost_is_no_obstacle(void)
{
    set_up();
    disk_script("status/", (const enum disk_word[]){DISK_LOSE_ANSWER, DISK_BUSY, DISK_REFUSE}, 3);
    say(GY_POD_STARTING, "old");
    TURN_CHECK(stands("\"old\""));
    say(GY_POD_READY, "new");
    TURN_CHECK(stands("\"new\""));
    tear_down();
}

static void a_changed_pod_is_no_obstacle(void)
{
    set_up();
    disk_script("status/", (const enum disk_word[]){DISK_HOLD}, 1);
    say(GY_POD_STARTING, "one");
    TURN_CHECK(disk.late_count == 1);
    turn_put(pod_key, "{\"desired\":\"stop\"}");
    disk_land(); /* refused: the pod is not as it was */
    int64_t begin_ms = gy_time_mono_ms();
    TURN_CHECK(stands("\"one\""));
    CHECK(gy_time_mono_ms() - begin_ms < 500);
    tear_down();
}

static void a_status_goes_with_its_pod(void)
{
    set_up();
    say(GY_POD_READY, "one");
    TURN_CHECK(stands("\"one\""));
    turn_put(pod_key, NULL);
    say(GY_POD_ENDED, "the agent's last word, after the removal");
    TURN_CHECK(!disk_text(status_key));
    say(GY_POD_ENDED, "and one more");
    TURN_FOR(200);
    CHECK(!disk_text(status_key));
    tear_down();
}

static void a_status_under_way_does_not_outlive_its_pod(void)
{
    static const enum disk_word words[] = {DISK_HOLD, DISK_DELAY};
    for (int i = 0; i < 2; i++) {
        set_up();
        disk_script("status/", &words[i], 1);
        say(GY_POD_READY, "one");
        TURN_CHECK(disk.late_count == 1);
        turn_put(pod_key, NULL);
        TURN_FOR(200);
        disk_land();
        TURN_FOR(200);
        CHECK(!disk_text(status_key));
        tear_down();
    }
}

static void orphans_go_at_the_start(void)
{
    turn_start();
    turn_put(pod_key, "{}");
    turn_put(status_key, "{}");
    turn_put("status/gone", "{}");
    writer = gy_status_writer_create(&loop, store, 0);
    TURN_CHECK(!disk_text("status/gone"));
    CHECK(disk_text(status_key));
    tear_down();
}

static void small_transactions(void)
{
    turn_start();
    char key[64], id[48];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "pod/aaaaaaaaaaaaaaaaaaaaaaaa%02d", i);
        turn_put(key, "{}");
    }
    writer = gy_status_writer_create(&loop, store, 8);
    disk.look = count_status;
    status_txns = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "aaaaaaaaaaaaaaaaaaaaaaaa%02d", i);
        gy_status_writer_pod(writer, &(struct gy_pod_status){.id = id, .state = GY_POD_READY});
    }
    TURN_CHECK(disk_count("status/") == 20);
    CHECK_INT(status_txns, 5); /* four statuses, each with two compares, at a time */
    tear_down();
}

SUITE("server.status", {"a status is written", a_status_is_written},
      {"an unchanged state waits a second", an_unchanged_state_waits},
      {"one write is under way at a time", one_write_is_under_way},
      {"a late write overwrites nothing", a_late_write_overwrites_nothing},
      {"lost, busy and refused are retried", an_answer_that_is_lost_is_no_obstacle},
      {"a changed pod is no obstacle", a_changed_pod_is_no_obstacle},
      {"a status goes with its pod", a_status_goes_with_its_pod},
      {"a status under way does not outlive its pod", a_status_under_way_does_not_outlive_its_pod},
      {"orphans go at the start", orphans_go_at_the_start},
      {"small transactions", small_transactions})
