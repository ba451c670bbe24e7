/* SPDX-License-Identifier: Apache-2.0 */
/* Any text with variables; and text whose dollar signs are doubled comes out as it was. */
#include "compose/interpolate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *environment(void *arg, const char *name)
{
    (void)arg;
    return !strcmp(name, "A") ? "value" : !strcmp(name, "E") ? "" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    gy_autofree char *text = gy_strndup((const char *)bytes, len);
    const struct gy_variables vars = {environment, NULL, NULL};
    struct gy_error err = GY_ERROR_INIT;
    struct gy_buf out = {0}, doubled = {0}, same = {0};
    gantry_status status = gy_interpolate(text, &vars, &out, &err);
    GY_ASSERT(status == GANTRY_OK || (status == GANTRY_EINVAL && err.text[0]));
    for (const char *p = text; *p; p++)
        gy_buf_add(&doubled, *p == '$' ? "$$" : p, *p == '$' ? 2 : 1);
    gy_buf_str(&same, "");
    if (strlen(text) <= GY_INTERPOLATE_MAX) {
        status = gy_interpolate(doubled.text ? doubled.text : "", &vars, &same, &err);
        GY_ASSERT(status == GANTRY_OK && !strcmp(same.text, text));
    }
    gy_buf_fini(&out);
    gy_buf_fini(&doubled);
    gy_buf_fini(&same);
    return 0;
}
