/* Where control sockets lie: folders by user and environment, folders that are not trusted, names. */
#include "tests/support/cmocka_all.h"

#include "master/control_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct control_place places[CONTROL_PLACE_COUNT_MAX];
static char directory[] = "/tmp/test_control_path.XXXXXX";
static struct control_place place = {.mode = 0700};

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(place.folder, sizeof place.folder, "%s/prefork-upper-0", directory);
    return 0;
}

/* Fails when anything is left in the directory. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* ---- places ---- */

static void places_to_serve__root__one_folder_below_run(void **state)
{
    struct control_user root = {.uid = 0, .runtime_dir = "/run/user/0", .temp_dir = "/tmp"};

    (void)state;
    assert_int_equal(control_places_to_serve(&root, places), 1);
    assert_string_equal(places[0].folder, "/run/prefork-upper");
    assert_int_equal(places[0].mode, 0755);
}

static void places_to_serve__user_of_a_session__runtime_folder_then_temp(void **state)
{
    struct control_user user = {.uid = 1000, .runtime_dir = "/run/user/1000", .temp_dir = "/var/tmp"};

    (void)state;
    assert_int_equal(control_places_to_serve(&user, places), 2);
    assert_string_equal(places[0].folder, "/run/user/1000/prefork-upper");
    assert_string_equal(places[1].folder, "/var/tmp/prefork-upper-1000");
    assert_int_equal(places[1].mode, 0700);
}

static void places_to_serve__unset_empty_and_relative_folders__not_used(void **state)
{
    struct control_user user = {.uid = 1000, .runtime_dir = "run", .temp_dir = ""};

    (void)state;
    assert_int_equal(control_places_to_serve(&user, places), 1);
    assert_string_equal(places[0].folder, "/tmp/prefork-upper-1000");
    user = (struct control_user){.uid = 1000};
    assert_int_equal(control_places_to_serve(&user, places), 1);
    assert_string_equal(places[0].folder, "/tmp/prefork-upper-1000");
}

static void places_to_serve__folder_without_room_for_a_name__left_out(void **state)
{
    char deep[100];
    struct control_user user = {.uid = 1000, .runtime_dir = deep};

    (void)state;
    memset(deep, 'd', sizeof deep - 1);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(control_places_to_serve(&user, places), 1);
    assert_string_equal(places[0].folder, "/tmp/prefork-upper-1000");
}

static void places_to_look__any_user__roots_first(void **state)
{
    struct control_user user = {.uid = 1000, .runtime_dir = "/run/user/1000"};

    (void)state;
    assert_int_equal(control_places_to_look(&user, places), 3);
    assert_string_equal(places[0].folder, "/run/prefork-upper");
    assert_string_equal(places[1].folder, "/run/user/1000/prefork-upper");
    assert_string_equal(places[2].folder, "/tmp/prefork-upper-1000");
}

static void user_now__environment__taken(void **state)
{
    (void)state;
    setenv("XDG_RUNTIME_DIR", "/run/user/77", 1);
    setenv("TMPDIR", "/elsewhere", 1);
    struct control_user user = control_user_now();
    assert_int_equal(user.uid, geteuid());
    assert_string_equal(user.runtime_dir, "/run/user/77");
    assert_string_equal(user.temp_dir, "/elsewhere");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("TMPDIR");
}

/* ---- folders ---- */

