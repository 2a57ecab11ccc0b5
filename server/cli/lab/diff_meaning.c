/* See diff_meaning.h. */
#include "server/cli/lab/diff_meaning.h"

#include "dsl/example/example.h"
#include "server/cli/drawn_example.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/examples_json.h"
#include "server/json/json_values.h"

typedef struct meaning_run {
  json_t *rules; /* NULL: text is printed */
  bool differs, is_unknown;
} meaning_run;

static bt_status print_trace(const bt_rule_definition *const sides[2], const bt_trace *trace, const char *which,
                             bt_error *error) {
  bt_buffer text = {0};
  if (!trace) return BT_OK;
  bt_print("\n  %sthis violates the %s alone ([1] old, [2] new):%s\n", bt_style_on(BT_STYLE_DIM), which,
           bt_style_on(BT_STYLE_OFF));
  bt_status status = bt_drawn_example(trace, sides, 2, &text, error);
  if (!status) bt_print_styled(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return status;
}

static bt_status print_text(const bt_rule_definition *const sides[2], const bt_meaning *meaning, bt_error *error) {
  bt_buffer says = {0};
  bt_meaning_say(meaning, "the old", "the new", &says);
  bt_print("%s%s%s: %.*s\n", bt_style_on(BT_STYLE_BOLD), sides[1]->fields.id, bt_style_on(BT_STYLE_OFF),
           BT_FMT(bt_buffer_str(&says)));
  bt_status status = says.failed ? bt_error_no_memory(error) : BT_OK;
  bt_buffer_dispose(&says);
  if (!status) status = print_trace(sides, meaning->only_first, "old", error);
  return status ? status : print_trace(sides, meaning->only_second, "new", error);
}

static bt_status compare_pair(meaning_run *run, const bt_rule_definition *old_rule, const bt_rule_definition *new_rule,
                              bt_error *error) {
  const bt_rule_definition *const sides[2] = {old_rule, new_rule};
  bt_meaning meaning;
  bt_status status = bt_meaning_compare(old_rule->rule, new_rule->rule, &meaning, error);
  run->is_unknown = run->is_unknown || meaning.kind == BT_MEANING_NOT_TOLD;
  run->differs = run->differs || meaning.only_first || meaning.only_second;
  if (!status && run->rules)
    bt_json_append(run->rules,
                   json_pack("{s:s, s:s, s:o}", "rule_id", new_rule->fields.id, "old_rule_id", old_rule->fields.id,
                             "comparison", bt_meaning_json(&meaning, "the old", "the new")));
  else if (!status)
    status = print_text(sides, &meaning, error);
  bt_meaning_dispose(&meaning);
  return status;
}

static void tell_alone(meaning_run *run, const bt_rule_definition *rule, bool is_old) {
  run->differs = true;
  if (run->rules)
    bt_json_append(run->rules,
                   json_pack("{s:o, s:o, s:n}", "rule_id", is_old ? json_null() : json_string(rule->fields.id),
                             "old_rule_id", is_old ? json_string(rule->fields.id) : json_null(), "comparison"));
  else
    bt_print("%s%s%s: only in the %s rules\n", bt_style_on(BT_STYLE_BOLD), rule->fields.id, bt_style_on(BT_STYLE_OFF),
             is_old ? "old" : "new");
}

static bt_status compare_all(meaning_run *run, const bt_rule_changes *changes, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < changes->count && !status; i++) {
    const bt_rule_change *change = &changes->items[i];
    if (change->old_rule && change->new_rule)
      status = compare_pair(run, change->old_rule, change->new_rule, error);
    else
      tell_alone(run, change->old_rule ? change->old_rule : change->new_rule, change->old_rule != NULL);
  }
  return status;
}

int bt_diff_meaning(const bt_cli_rules *old_rules, const bt_cli_rules *new_rules, bool print_json) {
  bt_error error = {0};
  bt_rule_changes changes = {0};
  meaning_run run = {.rules = print_json ? json_array() : NULL};
  bool is_pair = old_rules->count == 1 && new_rules->count == 1;
  bt_status status = is_pair ? compare_pair(&run, old_rules->items[0], new_rules->items[0], &error)
                             : bt_rule_changes_find(old_rules, new_rules, &changes, &error);
  if (!status && !is_pair) status = compare_all(&run, &changes, &error);
  bt_rule_changes_dispose(&changes);
  if (status) {
    json_decref(run.rules);
    return bt_cli_fail("diff", status, &error);
  }
  if (run.rules) bt_cli_print_json(json_pack("{s:o}", "rules", run.rules));
  return run.differs ? BT_EXIT_FOUND : run.is_unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}
