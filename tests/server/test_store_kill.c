/* kill -9 in the middle of 200 writes. A child writes rules and tells each answer through a pipe, the parent kills it
 * after some of them, opens the database and looks for every single one that was acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/server/store_fixture.h"

enum { WRITES = 200, RULES = 20 };

typedef struct acknowledgement {
  int rule;
  int64_t version;
} acknowledgement;

/* Write number i: the first RULES create, the others go round and update. */
static acknowledgement write_one(bt_rule_store *store, int i) {
  char id[16];
  bt_error error = {0};
  const bt_rule_definition *stored = NULL;
  snprintf(id, sizeof id, "r%02d", i % RULES);
  bt_status status =
      i < RULES ? bt_rule_store_create(store, "", make_definition(id, NULL), "child", &stored, &error)
                : bt_rule_store_update(store, "", make_definition(id, NULL), i / RULES, "child", &stored, &error);
  acknowledgement done = {i % RULES, status ? -1 : stored->version};
  bt_rule_definition_unref(stored);
  return done;
}

static _Noreturn void run_child(const char *database, int out) {
  bt_rule_store *store = open_store(database);
  for (int i = 0; i < WRITES; i++) {
    acknowledgement done = write_one(store, i);
    if (write(out, &done, sizeof done) != (ssize_t)sizeof done) _exit(1);
  }
  for (;;) pause(); /* never closes the store: the last commits stay in the WAL */
}

/* Reads acknowledgements until the child is dead and the pipe empty; kills it after `kill_after` of them. Their number.
 */
static int collect(int in, pid_t child, int kill_after, int64_t acknowledged[RULES]) {
  acknowledgement done;
  int count = 0;
  while (read(in, &done, sizeof done) == (ssize_t)sizeof done) {
    assert_true(done.version > 0);
    acknowledged[done.rule] = done.version;
    if (++count == kill_after) kill(child, SIGKILL);
  }
  return count;
}

/* Every rule has at least the version that was acknowledged, and the whole history before it. */
static void expect_acknowledged(bt_rule_store *store, const int64_t acknowledged[RULES]) {
  bt_error error = {0};
  for (int rule = 0; rule < RULES; rule++) {
    char id[16];
    bt_rule_version *versions = NULL;
    size_t count = 0;
    snprintf(id, sizeof id, "r%02d", rule);
    bt_status status = bt_rule_store_versions(store, "", id, &versions, &count, &error);
    assert_true(status == BT_OK || (status == BT_NOT_FOUND && acknowledged[rule] == 0));
    /* One write more may have reached the disk before the child could say so. */
    assert_true((int64_t)count == acknowledged[rule] || (int64_t)count == acknowledged[rule] + 1);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal(versions[i].definition->version, i + 1);
      assert_string_equal(versions[i].definition->updated_by, "child");
    }
    bt_rule_versions_free(versions, count);
  }
}

static void kill_after(int count) {
  store_folder folder;
  store_folder_make(&folder);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    close(ends[0]);
    run_child(folder.database, ends[1]);
  }
  close(ends[1]);
  int64_t acknowledged[RULES] = {0};
  int seen = collect(ends[0], child, count, acknowledged);
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  assert_true(seen >= count);

  bt_rule_store *store = open_store(folder.database);
  expect_acknowledged(store, acknowledged);
  bt_error error = {0};
  assert_int_equal(bt_rule_store_create(store, "", make_definition("after", NULL), NULL, NULL, &error), BT_OK);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

static void test_nothing_acknowledged_is_lost(void **state) {
  (void)state;
  static const int points[] = {1, 7, 20, 63, 111, 150, 199, 200};
  for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) kill_after(points[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_acknowledged_is_lost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
