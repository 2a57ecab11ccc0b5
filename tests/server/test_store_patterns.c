/* What the regexes of a tenant's enabled rules may take together. A write that makes it too much is refused and changes
 * nothing. At the start a rule that does not fit is broken while the others serve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/server/store_fixture.h"

enum { ROOM = 1200 << 10 }; /* for two of the large ones */

static const char *const large[] = {"trace.has(a matches \"\\\\pL{50}\")", "trace.has(b matches \"x\\\\pL{50}\")",
                                    "trace.has(c =~ \"y\\\\pL{50}\")"};
static const char *const small = "trace.has(a matches \"error\")";
static bt_error error;

static bt_rule_store *open_within(const char *path, uint64_t most) {
  bt_rule_store *store = NULL;
  if (bt_rule_store_open(path, most, &store, &error)) fail_msg("%s", error.message);
  return store;
}

static bt_status create(bt_rule_store *store, const char *tenant, const char *id, const char *text) {
  error.message[0] = '\0';
  return bt_rule_store_create(store, tenant, make_definition(id, text), "ann", NULL, &error);
}

static bt_status enable(bt_rule_store *store, const char *id, bool enabled) {
  error.message[0] = '\0';
  return bt_rule_store_set_enabled(store, "acme", id, enabled, 0, "ann", NULL, &error);
}

static size_t count(bt_rule_store *store, const char *tenant, bool broken) {
  bt_rule_list list;
  bt_status status = broken ? bt_rule_store_broken(store, tenant, &list, &error)
                            : bt_rule_store_snapshot(store, tenant, &list, &error);
  assert_int_equal(status, BT_OK);
  size_t found = list.count;
  bt_rule_list_dispose(&list);
  return found;
}

static void assert_refused(bt_status status) {
  assert_int_equal(status, BT_LIMIT);
  assert_non_null(strstr(error.message, "1200 KiB"));
  assert_non_null(strstr(error.message, "--pattern-memory"));
  assert_non_null(strstr(error.message, "disable or delete"));
}

static void test_writes(void **state) {
  (void)state;
  bt_rule_store *store = open_within(":memory:", ROOM);
  assert_int_equal(create(store, "acme", "one", large[0]), BT_OK);
  assert_int_equal(create(store, "acme", "two", large[1]), BT_OK);
  assert_refused(create(store, "acme", "three", large[2]));
  assert_int_equal(count(store, "acme", false), 2);
  assert_int_equal(create(store, "globex", "three", large[2]), BT_OK); /* each tenant has its own */
  assert_int_equal(create(store, "acme", "four", small), BT_OK);
  assert_refused(bt_rule_store_update(store, "acme", make_definition("four", large[2]), 0, "ann", NULL, &error));
  assert_int_equal(enable(store, "one", false), BT_OK); /* makes room */
  assert_int_equal(create(store, "acme", "three", large[2]), BT_OK);
  assert_refused(enable(store, "one", true));
  assert_int_equal(bt_rule_store_delete(store, "acme", "two", 0, "ann", &error), BT_OK);
  assert_int_equal(enable(store, "one", true), BT_OK);
  bt_rule_store_close(store);
}

static void test_import(void **state) {
  (void)state;
  bt_rule_store *store = open_within(":memory:", ROOM);
  bt_rule_import rules[3];
  for (int i = 0; i < 3; i++)
    rules[i] = (bt_rule_import){.definition = make_definition((const char *[]){"a", "b", "c"}[i], large[i])};
  bt_import_options options = {.user = "ann"};
  assert_refused(bt_rule_store_import(store, "acme", rules, 3, &options, &error));
  assert_int_equal(count(store, "acme", false), 0);
  bt_rule_store_close(store);
}

static void create_three(bt_rule_store *store) {
  static const char *const ids[] = {"one", "three", "two"};
  for (int i = 0; i < 3; i++) assert_int_equal(create(store, "acme", ids[i], large[i]), BT_OK);
}

/* The setting was lowered since: what does not fit is broken and says why, the rest serves, and less can be stored, or
 * the rule disabled. */
static void test_start(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_within(folder.database, 0);
  create_three(store);
  assert_int_equal(create(store, "acme", "z-small", small), BT_OK);
  assert_int_equal(create(store, "globex", "one", large[0]), BT_OK);
  bt_rule_store_close(store);

  store = open_within(folder.database, ROOM);
  assert_int_equal(count(store, "acme", false), 3); /* the small one behind it fits */
  assert_int_equal(count(store, "globex", false), 1);
  assert_int_equal(bt_rule_store_broken_count(store), 1);
  const bt_rule_definition *found = NULL;
  assert_int_equal(bt_rule_store_get(store, "acme", "two", &found, &error), BT_INVALID);
  assert_non_null(strstr(error.message, "--pattern-memory"));
  assert_refused(bt_rule_store_update(store, "acme", make_definition("two", large[2]), 0, "ann", NULL, &error));
  assert_int_equal(bt_rule_store_update(store, "acme", make_definition("two", small), 0, "ann", NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_broken_count(store), 0);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

/* Too much already, as after the setting was lowered while it ran elsewhere: what makes it less is allowed. */
static void test_less_is_allowed(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_within(folder.database, 0);
  create_three(store);
  bt_rule_store_close(store);
  store = open_within(folder.database, 1);
  assert_int_equal(bt_rule_store_broken_count(store), 3);
  assert_int_equal(bt_rule_store_delete(store, "acme", "two", 0, "ann", &error), BT_OK);
  assert_int_equal(bt_rule_store_update(store, "acme", make_definition("one", "x"), 0, "ann", NULL, &error), BT_OK);
  bt_rule_store_close(store);
  store = open_within(folder.database, 0);
  assert_int_equal(bt_rule_store_broken_count(store), 0);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_writes), cmocka_unit_test(test_import),
                                     cmocka_unit_test(test_start), cmocka_unit_test(test_less_is_allowed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
