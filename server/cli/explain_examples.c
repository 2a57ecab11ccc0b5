/* `betrace explain --examples`: each rule by two small traces. See explain_examples.h. */
#include "server/cli/explain_examples.h"

#include "dsl/example/example.h"
#include "server/cli/drawn_example.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/examples_json.h"
#include "server/json/json_values.h"

static bt_status print_example(const bt_rule_definition *rule, const bt_trace *trace, const char *what,
                               const char *not_found, bt_error *error) {
  bt_buffer text = {0};
  bt_print_line("");
  if (!trace) {
    bt_print("  no trace of at most %d spans was found that %s\n", BT_EXAMPLE_MOST_SPANS, not_found);
    return BT_OK;
  }
  bt_print("  %s%s%s\n", bt_style_on(BT_STYLE_DIM), what, bt_style_on(BT_STYLE_OFF));
  bt_status status = bt_drawn_example(trace, &rule, 1, &text, error);
  if (!status) bt_print_styled(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return status;
}

static bt_status print_text(const bt_rule_definition *rule, const bt_examples *examples, bt_error *error) {
  bt_print("%s%s%s\n", bt_style_on(BT_STYLE_BOLD), rule->fields.id, bt_style_on(BT_STYLE_OFF));
  bt_status status = print_example(rule, examples->violating, "this violates it:", "violates it", error);
  if (!status)
    status = print_example(rule, examples->keeping,
                           examples->keeps_by_one_change ? "one change, and this keeps it:" : "this keeps it:",
                           "exercises and keeps it", error);
  bt_print_line("");
  return status;
}

int bt_explain_examples(const bt_cli_rules *rules, bool print_json) {
  bt_error error = {0};
  bt_status status = BT_OK;
  bool lacks_one = false;
  json_t *array = print_json ? json_array() : NULL;
  for (size_t i = 0; i < rules->count && !status; i++) {
    const bt_rule_definition *rule = rules->items[i];
    bt_examples examples;
    status = bt_examples_find(rule->rule, &examples, &error);
    lacks_one = lacks_one || !examples.violating || !examples.keeping;
    if (!status && print_json)
      bt_json_append(array,
                     json_pack("{s:s, s:o}", "rule_id", rule->fields.id, "examples", bt_examples_json(&examples)));
    else if (!status)
      status = print_text(rule, &examples, &error);
    bt_examples_dispose(&examples);
  }
  if (status) {
    json_decref(array);
    return bt_cli_fail("explain", status, &error);
  }
  if (print_json) bt_cli_print_json(json_pack("{s:o}", "rules", array));
  return lacks_one ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}
