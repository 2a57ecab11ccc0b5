/* Which traces have to be read: the over-formula of each rule, evaluated to sets of trace ids over the whole range with margins, less what
 * its under-queries find. What is searched may miss nothing, so that a window that failed is said; what is subtracted may lack anything.
 * Sets are bits over the traces that some search found. Thread: the replay's. */
#include <stdlib.h>
#include <string.h>

#include "dsl/arena.h"
#include "server/replay/data_gaps.h"
#include "server/replay/listing.h"
#include "server/replay/own_traces.h"
#include "server/replay/pruned_traces.h"
#include "server/replay/run.h"

enum {
  AUTO_COUNT_MAX = 100000, /* traces that are listed only to be counted */
  SUBTRACTED_PER_CANDIDATE = 16,
  SUBTRACTED_AT_LEAST = 20000
};

static bt_status add_over(bt_run *run, const bt_over *over, bool is_over, bt_error *error) {
  size_t index = 0;
  bt_status status = BT_OK;
  switch (over->kind) {
  case BT_OVER_NONE:
  case BT_OVER_ALL: break;
  case BT_OVER_QUERY: status = bt_questions_add(&run->questions, over->query.filter, is_over, &index, error); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
      status = add_over(run, over->items[i], is_over, error);
    break;
  }
  return status;
}

/* surely: without what only surplus queries find. */
static bt_status combine(bt_run *run, const bt_over *over, bool surely, uint64_t *out, bt_error *error);

static bt_status combine_items(bt_run *run, const bt_over *over, bool surely, uint64_t *out, bt_error *error) {
  uint64_t *item = bt_bits_new(&run->table);
  if (!item) return bt_error_no_memory(error);
  bt_status status = combine(run, over->items[0], surely, out, error);
  for (uint32_t i = 1; status == BT_OK && i < over->item_count; i++) {
    status = combine(run, over->items[i], surely, item, error);
    for (size_t w = 0; w < run->table.word_count; w++)
      out[w] = over->kind == BT_OVER_AND ? out[w] & item[w] : out[w] | item[w];
  }
  free(item);
  return status;
}

static void copy_bits(const bt_run *run, const bt_over *over, bool surely, uint64_t *out) {
  size_t bytes = run->table.word_count * sizeof *out;
  if (surely && over->is_surplus)
    memset(out, 0, bytes);
  else
    memcpy(out, run->questions.items[bt_questions_find(&run->questions, over->query.filter)]->bits, bytes);
}

/* ALL is every trace that is known: when a rule needs it, the listing has been asked without a maximum. */
static bt_status combine(bt_run *run, const bt_over *over, bool surely, uint64_t *out, bt_error *error) {
  switch (over->kind) {
  case BT_OVER_NONE: memset(out, 0, run->table.word_count * sizeof *out); return BT_OK;
  case BT_OVER_ALL:
    memset(out, 0, run->table.word_count * sizeof *out);
    for (size_t i = 0; i < run->table.count; i++) bt_bit_set(out, i);
    return BT_OK;
  case BT_OVER_QUERY: copy_bits(run, over, surely, out); return BT_OK;
  case BT_OVER_AND:
  case BT_OVER_OR: return combine_items(run, over, surely, out, error);
  }
  return BT_OK;
}

static const bt_over every_trace = {.kind = BT_OVER_ALL};

static const bt_over *violating_of(const bt_run *run, const bt_run_rule *rule) {
  if (!run->plan.filters) return &every_trace;
  if (run->first.is_used) return &run->first.any;
  bool is_joined = run->joined.count && bt_joined_takes(rule->planned->plan->violating);
  return is_joined ? &run->joined.any : rule->planned->plan->violating;
}

/* Whether every filter of the formula was asked and answered in full. */
static bool is_answered(const bt_run *run, const bt_over *over) {
  switch (over->kind) {
  case BT_OVER_NONE: return true;
  case BT_OVER_ALL: return run->table.is_listed;
  case BT_OVER_QUERY: {
    size_t index = bt_questions_find(&run->questions, over->query.filter);
    return index < run->questions.count && run->questions.items[index]->is_complete;
  }
  case BT_OVER_AND:
  case BT_OVER_OR: break;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!is_answered(run, over->items[i])) return false;
  return true;
}

/* Whether some filter of the formula that counts was answered in a wider form: what was found need not be meant. */
static bool was_widened(const bt_run *run, const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) {
    size_t index = bt_questions_find(&run->questions, over->query.filter);
    return !over->is_surplus && index < run->questions.count && run->questions.items[index]->account.was_widened;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (was_widened(run, over->items[i])) return true;
  return false;
}

