/* What a store notices of rows that others changed, took away or put in, in each column, and of a schema that is not
 * its own. Also whose a database is: one service's, by whatever path, and readable for its owner alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/store/backup.h"
#include "tests/server/store_fixture.h"

static bt_error error;

static void create(bt_rule_store *store, const char *id) {
  if (bt_rule_store_create(store, "", make_definition(id, NULL), "ann", NULL, &error)) fail_msg("%s", error.message);
}

/* Rules "a", "b" and "c"; "b" has three versions. */
static void fill(const store_folder *folder) {
  bt_rule_store *store = open_store(folder->database);
  create(store, "a");
  create(store, "b");
  create(store, "c");
  for (int64_t version = 1; version < 3; version++) {
    bt_rule_definition *next = make_definition("b", version == 1 ? "when { x } always { y }" : NULL);
    assert_int_equal(bt_rule_store_update(store, "", next, version, "bob", NULL, &error), BT_OK);
  }
  bt_rule_store_close(store);
}

/* Changes rows as a disk does, which asks no trigger: they are lifted and put back as they were. */
static void change(const store_folder *folder, const char *sql) {
  char whole[4096];
  snprintf(
      whole, sizeof whole,
      "PRAGMA writable_schema = ON; CREATE TEMP TABLE kept AS SELECT type, name, tbl_name, rootpage, sql FROM "
      "sqlite_schema WHERE type = 'trigger'; DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA "
      "writable_schema = RESET; PRAGMA ignore_check_constraints = ON; %s; PRAGMA writable_schema = ON; INSERT INTO "
      "sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET",
      sql);
  run_sql(folder->database, whole);
}

static void expect_damaged(bt_rule_store *store, const char *id, const char *why) {
  const bt_rule_definition *found = NULL;
  assert_int_equal(bt_rule_store_get(store, "", id, &found, &error), BT_INVALID);
  if (!strstr(error.message, why)) fail_msg("%s: expected \"%s\" in \"%s\"", id, why, error.message);
  bt_rule_list broken;
  assert_int_equal(bt_rule_store_broken(store, "", &broken, &error), BT_OK);
  bool is_there = false;
  for (size_t i = 0; i < broken.count; i++)
    if (strcmp(broken.items[i]->fields.id, id) == 0) {
      is_there = true;
      assert_true(broken.items[i]->is_damaged && broken.items[i]->fields.enabled);
    }
  assert_true(is_there);
  bt_rule_list_dispose(&broken);
}

static void expect_fine(bt_rule_store *store, const char *id, int64_t version) {
  const bt_rule_definition *found = NULL;
  if (bt_rule_store_get(store, "", id, &found, &error)) fail_msg("%s", error.message);
  assert_int_equal(found->version, version);
  bt_rule_definition_unref(found);
}

/* Each value is one that the column may have. */
static void test_a_change_of_any_column_is_noticed(void **state) {
  (void)state;
  static const char *const changes[] = {"is_deletion = 1",
                                        "name = 'other'",
                                        "description = 'other'",
                                        "dsl = 'when { pii.read } always { audit.lag }'",
                                        "dsl = CAST(x'ff00' AS TEXT)",
                                        "severity = 'high'",
                                        "severity = 'hugh'",
                                        "has_severity = 1",
                                        "enabled = 0",
                                        "shadow = 1",
                                        "watch_all = 1",
                                        "labels = '{\"a\":\"b\"}'",
                                        "labels = '{'",
                                        "annotations = '{\"a\":\"b\"}'",
                                        "settle_ns = 1",
                                        "settle_ns = 0",
                                        "margin_ns = 1",
                                        "clock_skew_ns = 1",
                                        "require_complete = 1",
                                        "condition_hash = 'ab'",
                                        "created_at_ns = 1",
                                        "updated_at_ns = 1",
                                        "updated_by = ''",
                                        "budget = 1",
                                        "links_sampled = 1",
                                        "store = 'archive'"};
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    char sql[300];
    store_folder folder;
    store_folder_make(&folder);
    fill(&folder);
    snprintf(sql, sizeof sql, "UPDATE rule_versions SET %s WHERE rule_id = 'a'", changes[i]);
    change(&folder, sql);
    bt_rule_store *store = open_store(folder.database);
    expect_damaged(store, "a", "not what was written");
    expect_fine(store, "b", 3);
    assert_int_equal(bt_rule_store_broken_count(store), 1);
    const bt_rule_damage *damage;
    assert_int_equal(bt_rule_store_damage(store, &damage), 1);
    assert_string_equal(damage[0].rule_id, "a");
    assert_int_equal(damage[0].version, 1);
    bt_rule_store_close(store);
    store_folder_remove(&folder);
  }
}

