/* Judging one whole trace: its place in the window, the verdicts, and whether a batch is enough to report them. A batch
 * is not enough in three cases. The violation rests on absence, and the trace is so young that search may not show its
 * last spans. The trace is longer than margin, so the batch may lack its beginning. Searches counted more spans of it.
 * A batch is never enough for a young trace where several ingesters hold copies, because it gives what one of them has.
 * Everything of one trace comes from one read. Thread: the replay's. */
#include "server/replay/trace_judge.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "dsl/evaluate/link_reach.h"
#include "dsl/trace/keeping.h"
#include "dsl/trace/trace_copy.h"
#include "server/replay/delivery.h"
#include "server/replay/keeping_look.h"
#include "server/replay/linked_evidence.h"
#include "server/replay/violation_sample.h"
#include "tempo/wire/own_trace.h"

bt_status bt_trace_judge_queue(bt_judge *judge, size_t known, bt_error *error) {
  if (judge->table->traces[known].flags & BT_KNOWN_BY_ID) return BT_OK;
  size_t *queue = bt_grow_array(judge->queue, judge->queue_count, &judge->queue_capacity, sizeof *queue);
  if (!queue) return bt_error_no_memory(error);
  judge->queue = queue;
  queue[judge->queue_count++] = known;
  judge->table->traces[known].flags |= BT_KNOWN_BY_ID;
  return BT_OK;
}

static bool ended_after(const bt_judge *judge, const bt_trace *trace, int64_t age_ns) {
  return !judge->plan->is_static && bt_trace_end_ns(trace) > bt_time_subtract(judge->plan->request.now_ns, age_ns);
}

/* Searches counted more spans than this batch gave: it lacks some, or one was pushed twice and its block is not
 * complete yet. Or it lacks one that a search showed, which is counted, or the value by which the search found one. */
static bool lacks_spans(const bt_judge *judge, size_t known, const bt_trace *trace) {
  const bt_known *k = &judge->table->traces[known];
  if (judge->plan->is_static) return false;
  bool is_whole = bt_known_is_whole_in(k, trace);
  judge->account->result->coverage.batches_lacking += !is_whole;
  return !is_whole || !bt_known_has_values_in(k, trace) || trace->span_count < bt_known_span_count(k);
}

/* The read that counts contradicts what was seen before. */
static void note_contradiction(bt_judge *judge, size_t known, const bt_trace *trace) {
  bt_known *k = &judge->table->traces[known];
  k->flags |= BT_KNOWN_CONTRADICTED;
  if (bt_known_has_ids_in(k, trace)) k->flags |= BT_KNOWN_IN_DOUBT;
  bool copies_explain = trace->differing_copies || k->flags & BT_KNOWN_COPIES;
  bt_account_add_contradicted(judge->account, &k->matched.id, copies_explain);
}

/* Tempo keeps one record of a span where two blocks have one each, and not the same one in each answer. A batch showed
 * several, and this read has one of them: nobody knows what violates. */
static bool lacks_copies(bt_judge *judge, size_t known, const bt_trace *trace) {
  bt_known *k = &judge->table->traces[known];
  bool lacks = k->flags & BT_KNOWN_COPIES && !trace->differing_copies;
  if (lacks) k->flags |= BT_KNOWN_IN_DOUBT;
  return lacks;
}

/* Of a trace that contradicts itself only what no further span takes back is told. */
static void set_options(bt_judge *judge, size_t known, const bt_trace *trace) {
  bool is_contradicted = judge->table->traces[known].flags & BT_KNOWN_CONTRADICTED;
  bool is_sampled = bt_keeping_may_lack(trace, judge->plan->apart_threshold);
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    const bt_rule_sets *rule = &judge->decider->rules[i];
    judge->evaluator->options[i].incomplete = is_contradicted || trace->partial ||
                                              ended_after(judge, trace, rule->planned->settle_ns) ||
                                              (rule->planned->require_complete && trace->missing_parents);
    judge->evaluator->options[i].sampled = is_sampled;
  }
}

