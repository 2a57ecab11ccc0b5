/* Working out a replay's plan. See replay_plan.h. */
#include "server/replay/replay_plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "dsl/plan/dialect.h"
#include "server/base/clock.h"

static const int64_t SECOND_NS = 1000000000;
enum { DEFAULT_SAMPLE = 50 };
static const size_t DEFAULT_MEMORY_BYTES = (size_t)256 << 20;

/* Asking for spans first looks at what lies between the range and now, too, which must be this much shorter. */
enum { LATER_SHARE = 4 };

bt_assumptions bt_assumptions_default(void) {
  return (bt_assumptions){.margin_ns = 900 * SECOND_NS,
                          .lateness_ns = 900 * SECOND_NS,
                          .settle_ns = 120 * SECOND_NS,
                          .handover_ns = 3600 * SECOND_NS,
                          .most_rule_budget = BT_MOST_RULE_BUDGET};
}

static int64_t settle_of(const bt_assumptions *a, int64_t said_ns) {
  return (said_ns < a->settle_floor_ns ? a->settle_floor_ns : said_ns) + a->clock_ahead_ns;
}

void bt_assumptions_set_clock(bt_assumptions *all, int64_t ahead_ns) {
  int64_t said_ns = all->settle_ns - all->clock_ahead_ns;
  if (all->late_ns) all->late_ns += ahead_ns - all->clock_ahead_ns;
  all->clock_ahead_ns = ahead_ns;
  all->settle_ns = settle_of(all, said_ns);
}

bt_assumptions bt_assumptions_over(const bt_assumptions *service, const bt_promises *promises) {
  bt_assumptions all = *service;
  all.settle_floor_ns = promises->hidden_tail_ns;
  int64_t hidden_ns = bt_late_hides_ns(&promises->late, all.lateness_ns);
  all.late_ns = hidden_ns ? bt_time_add(bt_time_add(all.lateness_ns, hidden_ns), all.clock_ahead_ns) : 0;
  bt_assumptions_set_clock(&all, bt_known_clock_ahead_ns(&promises->clock, bt_clock_wall_ns() - bt_clock_steady_ns()));
  return all;
}

int64_t bt_assumptions_decided_ns(const bt_assumptions *own) {
  return bt_time_later(own->settle_ns, own->late_ns);
}

int64_t bt_decided_until_ns(bt_source *source, const bt_replay_request *request) {
  const bt_promises promises = bt_source_promises(source, BT_PROMISES_ALL, request->cancel);
  const bt_assumptions service = bt_assumptions_over(&request->assumptions, &promises);
  int64_t decided_ns = bt_assumptions_decided_ns(&service);
  for (size_t i = 0; i < request->rule_count; i++) {
    const bt_assumptions own = bt_assumptions_of(&service, request->rules[i]);
    decided_ns = bt_time_later(decided_ns, bt_assumptions_decided_ns(&own));
  }
  return promises.is_static ? INT64_MAX : bt_time_subtract(bt_clock_wall_ns(), decided_ns);
}

bt_assumptions bt_assumptions_of(const bt_assumptions *service, const bt_rule_definition *rule) {
  const bt_rule_fields *fields = &rule->fields;
  bt_assumptions own = *service;
  if (fields->margin_ns >= 0) own.margin_ns = fields->margin_ns;
  if (fields->settle_ns >= 0) own.settle_ns = settle_of(service, fields->settle_ns);
  if (fields->clock_skew_ns >= 0) own.clock_skew_ns = fields->clock_skew_ns;
  if (fields->require_complete >= 0) own.require_complete = fields->require_complete;
  if (fields->links_sampled >= 0) own.links_sampled = fields->links_sampled;
  /* What links lead to may come so much later; then it has to settle, too. */
  own.links_within_ns = rule->rule ? bt_link_reach_of(rule->rule).within_ns : 0;
  own.settle_ns = bt_time_add(own.settle_ns, own.links_within_ns);
  if (own.late_ns) own.late_ns = bt_time_add(own.late_ns, own.links_within_ns);
  own.least_steps = fields->budget > 0 ? (uint64_t)fields->budget : 0;
  if (own.least_steps > own.most_rule_budget) own.least_steps = own.most_rule_budget;
  return own;
}

