/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes, times and numbers: refused with a sentence, or in their range. */
#include "base/text.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int64_t now_ms = 1700000000000;
    gy_autofree char *text = gy_strndup((const char *)bytes, len);
    struct gy_error err = GY_ERROR_INIT;
    char shown[GY_TIME_TEXT_MAX];
    int64_t n = 0, again = 0;
    if (gy_duration_parse(text, &n, &err) == GANTRY_OK) {
        GY_ASSERT(n >= 0);
        gy_duration_format(n, shown);
    } else {
        GY_ASSERT(err.text[0]);
    }
    err = (struct gy_error)GY_ERROR_INIT;
    GY_ASSERT(gy_bytes_parse(text, &n, &err) == GANTRY_OK ? n >= 0 : err.text[0]);
    err = (struct gy_error)GY_ERROR_INIT;
    GY_ASSERT(gy_int_parse(text, -5, 70000, &n, &err) == GANTRY_OK ? n >= -5 && n <= 70000
                                                                   : err.text[0]);
    err = (struct gy_error)GY_ERROR_INIT;
    if (gy_time_parse(text, now_ms, &n, &err) != GANTRY_OK) {
        GY_ASSERT(err.text[0]);
        return 0;
    }
    gy_time_format(n, shown);
    if (n > 0 && n < now_ms) GY_ASSERT(gy_time_parse(shown, 0, &again, NULL) == 0 && again == n);
    return 0;
}