/* A batch cannot speak for a rule that reads what batches do not give. */
static bool is_usable(const bt_judge *judge, size_t rule, bool is_final) {
  return is_final || !judge->plan->rules[rule].whole_trace;
}

static bool needs_by_id(const bt_judge *judge, const bt_trace *trace, const bt_rule_verdict *verdicts) {
  if (judge->plan->reads_agree || !ended_after(judge, trace, judge->plan->request.assumptions.handover_ns))
    return false;
  if (judge->plan->has_copies) return true;
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (is_usable(judge, i, false) && verdicts[i].verdict == BT_VIOLATED &&
        judge->plan->rules[i].plan->rests_on_absence)
      return true;
  return false;
}

static bt_status make_violation(bt_judge *judge, size_t rule, const bt_trace *trace, const bt_rule_verdict *verdict,
                                bool is_final, bt_place place, bt_violation **out, bt_error *error) {
  bt_status status =
      bt_violation_new(judge->plan->rules[rule].definition, judge->plan->request.tenant, trace, verdict, out, error);
  if (status != BT_OK) return status;
  (*out)->confirmed_by_id = is_final;
  (*out)->provisional = place == BT_PLACE_TAIL;
  return BT_OK;
}

/* Whether somebody is told of a violation of the rule in a trace of that time, and not of its number alone. */
static bool is_listed(const bt_judge *judge, size_t rule, int64_t time_ns) {
  const bt_replay_observer *observer = judge->account->observer;
  int64_t until_ns = judge->account->result->rules[rule].listed_until_ns;
  bool has_place = !until_ns || time_ns <= until_ns || judge->plan->request.tells_counted;
  return observer && observer->violation && !judge->observer_full && has_place;
}

/* Without a time it is judged in every range. */
static bool may_be_elsewhere(const bt_window *window, const bt_known *known, const bt_trace *trace) {
  int64_t start_ns = bt_trace_start_ns(trace);
  bool is_in_doubt = known->flags & (BT_KNOWN_CONTRADICTED | BT_KNOWN_IN_DOUBT);
  return !start_ns || is_in_doubt || bt_window_is_long(window, start_ns, bt_trace_latest_start_ns(trace));
}

static bt_trace_verdict verdict_of(const bt_judge *judge, size_t rule, const bt_known *known, const bt_trace *trace,
                                   const bt_rule_verdict *verdict) {
  const bt_window *window = judge->plan->rules[rule].window;
  const bt_placed *placed = bt_trace_table_placed_in(judge->table, window, known);
  return (bt_trace_verdict){.rule = rule,
                            .trace_id = trace->id,
                            .time_ns = placed->time_ns,
                            .time_latest_ns = placed->time_ns,
                            .violation_ns = verdict->verdict == BT_VIOLATED ? bt_violation_time(trace, verdict) : 0,
                            .verdict = verdict->verdict,
                            .reason = verdict->reason,
                            .exercised = verdict->exercised,
                            .rests_on_no_link = verdict->rests_on_no_link,
                            .is_settled = placed->place == BT_PLACE_SETTLED,
                            .is_young = ended_after(judge, trace, judge->plan->rules[rule].settle_ns),
                            .may_be_elsewhere = may_be_elsewhere(window, known, trace),
                            .is_long = known->flags & BT_KNOWN_LONG,
                            .is_read = true};
}

/* No batch shows what was dropped, so others of those that were read in batches may be like this one. What was cut
 * every read shows. */
static bool is_open_by_dropped(const bt_judged *judged) {
  return judged->is_usable && judged->verdict.verdict == BT_INCONCLUSIVE && judged->verdict.reason == BT_REASON_DROPPED;
}

