/* Evaluators: a ruleset on one trace after another. See eval.h. The work is in evaluation_*.c. */
#include "dsl/evaluate/eval.h"

#include <stdlib.h>

#include "dsl/evaluate/evaluation.h"
#include "dsl/evaluate/evaluation_worlds.h"

enum { LEAST_STEP_BUDGET = 1000000, STEPS_OF_SPAN = 50, FEW_SPANS = 4 };

/* Of one run, and of one rule in it. */
static const size_t run_max_bytes = (size_t)2 << 30;

uint64_t bt_default_step_budget(const bt_trace *trace) {
  return LEAST_STEP_BUDGET + (uint64_t)trace->span_count * STEPS_OF_SPAN;
}

const char *bt_verdict_name(bt_verdict verdict) {
  switch (verdict) {
  case BT_VIOLATED: return "violated";
  case BT_INCONCLUSIVE: return "inconclusive";
  case BT_SATISFIED: return "satisfied";
  case BT_NOT_APPLICABLE: return "not_applicable";
  }
  return "unknown";
}

const char *bt_reason_name(bt_reason reason) {
  switch (reason) {
  case BT_REASON_NONE: return "";
  case BT_REASON_BUDGET: return "budget";
  case BT_REASON_INCOMPLETE: return "incomplete";
  case BT_REASON_PRUNED: return "pruned";
  case BT_REASON_COPIES: return "copies";
  case BT_REASON_TIME: return "time";
  case BT_REASON_DROPPED: return "dropped";
  case BT_REASON_SAMPLED: return "sampled";
  case BT_REASON_TYPE: return "type";
  case BT_REASON_SKEW: return "skew";
  case BT_REASON_LINKED: return "linked";
  }
  return "unknown";
}

static bool make_room(bt_evaluator *evaluator) {
  const bt_ruleset *ruleset = evaluator->ruleset;
  evaluator->verdicts = bt_realloc_array(NULL, ruleset->count, sizeof *evaluator->verdicts);
  evaluator->member_slots = bt_realloc_array(NULL, ruleset->max_selection_slots, sizeof *evaluator->member_slots);
  evaluator->truth_slots = bt_realloc_array(NULL, ruleset->max_condition_slots, sizeof *evaluator->truth_slots);
  evaluator->hidden_slots = bt_realloc_array(NULL, ruleset->max_selection_slots, sizeof *evaluator->hidden_slots);
  evaluator->aggregate_slots = bt_realloc_array(NULL, ruleset->max_selection_slots, sizeof *evaluator->aggregate_slots);
  evaluator->lookup_slots = bt_realloc_array(NULL, ruleset->max_selection_slots, sizeof *evaluator->lookup_slots);
  evaluator->pick_slots = bt_realloc_array(NULL, ruleset->max_selection_slots, sizeof *evaluator->pick_slots);
  if (!evaluator->pick_slots || !evaluator->lookup_slots || !evaluator->verdicts || !evaluator->member_slots ||
      !evaluator->truth_slots || !evaluator->hidden_slots || !evaluator->aggregate_slots)
    return false;
  for (uint32_t i = 0; i < ruleset->max_selection_slots; i++) {
    evaluator->member_slots[i] = (bt_member_list){0};
    evaluator->hidden_slots[i] = (bt_truth_slot){0};
    evaluator->aggregate_slots[i].turn = 0;
    evaluator->lookup_slots[i] = (bt_lookup_slot){0};
    evaluator->pick_slots[i] = (bt_pick_slot){0};
  }
  for (uint32_t i = 0; i < ruleset->max_condition_slots; i++) evaluator->truth_slots[i] = (bt_truth_slot){0};
  return bt_trace_index_init(&evaluator->index, ruleset, &evaluator->arena);
}

