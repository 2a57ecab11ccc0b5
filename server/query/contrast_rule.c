/* What a rule speaks of itself. See contrast_parts.h. */
#include "dsl/evaluate/value_comparison.h"
#include "server/query/contrast_parts.h"

typedef struct mention { /* is it spoken of? */
  bool is_service;
  bt_str name;
  bool found;
  bt_status status;
} mention;

static bool is_name_field(const mention *m, const bt_expression *expression) {
  if (!expression || expression->kind != BT_EXPRESSION_FIELD) return false;
  const bt_field *field = &expression->field;
  bool is_attribute = field->kind == BT_FIELD_RESOURCE_ATTRIBUTE || field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  if (!m->is_service) return field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_TRACE_ROOT_NAME;
  return field->kind == BT_FIELD_SERVICE || field->kind == BT_FIELD_TRACE_ROOT_SERVICE ||
         (is_attribute && bt_str_equal(field->key, BT_STR("service.name")));
}

/* Whether the name is what the comparison looks for, or refuses. With anything but a constant every name is. */
static bool is_meant(mention *m, bt_comparison_operator op, const bt_pattern *pattern, const bt_expression *wanted) {
  if (!wanted || wanted->kind != BT_EXPRESSION_LITERAL) return true;
  bt_value name = {.type = BT_VALUE_STRING, .string = m->name};
  if (op == BT_NOT_MATCHES_WHOLE) op = BT_MATCHES_WHOLE;
  if (op != BT_CONTAINS && op != BT_STARTS_WITH && op != BT_ENDS_WITH && op != BT_MATCHES && op != BT_MATCHES_WHOLE)
    op = BT_EQUAL;
  bt_comparator comparator = {.op = op, .pattern = pattern};
  bt_work work = {.text_left = UINT64_MAX};
  bool is_met = bt_values_meet(&comparator, &name, &wanted->literal, &work);
  if (work.status != BT_LIMIT) m->status = work.status ? work.status : m->status;
  return is_met || work.status == BT_LIMIT; /* a name too long to tell is not looked for elsewhere */
}

static void look_at_comparison(void *context, const bt_comparison *comparison) {
  mention *m = context;
  if (is_name_field(m, comparison->right)) m->found = m->found || is_meant(m, BT_EQUAL, NULL, comparison->left);
  if (!is_name_field(m, comparison->left)) return;
  if (comparison->right) m->found = m->found || is_meant(m, comparison->op, comparison->pattern, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++)
    m->found = m->found || is_meant(m, BT_EQUAL, NULL, comparison->list[i]);
}

static void look_at_predicate(void *context, const bt_predicate *predicate) {
  mention *m = context;
  if (predicate->kind == BT_PREDICATE_NAMED && bt_str_equal(predicate->name, m->name)) m->found = true;
}

static bool mentions_name(bt_contrast_rule *rule, const bt_condition *condition, bool is_service, bt_str name) {
  mention m = {.is_service = is_service, .name = name};
  if (!condition) return false;
  bt_condition_visit(condition, look_at_predicate, &m);
  bt_condition_visit_comparisons(condition, look_at_comparison, &m);
  if (m.status) rule->status = m.status;
  return m.found;
}

bool bt_contrast_rule_is_of_all(const bt_rule *rule) {
  const bt_condition *bare = rule->condition;
  bool has_not = false, has_other = false;
  if (rule->when) return false;
  if (!bare || bare->kind != BT_CONDITION_AND) return true;
  for (uint32_t i = 0; i < bare->item_count; i++) {
    bool is_not = bare->items[i]->kind == BT_CONDITION_NOT;
    has_not |= is_not;
    has_other |= !is_not;
  }
  return !(has_not && has_other);
}

/* dsl.md §2: `when`, or the conjuncts of a bare condition that are not a `not`, exercise the rule; everything else
 * decides, and where the rule is about every trace all of it does. */
static bool mentions_in_part(bt_contrast_rule *rule, bool deciding, bool is_service, bt_str name) {
  const bt_condition *bare = rule->rule->condition;
  if (!bare && !deciding) return mentions_name(rule, rule->rule->when, is_service, name);
  if (!bare)
    return mentions_name(rule, rule->rule->always, is_service, name) ||
           mentions_name(rule, rule->rule->never, is_service, name);
  if (bt_contrast_rule_is_of_all(rule->rule)) return deciding && mentions_name(rule, bare, is_service, name);
  bool is_and = bare->kind == BT_CONDITION_AND;
  for (uint32_t i = 0; i < (is_and ? bare->item_count : 1); i++) {
    const bt_condition *conjunct = is_and ? bare->items[i] : bare;
    if ((conjunct->kind == BT_CONDITION_NOT) == deciding && mentions_name(rule, conjunct, is_service, name))
      return true;
  }
  return false;
}

static bool decides_by_name(bt_contrast_rule *rule, bt_contrast_others others, bool is_service, bt_str name) {
  bool is_deciding = mentions_in_part(rule, true, is_service, name);
  bool is_exercising = mentions_in_part(rule, false, is_service, name);
  return others == BT_OTHERS_SAME_ENTRY ? is_deciding || is_exercising : is_deciding && !is_exercising;
}

bt_status bt_contrast_rule_init(bt_contrast_rule *out, const bt_rule *rule, bt_error *error) {
  *out = (bt_contrast_rule){.rule = rule};
  return bt_rule_keys_add(&out->keys, rule, error);
}

void bt_contrast_rule_dispose(bt_contrast_rule *rule) {
  bt_rule_keys_dispose(&rule->keys);
}

bool bt_contrast_rule_compares(bt_contrast_rule *rule, bt_mark_kind kind, bt_str name) {
  switch (kind) {
  case BT_MARK_SPAN_NAME:
  case BT_MARK_SERVICE: {
    bool is_service = kind == BT_MARK_SERVICE;
    return mentions_in_part(rule, true, is_service, name) || mentions_in_part(rule, false, is_service, name);
  }
  case BT_MARK_SPAN_ATTRIBUTE: return bt_rule_keys_have(&rule->keys, BT_FIELD_SPAN_ATTRIBUTE, name);
  case BT_MARK_RESOURCE_ATTRIBUTE: return bt_rule_keys_have(&rule->keys, BT_FIELD_RESOURCE_ATTRIBUTE, name);
  }
  return false;
}

bool bt_contrast_rule_decides_by(bt_contrast_rule *rule, bt_contrast_others others, const bt_span *span) {
  bt_str service = span->resource->service;
  return decides_by_name(rule, others, false, span->name) ||
         (service.len && decides_by_name(rule, others, true, service));
}