/* What lies outside a rule's own window is told to nobody for it. */
static bt_status fill_judged(bt_judge *judge, const bt_known *known, const bt_trace *trace,
                             const bt_rule_verdict *verdicts, bool is_final, bt_judged *out, bt_error *error) {
  bt_status status = BT_OK;
  bool has_dropped = false;
  for (size_t i = 0; status == BT_OK && i < judge->plan->rule_count; i++) {
    bt_place place = bt_trace_table_place_in(judge->table, judge->plan->rules[i].window, known);
    out[i].is_usable = is_usable(judge, i, is_final) && place != BT_PLACE_OUTSIDE;
    out[i].verdict = verdict_of(judge, i, known, trace, &verdicts[i]);
    out[i].hangs_on_ties = verdicts[i].hangs_on_ties;
    if (judge->notes) bt_data_notes_name_tied(judge->notes[i], &verdicts[i]);
    bool is_open = known->flags & BT_KNOWN_IN_DOUBT ||
                   (known->flags & BT_KNOWN_CONTRADICTED && verdicts[i].verdict != BT_VIOLATED);
    if (is_open) out[i].verdict.verdict = BT_INCONCLUSIVE;
    has_dropped = has_dropped || is_open_by_dropped(&out[i]);
    bool violates = out[i].is_usable && out[i].verdict.verdict == BT_VIOLATED;
    if (!violates || !is_listed(judge, i, out[i].verdict.time_ns)) continue;
    judge->listed_ns[i] = bt_time_later(judge->listed_ns[i], out[i].verdict.time_ns);
    status = make_violation(judge, i, trace, &verdicts[i], is_final, place, &out[i].violation, error);
  }
  bool says_so = trace->doubts & (BT_DOUBT_ATTRIBUTES | BT_DOUBT_EVENTS | BT_DOUBT_LINKS | BT_DOUBT_PARTS);
  judge->dropped += is_final && has_dropped && says_so && !judge->plan->is_static;
  return status;
}

/* The searches had ruled it out. Such a violation is read by id before it is told. */
static bool is_ruled_out(const bt_judge *judge, size_t known, const bt_judged *judged) {
  bool violates = judged->is_usable && judged->verdict.verdict == BT_VIOLATED;
  return violates && !bt_bit_get(judge->decider->rules[judged->verdict.rule].unread, known);
}

static bool has_ruled_out(const bt_judge *judge, size_t known, const bt_judged *rules) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (is_ruled_out(judge, known, &rules[i])) return true;
  return false;
}

