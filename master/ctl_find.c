#include "master/ctl.h"
#include "worker/peer.h"
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SERVER_COUNT_MAX = 32, /* shown in the list; one more than one is too many already */
    ASK_ADDRESS_MS = 500,  /* for its address, while the list is made */
};

struct found {
    unsigned count;
    char forbidden[CONTROL_PATH_SIZE]; /* a socket of another user's; empty: none was met */
    char paths[SERVER_COUNT_MAX + 1][CONTROL_PATH_SIZE]; /* the last one is never used */
    pid_t pids[SERVER_COUNT_MAX + 1];
    char addresses[SERVER_COUNT_MAX][PEER_TEXT_SIZE];
};

/* ---- looking ---- */

/* Does a server answer there that is ours or root's? 0: yes. A socket that a dead one left refuses. */
static int look_at(const char *path, const struct control_user *user, int64_t timeout_ms, pid_t *pid)
{
    struct ctl_session session;
    int error = ctl_session_open(&session, path, timeout_ms);
    if (error)
        return error;
    *pid = session.pid;
    bool trusted = session.uid == user->uid || session.uid == 0;
    ctl_session_close(&session);
    return trusted ? 0 : -EPERM;
}

static int is_socket_name(const struct dirent *entry)
{
    return fnmatch("*" CONTROL_SUFFIX, entry->d_name, 0) == 0;
}

static void look_in(const struct control_place *place, const struct control_user *user, struct found *found)
{
    struct dirent **names = NULL;
    int count = control_place_check(place, user->uid) == 0
                    ? scandir(place->folder, &names, is_socket_name, alphasort)
                    : 0;
    for (int i = 0; i < count; i++) {
        char *path = found->paths[found->count];
        bool is_one = found->count < SERVER_COUNT_MAX &&
                      control_path_join(place->folder, names[i]->d_name, path) == 0;
        int error = is_one ? look_at(path, user, ASK_ADDRESS_MS, &found->pids[found->count]) : -ENOENT;
        if (error == -EACCES)
            memcpy(found->forbidden, path, sizeof found->forbidden);
        found->count += error == 0;
        free(names[i]);
    }
    free(names);
}

static void look_everywhere(struct found *found)
{
    struct control_user user = control_user_now();
    struct control_place places[CONTROL_PLACE_COUNT_MAX];
    unsigned count = control_places_to_look(&user, places);
    found->count = 0;
    found->forbidden[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        look_in(&places[i], &user, found);
}

/* ---- saying ---- */

static void ask_address(const char *path, char address[PEER_TEXT_SIZE])
{
    struct ctl_session session;
    struct ctl_answer answer = {0};
    const char *told = NULL;
    if (ctl_session_open(&session, path, ASK_ADDRESS_MS) == 0) {
        if (ctl_session_ask(&session, "status", &answer) == 0)
            told = json_string_value(json_object_get(answer.json, "address"));
        ctl_session_close(&session);
    }
    snprintf(address, PEER_TEXT_SIZE, "%s", told ? told : "(says nothing)");
    json_decref(answer.json);
}

static int tell_several(const char *command, struct found *found)
{
    int width = 0;
    for (unsigned i = 0; i < found->count; i++) {
        ask_address(found->paths[i], found->addresses[i]);
        int length = (int)strlen(found->addresses[i]);
        width = length > width ? length : width;
    }
    fprintf(stderr, "prefork-upper %s: %u%s servers are running; say which one by --control:\n", command,
            found->count, found->count == SERVER_COUNT_MAX ? " or more" : "");
    for (unsigned i = 0; i < found->count; i++)
        fprintf(stderr, "  %-*s  pid %-7d  --control %s\n", width, found->addresses[i], (int)found->pids[i],
                found->paths[i]);
    return EXIT_USAGE;
}

static int tell_none(const char *command, const struct found *found)
{
    struct control_user user = control_user_now();
    struct control_place places[CONTROL_PLACE_COUNT_MAX];
    unsigned count = control_places_to_look(&user, places);
    fprintf(stderr, "prefork-upper %s: no server found in", command);
    for (unsigned i = 0; i < count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", places[i].folder);
    fprintf(stderr, "%s%s%s\n", found->forbidden[0] ? "; you may not use " : "", found->forbidden,
            found->forbidden[0] ? ", which is another user's" : "");
    return EXIT_UNAVAILABLE;
}

/* ---- which one ---- */

static int open_one(struct ctl_session *session, const struct ctl_options *options, const char *path)
{
    int error = ctl_session_open(session, path, options->timeout_ms);
    session->command = options->command;
    if (!error)
        return EXIT_DONE;
    if (error == -ENAMETOOLONG)
        fprintf(stderr, "prefork-upper %s: %s: no socket has so long a path\n", options->command, path);
    else
        return ctl_session_fail(session, error, 0);
    return EXIT_USAGE;
}

int ctl_find(struct ctl_session *session, const struct ctl_options *options)
{
    if (options->control)
        return open_one(session, options, options->control);
    struct found *found = malloc(sizeof *found);
    int code = EXIT_FAILED;
    if (!found) {
        fprintf(stderr, "prefork-upper %s: no memory\n", options->command);
        return code;
    }
    look_everywhere(found);
    if (found->count == 0)
        code = tell_none(options->command, found);
    else if (found->count > 1)
        code = tell_several(options->command, found);
    else
        code = open_one(session, options, found->paths[0]);
    free(found);
    return code;
}
