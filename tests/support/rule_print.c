/* Printing a checked rule. See rule_print.h. */
#include "tests/support/rule_print.h"

static void print_string(bt_str s, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < s.len; i++) {
    if ((unsigned char)s.ptr[i] < 0x20)
      bt_buffer_printf(out, "\\x%02x", (unsigned char)s.ptr[i]);
    else
      bt_buffer_append_char(out, s.ptr[i]);
  }
  bt_buffer_append_char(out, '"');
}

static void print_binding(const bt_rule *rule, int binding, bt_buffer *out) {
  bt_buffer_printf(out, "%.*s", BT_FMT(rule->bindings[binding].name));
  for (int i = 0; i < rule->binding_count; i++)
    if (i != binding && bt_str_equal(rule->bindings[i].name, rule->bindings[binding].name)) {
      bt_buffer_printf(out, "#%d", binding);
      return;
    }
}

static const char *field_name(bt_field_kind kind) {
  switch (kind) {
  case BT_FIELD_NAME: return "name";
  case BT_FIELD_KIND: return "kind";
  case BT_FIELD_STATUS: return "status";
  case BT_FIELD_STATUS_MESSAGE: return "status_message";
  case BT_FIELD_DURATION: return "duration";
  case BT_FIELD_START: return "start";
  case BT_FIELD_END: return "end";
  case BT_FIELD_ID: return "id";
  case BT_FIELD_PARENT_ID: return "parent_id";
  case BT_FIELD_SERVICE: return "service";
  case BT_FIELD_SPAN_TRACE_ID: return "trace_id";
  case BT_FIELD_FLAGS: return "flags";
  case BT_FIELD_TRACE_STATE: return "trace_state";
  case BT_FIELD_DROPPED_ATTRIBUTES: return "dropped_attributes";
  case BT_FIELD_DROPPED_EVENTS: return "dropped_events";
  case BT_FIELD_DROPPED_LINKS: return "dropped_links";
  case BT_FIELD_SPAN_ATTRIBUTE: return "span";
  case BT_FIELD_RESOURCE_ATTRIBUTE: return "resource";
  case BT_FIELD_EITHER_ATTRIBUTE: return "either";
  case BT_FIELD_SCOPE_NAME: return "scope-name";
  case BT_FIELD_SCOPE_VERSION: return "scope-version";
  case BT_FIELD_SCOPE_ATTRIBUTE: return "scope";
  case BT_FIELD_EVENT_NAME: return "event-name";
  case BT_FIELD_EVENT_TIME: return "event-time";
  case BT_FIELD_EVENT_ATTRIBUTE: return "event";
  case BT_FIELD_LINK_TRACE_ID: return "link-trace-id";
  case BT_FIELD_LINK_SPAN_ID: return "link-span-id";
  case BT_FIELD_LINK_ATTRIBUTE: return "link";
  case BT_FIELD_TRACE_DURATION: return "trace-duration";
  case BT_FIELD_TRACE_START: return "trace-start";
  case BT_FIELD_TRACE_END: return "trace-end";
  case BT_FIELD_TRACE_SPAN_COUNT: return "trace-span-count";
  case BT_FIELD_TRACE_SERVICE_COUNT: return "trace-service-count";
  case BT_FIELD_TRACE_ID: return "trace-id";
  case BT_FIELD_TRACE_ROOT_NAME: return "trace-root-name";
  case BT_FIELD_TRACE_ROOT_SERVICE: return "trace-root-service";
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE: return "trace-root";
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: return "trace-root-resource";
  }
  return "?";
}

static bool has_key(bt_field_kind kind) {
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE ||
         kind == BT_FIELD_SCOPE_ATTRIBUTE || kind == BT_FIELD_EVENT_ATTRIBUTE || kind == BT_FIELD_LINK_ATTRIBUTE ||
         kind == BT_FIELD_TRACE_STATE || kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE ||
         kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
}

