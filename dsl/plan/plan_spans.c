/* The spans that a rule speaks of. See plan_parts.h. Soundness: a rule whose selections ask for fields and times of
 * spans only is decided by the spans that meet one of its predicates. Bound spans are such spans; counts, orders and
 * distances are between such spans; and every other span of the trace is in no selection. So the trace without those
 * others has the same verdict, and is exercised likewise, when no more spans come. What looks at the trace as a whole
 * (its duration, its root, how many spans it has) or at structure (ancestors may be spans that no predicate asks for)
 * is not decided so. What looks at an attribute with the name of a field (`status`) is not decided so either: an answer
 * to a filter does not keep them apart. For such rules there is no filter. Otherwise the filter is the union of what
 * every open selection may select, weakened as always. */
#include "dsl/plan/dialect.h"
#include "dsl/plan/plan_parts.h"
#include "dsl/plan/pushdown.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

typedef struct spans_context {
  bt_filter_builder *builder;
  const bt_filter *filter; /* so far */
  const bt_filter *linked; /* of what relations over links ask for */
  bool follows_links;      /* `linked to` needs no more than these spans and a family */
  bool failed;             /* some part needs more than these spans */
} spans_context;

/* What the filter tests may come in the answer under its own name, where an attribute of that name would be. */
static bool looks_like_tested(const spans_context *c, const bt_field *field) {
  for (uint32_t i = 0; i < field->name_count; i++)
    if (looks_like_tested(c, &field->names[i])) return true;
  bool is_attribute = field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_EITHER_ATTRIBUTE ||
                      field->kind == BT_FIELD_RESOURCE_ATTRIBUTE;
  bool is_service = field->kind == BT_FIELD_RESOURCE_ATTRIBUTE && bt_str_equal(field->key, BT_STR("service.name"));
  return is_attribute && !is_service && c->builder->dialect->is_taken_key(field->key);
}

static void look_at_field(void *context, const bt_field *field) {
  spans_context *c = context;
  if (bt_field_is_of_trace(field->kind) || looks_like_tested(c, field)) c->failed = true;
}

static void look_at_relation(void *context, const bt_relation *relation) {
  spans_context *c = context;
  bool is_linked_to = c->follows_links && relation->kind == BT_LINKED_TO;
  bool is_about_times = bt_relation_is_order(relation->kind) || bt_relation_is_pick(relation->kind);
  if (!is_about_times && !is_linked_to) c->failed = true;
}

/* A closed selection speaks of a bound span, which its own open selection has. */
static void add_selection(void *context, const bt_selection *selection) {
  spans_context *c = context;
  if (c->failed || selection->base_binding != BT_NO_BINDING) return;
  bt_over_filter selected = bt_pushdown_predicate(c->builder, selection->predicate, false).over;
  if (selection->is_foreign) c->linked = bt_filter_join2(c->builder, BT_FILTER_OR, c->linked, selected.filter);
  if (selection->is_foreign && c->follows_links) return; /* own ones among them are some that nobody has seen */
  c->filter = bt_filter_join2(c->builder, BT_FILTER_OR, c->filter, selected.filter);
}

static void walk_spans(spans_context *c, const bt_rule *rule) {
  const bt_rule_visitor visitor = {.on_field = look_at_field,
                                   .on_relation = look_at_relation,
                                   .on_selection = add_selection,
                                   .context = c,
                                   .others_first = true};
  c->filter = c->linked = bt_filter_none();
  bt_rule_walk(rule, &visitor);
}

bool bt_plan_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *out) {
  spans_context c = {.builder = builder};
  walk_spans(&c, rule);
  *out = (bt_over_filter){c.filter};
  return !c.failed && c.filter->kind != BT_FILTER_ALL && c.filter->kind != BT_FILTER_NONE;
}

/* What finds more is right, too; and a filter that tests no attribute may give them (docs/ARCHITECTURE.md). */
static const bt_filter *without_attributes(bt_filter_builder *builder, const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) {
    bool is_of_span = !bt_filter_is_of_attribute(&filter->test) && !bt_filter_is_of_event(&filter->test, NULL);
    return is_of_span ? filter : bt_filter_all();
  }
  if (filter->kind != BT_FILTER_AND && filter->kind != BT_FILTER_OR) return filter;
  const bt_filter **items = bt_arena_array(builder->arena, filter->item_count, sizeof *items);
  if (!items) {
    builder->failed = true;
    return filter;
  }
  for (uint32_t i = 0; i < filter->item_count; i++) items[i] = without_attributes(builder, filter->items[i]);
  return bt_filter_join(builder, filter->kind, items, filter->item_count);
}

bool bt_plan_evidence_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *own,
                            bt_over_filter *linked) {
  spans_context c = {.builder = builder, .follows_links = true};
  walk_spans(&c, rule);
  *own = (bt_over_filter){without_attributes(builder, c.filter)};
  *linked = (bt_over_filter){without_attributes(builder, c.linked)};
  return !c.failed && linked->filter->kind != BT_FILTER_NONE;
}

typedef struct linking_context {
  bt_filter_builder *builder;
  const bt_filter *filter; /* so far */
  bool failed;
} linking_context;

static void look_at_linked(void *context, const bt_relation *relation) {
  linking_context *c = context;
  if (bt_relation_is_linked(relation->kind) && relation->kind != BT_LINKED_TO) c->failed = true;
}

static bool follows_links(const bt_selection *selection) {
  for (uint32_t i = 0; i < selection->relation_count; i++)
    if (bt_relation_is_linked(selection->relations[i].kind)) return true;
  return false;
}

/* A closed selection speaks of a bound span, which may be of the rule's own trace and in no selection here. */
static void add_linking(void *context, const bt_selection *selection) {
  linking_context *c = context;
  bool is_closed = selection->base_binding != BT_NO_BINDING;
  if (is_closed && follows_links(selection)) c->failed = true;
  if (c->failed || is_closed || !selection->is_foreign) return;
  bt_over_filter selected = bt_pushdown_predicate(c->builder, selection->predicate, false).over;
  c->filter = bt_filter_join2(c->builder, BT_FILTER_OR, c->filter, selected.filter);
}

bool bt_plan_linking_spans(bt_filter_builder *builder, const bt_rule *rule, bt_over_filter *out,
                           bt_over_filter *fields) {
  linking_context c = {.builder = builder, .filter = bt_filter_none()};
  const bt_rule_visitor visitor = {
      .on_relation = look_at_linked, .on_selection = add_linking, .context = &c, .others_first = true};
  bt_rule_walk(rule, &visitor);
  *out = (bt_over_filter){c.filter};
  *fields = (bt_over_filter){without_attributes(builder, c.filter)};
  return !c.failed;
}
