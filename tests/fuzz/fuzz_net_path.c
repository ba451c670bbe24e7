/* SPDX-License-Identifier: Apache-2.0 */
/* Any path against a table like the real one: values are valid UTF-8 without control characters. */
#include "net/route.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct gy_route_match *m, const char *name)
{
    const char *value = gy_route_param(m, name);
    if (!value) return;
    GY_ASSERT(value[0] && gy_utf8_is_valid(value, strlen(value)));
    GY_ASSERT(strcmp(value, ".") != 0 && strcmp(value, "..") != 0);
    for (const char *p = value; *p; p++)
        GY_ASSERT((unsigned char)*p >= 0x20 && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct gy_route_table table;
    static const char *const methods[] = {"GET", "POST", "HEAD", "DELETE"};
    if (!table.n) {
        gy_route_add(&table, "GET", "/v1/version", NULL);
        gy_route_add(&table, "GET", "/v1/namespaces/{ns}/apps/{name}", NULL);
        gy_route_add(&table, "GET", "/v1/namespaces/{ns}/apps", NULL);
        gy_route_add(&table, "POST", "/v1/namespaces/{ns}/pods/{name}/exec", NULL);
        gy_route_add(&table, "GET", "/files/{rest...}", NULL);
    }
    if (len < 1) return 0;
    gy_autofree char *path = gy_strndup((const char *)bytes + 1, len - 1);
    struct gy_route_match m = {0};
    struct gy_error err = GY_ERROR_INIT;
    gantry_status status = gy_route_find(&table, methods[bytes[0] % 4], path, &m, &err);
    if (status == GANTRY_OK) {
        check(&m, "ns");
        check(&m, "name");
        GY_ASSERT(m.route);
    } else {
        GY_ASSERT(err.text[0] && (status != GANTRY_ENOTSUP || m.allow[0]));
    }
    gy_route_match_fini(&m);
    return 0;
}
