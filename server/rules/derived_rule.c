/* Rules made from a rule. See derived_rule.h. */
#include "server/rules/derived_rule.h"
#include "dsl/compile.h"
#include "dsl/rule/rule_walk.h"

#include <stdlib.h>
#include <string.h>

static const bt_condition *whole_of(const bt_rule *rule) {
  return rule->condition ? rule->condition : rule->when;
}

/* dsl.md §2: of `P and Q and not R` P and Q exercise the rule; of `when` everything does. */
static bool is_exercising(const bt_rule *rule, const bt_condition *conjunct) {
  return !rule->condition || conjunct->kind != BT_CONDITION_NOT;
}

static const bt_condition *conjunct_at(const bt_rule *rule, uint32_t index) {
  if (bt_rule_is_exercised_by_all(rule)) return NULL;
  const bt_condition *whole = whole_of(rule);
  bool is_and = whole->kind == BT_CONDITION_AND;
  uint32_t count = is_and ? whole->item_count : 1;
  for (uint32_t i = 0; i < count; i++) {
    const bt_condition *item = is_and ? whole->items[i] : whole;
    if (is_exercising(rule, item) && index-- == 0) return item;
  }
  return NULL;
}

uint32_t bt_exercising_count(const bt_rule *rule) {
  uint32_t count = 0;
  while (conjunct_at(rule, count)) count++;
  return count;
}

static bt_str text_of(const bt_rule *rule, bt_range range) {
  return (bt_str){rule->text.ptr + range.start, range.end - range.start};
}

bt_str bt_exercising_text(const bt_rule *rule, uint32_t index) {
  const bt_condition *conjunct = conjunct_at(rule, index);
  return conjunct ? text_of(rule, conjunct->range) : BT_STR("");
}

void bt_rule_quote(bt_str text, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  while (text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    if (length && (code == '"' || code == '\\'))
      bt_buffer_printf(out, "\\%c", (char)code);
    else if (length && bt_is_obeyed(code))
      bt_append_utf16_escape(code, out);
    else
      bt_buffer_append(out, (bt_str){text.ptr, length ? length : 1});
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
  bt_buffer_append_char(out, '"');
}

/* In parentheses, which are transparent to bindings; the break ends a comment. */
static void append_in_parentheses(bt_str text, bt_buffer *out) {
  bt_buffer_append_char(out, '(');
  bt_buffer_append(out, text);
  bt_buffer_append(out, BT_STR("\n)"));
}

bt_status bt_derived_text(const bt_rule_definition *like, const char *dsl, bt_rule_definition **out, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  *out = NULL;
  bt_status status = bt_rule_fields_copy(&like->fields, &fields, error);
  if (status) return status;
  char *text = strdup(dsl);
  if (text) {
    free(fields.dsl);
    fields.dsl = text;
  }
  bt_diagnostics_init(&diagnostics);
  status = text ? bt_rule_definition_new(&fields, out, &diagnostics, error) : bt_error_no_memory(error);
  bt_diagnostics_dispose(&diagnostics);
  bt_rule_fields_dispose(&fields);
  return status;
}

/* Takes what is in the buffer. */
static bt_status finish_rule(const bt_rule_definition *like, bt_buffer *text, bt_rule_definition **out,
                             bt_error *error) {
  *out = NULL;
  bt_status status =
      text->failed || !text->ptr ? bt_error_no_memory(error) : bt_derived_text(like, text->ptr, out, error);
  bt_buffer_dispose(text);
  return status;
}

bt_status bt_derived_prefix(const bt_rule_definition *rule, uint32_t count, bt_rule_definition **out, bt_error *error) {
  bt_buffer text = {0};
  bt_rule_write_meaning(rule->rule, &text);
  for (uint32_t i = 0; i < count; i++) {
    if (i) bt_buffer_append(&text, BT_STR(" and "));
    append_in_parentheses(bt_exercising_text(rule->rule, i), &text);
  }
  return finish_rule(rule, &text, out, error);
}

static void append_clause(const char *name, const bt_rule *rule, const bt_condition *condition, bt_buffer *out) {
  if (!condition) return;
  bt_buffer_printf(out, "\n%s { ", name);
  bt_buffer_append(out, text_of(rule, condition->range));
  bt_buffer_append(out, BT_STR("\n}"));
}

bt_status bt_derived_restricted(const bt_rule_definition *definition, const char *condition, bt_rule_definition **out,
                                bt_error *error) {
  const bt_rule *rule = definition->rule;
  const bt_condition *whole = whole_of(rule);
  bt_buffer text = {0};
  bt_rule_write_meaning(rule, &text);
  if (!rule->condition) bt_buffer_append(&text, BT_STR("when { "));
  bt_buffer_append(&text, bt_str_from(condition));
  if (whole) {
    bt_buffer_append(&text, BT_STR(" and "));
    append_in_parentheses(text_of(rule, whole->range), &text);
  }
  if (!rule->condition) bt_buffer_append(&text, BT_STR("\n}"));
  append_clause("always", rule, rule->always, &text);
  append_clause("never", rule, rule->never, &text);
  return finish_rule(definition, &text, out, error);
}

bt_status bt_derived_plain(const bt_rule_definition *rule, bt_rule_definition **out, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  *out = NULL;
  bt_status status = bt_rule_fields_copy(&rule->fields, &fields, error);
  if (status) return status;
  fields.settle_ns = fields.margin_ns = fields.clock_skew_ns = -1;
  fields.require_complete = fields.links_sampled = -1;
  fields.budget = -1;
  bt_diagnostics_init(&diagnostics);
  status = bt_rule_definition_new(&fields, out, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  bt_rule_fields_dispose(&fields);
  return status;
}
