/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says whether values are taken as they stand. */
#include "compose/envfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *get(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'H' ? "here" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1) return 0;
    gy_autofree char *text = gy_strndup((const char *)bytes + 1, len - 1);
    const struct gy_envfile_source source = {.file = ".env", .get = get, .raw = bytes[0] % 2};
    struct gy_map out = {0};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_envfile_parse(text, &source, &out, &err) != GANTRY_OK)
        GY_ASSERT(gy_starts_with(err.text, ".env"));
    for (size_t i = 0; i < out.n; i++) {
        GY_ASSERT(out.items[i].key[0] && out.items[i].value);
        free(out.items[i].key);
        free(out.items[i].value);
    }
    free(out.items);
    return 0;
}
