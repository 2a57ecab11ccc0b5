/* One step per version of the schema; a step that was released never changes, a new one is added below it. PRAGMA user_version counts the
 * steps that were run, application_id tells our files from others. Thread: the caller's connection.
 *
 * The only truth is rule_versions: a rule is what its highest version says, unless that is a deletion. Rows are never changed or removed,
 * and versions follow each other without gaps; triggers hold that also against other programs. */
#include "server/store/migrations.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/store/database.h"

enum { APPLICATION_ID = 0x42655472 }; /* "BeTr" */

static const char *const steps[] = {
    "CREATE TABLE rule_versions ("
    "  tenant TEXT NOT NULL,"
    "  rule_id TEXT NOT NULL,"
    "  version INTEGER NOT NULL CHECK (version > 0),"
    "  is_deletion INTEGER NOT NULL CHECK (is_deletion IN (0, 1)),"
    "  name TEXT NOT NULL,"
    "  description TEXT NOT NULL,"
    "  dsl TEXT NOT NULL,"
    "  severity TEXT NOT NULL,"
    "  has_severity INTEGER NOT NULL CHECK (has_severity IN (0, 1)),"
    "  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),"
    "  shadow INTEGER NOT NULL CHECK (shadow IN (0, 1)),"
    "  watch_all INTEGER NOT NULL CHECK (watch_all IN (0, 1)),"
    "  labels TEXT NOT NULL,"      /* a JSON object of strings */
    "  annotations TEXT NOT NULL," /* likewise */
    "  settle_ns INTEGER,"         /* NULL, here and below: the service's */
    "  margin_ns INTEGER,"
    "  clock_skew_ns INTEGER,"
    "  require_complete INTEGER CHECK (require_complete IN (0, 1)),"
    "  condition_hash TEXT NOT NULL,"
    "  created_at_ns INTEGER NOT NULL," /* of the rule, not of the version */
    "  updated_at_ns INTEGER NOT NULL,"
    "  updated_by TEXT NOT NULL,"
    "  PRIMARY KEY (tenant, rule_id, version)) STRICT;"
    "CREATE TRIGGER rule_versions_stay BEFORE UPDATE ON rule_versions"
    "  BEGIN SELECT RAISE(ABORT, 'a version of a rule never changes'); END;"
    "CREATE TRIGGER rule_versions_are_kept BEFORE DELETE ON rule_versions"
    "  BEGIN SELECT RAISE(ABORT, 'a version of a rule is never removed'); END;"
    /* Also stops INSERT OR REPLACE, which removes rows without asking the trigger above. */
    "CREATE TRIGGER rule_versions_follow BEFORE INSERT ON rule_versions"
    "  WHEN NEW.version <> 1 + coalesce((SELECT max(version) FROM rule_versions WHERE tenant = NEW.tenant AND rule_id "
    "= NEW.rule_id), 0)"
    "  BEGIN SELECT RAISE(ABORT, 'versions of a rule follow each other'); END;"
    "CREATE TABLE write_probe (id INTEGER PRIMARY KEY CHECK (id = 1), at_ns INTEGER NOT NULL) STRICT;"};
enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

bt_status bt_migrations_check(sqlite3 *handle, const char *path, bt_error *error) {
  int64_t application = 0, version = 0, objects = 0;
  bt_status status = bt_database_integer(handle, "SELECT count(*) FROM sqlite_schema", "read", &objects, error);
  if (!status) status = bt_database_integer(handle, "PRAGMA application_id", "read", &application, error);
  if (!status) status = bt_database_integer(handle, "PRAGMA user_version", "read", &version, error);
  if (status) return status;
  if (application != APPLICATION_ID && (objects || application || version))
    return bt_error_set(error, BT_REFUSED, "%.200s is a database of another program; name another file with --db",
                        path);
  if (version > STEP_COUNT)
    return bt_error_set(error, BT_REFUSED,
                        "the rule database %.200s was written by a newer betrace (schema %" PRId64
                        ", this one knows up to %d); run that version, or restore the backup made before the upgrade",
                        path, version, STEP_COUNT);
  return BT_OK;
}

static bt_status run_step(sqlite3 *handle, int step, bt_error *error) {
  char mark[128];
  snprintf(mark, sizeof mark, "PRAGMA user_version=%d; PRAGMA application_id=%d", step + 1, APPLICATION_ID);
  bt_status status = bt_database_begin(handle, error);
  if (status) return status;
  status = bt_database_execute(handle, steps[step], "upgrade", error);
  if (!status) status = bt_database_execute(handle, mark, "upgrade", error);
  if (!status) return bt_database_commit(handle, error);
  bt_database_rollback(handle);
  return status;
}

bt_status bt_migrations_run(sqlite3 *handle, bt_error *error) {
  int64_t version = 0;
  bt_status status = bt_database_integer(handle, "PRAGMA user_version", "read", &version, error);
  for (; !status && version < STEP_COUNT; version++) status = run_step(handle, (int)version, error);
  return status;
}