bool bt_coarse_clocks_take(const char *word, bool *is_unknown) {
  bt_coarse_clocks clocks;
  if (!bt_coarse_clocks_parse(bt_str_from(word), &clocks)) return false;
  *is_unknown = clocks == BT_CLOCKS_UNKNOWN;
  return true;
}

bt_eval_options bt_assumptions_options(const bt_assumptions *own) {
  return (bt_eval_options){.clock_skew_ns = own->clock_skew_ns,
                           .links_sampled = own->links_sampled,
                           .coarse_clocks_unknown = own->coarse_clocks_unknown,
                           .step_budget = own->step_budget,
                           .least_steps = own->least_steps};
}

static bt_status check_request(const bt_replay_request *request, bt_error *error) {
  const bt_assumptions *a = &request->assumptions;
  if (!request->rule_count) return bt_error_set(error, BT_INVALID, "a replay needs at least one rule");
  if (request->range.start_ns >= request->range.end_ns)
    return bt_error_set(error, BT_INVALID, "the range of a replay has to start before it ends");
  if (a->margin_ns < 0 || a->lateness_ns < 0 || a->settle_ns < 0 || a->clock_skew_ns < 0 || a->handover_ns < 0)
    return bt_error_set(error, BT_INVALID, "margin, lateness, settle, clock_skew and handover must not be negative");
  for (size_t i = 0; i < request->rule_count; i++)
    if (!request->rules[i]->rule)
      return bt_error_set(error, BT_INVALID, "the rule %.128s cannot be evaluated: its text does not compile any more",
                          request->rules[i]->fields.id ? request->rules[i]->fields.id : "");
  return BT_OK;
}

static bt_promises ask_for(const bt_replay_plan *plan, bt_source *source, bt_promises_wanted wanted) {
  static const bt_cancel never = {false};
  const bt_cancel *cancel = plan->request.cancel;
  return bt_source_promises(source, cancel ? wanted : BT_PROMISES_OF_VERSION, cancel ? cancel : &never);
}

void bt_replay_plan_describe(const bt_replay_plan *plan, bt_source *source, bt_source_about *out) {
  *out = ask_for(plan, source, BT_PROMISES_OF_VERSION).about;
}

/* Without a source nothing is asked, and what would be is what a version that was checked is asked. */
static void look_at_source(bt_replay_plan *plan, bt_source *source) {
  bt_promises promises = {.about = {.is_checked = true}, .filters = true, .projects = true, .costs = bt_plain_costs};
  plan->has_source = source != NULL;
  if (source) promises = ask_for(plan, source, BT_PROMISES_ALL);
  if (source) plan->about = promises.about;
  if (source) plan->request.assumptions = bt_assumptions_over(&plan->request.assumptions, &promises);
  plan->dialect = bt_source_dialect(source); /* what it promises is asked for first: it may have to look */
  plan->generation = promises.generation;
  plan->filters = promises.filters;
  plan->projects = promises.projects;
  plan->is_static = promises.is_static;
  plan->lacks = promises.lacks;
  plan->has_copies = promises.has_copies;
  plan->reads_agree = promises.reads_agree;
  plan->batches_show_kept = promises.batches_show_kept;
  plan->apart_threshold = promises.apart_threshold;
  /* Each linked trace is kept or dropped by itself. */
  bool is_declared = plan->sampling.declared.probability > 0 || plan->sampling.declared.kind == BT_SAMPLING_POLICY;
  if (promises.is_sampled || is_declared) plan->request.assumptions.links_sampled = true;
  plan->costs = promises.costs;
  plan->is_checked = promises.about.is_checked;
  plan->sample_times = plan->is_checked ? 1 : BT_UNCHECKED_TIMES;
}

/* What a batch gives follows from the rules and where its traces begin; what it should have given, from the tenant's
 * data and the Tempo that has them. */
static bt_status write_question(bt_replay_plan *plan, bt_error *error) {
  const bt_replay_request *request = &plan->request;
  bt_buffer text = {0};
  bt_buffer_printf(&text, "%s %s %" PRIu64 " %" PRId64, plan->about.store ? plan->about.store : "", plan->about.version,
                   plan->generation, request->assumptions.margin_ns);
  for (size_t i = 0; i < request->rule_count; i++)
    bt_buffer_printf(&text, " %s %" PRId64, request->rules[i]->condition_hash, request->rules[i]->fields.margin_ns);
  bt_str parts[] = {bt_str_from(request->tenant ? request->tenant : ""), bt_buffer_str(&text)};
  bt_status status = text.failed ? bt_error_no_memory(error) : bt_trust_question_of(parts, 2, &plan->question, error);
  bt_buffer_dispose(&text);
  return status;
}