static bt_status make_rule_bits(bt_run *run, bt_run_rule *rule, bt_error *error) {
  rule->candidates = bt_bits_new(&run->table);
  rule->unread = bt_bits_new(&run->table);
  if (!rule->candidates || !rule->unread) return bt_error_no_memory(error);
  bt_status status = combine(run, violating_of(run, rule), false, rule->candidates, error);
  bt_pruned_traces_join(&run->questions, rule->planned, rule->candidates);
  rule->is_answered = is_answered(run, violating_of(run, rule)) && bt_pruned_traces_are_known(&run->questions);
  memcpy(rule->unread, rule->candidates, run->table.word_count * sizeof *rule->unread);
  return status;
}

static bt_status make_exercising_bits(bt_run *run, bt_run_rule *rule, bt_error *error) {
  const bt_over *exercising = run->plan.filters ? rule->planned->plan->exercising : &every_trace;
  if (run->first.is_used) exercising = &run->first.any;
  if (!is_answered(run, exercising)) return BT_OK;
  bool is_exact = rule->planned->counts_by_search && !run->first.is_used && !was_widened(run, exercising);
  rule->exercising = bt_bits_new(&run->table);
  if (is_exact) rule->surely_exercising = bt_bits_new(&run->table);
  if (!rule->exercising || (is_exact && !rule->surely_exercising)) return bt_error_no_memory(error);
  bt_status status = combine(run, exercising, false, rule->exercising, error);
  return status || !is_exact ? status : combine(run, exercising, true, rule->surely_exercising, error);
}

/* ---- what is asked ---- */

static bt_status join_rules(bt_run *run, bt_error *error) {
  if (!run->plan.filters || !run->plan.request.joins_searches) return BT_OK;
  const bt_over **overs = bt_realloc_array(NULL, run->plan.rule_count, sizeof(bt_over *));
  if (!overs) return bt_error_no_memory(error);
  for (size_t i = 0; i < run->plan.rule_count; i++) overs[i] = run->plan.rules[i].plan->violating;
  bt_status status = bt_joined_make(overs, run->plan.rule_count, &run->joined, error);
  free(overs);
  return status;
}

static bt_status add_rules(bt_run *run, bt_error *error) {
  bt_status status = join_rules(run, error);
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    status = add_over(run, violating_of(run, &run->rules[i]), true, error);
  return status;
}

/* Counting exercised traces by search is worth a question only where it gives the exact number. */
static bt_status add_exercising(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  if (!run->plan.counts_exercised || run->first.is_used) return BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    if (run->plan.rules[i].counts_by_search) status = add_over(run, run->plan.rules[i].plan->exercising, false, error);
  return status;
}

static void set_listing(bt_run *run) {
  bt_question *all = run->questions.items[BT_QUESTION_ALL];
  all->max_found = run->plan.counts_all ? 0 : AUTO_COUNT_MAX;
  all->is_over = true; /* its failed windows are said: whether there is any data rests on it */
}

/* Asked whatever the rules are, and beside the first that is asked for them. */
static bt_status ask_pruned(bt_run *run, bt_error *error) {
  bt_status status = bt_pruned_traces_ask(&run->questions, error);
  if (status != BT_OK || !run->questions.pruned) return status;
  status = bt_question_desk_add(run->questions.desk, run->questions.items[run->questions.pruned], false, error);
  if (status == BT_OK && run->plan.projects_first) bt_question_desk_help(run->questions.desk);
  return status;
}

/* The queries in the order in which they are asked: what has to be read first, then the listing, then what is only
 * counted. What only counts can wait: traces are read beside it. */
static bt_status add_all(bt_run *run, bt_error *error) {
  size_t index = 0;
  bt_status status = bt_questions_add(&run->questions, BT_STR("{}"), false, &index, error);
  if (status == BT_OK) status = ask_pruned(run, error);
  if (status == BT_OK) status = bt_spans_first_ask(run, error);
  if (status == BT_OK) status = add_rules(run, error);
  if (status == BT_OK) bt_spans_first_answer(run);
  size_t needed = run->questions.count;
  if (status == BT_OK) status = add_exercising(run, error);
  if (status == BT_OK) set_listing(run);
  bool can_wait = !run->plan.asks_all_first;
  for (size_t i = 1; status == BT_OK && i < needed; i++)
    status = bt_question_desk_add(run->questions.desk, run->questions.items[i], false, error);
  if (status == BT_OK && run->plan.asks_listing)
    status = bt_question_desk_add(run->questions.desk, run->questions.items[BT_QUESTION_ALL],
                                  can_wait && !run->plan.needs_every_trace, error);
  for (size_t i = needed; status == BT_OK && i < run->questions.count; i++)
    status = bt_question_desk_add(run->questions.desk, run->questions.items[i], can_wait, error);
  return status;
}