static void test_rows_that_come_and_go(void **state) {
  (void)state;
  static const struct {
    const char *sql, *id, *why;
    size_t damaged;
  } rows[] = {{"DELETE FROM rule_versions WHERE rule_id = 'a'", "a", "it is gone", 1},
              {"DELETE FROM rule_versions WHERE rule_id = 'b' AND version = 3", "b", "it is gone", 1},
              {"UPDATE rule_versions SET rule_id = 'z' WHERE rule_id = 'a'", "a", "it is gone", 2},
              {"UPDATE rule_versions SET rule_id = 'z' WHERE rule_id = 'a'", "z", "has no checksum", 2},
              {"UPDATE rule_versions SET rule_id = CAST(x'07ff' AS TEXT) WHERE rule_id = 'a'", "a", "it is gone", 2},
              {"UPDATE rule_versions SET tenant = 'else' WHERE rule_id = 'a'", "a", "it is gone", 2},
              {"UPDATE rule_versions SET version = 9 WHERE rule_id = 'b' AND version = 1", "b", "has no checksum", 2},
              {"UPDATE rule_versions SET version = 9 WHERE rule_id = 'b' AND version = 3", "b", "has no checksum", 2},
              {"DELETE FROM version_seals WHERE rule_id = 'a'", "a", "has no checksum", 1},
              {"UPDATE version_seals SET checksum = 'x' WHERE rule_id = 'a'", "a", "not what was written", 1},
              {"UPDATE version_seals SET rule_id = 'b', version = 4 WHERE rule_id = 'a'", "b", "it is gone", 2}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    store_folder folder;
    const bt_rule_damage *damage;
    store_folder_make(&folder);
    fill(&folder);
    change(&folder, rows[i].sql);
    bt_rule_store *store = open_store(folder.database);
    expect_damaged(store, rows[i].id, rows[i].why);
    expect_fine(store, "c", 1);
    assert_int_equal(bt_rule_store_damage(store, &damage), rows[i].damaged);
    /* It can be mended, and stays so. */
    const bt_rule_definition *mended = NULL;
    if (bt_rule_store_update(store, "", make_definition(rows[i].id, NULL), 0, "ann", &mended, &error))
      fail_msg("row %zu: %s", i, error.message);
    int64_t version = mended->version;
    bt_rule_definition_unref(mended);
    bt_rule_store_close(store);
    store = open_store(folder.database);
    expect_fine(store, rows[i].id, version);
    bt_rule_store_close(store);
    store_folder_remove(&folder);
  }
}

