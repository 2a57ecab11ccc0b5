/* Copies of the rule database: whole and one file, also while somebody writes and on a disk that fails at any write;
 * never over another file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store/backup.h"
#include "tests/server/faulty_vfs.h"
#include "tests/server/store_fixture.h"

static bt_error error;

static void add_rules(bt_rule_store *store, int count) {
  for (int i = 0; i < count; i++) {
    char id[16];
    snprintf(id, sizeof id, "r%04d", i);
    assert_int_equal(bt_rule_store_create(store, "", make_definition(id, NULL), "ann", NULL, &error), BT_OK);
  }
}

/* The copy's own folder, so that store_folder_remove takes it away. */
static void copy_path(const store_folder *folder, char path[300]) {
  snprintf(path, 300, "%s/copy.db", folder->path);
}

static size_t count_files(const char *folder) {
  DIR *listing = opendir(folder);
  size_t count = 0;
  assert_non_null(listing);
  for (struct dirent *entry; (entry = readdir(listing));) count += entry->d_name[0] != '.';
  closedir(listing);
  return count;
}

static size_t count_rules_of(const char *database) {
  bt_rule_list list;
  bt_rule_store *store = open_store(database);
  assert_int_equal(bt_rule_store_snapshot(store, "", &list, &error), BT_OK);
  size_t count = list.count;
  bt_rule_list_dispose(&list);
  bt_rule_store_close(store);
  return count;
}

static void test_a_copy_is_the_database(void **state) {
  (void)state;
  store_folder folder;
  char copy[300];
  bt_backup_result made;
  store_folder_make(&folder);
  copy_path(&folder, copy);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 30);
  assert_int_equal(bt_rule_store_set_enabled(store, "", "r0003", false, 0, NULL, NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_delete(store, "", "r0004", 0, NULL, &error), BT_OK);
  size_t before = count_files(folder.path);
  if (bt_rule_store_backup(folder.database, copy, &made, &error)) fail_msg("%s", error.message);
  assert_int_equal(made.rules, 30);
  assert_int_equal(made.versions, 32);
  assert_int_equal(count_files(folder.path), before + 1);
  add_rules(store, 0);
  assert_int_equal(bt_rule_store_create(store, "", make_definition("later", NULL), NULL, NULL, &error), BT_OK);
  bt_rule_store_close(store);
  assert_int_equal(count_rules_of(copy), 29);
  assert_int_equal(count_rules_of(folder.database), 30);
  store_folder_remove(&folder);
}

static void test_what_is_there_stays(void **state) {
  (void)state;
  store_folder folder;
  char copy[300], unmade[320];
  bt_backup_result made;
  store_folder_make(&folder);
  copy_path(&folder, copy);
  snprintf(unmade, sizeof unmade, "%s/unmade.db", folder.path);
  assert_int_equal(bt_rule_store_backup(folder.database, copy, &made, &error), BT_NOT_FOUND);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 1);
  assert_int_equal(bt_rule_store_backup(folder.database, folder.database, &made, &error), BT_CONFLICT);
  assert_non_null(strstr(error.message, "there already"));
  FILE *file = fopen(copy, "w");
  assert_non_null(file);
  fputs("mine", file);
  fclose(file);
  assert_int_equal(bt_rule_store_backup(folder.database, copy, &made, &error), BT_CONFLICT);
  struct stat info;
  assert_int_equal(stat(copy, &info), 0);
  assert_int_equal(info.st_size, 4);
  bt_rule_store_close(store);
  assert_int_equal(bt_rule_store_backup(copy, unmade, &made, &error), BT_IO); /* no database */
  char nowhere[400];
  snprintf(nowhere, sizeof nowhere, "%s/no/copy.db", folder.path);
  assert_int_equal(bt_rule_store_backup(folder.database, nowhere, &made, &error), BT_IO);
  store_folder_remove(&folder);
}

typedef struct writer {
  bt_rule_store *store;
  atomic_bool is_done;
  atomic_int versions; /* acknowledged, besides the first */
} writer;

static void *write_on(void *argument) {
  writer *w = argument;
  bt_error own;
  while (!atomic_load(&w->is_done)) {
    bt_status status = bt_rule_store_update(w->store, "", make_definition("r0000", NULL), 0, NULL, NULL, &own);
    if (!status) atomic_fetch_add(&w->versions, 1);
  }
  return NULL;
}

static void test_a_copy_while_somebody_writes(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  writer w = {.store = open_store(folder.database)};
  pthread_t thread;
  add_rules(w.store, 50);
  assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
  for (int i = 0; i < 10; i++) {
    char copy[320];
    bt_backup_result made;
    snprintf(copy, sizeof copy, "%s/copy-%d.db", folder.path, i);
    int acknowledged = atomic_load(&w.versions);
    if (bt_rule_store_backup(folder.database, copy, &made, &error)) fail_msg("%s", error.message);
    assert_true(made.versions >= 50 + acknowledged);
    assert_true(made.versions <= 50 + atomic_load(&w.versions) + 1); /* one may be on the disk and not said yet */
    assert_int_equal(count_rules_of(copy), 50);
  }
  atomic_store(&w.is_done, true);
  pthread_join(thread, NULL);
  bt_rule_store_close(w.store);
  store_folder_remove(&folder);
}

static bool survive_fault(int n, int code) {
  store_folder folder;
  char copy[300];
  bt_backup_result made;
  store_folder_make(&folder);
  copy_path(&folder, copy);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 3);
  size_t before = count_files(folder.path);
  faulty_vfs_fail_after(n, code);
  bt_status status = bt_rule_store_backup(folder.database, copy, &made, &error);
  bool was_hit = faulty_vfs_stop();
  assert_true(status == BT_OK || (status == BT_IO && was_hit));
  assert_int_equal(access(copy, F_OK) == 0, status == BT_OK);
  assert_int_equal(count_files(folder.path), before + (status == BT_OK)); /* nothing in part */
  bt_rule_store_close(store);
  if (!status) assert_int_equal(count_rules_of(copy), 3);
  store_folder_remove(&folder);
  return was_hit;
}

static void test_a_disk_that_fails(void **state) {
  (void)state;
  static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_FSYNC};
  for (size_t i = 0; i < 2; i++) {
    int n = 0;
    while (survive_fault(n, codes[i])) assert_true(++n < 200);
    assert_true(n > 3);
  }
}

static void test_damaged_pages_are_not_passed_on(void **state) {
  (void)state;
  store_folder folder;
  char copy[300];
  bt_backup_result made;
  store_folder_make(&folder);
  copy_path(&folder, copy);
  bt_rule_store *store = open_store(folder.database);
  add_rules(store, 200);
  bt_rule_store_close(store);
  FILE *file = fopen(folder.database, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, 5 * 4096, SEEK_SET), 0);
  for (int i = 0; i < 4096; i++) fputc(0xA5, file);
  fclose(file);
  assert_int_equal(bt_rule_store_backup(folder.database, copy, &made, &error), BT_IO);
  assert_non_null(strstr(error.message, "damaged"));
  assert_int_not_equal(access(copy, F_OK), 0);
  store_folder_remove(&folder);
}

int main(void) {
  faulty_vfs_install();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_copy_is_the_database), cmocka_unit_test(test_what_is_there_stays),
      cmocka_unit_test(test_a_copy_while_somebody_writes), cmocka_unit_test(test_a_disk_that_fails),
      cmocka_unit_test(test_damaged_pages_are_not_passed_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