/* Who looks for the earliest, reads at random, or says how many, has a sample of its own; and of a version that was
 * not checked each answer has. */
static bt_status look_at_trust(bt_replay_plan *plan, bt_source *source, bt_error *error) {
  const bt_replay_request *request = &plan->request;
  plan->keeps_trust = request->trust && source && plan->filters && !plan->is_static && plan->is_checked &&
                      !plan->sample_is_fixed && !request->wants_earliest && !request->random_part;
  if (!plan->keeps_trust) return BT_OK;
  bt_status status = write_question(plan, error);
  if (status != BT_OK) return status;
  plan->trust = bt_trust_look(request->trust, &plan->question, bt_clock_steady_ns());
  if (!plan->trust.is_calm) plan->sample_times = BT_UNCHECKED_TIMES;
  return BT_OK;
}

static bt_status fill_defaults(bt_replay_plan *plan, bt_source *source, bt_error *error) {
  bt_replay_request *request = &plan->request;
  plan->sample_is_fixed = request->sample_size != 0;
  if (!request->now_ns) request->now_ns = bt_clock_wall_ns();
  if (!request->sample_size) request->sample_size = DEFAULT_SAMPLE;
  if (!request->memory_limit_bytes) request->memory_limit_bytes = DEFAULT_MEMORY_BYTES;
  if (!bt_sampling_setting_parse(request->assumptions.sampling, &plan->sampling))
    return bt_error_set(error, BT_INVALID, "as sampling expected %s, got %.80s", BT_SAMPLING_EXPECTED,
                        request->assumptions.sampling);
  look_at_source(plan, source);
  bt_status status = look_at_trust(plan, source, error);
  request->sample_size *= plan->sample_times;
  /* What no search found can be sampled only where it is listed. */
  if (!plan->is_checked && request->count == BT_COUNT_AT_LEAST) request->count = BT_COUNT_AUTO;
  return status;
}

/* Each rule has its own window; those that are the same are one. */
static const bt_window *add_window(bt_replay_plan *plan, const bt_assumptions *own) {
  const bt_replay_request *request = &plan->request;
  int64_t young_ns = request->is_live ? own->settle_ns : bt_assumptions_decided_ns(own);
  int64_t settled_ns = bt_time_subtract(request->now_ns, young_ns);
  bool has_tail = !plan->is_static && settled_ns < request->range.end_ns;
  bool whole_has_tail = !plan->is_static && settled_ns < request->whole.end_ns;
  bt_window window = {.range = request->range,
                      .margin_ns = own->margin_ns,
                      .effective_end_ns = has_tail ? settled_ns : request->range.end_ns,
                      .whole = request->whole,
                      .whole_end_ns = whole_has_tail ? settled_ns : request->whole.end_ns};
  for (size_t i = 0; i < plan->window_count; i++) {
    const bt_window *other = &plan->windows[i];
    bool is_same = other->margin_ns == window.margin_ns && other->effective_end_ns == window.effective_end_ns;
    if (is_same && other->whole_end_ns == window.whole_end_ns) return other;
  }
  plan->windows[plan->window_count] = window;
  return &plan->windows[plan->window_count++];
}

/* 0: nothing that a live answer calls settled may lack late spans. */
static int64_t provisional_from(const bt_replay_plan *plan, const bt_assumptions *own, const bt_window *window) {
  int64_t from_ns = bt_time_subtract(plan->request.now_ns, own->late_ns);
  bool is_there = plan->request.is_live && !plan->is_static && own->late_ns && from_ns < window->effective_end_ns;
  return is_there ? from_ns : 0;
}

