/*
 * control_path: where control sockets lie: the folders, and the name of a server's socket in its folder.
 *
 *     /run/prefork-upper/             root's servers
 *     $XDG_RUNTIME_DIR/prefork-upper/ a user's, where a session manager gives him such a folder
 *     $TMPDIR/prefork-upper-UID/      a user's otherwise (/tmp without TMPDIR)
 *
 * In the temp directory anybody may make a folder of that name, so one that is not ours alone is never used:
 * neither to put a socket into it nor to look for one.
 */
#ifndef MASTER_CONTROL_PATH_H
#define MASTER_CONTROL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    CONTROL_PATH_SIZE = 108, /* sun_path of unix(7), NUL included */
    CONTROL_PLACE_COUNT_MAX = 3,
};

#define CONTROL_SUFFIX ".sock"

struct control_place {
    char folder[CONTROL_PATH_SIZE];
    mode_t mode; /* with which it is made */
};

/* Who asks; from the process by control_user_now(). */
struct control_user {
    uid_t uid;               /* effective */
    const char *runtime_dir; /* XDG_RUNTIME_DIR; NULL, empty or relative: none */
    const char *temp_dir;    /* TMPDIR; the same: /tmp */
};

struct control_user control_user_now(void);

/* The places where a server of that user may put its socket, best first. Returns how many; a folder whose
 * name leaves no room for a socket's is left out. */
unsigned control_places_to_serve(const struct control_user *user,
                                 struct control_place places[CONTROL_PLACE_COUNT_MAX]);

/* The places where that user may find servers, root's first. */
unsigned control_places_to_look(const struct control_user *user,
                                struct control_place places[CONTROL_PLACE_COUNT_MAX]);

/* Is it a directory (no link to one), the user's or root's, and can nobody else make files there? 0 or a
 * negative errno: -ENOENT, -ENOTDIR, -EPERM. */
int control_place_check(const struct control_place *place, uid_t uid);

/* Makes the folder if need be, and checks it. */
int control_place_prepare(const struct control_place *place, uid_t uid);

/*
 * The name of the socket of a server that is bound there ("127.0.0.1:9999", "unix:/path"): "9999.sock", or
 * `full`: "127.0.0.1:9999.sock", for the second server on a port. UNIX addresses have one name: their last
 * part and a hash.
 */
void control_socket_name(const char *bound, bool full, char *out, size_t size);

/* FOLDER/NAME; -ENAMETOOLONG: it does not fit a socket's address. */
int control_path_join(const char *folder, const char *name, char out[CONTROL_PATH_SIZE]);

#endif
