/* The rule store as its callers see it: rules and their versions, conflicts, tenants, snapshots, many threads, rules
 * that broke. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/server/store_fixture.h"

static bt_error error;

static const bt_rule_definition *create(bt_rule_store *store, const char *tenant, const char *id) {
  const bt_rule_definition *stored = NULL;
  if (bt_rule_store_create(store, tenant, make_definition(id, NULL), "ann", &stored, &error))
    fail_msg("%s", error.message);
  return stored;
}

static void expect_ids(bt_rule_store *store, const char *tenant, const char *expected) {
  bt_rule_list list;
  bt_buffer got = {0};
  bt_buffer_append(&got, BT_STR(""));
  assert_int_equal(bt_rule_store_snapshot(store, tenant, &list, &error), BT_OK);
  for (size_t i = 0; i < list.count; i++) bt_buffer_printf(&got, "%s%s", i ? " " : "", list.items[i]->fields.id);
  assert_string_equal(got.ptr, expected);
  bt_buffer_dispose(&got);
  bt_rule_list_dispose(&list);
}

static void test_a_rule_lives(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  const bt_rule_definition *first = create(store, "", "r1");
  assert_int_equal(first->version, 1);
  assert_string_equal(first->updated_by, "ann");
  assert_true(first->created_at_ns > 1600000000000000000);
  assert_int_equal(first->created_at_ns, first->updated_at_ns);

  const bt_rule_definition *second = NULL, *third = NULL, *found = NULL;
  assert_int_equal(
      bt_rule_store_update(store, "", make_definition("r1", "when { a } always { b }"), 1, "bob", &second, &error),
      BT_OK);
  assert_int_equal(second->version, 2);
  assert_int_equal(second->created_at_ns, first->created_at_ns);
  assert_true(second->updated_at_ns >= first->updated_at_ns);
  assert_string_not_equal(second->condition_hash, first->condition_hash);
  assert_string_equal(first->fields.dsl,
                      "when { pii.read } always { audit.log }"); /* what was handed out stays as it was */

  assert_int_equal(bt_rule_store_set_enabled(store, "", "r1", false, 0, NULL, &third, &error), BT_OK);
  assert_int_equal(third->version, 3);
  assert_false(third->fields.enabled);
  assert_null(third->updated_by);
  assert_string_equal(third->condition_hash, second->condition_hash);
  assert_int_equal(bt_rule_store_get(store, "", "r1", &found, &error), BT_OK);
  assert_ptr_equal(found, third);

  assert_int_equal(bt_rule_store_delete(store, "", "r1", 3, "eve", &error), BT_OK);
  bt_rule_definition_unref(found);
  assert_int_equal(bt_rule_store_get(store, "", "r1", &found, &error), BT_NOT_FOUND);
  assert_non_null(strstr(error.message, "\"r1\""));
  assert_null(found);
  expect_ids(store, "", "");
  const bt_rule_definition *given[] = {first, second, third};
  for (size_t i = 0; i < 3; i++) bt_rule_definition_unref(given[i]);
  bt_rule_store_close(store);
}

static void expect_version(const bt_rule_version *version, int64_t number, bool deleted, bool enabled,
                           const char *user) {
  assert_int_equal(version->definition->version, number);
  assert_int_equal(version->deleted, deleted);
  assert_int_equal(version->definition->fields.enabled, enabled);
  assert_string_equal(version->definition->updated_by ? version->definition->updated_by : "", user);
}

static void test_history_goes_on_over_a_deletion(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  bt_rule_definition_unref(create(store, "", "r1"));
  assert_int_equal(bt_rule_store_delete(store, "", "r1", 0, "eve", &error), BT_OK);
  const bt_rule_definition *again = create(store, "", "r1");
  assert_int_equal(again->version, 3);
  bt_rule_definition_unref(again);
  assert_int_equal(bt_rule_store_set_enabled(store, "", "r1", false, 3, "bob", NULL, &error), BT_OK);
  for (int round = 0; round < 2; round++) { /* the same from the file */
    bt_rule_version *versions;
    size_t count;
    assert_int_equal(bt_rule_store_versions(store, "", "r1", &versions, &count, &error), BT_OK);
    assert_int_equal(count, 4);
    expect_version(&versions[0], 1, false, true, "ann");
    expect_version(&versions[1], 2, true, false, "eve");
    expect_version(&versions[2], 3, false, true, "ann");
    expect_version(&versions[3], 4, false, false, "bob");
    bt_rule_versions_free(versions, count);
    assert_int_equal(bt_rule_store_versions(store, "", "r2", &versions, &count, &error), BT_NOT_FOUND);
    assert_int_equal(count, 0);
    bt_rule_store_close(store);
    store = round == 0 ? open_store(folder.database) : NULL;
  }
  store_folder_remove(&folder);
}

