/* Events: their fields, event.where(…), and when they were. `event.time after c within 5s` speaks of one event, as
 * event.where(…) does, and is lowered to comparisons of its time inside such a test. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

/* ---- fields ---- */

static bool report_inside_link(bt_checker *checker, const bt_ast *node) {
  bt_checker_report(
      checker, BT_E_EVENT, node->range,
      "an event's field in a test of one link would be about any event of the span: join it outside, with and");
  return false;
}

/* Events are met by "some event of the span": that has a meaning on the left of a test on a span only. A time alone is
 * of little use, so it takes part in arithmetic there. */
bool bt_checker_allows_event(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field_kind kind) {
  bool is_time = kind == BT_FIELD_EVENT_TIME;
  if (place->site == BT_SITE_AGGREGATE) {
    bt_checker_report(
        checker, BT_E_EVENT, node->range,
        "an aggregate takes a field of the span: events have no single value; count(span(event.…)) counts spans");
    return false;
  }
  if (place->site == BT_SITE_LINK) return report_inside_link(checker, node);
  if (!place->on_right && (is_time || !place->in_arithmetic)) return true;
  bt_checker_report(
      checker, BT_E_EVENT, node->range,
      is_time
          ? "event.time stands on the left of a comparison: a span has many events, so there is no single time, and "
            "no order of two of them (" BT_NOT_SAID "#the-order-of-two-events)"
          : "an event field stands alone on the left of a comparison: a span has many events, so it has no single "
            "value");
  return false;
}

static bt_field_kind field_kind(bt_str name) {
  if (bt_str_equal(name, BT_STR("name"))) return BT_FIELD_EVENT_NAME;
  return bt_str_equal(name, BT_STR("time")) ? BT_FIELD_EVENT_TIME : BT_FIELD_EVENT_ATTRIBUTE;
}

/* `event.count`, `event.timestamp`: a rule that reads an attribute of that name finds nothing. */
static void warn_of_near_field(bt_checker *checker, const bt_ast *node, bt_str key, const bt_place *place) {
  const char *meant = bt_foreign_field(key, BT_FOREIGN_EVENT), *advice = bt_foreign_hint(key, BT_FOREIGN_EVENT);
  if (!meant && !advice) return;
  bt_diagnostic *added = bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                                           "%.*s reads an attribute of the event: %s%s%s The attribute can be written "
                                           "event.attributes[\"%.*s\"]",
                                           BT_FMT(node->text), meant ? "did you mean " : "", meant ? meant : advice,
                                           meant ? "?" : ".", BT_FMT(key));
  bt_checker_fix_number_of_parts(checker, added, node, key, place);
}

bool bt_checker_event_field(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place,
                            bt_field *out) {
  bt_field_kind kind = field_kind(rest);
  if (!bt_checker_allows_event(checker, node, place, kind)) return false;
  if (bt_checker_report_dotted_attributes(checker, node, rest)) return false;
  *out = (bt_field){.kind = kind, .binding = BT_NO_BINDING};
  if (kind != BT_FIELD_EVENT_ATTRIBUTE) return true;
  out->key = rest;
  warn_of_near_field(checker, node, rest, place);
  return true;
}

static bool compares_with_time(const bt_checker *checker, const bt_place *place) {
  for (uint32_t i = 1; place->whole && i < place->whole->item_count; i++)
    if (bt_checker_unit(checker, place->whole->items[i]) == BT_TYPE_TIME) return true;
  return false;
}

/* Inside event.where(…) and link.where(…). */
void bt_checker_warn_of_part_key(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bool is_link = place->site == BT_SITE_LINK;
  const char *head = is_link ? "link" : "event";
  bool is_time = !is_link && bt_str_equal(node->text, BT_STR("time")) && !compares_with_time(checker, place);
  bool is_plain = node->kind == BT_AST_PATH && !is_time;
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_EVENT_KEY, node->range,
      is_time ? "a key without a head is the span's attribute, in a test of one %s too: the %s's is written "
                "%s.attributes[\"%.*s\"]"
              : "a key without a head is the span's attribute, in a test of one %s too: the %s's is written %s.%.*s",
      head, head, head, BT_FMT(node->text));
  bt_checker_fix(checker, added, node->range, is_plain ? "%s.%.*s" : "%s.attributes[\"%.*s\"]", head,
                 BT_FMT(node->text));
}

/* ---- tests on one event ---- */

static bool has_path(const bt_ast *node) {
  return node->kind == BT_AST_SELECTION && node->items[0]->kind == BT_AST_PATH && !node->items[0]->parenthesised;
}

bool bt_is_where_behind(const bt_ast *node, bt_str head) {
  return has_path(node) && node->part_count == 1 && node->parts[0].kind == BT_PART_WHERE && node->parts[0].dotted &&
         bt_str_equal(node->items[0]->text, head);
}

