/* What is made of rules for a store is the same, byte for byte, while the planner is built anew: of 500 random rules
 * and of all packs. cases/plan_golden.txt has a hash of each. With --update the test writes it anew; --print NAME
 * prints what stands behind one hash, so that it can be held against what a program of before prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/rulefile/rulefile.h"
#include "tests/diff/random_rule.h"
#include "tests/support/plan_texts.h"
#include "tests/support/rule_maker.h"

#define GOLDEN "cases/plan_golden.txt"
#define PACKS  "../distribution/packs/"
enum { RANDOM_RULES = 250, LEAST_OF_PACKS = 60 };
static const char *const packs[] = {"ai-agents", "hipaa", "messaging", "n-plus-one", "otel-hygiene",
                                    "payments",  "pci",   "security",  "soc2",       "sre-reliability"};

static const char *printed; /* NULL: none */

/* ---- one rule ---- */

static void write_texts(bt_str dsl, const plan_texts *texts, bt_buffer *out) {
  bt_buffer_printf(out, "%.*s\n", BT_FMT(dsl));
  for (int i = 0; i < PLAN_TEXTS; i++)
    bt_buffer_printf(out, "--- %d\n%.*s", i, BT_FMT(bt_buffer_str(&texts->items[i])));
}

/* Appends the line of a rule. */
static void add_rule(const char *name, bt_str dsl, bt_buffer *lines) {
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics diagnostics;
  plan_texts texts = {0};
  bt_buffer all = {0};
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(dsl, &rule, &diagnostics, &error), BT_OK);
  assert_int_equal(plan_texts_add(&texts, rule, &error), BT_OK);
  write_texts(dsl, &texts, &all);
  bt_buffer_printf(lines, "%s %016llx\n", name, (unsigned long long)bt_str_hash(bt_buffer_str(&all)));
  if (printed && strcmp(printed, name) == 0) printf("%s", all.ptr);
  bt_buffer_dispose(&all);
  plan_texts_dispose(&texts);
  bt_diagnostics_dispose(&diagnostics);
  bt_rule_free(rule);
}

/* ---- all of them ---- */

/* From seeds of their own: BETRACE_SEED changes none of them. */
static test_random start_random(uint64_t seed) {
  return (test_random){seed * 2862933555777941757U + 3037000493U};
}

static void add_random(bt_buffer *lines) {
  test_random random = start_random(54);
  for (int i = 0; i < RANDOM_RULES; i++) {
    char name[32];
    bt_buffer text = {0};
    random_rule_write(&random, &text);
    snprintf(name, sizeof name, "random-%03d", i);
    add_rule(name, bt_buffer_str(&text), lines);
    bt_buffer_dispose(&text);
  }
}

static void add_made(bt_buffer *lines) {
  maker m = {.random = start_random(55)};
  for (int i = 0; i < RANDOM_RULES; i++) {
    char name[32];
    maker_say_rule(&m);
    snprintf(name, sizeof name, "made-%03d", i);
    add_rule(name, bt_buffer_str(&m.text), lines);
  }
  bt_buffer_dispose(&m.text);
}

static bt_buffer read_whole(const char *path) {
  char bytes[4096];
  bt_buffer text = {0};
  size_t count;
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("%s cannot be read", path);
  while ((count = fread(bytes, 1, sizeof bytes, file))) bt_buffer_append(&text, (bt_str){bytes, count});
  fclose(file);
  return text;
}

static size_t add_pack(const char *pack, bt_buffer *lines) {
  char path[128], name[256];
  bt_rulefile file;
  bt_error error = {0};
  snprintf(path, sizeof path, PACKS "%s.yaml", pack);
  bt_buffer text = read_whole(path);
  if (bt_rulefile_parse(bt_buffer_str(&text), path, &file, &error) != BT_OK) fail_msg("%s", error.message);
  size_t count = file.rule_count;
  for (size_t i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%s/%s", pack, file.rules[i].fields.id);
    add_rule(name, bt_str_from(file.rules[i].fields.dsl), lines);
  }
  bt_rulefile_dispose(&file);
  bt_buffer_dispose(&text);
  return count;
}

/* ---- held against what was ---- */

static size_t line_length(const char *at) {
  size_t length = strcspn(at, "\n");
  return length + (at[length] == '\n');
}

static size_t count_differences(const char *was, const char *is) {
  enum { SHOWN = 5 };
  size_t count = 0;
  while (*was || *is) {
    size_t before = line_length(was), now = line_length(is);
    bool differs = before != now || memcmp(was, is, now) != 0;
    if (differs && ++count <= SHOWN) fprintf(stderr, "was %.*sis  %.*s", (int)before, was, (int)now, is);
    was += before;
    is += now;
  }
  return count;
}

static void write_golden(const bt_buffer *lines) {
  FILE *file = fopen(GOLDEN, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(lines->ptr, 1, lines->len, file), lines->len);
  assert_int_equal(fclose(file), 0);
}

static bool update_wanted;

static void plans_are_what_they_were(void **state) {
  (void)state;
  bt_buffer lines = {0};
  size_t of_packs = 0;
  add_random(&lines);
  add_made(&lines);
  for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) of_packs += add_pack(packs[i], &lines);
  assert_true(of_packs >= LEAST_OF_PACKS);
  assert_false(lines.failed);
  if (update_wanted) write_golden(&lines);
  bt_buffer was = read_whole(GOLDEN);
  size_t differences = count_differences(was.ptr, lines.ptr);
  if (differences)
    fail_msg("%zu plans are not what they were: print one with --print NAME, here and of the commit before; --update "
             "keeps those of now",
             differences);
  bt_buffer_dispose(&was);
  bt_buffer_dispose(&lines);
}

int main(int argc, char **argv) {
  update_wanted = argc > 1 && strcmp(argv[1], "--update") == 0;
  if (argc > 2 && strcmp(argv[1], "--print") == 0) printed = argv[2];
  const struct CMUnitTest tests[] = {cmocka_unit_test(plans_are_what_they_were)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