/* ---- subtraction ---- */

/* More traces than that cost more than the reads they save: what was found until then is subtracted. */
static void limit_subtracted(const bt_run *run, const bt_run_rule *rule, bt_question *question) {
  question->is_subtracted = question->keeps_part = true;
  question->max_found = SUBTRACTED_PER_CANDIDATE * bt_bits_count(&run->table, rule->unread) + SUBTRACTED_AT_LEAST;
}

/* Asks the question number `round` of every rule that still has so many candidates. */
static bt_status ask_subtracted(bt_run *run, uint32_t round, bool *any, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++) {
    const bt_run_rule *rule = &run->rules[i];
    size_t index = 0;
    if (round >= rule->planned->plan->subtract_count || !bt_strategy_subtracts(run, rule)) continue;
    *any = true;
    status = bt_questions_add(&run->questions, rule->planned->plan->subtract[round].filter, false, &index, error);
    if (status != BT_OK) return status;
    bt_question *question = run->questions.items[index];
    if (!question->is_asked) limit_subtracted(run, rule, question);
    if (!question->is_asked && round == 0) question->expected = rule->subtracted_found;
    status = bt_question_desk_add(run->questions.desk, question, false, error);
  }
  return status;
}

static void subtract_round(bt_run *run, bt_run_rule *rule, uint32_t round) {
  if (round >= rule->planned->plan->subtract_count || !bt_strategy_subtracts(run, rule)) return;
  const bt_question *question =
      run->questions.items[bt_questions_find(&run->questions, rule->planned->plan->subtract[round].filter)];
  if (question->account.was_widened) return; /* another rule searched for the same, and found more than it means */
  for (size_t w = 0; question->bits && w < run->table.word_count; w++) rule->unread[w] &= ~question->bits[w];
  bt_pruned_traces_join(&run->questions, rule->planned, rule->unread);
}

/* Rules share what they subtract. Less found only means that more is read. */
static bt_status subtract(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  bool any = true;
  for (uint32_t round = 0; status == BT_OK && any; round++) {
    any = false;
    status = ask_subtracted(run, round, &any, error);
    if (status == BT_OK && any) status = bt_questions_gather(&run->questions, false, error);
    for (size_t i = 0; status == BT_OK && any && i < run->plan.rule_count; i++)
      subtract_round(run, &run->rules[i], round);
  }
  return status;
}

/* ---- the whole ---- */

static bt_status set_exercising(bt_run *run, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    status = make_exercising_bits(run, &run->rules[i], error);
  return status;
}

bt_status bt_candidates_find(bt_run *run, bt_error *error) {
  bt_status status = add_all(run, error);
  if (status != BT_OK) return status;
  bt_question_desk_help(run->questions.desk);
  status = bt_questions_gather(&run->questions, false, error);
  bt_account_show(&run->account, 0.2);
  if (status == BT_OK) bt_pruned_traces_take(&run->questions);
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    status = make_rule_bits(run, &run->rules[i], error);
  if (status == BT_OK && run->plan.filters) status = bt_own_traces_ask(&run->questions, error);
  if (status == BT_OK && run->plan.looks_ahead) status = bt_data_gaps_look_ahead(&run->questions, error);
  bt_question_desk_help(run->questions.desk);
  if (status == BT_OK) status = bt_strategies_choose(run, error);
  if (status == BT_OK && run->plan.filters) status = subtract(run, error);
  if (status == BT_OK && run->plan.filters) status = bt_questions_gather(&run->questions, false, error);
  if (status == BT_OK && run->plan.filters) status = bt_own_traces_mark(&run->questions, error);
  if (status == BT_OK) status = bt_strategies_project(run, error);
  if (status == BT_OK) bt_account_show(&run->account, 0.3);
  return status;
}

bt_status bt_candidates_complete(bt_run *run, bt_error *error) {
  bt_status status = bt_questions_gather(&run->questions, true, error);
  if (status == BT_OK) status = set_exercising(run, error);
  if (status == BT_OK) status = bt_listing_check(&run->questions, error);
  if (status == BT_OK && run->plan.filters) status = bt_own_traces_mark(&run->questions, error);
  return status;
}

void bt_candidates_dispose(bt_run *run) {
  bt_joined_dispose(&run->joined);
  bt_spans_first_dispose(run);
  for (size_t i = 0; run->rules && i < run->plan.rule_count; i++) {
    free(run->rules[i].candidates);
    free(run->rules[i].unread);
    free(run->rules[i].exercising);
    free(run->rules[i].surely_exercising);
    free(run->rules[i].decided);
    free(run->rules[i].decided_exercised);
  }
}