bt_status bt_evaluator_new(const bt_ruleset *ruleset, bt_evaluator **out, bt_error *error) {
  *out = NULL;
  bt_evaluator *evaluator = calloc(1, sizeof *evaluator);
  if (!evaluator) return bt_error_no_memory(error);
  evaluator->ruleset = ruleset;
  evaluator->end_rule = ruleset->count;
  evaluator->work.check = &evaluator->check;
  bt_arena_init(&evaluator->arena, run_max_bytes);
  bt_arena_init(&evaluator->rule_arena, run_max_bytes);
  if (!make_room(evaluator)) {
    bt_evaluator_free(evaluator);
    return bt_error_no_memory(error);
  }
  *out = evaluator;
  return BT_OK;
}

void bt_evaluator_check_with(bt_evaluator *evaluator, bool (*may_go_on)(void *context), void *context) {
  evaluator->check = (bt_check){may_go_on, context, false};
}

void bt_evaluator_free(bt_evaluator *evaluator) {
  if (!evaluator) return;
  bt_trace_index_dispose(&evaluator->index);
  bt_arena_dispose(&evaluator->arena);
  bt_arena_dispose(&evaluator->rule_arena);
  free(evaluator->verdicts);
  free(evaluator->member_slots);
  free(evaluator->truth_slots);
  free(evaluator->hidden_slots);
  free(evaluator->aggregate_slots);
  free(evaluator->lookup_slots);
  free(evaluator->distinct.values);
  free(evaluator->pick_slots);
  free(evaluator);
}

/* What the rule says, or else who asks. */
static bool takes_ties_for_unknown(const bt_program *program, const bt_eval_options *options) {
  bt_coarse_clocks said = program->rule->coarse_clocks;
  return said ? said == BT_CLOCKS_UNKNOWN : options->coarse_clocks_unknown;
}

static void start_rule(bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options) {
  evaluator->program = program;
  evaluator->is_incomplete = options->incomplete || options->sampled;
  evaluator->is_sampled = options->sampled && !options->incomplete;
  evaluator->is_pruned = evaluator->index.trace->pruned;
  evaluator->has_summaries = evaluator->is_pruned || evaluator->relatives.has_summaries;
  evaluator->doubts = evaluator->index.trace->doubts;
  evaluator->clock_skew_ns = options->clock_skew_ns;
  evaluator->coarse_clocks_unknown = takes_ties_for_unknown(program, options);
  evaluator->tied_service = (bt_str){NULL, 0};
  evaluator->looks_up_at_once = options->looks_up_at_once;
  evaluator->links_sampled = options->links_sampled;
  evaluator->was_family_missed = false;
  bt_evaluator_allow(evaluator, evaluator->step_budget);
  evaluator->unpaid_tests = 0;
  evaluator->is_exhausted = false;
  evaluator->index_count = 0;
  evaluator->spent = BT_SPENT_NOTHING;
  evaluator->spent_in = (bt_range){0, 0};
  for (int i = 0; i < BT_MAX_BINDINGS; i++) evaluator->bound[i] = BT_NO_SPAN;
  bt_arena_reset(&evaluator->rule_arena);
}

/* Spans of other traces count as its own do. */
static uint64_t default_budget(const bt_evaluator *evaluator) {
  const bt_relatives *relatives = &evaluator->relatives;
  uint64_t others = relatives->family ? relatives->span_count - relatives->own_count : 0;
  return bt_default_step_budget(evaluator->index.trace) + others * STEPS_OF_SPAN;
}

static void start_budget(bt_evaluator *evaluator, const bt_eval_options *options) {
  uint64_t steps = options->step_budget ? options->step_budget : default_budget(evaluator);
  if (steps < options->least_steps) steps = options->least_steps;
  evaluator->step_budget = steps;
  evaluator->text_budget = options->text_budget;
  if (!options->text_budget)
    evaluator->text_budget = steps > UINT64_MAX / BT_TEXT_PER_STEP ? UINT64_MAX : steps * BT_TEXT_PER_STEP;
  bt_work_allow(&evaluator->work, evaluator->text_budget);
  evaluator->work.turn = ++evaluator->turn;
}

