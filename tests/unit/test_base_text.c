/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, text, numbers, times. */
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "suite.h"

#include <sys/stat.h>
#include <unistd.h>

static void errors(void)
{
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_error_set(&err, GANTRY_EBUSY, "%s is busy", "it"), GANTRY_EBUSY);
    CHECK_STR(err.text, "it is busy");
    CHECK_INT(gy_error_wrap(&err, "file:%d", 3), GANTRY_EBUSY);
    CHECK_STR(err.text, "file:3: it is busy");
    CHECK_INT(gy_error_set(NULL, GANTRY_EINVAL, "nobody listens"), GANTRY_EINVAL);
    CHECK_STR(gy_status_name(GANTRY_EUNAVAIL), "EUNAVAIL");
    CHECK_STR(gy_status_name(-99), "EINTERNAL");
    gy_autofree char *longer = gy_alloc(3000);
    memset(longer, 'x', 2999);
    gy_error_set(&err, GANTRY_EINVAL, "%s", longer);
    CHECK(strlen(err.text) < GY_ERROR_TEXT_MAX && gy_ends_with(err.text, "x..."));
}

static void buffers(void)
{
    struct gy_buf b = {0};
    gy_buf_str(&b, "ab");
    gy_buf_printf(&b, "%d", 12);
    CHECK_STR(b.text, "ab12");
    gy_buf_drop(&b, 1);
    CHECK_STR(b.text, "b12");
    for (int i = 0; i < 1000; i++)
        gy_buf_printf(&b, "%s", "0123456789");
    CHECK_INT(b.len, 10003);
    gy_autofree char *text = gy_buf_take(&b);
    CHECK_INT(strlen(text), 10003);
    gy_autofree char *empty = gy_buf_take(&b);
    CHECK_STR(empty, "");
}

static void utf8(void)
{
    static const struct {
        const char *text;
        size_t len;
        bool valid;
    } cases[] = {{"a\xc3\xa4", 3, true},
                 {"\xc0\x80", 2, false},
                 {"\xed\xa0\x80", 3, false},
                 {"\xf4\x90\x80\x80", 4, false},
                 {"\xe2\x82", 2, false},
                 {"a\0b", 3, false},
                 {"", 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(gy_utf8_is_valid(cases[i].text, cases[i].len), cases[i].valid);
}

static void names(void)
{
    CHECK(gy_is_label("web-1"));
    CHECK(!gy_is_label("-web") && !gy_is_label("Web") && !gy_is_label("") && !gy_is_label("a_b"));
    CHECK(gy_glob_match("a*c?", "abbcd") && !gy_glob_match("a*c?", "abbc") &&
          gy_glob_match("*", ""));
    const char *const words[] = {"replicas", "restart", "image"};
    CHECK_STR(gy_nearest("replcas", words, 3), "replicas");
    CHECK_STR(gy_nearest("zzzzzz", words, 3), NULL);
    char id[GY_ID_MAX];
    const uint8_t bits[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    gy_id_format(bits, id);
    CHECK_STR(id, "7777777777777777777777777"
                  "4");
}

static void numbers(void)
{
    int64_t n;
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_int_parse("-5", -10, 10, &n, &err), GANTRY_OK);
    CHECK_INT(n, -5);
    CHECK_INT(gy_int_parse("11", -10, 10, &n, &err), GANTRY_EINVAL);
    CHECK_STR(err.text, "11 is out of range: -10 to 10");
    CHECK_INT(gy_int_parse("1x", 0, 10, &n, &err), GANTRY_EINVAL);
    CHECK_INT(gy_int_parse("", 0, 10, &n, &err), GANTRY_EINVAL);
    CHECK_INT(gy_int_parse("99999999999999999999", INT64_MIN, INT64_MAX, &n, &err), GANTRY_EINVAL);
    CHECK_INT(gy_bytes_parse("1.5g", &n, &err), GANTRY_OK);
    CHECK_INT(n, 1610612736);
    CHECK_INT(gy_bytes_parse("64kb", &n, &err), GANTRY_OK);
    CHECK_INT(n, 65536);
    CHECK_INT(gy_bytes_parse("-1", &n, &err), GANTRY_EINVAL);
    CHECK_INT(gy_bytes_parse("1q", &n, &err), GANTRY_EINVAL);
    char text[32];
    gy_bytes_format(536870912, text);
    CHECK_STR(text, "512 MiB");
}

static void times(void)
{
    char text[GY_TIME_TEXT_MAX];
    int64_t ms;
    struct gy_error err = GY_ERROR_INIT;
    gy_time_format(1767323045678, text);
    CHECK_STR(text, "2026-01-02T03:04:05.678Z");
    CHECK_INT(gy_time_parse(text, 0, &ms, &err), GANTRY_OK);
    CHECK_INT(ms, 1767323045678);
    CHECK_INT(gy_time_parse("2026-01-02T04:04:05.678+01:00", 0, &ms, &err), GANTRY_OK);
    CHECK_INT(ms, 1767323045678);
    CHECK_INT(gy_duration_parse("1h5m30s500ms", &ms, &err), GANTRY_OK);
    CHECK_INT(ms, 3930500);
    CHECK_INT(gy_duration_parse("1.5h", &ms, &err), GANTRY_OK);
    CHECK_INT(ms, 5400000);
    CHECK_INT(gy_duration_parse("90", &ms, &err), GANTRY_EINVAL);
    CHECK_INT(gy_duration_parse("s", &ms, &err), GANTRY_EINVAL);
    gy_duration_format(240000, text);
    CHECK_STR(text, "4 min");
    CHECK(gy_time_mono_ms() > 0 && gy_time_mono_ns() > 0 && gy_time_wall_ms() > 1700000000000);
}

static void files(void)
{
    char folder[] = "/tmp/gantry-text-XXXXXX";
    REQUIRE(mkdtemp(folder));
    gy_autofree char *dir = gy_printf("%s/a/b", folder), *path = gy_printf("%s/a/b/f", folder),
                     *parent = gy_printf("%s/a", folder);
    struct gy_error err = GY_ERROR_INIT;
    CHECK_INT(gy_dir_make(dir, 0700, &err), GANTRY_OK);
    CHECK_INT(gy_dir_make(dir, 0700, &err), GANTRY_OK);
    CHECK_INT(gy_file_write(path, "hello", 5, 0600, &err), GANTRY_OK);
    char *bytes = NULL;
    size_t len = 0;
    CHECK_INT(gy_file_read(path, 5, &bytes, &len, &err), GANTRY_OK);
    CHECK_STR(bytes, "hello");
    free(bytes);
    CHECK_INT(gy_file_read(path, 4, &bytes, &len, &err), GANTRY_EINVAL);
    CHECK_INT(gy_file_read(folder, 4, &bytes, &len, &err) == GANTRY_OK, 0);
    unlink(path);
    CHECK_INT(gy_file_read(path, 4, &bytes, &len, &err), GANTRY_ENOTFOUND);
    rmdir(dir);
    rmdir(parent);
    CHECK_INT(rmdir(folder), 0);
}

SUITE("base.text", {"errors", errors}, {"buffers", buffers}, {"UTF-8", utf8}, {"names", names},
      {"numbers", numbers}, {"times", times}, {"files", files})
