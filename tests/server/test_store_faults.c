/* The store and a world that goes wrong. The faults are: a disk that is full or dies at any write, a damaged file,
 * another program's file, a newer one, hands that reach into the history, a second service. Each time: an error with
 * what to do, and nothing lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/server/faulty_vfs.h"
#include "tests/server/store_fixture.h"

static bt_error error;

static size_t count_rules(bt_rule_store *store) {
  bt_rule_list list;
  assert_int_equal(bt_rule_store_snapshot(store, "", &list, &error), BT_OK);
  size_t count = list.count;
  bt_rule_list_dispose(&list);
  return count;
}

static void add_rules(bt_rule_store *store, int first, int count) {
  for (int i = first; i < first + count; i++) {
    char id[32];
    snprintf(id, sizeof id, "r%04d", i);
    if (bt_rule_store_create(store, "", make_definition(id, NULL), NULL, NULL, &error)) fail_msg("%s", error.message);
  }
}

static void refuse_to_open(const char *path, bt_status status, const char *expected) {
  bt_rule_store *store = NULL;
  bt_status got = bt_rule_store_open(path, 0, &store, &error);
  assert_null(store);
  if (got != status || !strstr(error.message, expected))
    fail_msg("expected %d with \"%s\", got %d: %s", status, expected, got, error.message);
  if (!strstr(error.message, path)) fail_msg("the file is not named: %s", error.message);
}

/* Creates and updates while write number n fails; what was answered with BT_OK is there, nothing else is, before and
 * after a restart. */
static bool survive_fault(int n, int code, const char *expected) {
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 0, 3);
  faulty_vfs_fail_after(n, code);
  bt_status created = bt_rule_store_create(store, "", make_definition("new", NULL), NULL, NULL, &error);
  if (created) {
    assert_int_equal(created, BT_IO);
    if (!strstr(error.message, expected)) fail_msg("expected \"%s\", got \"%s\"", expected, error.message);
    assert_null(strstr(error.message, folder.path));
    assert_null(strstr(error.message, "INSERT"));
  }
  bt_status disabled = bt_rule_store_set_enabled(store, "", "r0001", false, 0, NULL, NULL, &error);
  bt_status checked = bt_rule_store_check(store, &error);
  bool was_hit = faulty_vfs_stop();
  if (disabled) assert_int_equal(checked, BT_IO); /* not ready as long as nothing can be written */
  for (int round = 0; round < 2; round++) {
    const bt_rule_definition *rule = NULL;
    assert_int_equal(count_rules(store), created ? 3 : 4);
    assert_int_equal(bt_rule_store_get(store, "", "r0001", &rule, &error), BT_OK);
    assert_int_equal(rule->version, disabled ? 1 : 2);
    bt_rule_definition_unref(rule);
    if (round == 0) { /* it works again without a restart */
      assert_int_equal(bt_rule_store_check(store, &error), BT_OK);
      assert_int_equal(bt_rule_store_update(store, "", make_definition("r0002", NULL), 1, NULL, NULL, &error), BT_OK);
      bt_rule_store_close(store);
      store = open_store(folder.database);
    }
  }
  bt_rule_store_close(store);
  store_folder_remove(&folder);
  return was_hit;
}

static void test_a_disk_that_fails_at_any_write(void **state) {
  (void)state;
  static const struct {
    int code;
    const char *expected;
  } rows[] = {{SQLITE_FULL, "the disk is full"},
              {SQLITE_IOERR_WRITE, "the disk does not"},
              {SQLITE_IOERR_FSYNC, "the disk does not"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int n = 0;
    while (survive_fault(n, rows[i].code, rows[i].expected)) assert_true(++n < 200);
    assert_true(n > 3); /* several different writes were hit, not none */
  }
}

static void test_a_full_database_refuses_and_stays(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 0, 2);
  char *description = malloc(4097);
  assert_non_null(description);
  memset(description, 'd', 4096);
  description[4096] = '\0';
  faulty_vfs_fail_after(0, SQLITE_FULL);
  for (int i = 0; i < 5; i++) {
    bt_rule_definition *definition = make_definition("big", NULL);
    free(definition->fields.description);
    definition->fields.description = strdup(description);
    assert_int_equal(bt_rule_store_create(store, "", definition, NULL, NULL, &error), BT_IO);
    assert_non_null(strstr(error.message, "free some space"));
  }
  assert_true(faulty_vfs_stop());
  free(description);
  assert_int_equal(count_rules(store), 2);
  add_rules(store, 2, 1);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

/* Overwrites `count` bytes of a file from an offset. */
static void scribble(const char *path, long offset, size_t count) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, offset, SEEK_SET), 0);
  for (size_t i = 0; i < count; i++) assert_int_not_equal(fputc(0xA5, file), EOF);
  assert_int_equal(fclose(file), 0);
}

