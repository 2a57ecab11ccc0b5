/* Explanations. See explanation.h: the same plans, window and cost model as a replay's, with probes in place of first
 * answers. Thread: the caller's. */
#include "server/replay/explanation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/plan/dialect.h"
#include "server/replay/marked_traces.h"
#include "server/replay/search_probe.h"
#include "server/replay/strategy.h"

const char *bt_explain_use_name(bt_explain_use use) {
  static const char *const names[] = {"search", "count", "list", "subtract", "project", "read"};
  return names[use];
}

/* new; NULL: no memory. Takes the buffer. */
static char *text_of(bt_buffer *buffer) {
  bt_buffer_append_char(buffer, '\0');
  char *text = buffer->failed ? NULL : strdup(buffer->ptr);
  bt_buffer_dispose(buffer);
  return text;
}

/* ---- what of the rule Tempo is not asked, because it cannot say it, or not for traces in several blocks ---- */

typedef enum local_kind {
  LOCAL_ORDER,
  LOCAL_STRUCTURE,
  LOCAL_NUMBERS,
  LOCAL_OTHER_SPANS,
  LOCAL_ABSENCE,
  LOCAL_TRACE,
  LOCAL_EVENTS,
  LOCAL_KINDS
} local_kind;

static const char *const texts[LOCAL_KINDS] = {
    "order and distance in time",    "structure (under, child of, …)", "counts and other aggregates",
    "values compared between spans", "absence and negation",           "duration, root and size of the whole trace",
    "events, links and scopes",
};

typedef struct finder {
  bool found[LOCAL_KINDS];
} finder;

static void visit_selection(finder *f, const bt_selection *selection);
static void visit_expression(finder *f, const bt_expression *expression);
static void visit_predicate(finder *f, const bt_predicate *predicate);

static void visit_field(finder *f, const bt_field *field) {
  if (field->kind >= BT_FIELD_TRACE_DURATION) f->found[LOCAL_TRACE] = true;
  if (field->kind >= BT_FIELD_SCOPE_NAME && field->kind <= BT_FIELD_LINK_ATTRIBUTE) f->found[LOCAL_EVENTS] = true;
  if (field->binding != BT_NO_BINDING) f->found[LOCAL_OTHER_SPANS] = true;
}

static void visit_comparison(finder *f, const bt_comparison *comparison) {
  visit_expression(f, comparison->left);
  if (comparison->right) visit_expression(f, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) visit_expression(f, comparison->list[i]);
}

static void visit_expression(finder *f, const bt_expression *expression) {
  if (expression->kind == BT_EXPRESSION_FIELD) visit_field(f, &expression->field);
  if (expression->kind == BT_EXPRESSION_AGGREGATE) {
    f->found[LOCAL_NUMBERS] = true;
    visit_selection(f, expression->selection);
  }
  if (expression->kind == BT_EXPRESSION_PART_COUNT) {
    f->found[LOCAL_NUMBERS] = true;
    visit_predicate(f, expression->part);
  }
  if (expression->left) visit_expression(f, expression->left);
  if (expression->right) visit_expression(f, expression->right);
}

static void visit_predicate(finder *f, const bt_predicate *predicate) {
  for (uint32_t i = 0; i < predicate->item_count; i++) visit_predicate(f, predicate->items[i]);
  if (predicate->kind == BT_PREDICATE_COMPARE) visit_comparison(f, &predicate->comparison);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    visit_field(f, &predicate->field);
  if (predicate->kind == BT_PREDICATE_EVENT || predicate->kind == BT_PREDICATE_LINK) f->found[LOCAL_EVENTS] = true;
}

static void visit_relation(finder *f, const bt_relation *relation) {
  f->found[bt_relation_is_order(relation->kind) ? LOCAL_ORDER : LOCAL_STRUCTURE] = true;
  if (relation->first.binding == BT_NO_BINDING) visit_selection(f, relation->first.selection);
  if (relation->kind == BT_BETWEEN && relation->second.binding == BT_NO_BINDING)
    visit_selection(f, relation->second.selection);
}

