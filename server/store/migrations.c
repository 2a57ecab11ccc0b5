/* One step per version of the schema; a step that was released never changes, a new one is added below it. PRAGMA
 * user_version counts the steps that were run, application_id tells our files from others. Thread: the caller's
 * connection.
 *
 * The only truth is rule_versions: a rule is what its highest version says, unless that is a deletion. Rows are never
 * changed or removed, and versions follow each other without gaps; triggers hold that also against other programs.
 * version_seals says what has to be there. */
#include "server/store/migrations.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store/database.h"
#include "server/store/row_seal.h"

enum { APPLICATION_ID = 0x42655472 }; /* "BeTr" */

typedef struct schema_step {
  const char *sql;
  bt_status (*fill)(sqlite3 *handle,
                    bt_error *error); /* what SQL alone cannot do with the rows that are there; or NULL */
} schema_step;

static const char first_step[] =
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
    "CREATE TABLE write_probe (id INTEGER PRIMARY KEY CHECK (id = 1), at_ns INTEGER NOT NULL) STRICT;";

/* Seals beside the rows (row_seal.h), and not in them: a row that is gone would have taken its own along. A version
 * that was lost is not given again, so versions follow what either table knows. */
static const char seal_step[] =
    "CREATE TABLE version_seals ("
    "  tenant TEXT NOT NULL,"
    "  rule_id TEXT NOT NULL,"
    "  version INTEGER NOT NULL CHECK (version > 0),"
    "  checksum TEXT NOT NULL,"
    "  PRIMARY KEY (tenant, rule_id, version)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER version_seals_stay BEFORE UPDATE ON version_seals"
    "  BEGIN SELECT RAISE(ABORT, 'a seal never changes'); END;"
    "CREATE TRIGGER version_seals_are_kept BEFORE DELETE ON version_seals"
    "  BEGIN SELECT RAISE(ABORT, 'a seal is never removed'); END;"
    /* As above: INSERT OR REPLACE removes rows without asking. */
    "CREATE TRIGGER version_seals_are_set_once BEFORE INSERT ON version_seals"
    "  WHEN EXISTS (SELECT 1 FROM version_seals WHERE tenant = NEW.tenant AND rule_id = NEW.rule_id AND version = "
    "NEW.version)"
    "  BEGIN SELECT RAISE(ABORT, 'a seal never changes'); END;"
    "DROP TRIGGER rule_versions_follow;"
    "CREATE TRIGGER rule_versions_follow BEFORE INSERT ON rule_versions"
    "  WHEN NEW.version <> 1 + max("
    "    coalesce((SELECT max(version) FROM rule_versions WHERE tenant = NEW.tenant AND rule_id = NEW.rule_id), 0),"
    "    coalesce((SELECT max(version) FROM version_seals WHERE tenant = NEW.tenant AND rule_id = NEW.rule_id), 0))"
    "  BEGIN SELECT RAISE(ABORT, 'versions of a rule follow each other'); END;"
    "ALTER TABLE write_probe ADD COLUMN filler BLOB;";

static const char budget_step[] = "ALTER TABLE rule_versions ADD COLUMN budget INTEGER CHECK (budget > 0);";

static const char links_step[] =
    "ALTER TABLE rule_versions ADD COLUMN links_sampled INTEGER CHECK (links_sampled IN (0, 1));";

static const char store_step[] = "ALTER TABLE rule_versions ADD COLUMN store TEXT CHECK (store <> '');";

static const schema_step steps[] = {{first_step, NULL},
                                    {seal_step, bt_row_seals_add_missing},
                                    {budget_step, NULL},
                                    {links_step, NULL},
                                    {store_step, NULL}};
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
  if (version < 0)
    return bt_error_set(error, BT_IO,
                        "the rule database %.200s is damaged: its schema has the number %" PRId64
                        ", expected 0 to %d; keep a copy, and put a backup in its place",
                        path, version, STEP_COUNT);
  if (version > STEP_COUNT)
    return bt_error_set(error, BT_REFUSED,
                        "the rule database %.200s was written by a newer betrace (schema %" PRId64
                        ", this one knows up to %d); run that version, or restore the backup made before the upgrade",
                        path, version, STEP_COUNT);
  return BT_OK;
}

/* The same schema in memory, made by the same steps. */
static bt_status make_model(int64_t version, sqlite3 **out, bt_error *error) {
  bt_status status = BT_OK;
  if (sqlite3_open_v2(":memory:", out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    status = bt_database_fail(*out, "check", error);
  for (int64_t i = 0; !status && i < version; i++) status = bt_database_execute(*out, steps[i].sql, "check", error);
  return status;
}

static bool is_same_text(sqlite3_stmt *a, sqlite3_stmt *b, int column) {
  const char *left = (const char *)sqlite3_column_text(a, column),
             *right = (const char *)sqlite3_column_text(b, column);
  return left && right ? strcmp(left, right) == 0 : left == right;
}

static bt_status compare_objects(sqlite3_stmt *found, sqlite3_stmt *model, const char *path, bt_error *error) {
  int is_found, is_expected;
  do {
    is_found = sqlite3_step(found);
    is_expected = sqlite3_step(model);
    if (is_found == SQLITE_ROW && is_expected == SQLITE_ROW && is_same_text(found, model, 0) &&
        is_same_text(found, model, 1) && is_same_text(found, model, 2))
      continue;
    if (is_found == SQLITE_DONE && is_expected == SQLITE_DONE) return BT_OK;
    if (is_found != SQLITE_ROW && is_found != SQLITE_DONE)
      return bt_database_fail(sqlite3_db_handle(found), "check", error);
    const char *name = (const char *)sqlite3_column_text(is_expected == SQLITE_ROW ? model : found, 1);
    return bt_error_set(error, BT_IO,
                        "the rule database %.200s is damaged, or another program changed it: its schema is not what "
                        "betrace makes (where \"%.60s\" should be); keep a copy, and put a backup in its place",
                        path, name ? name : "");
  } while (true);
}

bt_status bt_migrations_compare(sqlite3 *handle, const char *path, bt_error *error) {
  /* SQLite's own statistics are no part of it: somebody may have run ANALYZE. */
  static const char sql[] =
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
  sqlite3 *memory = NULL;
  sqlite3_stmt *found = NULL, *model = NULL;
  int64_t version = 0;
  bt_status status = bt_database_integer(handle, "PRAGMA user_version", "read", &version, error);
  if (!status) status = make_model(version, &memory, error);
  if (!status && sqlite3_prepare_v2(handle, sql, -1, &found, NULL) != SQLITE_OK)
    status = bt_database_fail(handle, "check", error);
  if (!status && sqlite3_prepare_v2(memory, sql, -1, &model, NULL) != SQLITE_OK)
    status = bt_database_fail(memory, "check", error);
  if (!status) status = compare_objects(found, model, path, error);
  sqlite3_finalize(found);
  sqlite3_finalize(model);
  sqlite3_close(memory);
  return status;
}

static bt_status run_step(sqlite3 *handle, int step, bt_error *error) {
  char mark[128];
  snprintf(mark, sizeof mark, "PRAGMA user_version=%d; PRAGMA application_id=%d", step + 1, APPLICATION_ID);
  bt_status status = bt_database_begin(handle, error);
  if (status) return status;
  status = bt_database_execute(handle, steps[step].sql, "upgrade", error);
  if (!status && steps[step].fill) status = steps[step].fill(handle, error);
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
