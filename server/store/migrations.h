/* The schema of the rule database and how an older one becomes the present one. For server/store alone.
 * Thread: the one that opens the handle, before others have it. */
#ifndef BT_SERVER_STORE_MIGRATIONS_H
#define BT_SERVER_STORE_MIGRATIONS_H

#include <sqlite3.h>

#include "dsl/base/error.h"

/* BT_REFUSED: another program's database, or one of a newer betrace. BT_IO: its number is none that there ever was.
 * Nothing was changed. */
bt_status bt_migrations_check(sqlite3 *handle, const char *path, bt_error *error) BT_MUST_CHECK;
/* After bt_migrations_check: BT_IO when tables and triggers are not, text by text, those that the steps up to its
 * number make. */
bt_status bt_migrations_compare(sqlite3 *handle, const char *path, bt_error *error) BT_MUST_CHECK;
/* Runs the steps that are missing, each in a transaction of its own. Errors are those of database.h. */
bt_status bt_migrations_run(sqlite3 *handle, bt_error *error) BT_MUST_CHECK;

#endif
