#include "base/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Each error known here says what glibc's words say; musl has other words for some. */
static void test_words(void **state)
{
    static const int errors[] = {EACCES,       ECONNREFUSED, ECONNRESET, EEXIST,  EISDIR,
                                 ENAMETOOLONG, ENOENT,       ENOSPC,     ENOTDIR, ENOTEMPTY,
                                 EROFS,        EPERM,        ETIMEDOUT,  EPIPE,   EMFILE,
                                 ENETUNREACH,  EINVAL,       EDQUOT};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
#ifdef __GLIBC__
        assert_string_equal(fault_words(errors[i]), strerror(errors[i]));
#else
        assert_null(strstr(fault_words(errors[i]), "system error"));
#endif
}

static void test_unknown(void **state)
{
    (void)state;
    assert_string_equal(fault_words(0), "system error 0");
    assert_string_equal(fault_words(12345), "system error 12345");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
