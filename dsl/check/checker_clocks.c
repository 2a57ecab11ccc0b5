/* @coarse_clocks: what equal starts of whole milliseconds say of the order. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

static const char *const names[] = {"", "exact", "unknown"};

const char *bt_coarse_clocks_name(bt_coarse_clocks clocks) {
  return names[clocks];
}

bool bt_coarse_clocks_parse(bt_str text, bt_coarse_clocks *out) {
  bool is_unknown = bt_str_equal(text, BT_STR("unknown"));
  if (!is_unknown && !bt_str_equal(text, BT_STR("exact"))) return false;
  *out = is_unknown ? BT_CLOCKS_UNKNOWN : BT_CLOCKS_EXACT;
  return true;
}

bool bt_is_coarse_clocks(const bt_ast_annotation *annotation) {
  return bt_str_equal(annotation->name, BT_STR("coarse_clocks"));
}

static bool read_clocks(const bt_ast_annotation *annotation, bt_coarse_clocks *out) {
  bool one =
      annotation->argument_count == 1 && annotation->arguments[0].item_count == 1 && !annotation->arguments[0].name.len;
  return one && bt_coarse_clocks_parse(annotation->arguments[0].items[0].text, out);
}

static void check_clocks(bt_checker *checker, const bt_ast_annotation *annotation) {
  bt_coarse_clocks said = BT_CLOCKS_UNSAID, *of_rule = &checker->rule->coarse_clocks;
  bt_checker_names *beside = &checker->names;
  if (!read_clocks(annotation, &said))
    bt_checker_report(checker, BT_E_ANNOTATION, annotation->range,
                      "expected @coarse_clocks(unknown) or @coarse_clocks(exact)");
  else if (beside->are_clocks_annotated)
    bt_checker_report(checker, BT_E_ANNOTATION, annotation->range, "a second @coarse_clocks: a rule has one");
  else if (beside->clocks_beside && beside->clocks_beside != said)
    bt_checker_report(checker, BT_E_ANNOTATION, annotation->range,
                      "the rule says coarse_clocks: %s next to its text; say it once", names[beside->clocks_beside]);
  beside->are_clocks_annotated = true;
  *of_rule = said;
}

void bt_checker_clocks(bt_checker *checker, const bt_ast_rule *tree) {
  checker->rule->coarse_clocks = checker->names.clocks_beside;
  for (uint32_t i = 0; i < tree->annotation_count; i++)
    if (bt_is_coarse_clocks(&tree->annotations[i])) check_clocks(checker, &tree->annotations[i]);
}
