/* Tables of renames from files (server/rulefile/convention_files.h): schema files of both forms, registries of Weaver,
 * what is restricted, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/rulefile/convention_files.h"

typedef struct folder {
  char path[64], file[96];
  bt_arena arena;
  bt_conventions conventions;
} folder;

static int make_folder(void **state) {
  folder *f = calloc(1, sizeof *f);
  if (!f) return -1;
  const char *under = getenv("TMPDIR");
  snprintf(f->path, sizeof f->path, "%.30s/betrace-semconv-XXXXXX", under ? under : P_tmpdir);
  if (!mkdtemp(f->path)) return -1;
  bt_arena_init(&f->arena, (size_t)16 << 20);
  *state = f;
  return 0;
}

static int remove_folder(void **state) {
  folder *f = *state;
  unlink(f->file);
  rmdir(f->path);
  bt_arena_dispose(&f->arena);
  free(f);
  return 0;
}

static bt_status read_one(folder *f, const char *name, const char *text, bt_error *error) {
  snprintf(f->file, sizeof f->file, "%s/%s", f->path, name);
  FILE *file = fopen(f->file, "we");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
  return bt_convention_files_read(f->path, &f->arena, &f->conventions, error);
}

static void expect_names(const folder *f, bt_names_of of, const char *name, uint32_t until, const char *expected) {
  bt_convention_names names;
  bt_buffer out = {0};
  bt_convention_find(&f->conventions, of, bt_str_from(name), until ? until : f->conventions.newest, &names);
  for (uint32_t i = 0; i < names.count; i++) bt_buffer_printf(&out, "%s%.*s", i ? " " : "", BT_FMT(names.items[i]));
  if (names.unbridged) bt_buffer_printf(&out, " unbridged %d", (int)names.unbridged->note);
  bt_buffer_append_char(&out, '\0');
  assert_string_equal(out.ptr, expected);
  bt_buffer_dispose(&out);
}

/* The steps of one release count in the order of the file, and the built-in table stays. */
static void test_schema(void **state) {
  folder *f = *state;
  bt_error error = {0};
  const char *text =
      "file_format: 1.1.0\n"
      "schema_url: https://example.com/schemas/2.1.0\n"
      "versions:\n"
      "  2.1.0:\n"
      "    spans:\n"
      "      changes:\n"
      "        - rename_attributes:\n"
      "            attribute_map: {shop.cart: shop.basket.id}\n"
      "        - rename_attributes:\n"
      "            attribute_map: {shop.till: shop.register}\n"
      "            apply_to_spans: [pay]\n"
      "    metrics:\n"
      "      changes: [{split: {apply_to_metric: a, by_attribute: b, metrics_from_attributes: {c: d}}}]\n"
      "  2.0.0:\n"
      "    all:\n"
      "      changes: [{rename_attributes: {attribute_map: {cart: shop.cart}}}]\n"
      "    span_events:\n"
      "      changes:\n"
      "        - rename_events: {name_map: {thrown: exception}}\n"
      "        - rename_attributes: {attribute_map: {why: exception.message}}\n"
      "  1.0.0:\n";
  assert_int_equal(read_one(f, "2.1.0", text, &error), BT_OK);
  assert_int_equal(f->conventions.newest, BT_RELEASE(2, 1, 0));
  expect_names(f, BT_NAMES_OF_SPANS, "cart", 0, "shop.basket.id shop.cart cart");
  expect_names(f, BT_NAMES_OF_SPANS, "cart", BT_RELEASE(2, 0, 0), "shop.cart cart");
  expect_names(f, BT_NAMES_OF_RESOURCES, "cart", 0, "shop.cart cart");
  expect_names(f, BT_NAMES_OF_SPANS, "shop.till", 0, "shop.till unbridged 3");
  expect_names(f, BT_NAMES_OF_EVENTS, "why", 0, "exception.message why");
  expect_names(f, BT_NAMES_OF_EVENT_NAMES, "thrown", 0, "exception thrown");
  expect_names(f, BT_NAMES_OF_SPANS, "http.method", 0, "http.request.method http.method");
}

/* Attributes of a registry say what they are called now; the second form is that of newer ones. */
static void test_registry(void **state) {
  folder *f = *state;
  bt_error error = {0};
  const char *text = "groups:\n"
                     "  - id: registry.shop\n"
                     "    type: attribute_group\n"
                     "    attributes:\n"
                     "      - &old\n"
                     "        id: shop.a\n"
                     "        type: string\n"
                     "        deprecated: {reason: renamed, renamed_to: shop.b}\n"
                     "      - id: shop.b\n"
                     "        type: string\n"
                     "        deprecated: {reason: renamed, renamed_to: shop.c}\n"
                     "      - id: shop.d\n"
                     "        type: string\n"
                     "        deprecated: {reason: obsoleted}\n"
                     "      - key: shop.e\n"
                     "        type: string\n"
                     "        deprecated: {reason: renamed, renamed_to: shop.f}\n"
                     "  - id: event.shop.g\n"
                     "    type: event\n"
                     "    name: shop.g\n"
                     "    deprecated: {reason: renamed, renamed_to: shop.h}\n"
                     "  - id: metric.shop.i\n"
                     "    type: metric\n"
                     "    metric_name: shop.i\n"
                     "    deprecated: {reason: renamed, renamed_to: shop.j}\n";
  assert_int_equal(read_one(f, "registry.yaml", text, &error), BT_OK);
  expect_names(f, BT_NAMES_OF_SPANS, "shop.a", 0, "shop.c shop.a shop.b");
  expect_names(f, BT_NAMES_OF_SPANS, "shop.d", 0, "shop.d");
  expect_names(f, BT_NAMES_OF_RESOURCES, "shop.e", 0, "shop.f shop.e");
  expect_names(f, BT_NAMES_OF_EVENT_NAMES, "shop.g", 0, "shop.h shop.g");
  expect_names(f, BT_NAMES_OF_SPANS, "metric.shop.i", 0, "metric.shop.i");
}

static void test_problems(void **state) {
  folder *f = *state;
  bt_error error = {0};
  assert_int_equal(bt_convention_files_read(f->path, &f->arena, &f->conventions, &error), BT_INVALID);
  assert_non_null(strstr(error.message, "found none"));
  assert_int_equal(read_one(f, "1.0.0", "file_format: 1.0.0\nversions: {one: }\n", &error), BT_INVALID);
  assert_non_null(strstr(error.message, "1.0.0:2:"));
  assert_int_equal(read_one(f, "1.0.0", "versions: [\n", &error), BT_INVALID);
  assert_int_equal(bt_convention_files_read("/nowhere", &f->arena, &f->conventions, &error), BT_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_schema, make_folder, remove_folder),
                                     cmocka_unit_test_setup_teardown(test_registry, make_folder, remove_folder),
                                     cmocka_unit_test_setup_teardown(test_problems, make_folder, remove_folder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
