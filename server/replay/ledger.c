/* Outcome, numbers and prices of a replay. See ledger.h. Own traces count nowhere. */
#include "server/replay/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/replay/decider.h"
#include "server/replay/delivery.h"
#include "server/replay/violation_sample.h"

/* ---- the outcome ---- */

/* 0: nothing of the range may lack late spans, or `settle` alone says where it ends. */
static int64_t late_until(const bt_replay_plan *plan) {
  const bt_replay_request *request = &plan->request;
  const bt_assumptions *widest = &request->assumptions;
  bool is_why = !plan->is_static && !request->is_live && widest->late_ns > widest->settle_ns &&
                bt_time_subtract(request->now_ns, widest->late_ns) < request->range.end_ns;
  return is_why ? bt_time_add(request->range.end_ns, widest->late_ns) : 0;
}

/* Of all rules together; only as far as it lies in the range. */
static void say_provisional(bt_coverage *coverage, int64_t from_ns) {
  if (!from_ns || from_ns >= coverage->asked.end_ns) return;
  from_ns = bt_time_later(from_ns, coverage->asked.start_ns);
  bool is_earlier = !coverage->provisional_from_ns || from_ns < coverage->provisional_from_ns;
  if (is_earlier) coverage->provisional_from_ns = from_ns;
}

/* What the result says from the beginning on. */
bt_status bt_ledger_begin(const bt_ledger *ledger, bt_error *error) {
  const bt_replay_plan *plan = ledger->plan;
  bt_replay_result *result = ledger->account->result;
  const bt_replay_request *request = &plan->request;
  bt_coverage *coverage = &result->coverage;
  result->rules = calloc(plan->rule_count, sizeof *result->rules);
  if (!result->rules) return bt_error_no_memory(error);
  result->rule_count = plan->rule_count;
  int64_t handover_ns = bt_time_subtract(request->now_ns, request->assumptions.handover_ns);
  if (!plan->is_static && handover_ns < request->range.end_ns)
    coverage->handover_from_ns = handover_ns > request->range.start_ns ? handover_ns : request->range.start_ns;
  coverage->source = plan->about;
  coverage->asked = request->range;
  coverage->assumptions = request->assumptions;
  coverage->sampling.declared = plan->sampling.declared;
  coverage->effective_end_ns = INT64_MAX; /* the part that every rule calls settled */
  for (size_t i = 0; i < plan->rule_count; i++) {
    int64_t end_ns = plan->rules[i].window->effective_end_ns;
    result->rules[i].effective_end_ns = end_ns;
    if (i < request->rule_count) bt_policy_seen_begin(&result->rules[i].policy, request->rules[i]);
    if (end_ns < coverage->effective_end_ns) coverage->effective_end_ns = end_ns;
    result->rules[i].provisional_from_ns = plan->rules[i].provisional_from_ns;
    say_provisional(coverage, plan->rules[i].provisional_from_ns);
  }
  coverage->late_until_ns = late_until(plan);
  return plan->lacks ? bt_account_fail(ledger->account, plan->request.range, plan->lacks, error) : BT_OK;
}

static void say_failed_windows(const bt_ledger *ledger) {
  const bt_coverage *coverage = &ledger->account->result->coverage;
  unsigned long long count = (unsigned long long)coverage->windows_failed_count + ledger->account->failed_beyond;
  bt_replay_result_conclude(ledger->account->result, BT_REPLAY_INCOMPLETE,
                            "windows_failed: %llu windows or traces could not be read; the first: %.150s", count,
                            coverage->windows_failed[0].reason);
}

/* The plan rests on what a version that was checked does, and by the end it was not one. */
static bool was_changed(const bt_ledger *ledger) {
  return ledger->plan->is_checked && !ledger->account->result->coverage.source.is_checked;
}

static uint64_t found_by_all(const bt_replay_result *result) {
  uint64_t found = 0;
  for (size_t i = 0; i < result->rule_count; i++) found += result->rules[i].violations_found;
  return found;
}

/* Traces that no rule's window calls settled, as coverage.unsettled will say. */
static uint64_t count_tail(const bt_ledger *ledger) {
  uint64_t count = 0;
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    count += !(known->flags & BT_KNOWN_OWN) && bt_trace_table_is_in_tail(ledger->table, known);
  }
  return count;
}

