/* Conditions, selections, relations and tests of a span, made true or false. See search.h. */
#include <string.h>

#include "dsl/example/search.h"

static const int64_t MS = 1000000;

/* ---- tests of a span ---- */

static bool has_name(const search *s, int span, bt_str name) {
  bt_value service = model_get(&s->model, &(bt_field){.kind = BT_FIELD_SERVICE}, (model_place){span, MODEL_NONE});
  return bt_str_equal(s->model.spans[span].name, name) ||
         (service.type == BT_VALUE_STRING && bt_str_equal(service.string, name));
}

/* A name, or a service where the span has another name already. */
static bool make_named(search *s, bt_str name, int span, bool truth) {
  model_span *of = &s->model.spans[span];
  bt_value value = {.type = BT_VALUE_STRING, .string = name};
  bt_field service = {.kind = BT_FIELD_SERVICE};
  if (has_name(s, span, name) == truth) return true;
  if (truth && of->name.len && s->names_spans_alone) return false;
  if (truth && !s->names_spans_alone && (of->name.len || search_once_in(s, 12)))
    return model_set(&s->model, &service, (model_place){span, MODEL_NONE}, value);
  if (truth) return of->name = name, true;
  if (bt_str_equal(of->name, name)) of->name = BT_STR("other");
  return !has_name(s, span, name) || model_set(&s->model, &service, (model_place){span, MODEL_NONE}, (bt_value){0});
}

/* A new event or link of the span. */
static int add_part(search *s, bool is_link, int span) {
  model_span *of = &s->model.spans[span];
  model_parts *parts = is_link ? &of->links : &of->events;
  int part = model_add_part(parts);
  if (part < 0) return part;
  parts->items[part].time_ns = of->start_ns;
  if (!is_link) return part;
  parts->items[part].trace_id = (bt_trace_id){{0xCE, [15] = 1}};
  parts->items[part].span_id = (bt_span_id){{[7] = 0xCE}};
  return part;
}

static bool make_part(search *s, const bt_predicate *predicate, int span, bool truth) {
  bool is_link = predicate->kind == BT_PREDICATE_LINK;
  model_parts *parts = is_link ? &s->model.spans[span].links : &s->model.spans[span].events;
  if (truth) {
    int part = parts->count && search_once_in(s, 2) ? (int)search_draw(s, parts->count) : add_part(s, is_link, span);
    return part >= 0 && search_make_predicate(s, predicate->items[0], (model_place){span, part}, true);
  }
  if (search_once_in(s, 2)) return parts->count = 0, true;
  if (!parts->count && search_once_in(s, 2) && add_part(s, is_link, span) < 0) return false;
  for (uint32_t i = 0; i < parts->count; i++)
    if (!search_make_predicate(s, predicate->items[0], (model_place){span, (int)i}, false)) return false;
  return true;
}

/* `all`: each of them. Else some, one of which is drawn; where all of those before it shall hold, half of the time. */
static bool make_tests(search *s, const bt_predicate *predicate, model_place place, bool truth, bool all) {
  uint32_t one = search_draw(s, predicate->item_count);
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if ((all || i == one) && !search_make_predicate(s, predicate->items[i], place, truth)) return false;
  return true;
}

static bool is_of_part(bt_field_kind kind) {
  return kind == BT_FIELD_EVENT_NAME || kind == BT_FIELD_EVENT_TIME || kind == BT_FIELD_EVENT_ATTRIBUTE ||
         kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID || kind == BT_FIELD_LINK_ATTRIBUTE;
}

/* An event (a link) for a field of one outside `event.where`. */
static bool add_part_for(search *s, const bt_field *field, model_place place) {
  int span = field->binding >= 0 ? s->bound[s->rule][field->binding] : place.span;
  bool is_link = field->kind >= BT_FIELD_LINK_TRACE_ID && field->kind <= BT_FIELD_LINK_ATTRIBUTE;
  if (span < 0 || place.part >= 0 || !is_of_part(field->kind)) return true;
  const model_span *of = &s->model.spans[span];
  return (is_link ? of->links.count : of->events.count) || add_part(s, is_link, span) >= 0;
}

static bool make_field(search *s, const bt_predicate *predicate, model_place place, bool truth) {
  bt_expression field = {.kind = BT_EXPRESSION_FIELD, .type = BT_TYPE_ATTRIBUTE, .field = predicate->field};
  bt_value value = {.type = BT_VALUE_BOOL, .boolean = truth};
  if (truth && !add_part_for(s, &predicate->field, place)) return false;
  if (!truth && (predicate->kind == BT_PREDICATE_EXISTS || search_once_in(s, 2)))
    return search_set(s, &field, place, (bt_value){0});
  if (predicate->kind == BT_PREDICATE_IS_TRUE) return search_set(s, &field, place, value);
  if (search_value(s, &field, place).type != BT_VALUE_MISSING) return true;
  bt_value text = {.type = BT_VALUE_STRING, .string = BT_STR("a")}, number = {.type = BT_VALUE_INT, .integer = 1};
  return search_set(s, &field, place, text) || search_set(s, &field, place, number);
}