static void visit_selection(finder *f, const bt_selection *selection) {
  visit_predicate(f, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) visit_relation(f, &selection->relations[i]);
}

static void visit_condition(finder *f, const bt_condition *condition) {
  for (uint32_t i = 0; i < condition->item_count; i++) visit_condition(f, condition->items[i]);
  if (condition->kind == BT_CONDITION_NOT) f->found[LOCAL_ABSENCE] = true;
  if (condition->kind == BT_CONDITION_EXISTS) visit_selection(f, condition->selection);
  if (condition->kind == BT_CONDITION_COMPARE) visit_comparison(f, &condition->comparison);
  if (condition->kind != BT_CONDITION_HAS_BEFORE && condition->kind != BT_CONDITION_HAS_AFTER) return;
  f->found[LOCAL_ORDER] = true;
  visit_selection(f, condition->selection);
  visit_selection(f, condition->other);
}

static void write_local(const bt_rule *rule, bt_buffer *out) {
  finder f = {{false}};
  const bt_condition *const parts[] = {rule->condition, rule->when, rule->always, rule->never};
  bool any = false;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i]) visit_condition(&f, parts[i]);
  if (rule->always) f.found[LOCAL_ABSENCE] = true;
  for (size_t i = 0; i < LOCAL_KINDS; i++) {
    if (!f.found[i]) continue;
    bt_buffer_printf(out, "%s%s", any ? "; " : "", texts[i]);
    any = true;
  }
  if (!any) bt_buffer_append(out, BT_STR("nothing but the exact values of what was found"));
}

/* ---- queries ---- */

typedef struct explaining {
  const bt_replay_plan *plan;
  bt_questions *questions;
  bt_search_probe *probe; /* NULL: nothing was asked */
  bt_explain_result *result;
} explaining;

/* of: whose traces the probe counts; without filter: none. Takes the text. */
static bt_status add_query(const explaining *e, bt_explain_rule *rule, bt_explain_use use, bt_query of,
                           bt_buffer *traceql, bt_error *error) {
  bt_explain_query query = {.use = use, .traceql = text_of(traceql)};
  const bt_found_list *found = e->probe && of.filter ? bt_search_probe_found(e->probe, of) : NULL;
  bt_explain_query *queries = bt_realloc_array(rule->queries, rule->query_count + 1, sizeof *queries);
  if (queries) rule->queries = queries;
  if (!queries || !query.traceql) {
    free(query.traceql);
    return bt_error_no_memory(error);
  }
  query.is_probed = found != NULL;
  if (found) query.estimated_found = bt_search_probe_estimate(e->probe, found->count);
  queries[rule->query_count++] = query;
  return BT_OK;
}

static bool is_told(const bt_explain_rule *rule, const bt_buffer *traceql) {
  for (size_t i = 0; i < rule->query_count; i++)
    if (bt_str_equal(bt_str_from(rule->queries[i].traceql), bt_buffer_str(traceql))) return true;
  return false;
}

static bt_status add_search(const explaining *e, bt_explain_rule *rule, bt_explain_use use, bt_query query,
                            bt_error *error) {
  bt_buffer traceql = {0};
  e->plan->dialect->show_search(query, &traceql);
  if (!is_told(rule, &traceql)) return add_query(e, rule, use, query, &traceql, error);
  bt_buffer_dispose(&traceql);
  return BT_OK;
}

static bt_status add_formula(const explaining *e, bt_explain_rule *rule, bt_explain_use use, const bt_over *over,
                             bt_error *error) {
  bt_status status = BT_OK;
  if (over->kind == BT_OVER_QUERY) return add_search(e, rule, use, over->query.asked, error);
  if (over->kind == BT_OVER_ALL && use == BT_EXPLAIN_SEARCH)
    return add_search(e, rule, BT_EXPLAIN_LIST, bt_query_all(), error);
  for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
    status = add_formula(e, rule, use, over->items[i], error);
  return status;
}

