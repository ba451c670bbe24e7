/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include "model/field.h"

static const char *const levels[] = {"info", "warn", NULL};
static const struct gy_field fields[] = {
    F(gy_event, "time_ms", INT, time_ms, REQUIRED, .max = INT64_MAX,
      .doc = "wall clock, milliseconds since 1970"),
    F(gy_event, "level", ENUM, level, .names = levels),
    F(gy_event, "kind", STR, kind, REQUIRED, .max = 63),
    F(gy_event, "namespace", STR, ns, OPTIONAL),
    F(gy_event, "project", STR, project, OPTIONAL),
    F(gy_event, "app", STR, app, OPTIONAL),
    F(gy_event, "slot", INT, slot, .max = INT64_MAX),
    F(gy_event, "pod", STR, pod, OPTIONAL),
    F(gy_event, "node", STR, node, OPTIONAL),
    F(gy_event, "text", STR, text, REQUIRED),
};
const struct gy_shape gy_event_shape = {
    .name = "Event", .size = sizeof(struct gy_event), .fields = fields, .n = N(fields)};