static void prepare__nothing_there__made_with_its_mode_whatever_the_umask(void **state)
{
    struct stat status;

    (void)state;
    mode_t before = umask(0777);
    assert_int_equal(control_place_prepare(&place, geteuid()), 0);
    assert_int_equal(umask(before), 0777);
    assert_int_equal(lstat(place.folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(control_place_prepare(&place, geteuid()), 0); /* again: it is there */
    rmdir(place.folder);
}

static void prepare__no_parent__fails(void **state)
{
    struct control_place nowhere = {.folder = "/nonexistent/a", .mode = 0700};

    (void)state;
    assert_int_equal(control_place_prepare(&nowhere, geteuid()), -ENOENT);
}

static void check__others_may_write_or_read__not_trusted(void **state)
{
    (void)state;
    mkdir(place.folder, 0700);
    chmod(place.folder, 0777);
    assert_int_equal(control_place_check(&place, geteuid()), -EPERM);
    chmod(place.folder, 0750);
    assert_int_equal(control_place_check(&place, geteuid()), -EPERM);
    chmod(place.folder, 0700);
    assert_int_equal(control_place_check(&place, geteuid()), 0);
    rmdir(place.folder);
}

static void check__of_another_user__not_trusted(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    mkdir(place.folder, 0700);
    assert_int_equal(chown(place.folder, 12345, 0), 0);
    assert_int_equal(control_place_check(&place, 1000), -EPERM);
    assert_int_equal(control_place_check(&place, 12345), 0);
    rmdir(place.folder);
}

static void check__link_to_a_good_folder__not_trusted(void **state)
{
    (void)state;
    assert_int_equal(symlink(directory, place.folder), 0);
    assert_int_equal(control_place_prepare(&place, geteuid()), -ENOTDIR);
    unlink(place.folder);
    assert_int_equal(control_place_check(&place, geteuid()), -ENOENT);
}

/* ---- names ---- */

static void expect_name(const char *bound, bool full, const char *name)
{
    char out[CONTROL_PATH_SIZE];

    control_socket_name(bound, full, out, sizeof out);
    assert_string_equal(out, name);
}

static void name__tcp__port_or_whole_address(void **state)
{
    (void)state;
    expect_name("127.0.0.1:9999", false, "9999.sock");
    expect_name("127.0.0.2:9999", true, "127.0.0.2:9999.sock");
    expect_name("[::]:80", false, "80.sock");
    expect_name("[::1]:80", true, "_::1_:80.sock");
}

static void name__unix__last_part_and_a_hash_of_the_whole(void **state)
{
    char one[CONTROL_PATH_SIZE], other[CONTROL_PATH_SIZE];

    (void)state;
    control_socket_name("unix:/run/a/upper.sock", false, one, sizeof one);
    control_socket_name("unix:/run/b/upper.sock", false, other, sizeof other);
    assert_int_equal(strncmp(one, "unix:upper.sock-", 16), 0);
    assert_int_equal(strlen(one), 16 + 8 + 5);
    assert_string_not_equal(one, other);
    control_socket_name("unix:@name with blanks", true, one, sizeof one);
    assert_int_equal(strncmp(one, "unix:_name_with_blanks-", 23), 0);
}

static void name__longest_addresses__fit_the_folder_of_the_temp_directory(void **state)
{
    char bound[200] = "unix:/", name[CONTROL_PATH_SIZE], path[CONTROL_PATH_SIZE];

    (void)state;
    memset(bound + 6, 'x', 110);
    control_socket_name(bound, false, name, sizeof name);
    assert_int_equal(control_path_join("/tmp/prefork-upper-4294967295", name, path), 0);
    control_socket_name("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%interface]:65535", true, name,
                        sizeof name);
    assert_int_equal(control_path_join("/tmp/prefork-upper-4294967295", name, path), 0);
}

static void join__too_long__refused(void **state)
{
    char name[CONTROL_PATH_SIZE], path[CONTROL_PATH_SIZE];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(control_path_join("/run", name, path), -ENAMETOOLONG);
    assert_int_equal(control_path_join("/run", "9999.sock", path), 0);
    assert_string_equal(path, "/run/9999.sock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_to_serve__root__one_folder_below_run),
        cmocka_unit_test(places_to_serve__user_of_a_session__runtime_folder_then_temp),
        cmocka_unit_test(places_to_serve__unset_empty_and_relative_folders__not_used),
        cmocka_unit_test(places_to_serve__folder_without_room_for_a_name__left_out),
        cmocka_unit_test(places_to_look__any_user__roots_first),
        cmocka_unit_test(user_now__environment__taken),
        cmocka_unit_test(prepare__nothing_there__made_with_its_mode_whatever_the_umask),
        cmocka_unit_test(prepare__no_parent__fails),
        cmocka_unit_test(check__others_may_write_or_read__not_trusted),
        cmocka_unit_test(check__of_another_user__not_trusted),
        cmocka_unit_test(check__link_to_a_good_folder__not_trusted),
        cmocka_unit_test(name__tcp__port_or_whole_address),
        cmocka_unit_test(name__unix__last_part_and_a_hash_of_the_whole),
        cmocka_unit_test(name__longest_addresses__fit_the_folder_of_the_temp_directory),
        cmocka_unit_test(join__too_long__refused),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
