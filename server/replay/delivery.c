/* Telling what was judged. See delivery.h. */
#include "server/replay/delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/replay/decider.h"
#include "server/replay/keeping_look.h"
#include "server/replay/replay_account.h"

static bool is_before(const bt_moment *a, const bt_moment *b) {
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id) < 0;
}

static void track_violation(bt_rule_result *result, const bt_trace_verdict *verdict) {
  bt_moment moment = {true, verdict->trace_id, verdict->violation_ns};
  result->violations_found++;
  if (!verdict->is_settled) result->violations_provisional++;
  result->violations_without_link += verdict->rests_on_no_link;
  if (!result->first_violation.is_set || is_before(&moment, &result->first_violation)) result->first_violation = moment;
  if (!result->last_violation.is_set || !is_before(&moment, &result->last_violation)) result->last_violation = moment;
}

static void track_inconclusive(bt_rule_result *result, const bt_trace_verdict *verdict) {
  result->inconclusive++;
  if (verdict->is_young && (!result->inconclusive_open++ || verdict->time_ns < result->open_ns))
    result->open_ns = verdict->time_ns;
  if (!result->first_inconclusive.is_set || verdict->time_ns < result->first_inconclusive.time_ns)
    result->first_inconclusive = (bt_moment){true, verdict->trace_id, verdict->time_ns};
}

static bool is_checked_unread(const bt_judge *judge, const bt_trace_verdict *verdict) {
  return verdict->is_settled && judge->decider->rules[verdict->rule].is_answered;
}

/* A violation in a trace that the searches had ruled out: Tempo's answers or the plan were wrong. It is reported,
 * and the answer is not complete, because others like it were not read. What a part of a range is asked for may lack
 * what makes a long trace a candidate; the whole is asked for afterwards. */
static void track_unread(bt_judge *judge, bt_rule_result *result, const bt_known *known,
                         const bt_trace_verdict *verdict) {
  const bt_replay_request *request = &judge->plan->request;
  bool is_asked_again = request->whole.start_ns < request->whole.end_ns && !request->is_shard;
  if (is_asked_again && known->flags & BT_KNOWN_LONG) return;
  if (!is_checked_unread(judge, verdict)) return;
  result->unread_sampled++;
  if (verdict->verdict != BT_VIOLATED) return;
  result->unread_differences++;
  judge->unread_differences++;
}

/* Of one that the searches had ruled out: what was read contradicts what they showed of it, or itself. Copies that do
 * not agree may be one to a search and another to a read, which says nothing of other traces. Nobody knows whether it
 * violates. */
static bool contradicts_searches(bt_judge *judge, size_t known, const bt_trace_verdict *verdict) {
  bool whole;
  const bt_known *k = &judge->table->traces[known];
  bool violates = verdict->verdict == BT_VIOLATED;
  bool is_open = k->flags & BT_KNOWN_CONTRADICTED && !violates;
  if (is_open) return !bt_decider_wants(judge->decider, known, &whole);
  if (!violates || !(k->flags & BT_KNOWN_COPIES) || !is_checked_unread(judge, verdict)) return false;
  bt_account_add_contradicted(judge->account, &k->matched.id, true);
  return true;
}

static bool was_shown_violating(const bt_judge *judge, size_t rule, const bt_known *known) {
  const uint64_t *violating = judge->decider->rules[rule].violating;
  return violating && bt_bit_get(violating, (size_t)(known - judge->table->traces));
}

static void track_verdict(bt_judge *judge, const bt_known *known, const bt_trace_verdict *verdict, bool was_wanted) {
  bt_rule_result *result = &judge->account->result->rules[verdict->rule];
  if (verdict->verdict == BT_VIOLATED) track_violation(result, verdict);
  if (verdict->verdict != BT_VIOLATED && was_shown_violating(judge, verdict->rule, known)) judge->spans_differ = true;
  if (verdict->is_settled && verdict->exercised == BT_TRUE) result->traces_exercised++;
  bt_keeping_count(judge, known, verdict);
  if (!was_wanted) track_unread(judge, result, known, verdict);
  if (was_wanted) result->traces_read++;
  if (verdict->is_settled && verdict->verdict == BT_INCONCLUSIVE) track_inconclusive(result, verdict);
}

/* Enough were told: from here on violations of traces that are later than all of these are counted alone. Those that
 * wait in the sample are told. */
