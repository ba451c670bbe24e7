/* SPDX-License-Identifier: Apache-2.0 */
/* One CUnit executable per suite: declare cases, list them in SUITE(), both values are printed on
 * failure. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        int check_ok_ = !!(x);                                                                     \
        if (!check_ok_) fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #x);            \
        CU_assertImplementation(check_ok_, __LINE__, #x, __FILE__, "", CU_FALSE);                  \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        intmax_t check_got_ = (intmax_t)(got), check_want_ = (intmax_t)(want);                     \
        if (check_got_ != check_want_)                                                             \
            fprintf(stderr, "%s:%d: %s is %jd, expected %jd\n", __FILE__, __LINE__, #got,          \
                    check_got_, check_want_);                                                      \
        CU_assertImplementation(check_got_ == check_want_, __LINE__, #got " == " #want, __FILE__,  \
                                "", CU_FALSE);                                                     \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *check_got_ = (got), *check_want_ = (want);                                     \
        int check_ok_ = check_got_ && check_want_ ? !strcmp(check_got_, check_want_)               \
                                                  : check_got_ == check_want_;                     \
        if (!check_ok_)                                                                            \
            fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #got,    \
                    check_got_ ? check_got_ : "(null)", check_want_ ? check_want_ : "(null)");     \
        CU_assertImplementation(check_ok_, __LINE__, #got " == " #want, __FILE__, "", CU_FALSE);   \
    } while (0)

/* Without this nothing below makes sense: end the program. */
#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: required: %s\n", __FILE__, __LINE__, #x);                      \
            exit(2);                                                                               \
        }                                                                                          \
    } while (0)

struct suite_case {
    const char *name;
    void (*run)(void);
};

/* SUITE("store.memory", {"a watch replays", watch_replays}, ...) defines main(). */
#define SUITE(title_, ...)                                                                         \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct suite_case cases[] = {__VA_ARGS__};                                    \
        if (CU_initialize_registry() != CUE_SUCCESS) return 2;                                     \
        CU_pSuite suite = CU_add_suite(title_, NULL, NULL);                                        \
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)                                  \
            CU_add_test(suite, cases[i].name, cases[i].run);                                       \
        CU_basic_set_mode(CU_BRM_NORMAL);                                                          \
        CU_basic_run_tests();                                                                      \
        unsigned failed = CU_get_number_of_failures();                                             \
        CU_cleanup_registry();                                                                     \
        return failed ? 1 : 0;                                                                     \
    }

#endif