/* For one trace whose id stands for those of a batch. */
static bt_status add_reads(const explaining *e, bt_explain_rule *rule, bt_error *error) {
  static const bt_trace_id example = {
      {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}};
  bt_status status = BT_OK;
  for (uint32_t g = 0; status == BT_OK && g < e->plan->dialect->reads(&e->plan->projection); g++) {
    bt_buffer traceql = {0};
    e->plan->dialect->show_read(&example, &e->plan->projection, g, &traceql);
    status = add_query(e, rule, BT_EXPLAIN_READ, (bt_query){0}, &traceql, error);
  }
  return status;
}

static bt_status add_projections(const explaining *e, bt_explain_rule *rule, const bt_over_query *spans,
                                 bt_error *error) {
  bt_status status = BT_OK;
  for (uint32_t g = 0; status == BT_OK && g < e->plan->dialect->reads(&e->plan->projection); g++) {
    bt_buffer traceql = {0};
    e->plan->dialect->show_spans(spans, &e->plan->projection, g, &traceql);
    status = add_query(e, rule, BT_EXPLAIN_PROJECT, spans->asked, &traceql, error);
  }
  return status;
}

/* What the chosen strategy asks, in the order in which it is asked. */
static bt_status add_queries(const explaining *e, bt_explain_rule *rule, const bt_planned_rule *of, bt_error *error) {
  const bt_plan *plan = of->plan;
  bt_status status = BT_OK;
  if (!rule->spans_first) status = add_formula(e, rule, BT_EXPLAIN_SEARCH, plan->violating, error);
  if (rule->spans_first) status = add_projections(e, rule, &plan->spans, error);
  if (status == BT_OK && plan->violating->kind != BT_OVER_NONE)
    status = add_search(e, rule, BT_EXPLAIN_SEARCH, bt_pruned_query(), error);
  if (status == BT_OK && e->plan->asks_listing) status = add_search(e, rule, BT_EXPLAIN_LIST, bt_query_all(), error);
  if (status == BT_OK && e->plan->counts_exercised && of->counts_by_search && !rule->spans_first)
    status = add_formula(e, rule, BT_EXPLAIN_COUNT, plan->exercising, error);
  for (uint32_t i = 0; status == BT_OK && rule->chosen == BT_STRATEGY_ID_SETS && i < plan->subtract_count; i++)
    status = add_search(e, rule, BT_EXPLAIN_SUBTRACT, plan->subtract[i].asked, error);
  if (status == BT_OK && rule->chosen == BT_STRATEGY_PROJECTION && !rule->spans_first)
    status = add_projections(e, rule, &plan->spans, error);
  return status == BT_OK && !of->whole_trace ? add_reads(e, rule, error) : status;
}

static void write_formula(const bt_dialect *dialect, const bt_over *over, bool is_top, bt_buffer *out) {
  if (over->kind == BT_OVER_ALL) bt_buffer_append(out, BT_STR("all traces"));
  if (over->kind == BT_OVER_NONE) bt_buffer_append(out, BT_STR("no trace"));
  if (over->kind == BT_OVER_QUERY) dialect->show(over->query.asked, out);
  if (over->item_count && !is_top) bt_buffer_append_char(out, '(');
  for (uint32_t i = 0; i < over->item_count; i++) {
    if (i) bt_buffer_append(out, over->kind == BT_OVER_AND ? BT_STR(" and ") : BT_STR(" or "));
    write_formula(dialect, over->items[i], false, out);
  }
  if (over->item_count && !is_top) bt_buffer_append_char(out, ')');
}

/* ---- probes and costs ---- */

static bt_status ask_formula(const explaining *e, const bt_over *over, bt_error *error) {
  bt_status status = BT_OK;
  if (over->kind == BT_OVER_QUERY) status = bt_search_probe_ask(e->questions, e->probe, over->query.asked, error);
  for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++) status = ask_formula(e, over->items[i], error);
  return status;
}

static bt_status ask_rule(const explaining *e, const bt_planned_rule *rule, bt_error *error) {
  bt_status status = ask_formula(e, rule->plan->violating, error);
  for (uint32_t i = 0; status == BT_OK && i < rule->plan->subtract_count; i++)
    status = bt_search_probe_ask(e->questions, e->probe, rule->plan->subtract[i].asked, error);
  if (status == BT_OK && rule->plan->spans.asked.filter)
    status = bt_search_probe_ask(e->questions, e->probe, rule->plan->spans.asked, error);
  return status;
}