static void track_listed(bt_judge *judge, size_t rule) {
  bt_rule_result *result = &judge->account->result->rules[rule];
  uint64_t most = judge->plan->request.most_listed;
  result->violations_listed++;
  if (most && result->violations_listed == most) result->listed_until_ns = judge->listed_ns[rule];
}

/* Takes the violation. An observer that is full is told nothing more, and the outcome says so; counting goes on. */
static bt_status tell_violation(bt_judge *judge, size_t rule, bt_violation *violation, bt_error *error) {
  bt_error why = {0};
  if (!judge->account->observer || !judge->account->observer->violation || judge->observer_full) {
    bt_violation_free(violation);
    return BT_OK;
  }
  bt_status status = judge->account->observer->violation(judge->account->observer->context, rule, violation, &why);
  if (status == BT_LIMIT) {
    judge->observer_full = true;
    snprintf(judge->full_reason, sizeof judge->full_reason, "%.190s", why.message);
    return BT_OK;
  }
  if (status == BT_OK)
    track_listed(judge, rule);
  else if (error)
    *error = why;
  return status;
}

/* Of a trace that is later than all that is listed. */
static bt_status tell_counted(const bt_judge *judge, const bt_trace_verdict *verdict, bt_error *error) {
  const bt_replay_observer *observer = judge->account->observer;
  bt_moment moment = {true, verdict->trace_id, verdict->violation_ns};
  bool is_told = observer && observer->counted && verdict->verdict == BT_VIOLATED && !judge->observer_full;
  return is_told ? observer->counted(observer->context, verdict->rule, &moment, error) : BT_OK;
}

bt_status bt_delivery_tell(const bt_replay_account *account, const bt_trace_verdict *verdict, bt_error *error) {
  if (!account->observer || !account->observer->verdict) return BT_OK;
  return account->observer->verdict(account->observer->context, verdict, error);
}

/* A trace counts once, whichever rules wait for the rest of it. */
static void track_open(bt_judge *judge, size_t known, const bt_judged *rules) {
  bool is_open = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    const bt_trace_verdict *verdict = &rules[i].verdict;
    bool is_missing = rules[i].is_usable && verdict->is_settled && verdict->is_young &&
                      verdict->verdict == BT_INCONCLUSIVE && bt_bit_get(judge->decider->rules[i].unread, known);
    if (!is_missing) continue;
    if ((!judge->account->result->open_traces && !is_open) || verdict->time_ns < judge->account->result->open_ns)
      judge->account->result->open_ns = verdict->time_ns;
    is_open = true;
  }
  judge->account->result->open_traces += is_open;
}

/* Takes the rule's violation. What was not wanted for a rule is not a candidate of it: unless it violates, that is
 * all there is to say. */
static bt_status deliver_rule(bt_judge *judge, size_t known, bt_judged *judged, bt_error *error) {
  bt_trace_verdict *verdict = &judged->verdict;
  bt_violation *violation = judged->violation;
  judged->violation = NULL;
  if (!judged->is_usable) return BT_OK;
  bool was_wanted = bt_bit_get(judge->decider->rules[verdict->rule].unread, known);
  bool is_contradicted = !was_wanted && contradicts_searches(judge, known, verdict);
  if (!was_wanted && verdict->verdict == BT_INCONCLUSIVE) verdict->verdict = BT_SATISFIED;
  if (is_contradicted) {
    verdict->verdict = BT_INCONCLUSIVE;
    bt_violation_free(violation);
    violation = NULL;
  }
  track_verdict(judge, &judge->table->traces[known], verdict, was_wanted);
  if (judge->notes && verdict->verdict != BT_NOT_APPLICABLE && (was_wanted || violation))
    bt_data_notes_count_verdict(judge->notes[verdict->rule], judged->hangs_on_ties);
  bt_status status =
      violation ? tell_violation(judge, verdict->rule, violation, error) : tell_counted(judge, verdict, error);
  return status == BT_OK ? bt_delivery_tell(judge->account, verdict, error) : status;
}

void bt_judged_free(bt_judged *rules, size_t count) {
  for (size_t i = 0; rules && i < count; i++) bt_violation_free(rules[i].violation);
  free(rules);
}

bt_status bt_delivery_take(bt_judge *judge, size_t known, bt_judged *rules, bt_error *error) {
  bt_status status = BT_OK;
  track_open(judge, known, rules);
  for (size_t i = 0; status == BT_OK && i < judge->plan->rule_count; i++)
    status = deliver_rule(judge, known, &rules[i], error);
  bt_judged_free(rules, judge->plan->rule_count);
  return status;
}