/* What is searched and read serves all rules: the widest margin and the longest settle among them. */
static void widen_assumptions(bt_replay_plan *plan) {
  bt_assumptions *all = &plan->request.assumptions;
  const bt_assumptions service = *all;
  for (size_t i = 0; i < plan->rule_count; i++) {
    const bt_assumptions own = bt_assumptions_of(&service, plan->request.rules[i]);
    bt_planned_rule *rule = &plan->rules[i];
    rule->definition = plan->request.rules[i];
    rule->window = add_window(plan, &own);
    rule->provisional_from_ns = provisional_from(plan, &own, rule->window);
    rule->settle_ns = own.settle_ns;
    rule->reach = bt_link_reach_of(rule->definition->rule);
    rule->stored_ns = bt_time_subtract(own.settle_ns, rule->reach.within_ns);
    rule->require_complete = own.require_complete;
    rule->options = bt_assumptions_options(&own);
    bool first = i == 0;
    all->margin_ns = first ? own.margin_ns : bt_time_later(all->margin_ns, own.margin_ns);
    all->settle_ns = first ? own.settle_ns : bt_time_later(all->settle_ns, own.settle_ns);
    all->late_ns = first ? own.late_ns : bt_time_later(all->late_ns, own.late_ns);
    all->clock_skew_ns = first ? own.clock_skew_ns : bt_time_later(all->clock_skew_ns, own.clock_skew_ns);
    all->require_complete = (!first && all->require_complete) || own.require_complete;
    all->links_sampled = (!first && all->links_sampled) || own.links_sampled;
  }
}

static void set_whole(bt_replay_plan *plan) {
  plan->window.whole = plan->request.whole;
  plan->window.whole_end_ns = INT64_MIN;
  for (size_t i = 0; i < plan->window_count; i++)
    plan->window.whole_end_ns = bt_time_later(plan->window.whole_end_ns, plan->windows[i].whole_end_ns);
}

/* The part that some rule calls settled is looked at as settled. */
static void set_ranges(bt_replay_plan *plan) {
  const bt_replay_request *request = &plan->request;
  int64_t latest_ns = INT64_MIN;
  for (size_t i = 0; i < plan->window_count; i++)
    latest_ns = bt_time_later(latest_ns, plan->windows[i].effective_end_ns);
  plan->window =
      (bt_window){.range = request->range, .margin_ns = request->assumptions.margin_ns, .effective_end_ns = latest_ns};
  if (request->is_shard) set_whole(plan);
  plan->search_range = bt_window_search_range(&plan->window, request->assumptions.lateness_ns);
  plan->spans_range = plan->search_range;
  if (plan->spans_range.end_ns < request->now_ns) plan->spans_range.end_ns = request->now_ns;
}

static const char *why_no_projection(const bt_replay_plan *plan, const bt_planned_rule *rule) {
  if (rule->whole_trace) return "batches cannot give what the rule reads";
  if (!rule->plan->spans.asked.filter)
    return "the rule looks at the whole trace, at structure, at any span, or at an attribute named like a field";
  if (rule->require_complete) return "whether a trace is complete shows in the whole trace only";
  const char *why_not = plan->dialect->why_no_spans(rule->plan->spans.asked.filter);
  if (why_not) return why_not;
  return plan->projects ? "" : "the source gives whole traces only";
}

/* As for a projection; but what the own spans' filter asks of attributes was left out of it. */
static bt_status plan_evidence(const bt_replay_plan *plan, bt_planned_rule *rule, bt_source *source, bt_error *error) {
  const bt_rule *of = rule->definition->rule;
  bt_projection *own = &rule->own_fields, *linked = &rule->linked_fields;
  bt_projection_init(own);
  bt_projection_init(linked);
  if (!rule->plan->evidence.linked.asked.filter && !rule->plan->follows_linked_to_only) return BT_OK;
  bt_status status = bt_projection_add_evidence(own, of, false, error);
  if (status == BT_OK) status = bt_projection_add_evidence(linked, of, true, error);
  bool can_ask = source && plan->projects && source->operations->find_spans;
  bool has_all = !own->whole_trace && !linked->whole_trace && !rule->require_complete;
  bool has_evidence = rule->plan->evidence.linked.asked.filter != NULL;
  rule->shows_links = has_evidence && can_ask && has_all && plan->dialect->reads(linked) == 1;
  rule->lacks_links_alone =
      can_ask && plan->is_checked && !own->whole_trace && !rule->require_complete && rule->reach.to;
  return status;
}

static bool follows_links(const bt_planned_rule *rule) {
  return !bt_link_reach_is_none(&rule->reach);
}

