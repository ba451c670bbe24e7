/* SPDX-License-Identifier: Apache-2.0 */
/* The node half from outside: desired pods and results in, actions out. */
#include "engine/node/node_half.h"
#include "suite.h"
#include <gantry/driver.h>

#define ID "abcdefghijklmnopqrstuvwxyz"

struct rig {
    struct gy_node_half *half;
    struct gy_now now;
    struct gy_actions actions; /* of the last step */
    struct gy_pod_status status;
    bool has_status;
};

static void step(struct rig *r)
{
    gy_actions_fini(&r->actions);
    gy_node_half_step(r->half, r->now, &r->actions);
    for (size_t i = 0; i < r->actions.n; i++) {
        if (r->actions.items[i].kind != GY_ACTION_REPORT) continue;
        if (r->has_status) gy_shape_fini(&gy_pod_status_shape, &r->status);
        gy_shape_copy(&gy_pod_status_shape, &r->actions.items[i].status, &r->status);
        r->has_status = true;
    }
}

/* The action of a kind in the last step, or NULL. */
static const struct gy_action *find(const struct rig *r, int kind)
{
    for (size_t i = 0; i < r->actions.n; i++)
        if (r->actions.items[i].kind == kind) return &r->actions.items[i];
    return NULL;
}

static void answer(struct rig *r, int kind, gantry_status status,
                   const struct gy_observed_container *c)
{
    const struct gy_action *action = find(r, kind);
    REQUIRE(action);
    struct gy_action_result result = {
        .id = action->id, .status = status, .text = status ? "no" : NULL, .container = c};
    gy_node_half_done(r->half, &result, r->now);
    step(r);
}