static bt_status report_trace(bt_judge *judge, size_t known, const bt_trace *trace, const bt_rule_verdict *verdicts,
                              bool is_final, bt_error *error) {
  bt_judged *rules = calloc(judge->plan->rule_count, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  bt_status status = fill_judged(judge, &judge->table->traces[known], trace, verdicts, is_final, rules, error);
  if (status != BT_OK) {
    bt_judged_free(rules, judge->plan->rule_count);
    return status;
  }
  if (is_final) return bt_delivery_take(judge, known, rules, error);
  bool is_handed_over = !ended_after(judge, trace, judge->plan->request.assumptions.handover_ns);
  bt_sampled judged = {.key = bt_violation_sample_key(judge, trace, rules),
                       .known = known,
                       .rules = rules,
                       .is_handed_over = is_handed_over,
                       .is_chosen = bt_violation_sample_is_chosen(judge, known) || has_ruled_out(judge, known, rules),
                       .violates = bt_judged_violates(judge, rules)};
  judge->comparisons.from_batches++;
  return judged.violates || judged.is_chosen ? bt_violation_sample_add(judge, judged, error)
                                             : bt_delivery_take(judge, known, rules, error);
}

static bool awaits_links(const bt_judge *judge, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (bt_link_reach_awaits(&judge->plan->rules[i].reach, &verdicts[i])) return true;
  return false;
}

enum { SHARE_OF_AWAITING = 8 }; /* of the memory of a replay that their copies may take */

/* With a copy, where there is room: reading it once more costs as much as reading what is linked to it. */
static bt_status queue_linked(bt_judge *judge, size_t known, const bt_trace *trace, bool is_shown, bt_error *error) {
  bt_awaiting *linked = bt_grow_array(judge->linked, judge->linked_count, &judge->linked_capacity, sizeof *linked);
  if (!linked) return bt_error_no_memory(error);
  judge->linked = linked;
  bt_awaiting *added = &linked[judge->linked_count++];
  *added = (bt_awaiting){.known = known, .trace = *trace, .is_shown = is_shown};
  size_t bytes = bt_trace_copy_bytes(trace), most = judge->plan->request.memory_limit_bytes / SHARE_OF_AWAITING;
  if (!bytes || judge->linked_bytes + bytes > most) return BT_OK;
  added->room = calloc(1, bytes);
  if (!added->room) return bt_error_no_memory(error);
  added->trace.spans = bt_trace_copy_spans(trace, added->room);
  judge->linked_bytes += bytes;
  judge->shown_count += is_shown;
  return BT_OK;
}

/* As a batch gave it; NULL: none did. */
static bt_awaiting *find_shown(const bt_judge *judge, size_t known) {
  for (size_t i = 0; judge->shown_count && i < judge->linked_count; i++)
    if (judge->linked[i].known == known && judge->linked[i].is_shown) return &judge->linked[i];
  return NULL;
}

/* What is known already of who links may show that it does not violate. Not where this is what is checked: a sample of
 * those that it decided is read with its families. */
static bt_status try_evidence(bt_judge *judge, size_t known, const bt_trace *trace, const bt_rule_verdict **verdicts,
                              bt_error *error) {
  const bt_rule_sets *rule = &judge->decider->rules[0];
  if (judge->plan->rule_count != 1 || !rule->planned->shows_links) return BT_OK;
  if (rule->decided && bt_bit_get(rule->decided, known)) return BT_OK;
  set_options(judge, known, trace);
  return bt_linked_evidence_evaluate(judge->decider, trace, verdicts, error);
}

static bt_status report_or_queue(bt_judge *judge, size_t known, const bt_trace *trace, const bt_rule_verdict *verdicts,
                                 bool is_final, bt_error *error) {
  if (!is_final || !awaits_links(judge, verdicts)) return report_trace(judge, known, trace, verdicts, is_final, error);
  const bt_rule_verdict *shown = NULL;
  bt_status status = try_evidence(judge, known, trace, &shown, error);
  if (status != BT_OK) return status;
  return shown && bt_spans_verdict_of(judge->decider, shown) != BT_SPANS_UNDECIDED
             ? report_trace(judge, known, trace, shown, is_final, error)
             : queue_linked(judge, known, trace, false, error);
}

static bt_status evaluate_trace(bt_judge *judge, size_t known, const bt_trace *trace, const bt_rule_verdict **verdicts,
                                bool *is_known, bt_error *error) {
  set_options(judge, known, trace);
  bt_error why = {0};
  bt_status status = bt_rule_evaluator_run(judge->evaluator, trace, verdicts, &why);
  *is_known = status == BT_OK;
  if (status == BT_LIMIT)
    return bt_account_fail_trace(judge->account, &judge->table->traces[known], why.message, error);
  if (status != BT_OK && error) *error = why;
  return status;
}

static bool is_long(const bt_judge *judge, const bt_trace *trace) {
  return bt_window_is_long(&judge->plan->window, bt_trace_start_ns(trace), bt_trace_latest_start_ns(trace));
}

static bool has_unended(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!trace->spans[i].end_ns) return true;
  return false;
}

/* By the read it lies outside, and a search saw it begin within: what the read says of times is not believed. */
static bt_place take_back(bt_judge *judge, size_t known, const bt_trace *trace) {
  bt_known *k = &judge->table->traces[known];
  if (!(k->flags & BT_KNOWN_CONTRADICTED)) note_contradiction(judge, known, trace);
  k->flags |= BT_KNOWN_IN_DOUBT;
  bt_trace_table_keep_found(judge->table, k);
  return bt_trace_table_place(judge->table, k);
}

/* A sampled trace comes here twice, the second time as it is by id; it is named as long once, because a batch never
 * shows that. */