static void test_a_damaged_file_is_refused(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 0, 200);
  bt_rule_store_close(store);
  struct stat info;
  assert_int_equal(stat(folder.database, &info), 0);
  assert_true(info.st_size > 10 * 4096);
  scribble(folder.database, 5 * 4096, 4096);
  refuse_to_open(folder.database, BT_IO, "damaged");
  assert_non_null(strstr(error.message, "backup"));
  scribble(folder.database, 0, 100);
  refuse_to_open(folder.database, BT_IO, "it is not a database");
  store_folder_remove(&folder);
}

static void test_other_files_are_refused_and_left_alone(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  run_sql(folder.database, "CREATE TABLE notes (text)");
  refuse_to_open(folder.database, BT_REFUSED, "another program");
  run_sql(folder.database, "DROP TABLE notes; PRAGMA application_id = 17");
  refuse_to_open(folder.database, BT_REFUSED, "another program");
  run_sql(folder.database, "PRAGMA application_id = 0");
  bt_rule_store_close(open_store(folder.database));
  run_sql(folder.database, "PRAGMA user_version = 99");
  refuse_to_open(folder.database, BT_REFUSED, "newer betrace (schema 99");
  assert_true(sql_is_refused(folder.database, "PRAGMA user_version; CREATE TABLE rule_versions (a)", "already exists"));
  store_folder_remove(&folder);
}

static void test_places_that_cannot_be_opened(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  char path[400];
  snprintf(path, sizeof path, "%s/no/such/folder.db", folder.path);
  refuse_to_open(path, BT_IO, "its directory must exist");
  store_folder_remove(&folder);
}

static void test_a_second_service_is_kept_out(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  refuse_to_open(folder.database, BT_REFUSED, "another betrace");
  add_rules(store, 0, 1);
  bt_rule_store_close(store);
  bt_rule_store_close(open_store(folder.database));
  store_folder_remove(&folder);
}

/* Also for hands with another program: the history cannot be changed without removing the triggers first. */
static void test_history_is_immutable(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 0, 2);
  bt_rule_store_close(store);
  static const char *const rows[][2] = {
      {"UPDATE rule_versions SET name = 'x'", "never changes"},
      {"DELETE FROM rule_versions", "never removed"},
      {"INSERT OR REPLACE INTO rule_versions SELECT * FROM rule_versions", "follow each other"},
      {"INSERT INTO rule_versions SELECT tenant, rule_id, 3, 0, name, description, dsl, severity, has_severity, "
       "enabled, shadow, watch_all, "
       "labels, annotations, settle_ns, margin_ns, clock_skew_ns, require_complete, condition_hash, created_at_ns, "
       "updated_at_ns, "
       "updated_by, budget, links_sampled, store FROM rule_versions LIMIT 1",
       "follow each other"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (!sql_is_refused(folder.database, rows[i][0], rows[i][1])) fail_msg("not refused: %s", rows[i][0]);
  store_folder_remove(&folder);
}

/* A version that another program added behind the store's back must not be overwritten unseen. */
static void test_a_change_from_outside_is_noticed(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 0, 1);
  run_sql(folder.database, "INSERT INTO rule_versions SELECT tenant, rule_id, 2, 0, 'outside', description, dsl, "
                           "severity, has_severity, enabled, shadow, "
                           "watch_all, labels, annotations, settle_ns, margin_ns, clock_skew_ns, require_complete, "
                           "condition_hash, created_at_ns, "
                           "updated_at_ns, updated_by, budget, links_sampled, store FROM rule_versions");
  assert_int_equal(bt_rule_store_update(store, "", make_definition("r0000", NULL), 0, NULL, NULL, &error), BT_IO);
  assert_non_null(strstr(error.message, "another program changed"));
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

int main(void) {
  faulty_vfs_install();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_disk_that_fails_at_any_write),
      cmocka_unit_test(test_a_full_database_refuses_and_stays),
      cmocka_unit_test(test_a_damaged_file_is_refused),
      cmocka_unit_test(test_other_files_are_refused_and_left_alone),
      cmocka_unit_test(test_places_that_cannot_be_opened),
      cmocka_unit_test(test_a_second_service_is_kept_out),
      cmocka_unit_test(test_history_is_immutable),
      cmocka_unit_test(test_a_change_from_outside_is_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