/* Nothing of the range: what is found there is found, and what is not found says nothing yet. */
static void say_unsettled(const bt_ledger *ledger) {
  bt_replay_result *result = ledger->account->result;
  const bt_coverage *coverage = &result->coverage;
  uint64_t count = count_tail(ledger);
  char until[40], shown[64];
  bt_time_format(coverage->late_until_ns, until);
  snprintf(shown, sizeof shown, "none among the %" PRIu64 " trace%s that it shows", count, count == 1 ? "" : "s");
  if (!count || !ledger->table->is_listed)
    snprintf(shown, sizeof shown, "%s", ledger->table->is_listed ? "the source shows no trace" : "none that it shows");
  if (!coverage->late_until_ns)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "unsettled: the whole range is younger than settle, nothing in it is final yet");
  else if (found_by_all(result))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_LATE_FOUND, until);
  else
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, "unsettled: %s; until %.19sZ it may hide late ones", shown,
                              until);
}

/* The others' numbers stand: each rule says up to where it is settled. */
static void say_unsettled_rule(const bt_ledger *ledger) {
  const bt_planned_rule *rule = ledger->plan->rules;
  while (rule->window->effective_end_ns > ledger->plan->window.range.start_ns) rule++;
  ledger->account->result->others_stand = true;
  bt_replay_result_conclude(
      ledger->account->result, BT_REPLAY_INCOMPLETE,
      "unsettled: of rule %.80s nothing in the range is final yet: the whole range is younger than its settle",
      rule->definition->fields.id);
}

/* Only a read by id shows that something was dropped. */
static bool rests_on_other_reads(const bt_ledger *ledger) {
  if (!ledger->table->is_listed) return true;
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    bool is_read = known->judged && known->flags & BT_KNOWN_BY_ID;
    if (is_read || known->flags & BT_KNOWN_OWN) continue;
    if (bt_trace_table_place(ledger->table, known) != BT_PLACE_OUTSIDE) return true;
  }
  return false;
}

/* Where services sample for themselves: a violation rests on what may have been dropped. Of files each trace says
 * whether it may lack what some service here sampled more strictly; what no trace here shows may be of a stricter one.
 */
static bool may_lack_what_was_dropped(const bt_ledger *ledger, size_t rule) {
  const bt_rule_result *result = &ledger->account->result->rules[rule];
  if (!result->violations_found || !ledger->plan->rules[rule].plan->rests_on_absence) return false;
  return !ledger->plan->is_static || result->traces_exercised <= result->violations_found + result->inconclusive;
}

static bool lacks_what_was_dropped(const bt_ledger *ledger) {
  bool is_apart = ledger->plan->apart_threshold || ledger->account->result->coverage.sampling.kept.apart;
  for (size_t i = 0; is_apart && i < ledger->plan->rule_count; i++)
    if (may_lack_what_was_dropped(ledger, i)) return true;
  return false;
}

void bt_ledger_conclude(const bt_ledger *ledger) {
  bt_replay_result *result = ledger->account->result;
  const bt_coverage *coverage = &result->coverage;
  result->outcome = BT_REPLAY_COMPLETED;
  result->dropped = ledger->judge->dropped && rests_on_other_reads(ledger) ? ledger->judge->dropped : 0;
  if (bt_questions_all_lost(ledger->questions))
    bt_replay_result_conclude(result, BT_REPLAY_FAILED, "source: %.200s", ledger->questions->lost_reason);
  else if (coverage->windows_failed_count)
    say_failed_windows(ledger);
  else if (bt_comparisons_tell_of_others(ledger->judge))
    bt_replay_result_conclude(
        result, BT_REPLAY_INCOMPLETE,
        "sample_differs: %llu of the traces that were read again by id are judged otherwise than in the batch",
        (unsigned long long)ledger->judge->sample_differences);
  else if (bt_comparisons_lacking(ledger->judge))
    bt_replay_result_conclude(
        result, BT_REPLAY_INCOMPLETE,
        "sample_differs: an earlier replay of the same rules saw a batch that differs from a read by id, and since "
        "then too few agreed: %" PRIu32 " more have to",
        bt_comparisons_lacking(ledger->judge));
  else if (ledger->judge->unread_differences)
    bt_replay_result_conclude(
        result, BT_REPLAY_INCOMPLETE,
        "search_differs: %llu violations are in traces that the searches had ruled out; others like them were not read",
        (unsigned long long)ledger->judge->unread_differences);
  else if (result->dropped)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_DROPPED, (unsigned long long)result->dropped);
  else if (lacks_what_was_dropped(ledger))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_SAMPLED_APART);
  else if (was_changed(ledger))
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "source_changed: it was replaced while it was asked, and is now %.170s",
                              coverage->source.note);
  else if (ledger->judge->observer_full)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, "results_full: %s", ledger->judge->full_reason);
  else if (ledger->plan->window.effective_end_ns <= coverage->asked.start_ns)
    say_unsettled(ledger);
  else if (!ledger->has_data)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_NO_DATA);
  else if (result->is_sampled)
    bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                              "sampled: enough traces were judged, in a random order; others were not read");
  else if (coverage->effective_end_ns <= coverage->asked.start_ns)
    say_unsettled_rule(ledger);
  result->coverage.complete = result->outcome == BT_REPLAY_COMPLETED;
  result->differences_spread = bt_comparisons_tell_of_others(ledger->judge) || ledger->judge->unread_differences;
}

