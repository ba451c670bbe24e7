/* SPDX-License-Identifier: Apache-2.0 */
/* What parses must format to something that parses to the same. */
#include "net/address.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    gy_autofree char *text = gy_strndup((const char *)bytes, len);
    struct gy_address a, b;
    struct gy_error err = GY_ERROR_INIT;
    char full[GY_ADDRESS_FULL_MAX];
    if (gy_address_parse(text, &a, &err) != GANTRY_OK) {
        GY_ASSERT(err.text[0]);
        return 0;
    }
    gy_address_format(&a, full);
    GY_ASSERT(gy_address_parse(full, &b, &err) == GANTRY_OK && gy_address_equal(&a, &b));
    struct sockaddr_storage sa;
    socklen_t n;
    gy_address_to_sockaddr(&a, &sa, &n);
    gy_address_from_sockaddr((struct sockaddr *)&sa, n, &b);
    GY_ASSERT(a.family == b.family || a.family == GY_ADDRESS_IPV6);
    return 0;
}