/* On a trace without gaps a rule whose gate finds nothing need not be looked at. Behind comparisons of trace fields it
 * is asked first only where that is as cheap as they are. */
static bool is_gate_shut(bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options) {
  if (options->incomplete || evaluator->index.trace->pruned || !program->has_gate) return false;
  bool walks = evaluator->ruleset->matchers[program->gate].walks_text;
  if (program->is_gate_behind_comparison && (walks || !evaluator->ruleset->has_groups)) return false;
  bool has_few = evaluator->index.trace->span_count <= FEW_SPANS;
  if (has_few && bt_trace_index_sees_none(&evaluator->index, program->gate)) return true;
  return bt_trace_index_member(&evaluator->index, program->gate, 0, &evaluator->work) == BT_NO_SPAN;
}

bool bt_evaluator_spend_more(bt_evaluator *evaluator, uint64_t steps) {
  uint64_t all = evaluator->steps_left + evaluator->steps_held;
  bool goes_on = evaluator->work.status == BT_OK && steps <= all && bt_check_passes(&evaluator->check);
  bt_evaluator_allow(evaluator, goes_on ? all - steps : 0);
  if (!goes_on) bt_evaluator_exhaust(evaluator, BT_SPENT_STEPS);
  return goes_on;
}

void bt_evaluator_note_part(bt_evaluator *evaluator, bt_range range) {
  if (evaluator->is_exhausted && evaluator->spent_in.end == 0) evaluator->spent_in = range;
}

/* Where a rule is begun: what its matchers test takes no steps, and rules may be many. */
static bool passes_check(bt_evaluator *evaluator, uint64_t steps) {
  evaluator->unchecked_steps += steps;
  if (evaluator->unchecked_steps < BT_STEPS_BETWEEN_CHECKS) return !evaluator->check.is_over;
  evaluator->unchecked_steps = 0;
  return bt_check_passes(&evaluator->check);
}

/* What matchers test is not paid step by step, because rules share it and sharing must change no verdict. Instead a
 * rule that asks for more tests than its whole budget is worth is not begun. */
static bool is_beyond_budget(bt_evaluator *evaluator, const bt_program *program) {
  uint64_t tests, of_events, of_links;
  bool overflows = __builtin_mul_overflow(program->tests_of_spans, evaluator->index.trace->span_count, &tests);
  if (program->tests_of_events || program->tests_of_links) {
    bt_trace_index_count_parts(&evaluator->index);
    overflows |= __builtin_mul_overflow(program->tests_of_events, evaluator->index.event_count, &of_events) ||
                 __builtin_add_overflow(tests, of_events, &tests) ||
                 __builtin_mul_overflow(program->tests_of_links, evaluator->index.link_count, &of_links) ||
                 __builtin_add_overflow(tests, of_links, &tests);
  }
  return overflows || tests / BT_TESTS_PER_STEP > evaluator->step_budget ||
         !passes_check(evaluator, tests / BT_TESTS_PER_STEP + 1);
}

const bt_span *bt_witness_span(const bt_trace *trace, const bt_rule_verdict *verdict, const bt_witness *witness) {
  if (!witness->trace) return &trace->spans[witness->span];
  return &verdict->family->traces[witness->trace].trace->spans[witness->span];
}

static void run_rule(bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options,
                     bt_rule_verdict *out) {
  bt_truth all = program->is_exercised_by_all ? BT_TRUE : BT_FALSE;
  *out = (bt_rule_verdict){.verdict = BT_NOT_APPLICABLE, .reason = BT_REASON_NONE, .exercised = all};
  evaluator->met_tie = false;
  start_budget(evaluator, options);
  bool is_beyond = is_beyond_budget(evaluator, program);
  bool is_shut = !is_beyond && is_gate_shut(evaluator, program, options);
  if (is_beyond || bt_evaluator_is_cut(evaluator)) {
    bt_spending spent = evaluator->check.is_over ? BT_SPENT_TIME : is_beyond ? BT_SPENT_TESTS : BT_SPENT_TEXT;
    *out = (bt_rule_verdict){
        .verdict = BT_INCONCLUSIVE, .reason = BT_REASON_BUDGET, .spent = spent, .exercised = all ? all : BT_UNKNOWN};
    return;
  }
  if (is_shut) {
    if (program->is_bare) out->verdict = BT_SATISFIED;
    return;
  }
  start_rule(evaluator, program, options);
  bt_evaluate_choices(evaluator, out);
}

