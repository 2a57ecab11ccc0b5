/* Importing rules into the store: what is created, updated and left alone. All or nothing, also on a disk that fails at
 * any write. A dry run says what would happen and does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/server/faulty_vfs.h"
#include "tests/server/store_fixture.h"

enum { MANY = 50 };

static bt_error error;

static void expect_rule(bt_rule_store *store, const char *id, int64_t version, const char *dsl) {
  const bt_rule_definition *rule = NULL;
  assert_int_equal(bt_rule_store_get(store, "", id, &rule, &error), BT_OK);
  assert_int_equal(rule->version, version);
  if (dsl) assert_string_equal(rule->fields.dsl, dsl);
  bt_rule_definition_unref(rule);
}

static size_t count_rules(bt_rule_store *store) {
  bt_rule_list list;
  assert_int_equal(bt_rule_store_snapshot(store, "", &list, &error), BT_OK);
  size_t count = list.count;
  bt_rule_list_dispose(&list);
  return count;
}

static void expect_import(const bt_rule_import *rule, bt_import_change change, int64_t version) {
  assert_int_equal(rule->change, change);
  assert_int_equal(rule->stored->version, version);
  assert_null(rule->definition);
}

static void test_changes(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  assert_int_equal(
      bt_rule_store_create(store, "", make_definition("same", "when { a } always { b } // why"), NULL, NULL, &error),
      BT_OK);
  assert_int_equal(
      bt_rule_store_create(store, "", make_definition("other", "when { a } always { b }"), NULL, NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_create(store, "", make_definition("gone", NULL), NULL, NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_delete(store, "", "gone", 0, NULL, &error), BT_OK);
  for (int dry = 1; dry >= 0; dry--) {
    bt_rule_import rules[] = {{.definition = make_definition("zz", NULL)},
                              {.definition = make_definition("same", "when{a}\n\n always { b }// why\n")},
                              {.definition = make_definition("other", "when { a } always { c }")},
                              {.definition = make_definition("gone", NULL)}};
    assert_int_equal(
        bt_rule_store_import(store, "", rules, 4, &(bt_import_options){.user = "ann", .is_dry_run = dry}, &error),
        BT_OK);
    expect_import(&rules[0], BT_IMPORT_CREATED, 1);
    expect_import(&rules[1], BT_IMPORT_UNCHANGED, 1);
    expect_import(&rules[2], BT_IMPORT_UPDATED, 2);
    expect_import(&rules[3], BT_IMPORT_CREATED, 3); /* goes on counting */
    assert_string_equal(rules[2].stored->updated_by, "ann");
    bt_rule_imports_dispose(rules, 4);
    assert_int_equal(count_rules(store), dry ? 2 : 4);
    expect_rule(store, "other", dry ? 1 : 2, NULL);
  }
  expect_rule(store, "same", 1, "when { a } always { b } // why");
  bt_rule_store_close(store);
}

/* Every field counts, and a text that only looks alike does not. */
static void test_what_is_no_change(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  assert_int_equal(bt_rule_store_create(store, "", make_definition("r", "when { a } always { b }"), NULL, NULL, &error),
                   BT_OK);
  static const char *const texts[] = {"when { a } always { b } # note",
                                      "@SOC2(controls = {CC1}) when { a } always { b }", "when { a } always { B }"};
  int64_t version = 1;
  for (size_t i = 0; i < 3; i++) {
    bt_rule_import rule = {.definition = make_definition("r", texts[i])};
    assert_int_equal(
        bt_rule_store_import(store, "", &rule, 1, &(bt_import_options){.user = NULL, .is_dry_run = false}, &error),
        BT_OK);
    expect_import(&rule, BT_IMPORT_UPDATED, ++version);
    bt_rule_imports_dispose(&rule, 1);
  }
  for (int field = 0; field < 11; field++) {
    bt_rule_import rule = {.definition = make_definition("r", texts[2])};
    bt_rule_fields *fields = &rule.definition->fields;
    if (field == 0) fields->enabled = false;
    if (field == 1) fields->shadow = true;
    if (field == 2) fields->watch_all = true;
    if (field == 3) fields->severity = BT_SEVERITY_LOW;
    if (field == 4) fields->settle_ns = 5;
    if (field == 5) fields->margin_ns = 5;
    if (field == 6) fields->require_complete = 0;
    if (field == 7) fields->budget = 5;
    if (field == 8) fields->links_sampled = 0;
    if (field == 9) fields->store = strdup("archive");
    if (field == 10) assert_true(bt_string_pairs_add(&fields->labels, &fields->label_count, BT_STR("a"), BT_STR("b")));
    assert_int_equal(
        bt_rule_store_import(store, "", &rule, 1, &(bt_import_options){.user = NULL, .is_dry_run = false}, &error),
        BT_OK);
    expect_import(&rule, BT_IMPORT_UPDATED, ++version);
    bt_rule_imports_dispose(&rule, 1);
  }
  bt_rule_store_close(store);
}