static bt_status ask_all(const explaining *e, bt_error *error) {
  bt_status status = bt_search_probe_open(e->questions, e->probe, error);
  for (size_t i = 0; status == BT_OK && i < e->plan->rule_count; i++) status = ask_rule(e, &e->plan->rules[i], error);
  return status;
}

static uint64_t estimate_found(const explaining *e, bt_query query) {
  const bt_found_list *found = bt_search_probe_found(e->probe, query);
  return bt_search_probe_estimate(e->probe, found ? found->count : e->probe->everything.count);
}

static uint64_t estimate_searched(const explaining *e, const bt_over *over) {
  uint64_t found = over->kind == BT_OVER_QUERY ? estimate_found(e, over->query.asked) : 0;
  for (uint32_t i = 0; i < over->item_count; i++) found += estimate_searched(e, over->items[i]);
  return found;
}

static size_t count_candidates(const explaining *e, const bt_planned_rule *rule) {
  size_t count = 0;
  for (size_t i = 0; i < e->probe->everything.count; i++)
    count += bt_search_probe_holds(e->probe, rule->plan->violating, &e->probe->everything.items[i].id);
  return count;
}

/* What may be subtracted is taken as a replay takes it, which does not ask before. */
static bt_strategy_facts facts_of(const explaining *e, const bt_planned_rule *rule) {
  bt_strategy_facts facts = {.costs = &e->plan->costs,
                             .reads_by_id = rule->whole_trace,
                             .can_subtract = bt_planned_rule_subtracts(e->plan, rule),
                             .can_project = bt_planned_rule_projects(e->plan, rule),
                             .undecided_share = bt_strategy_undecided_share};
  if (!e->probe) return facts;
  facts.candidates = bt_search_probe_estimate(e->probe, count_candidates(e, rule));
  facts.searched_found = estimate_searched(e, rule->plan->violating);
  if (facts.can_subtract) {
    facts.subtracted_share = bt_strategy_subtracted_share;
    facts.subtracted_found = facts.candidates;
  }
  if (!facts.can_project) return facts;
  facts.projected_found = estimate_found(e, rule->plan->spans.asked);
  if (facts.projected_found >= facts.candidates) return facts;
  /* Traces without any of these spans are read. */
  double lacking = 1 - (double)facts.projected_found / (double)facts.candidates;
  if (lacking > facts.undecided_share) facts.undecided_share = lacking;
  return facts;
}

static void set_option(bt_explain_option *option, bt_strategy strategy, const bt_cost *cost, const char *why_not) {
  *option = (bt_explain_option){.strategy = strategy, .is_possible = !why_not[0], .cost = *cost};
  snprintf(option->why_not, sizeof option->why_not, "%s", why_not);
}

static void set_options(const explaining *e, bt_explain_rule *rule, const bt_planned_rule *of) {
  bt_strategy_facts facts = facts_of(e, of);
  bt_cost costs[BT_STRATEGIES];
  bt_strategy_costs(&facts, costs);
  set_option(&rule->options[0], BT_STRATEGY_READ, &costs[0], "");
  set_option(&rule->options[1], BT_STRATEGY_ID_SETS, &costs[1],
             facts.can_subtract             ? ""
             : of->plan->subtract_count > 0 ? BT_NOT_CHECKED
                                            : "no single span shows that a trace does not violate");
  set_option(&rule->options[2], BT_STRATEGY_PROJECTION, &costs[2], of->no_projection);
  bool is_forced = of->strategy == BT_STRATEGY_PROJECTION;
  rule->chosen = of->strategy == BT_STRATEGY_AUTO ? bt_strategy_cheapest(&facts) : of->strategy;
  rule->spans_first = e->plan->projects_first && (is_forced || (e->probe && bt_strategy_spans_first(&facts)));
  if (rule->spans_first) rule->chosen = BT_STRATEGY_PROJECTION;
}

/* ---- the whole ---- */