/* What a report asks: every version of the rules that were touched since, if they ever could name a framework. */
static void test_what_was_changed_since(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  bt_rule_version *versions = NULL;
  const bt_rule_definition *first = NULL;
  size_t count = 0;
  const char *named = "@SOC2(controls = {CC6_1}) when { a } always { b }";
  assert_int_equal(bt_rule_store_create(store, "", make_definition("named", named), "ann", &first, &error), BT_OK);
  assert_int_equal(bt_rule_store_create(store, "", make_definition("plain", NULL), "ann", NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_create(store, "acme", make_definition("named", named), "ann", NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_update(store, "", make_definition("named", NULL), 0, "bob", NULL, &error), BT_OK);
  assert_int_equal(bt_rule_store_delete(store, "", "named", 0, "eve", &error), BT_OK);

  assert_int_equal(bt_rule_store_changed(store, "", first->updated_at_ns, &versions, &count, &error), BT_OK);
  assert_int_equal(count, 3);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(versions[i].definition->fields.id, "named");
    assert_int_equal(versions[i].definition->version, i + 1);
    assert_true(versions[i].deleted == (i == 2));
  }
  assert_string_equal(versions[2].definition->updated_by, "eve");
  int64_t after_ns = versions[2].definition->updated_at_ns + 1;
  bt_rule_versions_free(versions, count);
  assert_int_equal(bt_rule_store_changed(store, "", after_ns, &versions, &count, &error), BT_OK);
  assert_int_equal(count, 0);
  bt_rule_versions_free(versions, count);
  bt_rule_definition_unref(first);
  bt_rule_store_close(store);
}

static void test_conflicts(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  bt_rule_definition_unref(create(store, "", "r1"));
  const bt_rule_definition *out = NULL;
  assert_int_equal(bt_rule_store_create(store, "", make_definition("r1", NULL), NULL, &out, &error), BT_CONFLICT);
  assert_non_null(strstr(error.message, "already"));
  assert_null(out);
  assert_int_equal(bt_rule_store_update(store, "", make_definition("r1", NULL), 2, NULL, &out, &error), BT_CONFLICT);
  assert_non_null(strstr(error.message, "expected at version 2, but version 1 is stored"));
  assert_int_equal(bt_rule_store_set_enabled(store, "", "r1", false, 2, NULL, &out, &error), BT_CONFLICT);
  assert_int_equal(bt_rule_store_delete(store, "", "r1", 2, NULL, &error), BT_CONFLICT);
  assert_int_equal(bt_rule_store_update(store, "", make_definition("r2", NULL), 0, NULL, &out, &error), BT_NOT_FOUND);
  assert_int_equal(bt_rule_store_set_enabled(store, "", "r2", true, 0, NULL, &out, &error), BT_NOT_FOUND);
  assert_int_equal(bt_rule_store_delete(store, "", "r2", 0, NULL, &error), BT_NOT_FOUND);
  assert_int_equal(bt_rule_store_set_enabled(store, "", "r1", true, 1, NULL, &out, &error),
                   BT_OK); /* it is already: no new version */
  assert_int_equal(out->version, 1);
  bt_rule_definition_unref(out);
  bt_rule_store_close(store);
}

static void test_tenants_do_not_see_each_other(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  static const char *const rules[][2] = {{"b", "r1"}, {"", "r2"},   {"a", "r3"}, {"b", "r0"},
                                         {"", "R"},   {"ab", "r1"}, {"a", "r1"}};
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    bt_rule_definition_unref(create(store, rules[i][0], rules[i][1]));
  for (int round = 0; round < 2; round++) {
    expect_ids(store, "", "R r2");
    expect_ids(store, "a", "r1 r3");
    expect_ids(store, "ab", "r1");
    expect_ids(store, "b", "r0 r1");
    expect_ids(store, "c", "");
    const bt_rule_definition *found;
    assert_int_equal(bt_rule_store_get(store, "", "r1", &found, &error), BT_NOT_FOUND);
    bt_rule_store_close(store);
    store = round == 0 ? open_store(folder.database) : NULL;
  }
  store_folder_remove(&folder);
}

/* Everything that a user can say comes back from the file as it was. */
static void test_fields_come_back(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  static const char *const keys[] = {"team", "a.b",  "q\"uote", "back\\slash", "new\nline",
                                     "é日",  "$[0]", "1",       "sp ace",      "\x01"};
  enum { KEYS = sizeof keys / sizeof keys[0] };
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.id = strdup("r1");
  fields.name = strdup("Na'me; DROP TABLE rule_versions; --");
  fields.description = strdup("two\nlines \"quoted\"");
  fields.dsl = strdup("when { pii.read } always { audit.log }");
  fields.severity = BT_SEVERITY_ERROR;
  fields.has_severity = fields.shadow = fields.watch_all = true;
  fields.enabled = false;
  fields.settle_ns = 0;
  fields.margin_ns = 1;
  fields.require_complete = 0;
  fields.links_sampled = 1, fields.store = strdup("archive-2");
  for (size_t i = 0; i < KEYS; i++) {
    assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, bt_str_from(keys[i]),
                                    bt_str_from(keys[KEYS - 1 - i])));
    assert_true(bt_string_pairs_add(&fields.annotations, &fields.annotation_count, bt_str_from(keys[KEYS - 1 - i]),
                                    BT_STR("")));
  }
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_rule_definition *definition;
  assert_int_equal(bt_rule_definition_new(&fields, &definition, &diagnostics, &error), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  assert_int_equal(bt_rule_store_create(store, "t", definition, "é", NULL, &error), BT_OK);
  bt_rule_store_close(store);

  store = open_store(folder.database);
  const bt_rule_definition *found;
  assert_int_equal(bt_rule_store_get(store, "t", "r1", &found, &error), BT_OK);
  assert_string_equal(found->fields.name, "Na'me; DROP TABLE rule_versions; --");
  assert_string_equal(found->fields.description, "two\nlines \"quoted\"");
  assert_int_equal(found->fields.severity, BT_SEVERITY_ERROR);
  assert_true(found->fields.has_severity && found->fields.shadow && found->fields.watch_all && !found->fields.enabled);
  assert_int_equal(found->fields.settle_ns, 0);
  assert_int_equal(found->fields.margin_ns, 1);
  assert_int_equal(found->fields.clock_skew_ns, -1);
  assert_int_equal(found->fields.require_complete, 0);
  assert_true(found->fields.links_sampled == 1 && strcmp(found->fields.store, "archive-2") == 0);
  assert_string_equal(found->updated_by, "é");
  assert_int_equal(found->fields.label_count, KEYS);
  assert_int_equal(found->fields.annotation_count, KEYS);
  for (size_t i = 0; i < KEYS; i++) {
    assert_string_equal(found->fields.labels[i].key, keys[i]);
    assert_string_equal(found->fields.labels[i].value, keys[KEYS - 1 - i]);
    assert_string_equal(found->fields.annotations[i].key, keys[KEYS - 1 - i]);
    assert_string_equal(found->fields.annotations[i].value, "");
  }
  bt_rule_definition_unref(found);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

/* A row as a later betrace with a larger language might have left it. */
static const char newer_rule[] =
    "INSERT INTO rule_versions SELECT tenant, 'newer', 1, 0, name, description, 'bad { "
    "newer language', severity, has_severity, 1, "
    "shadow, watch_all, labels, annotations, settle_ns, margin_ns, clock_skew_ns, "
    "require_complete, condition_hash, created_at_ns, "
    "updated_at_ns, updated_by, budget, links_sampled, store FROM rule_versions WHERE rule_id = 'r1'";

static void test_a_rule_that_broke_is_kept_and_shown(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  bt_rule_definition_unref(create(store, "", "r1"));
  assert_int_equal(bt_rule_store_broken_count(store), 0);
  bt_rule_store_close(store);
  run_sql(folder.database, newer_rule);
  seal_rows(folder.database);

  store = open_store(folder.database);
  expect_ids(store, "", "r1"); /* nothing evaluates it */
  bt_rule_list broken;
  assert_int_equal(bt_rule_store_broken(store, "", &broken, &error), BT_OK);
  assert_int_equal(broken.count, 1);
  assert_string_equal(broken.items[0]->fields.id, "newer");
  assert_null(broken.items[0]->rule);
  assert_non_null(strstr(broken.items[0]->broken, "dsl"));
  bt_rule_list_dispose(&broken);
  assert_int_equal(bt_rule_store_broken_count(store), 1);
  const bt_rule_definition *found;
  assert_int_equal(bt_rule_store_get(store, "", "newer", &found, &error), BT_INVALID);
  assert_non_null(strstr(error.message, "does not compile"));
  assert_int_equal(bt_rule_store_set_enabled(store, "", "newer", false, 0, NULL, NULL, &error), BT_INVALID);
  assert_int_equal(bt_rule_store_create(store, "", make_definition("newer", NULL), NULL, NULL, &error), BT_CONFLICT);

  assert_int_equal(bt_rule_store_update(store, "", make_definition("newer", NULL), 1, NULL, &found, &error), BT_OK);
  assert_int_equal(found->version, 2);
  bt_rule_definition_unref(found);
  expect_ids(store, "", "newer r1");
  assert_int_equal(bt_rule_store_broken_count(store), 0);
  bt_rule_version *versions;
  size_t count;
  assert_int_equal(bt_rule_store_versions(store, "", "newer", &versions, &count, &error), BT_OK);
  assert_int_equal(count, 2);
  assert_non_null(versions[0].definition->broken);
  assert_null(versions[1].definition->broken);
  bt_rule_versions_free(versions, count);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

enum { THREADS = 4, WRITES = 25 };

typedef struct writer {
  bt_rule_store *store;
  int number;
  int failures, won;
} writer;

/* Creates rules of its own, takes part in the race for one shared rule, and reads snapshots in between. */
static void *write_rules(void *argument) {
  writer *self = argument;
  for (int i = 0; i < WRITES; i++) {
    char id[32];
    bt_error mine = {0};
    bt_rule_list list;
    const bt_rule_definition *shared = NULL;
    snprintf(id, sizeof id, "r-%d-%d", self->number, i);
    self->failures += bt_rule_store_create(self->store, "", make_definition(id, NULL), NULL, NULL, &mine) != BT_OK;
    self->failures += bt_rule_store_snapshot(self->store, "", &list, &mine) != BT_OK;
    for (size_t k = 1; k < list.count; k++)
      self->failures += strcmp(list.items[k - 1]->fields.id, list.items[k]->fields.id) >= 0;
    bt_rule_list_dispose(&list);
    self->failures += bt_rule_store_get(self->store, "", "shared", &shared, &mine) != BT_OK;
    bt_status status = bt_rule_store_update(self->store, "", make_definition("shared", NULL),
                                            shared ? shared->version : 1, NULL, NULL, &mine);
    self->won += status == BT_OK;
    self->failures += status != BT_OK && status != BT_CONFLICT;
    bt_rule_definition_unref(shared);
  }
  return NULL;
}

static void test_four_threads_write(void **state) {
  (void)state;
  store_folder folder;
  store_folder_make(&folder);
  bt_rule_store *store = open_store(folder.database);
  bt_rule_definition_unref(create(store, "", "shared"));
  pthread_t threads[THREADS];
  writer writers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    writers[i] = (writer){store, i, 0, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, write_rules, &writers[i]), 0);
  }
  int won = 0;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(writers[i].failures, 0);
    won += writers[i].won;
  }
  bt_rule_list list;
  assert_int_equal(bt_rule_store_snapshot(store, "", &list, &error), BT_OK);
  assert_int_equal(list.count, THREADS * WRITES + 1);
  bt_rule_list_dispose(&list);
  const bt_rule_definition *shared;
  assert_int_equal(bt_rule_store_get(store, "", "shared", &shared, &error), BT_OK);
  assert_int_equal(shared->version, 1 + won); /* each that was told yes made one version, and nobody else did */
  bt_rule_definition_unref(shared);
  bt_rule_store_close(store);
  store_folder_remove(&folder);
}

static void test_check(void **state) {
  (void)state;
  bt_rule_store *store = open_store(":memory:");
  assert_int_equal(bt_rule_store_check(store, &error), BT_OK);
  assert_int_equal(bt_rule_store_check(store, &error), BT_OK);
  bt_rule_store_close(store);
  bt_rule_store_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_rule_lives),
      cmocka_unit_test(test_history_goes_on_over_a_deletion),
      cmocka_unit_test(test_what_was_changed_since),
      cmocka_unit_test(test_conflicts),
      cmocka_unit_test(test_tenants_do_not_see_each_other),
      cmocka_unit_test(test_fields_come_back),
      cmocka_unit_test(test_a_rule_that_broke_is_kept_and_shown),
      cmocka_unit_test(test_four_threads_write),
      cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