static void fill(bt_rule_import rules[MANY]) {
  for (int i = 0; i < MANY; i++) {
    char id[16];
    snprintf(id, sizeof id, "n%04d", (i * 37) % MANY); /* in no order */
    rules[i] = (bt_rule_import){.definition = make_definition(id, NULL)};
  }
}

/* Imports MANY rules while write number n fails: none is there, or all are. */
static bool survive_fault(int n, int code) {
  store_folder folder;
  bt_rule_import rules[MANY];
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  assert_int_equal(
      bt_rule_store_create(store, "", make_definition("n0003", "when { x } always { y }"), NULL, NULL, &error), BT_OK);
  fill(rules);
  faulty_vfs_fail_after(n, code);
  bt_status status =
      bt_rule_store_import(store, "", rules, MANY, &(bt_import_options){.user = NULL, .is_dry_run = false}, &error);
  bool was_hit = faulty_vfs_stop();
  assert_true(status == BT_OK || (status == BT_IO && was_hit));
  bt_rule_imports_dispose(rules, MANY);
  for (int round = 0; round < 2; round++) {
    assert_int_equal(count_rules(store), status ? 1 : MANY);
    expect_rule(store, "n0003", status ? 1 : 2, NULL);
    bt_rule_store_close(store);
    store = open_store(folder.database);
  }
  bt_rule_store_close(store);
  store_folder_remove(&folder);
  return was_hit;
}

static void test_all_or_nothing(void **state) {
  (void)state;
  static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_FSYNC};
  for (size_t i = 0; i < 2; i++) {
    int n = 0;
    while (survive_fault(n, codes[i])) assert_true(++n < 400);
    assert_true(n > 3);
  }
}

static void test_tenants_stay_apart(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  assert_int_equal(bt_rule_store_create(store, "b", make_definition("n0001", NULL), NULL, NULL, &error), BT_OK);
  bt_rule_import rules[MANY];
  for (int round = 0; round < 2; round++) {
    const char *tenant = round ? "c" : "a"; /* before and behind the other one */
    fill(rules);
    assert_int_equal(bt_rule_store_import(store, tenant, rules, MANY,
                                          &(bt_import_options){.user = NULL, .is_dry_run = false}, &error),
                     BT_OK);
    for (int i = 0; i < MANY; i++) assert_int_equal(rules[i].change, BT_IMPORT_CREATED);
    bt_rule_imports_dispose(rules, MANY);
    bt_rule_list list;
    assert_int_equal(bt_rule_store_snapshot(store, tenant, &list, &error), BT_OK);
    assert_int_equal(list.count, MANY);
    for (size_t i = 1; i < list.count; i++)
      assert_true(strcmp(list.items[i - 1]->fields.id, list.items[i]->fields.id) < 0);
    bt_rule_list_dispose(&list);
    assert_int_equal(bt_rule_store_snapshot(store, "b", &list, &error), BT_OK);
    assert_int_equal(list.count, 1);
    bt_rule_list_dispose(&list);
  }
  assert_int_equal(
      bt_rule_store_import(store, "a", NULL, 0, &(bt_import_options){.user = NULL, .is_dry_run = false}, &error),
      BT_OK);
  bt_rule_store_close(store);
}

int main(void) {
  faulty_vfs_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes), cmocka_unit_test(test_what_is_no_change),
                                     cmocka_unit_test(test_all_or_nothing), cmocka_unit_test(test_tenants_stay_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
