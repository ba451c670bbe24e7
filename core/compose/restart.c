/* SPDX-License-Identifier: Apache-2.0 */
/* restart and deploy.restart_policy. */
#include "compose/service.h"

static gantry_status read_short(struct gy_loader *l, const struct gy_yaml *y, struct gy_restart *r)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    if (!strcmp(text, "no") || !strcmp(text, "false")) {
        r->condition = GY_RESTART_NONE;
    } else if (!strcmp(text, "always") || !strcmp(text, "unless-stopped")) {
        r->condition = GY_RESTART_ANY;
    } else if (!strcmp(text, "on-failure")) {
        r->condition = GY_RESTART_ON_FAILURE;
    } else if (gy_starts_with(text, "on-failure:")) {
        r->condition = GY_RESTART_ON_FAILURE;
        if (gy_int_parse(text + strlen("on-failure:"), 0, 1000000, &r->max_attempts, l->err))
            return gy_compose_wrap(l, y);
    } else {
        return gy_compose_fail(l, y,
                               "\"%.60s\" must be no, always, on-failure, on-failure:TIMES or "
                               "unless-stopped",
                               text);
    }
    return GANTRY_OK;
}

static gantry_status read_policy(struct gy_loader *l, const struct gy_yaml *y, struct gy_restart *r,
                                 bool *condition_said)
{
    static const char *const conditions[] = {"any", "on-failure", "none", NULL};
    int condition = -1;
    gantry_status status = gy_compose_word(l, gy_yaml_get(y, "condition"), conditions, &condition);
    if (!status && condition >= 0) {
        r->condition = condition;
        r->max_attempts = 0;
        *condition_said = true;
    }
    if (!status)
        status =
            gy_compose_duration(l, gy_yaml_get(y, "delay"), 0, GY_COMPOSE_DAY_MS, &r->delay_ms);
    if (!status)
        status = gy_compose_int(l, gy_yaml_get(y, "max_attempts"), 0, 1000000, &r->max_attempts);
    if (!status)
        status =
            gy_compose_duration(l, gy_yaml_get(y, "window"), 0, GY_COMPOSE_DAY_MS, &r->window_ms);
    return status;
}

gantry_status gy_service_read_restart(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *extension = gy_yaml_value(s->y, "x-gantry");
    const struct gy_yaml *older = gy_yaml_value(s->y, "restart");
    const struct gy_yaml *policy = gy_yaml_value(gy_yaml_value(s->y, "deploy"), "restart_policy");
    struct gy_restart *r = &s->app.restart;
    gantry_status status = read_short(l, older, r);
    int before = r->condition;
    bool condition_said = older != NULL;
    if (!status && policy) status = read_policy(l, policy, r, &condition_said);
    if (!status)
        status = gy_compose_duration(l, gy_yaml_get(extension, "max_restart_delay"), 0,
                                     GY_COMPOSE_DAY_MS, &r->max_delay_ms);
    if (status) return status;
    if (older && policy && r->condition != before)
        gy_compose_warn(l, older, "has no effect: deploy.restart_policy (line %d) says otherwise",
                        policy->line);
    if (r->max_delay_ms < r->delay_ms) r->max_delay_ms = r->delay_ms;
    if (condition_said) s->said |= GY_SAID_RESTART;
    if (s->app.mode == GY_APP_JOB && condition_said && r->condition == GY_RESTART_ANY)
        return gy_compose_fail(l, policy ? policy : older,
                               "a job ends when it succeeds: write on-failure or no");
    return GANTRY_OK;
}