/* No filter and no `as` makes a name of it: that is in quotes. */
static bool is_event_time(const bt_ast *node) {
  return bt_str_equal(node->items[0]->text, BT_STR("event.time"));
}

bool bt_is_event_test(const bt_ast *node) {
  return has_path(node) && (bt_is_where_behind(node, BT_STR("event")) || is_event_time(node));
}

static bool has_only_relations(const bt_ast *node) {
  for (uint32_t i = 0; i < node->part_count; i++)
    if (node->parts[i].kind != BT_PART_RELATION) return false;
  return true;
}

/* A filter or `as` behind event.time; `is_first`: right behind it, where a span may be called so. */
static bool report_part(bt_checker *checker, const bt_ast_part *part, bool is_first) {
  bool is_as = part->kind == BT_PART_AS;
  bt_checker_report(checker, is_as ? BT_E_AS : BT_E_EVENT, part->range, "%s%s",
                    is_as ? "`as` binds spans, and event.time selects none"
                          : "a filter stands behind spans: join what is asked of the same event with and, inside "
                            "event.where(…)",
                    !is_first ? ""
                    : is_as   ? ": a span with this name is written \"event.time\""
                              : "; a span with this name is written \"event.time\"");
  return false;
}

void bt_checker_report_event_test(bt_checker *checker, const bt_ast *node) {
  if (is_event_time(node) && has_only_relations(node))
    bt_checker_report_which_span(checker, node, node);
  else if (is_event_time(node) && node->parts[0].kind == BT_PART_AS)
    report_part(checker, &node->parts[0], true);
  else if (is_event_time(node) && node->parts[0].kind == BT_PART_WHERE)
    bt_checker_report(checker, BT_E_EVENT, node->items[0]->range,
                      "event.time is when an event was, and selects no spans: a test on one event is written "
                      "trace.has(event.where(…)), and a span with this name \"event.time\"");
  else if (is_event_time(node))
    bt_checker_report(checker, BT_E_EVENT, node->range,
                      "event.time … is a test on a span, and selects none: write trace.has(event.time …); a span with "
                      "this name is written \"event.time\"");
  else
    bt_checker_report(
        checker, BT_E_EVENT, node->range,
        "event.where(…) is a test on a span: write trace.has(event.where(…)); a span named event is written "
        "\"event\".where(…)");
}

const bt_predicate *bt_checker_of_one_part(bt_checker *checker, bt_predicate_kind kind, const bt_predicate *test,
                                           bt_range range) {
  bt_predicate *predicate = bt_checker_new_predicate(checker, kind, range);
  const bt_predicate **items = bt_checker_alloc(checker, 1, sizeof *items);
  if (!predicate || !items || !test) return NULL;
  items[0] = test;
  predicate->items = items;
  predicate->item_count = 1;
  return predicate;
}

static const bt_predicate *lower_where(bt_checker *checker, const bt_ast *node, bt_site site) {
  if (site == BT_SITE_EVENT || site == BT_SITE_LINK) {
    bt_checker_report(checker, BT_E_EVENT, node->range,
                      site == BT_SITE_EVENT
                          ? "event.where(…) cannot be inside a test of one event: join the two with and"
                          : "event.where(…) cannot be inside a test of one link: join the two with and");
    return NULL;
  }
  return bt_checker_of_one_part(checker, BT_PREDICATE_EVENT,
                                bt_checker_predicate(checker, node->parts[0].predicate, BT_SITE_EVENT), node->range);
}

/* ---- event.time before, after, within, between ---- */

enum { TESTS_OF_RELATION = 3 };

typedef struct order_tests { /* of one event, by all relations */
  bt_checker *checker;
  bt_range range; /* of the relation */
  const bt_predicate **items;
  uint32_t count;
} order_tests;

static const bt_expression *new_field(bt_checker *checker, bt_field_kind kind, int binding, bt_range range) {
  bt_expression *field = bt_checker_new_expression(checker, BT_EXPRESSION_FIELD, BT_TYPE_TIME, range);
  if (field) field->field = (bt_field){.kind = kind, .binding = binding};
  return field;
}

static const bt_expression *event_time(const order_tests *o) {
  return new_field(o->checker, BT_FIELD_EVENT_TIME, BT_NO_BINDING, o->range);
}

static void add_test(order_tests *o, const bt_expression *left, bt_comparison_operator op, const bt_expression *right) {
  bt_predicate *test = bt_checker_new_predicate(o->checker, BT_PREDICATE_COMPARE, o->range);
  if (!test || !left || !right) return; /* no memory, which is noted */
  test->comparison = (bt_comparison){.op = op, .range = o->range, .left = left, .right = right};
  o->items[o->count++] = test;
}