void bt_ledger_conclude_cut(const bt_ledger *ledger) {
  bt_replay_result_conclude(ledger->account->result, BT_REPLAY_INCOMPLETE,
                            "too_many: more traces have to be read than were asked for");
}

/* ---- before its end ---- */

bt_status bt_ledger_cut_off(const bt_ledger *ledger, const bt_error *why, bt_error *error) {
  for (size_t i = 0; i < ledger->plan->rule_count; i++)
    ledger->account->result->rules[i].evaluated_is_exact = ledger->account->result->rules[i].exercised_is_exact = false;
  if (ledger->table->has_no_room) {
    bt_replay_result_conclude(ledger->account->result, BT_REPLAY_INCOMPLETE, "results_full: %.230s", why->message);
    return bt_account_fail(ledger->account, ledger->plan->request.range,
                           "there was no room in memory to look at all of it", error);
  }
  bt_replay_result_conclude(ledger->account->result, BT_REPLAY_CANCELLED,
                            "cancelled: the replay was cancelled before it was complete");
  return BT_OK;
}

/* It could not be carried to any end: numbers are of what was found until then, and nothing of the range is called
 * read. */
void bt_ledger_end_early(const bt_ledger *ledger, bt_status status, const bt_error *why) {
  bt_replay_result *result = ledger->account->result;
  bt_replay_result_conclude(result, BT_REPLAY_FAILED, "%s: %.200s", bt_status_name(status), why->message);
  result->coverage.complete = false;
  bt_status added = bt_account_fail(ledger->account, ledger->plan->request.range, why->message, NULL);
  (void)added; /* without memory for it the outcome still says so */
  for (size_t i = 0; i < result->rule_count; i++)
    result->rules[i].evaluated_is_exact = result->rules[i].exercised_is_exact = false;
}

/* ---- numbers ---- */

typedef struct exactness {
  bool evaluated, exercised;
} exactness;

/* Files give whole traces by every read. */
static bool judged_for(const bt_ledger *ledger, const bt_rule_sets *rule, const bt_known *known) {
  if (!known->judged) return false;
  return !rule->planned->whole_trace || ledger->plan->is_static || known->flags & BT_KNOWN_BY_ID;
}

/* A verdict follows for a trace that was judged, or that the searches show not to violate. A rule that takes
 * complete traces only cannot tell the latter without reading whether a trace is complete. */
static bool has_verdict(const bt_rule_sets *rule, size_t index, bool is_judged) {
  return is_judged || (!bt_bit_get(rule->unread, index) && !rule->planned->require_complete);
}

static void count_evaluated(const bt_rule_sets *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  if (place == BT_PLACE_UNDECIDED || !has_verdict(rule, index, is_judged))
    exact->evaluated = false;
  else if (place == BT_PLACE_SETTLED)
    result->traces_evaluated++;
}

static bool is_decided(const bt_rule_sets *rule, size_t index) {
  return rule->decided && bt_bit_get(rule->decided, index);
}

static bool is_surely_exercising(const bt_rule_sets *rule, size_t index) {
  return rule->surely_exercising && bt_bit_get(rule->surely_exercising, index);
}

/* Judged traces that exercised the rule are counted already. Of the others only those with a verdict count: what was
 * not evaluated exercised nothing that anybody looked at. Whether it was counted. */
