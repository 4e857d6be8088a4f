/* Whom workers run as: names and numbers become ids, or a sentence. */
/* wrap: syscall getpwnam getpwuid getgrnam */
#include "tests/support/cmocka_all.h"

#include "master/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/syscall.h>

static struct sandbox_plan plan;
static const char *option;
static char why[128];
static uint32_t capabilities;
static int capget_error;

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list arguments;
    struct __user_cap_data_struct *data;

    va_start(arguments, number);
    (void)va_arg(arguments, void *);
    data = va_arg(arguments, struct __user_cap_data_struct *);
    va_end(arguments);
    assert_int_equal(number, SYS_capget);
    data->effective = capabilities;
    errno = capget_error;
    return capget_error ? -1 : 0;
}

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
    static struct passwd entry = {.pw_uid = 33, .pw_gid = 34};
    return strcmp(name, "www-data") == 0 ? &entry : NULL;
}

struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid)
{
    static struct passwd entry = {.pw_uid = 33, .pw_gid = 34};
    return uid == 33 ? &entry : NULL;
}

struct group *__wrap_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name)
{
    static struct group entry = {.gr_gid = 50};
    return strcmp(name, "staff") == 0 ? &entry : NULL;
}

static int begin(void **state)
{
    (void)state;
    plan = (struct sandbox_plan){0};
    why[0] = '\0';
    capget_error = 0;
    capabilities = 1u << CAP_SETUID | 1u << CAP_SETGID;
    return 0;
}

static int find(const char *user, const char *group)
{
    return identity_find(user, group, &plan, &option, why, sizeof why);
}

static void check_plan(uint32_t drops, uint32_t uid, uint32_t gid)
{
    assert_int_equal(plan.drops, drops);
    assert_int_equal(plan.uid, uid);
    assert_int_equal(plan.gid, gid);
}

static void nobody_asked_for__nothing_is_dropped(void **state)
{
    (void)state;
    capabilities = 0;
    assert_int_equal(find(NULL, NULL), 0);
    check_plan(0, 0, 0);
}

static void user__its_group_too(void **state)
{
    (void)state;
    assert_int_equal(find("www-data", NULL), 0);
    check_plan(SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, 33, 34);
}

static void number__of_a_known_user__its_group_too(void **state)
{
    (void)state;
    assert_int_equal(find("33", NULL), 0);
    check_plan(SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, 33, 34);
}

static void number__of_nobody__group_stays(void **state)
{
    (void)state;
    assert_int_equal(find("4000000", NULL), 0);
    check_plan(SANDBOX_DROPS_USER, 4000000, 0);
}

static void group__wins_over_that_of_the_user(void **state)
{
    (void)state;
    assert_int_equal(find("www-data", "staff"), 0);
    check_plan(SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP, 33, 50);
    plan = (struct sandbox_plan){0};
    assert_int_equal(find(NULL, "77"), 0);
    check_plan(SANDBOX_DROPS_GROUP, 0, 77);
}

static void unknown__named_with_its_option(void **state)
{
    const char *const names[] = {"ghost", "-1", "12x", "4294967295", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(find(names[i], NULL), -ENOENT);
        assert_string_equal(option, "user");
        assert_non_null(strstr(why, names[i]));
        assert_int_equal(find(NULL, names[i]), -ENOENT);
        assert_string_equal(option, "group");
        assert_non_null(strstr(why, names[i]));
    }
}

static void not_privileged__refused(void **state)
{
    (void)state;
    capabilities = 1u << CAP_SETUID;
    assert_int_equal(find("www-data", NULL), -EPERM);
    assert_string_equal(option, "user");
    capabilities = ~0u;
    capget_error = EPERM;
    assert_int_equal(find(NULL, "staff"), -EPERM);
    assert_string_equal(option, "group");
    assert_non_null(strstr(why, "root"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(nobody_asked_for__nothing_is_dropped),
        TEST(user__its_group_too),
        TEST(number__of_a_known_user__its_group_too),
        TEST(number__of_nobody__group_stays),
        TEST(group__wins_over_that_of_the_user),
        TEST(unknown__named_with_its_option),
        TEST(not_privileged__refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
