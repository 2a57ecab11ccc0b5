/* Putting a plan together and printing it. See plan.h. */
#include "dsl/plan/plan.h"
#include "dsl/base/table.h"
#include "dsl/plan/dialect.h"
#include "dsl/plan/plan_parts.h"

#include <stdlib.h>

enum { ARENA_CAP_BYTES = 64 * 1024 * 1024, MAX_SUBTRACT = 8, MAX_LINKING = 8 };

/* The plan and the arena that holds what it points to; `plan` stands first. */
typedef struct owned_plan {
  bt_plan plan;
  bt_arena arena;
} owned_plan;

static void add_subtracted(bt_filter_builder *builder, const bt_rule *rule, bt_plan *plan) {
  bt_under_filter filter = bt_plan_subtracted(builder, rule);
  bt_under_query *queries = bt_arena_array(builder->arena, MAX_SUBTRACT, sizeof *queries);
  if (!queries) builder->failed = true;
  /* A rule that nothing can violate is searched for nothing; there is nothing to subtract from. */
  if (builder->failed || plan->violating->kind == BT_OVER_NONE) return;
  plan->subtract_count = builder->dialect->under(builder, filter, queries, MAX_SUBTRACT);
  plan->subtract = queries;
}

static bt_apart apart_of(bt_over_filter over) {
  return bt_filter_has_one_kind(over.filter) ? BT_APART_BY_ID : BT_APART_BY_KIND;
}

bool bt_query_equal(bt_query a, bt_query b) {
  if (a.manner != b.manner || !a.filter || !b.filter) return a.manner == b.manner && a.filter == b.filter;
  return bt_filter_asks_the_same(a.filter, b.filter);
}

uint64_t bt_query_hash(bt_query query) {
  return bt_hash_pair(bt_filter_hash(query.filter), query.manner);
}

const bt_over *bt_over_all(void) {
  static const bt_over every_trace = {.kind = BT_OVER_ALL};
  return &every_trace;
}

bt_query bt_query_all(void) {
  return (bt_query){.filter = bt_filter_all()};
}

static void add_spans(bt_filter_builder *builder, const bt_rule *rule, bt_plan *plan) {
  bt_over_filter filter;
  if (plan->violating->kind == BT_OVER_NONE || !bt_plan_spans(builder, rule, &filter)) return;
  plan->spans = (bt_over_query){builder->dialect->spans(builder, filter), apart_of(filter)};
}

static bt_over_filter with_link(bt_filter_builder *builder, bt_over_filter fields) {
  return (bt_over_filter){bt_filter_join2(builder, BT_FILTER_AND, fields.filter, bt_filter_any_link())};
}

static void add_evidence(bt_filter_builder *builder, const bt_rule *rule, bt_plan *plan) {
  bt_over_filter own, linked;
  if (plan->violating->kind == BT_OVER_NONE || !bt_plan_shows_linked(rule)) return;
  if (!bt_plan_evidence_spans(builder, rule, &own, &linked)) return;
  plan->evidence.own = (bt_over_query){builder->dialect->spans(builder, own), apart_of(own)};
  /* A link that is not shown may be there all the same. */
  plan->evidence.linked = (bt_over_query){builder->dialect->spans(builder, with_link(builder, linked)), BT_APART_NOT};
  if (!plan->evidence.own.asked.filter || !plan->evidence.linked.asked.filter) plan->evidence = (bt_plan_evidence){0};
}

/* ---- who links ---- */

/* The searches of which each trace that the formula finds is found by one; false: there are too many, or it finds every
 * trace. Of an AND any item finds them all. */
static bool list_searches(const bt_over *over, bt_query *searches, uint32_t *count) {
  if (over->kind == BT_OVER_AND) return list_searches(over->items[0], searches, count);
  if (over->kind == BT_OVER_QUERY && *count < MAX_LINKING) searches[(*count)++] = over->query.asked;
  bool ok = over->kind == BT_OVER_OR || (over->kind == BT_OVER_QUERY && *count < MAX_LINKING);
  for (uint32_t i = 0; ok && i < over->item_count; i++) ok = list_searches(over->items[i], searches, count);
  return ok;
}

static bool finds_some(bt_over_filter over) {
  return over.filter->kind != BT_FILTER_ALL && over.filter->kind != BT_FILTER_NONE;
}

