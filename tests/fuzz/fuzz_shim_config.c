/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the file that tells a shim what to run. */
#include "shim/shim.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len + 1), text[GY_SHIM_TEXT_MAX] = "";
    if (!copy) abort();
    memcpy(copy, bytes, len);
    struct gy_shim_config c;
    if (gy_shim_config_parse(copy, len, &c, text) == 0) {
        for (size_t i = 0; i < c.env_count; i++)
            if (!strchr(c.env[i], '=')) abort();
        gy_shim_config_fini(&c);
    } else if (!text[0] || strchr(text, '\n')) {
        abort();
    }
    free(copy);
    return 0;
}