static const bt_expression *subtract_expressions(const order_tests *o, const bt_expression *from,
                                                 const bt_expression *what) {
  bt_expression *out = bt_checker_new_expression(o->checker, BT_EXPRESSION_SUBTRACT, BT_TYPE_DURATION, o->range);
  if (!out || !from || !what) return NULL;
  out->left = from;
  out->right = what;
  return out;
}

/* At most that far apart, as measured: differences do not heed clock skew, and cannot overflow where they hold. */
static void add_near(order_tests *o, const bt_expression *point, int64_t within_ns) {
  bt_expression *most = bt_checker_new_expression(o->checker, BT_EXPRESSION_LITERAL, BT_TYPE_DURATION, o->range);
  if (!most) return;
  most->literal = (bt_value){.type = BT_VALUE_DURATION, .duration_ns = within_ns};
  add_test(o, subtract_expressions(o, event_time(o), point), BT_LESS_EQUAL, most);
  add_test(o, subtract_expressions(o, point, event_time(o)), BT_LESS_EQUAL, most);
}

static const bt_expression *report_point(bt_checker *checker, bt_range range) {
  bt_checker_report(checker, BT_E_TIME, range,
                    "expected a point in time behind event.time: a binding (its start), c.start, c.end, span.start, "
                    "span.end, trace.start or trace.end; other spans are bound first, as in `payment as c`");
  return NULL;
}

/* `c` and `(c).end`. */
static const bt_expression *lower_bound(bt_checker *checker, const bt_ast_point *point) {
  int binding = bt_scope_lookup(checker, point->ref->text, point->ref->range);
  bt_field_kind kind = point->suffix == BT_SUFFIX_END ? BT_FIELD_END : BT_FIELD_START;
  return binding == BT_NO_BINDING ? NULL : new_field(checker, kind, binding, point->range);
}

/* A binding is its start; else it is a field that is a time. */
static const bt_expression *lower_point(bt_checker *checker, const bt_ast_point *point, bt_site site) {
  const bt_ast *ref = point->ref;
  if (ref->kind == BT_AST_ERROR) return NULL;
  if (ref->kind == BT_AST_PATH && bt_scope_is_binding(checker, ref->text)) return lower_bound(checker, point);
  bool is_path = ref->kind == BT_AST_PATH && !ref->parenthesised;
  if (!is_path || !bt_checker_has_field_head(checker, ref)) return report_point(checker, point->range);
  bt_place place = {.site = site, .on_right = true};
  const bt_expression *time = bt_checker_value(checker, ref, &place);
  return time && time->type != BT_TYPE_TIME ? report_point(checker, point->range) : time;
}

static bool add_relation(order_tests *o, const bt_ast_part *part, bt_site site) {
  if (!bt_relation_is_order(part->relation)) {
    bt_checker_report(o->checker, BT_E_EVENT, part->range,
                      "`%s` relates spans: event.time stands before, after, within … of or between points in time",
                      bt_relation_rows[part->relation].name);
    return false;
  }
  const bt_expression *first = lower_point(o->checker, &part->first, site), *second = NULL;
  if (part->relation == BT_BETWEEN) second = lower_point(o->checker, &part->second, site);
  if (!first || (part->relation == BT_BETWEEN && !second)) return false;
  o->range = part->range;
  if (part->relation != BT_WITHIN_OF)
    add_test(o, event_time(o), part->relation == BT_BEFORE ? BT_LESS : BT_GREATER, first);
  if (second) add_test(o, event_time(o), BT_LESS, second);
  if (part->within_ns >= 0) add_near(o, first, part->within_ns);
  return true;
}

static const bt_predicate *lower_time(bt_checker *checker, const bt_ast *node, bt_site site) {
  order_tests o = {.checker = checker};
  if (site == BT_SITE_LINK) return report_inside_link(checker, node), NULL;
  o.items = bt_checker_alloc(checker, (size_t)node->part_count * TESTS_OF_RELATION, sizeof *o.items);
  bool good = o.items != NULL;
  for (uint32_t i = 0; o.items && i < node->part_count; i++) {
    const bt_ast_part *part = &node->parts[i];
    good &= part->kind == BT_PART_RELATION ? add_relation(&o, part, site) : report_part(checker, part, i == 0);
  }
  if (!good || checker->no_memory) return NULL;
  const bt_predicate *all = bt_checker_all_of(checker, o.items, o.count, node->range);
  return site == BT_SITE_EVENT ? all : bt_checker_of_one_part(checker, BT_PREDICATE_EVENT, all, node->range);
}

const bt_predicate *bt_checker_event_test(bt_checker *checker, const bt_ast *node, bt_site site) {
  return is_event_time(node) ? lower_time(checker, node, site) : lower_where(checker, node, site);
}