/* Judges it once more, as if traces that were dropped might link to these. */
static bool would_be_open(bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options) {
  bt_eval_options sampled = *options;
  bt_rule_verdict verdict;
  sampled.links_sampled = true;
  run_rule(evaluator, program, &sampled, &verdict);
  return verdict.verdict != BT_VIOLATED;
}

static bool may_rest_on_links(const bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options,
                              const bt_rule_verdict *verdict) {
  return verdict->verdict == BT_VIOLATED && program->is_linked && evaluator->relatives.family &&
         !options->links_sampled;
}

/* Judges it once more, with the order of equal starts unknown where clocks are coarse. */
static void look_at_ties(bt_evaluator *evaluator, const bt_program *program, const bt_eval_options *options,
                         bt_rule_verdict *out) {
  bt_eval_options open = *options;
  bt_rule_verdict verdict;
  open.coarse_clocks_unknown = true;
  run_rule(evaluator, program, &open, &verdict);
  out->hangs_on_ties = verdict.verdict != out->verdict && verdict.reason != BT_REASON_BUDGET;
  out->tied_service = evaluator->tied_service;
}

static bt_status report_failure(const bt_evaluator *evaluator, bt_error *error) {
  bool is_full =
      evaluator->arena.total_bytes > run_max_bytes / 2 || evaluator->rule_arena.total_bytes > run_max_bytes / 2;
  if (!is_full) return bt_error_no_memory(error);
  return bt_error_set(error, BT_LIMIT, "the trace is too large to evaluate: %u spans need more than %zu bytes",
                      evaluator->index.trace->span_count, run_max_bytes);
}

static bt_status run_rules(bt_evaluator *evaluator, const bt_eval_options *options, bt_error *error) {
  static const bt_eval_options defaults = {0};
  for (size_t i = evaluator->first_rule; i < evaluator->end_rule; i++) {
    const bt_program *program = &evaluator->ruleset->programs[i];
    const bt_eval_options *own = options ? &options[i] : &defaults;
    bt_rule_verdict *verdict = &evaluator->verdicts[i];
    run_rule(evaluator, program, own, verdict);
    verdict->family = evaluator->relatives.family;
    if (evaluator->met_tie && !program->rule->coarse_clocks && !own->coarse_clocks_unknown &&
        verdict->verdict != BT_INCONCLUSIVE)
      look_at_ties(evaluator, program, own, verdict);
    if (may_rest_on_links(evaluator, program, own, verdict))
      verdict->rests_on_no_link = would_be_open(evaluator, program, own);
    if (evaluator->work.status != BT_OK) return report_failure(evaluator, error);
  }
  return BT_OK;
}

static void start_trace(bt_evaluator *evaluator, const bt_trace *trace) {
  evaluator->work.status = BT_OK;
  evaluator->check.is_over = false;
  evaluator->relatives.family = NULL;
  evaluator->relatives.has_summaries = false;
  evaluator->relatives.doubts = 0;
  evaluator->is_coarse = NULL;
  bt_trace_index_start(&evaluator->index, trace);
}

static bt_status run_trace(bt_evaluator *evaluator, const bt_trace *trace, const bt_eval_options *options,
                           bt_error *error) {
  start_trace(evaluator, trace);
  return run_rules(evaluator, options, error);
}

