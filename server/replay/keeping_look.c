/* How the traces of a replay came to be kept. See keeping_look.h. */
#include "server/replay/keeping_look.h"

#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"

#define NO_TRACE SIZE_MAX
enum {
  AT_RANDOM = 8,
  SLICES = 16,
  PARTS = BT_ENTRY_ENOUGH,         /* of the range, for each service */
  VIOLATING = 8 * BT_ENTRY_SAMPLE, /* of all rules and services */
  LOOKED_AT = VIOLATING + BT_ENTRIES * PARTS
};
_Static_assert((int)AT_RANDOM + (int)SLICES <= (int)LOOKED_AT, "the first look has room");

static bool are_alike(const bt_kept_trace *a, const bt_kept_trace *b) {
  return a->kind == b->kind && a->probability == b->probability && a->by_policy == b->by_policy &&
         a->by_setting == b->by_setting && a->contradicts == b->contradicts && a->is_of_none == b->is_of_none;
}

/* Number of its way among those that were met, from 1. The last of the room is for all others: of these nothing is
 * known. */
static uint8_t number_of(bt_judge *judge, const bt_kept_trace *kept) {
  static const bt_kept_trace unclear = {.kind = BT_KEEPING_UNCLEAR, .is_of_none = true};
  size_t i = 0;
  while (i < judge->way_count && !are_alike(&judge->ways[i], kept)) i++;
  if (i == BT_KEPT_WAYS) return BT_KEPT_WAYS;
  if (i == judge->way_count) judge->ways[judge->way_count++] = i + 1 == BT_KEPT_WAYS ? unclear : *kept;
  return (uint8_t)(i + 1);
}

/* Each rule's policy is looked for in its name. */
static void note_policies(bt_judge *judge, const bt_trace *trace) {
  const bt_replay_plan *plan = judge->plan;
  bt_replay_result *result = judge->account->result;
  for (size_t i = 0; i < result->rule_count; i++)
    bt_policy_seen_look(&result->rules[i].policy, trace, plan->request.assumptions.lateness_ns);
}

void bt_keeping_note(bt_judge *judge, size_t known, const bt_trace *trace) {
  bt_known *k = &judge->table->traces[known];
  if (k->kept) return;
  bt_kept_trace kept = bt_kept_trace_of(trace, &judge->plan->sampling);
  k->kept = number_of(judge, &kept);
  bt_entry_services_look(judge->entries, k, &kept);
  bt_sampled_traces_add(&judge->account->result->coverage.sampling, trace, &kept);
  if (kept.by_policy) note_policies(judge, trace);
}

/* What violates a rule its policy would have kept. */
static void note_violator(const bt_judge *judge, const bt_known *known, const bt_trace_verdict *verdict) {
  const bt_assumptions *assume = &judge->plan->request.assumptions;
  int64_t end_ns = 0;
  if (known->flags & BT_KNOWN_MATCHED) end_ns = known->matched.end_ns;
  if (known->flags & BT_KNOWN_LISTED) end_ns = bt_time_later(end_ns, known->listed.end_ns);
  end_ns = bt_time_later(end_ns, verdict->time_latest_ns);
  bt_policy_seen_lacks(&judge->account->result->rules[verdict->rule].policy, bt_time_add(end_ns, assume->lateness_ns));
}

static void count_unread(const bt_judge *judge, const bt_known *known, size_t rule, bool violates, bool exercises) {
  if (violates) bt_entry_services_count_violation(judge->entries, judge->table, rule, known);
  if (exercises) bt_entry_services_count_exercised(judge->entries, rule, known);
}

void bt_keeping_count(const bt_judge *judge, const bt_known *known, const bt_trace_verdict *verdict) {
  bt_rule_result *result = &judge->account->result->rules[verdict->rule];
  bool exercises = verdict->is_settled && verdict->exercised == BT_TRUE;
  if (!known->kept) {
    count_unread(judge, known, verdict->rule, verdict->verdict == BT_VIOLATED, exercises);
    return;
  }
  const bt_kept_trace *kept = &judge->ways[known->kept - 1];
  if (verdict->verdict == BT_VIOLATED) bt_kept_traces_add(&result->violations_kept, kept, 1);
  if (verdict->verdict == BT_VIOLATED && kept->is_of_none) note_violator(judge, known, verdict);
  if (exercises) bt_kept_traces_add(&result->exercised_kept, kept, 1);
}

/* ---- a look ---- */

