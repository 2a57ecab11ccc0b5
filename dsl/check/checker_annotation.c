/* Annotations: (framework, control) pairs and @severity. See checker.h and dsl.md §6. */
#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/lexer.h"

static const char *const severities[] = {"info", "low", "warning", "medium", "high", "error", "critical", NULL};

/* Every `_` between letters or digits of an unquoted identifier is a dot: CC6_1 is CC6.1. */
static bool copy_item(bt_checker *checker, const bt_ast_item *item, bool lower_case, bt_str *out) {
  if (!bt_arena_copy(checker->arena, item->text, out)) {
    checker->no_memory = true;
    return false;
  }
  char *bytes = (char *)(uintptr_t)out->ptr;
  for (size_t i = 0; i < out->len; i++) {
    char c = bytes[i];
    bool between = i > 0 && i + 1 < out->len && bt_is_identifier_part(item->text.ptr[i - 1]) &&
                   item->text.ptr[i - 1] != '_' && bt_is_identifier_part(item->text.ptr[i + 1]) &&
                   item->text.ptr[i + 1] != '_';
    if (c == '_' && between && !item->quoted) bytes[i] = '.';
    if (lower_case && c >= 'A' && c <= 'Z') bytes[i] = (char)(c - 'A' + 'a');
  }
  return true;
}

static void check_severity(bt_checker *checker, const bt_ast_item *item, bt_str value) {
  for (size_t i = 0; severities[i]; i++)
    if (bt_str_equal(value, bt_str_from(severities[i]))) return;
  const char *nearest = bt_suggest_nearest(value, severities);
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_ANNOTATION, item->range,
                        "expected a severity: info, low, warning, medium, high, error or critical%s%s%s",
                        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
  if (nearest) bt_checker_fix(checker, added, item->range, "%s", nearest);
}

static bool is_severity(const bt_ast_annotation *annotation) {
  return bt_str_equal(annotation->name, BT_STR("severity"));
}

/* Only controls are known by a name. */
static void check_argument(bt_checker *checker, const bt_ast_argument *argument) {
  static const char *const names[] = {"controls", "control", NULL};
  if (!argument->name.len) return;
  for (size_t i = 0; names[i]; i++)
    if (bt_str_equal(argument->name, bt_str_from(names[i]))) return;
  const char *nearest = bt_suggest_nearest(argument->name, names);
  bt_diagnostic *added = bt_checker_report(checker, BT_E_ANNOTATION, argument->name_range,
                                           "expected controls = {…}, found `%.*s`", BT_FMT(argument->name));
  if (nearest) bt_checker_fix(checker, added, argument->name_range, "%s", nearest);
}

static uint32_t count_pairs(const bt_ast_rule *tree) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < tree->annotation_count; i++) {
    const bt_ast_annotation *annotation = &tree->annotations[i];
    uint32_t items = 0;
    for (uint32_t k = 0; k < annotation->argument_count; k++) items += annotation->arguments[k].item_count;
    count += items ? items : 1;
  }
  return count;
}

/* The shape of one @severity; the second one is one too many. */
static void check_severity_shape(bt_checker *checker, const bt_ast_annotation *annotation, bool *seen) {
  bool one =
      annotation->argument_count == 1 && annotation->arguments[0].item_count == 1 && !annotation->arguments[0].name.len;
  if (!one)
    bt_checker_report(checker, BT_E_ANNOTATION, annotation->range, "expected one severity, as in @severity(critical)");
  if (*seen) bt_checker_report(checker, BT_E_ANNOTATION, annotation->range, "a second severity: a rule has one");
  *seen = true;
}

static void add_items(bt_checker *checker, const bt_ast_annotation *annotation, bt_str name, bt_annotation *pairs,
                      uint32_t *count) {
  bool severity = is_severity(annotation),
       is_word = severity || bt_is_semconv(annotation) || bt_is_coarse_clocks(annotation);
  uint32_t before = *count;
  for (uint32_t i = 0; i < annotation->argument_count; i++) {
    const bt_ast_argument *argument = &annotation->arguments[i];
    check_argument(checker, argument);
    for (uint32_t k = 0; k < argument->item_count; k++) {
      bt_str value;
      if (!copy_item(checker, &argument->items[k], is_word, &value)) return;
      if (severity) check_severity(checker, &argument->items[k], value);
      pairs[(*count)++] = (bt_annotation){name, value};
    }
  }
  if (*count == before) pairs[(*count)++] = (bt_annotation){name, BT_STR("")};
}

void bt_checker_annotations(bt_checker *checker, const bt_ast_rule *tree) {
  uint32_t count = 0;
  bool severity_seen = false;
  bt_annotation *pairs = bt_checker_alloc(checker, count_pairs(tree), sizeof *pairs);
  for (uint32_t i = 0; pairs && i < tree->annotation_count; i++) {
    const bt_ast_annotation *annotation = &tree->annotations[i];
    bt_str name;
    if (bt_is_own_names(annotation)) continue;
    if (!bt_arena_copy(checker->arena, annotation->name, &name)) {
      checker->no_memory = true;
      return;
    }
    if (is_severity(annotation)) check_severity_shape(checker, annotation, &severity_seen);
    add_items(checker, annotation, name, pairs, &count);
  }
  checker->rule->annotations = pairs;
  checker->rule->annotation_count = count;
}

const char *bt_vocabulary_severity(size_t i) {
  return i < sizeof severities / sizeof severities[0] ? severities[i] : NULL;
}