static bt_status explain_rule(const explaining *e, size_t number, bt_error *error) {
  const bt_planned_rule *of = &e->plan->rules[number];
  bt_explain_rule *rule = &e->result->rules[number];
  const bt_replay_request *request = &e->plan->request;
  bt_buffer candidates = {0}, local = {0};
  rule->definition = of->definition;
  rule->reads_by_id = of->whole_trace;
  rule->rests_on_absence = of->plan->rests_on_absence;
  write_formula(of->plan->dialect, of->plan->violating, true, &candidates);
  write_local(of->definition->rule, &local);
  rule->candidates = text_of(&candidates);
  rule->decided_locally = text_of(&local);
  if (!rule->candidates || !rule->decided_locally) return bt_error_no_memory(error);
  bt_price_key key = {request->tenant, of->definition->fields.id, of->definition->condition_hash};
  if (request->prices) rule->price = bt_price_table_get(request->prices, &key);
  set_options(e, rule, of);
  bt_status status = bt_met_names_new(of->definition->rule, &rule->names, error);
  return status ? status : add_queries(e, rule, of, error);
}

/* A source that does not answer leaves the explanation without numbers. */
static bt_status probe_all(explaining *e, bt_error *error) {
  bt_error why = {0};
  bt_status status = ask_all(e, &why);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    if (error) *error = why;
    return status;
  }
  e->result->is_probed = status == BT_OK;
  if (status == BT_OK)
    e->result->estimated_traces = bt_search_probe_estimate(e->probe, e->probe->everything.count);
  else
    snprintf(e->result->problem, sizeof e->result->problem, "%.199s", why.message);
  return BT_OK;
}

static bt_status explain_all(explaining *e, bt_source *source, bt_error *error) {
  bt_explain_result *result = e->result;
  bool asks = source && e->plan->filters;
  bt_status status = asks ? probe_all(e, error) : BT_OK;
  if (!asks) snprintf(result->problem, sizeof result->problem, "there is no store to ask");
  if (!result->is_probed) e->probe = NULL;
  result->searched = e->plan->search_range;
  result->rules = calloc(e->plan->rule_count, sizeof *result->rules);
  if (status == BT_OK && !result->rules) status = bt_error_no_memory(error);
  if (result->rules) result->rule_count = e->plan->rule_count;
  for (size_t i = 0; status == BT_OK && i < result->rule_count; i++) status = explain_rule(e, i, error);
  return status;
}

bt_status bt_explain_run(bt_source *source, const bt_replay_request *request, bt_explain_result *result,
                         bt_error *error) {
  *result = (bt_explain_result){0};
  bt_replay_result cost = {0}; /* of the probes */
  bt_replay_plan plan;
  bt_trace_table table = {.plan = &plan};
  bt_replay_account account = {.result = &cost};
  bt_questions questions = {.source = source, .plan = &plan, .table = &table, .account = &account};
  bt_search_probe probe = {.scale = 0};
  explaining e = {&plan, &questions, &probe, result};
  bt_status status = bt_replay_plan_make(source, request, &plan, error);
  if (status == BT_OK) bt_questions_open(&questions);
  if (status == BT_OK) status = explain_all(&e, source, error);
  result->source = plan.about;
  result->requests = cost.requests;
  result->bytes_inspected = cost.bytes_inspected;
  bt_search_probe_dispose(&probe);
  bt_questions_dispose(&questions);
  bt_trace_table_dispose(&table);
  bt_replay_plan_dispose(&plan);
  bt_replay_result_dispose(&cost);
  if (status != BT_OK) bt_explain_result_dispose(result);
  return status;
}

void bt_explain_result_dispose(bt_explain_result *result) {
  for (size_t i = 0; result->rules && i < result->rule_count; i++) {
    bt_explain_rule *rule = &result->rules[i];
    for (size_t q = 0; q < rule->query_count; q++) free(rule->queries[q].traceql);
    free(rule->queries);
    free(rule->candidates);
    free(rule->decided_locally);
    bt_met_names_free(rule->names);
  }
  free(result->rules);
  *result = (bt_explain_result){0};
}