static bt_status run_family(bt_evaluator *evaluator, const bt_family *family, const bt_eval_options *options,
                            bt_error *error) {
  start_trace(evaluator, family->traces[0].trace);
  if (!bt_relatives_start(&evaluator->relatives, family, &evaluator->arena)) return report_failure(evaluator, error);
  return run_rules(evaluator, options, error);
}

/* ---- where records of one span do not agree ---- */

static bool has_several_worlds(const bt_family *family) {
  for (uint32_t t = 0; t < family->trace_count; t++)
    if (family->traces[t].trace->differing_copies) return true;
  return false;
}

static bt_status run_world(bt_evaluator *evaluator, const bt_family *world, bool is_family,
                           const bt_eval_options *options, bt_error *error) {
  return is_family ? run_family(evaluator, world, options, error)
                   : run_trace(evaluator, world->traces[0].trace, options, error);
}

/* What the rules that the worlds were chosen for say in each but the one that was given. */
static bt_status run_others(bt_evaluator *evaluator, bt_worlds *worlds, bool is_family, const bt_eval_options *options,
                            bt_error *error) {
  const bt_family *world;
  bt_status status = BT_OK, built = BT_OK;
  while (status == BT_OK && bt_worlds_next(worlds, &world, &built)) {
    status = run_world(evaluator, world, is_family, options, error);
    if (status == BT_OK) bt_worlds_take(worlds, evaluator->verdicts);
  }
  return status == BT_OK && built != BT_OK ? bt_error_no_memory(error) : status;
}

/* All at once, or where they have too many together each by itself. */
static bt_status run_all_others(bt_evaluator *evaluator, bt_worlds *worlds, bool is_family,
                                const bt_eval_options *options, bt_error *error) {
  size_t count = evaluator->ruleset->count;
  bt_status status = BT_OK, chosen = BT_OK;
  if (bt_worlds_choose(worlds, 0, count, &chosen)) return run_others(evaluator, worlds, is_family, options, error);
  for (size_t i = 0; status == BT_OK && chosen == BT_OK && i < count; i++) {
    if (!bt_worlds_choose(worlds, i, 1, &chosen)) continue;
    evaluator->first_rule = i;
    evaluator->end_rule = i + 1;
    status = run_others(evaluator, worlds, is_family, options, error);
  }
  evaluator->first_rule = 0;
  evaluator->end_rule = count;
  return status == BT_OK && chosen != BT_OK ? bt_error_no_memory(error) : status;
}

static bt_status run_worlds(bt_evaluator *evaluator, const bt_family *family, bool is_family,
                            const bt_eval_options *options, bt_error *error) {
  bt_worlds *worlds = bt_worlds_new(family, evaluator->ruleset->programs, evaluator->ruleset->count);
  if (!worlds) return bt_error_no_memory(error);
  bt_status status = run_all_others(evaluator, worlds, is_family, options, error);
  if (status == BT_OK) status = run_world(evaluator, family, is_family, options, error);
  if (status == BT_OK) bt_worlds_conclude(worlds, evaluator->verdicts);
  bt_worlds_free(worlds);
  return status;
}

bt_status bt_evaluator_run(bt_evaluator *evaluator, const bt_trace *trace, const bt_eval_options *options,
                           const bt_rule_verdict **out, bt_error *error) {
  bt_family_trace alone = {.trace = trace};
  bt_status status = trace->differing_copies ? run_worlds(evaluator, &(bt_family){.traces = &alone, .trace_count = 1},
                                                          false, options, error)
                                             : run_trace(evaluator, trace, options, error);
  *out = status == BT_OK ? evaluator->verdicts : NULL;
  return status;
}

bt_status bt_evaluator_run_family(bt_evaluator *evaluator, const bt_family *family, const bt_eval_options *options,
                                  const bt_rule_verdict **out, bt_error *error) {
  bt_status status = has_several_worlds(family) ? run_worlds(evaluator, family, true, options, error)
                                                : run_family(evaluator, family, options, error);
  *out = status == BT_OK ? evaluator->verdicts : NULL;
  return status;
}
