/* Versions of rules as rows. For server/store alone. Thread: the caller's connection. */
#ifndef BT_SERVER_STORE_RULE_ROWS_H
#define BT_SERVER_STORE_RULE_ROWS_H

#include <sqlite3.h>

#include "server/rule_definition.h"

/* Adds one version. `fields` and `record` (with its condition hash) are borrowed. */
bt_status bt_rule_rows_insert(sqlite3 *handle, const char *tenant, const bt_rule_fields *fields,
                              const bt_rule_record *record, bool is_deletion, bt_error *error) BT_MUST_CHECK;
/* The highest version of an id, 0 where there never was one. */
bt_status bt_rule_rows_highest(sqlite3 *handle, const char *tenant, const char *id, int64_t *version,
                               bt_error *error) BT_MUST_CHECK;

/* Takes the definition. */
typedef bt_status (*bt_rule_rows_visit)(void *context, const char *tenant, bt_rule_definition *definition,
                                        bool is_deletion, bt_error *error);
/* The present version of every rule, by tenant and id. */
bt_status bt_rule_rows_current(sqlite3 *handle, bt_rule_rows_visit visit, void *context, bt_error *error) BT_MUST_CHECK;
/* Every version of one id, oldest first. */
bt_status bt_rule_rows_history(sqlite3 *handle, const char *tenant, const char *id, bt_rule_rows_visit visit,
                               void *context, bt_error *error) BT_MUST_CHECK;
/* Every version of the ids that got one at or after this time and have ever been able to name a framework; by id, oldest first. */
bt_status bt_rule_rows_changed(sqlite3 *handle, const char *tenant, int64_t since_ns, bt_rule_rows_visit visit,
                               void *context, bt_error *error) BT_MUST_CHECK;

#endif