static bt_status settle_place(bt_judge *judge, size_t known, const bt_trace *trace, bool is_final, bt_place *place,
                              bt_error *error) {
  bt_known *k = &judge->table->traces[known];
  if (judge->plan->filters && has_unended(trace)) k->flags |= BT_KNOWN_UNENDED;
  if (trace->differing_copies) k->flags |= BT_KNOWN_COPIES;
  if (!bt_trace_start_ns(trace) && !bt_trace_end_ns(trace)) k->flags |= BT_KNOWN_WITHOUT_TIME;
  bt_status status = bt_trace_table_keep_places(judge->table, k, trace, error);
  if (status != BT_OK) return status;
  *place = bt_trace_table_place(judge->table, k);
  if (*place == BT_PLACE_OUTSIDE && bt_trace_table_began_otherwise(judge->table, k, trace)) {
    if (!is_final) return bt_trace_judge_queue(judge, known, error);
    *place = take_back(judge, known, trace);
  }
  bool shows_kept = is_final || judge->plan->batches_show_kept;
  if (shows_kept && *place != BT_PLACE_OUTSIDE) bt_keeping_note(judge, known, trace);
  if (trace->differing_copies && *place != BT_PLACE_OUTSIDE) bt_account_add_differing(judge->account, &k->matched.id);
  if (is_long(judge, trace)) k->flags |= BT_KNOWN_LONG;
  return k->flags & BT_KNOWN_LONG && *place != BT_PLACE_OUTSIDE
             ? bt_account_add_long(judge->account, &k->matched.id, error)
             : BT_OK;
}

static void drop_shown(bt_judge *judge, size_t at) {
  judge->linked_bytes -= bt_trace_copy_bytes(&judge->linked[at].trace);
  free(judge->linked[at].room);
  judge->linked[at] = judge->linked[--judge->linked_count];
  judge->shown_count--;
}

/* What a batch gave of it gives way, and is kept to be judged, too; the first is the one that counts. */
static bt_status replace_shown(bt_judge *judge, bt_awaiting *of, const bt_trace *trace, bt_error *error) {
  size_t before = judge->linked_count, at = (size_t)(of - judge->linked);
  bt_place place;
  bt_status status = settle_place(judge, of->known, trace, true, &place, error);
  if (status != BT_OK) return status;
  if (place == BT_PLACE_OUTSIDE) return drop_shown(judge, at), BT_OK;
  status = queue_linked(judge, judge->linked[at].known, trace, false, error);
  if (status != BT_OK) return status;
  bt_awaiting shown = judge->linked[at];
  judge->linked[at] = judge->linked[before];
  judge->linked[at].shown = shown.trace;
  judge->linked[at].shown_room = shown.room;
  judge->linked_count = before;
  judge->shown_count--;
  return BT_OK;
}

bt_status bt_trace_judge_take(bt_judge *judge, size_t known, const bt_trace *trace, bool is_final, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bool is_known = false;
  bt_place place;
  if (is_final && bt_trace_is_own(trace, bt_str_from(judge->plan->request.tenant ? judge->plan->request.tenant : ""))) {
    judge->table->traces[known].flags |= BT_KNOWN_OWN;
    return BT_OK;
  }
  if (!is_final && (is_long(judge, trace) || lacks_spans(judge, known, trace)))
    return bt_trace_judge_queue(judge, known, error);
  bool is_whole_in = bt_known_is_whole_in(&judge->table->traces[known], trace);
  if (is_final && (lacks_copies(judge, known, trace) || !is_whole_in)) note_contradiction(judge, known, trace);
  bt_awaiting *shown = is_final ? find_shown(judge, known) : NULL;
  if (shown) return replace_shown(judge, shown, trace, error);
  bt_status status = evaluate_trace(judge, known, trace, &verdicts, &is_known, error);
  if (status != BT_OK || !is_known) return status;
  if (!is_final && needs_by_id(judge, trace, verdicts)) return bt_trace_judge_queue(judge, known, error);
  status = settle_place(judge, known, trace, is_final, &place, error);
  if (status != BT_OK || place == BT_PLACE_OUTSIDE) return status;
  bt_rule_notes_look(judge, trace);
  return report_or_queue(judge, known, trace, verdicts, is_final, error);
}

