/* Compiling rules as this program does. See rule_compile.h. */
#include "server/rules/rule_compile.h"

static const bt_conventions *in_use;

void bt_rules_use_conventions(const bt_conventions *conventions) {
  in_use = conventions;
}

bt_status bt_compile_rule(bt_str text, bool proposes, bt_rule **out, bt_diagnostics *diagnostics, bt_error *error) {
  return bt_compile_rule_with(text, (bt_said_beside){0}, proposes, out, diagnostics, error);
}

bt_status bt_compile_rule_with(bt_str text, bt_said_beside beside, bool proposes, bt_rule **out,
                               bt_diagnostics *diagnostics, bt_error *error) {
  bt_compile_options options = {.conventions = in_use,
                                .own_names = beside.own_names,
                                .coarse_clocks = beside.coarse_clocks,
                                .proposes = proposes};
  if (beside.semconv) options.semconv = bt_str_from(beside.semconv);
  return bt_rule_compile_with(text, &options, out, diagnostics, error);
}
