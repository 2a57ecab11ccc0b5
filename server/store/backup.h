/* A copy of the rule database, taken while a service has it open. Thread: any; it opens connections of its own. */
#ifndef BT_SERVER_STORE_BACKUP_H
#define BT_SERVER_STORE_BACKUP_H

#include <stdint.h>

#include "dsl/base/error.h"

typedef struct bt_backup_result {
  int64_t rules, versions; /* in the copy; rules: ids that ever were */
} bt_backup_result;

/* Writes everything that was committed when it began to `file`, which must not exist: it appears whole and checked, on
 * the disk, or not at all. It is a database by itself: a service that is given it as --db has the rules. BT_CONFLICT:
 * `file` is there. BT_NOT_FOUND: no database. BT_IO, BT_REFUSED as bt_rule_store_open; also when what is read is
 * damaged. BT_INVALID: the path is too long. */
bt_status bt_rule_store_backup(const char *database, const char *file, bt_backup_result *out,
                               bt_error *error) BT_MUST_CHECK;

#endif