/* `span["k"]`, `c:duration` */
static void print_field(const bt_rule *rule, const bt_field *field, bt_buffer *out) {
  if (field->binding != BT_NO_BINDING) {
    print_binding(rule, field->binding, out);
    bt_buffer_append_char(out, ':');
  }
  bt_buffer_append(out, bt_str_from(field_name(field->kind)));
  if (!has_key(field->kind)) return;
  bt_buffer_append_char(out, '[');
  print_string(field->key, out);
  bt_buffer_append_char(out, ']');
}

static void print_value(const bt_value *value, bt_buffer *out) {
  switch (value->type) {
  case BT_VALUE_STRING: print_string(value->string, out); return;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); return;
  case BT_VALUE_INT: bt_buffer_printf(out, "%lld", (long long)value->integer); return;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.17g~", value->decimal); return;
  case BT_VALUE_DURATION: bt_buffer_printf(out, "%lldns", (long long)value->duration_ns); return;
  case BT_VALUE_TIME: bt_buffer_printf(out, "@%lld", (long long)value->time_ns); return;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_ARRAY: bt_buffer_append(out, BT_STR("?")); return;
  }
}

static const char *type_mark(bt_type type) {
  switch (type) {
  case BT_TYPE_NUMBER: return "number";
  case BT_TYPE_DURATION: return "duration";
  case BT_TYPE_TIME: return "time";
  case BT_TYPE_STRING: return "string";
  case BT_TYPE_BOOLEAN: return "boolean";
  case BT_TYPE_ATTRIBUTE: return "attribute";
  }
  return "?";
}

static void print_selection(const bt_rule *rule, const bt_selection *selection, bt_buffer *out);

static void print_aggregate(const bt_rule *rule, const bt_expression *expression, bt_buffer *out) {
  static const char *const names[] = {"count", "sum", "min", "max", "avg", "count-distinct"};
  bt_buffer_printf(out, "(%s ", names[expression->aggregate]);
  if (expression->left) {
    rule_print_expression(rule, expression->left, out);
    bt_buffer_append_char(out, ' ');
  }
  print_selection(rule, expression->selection, out);
  bt_buffer_append_char(out, ')');
}

void rule_print_expression(const bt_rule *rule, const bt_expression *expression, bt_buffer *out) {
  static const char *const signs[] = {"+", "-", "*", "/"};
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: print_value(&expression->literal, out); return;
  case BT_EXPRESSION_FIELD: print_field(rule, &expression->field, out); return;
  case BT_EXPRESSION_AGGREGATE: print_aggregate(rule, expression, out); return;
  case BT_EXPRESSION_PART_COUNT:
    bt_buffer_append(out,
                     expression->part->kind == BT_PREDICATE_LINK ? BT_STR("(count-links ") : BT_STR("(count-events "));
    rule_print_predicate(rule, expression->part->items[0], out);
    bt_buffer_append_char(out, ')');
    return;
  case BT_EXPRESSION_NEGATE:
    bt_buffer_append(out, BT_STR("(neg "));
    rule_print_expression(rule, expression->left, out);
    break;
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    bt_buffer_printf(out, "(%s ", signs[expression->kind - BT_EXPRESSION_ADD]);
    rule_print_expression(rule, expression->left, out);
    bt_buffer_append_char(out, ' ');
    rule_print_expression(rule, expression->right, out);
    break;
  }
  bt_buffer_printf(out, ")/%s", type_mark(expression->type));
}

static const char *operator_name(bt_comparison_operator op) {
  switch (op) {
  case BT_EQUAL: return "==";
  case BT_NOT_EQUAL: return "!=";
  case BT_LESS: return "<";
  case BT_LESS_EQUAL: return "<=";
  case BT_GREATER: return ">";
  case BT_GREATER_EQUAL: return ">=";
  case BT_CONTAINS: return "contains";
  case BT_STARTS_WITH: return "starts-with";
  case BT_ENDS_WITH: return "ends-with";
  case BT_MATCHES: return "matches";
  case BT_MATCHES_WHOLE: return "=~";
  case BT_NOT_MATCHES_WHOLE: return "!~";
  case BT_IN: return "in";
  case BT_NOT_IN: return "not-in";
  }
  return "?";
}

