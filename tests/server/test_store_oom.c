/* Every allocation of a definition and of the store fails in turn: an error and no leak, or the right result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/server/store_fixture.h"
#include "tests/support/failing_alloc.h"

enum { TRIES = 2000 };

static bt_rule_fields rich_fields(void) {
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.name = strdup("A rule");
  fields.dsl = strdup("@SOC2(controls = {CC6_1}) when { pii.read } always { audit.log }");
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("team"), BT_STR("pay")));
  assert_true(bt_string_pairs_add(&fields.annotations, &fields.annotation_count, BT_STR("compliance_framework"),
                                  BT_STR("HIPAA")));
  return fields;
}

static bt_status define(bt_rule_fields *fields, bt_rule_definition **out) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error;
  bt_status status = bt_rule_definition_new(fields, out, &diagnostics, &error);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

static void test_definition(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    bt_rule_fields fields = rich_fields();
    bt_rule_definition *definition = NULL;
    failing_alloc_after(n);
    bt_status status = define(&fields, &definition);
    bool was_refused = failing_alloc_stop();
    assert_null(fields.dsl);
    assert_int_equal(definition != NULL, status == BT_OK);
    bt_rule_definition_unref(definition);
    if (!was_refused) {
      assert_int_equal(status, BT_OK);
      assert_true(n > 5);
      return;
    }
    assert_int_not_equal(status, BT_OK);
  }
}

static void test_restore_and_copy(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    bt_rule_fields fields = rich_fields(), copy;
    bt_rule_record record = {.version = 1, .updated_by = "ann"};
    bt_rule_definition *definition = NULL;
    failing_alloc_after(n);
    bt_status status = bt_rule_fields_copy(&fields, &copy, NULL);
    if (!status) status = bt_rule_definition_restore(&copy, &record, &definition, NULL);
    bool was_refused = failing_alloc_stop();
    /* Want of memory must never look like a rule that does not compile. */
    if (definition) assert_null(definition->broken);
    assert_int_equal(status == BT_OK, !was_refused);
    bt_rule_definition_unref(definition);
    bt_rule_fields_dispose(&fields);
    if (!was_refused) return;
  }
}

/* One pass over everything that a store does; stops at the first error. */
static bt_status use_store(bt_rule_store *store, bt_rule_definition *first, bt_rule_definition *second) {
  bt_error error;
  bt_rule_list list = {0};
  bt_rule_version *versions = NULL;
  size_t count = 0;
  bt_status status = bt_rule_store_create(store, "t", first, "ann", NULL, &error);
  bt_status updated = bt_rule_store_update(store, "t", second, 0, "bob", NULL, &error);
  if (!status) status = updated;
  if (!status) status = bt_rule_store_set_enabled(store, "t", "r1", false, 2, NULL, NULL, &error);
  if (!status) status = bt_rule_store_snapshot(store, "t", &list, &error);
  bt_rule_list_dispose(&list);
  if (!status) status = bt_rule_store_versions(store, "t", "r1", &versions, &count, &error);
  bt_rule_versions_free(versions, count);
  return status ? status : bt_rule_store_delete(store, "t", "r1", 3, NULL, &error);
}

static void test_store(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    bt_rule_definition *first = make_definition("r1", NULL), *second = make_definition("r1", NULL);
    bt_rule_store *store = open_store(":memory:");
    failing_alloc_after(n);
    bt_status status = use_store(store, first, second);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status == BT_OK, !was_refused);
    bt_error error;
    assert_int_equal(bt_rule_store_check(store, &error), BT_OK);
    assert_int_equal(bt_rule_store_create(store, "t", make_definition("after", NULL), NULL, NULL, &error), BT_OK);
    bt_rule_store_close(store);
    if (!was_refused) {
      assert_true(n > 20);
      return;
    }
  }
}

/* Both rules or none, and nothing lost of what was given. */
static void test_import(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    bt_error error;
    bt_rule_list list;
    bt_rule_store *store = open_store(":memory:");
    assert_int_equal(
        bt_rule_store_create(store, "t", make_definition("r1", "when { a } always { b }"), NULL, NULL, &error), BT_OK);
    bt_rule_import rules[] = {{.definition = make_definition("r2", NULL)},
                              {.definition = make_definition("r1", "when { a } always { c }")}};
    failing_alloc_after(n);
    bt_status status =
        bt_rule_store_import(store, "t", rules, 2, &(bt_import_options){.user = "ann", .is_dry_run = false}, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status == BT_OK, !was_refused);
    bt_rule_imports_dispose(rules, 2);
    assert_int_equal(bt_rule_store_snapshot(store, "t", &list, &error), BT_OK);
    assert_int_equal(list.count, status ? 1 : 2);
    assert_int_equal(list.items[0]->version, status ? 1 : 2);
    bt_rule_list_dispose(&list);
    bt_rule_store_close(store);
    if (!was_refused) {
      assert_true(n > 10);
      return;
    }
  }
}

static void test_open(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  assert_int_equal(bt_rule_store_create(store, "t", make_definition("r1", NULL), "ann", NULL, NULL), BT_OK);
  bt_rule_store_close(store);
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    bt_error error = {0};
    store = NULL;
    failing_alloc_after(n);
    bt_status status = bt_rule_store_open(folder.database, 0, &store, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status == BT_OK, !was_refused);
    assert_int_equal(store != NULL, status == BT_OK);
    bt_rule_store_close(store);
    if (!was_refused) break;
  }
  store_folder_remove(&folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_definition), cmocka_unit_test(test_restore_and_copy),
      cmocka_unit_test(test_store),      cmocka_unit_test(test_import),
      cmocka_unit_test(test_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