typedef struct look {
  bt_judge *judge;
  size_t known[LOOKED_AT];
  bt_trace_id ids[LOOKED_AT];
  bool answered[LOOKED_AT];
  size_t count;
} look;

static bool is_here(const bt_judge *judge, const bt_known *known) {
  if (known->flags & BT_KNOWN_OWN || known->kept) return false;
  bt_place place = bt_trace_table_place(judge->table, known);
  return place == BT_PLACE_SETTLED || place == BT_PLACE_TAIL;
}

static int64_t start_of(const bt_known *known) {
  return known->flags & BT_KNOWN_LISTED ? known->listed.start_ns : known->matched.start_ns;
}

/* Rates are changed by the hour, so each part of the range is looked at that has traces. */
static size_t slice_of(const bt_judge *judge, const bt_known *known, size_t slices) {
  bt_time_range range = judge->plan->request.range;
  double part = (double)(start_of(known) - range.start_ns) / ((double)range.end_ns - (double)range.start_ns + 1);
  return part <= 0 ? 0 : part >= 1 ? slices - 1 : (size_t)(part * (double)slices);
}

static void add_chosen(look *l, size_t known) {
  for (size_t i = 0; i < l->count; i++)
    if (l->known[i] == known) return;
  if (l->count == LOOKED_AT) return;
  l->known[l->count] = known;
  l->ids[l->count++] = l->judge->table->traces[known].matched.id;
}

static void take_smallest(bt_keyed *first, bt_keyed item) {
  if (item.key < first->key) *first = item;
}

static void clear_slices(bt_keyed *slices, size_t count) {
  for (size_t s = 0; s < count; s++) slices[s] = (bt_keyed){UINT64_MAX, NO_TRACE};
}

static void add_slices(look *l, const bt_keyed *slices, size_t count) {
  for (size_t s = 0; s < count; s++)
    if (slices[s].known != NO_TRACE) add_chosen(l, slices[s].known);
}

/* Some of all, and one of each slice; what is asked every minute has the former alone. */
static void choose_traces(look *l) {
  bt_judge *judge = l->judge;
  bt_reservoir smallest = {.count = 0};
  bt_keyed of_slice[SLICES];
  clear_slices(of_slice, SLICES);
  for (size_t i = 0; i < judge->table->count; i++) {
    const bt_known *known = &judge->table->traces[i];
    if (!is_here(judge, known)) continue;
    bt_keyed item = {bt_replay_plan_sample_key(judge->plan, &known->matched.id), i};
    bt_reservoir_offer(&smallest, AT_RANDOM, item);
    take_smallest(&of_slice[slice_of(judge, known, SLICES)], item);
  }
  for (size_t i = 0; i < smallest.count; i++) add_chosen(l, smallest.items[i].known);
  if (!judge->plan->request.is_live) add_slices(l, of_slice, SLICES);
}

/* Of what rules counted without reading it, a sample for each service; as many as there is room for. */
static void choose_violating(look *l) {
  const bt_judge *judge = l->judge;
  for (size_t rule = 0; rule < judge->plan->rule_count; rule++)
    for (size_t i = 0; i < judge->entries->count; i++) {
      const bt_entry_count *count = &judge->entries->rules[rule][i];
      bool has_room = l->count + count->sample_count <= VIOLATING;
      for (uint32_t k = 0; has_room && k < count->sample_count; k++)
        if (!judge->table->traces[count->sample[k]].kept) add_chosen(l, count->sample[k]);
    }
}

/* And of all of each service one of each part of the range. */
static void choose_by_service(look *l) {
  bt_judge *judge = l->judge;
  bt_keyed of_slice[BT_ENTRIES][PARTS];
  for (size_t e = 0; e < BT_ENTRIES; e++) clear_slices(of_slice[e], PARTS);
  for (size_t i = 0; i < judge->table->count; i++) {
    const bt_known *known = &judge->table->traces[i];
    uint8_t number = is_here(judge, known) ? bt_entry_services_number(judge->entries, known) : BT_ENTRY_NONE;
    if (number == BT_ENTRY_NONE) continue;
    bt_keyed item = {bt_replay_plan_sample_key(judge->plan, &known->matched.id), i};
    take_smallest(&of_slice[number][slice_of(judge, known, PARTS)], item);
  }
  for (size_t e = 0; e < judge->entries->count; e++) add_slices(l, of_slice[e], PARTS);
}