static bool make_compared(search *s, const bt_comparison *comparison, model_place place, bool truth) {
  const bt_expression *left = comparison->left;
  if (truth && left->kind == BT_EXPRESSION_FIELD && !add_part_for(s, &left->field, place)) return false;
  return search_make_comparison(s, comparison, place, truth);
}

bool search_make_predicate(search *s, const bt_predicate *predicate, model_place place, bool truth) {
  if (++s->depth > BT_MAX_NESTING) return s->depth--, false;
  bool is_made = false;
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: is_made = truth; break;
  case BT_PREDICATE_FALSE: is_made = !truth; break;
  case BT_PREDICATE_AND: is_made = make_tests(s, predicate, place, truth, truth); break;
  case BT_PREDICATE_OR: is_made = make_tests(s, predicate, place, truth, !truth); break;
  case BT_PREDICATE_NOT: is_made = search_make_predicate(s, predicate->items[0], place, !truth); break;
  case BT_PREDICATE_NAMED: is_made = make_named(s, predicate->name, place.span, truth); break;
  case BT_PREDICATE_COMPARE: is_made = make_compared(s, &predicate->comparison, place, truth); break;
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: is_made = make_field(s, predicate, place, truth); break;
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: is_made = make_part(s, predicate, place.span, truth); break;
  }
  s->depth--;
  return is_made;
}

/* ---- relations ---- */

static void move_to(search *s, int span, int64_t start_ns) {
  model_span *of = &s->model.spans[span];
  of->end_ns += start_ns - of->start_ns;
  of->start_ns = start_ns;
}

static int64_t point_of(const search *s, int span, bool is_end) {
  return is_end ? s->model.spans[span].end_ns : s->model.spans[span].start_ns;
}

static int referred_span(search *s, const bt_reference *reference) {
  return reference->binding >= 0 ? s->bound[s->rule][reference->binding] : search_make_span(s, reference->selection);
}

/* So far from the point: a little, the whole bound; or, where it shall not hold, just beyond it. */
static int64_t draw_distance(search *s, int64_t within_ns, bool is_beyond) {
  int64_t usual = within_ns >= 0 && within_ns < MS ? within_ns : MS;
  if (within_ns > INT64_C(3153600000000000000)) return usual;
  if (is_beyond) return within_ns + (search_once_in(s, 3) ? 1 : MS);
  return within_ns >= 0 && search_once_in(s, 4) ? within_ns : usual;
}

static bool make_in_time(search *s, const bt_relation *relation, int span, int other, bool truth) {
  int64_t point = point_of(s, other, relation->first_is_end), within = relation->within_ns;
  bool is_beyond = !truth && within >= 0 && !search_once_in(s, 3);
  int64_t away = draw_distance(s, within, is_beyond);
  if (relation->kind == BT_WITHIN_OF) {
    if (truth && search_once_in(s, 2)) away = 0;
    away = truth || is_beyond ? away : draw_distance(s, within, true);
    return move_to(s, span, point + (search_once_in(s, 2) ? away : -away)), true;
  }
  if (!truth && !is_beyond) away = search_once_in(s, 2) ? 0 : -away;
  move_to(s, span, point + (relation->kind == BT_AFTER ? away : -away));
  return true;
}

static bool make_between(search *s, const bt_relation *relation, int span, int first, bool truth) {
  int second = referred_span(s, &relation->second);
  if (second < 0 || second == span) return false;
  int64_t from = point_of(s, first, relation->first_is_end), until = point_of(s, second, relation->second_is_end);
  if (truth && until - from < 2) {
    if (first == second) return false;
    move_to(s, second, s->model.spans[second].start_ns + (from - until) + 2 * MS);
    until = point_of(s, second, relation->second_is_end);
  }
  move_to(s, span, truth ? from + (until - from) / 2 : search_once_in(s, 2) ? until + MS : from - MS);
  return true;
}

static bool hang_under(search *s, int child, int parent) {
  if (child == parent || model_is_under(&s->model, parent, child)) return false;
  s->model.spans[child].parent_id = s->model.spans[parent].id;
  return true;
}