static void print_comparison(const bt_rule *rule, const bt_comparison *comparison, bt_buffer *out) {
  bt_buffer_printf(out, "(%s ", operator_name(comparison->op));
  rule_print_expression(rule, comparison->left, out);
  if (comparison->right) {
    bt_buffer_append_char(out, ' ');
    rule_print_expression(rule, comparison->right, out);
  }
  for (uint32_t i = 0; i < comparison->list_count; i++) {
    bt_buffer_append_char(out, ' ');
    rule_print_expression(rule, comparison->list[i], out);
  }
  bt_buffer_append_char(out, ')');
}

static void print_items(const bt_rule *rule, const char *name, const bt_predicate *predicate, bt_buffer *out) {
  bt_buffer_printf(out, "(%s", name);
  for (uint32_t i = 0; i < predicate->item_count; i++) {
    bt_buffer_append_char(out, ' ');
    rule_print_predicate(rule, predicate->items[i], out);
  }
  bt_buffer_append_char(out, ')');
}

void rule_print_predicate(const bt_rule *rule, const bt_predicate *predicate, bt_buffer *out) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: bt_buffer_append(out, BT_STR("true")); return;
  case BT_PREDICATE_FALSE: bt_buffer_append(out, BT_STR("false")); return;
  case BT_PREDICATE_AND: print_items(rule, "and", predicate, out); return;
  case BT_PREDICATE_OR: print_items(rule, "or", predicate, out); return;
  case BT_PREDICATE_NOT: print_items(rule, "not", predicate, out); return;
  case BT_PREDICATE_EVENT: print_items(rule, "one-event", predicate, out); return;
  case BT_PREDICATE_LINK: print_items(rule, "one-link", predicate, out); return;
  case BT_PREDICATE_NAMED:
    bt_buffer_append(out, BT_STR("(named "));
    print_string(predicate->name, out);
    break;
  case BT_PREDICATE_COMPARE: print_comparison(rule, &predicate->comparison, out); return;
  case BT_PREDICATE_EXISTS:
    bt_buffer_append(out, BT_STR("(exists "));
    print_field(rule, &predicate->field, out);
    break;
  case BT_PREDICATE_IS_TRUE:
    bt_buffer_append(out, BT_STR("(is-true "));
    print_field(rule, &predicate->field, out);
    break;
  }
  bt_buffer_append_char(out, ')');
}

static const char *relation_name(bt_relation_kind kind) {
  switch (kind) {
  case BT_BEFORE: return "before";
  case BT_AFTER: return "after";
  case BT_WITHIN_OF: return "within-of";
  case BT_BETWEEN: return "between";
  case BT_UNDER: return "under";
  case BT_ABOVE: return "above";
  case BT_CHILD_OF: return "child-of";
  case BT_PARENT_OF: return "parent-of";
  case BT_SIBLING_OF: return "sibling-of";
  case BT_LINKED_TO: return "linked-to";
  case BT_LINKED_FROM: return "linked-from";
  case BT_DOWNSTREAM_OF: return "downstream-of";
  case BT_FIRST_OF: return "first-of";
  case BT_LAST_OF: return "last-of";
  }
  return "?";
}

static void print_reference(const bt_rule *rule, const bt_reference *reference, bool is_end, bt_buffer *out) {
  bt_buffer_append_char(out, ' ');
  if (reference->binding != BT_NO_BINDING)
    print_binding(rule, reference->binding, out);
  else
    print_selection(rule, reference->selection, out);
  if (is_end) bt_buffer_append(out, BT_STR(":end"));
}