/* Families are those of all rules. */
static bt_status join_linking(bt_replay_plan *plan, bt_error *error) {
  bt_query *queries = bt_realloc_array(NULL, plan->rule_count, sizeof *queries);
  size_t count = 0;
  bool any_may = false;
  if (!queries) return bt_error_no_memory(error);
  for (size_t i = 0; i < plan->rule_count && !any_may; i++) {
    if (!follows_links(&plan->rules[i])) continue;
    queries[count] = plan->rules[i].plan->linking;
    any_may = !queries[count++].filter;
  }
  bt_status status =
      any_may ? BT_OK : bt_query_union(&plan->filters_of_all, plan->dialect, queries, count, &plan->linking, error);
  free(queries);
  return status;
}

static bt_status list_linking_searches(bt_replay_plan *plan, bt_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < plan->rule_count; i++) {
    const bt_planned_rule *rule = &plan->rules[i];
    if (follows_links(rule) && !rule->plan->linking_search_count) return BT_OK;
    if (follows_links(rule)) count += rule->plan->linking_search_count;
  }
  plan->linking_searches = bt_realloc_array(NULL, count + 1, sizeof *plan->linking_searches);
  if (!plan->linking_searches) return bt_error_no_memory(error);
  for (size_t i = 0; i < plan->rule_count; i++) {
    const bt_planned_rule *rule = &plan->rules[i];
    for (uint32_t s = 0; follows_links(rule) && s < rule->plan->linking_search_count; s++)
      plan->linking_searches[plan->linking_search_count++] = rule->plan->linking_searches[s];
  }
  return BT_OK;
}

/* What Tempo finds for such a search was measured on versions that were checked. */
static bt_status plan_linking(bt_replay_plan *plan, bt_error *error) {
  if (!plan->is_checked) return BT_OK;
  bt_status status = join_linking(plan, error);
  return status == BT_OK ? list_linking_searches(plan, error) : status;
}

static bt_status plan_rules(bt_replay_plan *plan, bt_source *source, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < plan->rule_count; i++) {
    bt_planned_rule *rule = &plan->rules[i];
    bool same;
    status = bt_plan_new(rule->definition->rule, plan->dialect, &rule->plan, error);
    if (status == BT_OK)
      status = bt_projection_share(&plan->projection, rule->definition->rule, &rule->whole_trace, error);
    if (status == BT_OK) status = bt_projection_share(&plan->marked_projection, rule->definition->rule, &same, error);
    if (status == BT_OK) status = plan_evidence(plan, rule, source, error);
    if (status != BT_OK) return status;
    rule->counts_by_search = plan->is_checked && rule->plan->exercising_is_exact;
    rule->no_projection = why_no_projection(plan, rule);
  }
  status = plan_linking(plan, error);
  return status == BT_OK ? bt_projection_add_pruning(&plan->marked_projection, error) : status;
}

static size_t count_filters(const bt_over *over) {
  size_t count = over->kind == BT_OVER_QUERY;
  for (uint32_t i = 0; i < over->item_count; i++) count += count_filters(over->items[i]);
  return count;
}

bool bt_planned_rule_projects(const bt_replay_plan *plan, const bt_planned_rule *rule) {
  return plan->has_source && !rule->no_projection[0];
}

/* One question has to give them, and not every span that there is. */
static bool can_come_first(const bt_replay_plan *plan, const bt_planned_rule *rule) {
  if (!rule->shows_links) return bt_planned_rule_projects(plan, rule);
  return rule->plan->evidence.own.asked.filter->kind != BT_FILTER_ALL && plan->dialect->reads(&rule->own_fields) == 1;
}

static bool projects_first(const bt_replay_plan *plan, bt_source *source) {
  const bt_replay_request *request = &plan->request;
  const bt_plan *rule = plan->rules[0].plan;
  bool is_plain = plan->rule_count == 1 && !request->most_reads && !request->wants_earliest && !request->random_part;
  if (!is_plain || !plan->filters || !plan->is_checked || !source || !source->operations->find_spans) return false;
  int64_t length_ns = bt_time_subtract(plan->search_range.end_ns, plan->search_range.start_ns);
  int64_t later_ns = bt_time_subtract(plan->spans_range.end_ns, plan->search_range.end_ns);
  bool is_wanted = request->strategy == BT_STRATEGY_PROJECTION ||
                   (request->strategy == BT_STRATEGY_AUTO && !rule->subtract_count &&
                    later_ns <= length_ns / LATER_SHARE && count_filters(rule->violating) <= BT_SPANS_FIRST_FILTERS);
  /* A formula that holds for a trace without any span that is asked for would lose that trace. What every trace
   * exercises is counted by the listing. */
  return is_wanted && bt_plan_is_found_by_spans(rule) && can_come_first(plan, &plan->rules[0]);
}