static bool make_siblings(search *s, int span, int other) {
  model_span *spans = s->model.spans;
  if (bt_span_id_is_zero(&spans[other].parent_id)) {
    int parent = model_add(&s->model, s->most);
    if (parent < 0) return false;
    spans[parent].parent_id = (bt_span_id){{0}};
    spans[other].parent_id = spans[parent].id;
  }
  spans[span].parent_id = spans[other].parent_id;
  return memcmp(&spans[span].id, &spans[span].parent_id, sizeof spans[span].id) != 0;
}

static bool make_link(search *s, int from, int to) {
  int part = add_part(s, true, from);
  if (part < 0) return false;
  model_part *link = &s->model.spans[from].links.items[part];
  link->trace_id = s->model.id;
  link->span_id = s->model.spans[to].id;
  return true;
}

static bool make_linked(search *s, const bt_relation *relation, int span, int other, bool truth) {
  int64_t start = s->model.spans[other].start_ns;
  bool is_beyond = !truth && search_once_in(s, 2);
  if (!truth && !is_beyond) {
    s->model.spans[span].links.count = 0;
    s->model.spans[other].links.count = 0;
    return true;
  }
  int64_t away = draw_distance(s, relation->within_ns, is_beyond);
  bool is_from = relation->kind == BT_LINKED_FROM;
  move_to(s, span, is_from ? start - away : start + away);
  if (relation->kind == BT_DOWNSTREAM_OF && search_once_in(s, 2)) return hang_under(s, span, other);
  return is_from ? make_link(s, other, span) : make_link(s, span, other);
}

static bool make_related(search *s, const bt_relation *relation, int span, int other, bool truth) {
  if (relation->kind == BT_BETWEEN) return make_between(s, relation, span, other, truth);
  if (bt_relation_is_order(relation->kind)) return make_in_time(s, relation, span, other, truth);
  if (bt_relation_is_linked(relation->kind)) return make_linked(s, relation, span, other, truth);
  if (!truth) {
    bool is_above = relation->kind == BT_ABOVE || relation->kind == BT_PARENT_OF;
    s->model.spans[is_above ? other : span].parent_id = (bt_span_id){{0}};
    return true;
  }
  if (relation->kind == BT_SIBLING_OF) return make_siblings(s, span, other);
  if ((relation->kind == BT_UNDER || relation->kind == BT_ABOVE) && search_once_in(s, 4)) {
    int between = model_add(&s->model, s->most);
    bool is_under = relation->kind == BT_UNDER;
    return between >= 0 && hang_under(s, between, is_under ? other : span) &&
           hang_under(s, is_under ? span : other, between);
  }
  return relation->kind == BT_UNDER || relation->kind == BT_CHILD_OF ? hang_under(s, span, other)
                                                                     : hang_under(s, other, span);
}

bool search_make_relation(search *s, const bt_relation *relation, int span, bool truth) {
  if (++s->depth > BT_MAX_NESTING) return s->depth--, false;
  bool is_made = false;
  if (bt_relation_is_pick(relation->kind)) {
    is_made = truth ? search_make_selection_on(s, relation->first.selection, span)
                    : search_make_span(s, relation->first.selection) >= 0;
  } else {
    int other = referred_span(s, &relation->first);
    bool may_be_itself = relation->kind == BT_WITHIN_OF || relation->first_is_end;
    if (other >= 0 && other == span && !may_be_itself && relation->first.binding < 0)
      other = model_add(&s->model, s->most);
    is_made = other >= 0 && (other != span || may_be_itself) &&
              (relation->first.binding >= 0 || other != (int)s->model.count - 1 ||
               search_make_selection_on(s, relation->first.selection, other)) &&
              make_related(s, relation, span, other, truth);
  }
  s->depth--;
  return is_made;
}

/* ---- selections ---- */

bool search_make_selection_on(search *s, const bt_selection *selection, int span) {
  if (++s->depth > BT_MAX_NESTING) return s->depth--, false;
  bool is_made = search_make_predicate(s, selection->predicate, (model_place){span, MODEL_NONE}, true);
  for (uint32_t i = 0; is_made && i < selection->relation_count; i++)
    is_made = search_make_relation(s, &selection->relations[i], span, true);
  s->depth--;
  return is_made;
}

/* One that is there, or a new one, which hangs where it likes. */
static int take_span(search *s) {
  if (s->model.count && search_once_in(s, 3)) return (int)search_draw(s, s->model.count);
  int span = model_add(&s->model, s->most);
  if (span > 0 && search_once_in(s, 6)) s->model.spans[span].parent_id = (bt_span_id){{0}};
  if (span > 1 && search_once_in(s, 6))
    s->model.spans[span].parent_id = s->model.spans[search_draw(s, (unsigned)span)].id;
  return span < 0 && s->model.count ? (int)search_draw(s, s->model.count) : span;
}