static bool count_exercised(const bt_rule_sets *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  if (is_judged || (rule->exercising && !bt_bit_get(rule->exercising, index))) return false;
  if (is_decided(rule, index) && !bt_bit_get(rule->decided_exercised, index)) return false;
  bool follows = has_verdict(rule, index, is_judged);
  bool is_sure = follows && is_decided(rule, index) && place == BT_PLACE_SETTLED;
  is_sure = is_sure || (follows && is_surely_exercising(rule, index) && place != BT_PLACE_UNDECIDED);
  if (!is_sure) exact->exercised = false;
  bool counts = is_sure && place == BT_PLACE_SETTLED;
  result->traces_exercised += counts;
  return counts;
}

/* Of a trace that the searches show not to violate. */
static bt_truth exercised_unread(const bt_rule_sets *rule, size_t index) {
  if (is_decided(rule, index)) return bt_bit_get(rule->decided_exercised, index) ? BT_TRUE : BT_FALSE;
  if (!rule->exercising) return BT_UNKNOWN;
  if (!bt_bit_get(rule->exercising, index)) return BT_FALSE;
  return is_surely_exercising(rule, index) ? BT_TRUE : BT_UNKNOWN;
}

void bt_ledger_count_later(const bt_ledger *ledger, bt_part_read *out) {
  const bt_rule_sets *rule = &ledger->decider->rules[0];
  if (rule->planned->require_complete) return;
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    if (known->flags & BT_KNOWN_OWN || judged_for(ledger, rule, known) || bt_bit_get(rule->unread, i)) continue;
    bt_truth exercised = exercised_unread(rule, i);
    if (exercised == BT_FALSE ||
        bt_trace_table_place_in(ledger->table, rule->planned->window, known) != BT_PLACE_SETTLED)
      continue;
    bool is_within = bt_replay_plan_sample_key(ledger->plan, &known->matched.id) <= out->last_key;
    *(exercised == BT_TRUE ? &out->later : &out->later_unsure) += 1;
    *(exercised == BT_TRUE ? &out->within : &out->within_unsure) += is_within;
  }
}

static bt_status tell_unread(const bt_ledger *ledger, size_t number, size_t index, bt_place place, bt_error *error) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  const bt_known *known = &ledger->table->traces[index];
  const bt_window *window = rule->planned->window;
  bool was_violating = rule->violating && bt_bit_get(rule->violating, index); /* counted_violations.h */
  bt_found bounds;
  int64_t reach_ns = bt_trace_table_bounds(ledger->table, known, &bounds) ? 0 : window->margin_ns;
  int64_t latest_ns = bt_window_latest_time(window, &bounds);
  bt_trace_verdict verdict = {.rule = number,
                              .trace_id = bounds.id,
                              .time_ns = bt_time_subtract(bounds.start_ns, reach_ns),
                              .time_latest_ns = latest_ns,
                              .violation_ns = bounds.start_ns,
                              .verdict = was_violating && is_decided(rule, index) ? BT_VIOLATED : BT_SATISFIED,
                              .exercised = exercised_unread(rule, index),
                              .may_be_elsewhere = latest_ns > bounds.start_ns,
                              .is_long = known->flags & BT_KNOWN_LONG,
                              .is_settled = place == BT_PLACE_SETTLED};
  return bt_delivery_tell(ledger->account, &verdict, error);
}

/* Those that need no reading and have a place in the window. */
static bt_status tell_rule(const bt_ledger *ledger, size_t number, bt_error *error) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    bt_place place = bt_trace_table_place_in(ledger->table, rule->planned->window, known);
    bool is_placed = place == BT_PLACE_SETTLED || place == BT_PLACE_TAIL;
    bool is_told = judged_for(ledger, rule, known) || bt_bit_get(rule->unread, i) || rule->planned->require_complete;
    if (known->flags & BT_KNOWN_OWN || !is_placed || is_told) continue;
    status = tell_unread(ledger, number, i, place, error);
  }
  return status;
}

static void count_rule(const bt_ledger *ledger, size_t number) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  bt_rule_result *result = &ledger->account->result->rules[number];
  exactness exact = {ledger->table->is_listed && ledger->questions->own_are_known,
                     rule->exercising && ledger->questions->own_are_known};
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    bt_place place = bt_trace_table_place_in(ledger->table, rule->planned->window, known);
    if (known->flags & BT_KNOWN_OWN || place == BT_PLACE_OUTSIDE) continue;
    if (place == BT_PLACE_TAIL) result->unsettled++;
    bool is_judged = judged_for(ledger, rule, known);
    if (bt_bit_get(rule->candidates, i)) result->traces_candidate++;
    count_evaluated(rule, i, is_judged, place, result, &exact);
    bool exercised = count_exercised(rule, i, is_judged, place, result, &exact);
    if (exercised) bt_entry_services_count_exercised(ledger->entries, number, known);
  }
  result->evaluated_is_exact = exact.evaluated;
  result->exercised_is_exact = exact.exercised;
  assert(result->traces_exercised <= result->traces_evaluated);
  assert(result->violations_provisional <= result->violations_found);
  assert(result->violations_found - result->violations_provisional <= result->traces_exercised);
  assert(result->violations_without_link <= result->violations_found);
  assert(result->inconclusive_open <= result->inconclusive);
}