static void print_relation(const bt_rule *rule, const bt_relation *relation, bt_buffer *out) {
  bt_buffer_printf(out, " (%s", relation_name(relation->kind));
  print_reference(rule, &relation->first, relation->first_is_end, out);
  if (relation->kind == BT_BETWEEN) print_reference(rule, &relation->second, relation->second_is_end, out);
  if (relation->within_ns >= 0) bt_buffer_printf(out, " within=%lldns", (long long)relation->within_ns);
  if (relation->max_links) bt_buffer_printf(out, " links=%u", relation->max_links);
  bt_buffer_append_char(out, ')');
}

/* `{predicate (relation …)}`, with the binding in front when the selection is one bound span. */
static void print_selection(const bt_rule *rule, const bt_selection *selection, bt_buffer *out) {
  bt_buffer_append_char(out, '{');
  if (selection->base_binding != BT_NO_BINDING) {
    print_binding(rule, selection->base_binding, out);
    bt_buffer_append(out, BT_STR(": "));
  }
  rule_print_predicate(rule, selection->predicate, out);
  for (uint32_t i = 0; i < selection->relation_count; i++) print_relation(rule, &selection->relations[i], out);
  bt_buffer_append_char(out, '}');
}

static void print_conditions(const bt_rule *rule, const char *name, const bt_condition *condition, bt_buffer *out) {
  bt_buffer_printf(out, "(%s", name);
  for (uint32_t i = 0; i < condition->item_count; i++) {
    bt_buffer_append_char(out, ' ');
    rule_print_condition(rule, condition->items[i], out);
  }
  bt_buffer_append_char(out, ')');
}

static void print_order(const bt_rule *rule, const char *name, const bt_condition *condition, bt_buffer *out) {
  bt_buffer_printf(out, "(%s ", name);
  print_selection(rule, condition->selection, out);
  bt_buffer_append_char(out, ' ');
  print_selection(rule, condition->other, out);
  bt_buffer_append_char(out, ')');
}

void rule_print_condition(const bt_rule *rule, const bt_condition *condition, bt_buffer *out) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: bt_buffer_append(out, BT_STR("true")); return;
  case BT_CONDITION_FALSE: bt_buffer_append(out, BT_STR("false")); return;
  case BT_CONDITION_AND: print_conditions(rule, "and", condition, out); return;
  case BT_CONDITION_OR: print_conditions(rule, "or", condition, out); return;
  case BT_CONDITION_NOT: print_conditions(rule, "not", condition, out); return;
  case BT_CONDITION_HAS_BEFORE: print_order(rule, "has-before", condition, out); return;
  case BT_CONDITION_HAS_AFTER: print_order(rule, "has-after", condition, out); return;
  case BT_CONDITION_COMPARE: print_comparison(rule, &condition->comparison, out); return;
  case BT_CONDITION_EXISTS:
    bt_buffer_append(out, BT_STR("(some "));
    print_selection(rule, condition->selection, out);
    if (condition->binding != BT_NO_BINDING) {
      bt_buffer_append(out, BT_STR(" as "));
      print_binding(rule, condition->binding, out);
    }
    bt_buffer_append_char(out, ')');
    return;
  }
}

static void print_clause(const bt_rule *rule, const char *name, const bt_condition *condition, bt_buffer *out) {
  if (!condition) return;
  bt_buffer_printf(out, "%s ", name);
  rule_print_condition(rule, condition, out);
  bt_buffer_append_char(out, '\n');
}

void rule_print(const bt_rule *rule, bt_buffer *out) {
  for (uint32_t i = 0; i < rule->annotation_count; i++)
    bt_buffer_printf(out, "@%.*s %.*s\n", BT_FMT(rule->annotations[i].name), BT_FMT(rule->annotations[i].value));
  print_clause(rule, "when", rule->when, out);
  print_clause(rule, "always", rule->always, out);
  print_clause(rule, "never", rule->never, out);
  print_clause(rule, "condition", rule->condition, out);
  for (int i = 0; i < rule->binding_count; i++) {
    bt_buffer_append(out, BT_STR("binding "));
    print_binding(rule, i, out);
    bt_buffer_append(out, rule->bindings[i].in_choice ? BT_STR(" in-choice\n") : BT_STR("\n"));
  }
}
