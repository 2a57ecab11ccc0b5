/* Folders of rule files under an allocator that fails at each call in turn: an error each time, nothing leaked. What is
 * found in folders is tested by tests/e2e/test_rule_files.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/rule_paths.h"
#include "tests/support/failing_alloc.h"

static char folder[] = P_tmpdir "/betrace-paths-XXXXXX";

static void path_in_folder(const char *name, char path[256]) {
  snprintf(path, 256, "%s/%s", folder, name);
}

static void write_empty_file(const char *name) {
  char path[256];
  path_in_folder(name, path);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fclose(file);
}

static void test_each_failure(void **state) {
  char *const paths[] = {folder, "-"};
  (void)state;
  for (size_t n = 0;; n++) {
    bt_rule_paths found;
    bt_error error = {0};
    assert_true(n < 100);
    failing_alloc_after(n);
    bt_status status = bt_rule_paths_find(paths, 2, &found, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) {
      assert_int_equal(found.count, 3);
      assert_true(strstr(found.items[0], "/a.yaml") && strstr(found.items[1], "/deep/b.json"));
      assert_string_equal(found.items[2], "-");
    }
    bt_rule_paths_dispose(&found);
    if (was_refused) continue;
    assert_true(n >= 3);
    return;
  }
}

static int make_folder(void **state) {
  char path[256];
  (void)state;
  if (!mkdtemp(folder)) return 1;
  path_in_folder("deep", path);
  if (mkdir(path, 0700) != 0) return 1;
  write_empty_file("a.yaml");
  write_empty_file("deep/b.json");
  return 0;
}

static int remove_folder(void **state) {
  static const char *const names[] = {"a.yaml", "deep/b.json", "deep"};
  char path[256];
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    path_in_folder(names[i], path);
    remove(path);
  }
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_failure)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
