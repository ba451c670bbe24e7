/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#define N(a) (sizeof(a) / sizeof *(a))
#define F(json, kind_, member, ...)                                                                \
    {                                                                                              \
        .name = json, .kind = GY_FIELD_##kind_, .offset = offsetof(struct gy_event, member),       \
        __VA_ARGS__                                                                                \
    }

static const char *const levels[] = {"info", "warn", NULL};
static const struct gy_field fields[] = {
    F("time_ms", INT, time_ms, .flags = GY_FIELD_REQUIRED, .max = INT64_MAX,
      .doc = "wall clock, milliseconds since 1970"),
    F("level", ENUM, level, .names = levels),
    F("kind", STR, kind, .flags = GY_FIELD_REQUIRED, .max = 63),
    F("namespace", STR, ns),
    F("project", STR, project),
    F("app", STR, app),
    F("slot", INT, slot, .max = INT64_MAX),
    F("pod", STR, pod),
    F("node", STR, node),
    F("text", STR, text, .flags = GY_FIELD_REQUIRED),
};
const struct gy_shape gy_event_shape = {
    .name = "Event", .size = sizeof(struct gy_event), .fields = fields, .n = N(fields)};