/* Nothing of it is open but what links to it. Near an edge it may have begun before all that a batch looks through. */
static bool is_whole(const bt_judge *judge, size_t known, const bt_trace *trace) {
  bt_place place = bt_trace_table_place(judge->table, &judge->table->traces[known]);
  if (place != BT_PLACE_SETTLED && trace->missing_parents) return false;
  const bt_planned_rule *rule = &judge->plan->rules[0];
  bool is_young = ended_after(judge, trace, judge->plan->request.assumptions.handover_ns) ||
                  ended_after(judge, trace, rule->settle_ns);
  bool is_in_doubt = trace->partial || trace->differing_copies || trace->pruned || is_long(judge, trace);
  return !is_young && !is_in_doubt && !lacks_spans(judge, known, trace);
}

bt_status bt_trace_judge_take_shown(bt_judge *judge, size_t known, const bt_trace *trace, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bool is_known = false, is_chosen = judge->table->traces[known].flags & BT_KNOWN_BY_ID;
  bt_place place;
  if (!is_whole(judge, known, trace)) return bt_trace_judge_queue(judge, known, error);
  bt_status status = evaluate_trace(judge, known, trace, &verdicts, &is_known, error);
  if (status != BT_OK || !is_known) return status;
  if (!awaits_links(judge, verdicts) || verdicts[0].reason != BT_REASON_LINKED)
    return bt_trace_judge_queue(judge, known, error);
  status = settle_place(judge, known, trace, false, &place, error);
  if (status != BT_OK || place == BT_PLACE_OUTSIDE) return status;
  if (place != BT_PLACE_SETTLED) return bt_trace_judge_queue(judge, known, error);
  if (!is_chosen) bt_rule_notes_look(judge, trace);
  status = queue_linked(judge, known, trace, true, error);
  if (status != BT_OK || judge->linked[judge->linked_count - 1].room) return status;
  judge->linked_count--; /* there was no room */
  return bt_trace_judge_queue(judge, known, error);
}

/* One trace whose batch a read by id contradicts. `lost`: the batch did not show a violation; else it showed one that
 * is none by id. False: its copies of a span do not agree, which explains it and says nothing of other traces. */
static bool take_difference(bt_judge *judge, size_t known, bool lost) {
  bt_known *k = &judge->table->traces[known];
  bool copies_explain = k->flags & BT_KNOWN_COPIES;
  judge->differs.lost += !copies_explain && lost;
  judge->differs.refuted += !copies_explain && !lost;
  if (!lost) k->flags |= BT_KNOWN_CONTRADICTED;
  bt_account_add_contradicted(judge->account, &k->matched.id, copies_explain);
  return !copies_explain;
}

/* What the batch said of the rule and the whole trace does not say, or the other way round. One that is not known of
 * the whole trace contradicts nothing: it is counted as that. */
static bool differs_in(const bt_judge *judge, const bt_sampled *sampled, const bt_rule_verdict *verdicts, size_t rule,
                       bool *violates) {
  const bt_judged *said = &sampled->rules[rule];
  bool is_here = bt_trace_table_place_in(judge->table, judge->plan->rules[rule].window,
                                         &judge->table->traces[sampled->known]) != BT_PLACE_OUTSIDE;
  bool is_open = is_here && verdicts[rule].verdict == BT_INCONCLUSIVE;
  *violates = is_here && verdicts[rule].verdict == BT_VIOLATED;
  return said->is_usable && !is_open && *violates != (said->verdict.verdict == BT_VIOLATED);
}

static void count_differences(bt_judge *judge, const bt_sampled *sampled, const bt_rule_verdict *verdicts) {
  bool violates, lost = false, refuted = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    if (!differs_in(judge, sampled, verdicts, i, &violates)) continue;
    judge->account->result->rules[i].sample_differences++;
    judge->sample_differences++;
    lost = lost || violates;
    refuted = refuted || !violates;
  }
  bool differs = lost || refuted;
  if (!differs || take_difference(judge, sampled->known, !refuted))
    bt_comparisons_take(judge, sampled, differs);
  else
    judge->comparisons.count++;
}