bool bt_judged_violates(const bt_judge *judge, const bt_judged *rules) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (rules[i].is_usable && rules[i].verdict.verdict == BT_VIOLATED) return true;
  return false;
}

/* ---- notes about the data ---- */

/* They need no more than the first of the traces: what a name selects does not change from one to the next, and a
 * replay of millions should not count on. */
enum { MOST_SPANS = 100000 }; /* that are looked at for each rule */

bt_status bt_rule_notes_open(bt_judge *judge, bt_error *error) {
  if (!judge->plan->takes_notes) return BT_OK;
  judge->notes = calloc(judge->plan->rule_count, sizeof(bt_data_notes *));
  if (!judge->notes) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < judge->plan->rule_count; i++)
    status = bt_data_notes_new(judge->plan->rules[i].definition->rule, &judge->notes[i], error);
  return status;
}

void bt_rule_notes_look(bt_judge *judge, const bt_trace *trace) {
  if (!judge->notes || judge->noted_spans >= MOST_SPANS) return;
  for (size_t i = 0; i < judge->plan->rule_count; i++) bt_data_notes_look(judge->notes[i], trace);
  judge->noted_spans += trace->span_count;
  judge->account->result->noted_traces++;
}

/* A sentence that is too long ends before a character that does not fit. */
static void keep_text(bt_str text, char out[BT_REPLAY_NOTE_BYTES]) {
  size_t length = text.len < BT_REPLAY_NOTE_BYTES ? text.len : BT_REPLAY_NOTE_BYTES - 1;
  while (length < text.len && length && ((unsigned char)text.ptr[length] & 0xC0) == 0x80) length--;
  snprintf(out, BT_REPLAY_NOTE_BYTES, "%.*s", (int)length, text.ptr);
}

static bt_status add_note(bt_replay_note **items, size_t *count, size_t rule, bt_range place, const bt_buffer *text,
                          bt_error *error) {
  bt_replay_note *grown = bt_realloc_array(*items, *count + 1, sizeof *grown);
  if (grown) *items = grown;
  if (!grown || text->failed) return bt_error_no_memory(error);
  grown[*count] = (bt_replay_note){.rule = rule, .place = place};
  keep_text(bt_buffer_str(text), grown[(*count)++].text);
  return BT_OK;
}

bt_status bt_replay_notes_say(const bt_data_notes *notes, size_t rule, bt_replay_note **items, size_t *count,
                              bt_error *error) {
  bt_buffer text = {0};
  bt_range place;
  bt_status status = BT_OK;
  for (size_t k = 0; status == BT_OK && *count < BT_REPLAY_NOTES_MAX; k++) {
    bt_buffer_clear(&text);
    if (!bt_data_notes_say(notes, k, &text, &place)) break;
    status = add_note(items, count, rule, place, &text, error);
  }
  bt_buffer_dispose(&text);
  return status;
}

/* Then traces that are not noted may have its names. */
static bool follows_links(const bt_judge *judge, size_t rule) {
  bt_link_reach reach = bt_link_reach_of(judge->plan->rules[rule].definition->rule);
  return !bt_link_reach_is_none(&reach);
}

/* Absent names are told only where all traces were read whole. */
static bool are_of_some(const bt_judge *judge, size_t rule) {
  return judge->plan->filters || judge->noted_spans >= MOST_SPANS || follows_links(judge, rule);
}

bt_status bt_rule_notes_conclude(bt_judge *judge, bt_error *error) {
  bt_replay_result *result = judge->account->result;
  bt_data_notes *const *whole = judge->plan->notes_of_whole;
  bt_status status = BT_OK;
  for (size_t i = 0; judge->notes && status == BT_OK && i < judge->plan->rule_count; i++) {
    if (are_of_some(judge, i)) bt_data_notes_are_of_some(judge->notes[i]);
    if (whole)
      bt_data_notes_add(whole[i], judge->notes[i]);
    else
      status = bt_replay_notes_say(judge->notes[i], i, &result->notes, &result->note_count, error);
  }
  return status;
}

void bt_rule_notes_dispose(bt_judge *judge) {
  for (size_t i = 0; judge->notes && i < judge->plan->rule_count; i++) bt_data_notes_free(judge->notes[i]);
  free(judge->notes);
}
