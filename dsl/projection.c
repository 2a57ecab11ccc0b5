/* The fields that evaluating rules reads. See plan.h. */
#include "dsl/plan.h"
#include "dsl/pushdown.h"

enum {
  ARENA_CAP_BYTES = 4 * 1024 * 1024,
  MAX_PROJECTED_BYTES = 2048, /* of keys together: a read asks for each key in many words, and ids must fit beside it */
  MAX_PROJECTED_KEYS = 64
};

typedef struct collector {
  bt_projection *projection;
  bool failed;
} collector;

static void collect_expression(collector *c, const bt_expression *expression);
static void collect_predicate(collector *c, const bt_predicate *predicate);
static void collect_selection(collector *c, const bt_selection *selection);

void bt_projection_init(bt_projection *projection) {
  *projection = (bt_projection){0};
  bt_arena_init(&projection->arena, ARENA_CAP_BYTES);
}

void bt_projection_dispose(bt_projection *projection) {
  bt_arena_dispose(&projection->arena);
  *projection = (bt_projection){0};
}

static bool has_attribute(const bt_projection *projection, bt_projected_scope scope, bt_str key) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (projection->attributes[i].scope == scope && bt_str_equal(projection->attributes[i].key, key)) return true;
  return false;
}

static size_t key_bytes(const bt_projection *projection) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < projection->attribute_count; i++) bytes += projection->attributes[i].key.len;
  return bytes;
}

/* A key that cannot be written in a query, or more of them than a query has room for, makes whole traces necessary. */
static void collect_attribute(collector *c, bt_projected_scope scope, bt_str key) {
  bt_projection *projection = c->projection;
  if (projection->whole_trace || has_attribute(projection, scope, key)) return;
  if (!bt_pushdown_can_name(key) || projection->attribute_count == MAX_PROJECTED_KEYS ||
      key_bytes(projection) + key.len > MAX_PROJECTED_BYTES) {
    projection->whole_trace = true;
    return;
  }
  if (!projection->attributes)
    projection->attributes = bt_arena_array(&projection->arena, MAX_PROJECTED_KEYS, sizeof *projection->attributes);
  bt_str copy;
  if (!projection->attributes || !bt_arena_copy(&projection->arena, key, &copy)) {
    c->failed = true;
    return;
  }
  projection->attributes[projection->attribute_count++] = (bt_projected){scope, copy};
}

static void collect_field(collector *c, const bt_field *field) {
  switch (field->kind) {
  case BT_FIELD_STATUS_MESSAGE: c->projection->status_message = true; break;
  case BT_FIELD_SPAN_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_SPAN, field->key); break;
  case BT_FIELD_RESOURCE_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_RESOURCE, field->key); break;
  case BT_FIELD_EITHER_ATTRIBUTE: collect_attribute(c, BT_PROJECTED_EITHER, field->key); break;
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_SCOPE_ATTRIBUTE:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_ATTRIBUTE: c->projection->whole_trace = true; break;
  case BT_FIELD_NAME:
  case BT_FIELD_KIND:
  case BT_FIELD_STATUS:
  case BT_FIELD_DURATION:
  case BT_FIELD_START:
  case BT_FIELD_END:
  case BT_FIELD_ID:
  case BT_FIELD_PARENT_ID:
  case BT_FIELD_SERVICE:
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE: break;
  }
}

static void collect_comparison(collector *c, const bt_comparison *comparison) {
  collect_expression(c, comparison->left);
  if (comparison->right) collect_expression(c, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) collect_expression(c, comparison->list[i]);
}

static void collect_expression(collector *c, const bt_expression *expression) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: break;
  case BT_EXPRESSION_FIELD: collect_field(c, &expression->field); break;
  case BT_EXPRESSION_AGGREGATE:
    if (expression->aggregate != BT_AGGREGATE_COUNT) collect_field(c, &expression->field);
    collect_selection(c, expression->selection);
    break;
  case BT_EXPRESSION_NEGATE: collect_expression(c, expression->left); break;
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    collect_expression(c, expression->left);
    collect_expression(c, expression->right);
    break;
  }
}

static void collect_predicate(collector *c, const bt_predicate *predicate) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_FALSE:
  case BT_PREDICATE_NAMED: break;
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR:
  case BT_PREDICATE_NOT:
    for (uint32_t i = 0; i < predicate->item_count; i++) collect_predicate(c, predicate->items[i]);
    break;
  case BT_PREDICATE_COMPARE: collect_comparison(c, &predicate->comparison); break;
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: collect_field(c, &predicate->field); break;
  case BT_PREDICATE_EVENT: c->projection->whole_trace = true; break;
  }
}

static void collect_reference(collector *c, const bt_reference *reference) {
  if (reference->binding == BT_NO_BINDING) collect_selection(c, reference->selection);
}

static void collect_selection(collector *c, const bt_selection *selection) {
  collect_predicate(c, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    collect_reference(c, &selection->relations[i].first);
    if (selection->relations[i].kind == BT_BETWEEN) collect_reference(c, &selection->relations[i].second);
  }
}

static void collect_condition(collector *c, const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: break;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
  case BT_CONDITION_NOT:
    for (uint32_t i = 0; i < condition->item_count; i++) collect_condition(c, condition->items[i]);
    break;
  case BT_CONDITION_EXISTS: collect_selection(c, condition->selection); break;
  case BT_CONDITION_COMPARE: collect_comparison(c, &condition->comparison); break;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    collect_selection(c, condition->selection);
    collect_selection(c, condition->other);
    break;
  }
}

bt_status bt_projection_add(bt_projection *projection, const bt_rule *rule, bt_error *error) {
  collector c = {.projection = projection};
  if (rule->when) collect_condition(&c, rule->when);
  if (rule->always) collect_condition(&c, rule->always);
  if (rule->never) collect_condition(&c, rule->never);
  if (rule->condition) collect_condition(&c, rule->condition);
  return c.failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_projection_share(bt_projection *shared, const bt_rule *rule, bool *whole_trace, bt_error *error) {
  bt_projection own;
  bt_projection_init(&own);
  bt_status status = bt_projection_add(&own, rule, error);
  *whole_trace = own.whole_trace;
  bt_projection_dispose(&own);
  if (status != BT_OK || *whole_trace) return status;
  status = bt_projection_add(shared, rule, error);
  *whole_trace = shared->whole_trace;
  shared->whole_trace = false;
  return status;
}
