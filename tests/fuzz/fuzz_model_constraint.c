/* SPDX-License-Identifier: Apache-2.0 */
#include "model/constraint.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    gy_autofree char *text = gy_strndup((const char *)bytes, len);
    struct gy_constraint c;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_constraint_parse(text, &c, &err) != GANTRY_OK) {
        GY_ASSERT(err.text[0]);
        return 0;
    }
    GY_ASSERT(c.value && (c.attribute == GY_ATTR_LABEL) == (c.key != NULL));
    gy_constraint_fini(&c);
    return 0;
}
