/* The SQLite file: opened safely, checked, and its errors put into our words. For server/store alone.
 * Thread: a connection belongs to one thread at a time. Errors, where nothing else is said: BT_IO, the file cannot be
 * read or written; BT_LIMIT, a value is too long for it; BT_NO_MEMORY. */
#ifndef BT_SERVER_STORE_DATABASE_H
#define BT_SERVER_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/store/file_lock.h"

typedef struct bt_database { /* stays where it was opened */
  sqlite3 *handle;
  bt_file_lock *lock;        /* held while the service has the database; NULL: in memory */
  atomic_bool hurries;       /* any thread sets it: what is locked by another program fails at once */
  int64_t waits_since_ns;    /* for a lock, monotonic */
  int64_t waited_in_vain_ns; /* until when the last wait that was in vain went on; 0: none */
} bt_database;

/* Opens or creates; takes the lock that keeps a second service out; refuses what is damaged, of another program, or of
 * a newer version, and says what to do; brings an older one up to date. *out is to be closed also after an error.
 * BT_REFUSED: it is locked, another program's, or newer. BT_INVALID: the path is too long. */
bt_status bt_database_open(const char *path, bt_database *out, bt_error *error) BT_MUST_CHECK;
void bt_database_close(bt_database *database);

/* The last error of the connection as a status and a message without SQL or paths. `doing` completes "cannot …". */
bt_status bt_database_fail(sqlite3 *handle, const char *doing, bt_error *error);
bt_status bt_database_execute(sqlite3 *handle, const char *sql, const char *doing, bt_error *error) BT_MUST_CHECK;
/* The integer in the first column of the first row. */
bt_status bt_database_integer(sqlite3 *handle, const char *sql, const char *doing, int64_t *out,
                              bt_error *error) BT_MUST_CHECK;

/* Looks through all pages, and whether tables and indexes say the same. BT_IO: it is damaged; the message says what is
 * wrong first, and what to do. */
bt_status bt_database_check(sqlite3 *handle, const char *path, bt_error *error) BT_MUST_CHECK;

bt_status bt_database_begin(sqlite3 *handle, bt_error *error) BT_MUST_CHECK;  /* for writing, at once */
bt_status bt_database_commit(sqlite3 *handle, bt_error *error) BT_MUST_CHECK; /* rolls back when it fails */
void bt_database_rollback(sqlite3 *handle);

#endif
