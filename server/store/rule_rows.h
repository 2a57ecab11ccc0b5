/* Versions of rules as rows. For server/store alone. Thread: the caller's connection. Errors: BT_IO, the file cannot be
 * read or written, or holds what no rule is; BT_LIMIT, a value is too long for it; BT_NO_MEMORY; or what a visit
 * returned. */
#ifndef BT_SERVER_STORE_RULE_ROWS_H
#define BT_SERVER_STORE_RULE_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/rules/rule_definition.h"

/* Adds one version and its seal. `fields` and `record` (with its condition hash) are borrowed. */
bt_status bt_rule_rows_insert(sqlite3 *handle, const char *tenant, const bt_rule_fields *fields,
                              const bt_rule_record *record, bool is_deletion, bt_error *error) BT_MUST_CHECK;
/* The highest version of an id that a row or a seal knows, 0 where there never was one. */
bt_status bt_rule_rows_highest(sqlite3 *handle, const char *tenant, const char *id, int64_t *version,
                               bt_error *error) BT_MUST_CHECK;

/* All versions that a tenant has, deletions included. */
bt_status bt_rule_rows_count(sqlite3 *handle, const char *tenant, int64_t *count, bt_error *error) BT_MUST_CHECK;

typedef struct bt_stored_row {
  const char *tenant,
      *id; /* borrowed until the visit returns; of a damaged row as they are, whatever bytes that may be */
  int64_t version;
  bool is_deletion;
  const char *damage;             /* NULL: it is as it was written; else what is wrong with it (a literal) */
  bt_rule_definition *definition; /* taken; NULL: damaged, and its id or tenant can be none */
} bt_stored_row;
typedef bt_status (*bt_rule_rows_visit)(void *context, const bt_stored_row *row, bt_error *error);
/* Every version of every rule, by tenant, id and version. */
bt_status bt_rule_rows_all(sqlite3 *handle, bt_rule_rows_visit visit, void *context, bt_error *error) BT_MUST_CHECK;
/* Every version of one id, oldest first. */
bt_status bt_rule_rows_history(sqlite3 *handle, const char *tenant, const char *id, bt_rule_rows_visit visit,
                               void *context, bt_error *error) BT_MUST_CHECK;
/* Every version of the ids that got one at or after this time and have ever been able to name a framework; by id,
 * oldest first. */
bt_status bt_rule_rows_changed(sqlite3 *handle, const char *tenant, int64_t since_ns, bt_rule_rows_visit visit,
                               void *context, bt_error *error) BT_MUST_CHECK;

#endif