/* Said, but the rule is as it was. */
static void test_an_old_version(void **state) {
  (void)state;
  store_folder folder;
  const bt_rule_damage *damage;
  bt_rule_version *versions;
  size_t count;
  store_folder_make(&folder);
  fill(&folder);
  change(&folder, "UPDATE rule_versions SET enabled = 0 WHERE rule_id = 'b' AND version = 2");
  bt_rule_store *store = open_store(folder.database);
  expect_fine(store, "b", 3);
  assert_int_equal(bt_rule_store_broken_count(store), 0);
  assert_int_equal(bt_rule_store_damage(store, &damage), 1);
  assert_int_equal(bt_rule_store_versions(store, "", "b", &versions, &count, &error), BT_OK);
  assert_int_equal(count, 3);
  assert_true(versions[1].definition->is_damaged);
  assert_null(versions[0].definition->broken);
  bt_rule_versions_free(versions, count);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

static void test_rows_of_before_are_sealed_once(void **state) {
  (void)state;
  store_folder folder;
  const bt_rule_damage *damage;
  store_folder_make(&folder);
  fill(&folder);
  /* Back to the first schema, which knew no seals, and no budgets. */
  run_sql(folder.database,
          "ALTER TABLE rule_versions DROP COLUMN store; ALTER TABLE rule_versions DROP COLUMN links_sampled; "
          "ALTER TABLE rule_versions DROP COLUMN budget; DROP "
          "TABLE version_seals; DROP TRIGGER rule_versions_follow; "
          "CREATE TRIGGER rule_versions_follow BEFORE "
          "INSERT ON rule_versions"
          "  WHEN NEW.version <> 1 + coalesce((SELECT max(version) FROM rule_versions WHERE tenant = NEW.tenant AND "
          "rule_id = NEW.rule_id), 0)"
          "  BEGIN SELECT RAISE(ABORT, 'versions of a rule follow each other'); END;"
          "DROP TABLE write_probe; CREATE TABLE write_probe (id INTEGER PRIMARY KEY CHECK (id = 1), at_ns INTEGER NOT "
          "NULL) STRICT; PRAGMA user_version = 1");
  bt_rule_store *store = open_store(folder.database);
  assert_int_equal(bt_rule_store_damage(store, &damage), 0);
  expect_fine(store, "b", 3);
  bt_rule_store_close(store);
  change(&folder, "DELETE FROM version_seals WHERE rule_id = 'c'");
  store = open_store(folder.database);
  expect_damaged(store, "c", "has no checksum"); /* once: a row without a seal does not get one later */
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

/* A row that was sealed with a budget, before rules could say that links are sampled. */
static void test_seals_of_an_older_schema_hold(void **state) {
  (void)state;
  store_folder folder;
  const bt_rule_damage *damage;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  bt_rule_definition *definition = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_rule_fields_init(&fields);
  fields.id = strdup("spends");
  fields.dsl = strdup("when { a } always { b }");
  fields.budget = 7;
  assert_int_equal(bt_rule_definition_new(&fields, &definition, &diagnostics, &error), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  assert_int_equal(bt_rule_store_create(store, "", definition, NULL, NULL, &error), BT_OK);
  bt_rule_store_close(store);
  run_sql(folder.database,
          "ALTER TABLE rule_versions DROP COLUMN store; ALTER TABLE rule_versions DROP COLUMN links_sampled; "
          "PRAGMA user_version = 3");
  store = open_store(folder.database);
  assert_int_equal(bt_rule_store_damage(store, &damage), 0);
  expect_fine(store, "spends", 1);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

static void refuse_to_open(const char *path, bt_status status, const char *expected) {
  bt_rule_store *store = NULL;
  assert_int_equal(bt_rule_store_open(path, 0, &store, &error), status);
  assert_null(store);
  if (!strstr(error.message, expected)) fail_msg("expected \"%s\" in \"%s\"", expected, error.message);
}

static void test_another_schema_is_refused(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"PRAGMA user_version = -1", "the number -1, expected 0 to 5"},
      {"PRAGMA user_version = -2147483648", "the number -2147483648"},
      {"PRAGMA user_version = 0", "its schema is not"},
      {"PRAGMA user_version = 1", "its schema is not"},
      {"PRAGMA user_version = 2", "its schema is not"},
      {"PRAGMA user_version = 3", "its schema is not"},
      {"PRAGMA user_version = 4", "its schema is not"},
      {"PRAGMA user_version = 6", "newer betrace"},
      {"DROP TRIGGER rule_versions_stay", "rule_versions_stay"},
      {"CREATE TRIGGER more AFTER INSERT ON write_probe BEGIN SELECT 1; END", "its schema is not"},
      {"DROP TABLE version_seals", "version_seals"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    store_folder folder;
    store_folder_make(&folder);
    fill(&folder);
    run_sql(folder.database, rows[i][0]);
    refuse_to_open(folder.database, strstr(rows[i][1], "newer") ? BT_REFUSED : BT_IO, rows[i][1]);
    store_folder_remove(&folder);
  }
}

static void test_one_service_by_whatever_path(void **state) {
  (void)state;
  store_folder folder;
  char other[320];
  store_folder_make(&folder);
  fill(&folder);
  bt_rule_store *store = open_store(folder.database);
  snprintf(other, sizeof other, "%s/other.db", folder.path);
  assert_int_equal(symlink("rules.db", other), 0);
  refuse_to_open(other, BT_REFUSED, "another betrace has");
  assert_int_equal(unlink(other), 0);
  assert_int_equal(link(folder.database, other), 0);
  refuse_to_open(other, BT_REFUSED, "another betrace has");
  refuse_to_open(folder.database, BT_REFUSED, "another betrace has");
  create(store, "d");
  bt_rule_store_close(store);
  unlink(other);
  bt_rule_store_close(open_store(folder.database));
  store_folder_remove(&folder);
}

/* Of another process: flock is asked, not our list. */
static void test_a_lock_of_another_process(void **state) {
  (void)state;
  store_folder folder;
  int said[2], go[2];
  char byte = 0;
  store_folder_make(&folder);
  fill(&folder);
  assert_int_equal(pipe(said), 0);
  assert_int_equal(pipe(go), 0);
  pid_t child = fork();
  if (child == 0) {
    close(go[1]);
    bt_rule_store *store = open_store(folder.database);
    if (write(said[1], "x", 1) == 1 && read(go[0], &byte, 1) == 0) bt_rule_store_close(store);
    _exit(0);
  }
  close(go[0]);
  assert_int_equal(read(said[0], &byte, 1), 1);
  refuse_to_open(folder.database, BT_REFUSED, "another betrace has");
  close(go[1]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  bt_rule_store_close(open_store(folder.database));
  close(said[0]);
  close(said[1]);
  store_folder_remove(&folder);
}

static unsigned mode_of(const char *folder, const char *name) {
  char path[600];
  struct stat file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (stat(path, &file)) fail_msg("%s is not there", path);
  return file.st_mode & 0777;
}

static void test_files_are_for_their_owner(void **state) {
  (void)state;
  static const char *const names[] = {"rules.db", "rules.db-wal", "rules.db-shm"};
  store_folder folder;
  char copy[320];
  bt_backup_result made;
  mode_t before = umask(0);
  store_folder_make(&folder);
  for (int round = 0; round < 2; round++) { /* made by us; made for all by a service of before */
    bt_rule_store *store = open_store(folder.database);
    create(store, round ? "b" : "a");
    for (size_t i = 0; i < 3; i++) assert_int_equal(mode_of(folder.path, names[i]), 0600);
    bt_rule_store_close(store);
    assert_int_equal(chmod(folder.database, 0666), 0);
  }
  snprintf(copy, sizeof copy, "%s/copy.db", folder.path);
  assert_int_equal(bt_rule_store_backup(folder.database, copy, &made, &error), BT_OK);
  assert_int_equal(mode_of(folder.path, "copy.db"), 0600);
  umask(before);
  store_folder_remove(&folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_change_of_any_column_is_noticed),
      cmocka_unit_test(test_rows_that_come_and_go),
      cmocka_unit_test(test_an_old_version),
      cmocka_unit_test(test_rows_of_before_are_sealed_once),
      cmocka_unit_test(test_seals_of_an_older_schema_hold),
      cmocka_unit_test(test_another_schema_is_refused),
      cmocka_unit_test(test_one_service_by_whatever_path),
      cmocka_unit_test(test_a_lock_of_another_process),
      cmocka_unit_test(test_files_are_for_their_owner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