/* What tests fields alone may have a test of the link beside it, too. */
static void add_field_search(bt_filter_builder *builder, bt_plan *plan, bt_query *searches) {
  if (!plan->linking.filter) return;
  searches[0] = builder->dialect->spans(builder, with_link(builder, (bt_over_filter){plan->linking.filter}));
  plan->linking_search_count = searches[0].filter != NULL;
}

static void add_linking_searches(bt_filter_builder *builder, bt_over_filter linking, bt_plan *plan) {
  bt_query *searches = bt_arena_array(builder->arena, MAX_LINKING, sizeof *searches);
  bool tests_keys = finds_some(linking) && !bt_filter_has_no_key(linking.filter);
  if (!searches) builder->failed = true;
  if (builder->failed) return;
  plan->linking_searches = searches;
  const bt_over *over = tests_keys ? bt_formula_write(builder, bt_formula_query(builder, linking)) : NULL;
  if (!over || !list_searches(over, searches, &plan->linking_search_count)) add_field_search(builder, plan, searches);
}

static void add_linking(bt_filter_builder *builder, const bt_rule *rule, bt_plan *plan) {
  bt_over_filter linking, fields;
  if (plan->violating->kind == BT_OVER_NONE || !bt_plan_linking_spans(builder, rule, &linking, &fields)) return;
  plan->follows_linked_to_only = true;
  if (finds_some(fields)) plan->linking = builder->dialect->spans(builder, fields);
  add_linking_searches(builder, linking, plan);
}

bt_status bt_plan_new(const bt_rule *rule, const bt_dialect *dialect, bt_plan **out, bt_error *error) {
  *out = NULL;
  owned_plan *owned = calloc(1, sizeof *owned);
  if (!owned) return bt_error_no_memory(error);
  bt_arena_init(&owned->arena, ARENA_CAP_BYTES);
  bt_filter_builder builder = {.arena = &owned->arena, .dialect = dialect};
  bt_plan *plan = &owned->plan;
  plan->dialect = dialect;
  bool was_weakened = false, is_exact = false;
  plan->violating = bt_formula_write(&builder, bt_plan_violating(&builder, rule));
  const bt_formula *exercising = bt_plan_exercising(&builder, rule, &is_exact);
  plan->exercising =
      is_exact ? bt_formula_write_counted(&builder, exercising, &was_weakened) : bt_formula_write(&builder, exercising);
  plan->exercising_is_exact = is_exact && !was_weakened;
  add_subtracted(&builder, rule, plan);
  add_spans(&builder, rule, plan);
  plan->rests_on_absence = bt_plan_rests_on_absence(rule);
  add_evidence(&builder, rule, plan);
  add_linking(&builder, rule, plan);
  if (builder.failed) {
    bt_plan_free(plan);
    return bt_error_no_memory(error);
  }
  *out = plan;
  return BT_OK;
}

bt_status bt_plan_finds(const bt_rule *rule, bool *finds, bt_error *error) {
  bt_arena arena;
  bt_arena_init(&arena, ARENA_CAP_BYTES);
  bt_filter_builder builder = {.arena = &arena, .dialect = bt_dialect_none()};
  const bt_over *over = bt_formula_write(&builder, bt_plan_violating(&builder, rule));
  *finds = !builder.failed && over->kind != BT_OVER_ALL;
  bool failed = builder.failed;
  bt_arena_dispose(&arena);
  return failed ? bt_error_no_memory(error) : BT_OK;
}

void bt_plan_free(bt_plan *plan) {
  if (!plan) return;
  owned_plan *owned = (owned_plan *)plan;
  bt_arena_dispose(&owned->arena);
  free(owned);
}

/* ---- unions ---- */

static const bt_filter *join_leaves(bt_filter_builder *builder, const bt_filter *so_far, const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return bt_filter_join2(builder, BT_FILTER_OR, so_far, over->query.asked.filter);
  for (uint32_t i = 0; i < over->item_count; i++) so_far = join_leaves(builder, so_far, over->items[i]);
  return so_far;
}

const bt_over *bt_over_union(bt_arena *arena, const bt_dialect *dialect, const bt_over *const *overs, size_t count) {
  bt_filter_builder builder = {.arena = arena, .dialect = dialect};
  bt_over_filter any = {bt_filter_none()};
  for (size_t i = 0; i < count; i++) any.filter = join_leaves(&builder, any.filter, overs[i]);
  const bt_over *joined = bt_formula_write(&builder, bt_formula_query(&builder, any));
  return builder.failed ? NULL : joined;
}