static void desire(struct rig *r, const char *more)
{
    struct gy_pod pod;
    gy_autofree char *text = gy_printf(
        "{\"id\":\"" ID "\",\"namespace\":\"default\",\"project\":\"p\",\"app\":\"a\",\"slot\":1,"
        "\"node\":\"n1\",\"driver\":\"d\",\"template\":{\"containers\":[{\"name\":\"c\","
        "\"command\":[\"x\"]%s}]}}",
        more);
    REQUIRE(gy_shape_decode_text(&gy_pod_shape, text, strlen(text), GY_FROM_PEER, &pod, NULL) ==
            GANTRY_OK);
    gy_node_half_desired(r->half, &pod, r->now);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static void desire_pod(struct rig *r, const char *tail)
{
    struct gy_pod pod;
    gy_autofree char *text = gy_printf(
        "{\"id\":\"" ID "\",\"namespace\":\"default\",\"project\":\"p\",\"app\":\"a\",\"slot\":1,"
        "\"node\":\"n1\",\"driver\":\"d\",\"template\":{\"containers\":[{\"name\":\"c\","
        "\"command\":[\"x\"]}]},%s}",
        tail);
    REQUIRE(gy_shape_decode_text(&gy_pod_shape, text, strlen(text), GY_FROM_PEER, &pod, NULL) ==
            GANTRY_OK);
    gy_node_half_desired(r->half, &pod, r->now);
    gy_shape_fini(&gy_pod_shape, &pod);
}

static struct rig start(void)
{
    struct rig r = {
        .half = gy_node_half_create(&(struct gy_node_half_options){.node = "n1", .boot_id = "b"}),
        .now = {1000, 1700000001000}};
    gy_node_half_driver(r.half, "d", true, r.now);
    return r;
}

static void end(struct rig *r)
{
    gy_actions_fini(&r->actions);
    if (r->has_status) gy_shape_fini(&gy_pod_status_shape, &r->status);
    gy_node_half_destroy(r->half);
}

static void bring_up(struct rig *r)
{
    gy_node_half_synced(r->half, r->now);
    step(r);
    answer(r, GY_ACTION_LIST, GANTRY_OK, NULL);
    answer(r, GY_ACTION_PREPARE, GANTRY_OK, NULL);
    answer(r, GY_ACTION_START, GANTRY_OK,
           &(struct gy_observed_container){.name = "c", .attempt = 1, .pid = 7});
}

static void nothing_starts_before_the_driver_was_listed(void)
{
    struct rig r = start();
    desire(&r, "");
    step(&r);
    CHECK_INT(r.actions.n, 0); /* not all pods were given */
    gy_node_half_synced(r.half, r.now);
    step(&r);
    CHECK(find(&r, GY_ACTION_LIST) != NULL);
    CHECK(find(&r, GY_ACTION_PREPARE) == NULL);
    answer(&r, GY_ACTION_LIST, GANTRY_EUNAVAIL, NULL);
    CHECK(find(&r, GY_ACTION_PREPARE) == NULL);
    r.now.mono_ms += 1000;
    step(&r);
    answer(&r, GY_ACTION_LIST, GANTRY_OK, NULL);
    CHECK(find(&r, GY_ACTION_PREPARE) != NULL);
    end(&r);
}

static void a_pod_becomes_ready_and_stops(void)
{
    struct rig r = start();
    desire(&r, ",\"stop_signal\":\"SIGINT\",\"stop_grace_ms\":3000");
    bring_up(&r);
    CHECK_INT(r.status.state, GY_POD_READY);
    CHECK_INT(GY_AT(struct gy_container_status, r.status.containers, 0)->pid, 7);
    const struct gy_action wait = *find(&r, GY_ACTION_WAIT);
    gy_node_half_forget(r.half, ID, r.now);
    step(&r);
    const struct gy_action *stop = find(&r, GY_ACTION_STOP);
    REQUIRE(stop);
    CHECK_STR(stop->signal, "SIGINT");
    CHECK_INT(stop->grace_ms, 3000);
    struct gy_observed_container ended = {.name = "c", .attempt = 1, .exit_signal = 2};
    gy_node_half_done(r.half, &(struct gy_action_result){.id = wait.id, .container = &ended},
                      r.now);
    step(&r);
    CHECK_INT(r.status.state, GY_POD_STOPPING); /* until nothing is left of it */
    answer(&r, GY_ACTION_REMOVE, GANTRY_OK, NULL);
    CHECK_INT(r.status.state, GY_POD_ENDED);
    CHECK_INT(r.status.outcome, GY_OUTCOME_STOPPED);
    CHECK(gy_node_half_pod(r.half, ID) == NULL);
    end(&r);
}

static void crashes_are_restarted_with_a_growing_delay(void)
{
    struct rig r = start();
    desire(&r, "");
    bring_up(&r);
    static const int64_t delays[] = {1000,  2000,   4000,   8000,   16000, 32000,
                                     64000, 128000, 256000, 300000, 300000};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        int64_t attempt = (int64_t)i + 1;
        answer(&r, GY_ACTION_WAIT, GANTRY_OK,
               &(struct gy_observed_container){
                   .name = "c", .attempt = attempt, .exit_code = 1, .ended_ms = attempt});
        CHECK_INT(r.status.state, GY_POD_STARTING);
        CHECK_INT(r.actions.wake_mono_ms - r.now.mono_ms < delays[i]
                      ? delays[i]
                      : r.actions.wake_mono_ms - r.now.mono_ms,
                  delays[i]);
        r.now.mono_ms += delays[i] - 1;
        step(&r);
        CHECK(find(&r, GY_ACTION_START) == NULL);
        r.now.mono_ms += 1;
        step(&r);
        REQUIRE(find(&r, GY_ACTION_START));
        CHECK_INT(find(&r, GY_ACTION_START)->attempt, attempt + 1);
        answer(&r, GY_ACTION_START, GANTRY_OK,
               &(struct gy_observed_container){.name = "c", .attempt = attempt + 1});
    }
    CHECK_INT(r.status.restarts, 11);
    r.now.mono_ms += 600000; /* it ran for the window: the count begins anew */
    answer(&r, GY_ACTION_WAIT, GANTRY_OK,
           &(struct gy_observed_container){
               .name = "c", .attempt = 12, .exit_code = 1, .ended_ms = 12});
    r.now.mono_ms += 1000;
    step(&r);
    CHECK(find(&r, GY_ACTION_START) != NULL);
    end(&r);
}

