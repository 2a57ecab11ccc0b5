/* Rules whose plans and questions are kept. See golden_rules.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/golden_rules.h"

#include "server/rulefile/rulefile.h"
#include "tests/diff/random_rule.h"
#include "tests/support/case_file.h"
#include "tests/support/rule_maker.h"

#define PACKS "../distribution/packs/"
enum { RANDOM_RULES = 250, LEAST_OF_PACKS = 60 };
static const char *const packs[] = {"ai-agents", "hipaa", "messaging", "n-plus-one", "otel-hygiene",
                                    "payments",  "pci",   "security",  "soc2",       "sre-reliability"};

/* From seeds of their own: BETRACE_SEED changes none of them. */
static test_random start_random(uint64_t seed) {
  return (test_random){seed * 2862933555777941757U + 3037000493U};
}

static void add_random(golden_rule rule, void *context) {
  test_random random = start_random(54);
  for (int i = 0; i < RANDOM_RULES; i++) {
    char name[32];
    bt_buffer text = {0};
    random_rule_write(&random, &text);
    snprintf(name, sizeof name, "random-%03d", i);
    rule(context, name, bt_buffer_str(&text));
    bt_buffer_dispose(&text);
  }
}

static void add_made(golden_rule rule, void *context) {
  maker m = {.random = start_random(55)};
  for (int i = 0; i < RANDOM_RULES; i++) {
    char name[32];
    maker_say_rule(&m);
    snprintf(name, sizeof name, "made-%03d", i);
    rule(context, name, bt_buffer_str(&m.text));
  }
  bt_buffer_dispose(&m.text);
}

static char *read_whole(const char *path) {
  char *text = case_read_file(path, NULL);
  if (!text) fail_msg("%s cannot be read", path);
  return text;
}

/* With what the file says next to the rule's text, as the service stores it. */
static void add_definition(const bt_rule_fields *fields, const char *name, golden_rule rule, void *context) {
  bt_rule_fields copy;
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_fields_copy(fields, &copy, &error) || bt_rule_definition_new(&copy, &definition, &diagnostics, &error))
    fail_msg("%s: %s", name, error.message);
  rule(context, name, bt_str_from(definition->fields.dsl));
  bt_rule_definition_unref(definition);
  bt_rule_fields_dispose(&copy);
  bt_diagnostics_dispose(&diagnostics);
}

static size_t add_pack(const char *pack, golden_rule rule, void *context) {
  char path[128], name[256];
  bt_rulefile file;
  bt_error error = {0};
  snprintf(path, sizeof path, PACKS "%s.yaml", pack);
  char *text = read_whole(path);
  if (bt_rulefile_parse(bt_str_from(text), path, &file, &error) != BT_OK) fail_msg("%s", error.message);
  size_t count = file.rule_count;
  for (size_t i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%s/%s", pack, file.rules[i].fields.id);
    add_definition(&file.rules[i].fields, name, rule, context);
  }
  bt_rulefile_dispose(&file);
  free(text);
  return count;
}

void golden_rules_each(golden_rule rule, void *context) {
  size_t of_packs = 0;
  add_random(rule, context);
  add_made(rule, context);
  for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) of_packs += add_pack(packs[i], rule, context);
  assert_true(of_packs >= LEAST_OF_PACKS);
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

static void write_golden(const char *path, const bt_buffer *lines) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(lines->ptr, 1, lines->len, file), lines->len);
  assert_int_equal(fclose(file), 0);
}

golden_options golden_options_of(int argc, char **argv) {
  golden_options options = {.update = argc > 1 && strcmp(argv[1], "--update") == 0};
  if (argc > 2 && strcmp(argv[1], "--print") == 0) options.printed = argv[2];
  return options;
}

void golden_add(bt_buffer *lines, const char *name, bt_str text, const golden_options *options) {
  bt_buffer_printf(lines, "%s %016llx\n", name, (unsigned long long)bt_str_hash(text));
  if (options->printed && strcmp(options->printed, name) == 0) printf("%.*s", BT_FMT(text));
}

void golden_check(const char *path, const bt_buffer *lines, const golden_options *options) {
  assert_false(lines->failed);
  if (options->update) write_golden(path, lines);
  char *was = read_whole(path);
  size_t differences = count_differences(was, lines->ptr);
  if (differences)
    fail_msg("%zu lines are not what they were in %s: print one with --print NAME, here and of the commit before; "
             "--update keeps those of now",
             differences, path);
  free(was);
}