int search_make_span(search *s, const bt_selection *selection) {
  int span = selection->base_binding >= 0 ? s->bound[s->rule][selection->base_binding] : take_span(s);
  return span >= 0 && search_make_selection_on(s, selection, span) ? span : MODEL_NONE;
}

/* Nothing; or a span that lacks one thing; or a span that is there is made another. */
static bool miss_selection(search *s, const bt_selection *selection) {
  model_place place = {selection->base_binding >= 0 ? s->bound[s->rule][selection->base_binding] : MODEL_NONE,
                       MODEL_NONE};
  uint32_t parts = selection->relation_count + 1;
  if (place.span < 0 && search_once_in(s, 2)) return true;
  if (place.span < 0) place.span = take_span(s);
  if (place.span < 0) return false;
  uint32_t missed = search_draw(s, parts);
  if (missed > 0 || !search_once_in(s, 2)) {
    if (missed > 0 && !search_make_predicate(s, selection->predicate, place, true)) return false;
    for (uint32_t i = 0; i < selection->relation_count; i++)
      if (!search_make_relation(s, &selection->relations[i], place.span, i + 1 != missed)) return false;
  }
  return missed > 0 || search_make_predicate(s, selection->predicate, place, false);
}

/* ---- conditions ---- */

static bool make_exists(search *s, const bt_condition *condition, bool truth) {
  if (!truth) return miss_selection(s, condition->selection);
  int span = search_make_span(s, condition->selection);
  if (span >= 0 && condition->binding >= 0) s->bound[s->rule][condition->binding] = span;
  return span >= 0;
}

static bool make_has(search *s, const bt_condition *condition, bool truth) {
  bool is_before = condition->kind == BT_CONDITION_HAS_BEFORE;
  if (!truth && search_once_in(s, 2)) return miss_selection(s, condition->selection);
  int other = search_make_span(s, condition->other), span = search_make_span(s, condition->selection);
  if (other < 0 || span < 0) return false;
  int64_t point = s->model.spans[other].start_ns, away = search_once_in(s, 8) ? 0 : MS;
  move_to(s, span, is_before == truth ? point - away : point + away);
  return true;
}

/* False: one of them is, and those before it hold, half of the time, because it may speak of what they bind. */
static bool make_all(search *s, const bt_condition *condition, bool truth, bool all) {
  uint32_t one = search_draw(s, condition->item_count);
  bool holds_others = search_once_in(s, 2);
  for (uint32_t i = 0; i < condition->item_count; i++) {
    bool is_wanted = all || i == one;
    if (!is_wanted && !(holds_others && !truth)) continue;
    if (!search_make_condition(s, condition->items[i], is_wanted ? truth : !truth)) return false;
  }
  return true;
}

bool search_make_condition(search *s, const bt_condition *condition, bool truth) {
  if (!condition) return truth;
  if (++s->depth > BT_MAX_NESTING) return s->depth--, false;
  bool is_made = false;
  switch (condition->kind) {
  case BT_CONDITION_TRUE: is_made = truth; break;
  case BT_CONDITION_FALSE: is_made = !truth; break;
  case BT_CONDITION_AND: is_made = make_all(s, condition, truth, truth); break;
  case BT_CONDITION_OR: is_made = make_all(s, condition, truth, !truth); break;
  case BT_CONDITION_NOT: is_made = search_make_condition(s, condition->items[0], !truth); break;
  case BT_CONDITION_EXISTS: is_made = make_exists(s, condition, truth); break;
  case BT_CONDITION_COMPARE:
    is_made = search_make_comparison(s, &condition->comparison, (model_place){MODEL_NONE, MODEL_NONE}, truth);
    break;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: is_made = make_has(s, condition, truth); break;
  }
  s->depth--;
  return is_made;
}

bool search_make_rule(search *s, unsigned number, bool is_violated) {
  const bt_rule *rule = s->rules[number];
  s->rule = number;
  s->depth = 0;
  for (int i = 0; i < BT_MAX_BINDINGS; i++) s->bound[number][i] = MODEL_NONE;
  if (rule->condition) return search_make_condition(s, rule->condition, is_violated);
  if (!search_make_condition(s, rule->when, true)) return false;
  if (!is_violated)
    return search_make_condition(s, rule->always, true) &&
           (!rule->never || search_make_condition(s, rule->never, false));
  bool by_never = rule->never && (!rule->always || search_once_in(s, 2));
  return search_make_condition(s, by_never ? rule->never : rule->always, by_never);
}