bt_status bt_ledger_count(const bt_ledger *ledger, bt_error *error) {
  bt_coverage *coverage = &ledger->account->result->coverage;
  coverage->unsettled += count_tail(ledger);
  for (size_t i = 0; i < ledger->table->count; i++) {
    if (ledger->table->traces[i].flags & BT_KNOWN_OWN) continue;
    if (ledger->table->traces[i].flags & BT_KNOWN_UNENDED) coverage->unended++;
    if (ledger->table->traces[i].flags & BT_KNOWN_WITHOUT_TIME) coverage->without_time++;
    if (bt_trace_table_place(ledger->table, &ledger->table->traces[i]) == BT_PLACE_OUTSIDE &&
        bt_decider_is_candidate(ledger->decider, i))
      coverage->outside++;
  }
  for (size_t i = 0; i < ledger->plan->rule_count; i++) count_rule(ledger, i);
  bt_entry_services_settle(ledger->entries, ledger->table, ledger->account->result);
  bt_status status = BT_OK;
  bool is_told = ledger->account->observer && ledger->account->observer->verdict;
  for (size_t i = 0; status == BT_OK && is_told && i < ledger->plan->rule_count; i++)
    status = tell_rule(ledger, i, error);
  return status;
}

/* ---- what each rule cost: a search is divided among the rules that asked for it, everything else (reads, probes) by
 * the traces that were read for each, in equal parts when there were none ---- */

static bool has_query(const bt_over *over, bt_query query) {
  if (over->kind == BT_OVER_QUERY) return bt_query_equal(over->query.asked, query);
  for (uint32_t i = 0; i < over->item_count; i++)
    if (has_query(over->items[i], query)) return true;
  return false;
}

static bool asks_question(const bt_plan *plan, const bt_question *question) {
  for (uint32_t i = 0; i < plan->subtract_count; i++)
    if (bt_query_equal(plan->subtract[i].asked, question->query)) return true;
  return has_query(plan->violating, question->query) || has_query(plan->exercising, question->query);
}

static void add_part(bt_price *price, const bt_price *whole, double part) {
  price->requests += (uint64_t)((double)whole->requests * part + 0.5);
  price->bytes_inspected += (uint64_t)((double)whole->bytes_inspected * part + 0.5);
  price->bytes_received += (uint64_t)((double)whole->bytes_received * part + 0.5);
}

/* What nobody in particular asked for is left for all. */
static void divide_query(const bt_ledger *ledger, const bt_question *question, bt_price *prices, bt_price *rest) {
  bt_price whole = {.requests = question->account.requests,
                    .bytes_inspected = question->account.bytes_inspected,
                    .bytes_received = question->account.bytes_received};
  size_t users = 0, count = ledger->plan->rule_count;
  for (size_t i = 0; i < count; i++) users += asks_question(ledger->plan->rules[i].plan, question);
  if (!users || !question->is_taken) return;
  for (size_t i = 0; i < count; i++)
    if (asks_question(ledger->plan->rules[i].plan, question)) add_part(&prices[i], &whole, 1.0 / (double)users);
  rest->requests -= whole.requests;
  rest->bytes_inspected -= whole.bytes_inspected;
  rest->bytes_received -= whole.bytes_received;
}

static void divide_rest(const bt_ledger *ledger, const bt_price *rest, bt_price *prices) {
  uint64_t read = 0;
  size_t count = ledger->plan->rule_count;
  for (size_t i = 0; i < count; i++) read += ledger->account->result->rules[i].traces_read;
  for (size_t i = 0; i < count; i++) {
    double part = read ? (double)ledger->account->result->rules[i].traces_read / (double)read : 1.0 / (double)count;
    add_part(&prices[i], rest, part);
  }
}