static bt_status take_trace(void *context, const bt_read_trace *read, bt_error *error) {
  look *l = context;
  if (bt_replay_plan_is_cancelled(l->judge->plan)) return bt_replay_plan_cancelled(error);
  if (l->answered[read->index] || !read->trace || !read->trace->span_count) return BT_OK;
  l->answered[read->index] = true;
  bt_keeping_note(l->judge, l->known[read->index], read->trace);
  return BT_OK;
}

/* A service of which only sure ones were read may have others. */
static bool may_be_of_chance(const bt_sampled_traces *seen) {
  return bt_sampled_traces_known(seen) == BT_KEPT_BY_CHANCE || bt_sampled_traces_sure_alone(seen);
}

/* Reads that agree are held against none by id, so nothing of theirs was read whole. Where what was read whole says
 * that traces were sampled, others are looked at in any case: those that were read were chosen by what the rule asks
 * for, and may have been kept otherwise. */
static bool is_due(const bt_judge *judge) {
  const bt_replay_plan *plan = judge->plan;
  const bt_sampled_traces *seen = &judge->account->result->coverage.sampling;
  if (plan->is_static || plan->sampling.declared.kind == BT_SAMPLING_NONE ||
      plan->sampling.declared.kind == BT_SAMPLING_DECLARED || judge->questions->source_lost)
    return false;
  if (bt_kept_traces_count(&seen->kept)) return may_be_of_chance(seen);
  return !plan->request.is_live && (plan->keeps_trust ? !plan->trust.is_unsampled : plan->reads_agree);
}

/* ---- where batches show it ---- */

/* Moves those that are chosen out of what is only counted. */
static size_t take_out(const look *l, bt_known_list *later, bt_known_list *known) {
  size_t kept = 0;
  for (size_t i = 0; i < later->count; i++) {
    size_t item = later->items[i], k = 0;
    while (k < l->count && l->known[k] != item) k++;
    if (k < l->count)
      known->items[known->count++] = item;
    else
      later->items[kept++] = item;
  }
  return kept;
}

void bt_keeping_add(bt_judge *judge, bt_known_list *known, bt_known_list *later) {
  look l = {.judge = judge};
  if (!judge->plan->batches_show_kept || !judge->plan->judges_batches || !is_due(judge)) return;
  choose_traces(&l);
  later->count = take_out(&l, later, known);
  for (size_t i = 0; i < l.count; i++) {
    bt_known *chosen = &judge->table->traces[l.known[i]];
    if (chosen->flags & (BT_KNOWN_ASKED | BT_KNOWN_BY_ID | BT_KNOWN_SEEN)) continue;
    if (bt_trace_table_place(judge->table, chosen) != BT_PLACE_SETTLED) continue;
    chosen->flags |= BT_KNOWN_ASKED;
    judge->to_judge++;
    known->items[known->count++] = l.known[i];
  }
}

/* What is not read is not known: the answer does not rest on it. */
static bt_status ask_traces(look *l, bt_error *error) {
  bt_read_request request = bt_replay_plan_read(l->judge->plan, l->ids, l->count, l->judge->plan->search_range);
  request.by_id = true;
  bt_answer answer;
  bt_status status = bt_questions_read(l->judge->questions, &request, take_trace, l, false, &answer, error);
  if (status != BT_OK) return status;
  bool goes_on = answer.status != BT_CANCELLED && answer.status != BT_NO_MEMORY;
  if (!goes_on && error) *error = answer.why;
  return goes_on ? BT_OK : answer.status;
}

/* Where one probability was seen, that is the bound of all. */
static bool is_due_by_service(const bt_judge *judge) {
  const bt_sampled_traces *seen = &judge->account->result->coverage.sampling;
  return !judge->plan->request.is_live && may_be_of_chance(seen) && seen->kept.least < seen->kept.most;
}

static bt_status look_by_service(bt_judge *judge, bt_error *error) {
  look l = {.judge = judge};
  choose_violating(&l);
  choose_by_service(&l);
  return l.count ? ask_traces(&l, error) : BT_OK;
}

bt_status bt_keeping_look(bt_judge *judge, bt_error *error) {
  if (!is_due(judge)) return BT_OK;
  look l = {.judge = judge};
  choose_traces(&l);
  bt_status status = l.count ? ask_traces(&l, error) : BT_OK;
  return status == BT_OK && is_due_by_service(judge) ? look_by_service(judge, error) : status;
}
