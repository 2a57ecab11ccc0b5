/* Any bytes as a rule's text: compiling, planning and formatting end, and what compiles is stable under printing. */
#include <stdint.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/plan.h"
#include "tempo/api/traceql_dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bt_rule *compile(bt_str text) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(text, &rule, &diagnostics, &error);
  if ((status == BT_OK) != (rule != NULL) || (status == BT_OK) != (diagnostics.error_count == 0)) abort();
  for (size_t i = 0; i < diagnostics.count; i++) {
    const bt_diagnostic *diagnostic = &diagnostics.items[i];
    if (diagnostic->range.start > diagnostic->range.end || !bt_utf8_valid(diagnostic->message)) abort();
    if (diagnostic->has_fix && (diagnostic->fix_range.end > text.len || !bt_utf8_valid(diagnostic->fix_text))) abort();
  }
  bt_buffer out = {0};
  bt_diagnostics_print(&diagnostics, text, "<rule>", &out);
  bt_buffer_dispose(&out);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static void check_plan(const bt_rule *rule) {
  bt_plan *plan = NULL;
  bt_error error = {0};
  bt_buffer out = {0};
  bt_projection projection;
  bt_projection_init(&projection);
  if (bt_plan_new(rule, bt_traceql_dialect(), &plan, &error) != BT_OK ||
      bt_projection_add(&projection, rule, &error) != BT_OK)
    abort();
  bt_plan_print(plan, &projection, &out);
  if (out.failed || !bt_utf8_valid(bt_buffer_str(&out))) abort();
  bt_buffer_dispose(&out);
  bt_projection_dispose(&projection);
  bt_plan_free(plan);
}

/* Formatting gives a text that formats to itself and is the same rule. `rule` may be NULL: what the checker refuses can
 * be formatted too. */
static void check_format(bt_str text, const bt_rule *rule) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer once = {0}, twice = {0};
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_format(text, &once, &diagnostics, &error) == BT_OK && once.len <= BT_MAX_RULE_BYTES) {
    if (bt_rule_format(bt_buffer_str(&once), &twice, &diagnostics, &error) != BT_OK) abort();
    if (!bt_str_equal(bt_buffer_str(&once), bt_buffer_str(&twice))) abort();
    bt_rule *again = compile(bt_buffer_str(&once));
    if ((again != NULL) != (rule != NULL)) abort();
    if (again && !bt_str_equal(again->canonical, rule->canonical)) abort();
    bt_rule_free(again);
  } else if (rule && !once.len) {
    abort();
  }
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&twice);
  bt_diagnostics_dispose(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str text = {(const char *)data, size};
  bt_rule *rule = compile(text);
  if (rule && rule->canonical.len <= BT_MAX_RULE_BYTES) {
    bt_rule *again = compile(rule->canonical);
    if (!again || !bt_str_equal(again->canonical, rule->canonical)) abort();
    bt_rule_free(again);
  }
  check_format(text, rule);
  if (rule) check_plan(rule);
  bt_rule_free(rule);
  return 0;
}