void bt_ledger_feed_prices(const bt_ledger *ledger, int64_t duration_ns) {
  const bt_replay_result *result = ledger->account->result;
  size_t count = ledger->plan->rule_count;
  bt_price *prices = ledger->plan->request.prices ? calloc(count, sizeof *prices) : NULL;
  bt_price rest = {.requests = result->requests,
                   .bytes_inspected = result->bytes_inspected,
                   .bytes_received = result->bytes_received};
  if (!prices) return;
  for (size_t i = 0; i < ledger->questions->count; i++)
    divide_query(ledger, ledger->questions->items[i], prices, &rest);
  divide_rest(ledger, &rest, prices);
  for (size_t i = 0; i < count; i++) {
    const bt_rule_definition *rule = ledger->plan->rules[i].definition;
    bt_price_key key = {ledger->plan->request.tenant, rule->fields.id, rule->condition_hash};
    prices[i].replays = 1;
    prices[i].traces_read = result->rules[i].traces_read;
    prices[i].duration_ns = duration_ns / (int64_t)count;
    prices[i].differences = result->rules[i].sample_differences + result->rules[i].unread_differences;
    bt_price_table_add(ledger->plan->request.prices, &key, &prices[i]);
  }
  free(prices);
}

/* ---- results as values (replay.h) ---- */

bool bt_replay_has_whole(const bt_replay_result *result, size_t rule) {
  if (result->outcome == BT_REPLAY_COMPLETED) return true;
  return result->others_stand && result->rules[rule].effective_end_ns > result->coverage.asked.start_ns;
}

void bt_replay_hold_range(bt_replay_result *result) {
  char why[sizeof result->reason];
  bool is_said = result->outcome != BT_REPLAY_COMPLETED || found_by_all(result); /* more than that there is none */
  for (size_t i = 0; i < result->rule_count; i++) is_said = is_said || result->rules[i].inconclusive;
  if (is_said) return;
  if (!bt_coverage_say_partial(&result->coverage, why, sizeof why)) return;
  bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE, "%s", why);
  result->coverage.complete = false;
}

static void leave_rule_open(bt_rule_result *rule) {
  if (!rule->inconclusive_open) return;
  rule->inconclusive -= rule->inconclusive_open;
  rule->unsettled += rule->inconclusive_open;
  rule->inconclusive_open = 0;
  if (rule->open_ns < rule->effective_end_ns) rule->effective_end_ns = rule->open_ns;
}

void bt_replay_leave_open(bt_replay_result *result) {
  bt_coverage *coverage = &result->coverage;
  for (size_t i = 0; i < result->rule_count; i++) leave_rule_open(&result->rules[i]);
  if (!result->open_traces) return;
  coverage->unsettled += result->open_traces;
  result->open_traces = 0;
  if (result->open_ns < coverage->effective_end_ns) coverage->effective_end_ns = result->open_ns;
  if (coverage->effective_end_ns > coverage->asked.start_ns || result->outcome != BT_REPLAY_COMPLETED) return;
  result->others_stand = true;
  bt_replay_result_conclude(result, BT_REPLAY_INCOMPLETE,
                            "unsettled: nothing in the range is final yet%s, its first trace goes on",
                            result->rule_count > 1 ? " for some rule" : "");
  coverage->complete = false;
}

void bt_replay_result_conclude(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->reason, sizeof result->reason, format, arguments);
  va_end(arguments);
  result->outcome = outcome;
}

void bt_replay_result_dispose(bt_replay_result *result) {
  free(result->rules);
  free(result->notes);
  free(result->idle);
  bt_coverage_dispose(&result->coverage);
  *result = (bt_replay_result){0};
}

const char *bt_replay_outcome_name(bt_replay_outcome outcome) {
  switch (outcome) {
  case BT_REPLAY_COMPLETED: return "completed";
  case BT_REPLAY_INCOMPLETE: return "incomplete";
  case BT_REPLAY_CANCELLED: return "cancelled";
  case BT_REPLAY_FAILED: return "failed";
  }
  return "failed";
}

static const char *const strategy_names[] = {"auto", "read", "id_sets", "projection"};

const char *bt_strategy_name(bt_strategy strategy) {
  return strategy_names[strategy];
}

bool bt_strategy_parse(const char *name, bt_strategy *out) {
  for (size_t i = 0; i < sizeof strategy_names / sizeof *strategy_names; i++) {
    if (strcmp(strategy_names[i], name) != 0) continue;
    *out = (bt_strategy)i;
    return true;
  }
  return false;
}