bool bt_planned_rule_subtracts(const bt_replay_plan *plan, const bt_planned_rule *rule) {
  return plan->is_checked && rule->plan->subtract_count > 0;
}

/* Subtraction rests on facts about a version: that what is found has what was asked for. Spans that are shown are
 * evaluated here. */
static bt_strategy strategy_of(const bt_replay_plan *plan, const bt_planned_rule *rule) {
  bt_strategy wanted = plan->request.strategy;
  bool can_project = rule->shows_links || bt_planned_rule_projects(plan, rule);
  if (!plan->filters) return BT_STRATEGY_READ;
  if (wanted == BT_STRATEGY_ID_SETS && !bt_planned_rule_subtracts(plan, rule)) return BT_STRATEGY_READ;
  return wanted == BT_STRATEGY_PROJECTION && !can_project ? BT_STRATEGY_READ : wanted;
}

static void resolve_rules(bt_replay_plan *plan) {
  for (size_t i = 0; i < plan->rule_count; i++) {
    bt_planned_rule *rule = &plan->rules[i];
    rule->strategy = strategy_of(plan, rule);
    plan->needs_every_trace |= rule->plan->violating->kind == BT_OVER_ALL;
    plan->judges_batches |= !rule->whole_trace;
    plan->shows_links |= rule->shows_links;
  }
}

/* Every question about what kind of replay this is is answered here, and nowhere else. */
static void resolve_modes(bt_replay_plan *plan, bt_source *source) {
  const bt_replay_request *request = &plan->request;
  plan->needs_every_trace = !plan->filters;
  resolve_rules(plan);
  plan->asks_listing = plan->needs_every_trace || request->count != BT_COUNT_AT_LEAST;
  plan->counts_all = plan->needs_every_trace || request->count == BT_COUNT_EXACT;
  plan->counts_exercised = plan->filters && request->count != BT_COUNT_AT_LEAST;
  plan->wants_earliest = request->wants_earliest;
  plan->gap_step_ns = request->gap_step_ns;
  plan->gap_is_whole = request->gap_is_whole;
  plan->projects_first = projects_first(plan, source);
  plan->weighs_ways = request->strategy == BT_STRATEGY_AUTO;
  plan->joins_searches = plan->filters && request->joins_searches;
  plan->takes_notes = request->takes_notes;
  plan->notes_of_whole = request->notes_of_whole;
  plan->compares_some =
      plan->filters && !plan->is_static && !request->wants_earliest && !request->random_part && !plan->sample_is_fixed;
  plan->reads_at_random = request->random_part && !plan->is_static;
  plan->first_part = request->random_part;
  plan->most_reads = request->most_reads;
}

bt_status bt_replay_plan_make(bt_source *source, const bt_replay_request *request, bt_replay_plan *out,
                              bt_error *error) {
  *out = (bt_replay_plan){.request = *request};
  bt_projection_init(&out->projection);
  bt_projection_init(&out->marked_projection);
  bt_arena_init(&out->filters_of_all, BT_JOINED_FILTERS_BYTES);
  bt_status status = check_request(request, error);
  if (status != BT_OK) return status;
  out->rules = calloc(request->rule_count, sizeof *out->rules);
  out->windows = calloc(request->rule_count, sizeof *out->windows);
  if (!out->rules || !out->windows) return bt_error_no_memory(error);
  out->rule_count = request->rule_count;
  status = fill_defaults(out, source, error);
  if (status != BT_OK) return status;
  widen_assumptions(out);
  set_ranges(out);
  status = plan_rules(out, source, error);
  if (status == BT_OK) resolve_modes(out, source);
  return status;
}

void bt_replay_plan_dispose(bt_replay_plan *plan) {
  for (size_t i = 0; i < plan->rule_count; i++) {
    bt_plan_free(plan->rules[i].plan);
    bt_projection_dispose(&plan->rules[i].own_fields);
    bt_projection_dispose(&plan->rules[i].linked_fields);
  }
  bt_projection_dispose(&plan->projection);
  bt_projection_dispose(&plan->marked_projection);
  bt_arena_dispose(&plan->filters_of_all);
  free(plan->linking_searches);
  free(plan->rules);
  free(plan->windows);
}