bt_status bt_query_union(bt_arena *arena, const bt_dialect *dialect, const bt_query *queries, size_t count,
                         bt_query *out, bt_error *error) {
  bt_filter_builder builder = {.arena = arena, .dialect = dialect};
  bt_over_filter any = {bt_filter_none()};
  for (size_t i = 0; i < count; i++)
    any.filter = bt_filter_join2(&builder, BT_FILTER_OR, any.filter, queries[i].filter);
  *out = count ? dialect->spans(&builder, any) : (bt_query){0};
  return builder.failed ? bt_error_no_memory(error) : BT_OK;
}

/* ---- printing ---- */

static void print_query(const bt_plan *plan, bt_query query, bt_buffer *out) {
  plan->dialect->show(query, out);
  bt_buffer_append_char(out, '\n');
}

static void print_named(const bt_plan *plan, const char *before, bt_query query, bt_buffer *out) {
  bt_buffer_append(out, bt_str_from(before));
  print_query(plan, query, out);
}

static void print_over(const bt_plan *plan, const bt_over *over, int depth, bt_buffer *out) {
  bt_buffer_printf(out, "%*s", depth * 2, "");
  switch (over->kind) {
  case BT_OVER_ALL: bt_buffer_append(out, BT_STR("every trace\n")); break;
  case BT_OVER_NONE: bt_buffer_append(out, BT_STR("no trace\n")); break;
  case BT_OVER_QUERY: print_query(plan, over->query.asked, out); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    bt_buffer_append(out, over->kind == BT_OVER_AND ? BT_STR("all of\n") : BT_STR("any of\n"));
    for (uint32_t i = 0; i < over->item_count; i++) print_over(plan, over->items[i], depth + 1, out);
    break;
  }
}

static bt_str strategy_of(const bt_plan *plan) {
  if (plan->violating->kind == BT_OVER_NONE) return BT_STR("nothing can violate it");
  if (plan->violating->kind == BT_OVER_ALL)
    return plan->subtract_count ? BT_STR("read every trace but the subtracted") : BT_STR("read every trace");
  return plan->subtract_count ? BT_STR("search, subtract, read the rest") : BT_STR("search, read what is found");
}

static const char *scope_name(bt_projected_scope scope) {
  switch (scope) {
  case BT_PROJECTED_SPAN: return "span";
  case BT_PROJECTED_RESOURCE: return "resource";
  case BT_PROJECTED_EITHER: break;
  }
  return "either";
}

static void print_projection(const bt_projection *projection, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("read\n"));
  if (projection->whole_trace) {
    bt_buffer_append(out, BT_STR("  whole traces, by id\n"));
    return;
  }
  if (projection->status_message) bt_buffer_append(out, BT_STR("  status message\n"));
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    const bt_projected *attribute = &projection->attributes[i];
    bt_buffer_printf(out, "  %s %.*s\n", scope_name(attribute->scope), BT_FMT(attribute->key));
  }
  if (!projection->status_message && !projection->attribute_count) bt_buffer_append(out, BT_STR("  intrinsics\n"));
}

void bt_plan_print(const bt_plan *plan, const bt_projection *projection, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("strategy\n  "));
  bt_buffer_append(out, strategy_of(plan));
  bt_buffer_append(out, BT_STR("\nviolating\n"));
  print_over(plan, plan->violating, 1, out);
  bt_buffer_append(out, plan->exercising_is_exact ? BT_STR("exercising, exactly\n") : BT_STR("exercising\n"));
  print_over(plan, plan->exercising, 1, out);
  if (plan->subtract_count) bt_buffer_append(out, BT_STR("subtract\n"));
  for (uint32_t i = 0; i < plan->subtract_count; i++) print_named(plan, "  ", plan->subtract[i].asked, out);
  if (plan->rests_on_absence) bt_buffer_append(out, BT_STR("rests on absence\n"));
  if (plan->evidence.linked.asked.filter) {
    print_named(plan, "evidence\n  own     ", plan->evidence.own.asked, out);
    print_named(plan, "  linked  ", plan->evidence.linked.asked, out);
  }
  if (plan->linking.filter) print_named(plan, "linking\n  ", plan->linking, out);
  if (plan->linking_search_count) bt_buffer_append(out, BT_STR("linking, all at once\n"));
  for (uint32_t i = 0; i < plan->linking_search_count; i++) print_named(plan, "  ", plan->linking_searches[i], out);
  print_projection(projection, out);
}
