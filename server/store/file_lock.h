/* One service a database: a lock on the file itself, so that it holds whatever path leads there, symbolic and hard
 * links included. It is flock's, which knows nothing of the fcntl locks that SQLite takes on the same file. But closing
 * any descriptor of a file drops all fcntl locks that the process has on it. So this lock opens its descriptor before
 * SQLite and closes it after, and refuses a file that this process has open already. For server/store alone. Thread:
 * any. */
#ifndef BT_SERVER_STORE_FILE_LOCK_H
#define BT_SERVER_STORE_FILE_LOCK_H

#include "dsl/base/error.h"

typedef struct bt_file_lock bt_file_lock;

/* new. Makes the file where there is none, for its owner alone. BT_REFUSED: another betrace has it. BT_IO: it cannot be
 * opened or locked. BT_INVALID: the path is too long. BT_NO_MEMORY. NULL for ":memory:" and "". */
bt_status bt_file_lock_take(const char *path, bt_file_lock **out, bt_error *error) BT_MUST_CHECK;
/* Is what the path names now, after SQLite opened it, what was locked? BT_IO: it is not. */
bt_status bt_file_lock_still_holds(const bt_file_lock *lock, const char *path, bt_error *error) BT_MUST_CHECK;
/* Takes the rights of group and others from the file, and from SQLite's files beside it; those it makes later get the
 * rights of the file. `path` is where SQLite has it: with no symbolic link in it. BT_IO: they cannot be taken. */
bt_status bt_file_lock_keep_private(const bt_file_lock *lock, const char *path, bt_error *error) BT_MUST_CHECK;
void bt_file_lock_release(bt_file_lock *lock); /* NULL is fine */

#endif