/* Of what the batch showed to violate though the searches had ruled it out nobody knows by id. */
static void note_open(bt_judge *judge, const bt_sampled *sampled, const bt_rule_verdict *verdicts) {
  bt_known *k = &judge->table->traces[sampled->known];
  bool is_open = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    is_open =
        is_open || (verdicts[i].verdict == BT_INCONCLUSIVE && is_ruled_out(judge, sampled->known, &sampled->rules[i]));
  if (!is_open) return;
  k->flags |= BT_KNOWN_CONTRADICTED;
  bt_account_add_contradicted(judge->account, &k->matched.id, k->flags & BT_KNOWN_COPIES);
}

/* By id it lies outside. What the batch said to violate within is not known, and nothing else of it is told. */
static bt_status tell_refuted(bt_judge *judge, bt_sampled *sampled, const bt_rule_verdict *verdicts, bt_error *error) {
  bt_judged *rules = sampled->rules;
  bool violates;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    rules[i].is_usable = differs_in(judge, sampled, verdicts, i, &violates);
    bt_violation_free(rules[i].violation);
    rules[i].violation = NULL;
    rules[i].verdict.verdict = BT_INCONCLUSIVE;
    rules[i].verdict.exercised = BT_UNKNOWN; /* it counts among no window's traces */
  }
  sampled->rules = NULL;
  return bt_delivery_take(judge, sampled->known, rules, error);
}

/* The sampled trace as it is by id; what the batch said of it is let go. */
static bt_status replace_sampled(bt_judge *judge, bt_sampled *sampled, const bt_trace *trace,
                                 const bt_rule_verdict *verdicts, bt_error *error) {
  bt_place place;
  bt_status status = settle_place(judge, sampled->known, trace, true, &place, error);
  if (status != BT_OK) return status;
  count_differences(judge, sampled, verdicts);
  note_open(judge, sampled, verdicts);
  judge->table->traces[sampled->known].flags |= BT_KNOWN_BY_ID; /* so rules that batches cannot judge have it, too */
  if (place == BT_PLACE_OUTSIDE) return tell_refuted(judge, sampled, verdicts, error);
  bt_judged_free(sampled->rules, judge->plan->rule_count);
  sampled->rules = NULL;
  return report_or_queue(judge, sampled->known, trace, verdicts, true, error);
}

bt_status bt_trace_judge_take_sampled(bt_judge *judge, bt_sampled *sampled, const bt_trace *trace, const char *missing,
                                      bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bool is_known = false;
  bt_status status = BT_OK;
  if (trace && !bt_known_is_whole_in(&judge->table->traces[sampled->known], trace))
    note_contradiction(judge, sampled->known, trace);
  if (trace)
    status = evaluate_trace(judge, sampled->known, trace, &verdicts, &is_known, error);
  else if (sampled->violates)
    status = bt_account_fail_trace(judge->account, &judge->table->traces[sampled->known], missing, error);
  if (status != BT_OK) return status;
  if (is_known) return replace_sampled(judge, sampled, trace, verdicts, error);
  bt_judged *rules = sampled->rules;
  sampled->rules = NULL;
  return bt_delivery_take(judge, sampled->known, rules, error);
}

static bt_status judge_family(bt_judge *judge, size_t known, const bt_family *family, const bt_rule_verdict **verdicts,
                              bt_error *error) {
  bt_error why = {0};
  *verdicts = NULL;
  set_options(judge, known, family->traces[0].trace);
  bt_status status = bt_rule_evaluator_run_family(judge->evaluator, family, verdicts, &why);
  if (status == BT_OK) return BT_OK;
  *verdicts = NULL;
  if (status == BT_LIMIT)
    return bt_account_fail_trace(judge->account, &judge->table->traces[known], why.message, error);
  if (error) *error = why;
  return status;
}