static void the_restart_policy_is_kept(void)
{
    static const struct {
        const char *policy;
        int exit_code;
        int state, outcome;
    } cases[] = {
        {"\"restart\":{}", 0, GY_POD_STARTING, GY_OUTCOME_NONE},
        {"\"restart\":{\"condition\":\"none\"}", 0, GY_POD_ENDED, GY_OUTCOME_COMPLETED},
        {"\"restart\":{\"condition\":\"none\"}", 3, GY_POD_ENDED, GY_OUTCOME_FAILED},
        {"\"restart\":{\"condition\":\"on-failure\"}", 0, GY_POD_ENDED, GY_OUTCOME_COMPLETED},
        {"\"restart\":{\"condition\":\"on-failure\"}", 3, GY_POD_STARTING, GY_OUTCOME_NONE},
        {"\"job\":true", 0, GY_POD_ENDED, GY_OUTCOME_COMPLETED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = start();
        desire_pod(&r, cases[i].policy);
        bring_up(&r);
        answer(&r, GY_ACTION_WAIT, GANTRY_OK,
               &(struct gy_observed_container){
                   .name = "c", .attempt = 1, .exit_code = cases[i].exit_code, .ended_ms = 1});
        CHECK_INT(r.status.state, cases[i].state);
        CHECK_INT(r.status.outcome, cases[i].outcome);
        end(&r);
    }
}

static void unknown_is_not_dead(void)
{
    struct rig r = start();
    desire(&r, "");
    bring_up(&r);
    answer(&r, GY_ACTION_WAIT, GANTRY_EUNAVAIL, NULL);
    CHECK_INT(r.status.state, GY_POD_READY);
    r.now.mono_ms += 1000;
    step(&r);
    CHECK(find(&r, GY_ACTION_WAIT) != NULL);
    CHECK(find(&r, GY_ACTION_START) == NULL);
    end(&r);
}

static void a_start_of_unknown_outcome_is_the_same_attempt_again(void)
{
    struct rig r = start();
    desire(&r, "");
    gy_node_half_synced(r.half, r.now);
    step(&r);
    answer(&r, GY_ACTION_LIST, GANTRY_OK, NULL);
    answer(&r, GY_ACTION_PREPARE, GANTRY_OK, NULL);
    answer(&r, GY_ACTION_START, GANTRY_EUNAVAIL, NULL);
    r.now.mono_ms += 1000;
    step(&r);
    REQUIRE(find(&r, GY_ACTION_START));
    CHECK_INT(find(&r, GY_ACTION_START)->attempt, 1);
    end(&r);
}

static void an_unhealthy_container_is_restarted(void)
{
    struct rig r = start();
    desire(&r, ",\"health\":{\"test\":[\"t\"],\"interval_ms\":1000,\"retries\":2,\"start_period_"
               "ms\":1500,\"start_interval_ms\":500}");
    bring_up(&r);
    CHECK_INT(r.status.state, GY_POD_RUNNING);
    const struct gy_action wait = *find(&r, GY_ACTION_WAIT);
    for (int i = 0; i < 2; i++) { /* 0.5 s and 1 s: within the start period, forgiven */
        r.now.mono_ms += 500;
        step(&r);
        answer(&r, GY_ACTION_PROBE, GANTRY_EINVAL, NULL);
    }
    CHECK_INT(r.status.health, GY_POD_HEALTH_STARTING);
    for (int i = 0; i < 2; i++) {
        r.now.mono_ms += 1000;
        step(&r);
        answer(&r, GY_ACTION_PROBE, GANTRY_EINVAL, NULL);
    }
    CHECK_INT(r.status.health, GY_POD_UNHEALTHY);
    CHECK(find(&r, GY_ACTION_STOP) != NULL);
    struct gy_observed_container ended = {
        .name = "c", .attempt = 1, .exit_signal = 15, .ended_ms = 1};
    gy_node_half_done(r.half, &(struct gy_action_result){.id = wait.id, .container = &ended},
                      r.now);
    step(&r);
    CHECK_INT(r.status.state, GY_POD_STARTING);
    CHECK_STR(r.status.reason, "c was unhealthy and was stopped, restart in 1 s");
    end(&r);
}

static void what_cannot_be_prepared_is_given_back(void)
{
    struct rig r = start();
    desire(&r, "");
    gy_node_half_synced(r.half, r.now);
    step(&r);
    answer(&r, GY_ACTION_LIST, GANTRY_OK, NULL);
    answer(&r, GY_ACTION_PREPARE, GANTRY_EUNAVAIL, NULL);
    CHECK_INT(r.status.state, GY_POD_PREPARING);
    r.now.mono_ms += 1000;
    step(&r);
    answer(&r, GY_ACTION_PREPARE, GANTRY_EINVAL, NULL);
    CHECK_INT(r.status.state, GY_POD_ENDED);
    CHECK_INT(r.status.outcome, GY_OUTCOME_GIVEN_BACK);
    end(&r);
}

static void what_was_restarted_is_believed_after_a_while(void)
{
    struct rig r = start();
    desire(&r, "");
    bring_up(&r);
    CHECK_INT(r.status.state, GY_POD_READY);
    answer(
        &r, GY_ACTION_WAIT, GANTRY_OK,
        &(struct gy_observed_container){.name = "c", .attempt = 1, .exit_code = 1, .ended_ms = 1});
    r.now.mono_ms += 1000;
    step(&r);
    answer(&r, GY_ACTION_START, GANTRY_OK,
           &(struct gy_observed_container){.name = "c", .attempt = 2});
    CHECK_INT(r.status.state, GY_POD_RUNNING);
    CHECK_INT(r.actions.wake_mono_ms, r.now.mono_ms + 5000);
    r.now.mono_ms += 5000;
    step(&r);
    CHECK_INT(r.status.state, GY_POD_READY);
    end(&r);
}

static void a_stop_that_failed_is_sent_again(void)
{
    struct rig r = start();
    desire(&r, "");
    bring_up(&r);
    gy_node_half_forget(r.half, ID, r.now);
    step(&r);
    answer(&r, GY_ACTION_STOP, GANTRY_OK, NULL);
    r.now.mono_ms += 1000;
    step(&r);
    CHECK(find(&r, GY_ACTION_STOP) == NULL); /* it is under way: wait tells its end */
    end(&r);
    r = start();
    desire(&r, "");
    bring_up(&r);
    gy_node_half_forget(r.half, ID, r.now);
    step(&r);
    answer(&r, GY_ACTION_STOP, GANTRY_EUNAVAIL, NULL);
    r.now.mono_ms += 1000;
    step(&r);
    CHECK(find(&r, GY_ACTION_STOP) != NULL);
    end(&r);
}

static void a_stop_signal_that_nobody_knows_becomes_a_kill(void)
{
    struct rig r = start();
    desire(&r, ",\"stop_signal\":\"SIGNONE\"");
    bring_up(&r);
    gy_node_half_forget(r.half, ID, r.now);
    step(&r);
    answer(&r, GY_ACTION_STOP, GANTRY_EINVAL, NULL);
    r.now.mono_ms += 1000;
    step(&r);
    REQUIRE(find(&r, GY_ACTION_STOP));
    CHECK_STR(find(&r, GY_ACTION_STOP)->signal, "SIGKILL");
    end(&r);
}

static void attempts_are_counted_anew_after_a_good_run(void)
{
    struct rig r = start();
    desire_pod(&r, "\"restart\":{\"max_attempts\":1}");
    bring_up(&r);
    answer(
        &r, GY_ACTION_WAIT, GANTRY_OK,
        &(struct gy_observed_container){.name = "c", .attempt = 1, .exit_code = 1, .ended_ms = 1});
    r.now.mono_ms += 1000;
    step(&r);
    answer(&r, GY_ACTION_START, GANTRY_OK,
           &(struct gy_observed_container){.name = "c", .attempt = 2});
    r.now.mono_ms += 600000;
    answer(
        &r, GY_ACTION_WAIT, GANTRY_OK,
        &(struct gy_observed_container){.name = "c", .attempt = 2, .exit_code = 1, .ended_ms = 2});
    CHECK_INT(r.status.state, GY_POD_STARTING);
    end(&r);
}

static void every_end_is_told_in_words(void)
{
    static const struct {
        struct gy_observed_container seen;
        const char *says;
    } cases[] = {
        {{.exit_code = 3}, "c ended with code 3, restart in 1 s"},
        {{.exit_signal = 9, .exit_code = 137}, "c was killed by signal 9, restart in 1 s"},
        {{.exit_signal = 9, .oom = true},
         "c was killed: it used more memory than its limit, restart in 1 s"},
        {{.exit_code = 127, .text = "exec /no: No such file or directory"},
         "c ended: exec /no: No such file or directory, restart in 1 s"},
        {{.exit_signal = 9, .lost = true}, "c is gone without an exit record, restart in 1 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r = start();
        desire(&r, "");
        bring_up(&r);
        struct gy_observed_container seen = cases[i].seen;
        seen.name = "c";
        seen.attempt = seen.ended_ms = 1;
        answer(&r, GY_ACTION_WAIT, GANTRY_OK, &seen);
        CHECK_STR(r.status.reason, cases[i].says);
        end(&r);
    }
}

static void after_a_restart_it_goes_on(void)
{
    struct rig r = start();
    desire(&r, "");
    gy_node_half_synced(r.half, r.now);
    step(&r);
    struct gy_observed_container c = {
        .name = "c", .state = GANTRY_CONTAINER_RUNNING, .attempt = 3, .pid = 9};
    struct gy_observed_container o = {.name = "x", .state = GANTRY_CONTAINER_RUNNING, .attempt = 1};
    struct gy_observed_pod seen[] = {
        {.id = ID, .containers = &c, .n = 1},
        {.id = "zzzzzzzzzzzzzzzzzzzzzzzzzz", .containers = &o, .n = 1}};
    gy_node_half_done(r.half,
                      &(struct gy_action_result){
                          .id = find(&r, GY_ACTION_LIST)->id, .pods = seen, .pod_count = 2},
                      r.now);
    step(&r);
    CHECK(find(&r, GY_ACTION_START) == NULL);
    CHECK(find(&r, GY_ACTION_WAIT) != NULL);
    CHECK_INT(r.status.state, GY_POD_READY);
    CHECK_INT(r.status.restarts, 2);
    REQUIRE(find(&r, GY_ACTION_STOP)); /* what nobody wants any more */
    CHECK_STR(find(&r, GY_ACTION_STOP)->pod_id, "zzzzzzzzzzzzzzzzzzzzzzzzzz");
    end(&r);
}

static void an_ended_pod_stays_ended(void)
{
    struct rig r = start();
    desire_pod(&r, "\"restart\":{\"condition\":\"none\"}");
    struct gy_pod_status last;
    static const char text[] =
        "{\"id\":\"" ID
        "\",\"node\":\"n1\",\"state\":\"ended\",\"outcome\":\"completed\",\"restarts\":4}";
    REQUIRE(gy_shape_decode_text(&gy_pod_status_shape, text, strlen(text), GY_FROM_PEER, &last,
                                 NULL) == GANTRY_OK);
    gy_node_half_last(r.half, &last);
    gy_shape_fini(&gy_pod_status_shape, &last);
    gy_node_half_synced(r.half, r.now);
    step(&r);
    answer(&r, GY_ACTION_LIST, GANTRY_OK, NULL);
    CHECK(find(&r, GY_ACTION_PREPARE) == NULL);
    CHECK_INT(gy_node_half_status(r.half, ID)->outcome, GY_OUTCOME_COMPLETED);
    end(&r);
}

SUITE("engine.node",
      {"nothing starts before the driver was listed", nothing_starts_before_the_driver_was_listed},
      {"a pod becomes ready, and stops", a_pod_becomes_ready_and_stops},
      {"crashes are restarted with a growing delay", crashes_are_restarted_with_a_growing_delay},
      {"the restart policy is kept", the_restart_policy_is_kept},
      {"unknown is not dead", unknown_is_not_dead},
      {"a start of unknown outcome is the same attempt again",
       a_start_of_unknown_outcome_is_the_same_attempt_again},
      {"an unhealthy container is restarted", an_unhealthy_container_is_restarted},
      {"what cannot be prepared is given back", what_cannot_be_prepared_is_given_back},
      {"what was restarted is believed after a while",
       what_was_restarted_is_believed_after_a_while},
      {"a stop that failed is sent again", a_stop_that_failed_is_sent_again},
      {"a stop signal that nobody knows becomes a kill",
       a_stop_signal_that_nobody_knows_becomes_a_kill},
      {"attempts are counted anew after a good run", attempts_are_counted_anew_after_a_good_run},
      {"every end is told in words", every_end_is_told_in_words},
      {"after a restart of the agent it goes on", after_a_restart_it_goes_on},
      {"an ended pod stays ended", an_ended_pod_stays_ended})