bool bt_replay_plan_is_cancelled(const bt_replay_plan *plan) {
  return bt_is_cancelled(plan->request.cancel);
}

bt_status bt_replay_plan_cancelled(bt_error *error) {
  return bt_error_set(error, BT_CANCELLED, "the replay was cancelled");
}

/* Whose price it is, where one rule alone asks. */
static const char *only_rule(const bt_replay_plan *plan) {
  return plan->rule_count == 1 ? plan->rules[0].definition->fields.id : NULL;
}

bt_search_request bt_replay_plan_search(const bt_replay_plan *plan, bt_query query, bt_time_range range) {
  return (bt_search_request){.query = query,
                             .range = range,
                             .late_ns = plan->request.assumptions.lateness_ns,
                             .tenant = plan->request.tenant,
                             .cancel = plan->request.cancel,
                             .rule_id = only_rule(plan),
                             .priority = plan->request.priority};
}

bt_read_request bt_replay_plan_read(const bt_replay_plan *plan, const bt_trace_id *ids, size_t count,
                                    bt_time_range range) {
  return (bt_read_request){.ids = ids,
                           .count = count,
                           .range = range,
                           .tenant = plan->request.tenant,
                           .cancel = plan->request.cancel,
                           .rule_id = only_rule(plan),
                           .priority = plan->request.priority};
}

bt_spans_request bt_replay_plan_spans(const bt_replay_plan *plan, bt_over_query spans, bt_time_range range) {
  return (bt_spans_request){.spans = spans,
                            .range = range,
                            .late_ns = plan->request.assumptions.lateness_ns,
                            .tenant = plan->request.tenant,
                            .cancel = plan->request.cancel,
                            .rule_id = only_rule(plan),
                            .priority = plan->request.priority};
}

bt_links_request bt_replay_plan_links(const bt_replay_plan *plan, const bt_trace_id *ids, size_t count,
                                      bt_time_range range) {
  return (bt_links_request){.ids = ids,
                            .count = count,
                            .range = range,
                            .late_ns = plan->request.assumptions.lateness_ns,
                            .tenant = plan->request.tenant,
                            .cancel = plan->request.cancel,
                            .rule_id = only_rule(plan),
                            .priority = plan->request.priority};
}

uint64_t bt_replay_plan_sample_key(const bt_replay_plan *plan, const bt_trace_id *id) {
  return bt_seeded_key(plan->request.sample_seed, id);
}

/* ---- the rules, compiled ---- */

bt_status bt_rule_evaluator_make(const bt_replay_plan *plan, bt_rule_evaluator *out, bt_error *error) {
  *out = (bt_rule_evaluator){.limit.cancel = plan->request.cancel};
  const bt_rule **rules = bt_realloc_array(NULL, plan->rule_count, sizeof *rules);
  out->options = calloc(plan->rule_count, sizeof *out->options);
  bt_status status = rules && out->options ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < plan->rule_count; i++) {
    rules[i] = plan->rules[i].definition->rule;
    out->options[i] = plan->rules[i].options;
  }
  if (status == BT_OK) status = bt_ruleset_new(rules, plan->rule_count, &out->ruleset, error);
  if (status == BT_OK) status = bt_evaluator_new(out->ruleset, &out->evaluator, error);
  free(rules);
  return status;
}

void bt_rule_evaluator_dispose(bt_rule_evaluator *evaluator) {
  bt_evaluator_free(evaluator->evaluator);
  bt_ruleset_free(evaluator->ruleset);
  free(evaluator->options);
}

bt_status bt_rule_evaluator_run_family(bt_rule_evaluator *evaluator, const bt_family *family,
                                       const bt_rule_verdict **verdicts, bt_error *error) {
  return bt_eval_run_family_within(&evaluator->limit, evaluator->evaluator, family, evaluator->options, verdicts,
                                   error);
}

bt_status bt_rule_evaluator_run(bt_rule_evaluator *evaluator, const bt_trace *trace, const bt_rule_verdict **verdicts,
                                bt_error *error) {
  return bt_eval_run_within(&evaluator->limit, evaluator->evaluator, trace, evaluator->options, verdicts, error);
}