/* The same family, with its own trace as the batch gave it. */
static bt_status judge_shown(bt_judge *judge, const bt_awaiting *of, const bt_family *family, bt_judged *out,
                             bt_error *error) {
  const bt_rule_verdict *verdicts;
  bt_family_trace *traces = bt_realloc_array(NULL, family->trace_count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  traces[0].trace = &of->shown;
  bt_status status = judge_family(judge, of->known, &(bt_family){.traces = traces, .trace_count = family->trace_count},
                                  &verdicts, error);
  *out = (bt_judged){.is_usable = verdicts != NULL};
  if (verdicts) out->verdict = verdict_of(judge, 0, &judge->table->traces[of->known], &of->shown, &verdicts[0]);
  free(traces);
  return status;
}

/* Links from one to another, which a batch does not show: who waits for a family as a batch showed it is read again. */
static bool has_own_links(const bt_family *family) {
  const bt_trace *own = family->traces[0].trace;
  const bt_link *link;
  bt_link_place place = {0};
  while ((link = bt_spans_next_link(own->spans, own->span_count, &place)))
    for (uint32_t t = 0; t < family->trace_count; t++)
      if (!bt_trace_id_compare(&link->trace_id, &family->traces[t].trace->id)) return true;
  return false;
}

/* Of one rule. */
static void compare_shown(bt_judge *judge, const bt_awaiting *of, const bt_judged *shown,
                          const bt_rule_verdict *verdict) {
  bt_judged rules = *shown;
  bool is_open = verdict->verdict == BT_INCONCLUSIVE;
  bool differs = !is_open && (shown->verdict.verdict == BT_VIOLATED) != (verdict->verdict == BT_VIOLATED);
  if (!shown->is_usable) return;
  judge->account->result->rules[0].sample_differences += differs;
  judge->sample_differences += differs;
  if (!differs || take_difference(judge, of->known, verdict->verdict == BT_VIOLATED))
    bt_comparisons_take(judge, &(bt_sampled){.known = of->known, .rules = &rules, .is_handed_over = true}, differs);
  else
    judge->comparisons.count++;
}

/* As any other trace that was read by id; what rests on a batch says so. */
static bt_status report_family(bt_judge *judge, const bt_awaiting *of, const bt_trace *trace,
                               const bt_rule_verdict *verdicts, bt_error *error) {
  bt_judged *rules = calloc(judge->plan->rule_count, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  bt_status status = fill_judged(judge, &judge->table->traces[of->known], trace, verdicts, true, rules, error);
  if (status != BT_OK) {
    bt_judged_free(rules, judge->plan->rule_count);
    return status;
  }
  judge->table->traces[of->known].flags |= BT_KNOWN_BY_ID; /* so the rule has all that a read by id would give */
  judge->comparisons.from_batches += of->is_shown;
  if (of->is_shown && rules[0].violation) rules[0].violation->confirmed_by_id = false;
  return bt_delivery_take(judge, of->known, rules, error);
}

/* With more memory, or less under way, it might be decided. */
static bt_status say_no_room(bt_judge *judge, size_t known, bt_error *error) {
  return bt_account_fail_trace(judge->account, &judge->table->traces[known],
                               "results_full: the traces that links tie to it do not fit into --memory-limit", error);
}

bt_status bt_trace_judge_take_family(bt_judge *judge, const bt_awaiting *of, const bt_family *family, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bt_judged shown = {.is_usable = false};
  bt_status status = BT_OK;
  if (!family)
    return bt_account_fail_trace(judge->account, &judge->table->traces[of->known],
                                 judge->questions->source_lost ? judge->questions->lost_reason
                                                               : "it was read once, and is not found any more",
                                 error);
  if (of->shown_room && !has_own_links(family)) status = judge_shown(judge, of, family, &shown, error);
  if (status == BT_OK) status = judge_family(judge, of->known, family, &verdicts, error);
  if (status != BT_OK || !verdicts) return status;
  compare_shown(judge, of, &shown, &verdicts[0]);
  if (judge->family_lacked_memory && awaits_links(judge, verdicts)) status = say_no_room(judge, of->known, error);
  if (status != BT_OK) return status;
  return report_family(judge, of, family->traces[0].trace, verdicts, error);
}
